//! Tokens of managed identities, which Entra ID issues to the identities' hosts.

use crate::{
    entra::{
        claims::{self, Grant, Proof},
        exchange::Exchange,
        issued::Issued,
        refusal::Refusal,
        resource,
    },
    world::World,
};
use http::StatusCode;
use serde_json::{Map, Value};
use uuid::Uuid;

/// A day: how long tokens are cached ('Managed identities for Azure resources frequently asked
/// questions').
pub(super) const LIFETIME: u32 = 86_400;

/// The claims that only tokens of managed identities have, as recorded since 2025. A resource of
/// Microsoft's also gets the identity's id, with one word in lower case.
fn of_identity(resource_id: &str, is_microsofts: bool) -> Map<String, Value> {
    let mut claims = Map::new();
    for (name, value) in [
        ("xms_act_fct", "3 9"),
        ("xms_idrel", "7 4"),
        ("xms_sub_fct", "9 3"),
    ] {
        claims.insert(name.to_owned(), value.into());
    }
    if is_microsofts {
        let id = resource_id.replacen("/resourceGroups/", "/resourcegroups/", 1);
        claims.insert("xms_mirid".to_owned(), id.into());
    }
    claims
}

/// Issues a token for a managed identity. `resource_id` is the id of a user-assigned identity, or
/// of the resource that has a system-assigned one.
///
/// # Errors
/// 700016 if the service principal does not exist, 7000112 if it is disabled, 500011 for an unknown
/// resource.
pub(crate) fn issue_for_identity(
    world: &World,
    object_id: Uuid,
    resource_id: &str,
    resource: &str,
    exchange: &Exchange,
) -> Result<Issued, Refusal> {
    let directory = world.directory();
    let (principal, tenant) = directory
        .service_principals
        .get(&object_id)
        .and_then(|principal| Some((principal, directory.tenants.get(&principal.tenant)?)))
        .ok_or_else(|| {
            Refusal::new(
                700_016,
                "unauthorized_client",
                StatusCode::BAD_REQUEST,
                format!(
                    "Application with identifier '{object_id}' was not found in the directory."
                ),
            )
        })?;
    if !principal.enabled {
        return Err(Refusal::new(
            7_000_112,
            "unauthorized_client",
            StatusCode::BAD_REQUEST,
            format!(
                "Application '{}'({}) is disabled.",
                principal.app_id, principal.name
            ),
        ));
    }
    let found = resource::find(world, &directory, tenant, resource)?;
    let lifetime = i64::from(tenant.access_token_lifetime.unwrap_or(LIFETIME));
    let now = exchange.now.unix_timestamp();
    let mut claims = claims::app_only(&Grant {
        cloud: exchange.cloud(),
        tenant,
        principal,
        resource: &found,
        // The identity's certificate is kept by the platform.
        proof: Proof::Assertion,
        now,
        lifetime,
    });
    let is_microsofts = !directory.applications.contains_key(&found.app_id);
    claims.extend(of_identity(resource_id, is_microsofts));
    let access_token = world
        .keys
        .entra
        .sign(&claims)
        .map_err(|_| Refusal::unavailable())?;
    Ok(Issued {
        access_token,
        resource: resource.to_owned(),
        not_before: now - 300,
        expires_on: now + lifetime,
        expires_in: lifetime,
    })
}
