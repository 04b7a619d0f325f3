//! Job control: a program that stops, and the shell that continues it.

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, getpgrp, getpid, kill_process, waitid};
use std::fs::File;

/// Whether the program has stopped: by Ctrl-Z, by reading the terminal in the background, or by
/// itself.
pub(super) fn has_stopped(program: Pid) -> bool {
    // Without `EXITED`, so that a program that has ended is left for the one that waits for it.
    let options = WaitIdOptions::STOPPED | WaitIdOptions::NOHANG;
    waitid(WaitId::Pid(program), options)
        .ok()
        .flatten()
        .is_some_and(|status| status.stopped())
}

/// Stops this process, so that the shell has its terminal back. The shell's `fg` or `bg` continues
/// it. Without a terminal there is no such shell, and a stopped process would stay so.
pub(super) fn stop() {
    if terminal().is_some() {
        let _ = kill_process(getpid(), Signal::STOP);
    }
}

/// Whether this process is in the foreground of a terminal.
pub(super) fn is_in_foreground() -> bool {
    terminal()
        .and_then(|terminal| rustix::termios::tcgetpgrp(terminal).ok())
        .is_some_and(|group| group == getpgrp())
}

fn terminal() -> Option<File> {
    File::open("/dev/tty").ok()
}

/// A set of signals, as the system shows it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Set(u64);

impl Set {
    pub(super) fn has(self, signal: Signal) -> bool {
        let bit = u32::try_from(signal.as_raw() - 1).ok();
        bit.and_then(|bit| 1u64.checked_shl(bit))
            .is_some_and(|bit| self.0 & bit != 0)
    }
}

/// The signals that this process ignores. Only Linux tells: elsewhere none.
pub(super) fn ignored() -> Set {
    let status = match cfg!(target_os = "linux") {
        true => std::fs::read_to_string("/proc/self/status").unwrap_or_default(),
        false => String::new(),
    };
    in_status(&status)
}

/// The line `SigIgn` of proc(5): a number in hexadecimal, where bit N - 1 is signal N.
fn in_status(status: &str) -> Set {
    let mask = status
        .lines()
        .find_map(|line| line.strip_prefix("SigIgn:"))
        .and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    Set(mask.unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ignored_signals_are_read_from_the_systems_text() {
        let status = "Name:\tazcred\nSigBlk:\t0000000000000002\nSigIgn:\t0000000000001001\n";
        let ignored = in_status(status);
        for (signal, is_ignored) in [
            (Signal::HUP, true),
            (Signal::PIPE, true),
            (Signal::INT, false),
            (Signal::TERM, false),
        ] {
            assert_eq!(ignored.has(signal), is_ignored, "{signal:?}");
        }
        for odd in [
            "",
            "SigIgn:",
            "SigIgn:\tx\n",
            "SigIgn:\t00000000000000001ff\n",
        ] {
            assert!(!in_status(odd).has(Signal::TERM), "{odd}");
        }
    }
}
