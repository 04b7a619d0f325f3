//! Ctrl-C during a command: the programs that it started end before it does.

use crate::failure::Failure;
use azcred::account;
use std::{future::pending, pin::pin, time::Duration};

/// How long the renewal of a sign-in may take after the command: the time of one HTTP attempt.
const RENEWAL: Duration = Duration::from_secs(10);

/// Runs a command until it ends or a signal ends it. A source's programs have their own process
/// groups, which a terminal's Ctrl-C does not reach: dropping the command kills them. The exit code
/// is then 128 plus the signal's number, as in shells.
///
/// At that moment, a refresh token with one use may be on its way. The response is stored before
/// the process ends. A second Ctrl-C does not wait for it.
pub(super) async fn interruptible(
    command: impl Future<Output = Result<u8, Failure>>,
) -> Result<u8, Failure> {
    // The signal handler is installed before the command starts anything.
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

/// The exit code for the next signal.
#[cfg(unix)]
async fn signal() -> u8 {
    use tokio::signal::unix::{SignalKind, signal};
    let next = async |kind: SignalKind| match signal(kind) {
        Ok(mut stream) => {
            stream.recv().await;
            u8::try_from(kind.as_raw_value()).map_or(u8::MAX, |number| 128 + number)
        }
        // The system then ends the process as usual.
        Err(_) => pending().await,
    };
    tokio::select! {
        code = next(SignalKind::interrupt()) => code,
        code = next(SignalKind::terminate()) => code,
        code = next(SignalKind::hangup()) => code,
    }
}

/// `STATUS_CONTROL_C_EXIT` does not fit into a byte. This is the number that shells use.
#[cfg(not(unix))]
async fn signal() -> u8 {
    match tokio::signal::ctrl_c().await {
        Ok(()) => 130,
        Err(_) => pending().await,
    }
}
