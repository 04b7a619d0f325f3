//! The result of a person's sign-in: the tokens, and whose they are.

use super::{Expected, IdClaims, PersonTokens, TokenEndpoint, id_claims, id_token::Unfit};
use crate::{
    facts::{Error, ErrorKind, Fix, Result},
    request::TokenRequest,
};
use secrecy::{ExposeSecret, SecretString};

/// A person's tokens, and whose they are.
pub(crate) struct SignedIn {
    pub(crate) tokens: PersonTokens,
    pub(crate) claims: IdClaims,
}

impl TokenEndpoint {
    /// Reads whose tokens these are. `nonce` is the value that was sent with the request, if the
    /// flow can send one.
    ///
    /// # Errors
    /// [`ErrorKind::Unexpected`] if the response names no person or is of another sign-in; the
    /// errors of [`TokenEndpoint::endpoints`].
    pub(crate) async fn signed_in(
        &self,
        who: &str,
        tokens: PersonTokens,
        nonce: Option<&SecretString>,
        request: &TokenRequest,
    ) -> Result<SignedIn> {
        let unexpected = |unfit: Unfit| {
            let what = format!(
                "{who} could not read who signed in at {}",
                self.authority().host()
            );
            Error::new(ErrorKind::Unexpected, what, unfit.why).with_fix(if unfit.is_of_clock {
                Fix::SetClock
            } else {
                "check AZURE_AUTHORITY_HOST, and that no proxy answers instead".into()
            })
        };
        let Some(id_token) = &tokens.id_token else {
            let why = "the authority returned no id token";
            return Err(unexpected(why.into()));
        };
        let endpoints = self.endpoints(request, self.deadline()).await?;
        let expected = Expected {
            client_id: self.client_id().as_str(),
            nonce: nonce.map(ExposeSecret::expose_secret),
            issuer: endpoints.issuer.as_deref(),
            tenant: request.tenant().unwrap_or(self.tenant()).as_str(),
            now: self.options().system().now(),
        };
        match id_claims(id_token, &expected) {
            Ok(claims) => Ok(SignedIn { tokens, claims }),
            Err(unfit) => Err(unexpected(unfit)),
        }
    }
}
