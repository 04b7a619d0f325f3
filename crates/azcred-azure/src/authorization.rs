//! Role assignments, role definitions and deny assignments in Resource Manager: list, make, remove.

use crate::{
    error::{Error, ErrorKind, Result},
    rbac_values::{DenyAssignment, RoleAssignment, RoleDefinition},
    resource_manager::{ResourceManager, api_version::AUTHORIZATION},
    role_scope::RoleScope,
    service::{Response, Verb, json},
};
use serde::Serialize;
use std::time::Duration;
use tokio::time::{Instant, sleep};
use uuid::Uuid;

/// Which assignments of a scope are listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Assigned {
    /// Those at the scope and above it.
    ToAnyone,
    /// Of these, the principal's own and those of its groups.
    To(Uuid),
    /// The principal's own, also below the scope.
    DirectlyTo(Uuid),
    /// The principal's own and those of its groups, also below the scope.
    ToAlsoBelow(Uuid),
}

impl Assigned {
    fn filter(self) -> String {
        match self {
            Self::ToAnyone => "atScope()".to_owned(),
            Self::To(id) => format!("atScope() and assignedTo('{id}')"),
            Self::DirectlyTo(id) => format!("principalId eq '{id}'"),
            Self::ToAlsoBelow(id) => format!("assignedTo('{id}')"),
        }
    }
}

/// A role assignment to make.
#[derive(Clone, Copy, Debug)]
pub struct NewRoleAssignment<'a> {
    /// The role definition's GUID.
    pub role: Uuid,
    /// The principal's object id.
    pub principal: Uuid,
    /// `User`, `Group` or `ServicePrincipal`, if it is known. With it, Azure accepts a service
    /// principal that not all of Azure knows yet.
    pub principal_type: Option<&'a str>,
}

/// What came of a new assignment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Made {
    /// It was made.
    New(RoleAssignment),
    /// The principal had the role at this scope already. The assignment, if it can be read.
    Existed(Option<RoleAssignment>),
}

/// How long Azure is waited for, and how often it is asked.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// The whole time.
    pub limit: Duration,
    /// The pause between two requests, unless Azure says how long.
    pub pause: Duration,
}

#[derive(Serialize)]
struct Body<'a> {
    properties: Properties<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Properties<'a> {
    role_definition_id: String,
    principal_id: Uuid,
    #[serde(skip_serializing_if = "Option::is_none")]
    principal_type: Option<&'a str>,
}

fn path(scope: &RoleScope, kind: &str) -> String {
    format!(
        "{}/providers/Microsoft.Authorization/{kind}",
        scope.prefix()
    )
}

/// The id of a role definition, as an assignment at `scope` names it.
fn definition_id(scope: &RoleScope, role: Uuid) -> String {
    let prefix = scope
        .subscription()
        .map_or_else(String::new, |id| format!("/subscriptions/{id}"));
    format!("{prefix}/providers/Microsoft.Authorization/roleDefinitions/{role}")
}

impl ResourceManager {
    /// Role assignments at a scope. [`Assigned`] says which.
    ///
    /// # Errors
    /// Any [`ErrorKind`]; [`ErrorKind::NotPermitted`] without
    /// `Microsoft.Authorization/roleAssignments/read`.
    pub async fn role_assignments(
        &self,
        scope: &RoleScope,
        which: Assigned,
    ) -> Result<Response<Vec<RoleAssignment>>> {
        let what = format!(
            "could not list the role assignments of {}",
            scope.describe()
        );
        let path = path(scope, "roleAssignments");
        let filter = which.filter();
        self.filtered(&what, &path, AUTHORIZATION, Some(&filter))
            .await
    }

    /// The deny assignments at a scope and above it.
    ///
    /// # Errors
    /// As [`Self::role_assignments`], with `Microsoft.Authorization/denyAssignments/read`.
    pub async fn deny_assignments(
        &self,
        scope: &RoleScope,
    ) -> Result<Response<Vec<DenyAssignment>>> {
        let what = format!(
            "could not list the deny assignments of {}",
            scope.describe()
        );
        let path = path(scope, "denyAssignments");
        self.filtered(&what, &path, AUTHORIZATION, Some("atScope()"))
            .await
    }

    /// The roles that can be assigned at a scope: Microsoft's and the tenant's own.
    ///
    /// # Errors
    /// As [`Self::role_assignments`], with `Microsoft.Authorization/roleDefinitions/read`.
    pub async fn role_definitions(
        &self,
        scope: &RoleScope,
    ) -> Result<Response<Vec<RoleDefinition>>> {
        let what = format!("could not list the roles of {}", scope.describe());
        let path = path(scope, "roleDefinitions");
        self.filtered(&what, &path, AUTHORIZATION, None).await
    }

    /// The roles with a name, in any case: one, or none.
    ///
    /// # Errors
    /// As [`Self::role_definitions`].
    pub async fn roles_named(
        &self,
        scope: &RoleScope,
        name: &str,
    ) -> Result<Response<Vec<RoleDefinition>>> {
        let what = format!("could not look up the role '{name}'");
        let path = path(scope, "roleDefinitions");
        let filter = format!("roleName eq '{}'", name.replace('\'', "''"));
        self.filtered(&what, &path, AUTHORIZATION, Some(&filter))
            .await
    }

