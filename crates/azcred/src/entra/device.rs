//! Requests a device code from the provider (RFC 8628 sections 3.1 and 3.2).

use super::{
    SentProof,
    token_answer::{self, SentRequest},
    token_endpoint::{TokenEndpoint, scopes_of_person},
};
use crate::{
    facts::{Error, ErrorKind, Result},
    http::{FormValue, HttpRequest, HttpResponse},
    json, moment,
    prompt::DeviceCode,
    request::TokenRequest,
    system::is_loopback,
    untrusted::printable,
};
use secrecy::SecretString;
use serde::Deserialize;
use std::time::{Duration, SystemTime};
use tokio::time::Instant;
use url::Url;

/// A device code and what the person needs for it.
pub(crate) struct Device {
    /// The secret code with which tokens are requested.
    pub(crate) code: SecretString,
    /// What the person is shown.
    pub(crate) shown: DeviceCode,
    /// How long the code is valid.
    pub(crate) lasts: Duration,
    /// The shortest pause between two requests for a token.
    pub(crate) interval: Duration,
}

/// The pause in seconds if the provider names none (RFC 8628 section 3.2).
const INTERVAL: u64 = 5;
/// The longest time that is accepted from a provider, in seconds. More could overflow a clock.
const LONGEST: u64 = 24 * 60 * 60;
/// A longer code can't be typed.
const LONGEST_USER_CODE: usize = 64;
const LONGEST_ADDRESS: usize = 2048;

#[derive(Deserialize)]
struct DeviceCodeResponse {
    #[serde(deserialize_with = "token_answer::secret")]
    device_code: SecretString,
    user_code: String,
    /// `verification_url` is the name from before the RFC.
    #[serde(alias = "verification_url")]
    verification_uri: String,
    #[serde(default, alias = "verification_url_complete")]
    verification_uri_complete: Option<String>,
    #[serde(default, deserialize_with = "token_answer::seconds")]
    expires_in: Option<u64>,
    #[serde(default, deserialize_with = "token_answer::seconds")]
    interval: Option<u64>,
}

impl TokenEndpoint {
    /// Requests a device code. `who` is the credential's name, for errors.
    ///
    /// # Errors
    /// [`ErrorKind::Unavailable`] if the provider has no device codes; the errors of the request.
    pub(crate) async fn device_code(
        &self,
        who: &str,
        request: &TokenRequest,
        deadline: Duration,
    ) -> Result<Device> {
        let started = Instant::now();
        let options = self.options();
        let what = format!(
            "{who} could not get a device code from {} for the application {}",
            self.authority().host(),
            self.client_id()
        );
        let endpoints = self.endpoints(request, deadline).await?;
        let Some(url) = endpoints.device_authorization else {
            return Err(Error::new(
                ErrorKind::Unavailable,
                what,
                "the provider does not support device codes: it names no device_authorization_endpoint",
            )
            .with_fix("sign in in a browser on this machine"));
        };
        let scopes = scopes_of_person(request);
        let claims = request.sent_claims();
        let mut form: Vec<(&str, FormValue<'_>)> = vec![
            ("client_id", self.client_id().as_str().into()),
            ("scope", scopes.as_str().into()),
        ];
        if let Some(claims) = &claims {
            form.push(("claims", FormValue::Plain(claims)));
        }
        let post = Self::with_request_id(HttpRequest::post_form(url, &form));
        let left = deadline.saturating_sub(started.elapsed());
        let response = options.http().send(&what, &post, left).await?;
        let now = options.system().now();
        let asked = SentRequest {
            what: &what,
            proof: SentProof::Person,
            client_id: self.client_id().as_str(),
            tenant: request.tenant().unwrap_or(self.tenant()).as_str(),
            scope: request.scopes()[0].resource(),
            secrets: &[],
            now,
        };
        if response.status != 200 {
            return Err(token_answer::failure(&asked, &response));
        }
        read(&response, now).map_err(|why| {
            let error = token_answer::failure(&asked, &response);
            match error.refusal() {
                Some(_) => error,
                None => Error::new(ErrorKind::Unexpected, what.clone(), why)
                    .with_fix(token_answer::CHECK_AUTHORITY),
            }
        })
    }
}

/// The device code in a response, or what is wrong with the response.
fn read(response: &HttpResponse, now: SystemTime) -> std::result::Result<Device, String> {
    let Some(answer) = json::object::<DeviceCodeResponse>(&response.body) else {
        return Err(token_answer::not_an_answer(
            response,
            "neither a code nor an error",
        ));
    };
    let user_code = answer.user_code.trim();
    if user_code.is_empty() || printable(user_code, LONGEST_USER_CODE) != user_code {
        return Err("the authority returned a code that can't be typed".to_owned());
    }
    let verification_uri = address(&answer.verification_uri).ok_or_else(|| {
        format!(
            "the authority's page for the code, '{}', is neither https nor on this machine",
            printable(&answer.verification_uri, 100)
        )
    })?;
    let lasts = answer
        .expires_in
        .filter(|lasts| *lasts > 0)
        .ok_or("the authority returned a code that has already expired")?;
    let lasts = Duration::from_secs(lasts.min(LONGEST));
    Ok(Device {
        code: answer.device_code,
        shown: DeviceCode {
            user_code: user_code.to_owned(),
            verification_uri,
            verification_uri_complete: answer
                .verification_uri_complete
                .as_deref()
                .and_then(address),
            expires_on: moment::after(now, lasts),
        },
        lasts,
        interval: Duration::from_secs(answer.interval.unwrap_or(INTERVAL).clamp(1, LONGEST)),
    })
}

/// An address at which a person may enter a password: HTTPS or loopback, and shown as it is.
fn address(text: &str) -> Option<Url> {
    if printable(text, LONGEST_ADDRESS) != text {
        return None;
    }
    let url = Url::parse(text).ok()?;
    let is_safe = url.scheme() == "https" || url.scheme() == "http" && is_loopback(&url);
    (is_safe && url.username().is_empty() && url.password().is_none()).then_some(url)
}

#[cfg(test)]
#[path = "device_tests.rs"]
mod tests;
