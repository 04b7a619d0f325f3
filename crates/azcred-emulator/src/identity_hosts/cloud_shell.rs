//! Cloud Shell's tokens of its user.
//!
//! Microsoft does not document the endpoint. The request is that of azure-identity, and the errors
//! come from users' reports.

use crate::{
    front_door::{FrontDoor, Routes},
    identity_hosts::{
        host::Host, imds, query::Parameters, token_response::issued_as_text, user::Actor,
    },
    text::clip_to,
};
use axum::{
    Json,
    body::Bytes,
    extract::{DefaultBodyLimit, State},
    response::{IntoResponse, Response},
    routing::post,
};
use http::{HeaderMap, StatusCode};
use serde_json::json;
use uuid::uuid;

/// The path of the endpoint for tokens.
pub(super) const TOKEN_PATH: &str = "/oauth2/token";

/// The largest accepted form. It contains only a resource's name.
const MAX_BODY_BYTES: usize = 16 * 1024;

const ACTOR: Actor = Actor {
    client_id: uuid!("b677c290-cf4b-4a8e-a60e-91ba650a4abe"),
    name: "Azure Portal Console App",
};

/// The supported resources, with or without a slash at the end, in the order of the message that
/// names them (AzureAD/microsoft-authentication-library-for-dotnet, MockHelpers).
const AUDIENCES: &[&str] = &[
    "https://management.core.windows.net/",
    "https://management.azure.com/",
    "https://graph.windows.net/",
    "https://vault.azure.net",
    "https://datalake.azure.net/",
    "https://outlook.office365.com/",
    "https://graph.microsoft.com/",
    "https://batch.core.windows.net/",
    "https://analysis.windows.net/powerbi/api",
    "https://storage.azure.com/",
    "https://rest.media.azure.net",
    "https://api.loganalytics.io",
    "https://ossrdbms-aad.database.windows.net",
    "https://www.yammer.com",
    "https://digitaltwins.azure.net",
    "0b07f429-9f4b-4714-9392-cc5e8e80c8b0",
    "822c8694-ad95-4735-9c55-256f7db2f9b4",
    "https://dev.azuresynapse.net",
    "https://database.windows.net",
    "https://quantum.microsoft.com",
    "https://iothubs.azure.net",
    "2ff814a6-3304-4ab8-85cb-cd0e6f879c1d",
    "https://azuredatabricks.net/",
    "ce34e7e5-485f-4d76-964f-b3d2b16d1e4f",
    "https://azure-devices-provisioning.net",
    "https://managedhsm.azure.net",
    "499b84ac-1321-427f-aa17-267ca6975798",
    "https://api.adu.microsoft.com/",
    "https://purview.azure.net/",
    "6dae42f8-4368-4678-94ff-3960e28e3630",
];

pub(super) fn front_door(host: Host) -> FrontDoor {
    Routes::new().route(TOKEN_PATH, post(token)).open(|router| {
        router
            .fallback(|| async { error(StatusCode::NOT_FOUND, "NotFound", "Not found.") })
            .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
            .with_state(host)
    })
}

async fn token(State(host): State<Host>, headers: HeaderMap, body: Bytes) -> Response {
    if imds::refuse_header(&headers).is_some() {
        return error(
            StatusCode::BAD_REQUEST,
            "MissingMetadataHeader",
            "The request has no header 'Metadata: true'.",
        );
    }
    let parameters = Parameters::read(&body);
    let Some(resource) = parameters.given("resource") else {
        return error(
            StatusCode::BAD_REQUEST,
            "MissingResource",
            "The request has no parameter 'resource'.",
        );
    };
    let bare = |name: &str| name.trim_end_matches('/').to_ascii_lowercase();
    // By ports, two of them have another URL.
    let urls = host.world.urls();
    let mut known = AUDIENCES.iter().copied().chain([&*urls.arm, &*urls.graph]);
    if !known.any(|known| bare(known) == bare(resource)) {
        let resource = clip_to(resource, 200);
        let message = format!(
            "Audience {resource} is not a supported MSI token audience.Supported audiences:{}",
            AUDIENCES.join(",")
        );
        return error(StatusCode::BAD_REQUEST, "AudienceNotSupported", &message);
    }
    match host.user_token(&headers, &ACTOR, resource) {
        Ok(issued) => Json(issued_as_text(&issued)).into_response(),
        Err(refused) => refused.passed_on(),
    }
}

fn error(status: StatusCode, code: &str, message: &str) -> Response {
    let body = json!({ "error": { "code": code, "message": message } });
    (status, Json(body)).into_response()
}
