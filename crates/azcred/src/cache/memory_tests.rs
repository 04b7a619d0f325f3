use super::*;
use crate::{
    facts::{Error, ErrorKind},
    scope::Scope,
    system::{Fixture, System},
};
use std::sync::atomic::AtomicUsize;
use tokio::sync::Semaphore;

/// An authority that counts its calls and answers when the test lets it. Its tokens live for an
/// hour by default.
#[derive(Clone)]
struct CountingAuthority {
    clock: Fixture,
    calls: Arc<AtomicUsize>,
    gate: Arc<Semaphore>,
    dropped: Arc<AtomicUsize>,
    fails: Arc<std::sync::atomic::AtomicBool>,
    lifetime: Duration,
}

struct CountDrop(Arc<AtomicUsize>, bool);
impl Drop for CountDrop {
    fn drop(&mut self) {
        if !self.1 {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }
}

impl CountingAuthority {
    fn new() -> (Self, MemoryCache) {
        let clock = Fixture::new().at(UNIX_EPOCH + Duration::from_secs(1_000_000));
        let authority = Self {
            clock: clock.clone(),
            calls: Arc::default(),
            gate: Arc::new(Semaphore::new(0)),
            dropped: Arc::default(),
            fails: Arc::default(),
            lifetime: Duration::from_secs(3600),
        };
        (authority, MemoryCache::new(clock.shared()))
    }

    fn fetch(&self, _: TokenRequest) -> BoxFuture<'static, Result<AccessToken>> {
        let me = self.clone();
        let call = me.calls.fetch_add(1, Ordering::SeqCst) + 1;
        async move {
            let mut guard = CountDrop(me.dropped.clone(), false);
            me.gate.acquire().await.unwrap().forget();
            guard.1 = true;
            if me.fails.load(Ordering::SeqCst) {
                return Err(Error::new(
                    ErrorKind::Unreachable,
                    "asked",
                    "nobody is there",
                ));
            }
            Ok(AccessToken::new(
                format!("t{call}"),
                me.clock.now(),
                me.lifetime,
                None,
            ))
        }
        .boxed()
    }

    fn calls(&self) -> usize {
        self.calls.load(Ordering::SeqCst)
    }

    async fn get(&self, cache: &MemoryCache, request: &TokenRequest) -> Result<String> {
        cache
            .get(request, |request| self.fetch(request))
            .await
            .map(|token| token.secret().to_owned())
    }

    /// Lets one call through and returns the token.
    async fn first(&self, cache: &MemoryCache, request: &TokenRequest) -> String {
        self.gate.add_permits(1);
        self.get(cache, request).await.unwrap()
    }

    /// Runs other tasks until `done` is true. The limit is a number of turns, not a time.
    async fn until(&self, done: impl Fn() -> bool) {
        for _ in 0..10_000 {
            if done() {
                return;
            }
            tokio::task::yield_now().await;
        }
        panic!("it never happened");
    }
}

fn arm() -> TokenRequest {
    TokenRequest::new(Scope::ARM)
}

#[tokio::test]
async fn a_valid_token_is_returned_again_without_a_request() {
    let (authority, cache) = CountingAuthority::new();
    assert_eq!(authority.first(&cache, &arm()).await, "t1");
    authority.clock.advance(Duration::from_secs(3299));
    assert_eq!(authority.get(&cache, &arm()).await.unwrap(), "t1");
    assert_eq!(authority.calls(), 1);
}

#[tokio::test]
async fn a_due_token_is_returned_at_once_while_one_request_is_sent() {
    let (authority, cache) = CountingAuthority::new();
    let request = arm();
    authority.first(&cache, &request).await;
    authority.clock.advance(Duration::from_secs(3300));
    for _ in 0..1000 {
        let token = cache.get(&request, |request| authority.fetch(request));
        // The future is ready without a runtime: the caller does not wait, though the authority has
        // not answered.
        assert_eq!(token.now_or_never().unwrap().unwrap().secret(), "t1");
    }
    authority.until(|| authority.calls() == 2).await;
    authority.gate.add_permits(1);
    let is_new = || {
        let entries = cache.0.entries.load();
        entries
            .get(&request)
            .unwrap()
            .token
            .as_ref()
            .unwrap()
            .token()
            .0
            .is_fresh(authority.clock.now())
    };
    authority.until(is_new).await;
    assert_eq!(authority.get(&cache, &request).await.unwrap(), "t2");
    assert_eq!(authority.calls(), 2);
}

