//! The user on whose behalf an Azure Machine Learning job runs. The compute returns tokens of that
//! user to the job.

use super::{
    Availability,
    source::{Kept, TokenSource, credential},
    token_service, variables,
};
use crate::{
    cache::{self, Identity},
    expiry,
    facts::{Error, ErrorKind, Result, Used, UsedKind},
    http::{Http, HttpRequest, HttpResponse, Url, near},
    options::ClientOptions,
    request::TokenRequest,
    sieve::tidied,
    system::System,
    token::AccessToken,
};
use futures_util::{FutureExt, future::BoxFuture};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value};
use std::{
    fmt,
    sync::Arc,
    time::{Duration, SystemTime},
};

/// Signs in as the user who submitted an Azure Machine Learning job with `identity: type:
/// user_identity`.
///
/// It sends the request of azure-ai-ml's `AzureMLOnBehalfOfCredential`. The endpoint serves one
/// user in one tenant and has no parameters for a request's tenant and claims, so they are not
/// sent.
pub struct AzureMlOnBehalfOfCredential(Kept<OnBehalfOf>);

struct OnBehalfOf {
    url: Url,
    /// Whether the job's variables say that it runs as its user. If not, only a request shows it.
    enabled: bool,
    /// The job's id. Its user does not change while it runs.
    run: Option<String>,
    http: Http,
    options: ClientOptions,
}

const NAME: &str = "AzureMLOnBehalfOfCredential";
const ENDPOINT: &str = "OBO_ENDPOINT";
const ENABLED: &str = "AZUREML_OBO_ENABLED";
/// The variable with the job's id.
const RUN: &str = "AZUREML_RUN_ID";
const WHAT: &str =
    "AzureMLOnBehalfOfCredential could not find the user of an Azure Machine Learning job";
const USER_IDENTITY: &str = "submit the job with its user's identity: `identity: {type: user_identity}` in the job's YAML, \
                             `identity=UserIdentityConfiguration()` in azure-ai-ml";
/// A longer lifetime is cut to this. More could overflow a clock.
const LONGEST: Duration = Duration::from_secs(366 * 24 * 60 * 60);

impl AzureMlOnBehalfOfCredential {
    /// A credential for the user of this job (`OBO_ENDPOINT`, `AZUREML_OBO_ENABLED`). Requests
    /// nothing yet.
    ///
    /// # Errors
    /// [`ErrorKind::Unavailable`] if this is not such a job; [`ErrorKind::Invalid`] if the endpoint
    /// can't be used.
    pub fn from_environment(options: ClientOptions) -> Result<Self> {
        let system = options.system().clone();
        let enabled = system.var(ENABLED).is_some_and(|value| {
            !matches!(
                value.trim().to_ascii_lowercase().as_str(),
                "0" | "false" | "no"
            )
        });
        if system.var(ENDPOINT).is_none() {
            return Err(missing(&*system, enabled));
        }
        let url = variables::read(&*system, ENDPOINT, endpoint)?;
        let http = match url.scheme() {
            "http" => near::client(&url, &system).ok_or_else(|| {
                Error::new(
                    ErrorKind::Invalid,
                    format!("{ENDPOINT} is not valid"),
                    "it is plain HTTP to a public address, which would expose the token",
                )
                .with_fix(near::trust(url.host_str().unwrap_or_default(), ENDPOINT))
            })?,
            _ => options.http().clone(),
        };
        let source = OnBehalfOf {
            url,
            enabled,
            run: system.var(RUN),
            http,
            options,
        };
        Ok(Self(Kept::new(Arc::new(source), system)))
    }
}

credential!(AzureMlOnBehalfOfCredential);

fn missing(system: &dyn System, enabled: bool) -> Error {
    // In Spark, azure-ai-ml gets the endpoint from the Spark session, which other programs can't
    // reach.
    if system.var("AZUREML_DATAPREP_TOKEN_PROVIDER").as_deref() == Some("sparkobo") {
        return Error::new(
            ErrorKind::Unavailable,
            WHAT,
            "this job runs on serverless Spark, where only a PySpark session can get the user's tokens",
        )
        .with_fix("get the token in PySpark with azure-ai-ml's AzureMLOnBehalfOfCredential, and pass it to the program");
    }
    if enabled {
        return Error::new(
            ErrorKind::Unavailable,
            WHAT,
            format!("{ENDPOINT} is missing, although {ENABLED} says that the job runs as its user"),
        )
        .with_fix(
            "run it on Azure Machine Learning compute, and pass the job's variables to the program",
        );
    }
    Error::new(
        ErrorKind::Unavailable,
        WHAT,
        format!("{ENDPOINT} is not set"),
    )
    .with_fix(USER_IDENTITY)
    .absent()
}

/// The compute's endpoint: on the machine or, if the job has its own network, beside it.
fn endpoint(text: &str) -> Result<Url> {
    let Ok(url) = Url::parse(tidied(text)) else {
        return token_service::address(text);
    };
    let is_plain = url.scheme() == "http" && url.username().is_empty() && url.password().is_none();
    if is_plain && url.host().is_some() && url.fragment().is_none() {
        return Ok(url);
    }
    token_service::address(text)
}

