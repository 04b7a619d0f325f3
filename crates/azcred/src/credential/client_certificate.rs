//! An application that proves its identity with a certificate.

use super::{
    Availability,
    source::{Kept, TokenSource, credential},
};
use crate::{
    cache::{self, Identity},
    entra::{Grant, TokenEndpoint, certificate::ClientCertificate},
    facts::{Result, Used, UsedKind},
    options::ClientOptions,
    request::TokenRequest,
    system::System,
    tenant::{ClientId, TenantId},
    token::AccessToken,
};
use futures_util::{FutureExt, future::BoxFuture};
use std::{fmt, sync::Arc, time::Duration};
use tokio::time::Instant;

/// Signs in as an application with its certificate. An assertion is signed with the private key;
/// the key is not sent.
///
/// The key is RSA with 2048, 3072 or 4096 bits. Entra ID accepts no elliptic curve, so a
/// certificate with a P-256, P-384 or P-521 key is an error when it is read.
pub struct ClientCertificateCredential(Kept<Certified>);

#[derive(Clone)]
struct Certified {
    /// The credential that errors name: this one, or one that uses this one.
    name: &'static str,
    endpoint: TokenEndpoint,
    certificate: ClientCertificate,
    send_chain: bool,
}

const NAME: &str = "ClientCertificateCredential";

impl ClientCertificateCredential {
    /// A credential for `client_id` in `tenant`. Requests nothing yet.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Invalid`] if the tenant is `common`, `organizations` or `consumers`, or
    /// the cloud is unknown. The certificate's validity is checked at every use.
    pub fn new(
        tenant: TenantId,
        client_id: ClientId,
        certificate: ClientCertificate,
        options: ClientOptions,
    ) -> Result<Self> {
        let system = options.system().clone();
        let endpoint = TokenEndpoint::new(tenant, client_id, options)?;
        let source = Certified {
            name: NAME,
            endpoint,
            certificate,
            send_chain: false,
        };
        Ok(Self(Kept::new(Arc::new(source), system)))
    }

    /// The same as a part of the credential `name`, which errors name.
    pub(super) fn called(self, name: &'static str) -> Self {
        Self(self.0.changed(|source| source.name = name))
    }

    /// Also sends the certificate's chain (`x5c`), for applications that trust a subject name and
    /// an issuer instead of one certificate. Their certificates can be rotated without registering
    /// each.
    #[must_use]
    pub fn with_chain(self) -> Self {
        Self(self.0.changed(|source| source.send_chain = true))
    }
}

credential!(ClientCertificateCredential);

impl TokenSource for Certified {
    fn name(&self) -> &'static str {
        NAME
    }

    fn look(&self, _: &dyn System) -> Availability {
        Availability::Ready {
            using: Used::new(UsedKind::ClientCertificate {
                variable: None,
                path: None,
            })
            .of_application(self.endpoint.client_id(), self.endpoint.tenant()),
        }
    }

    fn fetch(self: Arc<Self>, request: TokenRequest) -> BoxFuture<'static, Result<AccessToken>> {
        async move {
            let endpoint = &self.endpoint;
            let whose = format!("the application {}", endpoint.client_id());
            let identity = Identity::at(endpoint, NAME, whose, &request)?
                .and(self.certificate.thumbprint_sha256())
                .and([u8::from(self.send_chain)]);
            let fetch = |left| self.request_token(&request, left);
            let (options, deadline) = (endpoint.options(), endpoint.deadline());
            cache::through(options, Some(identity), &request, deadline, fetch).await
        }
        .boxed()
    }
}

impl Certified {
    async fn request_token(
        &self,
        request: &TokenRequest,
        deadline: Duration,
    ) -> Result<AccessToken> {
        let started = Instant::now();
        let endpoint = &self.endpoint;
        let now = endpoint.options().system().now();
        self.certificate
            .check_validity(now, Some(endpoint.client_id()))?;
        // The token endpoint is the audience of the assertion (RFC 7523 section 3).
        let url = endpoint.endpoints(request, deadline).await?.token;
        let assertion = self.certificate.sign_assertion(
            url.as_str(),
            endpoint.client_id(),
            now,
            self.send_chain,
        )?;
        let left = deadline.saturating_sub(started.elapsed());
        let grant = Grant::Signed(assertion);
        endpoint
            .request_token(self.name, grant, request, left)
            .await
    }
}

impl fmt::Debug for Certified {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct(NAME)
            .field("tenant", self.endpoint.tenant())
            .field("client_id", self.endpoint.client_id())
            .field("certificate", &self.certificate)
            .finish_non_exhaustive()
    }
}
