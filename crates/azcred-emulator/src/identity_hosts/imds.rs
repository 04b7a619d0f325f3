//! The Instance Metadata Service of a virtual machine.
//!
//! 'How to use managed identities on an Azure VM to acquire an access token' and 'Azure Instance
//! Metadata Service'.

use crate::{
    front_door::{FrontDoor, Routes},
    identity_hosts::{
        host::{Host, NoToken},
        identity::NoIdentity,
        instance,
        query::Parameters,
        token_response::token_as_text,
    },
    not_served,
};
use axum::{
    Json,
    extract::State,
    middleware::map_response,
    response::{IntoResponse, Response},
    routing::get,
};
use http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use serde_json::{Value, json};

/// The path of the endpoint for tokens, on virtual machines and on servers with Azure Arc.
pub(super) const TOKEN_PATH: &str = "/metadata/identity/oauth2/token";

/// The versions. Identities came with [`FIRST_OF_IDENTITIES`] (page: Supported API versions).
const VERSIONS: &[&str] = &[
    "2017-03-01",
    "2017-04-02",
    "2017-08-01",
    "2017-10-01",
    "2017-12-01",
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
    "2023-07-01",
    "2023-11-15",
];

/// The first version that has identities.
const FIRST_OF_IDENTITIES: &str = "2018-02-01";

/// What the service has and the emulator does not.
const NOT_SERVED: &[&str] = &[
    "/metadata/attested/document",
    "/metadata/loadbalancer",
    "/metadata/scheduledevents",
];

/// The service's name, with a build of it.
const SERVER: HeaderValue = HeaderValue::from_static("IMDS/150.870.65.1854");

/// The response for a path that the service does not have.
pub(super) async fn not_found() -> Response {
    error(StatusCode::NOT_FOUND, "not_found", "Resource not found")
}

pub(super) fn front_door(host: Host) -> FrontDoor {
    let routes = Routes::new()
        .route(TOKEN_PATH, get(token))
        .route("/metadata/versions", get(versions))
        .route("/metadata/identity/info", get(info))
        .route("/metadata/instance", get(machine))
        .route("/metadata/instance/{*element}", get(machine));
    let routes = NOT_SERVED
        .iter()
        .fold(routes, |routes, path| routes.route(path, get(missing)));
    routes.open(|router| {
        router
            .fallback(not_found)
            .layer(map_response(dressed))
            .with_state(host)
    })
}

/// The headers that the service sends, and that SDKs can tell it by.
async fn dressed(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(header::SERVER, SERVER);
    let json = HeaderValue::from_static("application/json");
    if headers.get(header::CONTENT_TYPE) == Some(&json) {
        let json = HeaderValue::from_static("application/json; charset=utf-8");
        headers.insert(header::CONTENT_TYPE, json);
    }
    response
}

/// `GET /metadata/identity/oauth2/token`
async fn token(State(host): State<Host>, headers: HeaderMap, uri: Uri) -> Response {
    if let Some(refusal) = refuse_header(&headers) {
        return refusal;
    }
    let parameters = Parameters::of(&uri);
    if let Some(refusal) = refuse_version(&parameters, FIRST_OF_IDENTITIES) {
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

/// `GET /metadata/instance`, and an element of it
async fn machine(State(host): State<Host>, headers: HeaderMap, uri: Uri) -> Response {
    if let Some(refusal) = refuse_header(&headers) {
        return refusal;
    }
    let parameters = Parameters::of(&uri);
    if let Some(refusal) = refuse_version(&parameters, "") {
        return refusal;
    }
    let path = uri.path().strip_prefix("/metadata/instance");
    let document = instance::document(&host);
    instance::element(
        &document,
        path.unwrap_or_default(),
        parameters.given("format"),
    )
}

/// `GET /metadata/versions`
async fn versions(headers: HeaderMap) -> Response {
    let versions = || Json(json!({ "apiVersions": VERSIONS })).into_response();
    refuse_header(&headers).unwrap_or_else(versions)
}

/// `GET /metadata/identity/info`
async fn info(State(host): State<Host>, headers: HeaderMap, uri: Uri) -> Response {
    if let Some(refusal) = refuse_header(&headers) {
        return refusal;
    }
    if let Some(refusal) = refuse_version(&Parameters::of(&uri), FIRST_OF_IDENTITIES) {
        return refusal;
    }
    let mut identities = host.hosts.identities.iter();
    let own = identities.find(|identity| identity.hosts.contains(&host.service));
    let directory = host.world.directory();
    let principal = own.and_then(|own| directory.service_principals.get(&own.object_id));
    match principal {
        Some(principal) => Json(json!({ "tenantId": principal.tenant })).into_response(),
        None => error(
            StatusCode::BAD_REQUEST,
            "invalid_request",
            "Identity not found",
        ),
    }
}

async fn missing(headers: HeaderMap, uri: Uri) -> Response {
    let refused = || {
        let message = not_served::message("GET", uri.path());
        error(not_served::STATUS, not_served::CODE, &message)
    };
    refuse_header(&headers).unwrap_or_else(refused)
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

fn refuse_version(parameters: &Parameters, first: &str) -> Option<Response> {
    let mut known = VERSIONS.iter().filter(|version| **version >= first);
    let why = match parameters.given("api-version") {
        Some(version) if known.any(|known| *known == version) => return None,
        Some(_) => "api-version is invalid",
        None => "api-version was not specified in the request",
    };
    let newest: Vec<&str> = VERSIONS.iter().rev().take(3).copied().collect();
    let body = json!({
        "error": format!("Bad request. {why}. For more information refer to aka.ms/azureimds"),
        "newest-versions": newest,
    });
    Some((StatusCode::BAD_REQUEST, Json(body)).into_response())
}

/// An error in the format of OAuth.
pub(super) fn error(status: StatusCode, error: &str, description: &str) -> Response {
    let body = json!({ "error": error, "error_description": description });
    (status, Json(body)).into_response()
}
