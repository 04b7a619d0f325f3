//! The admin port's part for jobs: lists, what was sent, and how jobs end.

use super::admin::{AdminState, refuse};
use crate::{
    job_files,
    jobs::{JobReport, JobRule, JobSummary, Outcome},
};
use axum::{
    Json,
    body::Bytes,
    extract::{Path, State},
    response::{IntoResponse, Response},
};
use http::StatusCode;
use serde::Deserialize;
use std::sync::Arc;

/// All jobs, newest first, without the steps of pipelines.
pub(super) async fn all(State(inner): State<Arc<AdminState>>) -> Json<Vec<JobSummary>> {
    let now = inner.world.clock.now();
    let all = inner.world.jobs().all();
    Json(all.iter().map(|job| JobSummary::of(job, now)).collect())
}

/// The newest job with a name, or a step.
pub(super) async fn one(
    State(inner): State<Arc<AdminState>>,
    Path(name): Path<String>,
) -> Response {
    let world = &inner.world;
    let Some(job) = world.jobs().named(&name) else {
        return unknown(&name);
    };
    let log = job_files::log(world, &job);
    Json(JobReport::of(world.jobs(), &job, log, world.clock.now())).into_response()
}

/// A rule for the jobs that are submitted from now on.
pub(super) async fn rule(State(inner): State<Arc<AdminState>>, body: Bytes) -> Response {
    match serde_json::from_slice::<JobRule>(&body) {
        Ok(rule) => {
            inner.world.jobs().add_rule(rule);
            StatusCode::NO_CONTENT.into_response()
        }
        Err(error) => refuse(StatusCode::BAD_REQUEST, &error.to_string()),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct End {
    outcome: Outcome,
    message: Option<String>,
}

/// Ends a job: at once, or never if it is to hang.
pub(super) async fn end(
    State(inner): State<Arc<AdminState>>,
    Path(name): Path<String>,
    body: Bytes,
) -> Response {
    let end = match serde_json::from_slice::<End>(&body) {
        Ok(end) => end,
        Err(error) => return refuse(StatusCode::BAD_REQUEST, &error.to_string()),
    };
    let world = &inner.world;
    let now = world.clock.now();
    let Some(job) = world.jobs().named(&name) else {
        return unknown(&name);
    };
    let state = job.state(now);
    if state.is_final() {
        let message = format!("the job '{}' has ended: it is {}", job.name, state.as_str());
        return refuse(StatusCode::CONFLICT, &message);
    }
    if end.message.is_some() {
        world
            .jobs()
            .update(&job.workspace, &job.name, |job| job.failure = end.message);
    }
    world
        .jobs()
        .end_as(&job.workspace, &job.name, end.outcome, now);
    match Arc::clone(world).keep_for_request().await {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(error) => refuse(StatusCode::INTERNAL_SERVER_ERROR, &error),
    }
}

fn unknown(name: &str) -> Response {
    let message = format!("no job is called '{name}'");
    refuse(StatusCode::NOT_FOUND, &message)
}
