//! The outside world, as a parameter: variables, files and the clock.
//!
//! No credential reads `std::env`, the disk or the clock by itself; it asks a [`System`]. The real one is the default;
//! a [`Fixture`] makes any environment in the world a value.

use std::{
    collections::BTreeMap,
    fmt, fs, io,
    io::Read,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    time::{Duration, SystemTime},
};

/// What a credential may know of the machine that it runs on.
pub trait System: Send + Sync + fmt::Debug {
    /// An environment variable; `None` where it is unset, empty or only white space, which no tool of this field tells apart.
    fn var(&self, name: &str) -> Option<String>;

    /// Reads a whole regular file of at most `limit` bytes.
    ///
    /// # Errors
    /// As [`std::fs::read`]; [`io::ErrorKind::FileTooLarge`] past the limit, [`io::ErrorKind::IsADirectory`] for a folder,
    /// [`io::ErrorKind::InvalidInput`] for a pipe or a device, which could keep the reader waiting for ever.
    fn read(&self, path: &Path, limit: u64) -> io::Result<Vec<u8>>;

    /// The time now, by this machine's clock.
    fn now(&self) -> SystemTime;

    /// The time now or some milliseconds ago, whichever is cheaper to know: what decides whether a cached token is still
    /// good, at every call.
    fn coarse_now(&self) -> SystemTime {
        self.now()
    }
}

/// A system that many credentials share.
pub type SharedSystem = Arc<dyn System>;

/// The machine that this process runs on.
#[derive(Clone, Copy, Debug, Default)]
pub struct RealSystem;

impl System for RealSystem {
    fn var(&self, name: &str) -> Option<String> {
        let value = std::env::var_os(name)?.to_string_lossy().into_owned();
        (!value.trim().is_empty()).then_some(value)
    }

    fn read(&self, path: &Path, limit: u64) -> io::Result<Vec<u8>> {
        // Opening a pipe waits for whoever is at its other end; a device may have none.
        let kind = fs::metadata(path)?.file_type();
        if kind.is_dir() {
            return Err(io::ErrorKind::IsADirectory.into());
        }
        if !kind.is_file() {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "it is no regular file",
            ));
        }
        let mut bytes = Vec::new();
        fs::File::open(path)?
            .take(limit.saturating_add(1))
            .read_to_end(&mut bytes)?;
        if bytes.len() as u64 > limit {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        Ok(bytes)
    }

    fn now(&self) -> SystemTime {
        SystemTime::now()
    }

    /// The kernel keeps the time of its last tick (1 to 10 ms ago) where it can be read without asking the hardware, which
    /// takes a fifth of the time of a precise reading. It is the wall clock all the same: it follows when the clock is set,
    /// and after a suspension.
    #[cfg(target_os = "linux")]
    fn coarse_now(&self) -> SystemTime {
        let time = rustix::time::clock_gettime(rustix::time::ClockId::RealtimeCoarse);
        match (u64::try_from(time.tv_sec), u32::try_from(time.tv_nsec)) {
            (Ok(seconds), Ok(nanos)) => SystemTime::UNIX_EPOCH + Duration::new(seconds, nanos),
            // Before 1970.
            _ => SystemTime::now(),
        }
    }
}

/// A made-up machine, for tests: exactly the variables and files it was given, and a clock that goes as it is told
/// (with the real one until [`Fixture::at`] sets it).
///
/// ```
/// use azcred::system::{Fixture, System};
/// let pod = Fixture::new().with_var("AZURE_TENANT_ID", "contoso.com").with_file("/token", "eyJ0");
/// assert_eq!(pod.var("AZURE_TENANT_ID").as_deref(), Some("contoso.com"));
/// assert_eq!(pod.var("PATH"), None);
/// ```
#[derive(Clone, Debug, Default)]
pub struct Fixture {
    variables: BTreeMap<String, String>,
    files: BTreeMap<PathBuf, Vec<u8>>,
    clock: Arc<Mutex<Option<SystemTime>>>,
}

impl Fixture {
    /// A machine with nothing on it.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a variable.
    #[must_use]
    pub fn with_var(mut self, name: &str, value: &str) -> Self {
        self.variables.insert(name.into(), value.into());
        self
    }

    /// Adds a file.
    #[must_use]
    pub fn with_file(mut self, path: impl Into<PathBuf>, content: impl Into<Vec<u8>>) -> Self {
        self.files.insert(path.into(), content.into());
        self
    }

    /// Stops the clock at `time`. Clones share the clock.
    #[must_use]
    pub fn at(self, time: SystemTime) -> Self {
        self.set_clock(time);
        self
    }

    /// Sets the clock.
    pub fn set_clock(&self, time: SystemTime) {
        *self
            .clock
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner) = Some(time);
    }

    /// Moves the clock on by `duration`.
    pub fn advance(&self, duration: Duration) {
        self.set_clock(self.now() + duration);
    }

    /// As the credentials take it.
    pub fn shared(self) -> SharedSystem {
        Arc::new(self)
    }
}

impl System for Fixture {
    fn var(&self, name: &str) -> Option<String> {
        self.variables
            .get(name)
            .filter(|value| !value.trim().is_empty())
            .cloned()
    }

    fn read(&self, path: &Path, limit: u64) -> io::Result<Vec<u8>> {
        let content = self.files.get(path).ok_or(io::ErrorKind::NotFound)?;
        if content.len() as u64 > limit {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        Ok(content.clone())
    }

    fn now(&self) -> SystemTime {
        self.clock
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .unwrap_or_else(SystemTime::now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_variable_is_an_unset_one() {
        assert_eq!(Fixture::new().with_var("A", " \n").var("A"), None);
        assert_eq!(
            Fixture::new().with_var("A", " a ").var("A").as_deref(),
            Some(" a ")
        );
    }

    #[test]
    fn the_coarse_clock_is_the_wall_clock() {
        let difference = |a: SystemTime, b: SystemTime| {
            a.duration_since(b).unwrap_or_else(|error| error.duration())
        };
        let (coarse, precise) = (RealSystem.coarse_now(), RealSystem.now());
        assert!(
            difference(coarse, precise) < Duration::from_secs(5),
            "{coarse:?} {precise:?}"
        );
    }

    #[cfg(unix)]
    #[test]
    fn what_could_keep_a_reader_waiting_is_not_opened() {
        let kind = |path: &str| RealSystem.read(Path::new(path), 10).unwrap_err().kind();
        assert_eq!(kind("/dev/zero"), io::ErrorKind::InvalidInput);
        assert_eq!(kind("/"), io::ErrorKind::IsADirectory);
    }

    #[test]
    fn a_file_past_its_limit_is_not_read() {
        let directory =
            std::env::temp_dir().join(format!("azcred-system-{}", uuid::Uuid::new_v4()));
        fs::create_dir(&directory).unwrap();
        let path = directory.join("file");
        fs::write(&path, b"12345").unwrap();
        assert_eq!(RealSystem.read(&path, 5).unwrap(), b"12345");
        assert_eq!(
            RealSystem.read(&path, 4).unwrap_err().kind(),
            io::ErrorKind::FileTooLarge
        );
        fs::remove_dir_all(directory).unwrap();
        assert_eq!(
            Fixture::new()
                .with_file("/a", "12345")
                .read(Path::new("/a"), 4)
                .unwrap_err()
                .kind(),
            io::ErrorKind::FileTooLarge
        );
    }
}