#[tokio::test]
async fn a_failed_early_refresh_affects_no_caller_and_is_tried_again_later() {
    let (authority, cache) = CountingAuthority::new();
    let request = arm();
    authority.first(&cache, &request).await;
    authority.clock.advance(Duration::from_secs(3300));
    authority.fails.store(true, Ordering::SeqCst);
    authority.gate.add_permits(1);
    assert_eq!(authority.get(&cache, &request).await.unwrap(), "t1");
    authority
        .until(|| authority.calls() == 2 && authority.gate.available_permits() == 0)
        .await;
    authority
        .clock
        .advance(REFRESH_PAUSE - Duration::from_secs(1));
    assert_eq!(authority.get(&cache, &request).await.unwrap(), "t1");
    assert_eq!(authority.calls(), 2, "not before the pause is over");
    authority.clock.advance(Duration::from_secs(1));
    authority.fails.store(false, Ordering::SeqCst);
    authority.gate.add_permits(1);
    assert_eq!(authority.get(&cache, &request).await.unwrap(), "t1");
    authority.until(|| authority.calls() == 3).await;
    authority
        .until(|| authority.gate.available_permits() == 0)
        .await;
    tokio::task::yield_now().await;
    assert_eq!(authority.get(&cache, &request).await.unwrap(), "t3");
}

#[tokio::test]
async fn many_callers_without_a_token_share_one_request() {
    let (authority, cache) = CountingAuthority::new();
    let (authority, cache) = (Arc::new(authority), Arc::new(cache));
    let callers: Vec<_> = (0..500)
        .map(|_| {
            let (authority, cache) = (authority.clone(), cache.clone());
            tokio::spawn(async move { authority.get(&cache, &arm()).await })
        })
        .collect();
    authority.until(|| authority.calls() > 0).await;
    authority.gate.add_permits(500);
    for caller in callers {
        assert_eq!(caller.await.unwrap().unwrap(), "t1");
    }
    assert_eq!(authority.calls(), 1);
}

#[tokio::test]
async fn one_key_never_waits_for_another() {
    let (authority, cache) = CountingAuthority::new();
    let (slow, other) = (arm(), TokenRequest::new(Scope::STORAGE));
    let mut waiting = cache.get(&slow, |request| authority.fetch(request));
    assert!((&mut waiting).now_or_never().is_none());
    let quick = MemoryCache::get(&cache, &other, |_| {
        let now = authority.clock.now();
        async move {
            Ok(AccessToken::new(
                "other",
                now,
                Duration::from_secs(3600),
                None,
            ))
        }
        .boxed()
    });
    assert_eq!(quick.now_or_never().unwrap().unwrap().secret(), "other");
    authority.gate.add_permits(1);
    assert_eq!(waiting.await.unwrap().secret(), "t1");
}

#[tokio::test]
async fn a_cancelled_caller_does_not_affect_the_others() {
    let (authority, cache) = CountingAuthority::new();
    let request = arm();
    let mut leaver = cache.get(&request, |request| authority.fetch(request));
    assert!((&mut leaver).now_or_never().is_none());
    let mut stayer = cache.get(&request, |request| authority.fetch(request));
    assert!((&mut stayer).now_or_never().is_none());
    drop(leaver);
    authority.gate.add_permits(1);
    assert_eq!(stayer.await.unwrap().secret(), "t1");
    assert_eq!(
        (authority.calls(), authority.dropped.load(Ordering::SeqCst)),
        (1, 0)
    );
}

#[tokio::test]
async fn the_request_is_dropped_with_its_last_caller() {
    let (authority, cache) = CountingAuthority::new();
    let request = arm();
    let mut only = cache.get(&request, |request| authority.fetch(request));
    assert!((&mut only).now_or_never().is_none());
    drop(only);
    assert_eq!(authority.dropped.load(Ordering::SeqCst), 1);
    assert_eq!(authority.first(&cache, &request).await, "t2");
}

#[tokio::test]
async fn a_background_refresh_ends_with_its_cache() {
    let (authority, cache) = CountingAuthority::new();
    let request = arm();
    authority.first(&cache, &request).await;
    authority.clock.advance(Duration::from_secs(3300));
    authority.get(&cache, &request).await.unwrap();
    authority.until(|| authority.calls() == 2).await;
    tokio::task::yield_now().await;
    drop(cache);
    authority
        .until(|| authority.dropped.load(Ordering::SeqCst) == 1)
        .await;
}

