//! A machine as a value.

use super::{
    Command, FileFacts, FileKind, FileLock, Finished, Hypervisor, Keyring, NoKeyring, OpenFile,
    SharedSystem, System, Unfinished, Writers, open_file::Content, process, variables::sieved,
};
use futures_util::{FutureExt, future::BoxFuture};
use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::{OsStr, OsString},
    fmt, io,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, SystemTime},
};
use zeroize::Zeroizing;

/// A machine as a value, for tests: only the variables and files that it was given, and a clock
/// that the test sets (the real time until [`Fixture::at`]).
///
/// ```
/// use azcred::system::{Fixture, System};
/// let pod = Fixture::new().with_var("AZURE_TENANT_ID", "contoso.com").with_file("/token", "eyJ0");
/// assert_eq!(pod.var("AZURE_TENANT_ID").as_deref(), Some("contoso.com"));
/// assert_eq!(pod.var("PATH"), None);
/// ```
#[derive(Clone, Debug)]
pub struct Fixture {
    variables: BTreeMap<String, OsString>,
    /// Clones share the disk and the clock.
    files: Arc<Mutex<Disk>>,
    programs: BTreeMap<PathBuf, Program>,
    hypervisor: Hypervisor,
    os: &'static str,
    boot: Option<String>,
    clock: Arc<Mutex<Option<SystemTime>>>,
    locks: Arc<Mutex<BTreeSet<PathBuf>>>,
    lost_writes: Arc<AtomicUsize>,
    keyring: Option<MadeKeyring>,
    has_terminal: bool,
    started: Arc<Mutex<Vec<Vec<String>>>>,
    user: u32,
    /// Folders that the user may not enter.
    hidden: Vec<PathBuf>,
    /// Folders in which nothing can be changed, and why.
    fixed: Vec<(PathBuf, io::ErrorKind)>,
}

/// A lock on a fixture's file.
struct MadeLock(PathBuf, Arc<Mutex<BTreeSet<PathBuf>>>);

impl Drop for MadeLock {
    fn drop(&mut self) {
        held(&self.1).remove(&self.0);
    }
}

/// The keyring of a [`Fixture`]: its secrets, and why it can't be used.
#[derive(Clone, Debug, Default)]
struct MadeKeyring {
    secrets: Arc<Mutex<BTreeMap<String, Vec<u8>>>>,
    trouble: Option<NoKeyring>,
    asked: Arc<AtomicUsize>,
}

impl super::Sealed for MadeKeyring {}

impl Keyring for MadeKeyring {
    fn title(&self) -> &'static str {
        "the made keyring"
    }

    fn get(&self, name: &str) -> Result<Option<Zeroizing<Vec<u8>>>, NoKeyring> {
        self.usable()?;
        Ok(held(&self.secrets).get(name).cloned().map(Zeroizing::new))
    }

    fn set(&self, name: &str, secret: &[u8]) -> Result<(), NoKeyring> {
        self.usable()?;
        held(&self.secrets).insert(name.to_owned(), secret.to_owned());
        Ok(())
    }

    fn get_or_set(&self, name: &str, secret: &[u8]) -> Result<Zeroizing<Vec<u8>>, NoKeyring> {
        self.usable()?;
        let mut secrets = held(&self.secrets);
        let kept = secrets.entry(name.to_owned());
        Ok(Zeroizing::new(
            kept.or_insert_with(|| secret.to_owned()).clone(),
        ))
    }

    fn remove(&self, name: &str) -> Result<(), NoKeyring> {
        self.usable()?;
        held(&self.secrets).remove(name);
        Ok(())
    }
}

impl MadeKeyring {
    fn usable(&self) -> Result<(), NoKeyring> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        self.trouble.clone().map_or(Ok(()), Err)
    }
}

fn held<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// What is at each path.
type Disk = BTreeMap<PathBuf, (FileFacts, Vec<u8>)>;

/// The user of a fixture, who owns its files by default.
const OWNER: u32 = 1000;

impl Default for Fixture {
    fn default() -> Self {
        Self {
            variables: BTreeMap::new(),
            files: Arc::default(),
            programs: BTreeMap::new(),
            hypervisor: Hypervisor::None,
            os: "linux",
            boot: Some("first".to_owned()),
            clock: Arc::default(),
            locks: Arc::default(),
            lost_writes: Arc::default(),
            keyring: None,
            has_terminal: false,
            started: Arc::default(),
            user: OWNER,
            hidden: Vec::new(),
            fixed: Vec::new(),
        }
    }
}

