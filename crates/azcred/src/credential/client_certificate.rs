//! An application that proves who it is with a certificate.

use super::{Availability, Credential, TokenFuture};
use crate::{
    cache::MemoryCache,
    entra::{Grant, TokenEndpoint, certificate::ClientCertificate},
    error::Result,
    options::ClientOptions,
    request::TokenRequest,
    system::System,
    tenant::{ClientId, TenantId},
};
use futures_util::FutureExt;
use std::{fmt, sync::Arc};

/// Signs in as an application with its certificate: a statement signed with the private key goes out, the key stays.
pub struct ClientCertificateCredential {
    inner: Arc<Inner>,
    cache: MemoryCache,
}

struct Inner {
    endpoint: TokenEndpoint,
    certificate: ClientCertificate,
    send_chain: bool,
}

const NAME: &str = "ClientCertificateCredential";

impl ClientCertificateCredential {
    /// A credential for `client_id` in `tenant`. Asks nobody yet.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Invalid`] where the tenant stands for all tenants or the cloud can't be told. That the certificate is
    /// within its time is checked at every use.
    pub fn new(
        tenant: TenantId,
        client_id: ClientId,
        certificate: ClientCertificate,
        options: ClientOptions,
    ) -> Result<Self> {
        let cache = MemoryCache::new(options.system().clone());
        let endpoint = TokenEndpoint::new(tenant, client_id, options)?;
        Ok(Self {
            inner: Arc::new(Inner {
                endpoint,
                certificate,
                send_chain: false,
            }),
            cache,
        })
    }

    /// Sends the certificate with its chain (`x5c`), for applications that trust a subject name and issuer in place of one
    /// certificate, so that certificates can be rolled without registering each.
    #[must_use]
    pub fn with_chain(mut self, send_chain: bool) -> Self {
        if let Some(inner) = Arc::get_mut(&mut self.inner) {
            inner.send_chain = send_chain;
        }
        self
    }
}

impl Credential for ClientCertificateCredential {
    fn name(&self) -> &'static str {
        NAME
    }

    fn prepare(&self, _: &dyn System) -> Availability {
        Availability::Ready {
            using: format!(
                "the certificate of the application {}",
                self.inner.endpoint.client_id()
            ),
        }
    }

    fn get_token<'a>(&'a self, request: &'a TokenRequest) -> TokenFuture<'a> {
        self.cache.get(request, |request| {
            let inner = self.inner.clone();
            async move {
                let endpoint = &inner.endpoint;
                let now = endpoint.options().system().now();
                inner.certificate.check_validity(now)?;
                let assertion = inner.certificate.sign_assertion(
                    &endpoint.url(&request)?,
                    endpoint.client_id(),
                    now,
                    inner.send_chain,
                )?;
                endpoint
                    .ask(
                        NAME,
                        Grant::Assertion(assertion),
                        &request,
                        endpoint.deadline(),
                    )
                    .await
            }
            .boxed()
        })
    }
}

impl fmt::Debug for ClientCertificateCredential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct(NAME)
            .field("tenant", self.inner.endpoint.tenant())
            .field("client_id", self.inner.endpoint.client_id())
            .field("certificate", &self.inner.certificate)
            .finish_non_exhaustive()
    }
}
