//! `azcred emulator status`: whether an emulator runs, and where.

use super::{start, state::State};
use crate::{failure::Failure, output::Output};
use clap::Args;

/// Show the addresses of a running emulator
///
/// Fails if none is running.
#[derive(Args)]
#[command(after_help = "\
Examples:
  azcred emulator status
  azcred emulator status --state ./azure --output json")]
pub(super) struct Status {
    #[command(flatten)]
    state: State,
}

impl Status {
    pub(super) fn run(self, output: &mut Output) -> Result<u8, Failure> {
        let info = self.state.running()?;
        if output.is_json() {
            output.json(&start::document(&info));
        } else {
            let stop = format!("`azcred emulator stop{}` stops it.", self.state.again());
            for line in start::ready(&info, &self.state.again(), &stop) {
                output.line(line);
            }
        }
        Ok(0)
    }
}
