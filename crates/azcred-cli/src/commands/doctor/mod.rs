//! `azcred doctor`: why it doesn't work, and the one thing to do.

mod bundle;
mod fixes;
mod live;
mod screen;

pub(super) use screen::{finding, lines};

use crate::{
    choice::Choice,
    failure::{Failure, Kind},
    given,
    output::{
        Output, Stream,
        style::{DIM, paint},
    },
    sign_in::Place,
    words,
};
use azcred::{Principal, Profile, chain};
use azcred_azure::{Capability, CheckReport, Event, Flags, Report, Subject, locate};
use clap::{Args, ValueEnum};
use live::Live;
use serde::Serialize;
use std::path::PathBuf;

/// Find out why it doesn't work, and the one thing to do
///
/// Checks this machine and its network, the sign-in, the workspace with its storage, what the
/// account may do there, and whether other programs on this machine use the same account. For each
/// problem it prints the cause, the fix and the evidence. Without --fix it changes nothing and asks
/// nothing.
///
/// The workspace is the one in config.json of this folder, as for MLClient and hi-ml. To write that
/// file, run `azcred workspace use`. The variables AZUREML_ARM_* come before the file, and the
/// options below come first.
#[derive(Args)]
#[command(after_help = "\
Examples:
  azcred doctor
  azcred doctor --subscription ID --resource-group NAME --workspace NAME
  azcred doctor --require manage-computes
  azcred doctor --fix
  azcred doctor --report doctor.json
  azcred doctor --output json | jq '.checks[] | select(.status == \"failed\")'

Exit codes:
  0  no check failed
  1  another failure
  2  wrong usage: the command line can't be read
  3  not signed in
  4  the sign-in was rejected, for example because a secret is wrong
  5  signed in, but the account lacks a permission
  6  no response from Azure
If several checks failed, it is the code of the first one.")]
pub(crate) struct Doctor {
    /// The id of the workspace's subscription
    #[arg(long, value_name = "ID", value_parser = given::text)]
    subscription: Option<String>,

    /// The workspace's resource group
    #[arg(short = 'g', long, value_name = "NAME", value_parser = given::text)]
    resource_group: Option<String>,

    /// The workspace's name, or its whole resource id
    #[arg(short = 'w', long, value_name = "NAME", value_parser = given::text)]
    workspace: Option<String>,

    /// Do what is safe to fix a problem, after a question
    ///
    /// Signs in again, writes config.json, takes a file from other users' eyes, or assigns a role
    /// if you may. Shows the exact command first. Needs a terminal.
    #[arg(long)]
    fix: bool,

    /// Write a report for a bug report to this file
    ///
    /// The file has results, codes and times. It has no secret, no name and no value of yours. It
    /// is not sent.
    #[arg(long, value_name = "FILE", value_parser = given::path())]
    report: Option<PathBuf>,

    /// What the account must be allowed to do, beside what jobs need
    #[arg(long, value_name = "WHAT", value_enum)]
    require: Vec<Required>,

    #[command(flatten)]
    choice: Choice,
}

/// What no job needs of the account that submits it.
#[derive(Clone, Copy, ValueEnum)]
pub(super) enum Required {
    /// Pull images from the workspace's container registry
    PullImages,
    /// Read secrets in the workspace's key vault
    ReadSecrets,
    /// Create, start, stop and delete computes
    ManageComputes,
}

impl From<Required> for Capability {
    fn from(required: Required) -> Self {
        match required {
            Required::PullImages => Self::PullImages,
            Required::ReadSecrets => Self::ReadSecrets,
            Required::ManageComputes => Self::ManageComputes,
        }
    }
}

/// The output of `--output json`.
#[derive(Serialize)]
struct DoctorDocument<'a> {
    healthy: bool,
    principal: &'a Option<Principal>,
    workspace: &'a Option<String>,
    checks: Vec<CheckDocument<'a>>,
    milliseconds: u64,
    chain: Option<&'a chain::Report>,
    /// The profile whose accounts are used; `null` if it is not known.
    profile: Option<&'a str>,
}

#[derive(Serialize)]
struct CheckDocument<'a> {
    #[serde(flatten)]
    check: &'a CheckReport,
    /// The commands of the fix.
    commands: Vec<String>,
}

