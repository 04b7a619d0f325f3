//! Secrets on disk: encrypted, whole or not there, and nobody else's.
//!
//! ```text
//! CACHE/tokens/v1/{keyring,file}/NAME      access tokens
//! DATA/sign-ins/v1/{keyring,file}/NAME     sign-ins
//! DATA/key-1, DATA/key-1.keyring           the key, or that the keyring has it (see [`key`])
//! ```
//!
//! `NAME.lock` beside an entry is held by who replaces it. Another version of the format has other
//! folders.

mod key;
mod prune;
mod seal;
mod tokens;
mod trouble;

pub(crate) use key::{KeyPlace, refuses_keyring};

use crate::{
    facts::{Error, ErrorKind, Result},
    system::{self, FileKind, FileLock, SharedSystem, System},
};
use key::{Kind, Opened};
use std::{
    ffi::OsStr,
    fmt, io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime},
};
use tokio::time::Instant;
use zeroize::Zeroizing;

/// A set of entries, each a file of its own under a name that tells nothing to who does not have
/// the key.
///
/// A vault reads nothing until it is asked; its clones are the same one. Every method but
/// [`Vault::lock`] reads or writes files without giving way, and may ask the keyring: none is for
/// an asynchronous task's own thread.
///
/// The errors of all methods: [`ErrorKind::Unavailable`] where there is no place for it (no home
/// folder, a keyring out of reach), [`ErrorKind::Unreachable`] where the keyring that has the key
/// fails or hangs, [`ErrorKind::Invalid`] where what is there must not or can't be used, with what
/// fixes it.
#[derive(Clone)]
pub(crate) struct Vault {
    system: SharedSystem,
    /// The key, once it was found.
    opened: Arc<Mutex<Option<Arc<Opened>>>>,
    failed: Arc<key::Failed>,
}

/// What an entry is: its kind first.
pub(crate) type Parts<'a> = &'a [&'a [u8]];

/// A set of entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shelf {
    /// Access tokens, which can be had again: in the cache folder.
    Tokens,
    /// Sign-ins, which somebody would miss: in the data folder, written so that they outlive a loss
    /// of power.
    SignIns,
}

/// Where a vault is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// The folder of access tokens.
    pub(crate) tokens: PathBuf,
    /// The folder of sign-ins.
    pub(crate) sign_ins: PathBuf,
    /// The key.
    pub(crate) key: KeyPlace,
}

const VERSION_FOLDER: &str = "v1";
const LOCK_ENDING: &str = ".lock";
/// How often a lock is tried.
const LOCK_PAUSE: Duration = Duration::from_millis(10);
/// More entries than anybody has sign-ins.
const MOST_ENTRIES: usize = 10_000;

impl Shelf {
    fn folder(self) -> &'static str {
        match self {
            Self::Tokens => "tokens",
            Self::SignIns => "sign-ins",
        }
    }

    /// What is in it, for people.
    fn title(self) -> &'static str {
        match self {
            Self::Tokens => "cached tokens",
            Self::SignIns => "sign-ins",
        }
    }

    /// The folder, of all versions and kinds of keys.
    fn root(self, system: &dyn System) -> Result<PathBuf> {
        let base = match self {
            Self::Tokens => system::cache_folder(system),
            Self::SignIns => system::data_folder(system),
        };
        base.map(|base| base.join(self.folder()))
            .ok_or_else(|| trouble::no_home(system, self))
    }
}

