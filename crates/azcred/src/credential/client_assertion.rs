//! An application that proves its identity with an assertion of another issuer.

use super::{
    Availability,
    federation::{self, Audience, Requester},
    source::{Kept, TokenSource, credential},
};
use crate::{
    cache::{self, Identity},
    entra::{Grant, TokenEndpoint},
    facts::{Error, ErrorKind, Result, Used, UsedKind},
    options::ClientOptions,
    request::TokenRequest,
    system::System,
    tenant::{ClientId, TenantId},
    token::AccessToken,
};
use futures_util::{FutureExt, future::BoxFuture};
use secrecy::{ExposeSecret, SecretString};
use std::{fmt, future::Future, sync::Arc, time::Duration};
use tokio::time::{Instant, timeout};

/// Makes assertions: from a CI system's identity token, a Kubernetes cluster, a signing service.
///
/// It is called for every token, so that no expired assertion is used. Its future is dropped when
/// no caller waits and when the credential's deadline is over, so it must be cancel-safe.
///
/// Every `Fn() -> impl Future<Output = Result<SecretString>>` implements it.
pub trait AssertionSource: Send + Sync {
    /// A new assertion.
    ///
    /// # Errors
    /// Why there is no assertion; the credential returns the error unchanged.
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

/// Signs in as an application with a federated credential (workload identity federation) or any
/// assertion that you sign.
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
pub struct ClientAssertionCredential(Kept<Asserted>);

/// An application and the source of its assertions: the common part of workload identities and CI
/// systems.
pub(crate) struct Asserted {
    name: &'static str,
    using: Used,
    endpoint: TokenEndpoint,
    /// The audience of assertions, unless the federated credential has another.
    audience: Audience,
    source: Box<dyn AssertionSource>,
    subject: Subject,
}

/// Whom a source's assertions name.
pub(crate) enum Subject {
    /// Unknown: the subject may change from one assertion to the next. Tokens for them are not
    /// stored on the disk.
    Unknown,
    /// The same subject as long as these values are the same: the token service's address, and the
    /// secret with which it is called.
    Of {
        address: SecretString,
        secret: SecretString,
    },
    /// The subject that the assertion names, which can be read.
    Named,
}

const NAME: &str = "ClientAssertionCredential";

impl ClientAssertionCredential {
    /// A credential for `client_id` in `tenant`. Requests nothing yet.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] if the tenant is `common`, `organizations` or `consumers`, or the
    /// cloud is unknown.
    pub fn new(
        tenant: TenantId,
        client_id: ClientId,
        source: impl AssertionSource + 'static,
        options: ClientOptions,
    ) -> Result<Self> {
        let using = UsedKind::ClientAssertion.into();
        let system = options.system().clone();
        let audience = Audience::of(&options, Requester::Other)?;
        let source = (source, Subject::Unknown, audience);
        let source = Asserted::new(NAME, using, tenant, client_id, source, options)?;
        Ok(Self(Kept::new(Arc::new(source), system)))
    }
}

credential!(ClientAssertionCredential);

impl Asserted {
    /// The application `client_id` in `tenant`, under the name of its public credential.
    ///
    /// # Errors
    /// As [`ClientAssertionCredential::new`].
    pub(crate) fn new(
        name: &'static str,
        using: Used,
        tenant: TenantId,
        client_id: ClientId,
        (source, subject, audience): (impl AssertionSource + 'static, Subject, Audience),
        options: ClientOptions,
    ) -> Result<Self> {
        Ok(Self {
            name,
            using: using.of_application(&client_id, &tenant),
            audience,
            endpoint: TokenEndpoint::new(tenant, client_id, options)?,
            source: Box::new(source),
            subject,
        })
    }

    async fn token(&self, request: &TokenRequest) -> Result<AccessToken> {
        let started = Instant::now();
        let endpoint = &self.endpoint;
        let deadline = endpoint.deadline();
        let whose = format!("the application {}", endpoint.client_id());
        let identity = Identity::at(endpoint, self.name, whose, request)?;
        let mut at_hand = None;
        let identity = match &self.subject {
            Subject::Unknown => None,
            Subject::Of { address, secret } => Some(
                identity
                    .and(address.expose_secret())
                    .and(secret.expose_secret()),
            ),
            Subject::Named => {
                let assertion = at_hand.insert(self.assertion(deadline).await?);
                federation::FederatedClaims::of(assertion.expose_secret()).map(|claims| {
                    let [issuer, subject] = claims.of_whom();
                    identity.and(issuer).and(subject)
                })
            }
        };
        let left = deadline.saturating_sub(started.elapsed());
        let fetch = |left| self.request_token(at_hand, request, left);
        cache::through(endpoint.options(), identity, request, left, fetch).await
    }

    async fn assertion(&self, deadline: Duration) -> Result<SecretString> {
        let what = || {
            format!(
                "{} could not get an assertion for the application {}",
                self.name,
                self.endpoint.client_id()
            )
        };
        let assertion = timeout(deadline, self.source.assertion())
            .await
            .map_err(|_| {
                Error::new(
                    ErrorKind::Unreachable,
                    what(),
                    format!(
                        "its source returned none within {} s",
                        deadline.as_secs_f32()
                    ),
                )
                .with_fix("check the program that makes the assertion")
            })??;
        if assertion.expose_secret().trim().is_empty() {
            return Err(Error::new(
                ErrorKind::Invalid,
                what(),
                "its source returned an empty one",
            )
            .with_fix("check the program that makes the assertion"));
        }
        Ok(assertion)
    }

    async fn request_token(
        &self,
        at_hand: Option<SecretString>,
        request: &TokenRequest,
        deadline: Duration,
    ) -> Result<AccessToken> {
        let started = Instant::now();
        let assertion = match at_hand {
            Some(assertion) => assertion,
            None => self.assertion(deadline).await?,
        };
        let left = deadline.saturating_sub(started.elapsed());
        let grant = Grant::Federated(assertion.clone());
        let answer = self
            .endpoint
            .request_token(self.name, grant, request, left)
            .await;
        answer.map_err(|error| {
            let secret = match &self.subject {
                Subject::Of { secret, .. } => Some(secret.expose_secret()),
                Subject::Unknown | Subject::Named => None,
            };
            federation::with_both_sides(
                error,
                self.endpoint.client_id(),
                &self.audience,
                assertion.expose_secret(),
                secret,
            )
        })
    }
}

impl TokenSource for Asserted {
    fn name(&self) -> &'static str {
        self.name
    }

    fn look(&self, _: &dyn System) -> Availability {
        Availability::Ready {
            using: self.using.clone(),
        }
    }

    fn fetch(self: Arc<Self>, request: TokenRequest) -> BoxFuture<'static, Result<AccessToken>> {
        async move { self.token(&request).await }.boxed()
    }
}

impl fmt::Debug for Asserted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct(self.name)
            .field("tenant", self.endpoint.tenant())
            .field("client_id", self.endpoint.client_id())
            .finish_non_exhaustive()
    }
}
