//! The thread that tells event loops of results: the only one that needs the GIL.

use crate::hold::run_python;
use pyo3::prelude::*;
use std::{
    sync::{Arc, Mutex, PoisonError, mpsc},
    thread,
};

/// Calls Python functions from a thread of its own, which is made when it is first needed. It ends
/// with the process.
#[derive(Clone, Default)]
pub(crate) struct Bell(Arc<Mutex<Option<mpsc::Sender<Py<PyAny>>>>>);

impl Bell {
    /// Makes the thread, if there is none, and returns the way to it.
    pub(crate) fn callbacks(&self) -> PyResult<mpsc::Sender<Py<PyAny>>> {
        let mut place = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(callbacks) = &*place {
            return Ok(callbacks.clone());
        }
        let (callbacks, receiver) = mpsc::channel::<Py<PyAny>>();
        let run = move || {
            for callback in receiver {
                let rung = Python::try_attach(|py| {
                    run_python(|| {
                        // An event loop that was closed does not wait for a result.
                        let _ = callback.call0(py);
                        drop(callback);
                    });
                });
                if rung.is_none() {
                    break;
                }
            }
        };
        let thread = thread::Builder::new().name("azcred-bell".to_owned());
        thread.spawn(run)?;
        Ok(place.insert(callbacks).clone())
    }
}
