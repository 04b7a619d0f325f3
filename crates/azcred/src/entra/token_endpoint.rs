//! The token endpoint: one form post for all credentials.

use super::{
    SentProof,
    openid::{self, Endpoints},
    token_answer::{self, PersonTokens, SentRequest},
};
use crate::{
    cloud::{Authority, Cloud},
    facts::{Error, ErrorKind, Fix, Result},
    http::{FormValue, HeaderName, HeaderValue, Http, HttpRequest, Retry},
    options::ClientOptions,
    request::TokenRequest,
    system::SharedSystem,
    tenant::{ClientId, TenantId},
    token::AccessToken,
};
use secrecy::SecretString;
use std::{sync::Arc, time::Duration};
use tokio::{sync::OnceCell, time::Instant};

/// What a token is requested with: an application's secret or assertion (RFC 6749 section 2.3.1,
/// RFC 7523 section 2.2), or what a person's sign-in returned (RFC 6749 section 6).
pub(crate) enum Grant {
    /// An application's secret.
    Secret(SecretString),
    /// An assertion that the application signed with its certificate's key.
    Signed(SecretString),
    /// An assertion of another issuer, which the application trusts.
    Federated(SecretString),
    /// A person's refresh token, held by a public client (a client without a secret).
    Refresh {
        /// The token.
        token: SecretString,
        /// Whose refresh token it is, as MSAL writes it: `OBJECT-ID.TENANT-ID`. Entra ID finds the
        /// account's data centre by it.
        home_account_id: Option<String>,
    },
    /// The code that a browser's sign-in returned (RFC 6749 section 4.1.3, RFC 7636 section 4.5).
    AuthorizationCode {
        /// The code.
        code: SecretString,
        /// The code verifier, which only the requester of the code knows.
        verifier: SecretString,
        /// The redirect address, exactly as it was sent before.
        redirect_uri: String,
    },
    /// A device code (RFC 8628 section 3.4).
    DeviceCode(SecretString),
}

impl Grant {
    fn proof(&self) -> SentProof {
        match self {
            Self::Secret(_) => SentProof::Secret,
            Self::Signed(_) => SentProof::Certificate,
            Self::Federated(_) => SentProof::FederatedToken,
            Self::Refresh { .. } | Self::AuthorizationCode { .. } | Self::DeviceCode(_) => {
                SentProof::Person
            }
        }
    }

    /// Whether the grant is a person's, so that a refresh token is returned too.
    fn is_persons(&self) -> bool {
        self.proof() == SentProof::Person
    }
}

/// The scopes that a person's request adds, as MSAL does, for a refresh token and an id token.
pub(crate) const WITH_REFRESH: &str = "openid profile offline_access";

/// The scopes of a person's request with those of [`WITH_REFRESH`], each once.
pub(crate) fn scopes_of_person(request: &TokenRequest) -> String {
    let mut scopes = request.joined_scopes();
    for scope in WITH_REFRESH.split(' ') {
        if !scopes.split(' ').any(|one| one == scope) {
            scopes = format!("{scopes} {scope}");
        }
    }
    scopes
}

const DEVICE_CODE: &str = "urn:ietf:params:oauth:grant-type:device_code";

/// Rejects `common`, `organizations` and `consumers`, in which an application has no account.
fn of_one_tenant(tenant: &TenantId) -> Result<()> {
    if !tenant.is_shared() {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::Invalid,
        format!("the tenant '{tenant}' is not valid"),
        "it means any tenant, but an application signs in to one tenant",
    )
    .with_fix(Fix::FindTenant))
}

/// An application in a tenant at an authority: the parts that all grants share.
#[derive(Clone, Debug)]
pub(crate) struct TokenEndpoint {
    cloud: Cloud,
    /// The endpoints that an OpenID provider published. They are requested once.
    discovered: Arc<OnceCell<Endpoints>>,
    tenant: TenantId,
    client_id: ClientId,
    options: ClientOptions,
}

