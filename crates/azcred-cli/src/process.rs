//! Runs a program to its end: passes signals on, returns its exit code, leaves no process behind.

use crate::failure::{Failure, Kind};
use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::OsString,
    io,
    process::{ExitStatus, Stdio},
};
use tokio::process::{Child, Command};

/// A program, and the changes to its environment.
pub(crate) struct Program<'a> {
    /// The program and its arguments. The program is looked up in PATH, without a shell.
    pub(crate) command: &'a [OsString],
    /// Variables to set.
    pub(crate) set: &'a BTreeMap<String, String>,
    /// Variables to unset.
    pub(crate) unset: &'a BTreeSet<String>,
}

/// Why a program did not run.
pub(crate) struct NotRun {
    /// The failure.
    pub(crate) failure: Failure,
    /// The exit code of shells for it: 127 not found, 126 not executable (POSIX, Shell Command
    /// Language, 2.8.2).
    pub(crate) exit_code: u8,
}

impl Program<'_> {
    /// Runs the program. Returns its exit code, or 128 plus the signal's number if a signal ended
    /// it, as in shells.
    ///
    /// There is no time limit. If the future is dropped, the program is killed.
    pub(crate) async fn run(&self) -> Result<u8, NotRun> {
        let Some((name, arguments)) = self.command.split_first() else {
            return Err(not_run(&OsString::new(), &io::ErrorKind::NotFound.into()));
        };
        let mut command = Command::new(name);
        command
            .args(arguments)
            .stdin(Stdio::inherit())
            .kill_on_drop(true);
        for name in self.unset {
            command.env_remove(name);
        }
        command.envs(self.set);
        // Signal handlers are installed before the program starts, so that no signal is lost.
        let mut signals = signals::Signals::listen().map_err(|error| not_run(name, &error))?;
        let mut child = command.spawn().map_err(|error| not_run(name, &error))?;
        loop {
            tokio::select! {
                status = child.wait() => {
                    return status.map(exit_code).map_err(|error| not_run(name, &error));
                }
                signal = signals.next() => signals.pass_on(signal, &child),
            }
        }
    }
}

fn not_run(name: &OsString, error: &io::Error) -> NotRun {
    let name = name.to_string_lossy();
    let (why, fix, exit_code) = match error.kind() {
        io::ErrorKind::NotFound => (
            "there is no such program".to_owned(),
            "check the name; give the whole path of a program that is not in PATH",
            127,
        ),
        io::ErrorKind::PermissionDenied => (
            "the file is not executable".to_owned(),
            "make it executable with `chmod +x`, or name the program that reads it",
            126,
        ),
        // A text without `#!`, or a binary for another machine.
        _ => (format!("the system can't execute it: {error}"), "", 126),
    };
    NotRun {
        failure: Failure::new(Kind::Failed, format!("could not run {name}"), why).fix(fix),
        exit_code,
    }
}

fn exit_code(status: ExitStatus) -> u8 {
    #[cfg(unix)]
    if let Some(signal) = std::os::unix::process::ExitStatusExt::signal(&status) {
        return 128u8.saturating_add(u8::try_from(signal).unwrap_or(u8::MAX));
    }
    // Windows has exit codes larger than a byte. All that matters is that they are not 0.
    status
        .code()
        .map_or(1, |code| u8::try_from(code).unwrap_or(1))
}

#[cfg(unix)]
mod signals {
    use super::{Child, io};
    use rustix::process::{Pid, Signal, getpgrp, kill_process};
    use std::{future::poll_fn, task::Poll};
    use tokio::signal::unix::{self, SignalKind};

    /// The signals that people and systems send to a program.
    pub(super) struct Signals(Vec<(Signal, unix::Signal)>);

    impl Signals {
        pub(super) fn listen() -> io::Result<Self> {
            [
                (Signal::INT, SignalKind::interrupt()),
                (Signal::QUIT, SignalKind::quit()),
                (Signal::TERM, SignalKind::terminate()),
                (Signal::HUP, SignalKind::hangup()),
                (Signal::USR1, SignalKind::user_defined1()),
                (Signal::USR2, SignalKind::user_defined2()),
            ]
            .into_iter()
            .map(|(signal, kind)| Ok((signal, unix::signal(kind)?)))
            .collect::<io::Result<_>>()
            .map(Self)
        }

        pub(super) async fn next(&mut self) -> Signal {
            poll_fn(|cx| {
                for (signal, stream) in &mut self.0 {
                    if let Poll::Ready(Some(())) = stream.poll_recv(cx) {
                        return Poll::Ready(*signal);
                    }
                }
                Poll::Pending
            })
            .await
        }

        pub(super) fn pass_on(&self, signal: Signal, child: &Child) {
            // A terminal sends Ctrl-C and Ctrl-\ to all processes in its foreground. Many programs
            // would take a second one for 'at once'.
            if matches!(signal, Signal::INT | Signal::QUIT) && in_foreground() {
                return;
            }
            let pid = child
                .id()
                .and_then(|id| i32::try_from(id).ok())
                .and_then(Pid::from_raw);
            if let Some(pid) = pid {
                // The program may have just ended. Then its exit code follows.
                let _ = kill_process(pid, signal);
            }
        }
    }

    /// Whether this process is in the foreground of a terminal.
    fn in_foreground() -> bool {
        std::fs::File::open("/dev/tty")
            .ok()
            .and_then(|terminal| rustix::termios::tcgetpgrp(terminal).ok())
            .is_some_and(|group| group == getpgrp())
    }
}

#[cfg(not(unix))]
mod signals {
    use super::{Child, io};

    /// Ctrl-C: the console sends it to all its programs, so this process only has to ignore it.
    pub(super) struct Signals(tokio::signal::windows::CtrlC);

    impl Signals {
        pub(super) fn listen() -> io::Result<Self> {
            tokio::signal::windows::ctrl_c().map(Self)
        }

        pub(super) async fn next(&mut self) {
            self.0.recv().await;
        }

        pub(super) fn pass_on(&self, (): (), _: &Child) {}
    }
}
