//! The id of a data folder, which the names of its items in the keyring have.
//!
//! The keyring is the user's, but a user may have several data folders: `AZCRED_HOME`, an
//! emulator's, a container's. The file `id` has a random value, so that no folder uses or replaces
//! another's items:
//! - a folder that is moved still finds its items, since the file moves with it;
//! - a copy has the same items, so signing out in one signs out in the other;
//! - a folder that is made again has other items. Those of the removed one stay in the keyring, and
//!   open nothing;
//! - machines that share a folder have their own keyrings, and so their own items.
//!
//! Older versions had names without the id. Their items are still read by the folders that they
//! were made for, and never changed or removed: another folder may use them.

use super::{
    Shelf,
    key::{MARKER, PrivateFile, read_private},
    trouble,
};
use crate::{facts::Result, system::System};
use std::path::Path;

/// The name that older versions gave to the key's item.
pub(super) const OLD_NAME: &str = "azcred";
const FILE: &str = "id";
/// The start of the file.
const FORM: &str = "azcred-id-1 ";
/// The end of the file if an older version made the folder.
const AFTER_OLD: &str = "after-old";
const LIMIT: u64 = 256;

/// The id of a data folder.
pub(super) struct FolderId {
    text: String,
    /// Whether an older version stored the folder's key.
    pub(super) is_after_old: bool,
}

impl FolderId {
    /// The name of the key's item.
    pub(super) fn key_item(&self) -> String {
        format!("azcred-{}", self.text)
    }

    /// The name of another item.
    pub(super) fn item(&self, of: &str) -> String {
        format!("azcred-{}-{of}", self.text)
    }
}

/// The folder's id, if it has one.
pub(super) fn folder_id(system: &dyn System, folder: &Path) -> Result<Option<FolderId>> {
    let PrivateFile::Text(text) = read_private(system, &folder.join(FILE), LIMIT)? else {
        return Ok(None);
    };
    let words = str::from_utf8(&text)
        .ok()
        .and_then(|text| text.strip_prefix(FORM));
    let mut words = words.unwrap_or_default().split_whitespace();
    let is_id = |id: &&str| id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit());
    Ok(words.next().filter(is_id).map(|id| FolderId {
        text: id.to_owned(),
        is_after_old: words.next() == Some(AFTER_OLD),
    }))
}

/// The folder's id. It is made if there is none. Only one process at a time may call this.
pub(super) fn id_or_make(system: &dyn System, folder: &Path) -> Result<FolderId> {
    if let Some(id) = folder_id(system, folder)? {
        return Ok(id);
    }
    let id = FolderId {
        text: uuid::Uuid::new_v4().simple().to_string(),
        is_after_old: system.look(&folder.join(MARKER)).is_ok(),
    };
    let after = if id.is_after_old { AFTER_OLD } else { "" };
    let path = folder.join(FILE);
    let line = format!("{FORM}{} {after}", id.text);
    let line = format!("{}\n", line.trim_end());
    super::write(system, &path, line.as_bytes(), true).map_err(|error| {
        trouble::failed(system, "could not write", &path, Shelf::SignIns, &error)
    })?;
    // On file systems without locks, another process may have written an id meanwhile. The last one
    // counts.
    Ok(folder_id(system, folder)?.unwrap_or(id))
}
