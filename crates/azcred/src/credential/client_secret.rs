//! An application that proves its identity with a secret.

use super::{
    Availability,
    source::{Kept, TokenSource, credential},
};
use crate::{
    cache::{self, Identity},
    entra::{Grant, TokenEndpoint},
    facts::{Error, ErrorKind, Fix, Result, Used, UsedKind},
    options::ClientOptions,
    request::TokenRequest,
    sieve::{fix_of_secret, oddity_of_secret},
    system::System,
    tenant::{ClientId, TenantId},
    token::AccessToken,
};
use futures_util::{FutureExt, future::BoxFuture};
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
pub struct ClientSecretCredential(Kept<ClientSecret>);

#[derive(Clone)]
struct ClientSecret {
    /// The credential that errors name: this one, or one that uses this one.
    name: &'static str,
    endpoint: TokenEndpoint,
    secret: SecretString,
}

const NAME: &str = "ClientSecretCredential";

impl ClientSecretCredential {
    /// A credential for `client_id` in `tenant`. Requests nothing yet.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] if the secret is empty, the tenant is `common`, `organizations` or
    /// `consumers`, or the cloud is unknown.
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
                format!("could not read the client secret of the application {client_id}"),
                "it is empty",
            )
            .with_fix(Fix::NewSecret {
                client_id: client_id.to_string(),
                variable: None,
            }));
        }
        let system = options.system().clone();
        let endpoint = TokenEndpoint::new(tenant, client_id, options)?;
        Ok(Self(Kept::new(
            Arc::new(ClientSecret {
                name: NAME,
                endpoint,
                secret,
            }),
            system,
        )))
    }

    /// The same as a part of the credential `name`, which errors name.
    pub(super) fn called(self, name: &'static str) -> Self {
        Self(self.0.changed(|source| source.name = name))
    }
}

credential!(ClientSecretCredential);

impl TokenSource for ClientSecret {
    fn name(&self) -> &'static str {
        NAME
    }

    fn look(&self, _: &dyn System) -> Availability {
        Availability::Ready {
            using: Used::new(UsedKind::ClientSecret { variable: None })
                .of_application(self.endpoint.client_id(), self.endpoint.tenant()),
        }
    }

    fn fetch(self: Arc<Self>, request: TokenRequest) -> BoxFuture<'static, Result<AccessToken>> {
        async move {
            let endpoint = &self.endpoint;
            let whose = format!("the application {}", endpoint.client_id());
            let identity =
                Identity::at(endpoint, NAME, whose, &request)?.and(self.secret.expose_secret());
            let fetch = |left| {
                let grant = Grant::Secret(self.secret.clone());
                endpoint.request_token(self.name, grant, &request, left)
            };
            let (options, deadline) = (endpoint.options(), endpoint.deadline());
            let got = cache::through(options, Some(identity), &request, deadline, fetch).await;
            got.map_err(|error| about(error, self.secret.expose_secret()))
        }
        .boxed()
    }
}

/// Whether an error says that a client secret is wrong.
pub(super) fn is_about_secret(error: &Error) -> bool {
    /// 'Invalid client secret provided', 'The provided client secret keys are expired', 'The
    /// request body must contain client_assertion or client_secret'.
    const CODES: [u32; 3] = [7_000_215, 7_000_222, 7_000_218];
    error.refusal().is_some_and(|refusal| match refusal.code {
        Some(code) => CODES.contains(&code),
        None => refusal.error == "invalid_client",
    })
}

/// Says first what is odd about a secret that was rejected.
fn about(error: Error, secret: &str) -> Error {
    match (oddity_of_secret(secret), fix_of_secret(secret, None)) {
        (Some(oddity), Some(fix)) if is_about_secret(&error) => error
            .with_why(format!("the secret that was sent is wrong: {oddity}"))
            .with_fix(fix),
        _ => error,
    }
}

impl fmt::Debug for ClientSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct(NAME)
            .field("tenant", self.endpoint.tenant())
            .field("client_id", self.endpoint.client_id())
            .finish_non_exhaustive()
    }
}
