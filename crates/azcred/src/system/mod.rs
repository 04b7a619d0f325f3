//! The outside world as a parameter: variables, files, programs, the clock and the kind of machine.
//!
//! Credentials don't use `std::env`, the disk, the clock or processes directly. They use a
//! [`System`]. The default is the real machine. A `Fixture` makes any environment a value.

mod application;
#[cfg(feature = "people")]
pub(crate) mod browser;
mod disk;
mod embedded;
#[cfg(any(test, feature = "test-util"))]
mod fixture;
mod folders;
mod keyring;
mod limits;
mod loopback;
mod open_file;
mod process;
mod real;
mod seen;
mod unattended;
mod variables;

pub use application::{ApplicationProof, ApplicationSystem};
pub use embedded::EmbeddedSystem;
#[cfg(any(test, feature = "test-util"))]
pub use fixture::{Fixture, Program};
pub(crate) use folders::{as_set, checked_path, make_own};
pub use folders::{cache_folder, config_folder, data_folder, home, path};
#[cfg(all(feature = "fuzzing", target_os = "linux"))]
#[doc(hidden)]
pub use keyring::{bus_address, secret_service_of};
pub(crate) use limits::{OutOfFiles, is_out_of_files};
pub use loopback::is_loopback;
pub use open_file::OpenFile;
pub(crate) use open_file::{Foreign, Unsuitable};
pub use process::{AZ_CALLED, STAND_IN, is_this_program, programs};
pub use real::RealSystem;
#[cfg(not(feature = "test-util"))]
pub(crate) use sealed::Sealed;
#[cfg(feature = "test-util")]
#[doc(hidden)]
pub use sealed::Sealed;
pub(crate) use seen::{list_if_seen, look_if_seen, open_if_seen, read_if_seen};
pub use unattended::{Unattended, unattended};
pub(crate) use variables::{EXEC_VARIABLE, check_text, is_in_program};

use futures_util::future::BoxFuture;
use std::{
    ffi::OsString,
    fmt, io,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, SystemTime},
};
use zeroize::Zeroizing;

/// What a credential may read and run on its machine.
///
/// Only this crate implements the trait, so it may grow: [`RealSystem`] is the machine, and
/// `Fixture`, with the feature `test-util`, is any other. Tests with that feature can implement the
/// trait too, by `Sealed`; for them it can change in every version.
pub trait System: sealed::Sealed + Send + Sync + fmt::Debug {
    /// An environment variable with text; `None` if it is unset, empty or only white space. Other
    /// Azure tools treat these three alike. White space, quotes and unseen characters around a
    /// value are taken away, but a secret stays as it is. Also `None` if it is not UTF-8: sessions,
    /// chains and requests then fail ([`System::not_text`]). [`path`] reads a variable with a path.
    fn var(&self, name: &str) -> Option<String>;

    /// As [`System::var`], with any bytes.
    fn var_os(&self, name: &str) -> Option<OsString> {
        self.var(name).map(Into::into)
    }

    /// The names of all variables whose values are not UTF-8.
    fn not_text(&self) -> Vec<String> {
        Vec::new()
    }

    /// The current folder of this process; `None` if there is none, such as one that was removed.
    fn current_folder(&self) -> Option<PathBuf> {
        None
    }

    /// Reads a whole regular file of at most `limit` bytes.
    ///
    /// # Errors
    /// As [`std::fs::read`]; [`io::ErrorKind::FileTooLarge`] over the limit;
    /// [`io::ErrorKind::IsADirectory`] for a folder; [`io::ErrorKind::InvalidInput`] for a pipe or
    /// a device, which could block forever.
    fn read(&self, path: &Path, limit: u64) -> io::Result<Vec<u8>>;

    /// Opens the file at a path, without following a link there: for every file whose owner, mode
    /// or place counts. It does not wait for the other end of a pipe.
    ///
    /// # Errors
    /// As [`std::fs::File::open`]. What is not a regular file is no error: see [`OpenFile::facts`].
    fn open(&self, path: &Path) -> io::Result<OpenFile>;

    /// What is at a path. A link is not followed.
    ///
    /// # Errors
    /// As [`std::fs::symlink_metadata`].
    fn look(&self, path: &Path) -> io::Result<FileFacts>;

    /// Makes a folder if there is none. `own` is azcred's own folder: it and what is below it is
    /// private (0700); folders above it, such as `~/.cache`, get the usual mode (0755 without the
    /// process's umask).
    ///
    /// # Errors
    /// As [`std::fs::create_dir_all`]; also if this is the administrator and the folder would be
    /// made in another user's.
    fn make_folder(&self, folder: &Path, own: &Path) -> io::Result<()> {
        let _ = (folder, own);
        Ok(())
    }

    /// Writes a private file as a whole: readers see the old content or the new. The file's mode is
    /// 0600.
    ///
    /// # Errors
    /// As [`std::fs::write`]; also if the folder does not belong to this user, or others may write
    /// to it.
    fn write(&self, path: &Path, content: &[u8]) -> io::Result<()>;

