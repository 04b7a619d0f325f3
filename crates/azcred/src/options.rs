//! The options of all credentials: the system, the cloud, the deadline, and where tokens are
//! stored.

use crate::{
    audience::FederatedAudience,
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

/// Options that every credential takes. Clones share one HTTP client, which is built at the first
/// request.
#[derive(Clone, Debug)]
pub struct ClientOptions {
    system: SharedSystem,
    cloud: Option<Cloud>,
    deadline: Option<Duration>,
    process_timeout: Option<Duration>,
    federated_audience: Option<FederatedAudience>,
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

/// The lock for questions at the terminal. All options with [`PlainPrompt`] share it.
static TERMINAL: LazyLock<Arc<Mutex<()>>> = LazyLock::new(Arc::default);

/// Where tokens and sign-ins are stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Keeps {
    /// In memory, until the process ends.
    #[default]
    InMemory,
    /// On the disk, encrypted, for the next process too.
    OnDisk,
}

/// The tenants that a request may name besides the credential's own.
#[derive(Clone, Debug, Default)]
enum AllowedTenants {
    #[default]
    None,
    Listed(Arc<[TenantId]>),
    Any,
}

/// The default deadline of a whole call.
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
            process_timeout: None,
            federated_audience: None,
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

    /// Signs in at this cloud and ignores the environment's.
    #[must_use]
    pub fn with_cloud(mut self, cloud: Cloud) -> Self {
        self.cloud = Some(cloud);
        self
    }

    /// Signs in at the cloud that the environment names, as the commands do. If
    /// `ARM_CLOUD_METADATA_URL` is set, the cloud's description is requested from there. Otherwise
    /// [`Cloud::from_system`] decides. A cloud set by [`ClientOptions::with_cloud`] is kept.
    ///
    /// If the response describes several clouds, azcred takes the first of these that exists: the
    /// cloud that `AZUREML_CURRENT_CLOUD` names, the cloud whose authority is
    /// `AZURE_AUTHORITY_HOST`, the cloud whose Resource Manager returned the description, the only
    /// cloud.
    ///
    /// [`ClientOptions::deadline`] covers the request. Cancel-safe.
    ///
    /// # Errors
    /// - [`ErrorKind::Invalid`]: a variable or an address in the description can't be used.
    ///   Addresses must be HTTPS or on loopback.
    /// - [`ErrorKind::Unreachable`]: the address does not respond.
    /// - [`ErrorKind::Unexpected`]: the response is not a description of clouds.
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

    /// Limits a whole call with its retries. The default is 30 seconds, the maximum a day.
    #[must_use]
    pub fn with_deadline(mut self, deadline: Duration) -> Self {
        self.deadline = Some(deadline.min(LONGEST_CALL));
        self
    }

    /// Limits one run of a developer tool: `az`, `azd`, `pwsh`. The default is 10 seconds, the
    /// maximum [`ClientOptions::LONGEST_PROCESS_TIMEOUT`]. Without
    /// [`ClientOptions::with_deadline`], a longer limit also extends the call.
    #[must_use]
    pub fn with_process_timeout(mut self, timeout: Duration) -> Self {
        self.process_timeout = Some(timeout.min(Self::LONGEST_PROCESS_TIMEOUT));
        self
    }

    /// The longest run of a developer tool. A chain takes little longer.
    pub const LONGEST_PROCESS_TIMEOUT: Duration = Duration::from_secs(90);

    /// The limit of one run of a developer tool, if the program set one.
    #[cfg(feature = "developer-tools")]
    pub(crate) fn process_timeout(&self) -> Option<Duration> {
        self.process_timeout
    }

    /// The limit of a call that runs a developer tool.
    #[cfg(feature = "developer-tools")]
    pub(crate) fn deadline_with_process(&self) -> Duration {
        self.deadline
            .unwrap_or_else(|| DEADLINE.max(self.process_timeout.unwrap_or_default()))
    }

    /// Requests identity tokens of a CI job (GitHub Actions) for this audience: the one of the
    /// application's federated credential. The default is `AZCRED_FEDERATED_AUDIENCE`, or else the
    /// cloud's, `api://AzureADTokenExchange` in Azure's public cloud. Azure Pipelines chooses the
    /// audience itself.
    #[must_use]
    pub fn with_federated_audience(mut self, audience: FederatedAudience) -> Self {
        self.federated_audience = Some(audience);
        self
    }

    /// The audience that the program set.
    pub(crate) fn federated_audience(&self) -> Option<&FederatedAudience> {
        self.federated_audience.as_ref()
    }

    /// Lets requests name these tenants ([`crate::TokenRequest::with_tenant`]). By default, no
    /// other tenant is allowed: otherwise an API could send the credential to any tenant by its
    /// challenge.
    #[must_use]
    pub fn with_allowed_tenants(mut self, tenants: impl IntoIterator<Item = TenantId>) -> Self {
        self.allowed_tenants = AllowedTenants::Listed(tenants.into_iter().collect());
        self
    }

    /// Lets requests name every tenant.
    #[must_use]
    pub fn with_any_tenant(mut self) -> Self {
        self.allowed_tenants = AllowedTenants::Any;
        self
    }

    /// Shows notices to the person who signs in through `prompt`; the default is [`PlainPrompt`].
    /// Credentials with these options or a clone of them ask the person one after the other.
    #[must_use]
    pub fn with_prompt(mut self, prompt: Arc<dyn Prompt>) -> Self {
        self.prompt = prompt;
        self.turn = Arc::default();
        self
    }

    /// Stores tokens and sign-ins on the disk, encrypted, for the user's next process. By default
    /// they are in memory only and end with the process.
    ///
    /// If the disk can't be used, credentials still return tokens. A sign-in that can't be stored
    /// is reported ([`ClientOptions::cache_trouble`]).
    #[cfg(feature = "disk-cache")]
    #[must_use]
    pub fn with_disk_cache(mut self) -> Self {
        self.keeps = Keeps::OnDisk;
        self
    }

    /// Requests each access token from the provider and neither reads nor writes the disk for it;
    /// tokens are cached in memory only. Use it to test whether a sign-in works. Sign-ins stay
    /// where [`ClientOptions::with_disk_cache`] puts them.
    #[must_use]
    pub fn without_cached_tokens(mut self) -> Self {
        self.caches_tokens = false;
        self
    }

    /// Stores tokens under this sign-in to azcred, so that signing out removes them.
    pub(crate) fn of_sign_in(mut self, session: &str) -> Self {
        self.sign_in = Some(session.into());
        self
    }

    /// The sign-in under which tokens are stored.
    pub(crate) fn sign_in(&self) -> Option<&str> {
        self.sign_in.as_deref()
    }

    /// Uses the sign-ins of this profile; the default is [`Profile::default`].
    #[must_use]
    pub fn with_profile(mut self, profile: Profile) -> Self {
        self.profile = profile;
        self
    }

    /// Shows notices to the person who signs in.
    pub fn prompt(&self) -> &dyn Prompt {
        &*self.prompt
    }

    /// The lock that a credential holds while it asks the person.
    pub(crate) fn turn(&self) -> &Arc<Mutex<()>> {
        &self.turn
    }

    /// Where tokens and sign-ins are stored on the disk, if they are.
    pub(crate) fn vault(&self) -> &Vault {
        &self.vault
    }

    /// Stores access tokens in `store` instead of the vault.
    #[cfg(test)]
    pub(crate) fn with_store(mut self, store: Arc<dyn TokenStore>) -> Self {
        self.store = store;
        self
    }

    /// The store of access tokens. It may be empty.
    pub(crate) fn store(&self) -> &Arc<dyn TokenStore> {
        &self.store
    }

    /// The first error of the store.
    pub(crate) fn noted(&self) -> &Arc<Noted> {
        &self.noted
    }

    /// Whether tokens and sign-ins are stored on the disk.
    pub fn has_disk_cache(&self) -> bool {
        self.keeps == Keeps::OnDisk
    }

    /// Whether access tokens are stored on the disk too.
    pub(crate) fn caches_tokens(&self) -> bool {
        self.has_disk_cache() && self.caches_tokens
    }

    /// The first error of the disk cache, with its fix. Credentials still return tokens after such
    /// an error, but the next process has to sign in again.
    pub fn cache_trouble(&self) -> Option<&Error> {
        self.noted.first()
    }

    /// The profile whose sign-ins are used.
    pub fn profile(&self) -> &Profile {
        &self.profile
    }

    /// The system: this machine, or a value in a test.
    pub fn system(&self) -> &SharedSystem {
        &self.system
    }

    /// The cloud set by [`ClientOptions::with_cloud`], or else the environment's
    /// ([`Cloud::from_system`]).
    ///
    /// # Errors
    /// As [`Cloud::from_system`].
    pub fn cloud(&self) -> Result<Cloud> {
        self.cloud
            .clone()
            .map_or_else(|| Cloud::from_system(&*self.system), Ok)
    }

    /// The limit of a whole call.
    pub fn deadline(&self) -> Duration {
        self.deadline_or(DEADLINE)
    }

    /// The limit that the program set, or else `usual`, for calls that take longer or shorter than
    /// most.
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
