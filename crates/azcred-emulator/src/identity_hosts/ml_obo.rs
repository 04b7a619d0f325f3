//! Azure Machine Learning's tokens of the user who submitted a job.
//!
//! Microsoft does not document the endpoint. The protocol is that of azure-ai-ml's
//! `AzureMLOnBehalfOfCredential`: a GET with only the resource. No secret protects it: only the job
//! can reach the URL.

use crate::{
    expires_on::ExpiresOnFormat,
    front_door::{FrontDoor, Routes},
    identity_hosts::{
        host::Host, imds, query::Parameters, token_response::issued_as_text, user::Actor,
    },
};
use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
    routing::get,
};
use http::{HeaderMap, StatusCode, Uri};
use uuid::uuid;

/// The path of the endpoint for tokens.
pub(super) const TOKEN_PATH: &str = "/OBO/token";

/// Source: 'Verify first-party Microsoft applications in sign-in reports'.
const ACTOR: Actor = Actor {
    client_id: uuid!("0736f41a-0425-4b46-bdb5-1563eff02385"),
    name: "Azure Machine Learning",
};

pub(super) fn front_door(host: Host) -> FrontDoor {
    Routes::new()
        .route(TOKEN_PATH, get(token))
        .open(|router| router.fallback(imds::not_found).with_state(host))
}

async fn token(State(host): State<Host>, headers: HeaderMap, uri: Uri) -> Response {
    let parameters = Parameters::of(&uri);
    let Some(resource) = parameters.given("resource") else {
        return imds::error(
            StatusCode::BAD_REQUEST,
            "invalid_request",
            "Required query variable 'resource' is missing",
        );
    };
    match host.user_token(&headers, &ACTOR, resource) {
        Ok(issued) => {
            let mut body = issued_as_text(&issued);
            body["expires_on"] = ExpiresOnFormat::Number.write(issued.expires_on);
            body["expires_in"] = issued.expires_in.into();
            Json(body).into_response()
        }
        Err(refused) => refused.passed_on(),
    }
}
