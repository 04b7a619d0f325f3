//! Reads what Azure Resource Manager answers when it says no.
//!
//! Every word of it is somebody else's: bounded, stripped of control characters, and put into a
//! command only where it can't be anything but an id.

use crate::{
    arm_codes::explain,
    error::{Error, ErrorKind},
    role::BuiltInRole,
    text::{between, clean, is_guid},
};
use azcred::{AccessToken, Fix, GrantRole, Principal, PrincipalKind, http::HttpResponse};
use serde::Deserialize;
use std::time::SystemTime;

/// What an error needs to know of the request.
pub(crate) struct Asked<'a> {
    /// What was tried, as a sentence.
    pub(crate) what: &'a str,
    /// The path that was asked for.
    pub(crate) path: &'a str,
    /// Resource Manager's own resource, without a slash at the end.
    pub(crate) audience: &'a str,
    /// The token that was sent.
    pub(crate) token: &'a AccessToken,
    pub(crate) now: SystemTime,
}

#[derive(Deserialize)]
struct Envelope {
    error: Refusal,
}

#[derive(Deserialize)]
struct Refusal {
    #[serde(default)]
    code: String,
    #[serde(default)]
    message: String,
}

/// Azure's id of the exchange.
pub(crate) fn correlation_id(response: &HttpResponse) -> Option<String> {
    ["x-ms-correlation-request-id", "x-ms-request-id"]
        .into_iter()
        .find_map(|name| response.header(name))
        .map(|id| clean(id, 80))
        .filter(|id| !id.is_empty())
}

/// The error that a refusal amounts to.
pub(crate) fn read(asked: &Asked<'_>, response: &HttpResponse) -> Error {
    let error = match serde_json::from_slice::<Envelope>(&response.body) {
        Ok(Envelope { error }) if !error.code.is_empty() => explained(asked, response, &error),
        _ => not_understood(asked.what, response, asked.now),
    };
    error.with_answer(
        response.status,
        correlation_id(response),
        response.clock_skew,
    )
}

fn explained(asked: &Asked<'_>, response: &HttpResponse, refusal: &Refusal) -> Error {
    let code = clean(&refusal.code, 80);
    let said = clean(&refusal.message, 600);
    let said = said.trim_end_matches('.');
    let meaning = explain(&code);
    let kind = meaning.map_or_else(|| kind_of(response.status), |meaning| meaning.kind);
    let mut why = meaning.map_or_else(
        || format!("Azure refused: {said}"),
        |meaning| fill(meaning.means, asked),
    );
    let mut fix = meaning
        .map(|meaning| Fix::from(fill(meaning.fix, asked)))
        .unwrap_or_default();
    match meaning.map(|meaning| meaning.code) {
        Some("AuthorizationFailed" | "LinkedAuthorizationFailed") => {
            (why, fix) = not_permitted(asked, said, &why);
        }
        Some("DenyAssignmentAuthorizationFailed") => {
            if let Some(name) = between(said, "deny assignment with name '", "'") {
                why = format!("{why}: '{}'", clean(name, 120));
            }
        }
        Some("InvalidAuthenticationTokenTenant") => {
            (why, fix) = wrong_tenant(asked, response, said, why, fix);
        }
        _ => {}
    }
    if kind == ErrorKind::Unreachable {
        (why, fix) = busy(response, asked.now, &why, fix);
    }
    Error::new(kind, asked.what.to_owned(), why)
        .with_fix(fix)
        .with_code(Some(code))
}

/// Who lacks which action where, and the least role that has it.
fn not_permitted(asked: &Asked<'_>, said: &str, means: &str) -> (String, Fix) {
    // The linked form names first what is allowed, then what is not.
    let refused = said
        .split_once("it does not have permission")
        .map_or(said, |(_, rest)| rest);
    let action = between(refused, "action '", "'").or_else(|| between(refused, "action(s) '", "'"));
    let scope = between(refused, "scope '", "'")
        .or_else(|| between(refused, "linked scope(s) '", "'"))
        .map(|scope| scope.split(',').next().unwrap_or(scope).trim());
    let principal = Principal::from_token(asked.token).ok();
    let object = between(said, "object id '", "'").filter(|id| is_guid(id));
    let client = between(said, "client '", "'");
    let Some(action) = action else {
        return (format!("{means}; Azure says: {said}"), Fix::default());
    };
    let mut why = "the identity".to_owned();
    if let Some(client) = client {
        why = format!("{why} {}", clean(client, 80));
    }
    if let Some(object) = object {
        why = format!("{why} (object id {object})");
    }
    why = format!("{why} has no role that allows {}", clean(action, 160));
    let scope = scope.unwrap_or(asked.path);
    why = format!(
        "{why} on {}; a role given less than some minutes ago may not count yet",
        clean(scope, 300)
    );
    // Who may not look is not told whether there is anything to see.
    if action.to_ascii_lowercase().ends_with("/read") {
        why.push_str(", and Azure says the same of what does not exist: check the name");
    }
    let role = BuiltInRole::least(&[action]).map_or("Contributor", |role| role.name);
    // The message names who was judged; the token, what that is.
    let known = principal
        .as_ref()
        .and_then(|principal| principal.object_id.as_deref());
    let kind = principal
        .as_ref()
        .map_or(PrincipalKind::Unknown, |principal| principal.kind);
    let object_id = object.or(known).map(str::to_owned);
    let fix = GrantRole::new(role, Some(scope.to_owned()), object_id, kind).into();
    (why, fix)
}

