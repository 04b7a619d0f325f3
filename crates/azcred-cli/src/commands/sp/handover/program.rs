//! Runs a program of the user's that reads from its standard input: git, gh.

use crate::sign_in::Place;
use azcred::system::programs;
use std::{
    io,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    process::Command,
    time::timeout,
};

/// How long a program may run. gh waits for GitHub.
const DEADLINE: Duration = Duration::from_secs(60);
/// The most that is read of a program's output.
const LIMIT: u64 = 1 << 20;

/// A program that ended.
pub(super) struct Ended {
    /// The exit code; `None` if a signal ended it.
    pub(super) code: Option<i32>,
    pub(super) stdout: String,
    pub(super) stderr: String,
}

/// A program, and where it runs.
#[derive(Clone, Debug)]
pub(super) struct Program {
    pub(super) path: PathBuf,
    pub(super) folder: PathBuf,
    /// Variables that are set, or removed.
    pub(super) variables: &'static [(&'static str, Option<&'static str>)],
}

impl Program {
    /// The program of this name on PATH; `None` if there is none.
    pub(super) fn find(name: &str, folder: &Path, place: &Place) -> Option<Self> {
        let path = place.system.var_os("PATH")?;
        Some(Self {
            path: programs(name, &path).next()?,
            folder: folder.to_owned(),
            variables: &[],
        })
    }

    /// Runs the program with these arguments, which every user of the machine can see. Only the
    /// program sees its input. At the deadline, or if the future is dropped, it is killed.
    pub(super) async fn run(&self, arguments: &[&str], input: &[u8]) -> io::Result<Ended> {
        let mut command = Command::new(&self.path);
        command
            .args(arguments)
            .current_dir(&self.folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        for (name, value) in self.variables {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        let mut child = command.spawn()?;
        let (stdin, stdout, stderr) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let write = async {
            if let Some(mut stdin) = stdin {
                // A program that reads nothing is judged by its exit code.
                let _ = stdin.write_all(input).await;
            }
        };
        let end = async {
            let ((), stdout, stderr) = tokio::join!(write, all(stdout), all(stderr));
            let status = child.wait().await?;
            Ok(Ended {
                code: status.code(),
                stdout: stdout?,
                stderr: stderr?,
            })
        };
        match timeout(DEADLINE, end).await {
            Ok(ended) => ended,
            Err(_) => Err(io::Error::new(
                io::ErrorKind::TimedOut,
                format!("it did not end within {} seconds", DEADLINE.as_secs()),
            )),
        }
    }
}

async fn all(stream: Option<impl AsyncReadExt + Unpin>) -> io::Result<String> {
    let mut bytes = Vec::new();
    if let Some(stream) = stream {
        stream.take(LIMIT).read_to_end(&mut bytes).await?;
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
