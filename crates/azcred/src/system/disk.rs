//! Files on the real disk: opened once and judged when they are open, written as a whole, locked.
//!
//! What was looked at by its path can be another file when the path is opened. So every file whose
//! owner, mode or place counts is opened without following a link, in a folder that is open too,
//! and what is judged are the open file and the open folder.

use super::{
    FileFacts, FileKind, FileLock, OpenFile, Writers,
    open_file::{Content, Unsuitable},
};
use std::{
    fs, io,
    io::Write,
    path::{Path, PathBuf},
};

pub(super) use imp::{open, open_following};

/// What is at a path. A link is not followed.
pub(super) fn look(path: &Path) -> io::Result<FileFacts> {
    fs::symlink_metadata(path).map(|metadata| imp::facts(&metadata))
}

/// Writes a private file as a whole.
pub(super) fn put(path: &Path, content: &[u8], durably: bool) -> io::Result<()> {
    let folder = imp::OwnFolder::open(parent(path)?)?;
    let new = format!(".new-{}", uuid::Uuid::new_v4());
    let written = folder
        .create(&new)
        .and_then(|mut file| {
            file.write_all(content)?;
            if durably { file.sync_all() } else { Ok(()) }
        })
        .and_then(|()| folder.rename(&new, path));
    if written.is_err() {
        folder.remove(&new);
        return written;
    }
    if durably {
        folder.sync();
    }
    Ok(())
}

/// A locked file. Closing it would not end the lock if the process was forked meanwhile: the child
/// has the same open file.
struct Locked(fs::File);

impl Drop for Locked {
    fn drop(&mut self) {
        // What can't be unlocked is unlocked when it is closed.
        let _ = self.0.unlock();
    }
}

/// Locks a private file; it is made if there is none.
pub(super) fn try_lock(path: &Path) -> io::Result<Option<FileLock>> {
    let folder = imp::OwnFolder::open(parent(path)?)?;
    loop {
        let file = folder.open_lock(path)?;
        match file.try_lock() {
            Ok(()) if folder.has(&file, path)? => return Ok(Some(FileLock::new(Locked(file)))),
            // The file was removed before it was locked, and another may be at its path.
            Ok(()) => {}
            Err(fs::TryLockError::WouldBlock) => return Ok(None),
            Err(fs::TryLockError::Error(error)) => return Err(error),
        }
    }
}

/// Makes `folder` and what is missing above it. `own` is azcred's own folder: it and the folders
/// below it are private; the folders above it, such as `~/.cache`, get the usual mode.
pub(super) fn make_folder(folder: &Path, own: &Path) -> io::Result<()> {
    if fs::symlink_metadata(folder).is_ok() {
        return Ok(());
    }
    imp::check_home(nearest(folder)?)?;
    if let Some(around) = own.parent() {
        imp::builder(0o755).recursive(true).create(around)?;
    }
    imp::builder(0o700).recursive(true).create(folder)
}

