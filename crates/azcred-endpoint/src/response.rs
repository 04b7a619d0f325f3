//! Responses as App Service and Azure Machine Learning write them.

use crate::{options::Protocol, reason::Reason};
use azcred::{AccessToken, PrincipalKind, Untrusted};
use hyper::{
    Response, StatusCode,
    header::{self, HeaderValue},
};
use serde::Serialize;
use serde_json::{Value, json};
use uuid::Uuid;

/// A token's response. The names are the protocol's.
#[derive(Serialize)]
struct TokenBody<'a> {
    access_token: &'a str,
    expires_on: Value,
    resource: &'a str,
    token_type: &'static str,
    /// Not there for a person, who has no client id.
    #[serde(skip_serializing_if = "Option::is_none")]
    client_id: Option<&'a str>,
}

/// The response with a token.
pub(crate) fn token(protocol: Protocol, token: &AccessToken, resource: &str) -> Response<String> {
    let ends = token.expires_on().unix_timestamp();
    let client_id = token
        .principal()
        .filter(|principal| principal.kind != PrincipalKind::User)
        .and_then(|principal| principal.application_id.as_ref());
    let body = serde_json::to_string(&TokenBody {
        access_token: token.secret(),
        // App Service writes a text ('REST endpoint reference'), Azure Machine Learning a number.
        expires_on: match protocol {
            Protocol::AppService => ends.to_string().into(),
            Protocol::AzureMl => ends.into(),
        },
        resource,
        token_type: "Bearer",
        client_id: client_id.map(Untrusted::as_str),
    });
    respond(StatusCode::OK, body.unwrap_or_default())
}

/// The response to a request that gets no token. All SDKs show the member `message`.
pub(crate) fn rejection(reason: &Reason) -> Response<String> {
    let message = reason.to_string();
    // azcred itself shows the two parts in their places.
    let (why, fix) = match message.split_once(" Fix: ") {
        Some((why, fix)) => (why, Some(fix)),
        None => (&*message, None),
    };
    let body = json!({
        "statusCode": reason.status(),
        "message": message,
        "correlationId": Uuid::new_v4(),
        "azcred": {"why": why, "fix": fix},
    });
    let mut response = respond(reason.code(), body.to_string());
    let headers = response.headers_mut();
    if reason.code() == StatusCode::METHOD_NOT_ALLOWED {
        headers.insert(header::ALLOW, HeaderValue::from_static("GET"));
    }
    if let Some(after) = reason.retry_after() {
        headers.insert(header::RETRY_AFTER, after.as_secs().max(1).into());
    }
    if reason.is_stranger() {
        headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

fn respond(status: StatusCode, body: String) -> Response<String> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json; charset=utf-8"),
    );
    // RFC 6749 section 5.1: a response with a token is not stored.
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    response
}
