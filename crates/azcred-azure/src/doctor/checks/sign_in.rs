//! Does a source return a token, and whose is it?

use super::{
    headline::{headline, tenant_variable},
    subscription_tenant::WorkspaceTenant,
    variables::WORKSPACES_TENANT,
};
use crate::{
    doctor::{
        case::{Case, Finding},
        check::Check,
        checks::CheckId,
        opened::Opened,
        report::{Area, Subject, Verdict},
    },
    error::{Error, Result},
    resource_manager::ResourceManager,
};
use azcred::{
    Fix, Principal, PrincipalKind, Session, TenantId, Used, UsedKind, azure_evidence,
    chain::{self, Attempt, Source},
    http::Http,
    system::System,
};
use std::sync::Arc;

/// The identity that signed in.
pub(in crate::doctor) struct Identity {
    pub(in crate::doctor) session: Session,
    /// Resource Manager, as this identity.
    pub(in crate::doctor) manager: ResourceManager,
    /// The token's principal, if the token names one.
    pub(in crate::doctor) principal: azcred::Result<Principal>,
    /// What each source of the chain did.
    chain: Option<Arc<chain::Report>>,
}

/// The result of the sign-in, on which all other findings depend.
pub(in crate::doctor) struct SignIn(
    pub(in crate::doctor) Result<Arc<Identity>>,
    /// What is set for the network and has no effect.
    Vec<String>,
);

impl Finding for SignIn {
    async fn find(case: &Case<'_>) -> Self {
        let opened = case.find::<Opened>().await;
        let sign_in = async {
            let session = opened.session.clone().map_err(Error::token)?;
            let manager = ResourceManager::new(session.options(), Arc::new(session.clone()))?;
            let token = session.token().await.map_err(Error::token)?;
            Ok(Arc::new(Identity {
                manager,
                principal: Principal::from_token(&token),
                chain: session.report(),
                session,
            }))
        };
        let result = case.within("Signed in", sign_in).await;
        let notes = opened.http().map_or(&[][..], Http::notes);
        Self(result, notes.to_vec())
    }
}

impl Identity {
    /// Whether the identity is that of a service principal in variables.
    pub(in crate::doctor) fn is_by_variables(&self) -> bool {
        matches!(self.source(), Some((Source::Environment, _)))
    }

    /// What the source of the token used.
    pub(in crate::doctor) fn used(&self) -> Option<&Used> {
        self.chain.as_deref()?.chosen()?.used.as_ref()
    }

    /// The source of the token, and what the source used.
    pub(in crate::doctor) fn source(&self) -> Option<(Source, &Used)> {
        let chosen = self.chain.as_deref()?.chosen()?;
        Some((chosen.source, chosen.used.as_ref()?))
    }

    /// The tenant in the variables of a service principal, if they were used.
    pub(in crate::doctor) fn expected_tenant(&self) -> Option<TenantId> {
        let (Source::Environment, used) = self.source()? else {
            return None;
        };
        TenantId::new(used.tenant.as_deref()?).ok()
    }
}

impl SignIn {
    /// The token's principal.
    pub(in crate::doctor) fn principal(&self) -> Option<&Principal> {
        self.0.as_ref().ok()?.principal.as_ref().ok()
    }

    /// What each source of the chain did.
    pub(in crate::doctor) fn chain(&self) -> Option<Arc<chain::Report>> {
        match &self.0 {
            Ok(identity) => identity.chain.clone(),
            Err(error) => error.token_error()?.report().cloned(),
        }
    }
}

pub(super) struct SignInCheck;

pub(super) enum SignInOutcome {
    /// A source returned the token of an identity.
    SignedIn(Arc<Identity>),
    /// No source of the chain has an identity on this machine.
    NotSignedIn {
        error: Error,
        /// Why this place has no identity of its own, if it is one that may have.
        place: Option<String>,
        /// Whether this machine's identity is switched off by `AZCRED_IMDS`.
        is_switched_off: bool,
    },
    /// There is no token.
    Failed {
        /// If a chain ran, the attempt that failed.
        attempt: Option<Box<Attempt>>,
        error: Error,
        /// The workspace's tenant, if the sign-in failed in another one.
        tenant: Option<String>,
    },
}

