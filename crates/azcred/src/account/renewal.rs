//! Renewals of sign-ins, which are gone through with though whoever wanted one goes away.
//!
//! A refresh token may be good for one use. Once it has been sent, the one that comes for it is all
//! that is left of the sign-in, and is kept whoever still waits: a source that the chain turns out
//! not to need, a caller who has no time left, a command that is interrupted.

use crate::facts::{Error, ErrorKind, Result};
use std::{panic, sync::LazyLock, time::Duration};
use tokio::{sync::watch, time::timeout};

/// How many are under way in this process.
static UNDER_WAY: LazyLock<watch::Sender<usize>> = LazyLock::new(watch::Sender::default);

/// One that is.
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

/// Does it in a task of its own, which ends with the runtime at the latest, and gives what comes of
/// it.
///
/// Dropped, the task goes on. Bounded as `renewal` is.
///
/// # Errors
/// Those of `renewal`; [`ErrorKind::Invalid`] where the runtime is shutting down.
pub(crate) async fn gone_through_with<T: Send + 'static>(
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

/// Waits until every sign-in that is being renewed in this process is kept, for `within` at most;
/// whether all are.
///
/// A refresh token may be good for one use, so that a renewal goes on when the future that asked
/// for the token is dropped. It ends with the Tokio runtime: a program that drops futures of
/// [`crate::Credential::get_token`], as `select!` and a chain do, and that keeps sign-ins on disk
/// waits for this before it ends its runtime. Where nothing is under way, that is at once.
///
/// Cancel-safe. Needs a Tokio runtime with time.
pub async fn settled(within: Duration) -> bool {
    let mut under_way = UNDER_WAY.subscribe();
    let done = under_way.wait_for(|number| *number == 0);
    timeout(within, done).await.is_ok()
}
