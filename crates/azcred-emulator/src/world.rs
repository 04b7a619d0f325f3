//! The state of one emulator, shared by all its services.

use crate::{
    clock::Clock,
    directory::Directory,
    entra_state::EntraState,
    faults::Faults,
    jobs::Jobs,
    replication::Replication,
    request_log::RequestLog,
    resources::{Resources, Scope},
    service::Urls,
    signing::Keys,
    state_error::StateError,
    storage::{Storage, StorageError},
};
use std::{
    path::{Path, PathBuf},
    sync::{Arc, OnceLock, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
};
use tokio::sync::Notify;

/// What all services of one emulator share.
pub struct World {
    directory: RwLock<Directory>,
    resources: RwLock<Resources>,
    jobs: Jobs,
    /// The keys that sign tokens.
    pub keys: Keys,
    /// The time.
    pub clock: Arc<Clock>,
    /// What is not seen everywhere yet.
    pub(crate) replication: Arc<Replication>,
    /// The active faults.
    pub faults: Faults,
    /// The log of requests.
    pub requests: RequestLog,
    /// What Entra ID keeps in memory.
    pub(crate) entra: EntraState,
    storage: Storage,
    urls: OnceLock<Urls>,
    keeper: OnceLock<Keeper>,
    passwords: OnceLock<PathBuf>,
    /// A request to stop, by the admin port.
    pub(crate) stop: Notify,
}

/// Stores the directory, the resources and the jobs.
type Keeper = Box<dyn Fn(&Directory, &Resources, &Jobs) -> Result<(), StateError> + Send + Sync>;

impl World {
    /// A world with this content.
    pub fn new(directory: Directory, resources: Resources, keys: Keys) -> Self {
        let clock = Arc::new(Clock::default());
        let replication = Arc::new(Replication::default());
        Self {
            directory: RwLock::new(directory),
            resources: RwLock::new(resources),
            jobs: Jobs::default(),
            keys,
            faults: Faults::new(clock.clone(), replication.clone()),
            replication,
            storage: Storage::new(clock.clone()),
            clock,
            requests: RequestLog::default(),
            entra: EntraState::default(),
            urls: OnceLock::new(),
            keeper: OnceLock::new(),
            passwords: OnceLock::new(),
            stop: Notify::new(),
        }
    }

    /// This world with these jobs.
    #[must_use]
    pub(crate) fn with_jobs(self, jobs: Jobs) -> Self {
        Self { jobs, ..self }
    }

    /// The directory, for reading. Never hold it across an `await`.
    pub fn directory(&self) -> RwLockReadGuard<'_, Directory> {
        self.directory
            .read()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// The directory, for changes.
    pub fn directory_mut(&self) -> RwLockWriteGuard<'_, Directory> {
        self.directory
            .write()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// The resources, for reading. Never hold them across an `await`.
    ///
    /// Code that needs both locks takes the directory's first.
    pub fn resources(&self) -> RwLockReadGuard<'_, Resources> {
        self.resources
            .read()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// The resources, for changes.
    pub fn resources_mut(&self) -> RwLockWriteGuard<'_, Resources> {
        self.resources
            .write()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// The jobs of all workspaces. They lock themselves.
    pub fn jobs(&self) -> &Jobs {
        &self.jobs
    }

    /// The storage accounts: their keys, containers and blobs.
    pub(crate) fn storage(&self) -> &Storage {
        &self.storage
    }

    /// Makes the containers of the datastores of a workspace, or of all workspaces. In Azure they
    /// exist as long as the workspace.
    ///
    /// # Errors
    /// When the state folder can't be used.
    pub(crate) fn make_containers(&self, workspace: Option<&Scope>) -> Result<(), StorageError> {
        let wanted = self.resources().datastore_containers(workspace);
        wanted
            .iter()
            .try_for_each(|(account, container)| self.storage.ensure_container(account, container))
    }

    /// The URLs of the services. Empty before the ports are bound.
    pub fn urls(&self) -> Urls {
        self.urls.get().cloned().unwrap_or_default()
    }

    /// Stores the directory, the resources and the jobs, for a request that waits for it. Returns
    /// why they could not be stored.
    pub(crate) async fn keep_for_request(self: Arc<Self>) -> Result<(), String> {
        let kept = tokio::task::spawn_blocking(move || {
            self.keep().map_err(|error| {
                format!(
                    "The change was made, but the emulator could not store it for its next start: {error}"
                )
            })
        });
        kept.await
            .unwrap_or_else(|_| Err("the emulator is stopping".to_owned()))
    }

    /// Sets the URLs of the services, once.
    pub(crate) fn set_urls(&self, urls: Urls) {
        // Only a second start of the same world could call this again, and `Emulator` prevents
        // that.
        let _ = self.urls.set(urls);
    }

    /// The file with the users' passwords, for the pages.
    pub(crate) fn passwords(&self) -> Option<&Path> {
        self.passwords.get().map(PathBuf::as_path)
    }

    /// Sets the file with the users' passwords, once.
    pub(crate) fn set_passwords(&self, file: PathBuf) {
        let _ = self.passwords.set(file);
    }

    /// Sets how the directory, the resources and the jobs are stored, once.
    pub(crate) fn keep_with(
        &self,
        keeper: impl Fn(&Directory, &Resources, &Jobs) -> Result<(), StateError> + Send + Sync + 'static,
    ) {
        let _ = self.keeper.set(Box::new(keeper));
    }

    /// Stores the directory, the resources and the jobs in the state folder, if there is one.
    ///
    /// # Errors
    /// When the folder can't be written.
    pub fn keep(&self) -> Result<(), StateError> {
        match self.keeper.get() {
            // The directory is locked first.
            Some(keep) => keep(&self.directory(), &self.resources(), &self.jobs),
            None => Ok(()),
        }
    }
}
