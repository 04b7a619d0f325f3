//! `GET …/permissions`: what the caller may do at a scope.

use super::{
    access::{self, Caller},
    call::Call,
    error::ArmError,
    response::ArmResponse,
    role_definitions::permission,
};
use crate::{resources::Scope, world::World};
use serde_json::Value;

/// The permissions of all roles that hold for the caller there, one entry each. Deny assignments
/// are not taken out: clients look at these themselves, as they must with Azure.
pub(super) fn list(
    world: &World,
    call: &Call,
    caller: &Caller,
    scope: &Scope,
) -> Result<ArmResponse, ArmError> {
    let resources = world.resources();
    let held: Vec<Value> = resources
        .permissions_at(&caller.who, scope)
        .into_iter()
        .map(permission)
        .collect();
    // Who holds nothing there does not learn whether it exists.
    if !held.is_empty() {
        access::exists(&resources, scope)?;
    }
    ArmResponse::list(world, call, held)
}
