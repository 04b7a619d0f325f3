//! The signals that people, shells and systems send to a program.

use super::job;
use rustix::process::{Pid, Signal, kill_process};
use std::{future::poll_fn, io, task::Poll};
use tokio::{
    process::Child,
    signal::unix::{self, SignalKind},
};

/// Signals that this process gets, and passes on to its program.
pub(crate) struct Signals(Vec<(Signal, unix::Signal)>);

/// `SIGTSTP` (Ctrl-Z) and `SIGCONT` (`fg`) are among them, so that this process stops when its
/// program does, and not before.
const ALL: [Signal; 10] = [
    Signal::INT,
    Signal::QUIT,
    Signal::TERM,
    Signal::HUP,
    Signal::USR1,
    Signal::USR2,
    Signal::TSTP,
    Signal::TTIN,
    Signal::CONT,
    Signal::CHILD,
];

impl Signals {
    /// Catches the signals from now on.
    ///
    /// A signal that this process was started to ignore (`nohup`) stays ignored, by the program
    /// too: a handler would make the program end at it.
    pub(crate) fn listen() -> io::Result<Self> {
        let ignored = job::ignored();
        let caught = ALL.into_iter().filter(|signal| !ignored.has(*signal));
        caught
            .map(|signal| Ok((signal, unix::signal(SignalKind::from_raw(signal.as_raw()))?)))
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

    /// The exit code of the next signal that ends a process, before its program runs.
    pub(crate) async fn ended(&mut self) -> u8 {
        loop {
            match self.next().await {
                Signal::TSTP | Signal::TTIN => job::stop(),
                Signal::CONT | Signal::CHILD => {}
                signal => return exit_code_of(signal.as_raw()),
            }
        }
    }

    pub(super) fn pass_on(&self, signal: Signal, child: &Child) {
        let pid = child
            .id()
            .and_then(|id| i32::try_from(id).ok())
            .and_then(Pid::from_raw);
        let Some(pid) = pid else {
            return;
        };
        match signal {
            Signal::CHILD if job::has_stopped(pid) => job::stop(),
            Signal::CHILD => {}
            // The terminal sends this one to the whole group of a program that reads it.
            Signal::TTIN => {}
            // A terminal sends Ctrl-C, Ctrl-\ and Ctrl-Z to all processes in its foreground. Many
            // programs would take a second Ctrl-C for 'at once'.
            Signal::INT | Signal::QUIT | Signal::TSTP if job::is_in_foreground() => {}
            signal => {
                // The program may have just ended. Then its exit code follows.
                let _ = kill_process(pid, signal);
            }
        }
    }
}

/// 128 plus the signal's number, as in shells.
pub(super) fn exit_code_of(signal: i32) -> u8 {
    128u8.saturating_add(u8::try_from(signal).unwrap_or(u8::MAX))
}
