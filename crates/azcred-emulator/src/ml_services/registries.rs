//! Where a registry is. Clients read it before anything in the registry.

use super::{call::Call, discovery, error::MlError};
use crate::{
    arm::{self, AZUREML},
    service::Cloud,
    world::World,
};
use serde_json::{Map, Value, json};

/// The addresses of a registry, and whose it is.
///
/// # Errors
/// 404 for a registry that does not exist.
pub(super) fn addresses(world: &World, call: &Call, name: &str) -> Result<Value, MlError> {
    if name != AZUREML.name {
        return Err(MlError::not_found(arm::registry_not_there(name)));
    }
    // Each region names itself as the first one.
    let primary = call.region().unwrap_or(AZUREML.region);
    let regions: Vec<&str> = match call.entrance.cloud {
        Cloud::Public => arm::region_names().collect(),
        Cloud::UsGovernment | Cloud::China => vec![primary],
    };
    let at = |region: &str| discovery::provider(world, call, region);
    let hosts = regions.iter().map(|region| {
        let host = json!({"uri": format!("{}/", at(region))});
        ((*region).to_owned(), host)
    });
    Ok(json!({
        "registryName": AZUREML.name,
        "primaryRegion": primary,
        "primaryRegionResourceProviderUri": format!("{}/", at(primary)),
        "regions": regions,
        "registryFqdns": hosts.collect::<Map<String, Value>>(),
        "subscriptionId": AZUREML.subscription,
        "resourceGroup": AZUREML.group,
    }))
}
