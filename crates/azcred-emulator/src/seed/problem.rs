//! What is wrong with a seed.

use std::ops::Range;
use toml::Spanned;

/// What is wrong with an entry, and the entry's position.
pub(super) struct Problem {
    pub(super) span: Option<Range<usize>>,
    pub(super) field: String,
    pub(super) message: String,
}

/// A problem of this entry.
pub(super) fn problem<T>(entry: &Spanned<T>, field: String, message: impl Into<String>) -> Problem {
    Problem {
        span: Some(entry.span()),
        field,
        message: message.into(),
    }
}
