//! A temporary folder that ends with its process, even with one that was killed: the next process
//! of the same kind removes what was left.

use crate::{Locked, own_file};
use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

/// The folders of one kind of process.
#[derive(Clone, Copy, Debug)]
pub struct FolderKind {
    /// Beginning of their names.
    pub prefix: &'static str,
    /// The file in them that the process locks.
    pub lock: &'static str,
}

/// A private folder (mode 0700), which this process has locked. It is removed with this value.
#[derive(Debug)]
pub struct PrivateFolder {
    kind: FolderKind,
    path: PathBuf,
    /// The lock ends when the process ends, even after a crash.
    _lock: Locked,
    folder: Mutex<Option<tempfile::TempDir>>,
}

/// A folder could not be made or locked.
#[derive(Debug)]
pub struct FolderError {
    /// The folder or the file.
    pub path: PathBuf,
    /// What did not work.
    pub what: &'static str,
    /// The cause.
    pub source: io::Error,
}

impl PrivateFolder {
    /// Creates a folder in the system's folder for temporary files.
    ///
    /// # Errors
    /// When it can't be created or locked.
    pub fn create(kind: FolderKind) -> Result<Self, FolderError> {
        Self::create_in(&std::env::temp_dir(), kind)
    }

    fn create_in(temp: &Path, kind: FolderKind) -> Result<Self, FolderError> {
        let mut builder = tempfile::Builder::new();
        #[cfg(unix)]
        let private = std::os::unix::fs::PermissionsExt::from_mode(0o700);
        #[cfg(unix)]
        builder.permissions(private);
        let folder = builder
            .prefix(kind.prefix)
            .tempdir_in(temp)
            .map_err(error(temp, "no temporary folder can be created"))?;
        let path = folder.path().to_owned();
        // A file with the lock's name is locked from its first moment, so that another process does
        // not take this folder for one that was left.
        let new = path.join("lock-of-new-folder");
        let lock = own_file::open_lock(&new).map_err(error(&new, "the lock can't be opened"))?;
        let lock = Locked::exclusive(lock)
            .and_then(|lock| lock.ok_or_else(|| io::ErrorKind::WouldBlock.into()))
            .map_err(error(&new, "the folder can't be locked"))?;
        fs::rename(&new, path.join(kind.lock))
            .map_err(error(&path, "the lock can't be renamed"))?;
        Ok(Self {
            kind,
            path,
            _lock: lock,
            folder: Mutex::new(Some(folder)),
        })
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Removes the folders of processes of this kind that were killed: folders of this user with
    /// the lock file, which no process has locked. `before` is called with each of them first.
    pub fn remove_left(&self, before: impl Fn(&Path)) {
        let around = self.path.parent().map(fs::read_dir);
        for entry in around.into_iter().flatten().flatten().flatten() {
            let path = entry.path();
            let name = entry.file_name();
            let is_named = name.to_string_lossy().starts_with(self.kind.prefix);
            if !is_named || path == self.path || !has_owner_of(&path, &self.path) {
                continue;
            }
            let lock = path.join(self.kind.lock);
            // Not through a link. Only this user can change something in the folder.
            let is_file = lock.symlink_metadata().is_ok_and(|found| found.is_file());
            let lock = is_file.then(|| File::open(lock).and_then(Locked::exclusive));
            let Some(Ok(Some(_lock))) = lock else {
                continue;
            };
            before(&path);
            // Another process may remove it at the same time, and the next one tries again.
            let _ = fs::remove_dir_all(&path);
        }
    }

    /// Removes the folder now, even if tasks still use it: a process that ends does not wait for
    /// tasks.
    ///
    /// # Errors
    /// When something in it can't be removed.
    pub fn end(&self) -> io::Result<()> {
        let mut folder = self.folder.lock().unwrap_or_else(PoisonError::into_inner);
        folder.take().map_or(Ok(()), tempfile::TempDir::close)
    }
}

fn error(path: &Path, what: &'static str) -> impl FnOnce(io::Error) -> FolderError {
    let path = path.to_owned();
    move |source| FolderError { path, what, source }
}

/// Whether a path is a folder, not a link, and private to the owner of the other one.
#[cfg(unix)]
fn has_owner_of(folder: &Path, own: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    let (Ok(found), Ok(own)) = (folder.symlink_metadata(), own.symlink_metadata()) else {
        return false;
    };
    found.is_dir() && found.uid() == own.uid() && found.mode() & 0o077 == 0
}

/// On other systems, the temporary folder is in the user's own folder.
#[cfg(not(unix))]
fn has_owner_of(folder: &Path, _: &Path) -> bool {
    folder.symlink_metadata().is_ok_and(|found| found.is_dir())
}

#[cfg(test)]
mod tests {
    use super::*;

    const KIND: FolderKind = FolderKind {
        prefix: "azcred-test-",
        lock: "test.lock",
    };

    #[test]
    fn a_folder_that_was_left_is_removed_and_one_in_use_is_not() {
        let temp = tempfile::tempdir().unwrap();
        let new = || PrivateFolder::create_in(temp.path(), KIND).unwrap();
        let (left, used, last) = (new(), new(), new());
        // A killed process: its lock has ended, and its folder is still there.
        let killed = left.folder.lock().unwrap().take().unwrap().keep();
        drop(left);
        fs::write(killed.join("made"), "").unwrap();
        let other = temp.path().join("azcred-test-other");
        fs::create_dir(&other).unwrap();
        last.remove_left(|found| assert!(found == killed && found.join("made").exists()));
        for (folder, exists) in [
            (killed.as_path(), false),
            (used.path(), true),
            (last.path(), true),
            (&other, true),
        ] {
            assert_eq!(folder.exists(), exists, "{}", folder.display());
        }
        last.end().unwrap();
        assert!(!last.path().exists());
    }
}
