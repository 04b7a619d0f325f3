//! Secrets on the disk: encrypted, written as a whole, and readable by this user only.
//!
//! ```text
//! CACHE/tokens/v1/{keyring,file}/NAME      access tokens
//! DATA/sign-ins/v1/{keyring,file}/NAME     sign-ins
//! DATA/key-1, DATA/key-1.keyring           the key, or that the keyring has it (see [`key`])
//! DATA/id                                  which items of the keyring are this folder's
//! ```
//!
//! The process that replaces an entry holds `NAME.lock` beside it. Other versions of the format
//! have other folders.

mod folder_id;
mod key;
mod prune;
mod register;
mod seal;
mod tokens;
mod trouble;

pub(crate) use key::{KeyPlace, refuses_keyring};

use crate::{
    facts::{Error, ErrorKind, Result},
    system::{
        self, FileFacts, FileKind, FileLock, OpenFile, SharedSystem, System, list_if_seen,
        look_if_seen, make_own, open_if_seen,
    },
};
use key::{KeyHolder, Opened};
use register::Register;
use seal::Keys;
use std::{
    ffi::OsStr,
    fmt, io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime},
};
use tokio::time::Instant;
use zeroize::Zeroizing;

/// A set of encrypted entries. Each is a file whose name reveals nothing without the key.
///
/// A vault reads nothing before its first use. Clones share it. All methods but [`Vault::lock`]
/// block while they read or write files, and may call the keyring. Don't call them on a runtime's
/// thread.
///
/// The errors of all methods: [`ErrorKind::Unavailable`] if the vault has no place (no home folder,
/// a keyring out of reach), [`ErrorKind::Unreachable`] if the keyring with the key fails or hangs,
/// [`ErrorKind::Invalid`] if a file or folder can't be used or must not be, with the fix.
#[derive(Clone)]
pub(crate) struct Vault {
    system: SharedSystem,
    /// The key, after it was found.
    opened: Arc<Mutex<Option<Arc<Opened>>>>,
    failed: Arc<key::Failed>,
}

/// The parts of an entry's key: its kind first.
pub(crate) type Parts<'a> = &'a [&'a [u8]];

/// A set of entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shelf {
    /// Access tokens, in the cache folder. They can be requested again.
    Tokens,
    /// Sign-ins, in the data folder. They are written durably, so that they survive a loss of
    /// power.
    SignIns,
}

/// Where a vault's files are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct VaultPlace {
    /// The folder of access tokens.
    pub(crate) tokens: PathBuf,
    /// The folder of sign-ins.
    pub(crate) sign_ins: PathBuf,
    /// The key.
    pub(crate) key: KeyPlace,
}

const VERSION_FOLDER: &str = "v1";
const LOCK_ENDING: &str = ".lock";
/// The start of the name of a file that is being written.
const NEW: &str = ".new-";
/// The pause between attempts to get a lock.
const LOCK_PAUSE: Duration = Duration::from_millis(10);
/// A listing stops here. No one has so many sign-ins.
const MOST_ENTRIES: usize = 10_000;

impl Shelf {
    fn folder(self) -> &'static str {
        match self {
            Self::Tokens => "tokens",
            Self::SignIns => "sign-ins",
        }
    }

    /// What errors call the shelf's content.
    fn title(self) -> &'static str {
        match self {
            Self::Tokens => "cached tokens",
            Self::SignIns => "sign-ins",
        }
    }

    /// The folder of all versions and all keys.
    fn root(self, system: &dyn System) -> Result<PathBuf> {
        let base = match self {
            Self::Tokens => system::cache_folder(system),
            Self::SignIns => system::data_folder(system),
        };
        base.map(|base| base.join(self.folder()))
            .ok_or_else(|| trouble::no_home(system, self))
    }
}

/// What an entry's file has.
enum Content {
    /// There is no file.
    Missing,
    /// The file does not open.
    Closed,
    Open(Zeroizing<Vec<u8>>),
}

impl Content {
    fn into_opened(self) -> Option<Zeroizing<Vec<u8>>> {
        match self {
            Self::Open(content) => Some(content),
            Self::Missing | Self::Closed => None,
        }
    }
}

/// Where one entry is.
struct At {
    opened: Arc<Opened>,
    name: String,
    path: PathBuf,
}

impl Vault {
    pub(crate) fn new(system: SharedSystem) -> Self {
        Self {
            system,
            opened: Arc::default(),
            failed: Arc::default(),
        }
    }

    /// The entries under the file's key, which a session without the keyring stored.
    pub(crate) fn without_keyring(&self) -> Self {
        Self {
            failed: Arc::new(key::Failed::ignoring_keyring()),
            ..Self::new(self.system.clone())
        }
    }

