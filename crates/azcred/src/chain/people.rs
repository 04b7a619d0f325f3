//! The sources of a chain that ask a person, shared by all of its runs.
//!
//! A person who signed in for one caller is signed in for all callers.

use super::Source;
use crate::credential::source::TokenSource;
use std::{
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// The sources so far. Clones share them.
#[derive(Clone, Default)]
pub(super) struct People(Arc<Mutex<Vec<Known>>>);

type Known = (Source, Arc<dyn TokenSource>);

impl People {
    /// The source to use: `made`, or if it asks a person, the first one of its kind.
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

    /// Later runs make new sources.
    pub(super) fn forget(&self) {
        drop(mem::take(&mut *self.all()));
    }

    /// Code that holds this lock can't panic within a change.
    fn all(&self) -> MutexGuard<'_, Vec<Known>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
