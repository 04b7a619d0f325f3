//! `azcred emulator seed`: the built-in seed, as a sample.

use crate::{failure::Failure, output::Output};
use clap::Args;

/// Print the built-in seed, as a sample for --seed
#[derive(Args)]
#[command(after_help = "\
Examples:
  azcred emulator seed > contoso.toml
  azcred emulator start --seed contoso.toml")]
pub(super) struct Seed;

impl Seed {
    pub(super) fn run(output: &mut Output) -> Result<u8, Failure> {
        output.script(azcred_emulator::Seed::default_text().trim_end());
        Ok(0)
    }
}
