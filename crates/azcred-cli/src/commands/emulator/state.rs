//! The folder in which an emulator stores its keys and what was created in it.

use super::running;
use crate::{
    failure::{Failure, Kind},
    given,
};
use azcred::system::{RealSystem, System};
use azcred_emulator::{Info, users_folder};
use clap::Args;
use std::path::{Path, PathBuf};

/// The variable with the user's home folder.
const HOME: &str = if cfg!(windows) {
    "LOCALAPPDATA"
} else {
    "HOME"
};

#[derive(Args)]
pub(super) struct State {
    /// The folder where the emulator keeps its keys and secrets, and what programs create in it
    /// [default: azcred/emulator in your state folder]
    #[arg(long = "state", value_name = "DIR", value_parser = given::path())]
    pub(super) given: Option<PathBuf>,
}

impl State {
    /// The folder of the option, else the user's.
    pub(super) fn folder(&self) -> Result<PathBuf, Failure> {
        self.given.clone().or_else(usual).ok_or_else(|| {
            Failure::new(
                Kind::Invalid,
                "could not find your state folder",
                format!("the variable {HOME} is not set"),
            )
            .titled("the emulator has no state folder")
            .fix(format!("choose a folder with --state, or set {HOME}"))
        })
    }

    /// The running emulator of this folder.
    pub(super) fn running(&self) -> Result<Info, Failure> {
        let folder = self.folder()?;
        running(&folder)?.ok_or_else(|| {
            Failure::new(
                Kind::NotFound,
                "could not find a running emulator",
                format!("no running emulator uses the state folder {}", folder.display()),
            )
            .titled("no emulator is running")
            .fix(format!(
                "start one with `azcred emulator start{}`, or run a program with `azcred emulator exec -- PROGRAM`, which starts its own",
                self.again()
            ))
        })
    }

    /// As [`State::folder`], for an emulator that makes the folder.
    ///
    /// # Errors
    /// Also if this is root and the usual folder is in another user's home, as `sudo -E` leaves it:
    /// that user could not use what root makes there.
    pub(super) fn folder_to_make(&self) -> Result<PathBuf, Failure> {
        let folder = self.folder()?;
        match &self.given {
            None => check_owner(&folder).map(|()| folder),
            Some(_) => Ok(folder),
        }
    }

    /// The option that makes a command use the same folder, quoted for a shell if necessary.
    pub(super) fn again(&self) -> String {
        let Some(given) = &self.given else {
            return String::new();
        };
        let given = std::path::absolute(given).unwrap_or_else(|_| given.clone());
        let given = given.display().to_string();
        let plain = given
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "/\\:._-+,@".contains(c));
        if plain {
            format!(" --state {given}")
        } else {
            format!(" --state '{}'", given.replace('\'', r"'\''"))
        }
    }
}

#[cfg(unix)]
fn check_owner(folder: &Path) -> Result<(), Failure> {
    use azcred::{Fix, printable_path};
    use std::os::unix::fs::MetadataExt;
    let mut around = folder.ancestors();
    let there = around.find_map(|around| Some((around, std::fs::metadata(around).ok()?)));
    let Some((around, metadata)) = there else {
        return Ok(());
    };
    if !rustix::process::geteuid().is_root() || metadata.uid() == 0 {
        return Ok(());
    }
    let why = format!(
        "the folder {} belongs to another user, and root would make files in it that this user can't use",
        printable_path(around)
    );
    let what = "could not use the usual state folder";
    Err(Failure::new(Kind::Failed, what, why).fix(
        Fix::from("run it as that user, without `sudo`")
            .or("use root's own home folder: `sudo -H`")
            .or("choose a folder with --state"),
    ))
}

#[cfg(not(unix))]
fn check_owner(_: &Path) -> Result<(), Failure> {
    Ok(())
}

/// The XDG Base Directory Specification 0.8 on Linux and similar systems; elsewhere the folders
/// that Apple and Microsoft recommend. A program in an emulator finds the same one as the user.
fn usual() -> Option<PathBuf> {
    // The specification: a relative path must be ignored.
    let folder = |name| {
        RealSystem
            .var_os(name)
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
            .map(|path| users_folder(name, path))
    };
    let base = if cfg!(windows) {
        folder("LOCALAPPDATA")
    } else if cfg!(target_vendor = "apple") {
        folder("HOME").map(|home| home.join("Library/Application Support"))
    } else {
        folder("XDG_STATE_HOME").or_else(|| folder("HOME").map(|home| home.join(".local/state")))
    };
    base.map(|base| base.join("azcred").join("emulator"))
}
