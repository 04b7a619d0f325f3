//! Microsoft Graph: the directory, to read, for who holds the right application permission, and
//! people's sessions.

mod answer;
mod objects;
mod sessions;

use self::{
    answer::{GraphError, Trace},
    objects::Set,
};
use crate::{
    service::Service,
    tokens::{BearerError, Claims, accepted_audiences, evaluate, verify_bearer},
    world::World,
};
use axum::{
    Router,
    extract::{DefaultBodyLimit, State},
    response::Response,
    routing::{get, post},
};
use http::{HeaderMap, StatusCode, Uri};
use serde_json::json;
use std::sync::Arc;

/// The largest body that is read: `getByIds` takes a thousand ids.
const MAX_BODY_BYTES: usize = 128 * 1024;

/// Graph's routes.
pub(crate) fn router(world: Arc<World>) -> Router {
    let mut router = Router::new()
        .route("/v1.0/organization", get(objects::organization))
        .route("/v1.0/directoryObjects/getByIds", post(objects::by_ids));
    for set in Set::ALL {
        router = objects::routes(set, router);
    }
    sessions::routes(router)
        .fallback(unknown)
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
        .with_state(world)
}

/// Graph checks the token first, whatever the path.
async fn unknown(State(world): State<Arc<World>>, headers: HeaderMap, uri: Uri) -> Response {
    let trace = Trace::new(&world, &headers);
    let refusal = match authenticate(&world, &headers) {
        Err(refusal) => refusal,
        Ok(_) => {
            let segment = uri.path().split('/').nth(2).unwrap_or_default();
            let message = format!("Resource not found for the segment '{segment}'.");
            GraphError::new(StatusCode::BAD_REQUEST, "BadRequest", message)
        }
    };
    refusal.into_response(&trace)
}

/// Whose token it is.
fn authenticate(world: &World, headers: &HeaderMap) -> Result<Claims, GraphError> {
    let authorization = headers
        .get(http::header::AUTHORIZATION)
        .and_then(|v| v.to_str().ok());
    let audiences = accepted_audiences(world, Service::Graph);
    let claims = verify_bearer(world, authorization, &audiences).map_err(|error| {
        let message = match error {
            BearerError::Missing | BearerError::NotBearer => "Access token is empty.".to_owned(),
            BearerError::Expired { .. } => {
                "Lifetime validation failed, the token is expired.".to_owned()
            }
            BearerError::WrongAudience { .. } => {
                "Access token validation failure. Invalid audience.".to_owned()
            }
            BearerError::BadSignature | BearerError::UnknownKey(_) => {
                "Access token validation failure. Invalid signature.".to_owned()
            }
            other => format!("Access token validation failure: {other}."),
        };
        GraphError::new(
            StatusCode::UNAUTHORIZED,
            "InvalidAuthenticationToken",
            message,
        )
    })?;
    evaluate(&world.directory(), &claims, world.clock.now())
        .map_err(|revoked| GraphError::revoked(&revoked))?;
    Ok(claims)
}

/// The caller, where its token carries one of these application permissions (the `roles` claim).
fn authorize(world: &World, headers: &HeaderMap, any_of: &[&str]) -> Result<Claims, GraphError> {
    let claims = authenticate(world, headers)?;
    let roles = claims.all.get("roles").cloned().unwrap_or(json!([]));
    let holds = roles.as_array().is_some_and(|roles| {
        roles
            .iter()
            .any(|role| role.as_str().is_some_and(|role| any_of.contains(&role)))
    });
    if holds { Ok(claims) } else { Err(denied()) }
}

/// The caller is known, and may not.
fn denied() -> GraphError {
    GraphError::new(
        StatusCode::FORBIDDEN,
        "Authorization_RequestDenied",
        "Insufficient privileges to complete the operation.",
    )
}
