//! Microsoft's registry `azureml`. Every signed-in caller may read its environments, and no caller
//! may change them.
//!
//! Requests come to the address that the registry's discovery returns, not to Resource Manager.

use super::{Ml, Part, assets, environments, error::MlError};
use crate::{
    arm::{
        access::{self, Caller},
        call::Call,
        error::ArmError,
        response::ArmResponse,
        route::Target,
    },
    resources::{Resource, Resources, Scope},
    service::Service,
    world::World,
};
use http::Method;
use uuid::{Uuid, uuid};

/// A registry.
#[derive(Debug)]
pub(crate) struct Registry {
    pub(crate) name: &'static str,
    pub(crate) subscription: Uuid,
    pub(crate) group: &'static str,
    pub(crate) region: &'static str,
}

/// Microsoft's registry. Its real subscription and resource group are not published: clients read
/// them from the discovery.
pub(crate) const AZUREML: Registry = Registry {
    name: "azureml",
    subscription: uuid!("a2c0ffee-0003-4000-8000-000000000001"),
    group: "registry-azureml",
    region: "eastus",
};

const TYPE: &str = "Microsoft.MachineLearningServices/registries";

/// Some of its environments, with versions that exist in the real one: each is named in a job or in
/// an image's address in a public repository on GitHub (read on 2026-11-30).
const ENVIRONMENTS: &[(&str, &[u32])] = &[
    ("acpt-pytorch-2.2-cuda12.1", &[8, 19, 40, 41]),
    ("AzureML-ACPT-pytorch-1.11-py38-cuda11.3-gpu", &[2, 3]),
    ("AzureML-ACPT-pytorch-1.13-py38-cuda11.7-gpu", &[10]),
    ("AzureML-sklearn-1.0-ubuntu20.04-py38-cpu", &[1]),
    ("minimal-py311-inference", &[59]),
    ("sklearn-1.5", &[53, 54]),
];

/// Serves what registries contain. `None`: the target is something else.
pub(in crate::arm) fn serve(
    world: &World,
    call: &Call,
    target: &Target,
    version: &str,
) -> Option<Result<ArmResponse, ArmError>> {
    if call.entrance.service != Service::Ml {
        return None;
    }
    let part = Part::of(target, TYPE)?;
    // Its subscription is Microsoft's: a token of any tenant will do.
    let caller = match access::authenticate(world, call, None) {
        Ok(caller) => caller,
        Err(error) => return Some(Err(error)),
    };
    Some(answer(world, call, &caller, &part, version))
}

fn answer(
    world: &World,
    call: &Call,
    caller: &Caller,
    part: &Part,
    version: &str,
) -> Result<ArmResponse, ArmError> {
    let invalid = |error: MlError| error.in_region(AZUREML.region, world.clock.now());
    let ml = Ml {
        world,
        call,
        caller,
        version,
        workspace: registry(part),
        registry: Some(content(part).map_err(invalid)?),
        now: world.clock.now(),
    };
    ml.sign(match right(&call.method) {
        _ if !part.workspace.name().eq_ignore_ascii_case(AZUREML.name) => {
            Err(MlError::not_found(not_there(part.workspace.name())))
        }
        Some(action) => Err(caller.refused(action, &part.workspace.to_string()).into()),
        // It has components, models and data too, by the thousand.
        _ if !part.kind.starts_with("environments") => Err(ml.not_served()),
        _ => assets::serve(&ml, part),
    })
}

/// The right that a change needs, by the built-in role 'AzureML Registry User' (Microsoft Learn).
fn right(method: &Method) -> Option<&'static str> {
    match *method {
        Method::GET | Method::HEAD => None,
        Method::DELETE => Some("Microsoft.MachineLearningServices/registries/assets/delete"),
        _ => Some("Microsoft.MachineLearningServices/registries/assets/write"),
    }
}

/// What is said of a registry that does not exist.
pub(crate) fn not_there(name: &str) -> String {
    format!("Registry {name} was not found.")
}

fn registry(part: &Part) -> Resource {
    Resource {
        location: Some(AZUREML.region.to_owned()),
        ..Resource::new(part.workspace.clone())
    }
}

/// The versions of the environments, below the registry that a request names.
fn content(part: &Part) -> Result<Resources, MlError> {
    let mut content = Resources::default();
    for (name, versions) in ENVIRONMENTS {
        // Images have the name without the prefix that environments had at first.
        let image = name.strip_prefix("AzureML-").unwrap_or(name).to_lowercase();
        for version in *versions {
            let id: Scope = part
                .workspace
                .child(&format!("environments/{name}/versions/{version}"))
                .map_err(|error| ArmError::bad_request("InvalidResourceId", error.to_string()))?;
            let mut made = Resource::new(id);
            let image = format!("mcr.microsoft.com/azureml/curated/{image}:{version}");
            made.properties = environments::curated(&image)?;
            content.put_resource(made);
        }
    }
    Ok(content)
}
