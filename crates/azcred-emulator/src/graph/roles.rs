//! Directory roles, and the policy for users without one, in Graph's form.

use crate::{
    directory::{DIRECTORY_ROLES, DirectoryRole, Tenant},
    graph::{
        ids::derived_id,
        kind::Kind,
        objects::{Object, Objects, object},
    },
};
use serde_json::json;
use std::collections::BTreeSet;
use uuid::Uuid;

/// The policy of a tenant.
pub(super) fn policy(tenant: &Tenant) -> Object {
    let known = json!({ "id": Kind::AuthorizationPolicy.name() });
    let mut policy = object(Kind::AuthorizationPolicy, tenant.id, known);
    let users = &mut policy.properties["defaultUserRolePermissions"];
    users["allowedToCreateApps"] = tenant.users_may_create_applications.into();
    users["allowedToCreateSecurityGroups"] = tenant.users_may_create_groups.into();
    policy
}

/// The roles that someone in the tenant has.
pub(super) fn of_tenant(objects: &Objects<'_>) -> Vec<Object> {
    let roles: BTreeSet<Uuid> = assigned(objects).map(|(_, role)| role).collect();
    let known = DIRECTORY_ROLES
        .iter()
        .filter(|role| roles.contains(&role.id));
    known.map(|role| in_tenant(objects.tenant, role)).collect()
}

/// The object ids of the roles that a principal has itself.
pub(super) fn ids_of(objects: &Objects<'_>, principal: Uuid) -> BTreeSet<Uuid> {
    assigned(objects)
        .filter(|(who, _)| *who == principal)
        .map(|(_, role)| object_id(objects.tenant, role))
        .collect()
}

/// Who has the role with this object id.
pub(super) fn members(objects: &Objects<'_>, id: Uuid) -> BTreeSet<Uuid> {
    assigned(objects)
        .filter(|(_, role)| object_id(objects.tenant, *role) == id)
        .map(|(who, _)| who)
        .collect()
}

pub(super) fn definitions() -> Vec<Object> {
    let all = DIRECTORY_ROLES.iter();
    all.map(|role| {
        let known = json!({ "displayName": role.name, "templateId": role.id });
        object(Kind::RoleDefinition, role.id, known)
    })
    .collect()
}

pub(super) fn assignments(objects: &Objects<'_>) -> Vec<Object> {
    assigned(objects)
        .map(|(principal, role)| assignment(principal, role))
        .collect()
}

/// The assignment of a role to a principal.
pub(super) fn assignment(principal: Uuid, role: Uuid) -> Object {
    let known = json!({ "principalId": principal, "roleDefinitionId": role });
    let id = derived_id(&[principal.as_bytes(), role.as_bytes()]);
    object(Kind::RoleAssignment, id, known)
}

/// The assignments of the tenant: a principal and a role.
fn assigned(objects: &Objects<'_>) -> impl Iterator<Item = (Uuid, Uuid)> {
    let all = objects.directory.directory_roles.iter().copied();
    all.filter(|(principal, _)| {
        let principal = objects.directory.principal(*principal);
        principal.is_some_and(|found| found.tenant() == objects.tenant)
    })
}

fn in_tenant(tenant: Uuid, role: &DirectoryRole) -> Object {
    let known = json!({ "displayName": role.name, "roleTemplateId": role.id });
    object(Kind::DirectoryRole, object_id(tenant, role.id), known)
}

fn object_id(tenant: Uuid, role: Uuid) -> Uuid {
    derived_id(&[tenant.as_bytes(), role.as_bytes()])
}