    /// Whether the file's key was used.
    pub(crate) fn used_file(&self) -> bool {
        let opened = held(&self.opened);
        opened
            .as_ref()
            .is_some_and(|opened| opened.kind == KeyHolder::File)
    }

    /// Reads an entry; `None` if it is missing, or can't be opened: damaged, of another key, of a
    /// newer version.
    pub(crate) fn read(
        &self,
        shelf: Shelf,
        parts: Parts<'_>,
    ) -> Result<Option<Zeroizing<Vec<u8>>>> {
        let Some(opened) = self.find()? else {
            return Ok(None);
        };
        match self.open(shelf, &self.at(opened, shelf, parts)?)? {
            Content::Open(content) => Ok(Some(content)),
            Content::Missing => Ok(None),
            Content::Closed => {
                let Some(opened) = self.find_again(shelf)? else {
                    return Ok(None);
                };
                let content = self.open(shelf, &self.at(opened, shelf, parts)?)?;
                Ok(content.into_opened())
            }
        }
    }

    /// Replaces an entry.
    pub(crate) fn write(&self, shelf: Shelf, parts: Parts<'_>, content: &[u8]) -> Result<()> {
        self.write_until(shelf, parts, content, None)
    }

    /// Replaces an entry that is useless from `end` on. Once a day, expired entries are removed
    /// too.
    pub(crate) fn write_until(
        &self,
        shelf: Shelf,
        parts: Parts<'_>,
        content: &[u8],
        end: Option<SystemTime>,
    ) -> Result<()> {
        let opened = match shelf {
            Shelf::Tokens => self.find_or_make(shelf)?,
            Shelf::SignIns => {
                self.change(|keys, register| register.enter(&keys.name(shelf, parts)))?
            }
        };
        let at = self.at(opened, shelf, parts)?;
        let sealed = at.opened.seal(shelf, &at.name, end, content)?;
        let written = write(&*self.system, &at.path, &sealed, shelf == Shelf::SignIns);
        written.map_err(|error| {
            trouble::failed(&*self.system, "could not write", &at.path, shelf, &error)
        })?;
        if at.opened.has_older(shelf, &at.name) {
            self.change(|_, register| Ok(register.settle(&at.name)))?;
        }
        if let Some(folder) = at.path.parent() {
            prune::now_and_then(&*self.system, folder, shelf);
        }
        Ok(())
    }

    /// Removes an entry; returns whether it existed. A sign-in's entry does not open again, even if
    /// a copy of it is put back. What killed writers left is removed too.
    pub(crate) fn remove(&self, shelf: Shelf, parts: Parts<'_>) -> Result<bool> {
        let Some(opened) = self.find()? else {
            return Ok(false);
        };
        let at = self.at(opened, shelf, parts)?;
        if shelf == Shelf::SignIns {
            self.change(|keys, register| Ok(register.strike(&keys.name(shelf, parts))))?;
        }
        self.sweep(shelf);
        if self.system.look(&at.path).is_err() {
            return Ok(false);
        }
        let removed = self.system.remove(&at.path);
        removed.map_err(|error| {
            trouble::failed(&*self.system, "could not remove", &at.path, shelf, &error)
        })?;
        Ok(true)
    }

    /// The content of all entries that can be opened, in no particular order.
    pub(crate) fn entries(&self, shelf: Shelf) -> Result<Vec<Zeroizing<Vec<u8>>>> {
        let (contents, has_closed) = self.opened_entries(shelf)?;
        match has_closed && self.find_again(shelf)?.is_some() {
            true => self.opened_entries(shelf).map(|(contents, _)| contents),
            false => Ok(contents),
        }
    }

    /// The content of all entries that can be opened, and whether there are others.
    fn opened_entries(&self, shelf: Shelf) -> Result<(Vec<Zeroizing<Vec<u8>>>, bool)> {
        let (mut contents, mut has_closed) = (Vec::new(), false);
        for at in self.all(shelf)? {
            match self.open(shelf, &at)? {
                Content::Open(content) => contents.push(content),
                Content::Closed => has_closed = true,
                Content::Missing => {}
            }
            if contents.len() == MOST_ENTRIES {
                break;
            }
        }
        Ok((contents, has_closed))
    }