impl SignInOutcome {
    fn of_error(error: Error, system: Option<&dyn System>) -> Self {
        let failed = |attempt: Option<&Attempt>, error| Self::Failed {
            attempt: attempt.cloned().map(Box::new),
            error,
            tenant: None,
        };
        let report = error.token_error().and_then(azcred::Error::report).cloned();
        let Some(report) = report else {
            return failed(None, error);
        };
        match report.decisive().or_else(|| report.cause()) {
            Some(attempt) => failed(Some(attempt), error),
            None if Subject::from(&error) == Subject::NotSignedIn => Self::NotSignedIn {
                place: system.and_then(|system| place(system, &error)),
                is_switched_off: system.is_some_and(is_switched_off),
                error,
            },
            None => failed(None, error),
        }
    }

    /// Adds the tenant of the workspace, if the sign-in failed in another one.
    async fn with_tenant(mut self, case: &Case<'_>) -> Self {
        if let Self::Failed {
            attempt: Some(attempt),
            tenant,
            ..
        } = &mut self
            && let (Some(used), Some(error)) = (&attempt.used, &attempt.error)
            && tenant_variable(used).is_some()
            && error.code().is_some_and(|code| OF_TENANT.contains(&code))
            && let Some(found) = &case.find::<WorkspaceTenant>().await.0
            && used
                .tenant
                .as_ref()
                .is_some_and(|own| !own.eq_ignore_ascii_case(found))
        {
            *tenant = Some(found.clone());
        }
        self
    }
}

impl Check for SignInCheck {
    type Outcome = SignInOutcome;

    fn area(&self) -> Area {
        Area::SignIn
    }

    fn title(&self) -> &'static str {
        "sign in"
    }

    fn needs(&self) -> &'static [CheckId] {
        &[
            CheckId::Network,
            CheckId::Clock,
            CheckId::SignInService,
            CheckId::Variables,
        ]
    }

    async fn examine(&self, case: &Case<'_>) -> Option<SignInOutcome> {
        Some(match &case.find::<SignIn>().await.0 {
            Ok(identity) => SignInOutcome::SignedIn(identity.clone()),
            Err(error) => {
                let system = case.system().ok();
                let outcome = SignInOutcome::of_error(error.clone(), system.as_deref());
                outcome.with_tenant(case).await
            }
        })
    }

    fn tell(&self, outcome: SignInOutcome, case: &Case<'_>) -> Verdict {
        let sign_in = case.found::<SignIn>();
        let notes = sign_in.iter().flat_map(|sign_in| &sign_in.1);
        notes.fold(tell_outcome(outcome), |verdict, note| {
            verdict.evidence("note", note)
        })
    }
}

