//! Role assignments: list, create and delete.

use super::{
    access::{self, Caller},
    call::Call,
    error::ArmError,
    filter::{Filter, Term},
    response::ArmResponse,
    role_definitions,
    wire::{Body, date},
};
use crate::{
    directory::Directory,
    replication::View,
    resources::{
        AssignError, Change, PrincipalType, Principals, Resources, RoleAssignment, Scope, kind_of,
    },
    world::World,
};
use http::{Method, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

/// Dispatches on the method. `name` is the assignment's name.
pub(super) fn serve(
    world: &World,
    call: &Call,
    caller: &Caller,
    scope: &Scope,
    name: Option<&str>,
) -> Result<ArmResponse, ArmError> {
    let Some(name) = name else {
        return match call.method {
            Method::GET => list(world, call, caller, scope),
            _ => Err(ArmError::not_served(&call.method, &call.scope_text())),
        };
    };
    let id = name.parse::<Uuid>();
    match (&call.method, id) {
        (&Method::PUT, Err(_)) => Err(ArmError::bad_request(
            "InvalidRoleAssignmentId",
            format!(
                "The role assignment ID '{name}' is not valid. The role assignment ID must be a GUID."
            ),
        )),
        (&Method::PUT, Ok(id)) => put(world, call, caller, scope, id),
        (&Method::DELETE, Ok(id)) => Ok(delete(world, caller, scope, id)),
        (&Method::DELETE, Err(_)) => Ok(ArmResponse::empty(StatusCode::NO_CONTENT)),
        (_, id) => {
            let resources = world.resources();
            id.ok()
                .and_then(|id| resources.role_assignment(scope, id))
                .map(|found| ArmResponse::ok(view(found)))
                .ok_or_else(|| not_found(name))
        }
    }
}

fn not_found(name: &str) -> ArmError {
    let name: String = name.chars().filter(|c| *c != '-').collect();
    ArmError::not_found(
        "RoleAssignmentNotFound",
        format!("The role assignment '{name}' is not found."),
    )
}

/// Role assignments at the scope, above it and below it. `atScope()` leaves out those below.
fn list(
    world: &World,
    call: &Call,
    caller: &Caller,
    scope: &Scope,
) -> Result<ArmResponse, ArmError> {
    let filter = Filter::of(call, &["principalid", "assignedto()", "atscope()"])?;
    let directory = world.directory();
    let resources = world.resources();
    access::exists(&resources, scope)?;
    let above = resources.ancestry(scope);
    let found = resources
        .role_assignments()
        .filter(|one| above.contains(&one.scope) || scope.contains(&one.scope))
        .filter(|one| same_tenant(&directory, &resources, one, caller.tenant))
        .filter(|one| {
            filter.holds(|term| match term {
                Term::Equals(_, id) => one.principal.to_string().eq_ignore_ascii_case(id),
                Term::Call(name, _) if name == "atscope" => above.contains(&one.scope),
                Term::Call(_, id) => {
                    id.as_deref()
                        .and_then(|id| id.parse().ok())
                        .is_some_and(|id| {
                            let who = Principals {
                                principal: id,
                                groups: directory.groups_of(id),
                            };
                            who.are(one.principal)
                        })
                }
            })
        })
        .map(|one| {
            let mut view = view(one);
            // Also of an assignment above, the role is one of the request's subscription.
            if scope.subscription_id().is_some() {
                let role = role_definitions::role_id(one.role, scope);
                view["properties"]["roleDefinitionId"] = role.into();
            }
            view
        })
        .collect();
    ArmResponse::list(world, call, found)
}

/// Whether an assignment is of this tenant: by its subscription, or at `/` and at management groups
/// by its principal.
fn same_tenant(
    directory: &Directory,
    resources: &Resources,
    one: &RoleAssignment,
    tenant: Uuid,
) -> bool {
    match resources.subscription_of(&one.scope) {
        Some(subscription) => subscription.tenant == tenant,
        None => directory
            .principal(one.principal)
            .is_none_or(|found| found.tenant() == tenant),
    }
}

/// What a client sends.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AssignmentProperties {
    role_definition_id: String,
    principal_id: String,
    principal_type: Option<String>,
    description: Option<String>,
    condition: Option<String>,
    condition_version: Option<String>,
    /// Of preview versions, which repeat it.
    can_delegate: Option<bool>,
}