    /// Removes the tokens for whose content `is_meant` is true, and what killed writers left;
    /// returns the number of tokens.
    fn remove_tokens(&self, is_meant: impl Fn(&[u8]) -> bool) -> Result<usize> {
        let shelf = Shelf::Tokens;
        self.sweep(shelf);
        let mut removed = 0;
        for at in self.all(shelf)? {
            let content = self.open(shelf, &at)?.into_opened();
            if content.is_some_and(|content| is_meant(&content)) {
                let done = self.system.remove(&at.path);
                done.map_err(|error| {
                    trouble::failed(&*self.system, "could not remove", &at.path, shelf, &error)
                })?;
                removed += 1;
            }
        }
        Ok(removed)
    }

    /// Removes all entries of all keys, and what killed writers left; returns the number of
    /// entries.
    pub(crate) fn clear(&self, shelf: Shelf) -> Result<usize> {
        if shelf == Shelf::SignIns && self.find()?.is_some() {
            self.change(|_, register| Ok(register.clear()))?;
        }
        self.sweep(shelf);
        let mut removed = 0;
        for kind in [KeyHolder::Keyring, KeyHolder::File] {
            let folder = self.folder(shelf, kind)?;
            for name in self.list(shelf, &folder)? {
                let path = folder.join(&name);
                if !name.to_str().is_some_and(is_entry) {
                    continue;
                }
                let done = self.system.remove(&path);
                done.map_err(|error| {
                    trouble::failed(&*self.system, "could not remove", &path, shelf, &error)
                })?;
                removed += 1;
            }
        }
        Ok(removed)
    }

    /// Removes the files that killed writers left. A running writer whose file is removed writes it
    /// again. After an error, they are left: without their values in the register, they don't open.
    fn sweep(&self, shelf: Shelf) {
        let of_entries = |kind| self.folder(shelf, kind).ok();
        let of_key = match shelf {
            Shelf::Tokens => None,
            Shelf::SignIns => system::data_folder(&*self.system),
        };
        let folders = [KeyHolder::Keyring, KeyHolder::File].into_iter();
        for folder in folders.filter_map(of_entries).chain(of_key) {
            for name in self.system.list(&folder).unwrap_or_default() {
                if !name.to_str().is_some_and(|name| name.starts_with(NEW)) {
                    continue;
                }
                let path = folder.join(name);
                if let Err(error) = self.system.remove(&path) {
                    tracing::warn!(path = %path.display(), %error, "could not remove an unfinished file");
                }
            }
        }
    }

    /// The number of files and their size in bytes, over all keys, with locks and leftover files.
    pub(crate) fn size(&self, shelf: Shelf) -> Result<(usize, u64)> {
        let (mut files, mut bytes) = (0, 0);
        for kind in [KeyHolder::Keyring, KeyHolder::File] {
            let folder = self.folder(shelf, kind)?;
            for name in self.list(shelf, &folder)? {
                // Files that were removed meanwhile don't count.
                if let Ok(facts) = self.system.look(&folder.join(&name)) {
                    files += 1;
                    bytes += facts.len;
                }
            }
        }
        Ok((files, bytes))
    }

    /// Locks an entry before it is replaced; `None` while another process holds the lock. On file
    /// systems without locks, every caller gets one.
    pub(crate) fn try_lock(&self, shelf: Shelf, parts: Parts<'_>) -> Result<Option<FileLock>> {
        let at = self.at(self.find_or_make(shelf)?, shelf, parts)?;
        let path = at.path.with_file_name(format!("{}{LOCK_ENDING}", at.name));
        lock_file(&*self.system, &path)
            .map_err(|error| trouble::failed(&*self.system, "could not lock", &path, shelf, &error))
    }

    /// As [`Vault::try_lock`], repeated until the lock is free; `None` when the time is over.
    ///
    /// Cancel-safe: if the future was dropped, the lock is released at once.
    pub(crate) async fn lock(
        &self,
        shelf: Shelf,
        parts: Parts<'_>,
        until: Instant,
    ) -> Result<Option<FileLock>> {
        let owned: Vec<Vec<u8>> = parts.iter().map(|part| part.to_vec()).collect();
        let owned = Arc::new(Zeroizing::new(owned));
        loop {
            let (this, parts) = (self.clone(), owned.clone());
            let trying = tokio::task::spawn_blocking(move || {
                let parts: Vec<&[u8]> = parts.iter().map(Vec::as_slice).collect();
                this.try_lock(shelf, &parts)
            });
            // The file may be on a disk that hangs.
            match tokio::time::timeout_at(until, trying).await {
                Ok(Ok(Ok(None))) => {}
                Ok(Ok(done)) => return done,
                Ok(Err(_)) => {
                    let why = "the runtime is shutting down";
                    return Err(Error::new(
                        ErrorKind::Invalid,
                        "could not lock an entry",
                        why,
                    ));
                }
                Err(_) => return Ok(None),
            }
            if Instant::now() + LOCK_PAUSE >= until {
                return Ok(None);
            }
            tokio::time::sleep(LOCK_PAUSE).await;
        }
    }

