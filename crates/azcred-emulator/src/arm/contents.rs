//! What the data services keep of resources: it is deleted with them.

use crate::{
    resources::{KEY_VAULT_TYPE, REGISTRY_TYPE, Resource, STORAGE_ACCOUNT_TYPE},
    world::World,
};

/// Deletes the keys and blobs of accounts that are gone, the secrets of vaults, and the images of
/// registries.
pub(super) fn remove(world: &World, gone: &[Resource]) {
    for resource in gone {
        let name = resource.id.name();
        let removed = if resource.is_a(STORAGE_ACCOUNT_TYPE) {
            let removed = world.storage().remove_account(name);
            removed.map_err(|error| error.to_string())
        } else if resource.is_a(KEY_VAULT_TYPE) {
            let removed = world.secrets().remove_vault(name);
            removed.map_err(|error| error.to_string())
        } else if resource.is_a(REGISTRY_TYPE) {
            let removed = world.images().remove_registry(name);
            removed.map_err(|error| error.to_string())
        } else {
            continue;
        };
        if let Err(error) = removed {
            tracing::warn!(%error, name, "the content of a deleted resource is left");
        }
    }
}