fn put(
    world: &World,
    call: &Call,
    caller: &Caller,
    scope: &Scope,
    id: Uuid,
) -> Result<ArmResponse, ArmError> {
    let body: Body<AssignmentProperties> = call.json().map_err(|_| {
        ArmError::bad_request("BadRequestFormat", "The request was incorrectly formatted.")
    })?;
    let wanted = body.properties();
    let now = world.clock.now();
    let directory = world.directory();
    let mut resources = world.resources_mut();
    access::exists(&resources, scope)?;

    let role_name = wanted
        .role_definition_id
        .rsplit('/')
        .next()
        .unwrap_or_default();
    let role = role_name
        .parse::<Uuid>()
        .ok()
        .and_then(|id| resources.role(id))
        // Here, the service writes the id without hyphens.
        .ok_or_else(|| role_definitions::does_not_exist(&role_name.replace('-', "")))?;
    if !role_definitions::assignable(&resources, role, scope, false) {
        return Err(ArmError::bad_request(
            "RoleDefinitionNotAssignable",
            format!(
                "The role '{}' cannot be assigned at scope '{scope}': it is not among its assignable scopes.",
                role.name
            ),
        ));
    }
    let role = role.id;
    let principal: Uuid = wanted.principal_id.parse().map_err(|_| {
        ArmError::bad_request(
            "InvalidPrincipalId",
            format!(
                "The Principal ID '{}' is not valid. Principal ID must be a GUID.",
                wanted.principal_id
            ),
        )
    })?;
    let principal_type = principal_type(
        world,
        &directory,
        caller.tenant,
        principal,
        wanted.principal_type.as_deref(),
    )?;
    let condition = wanted.condition.filter(|text| !text.is_empty());
    let new = RoleAssignment {
        id,
        scope: scope.clone(),
        role,
        principal,
        principal_type,
        description: wanted.description,
        condition_version: wanted.condition_version.filter(|_| condition.is_some()),
        condition,
        created_by: Some(caller.who.principal),
        created_on: now,
        updated: Some(Change {
            by: caller.who.principal,
            on: now,
        }),
    };
    match resources.assign(new) {
        Ok(is_new) => {
            if is_new {
                world.replication.created(id);
            }
            let found = resources.role_assignment(scope, id);
            let mut body = found.map(view).unwrap_or_default();
            // As Azure does, also for an update. A later GET has it.
            body["properties"]["createdBy"] = Value::Null;
            if let Some(can_delegate) = wanted.can_delegate {
                body["properties"]["canDelegate"] = can_delegate.into();
            }
            Ok(ArmResponse::with(StatusCode::CREATED, body))
        }
        Err(AssignError::Exists(other)) => Err(ArmError::new(
            StatusCode::CONFLICT,
            "RoleAssignmentExists",
            format!(
                "The role assignment already exists. The ID of the conflicting role assignment is {}.",
                other.simple()
            ),
        )),
        Err(AssignError::UpdateNotPermitted) => Err(ArmError::bad_request(
            "RoleAssignmentUpdateNotPermitted",
            "Tenant ID, application ID, principal ID, and scope are not allowed to be updated.",
        )),
    }
}

/// The type of a principal. It checks the type that the client sent.
fn principal_type(
    world: &World,
    directory: &Directory,
    tenant: Uuid,
    principal: Uuid,
    given: Option<&str>,
) -> Result<PrincipalType, ArmError> {
    let given = given.filter(|given| !given.is_empty());
    if let Some(found) = directory
        .principal(principal)
        .filter(|found| found.tenant() == tenant)
        .filter(|found| !world.replication.misses(View::Principals, found.id()))
    {
        let kind = kind_of(found);
        if let Some(given) = given.filter(|given| !given.eq_ignore_ascii_case(kind.as_str())) {
            return Err(ArmError::bad_request(
                "UnmatchedPrincipalType",
                // The misspelling is the service's own.
                format!(
                    "The PrincipalId '{}' has type '{}' , which is different from specified PrinciaplType '{given}'.",
                    principal.simple(),
                    kind.as_str()
                ),
            ));
        }
        return Ok(kind);
    }
    // The service trusts a client that sends ServicePrincipal. A new service principal may be
    // missing from some of the directory's replicas, and can get roles anyway ("Assign Azure roles
    // using the REST API", Microsoft Learn).
    if given.is_some_and(|given| given.eq_ignore_ascii_case("ServicePrincipal")) {
        return Ok(PrincipalType::ServicePrincipal);
    }
    Err(ArmError::bad_request(
        "PrincipalNotFound",
        format!(
            "Principal {} does not exist in the directory {tenant}. Check that you have the correct principal ID. If \
             you are creating this principal and then immediately assigning a role, this error might be related to a \
             replication delay. In this case, set the role assignment principalType property to a value, such as \
             ServicePrincipal, User, or Group.  See https://aka.ms/docs-principaltype",
            principal.simple()
        ),
    ))
}

/// Deletes an assignment. The response has the time of the deletion.
fn delete(world: &World, caller: &Caller, scope: &Scope, id: Uuid) -> ArmResponse {
    match world.resources_mut().unassign(scope, id) {
        Some(gone) => {
            let updated = Some(Change {
                by: caller.who.principal,
                on: world.clock.now(),
            });
            ArmResponse::ok(view(&RoleAssignment { updated, ..gone }))
        }
        None => ArmResponse::empty(StatusCode::NO_CONTENT),
    }
}

fn view(one: &RoleAssignment) -> Value {
    let created_by = one.created_by.map(|id| id.to_string()).unwrap_or_default();
    let (updated_by, updated_on) = match &one.updated {
        Some(change) => (change.by.to_string(), change.on),
        None => (created_by.clone(), one.created_on),
    };
    let root = one.scope.segments().next().is_none();
    let prefix = if root {
        String::new()
    } else {
        one.scope.to_string()
    };
    json!({
        "id": format!("{prefix}/providers/Microsoft.Authorization/roleAssignments/{}", one.id),
        "name": one.id,
        "type": "Microsoft.Authorization/roleAssignments",
        "properties": {
            "roleDefinitionId": role_definitions::role_id(one.role, &one.scope),
            "principalId": one.principal,
            "principalType": one.principal_type.as_str(),
            "scope": one.scope,
            "condition": one.condition,
            "conditionVersion": one.condition_version,
            "createdOn": date(one.created_on),
            "updatedOn": date(updated_on),
            "createdBy": created_by,
            "updatedBy": updated_by,
            "delegatedManagedIdentityResourceId": null,
            "description": one.description,
        },
    })
}
