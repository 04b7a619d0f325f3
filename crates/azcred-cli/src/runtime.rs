//! The event queue on which a command runs.

use crate::failure::{Failure, Kind};
use std::time::Duration;
use tokio::runtime::{Builder, Runtime};

/// How long the renewal of a sign-in may take after a command: the time of one HTTP attempt.
pub(crate) const RENEWAL: Duration = Duration::from_secs(10);

/// The fix for a limit of the system.
pub(crate) const RAISE: &str = "raise the limits of this session: `ulimit -n` shows that of open files, `ulimit -u` that of processes and threads";

/// A runtime for a command that sends requests: one thread, started in microseconds.
pub(crate) fn client() -> Result<Runtime, Failure> {
    made(&mut Builder::new_current_thread())
}

/// A runtime for a command that also serves requests.
#[cfg(feature = "emulator")]
pub(crate) fn server() -> Result<Runtime, Failure> {
    made(Builder::new_multi_thread().worker_threads(2))
}

fn made(builder: &mut Builder) -> Result<Runtime, Failure> {
    builder.enable_all().build().map_err(|error| {
        Failure::new(
            Kind::Failed,
            "could not start",
            format!("the system provides no event queue: {error}"),
        )
        .fix(RAISE)
    })
}

/// Runs a command to its end. Ends the runtime without waiting for its threads: a file server that
/// never responds blocks a thread, which must not block the process.
pub(crate) fn finish<T>(runtime: Runtime, command: impl Future<Output = T>) -> T {
    let done = runtime.block_on(command);
    runtime.shutdown_background();
    done
}
