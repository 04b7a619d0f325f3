//! The in-memory cache. Reads take no lock, a valid token is returned without waiting, and callers
//! that need the same token share one request.
//!
//! Each credential has its own cache; its key is the request (scopes, tenant, claims).

use super::{copies::Copies, recent};
use crate::{
    facts::{Error, ErrorKind, Result},
    request::TokenRequest,
    system::SharedSystem,
    token::{AccessToken, TokenInner},
    token_future::TokenFuture,
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
        atomic::{AtomicU64, Ordering, fence},
    },
    time::{Duration, SystemTime, UNIX_EPOCH},
};
use tokio::{
    runtime::{self, Handle},
    task::AbortHandle,
    time::Instant,
};

/// The shortest time between two background refreshes of one key, so that a failing authority gets
/// few requests.
const REFRESH_PAUSE: Duration = Duration::from_secs(30);
/// A key is removed this long after its token ended. Not at once, as a caller may be about to
/// request it again.
const FORGET: Duration = Duration::from_secs(10 * 60);
/// A request that began longer ago is not joined: its runtime may have stopped, or its deadline may
/// be over.
const JOIN_WITHIN: Duration = Duration::from_secs(30);

tokio::task_local! {
    static BACKGROUND: ();
}

/// Whether this task is a background refresh: the token is still valid, and no caller waits. It
/// must not ask a person for anything.
pub(crate) fn in_background() -> bool {
    BACKGROUND.try_with(|()| ()).is_ok()
}

/// Runs `answer` as in the background, so that it asks no person.
pub(crate) async fn without_person<T>(answer: impl Future<Output = T>) -> T {
    BACKGROUND.scope((), answer).await
}

type Flight = Shared<BoxFuture<'static, Result<AccessToken>>>;
type WeakFlight = WeakShared<BoxFuture<'static, Result<AccessToken>>>;
/// Whether a cached token is good enough at a time.
type Check = fn(&TokenInner, SystemTime) -> bool;
type Entries = HashMap<TokenRequest, KeyState, BuildHasherDefault<Prehashed>>;

/// The tokens of one credential.
pub(crate) struct MemoryCache(Arc<CredentialTokens>);

/// The map of entries is replaced as a whole, so a read is one load and one look-up. There are few
/// keys, and a token lives for an hour: copying the pointers at each change is cheap compared with
/// a request.
struct CredentialTokens {
    system: SharedSystem,
    entries: ArcSwap<Entries>,
    /// Changes after every change of a token. What a thread remembers is valid only for this
    /// version.
    version: AtomicU64,
}

/// The state of one key.
#[derive(Clone)]
struct KeyState {
    token: Option<Arc<Copies>>,
    slot: Arc<Slot>,
    /// How many challenges were answered.
    answered: u64,
}

/// The requests for one key.
struct Slot {
    /// When it was created.
    since: SystemTime,
    /// No background refresh starts before this time, in seconds since 1970. A refresh that starts
    /// moves the time forward atomically. So of many callers one starts a refresh, and none takes a
    /// lock.
    refresh_not_before: AtomicU64,
    /// The running request.
    flight: Mutex<Option<RunningRequest>>,
    /// The running background refresh, which ends with the cache.
    refresh: Mutex<Option<AbortHandle>>,
}

/// A running request and its runtime.
struct RunningRequest {
    /// A weak reference: the request lives as long as a caller waits for it.
    flight: WeakFlight,
    /// The runtime of its timers and its connection. Polled from another runtime, it would wait
    /// forever if this one stands still, and panic if this one is gone.
    runtime: runtime::Id,
    since: Instant,
}

impl RunningRequest {
    /// The request, if a caller on `runtime` can wait for it.
    fn join(&self, runtime: runtime::Id) -> Option<Flight> {
        let Some(flight) = self.flight.upgrade() else {
            // The caller now looks for the token that the request stored. A failed `upgrade` alone
            // does not make that token visible to this thread.
            fence(Ordering::Acquire);
            return None;
        };
        // A request that has ended is not joined: its error would outlive the cause.
        (self.runtime == runtime && self.since.elapsed() < JOIN_WITHIN && flight.peek().is_none())
            .then_some(flight)
    }
}

/// How a caller gets its token.
enum Step {
    /// It is in the cache.
    Token(AccessToken),
    /// By this request, which may be another caller's.
    Flight(Flight),
}

impl MemoryCache {
    pub(crate) fn new(system: SharedSystem) -> Self {
        Self(Arc::new(CredentialTokens {
            system,
            entries: ArcSwap::default(),
            version: AtomicU64::new(recent::next_version()),
        }))
    }

    /// The system whose clock is used.
    pub(crate) fn system(&self) -> &SharedSystem {
        &self.0.system
    }

    /// A token for `request`: the cached one if it is valid, or else the result of `fetch`.
    ///
    /// `fetch` is called at most once per flight, and each key has one flight per runtime at a
    /// time. Its future is dropped when no caller waits for it any more, or with the cache.
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
            let next = {
                let mut place = lock(&slot.flight);
                // Another flight may have ended between the read above and this lock. Its token is
                // returned at once, even if a refresh of that token is already running.
                if let Some(token) = self.0.token_if(request, TokenInner::is_usable) {
                    return Ok(token);
                }
                self.0.join_or_start(
                    &mut place,
                    runtime.id(),
                    request,
                    TokenInner::is_usable,
                    fetch,
                )
            };
            match next {
                Step::Token(token) => Ok(token),
                Step::Flight(flight) => flight.await,
            }
        })
    }
}

