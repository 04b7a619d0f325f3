//! The programs that use an emulator which `exec` started: it runs until the last one has ended.
//!
//! Each `exec` holds a shared lock on a file in the state folder while its program runs. The one
//! that started the emulator gets the exclusive lock before it stops the emulator. A lock ends with
//! its process.

use azcred_guest::Locked;
use std::{fs::File, io, path::Path, time::Duration};

const FILE: &str = "guests.lock";

/// The time between two attempts to get a lock.
pub(super) const PAUSE: Duration = Duration::from_millis(50);

/// Starts to use an emulator, which then continues to run. `None` if it is about to stop.
pub(super) fn enter(state: &Path) -> io::Result<Option<Locked>> {
    Locked::shared(open(state)?)
}

/// Resolves when no program uses the emulator and no other can start to use it. Calls `waiting`
/// once if that takes time.
pub(super) async fn all_left(state: &Path, waiting: impl FnOnce()) -> io::Result<Locked> {
    let mut waiting = Some(waiting);
    loop {
        if let Some(lock) = Locked::exclusive(open(state)?)? {
            return Ok(lock);
        }
        if let Some(waiting) = waiting.take() {
            waiting();
        }
        tokio::time::sleep(PAUSE).await;
    }
}

fn open(state: &Path) -> io::Result<File> {
    azcred_guest::own_file::open_lock(&state.join(FILE))
}
