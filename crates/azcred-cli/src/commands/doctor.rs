//! `azcred doctor`: from the sign-in to what an identity may do, check by check, each with its reason and its mend.

use crate::{
    failure::{Failure, Kind},
    output::{
        Output, Spinner,
        style::{BAD, DIM, GOOD, STRONG, Style, WARN, paint, with_code},
        wrap::{Stream, wrap},
    },
};
use azcred::{
    ClientOptions, Credential, EnvironmentCredential, EnvironmentOrder, TenantId,
    system::{RealSystem, SharedSystem},
};
use azcred_azure::{Check, Event, Flags, Report, Status, Subject, cloud_metadata, locate};
use clap::Args;
use std::{path::Path, sync::Arc};

/// Check the sign-in and what it is good for, step by step
///
/// Signs in, then looks at the tenant, the clock, the subscription and the workspace, and at what this identity may do in
/// it: submit jobs, read and write data assets, manage computes. What is wrong comes with its reason and what mends it.
/// Nothing is changed in Azure.
///
/// The workspace is the one of the options, else of AZUREML_ARM_SUBSCRIPTION, AZUREML_ARM_RESOURCEGROUP and
/// AZUREML_ARM_WORKSPACE_NAME, else of the nearest .azureml/config.json or config.json, as MLClient and hi-ml find it.
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
}

impl Doctor {
    pub(crate) async fn run(self, output: &mut Output) -> Result<u8, Failure> {
        let flags = Flags {
            subscription: self.subscription,
            resource_group: self.resource_group,
            workspace: self.workspace,
        };
        let directory = std::env::current_dir().map_err(|error| {
            Failure::new(
                Kind::Failed,
                "Look for the current folder",
                error.to_string(),
            )
        })?;
        let spinner = output.spinner("sign in");
        let work = examine(Arc::new(RealSystem), &directory, &flags, |event| {
            tell(&event, output, &spinner);
        });
        let report = spinner.during(work).await;
        if output.is_json() {
            output.json(&report);
        } else {
            output.line(format!("\n{}", verdict(&report)));
        }
        Ok(report
            .first_failure()
            .map_or(0, |check| kind(check).exit_code()))
    }
}

/// Runs every check on a machine.
pub(super) async fn examine(
    system: SharedSystem,
    directory: &Path,
    flags: &Flags,
    tell: impl FnMut(Event<'_>),
) -> Report {
    let plain = ClientOptions::new(system.clone());
    let (options, credential) = match cloud_metadata::apply(plain.clone()).await {
        Ok(options) => {
            let credential =
                EnvironmentCredential::new(EnvironmentOrder::default(), options.clone());
            (options, credential)
        }
        // A cloud that can't be told is why nobody can sign in.
        Err(error) => {
            let kind = match error.kind() {
                azcred_azure::ErrorKind::Invalid => azcred::ErrorKind::Invalid,
                azcred_azure::ErrorKind::Unreachable => azcred::ErrorKind::Unreachable,
                _ => azcred::ErrorKind::Unexpected,
            };
            let error = azcred::Error::new(kind, error.what().to_owned(), error.why().to_owned())
                .with_mend(error.mend().to_owned());
            (plain, Err(error))
        }
    };
    let tenant = credential.as_ref().ok().and_then(|credential| {
        let [variable, ..] = credential.kind().variables();
        TenantId::new(&system.var(variable)?).ok()
    });
    let credential = credential.map(|credential| Arc::new(credential) as Arc<dyn Credential>);
    let workspace = locate(&*system, directory, flags);
    let mut doctor = azcred_azure::Doctor::new(options, credential, workspace);
    if let Some(tenant) = tenant {
        doctor = doctor.with_tenant(tenant);
    }
    if let Some(subscription) = &flags.subscription {
        doctor = doctor.with_subscription(subscription);
    }
    doctor.run(tell).await
}

fn tell(event: &Event<'_>, output: &mut Output, spinner: &Spinner) {
    match event {
        Event::Started { title, .. } => spinner.say(*title),
        Event::Finished(check) if !output.is_json() => spinner.aside(|| {
            for line in lines(check, Stream::Stdout.width()) {
                output.line(line);
            }
        }),
        _ => {}
    }
}

/// The widest title and two spaces.
const TITLE: usize = 19;

/// A check for people: what was found; below, why it is not well and what mends it.
pub(super) fn lines(check: &Check, width: usize) -> Vec<String> {
    let mut lines = finding(check, width);
    let mut add = |label: &str, sentence: &str| {
        for (number, line) in wrap(sentence, width.saturating_sub(10)).iter().enumerate() {
            let label = if number == 0 { label } else { "" };
            let label = paint(DIM, format!("{label:<6}"));
            lines.push(format!("    {label}{}", with_code(line)));
        }
    };
    if check.status == Status::Skipped {
        return lines;
    }
    if check.reason != found(check) && !check.reason.is_empty() {
        add("why", &check.reason);
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
        add("code", &ids.join(", "));
    }
    if !check.mend.is_empty() {
        add("mend", &check.mend);
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
        (failed, _) => paint(STRONG, format!("{} to mend.", things(failed))),
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
