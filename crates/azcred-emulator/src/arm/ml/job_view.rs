//! A job as its clients see it.

use super::{
    Ml,
    view::{self, text},
};
use crate::{
    clock::ticks,
    jobs::{Job, JobKind, JobState},
};
use serde_json::{Map, Value, json};

/// A job's JSON.
pub(super) fn of(ml: &Ml<'_>, job: &Job) -> Value {
    let properties = match job.kind {
        JobKind::Pipeline => pipeline(ml, job),
        JobKind::Command | JobKind::Step | JobKind::Run | JobKind::Recorded => command(ml, job),
    };
    let path = format!("{}/jobs/{}", ml.workspace.id, job.name);
    json!({
        "id": path,
        "name": job.name,
        "type": "Microsoft.MachineLearningServices/workspaces/jobs",
        "properties": properties,
        "systemData": {
            "createdAt": ticks(job.submitted, "+00:00"),
            "createdBy": job.sender.name,
            "createdByType": job.sender.kind,
        },
    })
}

/// What every job has.
fn common(ml: &Ml<'_>, job: &Job, properties: &Map<String, Value>) -> Map<String, Value> {
    let sent = |name: &str| job.body.get(name).cloned().unwrap_or(Value::Null);
    let all = json!({
        "description": job.description,
        "tags": job.tags,
        "properties": properties,
        "displayName": job.display_name,
        "status": job.state(ml.now).as_str(),
        "experimentName": job.experiment,
        "services": services(ml, job),
        "computeId": sent("computeId"),
        "isArchived": job.archived,
        "identity": sent("identity"),
        "componentId": sent("componentId"),
        "notificationSetting": sent("notificationSetting"),
    });
    match all {
        Value::Object(all) => all,
        _ => Map::new(),
    }
}

fn command(ml: &Ml<'_>, job: &Job) -> Value {
    let body = &job.body;
    let mut all = common(ml, job, &stored(job));
    all.insert("parentJobName".to_owned(), json!(job.parent));
    let resources = json!({
        "instanceCount": 1,
        "instanceType": null,
        "properties": null,
        "shmSize": "2g",
        "dockerArgs": null,
        "dockerArgsList": null,
    });
    let sent_resources = body.get("resources").and_then(Value::as_object);
    let resources = view::filled(sent_resources.unwrap_or(&Map::new()), resources);
    let mut outputs = described(body, "outputs", output);
    outputs.insert("default".to_owned(), default_output(job));
    let inputs = match job.kind {
        // A step has bindings in place of inputs.
        JobKind::Step => Map::new(),
        _ => described(body, "inputs", input),
    };
    let defaults = json!({
        "codeId": null,
        "command": null,
        "environmentId": null,
        "distribution": null,
        "limits": null,
        "environmentVariables": {},
        "parameters": {},
        "queueSettings": {"jobTier": "Null"},
    });
    all.extend(view::filled(body, defaults));
    all.insert("jobType".to_owned(), json!("Command"));
    all.insert("resources".to_owned(), Value::Object(resources));
    all.insert("inputs".to_owned(), Value::Object(inputs));
    all.insert("outputs".to_owned(), Value::Object(outputs));
    Value::Object(all)
}

fn pipeline(ml: &Ml<'_>, job: &Job) -> Value {
    let body = &job.body;
    let mut properties = stored(job);
    if job.state(ml.now) != JobState::NotStarted {
        properties.extend(running_pipeline(ml, job));
    }
    let mut all = common(ml, job, &properties);
    let defaults = json!({
        "secretsConfiguration": null,
        "settings": {},
        "jobs": {},
        "sourceJobId": null,
    });
    all.extend(view::filled(body, defaults));
    all.insert("jobType".to_owned(), json!("Pipeline"));
    let inputs = described(body, "inputs", pipeline_input);
    let outputs = described(body, "outputs", pipeline_output);
    all.insert("inputs".to_owned(), Value::Object(inputs));
    all.insert("outputs".to_owned(), Value::Object(outputs));
    Value::Object(all)
}

fn stored(job: &Job) -> Map<String, Value> {
    let all = job.properties.iter();
    all.map(|(name, value)| (name.clone(), json!(value)))
        .collect()
}

