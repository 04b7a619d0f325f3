//! What the hosts of one emulator have in common: identities, and the secrets that clients send.

use crate::{
    directory::SecretText,
    identity_hosts::{
        arc_keys::ArcKeys,
        certificate::{CertificateError, SelfSigned},
        identity::{self, IdentityChoice},
    },
    resources::ManagedIdentity,
    service::Service,
};
use std::path::Path;
use uuid::Uuid;

/// The identities and secrets of an emulator's hosts.
pub(crate) struct Hosts {
    /// The managed identities of all hosts.
    pub(crate) identities: Vec<ManagedIdentity>,
    /// The user of Cloud Shell and of jobs on behalf of a user.
    pub(crate) user: Option<Uuid>,
    /// `IDENTITY_HEADER` of App Service.
    pub(crate) app_service: SecretText,
    /// `IDENTITY_HEADER` of Service Fabric.
    pub(crate) service_fabric: SecretText,
    /// `MSI_SECRET` of Azure Machine Learning.
    pub(crate) ml_compute: SecretText,
    /// The certificate of Service Fabric.
    pub(crate) certificate: SelfSigned,
    /// The keys of Azure Arc's agent.
    pub(crate) arc_keys: ArcKeys,
}

impl Hosts {
    /// Creates the secrets. `state` is the folder for key files if the agent's folder can't be
    /// used.
    ///
    /// # Errors
    /// When the system returns no random bytes.
    pub(crate) fn new(
        identities: Vec<ManagedIdentity>,
        user: Option<Uuid>,
        state: &Path,
    ) -> Result<Self, CertificateError> {
        let secret = || SecretText::generate().map_err(|_| CertificateError::randomness());
        Ok(Self {
            identities,
            user,
            app_service: secret()?,
            service_fabric: secret()?,
            ml_compute: secret()?,
            certificate: SelfSigned::generate()?,
            arc_keys: ArcKeys::new(state),
        })
    }

    /// The identity of a host for a request that chooses none.
    pub(crate) fn default_of(&self, host: Service) -> Option<&ManagedIdentity> {
        identity::find(&self.identities, host, &IdentityChoice::default()).ok()
    }
}
