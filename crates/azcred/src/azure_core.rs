//! Adapts every credential to the official Azure SDK.

use crate::{
    credential::Credential,
    facts::{Error, Result},
    request::TokenRequest,
    scope::Scope,
    token,
};
use arc_swap::ArcSwap;
use azure_core::credentials::{AccessToken, Secret};
use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::{Arc, OnceLock},
};

/// An `Arc<dyn Credential>` for clients of the official Azure SDK for Rust. A credential of a
/// concrete type needs no wrapper: it is a `TokenCredential` itself. The SDK's errors have azcred's
/// as their source.
///
/// ```no_run
/// # fn example(chosen: std::sync::Arc<dyn azcred::Credential>) -> azcred::Result<()> {
/// use azcred::{AzureCoreCredential, ClientOptions, chain::Chain};
/// use azure_core::credentials::TokenCredential;
/// use std::sync::Arc;
/// let for_any_client: Arc<dyn TokenCredential> = Arc::new(Chain::new(ClientOptions::default()));
/// let so_is_this: Arc<dyn TokenCredential> = Arc::new(AzureCoreCredential::new(chosen));
/// # Ok(()) }
/// ```
pub struct AzureCoreCredential {
    credential: Arc<dyn Credential>,
    requests: Requests,
}

impl AzureCoreCredential {
    /// Wraps a credential.
    pub fn new(credential: Arc<dyn Credential>) -> Self {
        Self {
            credential,
            requests: Requests::default(),
        }
    }
}

/// The requests that a client made before.
///
/// The SDK passes scopes as text at every call. Scopes that were passed before are not validated
/// and hashed again. A client usually has one list of scopes, so the first is stored where no other
/// thread writes.
#[derive(Default)]
pub(crate) struct Requests {
    first: OnceLock<KnownRequest>,
    others: ArcSwap<Vec<KnownRequest>>,
}

type KnownRequest = (Box<[Box<str>]>, TokenRequest);

/// A client passes few lists of scopes. At this number, the list is emptied.
const REQUESTS_KEPT: usize = 32;

/// The return type of the SDK's trait.
pub(crate) type SdkFuture<'a> =
    Pin<Box<dyn Future<Output = azure_core::Result<AccessToken>> + Send + 'a>>;

impl Requests {
    /// A token for the scopes, in the SDK's types. A cached token is returned without the larger
    /// future of a request.
    pub(crate) fn get_token<'a>(
        &'a self,
        credential: &'a dyn Credential,
        scopes: &'a [&'a str],
    ) -> SdkFuture<'a> {
        if let Some(answer) = self.at_once(credential, scopes) {
            return Box::pin(std::future::ready(answer));
        }
        Box::pin(async move {
            let request = match self.request(scopes) {
                Ok(request) => request,
                Err(error) => return into_official(Err(error)),
            };
            into_official(credential.get_token(&request).await)
        })
    }

    /// The cached token, if the scopes were passed before and the token is valid.
    fn at_once(
        &self,
        credential: &dyn Credential,
        scopes: &[&str],
    ) -> Option<azure_core::Result<AccessToken>> {
        let at_hand = |request| {
            let token = credential.get_token(request).try_ready().ok()?;
            Some(into_official(token))
        };
        if let Some((named, request)) = self.first.get()
            && is_named(named, scopes)
        {
            return at_hand(request);
        }
        let others = self.others.load();
        let (_, request) = others.iter().find(|(named, _)| is_named(named, scopes))?;
        at_hand(request)
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
        let named: KnownRequest = (
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
        "could not get a token",
        "no scope was given",
    )
    .with_fix("give one, such as https://management.azure.com/.default")
}

/// Implements the SDK's `TokenCredential`. `$parts` returns the credential's `Requests` and the
/// credential. The code is what `async_trait` would generate.
macro_rules! token_credential {
    ($name:ident, |$credential:ident| $parts:expr) => {
        #[cfg_attr(docsrs, doc(cfg(feature = "azure_core")))]
        impl ::azure_core::credentials::TokenCredential for $name {
            fn get_token<'life0, 'life1, 'life2, 'life3, 'async_trait>(
                &'life0 self,
                scopes: &'life1 [&'life2 str],
                _options: Option<::azure_core::credentials::TokenRequestOptions<'life3>>,
            ) -> $crate::azure_core::SdkFuture<'async_trait>
            where
                'life0: 'async_trait,
                'life1: 'async_trait,
                'life2: 'async_trait,
                'life3: 'async_trait,
                Self: 'async_trait,
            {
                let $credential = self;
                let (requests, credential) = $parts;
                requests.get_token(credential, scopes)
            }
        }
    };
}
pub(crate) use token_credential;

token_credential!(AzureCoreCredential, |wrapper| (
    &wrapper.requests,
    &wrapper.credential
));

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
    use crate::{
        Availability, AzcredCredential, AzureCliCredential, AzureDeveloperCliCredential,
        AzureMlOnBehalfOfCredential, AzurePipelinesCredential, AzurePowerShellCredential,
        ClientAssertionCredential, ClientCertificateCredential, ClientSecretCredential,
        DeviceCodeCredential, EnvironmentCredential, GitHubActionsCredential,
        InteractiveBrowserCredential, ManagedIdentityCredential, TokenFuture,
        VisualStudioCodeCredential, WorkloadIdentityCredential, chain::Chain,
    };
    use azure_core::credentials::TokenCredential;
    use std::time::{Duration, SystemTime};

    /// Returns the requested scopes as the token.
    #[derive(Debug)]
    struct Echo;

    impl Credential for Echo {
        fn name(&self) -> &'static str {
            "Echo"
        }
        fn prepare(&self) -> Availability {
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
        assert!(credential.requests.others.load().len() <= REQUESTS_KEPT);
    }

    #[test]
    fn every_credential_is_one_of_the_official_sdk_by_itself() {
        fn is_one<T: TokenCredential>() {}
        is_one::<AzcredCredential>();
        is_one::<AzureCliCredential>();
        is_one::<AzureDeveloperCliCredential>();
        is_one::<AzureMlOnBehalfOfCredential>();
        is_one::<AzurePipelinesCredential>();
        is_one::<AzurePowerShellCredential>();
        is_one::<Chain>();
        is_one::<ClientAssertionCredential>();
        is_one::<ClientCertificateCredential>();
        is_one::<ClientSecretCredential>();
        is_one::<DeviceCodeCredential>();
        is_one::<EnvironmentCredential>();
        is_one::<GitHubActionsCredential>();
        is_one::<InteractiveBrowserCredential>();
        is_one::<ManagedIdentityCredential>();
        is_one::<VisualStudioCodeCredential>();
        is_one::<WorkloadIdentityCredential>();
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
