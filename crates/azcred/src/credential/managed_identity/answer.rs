//! Reads the responses of managed identity hosts: JSON in which each host writes times and errors
//! in its own way.
//!
//! All text in it is untrusted. Its length is limited, and control characters and all sent secrets
//! are removed.

use crate::{
    facts::{Error, ErrorKind, Fix, Refusal, Result},
    http::{HttpResponse, skew_in_words},
    json,
    redact::{printable, redact},
    token::AccessToken,
};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};
use std::time::{Duration, SystemTime};
use time::{
    PrimitiveDateTime,
    format_description::{BorrowedFormatItem, parse_borrowed},
};

/// The request, as far as its errors need it.
pub(super) struct HostRequest<'a> {
    /// What did not work, as a sentence.
    pub(super) what: &'a str,
    /// The host's name: 'App Service'.
    pub(super) host: &'static str,
    /// The command that assigns the host an identity.
    pub(super) assign: &'static str,
    /// The values that must not be in any message.
    pub(super) secrets: &'a [&'a str],
    pub(super) now: SystemTime,
}

/// A token, and the identity that the host says it is of.
#[derive(Debug)]
pub(super) struct HostToken {
    pub(super) token: AccessToken,
    pub(super) client_id: Option<String>,
    pub(super) object_id: Option<String>,
    pub(super) resource_id: Option<String>,
}

/// Tokens of managed identities live for a day. A much longer lifetime is a misunderstanding, such
/// as milliseconds.
const LONGEST: Duration = Duration::from_secs(366 * 24 * 60 * 60);
/// Clocks that differ by fewer seconds count as equal.
const CLOCK_TOLERANCE: i64 = 300;
/// Only this many bytes of an error message are read.
const LOOKED_AT: usize = 8192;

#[derive(Deserialize)]
struct Success {
    #[serde(deserialize_with = "secret")]
    access_token: SecretString,
    #[serde(default)]
    token_type: Option<String>,
    #[serde(default)]
    expires_on: Option<Value>,
    #[serde(default)]
    expires_in: Option<Value>,
    #[serde(default)]
    refresh_in: Option<Value>,
    #[serde(default)]
    client_id: Option<String>,
    #[serde(default)]
    object_id: Option<String>,
    #[serde(default, alias = "mi_res_id")]
    msi_res_id: Option<String>,
}

/// The token in a response, or why there is none.
pub(super) fn read(asked: &HostRequest<'_>, response: &HttpResponse) -> Result<HostToken> {
    if response.status == 200 {
        success(asked, response)
    } else {
        Err(failure(asked, response))
    }
}

impl HostRequest<'_> {
    pub(super) fn unexpected(&self, why: String) -> Error {
        Error::new(ErrorKind::Unexpected, self.what.to_owned(), why).with_fix(
            "run `curl -H Metadata:true` with the same address, and check that the Azure host answers",
        )
    }

    /// Untrusted text as printable text without secrets.
    fn clean(&self, text: &str, limit: usize) -> String {
        let text: String = text.chars().take(LOOKED_AT).collect();
        printable(&redact(&text, self.secrets), limit)
    }
}

fn success(asked: &HostRequest<'_>, response: &HttpResponse) -> Result<HostToken> {
    let Some(answer) = json::object::<Success>(&response.body) else {
        return Err(asked.unexpected(not_an_answer(asked, response)));
    };
    let kind = answer.token_type.as_deref().unwrap_or("Bearer");
    if !kind.eq_ignore_ascii_case("Bearer") {
        return Err(asked.unexpected(format!(
            "{} returned a token of the type '{}', not a bearer token",
            asked.host,
            without_token(asked, &answer, kind)
        )));
    }
    let lifetime = lifetime(asked, &answer, response)?;
    Ok(HostToken {
        token: AccessToken::new(
            answer.access_token,
            asked.now,
            lifetime,
            answer.refresh_in.as_ref().and_then(seconds).map(length),
        ),
        client_id: answer.client_id,
        object_id: answer.object_id,
        resource_id: answer.msi_res_id,
    })
}

/// A part of a response with a token, without that token: it may be in the wrong member.
fn without_token(asked: &HostRequest<'_>, answer: &Success, text: &str) -> String {
    asked.clean(&redact(text, &[answer.access_token.expose_secret()]), 40)
}

