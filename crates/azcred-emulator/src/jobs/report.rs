//! Jobs as the admin port shows them.

use super::{Job, JobKind, JobState, Jobs};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use time::OffsetDateTime;

/// A job in a list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct JobSummary {
    /// The name, or a step's GUID.
    pub name: String,
    /// The id of the workspace.
    pub workspace: String,
    /// What it is.
    pub kind: JobKind,
    /// The name of a step in its pipeline.
    #[serde(default)]
    pub step: Option<String>,
    /// The experiment.
    pub experiment: String,
    /// The name that people see.
    pub display_name: String,
    /// Its state at the time of the request.
    pub state: JobState,
    /// A user's sign-in name, or an application's client id.
    pub submitted_by: String,
    /// When it was submitted, UTC.
    #[serde(with = "time::serde::rfc3339")]
    pub submitted: OffsetDateTime,
    /// When it began to run, if it has.
    #[serde(default, with = "time::serde::rfc3339::option")]
    pub started: Option<OffsetDateTime>,
    /// When it ended, if it has.
    #[serde(default, with = "time::serde::rfc3339::option")]
    pub ended: Option<OffsetDateTime>,
    /// The message of its error, if it has failed.
    #[serde(default)]
    pub error: Option<String>,
    /// Whether it is hidden from lists in Azure.
    pub archived: bool,
}

/// A job with what was sent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct JobReport {
    /// As in a list.
    #[serde(flatten)]
    pub summary: JobSummary,
    /// The description.
    #[serde(default)]
    pub description: Option<String>,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
    /// Its properties.
    pub properties: BTreeMap<String, String>,
    /// The steps of a pipeline.
    pub steps: Vec<JobSummary>,
    /// What was sent, in the words of the request.
    pub sent: Map<String, Value>,
    /// The log until now.
    pub log: String,
}

impl JobSummary {
    pub(crate) fn of(job: &Job, now: OffsetDateTime) -> Self {
        Self {
            name: job.name.clone(),
            workspace: job.workspace.to_string(),
            kind: job.kind,
            step: job.step.clone(),
            experiment: job.experiment.clone(),
            display_name: job.display_name.clone(),
            state: job.state(now),
            submitted_by: job.sender.name.clone(),
            submitted: job.submitted,
            started: job.started(now),
            ended: job.ended(now),
            error: job.error(now).map(str::to_owned),
            archived: job.archived,
        }
    }
}

impl JobReport {
    pub(crate) fn of(jobs: &Jobs, job: &Job, log: String, now: OffsetDateTime) -> Self {
        let steps = jobs.children(job);
        Self {
            summary: JobSummary::of(job, now),
            description: job.description.clone(),
            tags: job.tags.clone(),
            properties: job.properties.clone(),
            steps: steps.iter().map(|step| JobSummary::of(step, now)).collect(),
            sent: job.body.clone(),
            log,
        }
    }
}

impl Jobs {
    /// The newest job or step with this name, in any case and in any workspace.
    pub(crate) fn named(&self, name: &str) -> Option<Job> {
        let inner = self.read();
        let all = inner.jobs.values();
        all.filter(|job| job.name.eq_ignore_ascii_case(name))
            .max_by_key(|job| job.submitted)
            .cloned()
    }
}
