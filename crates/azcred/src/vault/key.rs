//! The vault's key: where it is stored, and how it is made.
//!
//! The place of the key is decided when something is stored for the first time. The data folder
//! shows it from then on: the marker `key-1.keyring` means that the keyring has the key; otherwise
//! the file `key-1` has it. Entries under either key have their own folders. So a session that
//! can't reach the keyring (over SSH, in cron) does no damage: it uses the file's key.
//!
//! `AZCRED_KEYRING=never` selects the file even if the marker exists.

use super::{
    Shelf,
    seal::{self, Keys, Master},
    trouble,
};
use crate::{
    facts::{Error, ErrorKind, Fix, Result, SignIn},
    redact::shown_path,
    system::{self, FileKind, FileLock, Keyring, NoKeyring, System},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use std::{
    io,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
    thread,
    time::{Duration, Instant},
};
use zeroize::Zeroizing;

const FILE: &str = "key-1";
const MARKER: &str = "key-1.keyring";
const LOCK: &str = "key-1.lock";
/// The key's name in the keyring.
const NAME: &str = "azcred";
/// The start of a key file.
const FORM: &str = "azcred-key-1 ";
const FILE_LIMIT: u64 = 256;
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

/// When the keyring failed last, and why.
#[derive(Default)]
pub(super) struct Failed(Mutex<Option<(tokio::time::Instant, String)>>);

impl Failed {
    /// Runs `call`, unless the keyring failed a moment ago: then that failure is returned.
    fn or_call<T>(&self, call: impl FnOnce() -> Result<T, NoKeyring>) -> Result<T, NoKeyring> {
        let lately = self.lately();
        if let Some(why) = lately {
            return Err(NoKeyring::Failed(why));
        }
        let answer = call();
        if let Err(NoKeyring::Failed(why)) = &answer {
            let failed = (tokio::time::Instant::now(), why.clone());
            *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(failed);
        }
        answer
    }

    fn lately(&self) -> Option<String> {
        let failed = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let lately = failed.as_ref().filter(|(at, _)| at.elapsed() < LEFT_ALONE);
        lately.map(|(_, why)| why.clone())
    }
}

/// The key and its place.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) kind: KeyHolder,
    pub(super) keys: Keys,
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
    look(system, failed).map(|found| match found {
        KeyLookup::Key(opened) => Some(*opened),
        KeyLookup::None(_) => None,
    })
}

/// The key. It is made if there is none. Processes that call this at the same time get the same
/// key.
pub(super) fn find_or_make(system: &dyn System, failed: &Failed) -> Result<Opened> {
    if let KeyLookup::Key(opened) = look(system, failed)? {
        return Ok(*opened);
    }
    let folder = folder(system)?;
    let lock = lock(system, &folder)?;
    // Locking made the folder if there was none.
    check_folder(system, &folder)?;
    let to_make = match look(system, failed)? {
        KeyLookup::Key(opened) => return Ok(*opened),
        KeyLookup::None(kind) => kind,
    };
    let opened = match to_make {
        Some(KeyHolder::File) => make_file(system, &folder)?,
        Some(KeyHolder::Keyring) => {
            let keyring = system.keyring().ok_or_else(|| out_of_reach(None))?;
            let made = failed.or_call(|| make_in_keyring(keyring));
            made.map_err(|trouble| unusable(keyring, &trouble))?
        }
        None => match decide(system, failed, &folder)? {
            Some(opened) => opened,
            None => make_file(system, &folder)?,
        },
    };
    drop(lock);
    Ok(opened)
}