/// What the service adds to a pipeline that has begun.
fn running_pipeline(ml: &Ml<'_>, job: &Job) -> Map<String, Value> {
    let compute = text(&job.body, "computeId").unwrap_or_default();
    let compute = compute.rsplit('/').next().unwrap_or_default();
    let mut all = vec![
        ("azureml.DevPlatv2", "true".to_owned()),
        ("azureml.DatasetAccessMode", "Asset".to_owned()),
        ("azureml.runsource", "azureml.PipelineRun".to_owned()),
        ("runSource", "MFE".to_owned()),
        ("runType", "HTTP".to_owned()),
        ("azureml.parameters", "{}".to_owned()),
        ("azureml.continue_on_step_failure", "True".to_owned()),
        (
            "azureml.continue_on_failed_optional_input",
            "True".to_owned(),
        ),
        ("azureml.enforceRerun", "False".to_owned()),
        ("azureml.defaultComputeName", compute.to_owned()),
        (
            "azureml.defaultDataStoreName",
            "workspaceblobstore".to_owned(),
        ),
        ("azureml.pipelineComponent", "pipelinerun".to_owned()),
    ];
    if let (Some(start), Some(end)) = (job.started(ml.now), job.ended(ml.now)) {
        let stages = json!({
            "Initialization": null,
            "Execution": {
                "StartTime": ticks(start, "+00:00"),
                "EndTime": ticks(end, "+00:00"),
                "Status": job.state(ml.now).as_str(),
            },
        });
        all.push(("azureml.pipelines.stages", stages.to_string()));
    }
    let all = all.into_iter();
    all.map(|(name, value)| (name.to_owned(), json!(value)))
        .collect()
}

fn services(ml: &Ml<'_>, job: &Job) -> Value {
    let id = &ml.workspace.id;
    let service = |kind: &str, endpoint: String| {
        json!({
            "jobServiceType": kind,
            "port": null,
            "endpoint": endpoint,
            "status": null,
            "errorMessage": null,
            "properties": null,
            "nodes": null,
        })
    };
    let tracking = text(&ml.workspace.properties, "mlFlowTrackingUri").unwrap_or_default();
    let studio = format!(
        "https://ml.azure.com/runs/{}?wsid=/subscriptions/{}/resourcegroups/{}/workspaces/{}",
        job.name,
        id.subscription_id().unwrap_or_default(),
        id.resource_group().unwrap_or_default(),
        id.name()
    );
    json!({
        "Tracking": service("Tracking", format!("{tracking}?")),
        "Studio": service("Studio", studio),
    })
}

/// Where the outputs of a job go that it does not name.
fn default_output(job: &Job) -> Value {
    let uri = format!(
        "azureml://datastores/workspaceartifactstore/ExperimentRun/dcid.{}",
        job.name
    );
    json!({
        "description": null,
        "uri": uri,
        "assetName": null,
        "mode": "ReadWriteMount",
        "jobOutputType": "uri_folder",
    })
}

/// Inputs or outputs, each with all its members.
fn described(
    body: &Map<String, Value>,
    member: &str,
    complete: fn(&Map<String, Value>) -> Map<String, Value>,
) -> Map<String, Value> {
    let all = body.get(member).and_then(Value::as_object);
    all.into_iter()
        .flatten()
        .filter_map(|(name, value)| Some((name, value.as_object()?)))
        .map(|(name, value)| (name.clone(), Value::Object(complete(value))))
        .collect()
}

fn input(sent: &Map<String, Value>) -> Map<String, Value> {
    let defaults = match text(sent, "jobInputType") {
        Some("literal") => json!({"description": null, "jobInputType": null, "value": null}),
        _ => json!({
            "description": null,
            "uri": null,
            "mode": "ReadOnlyMount",
            "jobInputType": "uri_folder",
        }),
    };
    view::filled(sent, defaults)
}

fn pipeline_input(sent: &Map<String, Value>) -> Map<String, Value> {
    let mut all = input(sent);
    if text(sent, "jobInputType") != Some("literal") {
        let place = sent.get("pathOnCompute").cloned();
        all.insert("pathOnCompute".to_owned(), place.unwrap_or(Value::Null));
    }
    all
}

fn output(sent: &Map<String, Value>) -> Map<String, Value> {
    let defaults = json!({
        "description": null,
        "uri": null,
        "assetName": null,
        "mode": "ReadWriteMount",
        "jobOutputType": "uri_folder",
    });
    view::filled(sent, defaults)
}

fn pipeline_output(sent: &Map<String, Value>) -> Map<String, Value> {
    let mut all = output(sent);
    for name in ["assetVersion", "pathOnCompute", "autoDeleteSetting"] {
        let value = sent.get(name).cloned();
        all.insert(name.to_owned(), value.unwrap_or(Value::Null));
    }
    all
}
