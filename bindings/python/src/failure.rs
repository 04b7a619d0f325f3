//! The library's error as a value. `azcred/_errors.py` makes azure-core's exception of it.

use azcred::{Error, ErrorKind};
use pyo3::prelude::*;

/// Why there is no token.
#[pyclass(module = "azcred._native", frozen, get_all)]
pub(crate) struct Failure {
    /// `unavailable`, `refused`, `unreachable`, `invalid`, `unexpected` or `wrong_account`.
    kind: &'static str,
    /// All of it in one line.
    message: String,
    /// What did not work.
    what: String,
    /// Why it did not work.
    why: String,
    /// What fixes it, if that is known.
    fix: Option<String>,
    /// The provider's code, such as `AADSTS7000215`.
    code: Option<String>,
    /// The provider's correlation id.
    correlation_id: Option<String>,
}

impl Failure {
    /// The values of an error.
    pub(crate) fn of(error: &Error) -> Self {
        let kind = match error.kind() {
            ErrorKind::Unavailable => "unavailable",
            ErrorKind::Refused => "refused",
            ErrorKind::Unreachable => "unreachable",
            ErrorKind::Invalid => "invalid",
            ErrorKind::WrongAccount => "wrong_account",
            _ => "unexpected",
        };
        let refusal = error.refusal();
        Self {
            kind,
            message: error.to_string(),
            what: error.what().to_owned(),
            why: error.why().to_owned(),
            fix: error.fix().map(ToString::to_string),
            code: error.code().map(|code| format!("AADSTS{code}")),
            correlation_id: refusal.and_then(|refusal| refusal.correlation_id.clone()),
        }
    }
}
