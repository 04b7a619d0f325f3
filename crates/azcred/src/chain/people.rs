//! The sources of a chain that ask a person: the same in all of its runs.
//!
//! Somebody who signed in for one caller has done so for all who wait, and is not somebody else for
//! another.

use super::Source;
use crate::credential::source::TokenSource;
use std::{
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// Those that there were. Clones are the same.
#[derive(Clone, Default)]
pub(super) struct People(Arc<Mutex<Vec<Known>>>);

type Known = (Source, Arc<dyn TokenSource>);

impl People {
    /// The source to ask: `made`, or where it asks a person the one that was there first.
    pub(super) fn known(&self, source: Source, made: Arc<dyn TokenSource>) -> Arc<dyn TokenSource> {
        if !source.asks_person() {
            return made;
        }
        let mut all = self.all();
        if let Some((_, first)) = all.iter().find(|(known, _)| *known == source) {
            return first.clone();
        }
        all.push((source, made.clone()));
        made
    }

    /// Runs from now on have others.
    pub(super) fn forget(&self) {
        drop(mem::take(&mut *self.all()));
    }

    /// Nothing that runs under this lock can panic half-way through a change.
    fn all(&self) -> MutexGuard<'_, Vec<Known>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
