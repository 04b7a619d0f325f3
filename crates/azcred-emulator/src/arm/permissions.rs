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

/// The permissions of the caller's roles at the scope, one entry for each role. Deny assignments
/// are not subtracted: as with Azure, clients read them separately.
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
    // A caller without a role there does not learn whether the scope exists.
    if !held.is_empty() {
        access::exists(&resources, scope)?;
    }
    ArmResponse::list(world, call, held)
}
