//! The library's error as a value. `azcred/_errors.py` makes azure-core's exception of it.

use crate::words;
use azcred::{Error, ErrorKind};
use pyo3::{prelude::*, types::PyDict};

/// Why there is no token.
#[pyclass(module = "azcred._native", frozen)]
pub(crate) struct Failure(Error);

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self(error)
    }
}

#[pymethods]
impl Failure {
    /// The parts of the error by name. `made_by` is the function whose options the fix names, such
    /// as `azcred.Credential`.
    fn parts<'py>(&self, py: Python<'py>, made_by: &str) -> PyResult<Bound<'py, PyDict>> {
        let error = words::in_python(&self.0, made_by);
        let refusal = error.refusal();
        let parts = PyDict::new(py);
        parts.set_item("kind", kind(error.kind()))?;
        parts.set_item("message", error.to_string())?;
        parts.set_item("what", error.what())?;
        parts.set_item("why", error.why())?;
        parts.set_item("fix", error.fix().map(ToString::to_string))?;
        parts.set_item("code", error.code().map(|code| format!("AADSTS{code}")))?;
        let id = refusal.and_then(|refusal| refusal.correlation_id.as_deref());
        parts.set_item("correlation_id", id)?;
        Ok(parts)
    }
}

fn kind(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::Unavailable => "unavailable",
        ErrorKind::Refused => "refused",
        ErrorKind::Unreachable => "unreachable",
        ErrorKind::Invalid => "invalid",
        ErrorKind::WrongAccount => "wrong_account",
        _ => "unexpected",
    }
}
