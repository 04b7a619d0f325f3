//! `azcred demo`: the whole product in one screen, on a local Azure that lives as long as the
//! story.

use super::{
    doctor,
    emulator::{begin, end},
    whoami,
};
use crate::{
    choice::Choice,
    failure::{Failure, Kind},
    output::{
        Output, failure,
        style::{CODE, DIM, GOOD, STRONG, paint},
        table, time,
        wrap::{Stream, wrap},
    },
    sign_in::{Chosen, Person, Place, sign_in},
};
use azcred::{
    AccessToken, EnvironmentKind,
    system::{Fixture, SharedSystem},
};
use azcred_azure::{CheckId, Event, Flags, Principal, Report, Status};
use azcred_emulator::{Info, Options, Persona, Way};
use clap::Args;
use serde::Serialize;
use std::time::Instant;

/// See it all on a local Azure; needs no account and no network
///
/// Starts an emulator of its own, signs in as a service principal by AZURE_* and by hi-ml's HIML_*,
/// shows what the token says and what may be done in the workspace, then what a refusal looks like.
/// Nothing is left behind.
#[derive(Args)]
#[command(after_help = "\
Examples:
  azcred demo
  azcred demo --output json")]
pub(crate) struct Demo {}

/// What `--output json` prints.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Document<'a> {
    /// The sign-ins, in order.
    sign_ins: Vec<SignedIn<'a>>,
    /// What `azcred doctor` found.
    report: &'a Report,
    /// What `azcred token` says of an expired secret.
    refused: &'a Failure,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SignedIn<'a> {
    /// What the credential used.
    using: &'a str,
    /// Who that is, as the token says.
    principal: &'a Principal,
}

/// What happened, to be told.
struct Story {
    started_in: f64,
    azure: (Chosen, AccessToken, Principal),
    himl: (Chosen, AccessToken, Principal),
    report: Report,
    /// What it found in the workspace; the sign-in before it has been told.
    checks: Vec<String>,
    refused: Failure,
}

impl Demo {
    pub(crate) async fn run(self, output: &mut Output) -> Result<u8, Failure> {
        let began = Instant::now();
        let starting = begin(Options::default());
        let emulator = output.waiting("Starting a local Azure", starting).await?;
        let started_in = began.elapsed().as_secs_f64();
        let played = output
            .waiting("Signing in", play(emulator.info(), started_in))
            .await;
        if let Ok(story) = &played {
            if output.is_json() {
                output.json(&story.document());
            } else {
                for line in story.lines(emulator.info()) {
                    output.line(line);
                }
            }
        }
        end(emulator).await;
        played.map(|_| 0)
    }
}

/// Does what the story tells, by the code of the commands that it names.
async fn play(info: &Info, started_in: f64) -> Result<Story, Failure> {
    let azure = signed_in(machine(info, Persona::ServicePrincipal, None)?).await?;
    let himl = signed_in(machine(info, Persona::Himl, None)?).await?;
    let width = Stream::Stdout.width().saturating_sub(INDENT.len());
    let mut checks = Vec::new();
    let report = doctor::examine(
        // It has no files: the workspace comes from its variables.
        &Place::of(machine(info, Persona::ServicePrincipal, None)?),
        &Choice::default(),
        &Flags::default(),
        |event| {
            if let Event::Finished(check) = event {
                let told = !matches!(
                    check.id,
                    CheckId::SignIn | CheckId::Tenant | CheckId::Clock | CheckId::Subscription
                );
                if told || check.status == Status::Failed {
                    checks.extend(doctor::finding(check, width));
                }
            }
        },
    )
    .await;
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
            // Nobody will look this one up.
            if let Some(answer) = &mut refused.answer {
                (answer.correlation_id, answer.timestamp) = (None, None);
            }
            refused
        }
        Err(other) => return Err(other),
        Ok(_) => return Err(broken("the emulator took an expired secret")),
    };
    Ok(Story {
        started_in,
        azure,
        himl,
        report,
        checks,
        refused,
    })
}

