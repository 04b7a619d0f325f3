//! Runs checks: all at once, within one deadline, reported in order.
//!
//! Every check starts at the beginning, so that requests that do not need each other are sent side
//! by side. A check's result counts once every check that it needs has passed. Where one of those
//! failed, the check is skipped, so that one cause is one failure.

use futures_util::{FutureExt, StreamExt, future::BoxFuture, stream::FuturesUnordered};
use std::{panic::AssertUnwindSafe, time::Duration};
use tokio::time::{Instant, timeout_at};

/// One check to run.
pub(super) struct Job<'a, Id: 'static, R> {
    /// Which one.
    pub(super) id: Id,
    /// The checks that it needs. Each comes before this one in the list.
    pub(super) needs: &'static [Id],
    /// What it does.
    pub(super) work: BoxFuture<'a, R>,
}

/// How a check ended.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum End<Id, R> {
    /// It has a result.
    Done(R),
    /// It had none by the deadline.
    Late,
    /// It panicked.
    Panicked,
    /// It was skipped, because this check failed.
    Skipped(Id),
}

/// What happens, in the order of the list.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step<Id, R> {
    /// This check is the next one to report.
    Waiting(Id),
    /// It ended, and took so long.
    Ended(Id, End<Id, R>, Duration),
}

/// What is known of a check that has not been reported.
enum State<R> {
    Running,
    /// It returned; `None` for a panic.
    Returned(Option<R>, Duration),
}

/// Runs `jobs` until `end`, and tells each step as soon as it and those before it are decided.
/// `passed` says whether what needs a result may go on. Cancel-safe.
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
    // What failed, and why: itself, or the check because of which it was skipped.
    let mut failed: Vec<(Id, Id)> = Vec::new();
    let mut out_of_time = false;
    for reported in 0..states.len() {
        let (id, needs, _) = states[reported];
        tell(Step::Waiting(id));
        // Checks before it have been reported, so what it needs is decided.
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
