//! The token service of a CI system, which issues identity tokens to jobs.

use super::AssertionSource;
use crate::{
    facts::{Error, ErrorKind, Fix, Refusal, Result, is_web_token},
    http::{HeaderName, HeaderValue, Http, HttpRequest, HttpResponse, Method, Url, header},
    redact::redact,
    sieve::{edge_of_secret, oddity, tidied},
    system::is_loopback,
    untrusted::printable,
};
use futures_util::{FutureExt, future::BoxFuture};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value};
use std::{sync::Arc, time::Duration};
use zeroize::Zeroizing;

/// How a job requests its identity token.
pub(super) struct TokenService {
    /// The credential's name.
    pub(super) name: &'static str,
    pub(super) method: Method,
    pub(super) url: Url,
    /// The variable with the `url`.
    pub(super) url_variable: &'static str,
    /// The job's own token, with which it requests identity tokens.
    pub(super) bearer: SecretString,
    pub(super) headers: &'static [(&'static str, &'static str)],
    /// The member of the response with the token.
    pub(super) field: &'static str,
    /// The fix if the service does not recognize the job: 401, or a sign-in page.
    pub(super) unknown: &'static str,
    /// The fix for other rejections.
    pub(super) refused: String,
    pub(super) http: Http,
    pub(super) deadline: Duration,
}

/// A shared service, so that a future can own it.
#[derive(Clone)]
pub(super) struct Shared(Arc<TokenService>);

impl From<TokenService> for Shared {
    fn from(service: TokenService) -> Self {
        Self(Arc::new(service))
    }
}

impl AssertionSource for Shared {
    fn assertion(&self) -> BoxFuture<'static, Result<SecretString>> {
        let service = self.0.clone();
        async move { service.request_token().await }.boxed()
    }
}

impl TokenService {
    async fn request_token(&self) -> Result<SecretString> {
        let what = format!(
            "{} could not get an identity token from {}",
            self.name,
            self.url.host_str().unwrap_or_default()
        );
        // No message shows the job's own token: `HttpRequest` and the readers below remove it.
        let bearer = Zeroizing::new(format!("Bearer {}", self.bearer.expose_secret()));
        let mut authorization = HeaderValue::from_str(&bearer).map_err(|_| {
            Error::new(
                ErrorKind::Invalid,
                what.clone(),
                "its token is not a bearer token",
            )
        })?;
        authorization.set_sensitive(true);
        let mut request = HttpRequest::get(self.url.clone())
            .with_header(header::AUTHORIZATION, authorization)
            .with_header(header::ACCEPT, HeaderValue::from_static("application/json"));
        request.method = self.method.clone();
        for (name, value) in self.headers {
            request = request.with_header(
                HeaderName::from_static(name),
                HeaderValue::from_static(value),
            );
        }
        let response = self
            .http
            .send(&what, &request, self.deadline)
            .await
            .map_err(|error| match error.kind() {
                // Usually a redirect to a sign-in page.
                ErrorKind::Unexpected => error.with_fix(self.fix_unexpected()),
                _ => error,
            })?;
        self.read(&what, &response)
    }

    fn read(&self, what: &str, response: &HttpResponse) -> Result<SecretString> {
        let secrets = [self.bearer.expose_secret()];
        if response.status != 200 || is_web_page(response) {
            let fix = if response.status == 401 {
                self.unknown.to_owned()
            } else if is_web_page(response) {
                self.fix_unexpected()
            } else {
                self.refused.clone()
            };
            return Err(refusal(what, response, &secrets, &fix));
        }
        let unexpected = |why: String| {
            Error::new(ErrorKind::Unexpected, what.to_owned(), why).with_fix(self.fix_unexpected())
        };
        let Ok(mut answer) = serde_json::from_slice::<Map<String, Value>>(&response.body) else {
            return Err(unexpected(not_an_answer(response)));
        };
        let token = match answer.remove(self.field) {
            Some(Value::String(token)) => SecretString::from(token),
            // An error may have the status 200.
            _ if own_message(response, &secrets).is_some() => {
                return Err(refusal(what, response, &secrets, &self.refused));
            }
            _ => {
                return Err(unexpected(format!(
                    "its response (HTTP 200) does not have '{}'",
                    self.field
                )));
            }
        };
        let text = token.expose_secret();
        if text.trim().is_empty() {
            return Err(unexpected(format!(
                "'{}' in its response is empty",
                self.field
            )));
        }
        if !is_web_token(text) {
            return Err(unexpected(format!(
                "'{}' in its response is not a JSON web token",
                self.field
            )));
        }
        Ok(token)
    }

    fn fix_unexpected(&self) -> String {
        format!(
            "{}; also check that {} has the value that was set for this job, and that no proxy answers instead",
            self.unknown, self.url_variable
        )
    }
}

