//! `azcred emulator jobs logs`: a job's log.

use super::failure;
use crate::{commands::emulator::state::State, failure::Failure, given, output::Output};
use clap::Args;
use serde::Serialize;

/// Print the log of a job
///
/// It is the log that clients stream: what was recorded, and how the job ended.
#[derive(Args)]
#[command(after_help = "\
Example:
  azcred emulator jobs logs brave_kite_1x2y3z")]
pub(super) struct Logs {
    /// The job's name
    #[arg(value_name = "NAME", value_parser = given::text)]
    name: String,

    #[command(flatten)]
    state: State,
}

/// The output of `--output json`.
#[derive(Serialize)]
struct LogDocument<'a> {
    name: &'a str,
    lines: Vec<&'a str>,
}

impl Logs {
    pub(super) fn run(self, output: &mut Output) -> Result<u8, Failure> {
        let info = self.state.running()?;
        let found = info.job(&self.name);
        let job = found.map_err(|error| failure(&error, &self.state))?;
        if output.is_json() {
            output.json(&LogDocument {
                name: &job.summary.name,
                lines: job.log.lines().collect(),
            });
            return Ok(0);
        }
        for line in job.log.lines() {
            output.line(line);
        }
        if job.log.is_empty() {
            output.note("No log until now: the job has not begun to run.");
        }
        Ok(0)
    }
}
