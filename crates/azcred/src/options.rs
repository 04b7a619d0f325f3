//! What all credentials have in common: the world, the cloud, the time they may take.

use crate::{
    cloud::Cloud,
    error::Result,
    http::{Http, LONGEST_CALL},
    system::{RealSystem, SharedSystem},
    tenant::TenantId,
};
use std::{sync::Arc, time::Duration};

/// Options that every credential takes. Clones share one HTTP client, which is built when it is first needed.
#[derive(Clone, Debug)]
pub struct ClientOptions {
    system: SharedSystem,
    cloud: Option<Cloud>,
    deadline: Option<Duration>,
    allowed_tenants: AllowedTenants,
    http: Http,
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
        Self {
            system,
            cloud: None,
            deadline: None,
            allowed_tenants: AllowedTenants::None,
            http,
        }
    }

    /// Signs in at this cloud, whatever the environment says.
    #[must_use]
    pub fn with_cloud(mut self, cloud: Cloud) -> Self {
        self.cloud = Some(cloud);
        self
    }

    /// Bounds a whole call, with its retries; 30 seconds unless told otherwise, a day at most.
    #[must_use]
    pub fn with_deadline(mut self, deadline: Duration) -> Self {
        self.deadline = Some(deadline.min(LONGEST_CALL));
        self
    }

    /// Lets requests name these tenants ([`crate::TokenRequest::with_tenant`]). None is allowed by default: an API that
    /// answers with a challenge could otherwise send a credential wherever it likes.
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
