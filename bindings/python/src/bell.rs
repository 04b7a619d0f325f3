//! The thread that tells event loops of results: the only one that needs the GIL.

use pyo3::prelude::*;
use std::{
    sync::{Arc, Mutex, PoisonError, mpsc},
    thread::{self, JoinHandle},
};

/// Calls Python functions from a thread of its own, which is made when it is first needed.
#[derive(Clone, Default)]
pub(crate) struct Bell(Arc<Mutex<Option<Ringer>>>);

struct Ringer {
    callbacks: mpsc::Sender<Py<PyAny>>,
    thread: JoinHandle<()>,
}

impl Bell {
    /// Makes the thread, if there is none, and returns the way to it.
    pub(crate) fn callbacks(&self) -> PyResult<mpsc::Sender<Py<PyAny>>> {
        let mut place = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(ringer) = &*place {
            return Ok(ringer.callbacks.clone());
        }
        let (callbacks, receiver) = mpsc::channel::<Py<PyAny>>();
        let run = move || {
            for callback in receiver {
                let rung = Python::try_attach(|py| {
                    // An event loop that was closed does not wait for a result.
                    let _ = callback.call0(py);
                    drop(callback);
                });
                if rung.is_none() {
                    break;
                }
            }
        };
        let thread = thread::Builder::new().name("azcred-bell".to_owned());
        let thread = thread.spawn(run)?;
        let ringer = place.insert(Ringer { callbacks, thread });
        Ok(ringer.callbacks.clone())
    }

    /// Ends the thread. Callers don't hold the GIL.
    pub(crate) fn end(&self) {
        let ringer = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(Ringer { callbacks, thread }) = ringer {
            drop(callbacks);
            let _ = thread.join();
        }
    }
}
