//! The doctor: from the sign-in to what an identity may do in a workspace, as checks that explain
//! themselves.
//!
//! A [`check`] is a unit: what it needs, what it requests, how it can end, and the words for that.
//! The [`schedule`] runs all of them at once and reports them in order. What they find out is
//! shared by its type ([`case`]). What depends on a failed check is skipped, so that one cause is
//! one failure.

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

/// How long the whole may take, unless told otherwise.
const DEADLINE: Duration = Duration::from_secs(60);

/// What happens while the doctor works.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event<'a> {
    /// This check is the next one to report.
    Started {
        /// Which one.
        id: CheckId,
        /// Its name for people.
        title: &'static str,
    },
    /// It ended.
    Finished(&'a CheckReport),
}

/// Examines a sign-in and what it is good for.
#[derive(Debug)]
pub struct Doctor {
    session: SessionBuilder,
    workspace: Result<Located>,
    subscription: Option<String>,
    required: Vec<Capability>,
    deadline: Duration,
}

impl Doctor {
    /// A doctor for the identity of a session, which every run opens for Resource Manager,
    /// unattended and without cached tokens, and for `workspace`, or the reason why none is meant
    /// ([`crate::locate`]).
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

    /// Examines this subscription where no workspace is meant.
    #[must_use]
    pub fn with_subscription(mut self, subscription: impl Into<String>) -> Self {
        self.subscription = Some(subscription.into());
        self
    }

    /// What must be allowed for the report to be healthy; the rest is a warning. Unless told
    /// otherwise: everything but managing computes, which running jobs does not need.
    #[must_use]
    pub fn requiring(mut self, capabilities: impl IntoIterator<Item = Capability>) -> Self {
        self.required = capabilities.into_iter().collect();
        self
    }

    /// Bounds the whole, the sign-in included; 60 seconds unless told otherwise. A check that has
    /// no result by then fails.
    #[must_use]
    pub fn with_deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// Runs every check and tells of each. Never fails: what goes wrong is in the report.
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

/// What is said of a check by how it ended.
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
