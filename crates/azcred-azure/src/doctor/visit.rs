//! One run of the doctor: what it has told so far, and how long it may go on.

use super::{
    Event,
    report::{Check, CheckId},
};
use crate::{
    error::{Error, ErrorKind, Result},
    principal::Principal,
};
use std::future::Future;
use tokio::time::{Instant, timeout_at};

/// One run under way.
pub(super) struct Visit<T> {
    pub(super) end: Instant,
    pub(super) tell: T,
    pub(super) checks: Vec<Check>,
    pub(super) principal: Option<Principal>,
}

impl<T: FnMut(Event<'_>)> Visit<T> {
    pub(super) fn start(&mut self, id: CheckId) {
        (self.tell)(Event::Started {
            id,
            title: id.title(),
        });
    }

    pub(super) fn finish(&mut self, mut check: Check, began: Instant) {
        check.milliseconds = milliseconds(began);
        tracing::debug!(check = check.title, status = ?check.status, code = check.code, "checked");
        (self.tell)(Event::Finished(&check));
        self.checks.push(check);
    }

    /// Everything from `first` on is skipped.
    pub(super) fn skip_rest(&mut self, first: CheckId, because: &str) {
        const ORDER: [CheckId; 8] = [
            CheckId::Tenant,
            CheckId::Clock,
            CheckId::Subscription,
            CheckId::Workspace,
            CheckId::SubmitJobs,
            CheckId::ReadData,
            CheckId::WriteData,
            CheckId::ManageComputes,
        ];
        for id in ORDER.into_iter().skip_while(|id| *id != first) {
            self.finish(Check::skipped(id, because), Instant::now());
        }
    }
}

/// `work`, or the error that there was no time left for it.
pub(super) async fn bounded<R>(
    end: Instant,
    what: &str,
    work: impl Future<Output = Result<R>>,
) -> Result<R> {
    match timeout_at(end, work).await {
        Ok(result) => result,
        Err(_) => Err(Error::new(
            ErrorKind::Unreachable,
            what.to_owned(),
            "the time for all checks together ran out first",
        )
        .with_fix("check the network, and HTTPS_PROXY if this machine needs a proxy")),
    }
}

pub(super) fn milliseconds(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX)
}
