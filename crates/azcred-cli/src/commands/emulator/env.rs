//! `azcred emulator env`: the variables with which a program uses a running emulator.

use super::{Guest, state::State};
use crate::{
    failure::Failure,
    output::{
        Output,
        style::{DIM, paint},
    },
    shell::Shell,
};
use azcred_emulator::Lifetime;
use clap::Args;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// Print the variables with which a program uses a running emulator
///
/// The lines set the emulator's addresses and certificates, the workspace and an account, and
/// folders apart from your own for sign-ins. They unset the variables of other accounts.
#[derive(Args)]
#[command(after_help = super::help("\
Examples:
  # sh, bash, zsh
  eval \"$(azcred emulator env)\"

  # fish, and PowerShell
  azcred emulator env --shell fish | source
  azcred emulator env --shell powershell | Out-String | Invoke-Expression

  azcred emulator env --as himl --by ports --output json"))]
pub(super) struct Env {
    #[command(flatten)]
    guest: Guest,

    /// Write the lines for sh (bash, zsh), fish, powershell or json [default: your shell]
    #[arg(long, value_name = "SHELL", value_enum, hide_possible_values = true)]
    shell: Option<Shell>,

    #[command(flatten)]
    state: State,
}

/// The output of `--output json` and `--shell json`.
#[derive(Serialize)]
struct EnvDocument<'a> {
    /// Variables to set.
    set: &'a BTreeMap<String, String>,
    /// Variables to unset.
    unset: &'a BTreeSet<String>,
}

impl Env {
    pub(super) fn run(self, output: &mut Output) -> Result<u8, Failure> {
        let info = self.state.running()?;
        let environment = self.guest.isolated(&info, Lifetime::Shell)?;
        self.guest.warn(&info, &environment, output);
        let shell = self.shell.unwrap_or_else(Shell::current);
        if output.is_json() || shell == Shell::Json {
            output.json(&EnvDocument {
                set: &environment.set,
                unset: &environment.unset,
            });
            return Ok(0);
        }
        let lines = shell.lines(&environment.set, &environment.unset);
        output.script(lines.trim_end());
        if output.is_terminal() {
            let hint = format!(
                "\nTo set them in this shell: {}",
                shell.set_by("azcred emulator env")
            );
            output.note(paint(DIM, hint));
        }
        Ok(0)
    }
}
