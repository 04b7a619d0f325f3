//! The cache on the disk: tokens outlive the process, and of several processes that need the same
//! token, one requests it.
//!
//! A process that finds no valid token locks the entry and requests one. The others look every few
//! milliseconds until the token is stored. If the process with the lock is killed, the lock ends
//! with it. If its request fails, it notes the failure in the entry. The waiting processes then
//! request tokens themselves, all at once. So each gets its own complete error, and none waits for
//! a row of rejections.
//!
//! Callers can work without the disk. If it is full, read-only, another user's or hanging, tokens
//! are requested as if there were no cache, and the trouble is reported once, with its fix.

use super::{
    Identity,
    kept::{StoredToken, TokenLabel},
};
use crate::{
    facts::{Error, ErrorKind, Fix, Result},
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

/// After a failed refresh, the stored token is returned without another attempt for this time.
const REFRESH_PAUSE: Duration = Duration::from_secs(30);
/// The longest wait for a refresh while the stored token is valid.
const AHEAD: Duration = Duration::from_secs(3);
/// The same if a sign-in is renewed. The renewal goes on in any case, and a token within the time
/// of one HTTP attempt is worth the wait.
const AHEAD_BY_SIGN_IN: Duration = Duration::from_secs(10);
/// The pause between two looks while another process requests the token. It varies by [`JITTER`].
const LOOK: Duration = Duration::from_millis(8);
const JITTER: u64 = 5;
/// A disk that takes longer counts as hanging. A keyring takes up to two seconds of this time.
const DISK: Duration = Duration::from_secs(3);

/// A token for `request`: the stored one if it is valid, or else the result of `fetch` within the
/// time that it is given.
///
/// Without a disk cache ([`ClientOptions::caches_tokens`]) or an identity, only `fetch` is called.
/// A stored token never answers a claims challenge.
///
/// Cancel-safe if `fetch` is. Ends within `deadline` if `fetch` does; a disk that hangs adds
/// [`DISK`] once.
///
/// # Errors
/// The errors of `fetch`.
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
    let place = Arc::new(DiskEntry::new(options, identity, request));
    if request.claims().is_some() {
        let token = fetch(left()).await?;
        place.put(token.clone(), None).await;
        return Ok(token);
    }
    let (lock, meanwhile) = match place.find(end - deadline / 2).await {
        Lookup::Good(token) => {
            tracing::debug!(
                whose = place.about.whose,
                "took the token from the cache on disk"
            );
            return Ok(token);
        }
        Lookup::Nothing { lock, meanwhile } => (lock, meanwhile),
    };
    let began = options.system().now();
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
            place.put_since(Some(began), token.clone(), lock).await;
            Ok(token)
        }
        Err(error) => {
            // Without the lock, no process waits for this one.
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

/// One entry and what is needed to use it.
struct DiskEntry {
    store: Arc<dyn TokenStore>,
    noted: Arc<Noted>,
    system: SharedSystem,
    about: TokenLabel,
    key: Vec<Zeroizing<Vec<u8>>>,
}

/// The result of looking at an entry.
enum Lookup {
    /// A token to return.
    Good(AccessToken),
    /// No token, or one that is due for refresh: the caller requests one.
    Nothing {
        /// The entry's lock. Without it, other processes may be requesting a token too.
        lock: Option<Lock>,
        /// The stored token, if it is still valid.
        meanwhile: Option<AccessToken>,
    },
}

impl DiskEntry {
    fn new(options: &ClientOptions, identity: Identity, request: &TokenRequest) -> Self {
        let identity = match options.sign_in() {
            Some(session) => identity.of_sign_in(session),
            None => identity,
        };
        Self {
            store: options.store().clone(),
            noted: options.noted().clone(),
            system: options.system().clone(),
            about: TokenLabel::new(&identity, request),
            key: identity.key(request),
        }
    }

    /// The longest wait for another token while this one is valid.
    fn ahead(&self) -> Duration {
        match self.about.sign_in {
            Some(_) => AHEAD_BY_SIGN_IN,
            None => AHEAD,
        }
    }

    /// Looks at the entry. While another process requests a token, waits, until `end` at the
    /// latest.
    async fn find(self: &Arc<Self>, end: Instant) -> Lookup {
        let nothing = || Lookup::Nothing {
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

    /// Looks once; `None` if another process requests a token. `waited` is when this process began
    /// to wait for it.
    fn look(&self, waited: Option<SystemTime>) -> Result<Option<Lookup>> {
        if let Some(good) = self.judge(waited)? {
            return Ok(Some(good));
        }
        let lock = match self.store.lock(&self.parts()) {
            Ok(Some(lock)) => Some(lock),
            Ok(None) => return Ok(self.meanwhile()?.map(Lookup::Good)),
            Err(error) => {
                self.noted.note(error);
                None
            }
        };
        // Another process may have stored a token before this one got the lock.
        Ok(Some(match self.judge(waited)? {
            Some(found) => found,
            None => Lookup::Nothing {
                lock,
                meanwhile: self.meanwhile()?,
            },
        }))
    }

    /// What the entry alone decides; `None` if a token has to be requested.
    fn judge(&self, waited: Option<SystemTime>) -> Result<Option<Lookup>> {
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
                Ok((token.0.is_fresh(now) || is_left_alone).then_some(Lookup::Good(token)))
            }
            // The process with the lock failed.
            None if waited.is_some_and(failed_since) => Ok(Some(Lookup::Nothing {
                lock: None,
                meanwhile: None,
            })),
            None => Ok(None),
        }
    }

    /// The stored token if it is valid, even if it is due for refresh.
    fn meanwhile(&self) -> Result<Option<AccessToken>> {
        let now = self.system.now();
        let token = self.read()?.and_then(|kept| kept.token);
        Ok(token.filter(|token| token.0.is_usable(now)))
    }

    fn read(&self) -> Result<Option<StoredToken>> {
        let kept = self.store.get(&self.parts())?;
        Ok(kept.and_then(|bytes| StoredToken::from_bytes(&bytes)))
    }

    /// Stores a token, then releases the lock.
    async fn put(self: &Arc<Self>, token: AccessToken, lock: Option<Lock>) {
        self.put_since(None, token, lock).await;
    }

    /// As [`DiskEntry::put`], unless another token was obtained since `began`. That one answers a
    /// claims challenge, which is stored without the lock: the service may reject this one.
    async fn put_since(
        self: &Arc<Self>,
        began: Option<SystemTime>,
        token: AccessToken,
        lock: Option<Lock>,
    ) {
        if self.noted.hangs() {
            return;
        }
        let this = self.clone();
        let _ = self
            .on_disk(move || {
                let _until_written = lock;
                let is_newer =
                    |stored: AccessToken| began.is_some_and(|began| stored.0.obtained() >= began);
                if began.is_some() && this.meanwhile()?.is_some_and(is_newer) {
                    return Ok(());
                }
                this.write(Some(token), None)
            })
            .await;
    }

    /// Notes a failed request in the entry, with the token that is stored now or else `before`.
    /// Returns the token that is stored now: an answer to a claims challenge is stored without the
    /// lock, and `before` is then revoked.
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
        let kept = StoredToken {
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

    /// Does something that waits for the disk, outside the runtime's threads. Errors are noted.
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
                .with_fix(
                    Fix::from("check the disk of the cache folder")
                        .or("store no tokens on disk: `export AZCRED_CACHE=never`"),
                )
            }
        };
        self.noted.note(error);
        Err(())
    }
}

#[cfg(all(test, feature = "default"))]
#[path = "disk_tests.rs"]
mod tests;
