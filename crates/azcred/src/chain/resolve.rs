//! One run through the sources: checks first, then requests in order, some at the same time.

mod outcome;

use super::{
    AfterFailure, People, Report, RunResult, Setup, Source,
    preset::{Place, places},
};
use crate::{
    credential::{Availability, source::TokenSource},
    facts::{Error, ErrorKind, Result, Used},
    request::TokenRequest,
    system::check_text,
    token::AccessToken,
};
use futures_util::{
    FutureExt, StreamExt,
    future::{BoxFuture, OptionFuture},
    stream::FuturesUnordered,
};
use outcome::{Outcome, conclude};
use std::{sync::Arc, time::Duration};
use tokio::time::{Instant, sleep_until, timeout_at};

/// If a source has not responded after this time, the next one may start.
pub(super) const HEDGE: Duration = Duration::from_millis(250);

/// One source in one run.
pub(super) struct Runner {
    place: Place,
    state: State,
    /// How long the check took.
    look: Duration,
}

enum State {
    /// The source does not take part.
    Excluded,
    /// The source can be tried.
    Waiting(Candidate),
    /// The source can be tried if no other is left.
    Doubtful(Candidate),
    /// The source was started at this time.
    Running(Candidate, Instant),
    /// The source returned a token.
    Succeeded(Candidate, Timing, AccessToken),
    /// The source would ask a person, which this run must not.
    WouldAsk(Candidate),
    /// The source failed, or has nothing here.
    Failed(Option<(Candidate, Timing)>, Error),
}

/// A source that can be tried.
#[derive(Clone)]
struct Candidate {
    token_source: Arc<dyn TokenSource>,
    /// What the source would use.
    using: Used,
    /// Whether the source may turn out to have nothing here.
    may_be_absent: bool,
}

/// When a source was started, and how long it took.
#[derive(Clone, Copy)]
struct Timing {
    at: Instant,
    took: Duration,
}

impl Runner {
    /// Checks what a source has here.
    pub(super) fn look(
        place: Place,
        setup: &Setup,
        make: impl FnOnce(&Place) -> Result<Arc<dyn TokenSource>>,
    ) -> Self {
        let began = Instant::now();
        let state = if place.excluded.is_some() {
            State::Excluded
        } else {
            match make(&place) {
                Err(error) => State::Failed(None, error),
                Ok(token_source) => {
                    let candidate = |using, may_be_absent| Candidate {
                        token_source: token_source.clone(),
                        using,
                        may_be_absent,
                    };
                    match token_source.look(&**setup.options.system()) {
                        Availability::Ready { using } => State::Waiting(candidate(using, false)),
                        Availability::Possible { using } => State::Waiting(candidate(using, true)),
                        Availability::Doubtful { using } => State::Doubtful(candidate(using, true)),
                        Availability::Unavailable(error) => State::Failed(None, error),
                    }
                }
            }
        };
        Self {
            place,
            state,
            look: began.elapsed(),
        }
    }

    /// Whether this failure ends the chain.
    fn ends_with(&self, error: &Error) -> bool {
        match self.place.after_failure {
            AfterFailure::End => true,
            AfterFailure::GoOn => false,
            // kedro-azureml-pipeline opens the browser after a failed sign-in. It does not catch
            // the errors of invalid settings (a malformed tenant, a missing certificate file).
            AfterFailure::AskPerson => {
                self.place.source == Source::Environment && error.kind() == ErrorKind::Invalid
            }
        }
    }

    /// Whether a later source may still be chosen.
    fn may_be_passed(&self, candidate: &Candidate) -> bool {
        candidate.may_be_absent || self.place.after_failure == AfterFailure::GoOn
    }
}

/// The next step of a run.
enum Next {
    /// Return this source's token.
    Answer(usize),
    /// Return this source's failure.
    End(usize),
    /// Start this source.
    Start(usize),
    /// Wait for the started sources, until this time at the latest.
    Wait(Option<Instant>),
    /// Only sources that ask a person are left, and this run must not ask.
    WouldAsk,
    /// No source is left.
    NoneLeft,
}

fn next(runners: &[Runner], now: Instant) -> Next {
    // The last source that was started and has not responded.
    let mut undecided: Option<(bool, Instant)> = None;
    let mut doubtful = None;
    // The failure after which only a person may be asked.
    let mut failed = None;
    for (index, runner) in runners.iter().enumerate() {
        let asks_person = runner.place.source.asks_person();
        if failed.is_some() && !asks_person {
            continue;
        }
        match &runner.state {
            State::Excluded => {}
            State::Failed(_, error)
                if error.is_unavailable() || runner.place.after_failure == AfterFailure::GoOn => {}
            State::Failed(_, error) if undecided.is_none() => {
                if runner.ends_with(error) {
                    return Next::End(index);
                }
                failed = Some(index);
                doubtful = None;
            }
            State::Succeeded(..) if undecided.is_none() => return Next::Answer(index),
            State::WouldAsk(_) => return Next::WouldAsk,
            // Later sources can't be chosen.
            State::Failed(..) | State::Succeeded(..) => return Next::Wait(None),
            State::Running(candidate, since) => {
                undecided = Some((runner.may_be_passed(candidate), *since));
            }
            // A person is asked only after all other sources have failed.
            State::Waiting(_) if asks_person => {
                return match (undecided, doubtful) {
                    (Some(_), _) => Next::Wait(None),
                    (None, Some(doubtful)) => Next::Start(doubtful),
                    (None, None) => Next::Start(index),
                };
            }
            State::Waiting(_) => {
                return match undecided {
                    None => Next::Start(index),
                    Some((true, since)) if now >= since + HEDGE => Next::Start(index),
                    Some((true, since)) => Next::Wait(Some(since + HEDGE)),
                    Some((false, _)) => Next::Wait(None),
                };
            }
            State::Doubtful(_) => {
                doubtful.get_or_insert(index);
            }
        }
    }
    match (undecided, doubtful, failed) {
        (Some(_), ..) => Next::Wait(None),
        (None, Some(index), _) => Next::Start(index),
        (None, None, Some(index)) => Next::End(index),
        (None, None, None) => Next::NoneLeft,
    }
}

