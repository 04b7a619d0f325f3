//! The variables that a session reads.

use crate::{
    chain::Preset,
    facts::{Error, ErrorKind, Fix, Result},
    profile::Profile,
    sieve::{in_brackets, in_variable, shown_path, tidied},
    system::{System, as_set},
};

/// The variable that names a preset.
pub const PRESET_VARIABLE: &str = "AZCRED_PRESET";
/// The variable that names a profile.
pub const PROFILE_VARIABLE: &str = "AZCRED_PROFILE";
/// The variable of a program that azcred has started with one account: the address of the endpoint
/// for that account. It counts while `IDENTITY_ENDPOINT` is this address, so not for a program that
/// has another managed identity.
pub const EXEC_VARIABLE: &str = crate::system::EXEC_VARIABLE;
/// The variable that turns off storing access tokens on the disk.
const CACHE_VARIABLE: &str = "AZCRED_CACHE";
/// The variable that moves the folder of all stored files.
const HOME_VARIABLE: &str = "AZCRED_HOME";

impl Profile {
    /// The profile in `AZCRED_PROFILE`, or else [`Profile::default`].
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] if the variable is not a valid name of a profile.
    pub fn from_system(system: &dyn System) -> Result<Self> {
        match system.var(PROFILE_VARIABLE) {
            Some(name) => {
                Self::new(&name).map_err(|error| unset_or_fix(PROFILE_VARIABLE, &name, &error))
            }
            None => Ok(Self::default()),
        }
    }
}

impl Preset {
    /// The preset in `AZCRED_PRESET`; `None` if it is not set.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] if the variable is not the name of a preset.
    pub fn from_system(system: &dyn System) -> Result<Option<Self>> {
        let Some(name) = system.var(PRESET_VARIABLE) else {
            return Ok(None);
        };
        let preset = name.parse();
        preset
            .map(Some)
            .map_err(|error| unset_or_fix(PRESET_VARIABLE, &name, &error))
    }
}

/// Whether access tokens are stored on the disk.
pub(super) fn caches_tokens(system: &dyn System) -> Result<bool> {
    match system.var(CACHE_VARIABLE) {
        None => Ok(true),
        Some(wish) if tidied(&wish).eq_ignore_ascii_case("never") => Ok(false),
        Some(wish) => Err(Error::new(
            ErrorKind::Invalid,
            format!("{CACHE_VARIABLE} {} is not valid", in_brackets(&wish)),
            "the value is not 'never'",
        )
        .with_fix("set it to never, which stores no access token on disk, or unset it")),
    }
}

/// Fails if the folder of stored files is a relative path.
pub(super) fn check_home(system: &dyn System) -> Result<()> {
    match as_set(system, HOME_VARIABLE) {
        Some(home) if !home.is_absolute() => Err(Error::new(
            ErrorKind::Invalid,
            format!("{HOME_VARIABLE} ({}) is not valid", shown_path(&home)),
            "it is a relative path, which names another folder in each place",
        )
        .with_fix("give the folder's full path, or unset it")),
        _ => Ok(()),
    }
}

fn unset_or_fix(name: &'static str, value: &str, error: &Error) -> Error {
    in_variable(name, value, error).with_fix(
        error
            .fix()
            .cloned()
            .unwrap_or_default()
            .or(Fix::UnsetVariable(name.into())),
    )
}
