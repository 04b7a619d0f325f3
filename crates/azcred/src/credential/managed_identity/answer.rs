//! Reads the responses of managed identity hosts: JSON in which each host writes times and errors
//! in its own way.
//!
//! All text in it is untrusted. Its length is limited, and control characters and all sent secrets
//! are removed.

use crate::{
    entra::{RequestNames, SentProof, code_in, explain},
    expiry::{self, moment, seconds},
    facts::{Error, ErrorKind, Fix, Refusal, Result},
    http::{HttpResponse, skew_in_words},
    json,
    managed_identity_id::ManagedIdentityId,
    redact::redact,
    token::AccessToken,
    untrusted::printable,
};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};
use std::time::{Duration, SystemTime};

/// The request, as far as its errors need it.
pub(super) struct HostRequest<'a> {
    /// What did not work, as a sentence.
    pub(super) what: &'a str,
    pub(super) resource: &'a str,
    /// The identity that was requested.
    pub(super) id: &'a ManagedIdentityId,
    /// The variable that names the identity, if there is one.
    pub(super) variable: Option<&'static str>,
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
    token_type: Option<Value>,
    #[serde(default)]
    expires_on: Option<Value>,
    #[serde(default)]
    expires_in: Option<Value>,
    #[serde(default)]
    refresh_in: Option<Value>,
    #[serde(default)]
    client_id: Option<Value>,
    #[serde(default)]
    object_id: Option<Value>,
    #[serde(default, alias = "mi_res_id")]
    msi_res_id: Option<Value>,
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

    /// The identity that was requested, with the variable that names it.
    fn identity(&self) -> String {
        match self.variable {
            Some(variable) => format!("{}, which {variable} names", self.id),
            None if self.id.is_system() => "this identity".to_owned(),
            None => self.id.to_string(),
        }
    }

    /// The fix if the host does not have the identity.
    fn choose(&self) -> Fix {
        const LIST: &str = "`az identity list --query '[].{name:name, id:clientId}'`";
        let assign = Fix::from(self.assign);
        match self.variable {
            // Programs that sign in in another way read the same variable.
            Some(variable) => Fix::UnsetVariable(variable.into())
                .when("it is not meant for this machine")
                .or(format!(
                    "set {variable} to the client id of one of its identities: {LIST}"
                ))
                .or(assign),
            None if self.id.is_system() => assign,
            None => Fix::from(format!("choose one of its identities: {LIST}")).or(assign),
        }
    }

    /// Untrusted text as printable text without secrets.
    fn clean(&self, text: &str, limit: usize) -> String {
        let text: String = text.chars().take(LOOKED_AT).collect();
        printable(&redact(&text, self.secrets), limit)
    }
}

fn success(asked: &HostRequest<'_>, response: &HttpResponse) -> Result<HostToken> {
    let Some(answer) = json::object::<Success>(&response.body) else {
        // Some hosts return their errors with the status 200.
        return Err(failure(asked, response));
    };
    let kind = answer.token_type.as_ref().and_then(Value::as_str);
    let kind = kind.unwrap_or("Bearer");
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
        client_id: text(answer.client_id),
        object_id: text(answer.object_id),
        resource_id: text(answer.msi_res_id),
    })
}

/// A member that only informs: a value of another form counts as missing.
fn text(value: Option<Value>) -> Option<String> {
    match value {
        Some(Value::String(text)) => Some(text),
        _ => None,
    }
}

/// A part of a response with a token, without that token: it may be in the wrong member.
fn without_token(asked: &HostRequest<'_>, answer: &Success, text: &str) -> String {
    asked.clean(&redact(text, &[answer.access_token.expose_secret()]), 40)
}