/// A program on a [`Fixture`].
#[derive(Clone)]
pub struct Program {
    /// What each run does.
    does: Arc<dyn Fn(&Command) -> Done + Send + Sync>,
    runs: Arc<AtomicUsize>,
}

enum Done {
    Finishes(Option<i32>, Vec<u8>, Vec<u8>),
    Hangs,
    Is(PathBuf),
}

impl Program {
    /// Prints this and exits with `code`.
    pub fn prints(code: i32, stdout: impl Into<Vec<u8>>, stderr: impl Into<Vec<u8>>) -> Self {
        let (stdout, stderr) = (stdout.into(), stderr.into());
        Self::new(move |_| Done::Finishes(Some(code), stdout.clone(), stderr.clone()))
    }

    /// Returns the exit code and the standard output of each run by its arguments.
    pub fn answers(answer: impl Fn(&[String]) -> (i32, String) + Send + Sync + 'static) -> Self {
        Self::new(move |command| {
            let (code, stdout) = answer(&command.args);
            Done::Finishes(Some(code), stdout.into_bytes(), Vec::new())
        })
    }

    /// Never ends by itself.
    pub fn hangs() -> Self {
        Self::new(|_| Done::Hangs)
    }

    /// Ends by a signal.
    pub fn dies() -> Self {
        Self::new(|_| Done::Finishes(None, Vec::new(), Vec::new()))
    }

    /// A program of the real machine, with the fixture's variables only.
    pub fn real(path: impl Into<PathBuf>) -> Self {
        let path = path.into();
        Self::new(move |_| Done::Is(path.clone()))
    }

    /// The number of runs.
    pub fn runs(&self) -> usize {
        self.runs.load(Ordering::Relaxed)
    }

    fn new(does: impl Fn(&Command) -> Done + Send + Sync + 'static) -> Self {
        Self {
            does: Arc::new(does),
            runs: Arc::default(),
        }
    }
}

