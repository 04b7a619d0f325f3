//! Entra ID's own tokens for Azure DevOps' service connections, since 2025. Source of the claims:
//! `interop/recorded`.

use crate::{
    directory::{AZURE_DEVOPS, EXCHANGE_APPLICATION},
    entra::{claims::opaque, refusal::Refusal},
    tokens::tenant_of_issuer,
    world::World,
};
use serde_json::{Map, Value, json};
use uuid::Uuid;

/// A day, and the five minutes by which tokens are issued early.
const LIFETIME: i64 = 86_700;
/// Azure DevOps' service principal in every tenant of the emulator.
const PRINCIPAL: &str = "499b84ac-0000-4000-8000-000000000001";

/// Issues the token of a connection, with which it signs in as the application that trusts it.
///
/// # Errors
/// When it can't be signed.
pub(crate) fn issue_for_connection(
    world: &World,
    issuer: &str,
    subject: &str,
) -> Result<String, Refusal> {
    let tenant = tenant_of_issuer(issuer).unwrap_or_default();
    let issued = world.clock.unix() - 300;
    let claims = json!({
        "aud": EXCHANGE_APPLICATION,
        "iss": issuer,
        "iat": issued,
        "nbf": issued,
        "exp": issued + LIFETIME,
        "aio": opaque(&[b"aio", Uuid::new_v4().as_bytes()], 24),
        "azp": AZURE_DEVOPS,
        "azpacr": "2",
        "idtyp": "app",
        "oid": PRINCIPAL,
        "rh": format!("1.A{}.", opaque(&[tenant.as_bytes(), EXCHANGE_APPLICATION.as_bytes()], 30)),
        "sub": subject,
        "tid": tenant,
        "uti": opaque(&[b"uti", Uuid::new_v4().as_bytes()], 16),
        "ver": "2.0",
        "xms_ficinfo": opaque(&[b"fic", subject.as_bytes()], 24),
        "xms_idrel": "7 30",
    });
    let claims = match claims {
        Value::Object(map) => map,
        _ => Map::new(),
    };
    let signed = world.keys.entra.sign(&claims);
    signed.map_err(|_| Refusal::unavailable())
}