/// The place of the key.
pub(super) fn place(system: &dyn System, failed: &Failed) -> Result<KeyPlace> {
    let folder = folder(system)?;
    let file = folder.join(FILE);
    let is_there = |path: &Path| system.look(path).is_ok();
    if is_there(&folder.join(MARKER)) && !refuses_keyring(system)? {
        if let Some(keyring) = system.keyring()
            && !matches!(
                failed.or_call(|| keyring.get(NAME)),
                Err(NoKeyring::Absent(_))
            )
        {
            return Ok(KeyPlace::Keyring(keyring.title()));
        }
        return Ok(KeyPlace::File(file));
    }
    if is_there(&file) || refuses_keyring(system)? {
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
    let asked = system
        .keyring()
        .map(|keyring| failed.or_call(|| keyring.get(NAME)));
    match asked {
        None => Some(out_of_reach(None)),
        Some(Err(NoKeyring::Absent(why))) => Some(out_of_reach(Some(&why))),
        Some(_) => None,
    }
}

/// The result of looking for a key.
enum KeyLookup {
    Key(Box<Opened>),
    /// There is no key. If its place is decided, that place.
    None(Option<KeyHolder>),
}

fn look(system: &dyn System, failed: &Failed) -> Result<KeyLookup> {
    let folder = folder(system)?;
    if !refuses_keyring(system)? && is_marked(system, &folder)? {
        let asked = system
            .keyring()
            .map(|keyring| (keyring, failed.or_call(|| keyring.get(NAME))));
        match asked {
            Some((_, Ok(secret))) => {
                return Ok(match secret.and_then(|secret| from_keyring(&secret)) {
                    Some(master) => KeyLookup::Key(Box::new(Opened {
                        kind: KeyHolder::Keyring,
                        keys: Keys::new(&master)?,
                    })),
                    // The key was removed from the keyring, so its entries are lost.
                    None => KeyLookup::None(Some(KeyHolder::Keyring)),
                });
            }
            // A session without a keyring uses the file.
            None | Some((_, Err(NoKeyring::Absent(_)))) => {}
            Some((keyring, Err(trouble))) => return Err(unusable(keyring, &trouble)),
        }
        return Ok(match read_file(system, &folder)? {
            Some(opened) => KeyLookup::Key(Box::new(opened)),
            None => KeyLookup::None(Some(KeyHolder::File)),
        });
    }
    Ok(match read_file(system, &folder)? {
        Some(opened) => KeyLookup::Key(Box::new(opened)),
        None if refuses_keyring(system)? => KeyLookup::None(Some(KeyHolder::File)),
        None => KeyLookup::None(None),
    })
}

/// Chooses the keyring if it can be used, and writes the marker; returns `None` if the file is to
/// be used.
fn decide(system: &dyn System, failed: &Failed, folder: &Path) -> Result<Option<Opened>> {
    let Some(keyring) = system.keyring() else {
        return Ok(None);
    };
    match failed.or_call(|| make_in_keyring(keyring)) {
        Ok(opened) => {
            let marker = folder.join(MARKER);
            let written = system.write_durably(&marker, keyring.title().as_bytes());
            written.map_err(|error| {
                trouble::failed(system, "could not write", &marker, Shelf::SignIns, &error)
            })?;
            Ok(Some(opened))
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

fn make_in_keyring(keyring: &dyn Keyring) -> Result<Opened, NoKeyring> {
    let failed = |error: Error| NoKeyring::Failed(error.why().to_owned());
    let made = seal::new_master().map_err(failed)?;
    let text = Zeroizing::new(STANDARD.encode(&made[..]));
    // A secret that exists already is another data folder's, or another process stored it first.
    let kept = keyring.get_or_set(NAME, text.as_bytes())?;
    let master = match from_keyring(&kept) {
        Some(master) => master,
        // The existing secret is not a key.
        None => {
            keyring.set(NAME, text.as_bytes())?;
            let kept = keyring.get(NAME)?;
            kept.and_then(|kept| from_keyring(&kept))
                .ok_or_else(NoKeyring::forgot)?
        }
    };
    Ok(Opened {
        kind: KeyHolder::Keyring,
        keys: Keys::new(&master).map_err(failed)?,
    })
}

fn make_file(system: &dyn System, folder: &Path) -> Result<Opened> {
    let path = folder.join(FILE);
    let master = seal::new_master()?;
    let text = Zeroizing::new(format!(
        "{FORM}{}\n",
        *Zeroizing::new(STANDARD.encode(&master[..]))
    ));
    let written = system.write_durably(&path, text.as_bytes());
    written.map_err(|error| {
        trouble::failed(system, "could not write", &path, Shelf::SignIns, &error)
    })?;
    // On file systems without locks, another process may have written a key meanwhile. The last one
    // counts.
    read_file(system, folder)?.ok_or_else(|| {
        Error::new(
            ErrorKind::Invalid,
            format!("could not write {}", shown_path(&path)),
            "its content is not what was written",
        )
        .with_fix("check its disk: `df -h`")
    })
}

/// The key in the file; `None` if there is no file, or if the file has no key.
fn read_file(system: &dyn System, folder: &Path) -> Result<Option<Opened>> {
    let path = folder.join(FILE);
    let failed =
        |error: &io::Error| trouble::failed(system, "could not read", &path, Shelf::SignIns, error);
    let facts = match system.look(&path) {
        Ok(facts) => facts,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(&error)),
    };
    check_folder(system, folder)?;
    if let Some(error) = trouble::refused(&path, &facts, FileKind::File, system.user()) {
        return Err(error);
    }
    let text = match system.read(&path, FILE_LIMIT) {
        Ok(text) => Zeroizing::new(text),
        Err(error) if error.kind() == io::ErrorKind::FileTooLarge => return Ok(None),
        Err(error) => return Err(failed(&error)),
    };
    let Some(master) = text
        .strip_prefix(FORM.as_bytes())
        .and_then(|rest| decode(rest.trim_ascii_end()))
    else {
        tracing::warn!(path = %path.display(), "the key file is damaged; what is encrypted with it is lost");
        return Ok(None);
    };
    Ok(Some(Opened {
        kind: KeyHolder::File,
        keys: Keys::new(&master)?,
    }))
}

/// The keyring has the key as text, since people look at their keyrings.
fn from_keyring(secret: &[u8]) -> Option<Master> {
    decode(secret.trim_ascii())
}

fn decode(text: &[u8]) -> Option<Master> {
    let bytes = Zeroizing::new(STANDARD.decode(text).ok()?);
    let mut master = Master::default();
    if bytes.len() != master.len() {
        return None;
    }
    master.copy_from_slice(&bytes);
    Some(master)
}

fn folder(system: &dyn System) -> Result<PathBuf> {
    system::data_folder(system).ok_or_else(|| trouble::no_home(system, Shelf::SignIns))
}

fn check_folder(system: &dyn System, folder: &Path) -> Result<()> {
    super::check_folder(system, folder, Shelf::SignIns)
}

fn is_marked(system: &dyn System, folder: &Path) -> Result<bool> {
    let marker = folder.join(MARKER);
    match system.look(&marker) {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(trouble::failed(
            system,
            "could not read",
            &marker,
            Shelf::SignIns,
            &error,
        )),
    }
}

/// Whether `AZCRED_KEYRING` turns the keyring off.
pub(crate) fn refuses_keyring(system: &dyn System) -> Result<bool> {
    match system.var("AZCRED_KEYRING") {
        None => Ok(false),
        Some(value) if value.trim().eq_ignore_ascii_case("never") => Ok(true),
        Some(value) => Err(Error::new(
            ErrorKind::Invalid,
            format!(
                "could not read AZCRED_KEYRING ('{}')",
                crate::redact::excerpt(value.trim())
            ),
            "it must be 'never', or not set",
        )
        .with_fix("set it to `never` to store the key in a file, or unset it")),
    }
}

/// Waits while another process makes a key. On file systems without locks, it does not wait.
fn lock(system: &dyn System, folder: &Path) -> Result<Option<FileLock>> {
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
                    Shelf::SignIns,
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
