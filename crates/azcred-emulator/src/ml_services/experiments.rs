//! Experiments: names under which runs are collected.
//!
//! One that was created is kept as a resource of the workspace. One that only a job names exists
//! too.

use super::{
    access::Caller,
    error::MlError,
    wire::{date, guid},
};
use crate::{
    jobs::Job,
    resources::{Resource, Scope},
    world::World,
};
use serde_json::{Value, json};
use time::OffsetDateTime;

/// An experiment.
pub(super) struct Experiment {
    pub(super) name: String,
    pub(super) created: OffsetDateTime,
}

impl Experiment {
    pub(super) fn view(&self, workspace: &Scope) -> Value {
        json!({
            "experimentId": id(workspace, &self.name),
            "name": self.name,
            "description": "",
            "createdUtc": date(self.created),
            "tags": {},
            "archivedTime": null,
            "retainForLifetimeOfWorkspace": false,
            "latestModifiedUtc": date(self.created),
        })
    }
}

/// The id of an experiment. It follows from the name.
pub(super) fn id(workspace: &Scope, name: &str) -> String {
    guid(&[workspace.key(), "experiment", &name.to_lowercase()])
}

/// The experiments of a workspace, by name.
pub(super) fn all(world: &World, workspace: &Scope) -> Vec<Experiment> {
    let resources = world.resources();
    let created = resources
        .resources_in(workspace)
        .filter(|one| is_own(one, workspace));
    let created = created.map(|one| Experiment {
        name: one.id.name().to_owned(),
        created: one
            .system_data
            .as_ref()
            .map_or(OffsetDateTime::UNIX_EPOCH, |data| data.created_at),
    });
    let jobs = world.jobs().list(workspace);
    // The oldest job of an experiment comes first, and so does the one that was created.
    let named = jobs.iter().rev().map(|job: &Job| Experiment {
        name: job.experiment.clone(),
        created: job.submitted,
    });
    let mut all: Vec<Experiment> = created.chain(named).collect();
    all.sort_by_key(|one| one.name.to_lowercase());
    all.dedup_by(|later, first| later.name.eq_ignore_ascii_case(&first.name));
    all
}

fn is_own(resource: &Resource, workspace: &Scope) -> bool {
    resource.is_a("Microsoft.MachineLearningServices/workspaces/experiments")
        && resource.id.path_ancestry().get(1) == Some(workspace)
}

/// An experiment, by its name in any case or by its id.
///
/// # Errors
/// 404 if it does not exist.
pub(super) fn find(world: &World, workspace: &Scope, wanted: &str) -> Result<Experiment, MlError> {
    let mut all = all(world, workspace).into_iter();
    all.find(|one| one.name.eq_ignore_ascii_case(wanted) || id(workspace, &one.name) == wanted)
        .ok_or_else(|| MlError::not_found(format!("Experiment {wanted} was not found.")))
}

/// Creates an experiment, if it does not exist.
///
/// # Errors
/// 400 for a name that Azure does not accept.
pub(super) fn create(
    world: &World,
    workspace: &Scope,
    name: &str,
    caller: &Caller,
) -> Result<Experiment, MlError> {
    if let Ok(found) = find(world, workspace, name) {
        return Ok(found);
    }
    let id = workspace.child(&format!("experiments/{name}"));
    let id = id.map_err(|error| MlError::bad_request(error.to_string()))?;
    let created = world.clock.now();
    let mut resource = Resource::new(id);
    resource.system_data = Some(caller.system_data(world));
    world.resources_mut().put_resource(resource);
    Ok(Experiment {
        name: name.to_owned(),
        created,
    })
}

/// All experiments, in one page.
pub(super) fn list(world: &World, workspace: &Scope) -> Value {
    let all = all(world, workspace);
    let all: Vec<Value> = all.iter().map(|one| one.view(workspace)).collect();
    json!({ "value": all })
}