/// Parses the service's address: HTTPS or loopback. Errors do not show the address, which may have
/// a password.
pub(super) fn address(text: &str) -> Result<Url> {
    let refuse = |why: &'static str| {
        let why = oddity(text).unwrap_or(why.into());
        Err(Error::new(ErrorKind::Invalid, "could not read the address", why).with_fix(
            "do not change the variable: the system that runs the job sets it to an https:// address",
        ))
    };
    let Ok(url) = Url::parse(tidied(text)) else {
        return refuse("it is not an address");
    };
    if url.host_str().is_none_or(str::is_empty) {
        return refuse("it does not name a host");
    }
    if !url.username().is_empty() || url.password().is_some() {
        return refuse("it contains a user name or a password");
    }
    if url.fragment().is_some() {
        return refuse("it contains a fragment");
    }
    match url.scheme() {
        "https" => Ok(url),
        "http" if is_loopback(&url) => Ok(url),
        "http" => refuse(
            "it is plain HTTP, which would expose the token; only loopback addresses may be HTTP",
        ),
        _ => refuse("it is neither https nor http"),
    }
}

/// Parses a bearer token (RFC 6750 section 2.1).
pub(super) fn bearer(text: &str) -> Result<SecretString> {
    let text = text.trim();
    let odd = edge_of_secret(text);
    if text.is_empty() || odd.is_some() || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(Error::new(
            ErrorKind::Invalid,
            "could not read a token",
            odd.unwrap_or("it contains characters that a token can't have".into()),
        )
        .with_fix("do not change the variable: the system that runs the job sets it"));
    }
    Ok(text.to_owned().into())
}

/// The error for a status other than 200 or a web page, from a service that issues tokens to a job
/// or a machine. `fix` is for a rejection.
pub(super) fn refusal(what: &str, response: &HttpResponse, secrets: &[&str], fix: &str) -> Error {
    let status = response.status;
    let said = own_message(response, secrets);
    let told = |why: String| match &said {
        Some(said) => format!("{why}: {}", said.trim_end_matches('.')),
        None => why,
    };
    if matches!(status, 408 | 429) || status >= 500 {
        let attempts = match response.attempts {
            1 => "once".to_owned(),
            several => format!("{several} times"),
        };
        return Error::new(
            ErrorKind::Unreachable,
            what.to_owned(),
            told(format!(
                "it failed or is too busy (HTTP {status}; tried {attempts})"
            )),
        )
        .with_fix(Fix::Retry { after: None });
    }
    let refused = (400..500).contains(&status) && (status == 401 || !is_web_page(response))
        || status == 200 && said.is_some();
    if !refused {
        return Error::new(
            ErrorKind::Unexpected,
            what.to_owned(),
            not_an_answer(response),
        )
        .with_fix(fix.to_owned());
    }
    Error::new(
        ErrorKind::Refused,
        what.to_owned(),
        told(format!("it rejected the request (HTTP {status})")),
    )
    .with_fix(fix.to_owned())
    .with_refusal(Refusal {
        status,
        description: said.clone().unwrap_or_default(),
        ..Refusal::default()
    })
}

/// Describes a response without a token.
pub(super) fn not_an_answer(response: &HttpResponse) -> String {
    let body = response.body.trim_ascii();
    let status = response.status;
    if is_web_page(response) {
        format!(
            "it returned a web page (HTTP {status}), such as the sign-in page of a network or a proxy"
        )
    } else if body.is_empty() {
        format!("its response is empty (HTTP {status})")
    } else if serde_json::from_slice::<Map<String, Value>>(body).is_ok() {
        format!("its response (HTTP {status}) has no token")
    } else if body.starts_with(b"{") {
        format!("its response (HTTP {status}) is incomplete or damaged JSON")
    } else {
        format!("its response (HTTP {status}) is not a JSON object")
    }
}

pub(super) fn is_web_page(response: &HttpResponse) -> bool {
    response
        .header("content-type")
        .is_some_and(|kind| kind.contains("text/html"))
        || response.body.trim_ascii_start().starts_with(b"<")
}

/// The service's own message, if there is one: `message`, as from GitHub, Azure DevOps and Azure's
/// endpoints, or the members of OAuth 2.0 (RFC 6749 section 5.2).
fn own_message(response: &HttpResponse, secrets: &[&str]) -> Option<String> {
    let answer: Map<String, Value> = serde_json::from_slice(&response.body).ok()?;
    let text = |from: &Map<String, Value>, name: &str| Some(from.get(name)?.as_str()?.to_owned());
    let within = answer.get("error").and_then(Value::as_object);
    let words = text(&answer, "message")
        .or_else(|| text(&answer, "error_description"))
        .or_else(|| text(within?, "message"))
        .or_else(|| text(&answer, "error"))
        // Azure DevOps: `{"count":1,"value":"There is no explicit reference …"}`. GitHub's tokens
        // are in `value` too.
        .or_else(|| text(&answer, "value").filter(|value| value.contains(' ')))?;
    let words: String = words.chars().take(LOOKED_AT).collect();
    let words = printable(&redact(&words, secrets), 300);
    (!words.is_empty()).then_some(words)
}

/// Only this many bytes of a message are read.
const LOOKED_AT: usize = 8192;