impl OnBehalfOf {
    async fn request_token(
        &self,
        request: &TokenRequest,
        deadline: Duration,
    ) -> Result<AccessToken> {
        let [scope] = request.scopes() else {
            return Err(Error::new(
                ErrorKind::Invalid,
                format!("{NAME} could not get a token for several scopes"),
                "a token of this endpoint is for one resource",
            )
            .with_fix("request one scope, such as https://management.azure.com/.default"));
        };
        let what = format!(
            "{NAME} could not get a token from {} for {} as the user of this job",
            self.url.host_str().unwrap_or_default(),
            scope.describe()
        );
        let mut url = self.url.clone();
        url.query_pairs_mut()
            .append_pair("resource", scope.resource());
        let response = self
            .http
            .send(&what, &HttpRequest::get(url), deadline)
            .await
            .map_err(|error| near::explained(error, &self.url, ENDPOINT))?;
        if response.status == 200 {
            return read(&what, &response, self.options.system().now());
        }
        let error = token_service::refusal(&what, &response, &[], USER_IDENTITY);
        if error.is_refused() && !self.enabled {
            // Computes have the endpoint even if the job does not run as a user.
            return Err(Error::new(
                ErrorKind::Unavailable,
                what,
                format!(
                    "the job does not run as its user: {ENABLED} is not set, and {}",
                    error.why()
                ),
            )
            .with_fix(USER_IDENTITY));
        }
        Err(error)
    }
}

impl TokenSource for OnBehalfOf {
    fn name(&self) -> &'static str {
        NAME
    }

    fn look(&self, _: &dyn System) -> Availability {
        let using = Used::new(UsedKind::AzureMlUser).from_variables([ENDPOINT]);
        if self.enabled {
            Availability::Ready { using }
        } else {
            Availability::Possible { using }
        }
    }

    fn fetch(self: Arc<Self>, request: TokenRequest) -> BoxFuture<'static, Result<AccessToken>> {
        async move {
            let options = &self.options;
            // The next job on this machine may be another user's at the same address.
            let identity = self.run.as_deref().and_then(|run| {
                let identity = Identity::here(&**options.system(), NAME, "the user of this job")?;
                Some(identity.and(self.url.as_str()).and(run))
            });
            let fetch = |left| self.request_token(&request, left);
            cache::through(options, identity, &request, options.deadline(), fetch).await
        }
        .boxed()
    }
}

impl fmt::Debug for OnBehalfOf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct(NAME)
            .field("endpoint", &self.url.as_str())
            .finish_non_exhaustive()
    }
}

/// The token in a response: `access_token` or `token`, and its end as `expires_on` (seconds since
/// 1970), `expires_in` (seconds) or `expiresOn` (a date), as azure-ai-ml reads them.
fn read(what: &str, response: &HttpResponse, now: SystemTime) -> Result<AccessToken> {
    let unexpected = |why: String| {
        Error::new(ErrorKind::Unexpected, what.to_owned(), why).with_fix(format!(
            "check that {ENDPOINT} has the value that the job's compute gave it"
        ))
    };
    let Ok(mut answer) = serde_json::from_slice::<Map<String, Value>>(&response.body) else {
        return Err(unexpected(token_service::not_an_answer(response)));
    };
    let mut token =
        ["access_token", "token"]
            .into_iter()
            .filter_map(|name| match answer.remove(name) {
                Some(Value::String(token)) => Some(SecretString::from(token)),
                _ => None,
            });
    let Some(token) = token.next() else {
        // An error may have the status 200.
        let error = token_service::refusal(what, response, &[], USER_IDENTITY);
        return Err(match error.is_refused() {
            true => error,
            false => unexpected(token_service::not_an_answer(response)),
        });
    };
    let text = token.expose_secret();
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(unexpected("it did not return a bearer token".to_owned()));
    }
    let Some(lifetime) = lifetime(&answer, token.expose_secret(), now) else {
        return Err(unexpected(
            "it returned a token without an expiry time ('expires_on', 'expires_in' or 'expiresOn')"
                .to_owned(),
        ));
    };
    if lifetime.is_zero() {
        return Err(unexpected(
            "it returned an expired token, or this machine's clock is ahead".to_owned(),
        ));
    }
    Ok(AccessToken::new(token, now, lifetime.min(LONGEST), None))
}

/// The token's lifetime from `now`: zero if it has expired, `None` if neither the response nor the
/// token says.
fn lifetime(answer: &Map<String, Value>, token: &str, now: SystemTime) -> Option<Duration> {
    let now = now.duration_since(SystemTime::UNIX_EPOCH).ok()?;
    let now = i64::try_from(now.as_secs()).ok()?;
    let end = |name: &str| answer.get(name).and_then(expiry::moment);
    let left = end("expires_on")
        .map(|end| end.saturating_sub(now))
        .or_else(|| answer.get("expires_in").and_then(expiry::seconds))
        .or_else(|| {
            let end = end("expiresOn").or_else(|| expiry::claim(token))?;
            Some(end.saturating_sub(now))
        })?;
    Some(Duration::from_secs(u64::try_from(left).unwrap_or_default()))
}

#[cfg(test)]
#[path = "azure_ml_on_behalf_of_tests.rs"]
mod tests;
