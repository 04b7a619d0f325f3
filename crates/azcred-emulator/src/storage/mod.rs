//! Storage accounts: their keys, and their containers and blobs on disk.
//!
//! This code knows nothing of HTTP, tokens or roles. Which accounts exist is a matter of
//! [`crate::resources`]; an account's keys and content begin when they are first used.
//!
//! ```text
//! storage-SEED/ACCOUNT/keys.json                     keys, made once
//! storage-SEED/ACCOUNT/NAME/container.json           one container
//! storage-SEED/ACCOUNT/NAME/records/SHA256.json      one blob: its properties, and its pieces in order
//! storage-SEED/ACCOUNT/NAME/content/RANDOM           one piece of content
//! ```
//!
//! A piece is written under another name and renamed, then the record, then the old pieces are
//! deleted. So a process that is killed leaves the old blob or the new one. Pieces that no record
//! names are deleted when the container is next loaded.

mod account;
mod blob;
mod container;
mod content;
mod crc64;
mod disk;
mod keys;
mod names;
mod sas;
#[cfg(test)]
mod tests;

use crate::clock::Clock;
use account::Account;
use std::{
    collections::BTreeMap,
    io,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
};
use time::OffsetDateTime;

pub(crate) use blob::{Blob, ContentHeaders, CopyState, Kind, Segment};
pub(crate) use container::Container;
pub(crate) use content::{Content, Sums, Upload};
pub(crate) use disk::Edit;
pub(crate) use keys::{AccountKeys, DelegationKey};
pub(crate) use names::is_account_name;
pub(crate) use sas::{Delegate, Problem, Sas, Scope, Sign, parse_time};

/// Why storage did not do what a request wanted.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StorageError {
    /// The container does not exist.
    #[error("the container does not exist")]
    ContainerNotFound,
    /// The container exists already.
    #[error("the container exists already")]
    ContainerAlreadyExists,
    /// The blob does not exist.
    #[error("the blob does not exist")]
    BlobNotFound,
    /// The name is not one that Azure accepts.
    #[error("'{0}' is not a valid name")]
    InvalidName(String),
    /// A file.
    #[error("a file in the state folder can't be used: {0}")]
    Io(#[from] io::Error),
}

/// The time and the entity tag of one change.
#[derive(Clone, Debug)]
pub(crate) struct Stamp {
    /// When, UTC.
    pub(crate) time: OffsetDateTime,
    /// Without quotes: `0x8DD0A1B2C3D4E5F`. Each is larger than the one before it.
    pub(crate) etag: String,
}

/// All storage accounts of one emulator.
pub(crate) struct Storage {
    clock: Arc<Clock>,
    folder: OnceLock<PathBuf>,
    /// Where a world without a state folder keeps its blobs.
    temporary: OnceLock<tempfile::TempDir>,
    accounts: Mutex<BTreeMap<String, Arc<Mutex<Account>>>>,
    last_tag: Mutex<u64>,
}

/// Hundreds of nanoseconds from the year 1 to 1970. Azure's entity tags are such times.
const TICKS_AT_1970: i128 = 621_355_968_000_000_000;

impl Storage {
    pub(crate) fn new(clock: Arc<Clock>) -> Self {
        Self {
            clock,
            folder: OnceLock::new(),
            temporary: OnceLock::new(),
            accounts: Mutex::default(),
            last_tag: Mutex::default(),
        }
    }

    /// Sets the folder, once. It is created when an account is first used.
    pub(crate) fn keep_in(&self, folder: PathBuf) {
        let _ = self.folder.set(folder);
    }

    /// The keys of an account. They are made when they are first read.
    ///
    /// # Errors
    /// When the state folder can't be used.
    pub(crate) fn keys(&self, account: &str) -> Result<AccountKeys, StorageError> {
        Ok(lock(&*self.account(account)?).keys()?.clone())
    }

    /// Replaces the key with this number, 1 or 2. Shared access signatures of the old one end.
    ///
    /// # Errors
    /// When the state folder can't be used.
    pub(crate) fn regenerate_key(
        &self,
        account: &str,
        number: u8,
    ) -> Result<AccountKeys, StorageError> {
        Ok(lock(&*self.account(account)?).regenerate_key(number)?)
    }

