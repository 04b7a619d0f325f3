//! The jobs of Azure Machine Learning: what was submitted, and what becomes of it.
//!
//! Nothing is executed. A job gets its whole timeline when it is submitted: at which time it is in
//! which state. So its state is a pure function of the clock, and no task has to move it on. A
//! [`JobRule`] of the seed decides how a job ends and how long it runs; [`Jobs::end_as`] changes
//! that later.

mod job;
mod kept;
mod plan;
mod report;
mod rule;
mod timeline;

pub use job::{Job, JobKind, LogLine, Metric, Sender, Step};
pub use report::{JobReport, JobSummary};
pub use rule::{JobRule, Outcome};
pub use timeline::{JobState, Timeline};

pub(crate) use kept::JobFiles;

use crate::resources::Scope;
use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
    sync::{Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
};
use time::OffsetDateTime;

/// All jobs of one emulator. It locks itself, and returns copies.
#[derive(Debug, Default)]
pub struct Jobs {
    inner: RwLock<Inner>,
    /// Held while jobs are stored, so that an older state never replaces a newer one.
    storing: Mutex<()>,
}

#[derive(Debug, Default)]
struct Inner {
    jobs: BTreeMap<Key, Job>,
    /// What was changed since it was last stored.
    changed: BTreeSet<Key>,
    rules: Vec<JobRule>,
}

/// A workspace's id and a job's name, in lower case.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    workspace: String,
    name: String,
}

impl Key {
    fn new(workspace: &Scope, name: &str) -> Self {
        Self {
            workspace: workspace.key().to_owned(),
            name: name.to_lowercase(),
        }
    }

    fn of(job: &Job) -> Self {
        Self::new(&job.workspace, &job.name)
    }
}

/// Why a job was not submitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a job of this name exists already")]
pub struct JobExists;

impl Jobs {
    /// Submits a job, and the steps of a pipeline with it. The first rule that matches decides how
    /// each of them ends. Returns the job as it is stored.
    ///
    /// # Errors
    /// When the workspace has a job of this name.
    pub fn submit(&self, mut job: Job, steps: Vec<Step>) -> Result<Job, JobExists> {
        let mut inner = self.write();
        let mut children: Vec<Job> = steps.into_iter().map(|step| job.child(step)).collect();
        if inner.jobs.contains_key(&Key::of(&job)) {
            return Err(JobExists);
        }
        let mut matched = BTreeSet::new();
        for one in children.iter_mut().chain([&mut job]) {
            let mut rules = inner.rules.iter().enumerate();
            if let Some((at, rule)) = rules.find(|(_, rule)| rule.matches(one)) {
                rule.apply(one);
                matched.insert(at);
            }
        }
        inner.count(&matched);
        job.children = children.iter().map(|child| child.name.clone()).collect();
        plan::begin(&mut job, &mut children);
        for one in children.into_iter().chain([job.clone()]) {
            inner.put(one);
        }
        Ok(job)
    }

    /// A job or a step, by its name in any case.
    pub fn get(&self, workspace: &Scope, name: &str) -> Option<Job> {
        self.read().jobs.get(&Key::new(workspace, name)).cloned()
    }

    /// The jobs of a workspace without the steps of pipelines, newest first.
    pub fn list(&self, workspace: &Scope) -> Vec<Job> {
        self.select(|job| job.workspace == *workspace)
    }

    /// The jobs of all workspaces without the steps of pipelines, newest first.
    pub fn all(&self) -> Vec<Job> {
        self.select(|_| true)
    }

    /// The steps of a pipeline, in the order in which they were submitted.
    pub fn children(&self, job: &Job) -> Vec<Job> {
        let inner = self.read();
        let names = job.children.iter();
        names
            .filter_map(|name| inner.jobs.get(&Key::new(&job.workspace, name)).cloned())
            .collect()
    }

