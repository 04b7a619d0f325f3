//! The machine that this process runs on.

use super::{
    Command, FileFacts, FileKind, FileLock, Finished, Hypervisor, Keyring, System, Unfinished,
    Writers, keyring::UserKeyring, process,
};
use futures_util::{FutureExt, future::BoxFuture};
use std::{
    ffi::OsString,
    fs,
    io::{self, IsTerminal, Read, Write},
    path::{Path, PathBuf},
    time::SystemTime,
};

/// The machine that this process runs on.
#[derive(Clone, Copy, Debug, Default)]
pub struct RealSystem;

impl super::Sealed for RealSystem {}

impl System for RealSystem {
    fn var(&self, name: &str) -> Option<String> {
        self.var_os(name)?.into_string().ok()
    }

    fn var_os(&self, name: &str) -> Option<OsString> {
        let value = std::env::var_os(name)?;
        let is_blank = value.to_str().is_some_and(|text| text.trim().is_empty());
        (!is_blank).then_some(value)
    }

    fn not_text(&self) -> Vec<String> {
        std::env::vars_os()
            .filter(|(_, value)| value.to_str().is_none())
            .filter_map(|(name, _)| name.into_string().ok())
            .collect()
    }

    fn current_folder(&self) -> Option<PathBuf> {
        std::env::current_dir().ok()
    }

    fn read(&self, path: &Path, limit: u64) -> io::Result<Vec<u8>> {
        // Opening a pipe waits for its other end; so may opening a device.
        let kind = fs::metadata(path)?.file_type();
        if kind.is_dir() {
            return Err(io::ErrorKind::IsADirectory.into());
        }
        if !kind.is_file() {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "it is not a regular file",
            ));
        }
        let file = open(path)?;
        // Another file may have been put at the path meanwhile.
        let metadata = file.metadata()?;
        if !metadata.is_file() {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        let most = limit.saturating_add(1);
        // One allocation, as a rule: a vector that grows leaves copies of its content in memory.
        let capacity = usize::try_from(metadata.len().saturating_add(1).min(most));
        let mut bytes = Vec::with_capacity(capacity.unwrap_or_default());
        file.take(most).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > limit {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        Ok(bytes)
    }

    fn look(&self, path: &Path) -> io::Result<FileFacts> {
        let metadata = fs::symlink_metadata(path)?;
        let kind = metadata.file_type();
        Ok(FileFacts {
            kind: if kind.is_symlink() {
                FileKind::Link
            } else if kind.is_file() {
                FileKind::File
            } else if kind.is_dir() {
                FileKind::Folder
            } else {
                FileKind::Other
            },
            len: metadata.len(),
            #[cfg(unix)]
            owner: Some(std::os::unix::fs::MetadataExt::uid(&metadata)),
            #[cfg(not(unix))]
            owner: None,
            writers: writers(&metadata),
            is_readable_by_others: is_readable_by_others(&metadata),
            modified: metadata.modified().ok(),
        })
    }

    fn write(&self, path: &Path, content: &[u8]) -> io::Result<()> {
        put(path, content, false)
    }

    fn write_durably(&self, path: &Path, content: &[u8]) -> io::Result<()> {
        put(path, content, true)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        match fs::remove_file(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            done => done,
        }
    }

    fn list(&self, folder: &Path) -> io::Result<Vec<OsString>> {
        fs::read_dir(folder)?
            .map(|entry| entry.map(|entry| entry.file_name()))
            .collect()
    }

    fn try_lock(&self, path: &Path) -> io::Result<Option<FileLock>> {
        let folder = path.parent().ok_or(io::ErrorKind::InvalidInput)?;
        private_folder(folder)?;
        loop {
            let file = lock_file().create(true).truncate(false).open(path)?;
            match file.try_lock() {
                Ok(()) if is_at(&file, path)? => return Ok(Some(FileLock::new(file))),
                // The file was removed before it was locked, and another may be at its path.
                Ok(()) => {}
                Err(fs::TryLockError::WouldBlock) => return Ok(None),
                Err(fs::TryLockError::Error(error)) => return Err(error),
            }
        }
    }

    #[cfg(feature = "disk-cache")]
    fn keyring(&self) -> Option<&dyn Keyring> {
        Some(&UserKeyring)
    }

    fn has_terminal(&self) -> bool {
        io::stderr().is_terminal()
    }

    fn start(&self, program: &Path, args: &[String]) -> io::Result<()> {
        process::start(program, args)
    }

    fn find_program(&self, name: &str) -> Option<PathBuf> {
        process::find(name, &std::env::var_os("PATH")?)
    }

    fn run(&self, command: Command) -> BoxFuture<'static, Result<Finished, Unfinished>> {
        process::run(command, self.current_folder(), None).boxed()
    }

    fn hypervisor(&self) -> Hypervisor {
        hypervisor()
    }

    #[cfg(unix)]
    fn user(&self) -> Option<u32> {
        Some(rustix::process::geteuid().as_raw())
    }

    fn os(&self) -> &'static str {
        std::env::consts::OS
    }

    /// On Linux, the kernel's id of this boot and the network namespace; `None` on other systems.
    fn boot(&self) -> Option<String> {
        let id = self
            .read(Path::new("/proc/sys/kernel/random/boot_id"), 64)
            .ok()?;
        let network = fs::read_link("/proc/self/ns/net").ok()?;
        Some(format!(
            "{} {}",
            String::from_utf8(id).ok()?.trim(),
            network.to_str()?
        ))
    }

    fn now(&self) -> SystemTime {
        SystemTime::now()
    }

    /// The kernel stores the time of its last tick (1 to 10 ms ago). Reading it takes a fifth of
    /// the time of a precise reading. It is the wall clock too: it changes when the clock is set
    /// and after a suspension.
    #[cfg(target_os = "linux")]
    fn coarse_now(&self) -> SystemTime {
        let time = rustix::time::clock_gettime(rustix::time::ClockId::RealtimeCoarse);
        match (u64::try_from(time.tv_sec), u32::try_from(time.tv_nsec)) {
            (Ok(seconds), Ok(nanos)) => {
                SystemTime::UNIX_EPOCH + std::time::Duration::new(seconds, nanos)
            }
            // The time is before 1970.
            _ => SystemTime::now(),
        }
    }
}

