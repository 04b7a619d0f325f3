//! Managed identities, and the hosts that issue their tokens.

use super::scope::Scope;
use crate::service::Service;
use uuid::Uuid;

/// The type of resource that a user-assigned identity is.
const USER_ASSIGNED_TYPE: &str = "Microsoft.ManagedIdentity/userAssignedIdentities";

/// The services that give out tokens of managed identities.
pub(crate) const HOSTS: &[Service] = &[
    Service::Imds,
    Service::AppService,
    Service::ServiceFabric,
    Service::Arc,
    Service::MlCompute,
];

/// A managed identity.
#[derive(Clone, Debug)]
pub(crate) struct ManagedIdentity {
    /// The object id of its service principal.
    pub(crate) object_id: Uuid,
    /// Its client id.
    pub(crate) client_id: Uuid,
    /// The identity itself where it is user-assigned, else the resource whose own it is:
    /// `xms_mirid`.
    pub(crate) resource_id: Scope,
    /// Where its tokens can be had.
    pub(crate) hosts: Vec<Service>,
}

impl ManagedIdentity {
    /// Whether it is a resource of its own, which several hosts can have.
    pub(crate) fn is_user_assigned(&self) -> bool {
        self.resource_id
            .resource_type()
            .is_some_and(|kind| kind.eq_ignore_ascii_case(USER_ASSIGNED_TYPE))
    }
}
