//! azcred for Python: the module `azcred._native`, a thin layer over [`azcred::Session`].
//!
//! Sentences, exceptions and azure-core's types are in the Python sources beside this crate. This
//! module waits, and hands values over.
//!
//! # Threads, the GIL and fork
//! Requests run in one thread of this module (`runtime`). It never needs the GIL. A thread that
//! waits for a token releases the GIL. Locks that a caller holds together with the GIL are held for
//! moments only and never while Python code runs, so a fork, which needs the GIL, never copies one
//! that is locked. Before a fork, the thread of requests stops between two steps. The child leaves
//! everything of its parent alone and makes its own.

mod bell;
mod call;
mod credential;
mod failure;
mod hold;
mod notice;
mod options;
mod runtime;
mod words;

use pyo3::pymodule;

/// What `azcred/*.py` imports from the extension.
#[pymodule]
mod _native {
    #[pymodule_export]
    use crate::{call::Call, credential::Credential, failure::Failure};
}
