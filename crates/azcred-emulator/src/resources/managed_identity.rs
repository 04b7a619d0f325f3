//! Managed identities, and the hosts that issue their tokens.

use super::scope::Scope;
use crate::service::Service;
use uuid::Uuid;

/// The type of a user-assigned identity's resource.
const USER_ASSIGNED_TYPE: &str = "Microsoft.ManagedIdentity/userAssignedIdentities";

/// The services that issue tokens of managed identities.
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
    /// `xms_mirid`: the identity's own resource if it is user-assigned, else the resource that has
    /// it.
    pub(crate) resource_id: Scope,
    /// The hosts that issue its tokens.
    pub(crate) hosts: Vec<Service>,
}

impl ManagedIdentity {
    /// Whether it is user-assigned, so that several hosts can have it.
    pub(crate) fn is_user_assigned(&self) -> bool {
        self.resource_id
            .resource_type()
            .is_some_and(|kind| kind.eq_ignore_ascii_case(USER_ASSIGNED_TYPE))
    }
}