fn tell_outcome(outcome: SignInOutcome) -> Verdict {
    let identity = match outcome {
        SignInOutcome::SignedIn(identity) => identity,
        SignInOutcome::NotSignedIn {
            error,
            place,
            is_switched_off,
        } => {
            let mut verdict = Verdict::error("", &error);
            verdict.reason = place.unwrap_or_else(|| NOT_SIGNED_IN.to_owned());
            if is_switched_off {
                let others = std::mem::take(&mut verdict.fixes).into_iter();
                let verdict = verdict.fix(others.fold(Fix::unset([IMDS]), Fix::or));
                return verdict.evidence("managed identity", format!("{IMDS} switches it off"));
            }
            return verdict;
        }
        SignInOutcome::Failed {
            attempt,
            error,
            tenant,
        } => {
            let used = attempt.as_ref().and_then(|attempt| attempt.used.as_ref());
            let detail = match (used, &attempt) {
                (Some(used), _) => used.describe(),
                (None, Some(attempt)) => attempt.source.to_string(),
                (None, None) => String::new(),
            };
            let mut verdict = Verdict::error(detail, &error);
            if let (Some(tenant), Some(variable)) = (tenant, used.and_then(tenant_variable)) {
                let set = Fix::set_to(variable, tenant.as_str());
                let others = std::mem::take(&mut verdict.fixes).into_iter();
                verdict = verdict.fix(others.fold(set, Fix::or));
                verdict = verdict.evidence(WORKSPACES_TENANT, tenant);
            }
            let Some(cause) = attempt.as_deref().and_then(headline) else {
                return verdict;
            };
            let said = std::mem::replace(&mut verdict.reason, cause);
            return match used.map(|used| &used.kind) {
                // It has the token's issuer, subject and audience.
                Some(
                    UsedKind::FederatedToken { .. }
                    | UsedKind::GitHubActions
                    | UsedKind::ServiceConnection { .. },
                ) => verdict.evidence("token", said),
                _ => verdict,
            };
        }
    };
    tell_identity(identity.source(), &identity.principal)
}

/// The variable that shows where this is, the source for that place, and what the place is.
pub(super) const PLACES: [(&str, Source, &str); 3] = [
    (
        "GITHUB_ACTIONS",
        Source::GitHubActions,
        "this GitHub Actions job",
    ),
    (
        "TF_BUILD",
        Source::AzurePipelines,
        "this Azure Pipelines job",
    ),
    (
        "KUBERNETES_SERVICE_HOST",
        Source::WorkloadIdentity,
        "this pod",
    ),
];

/// Switches the managed identity of virtual machines on or off.
const IMDS: &str = "AZCRED_IMDS";

/// Whether this is a machine in Azure, and its identity is switched off.
fn is_switched_off(system: &dyn System) -> bool {
    system
        .var(IMDS)
        .is_some_and(|wish| wish.trim().eq_ignore_ascii_case("never"))
        && azure_evidence(system).is_azure() == Some(true)
}

/// Rejections that a right application gets in the wrong tenant: it does not know the application,
/// or it does not exist.
const OF_TENANT: [u32; 3] = [700_016, 90_002, 900_023];

const NOT_SIGNED_IN: &str = "no account is signed in here, and no credentials are set";

/// Why a place that may have an identity of its own has none; `None` if this is no such place.
fn place(system: &dyn System, error: &Error) -> Option<String> {
    let report = error.token_error()?.report()?;
    PLACES.iter().find_map(|(variable, source, place)| {
        system.var(variable)?;
        let mut attempts = report.attempts.iter();
        let attempt = attempts.find(|attempt| attempt.source == *source)?;
        let error = attempt.error.as_ref()?;
        Some(format!("{place} has no identity: {}", error.why()))
    })
}

