//! The test issuer: it signs tokens in place of the CI system or cluster that federated credentials
//! trust.

use crate::{
    directory::IssuerKeys,
    front_door::{FrontDoor, Routes},
    world::World,
};
use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
    routing::get,
};
use serde_json::{Map, Value, json};
use std::sync::Arc;
use uuid::Uuid;

pub use crate::directory::EXCHANGE_AUDIENCE;

/// The path of the test issuer's documents on the sign-in service's port.
const PATH: &str = "/-/issuer";

/// Why a test token could not be minted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MintError {
    /// The issuer is unknown, or the seed has the issuer's public keys.
    #[error(
        "the emulator does not sign for the issuer '{0}': add the issuer to the seed, without keys"
    )]
    NotHosted(String),
    /// The system returned no random bytes for the signature.
    #[error("the token could not be signed")]
    Signing,
}

/// Mints a token of an issuer for which the emulator signs: `iss`, `sub`, `aud`, `jti`, and times
/// around now. `lifetime` is in seconds. A negative one makes a token that has expired.
///
/// # Errors
/// When the emulator does not have the issuer's key.
pub fn mint(
    world: &World,
    issuer: &str,
    subject: &str,
    audience: &str,
    lifetime: i64,
) -> Result<String, MintError> {
    let hosted = world
        .directory()
        .issuers
        .get(issuer)
        .is_some_and(|issuer| matches!(issuer.keys, IssuerKeys::Hosted));
    if !hosted {
        return Err(MintError::NotHosted(issuer.to_owned()));
    }
    let now = world.clock.unix();
    // A token that has expired was issued before it expired.
    let issued = now.min(now.saturating_add(lifetime)).saturating_sub(60);
    let claims = json!({
        "iss": issuer,
        "sub": subject,
        "aud": audience,
        "jti": Uuid::new_v4(),
        "iat": issued,
        "nbf": issued,
        "exp": now.saturating_add(lifetime),
    });
    let claims: Map<String, Value> = match claims {
        Value::Object(map) => map,
        _ => Map::new(),
    };
    sign(world, &claims)
}

/// Signs claims with the test issuer's key.
pub(crate) fn sign(world: &World, claims: &Map<String, Value>) -> Result<String, MintError> {
    let key = &world.keys.issuer;
    key.sign(claims).map_err(|_| MintError::Signing)
}

/// The issuer's OpenID configuration and keys.
pub(crate) fn front_door(world: Arc<World>) -> FrontDoor {
    Routes::new()
        .route(
            &format!("{PATH}/.well-known/openid-configuration"),
            get(configuration),
        )
        .route(&format!("{PATH}/keys"), get(keys))
        .open(|router| router.with_state(world))
}

async fn configuration(State(world): State<Arc<World>>) -> Response {
    let base = format!("{}{PATH}", world.urls().login);
    Json(json!({
        "issuer": base,
        "jwks_uri": format!("{base}/keys"),
        "response_types_supported": ["id_token"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
    }))
    .into_response()
}

async fn keys(State(world): State<Arc<World>>) -> Response {
    Json(json!({ "keys": [world.keys.issuer.jwk(None)] })).into_response()
}
