//! Requests to a service of Azure with an identity's token. A call is one request or a limited
//! number of pages, within a deadline. It answers one claims challenge.

use crate::{
    error::{Error, ErrorKind, Result},
    refusal::{self, Sent},
    service_kind::ServiceKind,
    text::between,
};
use azcred::{
    AccessToken, ClientOptions, Cloud, Credential, Scope, TenantId, TokenRequest,
    http::{Http, HttpRequest, HttpResponse, Retry, Url, parse_url},
    system::SharedSystem,
};
use base64::{Engine, engine::general_purpose};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::{
    fmt,
    sync::Arc,
    time::{Duration, SystemTime},
};
use tokio::time::{Instant, timeout_at};
use uuid::Uuid;

/// The most pages of a list. Azure's pages have some hundred entries.
const PAGES: usize = 50;

/// A client of one service, for one identity.
#[derive(Clone)]
pub(crate) struct Service {
    kind: ServiceKind,
    http: Http,
    system: SharedSystem,
    pub(crate) cloud: Cloud,
    credential: Arc<dyn Credential>,
    scope: Scope,
    pub(crate) tenant: Option<TenantId>,
    deadline: Duration,
}

/// A value that a service returned, and details of its response.
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

impl<T> Response<T> {
    /// The response with another value.
    pub(crate) fn map<U>(self, change: impl FnOnce(T) -> U) -> Response<U> {
        Response {
            value: change(self.value),
            clock_skew: self.clock_skew,
            correlation_id: self.correlation_id,
        }
    }
}

/// What a request does.
#[derive(Clone)]
pub(crate) enum Verb {
    Get,
    /// With a JSON body.
    Put(String),
    /// With a JSON body.
    Patch(String),
    /// A POST with a JSON body that only reads.
    Query(String),
    /// With a JSON body. It has the same effect twice.
    Post(String),
    /// A POST with a JSON body that must not take effect twice. Without a response, it is unknown
    /// whether it took effect.
    Create(String),
    Delete,
}

impl Verb {
    /// Whether it changes something.
    fn changes(&self) -> bool {
        !matches!(self, Self::Get | Self::Query(_))
    }
}

/// A request.
#[derive(Clone)]
pub(crate) struct Call<'a> {
    /// The first line of its errors.
    pub(crate) what: &'a str,
    pub(crate) path: &'a str,
    pub(crate) query: &'a [(&'a str, &'a str)],
    pub(crate) verb: Verb,
}

#[derive(Deserialize)]
struct Page<T> {
    value: Vec<T>,
    #[serde(rename = "nextLink", alias = "@odata.nextLink", default)]
    next_link: Option<String>,
}

impl Service {
    /// A client for `credential` in the cloud of `options`. [`ClientOptions::deadline`] covers each
    /// call as a whole.
    ///
    /// # Errors
    /// [`ErrorKind::Token`] if the environment names a cloud that can't be used.
    pub(crate) fn new(
        kind: ServiceKind,
        options: &ClientOptions,
        credential: Arc<dyn Credential>,
    ) -> Result<Self> {
        let cloud = options.cloud().map_err(Error::token)?;
        let resource = match kind {
            ServiceKind::ResourceManager => cloud.resource_manager_audience(),
            ServiceKind::Graph => cloud.graph(),
        };
        let scope = Scope::from_resource(resource).map_err(Error::token)?;
        Ok(Self {
            kind,
            http: options.http().clone(),
            system: options.system().clone(),
            cloud,
            credential,
            scope,
            tenant: None,
            deadline: options.deadline(),
        })
    }

    /// A token for the service. It may be a cached one.
    pub(crate) async fn token(&self) -> Result<AccessToken> {
        let request = self.token_request();
        let token = self.credential.get_token(&request).await;
        token.map_err(Error::token)
    }

    fn token_request(&self) -> TokenRequest {
        let request = TokenRequest::new(self.scope.clone());
        match &self.tenant {
            Some(tenant) => request.with_tenant(tenant.clone()),
            None => request,
        }
    }

    /// Sends a request. Cancel-safe, as far as the service is: a request that was sent may have had
    /// its effect.
    pub(crate) async fn send<T: DeserializeOwned>(&self, call: &Call<'_>) -> Result<Response<T>> {
        let end = Instant::now() + self.deadline;
        let response = self.answer(call, self.address(call)?, end).await?;
        self.parse(call.what, &response)
    }

    /// Sends a request whose response has no value. Returns its status.
    pub(crate) async fn perform(&self, call: &Call<'_>) -> Result<Response<u16>> {
        let end = Instant::now() + self.deadline;
        let response = self.answer(call, self.address(call)?, end).await?;
        Ok(Response {
            value: response.status,
            clock_skew: response.clock_skew,
            correlation_id: refusal::correlation_id(&response),
        })
    }

    /// All entries of a list. Each request has the token, so links to the next page are followed
    /// within the service only. The number of pages is limited.
    pub(crate) async fn list<T: DeserializeOwned>(
        &self,
        call: &Call<'_>,
    ) -> Result<Response<Vec<T>>> {
        let end = Instant::now() + self.deadline;
        let mut address = self.address(call)?;
        let mut entries = Vec::new();
        for _ in 0..PAGES {
            let response = self.answer(call, address, end).await?;
            let page: Response<Page<T>> = self.parse(call.what, &response)?;
            entries.extend(page.value.value);
            let Some(link) = page.value.next_link.filter(|link| !link.is_empty()) else {
                return Ok(Response {
                    value: entries,
                    clock_skew: page.clock_skew,
                    correlation_id: page.correlation_id,
                });
            };
            address = self.linked(call, &link)?;
        }
        Err(Error::new(
            ErrorKind::Unexpected,
            call.what.to_owned(),
            format!("the list has more than {PAGES} pages"),
        ))
    }

