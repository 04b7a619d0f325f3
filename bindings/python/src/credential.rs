//! The session behind `azcred.Credential` and `azcred.aio.Credential`.

use crate::{
    call::{Call, Finish, Outcome, Shared},
    notice::Board,
    options::{self, Options},
    runtime,
};
use azcred::{Credential as _, Session, session::SessionBuilder};
use pyo3::{
    exceptions::PyValueError,
    prelude::*,
    types::{PyDict, PyTuple},
};
use std::{
    mem,
    sync::{Arc, Mutex, PoisonError},
};
use tokio::sync::OnceCell;

/// A session of azcred, opened by the first request.
#[pyclass(module = "azcred._native", frozen)]
pub(crate) struct Credential {
    builder: SessionBuilder,
    /// Locked with the GIL only.
    opened: Mutex<Option<Arc<Opened>>>,
}

/// The session of one process.
struct Opened {
    generation: u64,
    session: OnceCell<Session>,
    board: Arc<Board>,
}

/// The token if it is cached, else the request that runs.
#[derive(IntoPyObject)]
pub(crate) enum Started {
    Done(Outcome),
    Runs(Call),
}

#[pymethods]
impl Credential {
    /// `options`: a dictionary with the arguments of `azcred.Credential`.
    #[new]
    fn new(options: &Bound<'_, PyDict>) -> PyResult<Self> {
        let options: Options = options.extract()?;
        let builder = options.builder();
        Ok(Self {
            builder: builder.map_err(|error| options::unusable(&error))?,
            opened: Mutex::new(None),
        })
    }

    /// A token for the scopes: the cached one, else a request that was started.
    #[pyo3(signature = (scopes, claims, tenant_id, enable_cae))]
    fn start(
        &self,
        py: Python<'_>,
        scopes: &Bound<'_, PyTuple>,
        claims: Option<String>,
        tenant_id: Option<&str>,
        enable_cae: bool,
    ) -> PyResult<Started> {
        let scopes: Vec<String> = scopes.extract()?;
        let request = options::request(&scopes, claims, tenant_id, enable_cae)
            .map_err(|error| options::unusable(&error))?
            .ok_or_else(|| PyValueError::new_err("get_token requires at least one scope"))?;
        let opened = self.opened();
        // A cached token needs no other thread.
        if let Some(session) = opened.session.get()
            && let Ok(result) = session.get_token(&request).try_ready()
        {
            return Ok(Started::Done(Outcome::from(&result)));
        }
        let (handle, bell) = runtime::current(py)?;
        let shared = Arc::<Shared>::default();
        let board = opened.board.clone();
        board.add(&shared);
        let finish = Finish(shared.clone());
        let builder = self.builder.clone().prompt(board.clone());
        let run = async move {
            let result = match opened.session.get_or_try_init(|| builder.open()).await {
                Ok(session) => session.get_token(&request).await,
                Err(error) => Err(error),
            };
            finish.with(result);
        };
        let request = handle.spawn(run).abort_handle();
        Ok(Started::Runs(Call::new(shared, board, request, bell)))
    }

    /// Ends the session with its requests. The next request opens a new one.
    fn close(&self) {
        let opened = self.opened.lock();
        let opened = opened.unwrap_or_else(PoisonError::into_inner).take();
        if let Some(opened) = opened
            && opened.generation != runtime::generation()
        {
            // It is the parent's: its locks may be held.
            mem::forget(opened);
        }
    }
}

impl Credential {
    fn opened(&self) -> Arc<Opened> {
        let mut place = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        let generation = runtime::generation();
        if let Some(opened) = &*place
            && opened.generation == generation
        {
            return opened.clone();
        }
        let opened = Arc::new(Opened {
            generation,
            session: OnceCell::new(),
            board: Arc::default(),
        });
        mem::forget(place.replace(opened.clone()));
        opened
    }
}

impl Drop for Credential {
    fn drop(&mut self) {
        self.close();
    }
}
