//! Opens files that only this user may write: what is in a file's place is judged when it is open,
//! and nothing is waited for.

use std::{
    fs::{File, OpenOptions},
    io,
    path::Path,
};

/// Opens a file for reading.
///
/// # Errors
/// As [`File::open`]; also for a link, a pipe, another user's file, and one that other users may
/// write to.
pub fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    checked(options.read(true), path)
}

/// Opens a file that is to be locked. It is created (mode 0600) if it does not exist.
///
/// # Errors
/// As [`File::open`]; also for a link, a pipe, another user's file, and one that other users may
/// write to.
pub fn open_lock(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.create(true).truncate(false).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    checked(&mut options, path)
}

#[cfg(unix)]
fn checked(options: &mut OpenOptions, path: &Path) -> io::Result<File> {
    use rustix::{fs::OFlags, io::Errno};
    use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
    let wrong = |why: &'static str| io::Error::new(io::ErrorKind::InvalidInput, why);
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY;
    let opened = options.custom_flags(flags.bits().cast_signed()).open(path);
    let file = opened.map_err(|error| {
        let errno = error.raw_os_error().map(Errno::from_raw_os_error);
        match errno {
            Some(Errno::LOOP | Errno::MLINK) => wrong("it is a link; delete it"),
            // A pipe without a reader, or a socket.
            Some(Errno::NXIO | Errno::ISDIR) => wrong("it is not a file; delete it"),
            _ => error,
        }
    })?;
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(wrong("it is not a file; delete it"));
    }
    if metadata.uid() != rustix::process::geteuid().as_raw() {
        return Err(wrong(
            "it belongs to another user; run this as that user, or delete it",
        ));
    }
    if metadata.mode() & 0o022 != 0 {
        return Err(wrong("other users may write to it; delete it"));
    }
    Ok(file)
}

/// On other systems, files in the user's own folder are private. Not tested on a real machine.
#[cfg(not(unix))]
fn checked(options: &mut OpenOptions, path: &Path) -> io::Result<File> {
    // Opens a link itself, and not its target (`FILE_FLAG_OPEN_REPARSE_POINT`).
    #[cfg(windows)]
    std::os::windows::fs::OpenOptionsExt::custom_flags(options, 0x0020_0000);
    let wrong = || io::Error::new(io::ErrorKind::InvalidInput, "it is not a file; delete it");
    let file = options
        .open(path)
        .map_err(|error| match path.symlink_metadata() {
            // Windows denies to open a folder.
            Ok(found) if !found.is_file() => wrong(),
            _ => error,
        })?;
    match file.metadata()?.is_file() {
        true => Ok(file),
        false => Err(wrong()),
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::{
        fs,
        os::unix::fs::{PermissionsExt as _, symlink},
    };

    #[test]
    fn only_a_file_of_this_user_is_opened_and_nothing_is_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let check = |what: &str| {
            for opened in [open(&path), open_lock(&path)] {
                let error = opened.expect_err(what);
                assert!(error.to_string().contains("delete it"), "{what}: {error}");
            }
            let _ = fs::remove_file(&path);
            let _ = fs::remove_dir(&path);
        };
        let target = folder.path().join("target");
        fs::write(&target, "secret").unwrap();
        symlink(&target, &path).unwrap();
        check("a link");
        symlink(folder.path().join("nowhere"), &path).unwrap();
        check("a link to nowhere");
        assert!(!folder.path().join("nowhere").exists());
        let pipe = std::process::Command::new("mkfifo").arg(&path).status();
        assert!(pipe.unwrap().success());
        check("a pipe");
        let _socket = std::os::unix::net::UnixListener::bind(&path).unwrap();
        check("a socket");
        fs::create_dir(&path).unwrap();
        check("a folder");
        for mode in [0o666, 0o620] {
            fs::write(&path, "open").unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            check("a file that others may write to");
        }
        fs::write(&path, "foreign").unwrap();
        match std::os::unix::fs::chown(&path, Some(65_534), None) {
            Ok(()) => check("another user's file"),
            Err(error) => eprintln!("skipped: no file can be given away here: {error}"),
        }
        let _ = fs::remove_file(&path);
        assert!(open_lock(&path).is_ok() && open(&path).is_ok());
    }
}
