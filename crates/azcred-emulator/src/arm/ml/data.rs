//! Data and models: names for files in a datastore.

use super::{Ml, assets, error::MlError, view};
use serde_json::{Map, Value, json};

pub(super) fn complete(
    ml: &Ml<'_>,
    given: &Map<String, Value>,
) -> Result<Map<String, Value>, MlError> {
    let address = assets::required(given, "dataUri")?;
    let mut properties = assets::base(given);
    let own = json!({
        "autoDeleteSetting": null,
        "stage": null,
        "intellectualProperty": null,
        "dataType": "uri_folder",
    });
    properties.extend(view::filled(given, own));
    properties.insert("dataUri".to_owned(), long(ml, address).into());
    Ok(properties)
}

pub(super) fn missing(name: &str, version: Option<&str>) -> MlError {
    MlError::not_found(match version {
        Some(version) => {
            format!("Data version {name}:{version} (dataContainerName:version) not found.")
        }
        None => format!("Data container with name: {name} not found."),
    })
}

pub(super) fn complete_model(
    ml: &Ml<'_>,
    given: &Map<String, Value>,
) -> Result<Map<String, Value>, MlError> {
    let address = assets::required(given, "modelUri")?;
    let mut properties = assets::base(given);
    let own = json!({
        "flavors": {},
        "modelType": "custom_model",
        "jobName": null,
        "datasets": {},
        "stage": "Development",
    });
    properties.extend(view::filled(given, own));
    properties.insert("modelUri".to_owned(), long(ml, address).into());
    properties.insert("provisioningState".to_owned(), json!("Succeeded"));
    Ok(properties)
}

pub(super) fn missing_model(name: &str, version: Option<&str>) -> MlError {
    MlError::not_found(match version {
        Some(version) => {
            format!("The specified resource was not found: model {name}, version {version}.")
        }
        None => format!("Model container with name: {name} not found."),
    })
}

/// The long form of a short address in a datastore.
fn long(ml: &Ml<'_>, address: &str) -> String {
    let Some(rest) = address.strip_prefix("azureml://datastores/") else {
        return address.to_owned();
    };
    let id = &ml.workspace.id;
    format!(
        "azureml://subscriptions/{}/resourcegroups/{}/workspaces/{}/datastores/{rest}",
        id.subscription_id().unwrap_or_default(),
        id.resource_group().unwrap_or_default(),
        id.name()
    )
}