    /// Sends a request, and returns the response as it is.
    pub(crate) async fn respond(&self, call: &Call<'_>) -> Result<HttpResponse> {
        self.respond_at(call, self.address(call)?).await
    }

    /// Sends a request to an address that a response has named: see [`Self::linked`].
    pub(crate) async fn respond_at(&self, call: &Call<'_>, address: Url) -> Result<HttpResponse> {
        self.answer(call, address, Instant::now() + self.deadline)
            .await
    }

    /// An address that a response has named. The token is sent there, so it must be the service's.
    pub(crate) fn linked(&self, call: &Call<'_>, link: &str) -> Result<Url> {
        let own = self.address(call)?;
        let is_own = |next: &Url| {
            next.origin() == own.origin() && next.username().is_empty() && next.password().is_none()
        };
        Url::parse(link).ok().filter(is_own).ok_or_else(|| {
            Error::new(
                ErrorKind::Unexpected,
                call.what.to_owned(),
                "the response links to another host, and the token would be sent there",
            )
            .with_fix("check that no proxy changes Azure's responses")
        })
    }

    /// The machine's time.
    pub(crate) fn now(&self) -> SystemTime {
        self.system.now()
    }

    /// The error that a response has, whatever its status is.
    pub(crate) async fn rejected(&self, call: &Call<'_>, response: &HttpResponse) -> Error {
        match self.token().await {
            Ok(token) => refusal::read(&self.sent(call, &token), response),
            Err(error) => error,
        }
    }

    fn sent<'a>(&'a self, call: &'a Call<'_>, token: &'a AccessToken) -> Sent<'a> {
        Sent {
            service: self.kind,
            what: call.what,
            path: call.path,
            audience: self.cloud.resource_manager_audience(),
            changes: call.verb.changes(),
            token,
            now: self.system.now(),
        }
    }

    /// The URL of a call, with each segment of its path encoded.
    fn address(&self, call: &Call<'_>) -> Result<Url> {
        let base = match self.kind {
            ServiceKind::ResourceManager => self.cloud.resource_manager(),
            ServiceKind::Graph => self.cloud.graph(),
        };
        let mut url = parse_url(call.what, base).map_err(|error| Error::transport(&error))?;
        if let Ok(mut segments) = url.path_segments_mut() {
            segments
                .pop_if_empty()
                .extend(call.path.split('/').filter(|segment| !segment.is_empty()));
        }
        if !call.query.is_empty() {
            url.query_pairs_mut().extend_pairs(call.query);
        }
        Ok(url)
    }

    /// Sends a request with a token. If the service responds with a claims challenge, requests a
    /// token with these claims and sends once more (Microsoft's page 'Claims challenges, claims
    /// requests, and client capabilities').
    async fn answer(&self, call: &Call<'_>, url: Url, end: Instant) -> Result<HttpResponse> {
        let Call { what, path, .. } = *call;
        let id = Uuid::new_v4().to_string();
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
            let sent = match &call.verb {
                Verb::Get => HttpRequest::get(url.clone()),
                Verb::Delete => HttpRequest::delete(url.clone()),
                Verb::Put(json) => HttpRequest::put_json(url.clone(), json.clone()),
                Verb::Patch(json) => HttpRequest::patch_json(url.clone(), json.clone()),
                Verb::Query(json) | Verb::Post(json) => {
                    HttpRequest::post_json(url.clone(), json.clone())
                }
                Verb::Create(json) => {
                    HttpRequest::post_json(url.clone(), json.clone()).with_retry(Retry::ONE_EFFECT)
                }
            };
            let mut sent = sent.with_text(self.kind.id_header(), &id);
            if call.query.contains(&("$count", "true")) {
                // What Graph calls an advanced query needs both.
                sent = sent.with_text("consistencylevel", "eventual");
            }
            let sent = sent.with_bearer(&token).ok_or_else(|| {
                Error::new(
                    ErrorKind::Unexpected,
                    what.to_owned(),
                    "the token has characters that a header can't hold",
                )
            })?;
            let left = end.saturating_duration_since(Instant::now());
            let response = self
                .http
                .send(what, &sent, left)
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
            if (200..300).contains(&response.status) {
                return Ok(response);
            }
            if let (401, None, Some(claims)) =
                (response.status, request.claims(), challenge(&response))
            {
                tracing::debug!(path, "{} sent a claims challenge", self.kind.name());
                request = request.with_claims(claims);
                continue;
            }
            return Err(refusal::read(&self.sent(call, &token), &response));
        }
    }

    /// Reads a response's value.
    pub(crate) fn parse<T: DeserializeOwned>(
        &self,
        what: &str,
        response: &HttpResponse,
    ) -> Result<Response<T>> {
        let correlation_id = refusal::correlation_id(response);
        match serde_json::from_slice(&response.body) {
            Ok(value) => Ok(Response {
                value,
                clock_skew: response.clock_skew,
                correlation_id,
            }),
            Err(_) => Err(refusal::unexpected(self.kind, what, response).with_answer(
                response.status,
                correlation_id,
                response.clock_skew,
            )),
        }
    }
}

/// A value as the JSON of a request.
pub(crate) fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

/// Whether a response repeats the token's secret part: its signature, or the whole token if it is
/// not a JWT.
fn repeats(response: &HttpResponse, token: &AccessToken) -> bool {
    response.repeats(token.secret().rsplit('.').next().unwrap_or_default())
}

impl fmt::Debug for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Service")
            .field("kind", &self.kind)
            .field("cloud", &self.cloud.name())
            .field("credential", &self.credential)
            .finish_non_exhaustive()
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
