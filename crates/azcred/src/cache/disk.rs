//! The cache on disk: tokens outlive the process, and of many processes that want the same one, one
//! fetches it.
//!
//! Who finds no good token locks the entry and fetches; the others look again every few
//! milliseconds, and have what it brings. A holder that is killed gives the lock up by that. One
//! that fails says so in the entry, and whoever waited then asks by themselves, all at once: the
//! error that each of them gets is its own and whole, and nobody queues for a row of refusals.
//!
//! The disk is a convenience. Whatever it does (it is full, read-only, somebody else's, hangs), a
//! token is fetched as if there were no cache, and the trouble is told once, with what fixes it.

use super::{
    Identity,
    kept::{About, Kept},
};
use crate::{
    facts::{Error, ErrorKind, Result},
    options::ClientOptions,
    request::TokenRequest,
    store::{Lock, Noted, TokenStore},
    system::SharedSystem,
    token::AccessToken,
};
use std::{
    future::Future,
    hash::{BuildHasher, Hasher, RandomState},
    sync::Arc,
    time::{Duration, SystemTime},
};
use tokio::{
    task::spawn_blocking,
    time::{Instant, sleep, timeout},
};
use zeroize::Zeroizing;

/// After a failed refresh, the token at hand is given without another for so long.
const REFRESH_PAUSE: Duration = Duration::from_secs(30);
/// While a token is good, nobody waits longer for another.
const AHEAD: Duration = Duration::from_secs(3);
/// The same where a sign-in is renewed: that goes on in any case, and what comes within the time of
/// one HTTP attempt is worth the wait.
const AHEAD_BY_SIGN_IN: Duration = Duration::from_secs(10);
/// How often who waits for another process looks, and by how much that varies.
const LOOK: Duration = Duration::from_millis(8);
const JITTER: u64 = 5;
/// A disk that takes longer hangs. A keyring has two seconds of it.
const DISK: Duration = Duration::from_secs(3);

/// A token for `request`: the one on disk where it is good, else what `fetch` brings in the time
/// that it is given.
///
/// Without a disk cache ([`ClientOptions::caches_tokens`]) or an identity, that is all that `fetch`
/// brings. A claims challenge is never answered from the disk.
///
/// Cancel-safe, as far as `fetch` is. Ends within `deadline`, as far as `fetch` does; a disk that
/// hangs adds [`DISK`] to that, once.
///
/// # Errors
/// Those of `fetch`.
pub(crate) async fn through<F>(
    options: &ClientOptions,
    identity: Option<Identity>,
    request: &TokenRequest,
    deadline: Duration,
    fetch: impl FnOnce(Duration) -> F,
) -> Result<AccessToken>
where
    F: Future<Output = Result<AccessToken>>,
{
    let end = Instant::now() + deadline;
    let left = || end.saturating_duration_since(Instant::now());
    let identity = identity.filter(|_| options.caches_tokens() && !options.noted().hangs());
    let Some(identity) = identity else {
        return fetch(deadline).await;
    };
    let place = Arc::new(Place::new(options, identity, request));
    if request.claims().is_some() {
        let token = fetch(left()).await?;
        place.put(token.clone(), None).await;
        return Ok(token);
    }
    let (lock, meanwhile) = match place.find(end - deadline / 2).await {
        Found::Good(token) => {
            tracing::debug!(
                whose = place.about.whose,
                "took the token from the cache on disk"
            );
            return Ok(token);
        }
        Found::Nothing { lock, meanwhile } => (lock, meanwhile),
    };
    let answer = match &meanwhile {
        None => fetch(left()).await,
        Some(token) => match timeout(place.ahead(), fetch(left())).await {
            Ok(answer) => answer,
            Err(_) => {
                tracing::debug!(
                    "a refresh ahead of time takes too long; the token at hand is still good"
                );
                let newer = place.put_failure(meanwhile.clone(), lock).await;
                return Ok(newer.unwrap_or_else(|| token.clone()));
            }
        },
    };
    match answer {
        Ok(token) => {
            place.put(token.clone(), lock).await;
            Ok(token)
        }
        Err(error) => {
            // Who has no lock has nobody waiting for it.
            let newer = match lock {
                Some(_) => place.put_failure(meanwhile.clone(), lock).await,
                None => None,
            };
            let Some(token) = newer.or(meanwhile) else {
                return Err(error);
            };
            tracing::warn!(%error, "a refresh ahead of time failed; the token at hand is still good");
            Ok(token)
        }
    }
}

/// One entry's place, and what is needed to use it.
struct Place {
    store: Arc<dyn TokenStore>,
    noted: Arc<Noted>,
    system: SharedSystem,
    about: About,
    key: Vec<Zeroizing<Vec<u8>>>,
}

/// What a look found.
enum Found {
    /// A token to be given.
    Good(AccessToken),
    /// None, or one that is due: the caller fetches.
    Nothing {
        /// The right to; without one, others may be fetching too.
        lock: Option<Lock>,
        /// What is good for now.
        meanwhile: Option<AccessToken>,
    },
}

impl Place {
    fn new(options: &ClientOptions, identity: Identity, request: &TokenRequest) -> Self {
        let identity = match options.sign_in() {
            Some(session) => identity.of_sign_in(session),
            None => identity,
        };
        Self {
            store: options.store().clone(),
            noted: options.noted().clone(),
            system: options.system().clone(),
            about: About::new(&identity, request),
            key: identity.key(request),
        }
    }