    /// Changes what people can change of a job: tags, properties, names. Returns the changed job.
    pub fn update(
        &self,
        workspace: &Scope,
        name: &str,
        change: impl FnOnce(&mut Job),
    ) -> Option<Job> {
        let mut inner = self.write();
        let mut job = inner.jobs.get(&Key::new(workspace, name))?.clone();
        change(&mut job);
        inner.put(job.clone());
        Some(job)
    }

    /// Cancels a job, and the steps of a pipeline with it. A job that has ended stays as it is.
    pub fn cancel(&self, workspace: &Scope, name: &str, now: OffsetDateTime) -> Option<Job> {
        self.end_as(workspace, name, Outcome::Cancel, now)
    }

    /// Changes how a job ends. A running job ends at once, or never if it is to hang. One that does
    /// not run yet goes through its states first. A job that has ended stays as it is.
    pub fn end_as(
        &self,
        workspace: &Scope,
        name: &str,
        outcome: Outcome,
        now: OffsetDateTime,
    ) -> Option<Job> {
        let mut inner = self.write();
        let mut job = inner.jobs.get(&Key::new(workspace, name))?.clone();
        if !job.timeline.end_as(job.kind, job.running(), outcome, now) {
            return Some(job);
        }
        job.outcome = outcome;
        let root = match &job.parent {
            // The other steps and the pipeline follow from this step.
            Some(parent) => {
                inner.put(job.clone());
                inner.jobs.get(&Key::new(workspace, parent)).cloned()
            }
            None => Some(job.clone()),
        };
        if let Some(mut root) = root {
            let names = root.children.clone();
            let mut children: Vec<Job> = names
                .iter()
                .filter_map(|name| inner.jobs.get(&Key::new(workspace, name)).cloned())
                .collect();
            plan::again(&mut root, &mut children, now);
            for one in children.into_iter().chain([root]) {
                inner.put(one);
            }
        }
        inner.jobs.get(&Key::new(workspace, name)).cloned()
    }

    /// Removes a job with its steps. Returns whether it existed.
    pub fn remove(&self, workspace: &Scope, name: &str) -> bool {
        let mut inner = self.write();
        let Some(job) = inner.take(&Key::new(workspace, name)) else {
            return false;
        };
        for child in &job.children {
            inner.take(&Key::new(workspace, child));
        }
        true
    }

    /// Removes the jobs of all workspaces at or below a scope.
    pub fn remove_in(&self, scope: &Scope) {
        let mut inner = self.write();
        let gone = inner.jobs.iter();
        let gone: Vec<Key> = gone
            .filter(|(_, job)| scope.contains(&job.workspace))
            .map(|(key, _)| key.clone())
            .collect();
        for key in gone {
            inner.take(&key);
        }
    }

    /// Adds a rule for jobs that are submitted from now on. It takes precedence over the earlier
    /// ones.
    pub fn add_rule(&self, rule: JobRule) {
        self.write().rules.insert(0, rule);
    }

    fn select(&self, is_meant: impl Fn(&Job) -> bool) -> Vec<Job> {
        let inner = self.read();
        let jobs = inner.jobs.values().filter(|job| job.parent.is_none());
        let mut found: Vec<Job> = jobs.filter(|job| is_meant(job)).cloned().collect();
        found.sort_by_key(|job| Reverse(job.submitted));
        found
    }

    fn read(&self) -> RwLockReadGuard<'_, Inner> {
        self.inner.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Inner> {
        self.inner.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    /// Counts a submission for these rules, and drops those that have ended.
    fn count(&mut self, matched: &BTreeSet<usize>) {
        let mut at = 0..;
        self.rules.retain_mut(|rule| {
            let counts = at.next().is_some_and(|at| matched.contains(&at));
            !counts || rule.count_down()
        });
    }

    fn put(&mut self, job: Job) {
        let key = Key::of(&job);
        self.changed.insert(key.clone());
        self.jobs.insert(key, job);
    }

    fn take(&mut self, key: &Key) -> Option<Job> {
        let gone = self.jobs.remove(key)?;
        self.changed.insert(key.clone());
        Some(gone)
    }
}

#[cfg(test)]
mod tests;
