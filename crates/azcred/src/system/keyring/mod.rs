//! The user's keyring on the machine on which this process runs.
//!
//! On Linux, the keyring is the Secret Service on the session bus (GNOME Keyring, KWallet,
//! KeePassXC), on macOS the Keychain, on Windows the Credential Manager. Every command reads a
//! secret at its start. So on Linux, [`dbus`] gets it with two round trips and has only what that
//! needs. Libraries for D-Bus bring an executor, a hundred crates, or a prompt for a locked
//! keyring. Other systems have no keyring that azcred knows.

#[cfg(all(feature = "disk-cache", target_os = "linux"))]
mod dbus;
#[cfg(all(feature = "disk-cache", target_os = "linux"))]
mod secret_service;

use super::{Keyring, NoKeyring};
use std::{
    sync::mpsc::{self, RecvTimeoutError},
    thread,
    time::Duration,
};
use zeroize::Zeroizing;

/// The name under which azcred's secrets are stored.
#[cfg(all(
    feature = "disk-cache",
    any(windows, target_os = "macos", target_os = "linux")
))]
const SERVICE: &str = "azcred";
/// How long azcred waits for a keyring. Starting one, or asking a person, takes longer.
const PATIENCE: Duration = Duration::from_secs(2);

/// The keyring of the user of this process.
#[derive(Debug)]
pub(super) struct UserKeyring;

type Secret = Zeroizing<Vec<u8>>;

impl super::Sealed for UserKeyring {}

impl Keyring for UserKeyring {
    fn title(&self) -> &'static str {
        platform::TITLE
    }

    fn get(&self, name: &str) -> Result<Option<Secret>, NoKeyring> {
        let name = name.to_owned();
        in_time(PATIENCE, move || platform::get(&name))
    }

    fn set(&self, name: &str, secret: &[u8]) -> Result<(), NoKeyring> {
        let (name, secret) = (name.to_owned(), Zeroizing::new(secret.to_owned()));
        in_time(PATIENCE, move || platform::set(&name, &secret))
    }

    // Both calls together get the time of one, so that the first start waits no longer than later
    // ones.
    fn get_or_set(&self, name: &str, secret: &[u8]) -> Result<Secret, NoKeyring> {
        let (name, secret) = (name.to_owned(), Zeroizing::new(secret.to_owned()));
        in_time(PATIENCE, move || {
            got_or_set(|| platform::get(&name), || platform::set(&name, &secret))
        })
    }

    fn remove(&self, name: &str) -> Result<(), NoKeyring> {
        let name = name.to_owned();
        in_time(PATIENCE, move || platform::remove(&name))
    }
}

/// What the Secret Service's client makes of a bus that has said all of this.
#[cfg(all(feature = "fuzzing", target_os = "linux"))]
pub fn secret_service_of(said: &[u8]) -> [String; 3] {
    let service = || {
        dbus::can(said);
        let nowhere = dbus::Address::Path("/nonexistent".into());
        secret_service::SecretService::at(nowhere, PATIENCE)
    };
    [
        format!("{:?}", service().get(SERVICE, "name").map(drop)),
        format!("{:?}", service().set(SERVICE, "name", b"secret")),
        format!("{:?}", service().remove(SERVICE, "name")),
    ]
}

/// The bus that an address names.
#[cfg(all(feature = "fuzzing", target_os = "linux"))]
pub fn bus_address(text: &std::ffi::OsStr) -> String {
    format!("{:?}", dbus::Address::of_session(Some(text), None))
}

/// See [`Keyring::get_or_set`].
pub(super) fn got_or_set(
    get: impl Fn() -> Result<Option<Secret>, NoKeyring>,
    set: impl FnOnce() -> Result<(), NoKeyring>,
) -> Result<Secret, NoKeyring> {
    if let Some(kept) = get()? {
        return Ok(kept);
    }
    set()?;
    get()?.ok_or_else(NoKeyring::forgot)
}

/// Runs `ask` in its own thread and waits no longer than `patience`: no system's keyring can cancel
/// a call.
fn in_time<T: Send + 'static>(
    patience: Duration,
    ask: impl FnOnce() -> Result<T, NoKeyring> + Send + 'static,
) -> Result<T, NoKeyring> {
    let (tell, told) = mpsc::sync_channel(1);
    let thread = thread::Builder::new().name("keyring".to_owned());
    let started = thread.spawn(move || {
        let _ = tell.send(ask());
    });
    if let Err(error) = started {
        return Err(NoKeyring::Failed(format!(
            "no thread can be started ({})",
            error.kind()
        )));
    }
    told.recv_timeout(patience).unwrap_or_else(|error| {
        Err(NoKeyring::Failed(match error {
            RecvTimeoutError::Timeout => {
                format!("it did not answer within {} s", patience.as_secs_f32())
            }
            RecvTimeoutError::Disconnected => "its client panicked".to_owned(),
        }))
    })
}

#[cfg(all(feature = "disk-cache", target_os = "linux"))]
mod platform {
    use super::{SERVICE, Secret, dbus::Address, secret_service::SecretService};
    use crate::system::NoKeyring;

    pub(super) const TITLE: &str = "the Secret Service";

    pub(super) fn get(name: &str) -> Result<Option<Secret>, NoKeyring> {
        service()?.get(SERVICE, name)
    }

    pub(super) fn set(name: &str, secret: &[u8]) -> Result<(), NoKeyring> {
        service()?.set(SERVICE, name, secret)
    }

    pub(super) fn remove(name: &str) -> Result<(), NoKeyring> {
        service()?.remove(SERVICE, name)
    }

