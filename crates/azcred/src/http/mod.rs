//! HTTP for all parts of azcred: one client that is built at its first request, a deadline for the
//! whole call, limited retries, limited bodies, and errors that say what happened.

#[cfg(feature = "fuzzing")]
mod canned;
mod client;
mod examine;
#[cfg(feature = "fuzzing")]
mod fuzz;
pub(crate) mod near;
mod no_proxy;
mod pinned;
mod proxy;
mod proxy_trouble;
mod roots;
mod tls;
mod trouble;
mod verifier;

use crate::{
    facts::{Error, ErrorKind, Result},
    redact::redact,
    system::SharedSystem,
    token::AccessToken,
};
use secrecy::{ExposeSecret, SecretString};
use std::{
    fmt,
    sync::Arc,
    time::{Duration, SystemTime},
};
use tokio::{
    sync::OnceCell,
    time::{Instant, timeout_at},
};
use zeroize::Zeroizing;

#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub use canned::{CannedResponse, with_responses};
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub use fuzz::{proxy_answer, server_certificates};
pub(crate) use reqwest::{
    Method,
    header::{self, HeaderMap, HeaderName, HeaderValue},
};
pub use url::Url;

/// The largest response that is read, in bytes. A token's has some kilobytes. A page of Resource
/// Manager's can have a thousand resources: as many workspaces have more than four million bytes.
pub const BODY_LIMIT: usize = 8 << 20;
/// The limit of one attempt, so that a lost packet costs one attempt and not the whole call.
const ATTEMPT: Duration = Duration::from_secs(10);
/// The longest deadline of a call. More could overflow a clock.
pub(crate) const LONGEST_CALL: Duration = Duration::from_secs(24 * 60 * 60);
/// The pause before the first retry if the other side responded. It doubles with each retry.
const BACKOFF: Duration = Duration::from_millis(800);
/// The longest pause, unless `Retry-After` names a longer one.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);
/// The pause before the first retry if no connection was made, which costs the other side nothing.
const BACKOFF_CONNECT: Duration = Duration::from_millis(200);

/// An HTTP client. It is built at its first request; clones are cheap and share it.
#[derive(Clone)]
pub struct Http(Arc<HttpInner>);

struct HttpInner {
    system: SharedSystem,
    way: Way,
    client: OnceCell<client::Client>,
}

/// How a client connects, and which certificates it trusts.
#[derive(Clone, Debug)]
enum Way {
    /// By the machine's proxies and root certificates.
    Usual,
    /// Directly, to a plain HTTP endpoint that the machine itself provides.
    Direct,
    /// As [`Way::Direct`], to a host name whose addresses are all near.
    Near(near::Resolver),
    /// Directly, to the server whose certificate has this SHA-1 thumbprint.
    Pinned([u8; 20]),
}

/// When a request is retried. A failed or broken connection and an attempt without a response are
/// retried, unless the request must not take effect twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Retry {
    /// The most retries after the first attempt.
    pub times: u32,
    /// Statuses that are retried besides 408, 429, 500, 502, 503 and 504.
    pub also: &'static [u16],
    /// Whether the request may take effect twice. If not, only 429 is retried: with it, the other
    /// side says that it did nothing.
    pub may_repeat: bool,
}

impl Retry {
    /// Three retries.
    pub const USUAL: Self = Self {
        times: 3,
        also: &[],
        may_repeat: true,
    };
    /// No retries.
    pub const NEVER: Self = Self {
        times: 0,
        also: &[],
        may_repeat: true,
    };
    /// Three retries of a request that must not take effect twice, such as one that creates.
    pub const ONE_EFFECT: Self = Self {
        times: 3,
        also: &[],
        may_repeat: false,
    };

    fn counts(self, status: u16) -> bool {
        match self.may_repeat {
            true => matches!(status, 408 | 429 | 500 | 502..=504) || self.also.contains(&status),
            false => status == 429,
        }
    }
}

/// A request. Its body is wiped from memory when it is dropped. `Debug` shows neither the body nor
/// the headers.
pub struct HttpRequest {
    pub(crate) method: Method,
    /// The address. It is in errors and traces, so it must not have secrets.
    pub url: Url,
    pub(crate) headers: HeaderMap,
    /// The body.
    pub body: Option<Zeroizing<String>>,
    /// When the request is retried; the default is [`Retry::USUAL`].
    pub retry: Retry,
    /// The secret values of the form.
    secrets: Vec<Zeroizing<String>>,
}