impl CredentialTokens {
    /// The cached token, if it passes the check.
    fn token_if(&self, request: &TokenRequest, check: Check) -> Option<AccessToken> {
        let entries = self.entries.load();
        let token = entries.get(request)?.token.as_ref()?.token();
        check(&token.0, self.system.now()).then(|| token.clone())
    }

    /// The slot of a key, made if there is none. Keys whose tokens ended a while ago are removed.
    fn slot(&self, request: &TokenRequest) -> Arc<Slot> {
        if let Some(entry) = self.entries.load().get(request) {
            return entry.slot.clone();
        }
        let now = self.system.now();
        let new = KeyState {
            token: None,
            slot: Arc::new(Slot::new(now)),
            answered: 0,
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
        // Another caller may have added a slot first. Then that slot is used.
        self.entries
            .load()
            .get(request)
            .map_or(new.slot, |entry| entry.slot.clone())
    }

    /// How many challenges were answered for a key.
    fn answered(&self, request: &TokenRequest) -> u64 {
        let entries = self.entries.load();
        entries.get(request).map_or(0, |entry| entry.answered)
    }

    /// Stores a token. `began` is [`CredentialTokens::answered`] when its request began; `None` for
    /// the answer to a challenge. The token of a request that began before an answer does not
    /// replace it: the service may reject it as it did the challenged token.
    fn store(&self, request: &TokenRequest, token: &AccessToken, began: Option<u64>) {
        let now = self.system.now();
        let copies = Arc::new(Copies::new(token.clone()));
        self.entries.rcu(|entries| {
            let mut entries = Entries::clone(entries);
            // The key may have been removed as an old one between its look-up and the start of the
            // request.
            let entry = entries.entry(request.clone()).or_insert_with(|| KeyState {
                token: None,
                slot: Arc::new(Slot::new(now)),
                answered: began.unwrap_or_default(),
            });
            match began {
                Some(began) if began != entry.answered => return entries,
                Some(_) => {}
                None => entry.answered += 1,
            }
            entry.token = Some(copies.clone());
            entries
        });
        self.version
            .store(recent::next_version(), Ordering::Release);
    }

    /// Joins the running request. If none is running, takes the cached token that passes the check,
    /// or else starts a request.
    ///
    /// The order matters, because a request can end at any time, without the lock of `place`. It
    /// stores its token before it ends. So if no request can be joined, the token of the last one
    /// is already in the cache. If the cache were read first, a request could end between the two
    /// steps, and a second one would be started.
    fn join_or_start(
        self: &Arc<Self>,
        place: &mut Option<RunningRequest>,
        runtime: runtime::Id,
        request: &TokenRequest,
        check: Check,
        fetch: impl FnOnce(TokenRequest) -> BoxFuture<'static, Result<AccessToken>>,
    ) -> Step {
        if let Some(flight) = place.as_ref().and_then(|flying| flying.join(runtime)) {
            return Step::Flight(flight);
        }
        if let Some(token) = self.token_if(request, check) {
            return Step::Token(token);
        }
        let request = request.clone();
        let began = match request.claims() {
            Some(_) => None,
            None => Some(self.answered(&request)),
        };
        let fetch = fetch(request.clone());
        let shelf = Arc::downgrade(self);
        let flight = async move {
            // A panic would reach only the task that polls the request, and the other callers would
            // wait forever.
            let answer = AssertUnwindSafe(fetch).catch_unwind().await;
            let token = answer.unwrap_or_else(|_| Err(panicked()))?;
            if let Some(shelf) = shelf.upgrade() {
                // The token that answers a challenge replaces the challenged token. Nothing is
                // cached under the challenge itself: each request with one must get a new token.
                shelf.store(&request.without_claims(), &token, began);
            }
            Ok(token)
        }
        .boxed()
        .shared();
        *place = flight.downgrade().map(|flight| RunningRequest {
            flight,
            runtime,
            since: Instant::now(),
        });
        Step::Flight(flight)
    }

    /// Requests a token in its own task, which the slot owns. If the request fails, the cached
    /// token is still returned, and the next caller after the pause tries again.
    #[cold]
    fn refresh_in_background(
        self: &Arc<Self>,
        slot: &Slot,
        request: &TokenRequest,
        fetch: impl FnOnce(TokenRequest) -> BoxFuture<'static, Result<AccessToken>>,
    ) {
        // Without a runtime, no task can be started. The cached token is valid, and a later call
        // refreshes it.
        let Ok(runtime) = Handle::try_current() else {
            return;
        };
        let next = self.join_or_start(
            &mut lock(&slot.flight),
            runtime.id(),
            request,
            TokenInner::is_fresh,
            fetch,
        );
        // Another caller may have replaced the token since this one read it.
        let Step::Flight(flight) = next else {
            return;
        };
        let task = runtime.spawn(BACKGROUND.scope((), async move {
            if let Err(error) = flight.await {
                tracing::warn!(%error, "a refresh ahead of time failed; the token at hand is still good");
            }
        }));
        // A task that still exists belongs to a runtime that stands still.
        if let Some(before) = lock(&slot.refresh).replace(task.abort_handle()) {
            before.abort();
        }
    }
}

impl KeyState {
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

    /// Whether this caller starts the refresh that is due.
    fn claims_refresh(&self, now: SystemTime) -> bool {
        let now = seconds(now);
        let not_before = self.refresh_not_before.load(Ordering::Acquire);
        // A time far in the future was set before the clock was set back.
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

/// Code that holds these locks can't panic within a change, so a poisoned lock can be used.
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

/// The hasher for keys that carry their hash.
#[derive(Default)]
struct Prehashed(u64);

impl Hasher for Prehashed {
    fn write(&mut self, bytes: &[u8]) {
        // Keys that carry their hash never get here. The code is a correct hash all the same.
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
