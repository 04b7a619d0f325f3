//! Python code that this module runs.

use std::{mem, thread};

/// Runs Python code, which may lose the GIL for a while.
///
/// Before 3.14, CPython ends a thread that wants the GIL back while the interpreter ends, and ends
/// it by unwinding: what Rust holds would be dropped without the GIL. Such a thread stays here
/// instead, and ends with the process. PyO3 does the same where it takes the GIL itself.
pub(crate) fn run_python<T>(code: impl FnOnce() -> T) -> T {
    let stays = StaysHere;
    let result = code();
    mem::forget(stays);
    result
}

struct StaysHere;

impl Drop for StaysHere {
    fn drop(&mut self) {
        // A panic goes on.
        while !thread::panicking() {
            thread::park();
        }
    }
}
