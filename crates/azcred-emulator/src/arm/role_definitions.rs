//! Role definitions, read-only: the built-in ones and the tenant's own.

use super::{
    call::Call,
    error::ArmError,
    filter::{Filter, Term},
    response::ArmResponse,
};
use crate::{
    resources::{Permission, Resources, RoleDefinition, Scope},
    world::World,
};
use serde_json::{Value, json};
use uuid::Uuid;

/// `GET …/roleDefinitions`: the roles that can be assigned at the scope.
pub(super) fn list(world: &World, call: &Call, scope: &Scope) -> Result<ArmResponse, ArmError> {
    let filter = Filter::of(
        call,
        &["rolename", "type", "atscope()", "atscopeandbelow()"],
    )?;
    let resources = world.resources();
    super::access::exists(&resources, scope)?;
    let found = resources
        .roles()
        .filter(|role| {
            filter.holds(|term| match term {
                Term::Equals(name, wanted) if name == "rolename" => {
                    role.name.eq_ignore_ascii_case(wanted)
                }
                Term::Equals(_, wanted) => kind(role).eq_ignore_ascii_case(wanted),
                Term::Call(name, _) if name == "atscope" => {
                    assignable(&resources, role, scope, false)
                }
                Term::Call(..) => true,
            })
        })
        .filter(|role| assignable(&resources, role, scope, true))
        .map(|role| view(role, scope))
        .collect();
    ArmResponse::list(world, call, found)
}

/// `GET` of one role definition.
pub(super) fn get(world: &World, scope: &Scope, name: &str) -> Result<ArmResponse, ArmError> {
    let resources = world.resources();
    let role = name.parse::<Uuid>().ok().and_then(|id| resources.role(id));
    role.map(|role| ArmResponse::ok(view(role, scope)))
        .ok_or_else(|| does_not_exist(name))
}

/// The error for an unknown role.
pub(super) fn does_not_exist(name: &str) -> ArmError {
    // In its messages, the service writes ids without hyphens.
    let name: String = name.chars().filter(|c| *c != '-').take(200).collect();
    ArmError::not_found(
        "RoleDefinitionDoesNotExist",
        format!("The specified role definition with ID '{name}' does not exist."),
    )
}

/// Whether a role can be assigned at a scope, or with `below` at a scope below it.
pub(super) fn assignable(
    resources: &Resources,
    role: &RoleDefinition,
    scope: &Scope,
    below: bool,
) -> bool {
    let above = resources.ancestry(scope);
    role.assignable_scopes
        .iter()
        .any(|place| above.contains(place) || (below && scope.contains(place)))
}

fn kind(role: &RoleDefinition) -> &'static str {
    if role.custom {
        "CustomRole"
    } else {
        "BuiltInRole"
    }
}

/// The id of a role, as a client at this scope sees it: with the subscription, if there is one.
pub(super) fn role_id(role: Uuid, scope: &Scope) -> String {
    let prefix = scope
        .subscription_id()
        .map_or_else(String::new, |id| format!("/subscriptions/{id}"));
    format!("{prefix}/providers/Microsoft.Authorization/roleDefinitions/{role}")
}

fn view(role: &RoleDefinition, scope: &Scope) -> Value {
    let permissions: Vec<Value> = role.permissions.iter().map(permission).collect();
    json!({
        "id": role_id(role.id, scope),
        "name": role.id,
        "type": "Microsoft.Authorization/roleDefinitions",
        "properties": {
            "roleName": role.name,
            "type": kind(role),
            "description": role.description,
            "assignableScopes": role.assignable_scopes,
            "permissions": permissions,
        },
    })
}

/// A permission with all four lists, as the API always returns it.
pub(super) fn permission(permission: &Permission) -> Value {
    json!({
        "actions": permission.actions,
        "notActions": permission.not_actions,
        "dataActions": permission.data_actions,
        "notDataActions": permission.not_data_actions,
    })
}