/// The words for a token, its source, and what the source used.
fn tell_identity(from: Option<(Source, &Used)>, principal: &azcred::Result<Principal>) -> Verdict {
    match principal {
        Ok(principal) => {
            let who = principal.describe();
            let Some((source, used)) = from else {
                return Verdict::ok(who);
            };
            // The application's id is shown once.
            let is_named = principal.name.is_none()
                && matches!(
                    principal.kind,
                    PrincipalKind::ServicePrincipal | PrincipalKind::ManagedIdentity
                );
            let application = principal.application_id.as_deref();
            let mut words = match application.is_some_and(|id| is_named && used.is_of(id)) {
                true => used.without_application(),
                false => used.describe(),
            };
            for other in &used.passed_over {
                words = format!("{words}; {other}");
            }
            Verdict::ok(match source {
                Source::Environment => format!("{who}, from the environment variable {words}"),
                _ => format!("{who}, from {source}: {words}"),
            })
        }
        Err(error) => Verdict::warning(
            from.map_or(String::new(), |(source, used)| {
                format!("from {source}: {used}")
            }),
            format!("the token does not say whose it is: {}", error.why()),
        )
        .fix("nothing, if the identity provider is not Entra ID"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::{
        case::tests::{case, doctor},
        report::Status,
    };
    use azcred::{AccessToken, ErrorKind};
    use std::time::{Duration, SystemTime};

    fn signed_in(token: &str) -> Verdict {
        let hour = Duration::from_secs(3600);
        let token = AccessToken::new(token.to_owned(), SystemTime::now(), hour, None);
        let variable = Some("AZURE_CLIENT_SECRET");
        let used = Used::new(UsedKind::ClientSecret { variable }).of_application("a-1", "t-1");
        let from = Some((Source::Environment, &used));
        tell_identity(from, &Principal::from_token(&token))
    }

    fn tell(outcome: SignInOutcome) -> Verdict {
        let doctor = doctor();
        SignInCheck.tell(outcome, &case(&doctor))
    }

    #[test]
    fn an_identity_is_shown_with_its_source() {
        // {"idtyp":"app","appid":"a-1","oid":"o","sub":"o"}
        let claims = "eyJpZHR5cCI6ImFwcCIsImFwcGlkIjoiYS0xIiwib2lkIjoibyIsInN1YiI6Im8ifQ";
        let verdict = signed_in(&format!("e30.{claims}.x"));
        assert_eq!(verdict.status, Status::Ok);
        assert_eq!(
            verdict.detail,
            "service principal a-1, from the environment variable AZURE_CLIENT_SECRET"
        );
    }

    #[test]
    fn a_token_that_is_not_a_jwt_is_a_warning() {
        let verdict = signed_in("opaque");
        assert_eq!(verdict.status, Status::Warning);
        assert!(
            verdict.detail.starts_with("from environment"),
            "{verdict:?}"
        );
    }

    #[test]
    fn a_rejected_credential_differs_from_a_missing_one() {
        let error = |kind| Error::token(azcred::Error::new(kind, "Sign in", "because"));
        let refused = tell(SignInOutcome::of_error(error(ErrorKind::Refused), None));
        assert_eq!(
            (refused.status, refused.subject, refused.reason.as_str()),
            (Status::Failed, Some(Subject::Refused), "because")
        );
        let absent = tell(SignInOutcome::NotSignedIn {
            error: error(ErrorKind::Unavailable),
            place: None,
            is_switched_off: false,
        });
        assert_eq!(absent.subject, Some(Subject::NotSignedIn));
        assert_eq!(
            absent.reason,
            "no account is signed in here, and no credentials are set"
        );
    }

    #[tokio::test]
    async fn what_is_set_for_the_network_and_has_no_effect_is_a_note() {
        let machine = azcred::system::Fixture::new()
            .with_var("AZURE_TENANT_ID", "contoso.com")
            .with_var("AZURE_CLIENT_ID", "c11e0000-0000-4000-8000-000000000001")
            .with_var("AZURE_CLIENT_SECRET", "s3cr3t")
            .with_var("HTTPS_PROXY", "socks://user:hunter2@proxy.example:1080")
            .with_var("NO_PROXY", "https://intranet.example");
        let session = Session::builder().at(machine.shared(), "/");
        let doctor = crate::doctor::Doctor::new(
            session,
            Err(Error::new(crate::error::ErrorKind::NotFound, "a", "b")),
        );
        let case = case(&doctor);
        let outcome = SignInCheck.examine(&case).await.unwrap();
        let verdict = SignInCheck.tell(outcome, &case);
        assert_eq!(verdict.status, Status::Failed);
        assert!(verdict.reason.contains("HTTPS_PROXY"), "{verdict:?}");
        assert!(!format!("{verdict:?}").contains("hunter2"), "{verdict:?}");
        let [note] = &verdict.evidence[..] else {
            panic!("{verdict:?}");
        };
        assert_eq!(note.name, "note");
        assert!(
            note.value
                .contains("'https://intranet.example' of NO_PROXY"),
            "{note:?}"
        );
    }
}
