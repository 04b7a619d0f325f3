//! The addresses of a region's services. Clients read them before anything else, without a token.

use super::call::Call;
use crate::{
    service::{Cloud, Service},
    world::World,
};
use serde_json::{Value, json};

/// The addresses. `api` is what azure-ai-ml reads, azureml-core reads `history` and
/// `experimentation` too.
pub(super) fn addresses(world: &World, call: &Call) -> Value {
    let own = world.urls().for_client(Service::Ml, &call.entrance);
    let Some(region) = call.region() else {
        // By a port, there is one address for all of them.
        return json!({
            "api": own, "catalog": own, "experimentation": own, "history": own, "hyperdrive": own,
            "labeling": own, "modelmanagement": own, "pipelines": own, "studio": own,
        });
    };
    let (api, other, studio) = domains(call.entrance.cloud);
    let at = |service: &str, domain: &str| format!("https://{region}.{service}.{domain}");
    let experiments = at("experiments", other);
    json!({
        "api": at("api", api),
        "catalog": "https://catalog.cortanaanalytics.com",
        "experimentation": experiments,
        "history": experiments,
        "hyperdrive": experiments,
        "labeling": experiments,
        "modelmanagement": at("modelmanagement", other),
        "pipelines": format!("https://{region}.aether.ms"),
        "studio": format!("https://{studio}"),
    })
}

/// The address of the resource provider for the registries of a region.
pub(super) fn provider(world: &World, call: &Call, region: &str) -> String {
    if call.entrance.real_name.is_none() {
        return world.urls().for_client(Service::Ml, &call.entrance);
    }
    let (_, other, _) = domains(call.entrance.cloud);
    format!("https://cert-{region}.experiments.{other}")
}

/// The domain of the API, that of the older services, and the studio.
fn domains(cloud: Cloud) -> (&'static str, &'static str, &'static str) {
    match cloud {
        Cloud::Public => ("azureml.ms", "azureml.net", "ml.azure.com"),
        Cloud::UsGovernment => ("ml.azure.us", "ml.azure.us", "ml.azure.us"),
        Cloud::China => ("ml.azure.cn", "ml.azure.cn", "ml.azure.cn"),
    }
}
