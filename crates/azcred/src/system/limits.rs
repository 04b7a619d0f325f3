//! The limit of open files, as a cause that errors name.

use crate::facts::Fix;
use std::{fmt, io};

/// The system lets this process open no more files: the inner error of an [`io::Error`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct OutOfFiles;

impl OutOfFiles {
    pub(crate) fn fix() -> Fix {
        Fix::from("raise the limit of open files: `ulimit -n` shows it, `ulimit -n 1024` sets it")
    }
}

impl fmt::Display for OutOfFiles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the system lets this process open no more files (`ulimit -n`)")
    }
}

impl std::error::Error for OutOfFiles {}

/// Whether the reason is the limit of open files: this process's, or the whole system's.
pub(crate) fn is_out_of_files(error: &io::Error) -> bool {
    // ENFILE and EMFILE have these numbers on all Unix systems. ERROR_TOO_MANY_OPEN_FILES and
    // WSAEMFILE on Windows.
    let numbers: &[i32] = if cfg!(windows) {
        &[4, 10_024]
    } else {
        &[23, 24]
    };
    let is_wrapped = matches!(error.get_ref(), Some(inner) if inner.is::<OutOfFiles>());
    is_wrapped
        || error
            .raw_os_error()
            .is_some_and(|number| numbers.contains(&number))
}

/// The error of a function that opens something, with words where the limit is the reason.
pub(super) fn named(error: io::Error) -> io::Error {
    match is_out_of_files(&error) {
        true => io::Error::new(error.kind(), OutOfFiles),
        false => error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_of_open_files_is_named_and_other_errors_stay() {
        let number = if cfg!(windows) { 4 } else { 24 };
        let limit = io::Error::from_raw_os_error(number);
        assert!(is_out_of_files(&limit));
        let limit = named(limit);
        assert!(is_out_of_files(&limit));
        assert!(limit.to_string().contains("ulimit -n"), "{limit}");
        let missing = named(io::ErrorKind::NotFound.into());
        assert_eq!(missing.kind(), io::ErrorKind::NotFound);
        assert!(!is_out_of_files(&missing));
    }
}