    /// How long anybody waits for another token while this one is good.
    fn ahead(&self) -> Duration {
        match self.about.sign_in {
            Some(_) => AHEAD_BY_SIGN_IN,
            None => AHEAD,
        }
    }

    /// Looks, and waits for another process that fetches, until `end` at the latest.
    async fn find(self: &Arc<Self>, end: Instant) -> Found {
        let nothing = || Found::Nothing {
            lock: None,
            meanwhile: None,
        };
        let began = self.system.now();
        let mut waited = None;
        loop {
            let this = self.clone();
            match self.on_disk(move || this.look(waited)).await {
                Ok(Some(found)) => return found,
                Ok(None) => {}
                Err(()) => return nothing(),
            }
            waited = Some(began);
            let pause =
                LOOK + Duration::from_millis(RandomState::new().build_hasher().finish() % JITTER);
            if Instant::now() + pause >= end {
                return nothing();
            }
            sleep(pause).await;
        }
    }

    /// One look; `None` where another process fetches. `waited` is since when this one has waited
    /// for it.
    fn look(&self, waited: Option<SystemTime>) -> Result<Option<Found>> {
        if let Some(good) = self.judge(waited)? {
            return Ok(Some(good));
        }
        let lock = match self.store.lock(&self.parts()) {
            Ok(Some(lock)) => Some(lock),
            Ok(None) => return Ok(self.meanwhile()?.map(Found::Good)),
            Err(error) => {
                self.noted.note(error);
                None
            }
        };
        // Between the look and the lock somebody else may have been here.
        Ok(Some(match self.judge(waited)? {
            Some(found) => found,
            None => Found::Nothing {
                lock,
                meanwhile: self.meanwhile()?,
            },
        }))
    }

    /// What is to be done by what the entry says alone; `None` where a fetch is due.
    fn judge(&self, waited: Option<SystemTime>) -> Result<Option<Found>> {
        let Some(kept) = self.read()? else {
            return Ok(None);
        };
        let now = self.system.now();
        let failed_since = |time: SystemTime| {
            kept.failed_at
                .is_some_and(|failed| failed >= time && failed <= now)
        };
        match kept.token.filter(|token| token.0.is_usable(now)) {
            Some(token) => {
                let is_left_alone = now.checked_sub(REFRESH_PAUSE).is_some_and(&failed_since);
                Ok((token.0.is_fresh(now) || is_left_alone).then_some(Found::Good(token)))
            }
            // Who held the lock failed.
            None if waited.is_some_and(failed_since) => Ok(Some(Found::Nothing {
                lock: None,
                meanwhile: None,
            })),
            None => Ok(None),
        }
    }

    /// A token that is good, due or not.
    fn meanwhile(&self) -> Result<Option<AccessToken>> {
        let now = self.system.now();
        let token = self.read()?.and_then(|kept| kept.token);
        Ok(token.filter(|token| token.0.is_usable(now)))
    }

    fn read(&self) -> Result<Option<Kept>> {
        let kept = self.store.get(&self.parts())?;
        Ok(kept.and_then(|bytes| Kept::from_bytes(&bytes)))
    }

    /// Keeps a token, and gives the lock up after it.
    async fn put(self: &Arc<Self>, token: AccessToken, lock: Option<Lock>) {
        if self.noted.hangs() {
            return;
        }
        let this = self.clone();
        let _ = self
            .on_disk(move || {
                let _until_written = lock;
                this.write(Some(token), None)
            })
            .await;
    }

    /// Keeps that a fetch failed beside the token that is there now, else beside the one that was
    /// there before it. Gives the former: what answered a challenge was written past the lock, and
    /// the one from before is revoked.
    async fn put_failure(
        self: &Arc<Self>,
        before: Option<AccessToken>,
        lock: Option<Lock>,
    ) -> Option<AccessToken> {
        if self.noted.hangs() {
            return None;
        }
        let this = self.clone();
        let kept = self.on_disk(move || {
            let _until_written = lock;
            let now = this.meanwhile()?;
            this.write(now.clone().or(before), Some(this.system.now()))?;
            Ok(now)
        });
        kept.await.ok().flatten()
    }

    fn write(&self, token: Option<AccessToken>, failed_at: Option<SystemTime>) -> Result<()> {
        let kept = Kept {
            about: self.about.clone(),
            token,
            failed_at,
        };
        let Some(bytes) = kept.to_bytes() else {
            return Ok(());
        };
        let end = kept.end(self.system.now());
        self.store.put(&self.parts(), &bytes, end)
    }

    fn parts(&self) -> Vec<&[u8]> {
        self.key.iter().map(|part| part.as_slice()).collect()
    }

    /// Does something that waits for the disk, off the runtime's threads. What goes wrong is noted.
    async fn on_disk<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T> + Send + 'static,
    ) -> Result<T, ()> {
        let error = match timeout(DISK, spawn_blocking(work)).await {
            Ok(Ok(Ok(done))) => return Ok(done),
            Ok(Ok(Err(error))) => error,
            // The runtime is shutting down.
            Ok(Err(_)) => return Err(()),
            Err(_) => {
                self.noted.note_hanging();
                Error::new(
                    ErrorKind::Unreachable,
                    "could not read the token cache on disk",
                    format!("the disk did not answer within {} s", DISK.as_secs()),
                )
                .with_fix("check the disk of the cache folder; or store no tokens on disk: `export AZCRED_CACHE=never`")
            }
        };
        self.noted.note(error);
        Err(())
    }
}

#[cfg(all(test, feature = "default"))]
#[path = "disk_tests.rs"]
mod tests;
