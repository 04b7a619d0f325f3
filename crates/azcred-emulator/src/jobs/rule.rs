//! How jobs end: rules of a seed or of the admin port.

use super::job::{Job, JobKind};
use serde::{Deserialize, Serialize};

/// How a job ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It completes.
    #[default]
    Complete,
    /// It fails.
    Fail,
    /// It runs and does not end.
    Hang,
    /// It is canceled.
    Cancel,
}

/// How the jobs that match it end, and how long they run. A rule without conditions matches every
/// job. Names are compared without regard to case.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JobRule {
    /// The experiment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub experiment: Option<String>,
    /// The name of a job, its display name, or the name of a step in its pipeline.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// How it ends.
    #[serde(default)]
    pub outcome: Outcome,
    /// How long it runs, in seconds. Without it, the default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seconds: Option<f64>,
    /// The message of the error with which it fails.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// For how many submissions it counts. A pipeline with its steps is one. All if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<u32>,
}

impl JobRule {
    pub(super) fn matches(&self, job: &Job) -> bool {
        let is = |wanted: &Option<String>, names: &[&str]| {
            wanted
                .as_ref()
                .is_none_or(|wanted| names.iter().any(|name| name.eq_ignore_ascii_case(wanted)))
        };
        let step = job.step.as_deref().unwrap_or_default();
        job.kind != JobKind::Recorded
            && self.count != Some(0)
            && is(&self.experiment, &[&job.experiment])
            && is(&self.name, &[&job.name, &job.display_name, step])
    }

    /// Counts a submission. Returns whether the rule is for another one.
    pub(super) fn count_down(&mut self) -> bool {
        let Some(count) = &mut self.count else {
            return true;
        };
        *count = count.saturating_sub(1);
        *count > 0
    }

    pub(super) fn apply(&self, job: &mut Job) {
        job.outcome = self.outcome;
        if let Some(seconds) = self.seconds {
            job.set_seconds(seconds);
        }
        job.failure.clone_from(&self.message);
    }
}
