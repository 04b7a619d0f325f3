//! The vault's key: where it is stored, and how it is made.
//!
//! The place of the key is decided when something is stored for the first time. The data folder
//! shows it from then on: the marker `key-1.keyring` means that the keyring has the key; otherwise
//! the file `key-1` has it. Entries under either key have their own folders. So a session that
//! can't reach the keyring (over SSH, in cron) does no damage: it uses the file's key.
//!
//! `AZCRED_KEYRING=never` selects the file even if the marker exists.
//!
//! Beside the key is [the register](super::register) of sign-ins. In the keyring, the key's item
//! has [the data folder's id](super::folder_id) in its name.

use super::{
    Shelf,
    folder_id::{FolderId, OLD_NAME, folder_id, id_or_make},
    register::{Register, Stored},
    seal::{self, Keys},
    trouble,
};
use crate::{
    facts::{Error, ErrorKind, Fix, Result, SignIn},
    sieve::{in_brackets, shown_path, tidied},
    system::{self, FileLock, Keyring, NoKeyring, System, look_if_seen},
};
use std::{
    io,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
    thread,
    time::{Duration, Instant, SystemTime},
};
use zeroize::Zeroizing;

const FILE: &str = "key-1";
pub(super) const MARKER: &str = "key-1.keyring";
const LOCK: &str = "key-1.lock";
/// The start of a key file.
const FORM: &str = "azcred-key-1 ";
/// Room for some thousand sign-ins.
const FILE_LIMIT: u64 = 128 * 1024;
/// The longest wait for another process that makes a key. Making one takes milliseconds, and a
/// keyring responds within two seconds.
const PATIENCE: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_millis(2);
/// How long a keyring is not used after it failed: each further request might take seconds too.
const LEFT_ALONE: Duration = Duration::from_secs(30);

/// The kind of place that has the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum KeyHolder {
    Keyring,
    File,
}

impl KeyHolder {
    /// The folder of the entries under this key.
    pub(super) fn folder(self) -> &'static str {
        match self {
            Self::Keyring => "keyring",
            Self::File => "file",
        }
    }
}

/// When the keyring failed last, and why; and whether it is used at all.
#[derive(Default)]
pub(super) struct Failed {
    last: Mutex<Option<(tokio::time::Instant, String)>>,
    ignores_keyring: bool,
}

impl Failed {
    /// For a vault that uses the file's key only.
    pub(super) fn ignoring_keyring() -> Self {
        Self {
            ignores_keyring: true,
            ..Self::default()
        }
    }

    fn refuses_keyring(&self, system: &dyn System) -> Result<bool> {
        Ok(self.ignores_keyring || refuses_keyring(system)?)
    }

    /// Runs `call`, unless the keyring failed a moment ago: then that failure is returned.
    fn or_call<T>(&self, call: impl FnOnce() -> Result<T, NoKeyring>) -> Result<T, NoKeyring> {
        let lately = self.lately();
        if let Some(why) = lately {
            return Err(NoKeyring::Failed(why));
        }
        let answer = call();
        if let Err(NoKeyring::Failed(why)) = &answer {
            let failed = (tokio::time::Instant::now(), why.clone());
            *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(failed);
        }
        answer
    }

    fn lately(&self) -> Option<String> {
        let failed = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let lately = failed.as_ref().filter(|(at, _)| at.elapsed() < LEFT_ALONE);
        lately.map(|(_, why)| why.clone())
    }
}

/// The key and its place.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) kind: KeyHolder,
    pub(super) keys: Keys,
    /// The register; `None` if an older version stored the key.
    register: Option<Register>,
}

impl Opened {
    fn new(found: &Found) -> Result<Self> {
        Ok(Self {
            kind: found.kind,
            keys: Keys::new(&found.stored.master)?,
            register: found.stored.register.clone(),
        })
    }

    /// Encrypts the content of an entry.
    pub(super) fn seal(
        &self,
        shelf: Shelf,
        name: &str,
        end: Option<SystemTime>,
        content: &[u8],
    ) -> Result<Vec<u8>> {
        let value = match (shelf, &self.register) {
            (Shelf::SignIns, Some(register)) => register.values(name).next(),
            _ => None,
        };
        self.keys
            .seal(name, value.unwrap_or_default(), end, content)
    }

