//! Why the state folder can't be used.

use std::{io, path::PathBuf};

/// Why the state folder can't be used.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// A file or the folder can't be read or written.
    #[error("{}: {what}: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What failed.
        what: &'static str,
        /// Why it failed.
        source: io::Error,
    },
    /// Other users can open the folder, and it would hold secrets.
    #[error("{}: other users of this machine can open this folder (mode {mode:03o}), and it would hold keys and secrets: run 'chmod 700 {}', or choose another folder", path.display(), path.display())]
    Open {
        /// The folder.
        path: PathBuf,
        /// Its mode.
        mode: u32,
    },
    /// The folder belongs to another user, who could open it at any time.
    #[error("{}: this folder belongs to another user of this machine (uid {owner}), and it would hold keys and secrets: choose another folder", path.display())]
    Foreign {
        /// The folder.
        path: PathBuf,
        /// Its owner.
        owner: u32,
    },
    /// Another emulator runs from this folder.
    #[error("{}: an emulator is already running from this folder: use it, stop it, or choose another folder", path.display())]
    Running {
        /// The folder.
        path: PathBuf,
    },
    /// A file was changed or cut since it was written.
    #[error("{}: this file is damaged ({why}): restore it, or delete it and a new one is created{}", path.display(), consequence)]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
        /// What a new one would mean.
        consequence: &'static str,
    },
    /// A key or certificate could not be created.
    #[error("{what}: {why}")]
    Make {
        /// What was to be made.
        what: &'static str,
        /// Why it could not be.
        why: String,
    },
}
