//! Reads the response of a token endpoint (RFC 6749 sections 5.1 and 5.2, with Entra ID's
//! additions).
//!
//! All text in it is untrusted. Its length is limited, and control characters and all sent secrets
//! are removed.

use super::codes::{Meaning, RequestNames, SentProof, explain};
use crate::{
    expiry,
    facts::{Error, ErrorKind, Fix, Refusal, Result},
    http::{HttpResponse, skew_in_words},
    json,
    redact::redact,
    token::AccessToken,
    untrusted::printable,
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Deserializer};
use std::time::{Duration, SystemTime};

/// The request, as far as its errors need it.
pub(super) struct SentRequest<'a> {
    /// What did not work, as a sentence.
    pub(super) what: &'a str,
    pub(super) proof: SentProof,
    pub(super) client_id: &'a str,
    pub(super) tenant: &'a str,
    pub(super) scope: &'a str,
    /// The values that must not be in any message.
    pub(super) secrets: &'a [&'a str],
    pub(super) now: SystemTime,
}

/// A longer lifetime is cut to this. More could overflow a clock.
const LONGEST: Duration = Duration::from_secs(366 * 24 * 60 * 60);
/// Clocks that differ by fewer seconds count as equal. Entra ID allows five minutes.
const CLOCK_TOLERANCE: i64 = 300;

#[derive(Deserialize)]
struct TokenResponse {
    #[serde(deserialize_with = "secret")]
    access_token: SecretString,
    #[serde(default)]
    token_type: String,
    #[serde(default, deserialize_with = "seconds")]
    expires_in: Option<u64>,
    #[serde(default, deserialize_with = "seconds")]
    refresh_in: Option<u64>,
    #[serde(default, deserialize_with = "optional_secret")]
    refresh_token: Option<SecretString>,
    #[serde(default, deserialize_with = "optional_secret")]
    id_token: Option<SecretString>,
    #[serde(default)]
    client_info: Option<String>,
    #[serde(default)]
    foci: Option<String>,
}

#[derive(Deserialize)]
struct Failure {
    error: String,
    #[serde(default)]
    suberror: Option<String>,
    #[serde(default)]
    error_description: Option<String>,
    #[serde(default)]
    error_codes: Option<Vec<u32>>,
    #[serde(default)]
    timestamp: Option<String>,
    #[serde(default)]
    trace_id: Option<String>,
    #[serde(default)]
    correlation_id: Option<String>,
    #[serde(default)]
    claims: Option<String>,
}

/// The tokens of a person's sign-in.
pub(crate) struct PersonTokens {
    /// The access token for the request.
    pub(crate) access: AccessToken,
    /// The refresh token; `None` if the provider returned none.
    pub(crate) refresh: Option<SecretString>,
    /// The provider's statement about who signed in (a JWT; OpenID Connect Core 1.0 section 2).
    pub(crate) id_token: Option<SecretString>,
    /// `OBJECT-ID.TENANT-ID` of the account in its home tenant (`client_info`, specific to Entra
    /// ID).
    pub(crate) home_account_id: Option<String>,
    /// The family of clients that may use the refresh token (`foci`, specific to Entra ID).
    pub(crate) family: Option<String>,
}

/// The tokens in a response, or the error that it means.
pub(super) fn read(asked: &SentRequest<'_>, response: &HttpResponse) -> Result<PersonTokens> {
    if response.status != 200 {
        return Err(failure(asked, response));
    }
    match json::object::<TokenResponse>(&response.body) {
        Some(answer) => success(asked, answer),
        None => Err(failure(asked, response)),
    }
}

fn success(asked: &SentRequest<'_>, answer: TokenResponse) -> Result<PersonTokens> {
    if !answer.token_type.is_empty() && !answer.token_type.eq_ignore_ascii_case("Bearer") {
        let why = format!(
            "the authority returned a token of the type '{}', not a bearer token",
            // The token may be in the wrong member.
            clean(
                &redact(&answer.token_type, &[answer.access_token.expose_secret()]),
                asked.secrets,
                40
            )
        );
        return Err(
            Error::new(ErrorKind::Unexpected, asked.what.to_owned(), why).with_fix(CHECK_AUTHORITY),
        );
    }
    // RFC 6749 makes expires_in optional. Providers that leave it out usually mean an hour.
    let lifetime = answer
        .expires_in
        .or_else(|| left(answer.access_token.expose_secret(), asked.now))
        .unwrap_or(3600);
    let lifetime = Duration::from_secs(lifetime).min(LONGEST);
    Ok(PersonTokens {
        access: AccessToken::new(
            answer.access_token,
            asked.now,
            lifetime,
            answer.refresh_in.map(Duration::from_secs),
        ),
        refresh: answer.refresh_token,
        id_token: answer.id_token,
        home_account_id: answer.client_info.as_deref().and_then(home_account_id),
        family: answer.foci.filter(|family| {
            (1..=8).contains(&family.len())
                && family.bytes().all(|byte| byte.is_ascii_alphanumeric())
        }),
    })
}

