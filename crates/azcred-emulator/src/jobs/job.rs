//! One job.

use super::{
    rule::Outcome,
    timeline::{JobState, Timeline},
};
use crate::resources::Scope;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

/// How long a job runs, without a rule: short, so that a program that waits ends soon.
const RUNNING: f64 = 0.7;
/// The longest run that a rule can set.
const LONGEST: f64 = 366.0 * 24.0 * 3600.0;

/// What a job is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JobKind {
    /// A command job of Azure Resource Manager.
    Command,
    /// A pipeline job of Azure Resource Manager.
    Pipeline,
    /// A step of a pipeline.
    Step,
    /// A run that azureml-core submitted.
    Run,
    /// A run that a program records itself, and that ends when the program says so.
    Recorded,
}

/// Who submitted a job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sender {
    /// A user's sign-in name, or an application's client id.
    pub name: String,
    /// `User` or `Application`.
    pub kind: String,
    /// The object id.
    pub object_id: Uuid,
    /// The tenant.
    pub tenant: Uuid,
}

/// A value that a program measured.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Metric {
    /// The name.
    pub key: String,
    /// A finite number.
    pub value: f64,
    /// When it was measured, in Unix milliseconds.
    #[serde(default)]
    pub timestamp: i64,
    /// At which step.
    #[serde(default)]
    pub step: i64,
}

/// A job, or a step of a pipeline.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Job {
    /// The workspace.
    pub workspace: Scope,
    /// The name, unique in the workspace in any case. For a step it is a GUID.
    pub name: String,
    /// What it is.
    pub kind: JobKind,
    /// The experiment.
    pub experiment: String,
    /// The name that people see.
    pub display_name: String,
    /// The description.
    #[serde(default)]
    pub description: Option<String>,
    /// What was sent: the member `properties` of the request, a pipeline's entry for a step, or the
    /// run's configuration.
    #[serde(default)]
    pub body: Map<String, Value>,
    /// Who submitted it.
    pub sender: Sender,
    /// When it was submitted.
    #[serde(with = "time::serde::rfc3339")]
    pub submitted: OffsetDateTime,
    /// Its properties.
    #[serde(default)]
    pub properties: BTreeMap<String, String>,
    /// Its tags.
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
    /// The parameters that a program logged.
    #[serde(default)]
    pub parameters: BTreeMap<String, String>,
    /// The metrics that a program logged, in order.
    #[serde(default)]
    pub metrics: Vec<Metric>,
    /// Whether it is hidden from lists.
    #[serde(default)]
    pub archived: bool,
    /// The pipeline of a step.
    #[serde(default)]
    pub parent: Option<String>,
    /// The name of a step in its pipeline.
    #[serde(default)]
    pub step: Option<String>,
    /// The steps, by the names of their jobs, that must complete before this one begins.
    #[serde(default)]
    pub after: Vec<String>,
    /// The steps of a pipeline, by the names of their jobs.
    #[serde(default)]
    pub children: Vec<String>,
    /// How it ends.
    #[serde(default)]
    pub outcome: Outcome,
    /// The message of the error with which it fails.
    #[serde(default)]
    pub failure: Option<String>,
    seconds: f64,
    /// When it is in which state.
    pub timeline: Timeline,
}

/// A step of a pipeline that is submitted.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// The name in the pipeline.
    pub name: String,
    /// The steps, by their names in the pipeline, that must complete before this one begins.
    pub after: Vec<String>,
    /// The pipeline's entry for it.
    pub body: Map<String, Value>,
}

/// A line of a job's log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogLine {
    /// When it was written.
    pub at: OffsetDateTime,
    /// Its text, without a line break.
    pub text: String,
}

impl Job {
    /// A job that is to be submitted now.
    pub fn new(
        workspace: Scope,
        name: &str,
        kind: JobKind,
        sender: Sender,
        now: OffsetDateTime,
    ) -> Self {
        Self {
            workspace,
            name: name.to_owned(),
            kind,
            experiment: "Default".to_owned(),
            display_name: name.to_owned(),
            description: None,
            body: Map::new(),
            sender,
            submitted: now,
            properties: BTreeMap::new(),
            tags: BTreeMap::new(),
            parameters: BTreeMap::new(),
            metrics: Vec::new(),
            archived: false,
            parent: None,
            step: None,
            after: Vec::new(),
            children: Vec::new(),
            outcome: Outcome::default(),
            failure: None,
            seconds: RUNNING,
            timeline: Timeline::default(),
        }
    }

