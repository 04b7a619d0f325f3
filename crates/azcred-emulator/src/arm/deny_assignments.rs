//! Deny assignments. Those of Azure itself, which a seed has, can't be changed.

use super::{
    access::{self, Caller},
    call::Call,
    error::ArmError,
    filter::{Filter, Term},
    response::ArmResponse,
    role_definitions::permission,
    wire::{Body, PermissionBody, date},
};
use crate::{
    directory::Directory,
    resources::{Change, DenyAssignment, EVERYONE, Permission, Scope},
    world::World,
};
use http::{Method, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};
use time::OffsetDateTime;
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

/// Dispatches on the method. `name` is the assignment's id.
pub(super) fn serve(
    world: &World,
    call: &Call,
    caller: &Caller,
    scope: &Scope,
    name: &str,
) -> Result<ArmResponse, ArmError> {
    let directory = world.directory();
    let mut resources = world.resources_mut();
    let id = name.parse::<Uuid>().ok();
    let found = resources
        .deny_assignments()
        .find(|one| Some(one.id) == id && one.scope == *scope)
        .cloned();
    let is_change = call.method != Method::GET;
    if is_change && found.as_ref().is_some_and(|one| one.created.is_none()) {
        // It is Azure's own.
        return Err(ArmError::not_served(&call.method, &call.scope_text()));
    }
    match (&call.method, id, found) {
        (&Method::PUT, Some(id), old) => {
            access::exists(&resources, scope)?;
            let new = given(call, caller, scope, id, old.as_ref(), world.clock.now())?;
            let mut body = view(&directory, &new);
            resources.deny(new);
            body["properties"]["createdBy"] = Value::Null;
            Ok(ArmResponse::with(StatusCode::CREATED, body))
        }
        (&Method::DELETE, Some(id), Some(gone)) => {
            resources.allow_again(id);
            Ok(ArmResponse::ok(view(&directory, &gone)))
        }
        (&Method::DELETE, ..) => Ok(ArmResponse::empty(StatusCode::NO_CONTENT)),
        (&Method::GET, _, Some(found)) => Ok(ArmResponse::ok(view(&directory, &found))),
        _ => Err(ArmError::not_found(
            "DenyAssignmentNotFound",
            format!("The deny assignment '{name}' was not found."),
        )),
    }
}

/// What a client sends.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[derive(Default)]
struct DenyProperties {
    deny_assignment_name: String,
    description: String,
    permissions: Vec<PermissionBody>,
    do_not_apply_to_child_scopes: bool,
    principals: Vec<PrincipalBody>,
    exclude_principals: Vec<PrincipalBody>,
}

#[derive(Deserialize)]
struct PrincipalBody {
    id: Uuid,
}

/// The assignment that a client describes.
fn given(
    call: &Call,
    caller: &Caller,
    scope: &Scope,
    id: Uuid,
    old: Option<&DenyAssignment>,
    now: OffsetDateTime,
) -> Result<DenyAssignment, ArmError> {
    let given: DenyProperties = call.json::<Body<_>>()?.properties();
    let permissions: Vec<Permission> = given.permissions.into_iter().map(Into::into).collect();
    if !matches!(permissions.as_slice(), [one] if !one.actions.is_empty()) {
        return Err(ArmError::bad_request(
            "InvalidCreateDenyAssignmentRequest",
            "Deny assignment must have exactly one non-empty permission.",
        ));
    }
    let change = Change {
        by: caller.who.principal,
        on: now,
    };
    let ids = |all: Vec<PrincipalBody>| all.into_iter().map(|one| one.id).collect();
    Ok(DenyAssignment {
        id,
        name: given.deny_assignment_name,
        description: given.description,
        scope: scope.clone(),
        do_not_apply_to_child_scopes: given.do_not_apply_to_child_scopes,
        permissions,
        principals: ids(given.principals),
        exclude_principals: ids(given.exclude_principals),
        created: old.map_or(Some(change), |old| old.created),
        updated: Some(change),
    })
}

fn view(directory: &Directory, one: &DenyAssignment) -> Value {
    let principals = |ids: &[Uuid]| -> Vec<Value> {
        ids.iter()
            .map(|id| {
                if *id == EVERYONE {
                    return json!({"id": id, "type": "SystemDefined"});
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
    let mut view = json!({
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
            "condition": null,
            "conditionVersion": null,
            "isSystemProtected": one.created.is_none(),
        },
    });
    for (change, by, on) in [
        (one.created, "createdBy", "createdOn"),
        (one.updated, "updatedBy", "updatedOn"),
    ] {
        if let Some(change) = change {
            view["properties"][by] = json!(change.by);
            view["properties"][on] = date(change.on).into();
        }
    }
    view
}