impl TokenEndpoint {
    /// # Errors
    /// [`ErrorKind::Invalid`] if the cloud is unknown, or the tenant is `common`, `organizations`
    /// or `consumers`, in which no application has an account.
    pub(crate) fn new(
        tenant: TenantId,
        client_id: ClientId,
        options: ClientOptions,
    ) -> Result<Self> {
        let endpoint = Self::of_person(tenant, client_id, options)?;
        if !endpoint.cloud.is_openid_provider() {
            of_one_tenant(&endpoint.tenant)?;
        }
        Ok(endpoint)
    }

    /// The same for a person, whose tenant may be `organizations`, `common` or `consumers`.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] if the cloud is unknown.
    pub(crate) fn of_person(
        tenant: TenantId,
        client_id: ClientId,
        options: ClientOptions,
    ) -> Result<Self> {
        let cloud = options.cloud()?;
        if !cloud.is_openid_provider() {
            client_id.in_entra()?;
        }
        Ok(Self {
            cloud,
            discovered: Arc::default(),
            tenant,
            client_id,
            options,
        })
    }

    /// The same in another tenant.
    pub(crate) fn with_tenant(self, tenant: TenantId) -> Self {
        Self { tenant, ..self }
    }

    /// The same for another application.
    pub(crate) fn with_client_id(self, client_id: ClientId) -> Self {
        Self { client_id, ..self }
    }

    pub(crate) fn authority(&self) -> &Authority {
        self.cloud.authority()
    }

    pub(crate) fn tenant(&self) -> &TenantId {
        &self.tenant
    }

    pub(crate) fn client_id(&self) -> &ClientId {
        &self.client_id
    }

    pub(crate) fn options(&self) -> &ClientOptions {
        &self.options
    }

    fn http(&self) -> &Http {
        self.options.http()
    }

    fn system(&self) -> &SharedSystem {
        self.options.system()
    }

    pub(crate) fn deadline(&self) -> Duration {
        self.options.deadline()
    }

    /// The tenant of a request, if the credential allows it.
    pub(crate) fn tenant_of<'a>(&'a self, request: &'a TokenRequest) -> Result<&'a TenantId> {
        match request.tenant() {
            None => Ok(&self.tenant),
            Some(tenant) if tenant.as_str().eq_ignore_ascii_case(self.tenant.as_str()) => {
                Ok(&self.tenant)
            }
            Some(tenant) if self.options.allows_tenant(tenant) => {
                of_one_tenant(tenant)?;
                Ok(tenant)
            }
            Some(tenant) => Err(Error::new(
                ErrorKind::Invalid,
                format!("could not get a token in the tenant {tenant}"),
                format!("the credential is for the tenant {} only", self.tenant),
            )
            .with_fix(Fix::AllowTenant {
                tenant: tenant.to_string(),
            })),
        }
    }

    /// The endpoints for a request. An OpenID provider's are requested at the first call, within
    /// `deadline`, and stored. A failure is not stored.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] for a tenant that the credential does not allow; the errors of
    /// [`openid::discover`].
    pub(crate) async fn endpoints(
        &self,
        request: &TokenRequest,
        deadline: Duration,
    ) -> Result<Endpoints> {
        let tenant = self.tenant_of(request)?;
        if !self.cloud.is_openid_provider() {
            return Endpoints::of_entra("could not get a token", self.authority(), tenant.as_str());
        }
        let discover = || openid::discover(self.http(), self.authority(), deadline);
        self.discovered.get_or_try_init(discover).await.cloned()
    }

    /// Adds a correlation id of ours. Errors show it, and the sign-in log can be searched for it.
    pub(super) fn with_request_id(request: HttpRequest) -> HttpRequest {
        match HeaderValue::from_str(&uuid::Uuid::new_v4().to_string()) {
            Ok(id) => request
                .with_header(HeaderName::from_static("client-request-id"), id)
                .with_header(
                    HeaderName::from_static("return-client-request-id"),
                    HeaderValue::from_static("true"),
                ),
            Err(_) => request,
        }
    }

    /// The authority in a sentence about a request, if it is not Azure's.
    fn of_authority(&self) -> String {
        match self.cloud.is_known() {
            true => String::new(),
            false => format!(" from {}", self.authority().host_and_port()),
        }
    }

    /// Requests a token. `who` is the credential's name, for errors.
    pub(crate) async fn request_token(
        &self,
        who: &str,
        grant: Grant,
        request: &TokenRequest,
        deadline: Duration,
    ) -> Result<AccessToken> {
        let tokens = self.request_tokens(who, &grant, request, deadline).await?;
        Ok(tokens.access)
    }

