//! Each trouble of `azcred emulator break`: the doctor names its cause first, and what it prints
//! ends the trouble.

use crate::{
    azure::Azure,
    run::{AZCRED, Run, Said, azcred},
};
use azcred_emulator::{
    Options, Persona, Way,
    troubles::{self, Change, Cure, Trouble},
};
use serde_json::Value;
use std::{
    collections::BTreeMap,
    panic,
    path::Path,
    process::Command,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};
use tempfile::TempDir;

/// A machine with an account, in a trouble.
pub(crate) struct Patient {
    azure: Azure,
    trouble: &'static Trouble,
    variables: Vec<(String, String)>,
    folder: TempDir,
    change: Change,
}

impl Patient {
    /// The account for which the trouble is made first.
    pub(crate) fn new(name: &str) -> Self {
        let trouble = troubles::named(name).expect("it is a trouble");
        Self::with(name, trouble.personas[0])
    }

    pub(crate) fn with(name: &str, persona: Persona) -> Self {
        let trouble = troubles::named(name).expect("it is a trouble");
        let azure = Azure::own(Options::default());
        let change = azure.info().break_(trouble, persona, Way::RealNames);
        let change = change.expect("the emulator can be put into it");
        let mut variables: BTreeMap<_, _> = machine(&azure, persona, Way::RealNames)
            .into_iter()
            .collect();
        for name in &change.unset {
            variables.remove(name);
        }
        variables.extend(change.set.clone());
        Self {
            azure,
            trouble,
            variables: variables.into_iter().collect(),
            folder: tempfile::tempdir().expect("a folder"),
            change,
        }
    }

    fn directory(&self) -> &Path {
        let directory = self.change.directory.as_deref();
        directory.unwrap_or_else(|| self.folder.path())
    }

    /// The doctor on this machine.
    pub(crate) fn run(&self, arguments: &[&str]) -> Run {
        let run = azcred(&["doctor"]).args(arguments);
        run.directory(self.directory()).envs(&self.variables)
    }

    pub(crate) fn doctor(&self) -> Said {
        self.run(&["-o", "json"]).said()
    }

    /// A text of the doctor's with the names of folders that are the same in every run.
    #[cfg(unix)]
    pub(crate) fn tidied(&self, text: &str) -> String {
        let state = self.azure.info().state_dir.display().to_string();
        let folder = self.directory().display().to_string();
        let text = text.replace(&folder, "/home/ada/project");
        text.replace(&state, "/home/ada/azure")
    }

    /// Runs lines in a shell, and then the doctor in the same shell.
    fn types(&self, lines: &str, variables: &[(String, String)]) -> Said {
        let mut shell = Command::new("sh");
        // Only the doctor's report is on standard output.
        let script = format!("{{\n{lines}\n}} >&2\nexec azcred doctor -o json");
        shell.args(["-c", &script]);
        let own = Path::new(AZCRED).parent().expect("a folder");
        let run = Run::bare(shell).envs(variables).directory(self.directory());
        run.env("PATH", &format!("{}:/usr/bin:/bin", own.display()))
            .env("HOME", &self.folder.path().display().to_string())
            .said()
    }
}

/// The variables of an account, with folders of its own.
pub(crate) fn machine(azure: &Azure, persona: Persona, way: Way) -> Vec<(String, String)> {
    let mut variables = azure.environment(persona, way);
    // The other tests are not to wait for a metadata service. Here the emulator has one.
    variables.push(("AZCRED_IMDS".to_owned(), String::new()));
    variables.push(("AZCRED_KEYRING".to_owned(), "never".to_owned()));
    variables
}

/// The check that found the cause: the first that failed, or else the first with a warning.
fn cause(said: &Said) -> Value {
    let report = said.json();
    let checks = report["checks"].as_array().expect("checks");
    let with = |status: &str| checks.iter().find(|check| check["status"] == status);
    let cause = with("failed").or_else(|| with("warning"));
    cause.cloned().unwrap_or(Value::Null)
}

/// The first command of a check's fix.
fn first_command(check: &Value) -> Option<String> {
    let command = check["commands"].get(0)?;
    command.as_str().map(str::to_owned)
}

/// What the user does beside the first command, in the shell of the program.
fn own_command(check: &Value) -> Option<String> {
    let command = check["commands"].get(1)?.as_str()?;
    let starts = ["export ", "set -a", "unset "];
    let is_own = starts.iter().any(|start| command.starts_with(start));
    is_own.then(|| command.to_owned())
}

