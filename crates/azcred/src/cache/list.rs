//! Lists and clears the cache on the disk.

use super::kept::StoredToken;
use crate::{
    facts::{Error, ErrorKind, Result},
    options::ClientOptions,
    store::TokenStore,
    untrusted::Untrusted,
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
    /// The tokens that this session can decrypt, sorted by their identity. Some may have expired.
    pub tokens: Vec<CachedToken>,
    /// The folder of the tokens.
    pub folder: PathBuf,
    /// The folder of the sign-ins.
    pub sign_ins_folder: PathBuf,
    /// The number of files in the folder of the tokens.
    pub files: usize,
    /// The size of these files in bytes.
    pub bytes: u64,
    /// The keyring that has the key, by its usual name; `None` if a file has it.
    pub keyring: Option<&'static str>,
    /// The file that has the key; `None` if a keyring has it. If both are `None`, nothing has been
    /// stored yet.
    pub key_file: Option<PathBuf>,
}

/// One token, without its secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct CachedToken {
    /// The credential that requested it, such as `ClientSecretCredential`.
    pub credential: Untrusted,
    /// Whose token it is, in a few words: `the application …`.
    pub whose: Untrusted,
    /// The tenant, if the request named one.
    pub tenant: Option<Untrusted>,
    /// The scopes of the token.
    pub scopes: Vec<Untrusted>,
    /// When it ends, in UTC.
    #[serde(with = "time::serde::rfc3339")]
    pub expires_on: OffsetDateTime,
}

/// A disk that takes longer counts as hanging.
const DISK: Duration = Duration::from_secs(30);

/// Lists the cache on the disk. It changes nothing and makes no files.
///
/// Cancel-safe; ends within 30 seconds. Needs a Tokio runtime with time.
///
/// # Errors
/// [`ErrorKind::Unavailable`] if there is no place for a cache; [`ErrorKind::Unreachable`] if the
/// keyring fails or the disk hangs; [`ErrorKind::Invalid`] if the cache can't be read or must not
/// be used, with the fix.
pub async fn list(options: &ClientOptions) -> Result<CacheList> {
    on_disk(options, |vault, store| {
        let place = vault.place()?;
        let mut tokens: Vec<CachedToken> = store
            .list()?
            .iter()
            .filter_map(|bytes| {
                let kept = StoredToken::from_bytes(bytes)?;
                Some(CachedToken {
                    expires_on: kept.token?.expires_on(),
                    credential: kept.about.credential.into(),
                    whose: kept.about.whose.into(),
                    tenant: kept.about.tenant.map(Untrusted::from),
                    scopes: kept.about.scopes.into_iter().map(Untrusted::from).collect(),
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

/// Removes all cached tokens, also those that this session can't decrypt; returns their number.
/// Sign-ins are kept.
///
/// Cancel-safe, but a removal that has begun continues. Ends within 30 seconds. Needs a Tokio
/// runtime with time.
///
/// # Errors
/// As [`list`].
pub async fn clear(options: &ClientOptions) -> Result<usize> {
    on_disk(options, |_, store| store.clear()).await
}

/// Removes the tokens that are stored under a sign-in; returns their number.
///
/// # Errors
/// As [`list`].
pub(crate) fn forget(store: &dyn TokenStore, sign_in: &str) -> Result<usize> {
    let is_of_it = |bytes: &[u8]| {
        StoredToken::from_bytes(bytes)
            .is_some_and(|kept| kept.about.sign_in.as_deref() == Some(sign_in))
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
