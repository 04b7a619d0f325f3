//! The in-memory cache: reads take no lock, a token that is still good makes nobody wait, and one
//! request leaves per key however many callers want its answer.
//!
//! A cache belongs to one credential, which is the first part of its key; the request (scopes,
//! tenant, claims) is the rest.

use super::{copies::Copies, recent};
use crate::{
    credential::TokenFuture,
    facts::{Error, ErrorKind, Result},
    request::TokenRequest,
    system::SharedSystem,
    token::AccessToken,
};
use arc_swap::ArcSwap;
use futures_util::{
    FutureExt,
    future::{BoxFuture, Shared, WeakShared},
};
use std::{
    collections::HashMap,
    fmt,
    hash::{BuildHasherDefault, Hasher},
    panic::AssertUnwindSafe,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, SystemTime, UNIX_EPOCH},
};
use tokio::{
    runtime::{self, Handle},
    task::AbortHandle,
    time::Instant,
};

/// Two background refreshes of one key start at least this far apart, so that an authority in
/// trouble is left alone.
const REFRESH_PAUSE: Duration = Duration::from_secs(30);
/// A key whose token has ended is forgotten after this: not at once, as somebody may be about to
/// fetch it anew.
const FORGET: Duration = Duration::from_secs(10 * 60);
/// A request that began longer ago is not joined: its runtime may have stood still, and its
/// deadline be over.
const JOIN_WITHIN: Duration = Duration::from_secs(30);

tokio::task_local! {
    static BACKGROUND: ();
}

/// Whether this runs for nobody in particular: a refresh ahead of time, while the token at hand is
/// good. Nobody is to be asked for anything then.
pub(crate) fn in_background() -> bool {
    BACKGROUND.try_with(|()| ()).is_ok()
}

/// The same answer, in which nobody is asked, as in the background.
pub(crate) async fn without_person<T>(answer: impl Future<Output = T>) -> T {
    BACKGROUND.scope((), answer).await
}

type Flight = Shared<BoxFuture<'static, Result<AccessToken>>>;
type WeakFlight = WeakShared<BoxFuture<'static, Result<AccessToken>>>;
type Entries = HashMap<TokenRequest, Entry, BuildHasherDefault<Prehashed>>;

/// The tokens of one credential.
pub(crate) struct MemoryCache(Arc<Shelf>);

/// All entries are one value that is replaced as a whole, so that a read is one load and one
/// look-up. A token lives for an hour and there are few keys: copying the pointers at each change
/// costs nothing beside the request that brought it.
struct Shelf {
    system: SharedSystem,
    entries: ArcSwap<Entries>,
    /// Changes after every change of a token: what a thread remembers is of use only while this is
    /// the same.
    version: AtomicU64,
}

/// All that is known of one key.
#[derive(Clone)]
struct Entry {
    token: Option<Arc<Copies>>,
    slot: Arc<Slot>,
}

/// What goes on under one key.
struct Slot {
    /// When it was made.
    since: SystemTime,
    /// No background refresh starts before this, in seconds since 1970. Claiming one moves it on,
    /// so that of a thousand callers one starts it and none takes a lock.
    refresh_not_before: AtomicU64,
    /// The request under way.
    flight: Mutex<Option<UnderWay>>,
    /// The background refresh, which ends with the cache.
    refresh: Mutex<Option<AbortHandle>>,
}

/// A request under way, and who drives it.
struct UnderWay {
    /// Weak: it lives as long as somebody waits for it.
    flight: WeakFlight,
    /// Its timers and its connection are this runtime's. Whoever polls them from another waits for
    /// ever where this one stands still, and panics where it is gone.
    runtime: runtime::Id,
    since: Instant,
}

impl UnderWay {
    /// The request, where somebody on `runtime` may wait for it.
    fn join(&self, runtime: runtime::Id) -> Option<Flight> {
        let flight = self.flight.upgrade()?;
        // One that has ended gives yesterday's answer to today's caller: an error would outlive its
        // cause.
        (self.runtime == runtime && self.since.elapsed() < JOIN_WITHIN && flight.peek().is_none())
            .then_some(flight)
    }
}

impl MemoryCache {
    pub(crate) fn new(system: SharedSystem) -> Self {
        Self(Arc::new(Shelf {
            system,
            entries: ArcSwap::default(),
            version: AtomicU64::new(recent::next_version()),
        }))
    }