    /// The state at a time.
    pub fn state(&self, now: OffsetDateTime) -> JobState {
        self.timeline.state(now)
    }

    /// When it began to run, if it has.
    pub fn started(&self, now: OffsetDateTime) -> Option<OffsetDateTime> {
        let started = self.timeline.entered(JobState::Running);
        started.filter(|at| *at <= now)
    }

    /// When it ended, if it has.
    pub fn ended(&self, now: OffsetDateTime) -> Option<OffsetDateTime> {
        let (at, _) = self.timeline.end()?;
        (at <= now).then_some(at)
    }

    /// The message of its error, if it has failed.
    pub fn error(&self, now: OffsetDateTime) -> Option<&str> {
        const DEFAULT: &str = "The job failed because a rule of the emulator says so.";
        (self.state(now) == JobState::Failed).then(|| self.failure.as_deref().unwrap_or(DEFAULT))
    }

    /// Sets how long it runs, in seconds.
    pub fn set_seconds(&mut self, seconds: f64) {
        let is_number = !seconds.is_nan();
        self.seconds = if is_number {
            seconds.clamp(0.0, LONGEST)
        } else {
            0.0
        };
    }

    pub(super) fn running(&self) -> Duration {
        Duration::seconds_f64(self.seconds)
    }

    /// The log until a time: what was recorded, and the states.
    pub fn log(&self, now: OffsetDateTime) -> Vec<LogLine> {
        let mut lines = Vec::new();
        for (at, state) in self.timeline.until(now) {
            let mut put = |text: String| lines.push(LogLine { at, text });
            if state == JobState::Running {
                put("The Azure emulator executes nothing. It recorded this job:".to_owned());
                self.facts().into_iter().for_each(put);
            } else if state.is_final() {
                if let Some(message) = self.error(now) {
                    put(message.to_owned());
                }
                put(format!("The job is {}.", state.as_str()));
            }
        }
        lines
    }

    /// What the log says of the request.
    fn facts(&self) -> Vec<String> {
        let mut facts = vec![format!("name: {}", self.name)];
        let mut put = |name: &str, value: &str| {
            for line in value.lines() {
                let line: String = line.chars().filter(|one| !one.is_control()).collect();
                facts.push(format!("{name}: {line}"));
            }
        };
        if let Some(step) = &self.step {
            put("step", step);
        }
        put("experiment", &self.experiment);
        put("submitted by", &self.sender.name);
        for (name, member) in [
            ("command", "command"),
            ("script", "script"),
            ("component", "componentId"),
            ("code", "codeId"),
            ("code", "snapshotId"),
            ("environment", "environmentId"),
            ("compute", "computeId"),
            ("target", "target"),
        ] {
            if let Some(value) = self.body.get(member).and_then(Value::as_str) {
                put(name, value);
            }
        }
        facts
    }

    /// The job of a step of this pipeline.
    pub(super) fn child(&self, step: Step) -> Self {
        let mut child = Self::new(
            self.workspace.clone(),
            &self.child_name(&step.name),
            JobKind::Step,
            self.sender.clone(),
            self.submitted,
        );
        child.experiment.clone_from(&self.experiment);
        child.parent = Some(self.name.clone());
        child.after = step
            .after
            .iter()
            .map(|name| self.child_name(name))
            .collect();
        child.display_name.clone_from(&step.name);
        child.step = Some(step.name);
        child.body = step.body;
        child
    }

    /// The name of a step's job: a GUID, the same each time.
    fn child_name(&self, step: &str) -> String {
        let text = format!("{}/{}/{step}", self.workspace.key(), self.name);
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, text.as_bytes());
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&digest.as_ref()[..16]);
        uuid::Builder::from_random_bytes(bytes)
            .into_uuid()
            .to_string()
    }
}
