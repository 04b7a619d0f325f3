//! Removes useless files: expired tokens, leftover files of killed processes, locks without an
//! entry. Sign-ins are never removed.

use super::{
    LOCK_ENDING, NEW, Shelf, entry_of_lock, is_entry, lock_file,
    seal::{Clear, LIMIT, VERSION},
};
use crate::{
    moment,
    system::{FileFacts, FileKind, System},
};
use std::{
    ffi::OsStr,
    path::Path,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

/// The file with the time of the next run, in seconds since 1970.
const DUE: &str = "pruned";
const EVERY: Duration = Duration::from_secs(24 * 60 * 60);
/// A temporary file of this age belongs to a killed process: no writer takes so long.
const ABANDONED: Duration = Duration::from_secs(60 * 60);
/// A file that can't be read may be a newer version's. It is removed only after this time.
const FOREIGN: Duration = Duration::from_secs(30 * 24 * 60 * 60);
/// The most files for one run, which takes some ten milliseconds. Later runs get to the others.
const MOST: usize = 2048;

/// Prunes a folder once a day. After an error, the next run tries again.
pub(super) fn now_and_then(system: &dyn System, folder: &Path, shelf: Shelf) {
    let now = system.now();
    let mark = folder.join(DUE);
    let due = system
        .open(&mark)
        .and_then(|file| file.read(32))
        .ok()
        .and_then(|text| str::from_utf8(&text).ok()?.trim().parse().ok())
        .map(|seconds| UNIX_EPOCH + Duration::from_secs(u64::min(seconds, u64::from(u32::MAX))));
    // A time far in the future was written before the clock was set back.
    if due.is_some_and(|due| now < due && due <= moment::after(now, EVERY)) {
        return;
    }
    let next = moment::after(now, EVERY)
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
        .as_secs();
    // The time is written first, so that few of many processes prune.
    if system.write(&mark, next.to_string().as_bytes()).is_err() {
        return;
    }
    // The first run has nothing to remove.
    if due.is_some() {
        prune(system, folder, shelf, now);
    }
}

/// Removes what is useless at `now`.
pub(super) fn prune(system: &dyn System, folder: &Path, shelf: Shelf, now: SystemTime) {
    let Ok(names) = system.list(folder) else {
        return;
    };
    // Each run starts at a random file, so that all files get their turn.
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
    if facts.kind != FileKind::File {
        return false;
    }
    let text = name.to_str().unwrap_or_default();
    if text.starts_with(NEW) {
        return is_older(&facts, now, ABANDONED) && system.remove(&path).is_ok();
    }
    if let Some(entry) = entry_of_lock(name) {
        // The lock is held while its file is removed. A process that waits for it sees that the
        // file is gone, and makes another.
        return is_older(&facts, now, ABANDONED)
            && system.look(&folder.join(entry)).is_err()
            && matches!(lock_file(system, &path), Ok(Some(_held)) if system.remove(&path).is_ok());
    }
    if !is_entry(text) || shelf == Shelf::SignIns {
        return false;
    }
    if !is_useless(system, &path, now) {
        return false;
    }
    // A process that has the lock is about to replace the entry. Until this process had the lock,
    // another may have replaced it.
    let lock_path = folder.join(format!("{text}{LOCK_ENDING}"));
    let Ok(Some(_held)) = lock_file(system, &lock_path) else {
        return false;
    };
    let is_removed = is_useless(system, &path, now) && system.remove(&path).is_ok();
    let _ = system.remove(&lock_path);
    is_removed
}

/// Whether an entry can be removed.
fn is_useless(system: &dyn System, path: &Path, now: SystemTime) -> bool {
    let content = system.open(path).and_then(|file| file.read(LIMIT));
    match content.ok().as_deref().and_then(Clear::read) {
        Some(clear) if clear.version == VERSION => clear.end.is_some_and(|end| end <= now),
        _ => system
            .look(path)
            .is_ok_and(|facts| is_older(&facts, now, FOREIGN)),
    }
}

fn is_older(facts: &FileFacts, now: SystemTime, age: Duration) -> bool {
    let modified = facts.modified;
    modified
        .and_then(|modified| now.duration_since(modified).ok())
        .is_some_and(|elapsed| elapsed > age)
}
