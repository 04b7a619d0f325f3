//! Files of the user's that azcred changes: read without following a link, and replaced as a whole.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read, Write},
    path::{Path, PathBuf},
    sync::atomic::{AtomicU32, Ordering},
};
use zeroize::Zeroizing;

/// A file as it was when it was read.
pub(super) struct UserFile {
    metadata: fs::Metadata,
}

/// Why there is no content.
pub(super) enum Unread {
    /// There is no file.
    Missing,
    /// It is a link, which leads to a file of another folder.
    Link,
    /// It is a folder, a pipe or a device.
    NotAFile,
    /// It is larger than the limit.
    TooLarge,
    /// The system can't read it.
    Failed(io::Error),
}

impl From<io::Error> for Unread {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::NotFound => Self::Missing,
            _ => Self::Failed(error),
        }
    }
}

impl UserFile {
    /// Reads a whole file of at most `limit` bytes.
    pub(super) fn read(path: &Path, limit: u64) -> Result<(Zeroizing<Vec<u8>>, Self), Unread> {
        if fs::symlink_metadata(path)?.is_symlink() {
            return Err(Unread::Link);
        }
        let file = readable(path)?;
        let metadata = file.metadata()?;
        if !metadata.is_file() {
            return Err(Unread::NotAFile);
        }
        let mut bytes = Zeroizing::new(Vec::new());
        (&file).take(limit + 1).read_to_end(&mut bytes)?;
        match bytes.len() as u64 > limit {
            true => Err(Unread::TooLarge),
            false => Ok((bytes, Self { metadata })),
        }
    }

    /// Whether the file is still the one that was read.
    pub(super) fn is_still(&self, path: &Path) -> bool {
        let Ok(now) = fs::symlink_metadata(path) else {
            return false;
        };
        #[cfg(unix)]
        {
            use std::os::unix::fs::MetadataExt;
            let seen = |one: &fs::Metadata| (one.dev(), one.ino(), one.mtime(), one.mtime_nsec());
            seen(&now) == seen(&self.metadata)
        }
        #[cfg(not(unix))]
        {
            now.is_file()
                && now.len() == self.metadata.len()
                && now.modified().ok() == self.metadata.modified().ok()
        }
    }
}

/// Opens a file, and no link, without waiting for the writer of a pipe.
fn readable(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        let flags = rustix::fs::OFlags::NONBLOCK | rustix::fs::OFlags::NOFOLLOW;
        options.custom_flags(flags.bits().cast_signed());
    }
    // Opens a link itself, and not its target (`FILE_FLAG_OPEN_REPARSE_POINT`).
    #[cfg(windows)]
    std::os::windows::fs::OpenOptionsExt::custom_flags(&mut options, 0x0020_0000);
    options.open(path)
}

/// Who may read a draft, and so the file that it becomes.
#[derive(Clone, Copy)]
pub(super) enum DraftMode<'a> {
    /// As usual for new files.
    Usual,
    /// As the file that it replaces.
    Like(&'a UserFile),
    /// Its owner only. The file that it replaces, if there is one, names the owner.
    Private(Option<&'a UserFile>),
}

/// The new content, in a file next to the old one. It is deleted unless it takes the place of the
/// old one.
pub(super) struct Draft(PathBuf);

impl Draft {
    pub(super) fn write(path: &Path, content: &[u8], mode: DraftMode<'_>) -> io::Result<Self> {
        static DRAFTS: AtomicU32 = AtomicU32::new(0);
        let folder = path.parent().unwrap_or(Path::new(""));
        if !folder.as_os_str().is_empty() {
            // The folder `.azureml` may not exist.
            make_folder(folder)?;
        }
        let draft = folder.join(format!(
            ".azcred-{}-{}.tmp",
            std::process::id(),
            DRAFTS.fetch_add(1, Ordering::Relaxed)
        ));
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        // It is private before it has content.
        #[cfg(unix)]
        if matches!(mode, DraftMode::Private(_)) {
            std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        }
        let mut file = options.open(&draft)?;
        let this = Self(draft);
        let old = match mode {
            DraftMode::Usual => None,
            DraftMode::Like(old) => {
                file.set_permissions(old.metadata.permissions())?;
                Some(old)
            }
            DraftMode::Private(old) => old,
        };
        keep_owner(&file, folder, old);
        file.write_all(content)?;
        file.sync_all()?;
        Ok(this)
    }

    /// Moves it to a path that does not exist yet.
    pub(super) fn become_new(self, path: &Path) -> io::Result<()> {
        match fs::hard_link(&self.0, path) {
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::Unsupported | io::ErrorKind::PermissionDenied
                ) =>
            {
                // The file system has no hard links.
                OpenOptions::new().write(true).create_new(true).open(path)?;
                self.replace(path)
            }
            done => done,
        }
    }

    pub(super) fn replace(self, path: &Path) -> io::Result<()> {
        fs::rename(&self.0, path)
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        // After a rename, the file does not exist.
        let _ = fs::remove_file(&self.0);
    }
}

/// Makes a folder and those above it. What root makes belongs to the owner of the folder around it.
fn make_folder(folder: &Path) -> io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    let around = folder.parent().unwrap_or(Path::new(""));
    if !around.as_os_str().is_empty() {
        make_folder(around)?;
    }
    match fs::create_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Ok(()),
        made => made?,
    }
    // A link may be in its place by now: root must not give its target away.
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        let flags = rustix::fs::OFlags::DIRECTORY | rustix::fs::OFlags::NOFOLLOW;
        let mut options = OpenOptions::new();
        options.read(true).custom_flags(flags.bits().cast_signed());
        if let Ok(made) = options.open(folder) {
            keep_owner(&made, around, None);
        }
    }
    Ok(())
}

/// Root's file would be one that the user of the project can't change, so it belongs to the owner
/// of the old one, or of the folder.
#[cfg(unix)]
fn keep_owner(file: &File, folder: &Path, old: Option<&UserFile>) {
    use std::os::unix::fs::{MetadataExt, fchown};
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let folder = match folder.as_os_str().is_empty() {
        true => Path::new("."),
        false => folder,
    };
    let like = match old {
        Some(old) => Some(old.metadata.clone()),
        None => fs::metadata(folder).ok(),
    };
    if let Some(like) = like {
        // Some file systems have no owners.
        let _ = fchown(file, Some(like.uid()), Some(like.gid()));
    }
}

#[cfg(not(unix))]
fn keep_owner(_: &File, _: &Path, _: Option<&UserFile>) {}
