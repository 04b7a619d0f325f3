//! Reads the responses with which Azure Resource Manager rejects a request.
//!
//! The responses' text is not trusted: its length is limited, control characters are removed, and
//! commands get only ids from it.

use crate::{
    arm_codes::{Names, explain},
    error::{Error, ErrorKind},
    graph_codes,
    role::BuiltInRole,
    service_kind::ServiceKind,
    text::{between, clean, is_guid},
};
use azcred::{AccessToken, Fix, GrantRole, Principal, PrincipalKind, http::HttpResponse};
use serde::Deserialize;
use std::time::SystemTime;

/// The request, as far as its errors need it.
pub(crate) struct Sent<'a> {
    /// The service that responded.
    pub(crate) service: ServiceKind,
    /// What was tried.
    pub(crate) what: &'a str,
    /// The path of the request.
    pub(crate) path: &'a str,
    /// Resource Manager's resource, without a slash at the end.
    pub(crate) audience: &'a str,
    /// Whether the request changes something.
    pub(crate) changes: bool,
    /// The token of the request.
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

/// Azure's id of the request.
pub(crate) fn correlation_id(response: &HttpResponse) -> Option<String> {
    [
        "x-ms-correlation-request-id",
        "x-ms-request-id",
        "request-id",
    ]
    .into_iter()
    .find_map(|name| response.header(name))
    .map(|id| clean(id, 80))
    .filter(|id| !id.is_empty())
}

/// The error for a rejected request.
pub(crate) fn read(sent: &Sent<'_>, response: &HttpResponse) -> Error {
    let error = match serde_json::from_slice::<Envelope>(&response.body) {
        Ok(Envelope { error }) if !error.code.is_empty() => explained(sent, response, &error),
        _ => not_understood(sent.service, sent.what, response, sent.now),
    };
    error.with_answer(
        response.status,
        correlation_id(response),
        response.clock_skew,
    )
}

fn explained(sent: &Sent<'_>, response: &HttpResponse, refusal: &Refusal) -> Error {
    let code = clean(&refusal.code, 80);
    let said = clean(&refusal.message, 600);
    let said = said.trim_end_matches('.');
    if sent.service == ServiceKind::Graph
        && let Some(meaning) = graph_codes::explain(&code, sent.changes)
    {
        return Error::new(meaning.kind, sent.what.to_owned(), meaning.means)
            .with_fix(meaning.fix)
            .with_code(Some(code));
    }
    let meaning = explain(&code);
    let names = names(sent);
    let kind = meaning.map_or_else(|| kind_of(response.status), |meaning| meaning.kind);
    let mut why = meaning.map_or_else(
        || match sent.service {
            ServiceKind::ResourceManager => format!("Azure rejected the request: {said}"),
            service => format!("{} rejected the request: {said}", service.name()),
        },
        |meaning| meaning.means(&names),
    );
    let mut fix = meaning
        .map(|meaning| meaning.fix(&names))
        .unwrap_or_default();
    match meaning.map(|meaning| meaning.code) {
        Some("AuthorizationFailed" | "LinkedAuthorizationFailed") => {
            (why, fix) = not_permitted(sent, said, &why);
        }
        Some("DenyAssignmentAuthorizationFailed") => {
            if let Some(name) = between(said, "deny assignment with name '", "'") {
                why = format!("{why}: '{}'", clean(name, 120));
            }
        }
        Some("InvalidAuthenticationTokenTenant") => {
            (why, fix) = wrong_tenant(sent, response, said, why, fix);
        }
        _ => {}
    }
    if kind == ErrorKind::Unreachable {
        (why, fix) = busy(response, sent.now, &why, fix);
    }
    Error::new(kind, sent.what.to_owned(), why)
        .with_fix(fix)
        .with_code(Some(code))
}