    /// Where the vault's files are, or would be.
    pub(crate) fn place(&self) -> Result<VaultPlace> {
        Ok(VaultPlace {
            tokens: Shelf::Tokens.root(&*self.system)?,
            sign_ins: Shelf::SignIns.root(&*self.system)?,
            key: key::place(&*self.system, &self.failed)?,
        })
    }

    /// Why this session can't read the entries under the keyring's key; `None` if it can, or if
    /// there are none.
    pub(crate) fn out_of_reach(&self) -> Option<Error> {
        let is_had = held(&self.opened)
            .as_ref()
            .is_some_and(|opened| opened.kind == KeyHolder::Keyring);
        if is_had {
            return None;
        }
        key::out_of_reach_here(&*self.system, &self.failed)
    }

    fn open(&self, shelf: Shelf, at: &At) -> Result<Content> {
        let Some(file) = open_own(&*self.system, &at.path, shelf)? else {
            return Ok(Content::Missing);
        };
        match file.read(seal::LIMIT) {
            Ok(sealed) => Ok(match at.opened.open(shelf, &at.name, sealed) {
                Some(content) => Content::Open(content),
                None => Content::Closed,
            }),
            Err(error) if error.kind() == io::ErrorKind::FileTooLarge => Ok(Content::Missing),
            Err(error) => {
                let what = "could not read";
                Err(trouble::failed(
                    &*self.system,
                    what,
                    &at.path,
                    shelf,
                    &error,
                ))
            }
        }
    }

    /// All entries under the current key.
    fn all(&self, shelf: Shelf) -> Result<Vec<At>> {
        let Some(opened) = self.find()? else {
            return Ok(Vec::new());
        };
        let folder = self.folder(shelf, opened.kind)?;
        let names = self.list(shelf, &folder)?.into_iter();
        Ok(names
            .filter_map(|name| name.into_string().ok().filter(|name| is_entry(name)))
            .map(|name| At {
                path: folder.join(&name),
                name,
                opened: opened.clone(),
            })
            .collect())
    }

    fn at(&self, opened: Arc<Opened>, shelf: Shelf, parts: Parts<'_>) -> Result<At> {
        let name = opened.keys.name(shelf, parts);
        let path = self.folder(shelf, opened.kind)?.join(&name);
        Ok(At { opened, name, path })
    }

    /// The folder of the entries under a kind of key, after a check that it is the user's.
    fn folder(&self, shelf: Shelf, kind: KeyHolder) -> Result<PathBuf> {
        let root = shelf.root(&*self.system)?;
        let version = root.join(VERSION_FOLDER);
        let leaf = version.join(kind.folder());
        if let Some(base) = root.parent() {
            check_folder(&*self.system, base, shelf)?;
        }
        for folder in [&root, &version, &leaf] {
            check_folder(&*self.system, folder, shelf)?;
        }
        Ok(leaf)
    }

    fn list(&self, shelf: Shelf, folder: &Path) -> Result<Vec<std::ffi::OsString>> {
        list_if_seen(&*self.system, folder).map_err(|error| {
            trouble::failed(&*self.system, "could not list", folder, shelf, &error)
        })
    }

    fn find(&self) -> Result<Option<Arc<Opened>>> {
        let mut place = held(&self.opened);
        if place.is_none() {
            *place = key::find(&*self.system, &self.failed)?.map(Arc::new);
        }
        Ok(place.clone())
    }

    /// Looks for the key again: another process may have changed the register. The key alone
    /// decides about tokens, so for them there is nothing to look for.
    fn find_again(&self, shelf: Shelf) -> Result<Option<Arc<Opened>>> {
        if shelf == Shelf::Tokens {
            return Ok(None);
        }
        let found = key::find(&*self.system, &self.failed)?.map(Arc::new);
        held(&self.opened).clone_from(&found);
        Ok(found)
    }

    /// Changes the register. `does` returns whether it changed anything.
    fn change(&self, does: impl Fn(&Keys, &mut Register) -> Result<bool>) -> Result<Arc<Opened>> {
        let old = |opened: &Opened| {
            let folder = self.folder(Shelf::SignIns, opened.kind)?;
            let names = self.list(Shelf::SignIns, &folder)?.into_iter();
            let names = names.filter_map(|name| name.into_string().ok());
            Ok(names.filter(|name| is_entry(name)).collect())
        };
        let changed = key::change(&*self.system, &self.failed, &old, &does)?;
        let changed = Arc::new(changed);
        *held(&self.opened) = Some(changed.clone());
        Ok(changed)
    }

