//! Deny assignments, read-only: only Azure itself can create them.

use super::{
    access,
    call::Call,
    error::ArmError,
    filter::{Filter, Term},
    response::ArmResponse,
    role_definitions::permission,
};
use crate::{
    directory::Directory,
    resources::{DenyAssignment, EVERYONE, Scope},
    world::World,
};
use serde_json::{Value, json};
use uuid::Uuid;

/// `GET …/denyAssignments`: those at the scope, above it and below it. `atScope()` leaves out those
/// below.
pub(super) fn list(world: &World, call: &Call, scope: &Scope) -> Result<ArmResponse, ArmError> {
    let filter = Filter::of(
        call,
        &[
            "principalid",
            "gdprexportprincipalid",
            "denyassignmentname",
            "assignedto()",
            "atscope()",
        ],
    )?;
    let directory = world.directory();
    let resources = world.resources();
    access::exists(&resources, scope)?;
    let above = resources.ancestry(scope);
    let struck = |one: &DenyAssignment, id: &str, groups: bool| {
        id.parse::<Uuid>().is_ok_and(|id| {
            let groups = if groups {
                directory.groups_of(id)
            } else {
                Default::default()
            };
            one.principals
                .iter()
                .any(|struck| *struck == id || *struck == EVERYONE || groups.contains(struck))
        })
    };
    let found = resources
        .deny_assignments()
        .filter(|one| above.contains(&one.scope) || scope.contains(&one.scope))
        .filter(|one| {
            filter.holds(|term| match term {
                Term::Equals(name, wanted) if name == "denyassignmentname" => one.name == *wanted,
                Term::Equals(_, id) => struck(one, id, false),
                Term::Call(name, _) if name == "atscope" => above.contains(&one.scope),
                Term::Call(_, id) => id.as_deref().is_some_and(|id| struck(one, id, true)),
            })
        })
        .map(|one| view(&directory, one))
        .collect();
    ArmResponse::list(world, call, found)
}

/// `GET` of one deny assignment.
pub(super) fn get(world: &World, scope: &Scope, name: &str) -> Result<ArmResponse, ArmError> {
    let directory = world.directory();
    let resources = world.resources();
    let id = name.parse::<Uuid>().ok();
    resources
        .deny_assignments()
        .find(|one| Some(one.id) == id && one.scope == *scope)
        .map(|one| ArmResponse::ok(view(&directory, one)))
        .ok_or_else(|| {
            ArmError::not_found(
                "DenyAssignmentNotFound",
                format!("The deny assignment '{name}' was not found."),
            )
        })
}

fn view(directory: &Directory, one: &DenyAssignment) -> Value {
    let principals = |ids: &[Uuid]| -> Vec<Value> {
        ids.iter()
            .map(|id| {
                if *id == EVERYONE {
                    return json!({"id": id, "type": "SystemDefined", "displayName": "All Principals"});
                }
                let kind = directory.principal(*id).map(|found| found.principal_type());
                json!({"id": id, "type": kind.unwrap_or("ServicePrincipal")})
            })
            .collect()
    };
    let permissions: Vec<Value> = one.permissions.iter().map(permission).collect();
    let root = one.scope.segments().next().is_none();
    let prefix = if root {
        String::new()
    } else {
        one.scope.to_string()
    };
    json!({
        "id": format!("{prefix}/providers/Microsoft.Authorization/denyAssignments/{}", one.id),
        "name": one.id,
        "type": "Microsoft.Authorization/denyAssignments",
        "properties": {
            "denyAssignmentName": one.name,
            "description": one.description,
            "permissions": permissions,
            "scope": one.scope,
            "doNotApplyToChildScopes": one.do_not_apply_to_child_scopes,
            "principals": principals(&one.principals),
            "excludePrincipals": principals(&one.exclude_principals),
            "isSystemProtected": true,
        },
    })
}