async fn signed_in(machine: SharedSystem) -> Result<(Chosen, AccessToken, Principal), Failure> {
    let place = Place::of(machine);
    let (_, token, chosen) =
        sign_in(&place, &Choice::default(), None, None, Person::NotAsked).await?;
    let principal = Principal::from_token(&token)?;
    Ok((chosen, token, principal))
}

/// A machine with nothing on it but what `azcred emulator env` prints.
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
    }
    for (name, value) in instead.unwrap_or_default() {
        machine = machine.with_var(name, value);
    }
    Ok(machine.shared())
}

fn broken(why: &str) -> Failure {
    Failure::new(Kind::Failed, "Play the demo", why).fix("report it as a bug of azcred")
}

const INDENT: &str = "   ";

impl Story {
    fn document(&self) -> Document<'_> {
        let sign_ins = [&self.azure, &self.himl]
            .map(|(chosen, _, principal)| SignedIn {
                using: &chosen.using,
                principal,
            })
            .into();
        Document {
            sign_ins,
            report: &self.report,
            refused: &self.refused,
        }
    }

    fn lines(&self, info: &Info) -> Vec<String> {
        let mut lines = vec![format!(
            "{} {}",
            paint(STRONG, "A program's way into Azure Machine Learning."),
            paint(DIM, "All on this machine.")
        )];
        let mut step = |number: u8, title: &str, body: Vec<String>| {
            lines.push(String::new());
            lines.push(format!(
                "{} {}",
                paint(CODE, format!("{number}.")),
                paint(STRONG, title)
            ));
            lines.extend(body.into_iter().map(|line| format!("{INDENT}{line}")));
        };
        let width = Stream::Stdout.width().saturating_sub(INDENT.len());
        let (chosen, token, principal) = &self.azure;
        let left = token.expires_on() - ::time::OffsetDateTime::now_utc();
        step(
            1,
            "A local Azure starts",
            good(
                &format!(
                    "Entra ID, Resource Manager and the tenant {}, in {:.1} s",
                    info.tenant.name, self.started_in
                ),
                width,
            ),
        );
        let by = |kind: EnvironmentKind| list(kind.variables());
        let mut sign_ins = good(
            &format!(
                "{}: for {}",
                by(EnvironmentKind::AzureSecret),
                time::span(left.whole_seconds())
            ),
            width,
        );
        let (_, _, other) = &self.himl;
        sign_ins.extend(good(
            &format!("{}: {}", by(EnvironmentKind::Himl), same(principal, other)),
            width,
        ));
        step(
            2,
            "A program gets a token by what it finds: `azcred chain` shows how",
            sign_ins,
        );
        let rows = whoami::rows(principal, chosen, token.expires_on());
        let claims: Vec<_> = rows
            .into_iter()
            .filter(|(name, _)| CLAIMS.contains(name))
            .collect();
        step(
            3,
            "Who is that? `azcred whoami` reads the token",
            table::pairs(&claims),
        );
        step(
            4,
            "What may it do? `azcred doctor` looks",
            self.checks.clone(),
        );
        step(
            5,
            "What if the secret has expired? `azcred token` says so",
            failure::text(&self.refused, width)
                .lines()
                .map(str::to_owned)
                .collect(),
        );
        lines.push(String::new());
        lines.push(paint(STRONG, "Now you:"));
        lines.extend(table::commands(&[
            (
                "azcred emulator exec -- PROGRAM",
                "run a program of yours in this Azure",
            ),
            ("azcred doctor", "look at your own"),
        ]));
        lines
    }
}

/// The rows of `azcred whoami` that tell the story.
const CLAIMS: [&str; 3] = ["You are", "Tenant", "Good until"];

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

fn list([first, second, third]: [&str; 3]) -> String {
    format!("{first}, {second}, {third}")
}

/// Whether two tokens are of one identity.
fn same(one: &Principal, other: &Principal) -> String {
    if one.object_id == other.object_id {
        "the same identity, as hi-ml has it".to_owned()
    } else {
        format!("{}, as hi-ml has it", other.describe())
    }
}