/// The nearest folder that exists, and its metadata.
fn nearest(path: &Path) -> io::Result<(PathBuf, fs::Metadata)> {
    for folder in path.ancestors() {
        match fs::metadata(folder) {
            Ok(metadata) => return Ok((folder.to_owned(), metadata)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Err(io::ErrorKind::NotFound.into())
}

/// The folder of a file. A name alone is one in the current folder.
fn parent(path: &Path) -> io::Result<&Path> {
    match path.parent() {
        Some(folder) if folder.as_os_str().is_empty() => Ok(Path::new(".")),
        Some(folder) => Ok(folder),
        None => Err(io::ErrorKind::InvalidInput.into()),
    }
}

fn unsuitable(path: &Path, facts: FileFacts) -> io::Error {
    let path = path.to_owned();
    io::Error::new(io::ErrorKind::PermissionDenied, Unsuitable { path, facts })
}

/// The kind of what a metadata describes.
fn kind(metadata: &fs::Metadata) -> FileKind {
    if metadata.is_symlink() {
        FileKind::Link
    } else if metadata.is_file() {
        FileKind::File
    } else if metadata.is_dir() {
        FileKind::Folder
    } else {
        FileKind::Other
    }
}

#[cfg(unix)]
mod imp {
    use super::{
        super::Foreign, Content, FileFacts, FileKind, OpenFile, Path, PathBuf, Writers, fs, io,
        kind, parent, unsuitable,
    };
    use rustix::{
        fs::{AtFlags, FileType, Mode, OFlags, Stat},
        process::geteuid,
    };
    use std::{
        ffi::OsStr,
        os::{
            fd::OwnedFd,
            unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt},
        },
    };

    /// Opening neither waits for the other end of a pipe nor makes a terminal this process's.
    const AT_ONCE: OFlags = OFlags::NONBLOCK
        .union(OFlags::NOCTTY)
        .union(OFlags::CLOEXEC);

    /// Opens the file at a path, and the folder in which it is. A link at the path is not followed;
    /// one at the folder's path is, and is told.
    pub(in super::super) fn open(path: &Path) -> io::Result<OpenFile> {
        open_with(path, || ())
    }

    /// As [`open`]. `meanwhile` runs after the look and before the file is opened.
    pub(in super::super) fn open_with(
        path: &Path,
        meanwhile: impl FnOnce(),
    ) -> io::Result<OpenFile> {
        let (folder, is_linked) = match folder_at(parent(path)?, OFlags::NOFOLLOW) {
            // The kernel says that a link is no folder, or that there are too many links.
            Err(error)
                if matches!(
                    error
                        .raw_os_error()
                        .map(rustix::io::Errno::from_raw_os_error),
                    Some(rustix::io::Errno::NOTDIR | rustix::io::Errno::LOOP)
                ) =>
            {
                (folder_at(parent(path)?, OFlags::empty())?, true)
            }
            folder => (folder?, false),
        };
        let name = name(path)?;
        let around = facts(&folder.1);
        let opened = |facts, file: Option<fs::File>| OpenFile {
            facts,
            folder: around,
            folder_is_linked: is_linked,
            content: file.map(Content::File),
        };
        let there = stat(&folder.0, name)?;
        // Opening a device may do something, so nothing but a file is opened.
        if there.kind != FileKind::File {
            return Ok(opened(there, None));
        }
        meanwhile();
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | AT_ONCE;
        let file = match rustix::fs::openat(&folder.0, name, flags, Mode::empty()) {
            Ok(file) => fs::File::from(file),
            // What is there now is a link or a socket.
            Err(rustix::io::Errno::LOOP | rustix::io::Errno::MLINK | rustix::io::Errno::NXIO) => {
                return Ok(opened(stat(&folder.0, name)?, None));
            }
            Err(error) => return Err(error.into()),
        };
        let facts = facts(&file.metadata()?);
        let file = (facts.kind == FileKind::File).then_some(file);
        Ok(opened(facts, file))
    }

    /// Opens a file for reading, through links.
    pub(in super::super) fn open_following(path: &Path) -> io::Result<fs::File> {
        let mut options = fs::OpenOptions::new();
        options
            .read(true)
            .custom_flags(AT_ONCE.bits().cast_signed());
        options.open(path)
    }

    /// An open folder that belongs to this user, and that no other user may write to.
    pub(super) struct OwnFolder(OwnedFd);

    impl OwnFolder {
        /// # Errors
        /// [`super::Unsuitable`] if the folder is a link, another user's, or open to writers.
        pub(super) fn open(path: &Path) -> io::Result<Self> {
            let (folder, metadata) = match folder_at(path, OFlags::NOFOLLOW) {
                Ok(folder) => folder,
                Err(error) => {
                    return Err(match super::look(path) {
                        Ok(there) if there.kind != FileKind::Folder => unsuitable(path, there),
                        _ => error,
                    });
                }
            };
            let facts = facts(&metadata);
            if facts.owner != Some(geteuid().as_raw()) || facts.writers != Writers::Owner {
                return Err(unsuitable(path, facts));
            }
            Ok(Self(folder))
        }

        /// Makes a private file.
        pub(super) fn create(&self, name: &str) -> io::Result<fs::File> {
            let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW;
            let mode = Mode::RUSR | Mode::WUSR;
            let file = rustix::fs::openat(&self.0, name, flags | OFlags::CLOEXEC, mode)?;
            Ok(file.into())
        }

        pub(super) fn rename(&self, new: &str, path: &Path) -> io::Result<()> {
            Ok(rustix::fs::renameat(&self.0, new, &self.0, name(path)?)?)
        }

        pub(super) fn remove(&self, name: &str) {
            let _ = rustix::fs::unlinkat(&self.0, name, AtFlags::empty());
        }

        /// The folder stores the names, so it is synced too. Not every file system allows that.
        pub(super) fn sync(&self) {
            let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
            if let Ok(folder) = rustix::fs::openat(&self.0, ".", flags, Mode::empty()) {
                let _ = rustix::fs::fsync(folder);
            }
        }

        /// Opens a private file that is to be locked, or makes one.
        ///
        /// # Errors
        /// [`super::Unsuitable`] for anything but a private file of this user.
        pub(super) fn open_lock(&self, path: &Path) -> io::Result<fs::File> {
            let name = name(path)?;
            let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::NOFOLLOW | AT_ONCE;
            let mode = Mode::RUSR | Mode::WUSR;
            let file = match rustix::fs::openat(&self.0, name, flags, mode) {
                Ok(file) => fs::File::from(file),
                Err(error) => {
                    return Err(match stat(&self.0, name) {
                        Ok(there) if !is_private(&there) => unsuitable(path, there),
                        _ => error.into(),
                    });
                }
            };
            let facts = facts(&file.metadata()?);
            match is_private(&facts) {
                true => Ok(file),
                false => Err(unsuitable(path, facts)),
            }
        }

        /// Whether `file` is still the file at this path.
        pub(super) fn has(&self, file: &fs::File, path: &Path) -> io::Result<bool> {
            let own = rustix::fs::fstat(file)?;
            match rustix::fs::statat(&self.0, name(path)?, AtFlags::SYMLINK_NOFOLLOW) {
                Ok(there) => Ok((there.st_dev, there.st_ino) == (own.st_dev, own.st_ino)),
                Err(rustix::io::Errno::NOENT) => Ok(false),
                Err(error) => Err(error.into()),
            }
        }
    }

    /// Fails if this user is the administrator and the folder is another user's. The system's
    /// permissions decide for all others (pip's `check_path_owner` has the same rule).
    pub(super) fn check_home((folder, metadata): (PathBuf, fs::Metadata)) -> io::Result<()> {
        const ADMINISTRATOR: u32 = 0;
        if geteuid().is_root() && metadata.uid() != ADMINISTRATOR {
            let foreign = Foreign { folder };
            return Err(io::Error::new(io::ErrorKind::PermissionDenied, foreign));
        }
        Ok(())
    }

    pub(super) fn builder(mode: u32) -> fs::DirBuilder {
        let mut builder = fs::DirBuilder::new();
        builder.mode(mode);
        builder
    }

    fn is_private(facts: &FileFacts) -> bool {
        facts.kind == FileKind::File
            && facts.owner == Some(geteuid().as_raw())
            && facts.writers == Writers::Owner
            && !facts.is_readable_by_others
    }

    fn folder_at(path: &Path, follow: OFlags) -> io::Result<(OwnedFd, fs::Metadata)> {
        // Without reading its names: a folder may be one that this user can only enter.
        #[cfg(any(target_os = "linux", target_os = "android"))]
        let enter = OFlags::PATH;
        #[cfg(not(any(target_os = "linux", target_os = "android")))]
        let enter = OFlags::RDONLY;
        let flags = enter | OFlags::DIRECTORY | OFlags::CLOEXEC | follow;
        let folder = fs::File::from(rustix::fs::open(path, flags, Mode::empty())?);
        let metadata = folder.metadata()?;
        Ok((folder.into(), metadata))
    }

    fn name(path: &Path) -> io::Result<&OsStr> {
        path.file_name().ok_or(io::ErrorKind::InvalidInput.into())
    }

    /// What is in an open folder. A link is not followed.
    fn stat(folder: &OwnedFd, name: &OsStr) -> io::Result<FileFacts> {
        let stat = rustix::fs::statat(folder, name, AtFlags::SYMLINK_NOFOLLOW)?;
        Ok(facts_of(&stat))
    }

    fn facts_of(stat: &Stat) -> FileFacts {
        let kind = match FileType::from_raw_mode(stat.st_mode) {
            FileType::RegularFile => FileKind::File,
            FileType::Directory => FileKind::Folder,
            FileType::Symlink => FileKind::Link,
            _ => FileKind::Other,
        };
        let mode = Mode::from_raw_mode(stat.st_mode);
        FileFacts {
            kind,
            len: u64::try_from(stat.st_size).unwrap_or_default(),
            owner: Some(stat.st_uid),
            writers: writers(kind, mode, stat.st_uid, stat.st_gid),
            is_readable_by_others: kind != FileKind::Link
                && mode.intersects(Mode::RWXG | Mode::RWXO),
            modified: None,
        }
    }

    pub(in super::super) fn facts(metadata: &fs::Metadata) -> FileFacts {
        let kind = kind(metadata);
        let has = |mask| metadata.mode() & mask != 0;
        let mut mode = Mode::empty();
        mode.set(Mode::WGRP, has(0o020));
        mode.set(Mode::WOTH, has(0o002));
        FileFacts {
            kind,
            len: metadata.len(),
            owner: Some(metadata.uid()),
            writers: writers(kind, mode, metadata.uid(), metadata.gid()),
            is_readable_by_others: kind != FileKind::Link && has(0o077),
            modified: metadata.modified().ok(),
        }
    }

    fn writers(kind: FileKind, mode: Mode, owner: u32, group: u32) -> Writers {
        // A link's own mode means nothing: its target has one.
        if kind == FileKind::Link {
            Writers::Owner
        } else if mode.contains(Mode::WOTH) {
            Writers::Anybody
        } else if mode.contains(Mode::WGRP) && group != owner {
            Writers::Group
        } else {
            Writers::Owner
        }
    }
}

/// Systems without modes have lists of permissions. By default, only the user may write to the
/// user's folder. Not tested on a real machine.
#[cfg(not(unix))]
mod imp {
    use super::{
        Content, FileFacts, FileKind, OpenFile, Path, PathBuf, Writers, fs, io, kind, parent,
        unsuitable,
    };

    pub(in super::super) fn open(path: &Path) -> io::Result<OpenFile> {
        let around = super::look(parent(path)?)?;
        let opened = |facts, file: Option<fs::File>| OpenFile {
            facts,
            folder: around,
            folder_is_linked: around.kind == FileKind::Link,
            content: file.map(Content::File),
        };
        let there = super::look(path)?;
        if there.kind != FileKind::File {
            return Ok(opened(there, None));
        }
        let mut options = fs::OpenOptions::new();
        options.read(true);
        let file = itself(&mut options).open(path)?;
        let facts = facts(&file.metadata()?);
        let file = (facts.kind == FileKind::File).then_some(file);
        Ok(opened(facts, file))
    }

    /// Opens a file for reading, through links.
    pub(in super::super) fn open_following(path: &Path) -> io::Result<fs::File> {
        fs::File::open(path)
    }

    /// Opens a link itself, and not its target (`FILE_FLAG_OPEN_REPARSE_POINT`).
    fn itself(options: &mut fs::OpenOptions) -> &mut fs::OpenOptions {
        #[cfg(windows)]
        std::os::windows::fs::OpenOptionsExt::custom_flags(options, 0x0020_0000);
        options
    }

    pub(super) struct OwnFolder(PathBuf);

    impl OwnFolder {
        pub(super) fn open(path: &Path) -> io::Result<Self> {
            let there = super::look(path)?;
            match there.kind {
                FileKind::Folder => Ok(Self(path.to_owned())),
                _ => Err(unsuitable(path, there)),
            }
        }

        pub(super) fn create(&self, name: &str) -> io::Result<fs::File> {
            let mut options = fs::OpenOptions::new();
            options.write(true).create_new(true);
            options.open(self.0.join(name))
        }

        pub(super) fn rename(&self, new: &str, path: &Path) -> io::Result<()> {
            fs::rename(self.0.join(new), path)
        }

        pub(super) fn remove(&self, name: &str) {
            let _ = fs::remove_file(self.0.join(name));
        }

        pub(super) fn sync(&self) {}

        pub(super) fn open_lock(&self, path: &Path) -> io::Result<fs::File> {
            let mut options = fs::OpenOptions::new();
            options.write(true).create(true).truncate(false);
            // FILE_SHARE_READ and FILE_SHARE_WRITE without FILE_SHARE_DELETE: an open file then
            // can't be removed.
            #[cfg(windows)]
            std::os::windows::fs::OpenOptionsExt::share_mode(&mut options, 0x1 | 0x2);
            let opened = itself(&mut options).open(path);
            let file = opened.map_err(|error| match super::look(path) {
                // Windows denies to open a folder.
                Ok(there) if there.kind != FileKind::File => unsuitable(path, there),
                _ => error,
            })?;
            let facts = facts(&file.metadata()?);
            match facts.kind {
                FileKind::File => Ok(file),
                _ => Err(unsuitable(path, facts)),
            }
        }

        /// A file that is open for a lock can't be removed.
        pub(super) fn has(&self, _: &fs::File, _: &Path) -> io::Result<bool> {
            Ok(true)
        }
    }

    pub(super) fn check_home(_: (PathBuf, fs::Metadata)) -> io::Result<()> {
        Ok(())
    }

    pub(super) fn builder(_: u32) -> fs::DirBuilder {
        fs::DirBuilder::new()
    }

    pub(in super::super) fn facts(metadata: &fs::Metadata) -> FileFacts {
        FileFacts {
            kind: kind(metadata),
            len: metadata.len(),
            owner: None,
            writers: Writers::Owner,
            is_readable_by_others: false,
            modified: metadata.modified().ok(),
        }
    }
}

#[cfg(all(test, unix))]
#[path = "disk_tests.rs"]
mod tests;
