//! Role definitions, role assignments and deny assignments: who may do what, where, as Azure RBAC
//! models it.
//!
//! Field meanings: "Understand Azure role definitions", "Understand Azure role assignments" and
//! "Understand Azure deny assignments" on Microsoft Learn.

use super::scope::Scope;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use uuid::Uuid;

/// What a role allows, or a deny assignment forbids. Data actions are apart from actions.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Permission {
    /// Control-plane actions; `*` matches anything.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub actions: Vec<String>,
    /// Control-plane actions taken out of `actions`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub not_actions: Vec<String>,
    /// Data-plane actions.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub data_actions: Vec<String>,
    /// Data-plane actions taken out of `data_actions`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub not_data_actions: Vec<String>,
}

/// A named set of permissions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RoleDefinition {
    /// The GUID that is its name in every tenant.
    pub id: Uuid,
    /// What people call it: `Contributor`.
    pub name: String,
    /// What it is for.
    #[serde(default)]
    pub description: String,
    /// Made by the tenant rather than by Microsoft.
    #[serde(default = "yes")]
    pub custom: bool,
    /// Where it may be assigned; built-in roles everywhere.
    pub assignable_scopes: Vec<Scope>,
    /// What it allows.
    pub permissions: Vec<Permission>,
}

fn yes() -> bool {
    true
}

/// The kind of a principal, by the names of the role assignments API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum PrincipalType {
    /// A person.
    User,
    /// A security group; its members, nested ones too, have what it is given.
    Group,
    /// An application in this tenant, or a managed identity.
    ServicePrincipal,
}

impl PrincipalType {
    /// The name on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::User => "User",
            Self::Group => "Group",
            Self::ServicePrincipal => "ServicePrincipal",
        }
    }
}

/// A role given to a principal at a scope.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RoleAssignment {
    /// The GUID that is its name; unique in its scope.
    pub id: Uuid,
    /// Where it holds, and below.
    pub scope: Scope,
    /// The role's GUID.
    pub role: Uuid,
    /// The principal's object id.
    pub principal: Uuid,
    /// The kind of the principal.
    pub principal_type: PrincipalType,
    /// What a person noted on it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Object id of who made it; none for the seed's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_by: Option<Uuid>,
    /// When it was made, UTC.
    #[serde(with = "time::serde::rfc3339")]
    pub created_on: OffsetDateTime,
}

/// What forbids, whatever roles allow. Azure makes these itself (deployment stacks, managed
/// applications); the API can't create one, so only a seed can.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DenyAssignment {
    /// The GUID that is its name.
    pub id: Uuid,
    /// What it is called in error messages.
    pub name: String,
    /// What it is for.
    #[serde(default)]
    pub description: String,
    /// Where it holds.
    pub scope: Scope,
    /// Whether it stops at its own scope instead of reaching below.
    #[serde(default)]
    pub do_not_apply_to_child_scopes: bool,
    /// What it forbids.
    pub permissions: Vec<Permission>,
    /// The principals it denies: object ids of users, groups and service principals, or
    /// [`EVERYONE`].
    pub principals: Vec<Uuid>,
    /// The principals it excludes; members of a group count too.
    #[serde(default)]
    pub exclude_principals: Vec<Uuid>,
}

/// The "all principals" id that deny assignments use.
pub const EVERYONE: Uuid = Uuid::nil();
