//! The files of runs: where they are read and written.

use super::{call::Call, content::no_storage, error::MlError, wire::date};
use crate::{
    job_files::{self, ArtifactStore},
    resources::Scope,
    world::World,
};
use serde::Deserialize;
use serde_json::{Map, Value, json};

/// The folder of a run's files: `ExperimentRun/dcid.RUN`.
struct Folder {
    store: ArtifactStore,
    name: String,
}

impl Folder {
    /// The folder, in which the log of the run was just written.
    fn of(
        world: &World,
        workspace: &Scope,
        origin: &str,
        container: &str,
    ) -> Result<Self, MlError> {
        let store = ArtifactStore::of(world, workspace).ok_or_else(no_storage)?;
        let storage = world.storage();
        storage
            .ensure_container(&store.account, &store.container)
            .map_err(|error| MlError::storage(&error))?;
        let run = container.strip_prefix("dcid.");
        if let Some(job) = run.and_then(|run| world.jobs().get(workspace, run)) {
            job_files::write_log(world, &store, &job).map_err(|error| MlError::storage(&error))?;
        }
        let name = format!("{origin}/{container}");
        Ok(Self { store, name })
    }

    /// What a client gets of one file.
    fn view(
        &self,
        world: &World,
        call: &Call,
        origin: &str,
        container: &str,
        path: &str,
        sas: &str,
    ) -> Value {
        let url = self
            .store
            .url(world, &call.entrance, &format!("{}/{path}", self.name));
        json!({
            "artifactId": format!("{origin}/{container}/{path}"),
            "contentUri": format!("{url}?{sas}"),
            "origin": origin,
            "container": container,
            "path": path,
            "tags": {},
        })
    }

    fn sas(&self, world: &World, permissions: &str) -> Result<String, MlError> {
        let sas = self.store.sas(world, permissions);
        sas.map_err(|error| MlError::storage(&error))
    }

    /// The paths of the files that begin with `prefix`.
    fn paths(&self, world: &World, prefix: &str) -> Result<Vec<String>, MlError> {
        let folder = format!("{}/", self.name);
        let ArtifactStore {
            account, container, ..
        } = &self.store;
        let found = world
            .storage()
            .list(account, container, &format!("{folder}{prefix}"))
            .map_err(|error| MlError::storage(&error))?;
        let path = |name: &String| Some(name.strip_prefix(&folder)?.to_owned());
        Ok(found.iter().filter_map(path).collect())
    }
}

/// The origin of the files of runs.
pub(super) const RUNS: &str = "ExperimentRun";

/// The path of a file: a parameter, or what is after the container, or after the word for a file.
fn path(call: &Call, container: &str) -> String {
    if let Some(path) = call.query("path") {
        return path.to_owned();
    }
    let at = call
        .rest
        .iter()
        .position(|segment| segment == container)
        .or_else(|| {
            call.rest
                .iter()
                .position(|segment| segment == "contentinfo")
        });
    let rest = at.and_then(|at| call.rest.get(at + 1..));
    rest.unwrap_or_default().join("/")
}

/// The files in a run's folder.
pub(super) fn list(
    world: &World,
    call: &Call,
    workspace: &Scope,
    origin: &str,
    container: &str,
) -> Result<Value, MlError> {
    let folder = Folder::of(world, workspace, origin, container)?;
    let sas = folder.sas(world, "r")?;
    let paths = folder.paths(world, &path(call, container))?;
    let files = paths
        .iter()
        .map(|path| folder.view(world, call, origin, container, path, &sas));
    Ok(json!({ "value": files.collect::<Vec<_>>() }))
}

/// One file.
pub(super) fn one(
    world: &World,
    call: &Call,
    workspace: &Scope,
    origin: &str,
    container: &str,
) -> Result<Value, MlError> {
    let folder = Folder::of(world, workspace, origin, container)?;
    let path = path(call, container);
    if !folder.paths(world, &path)?.contains(&path) {
        let id = format!("{origin}/{container}/{path}");
        return Err(MlError::not_found(format!("Artifact {id} was not found.")));
    }
    let sas = folder.sas(world, "r")?;
    Ok(folder.view(world, call, origin, container, &path, &sas))
}

#[derive(Deserialize)]
struct Wanted {
    paths: Vec<Path>,
}

#[derive(Deserialize)]
struct Path {
    path: String,
}

/// A URL for each file that a client wants to write.
pub(super) fn create(
    world: &World,
    call: &Call,
    workspace: &Scope,
    origin: &str,
    container: &str,
) -> Result<Value, MlError> {
    let wanted: Wanted = call.json()?;
    let folder = Folder::of(world, workspace, origin, container)?;
    let sas = folder.sas(world, "rcw")?;
    let (mut artifacts, mut contents) = (Map::new(), Map::new());
    for Path { path } in wanted.paths {
        let content = folder.view(world, call, origin, container, &path, &sas);
        let artifact = json!({
            "artifactId": content["artifactId"],
            "origin": origin,
            "container": container,
            "path": path,
            "createdTime": date(world.clock.now()),
            "dataPath": null,
        });
        artifacts.insert(path.clone(), artifact);
        contents.insert(path, content);
    }
    Ok(json!({
        "artifacts": artifacts,
        "artifactContentInformation": contents,
        "errors": {},
    }))
}