    /// The name in the keyring of a secret of this data folder.
    pub(crate) fn keyring_item(&self, of: &str) -> Result<String> {
        key::id(&*self.system).map(|id| id.item(of))
    }

    /// As [`Vault::keyring_item`]; `None` if this folder has no secret in any keyring.
    pub(crate) fn known_keyring_item(&self, of: &str) -> Result<Option<String>> {
        Ok(key::known_id(&*self.system)?.map(|id| id.item(of)))
    }

    /// The key, for an entry of this shelf.
    fn find_or_make(&self, shelf: Shelf) -> Result<Arc<Opened>> {
        let mut place = held(&self.opened);
        if let Some(opened) = &*place {
            return Ok(opened.clone());
        }
        let opened = Arc::new(key::find_or_make(&*self.system, &self.failed, shelf)?);
        *place = Some(opened.clone());
        Ok(opened)
    }
}

/// Code that holds these locks leaves no change half done, so a poisoned lock can be used.
fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Writes a private file as a whole, and makes its folder if there is none. If [`Vault::sweep`] of
/// another process removed the unfinished file, it is written again.
fn write(system: &dyn System, path: &Path, content: &[u8], durably: bool) -> io::Result<()> {
    const MOST: usize = 4;
    let write = || {
        make_folder_of(system, path)?;
        match durably {
            true => system.write_durably(path, content),
            false => system.write(path, content),
        }
    };
    let mut written = write();
    for _ in 1..MOST {
        match &written {
            Err(error) if error.kind() == io::ErrorKind::NotFound => written = write(),
            _ => break,
        }
    }
    written
}

/// Fails if a folder exists and is not the user's own.
fn check_folder(system: &dyn System, folder: &Path, shelf: Shelf) -> Result<()> {
    match look_if_seen(system, folder) {
        Ok(Some(facts)) => {
            trouble::refused(folder, &facts, FileKind::Folder, system.user()).map_or(Ok(()), Err)
        }
        Ok(None) => Ok(()),
        Err(error) => Err(trouble::failed(
            system,
            "could not read",
            folder,
            shelf,
            &error,
        )),
    }
}

/// Opens a file of the vault; `None` if there is none.
///
/// # Errors
/// [`ErrorKind::Invalid`] if the open file, or the folder in which it was opened, is not the user's
/// own or not private. A link is not followed.
fn open_own(system: &dyn System, path: &Path, shelf: Shelf) -> Result<Option<OpenFile>> {
    let opened = open_if_seen(system, path)
        .map_err(|error| trouble::failed(system, "could not read", path, shelf, &error))?;
    let Some(file) = opened else {
        return Ok(None);
    };
    let user = system.user();
    if let Some(folder) = path.parent() {
        let facts = match file.folder_is_linked {
            true => FileFacts {
                kind: FileKind::Link,
                ..file.folder
            },
            false => file.folder,
        };
        if let Some(error) = trouble::refused(folder, &facts, FileKind::Folder, user) {
            return Err(error);
        }
    }
    match trouble::refused(path, &file.facts, FileKind::File, user) {
        Some(error) => Err(error),
        None => Ok(Some(file)),
    }
}

/// Makes the folder of a file of the vault.
fn make_folder_of(system: &dyn System, path: &Path) -> io::Result<()> {
    let folder = path.parent().ok_or(io::ErrorKind::InvalidInput)?;
    make_own(system, folder)
}

/// Locks a file. On file systems without locks (NFS without its lock service, some of FUSE), every
/// caller gets a lock.
fn lock_file(system: &dyn System, path: &Path) -> io::Result<Option<FileLock>> {
    make_folder_of(system, path)?;
    match system.try_lock(path) {
        Err(error) if knows_no_locks(&error) => Ok(Some(FileLock::new(()))),
        done => done,
    }
}

fn knows_no_locks(error: &io::Error) -> bool {
    #[cfg(unix)]
    if error.raw_os_error() == Some(rustix::io::Errno::NOLCK.raw_os_error()) {
        return true;
    }
    error.kind() == io::ErrorKind::Unsupported
}

/// Whether a file name is an entry's: 64 hexadecimal digits.
fn is_entry(name: &str) -> bool {
    name.len() == 64 && name.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// The entry of a lock file.
fn entry_of_lock(name: &OsStr) -> Option<&str> {
    name.to_str()?
        .strip_suffix(LOCK_ENDING)
        .filter(|name| is_entry(name))
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Vault")
    }
}

#[cfg(test)]
mod tests;
