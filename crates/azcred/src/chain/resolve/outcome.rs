//! What a run came to: a token or the error that people have to hear of, and the report of both.

use super::{
    super::{Answer, Setup, Winner, expect, nobody, too_late},
    Asked, Runner, State,
};
use crate::{
    chain::{Attempt, Report, Verdict},
    facts::{Error, Result},
    request::TokenRequest,
};
use tokio::time::Instant;

/// How a run ended.
#[derive(Clone, Copy)]
pub(super) enum Outcome {
    Answer(usize),
    End(usize),
    Nobody,
    TooLate,
}

/// The answer and the report of a run that ended so.
pub(super) fn conclude(
    runners: Vec<Runner>,
    outcome: Outcome,
    setup: &Setup,
    request: &TokenRequest,
    began: Instant,
) -> (Result<Answer>, Report) {
    let drift = match &outcome {
        Outcome::Answer(index) => match &runners[*index].state {
            State::Succeeded(_, _, token) => {
                expect::check(&setup.expect, runners[*index].place.source, token).err()
            }
            _ => None,
        },
        _ => None,
    };
    let attempts: Vec<Attempt> = runners
        .iter()
        .enumerate()
        .map(|(index, runner)| {
            let is_answer = matches!(outcome, Outcome::Answer(answer) if answer == index);
            attempt(
                runner,
                is_answer,
                drift.as_ref().filter(|_| is_answer),
                matches!(outcome, Outcome::TooLate),
                began,
            )
        })
        .collect();
    for attempt in &attempts {
        tracing::debug!(
            source = %attempt.source,
            verdict = attempt.verdict.describe(),
            reason = attempt.reason,
            milliseconds = attempt.took.as_secs_f64() * 1e3,
            "went through the chain"
        );
    }
    let report = Report {
        preset: setup.preset(),
        attempts,
        took: began.elapsed(),
        decisive: match outcome {
            Outcome::Answer(index) | Outcome::End(index) => Some(index),
            Outcome::Nobody | Outcome::TooLate => None,
        },
    };
    let answer = match outcome {
        Outcome::Answer(index) => match (drift, runners.into_iter().nth(index)) {
            (Some(error), _) => Err(error),
            (
                None,
                Some(Runner {
                    place,
                    state: State::Succeeded(candidate, _, token),
                    ..
                }),
            ) => Ok(Answer {
                token,
                winner: Winner {
                    source: place.source,
                    asks: candidate.asks,
                },
            }),
            (None, _) => Err(nobody::error(setup, &report, request)),
        },
        Outcome::End(_) | Outcome::Nobody => Err(nobody::error(setup, &report, request)),
        Outcome::TooLate => Err(too_late(request, setup.deadline())),
    };
    (answer, report)
}

fn attempt(
    runner: &Runner,
    is_answer: bool,
    drift: Option<&Error>,
    too_late: bool,
    began: Instant,
) -> Attempt {
    let not_needed = "a source before it decided";
    let (verdict, reason, asked, error) = match &runner.state {
        State::Excluded => {
            let why = runner.place.excluded.clone().unwrap_or_default();
            (Verdict::Excluded, why, None, None)
        }
        State::Failed(asked, error) => (
            Verdict::of(error),
            error.why().to_owned(),
            *asked,
            Some(error.clone()),
        ),
        State::WouldAsk(candidate) => (Verdict::WouldAsk, candidate.using.clone(), None, None),
        State::Succeeded(_, asked, _) if drift.is_some() => (
            Verdict::NotExpected,
            drift
                .map(|error| error.why().to_owned())
                .unwrap_or_default(),
            Some(*asked),
            drift.cloned(),
        ),
        State::Succeeded(candidate, asked, _) if is_answer => {
            (Verdict::Chosen, candidate.using.clone(), Some(*asked), None)
        }
        State::Succeeded(_, asked, _) => (
            Verdict::NotNeeded,
            not_needed.to_owned(),
            Some(*asked),
            None,
        ),
        State::Running(candidate, at) => {
            let asked = Some(Asked {
                at: *at,
                took: at.elapsed(),
            });
            if too_late {
                let why = format!("it did not answer in time ({})", candidate.using);
                (Verdict::Failed, why, asked, None)
            } else {
                (Verdict::NotNeeded, not_needed.to_owned(), asked, None)
            }
        }
        State::Waiting(candidate) | State::Doubtful(candidate) if too_late => {
            let why = format!(
                "the time was over before it was tried ({})",
                candidate.using
            );
            (Verdict::NotNeeded, why, None, None)
        }
        State::Waiting(_) => (Verdict::NotNeeded, not_needed.to_owned(), None, None),
        State::Doubtful(candidate) => (Verdict::NotNeeded, candidate.using.clone(), None, None),
    };
    Attempt {
        source: runner.place.source,
        verdict,
        reason,
        started: asked.map(|asked| asked.at.duration_since(began)),
        took: asked.map_or(runner.look, |asked| asked.took),
        error,
    }
}