impl fmt::Debug for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Program")
            .field("runs", &self.runs())
            .finish_non_exhaustive()
    }
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

    /// Adds a variable with any bytes.
    #[must_use]
    pub fn with_var_os(mut self, name: &str, value: impl Into<OsString>) -> Self {
        self.variables.insert(name.into(), value.into());
        self
    }

    /// Adds a file.
    #[must_use]
    pub fn with_file(self, path: impl Into<PathBuf>, content: impl Into<Vec<u8>>) -> Self {
        let content = content.into();
        let facts = FileFacts {
            kind: FileKind::File,
            len: content.len() as u64,
            owner: Some(OWNER),
            writers: Writers::Owner,
            is_readable_by_others: false,
            modified: Some(SystemTime::UNIX_EPOCH),
        };
        self.with_facts(path, facts, content)
    }

    /// Adds a link, a folder or another user's file.
    #[must_use]
    pub fn with_facts(
        self,
        path: impl Into<PathBuf>,
        facts: FileFacts,
        content: impl Into<Vec<u8>>,
    ) -> Self {
        self.disk().insert(path.into(), (facts, content.into()));
        self
    }

    /// Adds a folder that this user may not enter: it is seen, and nothing in it is.
    #[must_use]
    pub fn with_hidden(mut self, folder: impl Into<PathBuf>) -> Self {
        self.hidden.push(folder.into());
        self
    }

    /// Makes every change in a folder fail.
    #[must_use]
    pub fn with_fixed(mut self, folder: impl Into<PathBuf>, why: io::ErrorKind) -> Self {
        self.fixed.push((folder.into(), why));
        self
    }

    /// Sets the user's number; 0 is the administrator.
    #[must_use]
    pub fn with_user(mut self, user: u32) -> Self {
        self.user = user;
        self
    }

    /// Puts a program on `PATH`, in `/usr/bin`.
    #[must_use]
    pub fn with_program(mut self, name: &str, program: &Program) -> Self {
        self.programs
            .insert(Path::new("/usr/bin").join(name), program.clone());
        self
    }

    /// Sets the hypervisor; the default is none.
    #[must_use]
    pub fn with_hypervisor(mut self, hypervisor: Hypervisor) -> Self {
        self.hypervisor = hypervisor;
        self
    }

    /// Sets the operating system; the default is `linux`.
    #[must_use]
    pub fn with_os(mut self, os: &'static str) -> Self {
        self.os = os;
        self
    }

    /// Sets the id of the boot, as a restart would.
    #[must_use]
    pub fn with_boot(mut self, boot: Option<&str>) -> Self {
        self.boot = boot.map(str::to_owned);
        self
    }

    /// Adds a keyring. Clones share its secrets. `trouble` is why it can't be used.
    #[must_use]
    pub fn with_keyring(mut self, trouble: Option<NoKeyring>) -> Self {
        let made = self.keyring.take().unwrap_or_default();
        self.keyring = Some(MadeKeyring { trouble, ..made });
        self
    }

    /// Another machine with the same disk: its keyring has other secrets.
    #[cfg(test)]
    pub(crate) fn with_other_keyring(mut self) -> Self {
        self.keyring = Some(MadeKeyring::default());
        self
    }

    /// The number of calls to the keyring.
    #[cfg(test)]
    pub(crate) fn keyring_calls(&self) -> usize {
        let made = self.keyring.as_ref();
        made.map_or(0, |made| made.asked.load(Ordering::Relaxed))
    }

    /// Lets so many writes fail as if another process had removed the unfinished file.
    #[cfg(test)]
    pub(crate) fn lose_writes(&self, number: usize) {
        self.lost_writes.store(number, Ordering::Relaxed);
    }

    /// Whether the keyring has this secret, under any name.
    #[cfg(test)]
    pub(crate) fn keyring_has(&self, secret: &[u8]) -> bool {
        let made = self.keyring.as_ref();
        made.is_some_and(|made| held(&made.secrets).values().any(|one| one == secret))
    }

    /// Puts a person at a terminal.
    #[must_use]
    pub fn with_terminal(mut self) -> Self {
        self.has_terminal = true;
        self
    }

    /// The programs that were started in the background, each with its arguments.
    pub fn started(&self) -> Vec<Vec<String>> {
        held(&self.started).clone()
    }

    /// Stops the clock at `time`. Clones share the clock.
    #[must_use]
    pub fn at(self, time: SystemTime) -> Self {
        self.set_clock(time);
        self
    }

    /// Sets the clock.
    pub fn set_clock(&self, time: SystemTime) {
        *held(&self.clock) = Some(time);
    }

    /// Moves the clock forward by `duration`.
    pub fn advance(&self, duration: Duration) {
        self.set_clock(self.now() + duration);
    }

    /// Fails if the user may not enter a folder above `path`.
    fn enter(&self, path: &Path) -> io::Result<()> {
        let is_in = |folder: &PathBuf| path.starts_with(folder) && path != folder;
        match self.hidden.iter().any(is_in) {
            true => Err(io::ErrorKind::PermissionDenied.into()),
            false => Ok(()),
        }
    }

    /// Fails if nothing can be changed at `path`.
    fn change(&self, path: &Path) -> io::Result<()> {
        self.enter(path)?;
        let mut fixed = self.fixed.iter();
        match fixed.find(|(folder, _)| path.starts_with(folder)) {
            Some((_, why)) => Err((*why).into()),
            None => Ok(()),
        }
    }

    fn disk(&self) -> std::sync::MutexGuard<'_, Disk> {
        held(&self.files)
    }

    /// The form in which credentials take a system.
    pub fn shared(self) -> SharedSystem {
        Arc::new(self)
    }
}

impl super::Sealed for Fixture {}

impl System for Fixture {
    fn var(&self, name: &str) -> Option<String> {
        self.var_os(name)?.into_string().ok()
    }

    fn var_os(&self, name: &str) -> Option<OsString> {
        sieved(name, self.variables.get(name)?.clone())
    }

    fn not_text(&self) -> Vec<String> {
        let variables = self.variables.iter();
        variables
            .filter(|(_, value)| value.to_str().is_none())
            .map(|(name, _)| name.clone())
            .collect()
    }

    /// `/project`.
    fn current_folder(&self) -> Option<PathBuf> {
        Some("/project".into())
    }

