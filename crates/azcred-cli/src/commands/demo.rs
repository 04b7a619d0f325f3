//! `azcred demo`: the whole product on one screen, on a local Azure that runs only during the demo.

use super::{
    chain, doctor,
    emulator::{begin, end},
};
use crate::{
    choice::Choice,
    failure::{Failure, Kind},
    output::{
        Output,
        failure::{self, Sources},
        style::{GOOD, STRONG, paint, with_code},
        table,
        wrap::{Stream, wrap},
    },
    sign_in::{Chosen, Person, Place, sign_in},
};
use azcred::{
    AccessToken, Untrusted, Used,
    system::{Fixture, SharedSystem},
};
use azcred_azure::{CheckId, Flags, Principal, Report, Status};
use azcred_emulator::{Info, Options, Persona, Way};
use clap::Args;
use serde::Serialize;
use std::{ffi::OsStr, path::Path};

/// See azcred at work on a local Azure: no account, no network
///
/// Starts a local Azure and signs in to it as a person and as an application. Then it shows which
/// account is used, what it may do in a workspace, and the error for an expired secret. It takes a
/// few seconds and leaves nothing on this machine.
#[derive(Args)]
#[command(after_help = "\
Examples:
  azcred demo
  azcred demo --output json")]
pub(crate) struct Demo {}

/// The output of `--output json`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct DemoDocument<'a> {
    /// The sign-ins, in order.
    sign_ins: Vec<SignedIn<'a>>,
    /// The result of `azcred doctor`.
    report: &'a Report,
    /// The error of `azcred token` for an expired secret.
    refused: &'a Failure,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SignedIn<'a> {
    /// What the credential used.
    using: String,
    used: &'a Used,
    /// The identity in the token.
    principal: &'a Principal,
}

/// A sign-in of the demo.
struct DemoSignIn {
    chosen: Chosen,
    token: AccessToken,
    principal: Principal,
    tenant_name: Option<Untrusted>,
}

/// The results that the demo shows.
struct Story {
    person: DemoSignIn,
    azure: DemoSignIn,
    himl: DemoSignIn,
    report: Report,
    refused: Failure,
}

impl Demo {
    pub(crate) async fn run(self, output: &mut Output) -> Result<u8, Failure> {
        let starting = begin(Options::default());
        let emulator = output.waiting("Starting a local Azure", starting).await?;
        let played = output.waiting("Signing in", play(emulator.info())).await;
        if let Ok(story) = &played {
            if output.is_json() {
                output.json(&story.document());
            } else {
                let next = next_steps(
                    std::env::var_os("PATH").as_deref(),
                    std::env::current_exe().ok().as_deref(),
                );
                for line in story.lines().into_iter().chain(next) {
                    output.line(line);
                }
            }
        }
        end(emulator).await;
        played.map(|_| 0)
    }
}

/// Runs the demo's steps, with the code of the commands that it names.
async fn play(info: &Info) -> Result<Story, Failure> {
    let person = signed_in(machine(info, Persona::Laptop, None)?).await?;
    let azure = signed_in(machine(info, Persona::ServicePrincipal, None)?).await?;
    let himl = signed_in(machine(info, Persona::Himl, None)?).await?;
    let report = doctor::examine(
        // This machine has no files: the workspace comes from its variables.
        &Place::of(machine(info, Persona::ServicePrincipal, None)?),
        &Choice::default(),
        &Flags::default(),
        |_| {},
    )
    .await?;
    let Some(expired) = info
        .identities
        .iter()
        .find(|identity| identity.secret_expired)
    else {
        return Err(broken(
            "the emulator has no application with an expired secret",
        ));
    };
    let expired = Vec::from([
        ("AZURE_CLIENT_ID", expired.client_id.to_string()),
        (
            "AZURE_CLIENT_SECRET",
            expired.secret.clone().unwrap_or_default(),
        ),
    ]);
    let machine = machine(info, Persona::ServicePrincipal, Some(&expired))?;
    let (place, choice) = (Place::of(machine), Choice::default());
    let refused = match sign_in(&place, &choice, None, None, Person::NotAsked).await {
        Err(mut refused) if refused.kind == Kind::Refused => {
            // This correlation id is not in any sign-in log.
            if let Some(answer) = &mut refused.answer {
                (answer.correlation_id, answer.timestamp) = (None, None);
            }
            refused
        }
        Err(other) => return Err(other),
        Ok(_) => return Err(broken("the emulator took an expired secret")),
    };
    Ok(Story {
        person,
        azure,
        himl,
        report,
        refused,
    })
}

async fn signed_in(machine: SharedSystem) -> Result<DemoSignIn, Failure> {
    let place = Place::of(machine);
    let (sign_in, token, chosen) =
        sign_in(&place, &Choice::default(), None, None, Person::NotAsked).await?;
    let principal = Principal::from_token(&token)?;
    Ok(DemoSignIn {
        tenant_name: sign_in.tenant_name(Some(&principal)).await,
        chosen,
        token,
        principal,
    })
}

