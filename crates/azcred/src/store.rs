//! The contract of a store in which access tokens outlive a process. The vault on the disk is the
//! first store; one that machines share can be another.

use crate::facts::{Error, ErrorKind, Result};
use std::{
    fmt,
    sync::{Mutex, OnceLock, PoisonError},
    time::{Duration, SystemTime},
};
use tokio::time::Instant;
use zeroize::Zeroizing;

/// The key of an entry: its kind first, then what distinguishes it from other entries. Parts may be
/// secret: they include what an application proves itself with. A store writes no part in the
/// clear.
pub(crate) type EntryKey<'a> = &'a [&'a [u8]];

/// A store of access tokens for later processes and for others that run now.
///
/// **Errors**: callers can work without a store. An error means that the store can't be used now,
/// and has a fix. The caller then requests a token as if there were no store, and reports the first
/// error once. A missing entry is not an error. Neither is an unreadable one: damaged, encrypted
/// with another key, or of another version. Both are `None`.
///
/// **Atomicity**: while [`TokenStore::put`] runs, a reader gets the old entry or the new one,
/// whole. [`TokenStore::lock`] gives the lock to one of all processes that share the store.
///
/// **Protection**: entries hold tokens in the clear. A store encrypts an entry and authenticates
/// its key, so that an entry moved to another key does not open. It returns an entry only for the
/// exact key under which it was put.
///
/// **Time**: methods may block, and run outside the runtime's threads. The caller stops waiting
/// after three seconds and then does not use the store for a minute, but the call keeps its thread.
/// So a store limits its own time, does not retry past that limit, and asks no person for anything.
pub(crate) trait TokenStore: Send + Sync + fmt::Debug {
    /// The entry. It may have expired: the caller checks.
    fn get(&self, key: EntryKey<'_>) -> Result<Option<Zeroizing<Vec<u8>>>>;

    /// Replaces the entry. It is useless from `end` on, and the store may remove it then. After an
    /// error, there is the old entry or no entry.
    fn put(&self, key: EntryKey<'_>, entry: &[u8], end: SystemTime) -> Result<()>;

    /// Locks a key before a token is requested for it. It does not wait: it returns `None` while
    /// another process has the lock.
    ///
    /// A lock only saves requests; correctness does not depend on it. A store without locks returns
    /// one to every caller. A lock ends when it is dropped, or soon after its process or machine
    /// ends. A reader needs no lock.
    fn lock(&self, key: EntryKey<'_>) -> Result<Option<Lock>>;

    /// All entries that can be read, in no particular order.
    fn list(&self) -> Result<Vec<Zeroizing<Vec<u8>>>>;

    /// Removes the readable entries for which `is_meant` is true; returns their number.
    fn remove(&self, is_meant: &dyn Fn(&[u8]) -> bool) -> Result<usize>;

    /// Removes all entries, also those that can't be read; returns their number.
    fn clear(&self) -> Result<usize>;
}

/// A lock on a key. It ends when it is dropped.
pub(crate) struct Lock(#[allow(dead_code, reason = "it is held, not used")] Box<dyn Send + Sync>);

impl Lock {
    /// A lock that lasts as long as `held`.
    pub(crate) fn new(held: impl Send + Sync + 'static) -> Self {
        Self(Box::new(held))
    }
}

impl fmt::Debug for Lock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Lock")
    }
}

/// How long a store is not used after it did not respond in time.
const HUNG: Duration = Duration::from_secs(60);

/// A store's troubles, for callers that can work without it.
#[derive(Debug, Default)]
pub(crate) struct Noted {
    first: OnceLock<Error>,
    hung: Mutex<Option<Instant>>,
}

impl Noted {
    /// Records an error. Only the first is reported.
    pub(crate) fn note(&self, error: Error) {
        if self.first.get().is_none() {
            match error.kind() {
                // A process without a home folder of its own has no cache. That is normal.
                ErrorKind::Unavailable => tracing::info!(%error, "nothing is stored on disk"),
                _ => tracing::warn!(%error, "an entry could not be stored on disk"),
            }
            let _ = self.first.set(error);
        }
    }

    /// The first error.
    pub(crate) fn first(&self) -> Option<&Error> {
        self.first.get()
    }

    /// Records that the store does not respond: each further wait would keep another thread.
    pub(crate) fn note_hanging(&self) {
        *self.hung.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
    }

    /// Whether the store failed to respond within the last minute.
    pub(crate) fn hangs(&self) -> bool {
        let hung = self.hung.lock().unwrap_or_else(PoisonError::into_inner);
        hung.is_some_and(|hung| hung.elapsed() < HUNG)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    };
    use tokio::time::advance;
    use tracing::{Event, Level, Metadata, Subscriber, span};

    /// Counts the warnings.
    struct Warnings(Arc<AtomicUsize>);

    impl Subscriber for Warnings {
        fn enabled(&self, metadata: &Metadata<'_>) -> bool {
            *metadata.level() == Level::WARN
        }
        fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
            span::Id::from_u64(1)
        }
        fn record(&self, _: &span::Id, _: &span::Record<'_>) {}
        fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}
        fn event(&self, _: &Event<'_>) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
        fn enter(&self, _: &span::Id) {}
        fn exit(&self, _: &span::Id) {}
    }

    #[test]
    fn only_the_first_error_of_a_store_is_reported() {
        let warnings = Arc::new(AtomicUsize::new(0));
        let noted = Noted::default();
        assert!(noted.first().is_none());
        let error = |why| Error::new(ErrorKind::Invalid, "could not store", why);
        tracing::subscriber::with_default(Warnings(warnings.clone()), || {
            noted.note(error("one"));
            noted.note(error("two"));
        });
        assert_eq!(noted.first().unwrap().why(), "one");
        assert_eq!(warnings.load(Ordering::SeqCst), 1);
    }

    #[test]
    fn a_machine_without_a_place_for_a_store_is_not_warned_about() {
        let warnings = Arc::new(AtomicUsize::new(0));
        let noted = Noted::default();
        tracing::subscriber::with_default(Warnings(warnings.clone()), || {
            noted.note(Error::new(ErrorKind::Unavailable, "w", "no home"));
        });
        assert_eq!(noted.first().unwrap().why(), "no home");
        assert_eq!(warnings.load(Ordering::SeqCst), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn a_store_that_hangs_is_not_used_for_a_minute() {
        let noted = Noted::default();
        assert!(!noted.hangs());
        noted.note_hanging();
        advance(HUNG - Duration::from_secs(1)).await;
        assert!(noted.hangs());
        advance(Duration::from_secs(1)).await;
        assert!(!noted.hangs());
        noted.note_hanging();
        advance(Duration::from_secs(59)).await;
        assert!(noted.hangs(), "a minute from the last time");
    }
}
