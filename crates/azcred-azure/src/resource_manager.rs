//! The client of Azure Resource Manager. A call is one request or a limited number of pages, within
//! a deadline. It answers one claims challenge.

use crate::{
    error::{Error, ErrorKind, Result},
    permissions::{Permission, Permissions},
    refusal::{self, Sent},
    text::between,
    workspace::{WorkspaceRef, subscription_id},
};
use azcred::{
    AccessToken, ClientOptions, Cloud, Credential, Scope, TenantId, TokenRequest, Untrusted,
    http::{Http, HttpRequest, HttpResponse, Url, parse_url},
    system::SharedSystem,
};
use base64::{Engine, engine::general_purpose};
use serde::{Deserialize, de::DeserializeOwned};
use std::{fmt, sync::Arc, time::Duration};
use tokio::time::{Instant, timeout_at};

/// The API versions of the requests: the newest ones that the national clouds support too.
pub mod api_version {
    /// Subscriptions and resource groups (Microsoft.Resources).
    pub const RESOURCES: &str = "2022-12-01";
    /// Azure Machine Learning (Microsoft.MachineLearningServices).
    pub const MACHINE_LEARNING: &str = "2024-04-01";
    /// Permissions (Microsoft.Authorization).
    pub const AUTHORIZATION: &str = "2022-04-01";
}

/// The most pages of a list. Azure's pages have some hundred entries.
const PAGES: usize = 50;

/// A client of one cloud's Resource Manager, for one identity.
#[derive(Clone)]
pub struct ResourceManager {
    http: Http,
    system: SharedSystem,
    cloud: Cloud,
    credential: Arc<dyn Credential>,
    scope: Scope,
    tenant: Option<TenantId>,
    deadline: Duration,
}

/// A value that Resource Manager returned, and details of its response.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Response<T> {
    /// The value.
    pub value: T,
    /// The difference between Azure's clock and this machine's, in seconds. It is positive if this
    /// machine is behind.
    pub clock_skew: Option<i64>,
    /// The request's id for Microsoft's support and the activity log.
    pub correlation_id: Option<String>,
}

/// A subscription.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Subscription {
    /// The subscription's GUID.
    pub subscription_id: Untrusted,
    /// The name.
    #[serde(default)]
    pub display_name: Untrusted,
    /// `Enabled`, `Warned`, `PastDue`, `Disabled` or `Deleted`.
    #[serde(default)]
    pub state: Untrusted,
    /// The tenant's GUID.
    #[serde(default)]
    pub tenant_id: Option<Untrusted>,
    /// The tenants that manage the subscription for its owner (Azure Lighthouse); `None` if Azure
    /// does not say.
    #[serde(default)]
    pub managed_by_tenants: Option<Vec<ManagedByTenant>>,
}

/// A tenant that manages another tenant's subscription.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ManagedByTenant {
    /// The tenant's GUID.
    pub tenant_id: Untrusted,
}

/// An Azure Machine Learning workspace, with the fields that azcred uses.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Workspace {
    /// The resource id.
    pub id: Untrusted,
    /// The name.
    pub name: Untrusted,
    /// The region.
    #[serde(default)]
    pub location: Untrusted,
    /// The properties.
    #[serde(default)]
    pub properties: WorkspaceProperties,
}

/// The properties of a workspace.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct WorkspaceProperties {
    /// The GUID that the data plane uses.
    pub workspace_id: Option<Untrusted>,
    /// The name that people see.
    pub friendly_name: Option<Untrusted>,
    /// The id of its storage account.
    pub storage_account: Option<Untrusted>,
    /// Whether the workspace accepts requests from outside its network: `Enabled` or `Disabled`.
    pub public_network_access: Option<Untrusted>,
}

#[derive(Deserialize)]
struct Page<T> {
    value: Vec<T>,
    #[serde(rename = "nextLink", default)]
    next_link: Option<String>,
}

impl ResourceManager {
    /// A client for `credential` in the cloud of `options`. [`ClientOptions::deadline`] covers each
    /// call as a whole.
    ///
    /// # Errors
    /// [`ErrorKind::Token`] if the environment names a cloud that can't be used.
    pub fn new(options: &ClientOptions, credential: Arc<dyn Credential>) -> Result<Self> {
        let cloud = options.cloud().map_err(Error::token)?;
        let scope =
            Scope::from_resource(cloud.resource_manager_audience()).map_err(Error::token)?;
        Ok(Self {
            http: options.http().clone(),
            system: options.system().clone(),
            cloud,
            credential,
            scope,
            tenant: None,
            deadline: options.deadline(),
        })
    }