#[tokio::test]
async fn an_error_is_never_cached_even_while_a_caller_still_holds_it() {
    let (authority, cache) = CountingAuthority::new();
    let request = arm();
    authority.fails.store(true, Ordering::SeqCst);
    let mut holder = cache.get(&request, |request| authority.fetch(request));
    assert!((&mut holder).now_or_never().is_none());
    let mut other = cache.get(&request, |request| authority.fetch(request));
    assert!((&mut other).now_or_never().is_none());
    authority.gate.add_permits(1);
    assert!(other.await.is_err());
    authority.fails.store(false, Ordering::SeqCst);
    assert_eq!(authority.first(&cache, &request).await, "t2");
    assert!(holder.await.is_err());
}

#[tokio::test]
async fn an_expired_token_is_never_returned_and_its_key_is_removed() {
    let (authority, cache) = CountingAuthority::new();
    let request = arm();
    authority.first(&cache, &request).await;
    authority.clock.advance(Duration::from_secs(3591));
    assert_eq!(authority.first(&cache, &request).await, "t2");
    authority.clock.advance(Duration::from_secs(3600 + 600));
    authority
        .first(&cache, &TokenRequest::new(Scope::STORAGE))
        .await;
    assert_eq!(cache.0.entries.load().len(), 1);
}

#[tokio::test]
async fn a_clock_moved_back_does_not_keep_a_token_alive() {
    let (authority, cache) = CountingAuthority::new();
    let request = arm();
    authority.first(&cache, &request).await;
    authority
        .clock
        .set_clock(authority.clock.now() - Duration::from_secs(86_400));
    assert_eq!(authority.first(&cache, &request).await, "t2");
}

#[tokio::test]
async fn a_short_lived_token_is_not_requested_again_and_again() {
    let (mut authority, cache) = CountingAuthority::new();
    authority.lifetime = Duration::from_secs(240);
    let request = arm();
    authority.first(&cache, &request).await;
    authority.gate.add_permits(1000);
    for _ in 0..100 {
        authority.get(&cache, &request).await.unwrap();
        for _ in 0..10 {
            tokio::task::yield_now().await;
        }
    }
    assert_eq!(authority.calls(), 2);
    authority.clock.advance(REFRESH_PAUSE);
    authority.get(&cache, &request).await.unwrap();
    authority.until(|| authority.calls() == 3).await;
}

#[tokio::test]
async fn a_token_is_cached_though_its_key_was_removed_meanwhile() {
    let (authority, cache) = CountingAuthority::new();
    let request = arm();
    let mut waiting = cache.get(&request, |request| authority.fetch(request));
    assert!((&mut waiting).now_or_never().is_none());
    cache.0.entries.store(Arc::default());
    authority.gate.add_permits(1);
    assert_eq!(waiting.await.unwrap().secret(), "t1");
    assert_eq!(authority.get(&cache, &request).await.unwrap(), "t1");
}

#[tokio::test(start_paused = true)]
async fn a_request_that_stood_still_is_not_joined() {
    let (authority, cache) = CountingAuthority::new();
    let request = arm();
    let mut still = cache.get(&request, |request| authority.fetch(request));
    assert!((&mut still).now_or_never().is_none());
    tokio::time::advance(JOIN_WITHIN).await;
    let mut anew = cache.get(&request, |request| authority.fetch(request));
    assert!((&mut anew).now_or_never().is_none());
    assert_eq!(authority.calls(), 2);
}

#[test]
fn a_runtime_that_stands_still_blocks_no_caller_on_another() {
    let (authority, cache) = CountingAuthority::new();
    let request = arm();
    let runtime = || {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap()
    };
    let (still, other) = (runtime(), runtime());
    still.block_on(authority.first(&cache, &request));
    authority.clock.advance(Duration::from_secs(3300));
    // The refresh is spawned but never runs.
    still.block_on(authority.get(&cache, &request)).unwrap();
    authority.clock.advance(Duration::from_secs(300));
    let before = authority.calls();
    other.block_on(authority.first(&cache, &request));
    assert_eq!(
        authority.calls(),
        before + 1,
        "nothing of the first runtime is waited for"
    );
}

#[test]
fn outside_a_runtime_a_missing_token_is_an_error_and_not_a_panic() {
    let (authority, cache) = CountingAuthority::new();
    let request = arm();
    let answer = cache
        .get(&request, |request| authority.fetch(request))
        .now_or_never();
    let error = answer.unwrap().unwrap_err();
    assert!(error.why().contains("outside a Tokio runtime"), "{error}");
    assert_eq!(authority.calls(), 0);
}

