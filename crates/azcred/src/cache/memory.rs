//! The in-memory cache: reads take no lock, a token that is still good makes nobody wait, and one request leaves per key
//! however many callers want its answer.
//!
//! A cache belongs to one credential, which is the first part of its key; the request (scopes, tenant, claims) is the rest.

use crate::{
    credential::TokenFuture, error::Result, request::TokenRequest, system::SharedSystem, token,
};
use arc_swap::{ArcSwap, ArcSwapOption};
use futures_util::{
    FutureExt,
    future::{BoxFuture, Shared, WeakShared},
};
use std::{
    collections::HashMap,
    fmt,
    hash::{BuildHasherDefault, Hasher},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, SystemTime, UNIX_EPOCH},
};
use token::AccessToken;
use tokio::task::AbortHandle;

/// A token that ends sooner than this is of no use to whoever gets it: the request that carries it takes time too.
const USABLE: Duration = Duration::from_secs(10);
/// Two background refreshes of one key start at least this far apart, so that an authority in trouble is left alone.
const REFRESH_PAUSE: Duration = Duration::from_secs(30);
/// A token from the future by more than this was obtained before somebody set the clock back: its end means nothing.
const CLOCK_SLACK: Duration = Duration::from_secs(60);
/// A key whose token has ended is forgotten after this: not at once, as somebody may be about to fetch it anew.
const FORGET: Duration = Duration::from_secs(10 * 60);

type Flight = Shared<BoxFuture<'static, Result<AccessToken>>>;
type Slots = HashMap<TokenRequest, Arc<Slot>, BuildHasherDefault<Prehashed>>;

/// The tokens of one credential.
pub(crate) struct MemoryCache {
    system: SharedSystem,
    slots: ArcSwap<Slots>,
}

/// All that is known of one key.
struct Slot {
    /// When it was made.
    since: SystemTime,
    token: ArcSwapOption<token::Inner>,
    /// No background refresh starts before this, in seconds since 1970. Claiming one moves it on, so that of a thousand
    /// callers one starts it and none takes a lock.
    refresh_not_before: AtomicU64,
    /// The request under way. Weak: it lives as long as somebody waits for it.
    flight: Mutex<Option<WeakShared<BoxFuture<'static, Result<AccessToken>>>>>,
    /// The background refresh, which ends with the cache.
    refresh: Mutex<Option<AbortHandle>>,
}

impl MemoryCache {
    pub(crate) fn new(system: SharedSystem) -> Self {
        Self {
            system,
            slots: ArcSwap::default(),
        }
    }

    /// A token for `request`: the cached one where it is good, else what `fetch` brings.
    ///
    /// `fetch` is called at most once per flight. Its future is dropped when nobody waits for it any more, or with the cache.
    pub(crate) fn get<'a>(
        &'a self,
        request: &'a TokenRequest,
        fetch: impl FnOnce(TokenRequest) -> BoxFuture<'static, Result<AccessToken>> + Send + 'a,
    ) -> TokenFuture<'a> {
        let slots = self.slots.load();
        if let Some(slot) = slots.get(request)
            && let Some(token) = slot.token.load_full()
        {
            let now = self.system.now();
            if is_usable(&token, now) {
                if now >= token.refresh_on && slot.claims_refresh(now) {
                    slot.refresh_in_background(|| fetch(request.clone()));
                }
                return TokenFuture::ready(Ok(AccessToken(token)));
            }
        }
        TokenFuture::pending(async move {
            let slot = self.slot(request);
            let flight = {
                let mut flight = lock(&slot.flight);
                // Between the look above and this lock another flight may have landed.
                if let Some(token) = slot.token.load_full()
                    && is_usable(&token, self.system.now())
                {
                    return Ok(AccessToken(token));
                }
                slot.join_or_start(&mut flight, || fetch(request.clone()))
            };
            flight.await
        })
    }

    /// The slot of a key, made where there is none. Keys whose tokens ended a while ago make room.
    fn slot(&self, request: &TokenRequest) -> Arc<Slot> {
        if let Some(slot) = self.slots.load().get(request) {
            return slot.clone();
        }
        let now = self.system.now();
        let new = Arc::new(Slot::new(now));
        self.slots.rcu(|slots| {
            let mut slots: Slots = slots
                .iter()
                .filter(|(_, slot)| slot.is_worth_keeping(now))
                .map(|(key, slot)| (key.clone(), slot.clone()))
                .collect();
            slots.entry(request.clone()).or_insert_with(|| new.clone());
            slots
        });
        // Another caller may have been first; its slot is then the one.
        self.slots.load().get(request).cloned().unwrap_or(new)
    }
}

impl Slot {
    fn new(since: SystemTime) -> Self {
        Self {
            since,
            token: ArcSwapOption::empty(),
            refresh_not_before: AtomicU64::new(0),
            flight: Mutex::default(),
            refresh: Mutex::default(),
        }
    }

    /// Joins the request under way, or starts one.
    fn join_or_start(
        self: &Arc<Self>,
        place: &mut Option<WeakShared<BoxFuture<'static, Result<AccessToken>>>>,
        fetch: impl FnOnce() -> BoxFuture<'static, Result<AccessToken>>,
    ) -> Flight {
        if let Some(flight) = place.as_ref().and_then(WeakShared::upgrade)
            // One that has ended gives yesterday's answer to today's caller: an error would outlive its cause.
            && flight.peek().is_none()
        {
            return flight;
        }
        let fetch = fetch();
        let slot = Arc::downgrade(self);
        let flight = async move {
            let token = fetch.await?;
            if let Some(slot) = slot.upgrade() {
                slot.token.store(Some(token.0.clone()));
                slot.refresh_not_before.store(0, Ordering::Release);
            }
            Ok(token)
        }
        .boxed()
        .shared();
        *place = flight.downgrade();
        flight
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

    /// Fetches in a task of its own, owned by this slot. Where it fails, the token at hand goes on being given out and the
    /// next caller after the pause tries again.
    fn refresh_in_background(
        self: &Arc<Self>,
        fetch: impl FnOnce() -> BoxFuture<'static, Result<AccessToken>>,
    ) {
        // Outside a runtime nothing can be started; the token at hand is good, and a later call will refresh.
        let Ok(runtime) = tokio::runtime::Handle::try_current() else {
            return;
        };
        let flight = self.join_or_start(&mut lock(&self.flight), fetch);
        let task = runtime.spawn(async move {
            if let Err(error) = flight.await {
                tracing::warn!(%error, "a refresh ahead of time failed; the token at hand is still good");
            }
        });
        *lock(&self.refresh) = Some(task.abort_handle());
    }

    fn is_worth_keeping(&self, now: SystemTime) -> bool {
        let used = self
            .token
            .load()
            .as_ref()
            .map_or(self.since, |token| token.expires_on);
        now < used + FORGET
            || lock(&self.flight)
                .as_ref()
                .and_then(WeakShared::upgrade)
                .is_some()
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        if let Some(task) = lock(&self.refresh).take() {
            task.abort();
        }
    }
}

fn is_usable(token: &token::Inner, now: SystemTime) -> bool {
    now + USABLE < token.expires_on && now + CLOCK_SLACK >= token.obtained_on
}

fn seconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH)
        .unwrap_or_default()
        .as_secs()
}

/// Nothing that runs under these locks can panic half-way through a change, so a poisoned one is as good as any.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl fmt::Debug for MemoryCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryCache")
            .field("keys", &self.slots.load().len())
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
