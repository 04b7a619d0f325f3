//! Runs checks: all at once, within one deadline, each reported as soon as its end is known.
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

/// The state of a check.
enum State<R> {
    Running,
    /// The check has returned; `None` for a panic. Checks that it needs have not ended.
    Returned(Option<R>, Duration),
    /// The check has ended. It failed if there is a cause: itself, or the check because of which
    /// it was skipped.
    Ended {
        cause: Option<usize>,
    },
}

/// Runs `jobs` until `end`. Reports the end of each as soon as it is known, in any order. `passed`
/// decides whether a result lets dependent checks run. Cancel-safe.
pub(super) async fn run<Id, R>(
    jobs: Vec<Job<'_, Id, R>>,
    end: Instant,
    passed: impl Fn(&R) -> bool,
    mut tell: impl FnMut(Id, End<Id, R>, Duration),
) where
    Id: Copy + PartialEq + 'static,
{
    let began = Instant::now();
    let ids: Vec<Id> = jobs.iter().map(|job| job.id).collect();
    let mut states: Vec<State<R>> = Vec::with_capacity(jobs.len());
    let mut needs: Vec<Vec<usize>> = Vec::with_capacity(jobs.len());
    let mut running = FuturesUnordered::new();
    for (number, job) in jobs.into_iter().enumerate() {
        states.push(State::Running);
        let earlier = ids[..number].iter().enumerate();
        let earlier = earlier.filter(|(_, id)| job.needs.contains(id));
        needs.push(earlier.map(|(number, _)| number).collect());
        let work = AssertUnwindSafe(job.work).catch_unwind();
        running.push(async move { (number, work.await.ok()) });
    }
    let mut is_late = false;
    loop {
        // Needed checks come first in the list, so one pass is enough.
        for number in 0..states.len() {
            let Some(cause) = cause(&states, &needs[number]) else {
                continue;
            };
            let state = &mut states[number];
            let (end, took) = match (cause, std::mem::replace(state, State::Running)) {
                (_, ended @ State::Ended { .. }) => {
                    *state = ended;
                    continue;
                }
                (Some(cause), _) => {
                    tell(ids[number], End::Skipped(ids[cause]), Duration::ZERO);
                    *state = State::Ended { cause: Some(cause) };
                    continue;
                }
                (None, State::Returned(Some(result), took)) => (End::Done(result), took),
                (None, State::Returned(None, took)) => (End::Panicked, took),
                (None, State::Running) if is_late => (End::Late, began.elapsed()),
                (None, State::Running) => continue,
            };
            let is_passed = matches!(&end, End::Done(result) if passed(result));
            let cause = (!is_passed).then_some(number);
            *state = State::Ended { cause };
            tell(ids[number], end, took);
        }
        let is_over = |state: &State<R>| matches!(state, State::Ended { .. });
        if is_late || states.iter().all(is_over) {
            return;
        }
        match timeout_at(end, running.next()).await {
            // A skipped check may return later.
            Ok(Some((number, _))) if is_over(&states[number]) => {}
            Ok(Some((number, result))) => {
                states[number] = State::Returned(result, began.elapsed());
            }
            Ok(None) | Err(_) => is_late = true,
        }
    }
}

/// The cause because of which a check is skipped: the first one of the checks that it needs.
/// `Some(None)` if all of them passed, `None` if one that decides has not ended.
fn cause<R>(states: &[State<R>], needs: &[usize]) -> Option<Option<usize>> {
    for need in needs {
        match &states[*need] {
            State::Ended { cause: None } => {}
            State::Ended { cause } => return Some(*cause),
            State::Running | State::Returned(..) => return None,
        }
    }
    Some(None)
}

#[cfg(test)]
#[path = "schedule_tests.rs"]
mod tests;
