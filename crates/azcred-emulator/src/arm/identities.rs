//! System-assigned identities: a resource that has one has a service principal in the directory, as
//! long as it lives.

use crate::{
    directory::{Directory, ServicePrincipal, ServicePrincipalKind},
    resources::Resource,
    world::World,
};
use uuid::Uuid;

/// Gives every resource's identity its service principal: the seed and the state folder hold the
/// resources alone.
pub(super) fn restore(world: &World) {
    let mut directory = world.directory_mut();
    for resource in world.resources().resources() {
        if let Some((principal, tenant)) = system_assigned(resource)
            && directory.principal(principal).is_none()
        {
            add(&mut directory, principal, tenant, resource.id.name());
        }
    }
}

/// Makes a service principal for a resource, and returns its object id.
pub(super) fn create(directory: &mut Directory, tenant: Uuid, name: &str) -> Uuid {
    let principal = Uuid::new_v4();
    add(directory, principal, tenant, name);
    principal
}

/// Takes the service principals of resources that are gone away.
pub(super) fn remove(directory: &mut Directory, gone: &[Resource]) {
    for (principal, _) in gone.iter().filter_map(system_assigned) {
        directory.service_principals.remove(&principal);
    }
}

fn system_assigned(resource: &Resource) -> Option<(Uuid, Uuid)> {
    let identity = resource.identity.as_ref()?;
    Some((identity.principal_id?, identity.tenant_id?))
}

fn add(directory: &mut Directory, principal: Uuid, tenant: Uuid, name: &str) {
    directory.service_principals.insert(
        principal,
        ServicePrincipal {
            id: principal,
            tenant,
            app_id: client_id(principal),
            name: name.to_owned(),
            kind: ServicePrincipalKind::ManagedIdentity,
            enabled: true,
            blocked_by_conditional_access: false,
            app_roles: Vec::new(),
        },
    );
}

/// The client id of an identity: the same after every start, so it is derived from the object id (a
/// GUID of version 8, RFC 9562 section 5.8).
fn client_id(principal: Uuid) -> Uuid {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, principal.as_bytes());
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest.as_ref()[..16]);
    uuid::Builder::from_custom_bytes(bytes).into_uuid()
}