    /// Whether an entry may also be sealed with a value older than its newest.
    pub(super) fn has_older(&self, shelf: Shelf, name: &str) -> bool {
        let register = self.register.as_ref().filter(|_| shelf == Shelf::SignIns);
        register.is_some_and(|register| register.values(name).nth(1).is_some())
    }

    /// Decrypts an entry; `None` if that is not possible, or if its sign-in was removed.
    pub(super) fn open(
        &self,
        shelf: Shelf,
        name: &str,
        sealed: Vec<u8>,
    ) -> Option<Zeroizing<Vec<u8>>> {
        match (shelf, &self.register) {
            (Shelf::SignIns, Some(register)) => register
                .values(name)
                .find_map(|value| self.keys.open(name, value, sealed.clone())),
            _ => self.keys.open(name, &[], sealed),
        }
    }
}

/// The place of the vault's key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum KeyPlace {
    /// The user's keyring, by its usual name.
    Keyring(&'static str),
    /// This file.
    File(PathBuf),
    /// Nothing has been stored yet.
    Undecided,
}

/// The key; `None` if there is none.
pub(super) fn find(system: &dyn System, failed: &Failed) -> Result<Option<Opened>> {
    match look(system, failed)? {
        KeyLookup::Key(found) => Opened::new(&found).map(Some),
        KeyLookup::None(_) => Ok(None),
    }
}

/// The key. It is made if there is none. Processes that call this at the same time get the same
/// key.
///
/// It is for an entry of `shelf`, for errors.
pub(super) fn find_or_make(system: &dyn System, failed: &Failed, shelf: Shelf) -> Result<Opened> {
    if let KeyLookup::Key(found) = look(system, failed)? {
        return Opened::new(&found);
    }
    let _alone = alone(system, shelf)?;
    Opened::new(&found_or_made(system, failed)?)
}

/// Changes the register; returns the key with the register as it is then. `does` returns whether it
/// changed anything. `old` lists the entries of a key without a register.
///
/// Processes that change the register at the same time do so one after the other.
pub(super) fn change(
    system: &dyn System,
    failed: &Failed,
    old: &dyn Fn(&Opened) -> Result<Vec<String>>,
    does: &dyn Fn(&Keys, &mut Register) -> Result<bool>,
) -> Result<Opened> {
    /// On file systems without locks, processes replace each other's changes.
    const MOST: usize = 8;
    let alone = alone(system, Shelf::SignIns)?;
    for _ in 0..MOST {
        let mut found = found_or_made(system, failed)?;
        let opened = Opened::new(&found)?;
        let mut register = match &opened.register {
            Some(register) => register.clone(),
            None => {
                let mut register = Register::default();
                for name in old(&opened)? {
                    register.enter_old(&name);
                }
                register
            }
        };
        if !does(&opened.keys, &mut register)? {
            drop(alone);
            return Ok(opened);
        }
        found.stored.register = Some(register);
        store(system, failed, &found)?;
        if found.kind == KeyHolder::Keyring {
            return Opened::new(&found);
        }
    }
    Err(Error::new(
        ErrorKind::Invalid,
        "could not change the register of the sign-ins",
        "other processes change it all the time",
    )
    .with_fix(Fix::Retry { after: None }))
}

/// Stores the key and its register where it was found.
fn store(system: &dyn System, failed: &Failed, found: &Found) -> Result<()> {
    let folder = folder(system)?;
    let text = found.stored.written();
    match found.kind {
        KeyHolder::File => write_file(system, &folder, &text),
        KeyHolder::Keyring => {
            let name = id_or_make(system, &folder)?.key_item();
            let keyring = system.keyring().ok_or_else(|| out_of_reach(None))?;
            let stored = failed.or_call(|| keyring.set(&name, text.as_bytes()));
            stored.map_err(|trouble| unusable(keyring, &trouble))
        }
    }
}

/// The id of the data folder. It is made if there is none.
pub(super) fn id(system: &dyn System) -> Result<FolderId> {
    let folder = folder(system)?;
    if let Some(id) = folder_id(system, &folder)? {
        return Ok(id);
    }
    let _alone = alone(system, Shelf::SignIns)?;
    id_or_make(system, &folder)
}

/// The id of the data folder, if it has one.
pub(super) fn known_id(system: &dyn System) -> Result<Option<FolderId>> {
    folder_id(system, &folder(system)?)
}

