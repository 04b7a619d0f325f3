//! GitHub Actions' tokens of a job, which it gets by `ACTIONS_ID_TOKEN_REQUEST_URL` and `_TOKEN`.
//!
//! Sources: for claims, GitHub's page 'OpenID Connect reference', which also has the subjects with
//! ids of repositories made, renamed or moved since July 2026; for the request, `getIDToken` of
//! `@actions/core`.

use crate::{
    ci::{
        failure,
        job::{counted, is_job, object, trusting},
    },
    directory::{Application, Directory, SecretText},
    front_door::{FrontDoor, Routes},
    issuer,
    world::World,
};
use axum::{
    Json,
    extract::{Query, State},
    response::{IntoResponse, Response},
    routing::get,
};
use http::{HeaderMap, Method, StatusCode};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::sync::Arc;
use uuid::Uuid;

/// The issuer of all GitHub tokens.
pub(crate) const ISSUER: &str = "https://token.actions.githubusercontent.com";
/// The path that a job requests.
const PATH: &str = "/Contoso/00000000-0000-0000-0000-000000000000/_apis/distributedtask/hubs/Actions/plans/9a1ab1e5-0000-4000-8000-000000000001/jobs/0b5e55ed-0000-4000-8000-000000000001/idtoken";
/// GitHub's tokens are valid for five minutes, and from ten minutes before they are issued.
const LIFETIME: i64 = 300;
const EARLY: i64 = 600;

/// A workflow run whose job may request tokens.
pub(crate) struct Job<'a> {
    /// The application that trusts the run's tokens.
    pub(crate) application: &'a Application,
    /// `sub`.
    subject: &'a str,
    repository: Repository<'a>,
    /// The token that the job sends with its request.
    pub(crate) request_token: &'a SecretText,
}

/// The directory's workflow run. It comes from the first federated credential for GitHub whose
/// subject names a repository.
pub(crate) fn job(directory: &Directory) -> Option<Job<'_>> {
    let request_token = directory.issuers.get(ISSUER)?.request_token.as_ref()?;
    trusting(directory, |issuer| issuer == ISSUER).find_map(|(application, credential)| {
        let subject = credential.subject.as_str();
        Some(Job {
            application,
            subject,
            repository: Repository::of_subject(subject)?,
            request_token,
        })
    })
}

/// A repository as subjects name it: `OWNER/NAME`, or `OWNER@ID/NAME@ID`.
struct Repository<'a> {
    owner: &'a str,
    owner_id: &'a str,
    name: &'a str,
    id: &'a str,
}

impl<'a> Repository<'a> {
    fn of_subject(subject: &'a str) -> Option<Self> {
        let both = subject.strip_prefix("repo:")?.split(':').next()?;
        let (owner, name) = both.split_once('/')?;
        let (owner, owner_id) = owner.split_once('@').unwrap_or((owner, "6844498"));
        let (name, id) = name.split_once('@').unwrap_or((name, "714285714"));
        Some(Self {
            owner,
            owner_id,
            name,
            id,
        })
    }
}

impl Job<'_> {
    /// `OWNER/NAME`: the claim has no ids, whatever the subject has.
    pub(crate) fn repository(&self) -> String {
        format!("{}/{}", self.repository.owner, self.repository.name)
    }

    /// The Git reference: from the subject, or `main`.
    pub(crate) fn git_ref(&self) -> &str {
        self.subject
            .split_once(":ref:")
            .map_or("refs/heads/main", |(_, git_ref)| git_ref)
    }

    /// The deployment environment, where the subject names one.
    fn environment(&self) -> Option<&str> {
        Some(self.subject.split_once(":environment:")?.1)
    }

    /// `pull_request` if the subject says so, else `push`.
    pub(crate) fn event(&self) -> &'static str {
        match self.subject.ends_with(":pull_request") {
            true => "pull_request",
            false => "push",
        }
    }

    fn claims(&self, audience: &str, now: i64) -> Map<String, Value> {
        let (repository, git_ref) = (self.repository(), self.git_ref());
        let workflow = format!("{repository}/.github/workflows/train.yml@{git_ref}");
        let mut claims = json!({
            "jti": Uuid::new_v4(),
            "sub": self.subject,
            "aud": audience,
            "ref": git_ref,
            "sha": SHA,
            "repository": repository,
            "repository_owner": self.repository.owner,
            "repository_owner_id": self.repository.owner_id,
            "run_id": RUN_ID,
            "run_number": "17",
            "run_attempt": "1",
            "repository_visibility": "private",
            "repository_id": self.repository.id,
            "actor_id": "1815",
            "actor": ACTOR,
            "workflow": WORKFLOW,
            "head_ref": "",
            "base_ref": "",
            "event_name": self.event(),
            "ref_protected": "true",
            "ref_type": if git_ref.starts_with("refs/tags/") { "tag" } else { "branch" },
            "workflow_ref": workflow,
            "workflow_sha": SHA,
            "job_workflow_ref": workflow,
            "job_workflow_sha": SHA,
            "runner_environment": "github-hosted",
            "iss": ISSUER,
            "nbf": now - EARLY,
            "exp": now + LIFETIME,
            "iat": now,
        });
        if let Some(environment) = self.environment() {
            claims["environment"] = environment.into();
        }
        object(claims)
    }
}

/// What the run's tokens and variables say about it.
pub(crate) const SHA: &str = "5ca1ab1e5ca1ab1e5ca1ab1e5ca1ab1e5ca1ab1e";
pub(crate) const RUN_ID: &str = "11235813213";
pub(crate) const ACTOR: &str = "ada-lovelace";
pub(crate) const WORKFLOW: &str = "train";

/// `ACTIONS_ID_TOKEN_REQUEST_URL` for the service's base URL. Clients append `&audience=…`.
pub(crate) fn request_url(base: &str) -> String {
    format!("{base}{PATH}?api-version=2.0")
}

/// The service's routes.
pub(crate) fn front_door(world: Arc<World>) -> FrontDoor {
    Routes::new()
        .route(PATH, get(token).fallback(only_get))
        .open(|router| router.fallback(not_found).with_state(world))
}

#[derive(Deserialize)]
struct GithubQuery {
    audience: Option<String>,
}

async fn token(
    State(world): State<Arc<World>>,
    Query(requested): Query<GithubQuery>,
    headers: HeaderMap,
) -> Response {
    let directory = world.directory();
    let Some(job) = job(&directory).filter(|job| is_job(&headers, Some(job.request_token))) else {
        return failure::unauthorized();
    };
    // The default audience is the owner's URL.
    let audience = requested.audience.filter(|audience| !audience.is_empty());
    let audience =
        audience.unwrap_or_else(|| format!("https://github.com/{}", job.repository.owner));
    match issuer::sign(&world, &job.claims(&audience, world.clock.unix())) {
        Ok(token) => Json(counted(token)).into_response(),
        Err(_) => failure::unavailable(),
    }
}

async fn only_get(method: Method) -> Response {
    failure::wrong_method(&method)
}

async fn not_found() -> Response {
    StatusCode::NOT_FOUND.into_response()
}
