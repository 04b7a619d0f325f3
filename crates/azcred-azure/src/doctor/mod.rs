//! The doctor: checks from the sign-in to what an identity may do in a workspace.
//!
//! A [`check`] is a unit: what it needs, what it requests, its outcomes, and their words. The
//! [`schedule`] runs all checks at once and reports them in order. Checks share their findings
//! ([`case`]). A check that depends on a failed one is skipped, so that one cause gives one
//! failure.

mod case;
mod check;
mod checks;
mod report;
mod schedule;

pub use self::{
    checks::CheckId,
    report::{CheckReport, Evidence, Report, Status, Subject},
};

use crate::{access::Capability, error::Result, locate::Located, workspace::WorkspaceRef};
use azcred::session::SessionBuilder;
use case::Case;
use checks::{CHECKS, sign_in::SignIn};
use report::{Verdict, milliseconds};
use schedule::{End, Job, Step};
use std::time::Duration;
use tokio::time::Instant;

/// The default deadline of a whole run.
const DEADLINE: Duration = Duration::from_secs(60);

/// What happens while the doctor works.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event<'a> {
    /// This check is reported next.
    Started {
        /// The check.
        id: CheckId,
        /// The check's name, as the report shows it.
        title: &'static str,
    },
    /// A check has ended.
    Finished(&'a CheckReport),
}

/// Checks a sign-in and what its identity may do.
#[derive(Debug)]
pub struct Doctor {
    session: SessionBuilder,
    workspace: Result<Located>,
    subscription: Option<String>,
    required: Vec<Capability>,
    deadline: Duration,
}

impl Doctor {
    /// A doctor for a session and a workspace. Each run opens `session` for Resource Manager,
    /// unattended and without cached tokens. `workspace` is the workspace or the reason why none is
    /// known ([`crate::locate`]).
    pub fn new(session: SessionBuilder, workspace: Result<Located>) -> Self {
        Self {
            session: session.unattended().without_cached_tokens(),
            workspace,
            subscription: None,
            required: vec![
                Capability::SubmitJobs,
                Capability::ReadData,
                Capability::WriteData,
            ],
            deadline: DEADLINE,
        }
    }

    /// Checks this subscription if no workspace is known.
    #[must_use]
    pub fn with_subscription(mut self, subscription: impl Into<String>) -> Self {
        self.subscription = Some(subscription.into());
        self
    }

    /// The capabilities that must be allowed. Others that are missing give a warning. The default
    /// is all but managing computes, which running jobs does not need.
    #[must_use]
    pub fn requiring(mut self, capabilities: impl IntoIterator<Item = Capability>) -> Self {
        self.required = capabilities.into_iter().collect();
        self
    }

    /// Limits a whole run with the sign-in; the default is 60 seconds. A check without a result at
    /// the deadline fails.
    #[must_use]
    pub fn with_deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// Runs all checks and reports each to `tell`. It never fails: errors are in the report.
    /// Cancel-safe; changes nothing in Azure.
    pub async fn run(&self, mut tell: impl FnMut(Event<'_>)) -> Report {
        let began = Instant::now();
        let case = Case::new(self, began + self.deadline - self.deadline / 20);
        let mut reports: Vec<CheckReport> = Vec::with_capacity(CHECKS.len());
        let jobs = CHECKS.iter().map(|(id, check)| Job {
            id: *id,
            needs: check.needs(),
            work: check.run(&case),
        });
        schedule::run(
            jobs.collect(),
            began + self.deadline,
            |verdict: &Option<Verdict>| {
                verdict
                    .as_ref()
                    .is_none_or(|verdict| verdict.status != Status::Failed)
            },
            |step| match step {
                Step::Waiting(id) => tell(Event::Started {
                    id,
                    title: id.title(),
                }),
                Step::Ended(id, end, took) => {
                    let report = CheckReport::new(id, in_words(end), took);
                    tracing::debug!(check = report.title, status = ?report.status, code = report.code, "checked");
                    tell(Event::Finished(&report));
                    reports.push(report);
                }
            },
        )
        .await;
        let signed_in = case.found::<SignIn>();
        Report {
            healthy: reports.iter().all(|check| check.status != Status::Failed),
            principal: signed_in
                .as_ref()
                .and_then(|found| found.principal().cloned()),
            workspace: case.workspace().map(WorkspaceRef::resource_id),
            chain: signed_in.and_then(|found| found.chain()),
            checks: reports,
            milliseconds: milliseconds(began.elapsed()),
        }
    }
}

/// The words for how a check ended.
fn in_words(end: End<CheckId, Option<Verdict>>) -> Verdict {
    match end {
        End::Done(Some(verdict)) => verdict,
        End::Done(None) => Verdict::skipped("it does not apply here"),
        End::Skipped(cause) => Verdict::skipped(format!("the check '{}' failed", cause.title())),
        End::Late => Verdict::failed(
            Subject::Unreachable,
            "",
            "it had no result before the time for all checks ran out",
        )
        .fix("check the network; if it needs a proxy, set HTTPS_PROXY"),
        End::Panicked => Verdict::failed(Subject::Other, "", "the check itself crashed")
            .fix("report it as a bug of azcred"),
    }
}