    /// As [`System::write`]. The content also survives a loss of power directly afterwards.
    ///
    /// # Errors
    /// As [`std::fs::write`].
    fn write_durably(&self, path: &Path, content: &[u8]) -> io::Result<()> {
        self.write(path, content)
    }

    /// Removes a file. A missing file is not an error.
    ///
    /// # Errors
    /// As [`std::fs::remove_file`].
    fn remove(&self, path: &Path) -> io::Result<()> {
        let _ = path;
        Err(io::ErrorKind::Unsupported.into())
    }

    /// The names in a folder, in no particular order.
    ///
    /// # Errors
    /// As [`std::fs::read_dir`].
    fn list(&self, folder: &Path) -> io::Result<Vec<OsString>> {
        let _ = folder;
        Err(io::ErrorKind::Unsupported.into())
    }

    /// Locks a private file for this process. If there is no file, it is made (0600). Returns
    /// `None` if another process has the lock. The lock ends when it is dropped and when the
    /// process ends.
    ///
    /// # Errors
    /// [`io::ErrorKind::Unsupported`] on file systems without locks; [`System::write`]'s for the
    /// folder; also for a link, a pipe and a file that is another user's or open to others.
    fn try_lock(&self, path: &Path) -> io::Result<Option<FileLock>> {
        let _ = path;
        Err(io::ErrorKind::Unsupported.into())
    }

    /// The user's keyring; `None` if this machine has none.
    fn keyring(&self) -> Option<&dyn Keyring> {
        None
    }

    /// Whether a person is at a terminal: whether standard error, where messages to them go, is
    /// one.
    fn has_terminal(&self) -> bool {
        false
    }

    /// Starts a program that outlives this process, such as a browser: without a shell, with empty
    /// streams, in its own process group.
    ///
    /// # Errors
    /// As [`std::process::Command::spawn`].
    fn start(&self, program: &Path, args: &[String]) -> io::Result<()> {
        let _ = (program, args);
        Err(io::ErrorKind::Unsupported.into())
    }

    /// The full path of a program on `PATH`. Relative folders in `PATH` are skipped: they depend on
    /// the current folder.
    fn find_program(&self, name: &str) -> Option<PathBuf>;

    /// Runs a program to its end, without a shell or a terminal and with empty standard input. Its
    /// current folder is one that only an administrator can write to.
    ///
    /// Cancel-safe: at the deadline, or when the future is dropped, the program and everything that
    /// it started are killed. Needs a Tokio runtime with I/O and time.
    ///
    /// # Errors
    /// [`Unfinished`] if the program did not end by itself.
    fn run(&self, command: Command) -> BoxFuture<'static, Result<Finished, Unfinished>>;

    /// The hypervisor of this machine, as its processor reports it.
    fn hypervisor(&self) -> Hypervisor;

    /// The user id of this process, comparable with [`FileFacts::owner`]; `None` on systems without
    /// user ids.
    fn user(&self) -> Option<u32> {
        None
    }

    /// The operating system, as [`std::env::consts::OS`] writes it: `linux`, `macos`, `windows`.
    fn os(&self) -> &'static str;

    /// A value that changes when the machine restarts and differs between its network namespaces;
    /// `None` if there is none.
    fn boot(&self) -> Option<String>;

    /// The time now, by this machine's clock.
    fn now(&self) -> SystemTime;

    /// The time now, or up to some milliseconds ago if that is cheaper to read. Every call compares
    /// it with a cached token's end.
    fn coarse_now(&self) -> SystemTime {
        self.now()
    }
}

/// Keeps [`System`] and [`Keyring`] to this crate.
mod sealed {
    /// See [`super::System`].
    pub trait Sealed {}
}

/// A system that credentials share.
pub type SharedSystem = Arc<dyn System>;

/// What is at a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileFacts {
    /// The kind of file.
    pub kind: FileKind,
    /// The size in bytes.
    pub len: u64,
    /// The owner's user id, on systems with user ids.
    pub owner: Option<u32>,
    /// Who may write to the file, besides the administrator.
    pub writers: Writers,
    /// Whether the mode lets other users read the file, besides the administrator.
    pub is_readable_by_others: bool,
    /// When the content changed last, if the file system knows.
    pub modified: Option<SystemTime>,
}

impl FileFacts {
    /// Why the file may belong to neither `user` ([`System::user`]) nor the administrator; `None`
    /// if it belongs to one of them, or on systems without user ids.
    pub(crate) fn foreign(&self, user: Option<u32>) -> Option<&'static str> {
        const ADMINISTRATOR: u32 = 0;
        match (self.owner, user) {
            (Some(owner), Some(user)) if owner != user && owner != ADMINISTRATOR => {
                Some("belongs to another user")
            }
            _ if self.writers != Writers::Owner => Some("may be written to by others"),
            _ => None,
        }
    }
}

/// Who may write to a file, by its mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Writers {
    /// Only the owner. The group with the owner's number counts as the owner: systems make one for
    /// each user and let it write.
    Owner,
    /// The file's group too.
    Group,
    /// All users.
    Anybody,
}