/// Runs through the sources of `setup`.
pub(super) async fn run(
    setup: &Setup,
    people: &People,
    request: &TokenRequest,
    end: Instant,
) -> (Result<RunResult>, Report) {
    let began = Instant::now();
    match look_at_all(setup, people, end).await {
        Ok(runners) => go_through(runners, setup, request, began, end).await,
        Err(error) => {
            let report = Report {
                preset: setup.preset(),
                attempts: Vec::new(),
                took: began.elapsed(),
                decisive: None,
            };
            (Err(error), report)
        }
    }
}

/// Checks all sources that take part. Files and the folders of `PATH` may be on a disk that hangs,
/// which must not block the runtime or pass the deadline.
async fn look_at_all(setup: &Setup, people: &People, end: Instant) -> Result<Vec<Runner>> {
    check_text(&**setup.options.system())?;
    let places = places(setup)?;
    let chosen_from = places
        .iter()
        .filter(|place| place.excluded.is_none() && !place.added);
    let pinned = chosen_from.count() == 1;
    let looking = {
        let (setup, people) = (setup.clone(), people.clone());
        let look = move |place| {
            Runner::look(place, &setup, |Place { source, .. }| {
                Ok(people.known(*source, source.make(&setup, pinned)?))
            })
        };
        tokio::task::spawn_blocking(move || places.into_iter().map(look).collect())
    };
    let failed = |kind, why| Error::new(kind, "could not check which sources are set up here", why);
    match timeout_at(end, looking).await {
        Ok(Ok(runners)) => Ok(runners),
        Ok(Err(ended)) => match ended.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(_) => Err(failed(ErrorKind::Invalid, "the runtime is shutting down")),
        },
        Err(_) => Err(failed(
            ErrorKind::Unreachable,
            "some files, or folders of PATH, could not be read in time",
        )
        .with_fix("check the disks: `df` hangs at the one that does not answer")),
    }
}

/// Tries sources that were checked.
pub(super) async fn go_through(
    mut runners: Vec<Runner>,
    setup: &Setup,
    request: &TokenRequest,
    began: Instant,
    mut end: Instant,
) -> (Result<RunResult>, Report) {
    let mut asked: FuturesUnordered<BoxFuture<'_, (usize, Result<AccessToken>)>> =
        FuturesUnordered::new();
    let outcome = loop {
        let look_again = match next(&runners, Instant::now()) {
            Next::Answer(index) => break Outcome::Answer(index),
            Next::End(index) => break Outcome::End(index),
            Next::WouldAsk | Next::NoneLeft => break Outcome::NoneLeft,
            Next::Start(index) => {
                let runner = &mut runners[index];
                if let State::Waiting(candidate) | State::Doubtful(candidate) = &runner.state {
                    let candidate = candidate.clone();
                    tracing::debug!(source = %runner.place.source, using = %candidate.using, "asking");
                    if let Some(patience) = setup.patience(runner.place.source) {
                        end = end.max(Instant::now() + patience);
                    }
                    let answer = setup.fetch(candidate.token_source.clone(), request.clone());
                    asked.push(async move { (index, answer.await) }.boxed());
                    runner.state = State::Running(candidate, Instant::now());
                }
                continue;
            }
            Next::Wait(look_again) => look_again,
        };
        let hedge: OptionFuture<_> = look_again.map(sleep_until).into();
        tokio::select! {
            // A result that is ready counts first.
            biased;
            Some((index, answer)) = asked.next() => finished(&mut runners[index], answer, setup),
            Some(()) = hedge => {}
            () = sleep_until(end) => break Outcome::TooLate,
        }
    };
    // Everything that still runs ends here, except the renewal of a sign-in.
    drop(asked);
    conclude(runners, outcome, setup, request, began)
}

fn finished(runner: &mut Runner, answer: Result<AccessToken>, setup: &Setup) {
    let State::Running(candidate, at) = &runner.state else {
        return;
    };
    let asked = Timing {
        at: *at,
        took: at.elapsed(),
    };
    runner.state = match answer {
        Ok(token) => State::Succeeded(candidate.clone(), asked, token),
        // The stored sign-in is missing or not sufficient; the person would have to be asked.
        Err(error)
            if setup.unattended
                && runner.place.source.asks_person()
                && matches!(error.kind(), ErrorKind::Unavailable | ErrorKind::Refused) =>
        {
            State::WouldAsk(candidate.clone())
        }
        Err(error) => State::Failed(Some((candidate.clone(), asked)), error),
    };
}

#[cfg(test)]
#[path = "resolve_tests.rs"]
mod tests;
