//! Does a source return a token, and whose is it?

use crate::{
    doctor::{
        SignedIn,
        case::{Case, Finding},
        check::Check,
        checks::CheckId,
        report::Verdict,
    },
    error::{Error, Result},
    resource_manager::ResourceManager,
};
use azcred::{Principal, chain};
use std::sync::Arc;

/// The identity that signed in.
pub(in crate::doctor) struct Identity {
    pub(in crate::doctor) signed_in: SignedIn,
    /// Resource Manager, as this identity.
    pub(in crate::doctor) manager: ResourceManager,
    /// Whose token it is, where the token says so.
    pub(in crate::doctor) principal: azcred::Result<Principal>,
}

/// How the sign-in ended: the finding with which every other one begins.
pub(in crate::doctor) struct SignIn(pub(in crate::doctor) Result<Arc<Identity>>);

impl Finding for SignIn {
    async fn find(case: &Case<'_>) -> Self {
        let sign_in = async {
            let signed_in = (case.doctor.sign_in)().await.map_err(Error::token)?;
            let manager = ResourceManager::new(&signed_in.options, signed_in.credential.clone())?;
            let token = manager.token().await?;
            let principal = Principal::from_token(&token);
            Ok(Arc::new(Identity {
                signed_in,
                manager,
                principal,
            }))
        };
        Self(case.within("Signed in", sign_in).await)
    }
}

impl SignIn {
    /// Whose token it is.
    pub(in crate::doctor) fn principal(&self) -> Option<&Principal> {
        self.0.as_ref().ok()?.principal.as_ref().ok()
    }

    /// What every source of the chain did.
    pub(in crate::doctor) fn chain(&self) -> Option<Arc<chain::Report>> {
        match &self.0 {
            Ok(identity) => identity.signed_in.chain.clone(),
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
    /// There is no token, because of this source where it is one of a chain.
    Failed(Option<azcred::chain::Source>, Error),
}

impl SignInOutcome {
    fn of_error(error: Error) -> Self {
        let Some(report) = error.token_error().and_then(azcred::Error::report) else {
            return Self::Failed(None, error);
        };
        let failed = report.attempts.iter().find(|attempt| {
            matches!(
                attempt.verdict,
                chain::Verdict::NotExpected | chain::Verdict::Refused | chain::Verdict::Failed
            )
        });
        match failed {
            Some(attempt) => Self::Failed(Some(attempt.source), error),
            None => Self::NotSignedIn(error),
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

    fn tell(&self, outcome: SignInOutcome, _: &Case<'_>) -> Verdict {
        let identity = match outcome {
            SignInOutcome::SignedIn(identity) => identity,
            SignInOutcome::NotSignedIn(error) => {
                let mut verdict = Verdict::error("", &error);
                verdict.reason =
                    "no account is signed in here, and no credentials are set".to_owned();
                return verdict;
            }
            SignInOutcome::Failed(source, error) => {
                return Verdict::error(source.map_or("", azcred::chain::Source::id), &error);
            }
        };
        let SignedIn { source, using, .. } = &identity.signed_in;
        match &identity.principal {
            Ok(principal) => {
                let who = principal.describe();
                // The application is named once.
                let using = principal
                    .application_id
                    .as_ref()
                    .filter(|id| who.contains(id.as_str()))
                    .and_then(|id| using.strip_suffix(&format!(" of the application {id}")))
                    .unwrap_or(using);
                Verdict::ok(format!("{who}, from {source}: {using}"))
            }
            Err(error) => Verdict::warning(
                format!("from {source}: {using}"),
                format!("the token does not say whose it is: {}", error.why()),
            )
            .fix("nothing, if the identity provider is not Entra ID"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::{
        case::tests::{case, doctor},
        report::{Status, Subject},
    };
    use azcred::{
        AccessToken, Availability, ClientOptions, Credential, ErrorKind, TokenFuture, TokenRequest,
        system::Fixture,
    };
    use std::time::{Duration, SystemTime};

    /// A credential that returns this token.
    #[derive(Debug)]
    struct Fixed(AccessToken);

    impl Credential for Fixed {
        fn name(&self) -> &'static str {
            "fixed"
        }

        fn prepare(&self) -> Availability {
            Availability::Ready {
                using: "a token".to_owned(),
            }
        }

        fn get_token<'a>(&'a self, _: &'a TokenRequest) -> TokenFuture<'a> {
            TokenFuture::ready(Ok(self.0.clone()))
        }
    }

    fn signed_in(token: &str) -> SignInOutcome {
        let hour = Duration::from_secs(3600);
        let token = AccessToken::new(token.to_owned(), SystemTime::now(), hour, None);
        let options = ClientOptions::new(Fixture::new().shared());
        let credential = Arc::new(Fixed(token.clone()));
        let manager = ResourceManager::new(&options, credential.clone()).expect("it is plain");
        SignInOutcome::SignedIn(Arc::new(Identity {
            signed_in: SignedIn {
                options,
                credential,
                source: "environment",
                using: "AZURE_CLIENT_SECRET".to_owned(),
                tenant: None,
                chain: None,
            },
            manager,
            principal: Principal::from_token(&token),
        }))
    }

    fn tell(outcome: SignInOutcome) -> Verdict {
        let doctor = doctor();
        SignInCheck.tell(outcome, &case(&doctor))
    }

    #[test]
    fn an_identity_is_told_with_its_source() {
        // {"idtyp":"app","appid":"a-1","oid":"o","sub":"o"}
        let claims = "eyJpZHR5cCI6ImFwcCIsImFwcGlkIjoiYS0xIiwib2lkIjoibyIsInN1YiI6Im8ifQ";
        let verdict = tell(signed_in(&format!("e30.{claims}.x")));
        assert_eq!(verdict.status, Status::Ok);
        assert_eq!(
            verdict.detail,
            "service principal a-1, from environment: AZURE_CLIENT_SECRET"
        );
    }

    #[test]
    fn a_token_that_is_no_jwt_is_a_warning() {
        let verdict = tell(signed_in("opaque"));
        assert_eq!(verdict.status, Status::Warning);
        assert!(
            verdict.detail.starts_with("from environment"),
            "{verdict:?}"
        );
    }

    #[test]
    fn a_rejected_credential_and_one_that_is_not_there_are_told_apart() {
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
        let source = Some(azcred::chain::Source::Environment);
        let of_chain = tell(SignInOutcome::Failed(source, error(ErrorKind::Refused)));
        assert_eq!(of_chain.detail, "environment");
    }
}
