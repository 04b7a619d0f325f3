//! The caller, and what its token permits.

use super::response::GraphError;
use crate::{
    service::Service,
    tokens::{BearerError, Claims, accepted_audiences, evaluate, verify_bearer},
    world::World,
};
use http::{HeaderMap, StatusCode};
use serde_json::json;

/// The claims of the caller's token.
pub(super) fn authenticate(world: &World, headers: &HeaderMap) -> Result<Claims, GraphError> {
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

/// The caller, if its token has one of these application permissions (the `roles` claim).
pub(super) fn authorize(
    world: &World,
    headers: &HeaderMap,
    any_of: &[&str],
) -> Result<Claims, GraphError> {
    let claims = authenticate(world, headers)?;
    let roles = claims.all.get("roles").cloned().unwrap_or(json!([]));
    let holds = roles.as_array().is_some_and(|roles| {
        roles
            .iter()
            .any(|role| role.as_str().is_some_and(|role| any_of.contains(&role)))
    });
    if holds { Ok(claims) } else { Err(denied()) }
}

/// The caller is known but lacks the permission.
pub(super) fn denied() -> GraphError {
    GraphError::new(
        StatusCode::FORBIDDEN,
        "Authorization_RequestDenied",
        "Insufficient privileges to complete the operation.",
    )
}

/// The user, if the client has one of these delegated permissions (`scp`).
pub(super) fn delegated(
    world: &World,
    headers: &HeaderMap,
    any_of: &[&str],
) -> Result<Claims, GraphError> {
    let claims = authenticate(world, headers)?;
    let granted = claims.all.get("scp").and_then(|value| value.as_str());
    let mut granted = granted.unwrap_or_default().split(' ');
    // An application's own token has no delegated permissions.
    match granted.any(|name| any_of.contains(&name)) {
        true => Ok(claims),
        false => Err(denied()),
    }
}
