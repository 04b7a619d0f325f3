//! The sign-ins in the vault: listing them, the current one, and locks for changes.

use super::record::{Entry, Record};
use crate::{
    cache,
    facts::{Error, ErrorKind, Result},
    options::ClientOptions,
    store::TokenStore,
    system::{FileLock, SharedSystem},
    vault::{Shelf, Vault},
};
use std::sync::Arc;
use tokio::time::{Instant, timeout_at};

/// The sign-ins of a profile at an authority. Clones share them.
#[derive(Clone, Debug)]
pub(crate) struct Store(Arc<StoreInner>);

#[derive(Debug)]
struct StoreInner {
    vault: Vault,
    tokens: Arc<dyn TokenStore>,
    system: SharedSystem,
    profile: String,
    authority: String,
}

impl Store {
    /// # Errors
    /// [`ErrorKind::Invalid`] if the cloud is unknown.
    pub(crate) fn new(options: &ClientOptions) -> Result<Self> {
        Ok(Self(Arc::new(StoreInner {
            vault: options.vault().clone(),
            tokens: options.store().clone(),
            system: options.system().clone(),
            profile: options.profile().name().to_owned(),
            authority: options.cloud()?.authority().as_str().to_ascii_lowercase(),
        })))
    }

    pub(crate) fn profile(&self) -> &str {
        &self.0.profile
    }

    pub(crate) fn authority(&self) -> &str {
        &self.0.authority
    }

    pub(crate) fn system(&self) -> &SharedSystem {
        &self.0.system
    }

    /// The sign-ins of another profile or authority.
    pub(super) fn of(&self, record: &Record) -> Self {
        let StoreInner {
            vault,
            tokens,
            system,
            ..
        } = &*self.0;
        Self(Arc::new(StoreInner {
            vault: vault.clone(),
            tokens: tokens.clone(),
            system: system.clone(),
            profile: record.profile.clone(),
            authority: record.authority.clone(),
        }))
    }

    /// The sign-ins that sessions without the keyring stored.
    pub(super) fn without_keyring(&self) -> Self {
        let vault = self.0.vault.without_keyring();
        Self(Arc::new(StoreInner {
            tokens: Arc::new(vault.clone()),
            vault,
            system: self.0.system.clone(),
            profile: self.0.profile.clone(),
            authority: self.0.authority.clone(),
        }))
    }

    pub(super) fn vault(&self) -> &Vault {
        &self.0.vault
    }

