//! `azcred emulator jobs fail`, `hang` and `cancel`: how a job ends.

use super::failure;
use crate::{
    commands::emulator::state::State,
    failure::Failure,
    given,
    output::{
        Output,
        style::{GOOD, paint},
    },
};
use azcred_emulator::jobs::{JobRule, Outcome};
use clap::Args;

/// Let a job fail
///
/// A job that runs fails at once. With --next, the next job that is submitted fails.
#[derive(Args)]
#[command(after_help = "\
Examples:
  azcred emulator jobs fail brave_kite_1x2y3z
  azcred emulator jobs fail --next --message 'out of memory'")]
pub(super) struct Fail {
    #[command(flatten)]
    which: Which,

    /// The message of the error, which clients show
    #[arg(long, value_name = "TEXT", value_parser = given::text)]
    message: Option<String>,

    #[command(flatten)]
    state: State,
}

/// Let a job run without end
///
/// `azcred emulator jobs cancel NAME` ends it, and so does a client that cancels it.
#[derive(Args)]
#[command(after_help = "\
Example:
  azcred emulator jobs hang --next")]
pub(super) struct Hang {
    #[command(flatten)]
    which: Which,

    #[command(flatten)]
    state: State,
}

/// Cancel a job
///
/// As if a person had canceled it in Azure ML's studio. With --next, the next job that is submitted
/// is canceled while it runs.
#[derive(Args)]
#[command(after_help = "\
Example:
  azcred emulator jobs cancel brave_kite_1x2y3z")]
pub(super) struct Cancel {
    #[command(flatten)]
    which: Which,

    #[command(flatten)]
    state: State,
}

#[derive(Args)]
#[group(required = true, multiple = false)]
struct Which {
    /// The job's name
    #[arg(value_name = "NAME", value_parser = given::text)]
    name: Option<String>,

    /// Choose the next job that is submitted, in place of one with a name
    #[arg(long)]
    next: bool,
}

impl Fail {
    pub(super) fn run(self, output: &mut Output) -> Result<u8, Failure> {
        let message = self.message.as_deref();
        end(&self.which, &self.state, Outcome::Fail, message, output)
    }
}

impl Hang {
    pub(super) fn run(self, output: &mut Output) -> Result<u8, Failure> {
        end(&self.which, &self.state, Outcome::Hang, None, output)
    }
}

impl Cancel {
    pub(super) fn run(self, output: &mut Output) -> Result<u8, Failure> {
        end(&self.which, &self.state, Outcome::Cancel, None, output)
    }
}

fn end(
    which: &Which,
    state: &State,
    outcome: Outcome,
    message: Option<&str>,
    output: &mut Output,
) -> Result<u8, Failure> {
    let info = state.running()?;
    let (what, verb) = match &which.name {
        Some(name) => {
            let ended = info.end_job(name, outcome, message);
            ended.map_err(|error| failure(&error, state))?;
            (format!("The job '{name}'"), now(outcome))
        }
        None => {
            let rule = JobRule {
                outcome,
                message: message.map(str::to_owned),
                count: Some(1),
                ..JobRule::default()
            };
            info.add_job_rule(&rule)
                .map_err(|error| failure(&error, state))?;
            ("The next job".to_owned(), later(outcome))
        }
    };
    output.note(format!("{} {what} {verb}.", paint(GOOD, "✓")));
    Ok(0)
}

/// What becomes of a job that was submitted.
fn now(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Complete => "completes",
        Outcome::Fail => "fails now",
        Outcome::Hang => "runs without end",
        Outcome::Cancel => "is canceled now",
    }
}

/// What becomes of the next one.
fn later(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Complete => "will complete",
        Outcome::Fail => "will fail",
        Outcome::Hang => "will run without end",
        Outcome::Cancel => "will be canceled while it runs",
    }
}
