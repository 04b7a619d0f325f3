//! Removing what is of no use any more: tokens that ended, what killed processes left, locks of no
//! entry. A sign-in is never removed.

use super::{
    Shelf, entry_of_lock, is_entry, lock_file,
    seal::{Clear, LIMIT, VERSION},
};
use crate::system::{FileKind, System};
use std::{
    ffi::OsStr,
    path::Path,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

/// Holds when it is due again, in seconds since 1970.
const DUE: &str = "pruned";
const EVERY: Duration = Duration::from_secs(24 * 60 * 60);
/// No writer takes this long: what has its name is a killed process's.
const ABANDONED: Duration = Duration::from_secs(60 * 60);
/// What can't be understood may be a newer version's, and is left alone for so long.
const FOREIGN: Duration = Duration::from_secs(30 * 24 * 60 * 60);
/// So many files are looked at, which takes some ten milliseconds; the next day others.
const MOST: usize = 2048;

/// Prunes a folder, once a day. What goes wrong is left for another day.
pub(super) fn now_and_then(system: &dyn System, folder: &Path, shelf: Shelf) {
    let now = system.now();
    let mark = folder.join(DUE);
    let due = system
        .read(&mark, 32)
        .ok()
        .and_then(|text| str::from_utf8(&text).ok()?.trim().parse().ok())
        .map(|seconds| UNIX_EPOCH + Duration::from_secs(u64::min(seconds, u64::from(u32::MAX))));
    // A time too far ahead was written before the clock was set back.
    if due.is_some_and(|due| now < due && due <= now + EVERY) {
        return;
    }
    let next = (now + EVERY)
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
        .as_secs();
    // First, so that of many processes few do it.
    if system.write(&mark, next.to_string().as_bytes()).is_err() {
        return;
    }
    // On the first day there is nothing to remove.
    if due.is_some() {
        prune(system, folder, shelf, now);
    }
}

/// Removes what is of no use at `now`.
pub(super) fn prune(system: &dyn System, folder: &Path, shelf: Shelf, now: SystemTime) {
    let Ok(names) = system.list(folder) else {
        return;
    };
    // Somewhere else each time, so that in the end all are seen.
    let start = usize::try_from(uuid::Uuid::new_v4().as_u128() % (names.len().max(1) as u128))
        .unwrap_or_default();
    let mut removed = 0;
    for name in names.iter().cycle().skip(start).take(names.len().min(MOST)) {
        removed += usize::from(remove_if_useless(system, folder, shelf, name, now));
    }
    tracing::debug!(
        removed,
        looked_at = names.len().min(MOST),
        shelf = shelf.title(),
        "removed entries that are of no use"
    );
}

fn remove_if_useless(
    system: &dyn System,
    folder: &Path,
    shelf: Shelf,
    name: &OsStr,
    now: SystemTime,
) -> bool {
    let path = folder.join(name);
    let Ok(facts) = system.look(&path) else {
        return false;
    };
    let is_older_than = |age: Duration| {
        facts
            .modified
            .and_then(|modified| now.duration_since(modified).ok())
            .is_some_and(|elapsed| elapsed > age)
    };
    if facts.kind != FileKind::File {
        return false;
    }
    let text = name.to_str().unwrap_or_default();
    if text.starts_with(".new-") {
        return is_older_than(ABANDONED) && system.remove(&path).is_ok();
    }
    if let Some(entry) = entry_of_lock(name) {
        // Held while it is removed: who waits for it sees that it is gone, and makes another.
        return is_older_than(ABANDONED)
            && system.look(&folder.join(entry)).is_err()
            && matches!(lock_file(system, &path), Ok(Some(_held)) if system.remove(&path).is_ok());
    }
    if !is_entry(text) || shelf == Shelf::SignIns {
        return false;
    }
    let is_useless = match system
        .read(&path, LIMIT)
        .ok()
        .as_deref()
        .and_then(Clear::read)
    {
        Some(clear) if clear.version == VERSION => clear.end.is_some_and(|end| end <= now),
        _ => is_older_than(FOREIGN),
    };
    is_useless && system.remove(&path).is_ok()
}
