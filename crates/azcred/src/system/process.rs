//! Runs a program without a shell or a terminal, with a time limit, and leaves none of its
//! processes behind.

use super::{Command, Finished, OUTPUT_LIMIT, Unfinished, variables::made_absolute};
use std::{
    collections::BTreeMap,
    ffi::{OsStr, OsString},
    io,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncReadExt},
    process::Child,
    time::{Instant, timeout, timeout_at},
};
use zeroize::Zeroizing;

/// How long output is read after a program's end: a process that it started may keep its output
/// open.
const AFTER_ITS_END: Duration = Duration::from_millis(500);

/// Finds a program in the folders of `path`. A file of this name that is this program itself, such
/// as a link `az` to azcred, is not the one that is meant.
pub(super) fn find(name: &str, path: &OsStr) -> Option<PathBuf> {
    programs(name, path).find(|candidate| !is_this_program(candidate))
}

/// The programs of this name in the folders of `path`, in order. Relative folders are skipped: they
/// depend on the current folder.
pub fn programs(name: &str, path: &OsStr) -> impl Iterator<Item = PathBuf> {
    std::env::split_paths(path)
        .filter(|folder| folder.is_absolute())
        .flat_map(|folder| candidates(&folder, name))
        .filter(|candidate| is_program(candidate))
}

/// Set for every `az` that azcred runs: a stand-in for Azure CLI then does not answer by itself, so
/// that two programs never wait for each other.
pub const AZ_CALLED: &str = "AZCRED_AZ";

/// The words in a script that calls this program as a stand-in for Azure CLI. A script is another
/// file than the program.
pub const STAND_IN: &str = "azcred's stand-in for Azure CLI";

/// Whether the file at a path is the one that this process runs: by the file's identity, whatever
/// links lead to it.
pub fn is_this_program(path: &Path) -> bool {
    std::env::current_exe().is_ok_and(|own| is_same(&own, path))
}

#[cfg(unix)]
fn is_same(own: &Path, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let file = |path| std::fs::metadata(path).map(|file| (file.dev(), file.ino()));
    matches!((file(own), file(path)), (Ok(own), Ok(file)) if own == file)
}

#[cfg(not(unix))]
fn is_same(own: &Path, path: &Path) -> bool {
    use std::io::Read;
    let mut script = String::new();
    same_file::is_same_file(own, path).unwrap_or(false)
        || (path
            .extension()
            .is_some_and(|end| end.eq_ignore_ascii_case("cmd"))
            && std::fs::File::open(path)
                .and_then(|file| file.take(4096).read_to_string(&mut script))
                .is_ok_and(|_| script.contains(STAND_IN)))
}

#[cfg(not(windows))]
fn candidates(folder: &Path, name: &str) -> [PathBuf; 1] {
    [folder.join(name)]
}

/// On Windows, a command can be a program or a script: `az` is `az.cmd`.
#[cfg(windows)]
fn candidates(folder: &Path, name: &str) -> [PathBuf; 2] {
    ["exe", "cmd"].map(|extension| folder.join(name).with_extension(extension))
}

#[cfg(unix)]
fn is_program(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    std::fs::metadata(path)
        .is_ok_and(|file| file.is_file() && file.permissions().mode() & 0o111 != 0)
}

#[cfg(not(unix))]
fn is_program(path: &Path) -> bool {
    path.is_file()
}

/// A folder in which only an administrator can put a file that a program would load.
fn safe_folder() -> PathBuf {
    if cfg!(windows) {
        std::env::var_os("SystemRoot").map_or_else(|| r"C:\Windows".into(), PathBuf::from)
    } else {
        "/".into()
    }
}

/// Starts a program in the background. A thread waits for its end, so that it does not become a
/// zombie.
pub(super) fn start(program: &Path, args: &[String]) -> io::Result<()> {
    let mut builder = std::process::Command::new(program);
    builder
        .args(args)
        .current_dir(safe_folder())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    if let Ok(folder) = std::env::current_dir() {
        builder.envs(made_absolute(&folder, |name| std::env::var_os(name)));
    }
    // A signal to this program's group (Ctrl-C) must not end it.
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut builder, 0);
    let mut child = builder.spawn()?;
    std::thread::Builder::new()
        .name("azcred-started".to_owned())
        .spawn(move || child.wait())?;
    Ok(())
}

