//! Principals that can have a role: service principals, users and groups.

use crate::directory::{
    credential::{Certificate, Secret},
    user::User,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeSet;
use time::OffsetDateTime;
use uuid::Uuid;

/// An application's principal in one tenant, which can have roles.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ServicePrincipal {
    /// The object id: `oid` in its tokens, `principalId` in its role assignments.
    pub id: Uuid,
    /// The tenant.
    pub tenant: Uuid,
    /// The client id of its application.
    pub app_id: Uuid,
    /// The display name.
    pub name: String,
    /// Whether it belongs to an application or is a managed identity.
    pub kind: ServicePrincipalKind,
    /// `accountEnabled`. If it is false, requests get AADSTS7000112.
    pub enabled: bool,
    /// Whether a Conditional Access policy for workload identities blocks it: AADSTS53003.
    pub blocked_by_conditional_access: bool,
    /// Its application permissions, by the resource's client id: the `roles` claim.
    pub app_roles: Vec<(Uuid, String)>,
    /// Secrets of its own, beside the application's.
    pub secrets: Vec<Secret>,
    /// Certificates of its own.
    pub certificates: Vec<Certificate>,
    /// Object ids of its owners.
    pub owners: BTreeSet<Uuid>,
    /// When it was created, if not with the seed.
    #[serde(with = "time::serde::rfc3339::option")]
    pub created: Option<OffsetDateTime>,
    /// Properties of Microsoft Graph that mean nothing here: they are kept and returned.
    pub properties: Map<String, Value>,
}

impl ServicePrincipal {
    /// The enabled principal of an application, without permissions.
    pub fn new(id: Uuid, tenant: Uuid, app_id: Uuid, name: impl Into<String>) -> Self {
        Self {
            id,
            tenant,
            app_id,
            name: name.into(),
            kind: ServicePrincipalKind::Application,
            enabled: true,
            blocked_by_conditional_access: false,
            app_roles: Vec::new(),
            secrets: Vec::new(),
            certificates: Vec::new(),
            owners: BTreeSet::new(),
            created: None,
            properties: Map::new(),
        }
    }
}

/// The kind of a service principal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ServicePrincipalKind {
    /// An application registration.
    Application,
    /// A managed identity, which has no secrets.
    ManagedIdentity,
}

/// A security group.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Group {
    /// The object id.
    pub id: Uuid,
    /// The tenant.
    pub tenant: Uuid,
    /// The display name.
    pub name: String,
    /// Object ids of its users, service principals and groups.
    pub members: BTreeSet<Uuid>,
    /// Object ids of its owners.
    pub owners: BTreeSet<Uuid>,
    /// When it was created, if not with the seed.
    #[serde(with = "time::serde::rfc3339::option")]
    pub created: Option<OffsetDateTime>,
    /// Properties of Microsoft Graph that mean nothing here: they are kept and returned.
    pub properties: Map<String, Value>,
}

impl Group {
    /// A group without members.
    pub fn new(id: Uuid, tenant: Uuid, name: impl Into<String>) -> Self {
        Self {
            id,
            tenant,
            name: name.into(),
            members: BTreeSet::new(),
            owners: BTreeSet::new(),
            created: None,
            properties: Map::new(),
        }
    }
}

/// A principal that can have a role.
#[derive(Clone, Copy, Debug)]
pub enum Principal<'a> {
    /// An application or a managed identity.
    ServicePrincipal(&'a ServicePrincipal),
    /// A user.
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

    /// `principalType`, as ARM writes it in role assignments.
    pub fn principal_type(&self) -> &'static str {
        match self {
            Self::ServicePrincipal(_) => "ServicePrincipal",
            Self::User(_) => "User",
            Self::Group(_) => "Group",
        }
    }
}