/// Waits until this process alone may change the key, its register and the folder's id.
fn alone(system: &dyn System, shelf: Shelf) -> Result<Option<FileLock>> {
    let folder = folder(system)?;
    let lock = lock(system, &folder, shelf)?;
    // Locking made the folder if there was none.
    check_folder(system, &folder)?;
    Ok(lock)
}

/// The key. Only one process at a time may call this.
fn found_or_made(system: &dyn System, failed: &Failed) -> Result<Found> {
    let folder = folder(system)?;
    let to_make = match look(system, failed)? {
        KeyLookup::Key(found) => return Ok(*found),
        KeyLookup::None(kind) => kind,
    };
    Ok(match to_make {
        Some(KeyHolder::File) => make_file(system, &folder)?,
        Some(KeyHolder::Keyring) => {
            let keyring = system.keyring().ok_or_else(|| out_of_reach(None))?;
            let name = id_or_make(system, &folder)?.key_item();
            let made = failed.or_call(|| make_in_keyring(keyring, &name));
            made.map_err(|trouble| unusable(keyring, &trouble))?
        }
        None => match decide(system, failed, &folder)? {
            Some(found) => found,
            None => make_file(system, &folder)?,
        },
    })
}

/// The place of the key.
pub(super) fn place(system: &dyn System, failed: &Failed) -> Result<KeyPlace> {
    let folder = folder(system)?;
    let file = folder.join(FILE);
    let is_there = |path: &Path| system.look(path).is_ok();
    if is_there(&folder.join(MARKER)) && !failed.refuses_keyring(system)? {
        if let Some(keyring) = system.keyring()
            && !matches!(
                in_keyring(system, failed, &folder, keyring)?,
                Err(NoKeyring::Absent(_))
            )
        {
            return Ok(KeyPlace::Keyring(keyring.title()));
        }
        return Ok(KeyPlace::File(file));
    }
    if is_there(&file) || failed.refuses_keyring(system)? {
        return Ok(KeyPlace::File(file));
    }
    Ok(KeyPlace::Undecided)
}

/// Why this session can't read the entries under the keyring's key, if there may be any.
pub(super) fn out_of_reach_here(system: &dyn System, failed: &Failed) -> Option<Error> {
    let folder = folder(system).ok()?;
    system.look(&folder.join(MARKER)).ok()?;
    if refuses_keyring(system).ok()? {
        return Some(
            Error::new(
                ErrorKind::Unavailable,
                "could not read what is stored under the keyring's key",
                "AZCRED_KEYRING is set to \"never\", which switches the keyring off",
            )
            .with_fix(Fix::UnsetVariable("AZCRED_KEYRING".into())),
        );
    }
    let Some(keyring) = system.keyring() else {
        return Some(out_of_reach(None));
    };
    match in_keyring(system, failed, &folder, keyring).ok()? {
        Err(NoKeyring::Absent(why)) => Some(out_of_reach(Some(&why))),
        _ => None,
    }
}

/// The result of looking for a key.
enum KeyLookup {
    Key(Box<Found>),
    /// There is no key. If its place is decided, that place.
    None(Option<KeyHolder>),
}

/// A key, and the kind of place that has it.
struct Found {
    kind: KeyHolder,
    stored: Stored,
}

/// What the keyring has for this data folder.
fn in_keyring(
    system: &dyn System,
    failed: &Failed,
    folder: &Path,
    keyring: &dyn Keyring,
) -> Result<Result<Option<Stored>, NoKeyring>> {
    let id = folder_id(system, folder)?;
    let get = |name: &str| {
        let secret = failed.or_call(|| keyring.get(name))?;
        Ok(secret.and_then(|secret| Stored::read(&secret)))
    };
    // Older versions had one item for all folders. This folder may be on another machine's disk
    // too, whose keyring has only the old item.
    Ok(match &id {
        None => get(OLD_NAME),
        Some(id) => match get(&id.key_item()) {
            Ok(None) if id.is_after_old => get(OLD_NAME),
            got => got,
        },
    })
}

