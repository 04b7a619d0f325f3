//! Role definitions: the built-in ones, and the tenant's own, which can be created, changed and
//! deleted.

use super::{
    access::Caller,
    call::Call,
    error::ArmError,
    filter::{Filter, Term},
    response::ArmResponse,
    wire::{Body, PermissionBody, date},
};
use crate::{
    resources::{Change, Permission, Resources, RoleDefinition, Scope},
    world::World,
};
use http::{Method, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

const TYPE: &str = "Microsoft.Authorization/roleDefinitions";

/// When Microsoft made the role Reader and changed it last, by a recording. The emulator says so of
/// all built-in roles.
const BUILT_IN_CREATED: &str = "2015-02-02T21:55:09.8806423Z";
const BUILT_IN_UPDATED: &str = "2021-11-11T20:13:47.8628684Z";

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

/// Dispatches on the method. `name` is the role's id.
pub(super) fn serve(
    world: &World,
    call: &Call,
    caller: &Caller,
    scope: &Scope,
    name: &str,
) -> Result<ArmResponse, ArmError> {
    match call.method {
        Method::PUT => put(world, call, caller, scope, name),
        Method::DELETE => delete(world, caller, scope, name),
        _ => {
            let resources = world.resources();
            let role = name.parse::<Uuid>().ok().and_then(|id| resources.role(id));
            role.map(|role| ArmResponse::ok(view(role, scope)))
                .ok_or_else(|| does_not_exist(name))
        }
    }
}

/// The error for an unknown role.
pub(super) fn does_not_exist(name: &str) -> ArmError {
    let name: String = name.chars().take(200).collect();
    ArmError::not_found(
        "RoleDefinitionDoesNotExist",
        format!("The specified role definition with ID '{name}' does not exist."),
    )
}

/// What a client sends.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RoleProperties {
    role_name: String,
    #[serde(default)]
    description: Option<String>,
    #[serde(default)]
    permissions: Vec<PermissionBody>,
    #[serde(default)]
    assignable_scopes: Vec<Scope>,
}

/// Creates or replaces a role: 201 for both, as in recordings.
fn put(
    world: &World,
    call: &Call,
    caller: &Caller,
    scope: &Scope,
    name: &str,
) -> Result<ArmResponse, ArmError> {
    let bad = |code, message: String| Err(ArmError::bad_request(code, message));
    let Ok(id) = name.parse::<Uuid>() else {
        let message = format!("The role definition ID '{name}' is not valid. It must be a GUID.");
        return bad("InvalidRoleDefinitionId", message);
    };
    let wanted: RoleProperties = call.json::<Body<_>>()?.properties();
    let mut resources = world.resources_mut();
    if resources.role(id).is_some_and(|role| !role.custom) {
        return Err(ArmError::not_served(&call.method, &call.scope_text()));
    }
    if wanted.assignable_scopes.is_empty() {
        let message = "The role definition must have at least one assignable scope.".to_owned();
        return bad("InvalidRoleDefinition", message);
    }
    let action = format!("{TYPE}/write");
    for place in &wanted.assignable_scopes {
        if !caller.may(&resources, &action, place) {
            return Err(caller.refused(&action, &place.to_string()));
        }
    }
    if resources
        .role_named(&wanted.role_name)
        .is_some_and(|other| other.id != id)
    {
        return Err(ArmError::new(
            StatusCode::CONFLICT,
            "RoleDefinitionWithSameNameExists",
            "A custom role with the same name already exists in this directory. Use a different name",
        ));
    }
    let change = Change {
        by: caller.who.principal,
        on: world.clock.now(),
    };
    let role = RoleDefinition {
        id,
        name: wanted.role_name,
        description: wanted.description.unwrap_or_default(),
        custom: true,
        assignable_scopes: wanted.assignable_scopes,
        permissions: wanted.permissions.into_iter().map(Into::into).collect(),
        created: resources.role(id).map_or(Some(change), |old| old.created),
        updated: Some(change),
    };
    let mut body = view(&role, scope);
    resources.put_role(role);
    body["properties"]["createdBy"] = Value::Null;
    Ok(ArmResponse::with(StatusCode::CREATED, body))
}

/// Deletes a custom role that is assigned to no one. The response is the role.
fn delete(
    world: &World,
    caller: &Caller,
    scope: &Scope,
    name: &str,
) -> Result<ArmResponse, ArmError> {
    let mut resources = world.resources_mut();
    let id = name.parse::<Uuid>().ok();
    let Some(role) = id
        .and_then(|id| resources.role(id))
        .filter(|role| role.custom)
    else {
        return Ok(ArmResponse::empty(StatusCode::NO_CONTENT));
    };
    let action = format!("{TYPE}/delete");
    for place in &role.assignable_scopes {
        if !caller.may(&resources, &action, place) {
            return Err(caller.refused(&action, &place.to_string()));
        }
    }
    if resources.role_assignments().any(|one| one.role == role.id) {
        return Err(ArmError::bad_request(
            "RoleDefinitionHasAssignments",
            "There are existing role assignments referencing role (code: RoleDefinitionHasAssignments)",
        ));
    }
    let (id, body) = (role.id, view(role, scope));
    resources.remove_role(id);
    Ok(ArmResponse::ok(body))
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
    let by = |change: Option<Change>| change.map(|change| change.by);
    let on = |change: Option<Change>, built_in: &str| {
        change.map_or_else(|| built_in.to_owned(), |change| date(change.on))
    };
    json!({
        "id": role_id(role.id, scope),
        "name": role.id,
        "type": TYPE,
        "properties": {
            "roleName": role.name,
            "type": kind(role),
            "description": role.description,
            "assignableScopes": role.assignable_scopes,
            "permissions": permissions,
            "createdOn": on(role.created, BUILT_IN_CREATED),
            "updatedOn": on(role.updated, BUILT_IN_UPDATED),
            "createdBy": by(role.created),
            "updatedBy": by(role.updated),
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
