//! An application that proves who it is with a secret.

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
use futures_util::FutureExt;
use secrecy::{ExposeSecret, SecretString};
use std::{fmt, sync::Arc};

/// Signs in as an application with its client secret.
///
/// ```no_run
/// # async fn example() -> azcred::Result<()> {
/// use azcred::{ClientId, ClientOptions, ClientSecretCredential, Credential, Scope, TenantId, TokenRequest};
/// let credential = ClientSecretCredential::new(
///     TenantId::new("contoso.onmicrosoft.com")?,
///     ClientId::new("11111111-2222-3333-4444-555555555555")?,
///     std::env::var("MY_SECRET").unwrap_or_default(),
///     ClientOptions::default(),
/// )?;
/// let token = credential.get_token(&TokenRequest::new(Scope::ARM)).await?;
/// # Ok(()) }
/// ```
pub struct ClientSecretCredential {
    inner: Arc<Inner>,
    cache: MemoryCache,
}

struct Inner {
    endpoint: TokenEndpoint,
    secret: SecretString,
}

const NAME: &str = "ClientSecretCredential";

impl ClientSecretCredential {
    /// A credential for `client_id` in `tenant`. Asks nobody yet.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] where the secret is empty, the tenant stands for all tenants, or the cloud can't be told.
    pub fn new(
        tenant: TenantId,
        client_id: ClientId,
        secret: impl Into<SecretString>,
        options: ClientOptions,
    ) -> Result<Self> {
        let secret = secret.into();
        if secret.expose_secret().trim().is_empty() {
            return Err(Error::new(
                ErrorKind::Invalid,
                format!("Read the client secret of the application {client_id}"),
                "it is empty",
            )
            .with_mend(format!(
                "make one with `az ad app credential reset --id {client_id} --append`"
            )));
        }
        let cache = MemoryCache::new(options.system().clone());
        let endpoint = TokenEndpoint::new(tenant, client_id, options)?;
        Ok(Self {
            inner: Arc::new(Inner { endpoint, secret }),
            cache,
        })
    }
}

impl Credential for ClientSecretCredential {
    fn name(&self) -> &'static str {
        NAME
    }

    fn prepare(&self, _: &dyn System) -> Availability {
        Availability::Ready {
            using: format!(
                "the secret of the application {}",
                self.inner.endpoint.client_id()
            ),
        }
    }

    fn get_token<'a>(&'a self, request: &'a TokenRequest) -> TokenFuture<'a> {
        self.cache.get(request, |request| {
            let inner = self.inner.clone();
            async move {
                let grant = Grant::Secret(inner.secret.clone());
                inner
                    .endpoint
                    .ask(NAME, grant, &request, inner.endpoint.deadline())
                    .await
            }
            .boxed()
        })
    }
}

impl fmt::Debug for ClientSecretCredential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct(NAME)
            .field("tenant", self.inner.endpoint.tenant())
            .field("client_id", self.inner.endpoint.client_id())
            .finish_non_exhaustive()
    }
}