/// The kind of file at a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileKind {
    /// A regular file.
    File,
    /// A folder.
    Folder,
    /// A symbolic link to anything.
    Link,
    /// A pipe, a device, a socket.
    Other,
}

/// The hypervisor of a machine (CPUID leaf 0x4000_0000: 'Requirements for implementing the
/// Microsoft hypervisor interface').
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Hypervisor {
    /// None: the machine is not virtual.
    None,
    /// Microsoft's, with this machine as a guest: a virtual machine in Azure or on another Hyper-V.
    HyperV,
    /// Microsoft's, with this machine as its root partition: a Windows computer.
    HyperVHost,
    /// Another one, with its vendor's signature.
    Other(String),
    /// The processor does not say.
    Unknown,
}

/// A lock on a file. Dropping it releases the lock.
pub struct FileLock(#[allow(dead_code, reason = "it is held, not used")] Box<dyn Send + Sync>);

impl FileLock {
    /// A lock that lasts as long as `held`.
    pub fn new(held: impl Send + Sync + 'static) -> Self {
        Self(Box::new(held))
    }
}

impl fmt::Debug for FileLock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FileLock")
    }
}

/// The system's store of secrets for each user: the Secret Service, the Keychain, the Credential
/// Manager.
///
/// Its methods wait for another program, for some seconds at most, and never ask the person.
pub trait Keyring: sealed::Sealed + Send + Sync {
    /// The usual name, such as `the Secret Service`.
    fn title(&self) -> &'static str;

    /// The secret with this name; `None` if there is none.
    ///
    /// # Errors
    /// [`NoKeyring`].
    fn get(&self, name: &str) -> Result<Option<Zeroizing<Vec<u8>>>, NoKeyring>;

    /// Stores a secret, and replaces one with the same name.
    ///
    /// # Errors
    /// [`NoKeyring`].
    fn set(&self, name: &str, secret: &[u8]) -> Result<(), NoKeyring>;

    /// Returns the secret with this name. If there is none, stores this one, and returns what the
    /// keyring then has.
    ///
    /// # Errors
    /// [`NoKeyring`].
    fn get_or_set(&self, name: &str, secret: &[u8]) -> Result<Zeroizing<Vec<u8>>, NoKeyring> {
        keyring::got_or_set(|| self.get(name), || self.set(name, secret))
    }

    /// Removes the secret with this name. A missing secret is not an error.
    ///
    /// # Errors
    /// [`NoKeyring`].
    fn remove(&self, name: &str) -> Result<(), NoKeyring>;
}

/// Why a keyring can't be used.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NoKeyring {
    /// There is no keyring here; the reason.
    Absent(String),
    /// The keyring is locked.
    Locked,
    /// The keyring failed; the reason.
    Failed(String),
}

impl NoKeyring {
    /// The keyring reported that it stored a secret, but it did not.
    pub(crate) fn forgot() -> Self {
        Self::Failed("it forgot what was given to it".to_owned())
    }
}

/// A program to run.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Command {
    /// The program's full path.
    pub program: PathBuf,
    /// The arguments. Every user of this machine can see them, so they must not have secrets.
    pub args: Vec<String>,
    /// Variables to set besides those of this process.
    pub vars: Vec<(&'static str, String)>,
    /// How long the program may run.
    pub deadline: Duration,
}

impl Command {
    /// A program with its arguments and no other variables than this process's.
    pub fn new(program: PathBuf, args: &[&str], deadline: Duration) -> Self {
        Self {
            program,
            args: args.iter().map(|&arg| arg.to_owned()).collect(),
            vars: Vec::new(),
            deadline,
        }
    }

    /// Sets a variable.
    #[must_use]
    pub fn with_var(mut self, name: &'static str, value: &str) -> Self {
        self.vars.push((name, value.to_owned()));
        self
    }
}

/// The limit of a program's output on each stream, in bytes.
pub const OUTPUT_LIMIT: u64 = 1 << 20;

/// A program that ended by itself. `Debug` shows nothing of its output.
#[non_exhaustive]
pub struct Finished {
    /// The exit code; `None` if a signal ended the program.
    pub code: Option<i32>,
    /// Its standard output, at most [`OUTPUT_LIMIT`] bytes.
    pub stdout: Zeroizing<Vec<u8>>,
    /// Its standard error, at most [`OUTPUT_LIMIT`] bytes.
    pub stderr: Zeroizing<Vec<u8>>,
}

impl fmt::Debug for Finished {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Finished")
            .field("code", &self.code)
            .finish_non_exhaustive()
    }
}

/// Why a program did not end by itself.
#[derive(Debug)]
#[non_exhaustive]
pub enum Unfinished {
    /// The program could not be started.
    NotStarted(io::Error),
    /// The program was still running at the deadline and was killed.
    TooLate,
    /// The program printed more than [`OUTPUT_LIMIT`] and was killed.
    TooMuch,
    /// The program's output could not be read.
    Broken(io::Error),
}

#[cfg(test)]
mod tests;
