//! The secrets of the key vaults: in memory, and in a file for each vault.
//!
//! This code knows nothing of HTTP, tokens or rights. Which vaults exist is a matter of
//! [`crate::resources`].
//!
//! A change writes the vault's whole file under another name and renames it. So a process that is
//! killed leaves the old secrets or the new ones.

use crate::{
    directory::{SecretText, kept_text},
    storage::{make_private, read_json, write_json},
};
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, btree_map::Entry},
    io,
    path::PathBuf,
    sync::{Mutex, OnceLock, PoisonError},
};

/// The secrets of one vault, by name in lower case.
pub(crate) type Vault = BTreeMap<String, Secret>;

/// The secrets of all vaults of one emulator.
#[derive(Default)]
pub(crate) struct Secrets {
    folder: OnceLock<PathBuf>,
    /// By name in lower case. Read when a vault is first used.
    vaults: Mutex<BTreeMap<String, Vault>>,
}

/// A secret with its versions.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Secret {
    /// As it was first spelled.
    pub(crate) name: String,
    /// Oldest first; never empty.
    pub(crate) versions: Vec<Version>,
    /// When it was deleted, in Unix seconds. It can be recovered until it is purged.
    pub(crate) deleted: Option<i64>,
}

impl Secret {
    /// The newest version.
    pub(crate) fn latest(&self) -> Option<&Version> {
        self.versions.last()
    }
}

/// One version of a secret. Times are Unix seconds.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Version {
    /// 32 hexadecimal digits.
    pub(crate) id: String,
    #[serde(with = "kept_text")]
    pub(crate) value: SecretText,
    pub(crate) content_type: Option<String>,
    pub(crate) enabled: bool,
    pub(crate) not_before: Option<i64>,
    pub(crate) expires: Option<i64>,
    pub(crate) created: i64,
    pub(crate) updated: i64,
    /// None unless they were given.
    pub(crate) tags: Option<BTreeMap<String, String>>,
}

impl Secrets {
    /// Sets the folder, once. It is created when a secret is first set. Without one, secrets are in
    /// memory only.
    pub(crate) fn keep_in(&self, folder: PathBuf) {
        let _ = self.folder.set(folder);
    }

    /// Reads a vault.
    ///
    /// # Errors
    /// When its file can't be used.
    pub(crate) fn read<T>(&self, vault: &str, look: impl FnOnce(&Vault) -> T) -> io::Result<T> {
        let name = vault.to_lowercase();
        let mut vaults = self.vaults.lock().unwrap_or_else(PoisonError::into_inner);
        self.loaded(&mut vaults, name).map(|vault| look(vault))
    }

    /// Changes a vault while no other request does. Nothing changes if `change` fails, or if the
    /// file can't be written.
    ///
    /// # Errors
    /// Those of `change`, and when the file can't be used.
    pub(crate) fn edit<T, E: From<io::Error>>(
        &self,
        vault: &str,
        change: impl FnOnce(&mut Vault) -> Result<T, E>,
    ) -> Result<T, E> {
        let name = vault.to_lowercase();
        let mut vaults = self.vaults.lock().unwrap_or_else(PoisonError::into_inner);
        let old = self.loaded(&mut vaults, name.clone())?;
        let mut new = old.clone();
        let done = change(&mut new)?;
        if let Some(folder) = self.folder.get() {
            make_private(folder)?;
            write_json(folder, &format!("{name}.json"), &new)?;
        }
        *old = new;
        Ok(done)
    }

    /// Deletes the secrets of a vault, with the vault.
    ///
    /// # Errors
    /// When the file can't be deleted.
    pub(crate) fn remove_vault(&self, vault: &str) -> io::Result<()> {
        let name = vault.to_lowercase();
        let mut vaults = self.vaults.lock().unwrap_or_else(PoisonError::into_inner);
        vaults.remove(&name);
        let Some(folder) = self.folder.get() else {
            return Ok(());
        };
        match std::fs::remove_file(folder.join(format!("{name}.json"))) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    fn loaded<'a>(
        &self,
        vaults: &'a mut BTreeMap<String, Vault>,
        name: String,
    ) -> io::Result<&'a mut Vault> {
        // The name becomes part of a path.
        let is_name = |c: char| c.is_ascii_alphanumeric() || c == '-';
        if name.is_empty() || !name.chars().all(is_name) {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        match vaults.entry(name) {
            Entry::Occupied(found) => Ok(found.into_mut()),
            Entry::Vacant(place) => {
                let file = self
                    .folder
                    .get()
                    .map(|folder| folder.join(format!("{}.json", place.key())));
                let kept = file.map(|file| read_json(&file)).transpose()?.flatten();
                Ok(place.insert(kept.unwrap_or_default()))
            }
        }
    }
}
