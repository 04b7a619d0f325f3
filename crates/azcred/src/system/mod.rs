//! The outside world, as a parameter: variables, files, programs, the clock and what kind of
//! machine this is.
//!
//! No credential reads `std::env`, the disk, the clock or a process by itself; it asks a
//! [`System`]. The real one is the default; a [`Fixture`] makes any environment in the world a
//! value.

pub(crate) mod browser;
#[cfg(any(test, feature = "test-util"))]
mod fixture;
mod keyring;
mod loopback;
mod process;
mod real;
mod unattended;

#[cfg(any(test, feature = "test-util"))]
pub use fixture::{Fixture, Program};
pub(crate) use loopback::is_loopback;
pub use real::RealSystem;
#[cfg(not(feature = "test-util"))]
pub(crate) use sealed::Sealed;
#[cfg(feature = "test-util")]
#[doc(hidden)]
pub use sealed::Sealed;
pub use unattended::{Unattended, unattended};

use futures_util::future::BoxFuture;
use std::{
    ffi::OsString,
    fmt, io,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, SystemTime},
};
use zeroize::Zeroizing;

/// What a credential may know of the machine that it runs on.
///
/// Only this crate implements it, so it may grow: [`RealSystem`] is the machine, and `Fixture`,
/// with the feature `test-util`, is any other. Tests that turn that feature on may implement it
/// too, by `Sealed`; for them it can change with every version.
pub trait System: sealed::Sealed + Send + Sync + fmt::Debug {
    /// An environment variable; `None` where it is unset, empty or only white space, which no tool
    /// of this field tells apart.
    fn var(&self, name: &str) -> Option<String>;

    /// Reads a whole regular file of at most `limit` bytes.
    ///
    /// # Errors
    /// As [`std::fs::read`]; [`io::ErrorKind::FileTooLarge`] past the limit,
    /// [`io::ErrorKind::IsADirectory`] for a folder, [`io::ErrorKind::InvalidInput`] for a pipe or
    /// a device, which could keep the reader waiting for ever.
    fn read(&self, path: &Path, limit: u64) -> io::Result<Vec<u8>>;

    /// What stands at a path. A link is told as one, not followed.
    ///
    /// # Errors
    /// As [`std::fs::symlink_metadata`].
    fn look(&self, path: &Path) -> io::Result<FileFacts>;

    /// Puts a private file (0600, its folder 0700 where it is made) in place, whole or not at all:
    /// readers see the old content or the new.
    ///
    /// # Errors
    /// As [`std::fs::write`].
    fn write(&self, path: &Path, content: &[u8]) -> io::Result<()>;

    /// The same as [`System::write`], and the content outlives a loss of power right after.
    ///
    /// # Errors
    /// As [`std::fs::write`].
    fn write_durably(&self, path: &Path, content: &[u8]) -> io::Result<()> {
        self.write(path, content)
    }

    /// Removes a file; one that is not there is no error.
    ///
    /// # Errors
    /// As [`std::fs::remove_file`].
    fn remove(&self, path: &Path) -> io::Result<()> {
        let _ = path;
        Err(io::ErrorKind::Unsupported.into())
    }

    /// The names of what stands in a folder, in no order.
    ///
    /// # Errors
    /// As [`std::fs::read_dir`].
    fn list(&self, folder: &Path) -> io::Result<Vec<OsString>> {
        let _ = folder;
        Err(io::ErrorKind::Unsupported.into())
    }

    /// Locks a file for this process alone, making it (0600, its folder 0700) where there is none;
    /// `None` while another holds it. The lock ends with the value, and with the process, however
    /// that ends.
    ///
    /// # Errors
    /// [`io::ErrorKind::Unsupported`] where the file system knows no locks; otherwise as
    /// [`std::fs::File::open`].
    fn try_lock(&self, path: &Path) -> io::Result<Option<FileLock>> {
        let _ = path;
        Err(io::ErrorKind::Unsupported.into())
    }

    /// The user's keyring; `None` where this machine has none.
    fn keyring(&self) -> Option<&dyn Keyring> {
        None
    }

    /// Whether a person is at a terminal: whether standard error is one, which is where they are
    /// spoken to.
    fn has_terminal(&self) -> bool {
        false
    }

    /// Starts a program that goes on by itself, such as a browser: without a shell, with nothing on
    /// its streams, in a process group of its own.
    ///
    /// # Errors
    /// As [`std::process::Command::spawn`].
    fn start(&self, program: &Path, args: &[String]) -> io::Result<()> {
        let _ = (program, args);
        Err(io::ErrorKind::Unsupported.into())
    }

    /// The full path of a program on `PATH`. Entries that are no full paths are passed over: what
    /// they name depends on the folder that one happens to be in.
    fn find_program(&self, name: &str) -> Option<PathBuf>;