/// A value in a form. A [`SecretString`] stays secret: errors and logs never show it, whatever the
/// field's name.
#[derive(Clone, Copy)]
pub enum FormValue<'a> {
    /// A value that is not secret.
    Plain(&'a str),
    /// A secret, an assertion, a code or a token.
    Secret(&'a SecretString),
}

impl<'a> From<&'a str> for FormValue<'a> {
    fn from(value: &'a str) -> Self {
        Self::Plain(value)
    }
}

impl<'a> From<&'a SecretString> for FormValue<'a> {
    fn from(value: &'a SecretString) -> Self {
        Self::Secret(value)
    }
}

impl FormValue<'_> {
    fn text(&self) -> &str {
        match self {
            Self::Plain(value) => value,
            Self::Secret(value) => value.expose_secret(),
        }
    }
}

impl HttpRequest {
    /// A GET request.
    pub fn get(url: Url) -> Self {
        Self::new(Method::GET, url)
    }

    /// A DELETE request.
    pub fn delete(url: Url) -> Self {
        Self::new(Method::DELETE, url)
    }

    /// A PUT request with JSON. It is sent again as [`Retry`] says, so it must have the same effect
    /// twice.
    pub fn put_json(url: Url, json: String) -> Self {
        Self::new(Method::PUT, url).with_json(json)
    }

    /// A POST request with JSON. It is sent again as [`Retry`] says, so it must have the same
    /// effect twice.
    pub fn post_json(url: Url, json: String) -> Self {
        Self::new(Method::POST, url).with_json(json)
    }

    /// A PATCH request with JSON. It is sent again as [`Retry`] says, so it must have the same
    /// effect twice.
    pub fn patch_json(url: Url, json: String) -> Self {
        Self::new(Method::PATCH, url).with_json(json)
    }

    fn new(method: Method, url: Url) -> Self {
        Self {
            method,
            url,
            headers: HeaderMap::new(),
            body: None,
            retry: Retry::USUAL,
            secrets: Vec::new(),
        }
    }

    fn with_json(mut self, json: String) -> Self {
        self.body = Some(Zeroizing::new(json));
        self.with_header(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/json"),
        )
    }

    /// Adds a header, such as an id by which the other side's support finds the request. `name` is
    /// in lower case. A text with characters that a header may not have is left out.
    #[must_use]
    pub fn with_text(self, name: &'static str, text: &str) -> Self {
        match HeaderValue::from_str(text) {
            Ok(text) => self.with_header(HeaderName::from_static(name), text),
            Err(_) => self,
        }
    }

    /// A POST request with a form.
    pub fn post_form(url: Url, fields: &[(&str, FormValue<'_>)]) -> Self {
        // Each byte takes at most three. A string that grows would leave copies of secrets in
        // memory.
        let room = fields
            .iter()
            .map(|(name, value)| 3 * (name.len() + value.text().len()) + 2);
        let mut body =
            url::form_urlencoded::Serializer::new(String::with_capacity(room.sum::<usize>()));
        for (name, value) in fields {
            body.append_pair(name, value.text());
        }
        let secrets = fields.iter().filter_map(|(_, value)| match value {
            FormValue::Secret(value) => Some(Zeroizing::new(value.expose_secret().to_owned())),
            FormValue::Plain(_) => None,
        });
        let mut headers = HeaderMap::new();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/x-www-form-urlencoded"),
        );
        Self {
            method: Method::POST,
            url,
            headers,
            body: Some(Zeroizing::new(body.finish())),
            retry: Retry::USUAL,
            secrets: secrets.collect(),
        }
    }

    /// Adds the token in the header `Authorization`, which is never shown. Returns `None` if the
    /// token has characters that a header may not have.
    #[must_use]
    pub fn with_bearer(self, token: &AccessToken) -> Option<Self> {
        let mut bearer = HeaderValue::from_str(&format!("Bearer {}", token.secret())).ok()?;
        // Libraries below don't show it and don't put it into a compression table.
        bearer.set_sensitive(true);
        Some(self.with_header(header::AUTHORIZATION, bearer))
    }

    /// Adds a header.
    #[must_use]
    pub(crate) fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }

