//! The programs that use an emulator which `exec` started: it runs until the last one has ended.
//!
//! Each `exec` holds a shared lock on a file in the state folder while its program runs. The one
//! that started the emulator gets the exclusive lock before it stops the emulator. A lock ends with
//! its process.

use std::{
    fs::{File, TryLockError},
    io,
    path::Path,
    time::Duration,
};

const FILE: &str = "guests.lock";

/// The time between two attempts to get a lock.
pub(super) const PAUSE: Duration = Duration::from_millis(50);

/// A shared or exclusive lock on the use of an emulator, until it is dropped.
pub(super) struct Lock(#[expect(dead_code, reason = "held for its lock")] File);

/// Starts to use an emulator, which then continues to run. `None` if it is about to stop.
pub(super) fn enter(state: &Path) -> io::Result<Option<Lock>> {
    let file = open(state)?;
    let tried = file.try_lock_shared();
    held(file, tried)
}

/// Resolves when no program uses the emulator and no other can start to use it. Calls `waiting`
/// once if that takes time.
pub(super) async fn all_left(state: &Path, waiting: impl FnOnce()) -> io::Result<Lock> {
    let mut waiting = Some(waiting);
    loop {
        let file = open(state)?;
        let tried = file.try_lock();
        if let Some(lock) = held(file, tried)? {
            return Ok(lock);
        }
        if let Some(waiting) = waiting.take() {
            waiting();
        }
        tokio::time::sleep(PAUSE).await;
    }
}

fn held(file: File, tried: Result<(), TryLockError>) -> io::Result<Option<Lock>> {
    match tried {
        Ok(()) => Ok(Some(Lock(file))),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

fn open(state: &Path) -> io::Result<File> {
    azcred_guest::own_file::open_lock(&state.join(FILE))
}
