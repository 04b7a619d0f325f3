//! Management groups: the levels above subscriptions.

use super::{
    access::{self, Caller},
    call::Call,
    error::ArmError,
    response::ArmResponse,
    wire::date,
};
use crate::{
    resources::{
        Change, ManagementGroup, PrincipalType, ROOT_GROUP, Resources, RoleAssignment, Scope,
    },
    service::Service,
    world::World,
};
use http::{HeaderName, StatusCode, header};
use serde_json::{Value, json};
use uuid::{Uuid, uuid};

pub(super) const TYPE: &str = "Microsoft.Management/managementGroups";
const READ: &str = "Microsoft.Management/managementGroups/read";
const WRITE: &str = "Microsoft.Management/managementGroups/write";
const OWNER: Uuid = uuid!("8e3af657-a8ff-443c-a75c-2fe8c4bcb635");

/// `GET /providers/Microsoft.Management/managementGroups`: those that the caller may read.
pub(super) fn list(world: &World, call: &Call, caller: &Caller) -> Result<ArmResponse, ArmError> {
    let resources = world.resources();
    let seen = resources.management_groups().filter_map(|group| {
        let scope = Scope::management_group(&group.name).ok()?;
        let properties = json!({"tenantId": caller.tenant, "displayName": group.display_name});
        let is_seen = caller.may(&resources, READ, &scope);
        is_seen.then(|| view(&group.name, "properties", properties))
    });
    let seen = seen.collect();
    let mut answer = ArmResponse::list(world, call, seen)?;
    if let Some(body) = &mut answer.body {
        body["@nextLink"] = Value::Null;
    }
    Ok(answer)
}

/// `GET` of one management group.
pub(super) fn get(world: &World, caller: &Caller, id: &Scope) -> Result<ArmResponse, ArmError> {
    let resources = world.resources();
    let group = find(&resources, id)?;
    let mut properties = properties(caller, group);
    properties["details"]["parent"] = match group.parent.as_deref() {
        Some(parent) => {
            let display = resources.management_group(parent);
            let display = display.map_or(parent, |parent| &parent.display_name);
            reference(parent, display)
        }
        None if group.name == caller.tenant.to_string() => Value::Null,
        None => reference(&caller.tenant.to_string(), ROOT_GROUP),
    };
    Ok(ArmResponse::ok(view(&group.name, "properties", properties)))
}

/// `PUT`: everyone may create one below the tenant's root, and owns it then. It is done before the
/// response is sent, which says where a client can ask for the result.
pub(super) fn put(
    world: &World,
    call: &Call,
    caller: &Caller,
    id: &Scope,
    version: &str,
) -> Result<ArmResponse, ArmError> {
    let given = Value::Object(call.object()?);
    let text = |path: &str| given.pointer(path).and_then(Value::as_str);
    let parent = text("/properties/details/parent/id").and_then(|id| id.rsplit('/').next());
    let parent = parent.filter(|parent| *parent != caller.tenant.to_string());
    let now = world.clock.now();
    // Locked first, as always.
    let directory = world.directory();
    let mut resources = world.resources_mut();
    let old = find(&resources, id).ok().cloned();
    // A tenant's own group is there already, and has the tenant's id.
    let is_new = old.is_none() && directory.tenant(id.name()).is_none();
    let may_write = |scope: &Scope| {
        let may = caller.may(&resources, WRITE, scope);
        may.then_some(())
            .ok_or_else(|| caller.refused(WRITE, &scope.to_string()))
    };
    if let Some(parent) = parent {
        let parent = Scope::management_group(parent)
            .map_err(|error| ArmError::bad_request("InvalidResourceId", error.to_string()))?;
        access::exists(&resources, &parent)?;
        may_write(&parent)?;
    }
    if !is_new {
        may_write(id)?;
    }
    let display = text("/properties/displayName");
    let group = ManagementGroup {
        name: old
            .as_ref()
            .map_or_else(|| id.name().to_owned(), |old| old.name.clone()),
        display_name: display.unwrap_or_else(|| id.name()).to_owned(),
        parent: parent.map(str::to_owned),
        updated: Some(Change {
            by: caller.who.principal,
            on: now,
        }),
    };
    let name = group.name.clone();
    resources.put_management_group(group);
    if is_new {
        // Its name is new, so no assignment there can be the same.
        let _ = resources.assign(RoleAssignment {
            id: Uuid::new_v4(),
            scope: id.clone(),
            role: OWNER,
            principal: caller.who.principal,
            principal_type: match caller.kind {
                "User" => PrincipalType::User,
                _ => PrincipalType::ServicePrincipal,
            },
            description: None,
            condition: None,
            condition_version: None,
            created_by: Some(caller.who.principal),
            created_on: now,
            updated: None,
        });
    }
    let base = world.urls().for_client(Service::Arm, &call.entrance);
    let at = |way: &str| {
        format!(
            "{base}/providers/Microsoft.Management/operationResults/create/{way}managementGroups/{name}?api-version={version}"
        )
    };
    let body = view(&name, "status", "NotStarted".into());
    Ok(ArmResponse::with(StatusCode::ACCEPTED, body)
        .header(
            HeaderName::from_static("azure-asyncoperation"),
            at("asyncOperation/status/"),
        )
        .header(header::LOCATION, at("")))
}