    /// Sets when the request is retried.
    #[must_use]
    pub fn with_retry(mut self, retry: Retry) -> Self {
        self.retry = retry;
        self
    }

    /// The values that must not be in any message: the secret values of the form and of the
    /// headers.
    pub(crate) fn secrets(&self) -> Vec<Zeroizing<String>> {
        let headers = self.headers.values().filter(|value| value.is_sensitive());
        let headers = headers.filter_map(|value| {
            let value = value.to_str().ok()?;
            // `Bearer` and `Basic` are not secret.
            let value = value.split_once(' ').map_or(value, |(_, value)| value);
            Some(Zeroizing::new(value.to_owned()))
        });
        self.secrets.iter().cloned().chain(headers).collect()
    }
}

impl fmt::Debug for HttpRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, self.url)
    }
}

/// A whole response with any status (except redirects: see [`Http::send`]).
pub struct HttpResponse {
    /// The status code.
    pub status: u16,
    pub(crate) headers: HeaderMap,
    /// The body, at most [`BODY_LIMIT`] bytes.
    pub body: Zeroizing<Vec<u8>>,
    /// The number of attempts, at least one.
    pub attempts: u32,
    /// The difference between the other side's clock and this machine's in seconds, if the response
    /// has a `Date`. It is positive if this machine is behind.
    pub clock_skew: Option<i64>,
}

impl HttpResponse {
    /// A header's value, if it exists and is printable.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// Whether the body or a header repeats a secret or a part of it, in any form that
    /// [`crate::redact`] finds.
    pub fn repeats(&self, secret: &str) -> bool {
        let repeats = |text: &[u8]| {
            let text = String::from_utf8_lossy(text);
            redact(&text, &[secret]) != text
        };
        repeats(&self.body) || self.headers.values().any(|value| repeats(value.as_bytes()))
    }

    /// How long the other side wants no further request (`Retry-After`).
    pub fn retry_after(&self, now: SystemTime) -> Option<Duration> {
        retry_after(&self.headers, now)
    }
}

impl fmt::Debug for HttpResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HTTP {} with {} bytes", self.status, self.body.len())
    }
}

impl Http {
    /// A client for a machine, with its proxies (`HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY`,
    /// `NO_PROXY`; none for the machine itself) and its trusted certificates. `SSL_CERT_FILE` and
    /// `SSL_CERT_DIR` replace the system's root certificates; on Windows and macOS they add to
    /// them. `REQUESTS_CA_BUNDLE`, `CURL_CA_BUNDLE` and `NODE_EXTRA_CA_CERTS` add certificates.
    /// Nothing is read before the first request.
    ///
    /// It verifies certificates with RSA, P-256, P-384 and Ed25519 keys. A server can't be reached
    /// if its certificate, or that of its authority, has a P-521 key: ring has no P-521.
    pub fn new(system: SharedSystem) -> Self {
        Self::by(Way::Usual, system)
    }

    /// A client for plain HTTP endpoints that the machine itself provides, such as Azure's instance
    /// metadata service. It uses no proxy, as a proxy would reach another machine's endpoint.
    pub(crate) fn direct(system: SharedSystem) -> Self {
        Self::by(Way::Direct, system)
    }

    /// A client that trusts one server, by the SHA-1 thumbprint of its certificate (Service Fabric
    /// publishes that), and uses no proxy.
    pub(crate) fn pinned(system: SharedSystem, thumbprint: [u8; 20]) -> Self {
        Self::by(Way::Pinned(thumbprint), system)
    }

    /// What is set on the machine and has no effect, a sentence each: an entry of `NO_PROXY` that
    /// matches no host, an empty `SSL_CERT_DIR` beside a good `SSL_CERT_FILE`. Known after the
    /// first request; empty before.
    pub fn notes(&self) -> &[String] {
        match self.0.client.get() {
            Some(client) => &client.notes,
            None => &[],
        }
    }

    fn by(way: Way, system: SharedSystem) -> Self {
        Self(Arc::new(HttpInner {
            system,
            way,
            client: OnceCell::new(),
        }))
    }

