//! System-assigned identities: while a resource with such an identity exists, the directory has its
//! service principal.

use crate::{
    directory::{Directory, ServicePrincipal, ServicePrincipalKind},
    resources::Resource,
    world::World,
};
use uuid::Uuid;

/// Adds the service principal of each resource's identity to the directory. The seed and the state
/// folder store only the resources.
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

/// Creates a service principal for a resource, and returns its object id.
pub(super) fn create(directory: &mut Directory, tenant: Uuid, name: &str) -> Uuid {
    let principal = Uuid::new_v4();
    add(directory, principal, tenant, name);
    principal
}

/// Removes the service principals of deleted resources.
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

/// The client id of an identity. It is derived from the object id, so that it is the same after
/// every start (a GUID of version 8, RFC 9562 section 5.8).
fn client_id(principal: Uuid) -> Uuid {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, principal.as_bytes());
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest.as_ref()[..16]);
    uuid::Builder::from_custom_bytes(bytes).into_uuid()
}
