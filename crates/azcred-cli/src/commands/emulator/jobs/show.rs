//! `azcred emulator jobs show`: a job, with what was sent.

use super::{JobDocument, document, failure, sender};
use crate::{
    commands::emulator::state::State,
    failure::Failure,
    given,
    output::{
        Output, Stream,
        style::{STRONG, paint},
        table,
        time::{ago, span},
    },
};
use azcred_emulator::{
    Info,
    jobs::{JobKind, JobReport, JobSummary},
};
use clap::Args;
use serde::Serialize;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// Show a job: its state, its steps, and what was sent
#[derive(Args)]
#[command(after_help = "\
Examples:
  azcred emulator jobs show brave_kite_1x2y3z
  azcred emulator jobs show brave_kite_1x2y3z --output json | jq .sent")]
pub(super) struct Show {
    /// The job's name, or a step's
    #[arg(value_name = "NAME", value_parser = given::text)]
    name: String,

    #[command(flatten)]
    state: State,
}

/// The output of `--output json`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ShowDocument<'a> {
    #[serde(flatten)]
    job: JobDocument<'a>,
    description: Option<&'a str>,
    tags: &'a BTreeMap<String, String>,
    properties: &'a BTreeMap<String, String>,
    steps: Vec<JobDocument<'a>>,
    /// What was sent, in the words of the request.
    sent: &'a Map<String, Value>,
}

impl Show {
    pub(super) fn run(self, output: &mut Output) -> Result<u8, Failure> {
        let info = self.state.running()?;
        let found = info.job(&self.name);
        let job = found.map_err(|error| failure(&error, &self.state))?;
        if output.is_json() {
            output.json(&ShowDocument {
                job: document(&job.summary),
                description: job.description.as_deref(),
                tags: &job.tags,
                properties: &job.properties,
                steps: job.steps.iter().map(document).collect(),
                sent: &job.sent,
            });
            return Ok(0);
        }
        for line in table::pairs(&facts(&info, &job)) {
            output.line(line);
        }
        if !job.steps.is_empty() {
            output.line("");
            for line in steps(&job.steps) {
                output.line(line);
            }
        }
        let name = &job.summary.name;
        let command = format!(
            "azcred emulator jobs show {name}{} --output json",
            self.state.again()
        );
        let shown = [(command, "all that was sent")];
        output.note("");
        for line in table::commands(&shown) {
            output.note(line.trim_start());
        }
        Ok(0)
    }
}

fn facts(info: &Info, job: &JobReport) -> Vec<(&'static str, String)> {
    let one = &job.summary;
    let mut facts = vec![
        ("Job", paint(STRONG, &one.name)),
        ("State", one.state.as_str().to_owned()),
    ];
    let mut put = |name, value: Option<String>| {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            facts.push((name, value));
        }
    };
    put("Error", one.error.clone());
    put("Kind", Some(kind(one.kind).to_owned()));
    put("Step", one.step.clone());
    let shown = Some(one.display_name.clone()).filter(|shown| *shown != one.name);
    put("Display name", shown);
    put("Description", job.description.clone());
    put("Experiment", Some(one.experiment.clone()));
    let by = sender(info, &one.submitted_by);
    put(
        "Submitted",
        Some(format!("by {by}, {}", ago(one.submitted))),
    );
    put("Ran for", ran(one));
    let sent = |name: &str| Some(short(job.sent.get(name)?.as_str()?).to_owned());
    for (name, member) in [
        ("Command", "command"),
        ("Script", "script"),
        ("Component", "componentId"),
        ("Code", "codeId"),
        ("Environment", "environmentId"),
        ("Compute", "computeId"),
        ("Target", "target"),
    ] {
        put(name, sent(member));
    }
    put("Inputs", names(&job.sent, "inputs"));
    put("Outputs", names(&job.sent, "outputs"));
    put("Tags", pairs(&job.tags));
    put("Archived", one.archived.then(|| "yes".to_owned()));
    facts
}

fn kind(kind: JobKind) -> &'static str {
    match kind {
        JobKind::Command => "command job",
        JobKind::Pipeline => "pipeline job",
        JobKind::Step => "step of a pipeline",
        JobKind::Run => "run of the SDK v1",
        JobKind::Recorded => "run that a program records",
    }
}

/// How long a job has run.
fn ran(job: &JobSummary) -> Option<String> {
    let time = job.ended? - job.started?;
    match time.whole_seconds() {
        0 => Some("less than a second".to_owned()),
        seconds => Some(span(seconds)),
    }
}

/// The part of an id that tells it from others: `train-env:3`, `cpu-cluster`.
fn short(id: &str) -> String {
    let Some((_, rest)) = id
        .split_once("/workspaces/")
        .filter(|_| id.starts_with("/subscriptions/"))
    else {
        return id.to_owned();
    };
    let parts: Vec<&str> = rest.split('/').collect();
    match parts.as_slice() {
        [_, _, name, "versions", version] => format!("{name}:{version}"),
        [_, _, name] => (*name).to_owned(),
        _ => rest.to_owned(),
    }
}

/// The names of inputs or outputs.
fn names(sent: &Map<String, Value>, member: &str) -> Option<String> {
    let all = sent.get(member)?.as_object()?;
    let names: Vec<&str> = all.keys().map(String::as_str).collect();
    Some(names.join(", "))
}

fn pairs(tags: &BTreeMap<String, String>) -> Option<String> {
    let all: Vec<String> = tags
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    Some(all.join(", "))
}

fn steps(steps: &[JobSummary]) -> Vec<String> {
    let rows: Vec<[String; 3]> = steps
        .iter()
        .map(|step| {
            let name = step.step.as_ref().unwrap_or(&step.display_name);
            [
                name.clone(),
                step.state.as_str().to_owned(),
                step.name.clone(),
            ]
        })
        .collect();
    table::columns(["step", "state", "job"], &rows, Stream::Stdout.columns())
}
