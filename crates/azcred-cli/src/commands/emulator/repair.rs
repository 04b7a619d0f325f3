//! `azcred emulator repair`: undoes the troubles of `azcred emulator break`.

use super::{
    breaking::{Names, unanswered},
    isolated,
    state::State,
};
use crate::{
    failure::{Failure, Kind},
    output::{
        Output,
        style::{DIM, GOOD, paint},
    },
    shell::Shell,
};
use azcred_emulator::{
    Info, Inherited, Lifetime,
    troubles::{Repaired, Trouble},
};
use clap::Args;
use serde::Serialize;
use std::{
    collections::{BTreeMap, BTreeSet},
    io,
};

/// Undo the troubles of `azcred emulator break`
///
/// Without a name, all of them. What you have changed since, such as a new secret, stays. The lines
/// on standard output give the variables of a trouble their values again.
#[derive(Args)]
#[command(after_help = "\
Examples:
  azcred emulator repair expired-secret

  # all troubles, with their variables
  eval \"$(azcred emulator repair)\"")]
pub(super) struct Repair {
    /// The trouble's name [default: all]
    #[arg(value_name = "WHAT", value_parser = Names, hide_possible_values = true)]
    what: Option<&'static Trouble>,

    /// Write the lines for sh (bash, zsh), fish, powershell or json [default: your shell]
    #[arg(long, value_name = "SHELL", value_enum, hide_possible_values = true)]
    shell: Option<Shell>,

    #[command(flatten)]
    state: State,
}

/// The output of `--output json` and `--shell json`.
#[derive(Serialize)]
struct RepairDocument<'a> {
    /// The troubles that were repaired.
    repaired: Vec<&'a str>,
    /// Variables to set.
    variables: &'a BTreeMap<String, String>,
    /// Variables to unset.
    unset: &'a BTreeSet<String>,
}

impl Repair {
    pub(super) fn run(self, output: &mut Output) -> Result<u8, Failure> {
        let info = self.state.running()?;
        let repaired = info
            .repair(self.what)
            .map_err(|error| self.failure(&error))?;
        let (set, unset) = variables(&info, &repaired)?;
        let shell = self.shell.unwrap_or_else(Shell::current);
        if output.is_json() || shell == Shell::Json {
            output.json(&RepairDocument {
                repaired: repaired.iter().map(|one| one.name.as_str()).collect(),
                variables: &set,
                unset: &unset,
            });
            return Ok(0);
        }
        let lines = shell.lines(&set, &unset);
        if !lines.is_empty() {
            output.script(lines.trim_end());
        }
        for one in &repaired {
            output.note(format!("{} Repaired: {}.", paint(GOOD, "✓"), one.name));
        }
        if repaired.is_empty() {
            output.note(paint(DIM, "The emulator is in no trouble."));
        }
        if output.is_terminal() && !lines.is_empty() {
            let line = "\nThese lines are for the shell that has the troubles' variables.";
            output.note(paint(DIM, line));
        }
        Ok(0)
    }

    fn failure(&self, error: &io::Error) -> Failure {
        match (error.kind(), self.what) {
            (io::ErrorKind::NotFound, Some(trouble)) => {
                let what = format!("could not repair the trouble '{}'", trouble.name);
                let again = self.state.again();
                Failure::new(Kind::NotFound, what, "the emulator is not in this trouble").fix(
                    format!("repair all troubles with `azcred emulator repair{again}`"),
                )
            }
            _ => unanswered(
                error,
                "could not repair the emulator".to_owned(),
                &self.state,
            ),
        }
    }
}

/// The variables that the troubles had changed, as they are without them.
fn variables(
    info: &Info,
    repaired: &[Repaired],
) -> Result<(BTreeMap<String, String>, BTreeSet<String>), Failure> {
    let (mut set, mut unset) = (BTreeMap::new(), BTreeSet::new());
    for one in repaired.iter().filter(|one| !one.variables.is_empty()) {
        let inherited = Inherited {
            lifetime: Lifetime::Shell,
            ..Inherited::here()
        };
        let healthy = isolated(info, one.persona, one.way, &inherited)?;
        for name in &one.variables {
            match healthy.set.get(name) {
                Some(value) => {
                    unset.remove(name);
                    set.insert(name.clone(), value.clone());
                }
                None if set.contains_key(name) => {}
                None => {
                    unset.insert(name.clone());
                }
            }
        }
    }
    Ok((set, unset))
}
