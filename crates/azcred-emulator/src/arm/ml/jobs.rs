//! Jobs: submitted, listed, shown, canceled and deleted.

use super::{
    Ml, Part,
    error::MlError,
    job_body::{self, JobType},
    job_references, job_steps, job_view,
    view::{self, text},
};
use crate::{
    arm::response::ArmResponse,
    job_files::{self, ArtifactStore},
    jobs::{Job, JobKind, Sender},
    tokens::verify_bearer,
};
use http::{Method, StatusCode};
use serde_json::{Map, Value, json};
use uuid::Uuid;

/// The audience of a token with which a job acts for its submitter.
const AUDIENCE: &str = "https://ml.azure.com";

pub(super) fn serve(ml: &Ml<'_>, part: &Part) -> Result<ArmResponse, MlError> {
    match (
        part.names.as_slice(),
        &ml.call.method,
        part.action.as_deref(),
    ) {
        ([], &Method::GET, None) => list(ml),
        ([name], &Method::GET, None) => {
            let job = find(ml, name)?;
            write_log(ml, &job);
            Ok(ArmResponse::ok(job_view::of(ml, &job)))
        }
        ([name], &Method::PUT, None) => put(ml, name),
        ([name], &Method::POST, Some("cancel")) => {
            let jobs = ml.world.jobs();
            jobs.cancel(&ml.workspace.id, name, ml.now)
                .ok_or_else(|| missing(name))?;
            Ok(ArmResponse::empty(StatusCode::OK))
        }
        ([name], &Method::DELETE, None) => {
            let is_gone = ml.world.jobs().remove(&ml.workspace.id, name);
            Ok(ArmResponse::empty(if is_gone {
                StatusCode::OK
            } else {
                StatusCode::NO_CONTENT
            }))
        }
        _ => Err(ml.not_served()),
    }
}

fn missing(name: &str) -> MlError {
    MlError::not_found(format!("Job {name} not found."))
}

fn find(ml: &Ml<'_>, name: &str) -> Result<Job, MlError> {
    let job = ml.world.jobs().get(&ml.workspace.id, name);
    job.ok_or_else(|| missing(name))
}

/// Writes the log of a job, which its client may look for next.
fn write_log(ml: &Ml<'_>, job: &Job) {
    if let Some(store) = ArtifactStore::of(ml.world, &ml.workspace.id)
        && let Err(error) = job_files::write_log(ml.world, &store, job)
    {
        tracing::warn!(%error, "the log of a job could not be stored");
    }
}

/// The jobs, newest first. Steps of pipelines are no jobs of their own here.
fn list(ml: &Ml<'_>) -> Result<ArmResponse, MlError> {
    let kind = ml.call.query("listViewType").unwrap_or("ActiveOnly");
    let job_type = ml.call.query("jobType");
    let tag = ml.call.query("tag");
    let mut found = ml.world.jobs().list(&ml.workspace.id);
    found.retain(|job| {
        let is_seen = match kind {
            "All" => true,
            "ArchivedOnly" => job.archived,
            _ => !job.archived,
        };
        let own_type = match job.kind {
            JobKind::Pipeline => "Pipeline",
            _ => "Command",
        };
        let has_tag = |tag: &str| match tag.split_once('=') {
            Some((name, value)) => job.tags.get(name).is_some_and(|own| own == value),
            None => job.tags.contains_key(tag),
        };
        is_seen
            && job_type.is_none_or(|wanted| wanted.eq_ignore_ascii_case(own_type))
            && tag.is_none_or(has_tag)
    });
    let found = found.iter().map(|job| job_view::of(ml, job));
    Ok(ArmResponse::list(ml.world, ml.call, found.collect())?)
}

fn put(ml: &Ml<'_>, name: &str) -> Result<ArmResponse, MlError> {
    let given = view::properties(&ml.call.object()?);
    let kind = job_body::check(ml, &given)?;
    valid_name(name)?;
    let jobs = ml.world.jobs();
    let id = ml.child(&format!("jobs/{name}"))?;
    let changed = jobs.update(&ml.workspace.id, name, |job| change(job, &given));
    if let Some(job) = changed {
        return Ok(ml.created(&id, job_view::of(ml, &job)));
    }
    check_token(ml, kind, &given)?;
    job_references::check(ml, &given)?;
    let steps = match kind {
        JobType::Pipeline => job_steps::read(ml, &given)?,
        JobType::Command => Vec::new(),
    };
    let job = new_job(ml, name, kind, given);
    let job = jobs
        .submit(job, steps)
        .map_err(|error| MlError::user(StatusCode::CONFLICT, &["Conflict"], error.to_string()))?;
    Ok(ml.created(&id, job_view::of(ml, &job)))
}