impl<'a> DoctorDocument<'a> {
    /// `told` is `report` in this program's words.
    fn new(report: &Report, told: &'a Report, profile: Option<&'a Profile>) -> Self {
        let commands = |check: &CheckReport| {
            let fixes = check.fixes.iter();
            fixes.flat_map(words::commands).collect()
        };
        let checks = told.checks.iter().zip(&report.checks);
        Self {
            healthy: told.healthy,
            principal: &told.principal,
            workspace: &told.workspace,
            checks: checks
                .map(|(check, raw)| CheckDocument {
                    check,
                    commands: commands(raw),
                })
                .collect(),
            milliseconds: told.milliseconds,
            chain: told.chain.as_deref(),
            profile: profile.map(Profile::name),
        }
    }
}

impl Doctor {
    pub(crate) async fn run(self, output: &mut Output) -> Result<u8, Failure> {
        let place = Place::here()?;
        if self.fix
            && let Some(why) = output.why_not_ask(&*place.system)
        {
            return Err(Failure::new(Kind::Usage, "--fix can't ask you here", why)
                .fix("leave out --fix, and do what the doctor prints"));
        }
        let mut report = self.examined(&place, output).await?;
        let mut tried = Vec::new();
        let mut is_shown = false;
        loop {
            let remedy = fixes::next(&report, &tried).filter(|_| self.fix);
            // A program reads one report, the last one.
            if !is_shown && (remedy.is_none() || !output.is_json()) {
                self.show(&report, &place, output);
                is_shown = true;
            }
            let Some(remedy) = remedy else { break };
            if remedy.is_wanted(output).await? {
                remedy.run(output).await?;
                output.prompt(fixes::again());
                report = self.examined(&place, output).await?;
                is_shown = false;
            }
            tried.push(remedy);
        }
        if let Some(file) = &self.report {
            bundle::write(&report, file, output)?;
        }
        Ok(report
            .first_failure()
            .map_or(0, |check| kind(check).exit_code()))
    }

    async fn examined(&self, place: &Place, output: &Output) -> Result<Report, Failure> {
        let flags = Flags {
            subscription: self.subscription.clone(),
            resource_group: self.resource_group.clone(),
            workspace: self.workspace.clone(),
        };
        let spinner = output.spinner("Checking");
        let mut live = Live::new(Stream::Stderr.width());
        let work = examine(place, &self.choice, &flags, &self.require, |event| {
            if let Event::Finished(check) = event {
                live.add(check);
                spinner.say(live.progress());
                spinner.below(&live.lines());
            }
        });
        spinner.during(work).await
    }

    fn show(&self, report: &Report, place: &Place, output: &mut Output) {
        let profile = self.choice.profile(&*place.system).ok();
        if output.is_json() {
            let told = report.in_words(words::fix);
            output.json(&DoctorDocument::new(report, &told, profile.as_ref()));
            return;
        }
        for line in screen::whole(report, output.verbose, Stream::Stdout.width()) {
            output.line(line);
        }
        if let Some(profile) = profile.filter(|profile| *profile != Profile::default()) {
            output.line(paint(DIM, format!("profile {profile}")));
        }
    }
}

/// Runs the checks of a place, and reports each.
pub(super) async fn examine(
    place: &Place,
    choice: &Choice,
    flags: &Flags,
    require: &[Required],
    tell: impl FnMut(Event<'_>),
) -> Result<Report, Failure> {
    let workspace = locate(&*place.system, &place.folder, flags);
    let session = choice.apply(place.session())?;
    let required = require.iter().copied().map(Capability::from);
    let mut doctor = azcred_azure::Doctor::new(session, workspace)
        .requiring(Capability::OF_JOBS.into_iter().chain(required));
    if let Some(subscription) = &flags.subscription {
        doctor = doctor.with_subscription(subscription);
    }
    Ok(doctor.run(tell).await)
}

/// The kind of a failed check, for the exit code.
pub(super) fn kind(check: &CheckReport) -> Kind {
    match check.subject {
        Some(Subject::NotSignedIn) => Kind::NotSignedIn,
        Some(Subject::Refused) => Kind::Refused,
        Some(Subject::NotPermitted) => Kind::NotPermitted,
        Some(Subject::Unreachable) => Kind::Unreachable,
        _ => Kind::Failed,
    }
}