    /// The machine whose clock decides.
    pub(crate) fn system(&self) -> &SharedSystem {
        &self.0.system
    }

    /// A token for `request`: the cached one where it is good, else what `fetch` brings.
    ///
    /// `fetch` is called at most once per flight, and there is one flight per key and runtime at a
    /// time. Its future is dropped when nobody waits for it any more, or with the cache.
    #[inline]
    pub(crate) fn get<'a>(
        &'a self,
        request: &'a TokenRequest,
        fetch: impl FnOnce(TokenRequest) -> BoxFuture<'static, Result<AccessToken>> + Send + 'a,
    ) -> TokenFuture<'a> {
        let version = self.0.version.load(Ordering::Acquire);
        if let Some(token) = recent::find(version, request)
            && token.0.is_fresh(self.0.system.coarse_now())
        {
            return TokenFuture::ready(Ok(token));
        }
        let entries = self.0.entries.load();
        if let Some(entry) = entries.get(request)
            && let Some(copies) = &entry.token
        {
            let token = copies.of_this_thread();
            let now = self.0.system.coarse_now();
            if token.0.is_fresh(now) {
                recent::keep(version, request, token);
                return TokenFuture::ready(Ok(token.clone()));
            }
            if token.0.is_usable(now) {
                let token = token.clone();
                if entry.slot.claims_refresh(now) {
                    self.0.refresh_in_background(&entry.slot, request, fetch);
                }
                return TokenFuture::ready(Ok(token));
            }
        }
        drop(entries);
        TokenFuture::pending(async move {
            let runtime = Handle::try_current().map_err(|_| no_runtime())?;
            let slot = self.0.slot(request);
            let flight = {
                let mut place = lock(&slot.flight);
                // Between the look above and this lock another flight may have landed.
                if let Some(token) = self.0.good_token(request) {
                    return Ok(token);
                }
                self.0
                    .join_or_start(&mut place, runtime.id(), request, fetch)
            };
            flight.await
        })
    }
}

impl Shelf {
    fn good_token(&self, request: &TokenRequest) -> Option<AccessToken> {
        let entries = self.entries.load();
        let token = entries.get(request)?.token.as_ref()?.token();
        token.0.is_usable(self.system.now()).then(|| token.clone())
    }

    /// The slot of a key, made where there is none. Keys whose tokens ended a while ago make room.
    fn slot(&self, request: &TokenRequest) -> Arc<Slot> {
        if let Some(entry) = self.entries.load().get(request) {
            return entry.slot.clone();
        }
        let now = self.system.now();
        let new = Entry {
            token: None,
            slot: Arc::new(Slot::new(now)),
        };
        self.entries.rcu(|entries| {
            let mut entries: Entries = entries
                .iter()
                .filter(|(_, entry)| entry.is_worth_keeping(now))
                .map(|(key, entry)| (key.clone(), entry.clone()))
                .collect();
            entries
                .entry(request.clone())
                .or_insert_with(|| new.clone());
            entries
        });
        // Another caller may have been first; its slot is then the one.
        self.entries
            .load()
            .get(request)
            .map_or(new.slot, |entry| entry.slot.clone())
    }

    fn store(&self, request: &TokenRequest, token: &AccessToken) {
        let now = self.system.now();
        let copies = Arc::new(Copies::new(token.clone()));
        self.entries.rcu(|entries| {
            let mut entries = Entries::clone(entries);
            // An old key may have made room between the look for it and the start of the request.
            let entry = entries.entry(request.clone()).or_insert_with(|| Entry {
                token: None,
                slot: Arc::new(Slot::new(now)),
            });
            entry.token = Some(copies.clone());
            entries
        });
        self.version
            .store(recent::next_version(), Ordering::Release);
    }

