//! The key files by which a client proves to Azure Arc's agent that it can read files that only
//! administrators can read.
//!
//! Each challenge creates a file with a key. A client that sends the key has read the file.

use crate::directory::SecretText;
use std::{
    collections::VecDeque,
    io::Write as _,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};
use tempfile::TempPath;

/// Most valid keys. A further one replaces the oldest.
const MAX_KEYS: usize = 64;

/// The folder of key files, and the keys in it.
pub(crate) struct ArcKeys {
    folder: PathBuf,
    // A file is deleted with its entry.
    keys: Mutex<VecDeque<(SecretText, TempPath)>>,
}

impl ArcKeys {
    /// Uses the agent's own folder if it exists and can be written, as clients read files only
    /// there. Otherwise uses the state folder.
    pub(crate) fn new(state: &Path) -> Self {
        let own = state.join("arc-tokens");
        // Files of an emulator that was killed. Usually there are none.
        let _ = std::fs::remove_dir_all(&own);
        let folder = agents_folder()
            .filter(|folder| {
                folder.is_dir() && tempfile::Builder::new().tempfile_in(folder).is_ok()
            })
            .unwrap_or(own);
        Self {
            folder,
            keys: Mutex::default(),
        }
    }

    /// The folder of the files.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// The folder of the files, unless it is the agent's folder.
    pub(super) fn elsewhere(&self) -> Option<&Path> {
        (agents_folder().as_deref() != Some(&*self.folder)).then_some(&self.folder)
    }

    /// Creates a key, and returns the path of its file (mode 0600).
    pub(super) fn challenge(&self) -> std::io::Result<PathBuf> {
        let key = SecretText::generate().map_err(|_| std::io::Error::other("no randomness"))?;
        make_private(&self.folder)?;
        let mut file = tempfile::Builder::new()
            .prefix("azcred-")
            .suffix(".key")
            .tempfile_in(&self.folder)?;
        file.write_all(key.expose().as_bytes())?;
        let path = file.into_temp_path();
        let shown = path.to_path_buf();
        let mut keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        if keys.len() >= MAX_KEYS {
            keys.pop_front();
        }
        keys.push_back((key, path));
        Ok(shown)
    }

    /// Uses a key up. Each key is valid once.
    pub(super) fn redeem(&self, sent: &str) -> bool {
        let mut keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        // All keys are compared, so that the time does not show which one matches.
        let mut found = None;
        for (at, (key, _)) in keys.iter().enumerate() {
            if key.matches(sent) {
                found = Some(at);
            }
        }
        found.is_some_and(|at| keys.remove(at).is_some())
    }

    /// Removes all files.
    pub(crate) fn clear(&self) {
        self.keys
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
    }
}

/// 'Authenticate against Azure resources with Azure Arc-enabled servers'.
fn agents_folder() -> Option<PathBuf> {
    if cfg!(windows) {
        let data = PathBuf::from(std::env::var_os("ProgramData")?);
        Some(data.join("AzureConnectedMachineAgent").join("Tokens"))
    } else {
        Some(PathBuf::from("/var/opt/azcmagent/tokens"))
    }
}

/// Creates a folder (mode 0700) if it does not exist.
fn make_private(folder: &Path) -> std::io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(state: &Path) -> ArcKeys {
        ArcKeys {
            folder: state.join("arc-tokens"),
            keys: Mutex::default(),
        }
    }

    #[test]
    fn a_key_is_valid_once_and_its_file_is_deleted_with_it() {
        let state = tempfile::tempdir().unwrap();
        let keys = keys(state.path());
        let file = keys.challenge().unwrap();
        let other = keys.challenge().unwrap();
        let key = std::fs::read_to_string(&file).unwrap();
        assert_eq!(file.extension().unwrap(), "key");
        assert!(!keys.redeem("x") && !keys.redeem(""));
        assert!(keys.redeem(&key));
        assert!(!file.exists() && other.exists());
        assert!(!keys.redeem(&key));
        keys.clear();
        assert!(!other.exists());
    }

    #[test]
    fn challenges_without_an_answer_do_not_fill_the_disk() {
        let state = tempfile::tempdir().unwrap();
        let keys = keys(state.path());
        let first = keys.challenge().unwrap();
        let first_key = std::fs::read_to_string(&first).unwrap();
        for _ in 0..MAX_KEYS {
            keys.challenge().unwrap();
        }
        assert!(!first.exists() && !keys.redeem(&first_key));
        let count = std::fs::read_dir(keys.folder()).unwrap().count();
        assert_eq!(count, MAX_KEYS);
    }

    #[test]
    #[cfg(unix)]
    fn other_users_can_not_read_a_key() {
        use std::os::unix::fs::PermissionsExt as _;
        let state = tempfile::tempdir().unwrap();
        let keys = keys(state.path());
        let file = keys.challenge().unwrap();
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&file), mode(keys.folder())), (0o600, 0o700));
    }
}
