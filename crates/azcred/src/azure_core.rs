//! Every credential as the official SDK takes one.

use crate::{
    credential::Credential,
    error::{Error, Result},
    request::TokenRequest,
    scope::Scope,
    token,
};
use arc_swap::ArcSwap;
use azure_core::credentials::{AccessToken, Secret, TokenCredential, TokenRequestOptions};
use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::{Arc, OnceLock},
};

/// A credential for clients of the official Azure SDK for Rust. Errors keep ours as their source.
///
/// ```no_run
/// # fn example() -> azcred::Result<()> {
/// use azcred::{AzureCoreCredential, ClientOptions, EnvironmentCredential};
/// use std::sync::Arc;
/// let credential = EnvironmentCredential::new(Default::default(), ClientOptions::default())?;
/// let for_any_client: Arc<dyn azure_core::credentials::TokenCredential> =
///     Arc::new(AzureCoreCredential::new(Arc::new(credential)));
/// # Ok(()) }
/// ```
pub struct AzureCoreCredential {
    credential: Arc<dyn Credential>,
    /// The SDK names its scopes as text at every call; those that it named before are not validated
    /// and hashed again. A client has one list of scopes, so the first is at hand without a look at
    /// what other threads change.
    first: OnceLock<Named>,
    others: ArcSwap<Vec<Named>>,
}

type Named = (Box<[Box<str>]>, TokenRequest);

/// A client names one scope, a program some; past this the list starts anew.
const REQUESTS_KEPT: usize = 32;

impl AzureCoreCredential {
    /// Wraps a credential.
    pub fn new(credential: Arc<dyn Credential>) -> Self {
        Self {
            credential,
            first: OnceLock::new(),
            others: ArcSwap::default(),
        }
    }

    /// The answer, where the scopes were named before and their token is there and good.
    fn at_once(&self, scopes: &[&str]) -> Option<azure_core::Result<AccessToken>> {
        if let Some((named, request)) = self.first.get()
            && is_named(named, scopes)
        {
            return self
                .credential
                .get_token(request)
                .try_ready()
                .ok()
                .map(into_official);
        }
        let others = self.others.load();
        let (_, request) = others.iter().find(|(named, _)| is_named(named, scopes))?;
        self.credential
            .get_token(request)
            .try_ready()
            .ok()
            .map(into_official)
    }

    fn request(&self, scopes: &[&str]) -> Result<TokenRequest> {
        let others = self.others.load();
        if let Some((_, request)) = self
            .first
            .get()
            .into_iter()
            .chain(others.iter())
            .find(|(named, _)| is_named(named, scopes))
        {
            return Ok(request.clone());
        }
        let [first, rest @ ..] = scopes else {
            return Err(no_scope());
        };
        let mut request = TokenRequest::new(Scope::new(*first)?);
        for scope in rest {
            request = request.and_scope(Scope::new(*scope)?);
        }
        let named: Named = (
            scopes.iter().map(|scope| Box::from(*scope)).collect(),
            request.clone(),
        );
        if let Err(named) = self.first.set(named) {
            self.others.rcu(|others| {
                let kept = if others.len() < REQUESTS_KEPT {
                    others.as_slice()
                } else {
                    &[]
                };
                [kept, std::slice::from_ref(&named)].concat()
            });
        }
        Ok(request)
    }
}

fn is_named(named: &[Box<str>], scopes: &[&str]) -> bool {
    named.len() == scopes.len()
        && named
            .iter()
            .zip(scopes)
            .all(|(one, other)| **one == **other)
}

fn into_official(answer: Result<token::AccessToken>) -> azure_core::Result<AccessToken> {
    match answer {
        Ok(token) => Ok(AccessToken::new(
            Secret::new(token.secret().to_owned()),
            token.expires_on(),
        )),
        Err(error) => {
            let text = error.to_string();
            Err(azure_core::Error::with_error(
                azure_core::error::ErrorKind::Credential,
                error,
                text,
            ))
        }
    }
}

fn no_scope() -> Error {
    Error::new(
        crate::ErrorKind::Invalid,
        "Asked for a token",
        "no scope was given",
    )
    .with_fix("give one, such as https://management.azure.com/.default")
}

/// Written out as `async_trait` writes it, so that a token at hand is answered without the state of
/// a longer wait.
impl TokenCredential for AzureCoreCredential {
    fn get_token<'life0, 'life1, 'life2, 'life3, 'async_trait>(
        &'life0 self,
        scopes: &'life1 [&'life2 str],
        _options: Option<TokenRequestOptions<'life3>>,
    ) -> Pin<Box<dyn Future<Output = azure_core::Result<AccessToken>> + Send + 'async_trait>>
    where
        'life0: 'async_trait,
        'life1: 'async_trait,
        'life2: 'async_trait,
        'life3: 'async_trait,
        Self: 'async_trait,
    {
        if let Some(answer) = self.at_once(scopes) {
            return Box::pin(std::future::ready(answer));
        }
        Box::pin(async move {
            let request = match self.request(scopes) {
                Ok(request) => request,
                Err(error) => return into_official(Err(error)),
            };
            into_official(self.credential.get_token(&request).await)
        })
    }
}

impl fmt::Debug for AzureCoreCredential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("AzureCoreCredential")
            .field(&self.credential)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Availability, TokenFuture, system::System};
    use std::time::{Duration, SystemTime};

    /// Gives the scopes that it was asked for as the token.
    #[derive(Debug)]
    struct Echo;

    impl Credential for Echo {
        fn name(&self) -> &'static str {
            "Echo"
        }
        fn prepare(&self, _: &dyn System) -> Availability {
            Availability::Ready {
                using: "nothing".into(),
            }
        }
        fn get_token<'a>(&'a self, request: &'a TokenRequest) -> TokenFuture<'a> {
            let (now, hour) = (SystemTime::UNIX_EPOCH, Duration::from_secs(3600));
            TokenFuture::ready(Ok(token::AccessToken::new(
                request.joined_scopes(),
                now,
                hour,
                None,
            )))
        }
    }

    #[tokio::test]
    async fn each_list_of_scopes_is_its_own_request_however_often_it_is_named() {
        let credential = AzureCoreCredential::new(Arc::new(Echo));
        for _ in 0..3 {
            for number in 0..REQUESTS_KEPT + 3 {
                let (one, two) = (format!("a{number}"), format!("b{number}"));
                let token = credential.get_token(&[&one, &two], None).await.unwrap();
                assert_eq!(token.token.secret(), format!("{one} {two}"));
                assert_eq!(token.expires_on.unix_timestamp(), 3600);
            }
        }
        assert!(credential.others.load().len() <= REQUESTS_KEPT);
    }

    #[tokio::test]
    async fn a_bad_scope_is_a_credential_error_with_ours_as_its_source() {
        for scopes in [&[][..], &["a b"][..]] {
            let error = AzureCoreCredential::new(Arc::new(Echo))
                .get_token(scopes, None)
                .await
                .unwrap_err();
            assert!(matches!(
                error.kind(),
                azure_core::error::ErrorKind::Credential
            ));
            let source = std::error::Error::source(&error).unwrap();
            assert!(source.downcast_ref::<Error>().is_some(), "{error:?}");
        }
    }
}
