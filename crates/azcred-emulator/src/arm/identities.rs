//! Managed identities as resources: while a resource that is an identity or has one exists, the
//! directory has its service principal.

use super::{
    access::{self, Caller},
    call::Call,
    error::ArmError,
    federated_credentials,
    groups::region,
    response::ArmResponse,
    wire,
};
use crate::{
    directory::{Directory, ServicePrincipal, ServicePrincipalKind},
    resources::{Resource, Scope, USER_ASSIGNED_TYPE, identity_of, user_assigned},
    world::World,
};
use http::{StatusCode, header};
use serde_json::{Value, json};
use uuid::Uuid;

/// Adds the service principal of each resource's identity to the directory, and what it trusts. The
/// seed and the state folder store only the resources.
pub(super) fn restore(world: &World) {
    let mut directory = world.directory_mut();
    for resource in world.resources().resources() {
        if let Some((principal, tenant)) = identity_of(resource)
            && directory.principal(principal).is_none()
        {
            add(&mut directory, principal, tenant, resource.id.name());
        }
    }
    let resources = world.resources();
    for identity in resources
        .resources()
        .filter(|one| one.is_a(USER_ASSIGNED_TYPE))
    {
        federated_credentials::trust(&mut directory, &resources, &identity.id);
    }
}

/// `PUT` of a user-assigned identity: 201 for a new one, else 200.
pub(super) fn put(
    world: &World,
    call: &Call,
    caller: &Caller,
    id: &Scope,
) -> Result<ArmResponse, ArmError> {
    let mut given = call.object()?;
    let location = region(given.get("location").and_then(Value::as_str))?.to_owned();
    let tags = wire::tags(&mut given)?.unwrap_or_default();
    // The directory is locked first, as a new identity adds a service principal.
    let mut directory = world.directory_mut();
    let mut resources = world.resources_mut();
    if let Some(group) = id.path_ancestry().get(1) {
        access::exists(&resources, group)?;
    }
    let old = resources.resource(id).cloned();
    let is_new = old.is_none();
    let mut resource = old.unwrap_or_else(|| {
        let principal = create(world, &mut directory, caller.tenant, id.name());
        user_assigned(
            id.clone(),
            location,
            caller.tenant,
            principal,
            client_id(principal),
        )
    });
    resource.tags = tags;
    let view = wire::view(&resource);
    resources.put_resource(resource);
    let path = view["id"].as_str().unwrap_or_default().to_owned();
    let body = Value::Object(view);
    Ok(if is_new {
        ArmResponse::with(StatusCode::CREATED, body).header(header::LOCATION, path)
    } else {
        ArmResponse::ok(body)
    })
}

/// `POST …/listAssociatedResources`: the resources that have a user-assigned identity. The machines
/// that have the seed's identities are hosts, and no resources.
pub(super) fn associated(world: &World, id: &Scope) -> Result<ArmResponse, ArmError> {
    access::exists(&world.resources(), id)?;
    Ok(ArmResponse::ok(json!({"totalCount": 0, "value": []})))
}

/// Creates a service principal for a resource, and returns its object id.
pub(super) fn create(world: &World, directory: &mut Directory, tenant: Uuid, name: &str) -> Uuid {
    let principal = Uuid::new_v4();
    world.replication.created(principal);
    add(directory, principal, tenant, name);
    principal
}

/// Removes the service principals of deleted resources.
pub(super) fn remove(directory: &mut Directory, gone: &[Resource]) {
    for (principal, _) in gone.iter().filter_map(identity_of) {
        if let Some(gone) = directory.service_principals.remove(&principal) {
            directory.identities.remove(&gone.app_id);
        }
    }
}

fn add(directory: &mut Directory, principal: Uuid, tenant: Uuid, name: &str) {
    directory.service_principals.insert(
        principal,
        ServicePrincipal {
            kind: ServicePrincipalKind::ManagedIdentity,
            ..ServicePrincipal::new(principal, tenant, client_id(principal), name)
        },
    );
}

/// The client id of an identity. It is derived from the object id, so that it is the same after
/// every start (a GUID of version 8, RFC 9562 section 5.8).
fn client_id(principal: Uuid) -> Uuid {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, principal.as_bytes());
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest.as_ref()[..16]);
    uuid::Builder::from_custom_bytes(bytes).into_uuid()
}