    /// Sends `request` and reads the whole response within `deadline` from now (at most a day). The
    /// deadline also covers retries and reading the root certificates.
    ///
    /// [`Retry`] decides what is retried: a failed or broken connection, an attempt without a
    /// response, 408, 429, 500, 502, 503 and 504. The pause grows, with jitter, or is the one that
    /// `Retry-After` names. If the pause would pass the deadline, the last response is returned at
    /// once. Other 4xx are never retried, and redirects are never followed.
    ///
    /// Cancel-safe: dropping the future drops the connection. Needs a Tokio runtime with I/O and
    /// time, and never blocks it.
    ///
    /// # Errors
    /// [`ErrorKind::Unreachable`] if there was no response; [`ErrorKind::Unexpected`] for a
    /// redirect or a response over [`BODY_LIMIT`]; [`ErrorKind::Invalid`] if a proxy or a root
    /// certificate can't be used. The next call reads proxies and certificates again. `what` is the
    /// error's first line.
    pub async fn send(
        &self,
        what: &str,
        request: &HttpRequest,
        deadline: Duration,
    ) -> Result<HttpResponse> {
        let started = Instant::now();
        let end = started + deadline.min(LONGEST_CALL);
        let client = match timeout_at(end, self.client()).await {
            // This machine's settings are at fault, not the other side.
            Ok(client) => client?,
            Err(_) => {
                return Err(Error::new(
                    ErrorKind::Unreachable,
                    what.to_owned(),
                    "the root certificates of this machine could not be read in time",
                )
                .with_fix(
                    "check their disk, and the files that SSL_CERT_FILE and SSL_CERT_DIR name",
                ));
            }
        };
        // A proxy that is not understood must not be passed by: the request may hold a secret.
        if let Some(setting) = client.proxies.of(&request.url) {
            setting.server()?;
        }
        let target = trouble::Target::of(&request.url, &*self.0.system, &client.proxies);
        let mut attempt = 1;
        loop {
            let bound = end.min(Instant::now() + ATTEMPT);
            let outcome = match timeout_at(bound, self.attempt(client, request, &target)).await {
                Ok(outcome) => outcome,
                Err(_) => Err(trouble::silent(&target)),
            };
            let pause = match &outcome {
                Ok(response) => {
                    tracing::debug!(attempt, status = response.status, url = %request.url, "answered");
                    request.retry.counts(response.status).then(|| {
                        response
                            .retry_after(self.0.system.now())
                            .unwrap_or_else(|| backoff(BACKOFF, attempt))
                    })
                }
                Err(trouble) => {
                    tracing::debug!(attempt, why = %trouble.why, url = %request.url, "no answer");
                    let is_retried = trouble.retryable && request.retry.may_repeat;
                    is_retried.then(|| backoff(BACKOFF_CONNECT, attempt))
                }
            };
            // A server may name any pause. A pause beyond the clock's range is also beyond the
            // deadline.
            let resume = pause
                .and_then(|pause| Instant::now().checked_add(pause))
                .filter(|resume| *resume < end);
            if let (Some(resume), true) = (resume, attempt <= request.retry.times) {
                tokio::time::sleep_until(resume).await;
                attempt += 1;
                continue;
            }
            return match outcome {
                Ok(mut response) => {
                    response.attempts = attempt;
                    Ok(response)
                }
                Err(trouble) => {
                    // A root that can't be used may be the missing one.
                    let lost = client.lost.first().filter(|_| trouble.is_about_issuer());
                    let error = trouble.into_error(what, &target, attempt, started.elapsed());
                    Err(match lost {
                        Some(lost) => error.because(lost),
                        None => error,
                    })
                }
            };
        }
    }