/// Runs `command`; if `variables` is given, with these variables only. Relative paths in variables
/// are meant in `folder`, and the program runs in another one: it gets them as absolute paths.
pub(super) async fn run(
    command: Command,
    folder: Option<PathBuf>,
    variables: Option<BTreeMap<String, OsString>>,
) -> Result<Finished, Unfinished> {
    let end = Instant::now() + command.deadline;
    let mut builder = tokio::process::Command::new(&command.program);
    builder
        .args(&command.args)
        .current_dir(safe_folder())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    let absolute = folder.map_or_else(Vec::new, |folder| {
        made_absolute(&folder, |name| match &variables {
            Some(variables) => variables.get(name).cloned(),
            None => std::env::var_os(name),
        })
    });
    if let Some(variables) = variables {
        builder.env_clear().envs(variables);
    }
    builder.envs(absolute);
    builder.envs(command.vars);
    // The program gets its own process group, so that everything that it starts can be killed with
    // it.
    #[cfg(unix)]
    builder.process_group(0);
    #[cfg(windows)]
    builder.creation_flags(CREATE_NO_WINDOW);
    let child = builder.spawn().map_err(Unfinished::NotStarted)?;
    let mut running = RunningProgram(child);
    let (stdout, stderr) = (running.0.stdout.take(), running.0.stderr.take());
    let mut outputs = [OutputStream::new(stdout), OutputStream::new(stderr)];
    let code = timeout_at(end, until_the_end(&mut running, &mut outputs))
        .await
        .map_err(|_| Unfinished::TooLate)??;
    // The program has ended by itself, so dropping it kills nothing: processes that it left running
    // are meant to run.
    let [stdout, stderr] = outputs.map(|output| output.bytes);
    Ok(Finished {
        code,
        stdout,
        stderr,
    })
}

/// `CREATE_NO_WINDOW`, from Microsoft's page 'Process Creation Flags'.
#[cfg(windows)]
const CREATE_NO_WINDOW: u32 = 0x0800_0000;

async fn until_the_end(
    running: &mut RunningProgram,
    [stdout, stderr]: &mut [OutputStream; 2],
) -> Result<Option<i32>, Unfinished> {
    let mut reading = Box::pin(async { tokio::try_join!(stdout.read(), stderr.read()) });
    // The program may print without end, close its output and go on, or end with its output open.
    tokio::select! {
        read = &mut reading => {
            read?;
        }
        ended = running.0.wait() => {
            let code = ended.map_err(Unfinished::Broken)?.code();
            match timeout(AFTER_ITS_END, reading).await {
                Ok(read) => { read?; }
                Err(_) => tracing::debug!("a program's child process keeps its output open"),
            }
            return Ok(code);
        }
    }
    drop(reading);
    Ok(running.0.wait().await.map_err(Unfinished::Broken)?.code())
}

/// One of a program's streams, and what was read of it.
struct OutputStream {
    stream: Option<Box<dyn AsyncRead + Send + Unpin>>,
    bytes: Zeroizing<Vec<u8>>,
}

impl OutputStream {
    fn new(stream: Option<impl AsyncRead + Send + Unpin + 'static>) -> Self {
        Self {
            stream: stream.map(|stream| Box::new(stream) as _),
            // A token has some kilobytes. A vector that grows would leave copies of it in memory.
            bytes: Zeroizing::new(Vec::with_capacity(16 << 10)),
        }
    }

    async fn read(&mut self) -> Result<(), Unfinished> {
        let Some(stream) = &mut self.stream else {
            return Ok(());
        };
        stream
            .take(OUTPUT_LIMIT + 1)
            .read_to_end(&mut self.bytes)
            .await
            .map_err(Unfinished::Broken)?;
        if self.bytes.len() as u64 > OUTPUT_LIMIT {
            return Err(Unfinished::TooMuch);
        }
        Ok(())
    }
}

/// A running program. Dropping it kills its whole process group. Tokio reaps it.
struct RunningProgram(Child);

impl Drop for RunningProgram {
    fn drop(&mut self) {
        // `None` after the program was waited for: another process may have its number by now.
        let Some(id) = self.0.id() else { return };
        kill_group(id);
    }
}

#[cfg(unix)]
fn kill_group(id: u32) {
    let group = i32::try_from(id)
        .ok()
        .and_then(rustix::process::Pid::from_raw);
    if let Some(group) = group {
        // The group may have ended already.
        let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
    }
}

/// On Windows, `az` is a script and Python is its child; `taskkill` ends a program with its
/// children. The caller does not wait for it.
#[cfg(windows)]
fn kill_group(id: u32) {
    use std::os::windows::process::CommandExt;
    let _ = std::process::Command::new(safe_folder().join(r"System32\taskkill.exe"))
        .args(["/T", "/F", "/PID", &id.to_string()])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .creation_flags(CREATE_NO_WINDOW)
        .spawn();
}

#[cfg(not(any(unix, windows)))]
fn kill_group(_: u32) {}