/// Writes a private file as a whole.
fn put(path: &Path, content: &[u8], durably: bool) -> io::Result<()> {
    let folder = path.parent().ok_or(io::ErrorKind::InvalidInput)?;
    private_folder(folder)?;
    let new = folder.join(format!(".new-{}", uuid::Uuid::new_v4()));
    let written = private_file()
        .create_new(true)
        .open(&new)
        .and_then(|mut file| {
            file.write_all(content)?;
            if durably { file.sync_all() } else { Ok(()) }
        })
        .and_then(|()| fs::rename(&new, path));
    if written.is_err() {
        let _ = fs::remove_file(&new);
        return written;
    }
    // The folder stores the name, so it is synced too. Not every file system allows that.
    #[cfg(unix)]
    if durably && let Ok(folder) = fs::File::open(folder) {
        let _ = folder.sync_all();
    }
    Ok(())
}

/// Makes a private folder if there is none.
fn private_folder(folder: &Path) -> io::Result<()> {
    let mut make = fs::DirBuilder::new();
    make.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut make, 0o700);
    make.create(folder)
}

/// Whether `file` is still the file at this path.
#[cfg(unix)]
fn is_at(file: &fs::File, path: &Path) -> io::Result<bool> {
    use std::os::unix::fs::MetadataExt;
    let id = |metadata: fs::Metadata| (metadata.dev(), metadata.ino());
    match fs::symlink_metadata(path) {
        Ok(there) => Ok(id(there) == id(file.metadata()?)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// A file that [`lock_file`] opened can't be removed.
#[cfg(not(unix))]
fn is_at(_: &fs::File, _: &Path) -> io::Result<bool> {
    Ok(true)
}

/// Options to open files for writing; a new file is private.
fn private_file() -> fs::OpenOptions {
    let mut open = fs::OpenOptions::new();
    open.write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut open, 0o600);
    open
}

/// Options to open a file that is to be locked. On Windows, an open file then can't be removed.
fn lock_file() -> fs::OpenOptions {
    #[cfg_attr(not(windows), expect(unused_mut))]
    let mut open = private_file();
    #[cfg(windows)]
    {
        // FILE_SHARE_READ and FILE_SHARE_WRITE without FILE_SHARE_DELETE.
        std::os::windows::fs::OpenOptionsExt::share_mode(&mut open, 0x1 | 0x2);
    }
    open
}

#[cfg(unix)]
fn is_readable_by_others(metadata: &fs::Metadata) -> bool {
    !metadata.is_symlink() && std::os::unix::fs::MetadataExt::mode(metadata) & 0o077 != 0
}

/// See [`writers`].
#[cfg(not(unix))]
fn is_readable_by_others(_: &fs::Metadata) -> bool {
    false
}

/// Opens a file for reading. It does not wait for the other end of a pipe.
fn open(path: &Path) -> io::Result<fs::File> {
    let mut options = fs::OpenOptions::new();
    options.read(true);
    #[cfg(unix)]
    {
        let flags = rustix::fs::OFlags::NONBLOCK | rustix::fs::OFlags::NOCTTY;
        std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, flags.bits().cast_signed());
    }
    options.open(path)
}

#[cfg(unix)]
fn writers(metadata: &fs::Metadata) -> Writers {
    use std::os::unix::fs::MetadataExt;
    // A link's own mode means nothing: its target has one.
    if metadata.is_symlink() {
        Writers::Owner
    } else if metadata.mode() & 0o002 != 0 {
        Writers::Anybody
    } else if metadata.mode() & 0o020 != 0 && metadata.gid() != metadata.uid() {
        Writers::Group
    } else {
        Writers::Owner
    }
}

/// Systems without modes have lists of permissions. By default, only the user may write to the
/// user's folder.
#[cfg(not(unix))]
fn writers(_: &fs::Metadata) -> Writers {
    Writers::Owner
}

/// CPUID leaf 1 says whether there is a hypervisor, leaf 0x4000_0000 which one. Leaf 0x4000_0003 of
/// Microsoft's says whether this is the root partition ('CreatePartitions', Hypervisor Top Level
/// Functional Specification).
#[cfg(any(target_arch = "x86_64", target_arch = "x86"))]
fn hypervisor() -> Hypervisor {
    const MAY_MAKE_OTHERS: u32 = 1;
    let cpu = raw_cpuid::CpuId::new();
    match cpu.get_feature_info() {
        None => return Hypervisor::Unknown,
        Some(features) if !features.has_hypervisor() => return Hypervisor::None,
        Some(_) => {}
    }
    let leaf = raw_cpuid::cpuid!(0x4000_0000_u32);
    let mut vendor = Vec::with_capacity(12);
    for word in [leaf.ebx, leaf.ecx, leaf.edx] {
        vendor.extend_from_slice(&word.to_le_bytes());
    }
    let vendor: String = vendor
        .into_iter()
        .take_while(|byte| byte.is_ascii_graphic() || *byte == b' ')
        .map(char::from)
        .collect();
    match vendor.as_str() {
        "" => Hypervisor::Unknown,
        "Microsoft Hv" if raw_cpuid::cpuid!(0x4000_0003_u32).ebx & MAY_MAKE_OTHERS != 0 => {
            Hypervisor::HyperVHost
        }
        "Microsoft Hv" => Hypervisor::HyperV,
        other => Hypervisor::Other(other.to_owned()),
    }
}

/// On other processors, programs can't read which hypervisor there is.
#[cfg(not(any(target_arch = "x86_64", target_arch = "x86")))]
fn hypervisor() -> Hypervisor {
    Hypervisor::Unknown
}
