//! One request for a token, while it runs.

use crate::{bell::Bell, failure::Failure, hold::run_python, notice::Board, runtime};
use azcred::{AccessToken, Error, ErrorKind, Result};
use pyo3::{prelude::*, types::PyTuple};
use std::{
    fmt, mem,
    sync::{
        Arc, Condvar, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    time::Duration,
};
use tokio::task::AbortHandle;

/// How often a thread that waits checks for Ctrl-C.
const CHECK: Duration = Duration::from_millis(50);

/// What a request leads to.
#[derive(IntoPyObject)]
pub(crate) enum Outcome {
    /// A token, when it ends and when it is due for refresh, in seconds since 1970.
    Token((String, i64, i64)),
    /// Why there is none.
    Failure(Failure),
}

impl From<&Result<AccessToken>> for Outcome {
    fn from(result: &Result<AccessToken>) -> Self {
        match result {
            Ok(token) => Self::Token((
                token.secret().to_owned(),
                token.expires_on().unix_timestamp(),
                token.refresh_on().unix_timestamp(),
            )),
            Err(error) => Self::Failure(error.clone().into()),
        }
    }
}

/// What the thread of requests and a caller share.
#[derive(Default)]
pub(crate) struct Shared {
    state: Mutex<State>,
    changed: Condvar,
    /// The caller has something to read: a result or a notice.
    is_woken: AtomicBool,
}

#[derive(Default)]
struct State {
    result: Option<Result<AccessToken>>,
    /// For a caller with an event loop: the function to call, and the way to the thread that may.
    callback: Option<(mpsc::Sender<Py<PyAny>>, Py<PyAny>)>,
}

impl Shared {
    /// Sets the result.
    fn finish(&self, result: Result<AccessToken>) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.result.get_or_insert(result);
        drop(state);
        self.wake();
    }

    /// Wakes the caller.
    pub(crate) fn wake(&self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        self.is_woken.store(true, Ordering::Relaxed);
        let callback = state.callback.take();
        drop(state);
        self.changed.notify_all();
        if let Some((bell, callback)) = callback {
            // Without the thread, the interpreter ends.
            if let Err(mpsc::SendError(callback)) = bell.send(callback) {
                mem::forget(callback);
            }
        }
    }

    /// Waits until there is something to read, or until Ctrl-C should be checked.
    fn wait(&self) {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let asleep = |_: &mut State| !self.is_woken.load(Ordering::Relaxed);
        drop(self.changed.wait_timeout_while(state, CHECK, asleep));
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Shared")
    }
}

/// Sets a result even if the request is dropped before it has one.
pub(crate) struct Finish(pub(crate) Arc<Shared>);

impl Finish {
    /// Sets the result.
    pub(crate) fn with(self, result: Result<AccessToken>) {
        self.0.finish(result);
    }
}

impl Drop for Finish {
    fn drop(&mut self) {
        // The first result counts.
        self.0.finish(Err(Error::new(
            ErrorKind::Unavailable,
            "could not get a token",
            "the request was canceled, or the interpreter ends",
        )));
    }
}

/// A request that runs. Dropping it ends the request.
#[pyclass(module = "azcred._native", frozen)]
pub(crate) struct Call {
    parts: Mutex<Option<Parts>>,
    generation: u64,
}

#[derive(Clone)]
struct Parts {
    shared: Arc<Shared>,
    board: Arc<Board>,
    request: AbortHandle,
    bell: Bell,
}

impl Call {
    pub(crate) fn new(
        shared: Arc<Shared>,
        board: Arc<Board>,
        request: AbortHandle,
        bell: Bell,
    ) -> Self {
        Self {
            parts: Mutex::new(Some(Parts {
                shared,
                board,
                request,
                bell,
            })),
            generation: runtime::generation(),
        }
    }

    fn parts(&self) -> PyResult<Parts> {
        let parts = self.parts.lock().unwrap_or_else(PoisonError::into_inner);
        let own = (self.generation == runtime::generation()).then_some(&*parts);
        own.and_then(Clone::clone).ok_or_else(|| {
            pyo3::exceptions::PyRuntimeError::new_err(
                "this request was started before the process was forked",
            )
        })
    }
}

#[pymethods]
impl Call {
    /// The outcome, after `show` was called with each notice; `None` if there is none yet.
    fn poll(&self, py: Python<'_>, show: &Bound<'_, PyAny>) -> PyResult<Option<Outcome>> {
        let parts = self.parts()?;
        parts.shared.is_woken.store(false, Ordering::Relaxed);
        while let Some(note) = parts.board.take() {
            let (kind, values) = note.values(py)?;
            run_python(|| show.call((kind,), Some(&values)))?;
        }
        let state = parts.shared.state.lock();
        let state = state.unwrap_or_else(PoisonError::into_inner);
        Ok(state.result.as_ref().map(Outcome::from))
    }

    /// Waits for the outcome without the GIL. Ctrl-C ends it.
    fn wait(&self, py: Python<'_>, show: &Bound<'_, PyAny>) -> PyResult<Outcome> {
        loop {
            if let Some(outcome) = self.poll(py, show)? {
                return Ok(outcome);
            }
            let parts = self.parts()?;
            py.detach(|| parts.shared.wait());
            py.check_signals()?;
        }
    }

    /// Has `callback` called once, from another thread, when there is something to poll.
    fn notify(&self, callback: Py<PyAny>) -> PyResult<()> {
        let parts = self.parts()?;
        let bell = parts.bell.callbacks()?;
        let mut state = (parts.shared.state.lock()).unwrap_or_else(PoisonError::into_inner);
        let old = state.callback.replace((bell, callback));
        drop(state);
        drop(old);
        // It may have been woken before there was a callback.
        if parts.shared.is_woken.load(Ordering::Relaxed) {
            parts.shared.wake();
        }
        Ok(())
    }

    fn __enter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    #[pyo3(signature = (*_error))]
    fn __exit__(&self, _error: &Bound<'_, PyTuple>) {
        self.cancel();
    }

    /// Ends the request.
    fn cancel(&self) {
        let parts = self.parts.lock();
        let Some(parts) = parts.unwrap_or_else(PoisonError::into_inner).take() else {
            return;
        };
        if self.generation == runtime::generation() {
            parts.request.abort();
            let state = parts.shared.state.lock();
            let callback = state
                .unwrap_or_else(PoisonError::into_inner)
                .callback
                .take();
            drop(callback);
        } else {
            mem::forget(parts);
        }
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        self.cancel();
    }
}