    fn read(&self, path: &Path, limit: u64) -> io::Result<Vec<u8>> {
        self.enter(path)?;
        let disk = self.disk();
        let (facts, content) = disk.get(path).ok_or(io::ErrorKind::NotFound)?;
        match facts.kind {
            FileKind::Folder => return Err(io::ErrorKind::IsADirectory.into()),
            FileKind::Other => return Err(io::ErrorKind::InvalidInput.into()),
            FileKind::File | FileKind::Link => {}
        }
        if facts.len.max(content.len() as u64) > limit {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        Ok(content.clone())
    }

    fn open(&self, path: &Path) -> io::Result<OpenFile> {
        self.enter(path)?;
        let disk = self.disk();
        let (facts, content) = disk.get(path).ok_or(io::ErrorKind::NotFound)?;
        let folder = path.parent().and_then(|folder| disk.get(folder));
        let private = FileFacts {
            kind: FileKind::Folder,
            len: 0,
            owner: Some(self.user),
            writers: Writers::Owner,
            is_readable_by_others: false,
            modified: None,
        };
        let folder = folder.map_or(private, |(facts, _)| *facts);
        let content = (facts.kind == FileKind::File).then(|| Content::Made(content.clone()));
        Ok(OpenFile {
            facts: *facts,
            folder,
            folder_is_linked: folder.kind == FileKind::Link,
            content,
        })
    }

    fn look(&self, path: &Path) -> io::Result<FileFacts> {
        self.enter(path)?;
        let disk = self.disk();
        let (facts, _) = disk.get(path).ok_or(io::ErrorKind::NotFound)?;
        Ok(*facts)
    }

    fn make_folder(&self, folder: &Path, _: &Path) -> io::Result<()> {
        self.change(folder)
    }

    fn write(&self, path: &Path, content: &[u8]) -> io::Result<()> {
        self.change(path)?;
        let less = |number: usize| number.checked_sub(1);
        let lost = &self.lost_writes;
        if lost
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, less)
            .is_ok()
        {
            return Err(io::ErrorKind::NotFound.into());
        }
        let facts = FileFacts {
            kind: FileKind::File,
            len: content.len() as u64,
            owner: Some(self.user),
            writers: Writers::Owner,
            is_readable_by_others: false,
            modified: Some(self.now()),
        };
        self.disk()
            .insert(path.to_owned(), (facts, content.to_owned()));
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.change(path)?;
        self.disk().remove(path);
        Ok(())
    }

    fn list(&self, folder: &Path) -> io::Result<Vec<OsString>> {
        self.enter(&folder.join("_"))?;
        let names: Vec<OsString> = self
            .disk()
            .keys()
            .filter(|path| path.parent() == Some(folder))
            .filter_map(|path| path.file_name().map(OsStr::to_owned))
            .collect();
        if names.is_empty() {
            return Err(io::ErrorKind::NotFound.into());
        }
        Ok(names)
    }

    fn try_lock(&self, path: &Path) -> io::Result<Option<FileLock>> {
        self.change(path)?;
        let is_free = held(&self.locks).insert(path.to_owned());
        Ok(is_free.then(|| FileLock::new(MadeLock(path.to_owned(), self.locks.clone()))))
    }

    fn keyring(&self) -> Option<&dyn Keyring> {
        self.keyring.as_ref().map(|keyring| keyring as &dyn Keyring)
    }

    fn has_terminal(&self) -> bool {
        self.has_terminal
    }

    fn start(&self, program: &Path, args: &[String]) -> io::Result<()> {
        let made = self.programs.get(program).ok_or(io::ErrorKind::NotFound)?;
        made.runs.fetch_add(1, Ordering::Relaxed);
        let mut line = vec![program.display().to_string()];
        line.extend_from_slice(args);
        held(&self.started).push(line);
        Ok(())
    }

    fn find_program(&self, name: &str) -> Option<PathBuf> {
        self.programs
            .keys()
            .find(|path| path.file_name().is_some_and(|file| file == name))
            .cloned()
    }

    fn run(&self, mut command: Command) -> BoxFuture<'static, Result<Finished, Unfinished>> {
        let Some(program) = self.programs.get(&command.program) else {
            let missing = io::ErrorKind::NotFound.into();
            return std::future::ready(Err(Unfinished::NotStarted(missing))).boxed();
        };
        program.runs.fetch_add(1, Ordering::Relaxed);
        match (program.does)(&command) {
            Done::Finishes(code, stdout, stderr) => {
                let finished = Finished {
                    code,
                    stdout: stdout.into(),
                    stderr: stderr.into(),
                };
                std::future::ready(Ok(finished)).boxed()
            }
            Done::Hangs => {
                let deadline = command.deadline;
                async move {
                    tokio::time::sleep(deadline).await;
                    Err(Unfinished::TooLate)
                }
                .boxed()
            }
            Done::Is(path) => {
                command.program = path;
                process::run(command, self.current_folder(), Some(self.variables.clone())).boxed()
            }
        }
    }

    fn hypervisor(&self) -> Hypervisor {
        self.hypervisor.clone()
    }

    fn user(&self) -> Option<u32> {
        Some(self.user)
    }

    fn os(&self) -> &'static str {
        self.os
    }

    fn boot(&self) -> Option<String> {
        self.boot.clone()
    }

    fn now(&self) -> SystemTime {
        held(&self.clock).unwrap_or_else(SystemTime::now)
    }
}
