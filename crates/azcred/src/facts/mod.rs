//! What is so, as values: errors, names of sources and presets, what a chain did.
//!
//! This is the ground floor. It imports no other part but [`crate::redact`], and makes no request.

pub(crate) mod error;
mod preset;
mod report;
mod source;

pub use error::{Error, ErrorKind, Refusal, Result};
pub use preset::{AfterFailure, Preset};
pub use report::{Attempt, Report, Verdict};
pub use source::Source;
