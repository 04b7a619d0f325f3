//! What is shown while the checks run: what has been found, and what is waited for.

use super::screen;
use crate::output::{
    style::{DIM, paint},
    wrap::wrap,
};
use azcred_azure::{Area, CheckId, CheckReport, Status};

/// The checks that have ended.
pub(super) struct Live {
    ended: Vec<CheckReport>,
    width: usize,
}

impl Live {
    pub(super) fn new(width: usize) -> Self {
        // The last column stays free: a full line would make some terminals begin another one.
        let width = width.saturating_sub(1);
        let ended = Vec::new();
        Self { ended, width }
    }

    /// Another check has ended.
    pub(super) fn add(&mut self, check: &CheckReport) {
        self.ended.push(check.clone());
        self.ended.sort_by_key(|check| check.id);
    }

    /// How many checks have ended.
    pub(super) fn progress(&self) -> String {
        let (done, all) = (self.ended.len(), CheckId::ALL.len());
        format!("{done} of {all} checks done")
    }

    /// What is waited for, the problems, the areas that are complete.
    pub(super) fn lines(&self) -> Vec<String> {
        let has_ended = |id: &CheckId| self.ended.iter().any(|check| check.id == *id);
        let mut lines = Vec::new();
        let waiting = CheckId::ALL.iter().filter(|id| !has_ended(id));
        let names: Vec<_> = waiting.map(|id| id.title()).collect();
        if !names.is_empty() {
            let waiting = format!("waiting for {}", names.join(", "));
            let waiting = wrap(&waiting, self.width.saturating_sub(2));
            lines.extend(waiting.iter().map(|line| format!("  {}", paint(DIM, line))));
        }
        let failed = |check: &&CheckReport| check.status == Status::Failed;
        for check in self.ended.iter().filter(failed) {
            lines.extend(screen::headline(check, self.width));
        }
        for area in Area::ALL {
            let mut ids = CheckId::ALL.iter().filter(|id| id.area() == area);
            if ids.all(has_ended) {
                lines.extend(screen::area(area, &self.ended, self.width));
            }
        }
        lines
    }
}