/// Puts a machine into the trouble, and sees the cause; runs what is printed, and sees no problem.
///
/// # Errors
/// What differs.
fn ends(row: &Row) -> Result<(), String> {
    let Row {
        name,
        check,
        words,
        ends: end,
    } = row;
    let patient = Patient::new(name);
    let said = patient.doctor();
    let found = cause(&said);
    let reason = found["reason"].as_str().unwrap_or_default();
    if NOT_SEEN.contains(&check.as_str()) {
        return match found == Value::Null && said.code == 0 {
            true => Ok(()),
            false => Err(format!("{} | {reason}\n{said}", found["id"])),
        };
    }
    let is_named = found["id"] == *check && !words.is_empty() && reason.contains(words.as_str());
    if !is_named {
        return Err(format!("{} | {reason}\n{said}", found["id"]));
    }
    let command = match end {
        End::SecondCommand => own_command(&found),
        End::FirstCommand | End::ByHand => first_command(&found),
    };
    let command = command.as_deref();
    let mut told = String::new();
    let repaired = || {
        let repaired = patient.azure.info().repair(Some(patient.trouble));
        repaired.expect("it can be repaired");
        let persona = patient.trouble.personas[0];
        let run = azcred(&["doctor", "-o", "json"]).directory(patient.directory());
        run.envs(&machine(&patient.azure, persona, Way::RealNames))
            .said()
    };
    let after = match (patient.trouble.cure, command) {
        _ if *end == End::ByHand => repaired(),
        (Cure::Here(_), Some(command)) => patient.types(command, &patient.variables),
        (Cure::Owner(_), Some(command)) => {
            let owner = machine(&patient.azure, Persona::Laptop, Way::RealNames);
            let mut next = Some(command.to_owned());
            let mut after = patient.doctor();
            // A principal may lack two roles, which are two causes, one after the other.
            while let Some(command) = next.take() {
                let done = patient.types(&command, &owner);
                told = format!("{told}\n{command}\n{}", done.stderr);
                after = match own_command(&found) {
                    Some(own) => patient.types(&own, &patient.variables),
                    None => patient.doctor(),
                };
                let more = first_command(&cause(&after));
                if more.as_deref() == Some(&*command) {
                    return Err(format!("after {command}: {done}\n{after}"));
                }
                next = more;
            }
            after
        }
        (Cure::SignIn(_) | Cure::Others(_), _) => repaired(),
        (_, None) => return Err(format!("no command: {said}")),
    };
    match cause(&after) == Value::Null && after.code == 0 {
        true => Ok(()),
        false => Err(format!("after {command:?}: {after}{told}")),
    }
}

/// The check that finds each trouble, words of the cause, and `by hand` if no command ends it.
const FOUND: &str = "tests/cli/troubles.txt";

/// A row of that list.
pub(crate) struct Row {
    name: String,
    pub(crate) check: String,
    words: String,
    ends: End,
}

/// What ends a trouble.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    FirstCommand,
    SecondCommand,
    /// The fix has no command that ends it here.
    ByHand,
}

/// What stands for the check where the doctor sees no problem: the account does not need what is
/// broken; or the doctor does not see it yet.
const NOT_SEEN: [&str; 2] = ["-", "?"];

pub(crate) fn rows() -> Vec<Row> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(FOUND);
    let text = std::fs::read_to_string(path).expect("the list");
    let rows = text.lines().filter(|line| !line.starts_with('#'));
    rows.map(|line| {
        let mut parts = line.split(" | ").map(|part| part.trim().to_owned());
        let mut part = || parts.next().unwrap_or_default();
        Row {
            name: part(),
            check: part(),
            words: part(),
            ends: match part().as_str() {
                "" => End::FirstCommand,
                "second command" => End::SecondCommand,
                "by hand" => End::ByHand,
                other => panic!("{line}: {other}"),
            },
        }
    })
    .collect()
}

#[test]
fn the_doctor_names_the_cause_of_each_trouble_and_what_it_prints_ends_it() {
    let rows = rows();
    let listed: Vec<&str> = rows.iter().map(|row| row.name.as_str()).collect();
    let all: Vec<&str> = troubles::ALL.iter().map(|trouble| trouble.name).collect();
    assert_eq!(listed, all, "{FOUND} has each trouble, in order");
    let next = AtomicUsize::new(0);
    let wrong = Mutex::new(BTreeMap::new());
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while let Some(row) = rows.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let ended = panic::catch_unwind(|| ends(row));
                    let ended = ended.unwrap_or_else(|_| Err("it panicked, see above".to_owned()));
                    if let Err(why) = ended {
                        let mut wrong = wrong.lock().unwrap_or_else(PoisonError::into_inner);
                        wrong.insert(row.name.as_str(), why);
                    }
                }
            });
        }
    });
    let wrong = wrong.into_inner().unwrap_or_else(PoisonError::into_inner);
    let told = wrong.iter().map(|(name, why)| format!("{name} | {why}\n"));
    assert!(wrong.is_empty(), "{}", told.collect::<String>());
}
