//! What all credentials have in common: the world, the cloud, the time they may take.

use crate::{
    cloud::{Cloud, metadata},
    facts::{Error, Result},
    http::{Http, LONGEST_CALL},
    profile::Profile,
    prompt::{PlainPrompt, Prompt, SharedPrompt},
    store::{Noted, TokenStore},
    system::{RealSystem, SharedSystem},
    tenant::TenantId,
    vault::Vault,
};
use std::{
    sync::{Arc, LazyLock},
    time::Duration,
};
use tokio::sync::Mutex;

/// Options that every credential takes. Clones share one HTTP client, which is built when it is
/// first needed.
#[derive(Clone, Debug)]
pub struct ClientOptions {
    system: SharedSystem,
    cloud: Option<Cloud>,
    deadline: Option<Duration>,
    allowed_tenants: AllowedTenants,
    http: Http,
    prompt: SharedPrompt,
    turn: Arc<Mutex<()>>,
    vault: Vault,
    store: Arc<dyn TokenStore>,
    noted: Arc<Noted>,
    keeps: Keeps,
    caches_tokens: bool,
    profile: Profile,
    sign_in: Option<Arc<str>>,
}

/// Whose turn it is to ask the person at the terminal, to whom [`PlainPrompt`] speaks.
static TERMINAL: LazyLock<Arc<Mutex<()>>> = LazyLock::new(Arc::default);

/// Where tokens and sign-ins are kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Keeps {
    /// As long as the process lives.
    #[default]
    InMemory,
    /// Encrypted on disk, for the next process too.
    OnDisk,
}

/// Which tenants a credential may be asked for besides its own.
#[derive(Clone, Debug, Default)]
enum AllowedTenants {
    #[default]
    None,
    Listed(Arc<[TenantId]>),
    Any,
}

/// How long a whole call may take, unless told otherwise.
const DEADLINE: Duration = Duration::from_secs(30);

impl ClientOptions {
    /// Options for a given machine.
    pub fn new(system: SharedSystem) -> Self {
        let http = Http::new(system.clone());
        let vault = Vault::new(system.clone());
        Self {
            system,
            cloud: None,
            deadline: None,
            allowed_tenants: AllowedTenants::None,
            http,
            prompt: Arc::new(PlainPrompt),
            turn: TERMINAL.clone(),
            store: Arc::new(vault.clone()),
            noted: Arc::default(),
            vault,
            keeps: Keeps::InMemory,
            caches_tokens: true,
            profile: Profile::default(),
            sign_in: None,
        }
    }

    /// Signs in at this cloud, whatever the environment says.
    #[must_use]
    pub fn with_cloud(mut self, cloud: Cloud) -> Self {
        self.cloud = Some(cloud);
        self
    }

    /// Signs in at the cloud that the environment means, as the commands do: the one that describes
    /// itself at the address in `ARM_CLOUD_METADATA_URL`, where that is set, else as
    /// [`Cloud::from_system`]. A cloud that was given stays.
    ///
    /// Of several described clouds, the first of these counts: the one that
    /// `AZUREML_CURRENT_CLOUD` names, the one that signs in at `AZURE_AUTHORITY_HOST`, the one
    /// whose Resource Manager the description came from, the only one.
    ///
    /// The description is requested within [`ClientOptions::deadline`]. Cancel-safe.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] where a variable, or what the description says, can't be used: the
    /// addresses must be HTTPS or on loopback. [`ErrorKind::Unreachable`] where the address does
    /// not respond, [`ErrorKind::Unexpected`] where it responds with something else.
    ///
    /// [`ErrorKind::Invalid`]: crate::ErrorKind::Invalid
    /// [`ErrorKind::Unreachable`]: crate::ErrorKind::Unreachable
    /// [`ErrorKind::Unexpected`]: crate::ErrorKind::Unexpected
    pub async fn with_discovered_cloud(mut self) -> Result<Self> {
        if self.cloud.is_none() {
            let described = metadata::described(&*self.system, &self.http, self.deadline());
            self.cloud = Some(match described.await? {
                Some(cloud) => cloud,
                None => Cloud::from_system(&*self.system)?,
            });
        }
        Ok(self)
    }

    /// Bounds a whole call, with its retries; 30 seconds unless told otherwise, a day at most.
    #[must_use]
    pub fn with_deadline(mut self, deadline: Duration) -> Self {
        self.deadline = Some(deadline.min(LONGEST_CALL));
        self
    }

    /// Lets requests name these tenants ([`crate::TokenRequest::with_tenant`]). None is allowed by
    /// default: an API that answers with a challenge could otherwise send a credential wherever it
    /// likes.
    #[must_use]
    pub fn with_allowed_tenants(mut self, tenants: impl IntoIterator<Item = TenantId>) -> Self {
        self.allowed_tenants = AllowedTenants::Listed(tenants.into_iter().collect());
        self
    }

