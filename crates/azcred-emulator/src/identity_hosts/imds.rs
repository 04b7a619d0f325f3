//! The Instance Metadata Service of a virtual machine.
//!
//! 'How to use managed identities on an Azure VM to acquire an access token' and 'Azure Instance
//! Metadata Service'.

use crate::{
    front_door::{FrontDoor, Routes},
    identity_hosts::{
        host::{Host, NoToken},
        identity::NoIdentity,
        query::Parameters,
        token_response::token_as_text,
    },
};
use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
    routing::get,
};
use http::{HeaderMap, StatusCode, Uri};
use serde_json::{Value, json};

/// The path of the endpoint for tokens, on virtual machines and on servers with Azure Arc.
pub(super) const TOKEN_PATH: &str = "/metadata/identity/oauth2/token";

/// Versions that the error for a missing version names: nearly the newest ones ('Supported API
/// versions').
const NEWEST_VERSIONS: &[&str] = &["2021-12-13", "2021-11-15", "2021-11-01"];
/// Versions that the identity endpoint supports ('Supported API versions').
const VERSIONS: &[&str] = &[
    "2018-02-01",
    "2018-04-02",
    "2018-10-01",
    "2019-02-01",
    "2019-03-11",
    "2019-04-30",
    "2019-06-01",
    "2019-06-04",
    "2019-08-01",
    "2019-08-15",
    "2019-11-01",
    "2020-06-01",
    "2020-07-15",
    "2020-09-01",
    "2020-10-01",
    "2020-12-01",
    "2021-01-01",
    "2021-02-01",
    "2021-03-01",
    "2021-05-01",
    "2021-10-01",
    "2021-11-01",
    "2021-11-15",
    "2021-12-13",
];

/// The response for a path that the service does not have.
pub(super) async fn not_found() -> Response {
    error(StatusCode::NOT_FOUND, "not_found", "Resource not found")
}

pub(super) fn front_door(host: Host) -> FrontDoor {
    Routes::new()
        .route(TOKEN_PATH, get(token))
        .route("/metadata/instance", get(instance))
        .open(|router| router.fallback(not_found).with_state(host))
}

/// `GET /metadata/identity/oauth2/token`
async fn token(State(host): State<Host>, headers: HeaderMap, uri: Uri) -> Response {
    if let Some(refusal) = refuse_header(&headers) {
        return refusal;
    }
    let parameters = Parameters::of(&uri);
    if let Some(refusal) = refuse_version(&parameters) {
        return refusal;
    }
    answer(&host, &headers, &parameters, |_| {})
}

/// The requested token, or an error. `more` adds fields to the response.
pub(super) fn answer(
    host: &Host,
    headers: &HeaderMap,
    parameters: &Parameters,
    more: impl FnOnce(&mut Value),
) -> Response {
    let Some(resource) = parameters.given("resource") else {
        return error(
            StatusCode::BAD_REQUEST,
            "invalid_request",
            "Required query variable 'resource' is missing",
        );
    };
    match host.token(headers, &parameters.choice(), resource) {
        Ok(token) => {
            let mut body = token_as_text(&token);
            more(&mut body);
            Json(body).into_response()
        }
        Err(NoToken::Identity(NoIdentity::NotFound)) => error(
            StatusCode::BAD_REQUEST,
            "invalid_request",
            "Identity not found",
        ),
        Err(NoToken::Identity(NoIdentity::Several)) => error(
            StatusCode::BAD_REQUEST,
            "invalid_request",
            "Multiple user assigned identities exist, please specify the clientId / resourceId of the identity in the \
             token request",
        ),
        // Entra ID's error is passed on.
        Err(NoToken::Refused(refused)) => refused.passed_on(),
    }
}

/// `GET /metadata/instance`: the endpoint exists, but there is no machine to describe.
async fn instance(headers: HeaderMap, uri: Uri) -> Response {
    if let Some(refusal) = refuse_header(&headers) {
        return refusal;
    }
    if let Some(refusal) = refuse_version(&Parameters::of(&uri)) {
        return refusal;
    }
    Json(json!({ "compute": { "azEnvironment": "AzurePublicCloud", "provider": "Microsoft.Compute" } }))
        .into_response()
}

/// The error for a request with wrong headers. Every request needs a header that browsers never
/// send on their own, and must not come through a proxy ('Security and authentication').
pub(super) fn refuse_header(headers: &HeaderMap) -> Option<Response> {
    if headers.contains_key("x-forwarded-for") {
        return Some(error(
            StatusCode::BAD_REQUEST,
            "invalid_request",
            "Request must not contain the X-Forwarded-For header",
        ));
    }
    let metadata = headers.get("metadata").and_then(|v| v.to_str().ok());
    if metadata.is_some_and(|value| value.trim().eq_ignore_ascii_case("true")) {
        None
    } else {
        Some(error(
            StatusCode::BAD_REQUEST,
            "invalid_request",
            "Required metadata header not specified",
        ))
    }
}

fn refuse_version(parameters: &Parameters) -> Option<Response> {
    let why = match parameters.given("api-version") {
        Some(version) if VERSIONS.contains(&version) => return None,
        Some(_) => "api-version is invalid",
        None => "api-version was not specified in the request",
    };
    let body = json!({
        "error": format!("Bad request. {why}. For more information refer to aka.ms/azureimds"),
        "newest-versions": NEWEST_VERSIONS,
    });
    Some((StatusCode::BAD_REQUEST, Json(body)).into_response())
}

/// An error in the format of OAuth.
pub(super) fn error(status: StatusCode, error: &str, description: &str) -> Response {
    let body = json!({ "error": error, "error_description": description });
    (status, Json(body)).into_response()
}