    /// Runs blocking file work in another thread, until `end` at the latest.
    pub(crate) async fn off_thread<T: Send + 'static>(
        &self,
        end: Instant,
        does: impl FnOnce(&Self) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let this = self.clone();
        let done = tokio::task::spawn_blocking(move || does(&this));
        let what = "could not read the stored sign-ins";
        match timeout_at(end, done).await {
            Ok(Ok(done)) => done,
            Ok(Err(_)) => Err(Error::new(
                ErrorKind::Invalid,
                what,
                "the runtime is shutting down",
            )),
            Err(_) => Err(Error::new(
                ErrorKind::Unreachable,
                what,
                "the disk did not answer in time",
            )
            .with_fix("check the disk of the home folder: `df -h ~`")),
        }
    }

    /// A sign-in; `None` if it does not exist.
    pub(crate) fn read(&self, id: &str) -> Result<Option<Record>> {
        let parts = ["account", self.profile(), self.authority(), id].map(str::as_bytes);
        let content = self.0.vault.read(Shelf::SignIns, &parts)?;
        Ok(match content.and_then(|content| Entry::read(&content)) {
            Some(Entry::Account(record)) => Some(*record),
            _ => None,
        })
    }

    /// Stores a sign-in durably.
    pub(crate) fn write(&self, record: &Record) -> Result<()> {
        let parts = ["account", self.profile(), self.authority(), &record.id].map(str::as_bytes);
        let content = Entry::Account(Box::new(record.clone())).written();
        self.0.vault.write(Shelf::SignIns, &parts, &content)
    }

    /// Removes a sign-in, and the mark that it is the current one. Returns whether it existed.
    pub(crate) fn remove(&self, id: &str) -> Result<bool> {
        let parts = ["account", self.profile(), self.authority(), id].map(str::as_bytes);
        if self.current_id()?.as_deref() == Some(id) {
            let current = ["current", self.profile(), self.authority()].map(str::as_bytes);
            self.0.vault.remove(Shelf::SignIns, &current)?;
        }
        self.0.vault.remove(Shelf::SignIns, &parts)
    }

    /// Removes the tokens that were cached for a sign-in. If that fails, credentials no longer use
    /// them all the same.
    pub(crate) fn forget_tokens(&self, record: &Record) -> Result<()> {
        cache::forget(&*self.0.tokens, &record.session).map(drop)
    }

    /// As [`Store::forget_tokens`], for a sign-in that another one replaces.
    pub(crate) fn forget_old_tokens(&self, record: &Record) {
        if let Err(error) = self.forget_tokens(record) {
            tracing::debug!(%error, "the tokens of a sign-in that is over are still on disk");
        }
    }

    /// The id of the current sign-in.
    pub(crate) fn current_id(&self) -> Result<Option<String>> {
        let parts = ["current", self.profile(), self.authority()].map(str::as_bytes);
        let content = self.0.vault.read(Shelf::SignIns, &parts)?;
        Ok(match content.and_then(|content| Entry::read(&content)) {
            Some(Entry::Current { id, .. }) => Some(id),
            _ => None,
        })
    }

    /// The current sign-in; `None` if it was removed.
    pub(crate) fn current(&self) -> Result<Option<Record>> {
        match self.current_id()? {
            Some(id) => self.read(&id),
            None => Ok(None),
        }
    }

    pub(crate) fn make_current(&self, id: &str) -> Result<()> {
        let parts = ["current", self.profile(), self.authority()].map(str::as_bytes);
        let content = Entry::Current {
            profile: self.profile().to_owned(),
            authority: self.authority().to_owned(),
            id: id.to_owned(),
        }
        .written();
        self.0.vault.write(Shelf::SignIns, &parts, &content)
    }

    /// All sign-ins of all profiles and authorities, sorted, each with whether it is the current
    /// one of its profile and authority.
    pub(crate) fn all(&self) -> Result<Vec<(Record, bool)>> {
        let mut records = Vec::new();
        let mut current = Vec::new();
        for content in self.0.vault.entries(Shelf::SignIns)? {
            match Entry::read(&content) {
                Some(Entry::Account(record)) => records.push(*record),
                Some(Entry::Current {
                    profile,
                    authority,
                    id,
                }) => current.push((profile, authority, id)),
                None => {}
            }
        }
        records.sort_by(|a, b| key(a).cmp(&key(b)));
        let is_current = |record: &Record| {
            current.iter().any(|(profile, authority, id)| {
                *profile == record.profile && *authority == record.authority && *id == record.id
            })
        };
        Ok(records
            .into_iter()
            .map(|record| {
                let is_current = is_current(&record);
                (record, is_current)
            })
            .collect())
    }

    /// The sign-ins of this profile at this authority.
    pub(crate) fn of_profile(&self) -> Result<Vec<(Record, bool)>> {
        let mut all = self.all()?;
        all.retain(|(record, _)| self.has(record));
        Ok(all)
    }

    pub(crate) fn has(&self, record: &Record) -> bool {
        record.profile == self.profile() && record.authority == self.authority()
    }

    /// Locks a sign-in before a change; `None` when the time is over.
    pub(crate) async fn lock(&self, id: &str, until: Instant) -> Result<Option<FileLock>> {
        let parts = ["account", self.profile(), self.authority(), id].map(str::as_bytes);
        self.0.vault.lock(Shelf::SignIns, &parts, until).await
    }

    /// Locks the sign-in of a person who is not signed in yet, for all processes of this user.
    pub(crate) fn try_lock_asking(
        &self,
        tenant: &str,
        client_id: &str,
    ) -> Result<Option<FileLock>> {
        let parts = self.asking(tenant, client_id);
        self.0
            .vault
            .try_lock(Shelf::SignIns, &parts.each_ref().map(String::as_bytes))
    }

    /// As [`Store::try_lock_asking`], repeated until the lock is free.
    pub(crate) async fn lock_asking(
        &self,
        tenant: &str,
        client_id: &str,
        until: Instant,
    ) -> Result<Option<FileLock>> {
        let parts = self.asking(tenant, client_id);
        let parts = parts.each_ref().map(String::as_bytes);
        self.0.vault.lock(Shelf::SignIns, &parts, until).await
    }

    fn asking(&self, tenant: &str, client_id: &str) -> [String; 5] {
        [
            "asking",
            self.profile(),
            self.authority(),
            tenant,
            client_id,
        ]
        .map(str::to_owned)
    }

    /// Why this session can't read stored sign-ins; `None` if it can, or if there are none.
    pub(crate) fn out_of_reach(&self) -> Option<Error> {
        self.0.vault.out_of_reach()
    }
}

fn key(record: &Record) -> (&str, &str, u64, &str) {
    (
        &record.profile,
        &record.authority,
        record.signed_in_on,
        &record.id,
    )
}
