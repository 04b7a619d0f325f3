//! Metrics, as azureml-core logs and reads them. Numbers only: tables and images are files there.

use super::{call::Call, error::MlError, history::find, mlflow::MOST_METRICS, wire::date};
use crate::{
    clock::millis,
    jobs::{Job, Metric},
    resources::Scope,
    world::World,
};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

/// What a client measured.
#[derive(Deserialize)]
struct Batch {
    #[serde(default)]
    values: Vec<Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Measured {
    name: String,
    value: Vec<Cell>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Cell {
    created_utc: Option<String>,
    step: Option<i64>,
    data: Map<String, Value>,
}

impl Measured {
    /// The numbers. `None` for a metric that has something else, or several columns.
    fn metrics(&self, now: OffsetDateTime) -> Option<Vec<Metric>> {
        let cells = self.value.iter().map(|cell| {
            let given = cell.created_utc.as_deref();
            let given = given.and_then(|text| OffsetDateTime::parse(text, &Rfc3339).ok());
            let value = cell.data.get(&self.name).filter(|_| cell.data.len() == 1)?;
            Some(Metric {
                key: self.name.clone(),
                value: value.as_f64()?,
                timestamp: millis(given.unwrap_or(now)),
                step: cell.step.unwrap_or_default(),
            })
        });
        cells.collect()
    }
}

/// Stores the metrics that a program measured.
pub(super) fn log(
    world: &World,
    call: &Call,
    workspace: &Scope,
    run: &str,
) -> Result<Value, MlError> {
    let batch: Batch = call.json()?;
    let job = find(world, workspace, run)?;
    let now = world.clock.now();
    let (mut metrics, mut errors) = (Vec::new(), Vec::new());
    for given in batch.values {
        let measured = serde_json::from_value::<Measured>(given.clone());
        match measured.ok().and_then(|measured| measured.metrics(now)) {
            Some(found) => metrics.extend(found),
            None => {
                let what = format!("{} of a metric that is not a number", call.path);
                let error = MlError::not_served(&call.method, &what);
                errors.push(json!({
                    "metric": given,
                    "errorResponse": error.body(super::response::SOME_REGION, now),
                }));
            }
        }
    }
    if job.metrics.len() + metrics.len() > MOST_METRICS {
        return Err(MlError::bad_request(format!(
            "A run can't have more than {MOST_METRICS} metrics."
        )));
    }
    world
        .jobs()
        .update(workspace, &job.name, |job| job.metrics.extend(metrics));
    Ok(json!({ "errors": errors }))
}

/// The names of a run's metrics.
pub(super) fn names(world: &World, workspace: &Scope, run: &str) -> Result<Value, MlError> {
    let job = find(world, workspace, run)?;
    let names: BTreeSet<&str> = job.metrics.iter().map(|one| one.key.as_str()).collect();
    let shown = names
        .iter()
        .map(|name| json!({"metricKey": {"name": name}, "columns": columns(name)}));
    Ok(json!({ "value": shown.collect::<Vec<_>>() }))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wanted {
    metric_name: String,
}

/// All values of a metric.
pub(super) fn values(
    world: &World,
    call: &Call,
    workspace: &Scope,
    run: &str,
) -> Result<Value, MlError> {
    let wanted: Wanted = call.json()?;
    let job: Job = find(world, workspace, run)?;
    let name = &wanted.metric_name;
    let own = job.metrics.iter().filter(|metric| metric.key == *name);
    let cells: Vec<Value> = own
        .map(|metric| {
            let at = i128::from(metric.timestamp) * 1_000_000;
            let at = OffsetDateTime::from_unix_timestamp_nanos(at);
            json!({
                "metricId": null,
                "createdUtc": date(at.unwrap_or(job.submitted)),
                "step": metric.step,
                "data": {name: metric.value},
            })
        })
        .collect();
    if cells.is_empty() {
        return Err(MlError::not_found(format!(
            "The metric {name} of the run {run} was not found."
        )));
    }
    Ok(json!({
        "dataContainerId": format!("dcid.{}", job.name),
        "name": name,
        "columns": columns(name),
        "properties": {"uxMetricType": "azureml.v1.scalar", "dataLocation": null},
        "value": cells,
        "continuationToken": null,
    }))
}

fn columns(name: &str) -> Value {
    json!({ name: "Double" })
}
