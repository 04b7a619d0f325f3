//! Azure Pipelines' tokens of a service connection, which a job gets by `SYSTEM_OIDCREQUESTURI` and
//! `SYSTEM_ACCESSTOKEN`.
//!
//! Sources: 'Oidctoken - Create' of Azure DevOps' REST API 7.1. For subjects and refusals:
//! 'Troubleshoot workload identity service connections'. For the claims: `interop/recorded`.

use crate::{
    ci::{
        failure,
        github_actions::SHA,
        job::{counted, is_job, object, trusting},
    },
    directory::{Application, Directory, EXCHANGE_AUDIENCE, SecretText},
    entra::issue_for_connection,
    front_door::{FrontDoor, Routes},
    issuer,
    text::clip_to,
    tokens::tenant_of_issuer,
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
use serde_json::{Value, json};
use std::sync::Arc;
use uuid::Uuid;

/// The first part of every organization's issuer. The organization's id follows.
const ISSUERS: &str = "https://vstoken.dev.azure.com/";
/// The path that a job requests, with organization, project, plan and job.
const PATH: &str = "/contoso/0b1ec700-0000-4000-8000-000000000001/_apis/distributedtask/hubs/build/plans/9a1ab1e5-0000-4000-8000-000000000002/jobs/0b5e55ed-0000-4000-8000-000000000002/oidctoken";
/// The project in the path.
const PROJECT_ID: &str = "0b1ec700-0000-4000-8000-000000000001";
/// The tokens are valid for five minutes, and from ten minutes before they are issued.
const LIFETIME: i64 = 300;
const EARLY: i64 = 600;
/// The names in the job's variables where the connection's subject has only ids.
const ORGANIZATION: &str = "contoso";
const PROJECT: &str = "models";

/// A service connection that a job may use.
pub(crate) struct Connection<'a> {
    /// The application that trusts the connection's tokens.
    pub(crate) application: &'a Application,
    /// The connection's id in the project.
    pub(crate) id: Uuid,
    issuer: ConnectionIssuer<'a>,
    /// `sc://ORGANIZATION/PROJECT/CONNECTION`, or Entra ID's path that ends with
    /// `/sc/ORGANIZATION-ID/CONNECTION-ID`.
    pub(crate) subject: &'a str,
    /// The job's `SYSTEM_ACCESSTOKEN`.
    pub(crate) access_token: &'a SecretText,
}

/// Who signs a connection's tokens.
enum ConnectionIssuer<'a> {
    /// Azure DevOps. The connection's id is derived from issuer and subject.
    DevOps(&'a str),
    /// Entra ID, for connections of the kind Azure Resource Manager since 2025.
    Entra(&'a str),
}

/// The connections: one for each federated credential with a subject of Azure DevOps.
pub(crate) fn connections(directory: &Directory) -> Vec<Connection<'_>> {
    let Some((_, access_token)) = organization(directory) else {
        return Vec::new();
    };
    let own = trusting(directory, |issuer| issuer.starts_with(ISSUERS))
        .filter(|(_, credential)| credential.subject.starts_with("sc://"))
        .map(|(application, credential)| Connection {
            application,
            id: connection_id(&credential.issuer, &credential.subject),
            issuer: ConnectionIssuer::DevOps(&credential.issuer),
            subject: &credential.subject,
            access_token,
        });
    let of_entra = directory.clients().flat_map(|application| {
        let all = application.federated_credentials.iter();
        all.filter_map(move |credential| {
            let id = connection_of_entra(&credential.subject)?;
            tenant_of_issuer(&credential.issuer)?;
            Some(Connection {
                application,
                id,
                issuer: ConnectionIssuer::Entra(&credential.issuer),
                subject: &credential.subject,
                access_token,
            })
        })
    });
    own.chain(of_entra).collect()
}

/// The issuer of the directory's organization, and the token of its running job.
fn organization(directory: &Directory) -> Option<(&str, &SecretText)> {
    let mut issuers = directory.issuers.values();
    let issuer = issuers.find(|issuer| issuer.url.starts_with(ISSUERS))?;
    Some((&issuer.url, issuer.request_token.as_ref()?))
}

impl Connection<'_> {
    /// The names of the organization and the project.
    pub(crate) fn place(&self) -> (&str, &str) {
        let named = self.subject.strip_prefix("sc://");
        let mut parts = named.unwrap_or_default().split('/');
        match (parts.next(), parts.next()) {
            (Some(organization), Some(project)) => (organization, project),
            _ => (ORGANIZATION, PROJECT),
        }
    }

    /// `None` if it can't be signed.
    fn token(&self, world: &World) -> Option<String> {
        match self.issuer {
            ConnectionIssuer::DevOps(issuer) => {
                let claims = own_claims(issuer, self.subject, world.clock.unix());
                issuer::sign(world, &object(claims)).ok()
            }
            ConnectionIssuer::Entra(issuer) => {
                issue_for_connection(world, issuer, self.subject).ok()
            }
        }
    }
}

/// The claims that all of Azure DevOps' own tokens have.
fn own_claims(issuer: &str, subject: &str, now: i64) -> Value {
    json!({
        "jti": Uuid::new_v4(),
        "sub": subject,
        "aud": EXCHANGE_AUDIENCE,
        "iss": issuer,
        "nbf": now - EARLY,
        "exp": now + LIFETIME,
        "iat": now,
    })
}

/// The token of a job that names no connection: the pipeline's own.
fn pipeline_token(world: &World, issuer: &str) -> Option<String> {
    let subject = format!("p://{ORGANIZATION}/{PROJECT}/train");
    let mut claims = own_claims(issuer, &subject, world.clock.unix());
    claims["org_id"] = issuer.strip_prefix(ISSUERS).into();
    claims["prj_id"] = PROJECT_ID.into();
    claims["def_id"] = "17".into();
    claims["rpo_id"] = "models".into();
    claims["rpo_uri"] =
        format!("https://dev.azure.com/{ORGANIZATION}/{PROJECT}/_git/models").into();
    claims["rpo_ver"] = SHA.into();
    claims["rpo_ref"] = "refs/heads/main".into();
    claims["run_id"] = "1815".into();
    issuer::sign(world, &object(claims)).ok()
}

/// The connection's id in a subject of Entra ID's, such as
/// `/eid1/c/pub/t/TENANT/a/APPLICATION/sc/ORGANIZATION-ID/CONNECTION-ID`.
fn connection_of_entra(subject: &str) -> Option<Uuid> {
    let (_, place) = subject.strip_prefix("/eid1/")?.split_once("/sc/")?;
    let (_, connection) = place.split_once('/')?;
    Uuid::try_parse(connection).ok()
}

/// The id of a connection whose subject has none. It is the same after every start (RFC 9562
/// section 5.8 allows any digest).
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
    let token = match connections.iter().find(|all| Some(all.id) == id) {
        Some(connection) => connection.token(&world),
        None if given.is_empty() => {
            organization(&directory).and_then(|(issuer, _)| pipeline_token(&world, issuer))
        }
        None => {
            let text = format!(
                "There is no explicit reference to service connection {} from current stage train.fit.__default.",
                clip_to(&given, 64)
            );
            return (StatusCode::NOT_FOUND, Json(counted(text))).into_response();
        }
    };
    match token {
        Some(token) => Json(json!({"oidcToken": token})).into_response(),
        None => failure::unavailable(),
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
