//! What the hosts of one emulator have in common: identities, and the secrets that clients show.

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

/// What the hosts of one emulator have, and what they want to see.
pub(crate) struct Hosts {
    /// All managed identities, whichever host has them.
    pub(crate) identities: Vec<ManagedIdentity>,
    /// The user of Cloud Shell and of jobs on behalf of a user.
    pub(crate) user: Option<Uuid>,
    /// `IDENTITY_HEADER` of App Service.
    pub(crate) app_service: SecretText,
    /// `IDENTITY_HEADER` of Service Fabric.
    pub(crate) service_fabric: SecretText,
    /// `MSI_SECRET` of Azure Machine Learning.
    pub(crate) ml_compute: SecretText,
    /// What Service Fabric shows.
    pub(crate) certificate: SelfSigned,
    /// What Azure Arc's agent wants to be told.
    pub(crate) arc_keys: ArcKeys,
}

impl Hosts {
    /// Hosts with secrets of their own. `state` is where key files go that have no other place.
    ///
    /// # Errors
    /// When the system has no randomness.
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

    /// The identity of a host where a request chooses none.
    pub(crate) fn default_of(&self, host: Service) -> Option<&ManagedIdentity> {
        identity::find(&self.identities, host, &IdentityChoice::default()).ok()
    }
}
