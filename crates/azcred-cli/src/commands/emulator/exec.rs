//! `azcred emulator exec`: runs a program inside an emulator.

use super::{Guest, begin, end, running, state::State};
use crate::{failure::Failure, output::Output, process::Program};
use azcred_emulator::{Info, Options};
use clap::Args;
use std::ffi::OsString;

/// Run a program inside an emulator and return its exit code
///
/// Uses the emulator that runs, else starts one for this program alone, which goes when the program ends; with --state it
/// keeps what it made. The program runs unmodified and without a shell; signals are passed on to it. Its exit code is
/// returned: 128 and the number of the signal where one ended it, 127 where there is no such program, 126 where it can't
/// be executed.
#[derive(Args)]
#[command(after_help = "\
Examples:
  azcred emulator exec -- azcred doctor
  azcred emulator exec --as himl -- python -m pytest
  azcred emulator exec --by ports -- sh -c 'echo $AZURE_AUTHORITY_HOST'")]
pub(super) struct Exec {
    #[command(flatten)]
    guest: Guest,

    #[command(flatten)]
    state: State,

    /// The program and its arguments
    #[arg(value_name = "COMMAND", required = true, trailing_var_arg = true)]
    command: Vec<OsString>,
}

impl Exec {
    pub(super) async fn run(self, output: &mut Output) -> Result<u8, Failure> {
        // A machine without a home has no emulator that runs in it.
        let found = match self.state.folder() {
            Ok(folder) => running(&folder)?,
            Err(failure) if self.state.given.is_some() => return Err(failure),
            Err(_) => None,
        };
        if let Some(info) = found {
            return Ok(self.inside(&info, output).await);
        }
        let starting = begin(Options {
            state_dir: self.state.given.clone(),
            ..Options::default()
        });
        let emulator = output.waiting("Starting a local Azure", starting).await?;
        let code = self.inside(emulator.info(), output).await;
        end(emulator).await;
        Ok(code)
    }

    async fn inside(&self, info: &Info, output: &Output) -> u8 {
        let environment = info.environment(self.guest.persona, self.guest.way);
        let program = Program {
            command: &self.command,
            set: &environment.set,
            unset: &environment.unset,
        };
        program.run().await.unwrap_or_else(|not_run| {
            output.failure(&not_run.failure);
            not_run.exit_code
        })
    }
}