    /// Makes a container, if it does not exist.
    ///
    /// # Errors
    /// When Azure would reject the name, or the state folder can't be used.
    pub(crate) fn ensure_container(&self, account: &str, name: &str) -> Result<(), StorageError> {
        match self.create_container(account, &Container::new(name)) {
            Ok(_) | Err(StorageError::ContainerAlreadyExists) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Makes a container. Its entity tag and time are set here.
    ///
    /// # Errors
    /// When it exists, when Azure would reject the name, or when the state folder can't be used.
    pub(crate) fn create_container(
        &self,
        account: &str,
        container: &Container,
    ) -> Result<Container, StorageError> {
        let stamp = self.stamp();
        lock(&*self.account(account)?).create_container(container.stamped(&stamp))
    }

    /// A container.
    ///
    /// # Errors
    /// When it does not exist, or the state folder can't be used.
    pub(crate) fn container(&self, account: &str, name: &str) -> Result<Container, StorageError> {
        Ok(lock(&*self.account(account)?).container(name)?.clone())
    }

    /// All containers of an account, by name.
    ///
    /// # Errors
    /// When the state folder can't be used.
    pub(crate) fn containers(&self, account: &str) -> Result<Vec<Container>, StorageError> {
        lock(&*self.account(account)?).containers()
    }

    /// Changes a container while no other request does. Returns what `change` returns.
    ///
    /// # Errors
    /// Those of `change`, and when the container does not exist or can't be written.
    pub(crate) fn edit_container<T, E: From<StorageError>>(
        &self,
        account: &str,
        name: &str,
        change: impl FnOnce(&Container, &Stamp) -> Result<(Edit<Container>, T), E>,
    ) -> Result<T, E> {
        let stamp = self.stamp();
        lock(&*self.account(account)?).edit_container(name, |old| change(old, &stamp))
    }

    /// A blob whose content is committed.
    ///
    /// # Errors
    /// When the container or the blob does not exist, or the state folder can't be used.
    pub(crate) fn blob(
        &self,
        account: &str,
        container: &str,
        name: &str,
    ) -> Result<Blob, StorageError> {
        let account = self.account(account)?;
        let mut account = lock(&account);
        let blob = account
            .blob(container, name)?
            .filter(|blob| blob.is_committed);
        blob.cloned().ok_or(StorageError::BlobNotFound)
    }

    /// The blobs of a container whose names begin with `prefix`, in Azure's order: those of which
    /// `seen` returns true, until it returns `None`. `seen` gets each blob once.
    ///
    /// # Errors
    /// When the container does not exist, or the state folder can't be used.
    pub(crate) fn visit_blobs(
        &self,
        account: &str,
        container: &str,
        prefix: &str,
        from: &str,
        visit: impl FnMut(&Blob) -> std::ops::ControlFlow<()>,
    ) -> Result<(), StorageError> {
        lock(&*self.account(account)?).visit_blobs(container, prefix, from, visit)
    }

    /// Changes a blob while no other request changes one in this account. Returns what `change`
    /// returns. `change` gets a blob also if only uncommitted blocks of it exist.
    ///
    /// # Errors
    /// Those of `change`, and when the container does not exist or the blob can't be written.
    pub(crate) fn edit_blob<T, E: From<StorageError>>(
        &self,
        account: &str,
        container: &str,
        name: &str,
        change: impl FnOnce(Option<&Blob>, &Stamp) -> Result<(Edit<Blob>, T), E>,
    ) -> Result<T, E> {
        let stamp = self.stamp();
        lock(&*self.account(account)?).edit_blob(container, name, |old| change(old, &stamp))
    }

    /// Begins a piece of content in a container. It is deleted if no blob contains it at the end.
    ///
    /// # Errors
    /// When the container does not exist, or the file can't be made.
    pub(crate) fn upload(&self, account: &str, container: &str) -> Result<Upload, StorageError> {
        lock(&*self.account(account)?).upload(container)
    }

    /// Writes a whole block blob, as the service itself: without a token, a role or a key. The
    /// container must exist.
    ///
    /// # Errors
    /// When the container does not exist, when Azure would reject the name, or when the state
    /// folder can't be used.
    pub(crate) fn put(
        &self,
        account: &str,
        container: &str,
        name: &str,
        content_type: &str,
        bytes: &[u8],
    ) -> Result<(), StorageError> {
        let mut upload = self.upload(account, container)?;
        upload.write_now(bytes)?;
        let (segment, sums) = upload.finish_now()?;
        self.edit_blob(account, container, name, |_, stamp| {
            let mut blob = Blob::new(name, Kind::Block, stamp);
            blob.headers.content_type = Some(content_type.to_owned());
            blob.headers.content_md5 = Some(sums.md5_text());
            blob.segments = vec![segment];
            blob.is_committed = true;
            Ok((Edit::Put(blob), ()))
        })
    }

    /// Reads a whole blob, as the service itself.
    ///
    /// # Errors
    /// When the container or the blob does not exist, or the state folder can't be used.
    pub(crate) fn read(
        &self,
        account: &str,
        container: &str,
        name: &str,
    ) -> Result<Vec<u8>, StorageError> {
        let blob = self.blob(account, container, name)?;
        Ok(blob.read_now()?)
    }

    /// The names of the blobs of a container that begin with `prefix`, in Azure's order, as the
    /// service itself.
    ///
    /// # Errors
    /// When the container does not exist, or the state folder can't be used.
    pub(crate) fn list(
        &self,
        account: &str,
        container: &str,
        prefix: &str,
    ) -> Result<Vec<String>, StorageError> {
        let mut names = Vec::new();
        self.visit_blobs(account, container, prefix, "", |blob| {
            if blob.is_committed {
                names.push(blob.name.clone());
            }
            std::ops::ControlFlow::Continue(())
        })?;
        Ok(names)
    }

    /// A service SAS for a container (`sr=c`), signed with the account's first key. Without `?`.
    ///
    /// # Errors
    /// When the state folder can't be used.
    pub(crate) fn container_sas(
        &self,
        account: &str,
        container: &str,
        sign: &Sign<'_>,
    ) -> Result<String, StorageError> {
        let keys = self.keys(account)?;
        Ok(sas::for_container(account, container, sign, &keys))
    }

    /// An account SAS (`ss`, `srt`), signed with the account's first key. Without `?`.
    ///
    /// # Errors
    /// When the state folder can't be used.
    pub(crate) fn account_sas(
        &self,
        account: &str,
        services: &str,
        types: &str,
        sign: &Sign<'_>,
    ) -> Result<String, StorageError> {
        let keys = self.keys(account)?;
        Ok(sas::for_account(account, services, types, sign, &keys))
    }

    /// A user-delegation SAS for a container (`sr=c`), in the name of a principal. What it allows
    /// is what its permissions and that principal's roles allow. Without `?`.
    ///
    /// # Errors
    /// When the state folder can't be used.
    pub(crate) fn delegated_container_sas(
        &self,
        account: &str,
        container: &str,
        delegate: Delegate,
        sign: &Sign<'_>,
    ) -> Result<String, StorageError> {
        let keys = self.keys(account)?;
        Ok(sas::for_delegate(account, container, delegate, sign, &keys))
    }

    /// Deletes an account's keys, containers and blobs, with the account.
    ///
    /// # Errors
    /// When the state folder can't be used.
    pub(crate) fn remove_account(&self, account: &str) -> Result<(), StorageError> {
        let folder = self.account_folder(account)?;
        lock(&self.accounts).remove(&account.to_lowercase());
        match std::fs::remove_dir_all(folder) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error.into()),
            _ => Ok(()),
        }
    }

