//! The thread that runs requests: one for each process, made when it is first needed.

use crate::{bell::Bell, hold::run_python};
use pyo3::{
    exceptions::PyRuntimeError,
    prelude::*,
    types::{PyCFunction, PyDict},
};
use std::{
    mem,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
        mpsc as sync_mpsc,
    },
    thread::{self, JoinHandle},
    time::Duration,
};
use tokio::{
    runtime::{Builder, Handle},
    sync::mpsc,
};

/// How long a fork waits for the thread of requests. One step takes at most the time of deriving a
/// key from a password.
const PAUSE: Duration = Duration::from_secs(5);
/// How long the end of the interpreter waits for a sign-in that is being renewed.
const END: Duration = Duration::from_secs(2);

/// Rises with each fork: in a child, what has another number belongs to the parent.
static GENERATION: AtomicU64 = AtomicU64::new(0);
/// This process's runtime. Locked with the GIL only.
static RUNTIME: Mutex<Option<Runtime>> = Mutex::new(None);
/// The runtime that waits for a fork to be over. Locked with the GIL only.
static PAUSED: Mutex<Option<sync_mpsc::Sender<()>>> = Mutex::new(None);

/// The process's number since the module was loaded. A child of a fork has another one.
pub(crate) fn generation() -> u64 {
    GENERATION.load(Ordering::Relaxed)
}

/// The thread that runs requests.
struct Runtime {
    handle: Handle,
    orders: mpsc::UnboundedSender<Order>,
    thread: JoinHandle<()>,
    bell: Bell,
}

/// What the thread of requests is told to do.
enum Order {
    /// Pause between two steps: say so, and wait until the other side is dropped.
    Pause(sync_mpsc::Sender<()>, sync_mpsc::Receiver<()>),
    /// Drop all requests and end.
    End,
}

/// This process's runtime and its bell, made if need be.
pub(crate) fn current(py: Python<'_>) -> PyResult<(Handle, Bell)> {
    if let Some(runtime) = &*RUNTIME.lock().unwrap_or_else(PoisonError::into_inner) {
        return Ok((runtime.handle.clone(), runtime.bell.clone()));
    }
    // Before the lock is taken again: these run Python code.
    register(py)?;
    let mut place = RUNTIME.lock().unwrap_or_else(PoisonError::into_inner);
    let runtime = match &mut *place {
        Some(made) => made,
        place => place.insert(Runtime::start()?),
    };
    Ok((runtime.handle.clone(), runtime.bell.clone()))
}

impl Runtime {
    fn start() -> PyResult<Self> {
        let failed = |error: std::io::Error| {
            PyRuntimeError::new_err(format!("could not start the thread of requests: {error}"))
        };
        let runtime = Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(failed)?;
        let handle = runtime.handle().clone();
        let (orders, mut receiver) = mpsc::unbounded_channel();
        let run = move || {
            while let Some(order) = runtime.block_on(receiver.recv()) {
                match order {
                    Order::Pause(paused, resume) => {
                        let _ = paused.send(());
                        // Ends when the other side is dropped.
                        let _ = resume.recv();
                    }
                    Order::End => break,
                }
            }
            runtime.block_on(azcred::account::settled(END));
            // A program that a request runs may hold a thread.
            runtime.shutdown_background();
        };
        let thread = thread::Builder::new().name("azcred".to_owned());
        Ok(Self {
            handle,
            orders,
            thread: thread.spawn(run).map_err(failed)?,
            bell: Bell::default(),
        })
    }
}

/// Has Python call this module before and after a fork, and before the interpreter ends.
fn register(py: Python<'_>) -> PyResult<()> {
    static DONE: Mutex<bool> = Mutex::new(false);
    if mem::replace(
        &mut *DONE.lock().unwrap_or_else(PoisonError::into_inner),
        true,
    ) {
        return Ok(());
    }
    run_python(|| call_at_fork_and_end(py))
}

fn call_at_fork_and_end(py: Python<'_>) -> PyResult<()> {
    let hook = |run: fn(Python<'_>)| {
        PyCFunction::new_closure(py, None, None, move |arguments, _| run(arguments.py()))
    };
    #[cfg(unix)]
    {
        let hooks = PyDict::new(py);
        hooks.set_item("before", hook(before_fork)?)?;
        hooks.set_item("after_in_parent", hook(after_fork)?)?;
        hooks.set_item("after_in_child", hook(in_child)?)?;
        py.import("os")?
            .call_method("register_at_fork", (), Some(&hooks))?;
    }
    py.import("atexit")?
        .call_method1("register", (hook(end)?,))?;
    Ok(())
}

/// Pauses the thread of requests, so that the child copies no lock that it holds.
#[cfg(unix)]
fn before_fork(py: Python<'_>) {
    let order = {
        let runtime = RUNTIME.lock().unwrap_or_else(PoisonError::into_inner);
        runtime.as_ref().map(|runtime| runtime.orders.clone())
    };
    let Some(orders) = order else { return };
    let (said, paused) = sync_mpsc::channel();
    let (resume, wait) = sync_mpsc::channel();
    if orders.send(Order::Pause(said, wait)).is_ok() {
        let _ = py.detach(move || paused.recv_timeout(PAUSE));
        *PAUSED.lock().unwrap_or_else(PoisonError::into_inner) = Some(resume);
    }
}

#[cfg(unix)]
fn after_fork(_: Python<'_>) {
    drop(PAUSED.lock().unwrap_or_else(PoisonError::into_inner).take());
}

/// Leaves everything of the parent alone: its threads are not in this process.
#[cfg(unix)]
fn in_child(_: Python<'_>) {
    GENERATION.fetch_add(1, Ordering::Relaxed);
    mem::forget(PAUSED.lock().unwrap_or_else(PoisonError::into_inner).take());
    mem::forget(
        RUNTIME
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take(),
    );
}

/// Ends the requests. A sign-in that is being renewed is stored first. PyO3 stops a thread that
/// wants the GIL later.
fn end(py: Python<'_>) {
    let runtime = RUNTIME
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .take();
    let Some(runtime) = runtime else { return };
    let _ = runtime.orders.send(Order::End);
    py.detach(move || {
        let _ = runtime.thread.join();
    });
}
