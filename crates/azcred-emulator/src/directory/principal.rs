//! What can hold a role: service principals, users and groups.

use crate::directory::user::User;
use std::collections::BTreeSet;
use uuid::Uuid;

/// An application's identity in one tenant: what roles are assigned to.
#[derive(Clone, Debug)]
pub struct ServicePrincipal {
    /// Its object id, the `oid` of its tokens and the `principalId` of its role assignments.
    pub id: Uuid,
    /// The tenant it lives in.
    pub tenant: Uuid,
    /// The client id of its application.
    pub app_id: Uuid,
    /// The display name.
    pub name: String,
    /// Whether it is of an application or a managed identity.
    pub kind: ServicePrincipalKind,
    /// `accountEnabled`: a disabled one gets AADSTS7000112.
    pub enabled: bool,
    /// A Conditional Access policy for workload identities blocks it: AADSTS53003.
    pub blocked_by_conditional_access: bool,
    /// Application permissions granted to it, by resource client id: the `roles` claim.
    pub app_roles: Vec<(Uuid, String)>,
}

/// The kind of a service principal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServicePrincipalKind {
    /// An application registration.
    Application,
    /// A managed identity; it has no secrets of its own.
    ManagedIdentity,
}

/// A security group.
#[derive(Clone, Debug)]
pub struct Group {
    /// The object id.
    pub id: Uuid,
    /// The tenant.
    pub tenant: Uuid,
    /// The display name.
    pub name: String,
    /// Object ids of users, service principals and other groups in it.
    pub members: BTreeSet<Uuid>,
}

/// Anything a role can be assigned to.
#[derive(Clone, Copy, Debug)]
pub enum Principal<'a> {
    /// An application or a managed identity.
    ServicePrincipal(&'a ServicePrincipal),
    /// A person.
    User(&'a User),
    /// A group.
    Group(&'a Group),
}

impl Principal<'_> {
    /// The object id.
    pub fn id(&self) -> Uuid {
        match self {
            Self::ServicePrincipal(sp) => sp.id,
            Self::User(user) => user.id,
            Self::Group(group) => group.id,
        }
    }

    /// The tenant.
    pub fn tenant(&self) -> Uuid {
        match self {
            Self::ServicePrincipal(sp) => sp.tenant,
            Self::User(user) => user.tenant,
            Self::Group(group) => group.tenant,
        }
    }

    /// The display name.
    pub fn name(&self) -> &str {
        match self {
            Self::ServicePrincipal(sp) => &sp.name,
            Self::User(user) => &user.name,
            Self::Group(group) => &group.name,
        }
    }

    /// `principalType` as ARM writes it in role assignments.
    pub fn principal_type(&self) -> &'static str {
        match self {
            Self::ServicePrincipal(_) => "ServicePrincipal",
            Self::User(_) => "User",
            Self::Group(_) => "Group",
        }
    }
}
