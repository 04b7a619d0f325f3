//! Service Fabric's managed identity token service.
//!
//! 'How to leverage a Service Fabric application's managed identity to access Azure services'. The
//! errors come from its section 'Error handling'.

use crate::{
    expires_on::ExpiresOnFormat,
    front_door::{FrontDoor, Routes},
    identity_hosts::{
        app_service::has_secret,
        host::{Host, NoToken},
        identity::IdentityChoice,
        imds::TOKEN_PATH,
        query::Parameters,
    },
    text::clip_to,
};
use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
    routing::get,
};
use http::{HeaderMap, StatusCode, Uri, header};
use serde_json::json;
use uuid::Uuid;

const VERSION: &str = "2019-07-01-preview";

pub(super) fn front_door(host: Host) -> FrontDoor {
    Routes::new().route(TOKEN_PATH, get(token)).open(|router| {
        router
            .fallback(|| async { error(StatusCode::NOT_FOUND, "NotFound", "Not found.") })
            .with_state(host)
    })
}

async fn token(State(host): State<Host>, headers: HeaderMap, uri: Uri) -> Response {
    let parameters = Parameters::of(&uri);
    if !headers.contains_key("secret") {
        return error(
            StatusCode::BAD_REQUEST,
            "SecretHeaderNotFound",
            "Secret is not found in the request headers.",
        );
    }
    let version = parameters.get("api-version").unwrap_or_default();
    if version != VERSION {
        let version = clip_to(version, 40);
        let message = format!(
            "The api-version '{version}' is not supported. Supported version is '{VERSION}'."
        );
        return error(StatusCode::BAD_REQUEST, "InvalidApiVersion", &message);
    }
    let not_found = || {
        error(
            StatusCode::NOT_FOUND,
            "ManagedIdentityNotFound",
            "Managed identity not found for the specified application host.",
        )
    };
    if !has_secret(&headers, "secret", &host.hosts.service_fabric) {
        return not_found();
    }
    let Some(resource) = parameters.given("resource") else {
        return error(
            StatusCode::BAD_REQUEST,
            "ArgumentNullOrEmpty",
            "The parameter 'resource' should not be null or empty string.",
        );
    };
    // The cluster's configuration determines the identity: a client can't choose.
    match host.token(&headers, &IdentityChoice::default(), resource) {
        Ok(token) => {
            let body = json!({
                "token_type": "Bearer",
                "access_token": token.issued.access_token,
                // A number, on Microsoft's page and in recordings.
                "expires_on": ExpiresOnFormat::Number.write(token.issued.expires_on),
                "resource": token.issued.resource,
            });
            let kind = [(header::CONTENT_TYPE, "application/json; charset=utf-8")];
            (kind, Json(body)).into_response()
        }
        Err(NoToken::Identity(_)) => not_found(),
        Err(NoToken::Refused(_)) => error(
            StatusCode::INTERNAL_SERVER_ERROR,
            "InternalServerError",
            "An error occurred.",
        ),
    }
}

/// An error in the format of Azure's own APIs.
pub(super) fn error(status: StatusCode, code: &str, message: &str) -> Response {
    let body = json!({
        "error": { "correlationId": Uuid::new_v4(), "code": code, "message": message },
    });
    (status, Json(body)).into_response()
}
