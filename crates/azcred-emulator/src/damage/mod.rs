//! Damage to the emulated Azure: what a [trouble](crate::troubles) breaks there, and how it is
//! repaired.
//!
//! Each damage is a value. To do it returns its repairs, which undo that damage only: what a person
//! has changed in the meantime, such as a new secret, stays.

mod doing;
mod record;
mod repair;

use crate::{
    directory::Requirement,
    faults::{Fault, InvalidFault},
    proxy_faults::ProxyFault,
    resources::{Scope, SubscriptionState},
    state_error::StateError,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

pub(crate) use record::{Broken, Records, WantedTrouble};
pub(crate) use repair::Repair;

/// One change for the worse.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Damage {
    /// A service fails.
    Fault(Fault),
    /// The proxy fails.
    Proxy(ProxyFault),
    /// All secrets of an application expired a month ago.
    SecretsExpired {
        /// The client id.
        client_id: Uuid,
    },
    /// An application has no certificates.
    CertificatesRemoved {
        /// The client id.
        client_id: Uuid,
    },
    /// An application has this certificate too.
    CertificateAdded {
        /// The client id.
        client_id: Uuid,
        /// The certificate, DER.
        der: Vec<u8>,
    },
    /// All federated credentials of an application have this subject, and jobs have the old one.
    SubjectChanged {
        /// The client id.
        client_id: Uuid,
        /// The subject.
        subject: String,
    },
    /// A service principal is disabled.
    PrincipalDisabled {
        /// The object id.
        principal: Uuid,
    },
    /// Conditional Access for workload identities blocks a service principal.
    PrincipalBlocked {
        /// The object id.
        principal: Uuid,
    },
    /// A service principal was deleted.
    PrincipalDeleted {
        /// The object id.
        principal: Uuid,
    },
    /// A user's account is disabled.
    UserDisabled {
        /// The object id.
        user: Uuid,
    },
    /// All sessions of a user have ended.
    SessionsRevoked {
        /// The object id.
        user: Uuid,
    },
    /// A Conditional Access policy is about a user.
    Policy {
        /// The user's object id.
        user: Uuid,
        /// What it requires.
        requirement: Requirement,
    },
    /// Another company's tenant exists, with a subscription.
    OtherTenant {
        /// The tenant.
        tenant: Uuid,
        /// The subscription.
        subscription: Uuid,
    },
    /// A principal and its groups have lost their roles.
    RolesRemoved {
        /// The principal's object id.
        principal: Uuid,
        /// The name of the role. `None`: every role.
        role: Option<String>,
    },
    /// A principal has this role too.
    RoleGiven {
        /// The principal's object id.
        principal: Uuid,
        /// The name of the role.
        role: String,
        /// Where.
        at: Place,
    },
    /// A deny assignment forbids a principal these actions.
    Denied {
        /// The principal's object id.
        principal: Uuid,
        /// Where.
        at: Place,
        /// The actions.
        actions: Vec<String>,
        /// The data actions.
        data_actions: Vec<String>,
    },
    /// A subscription has this state.
    SubscriptionState {
        /// The subscription.
        subscription: Uuid,
        /// The state.
        state: SubscriptionState,
    },
    /// A subscription is not registered for a provider.
    ProviderUnregistered {
        /// The subscription.
        subscription: Uuid,
        /// The namespace of the provider.
        namespace: String,
    },
    /// A property of a resource has this value.
    Property {
        /// The resource.
        of: Place,
        /// The name.
        name: String,
        /// The value.
        value: Value,
    },
    /// A resource was deleted.
    ResourceDeleted {
        /// The resource.
        of: Place,
    },
}

/// A workspace, or a resource that belongs to it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) struct Place {
    /// The workspace.
    pub(crate) workspace: Scope,
    /// Which part.
    pub(crate) part: Part,
}

/// A part of a workspace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Part {
    /// The workspace itself.
    Whole,
    /// Its storage account.
    Storage,
    /// Its key vault.
    Vault,
    /// Its container registry.
    Registry,
}

/// Why an emulator can't be broken in this way.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CantBreak {
    /// The seed lacks it, or it was deleted.
    #[error("this emulator has no {what} {which} now")]
    Missing {
        /// What is missing.
        what: &'static str,
        /// Its id.
        which: String,
    },
    /// A fault is not valid.
    #[error(transparent)]
    Fault(#[from] InvalidFault),
    /// The folder can't be written.
    #[error(transparent)]
    State(#[from] StateError),
}

impl CantBreak {
    fn missing(what: &'static str, which: &(impl ToString + ?Sized)) -> Self {
        let which = which.to_string();
        Self::Missing { what, which }
    }
}