    async fn attempt(
        &self,
        client: &client::Client,
        request: &HttpRequest,
        target: &trouble::Target<'_>,
    ) -> std::result::Result<HttpResponse, trouble::Trouble> {
        let mut builder = client
            .library
            .request(request.method.clone(), request.url.clone())
            .headers(request.headers.clone());
        if let Some(body) = &request.body {
            // The copy that is sent is wiped too.
            let copy = Zeroizing::new(body.as_bytes().to_vec());
            builder = builder.body(bytes::Bytes::from_owner(copy));
        }
        #[cfg(feature = "fuzzing")]
        let canned = canned::next();
        #[cfg(not(feature = "fuzzing"))]
        let canned = None;
        let sent = match canned {
            Some(response) => Ok(response),
            None => builder.send().await,
        };
        let mut response = match sent {
            Ok(response) => response,
            Err(error) => {
                let finding = proxy_trouble::ask_proxy(&error, target, &client.tls).await;
                return Err(trouble::sending(error, target, finding));
            }
        };
        if let Some(trouble) = proxy_trouble::rejected(&response, target) {
            return Err(trouble);
        }
        let status = response.status();
        if status.is_redirection() {
            return Err(trouble::redirected(&response, target, request));
        }
        if response
            .content_length()
            .is_some_and(|length| length > BODY_LIMIT as u64)
        {
            return Err(trouble::endless(target));
        }
        let mut body = Zeroizing::new(Vec::new());
        while let Some(chunk) = response
            .chunk()
            .await
            .map_err(|error| trouble::sending(error, target, None))?
        {
            if body.len() + chunk.len() > BODY_LIMIT {
                return Err(trouble::endless(target));
            }
            body.extend_from_slice(&chunk);
        }
        let headers = std::mem::take(response.headers_mut());
        let clock_skew = skew(&headers, self.0.system.now());
        Ok(HttpResponse {
            status: status.as_u16(),
            headers,
            body,
            attempts: 1,
            clock_skew,
        })
    }

    /// The client. It is built in a thread of its own, because reading hundreds of root
    /// certificates would block the runtime. A failure is not stored, so that a corrected file is
    /// read again.
    async fn client(&self) -> Result<&client::Client> {
        #[cfg(feature = "fuzzing")]
        if let Some(client) = canned::client(&*self.0.system) {
            return client;
        }
        let build = || async {
            let (system, way) = (self.0.system.clone(), self.0.way.clone());
            if !matches!(way, Way::Usual) {
                // Such clients read no files.
                return client::build(&*system, &way);
            }
            tokio::task::spawn_blocking(move || client::build(&*system, &way))
                .await
                .unwrap_or_else(|_| {
                    Err(Error::new(
                        ErrorKind::Unreachable,
                        "could not set up HTTPS",
                        "the runtime is shutting down",
                    ))
                })
        };
        self.0.client.get_or_try_init(build).await
    }
}

impl fmt::Debug for Http {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Http")
            .field("built", &self.0.client.initialized())
            .finish()
    }
}

/// Parses an address. It is invalid only in a custom cloud.
pub fn parse_url(what: &str, text: &str) -> Result<Url> {
    Url::parse(text).map_err(|_| {
        Error::new(
            ErrorKind::Invalid,
            what.to_owned(),
            format!("'{text}' is not an address"),
        )
    })
}

/// The header `Retry-After` in seconds or as a date (RFC 9110 section 10.2.3), or Azure's own
/// headers in milliseconds.
fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let text = |name: &str| headers.get(name)?.to_str().ok().map(str::trim);
    for name in ["retry-after-ms", "x-ms-retry-after-ms"] {
        if let Some(millis) = text(name).and_then(|value| value.parse().ok()) {
            return Some(Duration::from_millis(millis));
        }
    }
    let value = text("retry-after")?;
    if let Ok(seconds) = value.parse() {
        return Some(Duration::from_secs(seconds));
    }
    Some(
        httpdate::parse_http_date(value)
            .ok()?
            .duration_since(now)
            .unwrap_or_default(),
    )
}

/// The difference of this machine's clock to another that is `seconds` ahead: '61 minutes behind',
/// '2 hours ahead of'.
pub fn skew_in_words(seconds: i64) -> String {
    let (amount, unit) = match seconds.unsigned_abs() {
        seconds @ ..=119 => (seconds, "seconds"),
        seconds @ 120..=7169 => ((seconds + 30) / 60, "minutes"),
        seconds => ((seconds + 1800) / 3600, "hours"),
    };
    let side = if seconds > 0 { "behind" } else { "ahead of" };
    format!("{amount} {unit} {side}")
}

/// The other side's clock minus this machine's, in seconds.
fn skew(headers: &HeaderMap, now: SystemTime) -> Option<i64> {
    let theirs = httpdate::parse_http_date(headers.get(header::DATE)?.to_str().ok()?).ok()?;
    Some(match theirs.duration_since(now) {
        Ok(ahead) => i64::try_from(ahead.as_secs()).ok()?,
        Err(behind) => -i64::try_from(behind.duration().as_secs()).ok()?,
    })
}

