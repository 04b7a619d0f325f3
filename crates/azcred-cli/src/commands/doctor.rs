//! `azcred doctor`: from the sign-in to what an identity may do, check by check, each with its
//! reason and its fix.

use crate::{
    choice::Choice,
    failure::{Failure, Kind},
    output::{
        Output, Spinner, chain_table,
        style::{BAD, DIM, GOOD, STRONG, Style, WARN, paint, with_code},
        wrap::{Stream, wrap},
    },
    sign_in::{Chosen, Person, Place, SignIn},
};
use azcred::{
    Availability, ClientOptions, Credential, Profile, TokenFuture, TokenRequest,
    chain::{self, Chain},
    system::System,
};
use azcred_azure::{Check, CheckId, Event, Flags, Report, Status, Subject, locate};
use clap::Args;
use serde::Serialize;
use std::{sync::Arc, time::Duration};
use tokio::time::{Instant, timeout_at};

/// Check the sign-in and what it is good for, step by step
///
/// Signs in, then looks at the tenant, the clock, the subscription and the workspace, and at what
/// this identity may do in it: submit jobs, read and write data assets, manage computes. What is
/// wrong comes with its reason and what fixes it. Nothing is changed in Azure.
///
/// The workspace is the one of the options, else of AZUREML_ARM_SUBSCRIPTION,
/// AZUREML_ARM_RESOURCEGROUP and AZUREML_ARM_WORKSPACE_NAME, else of the nearest
/// .azureml/config.json or config.json, as MLClient and hi-ml find it.
#[derive(Args)]
#[command(after_help = "\
Examples:
  azcred doctor
  azcred doctor --subscription 5ec0ffee-… --resource-group ml --workspace team
  azcred doctor --output json | jq '.checks[] | select(.status == \"failed\")'

The exit code is that of the first failure: 3 not signed in, 4 refused, 5 not permitted, 6 unreachable, 1 anything else.")]
pub(crate) struct Doctor {
    /// The workspace's subscription, by id
    #[arg(long, value_name = "ID")]
    subscription: Option<String>,

    /// The workspace's resource group
    #[arg(short = 'g', long, value_name = "NAME")]
    resource_group: Option<String>,

    /// The workspace, by name or by its whole resource id
    #[arg(short = 'w', long, value_name = "NAME")]
    workspace: Option<String>,

    #[command(flatten)]
    choice: Choice,
}

/// What `--output json` prints.
#[derive(Serialize)]
struct Document<'a> {
    #[serde(flatten)]
    report: &'a Report,
    /// What every source said.
    chain: Option<&'a chain::Report>,
    /// Whose sign-ins are used; `null` where that can't be told.
    profile: Option<&'a str>,
}

/// What was found, and how the sign-in came about.
pub(super) struct Findings {
    pub(super) report: Report,
    chain: Option<Arc<chain::Report>>,
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
        let work = examine(&place, &self.choice, &flags, |event, chain| {
            tell(&event, chain, output, &spinner);
        });
        let Findings { report, chain } = spinner.during(work).await;
        let profile = self.choice.profile(&*place.system).ok();
        if output.is_json() {
            output.json(&Document {
                report: &report,
                chain: chain.as_deref(),
                profile: profile.as_ref().map(Profile::name),
            });
        } else {
            output.line(format!("\n{}", verdict(&report)));
            if let Some(profile) = profile.filter(|profile| *profile != Profile::default()) {
                output.line(paint(DIM, format!("profile {profile}")));
            }
        }
        Ok(report
            .first_failure()
            .map_or(0, |check| kind(check).exit_code()))
    }
}

/// How long the whole may take.
const DEADLINE: Duration = Duration::from_secs(60);

