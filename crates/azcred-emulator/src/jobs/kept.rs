//! The jobs in the state folder: one file each, so that a change writes only the job that changed.

use super::{Job, JobRule, Jobs, Key};
use crate::state_error::StateError;
use std::sync::PoisonError;

/// Where the files of the jobs are written.
pub(crate) trait JobFiles {
    /// Writes a file, or removes it.
    fn write(&self, name: &str, job: Option<&Job>) -> Result<(), StateError>;
}

impl Jobs {
    /// Jobs as they were stored, and the rules for new ones.
    pub(crate) fn restored(kept: impl IntoIterator<Item = Job>, rules: Vec<JobRule>) -> Self {
        let jobs = Self::default();
        {
            let mut inner = jobs.write();
            inner.jobs = kept.into_iter().map(|job| (Key::of(&job), job)).collect();
            inner.rules = rules;
        }
        jobs
    }

    /// Stores what has changed. What could not be stored is tried again the next time.
    pub(crate) fn keep(&self, files: &dyn JobFiles) -> Result<(), StateError> {
        let _storing = self.storing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut left = std::mem::take(&mut self.write().changed);
        while let Some(key) = left.first().cloned() {
            let job = self.read().jobs.get(&key).cloned();
            if let Err(error) = files.write(&key.file(), job.as_ref()) {
                self.write().changed.append(&mut left);
                return Err(error);
            }
            left.remove(&key);
        }
        Ok(())
    }
}

impl Key {
    /// The name of its file. Names of jobs are longer than names of files, and may differ in case.
    fn file(&self) -> String {
        let text = format!("{}/{}", self.workspace, self.name);
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, text.as_bytes());
        let digits = digest.as_ref().iter().take(16);
        let digits: String = digits.map(|byte| format!("{byte:02x}")).collect();
        format!("{digits}.json")
    }
}