    /// Uses tokens of this tenant instead of the credential's own.
    #[must_use]
    pub fn in_tenant(mut self, tenant: TenantId) -> Self {
        self.tenant = Some(tenant);
        self
    }

    /// The cloud.
    pub fn cloud(&self) -> &Cloud {
        &self.cloud
    }

    /// A token for Resource Manager. It may be a cached one.
    ///
    /// # Errors
    /// [`ErrorKind::Token`].
    pub async fn token(&self) -> Result<AccessToken> {
        self.credential
            .get_token(&self.token_request())
            .await
            .map_err(Error::token)
    }

    fn token_request(&self) -> TokenRequest {
        let request = TokenRequest::new(self.scope.clone());
        match &self.tenant {
            Some(tenant) => request.with_tenant(tenant.clone()),
            None => request,
        }
    }

    /// One subscription.
    ///
    /// # Errors
    /// Any [`ErrorKind`]; [`ErrorKind::NotPermitted`] if the identity has no role in the
    /// subscription.
    pub async fn subscription(&self, id: &str) -> Result<Response<Subscription>> {
        let id = subscription_id(id)?;
        let what = format!("could not read the subscription {id}");
        self.get(
            &what,
            &format!("/subscriptions/{id}"),
            api_version::RESOURCES,
        )
        .await
    }

    /// The subscriptions that the identity can see in its tenant. The list may be empty.
    ///
    /// # Errors
    /// Any [`ErrorKind`].
    pub async fn subscriptions(&self) -> Result<Response<Vec<Subscription>>> {
        self.list(
            "could not list the subscriptions",
            "/subscriptions",
            api_version::RESOURCES,
        )
        .await
    }

    /// A workspace.
    ///
    /// # Errors
    /// Any [`ErrorKind`].
    pub async fn workspace(&self, workspace: &WorkspaceRef) -> Result<Response<Workspace>> {
        let what = format!("could not read the workspace {workspace}");
        self.get(
            &what,
            &workspace.resource_id(),
            api_version::MACHINE_LEARNING,
        )
        .await
    }

    /// The permissions of the identity at a scope, such as [`WorkspaceRef::resource_id`]: those of
    /// its roles there and above.
    ///
    /// # Errors
    /// Any [`ErrorKind`].
    pub async fn permissions(&self, scope: &str) -> Result<Response<Permissions>> {
        let path = format!("{scope}/providers/Microsoft.Authorization/permissions");
        let what = format!("could not read the identity's permissions at {scope}");
        let answer = self
            .list::<Permission>(&what, &path, api_version::AUTHORIZATION)
            .await?;
        Ok(Response {
            value: Permissions(answer.value),
            clock_skew: answer.clock_skew,
            correlation_id: answer.correlation_id,
        })
    }

    /// One resource at a path. `what` is the error's first line. Cancel-safe.
    ///
    /// # Errors
    /// Any [`ErrorKind`].
    pub async fn get<T: DeserializeOwned>(
        &self,
        what: &str,
        path: &str,
        api_version: &str,
    ) -> Result<Response<T>> {
        let end = Instant::now() + self.deadline;
        let response = self
            .send(what, path, self.address(what, path, api_version)?, end)
            .await?;
        parse(what, &response)
    }

    /// All entries of a list. Each request has the token, so links to the next page are followed
    /// within Resource Manager only. The number of pages is limited. Cancel-safe.
    ///
    /// # Errors
    /// Any [`ErrorKind`]; [`ErrorKind::Unexpected`] for a link to another host and for too many
    /// pages.
    pub async fn list<T: DeserializeOwned>(
        &self,
        what: &str,
        path: &str,
        api_version: &str,
    ) -> Result<Response<Vec<T>>> {
        let end = Instant::now() + self.deadline;
        let first = self.address(what, path, api_version)?;
        let mut address = first.clone();
        let mut entries = Vec::new();
        for _ in 0..PAGES {
            let response = self.send(what, path, address, end).await?;
            let page: Response<Page<T>> = parse(what, &response)?;
            entries.extend(page.value.value);
            let Some(link) = page.value.next_link.filter(|link| !link.is_empty()) else {
                return Ok(Response {
                    value: entries,
                    clock_skew: page.clock_skew,
                    correlation_id: page.correlation_id,
                });
            };
            address = Url::parse(&link)
                .ok()
                .filter(|next| next.origin() == first.origin() && next.username().is_empty() && next.password().is_none())
                .ok_or_else(|| {
                    Error::new(
                        ErrorKind::Unexpected,
                        what.to_owned(),
                        "the response links to a next page at another host, and the token would be sent there",
                    )
                    .with_fix("check that no proxy changes Azure's responses")
                })?;
        }
        Err(Error::new(
            ErrorKind::Unexpected,
            what.to_owned(),
            format!("the list has more than {PAGES} pages"),
        ))
    }

