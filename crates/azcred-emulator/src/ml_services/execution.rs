//! Runs that azureml-core submits: a script of a snapshot, and its configuration.

use super::{access::Caller, call::Call, error::MlError, experiments, wire::guid};
use crate::{
    jobs::{Job, JobKind},
    resources::Scope,
    world::World,
};
use serde::Deserialize;
use serde_json::{Map, Value, json};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Definition {
    configuration: Map<String, Value>,
    snapshot_id: Option<String>,
}

/// The targets that are no compute of the workspace.
const OWN_TARGETS: [&str; 3] = ["local", "amlcompute", "containerinstance"];

/// Submits a run.
///
/// # Errors
/// 400 if the compute does not exist, 409 if the run does.
pub(super) fn submit(
    world: &World,
    call: &Call,
    caller: &Caller,
    workspace: &Scope,
    experiment: &str,
) -> Result<Value, MlError> {
    let given: Definition = call.json()?;
    let target = given.configuration.get("target").and_then(Value::as_str);
    let compute = match target.filter(|target| !OWN_TARGETS.contains(target)) {
        Some(target) => {
            let id = workspace.child(&format!("computes/{target}")).ok();
            let resources = world.resources();
            let found = id.and_then(|id| Some(resources.resource(&id)?.id.clone()));
            let unknown = || MlError::bad_request(format!("Unknown compute target '{target}'."));
            Some(found.ok_or_else(unknown)?)
        }
        None => None,
    };
    let now = world.clock.now();
    let run = match call.query("runId") {
        Some(run) => run.to_owned(),
        None => {
            let id = guid(&[experiment, &now.unix_timestamp_nanos().to_string()]);
            format!("{experiment}_{}_{}", now.unix_timestamp(), &id[..8])
        }
    };
    let experiment = experiments::create(world, workspace, experiment, caller)?;
    let mut job = Job::new(workspace.clone(), &run, JobKind::Run, caller.sender(), now);
    job.experiment = experiment.name;
    let command = command(&given.configuration);
    job.body = given.configuration;
    // By these names, Resource Manager shows them.
    job.body.insert("command".to_owned(), command.into());
    if let Some(compute) = compute {
        job.body
            .insert("computeId".to_owned(), compute.to_string().into());
    }
    if let Some(snapshot) = given.snapshot_id {
        job.properties
            .insert("ContentSnapshotId".to_owned(), snapshot.clone());
        job.body.insert("snapshotId".to_owned(), snapshot.into());
    }
    for (name, value) in [
        ("_azureml.ComputeTargetType", "amlctrain"),
        ("ProcessInfoFile", "azureml-logs/process_info.json"),
        ("ProcessStatusFile", "azureml-logs/process_status.json"),
    ] {
        job.properties.insert(name.to_owned(), value.to_owned());
    }
    let submitted = world.jobs().submit(job, Vec::new());
    submitted.map_err(|_| MlError::conflict(format!("A run with the id {run} exists already.")))?;
    Ok(json!({ "runId": run }))
}

/// The command of a run: its own, or the script with its arguments.
fn command(configuration: &Map<String, Value>) -> String {
    let words = |value: &Value| match value {
        Value::String(word) if !word.is_empty() => vec![word.clone()],
        Value::Array(words) => words
            .iter()
            .map(|word| {
                word.as_str()
                    .map_or_else(|| word.to_string(), str::to_owned)
            })
            .collect(),
        _ => Vec::new(),
    };
    let member = |name: &str| configuration.get(name).map(words).unwrap_or_default();
    let own = member("command");
    if !own.is_empty() {
        return own.join(" ");
    }
    let mut all = vec!["python".to_owned()];
    all.extend(member("script"));
    all.extend(member("arguments"));
    all.join(" ")
}