/// The lifetime of a token. By 'How to use managed identities on an Azure VM', `expires_in` counts
/// from when the token was issued, but IMDS counts from now. `expires_on` depends on this machine's
/// clock. So the earlier end is used, unless `expires_on` has passed, which means that the clock is
/// wrong.
fn lifetime(
    asked: &HostRequest<'_>,
    answer: &Success,
    response: &HttpResponse,
) -> Result<Duration> {
    let unreadable = |name: &str, value: &Value| {
        let value = without_token(asked, answer, &value.to_string());
        asked.unexpected(format!(
            "{} returned a token whose expiry time has an unknown form: {name} is {value}",
            asked.host
        ))
    };
    let read = |name, value: &Option<Value>, read: fn(&Value) -> Option<i64>| match value {
        None | Some(Value::Null) => Ok(None),
        Some(value) => read(value).map(Some).ok_or_else(|| unreadable(name, value)),
    };
    let within = read("expires_in", &answer.expires_in, seconds)?;
    let now = match asked.now.duration_since(SystemTime::UNIX_EPOCH) {
        Ok(since) => i64::try_from(since.as_secs()).unwrap_or(i64::MAX),
        Err(_) => 0,
    };
    let until = read("expires_on", &answer.expires_on, moment)?.map(|end| end.saturating_sub(now));
    let lifetime = match (within, until) {
        (Some(within), Some(until @ 1..)) => within.min(until),
        (Some(within), _) => within,
        (None, Some(until)) => until,
        (None, None) => {
            return Err(asked.unexpected(format!(
                "{} returned a token without an expiry time",
                asked.host
            )));
        }
    };
    if lifetime <= 0 {
        let mut why = format!(
            "{} returned a token that expired {} s ago by this machine's clock",
            asked.host,
            lifetime.unsigned_abs()
        );
        let skew = response
            .clock_skew
            .filter(|skew| skew.abs() > CLOCK_TOLERANCE);
        if let Some(skew) = skew {
            why = format!("{why}, which is {} the host's", skew_in_words(skew));
        }
        return Err(
            Error::new(ErrorKind::Unexpected, asked.what.to_owned(), why)
                .with_fix("set this machine's clock: `sudo timedatectl set-ntp true`"),
        );
    }
    let lifetime = length(lifetime);
    if lifetime > LONGEST {
        return Err(asked.unexpected(format!(
            "{} returned a token that would be valid for {} days, which is too long",
            asked.host,
            lifetime.as_secs() / 86_400
        )));
    }
    Ok(lifetime)
}

fn length(seconds: i64) -> Duration {
    Duration::from_secs(u64::try_from(seconds).unwrap_or_default())
}

