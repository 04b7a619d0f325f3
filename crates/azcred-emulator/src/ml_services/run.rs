//! A run's JSON. What a client calls a run here is a job in Resource Manager.

use super::{
    experiments, step,
    wire::{date, duration, guid},
};
use crate::jobs::{Job, JobKind, Sender};
use serde_json::{Value, json};
use time::OffsetDateTime;

/// A run.
pub(super) fn run(job: &Job, region: &str, now: OffsetDateTime) -> Value {
    let workspace = job.workspace.key();
    let uuid = |name: &str| guid(&[workspace, "run", name]);
    let parent = job.parent.as_deref();
    let root = parent.unwrap_or(&job.name);
    let (started, ended) = (job.started(now), job.ended(now));
    let took = started.map(|from| duration(ended.unwrap_or(now) - from));
    let modified = ended.or(started).unwrap_or(job.submitted);
    let target = target(job);
    let (kind, traits) = kind(job.kind);
    let compute = json!({
        "target": target, "targetType": "amlcompute", "vmSize": null, "instanceType": null,
        "instanceCount": 1, "gpuCount": 0, "priority": null, "region": null, "armId": null,
        "properties": null,
    });
    let kind_v2 = json!({
        "orchestrator": "Execution", "traits": traits,
        "attribution": (job.kind == JobKind::Step).then_some("Aether"),
        "computeType": "AmlcTrain",
    });
    let members = [
        ("runNumber", json!(job.submitted.unix_timestamp())),
        ("rootRunId", json!(root)),
        ("createdUtc", json!(date(job.submitted))),
        ("createdBy", user(&job.sender)),
        ("userId", json!(job.sender.object_id)),
        ("error", json!(error(job, region, now))),
        ("revision", json!(1)),
        ("statusRevision", json!(1)),
        ("runUuid", json!(uuid(&job.name))),
        ("parentRunUuid", json!(parent.map(uuid))),
        ("rootRunUuid", json!(uuid(root))),
        ("computeDuration", json!(took)),
        ("lastModifiedBy", user(&job.sender)),
        ("lastModifiedUtc", json!(date(modified))),
        ("duration", json!(took)),
        ("currentAttemptId", json!(1)),
        ("runId", json!(job.name)),
        ("parentRunId", json!(parent)),
        (
            "experimentId",
            json!(experiments::id(&job.workspace, &job.experiment)),
        ),
        ("status", json!(job.state(now).as_str())),
        ("startTimeUtc", json!(started.map(date))),
        ("endTimeUtc", json!(ended.map(date))),
        ("displayName", json!(job.display_name)),
        ("dataContainerId", json!(format!("dcid.{}", job.name))),
        ("description", json!(job.description)),
        ("hidden", json!(job.archived)),
        ("runType", json!(kind)),
        ("runTypeV2", kind_v2),
        ("properties", json!(job.properties)),
        ("target", json!(target)),
        ("tags", json!(job.tags)),
        ("name", Value::Null),
        ("actionUris", json!({})),
        ("cancelUri", json!("")),
        ("diagnosticsUri", json!("")),
        ("computeRequest", json!({"nodeCount": 1, "gpuCount": 0})),
        ("compute", compute),
    ];
    let own = match job.kind {
        JobKind::Step => step::members(job, target, region),
        _ => Vec::new(),
    };
    // A step's own members replace those that every run has.
    let members = members.into_iter().chain(own);
    let objects = OBJECTS.iter().map(|name| (*name, json!({})));
    let arrays = ARRAYS.iter().map(|name| (*name, json!([])));
    let unset = UNSET.iter().map(|name| (*name, Value::Null));
    let all = objects.chain(arrays).chain(unset).chain(members);
    all.map(|(name, value)| (name.to_owned(), value)).collect()
}

/// Members that are empty objects in the run of a job that was not executed.
const OBJECTS: &[&str] = &["parameters", "settings", "services"];

/// Members that are empty arrays.
const ARRAYS: &[&str] = &[
    "uniqueChildRunComputeTargets",
    "inputDatasets",
    "outputDatasets",
];

/// Members that are null.
const UNSET: &[&str] = &[
    "cancelationReason",
    "completeUri",
    "createdFrom",
    "currentComputeTime",
    "effectiveStartTimeUtc",
    "inputs",
    "jobSpecification",
    "lastStartTimeUtc",
    "outputs",
    "primaryMetricName",
    "queueingInfo",
    "retainForLifetimeOfWorkspace",
    "runDefinition",
    "scheduleId",
    "scriptName",
    "token",
    "tokenExpiryTimeUtc",
    "warnings",
];

/// A run's details, without its log files.
pub(super) fn details(job: &Job, region: &str, now: OffsetDateTime) -> Value {
    json!({
        "runId": job.name,
        "target": target(job),
        "status": job.state(now).as_str(),
        "parentRunId": job.parent,
        "startTimeUtc": job.started(now).map(date),
        "endTimeUtc": job.ended(now).map(date),
        "services": {},
        "properties": job.properties,
        "inputDatasets": [],
        "outputDatasets": [],
        "runDefinition": (job.kind == JobKind::Run).then_some(&job.body),
        "logFiles": {},
        "jobCost": null,
        "revision": 1,
        "warnings": null,
        "error": error(job, region, now),
        "submittedBy": job.sender.name,
    })
}

fn user(sender: &Sender) -> Value {
    json!({
        "userObjectId": sender.object_id,
        "userPuId": (sender.kind == "User").then(|| passport_id(sender)),
        "userIdp": null,
        "userAltSecId": null,
        "userIss": format!("https://sts.windows.net/{}/", sender.tenant),
        "userTenantId": sender.tenant,
        "userName": sender.name,
        "upn": null,
        "clientApplicationId": null,
        "applicationACR": null,
    })
}

/// A user's id in Microsoft's older directory: sixteen hexadecimal digits.
fn passport_id(sender: &Sender) -> String {
    let id = sender.object_id.simple().to_string().to_uppercase();
    format!("1003{}", &id[id.len() - 12..])
}

/// Why a job failed.
fn error(job: &Job, region: &str, now: OffsetDateTime) -> Option<Value> {
    let message = job.error(now)?;
    Some(json!({
        "error": {
            "code": "UserError",
            "severity": null,
            "message": message,
            "messageFormat": null,
            "messageParameters": {},
            "referenceCode": null,
            "detailsUri": null,
            "target": null,
            "details": [],
            "innerError": null,
            "debugInfo": null,
            "additionalInfo": null,
        },
        "correlation": null,
        "environment": region,
        "location": region,
        "time": "0001-01-01T00:00:00+00:00",
        "componentName": "CommonRuntime",
    }))
}

/// The name of a job's compute.
fn target(job: &Job) -> Option<&str> {
    let compute = ["computeId", "target"]
        .iter()
        .find_map(|name| job.body.get(*name)?.as_str());
    compute.and_then(|id| id.rsplit('/').next())
}

/// What a job is called as a run, and its traits.
fn kind(kind: JobKind) -> (&'static str, &'static [&'static str]) {
    match kind {
        JobKind::Command => ("azureml.scriptrun", &["scriptRun", "remote"]),
        JobKind::Pipeline => ("azureml.PipelineRun", &["azureml.PipelineRun", "remote"]),
        JobKind::Step => (
            "azureml.StepRun",
            &["azureml.StepRun", "scriptRun", "remote"],
        ),
        JobKind::Run => ("azureml.scriptrun", &["scriptRun", "remote"]),
        JobKind::Recorded => ("azureml.run", &[]),
    }
}
