//! Management groups, read-only: the levels above subscriptions.

use super::{
    access::{self, Caller},
    call::Call,
    error::ArmError,
    response::ArmResponse,
};
use crate::{
    resources::{ManagementGroup, Scope},
    world::World,
};
use serde_json::{Value, json};

const TYPE: &str = "Microsoft.Management/managementGroups";
const READ: &str = "Microsoft.Management/managementGroups/read";

/// `GET /providers/Microsoft.Management/managementGroups`: those that the caller may read.
pub(super) fn list(world: &World, call: &Call, caller: &Caller) -> Result<ArmResponse, ArmError> {
    let resources = world.resources();
    let seen = resources.management_groups().filter_map(|group| {
        let scope = Scope::management_group(&group.name).ok()?;
        caller
            .may(&resources, READ, &scope)
            .then(|| view(caller, group, json!({})))
    });
    let seen = seen.collect();
    ArmResponse::list(world, call, seen)
}

/// `GET` of one management group.
pub(super) fn get(world: &World, caller: &Caller, id: &Scope) -> Result<ArmResponse, ArmError> {
    let resources = world.resources();
    access::exists(&resources, id)?;
    let name = id.management_group_name().unwrap_or_default();
    let group = resources
        .management_group(name)
        .ok_or_else(ArmError::missing_subscription)?;
    let parent = match group.parent.as_deref() {
        Some(parent) => {
            let display = resources
                .management_group(parent)
                .map(|parent| &*parent.display_name);
            reference(parent, display.unwrap_or(parent))
        }
        None => reference(&caller.tenant.to_string(), "Root Management Group"),
    };
    let details = json!({"details": {
        "version": 1,
        "updatedTime": super::wire::date(world.clock.now()),
        "updatedBy": caller.who.principal,
        "parent": parent,
    }});
    Ok(ArmResponse::ok(view(caller, group, details)))
}

fn reference(name: &str, display: &str) -> Value {
    json!({
        "id": format!("/providers/{TYPE}/{name}"),
        "name": name,
        "displayName": display,
    })
}

fn view(caller: &Caller, group: &ManagementGroup, mut properties: Value) -> Value {
    properties["tenantId"] = json!(caller.tenant);
    properties["displayName"] = json!(group.display_name);
    json!({
        "id": format!("/providers/{TYPE}/{}", group.name),
        "type": TYPE,
        "name": group.name,
        "properties": properties,
    })
}
