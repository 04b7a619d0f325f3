//! The run history: what clients ask of a job while it runs, and after.

use super::{
    call::Call,
    error::MlError,
    response::SOME_REGION,
    run::{details, run},
};
use crate::{
    job_files::{self, ArtifactStore},
    jobs::Job,
    resources::Scope,
    world::World,
};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// A run.
pub(super) fn one(
    world: &World,
    call: &Call,
    workspace: &Scope,
    name: &str,
) -> Result<Value, MlError> {
    let job = find(world, workspace, name)?;
    Ok(run(&job, region(call), world.clock.now()))
}

/// A run as clients poll it while they stream: with its log files, each with a URL that needs no
/// token.
pub(super) fn details_of(
    world: &World,
    call: &Call,
    workspace: &Scope,
    name: &str,
) -> Result<Value, MlError> {
    let job = find(world, workspace, name)?;
    let mut view = details(&job, region(call), world.clock.now());
    if let Some(store) = stored(world, workspace, &job)? {
        let log = job_files::log_name(job.kind);
        let blob = format!("{}/{log}", job_files::folder(&job.name));
        let sas = store
            .sas(world, "r")
            .map_err(|error| MlError::storage(&error))?;
        view["logFiles"] = json!({ log: format!("{}?{sas}", store.url(&call.entrance, &blob)) });
    }
    Ok(view)
}

/// The steps of a pipeline.
pub(super) fn children(
    world: &World,
    call: &Call,
    workspace: &Scope,
    name: &str,
) -> Result<Value, MlError> {
    let job = find(world, workspace, name)?;
    let now = world.clock.now();
    let children = world.jobs().children(&job);
    let children: Vec<Value> = children
        .iter()
        .map(|child| run(child, region(call), now))
        .collect();
    Ok(json!({ "value": children }))
}

/// Where the log of a job was just written. `None`: it has none yet, or its workspace has no
/// storage.
fn stored(world: &World, workspace: &Scope, job: &Job) -> Result<Option<ArtifactStore>, MlError> {
    let Some(store) = ArtifactStore::of(world, workspace) else {
        return Ok(None);
    };
    let is_written =
        job_files::write_log(world, &store, job).map_err(|error| MlError::storage(&error))?;
    Ok(is_written.then_some(store))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wanted {
    run_id: String,
}

/// A run that the body names.
pub(super) fn data(world: &World, call: &Call, workspace: &Scope) -> Result<Value, MlError> {
    let wanted: Wanted = call.json()?;
    let job = find(world, workspace, &wanted.run_id)?;
    // Whoever reads this is about to download the log.
    stored(world, workspace, &job)?;
    Ok(json!({
        "runMetadata": run(&job, region(call), world.clock.now()),
        "runDefinition": null,
        "jobSpecification": null,
        "systemSettings": null,
    }))
}

/// What people can change of a run.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Change {
    display_name: Option<String>,
    description: Option<String>,
    hidden: Option<bool>,
    tags: Option<BTreeMap<String, Option<String>>>,
    properties: Option<BTreeMap<String, Option<String>>>,
}

/// Changes a run. Tags and properties are added to those that it has.
pub(super) fn change(
    world: &World,
    call: &Call,
    workspace: &Scope,
    name: &str,
) -> Result<Value, MlError> {
    let change: Change = call.json()?;
    let changed = world.jobs().update(workspace, name, |job| {
        if let Some(name) = change.display_name {
            job.display_name = name;
        }
        if let Some(description) = change.description {
            job.description = Some(description);
        }
        if let Some(hidden) = change.hidden {
            job.archived = hidden;
        }
        merge(&mut job.tags, change.tags);
        merge(&mut job.properties, change.properties);
    });
    let job = changed.ok_or_else(|| not_found(name))?;
    Ok(run(&job, region(call), world.clock.now()))
}

/// Adds values to those that are there. One that is null is removed.
fn merge(known: &mut BTreeMap<String, String>, given: Option<BTreeMap<String, Option<String>>>) {
    for (name, value) in given.unwrap_or_default() {
        match value {
            Some(value) => known.insert(name, value),
            None => known.remove(&name),
        };
    }
}

pub(super) fn find(world: &World, workspace: &Scope, name: &str) -> Result<Job, MlError> {
    world
        .jobs()
        .get(workspace, name)
        .ok_or_else(|| not_found(name))
}

fn not_found(name: &str) -> MlError {
    MlError::not_found(format!("Run {name} was not found."))
}

/// The region of a request, which errors name.
pub(super) fn region(call: &Call) -> &str {
    call.region().unwrap_or(SOME_REGION)
}