    /// Runs a program to its end, without a shell and without a terminal, with nothing on its
    /// standard input, from a folder that nobody but an administrator writes to.
    ///
    /// Cancel-safe: when the future is dropped, and when the deadline is over, the program is
    /// killed with all that it started. Needs a Tokio runtime with I/O and time.
    ///
    /// # Errors
    /// [`Unfinished`], where it did not come to its own end.
    fn run(&self, command: Command) -> BoxFuture<'static, Result<Finished, Unfinished>>;

    /// On whose hardware this machine runs, as its processor says.
    fn hypervisor(&self) -> Hypervisor;

    /// The id of the user that this process acts as, as [`FileFacts::owner`] gives it; `None` where
    /// users have no ids.
    fn user(&self) -> Option<u32> {
        None
    }

    /// The operating system, as [`std::env::consts::OS`] writes it: `linux`, `macos`, `windows`.
    fn os(&self) -> &'static str;

    /// What changes with every start of the machine and from one of its networks to another; `None`
    /// where nothing tells.
    fn boot(&self) -> Option<String>;

    /// The time now, by this machine's clock.
    fn now(&self) -> SystemTime;

    /// The time now or some milliseconds ago, whichever is cheaper to know: what decides whether a
    /// cached token is still good, at every call.
    fn coarse_now(&self) -> SystemTime {
        self.now()
    }
}

/// Keeps [`System`] and [`Keyring`] to this crate.
mod sealed {
    /// See [`super::System`].
    pub trait Sealed {}
}

/// A system that many credentials share.
pub type SharedSystem = Arc<dyn System>;

/// What stands at a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileFacts {
    /// What it is.
    pub kind: FileKind,
    /// Its size in bytes.
    pub len: u64,
    /// The id of the user that it belongs to, where users have ids.
    pub owner: Option<u32>,
    /// Who may write to it, besides the administrator.
    pub writers: Writers,
    /// Whether anybody but its owner and the administrator may read it, as far as its mode tells.
    pub is_readable_by_others: bool,
    /// When its content changed last, where the file system knows.
    pub modified: Option<SystemTime>,
}

impl FileFacts {
    /// Why what stands there may be somebody else's than `user`'s ([`System::user`]) or the
    /// administrator's; `None` where it can't, or where users have no ids.
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

/// Who may write to a file, as far as its mode tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Writers {
    /// Its owner alone. A group that has its owner's number is the owner's own: systems make one
    /// for each user, and let it write.
    Owner,
    /// Its group too.
    Group,
    /// Anybody.
    Anybody,
}

/// What kind of thing stands at a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileKind {
    /// A regular file.
    File,
    /// A folder.
    Folder,
    /// A symbolic link, wherever it leads.
    Link,
    /// A pipe, a device, a socket.
    Other,
}

/// On whose hardware a machine runs (CPUID leaf 0x4000_0000: 'Requirements for implementing the
/// Microsoft hypervisor interface').
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Hypervisor {
    /// On its own.
    None,
    /// On Microsoft's, as a guest: a virtual machine in Azure, or on somebody's own Hyper-V.
    HyperV,
    /// On Microsoft's, as the machine that the others are guests of: a Windows computer.
    HyperVHost,
    /// On another: its vendor's signature.
    Other(String),
    /// The processor does not say.
    Unknown,
}

/// A lock on a file. Dropping it gives it up.
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

/// The store for secrets that a system keeps for each user: the Secret Service, the Keychain, the
/// Credential Manager.
///
/// Its methods wait for an answer of another program, for some seconds at most, and never ask the
/// person for anything.
pub trait Keyring: sealed::Sealed + Send + Sync {
    /// What people call it, such as `the Secret Service`.
    fn title(&self) -> &'static str;

    /// The secret under a name; `None` where there is none.
    ///
    /// # Errors
    /// [`NoKeyring`].
    fn get(&self, name: &str) -> Result<Option<Zeroizing<Vec<u8>>>, NoKeyring>;

    /// Keeps a secret under a name, in place of what is there.
    ///
    /// # Errors
    /// [`NoKeyring`].
    fn set(&self, name: &str, secret: &[u8]) -> Result<(), NoKeyring>;

    /// The secret under a name; where there is none, keeps this one under it, and gives what the
    /// keyring has then.
    ///
    /// # Errors
    /// [`NoKeyring`].
    fn get_or_set(&self, name: &str, secret: &[u8]) -> Result<Zeroizing<Vec<u8>>, NoKeyring> {
        keyring::got_or_set(|| self.get(name), || self.set(name, secret))
    }

    /// Removes the secret under a name; where there is none that is no error.
    ///
    /// # Errors
    /// [`NoKeyring`].
    fn remove(&self, name: &str) -> Result<(), NoKeyring>;
}

/// Why a keyring is of no use.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NoKeyring {
    /// Nobody answers for it here: why.
    Absent(String),
    /// It is there and locked.
    Locked,
    /// It failed: why.
    Failed(String),
}

