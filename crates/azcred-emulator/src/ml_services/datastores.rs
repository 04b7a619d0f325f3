//! Datastores, as azureml-core reads them.

use super::{
    access::{self, Caller},
    error::MlError,
};
use crate::{
    resources::{Resource, Scope},
    world::World,
};
use serde_json::{Value, json};

const TYPE: &str = "Microsoft.MachineLearningServices/workspaces/datastores";

/// All datastores of a workspace.
pub(super) fn list(world: &World, caller: &Caller, workspace: &Scope) -> Value {
    let all = all(world, workspace);
    let shown = all.iter().map(|one| view(world, caller, workspace, one));
    json!({ "value": shown.collect::<Vec<_>>() })
}

fn all(world: &World, workspace: &Scope) -> Vec<Resource> {
    let resources = world.resources();
    let all = resources.resources_in(workspace);
    all.filter(|one| one.is_a(TYPE)).cloned().collect()
}

/// A datastore, or the default one.
pub(super) fn one(
    world: &World,
    caller: &Caller,
    workspace: &Scope,
    wanted: Option<&str>,
) -> Result<Value, MlError> {
    let all = all(world, workspace);
    let found = all.iter().find(|one| match wanted {
        Some(name) => one.id.name().eq_ignore_ascii_case(name),
        None => one.properties.get("isDefault") == Some(&Value::Bool(true)),
    });
    let shown = found.map(|one| view(world, caller, workspace, one));
    shown.ok_or_else(|| {
        let name = wanted.unwrap_or("(the default one)");
        MlError::not_found(format!("Could not find datastore: {name}"))
    })
}

/// The key of a datastore's account, if the datastore has one and the caller may read it.
fn key(world: &World, caller: &Caller, workspace: &Scope, datastore: &Resource) -> Option<String> {
    let kind = &datastore.properties.get("credentials")?["credentialsType"];
    let action = "Microsoft.MachineLearningServices/workspaces/datastores/listsecrets/action";
    if kind != "AccountKey" || access::authorize(world, caller, action, workspace).is_err() {
        return None;
    }
    let account = datastore.properties.get("accountName")?.as_str()?;
    let keys = world.storage().keys(account).ok()?;
    keys.both().first().map(|key| (*key).to_owned())
}

fn view(world: &World, caller: &Caller, workspace: &Scope, datastore: &Resource) -> Value {
    let text = |name: &str| datastore.properties.get(name).cloned().unwrap_or_default();
    let container = match text("fileShareName") {
        Value::Null => text("containerName"),
        share => share,
    };
    let key = key(world, caller, workspace, datastore);
    json!({
        "name": datastore.id.name(),
        "dataStoreType": text("datastoreType"),
        "hasBeenValidated": true,
        "tags": {},
        "azureStorageSection": {
            "accountName": text("accountName"),
            "containerName": container,
            "endpoint": text("endpoint"),
            "protocol": text("protocol"),
            "credentialType": key.as_ref().map_or("None", |_| "AccountKey"),
            "credential": key,
            "sasToken": null,
            "accountKey": key,
            "blobCacheTimeout": null,
            "isSas": false,
            "areWorkspaceManagedIdentitiesAllowed": false,
            "serviceDataAccessAuthIdentity": text("serviceDataAccessAuthIdentity"),
            "subscriptionId": datastore.id.subscription_id(),
            "resourceGroup": datastore.id.resource_group(),
        },
    })
}