fn look(system: &dyn System, failed: &Failed) -> Result<KeyLookup> {
    let folder = folder(system)?;
    if !failed.refuses_keyring(system)? && is_marked(system, &folder)? {
        if let Some(keyring) = system.keyring() {
            match in_keyring(system, failed, &folder, keyring)? {
                Ok(Some(stored)) => {
                    return Ok(KeyLookup::Key(Box::new(Found {
                        kind: KeyHolder::Keyring,
                        stored,
                    })));
                }
                // The key was removed from the keyring, so its entries are lost.
                Ok(None) => return Ok(KeyLookup::None(Some(KeyHolder::Keyring))),
                // A session without a keyring uses the file.
                Err(NoKeyring::Absent(_)) => {}
                Err(trouble) => return Err(unusable(keyring, &trouble)),
            }
        }
        return Ok(match read_file(system, &folder)? {
            Some(found) => KeyLookup::Key(Box::new(found)),
            None => KeyLookup::None(Some(KeyHolder::File)),
        });
    }
    Ok(match read_file(system, &folder)? {
        Some(found) => KeyLookup::Key(Box::new(found)),
        None if failed.refuses_keyring(system)? => KeyLookup::None(Some(KeyHolder::File)),
        None => KeyLookup::None(None),
    })
}

/// Chooses the keyring if it can be used, and writes the marker; returns `None` if the file is to
/// be used.
fn decide(system: &dyn System, failed: &Failed, folder: &Path) -> Result<Option<Found>> {
    let Some(keyring) = system.keyring() else {
        return Ok(None);
    };
    // The id is there before the marker: a marker without an id is an older version's.
    let name = id_or_make(system, folder)?.key_item();
    match failed.or_call(|| make_in_keyring(keyring, &name)) {
        Ok(found) => {
            let marker = folder.join(MARKER);
            let written = super::write(system, &marker, keyring.title().as_bytes(), true);
            written.map_err(|error| {
                trouble::failed(system, "could not write", &marker, Shelf::SignIns, &error)
            })?;
            Ok(Some(found))
        }
        // The file protects less than the keyring that the user relies on, so it is not a fallback
        // for a locked keyring.
        Err(NoKeyring::Locked) => Err(unusable(keyring, &NoKeyring::Locked)),
        Err(NoKeyring::Absent(why) | NoKeyring::Failed(why)) => {
            tracing::info!(%why, "no keyring can be used; the key is stored in a file");
            Ok(None)
        }
    }
}

fn new_key() -> Result<Stored> {
    Ok(Stored {
        master: seal::new_master()?,
        register: Some(Register::default()),
    })
}

fn make_in_keyring(keyring: &dyn Keyring, name: &str) -> Result<Found, NoKeyring> {
    let made = new_key().map_err(|error| NoKeyring::Failed(error.why().to_owned()))?;
    let text = made.written();
    // If there is a secret already, another process stored it first.
    let kept = keyring.get_or_set(name, text.as_bytes())?;
    let stored = match Stored::read(&kept) {
        Some(stored) => stored,
        // The existing secret is not a key.
        None => {
            keyring.set(name, text.as_bytes())?;
            let kept = keyring.get(name)?;
            kept.and_then(|kept| Stored::read(&kept))
                .ok_or_else(NoKeyring::forgot)?
        }
    };
    Ok(Found {
        kind: KeyHolder::Keyring,
        stored,
    })
}

fn make_file(system: &dyn System, folder: &Path) -> Result<Found> {
    write_file(system, folder, &new_key()?.written())?;
    // On file systems without locks, another process may have written a key meanwhile. The last one
    // counts.
    read_file(system, folder)?.ok_or_else(|| {
        Error::new(
            ErrorKind::Invalid,
            format!("could not write {}", shown_path(&folder.join(FILE))),
            "its content is not what was written",
        )
        .with_fix("check its disk: `df -h`")
    })
}

fn write_file(system: &dyn System, folder: &Path, text: &str) -> Result<()> {
    let path = folder.join(FILE);
    let text = Zeroizing::new(format!("{FORM}{text}\n"));
    super::write(system, &path, text.as_bytes(), true)
        .map_err(|error| trouble::failed(system, "could not write", &path, Shelf::SignIns, &error))
}

/// The key in the file; `None` if there is no file, or if the file has no key.
fn read_file(system: &dyn System, folder: &Path) -> Result<Option<Found>> {
    let path = folder.join(FILE);
    let text = match read_private(system, &path, FILE_LIMIT)? {
        PrivateFile::Text(text) => text,
        PrivateFile::Missing | PrivateFile::TooLarge => return Ok(None),
    };
    let form = text.strip_prefix(FORM.as_bytes());
    let Some(stored) = form.and_then(Stored::read) else {
        tracing::warn!(path = %path.display(), "the key file is damaged; what is encrypted with it is lost");
        return Ok(None);
    };
    Ok(Some(Found {
        kind: KeyHolder::File,
        stored,
    }))
}

