//! Role definitions, role assignments and deny assignments of Azure RBAC.
//!
//! Field meanings: "Understand Azure role definitions", "Understand Azure role assignments" and
//! "Understand Azure deny assignments" on Microsoft Learn.

use super::scope::Scope;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use uuid::Uuid;

/// What a role allows, or a deny assignment forbids. Data actions are separate from actions.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Permission {
    /// Control-plane actions; `*` matches anything.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub actions: Vec<String>,
    /// Control-plane actions that are subtracted from `actions`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub not_actions: Vec<String>,
    /// Data-plane actions.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub data_actions: Vec<String>,
    /// Data-plane actions that are subtracted from `data_actions`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub not_data_actions: Vec<String>,
}

/// A named set of permissions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RoleDefinition {
    /// The GUID, which is the same in every tenant.
    pub id: Uuid,
    /// The display name, such as `Contributor`.
    pub name: String,
    /// The role's purpose.
    #[serde(default)]
    pub description: String,
    /// Whether the tenant created it, not Microsoft.
    #[serde(default = "yes")]
    pub custom: bool,
    /// The scopes at which it may be assigned; all scopes for a built-in role.
    pub assignable_scopes: Vec<Scope>,
    /// The permissions.
    pub permissions: Vec<Permission>,
    /// Who made it, and when. `None` for roles of Microsoft and of the seed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created: Option<Change>,
    /// Who changed it last, and when; `None` for those.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub updated: Option<Change>,
}

/// Who did something, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Change {
    /// The object id of who did it.
    pub by: Uuid,
    /// When, UTC.
    #[serde(with = "time::serde::rfc3339")]
    pub on: OffsetDateTime,
}

fn yes() -> bool {
    true
}

/// The type of a principal, by its name in the role assignments API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum PrincipalType {
    /// A user.
    User,
    /// A security group. Its members, nested ones too, have its roles.
    Group,
    /// An application's service principal, or a managed identity.
    ServicePrincipal,
}

impl PrincipalType {
    /// The name in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::User => "User",
            Self::Group => "Group",
            Self::ServicePrincipal => "ServicePrincipal",
        }
    }
}

/// A role, assigned to a principal at a scope.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RoleAssignment {
    /// The GUID that is its name, unique at its scope.
    pub id: Uuid,
    /// The scope at and below which it applies.
    pub scope: Scope,
    /// The role's GUID.
    pub role: Uuid,
    /// The principal's object id.
    pub principal: Uuid,
    /// The type of the principal.
    pub principal_type: PrincipalType,
    /// A person's note.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The condition ("What is Azure attribute-based access control"), and the version of its
    /// syntax. The emulator stores it, and does not evaluate it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub condition: Option<String>,
    /// `2.0` or `1.0`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub condition_version: Option<String>,
    /// Object id of the creator. `None` for assignments of the seed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_by: Option<Uuid>,
    /// When it was created, UTC.
    #[serde(with = "time::serde::rfc3339")]
    pub created_on: OffsetDateTime,
    /// Who changed it last, and when. `None` if it is as it was created.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub updated: Option<Change>,
}

/// Forbids actions, whatever roles allow. Azure itself creates deny assignments (deployment stacks,
/// managed applications), and these are protected: a seed's are. Others come by the API.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DenyAssignment {
    /// The GUID that is its name.
    pub id: Uuid,
    /// The name in error messages.
    pub name: String,
    /// The purpose.
    #[serde(default)]
    pub description: String,
    /// The scope.
    pub scope: Scope,
    /// Whether it applies at its scope only, and not below.
    #[serde(default)]
    pub do_not_apply_to_child_scopes: bool,
    /// The actions that it forbids.
    pub permissions: Vec<Permission>,
    /// The principals to which it applies: object ids of users, groups and service principals, or
    /// [`EVERYONE`].
    pub principals: Vec<Uuid>,
    /// The principals to which it does not apply, and the members of these groups.
    #[serde(default)]
    pub exclude_principals: Vec<Uuid>,
    /// Who created it by the API, and when. `None` if Azure itself did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created: Option<Change>,
    /// Who changed it last, and when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub updated: Option<Change>,
}

/// The id of "all principals" in deny assignments.
pub const EVERYONE: Uuid = Uuid::nil();
