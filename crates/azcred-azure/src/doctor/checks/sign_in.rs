//! Does a source return a token, and whose is it?

use crate::{
    doctor::{
        case::{Case, Finding},
        check::Check,
        checks::CheckId,
        report::{Subject, Verdict},
    },
    error::{Error, Result},
    resource_manager::ResourceManager,
};
use azcred::{
    Principal, PrincipalKind, Session, TenantId, Used,
    chain::{self, Source},
    http::Http,
};
use std::sync::{Arc, OnceLock};

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
        let http = OnceLock::new();
        let sign_in = async {
            let session = case.doctor.session.clone();
            let session = session.open().await.map_err(Error::token)?;
            let _ = http.set(session.options().http().clone());
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
        let notes = http.get().map_or(&[][..], Http::notes);
        Self(result, notes.to_vec())
    }
}

impl Identity {
    /// The source of the token, and what the source used.
    fn source(&self) -> Option<(Source, &Used)> {
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
    NotSignedIn(Error),
    /// There is no token. If a chain ran, the source is the one that failed.
    Failed(Option<Source>, Error),
}

impl SignInOutcome {
    fn of_error(error: Error) -> Self {
        let Some(report) = error.token_error().and_then(azcred::Error::report) else {
            return Self::Failed(None, error);
        };
        match report.decisive().or_else(|| report.cause()) {
            Some(attempt) => Self::Failed(Some(attempt.source), error),
            None if Subject::from(&error) == Subject::NotSignedIn => Self::NotSignedIn(error),
            None => Self::Failed(None, error),
        }
    }
}

impl Check for SignInCheck {
    type Outcome = SignInOutcome;

    fn title(&self) -> &'static str {
        "sign in"
    }

    fn needs(&self) -> &'static [CheckId] {
        &[]
    }

    async fn examine(&self, case: &Case<'_>) -> Option<SignInOutcome> {
        Some(match &case.find::<SignIn>().await.0 {
            Ok(identity) => SignInOutcome::SignedIn(identity.clone()),
            Err(error) => SignInOutcome::of_error(error.clone()),
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
        SignInOutcome::NotSignedIn(error) => {
            let mut verdict = Verdict::error("", &error);
            verdict.reason = "no account is signed in here, and no credentials are set".to_owned();
            return verdict;
        }
        SignInOutcome::Failed(source, error) => {
            let source = source.map_or("", Source::id);
            let kind = error.token_error().map(azcred::Error::kind);
            return Verdict::error(failed(source, kind), &error);
        }
    };
    tell_identity(identity.source(), &identity.principal)
}

/// The failure of a source in a few words.
fn failed(source: &str, kind: Option<azcred::ErrorKind>) -> String {
    let what = match kind {
        Some(azcred::ErrorKind::Refused) => "rejected by Entra ID",
        Some(azcred::ErrorKind::Unreachable) => "no response",
        Some(azcred::ErrorKind::WrongAccount) => "not the expected account",
        _ => return source.to_owned(),
    };
    match source {
        "" => what.to_owned(),
        source => format!("{source}: {what}"),
    }
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
    use azcred::{AccessToken, ErrorKind, UsedKind};
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
        let refused = tell(SignInOutcome::of_error(error(ErrorKind::Refused)));
        assert_eq!(
            (refused.status, refused.subject, refused.reason.as_str()),
            (Status::Failed, Some(Subject::Refused), "because")
        );
        let absent = tell(SignInOutcome::NotSignedIn(error(ErrorKind::Unavailable)));
        assert_eq!(absent.subject, Some(Subject::NotSignedIn));
        assert_eq!(
            absent.reason,
            "no account is signed in here, and no credentials are set"
        );
        let source = Some(Source::Environment);
        let of_chain = tell(SignInOutcome::Failed(source, error(ErrorKind::Refused)));
        assert_eq!(of_chain.detail, "environment: rejected by Entra ID");
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
