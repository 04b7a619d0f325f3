//! Locks on files, which end with the process that holds them.

use std::{
    fs::{File, TryLockError},
    io,
};

/// A locked file, until it is dropped.
///
/// Closing the file would not end the lock while a process that was forked meanwhile has not yet
/// started its program: it has the same open file.
#[derive(Debug)]
pub struct Locked(File);

impl Locked {
    /// Locks a file for this process only. `None` if another process has it locked.
    ///
    /// # Errors
    /// When the system can't lock it.
    pub fn exclusive(file: File) -> io::Result<Option<Self>> {
        let tried = file.try_lock();
        Self::of(file, tried)
    }

    /// Locks a file for this process only, and waits until no other process has it locked.
    ///
    /// # Errors
    /// When the system can't lock it.
    pub fn waiting(file: File) -> io::Result<Self> {
        file.lock()?;
        Ok(Self(file))
    }

    /// Locks a file together with others. `None` if one has it for itself.
    ///
    /// # Errors
    /// When the system can't lock it.
    pub fn shared(file: File) -> io::Result<Option<Self>> {
        let tried = file.try_lock_shared();
        Self::of(file, tried)
    }

    fn of(file: File, tried: Result<(), TryLockError>) -> io::Result<Option<Self>> {
        match tried {
            Ok(()) => Ok(Some(Self(file))),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }
}

impl Drop for Locked {
    fn drop(&mut self) {
        // What can't be unlocked is unlocked when it is closed.
        let _ = self.0.unlock();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_ends_although_a_copy_of_the_open_file_is_left() {
        let folder = tempfile::tempdir().unwrap();
        let open = || File::create(folder.path().join("lock")).unwrap();
        let file = open();
        // As a forked process has it.
        let copy = file.try_clone().unwrap();
        let lock = Locked::exclusive(file).unwrap().unwrap();
        assert!(Locked::exclusive(open()).unwrap().is_none());
        assert!(Locked::shared(open()).unwrap().is_none());
        drop(lock);
        let shared = [(); 2].map(|()| Locked::shared(open()).unwrap().unwrap());
        assert!(Locked::exclusive(open()).unwrap().is_none());
        drop(shared);
        assert!(Locked::exclusive(open()).unwrap().is_some());
        drop(copy);
    }
}
