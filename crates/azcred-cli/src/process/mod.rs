//! Runs a program to its end: passes signals on, stops and continues with it, returns its exit
//! code.

#[cfg(unix)]
mod job;
#[cfg(unix)]
mod search;
#[cfg(unix)]
mod signals;
#[cfg(not(unix))]
#[path = "ctrl_c.rs"]
mod signals;

use crate::failure::{Failure, Kind};
use std::{
    ffi::OsString,
    io,
    process::{ExitStatus, Stdio},
};
use tokio::process::{Child, Command};

pub(crate) use signals::Signals;

/// A program, and the changes to its environment.
pub(crate) struct Program<'a> {
    /// The program and its arguments. The program is looked up in its PATH, without a shell.
    pub(crate) command: &'a [OsString],
    /// Sets and removes its variables.
    pub(crate) environment: &'a dyn Fn(&mut std::process::Command),
}

/// A program that has started. If it is dropped, the program is killed.
pub(crate) struct Started {
    child: Child,
    signals: Signals,
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
    #[cfg(feature = "emulator")]
    pub(crate) async fn run(&self) -> Result<u8, NotRun> {
        // Signal handlers are installed before the program starts, so that no signal is lost.
        let signals = Signals::listen().map_err(|error| self.not_run(&error))?;
        Ok(self.start(signals)?.end().await)
    }

    /// Starts the program, which gets these signals.
    pub(crate) fn start(&self, signals: Signals) -> Result<Started, NotRun> {
        let Some((name, arguments)) = self.command.split_first() else {
            return Err(self.not_run(&io::ErrorKind::NotFound.into()));
        };
        let mut command = Command::new(name);
        command
            .args(arguments)
            .stdin(Stdio::inherit())
            .kill_on_drop(true);
        (self.environment)(command.as_std_mut());
        let child = command.spawn().map_err(|error| self.not_run(&error))?;
        Ok(Started { child, signals })
    }

    /// Fails if the program can't start, as far as that shows before. On Windows, only the start
    /// shows it.
    pub(crate) fn check(&self) -> Result<(), NotRun> {
        #[cfg(unix)]
        if let Some(name) = self.command.first() {
            let mut command = std::process::Command::new(name);
            (self.environment)(&mut command);
            let found = search::executable(name, search::path_of(&command).as_deref());
            found.map_err(|error| self.not_run(&error))?;
        }
        Ok(())
    }

    /// The program that should read the script, if the script is there.
    fn missing_interpreter(&self) -> Option<String> {
        #[cfg(unix)]
        if let Some(name) = self.command.first() {
            let mut command = std::process::Command::new(name);
            (self.environment)(&mut command);
            let script = search::executable(name, search::path_of(&command).as_deref());
            let interpreter = search::interpreter(&script.ok()??)?;
            let interpreter = azcred::printable(&interpreter, 100);
            return (!std::path::Path::new(&interpreter).exists()).then_some(interpreter);
        }
        None
    }

    fn not_run(&self, error: &io::Error) -> NotRun {
        let name = self.command.first().map(|name| name.to_string_lossy());
        let name = name.unwrap_or_default();
        let (why, fix, exit_code) = match error.kind() {
            io::ErrorKind::NotFound => match self.missing_interpreter() {
                Some(interpreter) => (
                    format!("its first line names {interpreter}, which is not there"),
                    "install that program, or correct the first line of the script",
                    127,
                ),
                None => (
                    "there is no such program".to_owned(),
                    "check the name; give the whole path of a program that is not in PATH",
                    127,
                ),
            },
            io::ErrorKind::IsADirectory => {
                ("it is a folder".to_owned(), "name a program in it", 126)
            }
            io::ErrorKind::PermissionDenied => (
                "the file is not executable".to_owned(),
                "make it executable with `chmod +x`, or name the program that reads it",
                126,
            ),
            _ => (
                format!("the system can't execute it: {error}"),
                "if it is a script, name the program that reads it before it (such as `python3`), or begin it with a line \
                 such as `#!/usr/bin/env python3`; a binary must be for this kind of machine",
                126,
            ),
        };
        NotRun {
            failure: Failure::new(Kind::Failed, format!("could not run {name}"), why).fix(fix),
            exit_code,
        }
    }
}

impl Started {
    /// Waits for the end. Returns the exit code, as [`Program::run`].
    pub(crate) async fn end(mut self) -> u8 {
        loop {
            tokio::select! {
                // The system has lost the program only if something else has waited for it.
                status = self.child.wait() => return status.map_or(1, exit_code),
                signal = self.signals.next() => self.signals.pass_on(signal, &self.child),
            }
        }
    }
}

fn exit_code(status: ExitStatus) -> u8 {
    #[cfg(unix)]
    if let Some(signal) = std::os::unix::process::ExitStatusExt::signal(&status) {
        return signals::exit_code_of(signal);
    }
    // Windows has exit codes larger than a byte. All that matters is that they are not 0.
    status
        .code()
        .map_or(1, |code| u8::try_from(code).unwrap_or(1))
}
