//! `azcred doctor`: checks the sign-in and the permissions of the identity. Each check has its
//! cause and its fix.

use crate::{
    choice::Choice,
    failure::{Failure, Kind},
    given,
    output::{
        Output, Spinner, chain_table,
        style::{BAD, DIM, GOOD, STRONG, Style, WARN, paint, with_code},
        wrap::{Stream, wrap},
    },
    sign_in::Place,
    words,
};
use azcred::{Fix, Profile};
use azcred_azure::{CheckId, CheckReport, Event, Evidence, Flags, Report, Status, Subject, locate};
use clap::Args;
use serde::Serialize;

/// Check the sign-in and what the account is allowed to do
///
/// Checks the sign-in, the tenant, the clock, the subscription and the workspace. Then checks
/// whether the account may submit jobs, read and write data assets, and manage computes. For each
/// problem it prints the cause and the fix. It changes nothing in Azure and never asks you to sign
/// in.
///
/// The workspace is the one in config.json of this folder, as for MLClient and hi-ml. To write that
/// file, run `azcred workspace use`. The variables AZUREML_ARM_* come before the file, and the
/// options below come first.
#[derive(Args)]
#[command(after_help = "\
Examples:
  azcred doctor
  azcred doctor --subscription ID --resource-group NAME --workspace NAME
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

    #[command(flatten)]
    choice: Choice,
}

/// The output of `--output json`.
#[derive(Serialize)]
struct DoctorDocument<'a> {
    #[serde(flatten)]
    report: &'a Report,
    /// The profile whose accounts are used; `null` if it is not known.
    profile: Option<&'a str>,
}

impl Doctor {
    pub(crate) async fn run(self, output: &mut Output) -> Result<u8, Failure> {
        let flags = Flags {
            subscription: self.subscription,
            resource_group: self.resource_group,
            workspace: self.workspace,
        };
        let place = Place::here()?;
        let spinner = output.spinner("sign in");
        let work = examine(&place, &self.choice, &flags, |event| {
            tell(&event, output, &spinner);
        });
        let report = spinner.during(work).await?;
        let profile = self.choice.profile(&*place.system).ok();
        if output.is_json() {
            output.json(&DoctorDocument {
                report: &report.in_words(words::fix),
                profile: profile.as_ref().map(Profile::name),
            });
        } else {
            for line in ending(&report, output.verbose, Stream::Stdout.width()) {
                output.line(line);
            }
            if let Some(profile) = profile.filter(|profile| *profile != Profile::default()) {
                output.line(paint(DIM, format!("profile {profile}")));
            }
        }
        Ok(report
            .first_failure()
            .map_or(0, |check| kind(check).exit_code()))
    }
}