    /// Requests a token, with everything else that a person's sign-in returns.
    pub(crate) async fn request_tokens(
        &self,
        who: &str,
        grant: &Grant,
        request: &TokenRequest,
        deadline: Duration,
    ) -> Result<PersonTokens> {
        let started = Instant::now();
        let tenant = self.tenant_of(request)?;
        let url = self.endpoints(request, deadline).await?.token;
        let scopes = if grant.is_persons() {
            scopes_of_person(request)
        } else {
            request.joined_scopes()
        };
        let (grant_type, as_whom) = match grant {
            Grant::Secret(_) | Grant::Signed(_) | Grant::Federated(_) => {
                ("client_credentials", "as")
            }
            Grant::Refresh { .. } => ("refresh_token", "with a refresh token of"),
            Grant::AuthorizationCode { .. } => {
                ("authorization_code", "with a browser's sign-in for")
            }
            Grant::DeviceCode(_) => (DEVICE_CODE, "with a device code of"),
        };
        let what = format!(
            "{who} could not get a token{} for {} {as_whom} the application {}",
            self.of_authority(),
            request.scopes()[0].describe(),
            self.client_id
        );
        let mut form: Vec<(&str, FormValue<'_>)> = vec![
            ("client_id", self.client_id.as_str().into()),
            ("scope", scopes.as_str().into()),
            ("grant_type", grant_type.into()),
        ];
        let mut anchor = None;
        match grant {
            Grant::Secret(secret) => {
                form.push(("client_secret", secret.into()));
            }
            Grant::Signed(assertion) | Grant::Federated(assertion) => {
                form.push((
                    "client_assertion_type",
                    "urn:ietf:params:oauth:client-assertion-type:jwt-bearer".into(),
                ));
                form.push(("client_assertion", assertion.into()));
            }
            Grant::Refresh {
                token,
                home_account_id,
            } => {
                form.push(("refresh_token", token.into()));
                anchor = home_account_id
                    .as_ref()
                    .map(|id| format!("Oid:{}", id.replace('.', "@")));
            }
            Grant::AuthorizationCode {
                code,
                verifier,
                redirect_uri,
            } => {
                form.push(("code", code.into()));
                form.push(("code_verifier", verifier.into()));
                form.push(("redirect_uri", redirect_uri.as_str().into()));
            }
            Grant::DeviceCode(code) => {
                form.push(("device_code", code.into()));
            }
        }
        if grant.is_persons() {
            form.push(("client_info", "1".into()));
        }
        let claims = request.sent_claims();
        if let Some(claims) = &claims {
            form.push(("claims", FormValue::Plain(claims)));
        }
        let mut post = Self::with_request_id(HttpRequest::post_form(url, &form));
        if matches!(grant, Grant::DeviceCode(_)) {
            // A caller that waits for a person repeats the request itself, at the provider's
            // interval (RFC 8628 section 3.5).
            post = post.with_retry(Retry::NEVER);
        }
        if let Some(anchor) = anchor.and_then(|anchor| HeaderValue::from_str(&anchor).ok()) {
            post = post.with_header(HeaderName::from_static("x-anchormailbox"), anchor);
        }
        tracing::debug!(credential = who, authority = %self.authority(), %tenant, scopes, "asking for a token");
        let response = self
            .http()
            .send(&what, &post, deadline.saturating_sub(started.elapsed()))
            .await?;
        let secrets = post.secrets();
        let secrets: Vec<&str> = secrets.iter().map(|secret| secret.as_str()).collect();
        let answer = token_answer::read(
            &SentRequest {
                what: &what,
                proof: grant.proof(),
                client_id: self.client_id.as_str(),
                tenant: tenant.as_str(),
                scope: request.scopes()[0].resource(),
                secrets: &secrets,
                now: self.system().now(),
            },
            &response,
        );
        match &answer {
            Ok(tokens) => {
                tracing::debug!(credential = who, expires_on = %tokens.access.expires_on(), "got a token");
            }
            Err(error) => tracing::debug!(credential = who, %error, "got no token"),
        }
        answer
    }
}
