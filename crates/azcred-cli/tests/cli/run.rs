//! Runs the binary in a bare environment, and shows its output.

use std::{
    ffi::OsStr,
    fmt,
    io::{Read, Seek, Write},
    ops::{Deref, DerefMut},
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::mpsc,
    thread,
    time::Duration,
};
use tempfile::TempDir;

/// No run takes longer, unless it hangs.
const PATIENCE: Duration = Duration::from_secs(120);

/// The binary under test.
pub(crate) const AZCRED: &str = env!("CARGO_BIN_EXE_azcred");

/// A run of the binary: its arguments, and an environment with only the given variables.
pub(crate) struct Run {
    command: Command,
    home: Option<TempDir>,
}

/// A running program with its home folder, which is deleted afterwards.
pub(crate) struct Running {
    child: Child,
    _home: Option<TempDir>,
}

/// A test that fails leaves no process behind.
impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Deref for Running {
    type Target = Child;

    fn deref(&self) -> &Child {
        &self.child
    }
}

impl DerefMut for Running {
    fn deref_mut(&mut self) -> &mut Child {
        &mut self.child
    }
}

/// The binary with these arguments, on a machine without Azure's tools, keyring or metadata
/// service. It never uses the `az` of the machine that runs the tests, nor its 169.254.169.254.
/// Each run has a new home folder. A program in an emulator is looked up in PATH, so the emulator's
/// tests keep it.
pub(crate) fn azcred(arguments: &[&str]) -> Run {
    let mut command = Command::new(AZCRED);
    command.args(arguments);
    let run = Run::bare(command).env("AZCRED_IMDS", "never");
    match arguments.first() {
        Some(&"emulator") => run,
        _ => run.at_home().env("PATH", "/nonexistent"),
    }
}

/// The binary by the name `az`, as [`azcred`] runs it.
#[cfg(unix)]
pub(crate) fn az(arguments: &[&str]) -> Run {
    let mut run = azcred(arguments);
    std::os::unix::process::CommandExt::arg0(&mut run.command, "az");
    run
}

impl Run {
    /// Any program in a bare environment.
    pub(crate) fn bare(mut command: Command) -> Self {
        command.env_clear().stdin(Stdio::null());
        // Windows needs these to load libraries, and for temporary folders.
        for name in ["SYSTEMROOT", "TMPDIR", "TEMP", "TMP", "PATH"] {
            if let Some(value) = std::env::var_os(name) {
                command.env(name, value);
            }
        }
        Self {
            command,
            home: None,
        }
    }

    /// Sets a new home folder.
    fn at_home(mut self) -> Self {
        let home = tempfile::tempdir().expect("a folder");
        let variable = if cfg!(windows) {
            "LOCALAPPDATA"
        } else {
            "HOME"
        };
        self.command.env(variable, home.path());
        self.home = Some(home);
        self.env("AZCRED_KEYRING", "never")
    }

    pub(crate) fn env(self, name: &str, value: &str) -> Self {
        self.env_os(name, value)
    }

