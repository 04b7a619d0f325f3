//! The whole state of one emulator, shared by all its services.

use std::sync::{OnceLock, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use crate::clock::Clock;
use crate::directory::Directory;
use crate::entra::Loops;
use crate::resources::Resources;
use crate::service::Urls;
use crate::tokens::Keys;

/// What all services of one emulator share.
pub struct World {
    directory: RwLock<Directory>,
    resources: RwLock<Resources>,
    /// The keys tokens are signed with.
    pub keys: Keys,
    /// The time.
    pub clock: Clock,
    /// Who asks too often.
    pub(crate) loops: Loops,
    urls: OnceLock<Urls>,
}

impl World {
    /// A world with this content.
    pub fn new(directory: Directory, resources: Resources, keys: Keys) -> Self {
        Self {
            directory: RwLock::new(directory),
            resources: RwLock::new(resources),
            keys,
            clock: Clock::default(),
            loops: Loops::default(),
            urls: OnceLock::new(),
        }
    }

    /// Who exists, to read. Never hold it across an `await`.
    pub fn directory(&self) -> RwLockReadGuard<'_, Directory> {
        self.directory
            .read()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Who exists, to change.
    pub fn directory_mut(&self) -> RwLockWriteGuard<'_, Directory> {
        self.directory
            .write()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// What exists, to read. Never hold it across an `await`.
    ///
    /// Whoever needs both locks takes the directory's first.
    pub fn resources(&self) -> RwLockReadGuard<'_, Resources> {
        self.resources
            .read()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// What exists, to change.
    pub fn resources_mut(&self) -> RwLockWriteGuard<'_, Resources> {
        self.resources
            .write()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Where the ports are. Empty before the listeners are bound.
    pub fn urls(&self) -> Urls {
        self.urls.get().cloned().unwrap_or_default()
    }

    /// Says where the ports are, once.
    pub(crate) fn set_urls(&self, urls: Urls) {
        // A second call can only come from a second start of the same world, which `Emulator` excludes.
        let _ = self.urls.set(urls);
    }
}
