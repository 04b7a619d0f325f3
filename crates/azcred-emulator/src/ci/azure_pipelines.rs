//! Azure Pipelines' tokens of a service connection, which a job gets by `SYSTEM_OIDCREQUESTURI` and
//! `SYSTEM_ACCESSTOKEN`.
//!
//! Sources: 'Oidctoken - Create' of Azure DevOps' REST API 7.1. For subjects and refusals:
//! 'Troubleshoot workload identity service connections'.

use crate::{
    ci::{
        failure,
        job::{is_job, object, trusting},
    },
    directory::{Application, Directory, SecretText},
    front_door::{FrontDoor, Routes},
    issuer::{self, EXCHANGE_AUDIENCE},
    text::clip_to,
    world::World,
};
use aws_lc_rs::digest;
use axum::{
    Json,
    extract::{Query, State},
    response::{IntoResponse, Response},
    routing::post,
};
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use serde::Deserialize;
use serde_json::json;
use std::sync::Arc;
use uuid::Uuid;

/// The first part of every organization's issuer. The organization's id follows.
const ISSUERS: &str = "https://vstoken.dev.azure.com/";
/// The path that a job requests, with organization, project, plan and job.
const PATH: &str = "/contoso/0b1ec700-0000-4000-8000-000000000001/_apis/distributedtask/hubs/build/plans/9a1ab1e5-0000-4000-8000-000000000002/jobs/0b5e55ed-0000-4000-8000-000000000002/oidctoken";
/// Lifetime of a token, in seconds.
const LIFETIME: i64 = 600;

/// A service connection that a job may use.
pub(crate) struct Connection<'a> {
    /// The application that trusts the connection's tokens.
    pub(crate) application: &'a Application,
    /// The connection's id in the project, derived from issuer and subject.
    pub(crate) id: Uuid,
    issuer: &'a str,
    /// `sc://ORGANIZATION/PROJECT/CONNECTION`.
    pub(crate) subject: &'a str,
    /// The job's `SYSTEM_ACCESSTOKEN`.
    pub(crate) access_token: &'a SecretText,
}

/// The connections: one for each federated credential with a subject of Azure DevOps.
pub(crate) fn connections(directory: &Directory) -> Vec<Connection<'_>> {
    trusting(directory, |issuer| issuer.starts_with(ISSUERS))
        .filter(|(_, credential)| credential.subject.starts_with("sc://"))
        .filter_map(|(application, credential)| {
            let issuer = directory.issuers.get(&credential.issuer)?;
            Some(Connection {
                application,
                id: connection_id(&credential.issuer, &credential.subject),
                issuer: &credential.issuer,
                subject: &credential.subject,
                access_token: issuer.request_token.as_ref()?,
            })
        })
        .collect()
}

/// The id of a connection, which is the same after every start (RFC 9562 section 5.8 allows any
/// digest).
fn connection_id(issuer: &str, subject: &str) -> Uuid {
    let text = format!("{issuer}\n{subject}");
    let digest = digest::digest(&digest::SHA256, text.as_bytes());
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest.as_ref()[..16]);
    uuid::Builder::from_custom_bytes(bytes).into_uuid()
}

/// `SYSTEM_OIDCREQUESTURI` for the service's base URL. Clients append
/// `?api-version=7.1&serviceConnectionId=…`.
pub(crate) fn request_uri(base: &str) -> String {
    format!("{base}{PATH}")
}

/// The service's routes.
pub(crate) fn front_door(world: Arc<World>) -> FrontDoor {
    Routes::new()
        .route(PATH, post(token).fallback(only_post))
        .open(|router| router.fallback(not_found).with_state(world))
}

#[derive(Deserialize)]
struct PipelinesQuery {
    #[serde(rename = "api-version")]
    api_version: Option<String>,
    #[serde(rename = "serviceConnectionId")]
    connection: Option<String>,
}

async fn token(
    State(world): State<Arc<World>>,
    Query(requested): Query<PipelinesQuery>,
    uri: http::Uri,
    headers: HeaderMap,
) -> Response {
    let directory = world.directory();
    let connections = connections(&directory);
    let is_authorized = connections
        .first()
        .is_some_and(|any| is_job(&headers, Some(any.access_token)));
    if !is_authorized {
        return unauthorized(&headers, &uri);
    }
    match requested.api_version.as_deref() {
        Some(version) if version.starts_with("7.") => {}
        _ => {
            return failure::failure(
                StatusCode::BAD_REQUEST,
                "VssVersionNotSpecifiedException",
                "No api-version was supplied for the \"POST\" request. The version must be supplied either as part of \
                 the Accept header (e.g. \"application/json; api-version=1.0\") or as a query parameter (e.g. \
                 \"?api-version=1.0\").",
            );
        }
    }
    let given = requested.connection.unwrap_or_default();
    let id = Uuid::try_parse(&given).ok();
    let Some(connection) = connections
        .iter()
        .find(|connection| Some(connection.id) == id)
    else {
        let shown = clip_to(&given, 64);
        return failure::failure(
            StatusCode::NOT_FOUND,
            "ServiceEndpointNotFoundException",
            &format!(
                "There is no explicit reference to service connection {shown} from current stage train.fit.__default."
            ),
        );
    };
    let now = world.clock.unix();
    let claims = json!({
        "jti": Uuid::new_v4(),
        "sub": connection.subject,
        "aud": EXCHANGE_AUDIENCE,
        "iss": connection.issuer,
        "nbf": now,
        "exp": now + LIFETIME,
        "iat": now,
    });
    match issuer::sign(&world, &object(claims)) {
        Ok(token) => Json(json!({"oidcToken": token})).into_response(),
        Err(_) => failure::unavailable(),
    }
}

/// Azure DevOps redirects a request without a valid token to its sign-in page.
fn unauthorized(headers: &HeaderMap, uri: &http::Uri) -> Response {
    let suppressed = headers
        .get("x-tfs-fedauthredirect")
        .is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"suppress"));
    if suppressed {
        return failure::unauthorized();
    }
    let reply: String = url::form_urlencoded::byte_serialize(uri.path().as_bytes()).collect();
    let target = format!(
        "https://spsprodcus3.vssps.visualstudio.com/_signin?realm=dev.azure.com&reply_to=https%3A%2F%2Fdev.azure.com{reply}"
    );
    let page = format!(
        "<html><head><title>Object moved</title></head><body>\r\n<h2>Object moved to <a href=\"{}\">here</a>.</h2>\r\n</body></html>\r\n",
        target.replace('&', "&amp;")
    );
    let mut response = (
        StatusCode::FOUND,
        [(header::CONTENT_TYPE, "text/html; charset=utf-8")],
        page,
    )
        .into_response();
    if let Ok(target) = HeaderValue::try_from(target) {
        response.headers_mut().insert(header::LOCATION, target);
    }
    response
}

async fn only_post(method: Method) -> Response {
    failure::wrong_method(&method)
}

async fn not_found() -> Response {
    StatusCode::NOT_FOUND.into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connections_id_is_unique_and_stable() {
        let id = connection_id("https://a", "sc://o/p/c");
        assert_eq!(id, connection_id("https://a", "sc://o/p/c"));
        assert_ne!(id, connection_id("https://a", "sc://o/p/d"));
        assert_eq!(id.get_version_num(), 8);
    }
}