/// For how many seconds the token itself says that it is valid; `None` if it does not say, or if
/// that is over by this machine's clock, which may be wrong.
fn left(token: &str, now: SystemTime) -> Option<u64> {
    let end = u64::try_from(expiry::claim(token)?).ok()?;
    let now = now.duration_since(SystemTime::UNIX_EPOCH).ok()?;
    end.checked_sub(now.as_secs()).filter(|left| *left > 0)
}

/// Reads `client_info`, the base64 of `{"uid": …, "utid": …}`, as MSAL does.
fn home_account_id(client_info: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct ClientInfo {
        uid: String,
        utid: String,
    }
    let bytes = URL_SAFE_NO_PAD
        .decode(client_info.trim_end_matches('='))
        .ok()?;
    let info: ClientInfo = json::object(&bytes)?;
    let is_id = |id: &str| {
        (1..=64).contains(&id.len())
            && id
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    (is_id(&info.uid) && is_id(&info.utid)).then(|| format!("{}.{}", info.uid, info.utid))
}

/// The error that a response means. Some providers send theirs with the status 200.
pub(super) fn failure(asked: &SentRequest<'_>, response: &HttpResponse) -> Error {
    let failure = json::object::<Failure>(&response.body);
    let is_error = |failure: &Failure| response.status != 200 || !failure.error.is_empty();
    let Some(failure) = failure.filter(is_error) else {
        return not_understood(asked, response);
    };
    let text = |value: &str, limit| clean(value, asked.secrets, limit);
    let said_of_it = failure.error_description.as_deref().unwrap_or_default();
    let code = failure
        .error_codes
        .iter()
        .flatten()
        .next()
        .copied()
        .or_else(|| code_in(said_of_it));
    let description = said_of_it.split(" Trace ID:").next().unwrap_or_default();
    let description = description.lines().next().unwrap_or_default();
    let refusal = Refusal {
        status: response.status,
        error: text(&failure.error, 80),
        suberror: failure.suberror.as_deref().map(|word| text(word, 80)),
        code,
        description: text(description, 500),
        correlation_id: failure.correlation_id.as_deref().map(|id| text(id, 80)),
        trace_id: failure.trace_id.as_deref().map(|id| text(id, 80)),
        timestamp: failure.timestamp.as_deref().map(|at| text(at, 40)),
        // A challenge is sent back unchanged, or not at all.
        claims: failure.claims.filter(|claims| {
            claims.len() <= LOOKED_AT
                && text(claims, LOOKED_AT) == *claims
                && serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(claims)
                    .is_ok()
        }),
    };
    let passing = response.status == 429
        || response.status >= 500
        || refusal.error == "temporarily_unavailable";
    let meaning = code.and_then(explain);
    let said = without_code(&refusal.description);
    let names = RequestNames {
        client_id: Some(asked.client_id),
        tenant: Some(asked.tenant),
        scope: Some(asked.scope),
    };
    let mut why = match meaning {
        Some(meaning) => meaning.means_with(&names).unwrap_or_default(),
        None if said.is_empty() => format!("the authority rejected the request: {}", refusal.error),
        None => format!("the authority rejected the request: {said}"),
    };
    let mut fix = meaning
        .and_then(|meaning| meaning.fix_with(asked.proof, &names))
        .unwrap_or_default();
    if meaning.is_some_and(Meaning::is_quoted) && !said.is_empty() {
        why = format!("{why}; Entra ID returned: {}", said.trim_end_matches('.'));
    }
    if passing {
        (why, fix) = busy(response, asked.now, Some(&why));
    }
    add_clock(&mut why, &mut fix, response, code == Some(700_024));
    let kind = if passing {
        ErrorKind::Unreachable
    } else {
        ErrorKind::Refused
    };
    Error::new(kind, asked.what.to_owned(), why)
        .with_fix(fix)
        .with_refusal(refusal)
}

/// The error for a response that is not an OAuth error.
fn not_understood(asked: &SentRequest<'_>, response: &HttpResponse) -> Error {
    if response.status == 429 || response.status >= 500 {
        let (why, fix) = busy(response, asked.now, None);
        return Error::new(ErrorKind::Unreachable, asked.what.to_owned(), why).with_fix(fix);
    }
    Error::new(
        ErrorKind::Unexpected,
        asked.what.to_owned(),
        not_an_answer(response, NEITHER),
    )
    .with_fix(CHECK_AUTHORITY)
}

/// The fix for a response that is not the authority's.
pub(super) const CHECK_AUTHORITY: &str =
    "check AZURE_AUTHORITY_HOST, and that no proxy answers instead";

/// The cause and the fix if the authority has too many requests or fails itself.
fn busy(response: &HttpResponse, now: SystemTime, said: Option<&str>) -> (String, Fix) {
    let times = if response.attempts == 1 {
        "once".to_owned()
    } else {
        format!("{} times", response.attempts)
    };
    let mut why = if response.status == 429 {
        format!("the authority is too busy (HTTP 429; tried {times})")
    } else {
        format!(
            "the authority failed (HTTP {}; tried {times})",
            response.status
        )
    };
    if let Some(said) = said {
        why = format!("{why}: {said}");
    }
    let after = response.retry_after(now);
    (why, Fix::Retry { after })
}

/// Adds a wrong clock to the cause: people rarely think of it.
fn add_clock(why: &mut String, fix: &mut Fix, response: &HttpResponse, decisive: bool) {
    let Some(skew) = response
        .clock_skew
        .filter(|skew| skew.abs() > CLOCK_TOLERANCE)
    else {
        return;
    };
    *why = format!(
        "{why}; this machine's clock is {} the authority's",
        skew_in_words(skew)
    );
    if decisive {
        *fix = Fix::SetClock;
    }
}

/// What the JSON of a token endpoint must have one of.
const NEITHER: &str = "neither a token nor an error";

/// Describes a response that is not an authority's. `neither` says what it lacks if it is JSON.
pub(super) fn not_an_answer(response: &HttpResponse, neither: &str) -> String {
    let body = response.body.trim_ascii_start();
    let html = response
        .header("content-type")
        .is_some_and(|kind| kind.contains("text/html"))
        || body.starts_with(b"<");
    let status = response.status;
    if html {
        format!(
            "the authority returned a web page (HTTP {status}), such as the sign-in page of a network or a proxy"
        )
    } else if body.is_empty() {
        format!("the authority's response is empty (HTTP {status})")
    } else if body.starts_with(b"{") {
        match serde_json::from_slice::<serde_json::Value>(body) {
            Ok(_) => {
                format!("the authority's response (HTTP {status}) has {neither}")
            }
            Err(_) => {
                format!("the authority's response (HTTP {status}) is incomplete or damaged JSON")
            }
        }
    } else {
        format!("the authority's response (HTTP {status}) is not JSON")
    }
}

/// The digits after `AADSTS`.
pub(crate) fn code_in(description: &str) -> Option<u32> {
    let rest = description.split_once("AADSTS")?.1;
    rest[..rest
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(rest.len())]
        .parse()
        .ok()
}

/// `AADSTS700016: Application …` without the code.
fn without_code(description: &str) -> &str {
    match description.split_once(": ") {
        Some((code, rest)) if code.starts_with("AADSTS") => rest,
        _ => description,
    }
}

/// Only this many bytes of an error description are read.
const LOOKED_AT: usize = 8192;

/// Untrusted text as printable text without secrets.
fn clean(text: &str, secrets: &[&str], limit: usize) -> String {
    let text: String = text.chars().take(LOOKED_AT).collect();
    let text = redact(&text, secrets);
    printable(&text, limit)
}

pub(super) fn secret<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> std::result::Result<SecretString, D::Error> {
    let token = String::deserialize(deserializer)?;
    // RFC 6750 section 2.1: the characters that a header may have.
    if token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(serde::de::Error::custom("no bearer token"));
    }
    Ok(token.into())
}

/// An unusable value is treated as missing: the access token is what matters.
fn optional_secret<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> std::result::Result<Option<SecretString>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?;
    Ok(text
        .filter(|text| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic()))
        .map(SecretString::from))
}

/// Seconds as a number or a text; `None` for anything else. The token or the code is what matters.
pub(super) fn seconds<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> std::result::Result<Option<u64>, D::Error> {
    let value = serde_json::Value::deserialize(deserializer)?;
    Ok(expiry::seconds(&value).map(|seconds| u64::try_from(seconds).unwrap_or(0)))
}

#[cfg(test)]
#[path = "token_answer_tests.rs"]
mod tests;