#[test]
fn outside_a_runtime_a_valid_token_is_still_returned() {
    let (authority, cache) = CountingAuthority::new();
    let request = arm();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    runtime.block_on(authority.first(&cache, &request));
    drop(runtime);
    authority.clock.advance(Duration::from_secs(3300));
    let token = cache
        .get(&request, |request| authority.fetch(request))
        .now_or_never();
    assert_eq!(token.unwrap().unwrap().secret(), "t1");
}

#[tokio::test]
async fn what_a_thread_remembers_ends_with_the_token_it_leads_to() {
    let (authority, cache) = CountingAuthority::new();
    let request = arm();
    authority.first(&cache, &request).await;
    assert_eq!(authority.get(&cache, &request).await.unwrap(), "t1");
    let version = || cache.0.version.load(Ordering::Acquire);
    let before = version();
    assert!(recent::find(before, &request).is_some());
    assert!(recent::find(before, &TokenRequest::new(Scope::STORAGE)).is_none());
    authority.clock.advance(Duration::from_secs(3595));
    assert_eq!(authority.first(&cache, &request).await, "t2");
    assert_ne!(version(), before);
    assert_eq!(authority.get(&cache, &request).await.unwrap(), "t2");
    let last = version();
    assert!(recent::find(last, &request).is_some());
    drop(cache);
    assert!(
        recent::find(last, &request).is_none(),
        "the cache is gone, and its tokens with it"
    );
}

#[tokio::test]
async fn two_caches_never_take_each_others_tokens() {
    let ((one, first), (two, second)) = (CountingAuthority::new(), CountingAuthority::new());
    two.calls.store(10, Ordering::SeqCst);
    let request = arm();
    for _ in 0..3 {
        one.gate.add_permits(1);
        two.gate.add_permits(1);
        assert_eq!(one.get(&first, &request).await.unwrap(), "t1");
        assert_eq!(two.get(&second, &request).await.unwrap(), "t11");
    }
}

#[tokio::test]
async fn a_source_that_panics_leaves_no_caller_waiting() {
    let cache = MemoryCache::new(Fixture::new().shared());
    let request = arm();
    let get = || {
        cache.get(&request, |_| {
            async {
                tokio::task::yield_now().await;
                panic!("on purpose")
            }
            .boxed()
        })
    };
    let (one, other) = tokio::join!(get(), get());
    for answer in [one, other] {
        let error = answer.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unexpected, "{error}");
        assert!(error.why().contains("panicked"), "{error}");
    }
    let (authority, _) = CountingAuthority::new();
    assert_eq!(
        authority.first(&cache, &request).await,
        "t1",
        "the next one is asked anew"
    );
}

#[tokio::test]
async fn a_challenge_is_never_answered_from_the_cache_and_its_token_serves_all_callers() {
    let (authority, cache) = CountingAuthority::new();
    let plain = TokenRequest::new(Scope::ARM);
    let challenged = plain.clone().with_claims("{}");
    authority.gate.add_permits(3);
    assert_eq!(authority.get(&cache, &plain).await.unwrap(), "t1");
    assert_eq!(authority.get(&cache, &challenged).await.unwrap(), "t2");
    assert_eq!(authority.get(&cache, &plain).await.unwrap(), "t2");
    assert_eq!(authority.get(&cache, &challenged).await.unwrap(), "t3");
    assert_eq!(authority.get(&cache, &plain).await.unwrap(), "t3");
    assert_eq!(authority.calls(), 3);
}

#[path = "memory_race_tests.rs"]
mod race;

#[tokio::test]
async fn a_request_that_began_before_a_challenge_does_not_replace_its_answer() {
    let (authority, cache) = CountingAuthority::new();
    let (plain, gate) = (arm(), Arc::new(Semaphore::new(0)));
    let held = {
        let (clock, gate) = (authority.clock.clone(), gate.clone());
        let hour = Duration::from_secs(3600);
        async move {
            gate.acquire().await.unwrap().forget();
            Ok(AccessToken::new("older", clock.now(), hour, None))
        }
    };
    let mut older = cache.get(&plain, |_| held.boxed());
    assert!((&mut older).now_or_never().is_none());
    let challenged = plain.clone().with_claims("{}");
    assert_eq!(authority.first(&cache, &challenged).await, "t1");
    gate.add_permits(1);
    assert_eq!(older.await.unwrap().secret(), "older");
    assert_eq!(authority.first(&cache, &plain).await, "t1");
}
