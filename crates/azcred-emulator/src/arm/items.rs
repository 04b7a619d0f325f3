//! Resources of any type: lists, one resource by its id, tags, deletion.

use crate::{
    arm::{
        access::{self, Caller},
        call::Call,
        error::ArmError,
        federated_credentials,
        filter::{Filter, Term},
        groups::matches_tag,
        identities,
        response::ArmResponse,
        storage_accounts,
        wire::{self, SERVICE_OWNED},
    },
    resources::{Resource, Scope, USER_ASSIGNED_TYPE, WORKSPACE_TYPE},
    world::World,
};
use http::{Method, StatusCode};
use serde_json::{Map, Value};

/// `GET …/resources`: all resources at or below a scope that the caller may read, without child
/// resources.
pub(super) fn list(
    world: &World,
    call: &Call,
    caller: &Caller,
    scope: &Scope,
) -> Result<ArmResponse, ArmError> {
    let filter = Filter::of(
        call,
        &[
            "resourcetype",
            "name",
            "resourcegroup",
            "location",
            "tagname",
            "tagvalue",
        ],
    )?;
    let resources = world.resources();
    access::exists(&resources, scope)?;
    let seen = resources
        .resources_in(scope)
        .filter(|one| one.resource_type().matches('/').count() == 1)
        .filter(|one| filter.holds(|term| meets(one, term)))
        .filter(|one| {
            caller.may(
                &resources,
                &format!("{}/read", one.resource_type()),
                &one.id,
            )
        })
        .map(|one| {
            // The list leaves out what only the resource provider knows.
            let mut short = wire::view(one);
            short.remove("properties");
            short.remove("systemData");
            Value::Object(short)
        })
        .collect();
    ArmResponse::list(world, call, seen)
}

fn meets(resource: &Resource, term: &Term) -> bool {
    let Term::Equals(name, wanted) = term else {
        return false;
    };
    match name.as_str() {
        "resourcetype" => resource.is_a(wanted),
        "name" => resource.id.name().eq_ignore_ascii_case(wanted),
        "resourcegroup" => resource
            .id
            .resource_group()
            .is_some_and(|group| group.eq_ignore_ascii_case(wanted)),
        "location" => resource.location.as_deref() == Some(wanted.as_str()),
        _ => matches_tag(&resource.tags, term),
    }
}

/// `GET …/TYPE`: the resources of one type. At the top level, those that the caller may read. Below
/// a parent, all of them, if the parent exists.
pub(super) fn collection(
    world: &World,
    call: &Call,
    caller: &Caller,
    parent: &Scope,
    resource_type: &str,
) -> Result<ArmResponse, ArmError> {
    let resources = world.resources();
    let action = format!("{resource_type}/read");
    if parent.resource_type().is_some() {
        // A region is no resource.
        let is_region = resource_type.matches('/').count() == 2
            && resource_type.to_ascii_lowercase().contains("/locations/");
        if !is_region && resources.resource(parent).is_none() {
            let kind = resource_type
                .split_once('/')
                .map_or(resource_type, |(_, kind)| kind);
            return Err(ArmError::parent_not_found(
                "read",
                kind,
                &parent.to_string(),
            ));
        }
    } else {
        access::exists(&resources, parent)?;
    }
    let seen = resources
        .resources_in(parent)
        .filter(|one| one.is_a(resource_type) && one.id != *parent)
        .filter(|one| default_or_any(call, one))
        .filter(|one| caller.may(&resources, &action, &one.id))
        .map(|one| Value::Object(wire::view(one)))
        .collect();
    ArmResponse::list(world, call, seen)
}

/// Whether the resource matches the query parameter `isDefault`, by which clients find a
/// workspace's default datastore. It filters only resources that have the property.
fn default_or_any(call: &Call, resource: &Resource) -> bool {
    match (
        call.query("isDefault"),
        resource.properties.get("isDefault"),
    ) {
        (Some(wanted), Some(is)) => is.as_bool() == Some(wanted.eq_ignore_ascii_case("true")),
        _ => true,
    }
}

/// GET, HEAD, PATCH and DELETE of one resource, which are the same for every type.
pub(super) fn one(
    world: &World,
    call: &Call,
    caller: &Caller,
    id: &Scope,
) -> Result<ArmResponse, ArmError> {
    match call.method {
        Method::GET => {
            read(world, id).map(|found| ArmResponse::ok(Value::Object(wire::view(&found))))
        }
        Method::HEAD => Ok(ArmResponse::empty(match read(world, id) {
            Ok(_) => StatusCode::NO_CONTENT,
            Err(_) => StatusCode::NOT_FOUND,
        })),
        Method::PATCH => patch(world, call, caller, id),
        Method::DELETE => Ok(delete(world, id)),
        _ => Err(ArmError::not_served(&call.method, &call.scope_text())),
    }
}

fn read(world: &World, id: &Scope) -> Result<Resource, ArmError> {
    let resources = world.resources();
    access::exists(&resources, id)?;
    resources.resource(id).cloned().ok_or_else(|| {
        ArmError::resource_not_found(
            &id.resource_type().unwrap_or_default(),
            id.name(),
            id.resource_group().unwrap_or("<null>"),
        )
    })
}

/// Replaces the tags, and the properties in the body. A property that is null is removed.
fn patch(world: &World, call: &Call, caller: &Caller, id: &Scope) -> Result<ArmResponse, ArmError> {
    let mut given = call.object()?;
    let new_tags = wire::tags(&mut given)?;
    let changed = match given.remove("properties") {
        None | Some(Value::Null) => Map::new(),
        Some(Value::Object(changed)) => changed,
        Some(_) => {
            return Err(ArmError::invalid_content(
                "properties: an object was expected",
            ));
        }
    };
    let now = world.clock.now();
    let mut resources = world.resources_mut();
    access::exists(&resources, id)?;
    let resource = resources
        .resource_mut(id)
        .ok_or_else(ArmError::missing_subscription)?;
    if let Some(new_tags) = new_tags {
        resource.tags = new_tags;
    }
    let is_workspace = resource.is_a(WORKSPACE_TYPE);
    let is_identity = resource.is_a(USER_ASSIGNED_TYPE);
    for (name, value) in changed {
        if is_identity || (is_workspace && SERVICE_OWNED.contains(&name.as_str())) {
            continue;
        }
        if value.is_null() {
            resource.properties.remove(&name);
        } else {
            resource.properties.insert(name, value);
        }
    }
    if !is_identity {
        wire::touch(resource, caller, now);
    }
    Ok(ArmResponse::ok(Value::Object(wire::view(resource))))
}

/// Deletes a resource and its children. To delete a missing resource is not an error.
fn delete(world: &World, id: &Scope) -> ArmResponse {
    let mut directory = world.directory_mut();
    let mut resources = world.resources_mut();
    let gone = resources.remove_resource(id);
    world.jobs().remove_in(id);
    identities::remove(&mut directory, gone.as_deref().unwrap_or_default());
    storage_accounts::remove(world, gone.as_deref().unwrap_or_default());
    federated_credentials::trust(&mut directory, &resources, id);
    ArmResponse::empty(if gone.is_some() {
        StatusCode::OK
    } else {
        StatusCode::NO_CONTENT
    })
}