    /// Lets requests name any tenant.
    #[must_use]
    pub fn with_any_tenant(mut self) -> Self {
        self.allowed_tenants = AllowedTenants::Any;
        self
    }

    /// Speaks to the person who signs in; [`PlainPrompt`] unless told otherwise. Who has these
    /// options or a clone of them waits until the person has answered another, so that there is one
    /// thing at a time to do.
    #[must_use]
    pub fn with_prompt(mut self, prompt: Arc<dyn Prompt>) -> Self {
        self.prompt = prompt;
        self.turn = Arc::default();
        self
    }

    /// Keeps tokens and sign-ins on disk, encrypted, for the user's next process too. What is kept
    /// in memory alone, as it is unless told otherwise, ends with the process.
    ///
    /// Where the disk can't be used, tokens are had all the same; a sign-in that can't be kept says
    /// so.
    #[cfg(feature = "disk-cache")]
    #[must_use]
    pub fn with_disk_cache(mut self) -> Self {
        self.keeps = Keeps::OnDisk;
        self
    }

    /// Keeps access tokens in memory all the same, and takes none from the disk: each is asked for
    /// anew, as whoever wants to know whether that works does. Sign-ins stay where
    /// [`ClientOptions::with_disk_cache`] puts them.
    #[must_use]
    pub fn without_cached_tokens(mut self) -> Self {
        self.caches_tokens = false;
        self
    }

    /// Keeps tokens as those of a sign-in to azcred, with which they go.
    pub(crate) fn of_sign_in(mut self, session: &str) -> Self {
        self.sign_in = Some(session.into());
        self
    }

    /// The sign-in that tokens are kept as those of.
    pub(crate) fn sign_in(&self) -> Option<&str> {
        self.sign_in.as_deref()
    }

    /// Uses the sign-ins of this profile; [`Profile::default`] unless told otherwise.
    #[must_use]
    pub fn with_profile(mut self, profile: Profile) -> Self {
        self.profile = profile;
        self
    }

    /// Who speaks to the person.
    pub fn prompt(&self) -> &dyn Prompt {
        &*self.prompt
    }

    /// Held while the person is asked for something.
    pub(crate) fn turn(&self) -> &Arc<Mutex<()>> {
        &self.turn
    }

    /// Where tokens and sign-ins are kept on disk, if they are.
    pub(crate) fn vault(&self) -> &Vault {
        &self.vault
    }

    /// Stores access tokens here, in place of the vault.
    #[cfg(test)]
    pub(crate) fn with_store(mut self, store: Arc<dyn TokenStore>) -> Self {
        self.store = store;
        self
    }

    /// Where access tokens outlive the process, if they do.
    pub(crate) fn store(&self) -> &Arc<dyn TokenStore> {
        &self.store
    }

    /// What went wrong with that.
    pub(crate) fn noted(&self) -> &Arc<Noted> {
        &self.noted
    }

    /// Whether tokens and sign-ins are kept on disk.
    pub fn has_disk_cache(&self) -> bool {
        self.keeps == Keeps::OnDisk
    }

    /// Whether access tokens are kept on disk too.
    pub(crate) fn caches_tokens(&self) -> bool {
        self.has_disk_cache() && self.caches_tokens
    }

    /// What went wrong first with what should have been kept on disk, where anything did: tokens
    /// were had all the same, and the next process will have to ask anew. With what fixes it.
    pub fn cache_trouble(&self) -> Option<&Error> {
        self.noted.first()
    }

    /// Whose sign-ins are used.
    pub fn profile(&self) -> &Profile {
        &self.profile
    }

    /// The machine.
    pub fn system(&self) -> &SharedSystem {
        &self.system
    }

    /// The cloud: the one given, else what the environment says ([`Cloud::from_system`]).
    ///
    /// # Errors
    /// As [`Cloud::from_system`].
    pub fn cloud(&self) -> Result<Cloud> {
        self.cloud
            .clone()
            .map_or_else(|| Cloud::from_system(&*self.system), Ok)
    }

    /// How long a whole call may take.
    pub fn deadline(&self) -> Duration {
        self.deadline_or(DEADLINE)
    }

    /// The same, for what is known to take longer or shorter where nobody said.
    pub(crate) fn deadline_or(&self, usual: Duration) -> Duration {
        self.deadline.unwrap_or(usual)
    }

    /// The HTTP client.
    pub fn http(&self) -> &Http {
        &self.http
    }

    pub(crate) fn allows_tenant(&self, tenant: &TenantId) -> bool {
        match &self.allowed_tenants {
            AllowedTenants::None => false,
            AllowedTenants::Listed(listed) => listed
                .iter()
                .any(|one| one.as_str().eq_ignore_ascii_case(tenant.as_str())),
            AllowedTenants::Any => true,
        }
    }
}

impl Default for ClientOptions {
    fn default() -> Self {
        Self::new(Arc::new(RealSystem))
    }
}