/// Seconds as a number or a string: hosts write both.
fn seconds(value: &Value) -> Option<i64> {
    match value {
        #[expect(clippy::cast_possible_truncation, reason = "saturates")]
        Value::Number(number) => number.as_i64().or_else(|| Some(number.as_f64()? as i64)),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

/// Seconds since 1970, or a date of the older App Service protocol: `06/20/2019 02:57:58 +00:00` on
/// Linux and `1/16/2020 12:0:12 AM +00:00` on Windows (azure-identity's `azure_ml.py` reads both).
fn moment(value: &Value) -> Option<i64> {
    const FORMS: [&str; 2] = [
        "[month padding:none]/[day padding:none]/[year] [hour padding:none]:[minute padding:none]:[second padding:none]",
        "[month padding:none]/[day padding:none]/[year] [hour repr:12 padding:none]:[minute padding:none]:[second padding:none] [period]",
    ];
    if let Some(seconds) = seconds(value) {
        return Some(seconds);
    }
    let text = value.as_str()?.trim().strip_suffix("+00:00")?.trim_end();
    FORMS.iter().find_map(|form| {
        let form: Vec<BorrowedFormatItem<'_>> = parse_borrowed::<2>(form).ok()?;
        let moment = PrimitiveDateTime::parse(text, &form).ok()?;
        Some(moment.assume_utc().unix_timestamp())
    })
}

/// A host's error in any of their forms.
#[derive(Default)]
struct HostError {
    code: String,
    message: String,
    correlation_id: Option<String>,
}

/// IMDS and Arc: `{"error": "…", "error_description": "…"}`. Service Fabric and Cloud Shell:
/// `{"error": {"code": "…", "message": "…", "correlationId": "…"}}`. App Service: `{"statusCode":
/// 400, "message": "…"}`, in the protocol of 2017 with capitals.
fn host_error(asked: &HostRequest<'_>, response: &HttpResponse) -> Option<HostError> {
    let whole: Map<String, Value> = serde_json::from_slice(&response.body).ok()?;
    let parts = match whole.get("error") {
        Some(Value::Object(inner)) => inner,
        _ => &whole,
    };
    let text = |names: &[&str]| {
        let found = |name: &&str| parts.get(*name).or_else(|| whole.get(*name))?.as_str();
        names.iter().find_map(found)
    };
    let code = text(&["error", "code"]).unwrap_or_default();
    let message = text(&[
        "error_description",
        "message",
        "Message",
        "ExceptionMessage",
    ]);
    if code.is_empty() && message.is_none() {
        return None;
    }
    let message = message.and_then(|message| message.lines().next());
    Some(HostError {
        code: asked.clean(code, 80),
        message: asked.clean(message.unwrap_or_default(), 500),
        correlation_id: text(&["correlation_id", "correlationId", "CorrelationId"])
            .map(|id| asked.clean(id, 80)),
    })
}

impl HostError {
    /// Whether the error means that the host has no such identity.
    fn is_unknown_identity(&self) -> bool {
        let message = self.message.to_ascii_lowercase();
        // The first is from IMDS and Arc. App Service returns 'No User Assigned or Delegated
        // Managed Identity found for …' and, in the protocol of 2017, 'No MSI found for …'.
        self.code == "ManagedIdentityNotFound"
            || message.contains("identity not found")
            || message.starts_with("no ")
                && ["managed identity found", "msi found"]
                    .iter()
                    .any(|words| message.contains(words))
    }

    /// Whether the error means that the host has several identities and the request named none.
    fn is_ambiguous(&self) -> bool {
        self.message
            .to_ascii_lowercase()
            .contains("multiple user assigned identities")
    }
}

fn failure(asked: &HostRequest<'_>, response: &HttpResponse) -> Error {
    let HostRequest { what, host, .. } = asked;
    let status = response.status;
    let said = host_error(asked, response);
    let words = said.as_ref().map_or(String::new(), |said| {
        let words = if said.message.is_empty() {
            &said.code
        } else {
            &said.message
        };
        words.trim_end_matches('.').to_owned()
    });
    let error = |kind, why: String| Error::new(kind, (*what).to_owned(), why);
    // A temporary failure that did not pass within the retries.
    if matches!(status, 404 | 410 | 429 | 500..) && (said.is_some() || status != 404) {
        let state = match status {
            429 => "returned 429: too many requests",
            404 | 410 => "is being updated",
            _ => "failed",
        };
        let times = match response.attempts {
            1 => "once".to_owned(),
            times => format!("{times} times"),
        };
        let mut why = format!("{host} {state} (HTTP {status}; tried {times})");
        if !words.is_empty() {
            why = format!("{why}: {words}");
        }
        let after = response.retry_after(asked.now);
        return error(ErrorKind::Unreachable, why).with_fix(Fix::Retry { after });
    }
    let Some(said) = said else {
        return asked.unexpected(not_an_answer(asked, response));
    };
    let refusal = Refusal {
        status,
        error: said.code.clone(),
        description: said.message.clone(),
        correlation_id: said.correlation_id.clone(),
        ..Refusal::default()
    };
    let (kind, why, fix) = if said.is_unknown_identity() {
        (
            ErrorKind::Unavailable,
            format!("{host} does not have this identity ({words})"),
            asked.assign,
        )
    } else if said.is_ambiguous() {
        (
            ErrorKind::Refused,
            format!("{host} has several identities, and none is chosen ({words})"),
            "set AZURE_CLIENT_ID to the client id of one of them: `az identity list --query '[].{name:name, id:clientId}'`",
        )
    } else {
        (
            ErrorKind::Refused,
            format!("{host} rejected the request: {words}"),
            "check that the resource exists in Azure, and that the identity is still assigned",
        )
    };
    error(kind, why).with_fix(fix).with_refusal(refusal)
}

/// Describes a response that is not a host's.
fn not_an_answer(asked: &HostRequest<'_>, response: &HttpResponse) -> String {
    let (host, status) = (asked.host, response.status);
    let body = response.body.trim_ascii_start();
    let html = response
        .header("content-type")
        .is_some_and(|kind| kind.contains("text/html"))
        || body.starts_with(b"<");
    if html {
        return format!(
            "{host} returned a web page (HTTP {status}), so another server answers there"
        );
    }
    let what = match serde_json::from_slice::<Value>(body) {
        _ if body.is_empty() => "is empty",
        Ok(Value::Object(answer)) if answer.contains_key("access_token") => {
            "has an access_token or another field in an unknown form"
        }
        Ok(Value::Object(_)) => "has neither a token nor an error",
        Ok(_) => "is JSON, but not an object",
        Err(_) if body.starts_with(b"{") => "is cut off or damaged JSON",
        Err(_) => "is not JSON",
    };
    format!("{host}'s answer (HTTP {status}) {what}")
}

fn secret<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> std::result::Result<SecretString, D::Error> {
    let token = String::deserialize(deserializer)?;
    // RFC 6750 section 2.1: the characters that a header may have.
    if token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(serde::de::Error::custom("no bearer token"));
    }
    Ok(token.into())
}

#[cfg(test)]
#[path = "answer_tests.rs"]
mod tests;
