//! The result of a run: a token or the error to report, with the run's report.

use super::{
    super::{RunResult, Setup, Winner, expect, no_token, too_late},
    Runner, State, Timing,
};
use crate::{
    chain::{Attempt, Report, Skipped, Verdict},
    facts::{Error, Result},
    request::TokenRequest,
};
use tokio::time::Instant;

/// How a run ended.
#[derive(Clone, Copy)]
pub(super) enum Outcome {
    Answer(usize),
    End(usize),
    NoneLeft,
    TooLate,
}

/// The result and the report of a run with this end.
pub(super) fn conclude(
    runners: Vec<Runner>,
    outcome: Outcome,
    setup: &Setup,
    request: &TokenRequest,
    began: Instant,
) -> (Result<RunResult>, Report) {
    let drift = match &outcome {
        Outcome::Answer(index) => match &runners[*index].state {
            State::Succeeded(_, _, token) => {
                expect::check(setup, runners[*index].place.source, token).err()
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
            reason = %attempt.reason(),
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
            Outcome::NoneLeft | Outcome::TooLate => None,
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
            ) => Ok(RunResult {
                token,
                winner: Winner {
                    source: place.source,
                    token_source: candidate.token_source,
                },
            }),
            (None, _) => Err(no_token::error(setup, &report, request)),
        },
        Outcome::End(_) | Outcome::NoneLeft => Err(no_token::error(setup, &report, request)),
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
    let decided = Some(Skipped::Decided);
    let (verdict, candidate, asked, skipped, error) = match &runner.state {
        State::Excluded => {
            let why = runner.place.excluded.clone();
            (Verdict::Excluded, None, None, why, None)
        }
        State::Failed(asked, error) => {
            let (candidate, asked) = asked.as_ref().map(|(one, at)| (one, *at)).unzip();
            (
                Verdict::of(error),
                candidate,
                asked,
                None,
                Some(error.clone()),
            )
        }
        State::WouldAsk(candidate) => (Verdict::WouldAsk, Some(candidate), None, None, None),
        State::Succeeded(candidate, asked, _) => {
            let (verdict, skipped) = match (drift, is_answer) {
                (Some(_), _) => (Verdict::WrongAccount, None),
                (None, true) => (Verdict::Chosen, None),
                (None, false) => (Verdict::NotNeeded, decided),
            };
            let error = drift.cloned();
            (verdict, Some(candidate), Some(*asked), skipped, error)
        }
        State::Running(candidate, at) => {
            let asked = Some(Timing {
                at: *at,
                took: at.elapsed(),
            });
            let (verdict, skipped) = match too_late {
                true => (Verdict::Failed, None),
                false => (Verdict::NotNeeded, decided),
            };
            (verdict, Some(candidate), asked, skipped, None)
        }
        State::Waiting(candidate) | State::Doubtful(candidate) => {
            let skipped = match &runner.state {
                _ if too_late => Skipped::OutOfTime,
                State::Doubtful(_) => Skipped::Unlikely,
                _ => Skipped::Decided,
            };
            let verdict = Verdict::NotNeeded;
            (verdict, Some(candidate), None, Some(skipped), None)
        }
    };
    Attempt {
        source: runner.place.source,
        verdict,
        used: candidate.map(|candidate| candidate.using.clone()),
        skipped,
        started: asked.map(|asked| asked.at.duration_since(began)),
        took: asked.map_or(runner.look, |asked| asked.took),
        error,
    }
}
