//! Runs checks: all at once, within one deadline, reported in order.
//!
//! All checks start at the beginning, so independent requests are sent at the same time. A check's
//! result counts after all checks that it needs have passed. If one of those failed, the check is
//! skipped, so that one cause gives one failure.

use futures_util::{FutureExt, StreamExt, future::BoxFuture, stream::FuturesUnordered};
use std::{panic::AssertUnwindSafe, time::Duration};
use tokio::time::{Instant, timeout_at};

/// One check to run.
pub(super) struct Job<'a, Id: 'static, R> {
    /// The check's id.
    pub(super) id: Id,
    /// The checks that it needs. They come before it in the list.
    pub(super) needs: &'static [Id],
    /// The future that returns its result.
    pub(super) work: BoxFuture<'a, R>,
}

/// How a check ended.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum End<Id, R> {
    /// The check has a result.
    Done(R),
    /// The check had no result at the deadline.
    Late,
    /// The check panicked.
    Panicked,
    /// The check was skipped because this check failed.
    Skipped(Id),
}

/// A step of the run, in the order of the list.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step<Id, R> {
    /// This check is reported next.
    Waiting(Id),
    /// The check has ended after this time.
    Ended(Id, End<Id, R>, Duration),
}

/// The state of a check that has not been reported.
enum State<R> {
    Running,
    /// The check has returned; `None` for a panic.
    Returned(Option<R>, Duration),
}

/// Runs `jobs` until `end`. Reports a step as soon as it and all steps before it are known.
/// `passed` decides whether a result lets dependent checks run. Cancel-safe.
pub(super) async fn run<Id, R>(
    jobs: Vec<Job<'_, Id, R>>,
    end: Instant,
    passed: impl Fn(&R) -> bool,
    mut tell: impl FnMut(Step<Id, R>),
) where
    Id: Copy + PartialEq + 'static,
{
    let began = Instant::now();
    let mut states: Vec<(Id, &'static [Id], State<R>)> = Vec::with_capacity(jobs.len());
    let mut running = FuturesUnordered::new();
    for (number, job) in jobs.into_iter().enumerate() {
        states.push((job.id, job.needs, State::Running));
        let work = AssertUnwindSafe(job.work).catch_unwind();
        running.push(async move { (number, work.await.ok()) });
    }
    // The failed checks, each with the cause: itself, or the check because of which it was skipped.
    let mut failed: Vec<(Id, Id)> = Vec::new();
    let mut out_of_time = false;
    for reported in 0..states.len() {
        let (id, needs, _) = states[reported];
        tell(Step::Waiting(id));
        // Earlier checks have been reported, so the results of needed ones are known.
        let cause = needs.iter().find_map(|need| {
            let (_, cause) = failed.iter().find(|(id, _)| id == need)?;
            Some(*cause)
        });
        if let Some(cause) = cause {
            failed.push((id, cause));
            tell(Step::Ended(id, End::Skipped(cause), Duration::ZERO));
            continue;
        }
        while !out_of_time && matches!(states[reported].2, State::Running) {
            match timeout_at(end, running.next()).await {
                Ok(Some((number, result))) => {
                    states[number].2 = State::Returned(result, began.elapsed());
                }
                Ok(None) | Err(_) => out_of_time = true,
            }
        }
        let (end, took) = match std::mem::replace(&mut states[reported].2, State::Running) {
            State::Returned(Some(result), took) => (End::Done(result), took),
            State::Returned(None, took) => (End::Panicked, took),
            State::Running => (End::Late, began.elapsed()),
        };
        if !matches!(&end, End::Done(result) if passed(result)) {
            failed.push((id, id));
        }
        tell(Step::Ended(id, end, took));
    }
}

#[cfg(test)]
#[path = "schedule_tests.rs"]
mod tests;
