//! Environments, as azureml-core registers and reads them.
//!
//! A definition is kept as it was sent. Beside it is the version of the environment that Resource
//! Manager shows. An environment that was made there is read as a definition.

use super::{access::Caller, call::Call, error::MlError};
use crate::{
    resources::{Resource, Scope},
    world::World,
};
use serde::Deserialize;
use serde_json::{Value, json};

/// The kind of resource below the workspace that keeps a definition.
const DEFINITIONS: &str = "environmentDefinitions";

/// A version of an environment, or the newest one.
///
/// # Errors
/// 404 if it does not exist.
pub(super) fn get(
    world: &World,
    workspace: &Scope,
    name: &str,
    version: Option<&str>,
) -> Result<Value, MlError> {
    let resources = world.resources();
    let found = match version {
        Some(version) => Some(version.to_owned()),
        None => newest(world, workspace, name).map(|version| version.to_string()),
    };
    let found = found.and_then(|version| {
        let own = |kind: &str| {
            let id = workspace.child(&format!("{kind}/{name}/versions/{version}"));
            id.ok().and_then(|id| resources.resource(&id))
        };
        match own(DEFINITIONS) {
            Some(kept) => Some(Value::Object(kept.properties.clone())),
            None => own("environments").map(|made| definition(name, &version, made)),
        }
    });
    found.ok_or_else(|| {
        let version = version.unwrap_or("(latest)");
        MlError::not_found(format!(
            "No definition exists for environment with name: {name} and version: {version}."
        ))
    })
}

/// The newest version that is a number.
fn newest(world: &World, workspace: &Scope, name: &str) -> Option<u64> {
    let id = workspace.child(&format!("environments/{name}")).ok()?;
    let resources = world.resources();
    let versions = resources.resources_in(&id);
    versions.filter_map(|one| one.id.name().parse().ok()).max()
}

/// The definition of an environment that was made in Resource Manager.
fn definition(name: &str, version: &str, made: &Resource) -> Value {
    let text = |name: &str| made.properties.get(name).and_then(Value::as_str);
    let conda = text("condaFile").and_then(|text| serde_json::from_str::<Value>(text).ok());
    json!({
        "name": name,
        "version": version,
        "environmentVariables": {},
        "python": {
            "interpreterPath": "python",
            "userManagedDependencies": conda.is_none(),
            "condaDependencies": conda,
            "baseCondaEnvironment": null,
        },
        "docker": {
            "baseImage": text("image"),
            "platform": {"os": "Linux", "architecture": "amd64"},
            "baseDockerfile": null,
            "baseImageRegistry": {"address": null, "username": null, "password": null},
            "enabled": false,
            "arguments": [],
        },
        "spark": {"repositories": [], "packages": [], "precachePackages": true},
        "inferencingStackVersion": null,
    })
}

/// What azureml-core sends.
#[derive(Deserialize)]
struct Given {
    python: Option<Value>,
    #[serde(rename = "EnvironmentVariables")]
    environment_variables: Option<Value>,
    #[serde(rename = "Docker")]
    docker: Option<Value>,
    #[serde(rename = "Spark")]
    spark: Option<Value>,
    #[serde(rename = "InferencingStackVersion")]
    inferencing_stack_version: Option<Value>,
    r: Option<Value>,
}

/// Registers an environment: under this version, or under the next number. What equals the newest
/// version is not registered again.
///
/// # Errors
/// 400 for a name that no resource can have.
pub(super) fn register(
    world: &World,
    call: &Call,
    caller: &Caller,
    workspace: &Scope,
    name: &str,
    version: Option<&str>,
) -> Result<Value, MlError> {
    let given: Given = call.json()?;
    let last = newest(world, workspace, name);
    let definition = |version: &str| {
        json!({
            "name": name,
            "version": version,
            "environmentVariables": given.environment_variables,
            "python": given.python,
            "docker": given.docker,
            "spark": given.spark,
            "inferencingStackVersion": given.inferencing_stack_version,
            "r": given.r,
        })
    };
    let version = match (version, last) {
        (Some(version), _) => version.to_owned(),
        (None, None) => "1".to_owned(),
        (None, Some(last)) => {
            let last_version = last.to_string();
            let known = get(world, workspace, name, Some(&last_version))?;
            if known == definition(&last_version) {
                return Ok(known);
            }
            (last + 1).to_string()
        }
    };
    let definition = definition(&version);
    let put = |kind: &str, properties: &Value| {
        let id = workspace.child(&format!("{kind}/{name}/versions/{version}"));
        let id = id.map_err(|error| MlError::bad_request(error.to_string()))?;
        let mut resource = Resource::new(id);
        resource.properties = properties.as_object().cloned().unwrap_or_default();
        resource.system_data = Some(caller.system_data(world));
        world.resources_mut().put_resource(resource);
        Ok::<_, MlError>(())
    };
    put(DEFINITIONS, &definition)?;
    put("environments", &shown(&definition))?;
    Ok(definition)
}

/// The properties of the version that Resource Manager shows.
fn shown(definition: &Value) -> Value {
    let mut shown = json!({
        "description": null,
        "tags": {},
        "properties": {},
        "isArchived": false,
        "isAnonymous": false,
        "autoRebuild": "Disabled",
        "stage": "Development",
        "environmentType": "UserCreated",
        "osType": "Linux",
        "provisioningState": "Succeeded",
    });
    let image = &definition["docker"]["baseImage"];
    if image.is_string() {
        shown["image"] = image.clone();
    }
    let conda = &definition["python"]["condaDependencies"];
    if conda.is_object() {
        shown["condaFile"] = serde_json::to_string_pretty(conda)
            .unwrap_or_default()
            .into();
    }
    shown
}