    fn service() -> Result<SecretService, NoKeyring> {
        let var = |name| std::env::var_os(name).filter(|value| !value.is_empty());
        let address = Address::of_session(
            var("DBUS_SESSION_BUS_ADDRESS").as_deref(),
            var("XDG_RUNTIME_DIR").as_deref(),
        )?;
        Ok(SecretService::at(address, super::PATIENCE))
    }
}

#[cfg(all(feature = "disk-cache", target_os = "macos"))]
mod platform {
    use super::{SERVICE, Secret};
    use crate::system::NoKeyring;
    use security_framework::{
        base::Error,
        os::macos::keychain::SecKeychain,
        passwords::{delete_generic_password, get_generic_password, set_generic_password},
    };
    use std::sync::{Mutex, PoisonError};
    use zeroize::Zeroizing;

    pub(super) const TITLE: &str = "the Keychain";

    /// `errSecItemNotFound` and its neighbours (Security framework, `SecBase.h`).
    const NOT_FOUND: i32 = -25300;
    const NOT_ALLOWED: i32 = -25308;
    const AUTHORIZATION_FAILED: i32 = -25293;
    const NO_DEFAULT: i32 = -25307;
    const NOT_AVAILABLE: i32 = -25291;

    pub(super) fn get(name: &str) -> Result<Option<Secret>, NoKeyring> {
        unasked(|| match get_generic_password(SERVICE, name) {
            Ok(secret) => Ok(Some(Zeroizing::new(secret))),
            Err(error) if error.code() == NOT_FOUND => Ok(None),
            Err(error) => Err(error),
        })
    }

    pub(super) fn set(name: &str, secret: &[u8]) -> Result<(), NoKeyring> {
        unasked(|| set_generic_password(SERVICE, name, secret))
    }

    pub(super) fn remove(name: &str) -> Result<(), NoKeyring> {
        unasked(|| match delete_generic_password(SERVICE, name) {
            Err(error) if error.code() != NOT_FOUND => Err(error),
            _ => Ok(()),
        })
    }

    /// The setting that forbids prompts is the whole process's: the first call to end would allow
    /// them to the others.
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

    /// Calls the keychain without a prompt to the person; a locked keychain then returns an error.
    /// Prompts stay forbidden if the program forbade them, and until `ask` ends, even if the caller
    /// stopped waiting.
    fn unasked<T>(ask: impl FnOnce() -> Result<T, Error>) -> Result<T, NoKeyring> {
        let _alone = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
        let are_allowed = SecKeychain::user_interaction_allowed().map_err(no_keyring)?;
        let without_questions = are_allowed.then(SecKeychain::disable_user_interaction);
        let _without_questions = without_questions.transpose().map_err(no_keyring)?;
        ask().map_err(no_keyring)
    }

    fn no_keyring(error: Error) -> NoKeyring {
        match error.code() {
            NOT_ALLOWED | AUTHORIZATION_FAILED => NoKeyring::Locked,
            NO_DEFAULT | NOT_AVAILABLE => {
                NoKeyring::Absent("this session has no keychain".to_owned())
            }
            code => NoKeyring::Failed(format!("it failed with the status {code}")),
        }
    }
}

#[cfg(all(feature = "disk-cache", windows))]
mod platform {
    use super::{SERVICE, Secret};
    use crate::system::NoKeyring;
    use keyring_core::{Entry, Error, api::CredentialStoreApi};
    use std::collections::HashMap;
    use zeroize::Zeroizing;

    pub(super) const TITLE: &str = "the Credential Manager";

    pub(super) fn get(name: &str) -> Result<Option<Secret>, NoKeyring> {
        match entry(name)?.get_secret() {
            Ok(secret) => Ok(Some(Zeroizing::new(secret))),
            Err(Error::NoEntry) => Ok(None),
            Err(error) => Err(no_keyring(&error)),
        }
    }

    pub(super) fn set(name: &str, secret: &[u8]) -> Result<(), NoKeyring> {
        let entry = entry(name)?;
        entry.set_secret(secret).map_err(|error| no_keyring(&error))
    }

    pub(super) fn remove(name: &str) -> Result<(), NoKeyring> {
        match entry(name)?.delete_credential() {
            Ok(()) | Err(Error::NoEntry) => Ok(()),
            Err(error) => Err(no_keyring(&error)),
        }
    }

    /// The entry stays on this machine, as the files that it encrypts do. It does not roam with the
    /// user.
    fn entry(name: &str) -> Result<Entry, NoKeyring> {
        let here = HashMap::from([("persistence", "local")]);
        windows_native_keyring_store::Store::new()
            .and_then(|store| store.build(SERVICE, name, Some(&here)))
            .map_err(|error| no_keyring(&error))
    }

    fn no_keyring(error: &Error) -> NoKeyring {
        match error {
            // A session without a sign-in, such as a service's.
            Error::NoStorageAccess(_) => {
                NoKeyring::Absent("this session has no store of credentials".to_owned())
            }
            _ => NoKeyring::Failed("it failed".to_owned()),
        }
    }
}

#[cfg(not(all(
    feature = "disk-cache",
    any(windows, target_os = "macos", target_os = "linux")
)))]
mod platform {
    use super::Secret;
    use crate::system::NoKeyring;

    pub(super) const TITLE: &str = "the keyring";

    pub(super) fn get(_: &str) -> Result<Option<Secret>, NoKeyring> {
        Err(none())
    }

    pub(super) fn set(_: &str, _: &[u8]) -> Result<(), NoKeyring> {
        Err(none())
    }

    pub(super) fn remove(_: &str) -> Result<(), NoKeyring> {
        Err(none())
    }

    fn none() -> NoKeyring {
        NoKeyring::Absent("azcred knows no keyring of this system".to_owned())
    }
}