    /// Sets a variable to any bytes.
    pub(crate) fn env_os(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    pub(crate) fn envs(mut self, variables: &[(String, String)]) -> Self {
        self.command
            .envs(variables.iter().map(|(name, value)| (name, value)));
        self
    }

    pub(crate) fn args(mut self, arguments: &[&str]) -> Self {
        self.command.args(arguments);
        self
    }

    pub(crate) fn directory(mut self, directory: impl Into<PathBuf>) -> Self {
        self.command.current_dir(directory.into());
        self
    }

    /// Runs it as another user. Only root can do that.
    #[cfg(unix)]
    pub(crate) fn user(mut self, user: u32) -> Self {
        use std::os::unix::process::CommandExt;
        self.command.uid(user).gid(user);
        self
    }

    /// Starts it, with pipes to read from.
    pub(crate) fn start(self) -> Running {
        self.start_with(|command| {
            command.stdout(Stdio::piped()).stderr(Stdio::piped());
        })
    }

    /// Starts it with other streams.
    pub(crate) fn start_with(mut self, streams: impl FnOnce(&mut Command)) -> Running {
        streams(&mut self.command);
        Running {
            child: self.command.spawn().expect("the program starts"),
            _home: self.home,
        }
    }

    /// Sets its standard input.
    #[cfg_attr(not(unix), expect(dead_code, reason = "its tests run on Unix only"))]
    pub(crate) fn input(mut self, text: &str) -> Self {
        let mut file = tempfile::tempfile().expect("a file");
        file.write_all(text.as_bytes()).expect("written");
        file.rewind().expect("to its beginning");
        self.command.stdin(file);
        self
    }

    /// Runs it to its end.
    pub(crate) fn said(self) -> Said {
        end(self.start())
    }
}

/// Waits for the end of a program. Returns its output until then.
pub(crate) fn end(mut child: Running) -> Said {
    let (sender, receiver) = mpsc::channel();
    let gather = |stream: Option<Box<dyn Read + Send>>, number: usize| {
        let sender = sender.clone();
        thread::spawn(move || {
            let mut bytes = Vec::new();
            if let Some(mut stream) = stream {
                stream
                    .read_to_end(&mut bytes)
                    .expect("its output can be read");
            }
            let _ = sender.send((number, bytes));
        });
    };
    gather(child.stdout.take().map(|out| Box::new(out) as _), 0);
    gather(child.stderr.take().map(|err| Box::new(err) as _), 1);
    let mut streams = [Vec::new(), Vec::new()];
    for _ in 0..2 {
        match receiver.recv_timeout(PATIENCE) {
            Ok((number, bytes)) => streams[number] = bytes,
            Err(_) => {
                let _ = child.kill();
                let _ = child.wait();
                panic!("the program did not end within {PATIENCE:?}");
            }
        }
    }
    let status = child.wait().expect("it has ended");
    let [stdout, stderr] = streams.map(|bytes| String::from_utf8(bytes).expect("text"));
    Said {
        code: status.code().unwrap_or(-1),
        stdout,
        stderr,
    }
}

/// The output of a run. Snapshots show its `Display`.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl fmt::Display for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "exit code: {}", self.code)?;
        for (name, text) in [("stdout", &self.stdout), ("stderr", &self.stderr)] {
            if !text.is_empty() {
                writeln!(f, "--- {name}\n{}", text.trim_end())?;
            }
        }
        Ok(())
    }
}

impl Said {
    /// The result as JSON.
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}\n{self}"))
    }

    /// The error as JSON.
    pub(crate) fn error(&self) -> serde_json::Value {
        serde_json::from_str(&self.stderr).unwrap_or_else(|error| panic!("{error}\n{self}"))
    }
}

/// Compares with the stored snapshot, after everything that differs between runs is replaced.
macro_rules! assert_seen {
    ($name:literal, $said:expr) => {
        $crate::run::settings().bind(|| insta::assert_snapshot!($name, $said.to_string()));
    };
}
pub(crate) use assert_seen;

pub(crate) fn settings() -> insta::Settings {
    const GUID: &str = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}";
    let mut settings = insta::Settings::clone_current();
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    for (pattern, shown) in [
        (
            r"eyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+",
            "[TOKEN]",
        ),
        // A role assignment has a new name each time.
        (r"Assignment  [0-9a-f-]{36}", "Assignment  [GUID]"),
        (r"(localhost|127\.0\.0\.1):\d+", "$1:[PORT]"),
        (r"[^ (]+[/\\]azcred-emulator-\w+", "[FOLDER]"),
        (r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(Z| UTC)?", "[TIME]"),
        (r"\(\d{4}-\d\d-\d\d\)", "([DATE])"),
        (r#""expires_on": \d+"#, r#""expires_on": [SECONDS]"#),
        (r#""milliseconds": \d+"#, r#""milliseconds": [N]"#),
        (r#""(startedMs|tookMs)": [\d.]+"#, r#""$1": [MS]"#),
        // The table of a chain: times and bars.
        (r"ms  0 +\d+(\.\d)? ms", "ms  0 … [N] ms"),
        // A run that takes long has a timeline, and on a busy machine any run may.
        (r"ms  timeline +reason", "ms  reason"),
        (
            r"(chosen|unavailable|refused|failed|wrong account|not needed) +\d+(\.\d)?(  +[█▏▎▍▌▋▊▉]+)? +",
            "$1  [MS]  ",
        ),
        // An account's id depends on its authority, and so on the port.
        (r#""id": "[0-9a-f]{16}""#, r#""id": "[ID]""#),
        (r"\d+ bytes|\d+ kB", "[SIZE]"),
        (r#""pid": \d+"#, r#""pid": [PID]"#),
        (r"\d+ minutes", "[N] minutes"),
        (r"in \d+ days", "in [N] days"),
        (r"\d+ days ago", "[N] days ago"),
        (r"\d+\.\d s\b", "[N] s"),
        (r"azcred\.exe", "azcred"),
    ] {
        settings.add_filter(pattern, shown);
    }
    settings.add_filter(&format!("correlation id {GUID}"), "correlation id [GUID]");
    settings.add_filter(
        &format!(r#""(correlationId|traceId)": "{GUID}""#),
        r#""$1": "[GUID]""#,
    );
    settings
}