/// How far the creation of a group is, or its result.
pub(super) fn created(
    world: &World,
    call: &Call,
    caller: &Caller,
    id: &Scope,
    is_status: bool,
) -> Result<ArmResponse, ArmError> {
    let resources = world.resources();
    let group = find(&resources, id)?;
    let properties = properties(caller, group);
    Ok(ArmResponse::ok(if is_status {
        json!({
            "id": call.scope_text(),
            "name": group.name,
            "status": "Succeeded",
            "properties": properties,
        })
    } else {
        view(&group.name, "properties", properties)
    }))
}

/// `PUT` of a subscription below a management group: moves it there.
pub(super) fn put_subscription(
    world: &World,
    caller: &Caller,
    id: &Scope,
    subscription: Uuid,
) -> Result<ArmResponse, ArmError> {
    let mut resources = world.resources_mut();
    let name = find(&resources, id)?.name.clone();
    let mut moved = resources
        .subscription(subscription)
        .filter(|found| found.tenant == caller.tenant)
        .cloned()
        .ok_or_else(|| ArmError::subscription_not_found(subscription))?;
    // Moving a subscription changes who has roles in it.
    let action = "Microsoft.Authorization/roleAssignments/write";
    let scope = Scope::subscription(subscription);
    if !caller.may(&resources, action, &scope) {
        return Err(caller.refused(action, &scope.to_string()));
    }
    moved.management_group = Some(name.clone());
    let body = json!({
        "name": subscription,
        "id": format!("/providers/{TYPE}/{name}/subscriptions/{subscription}"),
        "type": format!("{TYPE}/subscriptions"),
        "properties": {
            "displayName": moved.name,
            "parent": {"id": format!("/providers/{TYPE}/{name}"), "name": null, "displayName": null},
            "state": "Active",
            "tenant": moved.tenant,
        },
    });
    resources.put_subscription(moved);
    Ok(ArmResponse::ok(body))
}

fn find<'r>(resources: &'r Resources, id: &Scope) -> Result<&'r ManagementGroup, ArmError> {
    let name = id.management_group_name().unwrap_or_default();
    access::exists(resources, id)?;
    let group = resources.management_group(name);
    group.ok_or_else(ArmError::missing_subscription)
}

fn reference(name: &str, display: &str) -> Value {
    json!({
        "id": format!("/providers/{TYPE}/{name}"),
        "name": name,
        "displayName": display,
    })
}

fn properties(caller: &Caller, group: &ManagementGroup) -> Value {
    let mut details = json!({"version": 1});
    if let Some(change) = group.updated {
        details["updatedTime"] = date(change.on).into();
        details["updatedBy"] = json!(change.by);
    }
    json!({
        "tenantId": caller.tenant,
        "displayName": group.display_name,
        "details": details,
    })
}

fn view(name: &str, member: &str, value: Value) -> Value {
    let mut view = json!({"id": format!("/providers/{TYPE}/{name}"), "type": TYPE, "name": name});
    view[member] = value;
    view
}