    /// The URL of a path, with each segment encoded.
    fn address(&self, what: &str, path: &str, api_version: &str) -> Result<Url> {
        let base = self.cloud.resource_manager();
        let mut url = parse_url(what, base).map_err(|error| Error::transport(&error))?;
        if let Ok(mut segments) = url.path_segments_mut() {
            segments
                .pop_if_empty()
                .extend(path.split('/').filter(|segment| !segment.is_empty()));
        }
        url.query_pairs_mut()
            .append_pair("api-version", api_version);
        Ok(url)
    }

    /// Sends a request with a token. If Azure responds with a claims challenge, requests a token
    /// with these claims and sends once more (Microsoft's page 'Claims challenges, claims requests,
    /// and client capabilities').
    async fn send(&self, what: &str, path: &str, url: Url, end: Instant) -> Result<HttpResponse> {
        let mut request = self.token_request();
        loop {
            let late = || {
                Error::new(
                    ErrorKind::Unreachable,
                    what.to_owned(),
                    "there was no token before the deadline",
                )
                .with_fix("check the network; if it needs a proxy, set HTTPS_PROXY")
            };
            let token = timeout_at(end, self.credential.get_token(&request))
                .await
                .map_err(|_| late())?
                .map_err(Error::token)?;
            let call = HttpRequest::get(url.clone())
                .with_bearer(&token)
                .ok_or_else(|| {
                    Error::new(
                        ErrorKind::Unexpected,
                        what.to_owned(),
                        "the token has characters that a header can't hold",
                    )
                })?;
            let left = end.saturating_duration_since(Instant::now());
            let response = self
                .http
                .send(what, &call, left)
                .await
                .map_err(|error| Error::transport(&error))?;
            if repeats(&response, &token) {
                return Err(Error::new(
                    ErrorKind::Unexpected,
                    what.to_owned(),
                    "the response repeats the token of the request, which Azure never does",
                )
                .with_fix(
                    "check that the address is Azure's, and that no proxy responds in its place",
                ));
            }
            if response.status == 200 {
                return Ok(response);
            }
            if let (401, None, Some(claims)) =
                (response.status, request.claims(), challenge(&response))
            {
                tracing::debug!(path, "Resource Manager sent a claims challenge");
                request = request.with_claims(claims);
                continue;
            }
            let sent = Sent {
                what,
                path,
                audience: self.cloud.resource_manager_audience(),
                token: &token,
                now: self.system.now(),
            };
            return Err(refusal::read(&sent, &response));
        }
    }
}

/// Whether a response repeats the token's secret part: its signature, or the whole token if it is
/// not a JWT.
fn repeats(response: &HttpResponse, token: &AccessToken) -> bool {
    response.repeats(token.secret().rsplit('.').next().unwrap_or_default())
}

impl fmt::Debug for ResourceManager {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResourceManager")
            .field("cloud", &self.cloud.name())
            .field("credential", &self.credential)
            .finish_non_exhaustive()
    }
}

fn parse<T: DeserializeOwned>(what: &str, response: &HttpResponse) -> Result<Response<T>> {
    let correlation_id = refusal::correlation_id(response);
    match serde_json::from_slice(&response.body) {
        Ok(value) => Ok(Response {
            value,
            clock_skew: response.clock_skew,
            correlation_id,
        }),
        Err(_) => Err(refusal::unexpected(what, response).with_answer(
            response.status,
            correlation_id,
            response.clock_skew,
        )),
    }
}

/// The claims of a challenge as JSON.
fn challenge(response: &HttpResponse) -> Option<String> {
    let header = response.header("www-authenticate")?;
    if !header.contains("insufficient_claims") {
        return None;
    }
    let encoded = between(header, "claims=\"", "\"")?;
    let engines = [
        &general_purpose::STANDARD,
        &general_purpose::STANDARD_NO_PAD,
        &general_purpose::URL_SAFE,
        &general_purpose::URL_SAFE_NO_PAD,
    ];
    let decoded = engines
        .into_iter()
        .find_map(|engine| engine.decode(encoded).ok())?;
    let claims = String::from_utf8(decoded).ok()?;
    serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(&claims).ok()?;
    Some(claims)
}