/// Runs every check at a place, and tells of each; of a sign-in that failed with what every source
/// said.
pub(super) async fn examine(
    place: &Place,
    choice: &Choice,
    flags: &Flags,
    mut tell: impl FnMut(Event<'_>, Option<&chain::Report>),
) -> Findings {
    let began = Instant::now();
    let end = began + DEADLINE;
    let signed_in = timeout_at(end, signed_in(place, choice)).await;
    let signed_in = signed_in.unwrap_or_else(|_| {
        let error = azcred::Error::new(
            azcred::ErrorKind::Unreachable,
            "Signed in",
            format!("nobody answered within {} s", DEADLINE.as_secs()),
        );
        Err(error.with_fix("`azcred chain` shows which source takes so long"))
    });
    let took = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
    let workspace = locate(&*place.system, &place.folder, flags);
    let (options, credential, chain, tenant) = match signed_in {
        Ok(signed_in) => {
            let tenant = signed_in.chosen.asked_tenant(&signed_in.options);
            let report = signed_in.chain.report();
            let options = signed_in.options.clone();
            (
                options,
                Ok(Arc::new(signed_in) as Arc<dyn Credential>),
                report,
                tenant,
            )
        }
        Err(error) => {
            let report = error.report().cloned();
            let decisive = report.as_deref().and_then(chain_table::decisive);
            let credential = match decisive {
                Some(attempt) => Ok(Arc::new(NotSignedIn {
                    name: attempt.source.id(),
                    error,
                }) as Arc<dyn Credential>),
                None => Err(error),
            };
            let options = ClientOptions::new(place.system.clone());
            (options, credential, report, None)
        }
    };
    let mut doctor = azcred_azure::Doctor::new(options, credential, workspace)
        .with_deadline(end.saturating_duration_since(Instant::now()));
    if let Some(tenant) = tenant {
        doctor = doctor.with_tenant(tenant);
    }
    if let Some(subscription) = &flags.subscription {
        doctor = doctor.with_subscription(subscription);
    }
    let mut report = doctor
        .run(|event| match event {
            Event::Finished(check)
                if check.id == CheckId::SignIn && check.status == Status::Failed =>
            {
                let mut check = check.clone();
                // The table beneath says the rest.
                if let Some(why) = chain.as_deref().and_then(chain_table::in_short) {
                    why.clone_into(&mut check.reason);
                }
                tell(Event::Finished(&check), chain.as_deref());
            }
            event => tell(event, None),
        })
        .await;
    // The doctor found the sign-in done.
    report.milliseconds += took;
    for check in &mut report.checks {
        if check.id == CheckId::SignIn {
            check.milliseconds += took;
        }
    }
    Findings { report, chain }
}

/// A chain that has answered, as the credential that it turned out to be.
#[derive(Debug)]
struct SignedIn {
    chain: Arc<Chain>,
    options: ClientOptions,
    chosen: Chosen,
}

async fn signed_in(place: &Place, choice: &Choice) -> azcred::Result<SignedIn> {
    let sign_in = SignIn::new(place, choice, None, None, Person::LeftAlone).await?;
    let (_, chosen) = sign_in.token().await?;
    Ok(SignedIn {
        chain: sign_in.chain,
        options: sign_in.options,
        chosen,
    })
}

impl Credential for SignedIn {
    fn name(&self) -> &'static str {
        self.chosen.source.id()
    }

    fn prepare(&self, _: &dyn System) -> Availability {
        Availability::Ready {
            using: self.chosen.using.clone(),
        }
    }

    fn get_token<'a>(&'a self, request: &'a TokenRequest) -> TokenFuture<'a> {
        self.chain.get_token(request)
    }
}

/// A chain that has not, as the credential that it failed at.
#[derive(Debug)]
struct NotSignedIn {
    name: &'static str,
    error: azcred::Error,
}

impl Credential for NotSignedIn {
    fn name(&self) -> &'static str {
        self.name
    }

    fn prepare(&self, _: &dyn System) -> Availability {
        Availability::Unavailable(self.error.clone())
    }

    fn get_token<'a>(&'a self, _: &'a TokenRequest) -> TokenFuture<'a> {
        TokenFuture::ready(Err(self.error.clone()))
    }
}

fn tell(event: &Event<'_>, chain: Option<&chain::Report>, output: &mut Output, spinner: &Spinner) {
    match event {
        Event::Started { title, .. } => spinner.say(*title),
        Event::Finished(check) if !output.is_json() => spinner.aside(|| {
            for line in lines(check, chain, Stream::Stdout.width()) {
                output.line(line);
            }
        }),
        _ => {}
    }
}

/// The widest title and two spaces.
const TITLE: usize = 19;

/// What stands beneath a check: how far in, and how wide its labels.
const INDENT: usize = 4;
const LABEL: usize = 6;

/// A check for people: what was found; below, why it is not well and what fixes it.
fn lines(check: &Check, chain: Option<&chain::Report>, width: usize) -> Vec<String> {
    let mut lines = finding(check, width);
    let width = width.saturating_sub(INDENT + LABEL);
    let mut add = |label: &str, sentences: Vec<String>| {
        for (number, line) in sentences.iter().enumerate() {
            let label = if number == 0 { label } else { "" };
            let label = paint(DIM, format!("{label:<LABEL$}"));
            lines.push(format!("{:INDENT$}{label}{line}", ""));
        }
    };
    let sentence = |text: &str| -> Vec<String> {
        let lines = wrap(text, width);
        lines.iter().map(|line| with_code(line)).collect()
    };
    if check.status == Status::Skipped {
        return lines;
    }
    if check.reason != found(check) && !check.reason.is_empty() {
        add("why", sentence(&check.reason));
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
        add("code", sentence(&ids.join(", ")));
    }
    if let Some(report) = chain {
        add("chain", chain_table::short(report, &check.reason, width));
    }
    if !check.fix.is_empty() {
        add("fix", sentence(&check.fix));
    }
    lines
}

/// A mark, what was checked, what was found.
pub(super) fn finding(check: &Check, width: usize) -> Vec<String> {
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

fn found(check: &Check) -> String {
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

/// The whole in one line.
fn verdict(report: &Report) -> String {
    let count = |status| {
        report
            .checks
            .iter()
            .filter(|check| check.status == status)
            .count()
    };
    let (failed, warned) = (count(Status::Failed), count(Status::Warning));
    let things = |count: usize| match count {
        1 => "1 thing".to_owned(),
        count => format!("{count} things"),
    };
    match (failed, warned) {
        (0, 0) => paint(GOOD, "All is well."),
        (0, warned) => format!(
            "{} {} to know of.",
            paint(GOOD, "All that is needed works."),
            things(warned)
        ),
        (failed, _) => paint(STRONG, format!("{} to fix.", things(failed))),
    }
}

/// What a failed check is, in the words of the exit codes.
fn kind(check: &Check) -> Kind {
    match check.subject {
        Some(Subject::NotSignedIn) => Kind::Unavailable,
        Some(Subject::Refused) => Kind::Refused,
        Some(Subject::NotPermitted) => Kind::NotPermitted,
        Some(Subject::Unreachable) => Kind::Unreachable,
        _ => Kind::Failed,
    }
}
