//! The steps of a pipeline, and which of them wait for which.

use super::{Ml, error::MlError, job_references};
use crate::jobs::Step;
use serde_json::{Map, Value};
use std::collections::BTreeSet;

/// The steps of a pipeline.
///
/// # Errors
/// When a step refers to something that does not exist.
pub(super) fn read(ml: &Ml<'_>, given: &Map<String, Value>) -> Result<Vec<Step>, MlError> {
    let jobs = given.get("jobs").and_then(Value::as_object);
    let mut steps = Vec::new();
    for (name, node) in jobs.into_iter().flatten() {
        let Value::Object(node) = node else {
            return Err(MlError::invalid(&[format!(
                "The job '{name}' of the pipeline is not an object. Path 'jobs.{name}'."
            )]));
        };
        job_references::check(ml, node)?;
        let mut after = BTreeSet::new();
        waits_for(&Value::Object(node.clone()), &mut after);
        let mut body = node.clone();
        // A step without a compute runs on the pipeline's.
        if let Some(compute) = given.get("computeId") {
            body.entry("computeId").or_insert_with(|| compute.clone());
        }
        steps.push(Step {
            name: name.clone(),
            after: after.into_iter().collect(),
            body,
        });
    }
    let names: BTreeSet<String> = steps.iter().map(|step| step.name.clone()).collect();
    for step in &mut steps {
        let own = step.name.clone();
        step.after
            .retain(|other| names.contains(other) && *other != own);
    }
    Ok(steps)
}

/// The steps whose outputs a step reads: `${{parent.jobs.NAME.outputs.X}}`.
fn waits_for(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::String(text) => {
            for part in text.split("parent.jobs.").skip(1) {
                let name = part.split('.').next().unwrap_or_default();
                found.insert(name.to_owned());
            }
        }
        Value::Array(items) => items.iter().for_each(|item| waits_for(item, found)),
        Value::Object(members) => members.values().for_each(|item| waits_for(item, found)),
        _ => {}
    }
}
