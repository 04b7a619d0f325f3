//! `azcred emulator break`: puts a running emulator into a trouble, by name.

use super::{isolated, named, state::State, way_help};
use crate::{
    failure::{Failure, Kind},
    output::{
        Output, Stream,
        style::{BAD, DIM, STRONG, paint},
        wrap::wrap,
    },
    shell::Shell,
};
use azcred_emulator::{
    Info, Inherited, Lifetime, PERSONAS, Persona, WAYS, Way,
    troubles::{self, Area, Change, Trouble, TroubleError},
};
use clap::{
    Arg, Args, Command,
    builder::{PossibleValue, PossibleValuesParser, TypedValueParser},
    error::ContextKind,
};
use serde::Serialize;
use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::OsStr,
    io,
    path::PathBuf,
};

/// Put a running emulator into a trouble, by name
///
/// Something is then broken in the emulated Azure, in the variables or in a file, as it happens to
/// people. Run a program or `azcred doctor` to see what it says. `azcred emulator repair` undoes
/// it. The lines on standard output set and unset the variables of the trouble. If it needs none,
/// there are none. Your own files are never changed.
#[derive(Args)]
#[command(after_help = "\
Examples:
  azcred emulator break --list

  # a secret that has expired, for the shell that has the emulator's variables
  azcred emulator break expired-secret
  azcred doctor
  azcred emulator repair

  # variables that lack the secret, for a new shell
  eval \"$(azcred emulator break half-set-variables --as service-principal)\"")]
pub(super) struct Break {
    /// The trouble's name
    #[arg(value_name = "WHAT", value_parser = Names, required_unless_present = "list", hide_possible_values = true)]
    what: Option<&'static Trouble>,

    /// List the troubles
    #[arg(long, conflicts_with = "what")]
    list: bool,

    /// Print the variables of this account too, as `azcred emulator env` does [default: only those
    /// that the trouble changes]
    #[arg(long = "as", value_name = "WHO", value_parser = named(PERSONAS, |persona| persona.summary()), hide_possible_values = true)]
    persona: Option<Persona>,

    /// How the program reaches the emulator
    #[arg(long = "by", value_name = "WAY", default_value = "names", value_parser = named(WAYS, way_help), hide_possible_values = true)]
    way: Way,

    /// Write the lines for sh (bash, zsh), fish, powershell or json [default: your shell]
    #[arg(long, value_name = "SHELL", value_enum, hide_possible_values = true)]
    shell: Option<Shell>,

    #[command(flatten)]
    state: State,
}

/// The output of `--output json` and `--shell json`.
#[derive(Serialize)]
struct BreakDocument<'a> {
    /// The trouble.
    #[serde(flatten)]
    trouble: TroubleDocument,
    /// Variables to set.
    variables: &'a BTreeMap<String, String>,
    /// Variables to unset.
    unset: &'a BTreeSet<String>,
    /// Files that were written for it.
    files: &'a [PathBuf],
    /// The folder in which the program must run; `null` for any.
    directory: Option<&'a PathBuf>,
}

/// A trouble in JSON.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct TroubleDocument {
    name: &'static str,
    area: &'static str,
    sentence: &'static str,
    /// The accounts for which it can be made, the best first.
    accounts: Vec<&'static str>,
    /// Who can fix it: `here`, `signIn`, `owner`, `others`.
    fixed_by: &'static str,
    /// How.
    fix: &'static str,
}

/// The output of `--list --output json`.
#[derive(Serialize)]
struct ListDocument {
    troubles: Vec<TroubleDocument>,
}

/// A parser for the names of troubles, which suggests the nearest ones.
#[derive(Clone)]
pub(super) struct Names;

impl TypedValueParser for Names {
    type Value = &'static Trouble;

    fn parse_ref(
        &self,
        command: &Command,
        argument: Option<&Arg>,
        value: &OsStr,
    ) -> Result<Self::Value, clap::Error> {
        let names = troubles::ALL.iter().map(|trouble| trouble.name);
        let parsed = PossibleValuesParser::new(names).parse_ref(command, argument, value);
        let name = parsed.map_err(|mut error| {
            // The list is several screens long.
            error.remove(ContextKind::ValidValue);
            error
        })?;
        troubles::named(&name).ok_or_else(|| clap::Error::new(clap::error::ErrorKind::InvalidValue))
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        let all = troubles::ALL.iter();
        Some(Box::new(all.map(|trouble| {
            PossibleValue::new(trouble.name).help(trouble.sentence)
        })))
    }
}

impl Break {
    pub(super) fn run(self, output: &mut Output) -> Result<u8, Failure> {
        let Some(trouble) = self.what else {
            list(output);
            return Ok(0);
        };
        let info = self.state.running()?;
        let persona = self.persona.unwrap_or(trouble.personas[0]);
        let begun = info.break_(trouble, persona, self.way);
        let change = begun.map_err(|error| failure(&error, trouble, &self.state))?;
        let change = match self.persona {
            Some(_) => self.with_persona(&info, persona, change)?,
            None => change,
        };
        let shell = self.shell.unwrap_or_else(Shell::current);
        if output.is_json() || shell == Shell::Json {
            output.json(&BreakDocument {
                trouble: document(trouble),
                variables: &change.set,
                unset: &change.unset,
                files: &change.files,
                directory: change.directory.as_ref(),
            });
            return Ok(0);
        }
        self.tell(trouble, persona, &change, shell, output);
        Ok(0)
    }