/// The cause and the fix: which identity lacks which action on which resource, and the least
/// powerful role that allows the action.
fn not_permitted(sent: &Sent<'_>, said: &str, means: &str) -> (String, Fix) {
    // In the linked form, the text names the allowed action first and the missing one second.
    let refused = said
        .split_once("it does not have permission")
        .map_or(said, |(_, rest)| rest);
    let action = between(refused, "action '", "'").or_else(|| between(refused, "action(s) '", "'"));
    let scope = between(refused, "scope '", "'")
        .or_else(|| between(refused, "linked scope(s) '", "'"))
        .map(|scope| scope.split(',').next().unwrap_or(scope).trim());
    let principal = Principal::from_token(sent.token).ok();
    let object = between(said, "object id '", "'").filter(|id| is_guid(id));
    let client = between(said, "client '", "'");
    let Some(action) = action else {
        return (format!("{means}; Azure's message: {said}"), Fix::default());
    };
    let mut why = "the identity".to_owned();
    if let Some(client) = client {
        why = format!("{why} {}", clean(client, 80));
    }
    if let Some(object) = object {
        why = format!("{why} (object id {object})");
    }
    why = format!("{why} has no role that allows {}", clean(action, 160));
    let scope = above_authorization(scope.unwrap_or(sent.path));
    why = format!(
        "{why} on {}; a new role takes some minutes to count",
        clean(scope, 300)
    );
    // If an identity may not read a resource, Azure does not say whether the resource exists.
    if action.to_ascii_lowercase().ends_with("/read") {
        why.push_str(", and Azure answers the same if it does not exist: check the name");
    }
    let role = BuiltInRole::least(&[action]).map_or("Contributor", |role| role.name);
    // The message has the object id; the token has the kind of principal.
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

/// The scope at which a role is assigned: that of an assignment, a role or another resource of
/// Microsoft.Authorization is what it is for.
fn above_authorization(scope: &str) -> &str {
    const AUTHORIZATION: &str = "/providers/microsoft.authorization";
    match scope.to_ascii_lowercase().find(AUTHORIZATION) {
        Some(0) => "/",
        Some(at) => &scope[..at],
        None => scope,
    }
}

/// The right tenant: the message has its issuer, the challenge its authority.
fn wrong_tenant(
    sent: &Sent<'_>,
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
    let here = Principal::from_token(sent.token)
        .ok()
        .and_then(|principal| principal.tenant_id)
        .map_or_else(String::new, |tenant| format!(" {tenant}"));
    (
        format!(
            "the subscription belongs to the tenant {right}, and the token is from the tenant{here}"
        ),
        Fix::set_to("AZURE_TENANT_ID", right)
            .or(Fix::set_to("HIML_TENANT_ID", right))
            .or(Fix::SignInToTool {
                command: format!("az login --tenant {right}"),
            }),
    )
}

/// The error for a response that is not Resource Manager's, or that says that it is busy.
pub(crate) fn not_understood(
    service: ServiceKind,
    what: &str,
    response: &HttpResponse,
    now: SystemTime,
) -> Error {
    if response.status == 429 || response.status >= 500 {
        let (why, fix) = busy(response, now, "", Fix::default());
        return Error::new(ErrorKind::Unreachable, what.to_owned(), why).with_fix(fix);
    }
    unexpected(service, what, response)
}

/// A response that is not the service's.
pub(crate) fn unexpected(service: ServiceKind, what: &str, response: &HttpResponse) -> Error {
    let body = response.body.trim_ascii_start();
    let status = response.status;
    let html = response
        .header("content-type")
        .is_some_and(|kind| kind.contains("text/html"))
        || body.starts_with(b"<");
    let why = if html {
        format!(
            "the response is a web page (HTTP {status}), perhaps from a captive portal or a company's proxy"
        )
    } else if body.is_empty() {
        format!("the response is empty (HTTP {status})")
    } else if serde_json::from_slice::<serde::de::IgnoredAny>(body).is_ok() {
        format!(
            "the response (HTTP {status}) is not what {} sends",
            service.name()
        )
    } else {
        format!("the response (HTTP {status}) is cut off or not JSON")
    };
    Error::new(ErrorKind::Unexpected, what.to_owned(), why).with_fix(
        "check that the cloud's address is right, and that no proxy responds in its place",
    )
}

fn busy(response: &HttpResponse, now: SystemTime, said: &str, fix: Fix) -> (String, Fix) {
    let times = if response.attempts == 1 {
        "once".to_owned()
    } else {
        format!("{} times", response.attempts)
    };
    let said = match said {
        "" if response.status == 429 => "there are too many requests",
        "" => "Azure has a problem of its own",
        said => said,
    };
    let fix = match response.retry_after(now) {
        None if !fix.is_empty() => fix,
        after => Fix::Retry { after },
    };
    (
        format!("{said} (HTTP {}, tried {times})", response.status),
        fix,
    )
}

fn kind_of(status: u16) -> ErrorKind {
    match status {
        401 => ErrorKind::Unauthenticated,
        403 => ErrorKind::NotPermitted,
        404 => ErrorKind::NotFound,
        400 | 405 | 409 | 412 | 422 | 501 => ErrorKind::Invalid,
        408 | 429 | 500.. => ErrorKind::Unreachable,
        _ => ErrorKind::Unexpected,
    }
}

/// What the path of the request names. What it does not name is a word in capitals.
fn names<'a>(sent: &Sent<'a>) -> Names<'a> {
    let part = |label: &str| {
        let mut segments = sent.path.split('/');
        segments.find(|segment| segment.eq_ignore_ascii_case(label))?;
        segments.next()
    };
    Names {
        subscription: part("subscriptions").unwrap_or("ID"),
        group: part("resourceGroups").unwrap_or("GROUP"),
        audience: sent.audience,
    }
}