/// The lifetime of a token. By 'How to use managed identities on an Azure VM', `expires_in` counts
/// from when the token was issued, but IMDS counts from now. `expires_on` depends on this machine's
/// clock. So the earlier end is used, unless `expires_on` has passed, which means that the clock is
/// wrong. If neither is there, readable and possible, the token's own claim decides.
fn lifetime(
    asked: &HostRequest<'_>,
    answer: &Success,
    response: &HttpResponse,
) -> Result<Duration> {
    let now = match asked.now.duration_since(SystemTime::UNIX_EPOCH) {
        Ok(since) => i64::try_from(since.as_secs()).unwrap_or(i64::MAX),
        Err(_) => 0,
    };
    let within = answer.expires_in.as_ref().and_then(seconds);
    let until = answer.expires_on.as_ref().and_then(moment);
    let until = until.map(|end| end.saturating_sub(now));
    let told = match (within, until) {
        (Some(within), Some(until @ 1..)) => Some(within.min(until)),
        (Some(within), _) => Some(within),
        (None, until) => until,
    };
    let is_possible = |lifetime: i64| lifetime > 0 && length(lifetime) <= LONGEST;
    let own = || {
        let end = expiry::claim(answer.access_token.expose_secret())?;
        Some(end.saturating_sub(now))
    };
    let lifetime = match told {
        Some(told) if is_possible(told) => told,
        told => match own()
            .filter(|own| told.is_none() || is_possible(*own))
            .or(told)
        {
            Some(lifetime) => lifetime,
            None => return Err(without_an_end(asked, answer)),
        },
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

/// The error for a token of which nothing says when it ends.
fn without_an_end(asked: &HostRequest<'_>, answer: &Success) -> Error {
    let ends = [
        ("expires_on", &answer.expires_on),
        ("expires_in", &answer.expires_in),
    ];
    let unreadable = ends.into_iter().find_map(|(name, value)| match value {
        Some(Value::Null) | None => None,
        Some(Value::String(text)) if text.trim().is_empty() => None,
        Some(value) => Some((name, value.to_string())),
    });
    asked.unexpected(match unreadable {
        Some((name, value)) => format!(
            "{} returned a token whose expiry time has an unknown form: {name} is {}",
            asked.host,
            without_token(asked, answer, &value)
        ),
        None => format!("{} returned a token without an expiry time", asked.host),
    })
}

/// A host's error in any of their forms.
#[derive(Default)]
struct HostError {
    code: String,
    message: String,
    correlation_id: Option<String>,
    /// The reason and the fix, if the host is azcred's own endpoint.
    of_azcred: Option<(String, Option<String>)>,
}

/// IMDS and Arc: `{"error": "…", "error_description": "…"}`. Service Fabric and Cloud Shell:
/// `{"error": {"code": "…", "message": "…", "correlationId": "…"}}`. App Service: `{"statusCode":
/// 400, "message": "…"}`, in the protocol of 2017 with capitals. Azure Machine Learning: a text.
fn host_error(asked: &HostRequest<'_>, response: &HttpResponse) -> Option<HostError> {
    let Ok(whole) = serde_json::from_slice::<Map<String, Value>>(&response.body) else {
        return text_error(asked, response);
    };
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
    let of_azcred = whole.get("azcred").and_then(|parts| {
        let part = |name: &str| {
            let text = parts.get(name)?.as_str()?;
            Some(asked.clean(text.trim_end_matches('.'), 500))
        };
        Some((part("why")?, part("fix")))
    });
    Some(HostError {
        of_azcred,
        code: asked.clean(code, 80),
        message: asked.clean(message.unwrap_or_default(), 500),
        correlation_id: text(&["correlation_id", "correlationId", "CorrelationId"])
            .map(|id| asked.clean(id, 80)),
    })
}

/// Azure Machine Learning's errors: `InternalError - :{`, a line with `Info: Request failure status
/// code: 404`, and `}`; or `SSO failure: …` (Azure/azure-sdk-for-python#31071,
/// Azure/azure-cli#28220).
fn text_error(asked: &HostRequest<'_>, response: &HttpResponse) -> Option<HostError> {
    let text = std::str::from_utf8(&response.body).ok()?;
    let message = match text.strip_prefix("InternalError") {
        Some(rest) => rest.lines().find_map(|line| line.strip_prefix("Info: "))?,
        None => (text.lines().next()).filter(|line| line.starts_with("SSO failure"))?,
    };
    Some(HostError {
        message: asked.clean(message, 500),
        ..HostError::default()
    })
}

impl HostError {
    /// Whether the error means that the host has no such identity.
    fn is_unknown_identity(&self) -> bool {
        let message = self.message.to_ascii_lowercase();
        // The first is from IMDS and Arc. App Service returns 'No User Assigned or Delegated
        // Managed Identity found for …' and, in the protocol of 2017, 'No MSI found for …'.
        self.code == "ManagedIdentityNotFound"
            // Azure Machine Learning's service of identities.
            || message == "request failure status code: 404"
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
    let is_unknown = said.as_ref().is_some_and(HostError::is_unknown_identity);
    // A temporary failure that did not pass within the retries.
    if matches!(status, 404 | 410 | 429 | 500..) && (said.is_some() || status != 404) && !is_unknown
    {
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
    if let Some((why, fix)) = said.of_azcred {
        let error = error(ErrorKind::Refused, why);
        return match fix {
            Some(fix) => error.with_fix(fix),
            None => error,
        };
    }
    let code = code_in(&said.message);
    let refusal = Refusal {
        status,
        code,
        error: said.code.clone(),
        description: said.message.clone(),
        correlation_id: said.correlation_id.clone(),
        ..Refusal::default()
    };
    let (kind, why, fix) = if is_unknown {
        (
            ErrorKind::Unavailable,
            format!("{host} does not have {} ({words})", asked.identity()),
            asked.choose(),
        )
    } else if said.is_ambiguous() {
        (
            ErrorKind::Refused,
            format!("{host} has several identities, and none is chosen ({words})"),
            "set AZURE_CLIENT_ID to the client id of one of them: `az identity list --query '[].{name:name, id:clientId}'`".into(),
        )
    } else {
        let names = RequestNames {
            client_id: asked.id.by_client(),
            tenant: None,
            scope: Some(asked.resource),
        };
        let meaning = code.and_then(explain);
        let means = meaning.and_then(|meaning| meaning.means_with(&names));
        let fix = meaning.and_then(|meaning| meaning.fix_with(SentProof::ManagedIdentity, &names));
        (
            ErrorKind::Refused,
            match means {
                Some(means) => format!("{host} rejected the request: {means}"),
                None => format!("{host} rejected the request: {words}"),
            },
            fix.unwrap_or_else(|| {
                "check that the resource exists in Azure, and that the identity is still assigned"
                    .into()
            }),
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
