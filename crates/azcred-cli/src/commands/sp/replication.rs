//! Waits for Azure to know everywhere what was made a moment ago. That takes seconds, sometimes
//! minutes, and is an error only after the limit.

use crate::output::{Output, Spinner, time};
use azcred_azure::{Error, ErrorKind};
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// The default limit of one wait. Microsoft's page 'Troubleshoot Azure RBAC' says that a new role
/// takes up to ten minutes; mostly it takes seconds.
pub(super) const LIMIT: Duration = Duration::from_secs(5 * 60);
/// The first pause. Each is twice the one before, up to the last one.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LAST_PAUSE: Duration = Duration::from_secs(5);

/// How long is waited, and where that is told.
#[derive(Clone, Copy)]
pub(super) struct Patience<'a> {
    pub(super) output: &'a Output,
    pub(super) spinner: &'a Spinner,
    /// The limit of one wait.
    pub(super) limit: Duration,
}

impl Patience<'_> {
    /// Repeats a request as long as `is_early` says that its result is that of an object that is
    /// not known yet. Returns the last result. `what` is what is waited for: `the application`.
    pub(super) async fn until<T, E>(
        &self,
        what: &'static str,
        is_early: impl Fn(&Result<T, E>) -> bool,
        mut request: impl AsyncFnMut() -> Result<T, E>,
    ) -> Result<T, E> {
        let end = Instant::now() + self.limit;
        let mut pause = FIRST_PAUSE;
        let mut is_told = false;
        loop {
            let result = request().await;
            if !is_early(&result) || Instant::now() + pause >= end {
                return result;
            }
            if !is_told {
                is_told = true;
                self.tell(what);
            }
            sleep(pause).await;
            pause = LAST_PAUSE.min(2 * pause);
        }
    }

    /// Says what happens next, before it does.
    pub(super) fn say(&self, what: String) {
        self.spinner.aside(|| self.output.note(&what));
        self.spinner.say(what);
    }

    /// Says that something is waited for.
    pub(super) fn tell(&self, what: &str) {
        self.spinner
            .say(format!("Waiting until Azure knows {what}"));
        let limit = time::span(i64::try_from(self.limit.as_secs()).unwrap_or(i64::MAX));
        self.spinner.aside(|| {
            self.output.note(format_args!(
                "Azure does not know {what} everywhere yet; azcred waits, {limit} at most"
            ));
        });
    }
}

/// Whether an error is one of an object that was made a moment ago: not found, or not yet the
/// identity's own.
pub(super) fn is_early<T>(result: &Result<T, Error>) -> bool {
    let error = result.as_ref().err();
    error.is_some_and(|error| {
        matches!(
            error.kind(),
            ErrorKind::NotFound | ErrorKind::NotPermitted | ErrorKind::Unauthenticated
        )
    })
}
