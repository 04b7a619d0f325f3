//! Where access tokens outlive a process, behind a small contract: the vault on this disk is the
//! first such place, and one that machines share can be another.

use crate::facts::{Error, ErrorKind, Result};
use std::{
    fmt,
    sync::{Mutex, OnceLock, PoisonError},
    time::{Duration, SystemTime},
};
use tokio::time::Instant;
use zeroize::Zeroizing;

/// What an entry is for: its kind first, then what tells it from others. Parts may be secret: they
/// include what an application proves itself by. A store keeps none of them in the clear.
pub(crate) type Key<'a> = &'a [&'a [u8]];

/// A store of access tokens for processes that come later, and for others that run now.
///
/// It is a convenience: callers can do without. So **an error** means that the store can't be used
/// now, and says what fixes that. The caller requests a token as if there were no store, and tells
/// the first error once. An entry that is not there is no error, nor is one that can't be read:
/// damaged, of another key, in a form of another version. Both are `None`.
///
/// **Atomic** are [`TokenStore::put`] (a reader at the same time gets the old entry or the new one,
/// whole) and [`TokenStore::lock`] (of all processes that share the store, one holds it).
///
/// **Protection**: entries hold tokens in the clear. A store encrypts them, with the key
/// authenticated, so that an entry that is moved to another key does not open. It returns an entry
/// under the very key that it was put under, and under no other.
///
/// **Time**: methods may block, and are called off the runtime's threads. The caller stops waiting
/// after three seconds and then leaves the store alone for a minute, but the call keeps its thread.
/// So a store has a time limit of its own, does not retry past it, and asks no person for anything.
pub(crate) trait TokenStore: Send + Sync + fmt::Debug {
    /// The entry, which may have ended: the caller judges that.
    fn get(&self, key: Key<'_>) -> Result<Option<Zeroizing<Vec<u8>>>>;

    /// Puts an entry in place of the one that is there. It is of no use from `end` on, and the
    /// store may remove it then. After an error the old entry is there, or none.
    fn put(&self, key: Key<'_>, entry: &[u8], end: SystemTime) -> Result<()>;

    /// Locks a key for who requests a token for it, at once; `None` while another holds it.
    ///
    /// A lock spares requests, and nothing that is right depends on it: where a store has no locks,
    /// every caller gets one. It ends when it is dropped, and with its process or its machine, soon
    /// after it. A reader needs no lock.
    fn lock(&self, key: Key<'_>) -> Result<Option<Lock>>;

    /// All entries that can be read, in no order.
    fn list(&self) -> Result<Vec<Zeroizing<Vec<u8>>>>;

    /// Removes the entries that are meant, of those that can be read; how many there were.
    fn remove(&self, is_meant: &dyn Fn(&[u8]) -> bool) -> Result<usize>;

    /// Removes all entries, those that can't be read as well; how many there were.
    fn clear(&self) -> Result<usize>;
}

/// A lock on a key, held until it is dropped.
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

/// A store that hung is left alone for so long.
const HUNG: Duration = Duration::from_secs(60);

/// What went wrong with a store, for callers that could do without.
#[derive(Debug, Default)]
pub(crate) struct Noted {
    first: OnceLock<Error>,
    hung: Mutex<Option<Instant>>,
}

impl Noted {
    /// Takes note of an error. The first is told, once.
    pub(crate) fn note(&self, error: Error) {
        if self.first.get().is_none() {
            match error.kind() {
                // A process without a home has no cache, and that is all there is to it.
                ErrorKind::Unavailable => tracing::debug!(%error, "nothing is stored on disk"),
                _ => tracing::warn!(%error, "an entry could not be stored on disk"),
            }
            let _ = self.first.set(error);
        }
    }

    /// What was noted first.
    pub(crate) fn first(&self) -> Option<&Error> {
        self.first.get()
    }

    /// Takes note that the store hangs: each further wait for it would keep another thread.
    pub(crate) fn note_hanging(&self) {
        *self.hung.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
    }

    /// Whether the store hung lately.
    pub(crate) fn hangs(&self) -> bool {
        let hung = self.hung.lock().unwrap_or_else(PoisonError::into_inner);
        hung.is_some_and(|hung| hung.elapsed() < HUNG)
    }
}
