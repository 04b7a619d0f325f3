//! Key Vault: the secrets of the key vaults.
//!
//! Every request passes these steps, as in Azure:
//!
//! 1. The vault is read from the host's name, or from the path by a port ([`call`]).
//! 2. The token is checked, then the vault's network settings ([`access`]).
//! 3. The api-version is checked, and the operation is recognized ([`operation`]).
//! 4. A role or an access policy must allow it ([`access`]). Then it is carried out ([`secrets`]).

mod access;
mod call;
mod error;
mod operation;
mod secrets;

use self::{call::Call, error::VaultError, operation::Operation};
use crate::{front_door::FrontDoor, world::World};
use axum::{
    Router,
    body::{Body, to_bytes},
    extract::{Request, State},
    response::Response,
};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use serde_json::Value;
use std::sync::Arc;

/// The largest body: that of every service of the emulator.
const MAX_BODY: usize = 4 * 1024 * 1024;

/// The version that the service says it has.
const SERVICE_VERSION: &str = "1.9.3070.1";

/// Key Vault's front door.
pub(crate) fn front_door(world: Arc<World>) -> FrontDoor {
    // One handler: by a port, the path begins with the vault's name.
    FrontDoor::from(Router::new().fallback(serve).with_state(world))
}

/// The response for an error status of a fault.
pub(crate) fn failure(status: StatusCode) -> Response {
    response(Err(VaultError::failure(status)), None)
}

async fn serve(State(world): State<Arc<World>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let read = match to_bytes(body, MAX_BODY).await {
        Ok(body) => Call::read(&parts, body, &world.urls()),
        Err(_) => Err(VaultError::too_large()),
    };
    let region = read.as_ref().ok().and_then(|call| call.region(&world));
    let client = parts.headers.get("x-ms-client-request-id").cloned();
    let mut response = response(read.and_then(|call| answer(&world, &call)), client);
    if let Some(region) = region {
        put(response.headers_mut(), "x-ms-keyvault-region", &region);
    }
    response
}

fn answer(world: &World, call: &Call) -> Result<Option<Value>, VaultError> {
    let caller = access::admit(world, call)?;
    call.check_version(world.clock.now())?;
    let operation = Operation::of(call)?;
    access::authorize(world, call, &caller, &operation)?;
    secrets::perform(world, call, &operation)
}

/// Adds what every response has.
fn response(result: Result<Option<Value>, VaultError>, client: Option<HeaderValue>) -> Response {
    let mut response = Response::new(Body::empty());
    let (status, body, challenge) = match result {
        Ok(Some(body)) => (StatusCode::OK, Some(body), None),
        Ok(None) => (StatusCode::NO_CONTENT, None, None),
        Err(error) => (error.status, Some(error.body()), error.challenge),
    };
    *response.status_mut() = status;
    let headers = response.headers_mut();
    for (name, value) in [
        ("cache-control", "no-cache"),
        ("pragma", "no-cache"),
        ("expires", "-1"),
        ("x-content-type-options", "nosniff"),
        (
            "strict-transport-security",
            "max-age=31536000;includeSubDomains",
        ),
        ("x-ms-keyvault-service-version", SERVICE_VERSION),
        (
            "x-ms-keyvault-network-info",
            "conn_type=Ipv4;addr=127.0.0.1;act_addr_fam=InterNetwork;",
        ),
        ("x-ms-request-id", &uuid::Uuid::new_v4().to_string()),
    ] {
        put(headers, name, value);
    }
    if let Some(client) = client {
        headers.insert("x-ms-client-request-id", client);
    }
    if let Some(challenge) = challenge {
        put(headers, header::WWW_AUTHENTICATE.as_str(), &challenge);
    }
    if let Some(body) = body {
        let json = HeaderValue::from_static("application/json; charset=utf-8");
        headers.insert(header::CONTENT_TYPE, json);
        *response.body_mut() = Body::from(body.to_string());
    }
    response
}

fn put(headers: &mut HeaderMap, name: &str, value: &str) {
    if let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), HeaderValue::from_str(value)) {
        headers.insert(name, value);
    }
}