    /// All variables of the persona, and the trouble's.
    fn with_persona(
        &self,
        info: &Info,
        persona: Persona,
        change: Change,
    ) -> Result<Change, Failure> {
        let inherited = Inherited {
            lifetime: Lifetime::Shell,
            ..Inherited::here()
        };
        let whole = isolated(info, persona, self.way, &inherited)?;
        let (mut set, mut unset) = (whole.set, whole.unset);
        set.retain(|name, _| !change.unset.contains(name));
        unset.retain(|name| !change.set.contains_key(name));
        set.extend(change.set);
        unset.extend(change.unset);
        Ok(Change {
            set,
            unset,
            ..change
        })
    }

    fn tell(
        &self,
        trouble: &Trouble,
        persona: Persona,
        change: &Change,
        shell: Shell,
        output: &mut Output,
    ) {
        let again = self.state.again();
        let mut lines = shell.lines(&change.set, &change.unset);
        if let Some(folder) = &change.directory {
            lines.push_str(&shell.enter(&folder.display().to_string()));
        }
        if !lines.is_empty() {
            output.script(lines.trim_end());
        }
        output.note(format!("{} {}", paint(BAD, "✗"), trouble.sentence));
        let account = name_of(persona);
        if self.persona.is_none() && persona != Persona::ServicePrincipal {
            let line = format!("  It shows in programs with the variables of --as {account}.");
            output.note(paint(DIM, line));
        }
        if output.is_terminal() && !lines.is_empty() {
            let command = format!("azcred emulator break {}{again}", trouble.name);
            let line = format!("  To set them in this shell: {}", shell.set_by(&command));
            output.note(paint(DIM, line));
        }
        let line = format!(
            "  `azcred emulator repair {}{again}` repairs it.",
            trouble.name
        );
        output.note(paint(DIM, line));
    }
}

fn name_of(persona: Persona) -> &'static str {
    let known = PERSONAS.iter().find(|(_, one)| *one == persona);
    known.map_or("", |(name, _)| *name)
}

fn document(trouble: &Trouble) -> TroubleDocument {
    TroubleDocument {
        name: trouble.name,
        area: trouble.area.title(),
        sentence: trouble.sentence,
        accounts: trouble.personas.iter().copied().map(name_of).collect(),
        fixed_by: trouble.cure.by(),
        fix: trouble.cure.sentence(),
    }
}

/// All troubles, by area.
fn list(output: &mut Output) {
    if output.is_json() {
        let troubles = troubles::ALL.iter().map(document).collect();
        output.json(&ListDocument { troubles });
        return;
    }
    let widest = troubles::ALL.iter().map(|one| one.name.len()).max();
    let column = widest.unwrap_or_default() + 4;
    let width = Stream::Stdout.width().saturating_sub(column).max(20);
    for area in Area::ALL {
        if area != Area::ALL[0] {
            output.line("");
        }
        output.line(paint(STRONG, area.title()));
        for trouble in troubles::ALL.iter().filter(|one| one.area == area) {
            for (number, line) in wrap(trouble.sentence, width).iter().enumerate() {
                let name = if number == 0 { trouble.name } else { "" };
                output.line(format!("  {name:<0$}{line}", column - 2));
            }
        }
    }
}

fn failure(error: &TroubleError, trouble: &Trouble, state: &State) -> Failure {
    let what = format!(
        "could not put the emulator into the trouble '{}'",
        trouble.name
    );
    match error {
        TroubleError::Persona => {
            let accounts: Vec<&str> = trouble.personas.iter().copied().map(name_of).collect();
            let why = format!("it is about other accounts: {}", accounts.join(", "));
            let fix = format!("leave --as out, or use `--as {}`", accounts[0]);
            Failure::new(Kind::Invalid, what, why).fix(fix)
        }
        TroubleError::Missing(_) => Failure::new(Kind::NotFound, what, error.to_string())
            .fix("use the built-in seed, which has everything that troubles need"),
        TroubleError::Io(error) => unanswered(error, what, state),
    }
}

/// The failure of a request to the emulator, or of a file in its folder.
pub(super) fn unanswered(error: &io::Error, what: String, state: &State) -> Failure {
    match error.kind() {
        io::ErrorKind::Unsupported => {
            let why = "the running emulator is of an earlier version, which has no troubles";
            Failure::new(Kind::Failed, what, why).fix(format!(
                "stop it with `azcred emulator stop{}`, and start it with this version",
                state.again()
            ))
        }
        _ => Failure::new(Kind::Failed, what, error.to_string()),
    }
}
