//! Entra ID: discovery, keys and the token endpoint.

mod account;
mod assertion;
mod authority;
mod claims;
mod claims_request;
mod client;
mod codes;
mod conditional_access;
mod consent;
mod delegated_scope;
mod device_authorization;
mod discovery;
mod exchange;
mod federation;
mod form;
mod issued;
mod lifetime;
mod managed_identity;
mod pkce;
mod refusal;
mod resource;
mod seal;
mod service_connection;
mod session;
mod sign_in;
mod token;
mod user;
mod version;

use crate::{
    front_door::{FrontDoor, Routes},
    world::World,
};
use axum::{
    extract::DefaultBodyLimit,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use http::StatusCode;
use std::sync::Arc;

pub(crate) use exchange::Exchange;
pub(crate) use issued::Issued;
pub(crate) use managed_identity::issue_for_identity;
pub(crate) use refusal::Refusal;
pub(crate) use service_connection::issue_for_connection;
pub(crate) use session::Session;
pub(crate) use user::{issue_for_user, signed_in};

/// The largest accepted token request. Real requests have an assertion of a few KiB at most.
const MAX_BODY_BYTES: usize = 128 * 1024;

/// Entra ID's routes. Each request carries a [`crate::service::Entrance`] in its extensions.
pub(crate) fn front_door(world: Arc<World>) -> FrontDoor {
    let device_v1 = || post(device_authorization::v1).fallback(device_authorization::only_post);
    let device_v2 = || post(device_authorization::v2).fallback(device_authorization::only_post);
    let token_v1 = || post(token::token_v1).fallback(token::only_post);
    let token_v2 = || post(token::token_v2).fallback(token::only_post);
    Routes::new()
        .route("/common/discovery/instance", get(discovery::instance))
        .route(
            "/{tenant}/.well-known/openid-configuration",
            get(discovery::openid_configuration_v1),
        )
        .route(
            "/{tenant}/v2.0/.well-known/openid-configuration",
            get(discovery::openid_configuration_v2),
        )
        .route("/{tenant}/discovery/keys", get(discovery::keys_v1))
        .route("/{tenant}/discovery/v2.0/keys", get(discovery::keys_v2))
        .route("/common/userrealm/{user}", get(user::user_realm))
        .route("/{tenant}/oauth2/devicecode", device_v1())
        .route("/{tenant}/oauth2/v2.0/devicecode", device_v2())
        .route("/{tenant}/oauth2/token", token_v1())
        .route("/{tenant}/oauth2/v2.0/token", token_v2())
        .merge(sign_in::routes())
        .open(|router| {
            router
                .fallback(not_found)
                .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
                .with_state(world.clone())
        })
        .merge(crate::issuer::front_door(world))
}

/// The live service returns a 404 without a body for an unknown path.
async fn not_found() -> Response {
    StatusCode::NOT_FOUND.into_response()
}
