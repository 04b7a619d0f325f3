//! Ctrl-C during a command: the programs that it started end before it does.

use crate::{failure::Failure, runtime::RENEWAL};
use azcred::account;
use std::{
    future::pending,
    pin::{Pin, pin},
};

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
    let done = unless(pin!(signal()), command).await;
    settled(signal()).await;
    done.unwrap_or_else(Ok)
}

/// Does something unless a signal comes, whose exit code is returned then.
pub(super) async fn unless<T>(
    mut interrupted: Pin<&mut impl Future<Output = u8>>,
    command: impl Future<Output = T>,
) -> Result<T, u8> {
    tokio::select! {
        biased;
        code = &mut interrupted => Err(code),
        done = command => Ok(done),
    }
}

/// Waits for the renewal of a sign-in, unless a signal comes.
pub(super) async fn settled(interrupted: impl Future<Output = u8>) {
    tokio::select! {
        biased;
        _ = account::settled(RENEWAL) => {}
        _ = interrupted => {}
    }
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
