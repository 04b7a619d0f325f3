//! The timelines of a pipeline and its steps: a step begins when the steps before it have
//! completed.

use super::{
    job::{Job, JobKind},
    rule::Outcome,
    timeline::JobState,
};
use std::collections::BTreeMap;
use time::OffsetDateTime;

/// Plans a job that was just submitted, and its steps.
pub(super) fn begin(job: &mut Job, steps: &mut [Job]) {
    let now = job.submitted;
    job.timeline
        .begin(job.kind, now, job.running(), job.outcome);
    for step in steps.iter_mut() {
        step.timeline.enter(now, JobState::NotStarted);
    }
    if job.kind == JobKind::Pipeline {
        again(job, steps, now);
    }
}

/// Plans what has not begun yet, after a step or the pipeline has changed.
pub(super) fn again(job: &mut Job, steps: &mut [Job], now: OffsetDateTime) {
    if job.kind != JobKind::Pipeline {
        return;
    }
    if job.outcome == Outcome::Cancel && job.timeline.end().is_some() {
        for step in steps {
            if step
                .timeline
                .end_as(step.kind, step.running(), Outcome::Cancel, now)
            {
                step.outcome = Outcome::Cancel;
            }
        }
        return;
    }
    if job.timeline.state(now).is_final() {
        return;
    }
    let runs = job.timeline.entered(JobState::Running);
    let ends = plan_steps(steps, runs.unwrap_or(now).max(now), now);
    close(job, runs.unwrap_or(now), &ends, now);
}

/// When a step ends, and how.
type End = Option<(OffsetDateTime, JobState)>;

fn plan_steps(steps: &mut [Job], first: OffsetDateTime, now: OffsetDateTime) -> Vec<End> {
    let mut ends: BTreeMap<String, End> = BTreeMap::new();
    // Each round plans at least one step, unless they wait for each other. Those never begin.
    for _ in 0..steps.len() {
        for step in steps.iter_mut() {
            let waits = step.after.iter().any(|name| !ends.contains_key(name));
            if waits || ends.contains_key(&step.name) {
                continue;
            }
            let before: Vec<End> = step
                .after
                .iter()
                .filter_map(|name| ends.get(name))
                .copied()
                .collect();
            if step.timeline.state(now) == JobState::NotStarted {
                plan_step(step, &before, first, now);
            }
            ends.insert(step.name.clone(), step.timeline.end());
        }
    }
    let names = steps.iter().map(|step| &step.name);
    names
        .map(|name| ends.get(name).copied().flatten())
        .collect()
}

/// Plans a step that has not begun.
fn plan_step(step: &mut Job, before: &[End], first: OffsetDateTime, now: OffsetDateTime) {
    step.timeline.cut(now);
    let mut from = first;
    for end in before {
        match end {
            None => return,
            Some((at, JobState::Completed)) => from = from.max(*at),
            Some((at, _)) => {
                step.timeline.enter(*at, JobState::Canceled);
                return;
            }
        }
    }
    step.timeline
        .begin(step.kind, from, step.running(), step.outcome);
}

/// Plans the end of the pipeline: after its last step.
fn close(job: &mut Job, runs: OffsetDateTime, ends: &[End], now: OffsetDateTime) {
    let state = job.timeline.state(now);
    job.timeline.cut(now.max(runs));
    if matches!(state, JobState::Finalizing | JobState::CancelRequested) {
        return;
    }
    let mut last = runs + job.running() * i32::from(ends.is_empty());
    for end in ends {
        match end {
            None => return,
            Some((at, _)) => last = last.max(*at),
        }
    }
    let is_well = |end: &End| matches!(end, Some((_, JobState::Completed)));
    let outcome = match job.outcome {
        Outcome::Complete if !ends.iter().all(is_well) => Outcome::Fail,
        outcome => outcome,
    };
    job.timeline.close(last.max(now), outcome);
}