    fn stamp(&self) -> Stamp {
        let time = self.clock.now();
        let ticks = time.unix_timestamp_nanos() / 100 + TICKS_AT_1970;
        let mut last = lock(&self.last_tag);
        *last = u64::try_from(ticks).unwrap_or_default().max(*last + 1);
        Stamp {
            time,
            etag: format!("0x{:X}", *last),
        }
    }

    fn account(&self, name: &str) -> Result<Arc<Mutex<Account>>, StorageError> {
        let folder = self.account_folder(name)?;
        let mut accounts = lock(&self.accounts);
        let account = accounts
            .entry(name.to_lowercase())
            .or_insert_with(|| Arc::new(Mutex::new(Account::new(folder))));
        Ok(account.clone())
    }

    fn account_folder(&self, name: &str) -> Result<PathBuf, StorageError> {
        // The name becomes part of a path.
        if !names::is_account_name(&name.to_lowercase()) {
            return Err(StorageError::InvalidName(name.to_owned()));
        }
        Ok(self
            .root()?
            .join(format!("account-{}", name.to_lowercase())))
    }

    fn root(&self) -> io::Result<PathBuf> {
        if let Some(folder) = self.folder.get() {
            return Ok(folder.clone());
        }
        if self.temporary.get().is_none() {
            // A second one, made at the same time, is deleted here.
            let _ = self.temporary.set(tempfile::tempdir()?);
        }
        let folder = self.temporary.get().ok_or(io::ErrorKind::NotFound)?;
        Ok(folder.path().to_owned())
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
