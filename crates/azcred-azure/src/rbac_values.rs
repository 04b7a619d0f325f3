//! Role assignments, role definitions and deny assignments, as Resource Manager returns them.

use crate::{permissions::Permission, role::BuiltInRole};
use azcred::Untrusted;
use serde::{Deserialize, Deserializer, de::Error as _};
use uuid::Uuid;

/// A role, assigned to a principal at a scope.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RoleAssignment {
    /// The resource id.
    pub id: Untrusted,
    /// The scope at which it was made.
    pub scope: Untrusted,
    /// The role definition's GUID.
    pub role_id: Uuid,
    /// The principal's object id.
    pub principal_id: Uuid,
    /// `User`, `Group`, `ServicePrincipal`, …; empty if Azure does not say.
    pub principal_type: Untrusted,
    /// The condition, if there is one.
    pub condition: Option<Untrusted>,
    /// A note that a person made.
    pub description: Option<Untrusted>,
}

/// A role definition.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RoleDefinition {
    /// The GUID.
    pub id: Uuid,
    /// The name.
    pub name: Untrusted,
    /// What it is for, in its maker's words.
    pub description: Untrusted,
    /// Whether the tenant made it, not Microsoft.
    pub is_custom: bool,
    /// What it grants.
    pub permissions: Vec<Permission>,
    /// The scopes at which it can be assigned.
    pub assignable_scopes: Vec<Untrusted>,
}

impl RoleDefinition {
    /// A built-in role, without a request.
    pub fn built_in(role: &BuiltInRole) -> Option<Self> {
        let owned = |list: &[&str]| list.iter().map(|&action| action.to_owned()).collect();
        Some(Self {
            id: Uuid::try_parse(role.id).ok()?,
            name: role.name.into(),
            description: format!("It {}.", role.does).into(),
            is_custom: false,
            permissions: vec![Permission {
                actions: owned(&role.actions),
                not_actions: owned(&role.not_actions),
                data_actions: owned(&role.data_actions),
                not_data_actions: owned(&role.not_data_actions),
            }],
            assignable_scopes: vec!["/".into()],
        })
    }
}

/// Forbids actions to principals, whatever roles grant. Azure's own services make them.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DenyAssignment {
    /// The resource id.
    pub id: Untrusted,
    /// The name.
    pub name: Untrusted,
    /// The scope at which it was made.
    pub scope: Untrusted,
    /// Whether it counts at its scope only, and not below.
    pub is_for_scope_only: bool,
    /// What it forbids.
    pub permissions: Vec<Permission>,
    /// The principals that it denies: object ids, and the zero GUID for all of them.
    pub principals: Vec<Uuid>,
    /// The principals that it does not deny.
    pub excluded: Vec<Uuid>,
}

/// A resource of Microsoft.Authorization, as it is in JSON.
#[derive(Deserialize)]
struct Resource<T> {
    #[serde(default)]
    id: Untrusted,
    #[serde(default)]
    name: Option<Uuid>,
    properties: T,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AssignmentProperties {
    scope: Untrusted,
    role_definition_id: String,
    principal_id: Uuid,
    #[serde(default)]
    principal_type: Option<Untrusted>,
    #[serde(default)]
    condition: Option<Untrusted>,
    #[serde(default)]
    description: Option<Untrusted>,
}

impl<'de> Deserialize<'de> for RoleAssignment {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Resource { id, properties, .. } =
            Resource::<AssignmentProperties>::deserialize(deserializer)?;
        let role = properties.role_definition_id.rsplit('/').next();
        let role_id = Uuid::try_parse(role.unwrap_or_default());
        Ok(Self {
            id,
            scope: properties.scope,
            role_id: role_id.map_err(D::Error::custom)?,
            principal_id: properties.principal_id,
            principal_type: properties.principal_type.unwrap_or_default(),
            condition: properties.condition.filter(|text| !text.raw().is_empty()),
            description: properties.description.filter(|text| !text.raw().is_empty()),
        })
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct DefinitionProperties {
    role_name: Untrusted,
    #[serde(default)]
    description: Option<Untrusted>,
    #[serde(default, rename = "type")]
    kind: String,
    #[serde(default)]
    permissions: Vec<Permission>,
    #[serde(default)]
    assignable_scopes: Vec<Untrusted>,
}

impl<'de> Deserialize<'de> for RoleDefinition {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Resource {
            name, properties, ..
        } = Resource::<DefinitionProperties>::deserialize(deserializer)?;
        Ok(Self {
            id: name.ok_or_else(|| D::Error::missing_field("name"))?,
            name: properties.role_name,
            description: properties.description.unwrap_or_default(),
            is_custom: properties.kind.eq_ignore_ascii_case("CustomRole"),
            permissions: properties.permissions,
            assignable_scopes: properties.assignable_scopes,
        })
    }
}

#[derive(Deserialize)]
struct PrincipalRef {
    id: Uuid,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct DenyProperties {
    deny_assignment_name: Untrusted,
    scope: Untrusted,
    #[serde(default)]
    do_not_apply_to_child_scopes: bool,
    #[serde(default)]
    permissions: Vec<Permission>,
    #[serde(default)]
    principals: Vec<PrincipalRef>,
    #[serde(default)]
    exclude_principals: Vec<PrincipalRef>,
}

impl<'de> Deserialize<'de> for DenyAssignment {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Resource { id, properties, .. } =
            Resource::<DenyProperties>::deserialize(deserializer)?;
        let ids = |all: Vec<PrincipalRef>| all.into_iter().map(|one| one.id).collect();
        Ok(Self {
            id,
            name: properties.deny_assignment_name,
            scope: properties.scope,
            is_for_scope_only: properties.do_not_apply_to_child_scopes,
            permissions: properties.permissions,
            principals: ids(properties.principals),
            excluded: ids(properties.exclude_principals),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{from_value, json};

    const ID: &str = "e0000001-0000-4000-8000-000000000001";

    #[test]
    fn the_values_are_read_as_resource_manager_sends_them() {
        let one: RoleAssignment = from_value(json!({
            "id": "/x", "name": ID, "type": "Microsoft.Authorization/roleAssignments",
            "properties": {
                "roleDefinitionId": format!("/subscriptions/s/providers/Microsoft.Authorization/roleDefinitions/{ID}"),
                "principalId": ID, "principalType": "User", "scope": "/", "condition": null, "description": "",
            }
        }))
        .unwrap();
        assert_eq!(
            (one.role_id.to_string(), one.condition, one.description),
            (ID.into(), None, None)
        );
        let role: RoleDefinition = from_value(json!({
            "name": ID,
            "properties": { "roleName": "Mine", "type": "CustomRole", "permissions": [{"actions": ["*"]}] }
        }))
        .unwrap();
        assert!(role.is_custom && role.permissions[0].actions == ["*"]);
        let deny: DenyAssignment = from_value(json!({
            "properties": {
                "denyAssignmentName": "no", "scope": "/", "doNotApplyToChildScopes": true,
                "principals": [{"id": "00000000-0000-0000-0000-000000000000", "type": "SystemDefined"}],
                "excludePrincipals": [{"id": ID}], "permissions": [{"actions": ["*"]}],
            }
        }))
        .unwrap();
        assert!(deny.is_for_scope_only && deny.principals[0].is_nil());
        let not_a_guid =
            json!({"properties": {"roleDefinitionId": "/x/y", "principalId": ID, "scope": "/"}});
        assert!(from_value::<RoleAssignment>(not_a_guid).is_err());
    }
}