/// One entry's place.
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

    /// What is kept; `None` where there is nothing, or nothing that can be opened: damaged, of
    /// another key, of a newer version.
    pub(crate) fn read(
        &self,
        shelf: Shelf,
        parts: Parts<'_>,
    ) -> Result<Option<Zeroizing<Vec<u8>>>> {
        let Some(opened) = self.find()? else {
            return Ok(None);
        };
        let at = self.at(opened, shelf, parts)?;
        self.open(shelf, &at)
    }

    /// Keeps this in place of what is there.
    pub(crate) fn write(&self, shelf: Shelf, parts: Parts<'_>, content: &[u8]) -> Result<()> {
        self.write_until(shelf, parts, content, None)
    }

    /// The same for what is of no use from `end` on. Now and then, what has ended is removed on the
    /// way.
    pub(crate) fn write_until(
        &self,
        shelf: Shelf,
        parts: Parts<'_>,
        content: &[u8],
        end: Option<SystemTime>,
    ) -> Result<()> {
        let at = self.at(self.find_or_make()?, shelf, parts)?;
        let sealed = at.opened.keys.seal(&at.name, end, content)?;
        // A file can't take a folder's place; whose it was is of no interest here.
        let written = match shelf {
            Shelf::Tokens => self.system.write(&at.path, &sealed),
            Shelf::SignIns => self.system.write_durably(&at.path, &sealed),
        };
        written.map_err(|error| {
            trouble::failed(&*self.system, "could not write", &at.path, shelf, &error)
        })?;
        if let Some(folder) = at.path.parent() {
            prune::now_and_then(&*self.system, folder, shelf);
        }
        Ok(())
    }

    /// Removes an entry; whether there was one.
    pub(crate) fn remove(&self, shelf: Shelf, parts: Parts<'_>) -> Result<bool> {
        let Some(opened) = self.find()? else {
            return Ok(false);
        };
        let at = self.at(opened, shelf, parts)?;
        if self.system.look(&at.path).is_err() {
            return Ok(false);
        }
        let removed = self.system.remove(&at.path);
        removed.map_err(|error| {
            trouble::failed(&*self.system, "could not remove", &at.path, shelf, &error)
        })?;
        Ok(true)
    }

    /// What is in all entries that can be opened, in no order.
    pub(crate) fn entries(&self, shelf: Shelf) -> Result<Vec<Zeroizing<Vec<u8>>>> {
        let mut contents = Vec::new();
        for at in self.all(shelf)? {
            contents.extend(self.open(shelf, &at)?);
            if contents.len() == MOST_ENTRIES {
                break;
            }
        }
        Ok(contents)
    }

    /// Removes the entries whose content is meant; how many there were.
    pub(crate) fn remove_where(
        &self,
        shelf: Shelf,
        is_meant: impl Fn(&[u8]) -> bool,
    ) -> Result<usize> {
        let mut removed = 0;
        for at in self.all(shelf)? {
            if self
                .open(shelf, &at)?
                .is_some_and(|content| is_meant(&content))
            {
                let done = self.system.remove(&at.path);
                done.map_err(|error| {
                    trouble::failed(&*self.system, "could not remove", &at.path, shelf, &error)
                })?;
                removed += 1;
            }
        }
        Ok(removed)
    }

    /// Removes all entries, those of every key as well; how many there were.
    pub(crate) fn clear(&self, shelf: Shelf) -> Result<usize> {
        let mut removed = 0;
        for kind in [Kind::Keyring, Kind::File] {
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

    /// How many files there are, and how many bytes in them: those of every key, locks and leavings
    /// as well.
    pub(crate) fn size(&self, shelf: Shelf) -> Result<(usize, u64)> {
        let (mut files, mut bytes) = (0, 0);
        for kind in [Kind::Keyring, Kind::File] {
            let folder = self.folder(shelf, kind)?;
            for name in self.list(shelf, &folder)? {
                // What is gone meanwhile does not count.
                if let Ok(facts) = self.system.look(&folder.join(&name)) {
                    files += 1;
                    bytes += facts.len;
                }
            }
        }
        Ok((files, bytes))
    }

    /// Locks an entry for who replaces it; `None` while another holds it. Where the file system
    /// knows no locks, everybody gets one.
    pub(crate) fn try_lock(&self, shelf: Shelf, parts: Parts<'_>) -> Result<Option<FileLock>> {
        let at = self.at(self.find_or_make()?, shelf, parts)?;
        let path = at.path.with_file_name(format!("{}{LOCK_ENDING}", at.name));
        lock_file(&*self.system, &path)
            .map_err(|error| trouble::failed(&*self.system, "could not lock", &path, shelf, &error))
    }

    /// The same, tried until it is had; `None` when the time is over.
    ///
    /// Cancel-safe: a lock that is had after the future was dropped is given up at once.
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

    /// Where it is, or would be.
    pub(crate) fn place(&self) -> Result<Place> {
        Ok(Place {
            tokens: Shelf::Tokens.root(&*self.system)?,
            sign_ins: Shelf::SignIns.root(&*self.system)?,
            key: key::place(&*self.system, &self.failed)?,
        })
    }

    /// Why what was kept under the keyring's key can't be had in this session; `None` where it can,
    /// or nothing was.
    pub(crate) fn out_of_reach(&self) -> Option<Error> {
        let is_had = held(&self.opened)
            .as_ref()
            .is_some_and(|opened| opened.kind == Kind::Keyring);
        if is_had {
            return None;
        }
        key::out_of_reach_here(&*self.system, &self.failed)
    }

    fn open(&self, shelf: Shelf, at: &At) -> Result<Option<Zeroizing<Vec<u8>>>> {
        // A link leads to where somebody else may have put something.
        match self.system.look(&at.path) {
            Ok(facts) if facts.kind == FileKind::File => {}
            Ok(_) => return Ok(None),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => {
                return Err(trouble::failed(
                    &*self.system,
                    "could not read",
                    &at.path,
                    shelf,
                    &error,
                ));
            }
        }
        match self.system.read(&at.path, seal::LIMIT) {
            Ok(sealed) => Ok(at.opened.keys.open(&at.name, sealed)),
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::NotFound
                        | io::ErrorKind::FileTooLarge
                        | io::ErrorKind::IsADirectory
                        | io::ErrorKind::InvalidInput
                ) =>
            {
                Ok(None)
            }
            Err(error) => Err(trouble::failed(
                &*self.system,
                "could not read",
                &at.path,
                shelf,
                &error,
            )),
        }
    }

    /// The places of all entries under the key that there is.
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

    /// The folder of the entries under a kind of key, once it is sure that it is the user's own.
    fn folder(&self, shelf: Shelf, kind: Kind) -> Result<PathBuf> {
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
        match self.system.list(folder) {
            Ok(names) => Ok(names),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => Err(trouble::failed(
                &*self.system,
                "could not list",
                folder,
                shelf,
                &error,
            )),
        }
    }

    fn find(&self) -> Result<Option<Arc<Opened>>> {
        let mut place = held(&self.opened);
        if place.is_none() {
            *place = key::find(&*self.system, &self.failed)?.map(Arc::new);
        }
        Ok(place.clone())
    }

    fn find_or_make(&self) -> Result<Arc<Opened>> {
        let mut place = held(&self.opened);
        if let Some(opened) = &*place {
            return Ok(opened.clone());
        }
        let opened = Arc::new(key::find_or_make(&*self.system, &self.failed)?);
        *place = Some(opened.clone());
        Ok(opened)
    }
}

/// Nothing that runs under these locks leaves a change half done.
fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whether a folder is the user's own, where it is there.
fn check_folder(system: &dyn System, folder: &Path, shelf: Shelf) -> Result<()> {
    match system.look(folder) {
        Ok(facts) => {
            trouble::refused(folder, &facts, FileKind::Folder, system.user()).map_or(Ok(()), Err)
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(trouble::failed(
            system,
            "could not read",
            folder,
            shelf,
            &error,
        )),
    }
}

/// Locks a file; everybody gets a lock where the file system knows none (NFS without its lock
/// service, some of FUSE).
fn lock_file(system: &dyn System, path: &Path) -> io::Result<Option<FileLock>> {
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

/// Whether a name is an entry's: 64 digits.
fn is_entry(name: &str) -> bool {
    name.len() == 64 && name.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// The entry that a lock is for.
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
