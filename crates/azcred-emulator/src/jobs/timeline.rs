//! When a job is in which state.

use super::{job::JobKind, rule::Outcome};
use serde::{Deserialize, Serialize};
use time::{Duration, OffsetDateTime};

/// How long a job is in a state in which it waits.
pub(super) const WAIT: Duration = Duration::milliseconds(100);

/// The states of a job, as Azure Resource Manager and the run history name them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum JobState {
    /// A pipeline, or a step of one, that waits.
    NotStarted,
    /// A command that was accepted.
    Starting,
    /// Its environment is prepared.
    Preparing,
    /// It waits for a node.
    Queued,
    /// It runs.
    Running,
    /// Its outputs are stored.
    Finalizing,
    /// Someone has canceled it, and it has not ended yet.
    CancelRequested,
    /// It ended well.
    Completed,
    /// It ended with an error.
    Failed,
    /// It was canceled.
    Canceled,
}

impl JobState {
    /// The name in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotStarted => "NotStarted",
            Self::Starting => "Starting",
            Self::Preparing => "Preparing",
            Self::Queued => "Queued",
            Self::Running => "Running",
            Self::Finalizing => "Finalizing",
            Self::CancelRequested => "CancelRequested",
            Self::Completed => "Completed",
            Self::Failed => "Failed",
            Self::Canceled => "Canceled",
        }
    }

    /// Whether a job in this state has ended.
    pub fn is_final(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Canceled)
    }
}

/// Which states a job enters, and when, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Timeline(Vec<Entry>);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Entry {
    #[serde(with = "time::serde::rfc3339")]
    at: OffsetDateTime,
    state: JobState,
}

impl Timeline {
    /// The state at a time.
    pub fn state(&self, now: OffsetDateTime) -> JobState {
        let entered = self.0.iter().rev().find(|entry| entry.at <= now);
        // A clock that was set back can be before the first entry.
        let entered = entered.or_else(|| self.0.first());
        entered.map_or(JobState::NotStarted, |entry| entry.state)
    }

    /// When a state is entered: in the past, or as planned.
    pub fn entered(&self, state: JobState) -> Option<OffsetDateTime> {
        let entry = self.0.iter().find(|entry| entry.state == state)?;
        Some(entry.at)
    }

    /// When the job ends, and how. `None`: it hangs.
    pub fn end(&self) -> Option<(OffsetDateTime, JobState)> {
        let last = self.0.last().filter(|last| last.state.is_final())?;
        Some((last.at, last.state))
    }

    /// The states that were entered until a time.
    pub fn until(
        &self,
        now: OffsetDateTime,
    ) -> impl Iterator<Item = (OffsetDateTime, JobState)> + '_ {
        let past = self.0.iter().filter(move |entry| entry.at <= now);
        past.map(|entry| (entry.at, entry.state))
    }

    /// Adds a state after the last one.
    pub(super) fn enter(&mut self, at: OffsetDateTime, state: JobState) {
        let last = self.0.last().map_or(at, |last| last.at);
        self.0.push(Entry {
            at: at.max(last),
            state,
        });
    }

    /// Forgets what is planned for later.
    pub(super) fn cut(&mut self, now: OffsetDateTime) {
        let first = self.0.first().copied();
        self.0.retain(|entry| entry.at <= now);
        if self.0.is_empty() {
            self.0.extend(first);
        }
    }

    /// Plans all states of a job that begins at a time. A pipeline's end follows from its steps.
    pub(super) fn begin(
        &mut self,
        kind: JobKind,
        from: OffsetDateTime,
        running: Duration,
        outcome: Outcome,
    ) {
        let mut at = from;
        for state in opening(kind) {
            self.enter(at, *state);
            at += WAIT;
        }
        if kind != JobKind::Pipeline {
            let started = at - WAIT;
            match outcome {
                Outcome::Cancel => self.close(started + running / 2, outcome),
                _ => self.close(started + running, outcome),
            }
        }
    }

    /// Plans the end of a job that runs until a time.
    pub(super) fn close(&mut self, at: OffsetDateTime, outcome: Outcome) {
        let (before, last) = match outcome {
            Outcome::Hang => return,
            Outcome::Complete => (JobState::Finalizing, JobState::Completed),
            Outcome::Fail => (JobState::Finalizing, JobState::Failed),
            Outcome::Cancel => (JobState::CancelRequested, JobState::Canceled),
        };
        self.enter(at, before);
        self.enter(at + WAIT, last);
    }

    /// Plans another end from now on. Returns whether the job has not ended yet.
    pub(super) fn end_as(
        &mut self,
        kind: JobKind,
        running: Duration,
        outcome: Outcome,
        now: OffsetDateTime,
    ) -> bool {
        let state = self.state(now);
        if state.is_final() {
            return false;
        }
        self.cut(now);
        if kind == JobKind::Recorded {
            let last = match outcome {
                Outcome::Complete => JobState::Completed,
                Outcome::Fail => JobState::Failed,
                Outcome::Cancel => JobState::Canceled,
                Outcome::Hang => return true,
            };
            self.enter(now, last);
            return true;
        }
        if outcome == Outcome::Cancel {
            self.close(now, outcome);
            return true;
        }
        let states = opening(kind);
        let left = match states.iter().position(|one| *one == state) {
            Some(at) => &states[at + 1..],
            // A step that waits for others gets its states when they end.
            None if state == JobState::NotStarted => return true,
            None => &[],
        };
        let mut at = now;
        for state in left {
            at += WAIT;
            self.enter(at, *state);
        }
        if kind != JobKind::Pipeline {
            let runs = if left.is_empty() {
                Duration::ZERO
            } else {
                running
            };
            self.close(at + runs, outcome);
        }
        true
    }
}

/// The states up to the one in which the job runs.
fn opening(kind: JobKind) -> &'static [JobState] {
    use JobState::{NotStarted, Preparing, Queued, Running, Starting};
    match kind {
        JobKind::Command | JobKind::Run => &[Starting, Preparing, Queued, Running],
        JobKind::Pipeline => &[NotStarted, Preparing, Running],
        JobKind::Step => &[Queued, Running],
        JobKind::Recorded => &[Running],
    }
}
