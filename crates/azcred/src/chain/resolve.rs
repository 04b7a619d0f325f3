//! One run through the sources: looks first, then asking in order, hedged.

mod outcome;

use super::{
    AfterFailure, Answer, People, Report, Setup, Source,
    preset::{Place, places},
};
use crate::{
    credential::{Availability, source::TokenSource},
    facts::{Error, ErrorKind, Result, Used},
    request::TokenRequest,
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

/// A source that has not answered for so long does not keep the next one from starting.
pub(super) const HEDGE: Duration = Duration::from_millis(250);

/// One source in one run.
pub(super) struct Runner {
    place: Place,
    state: State,
    /// How long the look took.
    look: Duration,
}

enum State {
    /// It does not take part.
    Excluded,
    /// It could be asked.
    Waiting(Candidate),
    /// It could be asked when no other is left.
    Doubtful(Candidate),
    /// It was asked at this time.
    Running(Candidate, Instant),
    /// It gave a token.
    Succeeded(Candidate, Asked, AccessToken),
    /// It has a token for who asks a person, which this run does not.
    WouldAsk(Candidate),
    /// It gave none when it was asked, or has nothing here.
    Failed(Option<(Candidate, Asked)>, Error),
}

/// A source that could be asked.
#[derive(Clone)]
struct Candidate {
    asks: Arc<dyn TokenSource>,
    /// What it would use.
    using: Used,
    /// Whether it may yet turn out to have nothing here.
    may_be_absent: bool,
}

/// When a source was asked, and for how long.
#[derive(Clone, Copy)]
struct Asked {
    at: Instant,
    took: Duration,
}

impl Runner {
    /// Looks at what is here for a source.
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
                Ok(asks) => {
                    let candidate = |using, may_be_absent| Candidate {
                        asks: asks.clone(),
                        using,
                        may_be_absent,
                    };
                    match asks.look(&**setup.options.system()) {
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

    /// Whether this failure of its own ends the chain, whoever stands behind it.
    fn ends_with(&self, error: &Error) -> bool {
        match self.place.after_failure {
            AfterFailure::End => true,
            AfterFailure::GoOn => false,
            // kedro-azureml-pipeline asks after a sign-in that failed, and not where a service
            // principal's variables are no sign-in at all (a tenant that is none, a certificate's
            // path where no file is): these it does not catch.
            AfterFailure::AskPerson => {
                self.place.source == Source::Environment && error.kind() == ErrorKind::Invalid
            }
        }
    }

    /// Whether a source behind this one could be the answer, for all that is known so far.
    fn may_be_passed(&self, candidate: &Candidate) -> bool {
        candidate.may_be_absent || self.place.after_failure == AfterFailure::GoOn
    }
}

/// What is to be done next.
enum Next {
    /// This one's token is the answer.
    Answer(usize),
    /// This one's failure ends the chain.
    End(usize),
    /// Ask this one.
    Start(usize),
    /// Wait for those that were asked, and look again at this time.
    Wait(Option<Instant>),
    /// Nobody is left but a person, who is not asked.
    WouldAsk,
    /// Nobody is left.
    Nobody,
}

fn next(runners: &[Runner], now: Instant) -> Next {
    // The last one that was asked and has not answered.
    let mut undecided: Option<(bool, Instant)> = None;
    let mut doubtful = None;
    // Whose failure it is that leaves nobody but a person.
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
            // Whatever stands behind these can't be the answer.
            State::Failed(..) | State::Succeeded(..) => return Next::Wait(None),
            State::Running(candidate, since) => {
                undecided = Some((runner.may_be_passed(candidate), *since));
            }
            // Nobody is asked while somebody else may yet answer.
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
        (None, None, None) => Next::Nobody,
    }
}

/// Goes through the sources of `setup`.
pub(super) async fn run(
    setup: &Setup,
    people: &People,
    request: &TokenRequest,
    end: Instant,
) -> (Result<Answer>, Report) {
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

/// Looks at all sources that take part. Files and the folders of `PATH` may be on a disk that
/// hangs, which must hold up neither the runtime nor the deadline.
async fn look_at_all(setup: &Setup, people: &People, end: Instant) -> Result<Vec<Runner>> {
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

/// Asks sources that were looked at.
pub(super) async fn go_through(
    mut runners: Vec<Runner>,
    setup: &Setup,
    request: &TokenRequest,
    began: Instant,
    mut end: Instant,
) -> (Result<Answer>, Report) {
    let mut asked: FuturesUnordered<BoxFuture<'_, (usize, Result<AccessToken>)>> =
        FuturesUnordered::new();
    let outcome = loop {
        let look_again = match next(&runners, Instant::now()) {
            Next::Answer(index) => break Outcome::Answer(index),
            Next::End(index) => break Outcome::End(index),
            Next::WouldAsk | Next::Nobody => break Outcome::Nobody,
            Next::Start(index) => {
                let runner = &mut runners[index];
                if let State::Waiting(candidate) | State::Doubtful(candidate) = &runner.state {
                    let candidate = candidate.clone();
                    tracing::debug!(source = %runner.place.source, using = %candidate.using, "asking");
                    if let Some(patience) = setup.patience(runner.place.source) {
                        end = end.max(Instant::now() + patience);
                    }
                    let answer = setup.fetch(candidate.asks.clone(), request.clone());
                    asked.push(async move { (index, answer.await) }.boxed());
                    runner.state = State::Running(candidate, Instant::now());
                }
                continue;
            }
            Next::Wait(look_again) => look_again,
        };
        let hedge: OptionFuture<_> = look_again.map(sleep_until).into();
        tokio::select! {
            // An answer that is there counts, whatever else has come at the same moment.
            biased;
            Some((index, answer)) = asked.next() => finished(&mut runners[index], answer, setup),
            Some(()) = hedge => {}
            () = sleep_until(end) => break Outcome::TooLate,
        }
    };
    // Whatever is still under way ends here, but for the renewal of a sign-in.
    drop(asked);
    conclude(runners, outcome, setup, request, began)
}

fn finished(runner: &mut Runner, answer: Result<AccessToken>, setup: &Setup) {
    let State::Running(candidate, at) = &runner.state else {
        return;
    };
    let asked = Asked {
        at: *at,
        took: at.elapsed(),
    };
    runner.state = match answer {
        Ok(token) => State::Succeeded(candidate.clone(), asked, token),
        // What is left of an earlier sign-in is not there or not enough: this is where the person
        // comes in.
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
