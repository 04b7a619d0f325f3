//! The agent of Azure Arc-enabled servers: the protocol of IMDS, after the client has proved that
//! it can read the agent's folder.
//!
//! 'Authenticate against Azure resources with Azure Arc-enabled servers'.

use crate::{
    front_door::{FrontDoor, Routes},
    identity_hosts::{
        host::Host,
        imds::{self, TOKEN_PATH, refuse_header},
        query::Parameters,
    },
};
use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
    routing::get,
};
use http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use serde_json::{Value, json};
use uuid::Uuid;

/// The supported versions.
const VERSIONS: &[&str] = &["2019-11-01", "2020-06-01", "2021-02-01"];

pub(super) fn front_door(host: Host) -> FrontDoor {
    Routes::new()
        .route(TOKEN_PATH, get(token))
        .open(|router| router.fallback(imds::not_found).with_state(host))
}

async fn token(State(host): State<Host>, headers: HeaderMap, uri: Uri) -> Response {
    if let Some(refusal) = refuse_header(&headers) {
        return refusal;
    }
    let parameters = Parameters::of(&uri);
    let version = parameters.given("api-version");
    if !version.is_some_and(|version| VERSIONS.contains(&version)) {
        return imds::error(
            StatusCode::BAD_REQUEST,
            "invalid_request",
            "The api-version is missing or not supported",
        );
    }
    match headers.get(header::AUTHORIZATION) {
        None => return challenge(&host, "Missing Basic Authorization header"),
        Some(sent) => {
            let key = sent
                .to_str()
                .ok()
                .and_then(|sent| sent.strip_prefix("Basic "));
            if !key.is_some_and(|key| host.hosts.arc_keys.redeem(key.trim())) {
                return challenge(&host, "Invalid Basic Authorization header");
            }
        }
    }
    // The response confirms the chosen identity. Clients reject it otherwise, as older agents
    // ignore the choice.
    let confirm = |body: &mut Value| {
        if let Some(body) = body.as_object_mut() {
            body.remove("client_id");
            body.remove("ext_expires_in");
        }
        // The agent leaves these empty.
        body["refresh_token"] = "".into();
        body["resource"] = "".into();
        for name in ["client_id", "object_id", "msi_res_id"] {
            if let Some(chosen) = parameters.get(name) {
                body[name] = chosen.into();
            }
        }
    };
    imds::answer(&host, &headers, &parameters, confirm)
}

/// 401, with the path of a file whose content the client must send.
fn challenge(host: &Host, why: &str) -> Response {
    let made = host.hosts.arc_keys.challenge();
    let realm = made.and_then(|file| {
        HeaderValue::try_from(format!("Basic realm={}", file.display()))
            .map_err(std::io::Error::other)
    });
    match realm {
        Ok(realm) => {
            let body = json!({
                "error": "unauthorized_client",
                "error_description": why,
                "error_codes": [401],
                "timestamp": host.world.clock.now().to_string(),
                "trace_id": "",
                "correlation_id": Uuid::new_v4(),
            });
            let headers = [(header::WWW_AUTHENTICATE, realm)];
            (StatusCode::UNAUTHORIZED, headers, Json(body)).into_response()
        }
        Err(error) => {
            let folder = host.hosts.arc_keys.folder();
            tracing::warn!(%error, folder = %folder.display(), "a key file could not be made");
            imds::error(
                StatusCode::INTERNAL_SERVER_ERROR,
                "internal_error",
                "The key file could not be made",
            )
        }
    }
}