/// A machine with only the variables of `azcred emulator env`, and the files that they name.
fn machine(
    info: &Info,
    persona: Persona,
    instead: Option<&[(&str, String)]>,
) -> Result<SharedSystem, Failure> {
    let bundle = std::fs::read(&info.ca_bundle)
        .map_err(|error| broken(&format!("{}: {error}", info.ca_bundle.display())))?;
    let mut machine = Fixture::new().with_file(&info.ca_bundle, bundle);
    for (name, value) in &info.environment(persona, Way::RealNames).set {
        machine = machine.with_var(name, value);
        if name == "AZURE_CONFIG_DIR" {
            for file in std::fs::read_dir(value).into_iter().flatten().flatten() {
                // A variable may name a folder, which is not read.
                if let Ok(content) = std::fs::read(file.path()) {
                    machine = machine.with_file(file.path(), content);
                }
            }
        }
    }
    for (name, value) in instead.unwrap_or_default() {
        machine = machine.with_var(name, value);
    }
    Ok(machine.shared())
}

fn broken(why: &str) -> Failure {
    Failure::new(Kind::Failed, "could not play the demo", why).fix("report it as a bug of azcred")
}

const INDENT: &str = "   ";

impl Story {
    fn document(&self) -> DemoDocument<'_> {
        let sign_ins = [&self.azure, &self.himl, &self.person]
            .map(|one| SignedIn {
                using: one.chosen.used.to_string(),
                used: &one.chosen.used,
                principal: &one.principal,
            })
            .into();
        DemoDocument {
            sign_ins,
            report: &self.report,
            refused: &self.refused,
        }
    }

    fn lines(&self) -> Vec<String> {
        let mut lines = vec![paint(
            STRONG,
            "A local Azure has started on this machine. Its names and ids are made up.",
        )];
        let mut step = |title: &str, body: Vec<String>| {
            lines.push(String::new());
            lines.push(paint(STRONG, with_code(title)));
            lines.extend(body.into_iter().map(|line| format!("{INDENT}{line}")));
        };
        let width = Stream::Stdout.width().saturating_sub(INDENT.len());
        let person = &self.person;
        let tenant_name = person.tenant_name.as_deref();
        step(
            "1. Which account is used? `azcred chain` shows it, after Ada's `az login`:",
            wrap(
                &chain::who(
                    &person.token,
                    &person.chosen,
                    Some(&person.principal),
                    tenant_name,
                ),
                width,
            ),
        );
        step(
            "2. What may an account do? `azcred doctor` checks it, for an application:",
            self.checks(width),
        );
        // The occasion and the provider's message are details, which the demo leaves out.
        let mut refused = self.refused.clone();
        refused = refused.titled(self.refused.headline().into_owned());
        refused.what.clear();
        refused.answer = None;
        step(
            "3. Why does a sign-in fail? `azcred token`, with a secret that has expired:",
            failure::text(&refused, width, Sources::SetUp)
                .lines()
                .map(str::to_owned)
                .collect(),
        );
        lines
    }

    /// Allowed actions in one line, and the other checks in a line each.
    fn checks(&self, width: usize) -> Vec<String> {
        let told = self.report.checks.iter().filter(|check| {
            let is_before = matches!(
                check.id,
                CheckId::SignIn | CheckId::Tenant | CheckId::Clock | CheckId::Subscription
            );
            !is_before || check.status == Status::Failed
        });
        let (allowed, others): (Vec<_>, Vec<_>) =
            told.partition(|check| check.status == Status::Ok);
        let allowed: Vec<&str> = allowed.iter().map(|check| check.title).collect();
        let mut lines = good(&allowed.join(", "), width);
        for check in others {
            lines.extend(doctor::finding(check, width));
        }
        lines
    }
}

fn good(sentence: &str, width: usize) -> Vec<String> {
    wrap(sentence, width.saturating_sub(2))
        .iter()
        .enumerate()
        .map(|(number, line)| match number {
            0 => format!("{} {line}", paint(GOOD, "✓")),
            _ => format!("  {line}"),
        })
        .collect()
}

/// The next commands to type. If the shell can't find azcred, the first one fixes that.
fn next_steps(search_path: Option<&OsStr>, program: Option<&Path>) -> Vec<String> {
    let folder = program.and_then(Path::parent);
    let is_found = folder.is_none_or(|folder| {
        let folders = search_path.map(std::env::split_paths);
        folders.into_iter().flatten().any(|one| one == folder)
    });
    let mut lines = vec![
        String::new(),
        paint(
            STRONG,
            with_code("Try it yourself. With an Azure account, type `azcred login`. Without one:"),
        ),
    ];
    if let Some(folder) = folder.filter(|_| !is_found) {
        let folder = folder.display();
        let command = match cfg!(windows) {
            true => format!("$env:PATH = \"{folder};$env:PATH\""),
            false => format!("export PATH=\"{folder}:$PATH\""),
        };
        lines.extend(table::commands(&[(
            command,
            "so that the shell finds azcred",
        )]));
    }
    let commands = [
        (
            "azcred emulator exec --as laptop -- azcred whoami",
            "run whoami on Ada's laptop",
        ),
        ("azcred emulator exec -- PROGRAM", "run your own program"),
    ];
    lines.extend(table::commands(&commands));
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_demo_shows_the_path_if_the_shell_would_not_find_the_command() {
        let folder = std::env::temp_dir().join("release");
        let other = std::env::temp_dir();
        let next = |folders: &[&Path]| {
            let path = std::env::join_paths(folders).expect("a list");
            next_steps(Some(&path), Some(&folder.join("azcred"))).join("\n")
        };
        let of_folder = folder.display().to_string();
        assert!(!next(&[&other, &folder]).contains(&of_folder));
        assert!(next(&[&other]).contains(&of_folder));
        assert!(!next_steps(None, None).join("\n").contains("PATH"));
    }
}
