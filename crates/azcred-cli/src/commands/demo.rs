//! `azcred demo`: the whole product in one screen, on a local Azure that lives as long as the
//! story.

use super::{
    chain, doctor,
    emulator::{begin, end},
};
use crate::{
    choice::Choice,
    failure::{Failure, Kind},
    output::{
        Output, failure,
        style::{CODE, DIM, GOOD, STRONG, paint, with_code},
        table,
        wrap::{Stream, wrap},
    },
    sign_in::{Chosen, Person, Place, sign_in},
};
use azcred::{
    AccessToken, EnvironmentKind,
    system::{Fixture, SharedSystem},
};
use azcred_azure::{CheckId, Flags, Principal, Report, Status};
use azcred_emulator::{Info, Options, Persona, Way};
use clap::Args;
use serde::Serialize;
use std::time::Instant;

/// See azcred at work on a local Azure: no account, no network
///
/// Starts a local Azure, signs in to it as an application, checks what the account
/// may do in a workspace, and shows the error for an expired secret. It takes a few seconds and
/// leaves nothing on this machine.
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
    let report = doctor::examine(
        // It has no files: the workspace comes from its variables.
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
    Failure::new(Kind::Failed, "could not play the demo", why).fix("report it as a bug of azcred")
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
            paint(STRONG, "How a program signs in to Azure Machine Learning."),
            paint(DIM, "All of it on this machine.")
        )];
        let mut step = |number: u8, title: &str, body: Vec<String>| {
            lines.push(format!(
                "{} {}",
                paint(CODE, format!("{number}.")),
                paint(STRONG, with_code(title))
            ));
            lines.extend(body.into_iter().map(|line| format!("{INDENT}{line}")));
        };
        let width = Stream::Stdout.width().saturating_sub(INDENT.len());
        let (chosen, token, principal) = &self.azure;
        step(
            1,
            "A local Azure starts, and a program finds its credentials",
            [
                format!(
                    "Entra ID and Resource Manager of {} started in {:.1} s",
                    info.tenant.name, self.started_in
                ),
                format!(
                    "{} are set; hi-ml's HIML_* lead to {}",
                    list(EnvironmentKind::AzureSecret.variables()),
                    same(principal, &self.himl.2)
                ),
            ]
            .iter()
            .flat_map(|sentence| good(sentence, width))
            .collect(),
        );
        step(
            2,
            "`azcred chain`: where does the token come from?",
            wrap(&chain::who(token, chosen, Some(principal)), width),
        );
        step(
            3,
            "`azcred doctor`: what may this identity do in the workspace?",
            self.checks(width),
        );
        // The occasion and the other side's words are for who looks into it.
        let mut refused = self.refused.clone();
        refused.what.clear();
        refused.answer = None;
        step(
            4,
            "`azcred token`: how an expired secret looks (an example)",
            failure::text(&refused, width, false)
                .lines()
                .map(str::to_owned)
                .collect(),
        );
        lines.push(String::new());
        lines.push(paint(
            STRONG,
            "Try it yourself. The first two need no Azure account:",
        ));
        lines.extend(table::commands(&[
            (
                "azcred emulator exec --as laptop -- azcred whoami",
                "as a user of az",
            ),
            ("azcred emulator exec -- PROGRAM", "your own program"),
            ("azcred login", "your own Azure"),
        ]));
        lines
    }

    /// What is allowed in a line, and each of the rest in its own.
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

fn list([first, second, third]: [&str; 3]) -> String {
    format!("{first}, {second}, {third}")
}

/// Whether two tokens are of one identity.
fn same(one: &Principal, other: &Principal) -> String {
    if one.object_id == other.object_id {
        "the same identity".to_owned()
    } else {
        other.describe()
    }
}
