//! The user's folders, and variables with paths.

use super::System;
use crate::{
    facts::Result,
    sieve::{Misplaced, tidied_path},
};
use std::{
    io,
    path::{Path, PathBuf},
};

/// The user's home folder: `HOME`, on Windows `USERPROFILE`. A relative path is ignored.
pub fn home(system: &dyn System) -> Option<PathBuf> {
    let variable = if system.os() == "windows" {
        "USERPROFILE"
    } else {
        "HOME"
    };
    full_path(system, variable)
}

/// The folder for all files of azcred, instead of the folders below. It is for containers, tests
/// and separate installations.
const HOME_OF_ITS_OWN: &str = "AZCRED_HOME";

/// The folder for what can be requested again: `AZCRED_HOME/cache`, or else `XDG_CACHE_HOME/azcred`
/// or `~/.cache/azcred`, on macOS `~/Library/Caches/azcred`, on Windows
/// `LOCALAPPDATA\azcred\cache`.
pub fn cache_folder(system: &dyn System) -> Option<PathBuf> {
    if let Some(home) = full_path(system, HOME_OF_ITS_OWN) {
        return Some(home.join("cache"));
    }
    match system.os() {
        "windows" => Some(
            full_path(system, "LOCALAPPDATA")?
                .join("azcred")
                .join("cache"),
        ),
        "macos" => Some(home(system)?.join("Library/Caches/azcred")),
        _ => full_path(system, "XDG_CACHE_HOME")
            .or_else(|| Some(home(system)?.join(".cache")))
            .map(|folder| folder.join("azcred")),
    }
}

/// The folder for the user's settings: `AZCRED_HOME`, or else `XDG_CONFIG_HOME/azcred` or
/// `~/.config/azcred`, on macOS `~/Library/Application Support/azcred`, on Windows
/// `APPDATA\azcred`.
pub fn config_folder(system: &dyn System) -> Option<PathBuf> {
    if let Some(home) = full_path(system, HOME_OF_ITS_OWN) {
        return Some(home);
    }
    match system.os() {
        "windows" => Some(full_path(system, "APPDATA")?.join("azcred")),
        "macos" => Some(home(system)?.join("Library/Application Support/azcred")),
        _ => full_path(system, "XDG_CONFIG_HOME")
            .or_else(|| Some(home(system)?.join(".config")))
            .map(|folder| folder.join("azcred")),
    }
}

/// The folder for what can't be requested again, such as sign-ins: `AZCRED_HOME/data`, or else
/// `XDG_DATA_HOME/azcred` or `~/.local/share/azcred`, on macOS `~/Library/Application
/// Support/azcred/data`, on Windows `LOCALAPPDATA\azcred`.
pub fn data_folder(system: &dyn System) -> Option<PathBuf> {
    if let Some(home) = full_path(system, HOME_OF_ITS_OWN) {
        return Some(home.join("data"));
    }
    match system.os() {
        "windows" => Some(full_path(system, "LOCALAPPDATA")?.join("azcred")),
        // This folder is private. The folder around it, in which people make `config.toml`, need
        // not be.
        "macos" => Some(config_folder(system)?.join("data")),
        _ => full_path(system, "XDG_DATA_HOME")
            .or_else(|| Some(home(system)?.join(".local/share")))
            .map(|folder| folder.join("azcred")),
    }
}

/// Makes a folder of azcred's, and azcred's own folder around it.
///
/// # Errors
/// As [`System::make_folder`].
pub(crate) fn make_own(system: &dyn System, folder: &Path) -> io::Result<()> {
    let own = [
        full_path(system, HOME_OF_ITS_OWN),
        cache_folder(system),
        data_folder(system),
    ];
    let mut own = own.into_iter().flatten();
    let own = own.find(|own| folder.starts_with(own));
    system.make_folder(folder, own.as_deref().unwrap_or(folder))
}

/// The path in a variable; `None` as in [`System::var`]. It keeps bytes that are not UTF-8. A
/// relative path is made absolute here: programs that azcred runs have another current folder.
pub fn path(system: &dyn System, variable: &str) -> Option<PathBuf> {
    let path = as_set(system, variable)?;
    Some(match system.current_folder() {
        Some(folder) => absolute(&folder, &path),
        None => path,
    })
}

/// A path as it is meant in this folder.
pub(crate) fn absolute(folder: &Path, path: &Path) -> PathBuf {
    if path.is_absolute() {
        return path.to_owned();
    }
    // Collecting the components removes `.`.
    folder.join(path).components().collect()
}

/// The path in a variable, unless it is relative: the XDG Base Directory Specification says that a
/// relative path must be ignored.
fn full_path(system: &dyn System, variable: &str) -> Option<PathBuf> {
    as_set(system, variable).filter(|path| path.is_absolute())
}

/// The path in a variable, relative if it is. `~` is the home folder, and `file://` is understood.
pub(crate) fn as_set(system: &dyn System, variable: &str) -> Option<PathBuf> {
    let value = system.var_os(variable)?;
    Some(match value.to_str() {
        // The home folder does not name itself.
        Some(text) if text.starts_with('~') && !matches!(variable, "HOME" | "USERPROFILE") => {
            tidied_path(text, home(system).as_deref())
        }
        Some(text) => tidied_path(text, None),
        None => value.into(),
    })
}

/// As [`path`], for the file or the folder that a variable names.
///
/// # Errors
/// [`ErrorKind::Invalid`](crate::ErrorKind::Invalid) if the value is a secret itself. The error
/// does not show it.
pub(crate) fn checked_path(system: &dyn System, variable: &'static str) -> Result<Option<PathBuf>> {
    let Some(path) = path(system, variable) else {
        return Ok(None);
    };
    let value = system.var_os(variable).unwrap_or_default();
    match Misplaced::in_place_of(&value, || system.look(&path).is_ok()) {
        Some(secret) => Err(secret.in_variable(variable)),
        None => Ok(Some(path)),
    }
}