fn new_job(ml: &Ml<'_>, name: &str, kind: JobType, given: Map<String, Value>) -> Job {
    let sender = Sender {
        name: ml.caller.name.clone(),
        kind: ml.caller.kind.to_owned(),
        object_id: ml.caller.who.principal,
        tenant: ml.caller.tenant,
    };
    let job_kind = match kind {
        JobType::Command => JobKind::Command,
        JobType::Pipeline => JobKind::Pipeline,
    };
    let mut job = Job::new(ml.workspace.id.clone(), name, job_kind, sender, ml.now);
    if let Some(experiment) = text(&given, "experimentName") {
        experiment.clone_into(&mut job.experiment);
    }
    if kind == JobType::Command {
        if let Some(compute) = text(&given, "computeId") {
            let compute = compute.rsplit('/').next().unwrap_or_default();
            job.properties.extend([
                (
                    "_azureml.ComputeTargetType".to_owned(),
                    "amlctrain".to_owned(),
                ),
                ("_azureml.ClusterName".to_owned(), compute.to_owned()),
            ]);
        }
        if given.get("codeId").is_some_and(Value::is_string) {
            let snapshot = Uuid::new_v4().to_string();
            job.properties
                .insert("ContentSnapshotId".to_owned(), snapshot);
        }
    }
    change(&mut job, &given);
    job.body = given;
    job
}

/// What a second PUT changes too.
fn change(job: &mut Job, given: &Map<String, Value>) {
    if let Some(name) = text(given, "displayName") {
        name.clone_into(&mut job.display_name);
    }
    if let Some(description) = text(given, "description") {
        job.description = Some(description.to_owned());
    }
    if let Some(archived) = given.get("isArchived").and_then(Value::as_bool) {
        job.archived = archived;
    }
    if let Some(tags) = view::texts(given, "tags") {
        job.tags = tags;
    }
    if let Some(properties) = view::texts(given, "properties") {
        job.properties.extend(properties);
    }
    if let Some(resources) = given.get("resources") {
        job.body.insert("resources".to_owned(), resources.clone());
    }
}

/// Checks the token with which a pipeline's steps are submitted, and with which a job reads its
/// submitter's data.
fn check_token(ml: &Ml<'_>, kind: JobType, given: &Map<String, Value>) -> Result<(), MlError> {
    let identity = given.get("identity");
    let identity = identity.and_then(|identity| identity.get("identityType"));
    let as_user = identity == Some(&json!("UserIdentity"));
    if kind == JobType::Command && !as_user {
        return Ok(());
    }
    let refuse = |why: &str| {
        MlError::user(
            StatusCode::UNAUTHORIZED,
            &["Unauthorized", "AuthenticationFailed"],
            why,
        )
    };
    let Some(token) = ml.call.azureml_token.0.as_deref() else {
        return Err(refuse("The header 'x-azureml-token' is missing."));
    };
    let accepted = [AUDIENCE.to_owned()];
    let claims = verify_bearer(ml.world, Some(token), &accepted).map_err(|_| {
        refuse("The token in the header 'x-azureml-token' is invalid or has expired, or its audience is not https://ml.azure.com.")
    })?;
    if claims.object_id != ml.caller.who.principal {
        return Err(refuse(
            "The token in the header 'x-azureml-token' is of another identity than the request.",
        ));
    }
    Ok(())
}

/// 1 to 255 letters, digits, `-` and `_` ('CLI (v2) command job YAML schema').
fn valid_name(name: &str) -> Result<(), MlError> {
    let fits = (1..=255).contains(&name.len())
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_' || c == '.');
    if fits {
        return Ok(());
    }
    Err(MlError::user(
        StatusCode::BAD_REQUEST,
        &["BadArgument"],
        format!("The job name '{name}' is invalid."),
    ))
}
