//! What the checks share: the doctor's settings, the deadline, and the responses.

use super::{
    Doctor,
    checks::sign_in::{Identity, SignIn},
};
use crate::{
    error::{Error, ErrorKind, Result},
    workspace::WorkspaceRef,
};
use azcred::Principal;
use std::{
    any::{Any, TypeId},
    collections::HashMap,
    future::Future,
    sync::{Arc, Mutex, PoisonError},
};
use tokio::{
    sync::OnceCell,
    time::{Instant, timeout_at},
};

/// A value that is found out once and read by several checks: a response, or what follows from one.
/// Its type identifies it.
pub(super) trait Finding: Send + Sync + Sized + 'static {
    /// Finds the value out. It may read other findings, unless one of them reads this one.
    fn find(case: &Case<'_>) -> impl Future<Output = Self> + Send;
}

/// One run of the doctor.
pub(super) struct Case<'a> {
    /// The doctor's settings.
    pub(super) doctor: &'a Doctor,
    /// The deadline of requests. It is a moment before the checks' own, so that a check can still
    /// say which request was too slow.
    pub(super) end: Instant,
    findings: Mutex<HashMap<TypeId, Arc<dyn Any + Send + Sync>>>,
}

impl<'a> Case<'a> {
    pub(super) fn new(doctor: &'a Doctor, end: Instant) -> Self {
        Self {
            doctor,
            end,
            findings: Mutex::default(),
        }
    }

    /// A finding. The first caller starts it, and all wait for it. Cancel-safe.
    pub(super) async fn find<F: Finding>(&self) -> Arc<F> {
        let cell = {
            let mut findings = self.findings.lock().unwrap_or_else(PoisonError::into_inner);
            findings
                .entry(TypeId::of::<F>())
                .or_insert_with(|| Arc::new(OnceCell::<Arc<F>>::new()))
                .clone()
        };
        let Ok(cell) = cell.downcast::<OnceCell<Arc<F>>>() else {
            unreachable!("a finding's type is its key")
        };
        cell.get_or_init(|| async { Arc::new(F::find(self).await) })
            .await
            .clone()
    }

    /// A finding, if it is known already.
    pub(super) fn found<F: Finding>(&self) -> Option<Arc<F>> {
        let findings = self.findings.lock().unwrap_or_else(PoisonError::into_inner);
        let cell = findings.get(&TypeId::of::<F>())?;
        cell.downcast_ref::<OnceCell<Arc<F>>>()?.get().cloned()
    }

    /// The identity that signed in, if the sign-in worked.
    pub(super) async fn identity(&self) -> Option<Arc<Identity>> {
        self.find::<SignIn>().await.0.as_ref().ok().cloned()
    }

    /// The identity that signed in, or why the sign-in failed.
    pub(super) async fn identity_or_error(&self) -> Result<Arc<Identity>> {
        self.find::<SignIn>().await.0.clone()
    }

    /// The token's principal, if there is a token and it names one.
    pub(super) fn principal(&self) -> Option<Principal> {
        self.found::<SignIn>()?.principal().cloned()
    }

    /// The workspace, or why none is known.
    pub(super) fn workspace_or_error(&self) -> Result<&'a WorkspaceRef> {
        match &self.doctor.workspace {
            Ok(located) => Ok(&located.workspace),
            Err(error) => Err(error.clone()),
        }
    }

    /// The workspace, if one is known.
    pub(super) fn workspace(&self) -> Option<&'a WorkspaceRef> {
        self.workspace_or_error().ok()
    }

    /// The result of `request`, or an error if the time is over. `what` is the error's first line.
    pub(super) async fn within<T>(
        &self,
        what: &'static str,
        request: impl Future<Output = Result<T>>,
    ) -> Result<T> {
        timeout_at(self.end, request).await.unwrap_or_else(|_| {
            let error = Error::new(
                ErrorKind::Unreachable,
                what,
                "there was no response before the time for all checks ran out",
            );
            Err(error.with_fix("check the network; if it needs a proxy, set HTTPS_PROXY"))
        })
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::locate::Located;
    use azcred::{
        Session,
        system::Fixture,
        workspace::{Named, locate},
    };
    use std::path::Path;

    /// A doctor without an identity, for a workspace that a job's variables name.
    pub(in crate::doctor) fn doctor() -> Doctor {
        let job = Fixture::new()
            .with_var(
                "AZUREML_ARM_SUBSCRIPTION",
                "5ec0ffee-0001-4000-8000-000000000001",
            )
            .with_var("AZUREML_ARM_RESOURCEGROUP", "rg")
            .with_var("AZUREML_ARM_WORKSPACE_NAME", "ws-job");
        let located = locate(&job, Path::new("/"), &Named::default());
        let located = located.expect("it is valid").expect("it is there");
        doctor_for(Ok(located))
    }

    pub(in crate::doctor) fn doctor_for(workspace: Result<Located>) -> Doctor {
        let session = Session::builder().at(Fixture::new().shared(), "/");
        Doctor::new(session, workspace)
    }

    pub(in crate::doctor) fn case(doctor: &Doctor) -> Case<'_> {
        Case::new(doctor, Instant::now() + std::time::Duration::from_secs(1))
    }

    struct Counted(usize);

    static FOUND: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(0);

    impl Finding for Counted {
        async fn find(_: &Case<'_>) -> Self {
            tokio::task::yield_now().await;
            Self(FOUND.fetch_add(1, std::sync::atomic::Ordering::SeqCst))
        }
    }

    #[tokio::test]
    async fn a_finding_is_requested_once_for_all_checks() {
        let doctor = doctor();
        let case = case(&doctor);
        assert!(case.found::<Counted>().is_none());
        let (one, other) = tokio::join!(case.find::<Counted>(), case.find::<Counted>());
        assert_eq!((one.0, other.0), (0, 0));
        assert!(case.found::<Counted>().is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_without_a_response_ends_with_the_time_for_all_checks() {
        let doctor = doctor();
        let hangs = std::future::pending::<Result<()>>();
        let error = case(&doctor)
            .within("could not read it", hangs)
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unreachable);
        assert_eq!(error.what(), "could not read it");
    }
}