/// A file beside the key.
pub(super) enum PrivateFile {
    Missing,
    TooLarge,
    Text(Zeroizing<Vec<u8>>),
}

/// Reads a file in the data folder, which must be this user's alone.
pub(super) fn read_private(system: &dyn System, path: &Path, limit: u64) -> Result<PrivateFile> {
    let Some(file) = super::open_own(system, path, Shelf::SignIns)? else {
        return Ok(PrivateFile::Missing);
    };
    match file.read(limit) {
        Ok(text) => Ok(PrivateFile::Text(Zeroizing::new(text))),
        Err(error) if error.kind() == io::ErrorKind::FileTooLarge => Ok(PrivateFile::TooLarge),
        Err(error) => {
            let what = "could not read";
            Err(trouble::failed(system, what, path, Shelf::SignIns, &error))
        }
    }
}

fn folder(system: &dyn System) -> Result<PathBuf> {
    system::data_folder(system).ok_or_else(|| trouble::no_home(system, Shelf::SignIns))
}

fn check_folder(system: &dyn System, folder: &Path) -> Result<()> {
    super::check_folder(system, folder, Shelf::SignIns)
}

fn is_marked(system: &dyn System, folder: &Path) -> Result<bool> {
    let marker = folder.join(MARKER);
    let there = look_if_seen(system, &marker);
    there
        .map(|there| there.is_some())
        .map_err(|error| trouble::failed(system, "could not read", &marker, Shelf::SignIns, &error))
}

/// Whether `AZCRED_KEYRING` turns the keyring off.
pub(crate) fn refuses_keyring(system: &dyn System) -> Result<bool> {
    match system.var("AZCRED_KEYRING") {
        None => Ok(false),
        Some(value) if tidied(&value).eq_ignore_ascii_case("never") => Ok(true),
        Some(value) => Err(Error::new(
            ErrorKind::Invalid,
            format!("AZCRED_KEYRING {} is not valid", in_brackets(&value)),
            "it must be 'never', or not set",
        )
        .with_fix("set it to `never` to store the key in a file, or unset it")),
    }
}

/// Waits while another process makes a key. On file systems without locks, it does not wait.
fn lock(system: &dyn System, folder: &Path, shelf: Shelf) -> Result<Option<FileLock>> {
    let path = folder.join(LOCK);
    let began = Instant::now();
    loop {
        match super::lock_file(system, &path) {
            Ok(Some(lock)) => return Ok(Some(lock)),
            Ok(None) if began.elapsed() < PATIENCE => thread::sleep(PAUSE),
            Ok(None) => {
                return Err(Error::new(
                    ErrorKind::Invalid,
                    format!("could not lock {}", shown_path(&path)),
                    format!("another process has held it for {} s", PATIENCE.as_secs()),
                )
                .with_fix(format!("find that process: `lsof '{}'`", shown_path(&path))));
            }
            Err(error) => {
                return Err(trouble::failed(
                    system,
                    "could not lock",
                    &path,
                    shelf,
                    &error,
                ));
            }
        }
    }
}

fn unusable(keyring: &dyn Keyring, trouble: &NoKeyring) -> Error {
    let what = format!("could not get the encryption key from {}", keyring.title());
    match trouble {
        NoKeyring::Locked => Error::new(ErrorKind::Invalid, what, "it is locked"),
        NoKeyring::Absent(why) => Error::new(ErrorKind::Unavailable, what, why.clone()),
        // A sign-in may be stored there, so the chain must not continue with another account.
        NoKeyring::Failed(why) => Error::new(ErrorKind::Unreachable, what, why.clone()),
    }
    .with_fix(
        Fix::from(match trouble {
            NoKeyring::Locked => "unlock it, for example by signing in to the desktop",
            _ => "check the keyring",
        })
        .or("store the key in a file: `export AZCRED_KEYRING=never`, and sign in again"),
    )
}

fn out_of_reach(why: Option<&str>) -> Error {
    Error::new(
        ErrorKind::Unavailable,
        "could not read what is stored under the keyring's key",
        match why {
            Some(why) => format!("this session can't reach the keyring: {why}"),
            None => "this session can't reach the keyring".to_owned(),
        },
    )
    .with_fix(Fix::from("run it in the session in which you signed in").or(SignIn::default()))
}
