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
    /// Other users can open the folder, which would contain secrets.
    #[error("{}: other users of this machine can open this folder (mode {mode:03o}), and it would contain keys and secrets: run 'chmod 700 {}', or choose another folder", path.display(), path.display())]
    Open {
        /// The folder.
        path: PathBuf,
        /// Its mode.
        mode: u32,
    },
    /// The folder belongs to another user, who could open it at any time.
    #[error("{}: this folder belongs to another user of this machine (uid {owner}), and it would contain keys and secrets: choose another folder", path.display())]
    Foreign {
        /// The folder.
        path: PathBuf,
        /// Its owner.
        owner: u32,
    },
    /// Another emulator uses this folder.
    #[error("{}: an emulator is already running with this folder: use that emulator, stop it, or choose another folder", path.display())]
    Running {
        /// The folder.
        path: PathBuf,
    },
    /// A file was changed or truncated since it was written.
    #[error("{}: this file is damaged ({why}): restore it, or delete it and a new one is created{}", path.display(), consequence)]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
        /// The consequence of a new one.
        consequence: &'static str,
    },
    /// A key or certificate could not be created.
    #[error("{what}: {why}")]
    Make {
        /// What could not be created.
        what: &'static str,
        /// The cause.
        why: String,
    },
}
