//! `azcred emulator jobs`: the Azure ML jobs of a running emulator.

mod end;
mod logs;
mod show;

use super::state::State;
use crate::{
    failure::{Failure, Kind},
    output::{Output, Stream, table, time::ago},
};
use azcred_emulator::{
    Info,
    jobs::{JobKind, JobState, JobSummary},
};
use clap::{Args, Subcommand};
use serde::Serialize;
use std::io::{self, ErrorKind};

/// Show the Azure ML jobs of a running emulator, and decide how they end
///
/// The emulator executes no job. It records what was sent, and moves each job through its states
/// by the clock: a job completes about a second after it was submitted.
#[derive(Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "\
Examples:
  azcred emulator jobs
  azcred emulator jobs show NAME
  azcred emulator jobs fail --next --message 'out of memory'
  azcred emulator jobs --output json | jq -r '.jobs[0].name'"
)]
pub(super) struct Jobs {
    #[command(subcommand)]
    command: Option<JobsCommand>,

    #[command(flatten)]
    state: State,
}

#[derive(Subcommand)]
enum JobsCommand {
    Show(show::Show),
    Logs(logs::Logs),
    Fail(end::Fail),
    Hang(end::Hang),
    Cancel(end::Cancel),
}

/// The output of `--output json`.
#[derive(Serialize)]
struct JobsDocument<'a> {
    jobs: Vec<JobDocument<'a>>,
}

/// A job in it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct JobDocument<'a> {
    name: &'a str,
    /// The id of the workspace.
    workspace: &'a str,
    /// `command`, `pipeline`, `step` of a pipeline, or `run` of the SDK v1.
    kind: JobKind,
    /// The name of a step in its pipeline.
    step: Option<&'a str>,
    experiment: &'a str,
    display_name: &'a str,
    state: JobState,
    /// A user's sign-in name, or an application's client id.
    submitted_by: &'a str,
    submitted: Option<String>,
    started: Option<String>,
    ended: Option<String>,
    error: Option<&'a str>,
    archived: bool,
}

impl Jobs {
    pub(super) fn run(self, output: &mut Output) -> Result<u8, Failure> {
        match self.command {
            None => list(&self.state, output),
            Some(JobsCommand::Show(command)) => command.run(output),
            Some(JobsCommand::Logs(command)) => command.run(output),
            Some(JobsCommand::Fail(command)) => command.run(output),
            Some(JobsCommand::Hang(command)) => command.run(output),
            Some(JobsCommand::Cancel(command)) => command.run(output),
        }
    }
}

fn list(state: &State, output: &mut Output) -> Result<u8, Failure> {
    let info = state.running()?;
    let jobs = info.jobs().map_err(|error| failure(&error, state))?;
    if output.is_json() {
        let jobs = jobs.iter().map(document).collect();
        output.json(&JobsDocument { jobs });
        return Ok(0);
    }
    if jobs.is_empty() {
        output.note("No job was submitted until now. `azcred emulator exec -- PROGRAM` runs a program that can submit one.");
        return Ok(0);
    }
    let rows: Vec<[String; 5]> = jobs.iter().map(|job| row(&info, job)).collect();
    let head = ["job", "state", "experiment", "submitted by", "submitted"];
    for line in table::columns(head, &rows, Stream::Stdout.columns()) {
        output.line(line);
    }
    Ok(0)
}

fn row(info: &Info, job: &JobSummary) -> [String; 5] {
    [
        job.name.clone(),
        job.state.as_str().to_owned(),
        job.experiment.clone(),
        sender(info, &job.submitted_by),
        ago(job.submitted),
    ]
}

fn document(job: &JobSummary) -> JobDocument<'_> {
    use crate::output::time::rfc3339;
    JobDocument {
        name: &job.name,
        workspace: &job.workspace,
        kind: job.kind,
        step: job.step.as_deref(),
        experiment: &job.experiment,
        display_name: &job.display_name,
        state: job.state,
        submitted_by: &job.submitted_by,
        submitted: rfc3339(job.submitted),
        started: job.started.and_then(rfc3339),
        ended: job.ended.and_then(rfc3339),
        error: job.error.as_deref(),
        archived: job.archived,
    }
}

/// A user's sign-in name, or the name of an application.
fn sender(info: &Info, name: &str) -> String {
    let mut identities = info.identities.iter();
    identities
        .find(|identity| identity.client_id.to_string() == name)
        .map_or_else(|| name.to_owned(), |identity| identity.name.clone())
}

/// Why the emulator did not do it.
fn failure(error: &io::Error, state: &State) -> Failure {
    let again = state.again();
    match error.kind() {
        ErrorKind::NotFound => {
            Failure::new(Kind::NotFound, "could not find the job", error.to_string())
                .titled("the emulator has no such job")
                .fix(format!("list the jobs with `azcred emulator jobs{again}`"))
        }
        ErrorKind::InvalidInput => {
            Failure::new(Kind::Failed, "could not change the job", error.to_string()).fix(
                "use --next in place of the name, to decide how the next job ends before it is submitted",
            )
        }
        ErrorKind::Unsupported => Failure::new(
            Kind::Failed,
            "could not read the emulator's jobs",
            "the running emulator is of an earlier version, which has no jobs",
        )
        .fix(format!(
            "stop it with `azcred emulator stop{again}`, and start it with this version"
        )),
        _ => Failure::new(
            Kind::Failed,
            "could not read the emulator's jobs",
            error.to_string(),
        ),
    }
}
