//! The run history: what clients ask of a job while it runs, and after.

use super::{
    access::Caller,
    call::Call,
    error::MlError,
    experiments,
    response::SOME_REGION,
    run::{details, run},
};
use crate::{
    job_files::{self, ArtifactStore},
    jobs::{Job, JobKind, Outcome},
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
        view["logFiles"] =
            json!({ log: format!("{}?{sas}", store.url(world, &call.entrance, &blob)) });
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
    // A client that reads this downloads the log next.
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

/// Changes a run. Tags and properties are added to those that it has. In a named experiment, a run
/// that does not exist begins: a program records its own run.
pub(super) fn change(
    world: &World,
    call: &Call,
    caller: &Caller,
    workspace: &Scope,
    name: &str,
    experiment: Option<&str>,
) -> Result<Value, MlError> {
    let change: Change = call.json()?;
    if let Some(experiment) = experiment
        && world.jobs().get(workspace, name).is_none()
    {
        begin(world, caller, workspace, name, experiment)?;
    }
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

/// Begins a run that no compute executes: it ends when the program says so.
pub(super) fn begin(
    world: &World,
    caller: &Caller,
    workspace: &Scope,
    name: &str,
    experiment: &str,
) -> Result<Job, MlError> {
    let experiment = experiments::create(world, workspace, experiment, caller)?;
    let (sender, now) = (caller.sender(), world.clock.now());
    let mut job = Job::new(workspace.clone(), name, JobKind::Recorded, sender, now);
    job.experiment = experiment.name;
    job.outcome = Outcome::Hang;
    let begun = world.jobs().submit(job, Vec::new());
    begun.map_err(|_| MlError::conflict(format!("A run with the id {name} exists already.")))
}

#[derive(Deserialize)]
struct Happened {
    name: String,
}

/// A run has begun or ended, says the program that records it or the person who cancels it.
pub(super) fn event(
    world: &World,
    call: &Call,
    workspace: &Scope,
    name: &str,
) -> Result<Value, MlError> {
    let happened: Happened = call.json()?;
    find(world, workspace, name)?;
    let what = happened.name.rsplit('.').next().unwrap_or_default();
    let outcome = match what {
        "Completed" => Some(Outcome::Complete),
        "Failed" => Some(Outcome::Fail),
        "Canceled" | "CancelRequested" => Some(Outcome::Cancel),
        // That it runs, a warning, a heartbeat.
        _ => None,
    };
    if let Some(outcome) = outcome {
        world
            .jobs()
            .end_as(workspace, name, outcome, world.clock.now());
    }
    Ok(json!({}))
}

/// The filter of a client that lists the runs of an experiment, without those of a pipeline.
const NO_CHILDREN: &str = "(ParentRunId eq null)";

#[derive(Default, Deserialize)]
#[serde(default)]
struct Query {
    filter: Option<String>,
    top: Option<usize>,
}

/// The runs of an experiment, newest first.
pub(super) fn runs(
    world: &World,
    call: &Call,
    workspace: &Scope,
    experiment: &str,
) -> Result<Value, MlError> {
    let query: Query = call.json()?;
    if let Some(filter) = query.filter.filter(|filter| filter != NO_CHILDREN) {
        let what = format!("{} with the filter '{filter}'", call.path);
        return Err(MlError::not_served(&call.method, &what));
    }
    let experiment = experiments::find(world, workspace, experiment)?;
    let now = world.clock.now();
    let runs: Vec<Value> = world
        .jobs()
        .list(workspace)
        .iter()
        .filter(|job| job.experiment.eq_ignore_ascii_case(&experiment.name))
        .take(query.top.unwrap_or(usize::MAX))
        .map(|job| run(job, region(call), now))
        .collect();
    Ok(json!({ "value": runs }))
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

pub(super) fn not_found(name: &str) -> MlError {
    MlError::not_found(format!("Run {name} was not found."))
}

/// The region of a request, which errors name.
pub(super) fn region(call: &Call) -> &str {
    call.region().unwrap_or(SOME_REGION)
}