impl NoKeyring {
    /// It said that it kept something, and did not.
    pub(crate) fn forgot() -> Self {
        Self::Failed("it forgot what was given to it".to_owned())
    }
}

/// A program to run.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Command {
    /// Its full path.
    pub program: PathBuf,
    /// Its arguments, which every user of this machine can see: nothing secret belongs in them.
    pub args: Vec<String>,
    /// Variables to set besides those of this process.
    pub vars: Vec<(&'static str, String)>,
    /// How long it may take.
    pub deadline: Duration,
}

/// The most that is read of what a program prints, on either stream.
pub const OUTPUT_LIMIT: u64 = 1 << 20;

/// A program that came to its own end. `Debug` shows nothing of what it printed.
#[non_exhaustive]
pub struct Finished {
    /// Its exit code; `None` where a signal ended it.
    pub code: Option<i32>,
    /// What it printed on standard output, at most [`OUTPUT_LIMIT`] bytes.
    pub stdout: Zeroizing<Vec<u8>>,
    /// What it printed on standard error, at most [`OUTPUT_LIMIT`] bytes.
    pub stderr: Zeroizing<Vec<u8>>,
}

impl fmt::Debug for Finished {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Finished")
            .field("code", &self.code)
            .finish_non_exhaustive()
    }
}

/// Why a program did not come to its own end.
#[derive(Debug)]
#[non_exhaustive]
pub enum Unfinished {
    /// It could not be started.
    NotStarted(io::Error),
    /// It was still running at the deadline, and was killed.
    TooLate,
    /// It printed more than [`OUTPUT_LIMIT`], and was killed.
    TooMuch,
    /// Its output could not be read.
    Broken(io::Error),
}

/// The user's own folder: `HOME`, on Windows `USERPROFILE`. A path that is not full is passed over.
pub fn home(system: &dyn System) -> Option<PathBuf> {
    let variable = if system.os() == "windows" {
        "USERPROFILE"
    } else {
        "HOME"
    };
    full_path(system, variable)
}

/// Where azcred keeps everything, in place of the folders below: for containers and tests, and for
/// what is to be apart from the rest.
const HOME_OF_ITS_OWN: &str = "AZCRED_HOME";

/// The folder for what can be found out anew: `AZCRED_HOME/cache`, else `XDG_CACHE_HOME/azcred` or
/// `~/.cache/azcred`, on macOS `~/Library/Caches/azcred`, on Windows `LOCALAPPDATA\azcred\cache`.
pub fn cache_folder(system: &dyn System) -> Option<PathBuf> {
    if let Some(home) = full_path(system, HOME_OF_ITS_OWN) {
        return Some(home.join("cache"));
    }
    match system.os() {
        "windows" => Some(
            full_path(system, "LOCALAPPDATA")?
                .join("azcred")
                .join("cache"),
        ),
        "macos" => Some(home(system)?.join("Library/Caches/azcred")),
        _ => full_path(system, "XDG_CACHE_HOME")
            .or_else(|| Some(home(system)?.join(".cache")))
            .map(|folder| folder.join("azcred")),
    }
}

/// The folder for what the user decides: `XDG_CONFIG_HOME/azcred` or `~/.config/azcred`, on macOS
/// `~/Library/Application Support/azcred`, on Windows `APPDATA\azcred`.
pub fn config_folder(system: &dyn System) -> Option<PathBuf> {
    match system.os() {
        "windows" => Some(full_path(system, "APPDATA")?.join("azcred")),
        "macos" => Some(home(system)?.join("Library/Application Support/azcred")),
        _ => full_path(system, "XDG_CONFIG_HOME")
            .or_else(|| Some(home(system)?.join(".config")))
            .map(|folder| folder.join("azcred")),
    }
}

/// The folder for what a user would miss, such as sign-ins: `AZCRED_HOME/data`, else
/// `XDG_DATA_HOME/azcred` or `~/.local/share/azcred`, on macOS `~/Library/Application
/// Support/azcred/data`, on Windows `LOCALAPPDATA\azcred`.
pub fn data_folder(system: &dyn System) -> Option<PathBuf> {
    if let Some(home) = full_path(system, HOME_OF_ITS_OWN) {
        return Some(home.join("data"));
    }
    match system.os() {
        "windows" => Some(full_path(system, "LOCALAPPDATA")?.join("azcred")),
        // Nobody else may look into this one; into the one around it, where people make
        // `config.toml`, they may.
        "macos" => Some(config_folder(system)?.join("data")),
        _ => full_path(system, "XDG_DATA_HOME")
            .or_else(|| Some(home(system)?.join(".local/share")))
            .map(|folder| folder.join("azcred")),
    }
}

fn full_path(system: &dyn System, variable: &str) -> Option<PathBuf> {
    let path = PathBuf::from(system.var(variable)?);
    path.is_absolute().then_some(path)
}

#[cfg(test)]
mod tests;
