//! A pseudo-terminal: what the binary writes to it, and what is typed.

use crate::run::{Run, Running};
use rustix::{
    io::{FdFlags, fcntl_setfd},
    pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt},
    termios::{LocalModes, Winsize, tcgetattr, tcsetwinsize},
};
use std::{
    fs::File,
    io::{Read, Write},
    process::Stdio,
    sync::mpsc::{self, Receiver},
    thread,
    time::{Duration, Instant},
};

/// No step takes longer than this.
const PATIENCE: Duration = Duration::from_secs(60);

/// What a person sees at the end: without the lines that were erased, such as a spinner's, which
/// appears only on a slow machine.
pub(crate) fn settled(written: &str) -> String {
    let mut lines = written.split('\n').map(|line| {
        let erased = line.rfind("\r\u{1b}[2K").map(|at| at + "\r\u{1b}[2K".len());
        &line[erased.unwrap_or(0)..]
    });
    let first = lines.next().unwrap_or_default().to_owned();
    lines.fold(first, |text, line| text + "\n" + line)
}

/// A pseudo-terminal. Its other side is a program's standard error.
pub(crate) struct Terminal {
    near: File,
    far: File,
    written: Receiver<Vec<u8>>,
    /// Everything that was written so far.
    seen: String,
}

impl Terminal {
    /// A terminal of this size.
    pub(crate) fn new(columns: u16, rows: u16) -> Self {
        let near = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a terminal");
        // If a program of another test inherited it, this terminal would never be closed.
        fcntl_setfd(&near, FdFlags::CLOEXEC).expect("a flag");
        grantpt(&near).expect("it is ours");
        unlockpt(&near).expect("it is ours");
        let name = ptsname(&near, Vec::new()).expect("it has a name");
        let far = File::options()
            .read(true)
            .write(true)
            .open(name.to_str().expect("text"))
            .expect("its other side");
        let size = Winsize {
            ws_row: rows,
            ws_col: columns,
            ws_xpixel: 0,
            ws_ypixel: 0,
        };
        tcsetwinsize(&near, size).expect("it has a size");
        let near = File::from(near);
        let (sender, written) = mpsc::channel();
        let mut reader = near.try_clone().expect("a handle");
        // Ends when the other side is closed everywhere.
        thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(count @ 1..) = reader.read(&mut buffer) {
                if sender.send(buffer[..count].to_vec()).is_err() {
                    return;
                }
            }
        });
        Self {
            near,
            far,
            written,
            seen: String::new(),
        }
    }

    /// Starts a run with this terminal. Its standard output is a pipe.
    pub(crate) fn start(&self, run: Run) -> Running {
        run.start_with(|command| {
            command
                .env("TERM", "xterm-256color")
                .stdin(Stdio::from(self.far.try_clone().expect("a handle")))
                .stdout(Stdio::piped())
                .stderr(Stdio::from(self.far.try_clone().expect("a handle")));
        })
    }

    /// Starts a run of which only standard input is this terminal.
    pub(crate) fn start_unseen(&self, run: Run) -> Running {
        run.start_with(|command| {
            command
                .env("TERM", "xterm-256color")
                .stdin(Stdio::from(self.far.try_clone().expect("a handle")))
                .stdout(Stdio::piped())
                .stderr(Stdio::piped());
        })
    }

    /// Waits until `wanted` was written. Returns everything so far, without cursor movements and
    /// colours.
    #[track_caller]
    pub(crate) fn until(&mut self, wanted: &str) -> String {
        let end = Instant::now() + PATIENCE;
        loop {
            let plain = self.plain();
            if plain.contains(wanted) {
                return plain;
            }
            let left = end.saturating_duration_since(Instant::now());
            match self.written.recv_timeout(left) {
                Ok(bytes) => self.seen.push_str(&String::from_utf8_lossy(&bytes)),
                Err(_) => panic!("'{wanted}' was never written:\n{plain}"),
            }
        }
    }

    /// Everything that was written until the program ended, unchanged.
    pub(crate) fn rest(mut self) -> String {
        drop(self.far);
        while let Ok(bytes) = self.written.recv_timeout(PATIENCE) {
            self.seen.push_str(&String::from_utf8_lossy(&bytes));
        }
        self.seen
    }

    fn plain(&self) -> String {
        anstream::adapter::strip_str(&self.seen).to_string()
    }

    /// Types text.
    pub(crate) fn types(&mut self, text: &str) {
        self.near.write_all(text.as_bytes()).expect("it is typed");
    }

    /// Whether the terminal shows `^C` when it is typed.
    pub(crate) fn shows_control_keys(&self) -> bool {
        let modes = tcgetattr(&self.far).expect("modes").local_modes;
        modes.contains(LocalModes::ECHOCTL)
    }

    /// Whether the terminal shows typed text.
    pub(crate) fn echoes(&self) -> bool {
        let modes = tcgetattr(&self.far).expect("modes").local_modes;
        modes.contains(LocalModes::ECHO)
    }
}