    /// One role, by its GUID.
    ///
    /// # Errors
    /// As [`Self::role_definitions`]; [`ErrorKind::NotFound`] if there is no such role.
    pub async fn role_definition(
        &self,
        scope: &RoleScope,
        id: Uuid,
    ) -> Result<Response<RoleDefinition>> {
        let what = format!("could not look up the role {id}");
        let path = format!("{}/{id}", path(scope, "roleDefinitions"));
        self.get(&what, &path, AUTHORIZATION).await
    }

    /// Assigns a role. If the principal has it there already, that is no error, also for an
    /// identity that may not assign roles.
    ///
    /// A principal that was made a moment ago may not be known everywhere yet
    /// (`PrincipalNotFound`). The request is repeated as long as `patience` says, and `waiting` is
    /// called before each pause.
    ///
    /// # Errors
    /// Any [`ErrorKind`]; [`ErrorKind::NotPermitted`] without
    /// `Microsoft.Authorization/roleAssignments/write`.
    pub async fn assign_role(
        &self,
        scope: &RoleScope,
        new: &NewRoleAssignment<'_>,
        patience: Patience,
        mut waiting: impl FnMut(),
    ) -> Result<Made> {
        let what = format!("could not assign the role at {}", scope.describe());
        // The name is new: under the name of an assignment that is there, this would change it, and
        // take its condition away.
        let path = format!("{}/{}", path(scope, "roleAssignments"), Uuid::new_v4());
        let body = json(&Body {
            properties: Properties {
                role_definition_id: definition_id(scope, new.role),
                principal_id: new.principal,
                principal_type: new.principal_type,
            },
        });
        let end = Instant::now() + patience.limit;
        loop {
            let put = Verb::Put(body.clone());
            let error = match self.send(&what, &path, AUTHORIZATION, put).await {
                Ok(made) => return Ok(Made::New(made.value)),
                Err(error) => error,
            };
            match error.code() {
                Some("RoleAssignmentExists") => {
                    return Ok(Made::Existed(self.existing(scope, new).await));
                }
                // Without the right to assign it, there is nothing to do either.
                Some("AuthorizationFailed") => {
                    return match self.existing(scope, new).await {
                        Some(existed) => Ok(Made::Existed(Some(existed))),
                        None => Err(error),
                    };
                }
                Some("PrincipalNotFound") if Instant::now() + patience.pause < end => {
                    waiting();
                    sleep(patience.pause).await;
                }
                _ => return Err(error),
            }
        }
    }

    /// The assignment of a role to a principal at this very scope, if there is one.
    ///
    /// # Errors
    /// As [`Self::role_assignments`].
    pub async fn role_assignment_of(
        &self,
        scope: &RoleScope,
        role: Uuid,
        principal: Uuid,
    ) -> Result<Option<RoleAssignment>> {
        let own = Assigned::DirectlyTo(principal);
        let listed = self.role_assignments(scope, own).await?.value;
        let mut listed = listed.into_iter();
        Ok(listed.find(|one| one.role_id == role && is_at(one, scope)))
    }

    /// The assignment that is there in place of a new one, if it can be read.
    async fn existing(
        &self,
        scope: &RoleScope,
        new: &NewRoleAssignment<'_>,
    ) -> Option<RoleAssignment> {
        let read = self.role_assignment_of(scope, new.role, new.principal);
        read.await.ok().flatten()
    }

    /// Removes an assignment. Returns whether it was there.
    ///
    /// # Errors
    /// Any [`ErrorKind`]; [`ErrorKind::NotPermitted`] without
    /// `Microsoft.Authorization/roleAssignments/delete`; [`ErrorKind::Unexpected`] if the id is not
    /// that of a role assignment.
    pub async fn remove_role_assignment(&self, assignment: &RoleAssignment) -> Result<bool> {
        let what = "could not remove the role assignment";
        let id = assignment.id.raw();
        let below = assignment
            .scope
            .raw()
            .trim_end_matches('/')
            .to_ascii_lowercase();
        let is_assignment = id
            .to_ascii_lowercase()
            .strip_prefix(&format!(
                "{below}/providers/microsoft.authorization/roleassignments/"
            ))
            .is_some_and(|name| Uuid::try_parse(name).is_ok());
        if !is_assignment {
            return Err(Error::new(
                ErrorKind::Unexpected,
                what,
                "Azure's list has an id that is not one of a role assignment at its scope",
            ));
        }
        let removed = self.delete(what, id, AUTHORIZATION).await?;
        Ok(removed.value)
    }
}

/// Whether an assignment was made at this very scope.
pub fn is_at(assignment: &RoleAssignment, scope: &RoleScope) -> bool {
    let own = assignment.scope.raw().trim_end_matches('/');
    own.eq_ignore_ascii_case(scope.prefix())
}
