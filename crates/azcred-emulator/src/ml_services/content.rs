//! Snapshots: the files of a folder, as azureml-core uploads them before a run.

use super::{call::Call, error::MlError, wire::date};
use crate::{
    job_files::{self, ArtifactStore},
    resources::Scope,
    world::World,
};
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

/// The most files of one request: more than a snapshot can have.
const MOST_FILES: usize = 10_000;

/// The tree of the newest snapshot. It is empty, so that a client uploads all files.
pub(super) fn latest(world: &World) -> Value {
    json!({
        "id": Uuid::nil(),
        "root": {
            "name": "", "hash": "", "type": "Directory", "timestamp": date(world.clock.now()),
            "children": {},
        },
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Wanted {
    file_names: Vec<String>,
}

/// A URL for each file, at which it can be written.
pub(super) fn upload(world: &World, call: &Call, workspace: &Scope) -> Result<Value, MlError> {
    let wanted: Wanted = call.json()?;
    if wanted.file_names.len() > MOST_FILES {
        return Err(MlError::bad_request(format!(
            "A snapshot can't have more than {MOST_FILES} files."
        )));
    }
    let store = ArtifactStore::of(world, workspace).ok_or_else(no_storage)?;
    let storage = world.storage();
    storage
        .ensure_container(&store.account, &store.container)
        .map_err(|error| MlError::storage(&error))?;
    let sas = store.sas(world, "rcw");
    let sas = sas.map_err(|error| MlError::storage(&error))?;
    let folder = format!("LocalUpload/{}", Uuid::new_v4().simple());
    let nodes = wanted.file_names.iter().map(|name| {
        let url = store.url(world, &call.entrance, &format!("{folder}/{name}"));
        json!({ "fullName": name, "blobUri": format!("{url}?{sas}") })
    });
    Ok(json!({ "fileNodes": nodes.collect::<Vec<_>>() }))
}

/// Stores a snapshot.
pub(super) fn create(
    world: &World,
    call: &Call,
    workspace: &Scope,
    id: &str,
) -> Result<Value, MlError> {
    let id: Uuid = id
        .parse()
        .map_err(|_| MlError::bad_request(format!("'{id}' is not the id of a snapshot.")))?;
    let mut given: Value = call.json()?;
    // The URLs of the files can be used by anyone who has them.
    if let Some(nodes) = given["FileRevisionList"]["FileNodes"].as_array_mut() {
        for node in nodes {
            let uri = node["BlobUri"].as_str().unwrap_or_default();
            node["BlobUri"] = uri.split('?').next().unwrap_or_default().into();
        }
    }
    let store = ArtifactStore::of(world, workspace).ok_or_else(no_storage)?;
    job_files::write_snapshot(world, &store, id, &given)
        .map_err(|error| MlError::storage(&error))?;
    Ok(json!({
        "id": id,
        "root": given["DirTreeNode"],
        "parentId": given["ParentSnapshotId"],
        "createdTime": date(world.clock.now()),
    }))
}

pub(super) fn no_storage() -> MlError {
    MlError::bad_request("The workspace has no storage account.")
}