/// Which tenant would have been right: the message names its issuer, the challenge its authority.
fn wrong_tenant(
    asked: &Asked<'_>,
    response: &HttpResponse,
    said: &str,
    why: String,
    fix: Fix,
) -> (String, Fix) {
    let message = between(said, "must match the tenant 'https://", "'")
        .or_else(|| between(said, "must match one of the tenants 'https://", "'"));
    let challenge = response
        .header("www-authenticate")
        .and_then(|challenge| between(challenge, "authorization_uri=\"https://", "\""));
    let right = [message, challenge]
        .into_iter()
        .flatten()
        .find_map(|address| address.split(['/', ',']).find(|part| is_guid(part)));
    let Some(right) = right else {
        return (why, fix);
    };
    let here = Principal::from_token(asked.token)
        .ok()
        .and_then(|principal| principal.tenant_id)
        .map_or_else(String::new, |tenant| format!(" {tenant}"));
    (
        format!(
            "the subscription belongs to the tenant {right}, and the token is of the tenant{here}"
        ),
        Fix::set_to("AZURE_TENANT_ID", right)
            .or(Fix::set_to("HIML_TENANT_ID", right))
            .or(Fix::SignInToTool {
                command: format!("az login --tenant {right}"),
            }),
    )
}

/// What is no answer of Azure's, or one of an Azure that is busy.
pub(crate) fn not_understood(what: &str, response: &HttpResponse, now: SystemTime) -> Error {
    if response.status == 429 || response.status >= 500 {
        let (why, fix) = busy(response, now, "", Fix::default());
        return Error::new(ErrorKind::Unreachable, what.to_owned(), why).with_fix(fix);
    }
    unexpected(what, response)
}

/// An answer that is none of Resource Manager's.
pub(crate) fn unexpected(what: &str, response: &HttpResponse) -> Error {
    let body = response.body.trim_ascii_start();
    let status = response.status;
    let html = response
        .header("content-type")
        .is_some_and(|kind| kind.contains("text/html"))
        || body.starts_with(b"<");
    let why = if html {
        format!(
            "the answer is a web page (HTTP {status}), as a captive portal or a company's proxy sends"
        )
    } else if body.is_empty() {
        format!("the answer is empty (HTTP {status})")
    } else if serde_json::from_slice::<serde::de::IgnoredAny>(body).is_ok() {
        format!("the answer (HTTP {status}) is not what Azure Resource Manager sends")
    } else {
        format!("the answer (HTTP {status}) is cut off or no JSON")
    };
    Error::new(ErrorKind::Unexpected, what.to_owned(), why)
        .with_fix("check that the cloud's address is right and that no proxy answers in its place")
}

fn busy(response: &HttpResponse, now: SystemTime, said: &str, fix: Fix) -> (String, Fix) {
    let times = if response.attempts == 1 {
        "once".to_owned()
    } else {
        format!("{} times", response.attempts)
    };
    let said = match said {
        "" if response.status == 429 => "Azure asks to slow down",
        "" => "Azure is in trouble",
        said => said,
    };
    let fix = match response.retry_after(now) {
        None if !fix.is_empty() => fix,
        after => Fix::Retry { after },
    };
    (
        format!("{said} (HTTP {}, asked {times})", response.status),
        fix,
    )
}

fn kind_of(status: u16) -> ErrorKind {
    match status {
        401 => ErrorKind::Unauthenticated,
        403 => ErrorKind::NotPermitted,
        404 => ErrorKind::NotFound,
        400 | 405 | 409 | 412 | 422 => ErrorKind::Invalid,
        408 | 429 | 500.. => ErrorKind::Unreachable,
        _ => ErrorKind::Unexpected,
    }
}

fn fill(text: &str, asked: &Asked<'_>) -> String {
    let part = |label: &str| {
        let mut segments = asked.path.split('/');
        segments.find(|segment| segment.eq_ignore_ascii_case(label))?;
        segments.next()
    };
    text.replace("{subscription}", part("subscriptions").unwrap_or("ID"))
        .replace("{group}", part("resourceGroups").unwrap_or("GROUP"))
        .replace("{audience}", asked.audience)
}