/// `base`, doubled for each attempt, minus up to a third at random, so that many callers don't
/// retry at the same moment.
fn backoff(base: Duration, attempt: u32) -> Duration {
    let whole = base
        .saturating_mul(2u32.saturating_pow(attempt - 1))
        .min(LONGEST_PAUSE);
    let [random, ..] = *uuid::Uuid::new_v4().as_bytes();
    whole - whole / 3 * u32::from(random) / 255
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: &'static str, value: &str) -> HeaderMap {
        HeaderMap::from_iter([(
            HeaderName::from_static(name),
            HeaderValue::from_str(value).unwrap(),
        )])
    }

    #[test]
    fn a_bearer_token_is_a_sensitive_header_or_rejected() {
        let request = |secret: &str| {
            let token = AccessToken::new(
                secret.to_owned(),
                SystemTime::now(),
                Duration::from_secs(1),
                None,
            );
            HttpRequest::get(Url::parse("https://localhost").unwrap()).with_bearer(&token)
        };
        let good = request("canary").expect("it can be in a header");
        let header = &good.headers[header::AUTHORIZATION];
        assert!(header.is_sensitive() && !format!("{header:?}").contains("canary"));
        assert!(request("a\r\nX-Evil: 1").is_none());
    }

    #[test]
    fn a_response_repeats_a_secret_in_its_body_or_a_header_in_any_dress() {
        const SECRET: &str = "kX8Q~TopSecretValue";
        let response = |header: &str, body: &str| HttpResponse {
            status: 200,
            headers: headers(header::SERVER.as_str(), header),
            body: Zeroizing::new(body.as_bytes().to_vec()),
            attempts: 1,
            clock_skew: None,
        };
        let dressed = SECRET.bytes().map(|byte| format!("%{byte:02x}"));
        let dressed: String = dressed.collect();
        for text in [SECRET, &SECRET[3..], &dressed] {
            assert!(
                response("x", &format!("{{\"a\":\"{text}\"}}")).repeats(SECRET),
                "{text}"
            );
            assert!(response(text, "").repeats(SECRET), "{text}");
        }
        assert!(!response("one two", "three four").repeats(SECRET));
        assert!(!response("", "").repeats(""));
    }

    #[test]
    fn retry_after_is_read_in_seconds_in_milliseconds_and_as_a_date() {
        let now = httpdate::parse_http_date("Sun, 06 Nov 1994 08:49:30 GMT").unwrap();
        let read = |name, value| retry_after(&headers(name, value), now);
        assert_eq!(read("retry-after", "7"), Some(Duration::from_secs(7)));
        assert_eq!(
            read("x-ms-retry-after-ms", "250"),
            Some(Duration::from_millis(250))
        );
        assert_eq!(
            read("retry-after", "Sun, 06 Nov 1994 08:49:37 GMT"),
            Some(Duration::from_secs(7))
        );
        assert_eq!(
            read("retry-after", "Sun, 06 Nov 1994 08:00:00 GMT"),
            Some(Duration::ZERO)
        );
        assert_eq!(read("retry-after", "soon"), None);
    }

    #[test]
    fn a_pause_grows_and_stays_within_its_jitter() {
        for attempt in 1..=4 {
            let whole = BACKOFF * 2u32.pow(attempt - 1);
            for _ in 0..200 {
                let pause = backoff(BACKOFF, attempt);
                assert!(
                    pause <= whole && pause >= whole * 2 / 3 - Duration::from_millis(1),
                    "{pause:?}"
                );
            }
        }
    }

    #[test]
    fn a_skew_is_rounded_to_its_unit() {
        for (seconds, words) in [
            (90, "90 seconds behind"),
            (3599, "60 minutes behind"),
            (-3660, "61 minutes ahead of"),
            (7199, "2 hours behind"),
            (-86_399, "24 hours ahead of"),
        ] {
            assert_eq!(skew_in_words(seconds), words);
        }
    }

    #[test]
    fn the_clock_skew_is_positive_if_this_machine_is_behind() {
        let now = httpdate::parse_http_date("Sun, 06 Nov 1994 08:49:30 GMT").unwrap();
        assert_eq!(
            skew(&headers("date", "Sun, 06 Nov 1994 09:49:30 GMT"), now),
            Some(3600)
        );
        assert_eq!(
            skew(&headers("date", "Sun, 06 Nov 1994 08:49:00 GMT"), now),
            Some(-30)
        );
        assert_eq!(skew(&headers("date", "x"), now), None);
    }
}
