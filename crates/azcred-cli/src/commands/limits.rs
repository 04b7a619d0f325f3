//! The system's limits: open files and threads.
//!
//! Tokio panics if the system refuses it a socket or its first thread, and has no function that
//! returns an error instead. Such a panic ends the command as other failures do.

use crate::{
    failure::{Failure, Kind},
    output::Output,
    runtime::RAISE,
};
use std::{
    panic::{self, PanicHookInfo},
    process,
};

/// Reports a limit of the system as a failure. Other panics stay as they are.
pub(crate) fn end_at_a_limit(output: &Output) {
    let (report, other) = (output.reporter(), panic::take_hook());
    panic::set_hook(Box::new(move |info| match reached(info) {
        Some(failure) => {
            report(&failure);
            process::exit(i32::from(failure.kind.exit_code()));
        }
        None => other(info),
    }));
}

/// The files that an endpoint with all its connections needs, and the rest of the process.
#[cfg(unix)]
const ENOUGH_FILES: u64 = 20_000;

/// Raises the limit of open files to what an endpoint needs, as far as the system permits. Programs
/// that start later inherit it.
pub(super) fn raise_files() {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
        let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
        let wanted = maximum.map_or(ENOUGH_FILES, |most| most.min(ENOUGH_FILES));
        if current.is_none_or(|current| current >= wanted) {
            return;
        }
        let current = Some(wanted);
        if let Err(error) = setrlimit(Resource::Nofile, Rlimit { current, maximum }) {
            tracing::debug!(%error, "the limit of open files stays");
        }
    }
}

fn reached(info: &PanicHookInfo<'_>) -> Option<Failure> {
    // Panics with arguments have a string, others a text that is part of the program.
    let payload = info.payload();
    let text = payload.downcast_ref::<String>().map(String::as_str);
    let why = why(text.or(payload.downcast_ref::<&str>().copied())?)?;
    Some(Failure::new(Kind::Failed, "could not go on", why).fix(RAISE))
}

/// Why Tokio panicked, if a limit was the reason.
fn why(panicked: &str) -> Option<&'static str> {
    let begins = |start: &str| panicked.starts_with(start);
    if begins("failed to create UnixStream") {
        return Some("the system lets this process open no more files");
    }
    begins("OS can't spawn worker thread")
        .then_some("the system lets this user start no more threads")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_limit_is_reported_as_one() {
        let files = "failed to create UnixStream: Os { code: 24, … }";
        assert!(why(files).unwrap().contains("files"));
        let threads = "OS can't spawn worker thread: Resource temporarily unavailable";
        assert!(why(threads).unwrap().contains("threads"));
        assert_eq!(why("index out of bounds"), None);
    }
}
