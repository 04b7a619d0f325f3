//! What the cache on disk holds, for whoever looks after it.

use super::kept::Kept;
use crate::{
    facts::{Error, ErrorKind, Result},
    options::ClientOptions,
    store::TokenStore,
    vault::{KeyPlace, Shelf, Vault},
};
use serde::Serialize;
use std::{path::PathBuf, time::Duration};
use time::OffsetDateTime;
use tokio::{task::spawn_blocking, time::timeout};

/// The cache on disk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct CacheList {
    /// The tokens that this session can open, by who they are for; those that ended may be among
    /// them.
    pub tokens: Vec<CachedToken>,
    /// The folder that they are in.
    pub folder: PathBuf,
    /// The folder that sign-ins are in.
    pub sign_ins_folder: PathBuf,
    /// How many files are in the folder of tokens.
    pub files: usize,
    /// How many bytes these have.
    pub bytes: u64,
    /// The keyring that has the key, as people call it; `None` where a file has it.
    pub keyring: Option<&'static str>,
    /// The file that has the key; `None` where a keyring has it. Where both are `None`, nothing has
    /// been kept yet.
    pub key_file: Option<PathBuf>,
}

/// One token, without its secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct CachedToken {
    /// The credential that asked for it, such as `ClientSecretCredential`.
    pub credential: String,
    /// Whom it is for, in a few words: `the application …`.
    pub whose: String,
    /// The tenant, where the request tells.
    pub tenant: Option<String>,
    /// What it is for.
    pub scopes: Vec<String>,
    /// When it ends, in UTC.
    #[serde(with = "time::serde::rfc3339")]
    pub expires_on: OffsetDateTime,
}

/// A disk that takes longer hangs.
const DISK: Duration = Duration::from_secs(30);

/// Lists what is on disk. Nothing is changed, and nothing is made where nothing is.
///
/// Cancel-safe; ends within 30 seconds. Needs a Tokio runtime with time.
///
/// # Errors
/// [`ErrorKind::Unavailable`] where there is no place for a cache, [`ErrorKind::Unreachable`] where
/// the keyring fails or the disk hangs, [`ErrorKind::Invalid`] where it must not be used or can't
/// be read, with what fixes it.
pub async fn list(options: &ClientOptions) -> Result<CacheList> {
    on_disk(options, |vault, store| {
        let place = vault.place()?;
        let mut tokens: Vec<CachedToken> = store
            .list()?
            .iter()
            .filter_map(|bytes| {
                let kept = Kept::from_bytes(bytes)?;
                Some(CachedToken {
                    expires_on: kept.token?.expires_on(),
                    credential: kept.about.credential,
                    whose: kept.about.whose,
                    tenant: kept.about.tenant,
                    scopes: kept.about.scopes,
                })
            })
            .collect();
        tokens.sort_by(|one, other| {
            let key =
                |token: &CachedToken| (token.whose.clone(), token.scopes.clone(), token.expires_on);
            key(one).cmp(&key(other))
        });
        let (files, bytes) = vault.size(Shelf::Tokens)?;
        let (keyring, key_file) = match place.key {
            KeyPlace::Keyring(title) => (Some(title), None),
            KeyPlace::File(path) => (None, Some(path)),
            KeyPlace::Undecided => (None, None),
        };
        Ok(CacheList {
            tokens,
            folder: place.tokens,
            sign_ins_folder: place.sign_ins,
            files,
            bytes,
            keyring,
            key_file,
        })
    })
    .await
}

/// Removes all cached tokens, those that this session can't open as well; how many there were.
/// Sign-ins stay.
///
/// Cancel-safe, though what was begun is gone on with; ends within 30 seconds. Needs a Tokio
/// runtime with time.
///
/// # Errors
/// As [`list`].
pub async fn clear(options: &ClientOptions) -> Result<usize> {
    on_disk(options, |_, store| store.clear()).await
}

/// Removes the tokens that were kept for a sign-in; how many there were.
///
/// # Errors
/// As [`list`].
pub(crate) fn forget(store: &dyn TokenStore, sign_in: &str) -> Result<usize> {
    let is_of_it = |bytes: &[u8]| {
        Kept::from_bytes(bytes).is_some_and(|kept| kept.about.sign_in.as_deref() == Some(sign_in))
    };
    store.remove(&is_of_it)
}

async fn on_disk<T: Send + 'static>(
    options: &ClientOptions,
    work: impl FnOnce(&Vault, &dyn TokenStore) -> Result<T> + Send + 'static,
) -> Result<T> {
    const WHAT: &str = "could not read the token cache on disk";
    let (vault, store) = (options.vault().clone(), options.store().clone());
    match timeout(DISK, spawn_blocking(move || work(&vault, &*store))).await {
        Ok(Ok(done)) => done,
        Ok(Err(_)) => Err(Error::new(
            ErrorKind::Invalid,
            WHAT,
            "the runtime is shutting down",
        )),
        Err(_) => Err(Error::new(
            ErrorKind::Unreachable,
            WHAT,
            format!("the disk did not answer within {} s", DISK.as_secs()),
        )
        .with_fix("check the disk of the cache folder")),
    }
}
