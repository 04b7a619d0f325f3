//! Renewals of sign-ins, which run to their end even if the caller goes away.
//!
//! A refresh token may be valid for one use. After it was sent, the one that the provider returns
//! is all that is left of the sign-in. So it is stored even if no caller waits any more: the chain
//! may not need this source, the caller's time may be over, or a command may be interrupted.

use crate::facts::{Error, ErrorKind, Result};
use std::{panic, sync::LazyLock, time::Duration};
use tokio::{sync::watch, time::timeout};

/// The number of running renewals in this process.
static UNDER_WAY: LazyLock<watch::Sender<usize>> = LazyLock::new(watch::Sender::default);

/// A running renewal.
struct UnderWay;

impl UnderWay {
    fn begins() -> Self {
        UNDER_WAY.send_modify(|number| *number += 1);
        Self
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        UNDER_WAY.send_modify(|number| *number -= 1);
    }
}

/// Runs `renewal` in its own task and returns its result. The task ends with the runtime at the
/// latest.
///
/// If the future is dropped, the task continues. It ends when `renewal` does.
///
/// # Errors
/// Those of `renewal`; [`ErrorKind::Invalid`] if the runtime is shutting down.
pub(crate) async fn run_to_end<T: Send + 'static>(
    renewal: impl Future<Output = Result<T>> + Send + 'static,
) -> Result<T> {
    let under_way = UnderWay::begins();
    let done = tokio::spawn(async move {
        let _until_done = under_way;
        renewal.await
    });
    done.await
        .unwrap_or_else(|ended| match ended.try_into_panic() {
            Ok(panicked) => panic::resume_unwind(panicked),
            Err(_) => Err(Error::new(
                ErrorKind::Invalid,
                "could not renew a sign-in",
                "the runtime is shutting down",
            )),
        })
}

/// Waits at most `within` until all sign-ins that are being renewed in this process are stored.
/// Returns whether all are.
///
/// A refresh token may be valid for one use, so a renewal continues when the future that requested
/// the token is dropped. The renewal ends with the Tokio runtime. So a program that drops futures
/// of [`crate::Credential::get_token`] (as `select!` and a chain do) and stores sign-ins on the
/// disk calls this before its runtime ends. It returns at once if no renewal is running.
///
/// Cancel-safe. Needs a Tokio runtime with time.
pub async fn settled(within: Duration) -> bool {
    let mut under_way = UNDER_WAY.subscribe();
    let done = under_way.wait_for(|number| *number == 0);
    timeout(within, done).await.is_ok()
}
