//! The file by which this binary is called `az`: a link, on Windows a script.

use azcred::system::is_this_program;
use std::{
    env, fs, io,
    path::{Path, PathBuf},
};

/// The stand-in in a folder.
#[derive(Debug)]
pub(crate) struct Link(PathBuf);

/// Why the stand-in is not made or removed.
#[derive(Debug)]
pub(crate) enum LinkTrouble {
    /// There is something else by this name.
    Taken(PathBuf),
    /// The system refused.
    Failed(PathBuf, io::Error),
}

#[cfg(not(windows))]
const NAME: &str = "az";
#[cfg(windows)]
const NAME: &str = "az.cmd";

impl Link {
    pub(crate) fn in_folder(folder: &Path) -> Self {
        Self(folder.join(NAME))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// Whether it is there, and this binary's.
    pub(crate) fn exists(&self) -> bool {
        is_this_program(&self.0)
    }

    /// Makes it, and its folder. Returns whether it was made: it may be there.
    pub(crate) fn make(&self) -> Result<bool, LinkTrouble> {
        if self.exists() {
            return Ok(false);
        }
        let made = env::current_exe().and_then(|binary| {
            if let Some(folder) = self.0.parent() {
                fs::create_dir_all(folder)?;
            }
            put(&binary, &self.0)
        });
        match made {
            Ok(()) => Ok(true),
            // Also a link that leads nowhere.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                Err(LinkTrouble::Taken(self.0.clone()))
            }
            Err(error) => Err(LinkTrouble::Failed(self.0.clone(), error)),
        }
    }

    /// Removes it. Returns whether it was there.
    pub(crate) fn remove(&self) -> Result<bool, LinkTrouble> {
        match fs::symlink_metadata(&self.0) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            Err(error) => return Err(LinkTrouble::Failed(self.0.clone(), error)),
            // The binary itself may have the name. It was not made by this.
            Ok(found) if !(self.exists() && is_made(&found)) => {
                return Err(LinkTrouble::Taken(self.0.clone()));
            }
            Ok(_) => {}
        }
        fs::remove_file(&self.0)
            .map(|()| true)
            .map_err(|error| LinkTrouble::Failed(self.0.clone(), error))
    }
}

#[cfg(unix)]
fn put(binary: &Path, at: &Path) -> io::Result<()> {
    std::os::unix::fs::symlink(binary, at)
}

#[cfg(unix)]
fn is_made(found: &fs::Metadata) -> bool {
    found.is_symlink()
}

/// A link would need a privilege, and `az` is a script there.
#[cfg(not(unix))]
fn put(binary: &Path, at: &Path) -> io::Result<()> {
    use azcred::system::STAND_IN;
    use std::io::Write;
    let script = format!(
        "@rem {STAND_IN}\r\n@\"{}\" {} %*\r\n",
        binary.display(),
        super::AS_AZ
    );
    fs::File::create_new(at)?.write_all(script.as_bytes())
}

#[cfg(not(unix))]
fn is_made(found: &fs::Metadata) -> bool {
    found.is_file()
}
