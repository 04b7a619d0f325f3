//! Ctrl-C while a command asks: what it started ends before it does.

use crate::failure::Failure;
use azcred::account;
use std::{future::pending, pin::pin, time::Duration};

/// So long may the renewal of a sign-in take when the command is done: an HTTP attempt's time.
const RENEWAL: Duration = Duration::from_secs(10);

/// Runs a command until it ends or a signal ends it. Programs that a source runs are in groups of
/// their own, where a terminal's Ctrl-C does not reach them: dropping the command kills them. The
/// exit code is then 128 and the signal's number, as a shell has it.
///
/// A refresh token that is good for one use may be under way then, and what comes for it is kept
/// before the process ends. A second Ctrl-C does not wait for that.
pub(super) async fn interruptible(
    command: impl Future<Output = Result<u8, Failure>>,
) -> Result<u8, Failure> {
    // Listens before the command starts anything.
    let mut interrupted = pin!(signal());
    let done = tokio::select! {
        biased;
        code = &mut interrupted => Ok(code),
        done = command => done,
    };
    tokio::select! {
        biased;
        _ = account::settled(RENEWAL) => {}
        _ = signal() => {}
    }
    done
}

/// The exit code for the signal that comes.
#[cfg(unix)]
async fn signal() -> u8 {
    use tokio::signal::unix::{SignalKind, signal};
    let next = async |kind: SignalKind| match signal(kind) {
        Ok(mut stream) => {
            stream.recv().await;
            u8::try_from(kind.as_raw_value()).map_or(u8::MAX, |number| 128 + number)
        }
        // Then the system ends us as it always does.
        Err(_) => pending().await,
    };
    tokio::select! {
        code = next(SignalKind::interrupt()) => code,
        code = next(SignalKind::terminate()) => code,
        code = next(SignalKind::hangup()) => code,
    }
}

/// `STATUS_CONTROL_C_EXIT` does not fit into a byte; a shell's number for it does.
#[cfg(not(unix))]
async fn signal() -> u8 {
    match tokio::signal::ctrl_c().await {
        Ok(()) => 130,
        Err(_) => pending().await,
    }
}