    /// Joins the request under way, or starts one.
    fn join_or_start(
        self: &Arc<Self>,
        place: &mut Option<UnderWay>,
        runtime: runtime::Id,
        request: &TokenRequest,
        fetch: impl FnOnce(TokenRequest) -> BoxFuture<'static, Result<AccessToken>>,
    ) -> Flight {
        if let Some(flight) = place.as_ref().and_then(|flying| flying.join(runtime)) {
            return flight;
        }
        let request = request.clone();
        let fetch = fetch(request.clone());
        let shelf = Arc::downgrade(self);
        let flight = async move {
            // A panic would reach whoever polls this, and leave everybody else who waits waiting
            // for ever.
            let answer = AssertUnwindSafe(fetch).catch_unwind().await;
            let token = answer.unwrap_or_else(|_| Err(panicked()))?;
            if let Some(shelf) = shelf.upgrade() {
                // What answers a challenge takes the place of the token that was challenged. Under
                // the challenge itself nothing is ever kept: whoever has one was refused what there
                // is.
                shelf.store(&request.without_claims(), &token);
            }
            Ok(token)
        }
        .boxed()
        .shared();
        *place = flight.downgrade().map(|flight| UnderWay {
            flight,
            runtime,
            since: Instant::now(),
        });
        flight
    }

    /// Fetches in a task of its own, owned by the slot. Where it fails, the token at hand goes on
    /// being given out and the next caller after the pause tries again.
    #[cold]
    fn refresh_in_background(
        self: &Arc<Self>,
        slot: &Slot,
        request: &TokenRequest,
        fetch: impl FnOnce(TokenRequest) -> BoxFuture<'static, Result<AccessToken>>,
    ) {
        // Outside a runtime nothing can be started; the token at hand is good, and a later call
        // will refresh.
        let Ok(runtime) = Handle::try_current() else {
            return;
        };
        let flight = self.join_or_start(&mut lock(&slot.flight), runtime.id(), request, fetch);
        let task = runtime.spawn(BACKGROUND.scope((), async move {
            if let Err(error) = flight.await {
                tracing::warn!(%error, "a refresh ahead of time failed; the token at hand is still good");
            }
        }));
        // One that is still there belongs to a runtime that stands still.
        if let Some(before) = lock(&slot.refresh).replace(task.abort_handle()) {
            before.abort();
        }
    }
}

impl Entry {
    fn is_worth_keeping(&self, now: SystemTime) -> bool {
        let used = self
            .token
            .as_ref()
            .map_or(self.slot.since, |copies| copies.token().0.useless_from());
        now < used + FORGET
            || lock(&self.slot.flight)
                .as_ref()
                .and_then(|flying| flying.flight.upgrade())
                .is_some()
    }
}

impl Slot {
    fn new(since: SystemTime) -> Self {
        Self {
            since,
            refresh_not_before: AtomicU64::new(0),
            flight: Mutex::default(),
            refresh: Mutex::default(),
        }
    }

    /// Whether this caller is the one that starts the refresh now due.
    fn claims_refresh(&self, now: SystemTime) -> bool {
        let now = seconds(now);
        let not_before = self.refresh_not_before.load(Ordering::Acquire);
        // A time too far ahead was set before the clock was moved back.
        let too_far = now + 2 * REFRESH_PAUSE.as_secs();
        (now >= not_before || not_before > too_far)
            && self
                .refresh_not_before
                .compare_exchange(
                    not_before,
                    now + REFRESH_PAUSE.as_secs(),
                    Ordering::AcqRel,
                    Ordering::Acquire,
                )
                .is_ok()
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        if let Some(task) = lock(&self.refresh).take() {
            task.abort();
        }
    }
}

fn no_runtime() -> Error {
    Error::new(
        ErrorKind::Invalid,
        "could not get a token",
        "it was called outside a Tokio runtime",
    )
    .with_fix("call it within `#[tokio::main]`, or with `Runtime::block_on`")
}

fn panicked() -> Error {
    Error::new(
        ErrorKind::Unexpected,
        "could not get a token",
        "the source panicked; standard error shows where",
    )
    .with_fix("report it with that message: https://github.com/azcred/azcred/issues")
}

fn seconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH)
        .unwrap_or_default()
        .as_secs()
}

/// Nothing that runs under these locks can panic half-way through a change, so a poisoned one is as
/// good as any.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl fmt::Debug for MemoryCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryCache")
            .field("keys", &self.0.entries.load().len())
            .finish()
    }
}

/// The hasher of keys that carry their hash.
#[derive(Default)]
struct Prehashed(u64);

impl Hasher for Prehashed {
    fn write(&mut self, bytes: &[u8]) {
        // A key that carries its hash never comes here; a correct fold all the same.
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }
    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }
    fn finish(&self) -> u64 {
        self.0
    }
}

#[cfg(test)]
#[path = "memory_tests.rs"]
mod tests;
