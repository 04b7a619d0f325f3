//! An application that proves who it is with a statement that somebody else signed.

use super::{Availability, Credential, TokenFuture};
use crate::{
    cache::MemoryCache,
    entra::{Grant, TokenEndpoint},
    error::{Error, ErrorKind, Result},
    options::ClientOptions,
    request::TokenRequest,
    system::System,
    tenant::{ClientId, TenantId},
};
use futures_util::{FutureExt, future::BoxFuture};
use secrecy::{ExposeSecret, SecretString};
use std::{fmt, future::Future, sync::Arc};
use tokio::time::{Instant, timeout_at};

/// Where assertions come from: an identity token of a CI system, of a Kubernetes cluster, of a signing service.
///
/// Asked anew for every token, so that an assertion never outlives its time. Its future is dropped when nobody waits for
/// it any more and when the credential's deadline is over, so it must be cancel-safe.
///
/// Any `Fn() -> impl Future<Output = Result<SecretString>>` is one.
pub trait AssertionSource: Send + Sync {
    /// A fresh assertion.
    ///
    /// # Errors
    /// Whatever kept the source from making one; it reaches the caller of the credential as it is.
    fn assertion(&self) -> BoxFuture<'static, Result<SecretString>>;
}

impl<F, A> AssertionSource for F
where
    F: Fn() -> A + Send + Sync,
    A: Future<Output = Result<SecretString>> + Send + 'static,
{
    fn assertion(&self) -> BoxFuture<'static, Result<SecretString>> {
        self().boxed()
    }
}

/// Signs in as an application with a federated credential (workload identity federation) or any assertion that you sign.
///
/// ```no_run
/// # async fn example() -> azcred::Result<()> {
/// use azcred::{ClientAssertionCredential, ClientId, ClientOptions, Credential, Scope, TenantId, TokenRequest};
/// # async fn from_my_ci() -> azcred::Result<secrecy::SecretString> { unreachable!() }
/// let credential = ClientAssertionCredential::new(
///     TenantId::new("contoso.onmicrosoft.com")?,
///     ClientId::new("11111111-2222-3333-4444-555555555555")?,
///     || from_my_ci(),
///     ClientOptions::default(),
/// )?;
/// let token = credential.get_token(&TokenRequest::new(Scope::ARM)).await?;
/// # Ok(()) }
/// ```
pub struct ClientAssertionCredential {
    inner: Arc<Inner>,
    cache: MemoryCache,
}

struct Inner {
    endpoint: TokenEndpoint,
    source: Box<dyn AssertionSource>,
}

const NAME: &str = "ClientAssertionCredential";

impl ClientAssertionCredential {
    /// A credential for `client_id` in `tenant`. Asks nobody yet, the source neither.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] where the tenant stands for all tenants or the cloud can't be told.
    pub fn new(
        tenant: TenantId,
        client_id: ClientId,
        source: impl AssertionSource + 'static,
        options: ClientOptions,
    ) -> Result<Self> {
        let cache = MemoryCache::new(options.system().clone());
        let endpoint = TokenEndpoint::new(tenant, client_id, options)?;
        Ok(Self {
            inner: Arc::new(Inner {
                endpoint,
                source: Box::new(source),
            }),
            cache,
        })
    }
}

impl Inner {
    async fn fetch(&self, request: &TokenRequest) -> Result<crate::AccessToken> {
        let started = Instant::now();
        let deadline = self.endpoint.deadline();
        let what = || {
            format!(
                "{NAME} asked for an assertion for the application {}",
                self.endpoint.client_id()
            )
        };
        let assertion = timeout_at(started + deadline, self.source.assertion()).await.map_err(|_| {
            Error::new(
                ErrorKind::Unreachable,
                what(),
                format!("its source gave none within {} s", deadline.as_secs_f32()),
            )
            .with_mend("look at what makes the assertion: a CI system's token service, a signing service")
        })??;
        if assertion.expose_secret().trim().is_empty() {
            return Err(Error::new(ErrorKind::Invalid, what(), "its source gave an empty one")
                .with_mend("look at what makes the assertion: a CI system's token service, a signing service"));
        }
        let left = deadline.saturating_sub(started.elapsed());
        self.endpoint
            .ask(NAME, Grant::Assertion(assertion), request, left)
            .await
    }
}

impl Credential for ClientAssertionCredential {
    fn name(&self) -> &'static str {
        NAME
    }

    fn prepare(&self, _: &dyn System) -> Availability {
        Availability::Ready {
            using: format!(
                "an assertion for the application {}",
                self.inner.endpoint.client_id()
            ),
        }
    }

    fn get_token<'a>(&'a self, request: &'a TokenRequest) -> TokenFuture<'a> {
        self.cache.get(request, |request| {
            let inner = self.inner.clone();
            async move { inner.fetch(&request).await }.boxed()
        })
    }
}

impl fmt::Debug for ClientAssertionCredential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct(NAME)
            .field("tenant", self.inner.endpoint.tenant())
            .field("client_id", self.inner.endpoint.client_id())
            .finish_non_exhaustive()
    }
}
