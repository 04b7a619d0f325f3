//! Directory roles: assigned and removed. The policy for users without one.

use super::{
    Writing,
    body::Body,
    rights::{POLICY, ROLES},
};
use crate::{
    directory::DirectoryRole,
    graph::{
        kind::Kind,
        objects::Object,
        response::{Answer, GraphError},
        roles::assignment,
    },
};
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeSet;
use uuid::Uuid;

const KIND: Kind = Kind::RoleAssignment;

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct UserPermissions {
    allowed_to_create_apps: Option<bool>,
    allowed_to_create_security_groups: Option<bool>,
}

impl Writing<'_> {
    /// `POST /roleManagement/directory/roleAssignments`.
    pub(super) fn create_role_assignment(&mut self) -> Result<Answer, GraphError> {
        self.authorize(&ROLES, &BTreeSet::new())?;
        let mut body = Body::read(self.call, KIND)?;
        let text = body.require("principalId")?;
        let principal = Uuid::try_parse(&text).map_err(|_| GraphError::invalid_guid(&text))?;
        let found = self.directory.principal(principal);
        let found = found.filter(|found| found.tenant() == self.caller.tenant);
        let principal = found.ok_or_else(|| GraphError::not_found(&text))?.id();
        let text = body.require("roleDefinitionId")?;
        let role = DirectoryRole::named(&text)
            .ok_or_else(|| GraphError::not_found(&text))?
            .id;
        if body
            .take::<String>("directoryScopeId")?
            .is_some_and(|scope| scope != "/")
        {
            return Err(GraphError::option_not_served(self.call, "directoryScopeId"));
        }
        if !self.directory.directory_roles.insert((principal, role)) {
            return Err(GraphError::rejected(
                "A conflicting object with one or more of the specified property values is present in the directory.",
            ));
        }
        let assigned = assignment(principal, role);
        let address = format!("{}/{}", KIND.set(), assigned.id);
        Ok(self.created_at(assigned, &address))
    }

    /// `DELETE /roleManagement/directory/roleAssignments/{id}`.
    pub(super) fn delete_role_assignment(&mut self, object: &Object) -> Result<Answer, GraphError> {
        self.authorize(&ROLES, &BTreeSet::new())?;
        let roles = &mut self.directory.directory_roles;
        roles.retain(|(principal, role)| assignment(*principal, *role).id != object.id);
        Ok(Answer::empty())
    }

    /// `PATCH /policies/authorizationPolicy`: what users may create. Other changes are not served.
    pub(super) fn update_policy(&mut self) -> Result<Answer, GraphError> {
        self.authorize(&POLICY, &BTreeSet::new())?;
        let mut body = Body::read(self.call, Kind::AuthorizationPolicy)?;
        let name = "defaultUserRolePermissions";
        let given: Option<Value> = body.take(name)?;
        let given = given.unwrap_or_default();
        let is_served = |name: &String| {
            matches!(
                name.as_str(),
                "allowedToCreateApps" | "allowedToCreateSecurityGroups"
            )
        };
        let members = given.as_object().map(|given| given.keys().all(is_served));
        if members != Some(true) || !body.is_empty() {
            return Err(GraphError::not_served(self.call));
        }
        let wanted: UserPermissions = serde_json::from_value(given)
            .map_err(|_| GraphError::invalid_value(Kind::AuthorizationPolicy, name))?;
        if let Some(tenant) = self.directory.tenants.get_mut(&self.caller.tenant) {
            let apps = &mut tenant.users_may_create_applications;
            *apps = wanted.allowed_to_create_apps.unwrap_or(*apps);
            let groups = &mut tenant.users_may_create_groups;
            *groups = wanted.allowed_to_create_security_groups.unwrap_or(*groups);
        }
        Ok(Answer::empty())
    }
}
