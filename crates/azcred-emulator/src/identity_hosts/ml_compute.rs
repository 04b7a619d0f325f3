//! Azure Machine Learning's endpoint for managed identities on a compute: the request of App
//! Service's old version, with responses of its own.
//!
//! Microsoft does not document it. Responses come from users' reports, with which
//! `interop/recorded` compares them.

use crate::{
    expires_on::ExpiresOnFormat,
    front_door::{FrontDoor, Routes},
    identity_hosts::{
        app_service::has_secret,
        host::{Host, NoToken},
        identity::IdentityChoice,
        query::Parameters,
    },
};
use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
    routing::get,
};
use http::{HeaderMap, StatusCode, Uri, header};
use serde_json::json;

/// The path of the endpoint for tokens.
pub(super) const TOKEN_PATH: &str = "/MSI/auth";

/// The only version.
const VERSION: &str = "2017-09-01";

pub(super) fn front_door(host: Host) -> FrontDoor {
    Routes::new()
        .route(TOKEN_PATH, get(token))
        // Newer computes have this path.
        .route("/MSI/token", get(token))
        .open(|router| {
            router
                .fallback(|| async { error(StatusCode::NOT_FOUND) })
                .with_state(host)
        })
}

async fn token(State(host): State<Host>, headers: HeaderMap, uri: Uri) -> Response {
    let parameters = Parameters::of(&uri);
    let resource = parameters.given("resource");
    let (Some(VERSION), Some(resource)) = (parameters.given("api-version"), resource) else {
        return text(
            StatusCode::BAD_REQUEST,
            "SSO failure: unable to retrieve a token. Error Token service MSI. Token not found"
                .to_owned(),
        );
    };
    if !has_secret(&headers, "secret", &host.hosts.ml_compute) {
        return error(StatusCode::UNAUTHORIZED);
    }
    let choice = IdentityChoice {
        client_id: parameters.get("clientid"),
        ..IdentityChoice::default()
    };
    match host.token(&headers, &choice, resource) {
        Ok(token) => Json(json!({
            "access_token": token.issued.access_token,
            "expires_in": token.issued.expires_in - 1,
            "expires_on": ExpiresOnFormat::Number.write(token.issued.expires_on),
            "resource": token.issued.resource,
            "token_type": "Bearer",
        }))
        .into_response(),
        Err(NoToken::Identity(_)) => error(StatusCode::NOT_FOUND),
        Err(NoToken::Refused(refused)) => error(refused.status()),
    }
}

/// Every error is one of the service behind, by its status only.
pub(super) fn error(status: StatusCode) -> Response {
    let code = status.as_u16();
    text(
        status,
        format!("InternalError - :{{\nInfo: Request failure status code: {code}\n\n}}"),
    )
}

fn text(status: StatusCode, text: String) -> Response {
    let kind = [(header::CONTENT_TYPE, "text/plain; charset=utf-8")];
    (status, kind, text).into_response()
}