/// Runs the checks of a place, and reports each.
pub(super) async fn examine(
    place: &Place,
    choice: &Choice,
    flags: &Flags,
    tell: impl FnMut(Event<'_>),
) -> Result<Report, Failure> {
    let workspace = locate(&*place.system, &place.folder, flags);
    let session = choice.apply(place.session())?;
    let mut doctor = azcred_azure::Doctor::new(session, workspace);
    if let Some(subscription) = &flags.subscription {
        doctor = doctor.with_subscription(subscription);
    }
    Ok(doctor.run(tell).await)
}

fn tell(event: &Event<'_>, output: &mut Output, spinner: &Spinner) {
    match event {
        Event::Started { title, .. } => spinner.say(*title),
        Event::Finished(check) if !output.is_json() => spinner.aside(|| {
            for line in lines(check, output.verbose, Stream::Stdout.width()) {
                output.line(line);
            }
        }),
        _ => {}
    }
}

/// The widest title and two spaces.
const TITLE: usize = 19;

/// Indent of the lines below a check, and the width of their labels.
const INDENT: usize = 4;
const LABEL: usize = 8;

/// A check as text: the finding, then the cause, the fix and Azure's details of a problem. Skipped
/// checks come at the end, in one line, unless the output is `verbose`.
pub(super) fn lines(check: &CheckReport, verbose: bool, width: usize) -> Vec<String> {
    match check.status {
        Status::Skipped if !verbose => return Vec::new(),
        // It needs no fix, so its details are shown with -v only.
        Status::Warning if !verbose && is_optional(check) => return finding(check, width),
        _ => {}
    }
    let mut lines = finding(check, width);
    if check.status == Status::Skipped {
        return lines;
    }
    let mut add = |label: &str, sentences: &[String]| {
        for (number, line) in sentences.iter().enumerate() {
            let label = if number == 0 { label } else { "" };
            let label = paint(DIM, format!("{label:<LABEL$}"));
            lines.push(format!("{:INDENT$}{label}{line}", ""));
        }
    };
    let room = width.saturating_sub(INDENT + LABEL);
    if check.reason != found(check) && !check.reason.is_empty() {
        add("why", &sentence(&check.reason, room));
    }
    match &check.fixes[..] {
        // Any one of them is enough.
        [Fix::AnyOf(_)] => {
            for (number, fix) in words::alternatives(&check.fixes[0]).iter().enumerate() {
                add(if number == 0 { "fix" } else { "or" }, &sentence(fix, room));
            }
        }
        fixes => add("fix", &steps(fixes, room)),
    }
    if verbose || !matches!(check.status, Status::Ok) {
        for Evidence { name, value, .. } in &check.evidence {
            add(name, &sentence(value, room));
        }
    }
    let ids = [
        check.code.clone(),
        check
            .correlation_id
            .as_ref()
            .map(|id| format!("correlation id {id}")),
    ];
    let ids: Vec<String> = ids.into_iter().flatten().collect();
    if !ids.is_empty() {
        add("details", &sentence(&ids.join(", "), room));
    }
    lines
}

fn sentence(text: &str, width: usize) -> Vec<String> {
    wrap(text, width)
        .iter()
        .map(|line| with_code(line))
        .collect()
}

/// The steps of a fix. Several steps are numbered.
fn steps(fixes: &[Fix], width: usize) -> Vec<String> {
    const NUMBER: usize = 3;
    let fixes: Vec<String> = fixes.iter().map(words::fix).collect();
    let [_, _, ..] = fixes[..] else {
        return fixes.iter().flat_map(|fix| sentence(fix, width)).collect();
    };
    let mut lines = Vec::new();
    for (number, fix) in fixes.iter().enumerate() {
        let words = sentence(fix, width.saturating_sub(NUMBER));
        for (line, words) in words.iter().enumerate() {
            lines.push(match line {
                0 => format!("{}. {words}", number + 1),
                _ => format!("{:NUMBER$}{words}", ""),
            });
        }
    }
    lines
}

/// Whether the check is for something that not every user needs.
fn is_optional(check: &CheckReport) -> bool {
    check.status == Status::Warning && check.id == CheckId::ManageComputes
}

/// A mark, the check's title, the finding.
pub(super) fn finding(check: &CheckReport, width: usize) -> Vec<String> {
    let (mark, style) = mark(check.status);
    let indent = TITLE + 2;
    wrap(&found(check), width.saturating_sub(indent))
        .iter()
        .enumerate()
        .map(|(number, line)| {
            let line = match check.status {
                Status::Skipped => paint(DIM, line),
                _ => with_code(line),
            };
            if number == 0 {
                format!("{} {:<TITLE$}{line}", paint(style, mark), check.title)
            } else {
                format!("{:indent$}{line}", "")
            }
        })
        .collect()
}

fn found(check: &CheckReport) -> String {
    match check.status {
        Status::Skipped => format!("skipped: {}", check.reason),
        _ if check.detail.is_empty() => check.reason.clone(),
        _ => check.detail.clone(),
    }
}

fn mark(status: Status) -> (&'static str, Style) {
    match status {
        Status::Ok => ("✓", GOOD),
        Status::Warning => ("!", WARN),
        Status::Failed => ("✗", BAD),
        Status::Skipped => ("–", DIM),
    }
}

/// The lines after the checks: skipped checks, the sources if none had a token, and the summary.
pub(super) fn ending(report: &Report, verbose: bool, width: usize) -> Vec<String> {
    let titles = |status| {
        let checks = report
            .checks
            .iter()
            .filter(move |check| check.status == status);
        checks.map(|check| check.title).collect::<Vec<_>>()
    };
    let mut lines = Vec::new();
    let skipped = titles(Status::Skipped);
    if !verbose && !skipped.is_empty() {
        let number = match skipped.len() {
            1 => "1 check".to_owned(),
            number => format!("{number} checks"),
        };
        let words = format!("{number} skipped: {}", skipped.join(", "));
        for (number, line) in wrap(&words, width.saturating_sub(2)).iter().enumerate() {
            let mark = if number == 0 { "–" } else { " " };
            lines.push(paint(DIM, format!("{mark} {line}")));
        }
    }
    let sources = report
        .check(CheckId::SignIn)
        .filter(|check| check.status == Status::Failed)
        .and_then(|_| {
            let chain = report.chain.as_deref()?;
            Some(chain_table::short(chain, width, verbose))
        });
    if let Some(sources) = sources.filter(|sources| !sources.is_empty()) {
        if verbose {
            lines.push(paint(DIM, "Every source, in order:"));
            lines.extend(sources);
        } else {
            lines.push(paint(
                DIM,
                "– the sources that were tried are listed with -v",
            ));
        }
    }
    lines.push(String::new());
    lines.push(verdict(
        titles(Status::Failed).len(),
        titles(Status::Warning).len(),
    ));
    lines
}

/// The summary line.
fn verdict(failed: usize, warned: usize) -> String {
    let things = |count: usize, thing: &str| match count {
        1 => format!("1 {thing}"),
        count => format!("{count} {thing}s"),
    };
    match (failed, warned) {
        (0, 0) => paint(GOOD, "All checks passed."),
        (0, warned) => format!(
            "{} with {} (details with -v).",
            paint(GOOD, "All required checks passed,"),
            things(warned, "warning"),
        ),
        (failed, _) => paint(STRONG, format!("{} to fix.", things(failed, "problem"))),
    }
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
