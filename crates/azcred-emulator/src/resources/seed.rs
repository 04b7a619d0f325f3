//! The resources' part of a seed file, and how it becomes [`Resources`].
//!
//! People write seeds, so they use names: a tenant's domain, a role's name, the display name of an
//! application or group, the sign-in name of a user. Ids work too.

use super::{
    Resources,
    compute::Compute,
    datastore::Datastore,
    resource::{ManagementGroup, Resource, ResourceGroup, Subscription, SubscriptionState},
    role::{DenyAssignment, EVERYONE, Permission, PrincipalType, RoleAssignment, RoleDefinition},
    scope::Scope,
    storage_account::{STORAGE_ACCOUNT_TYPE, complete_account},
    workspace::Workspace,
};
use crate::directory::{Directory, Principal};
use serde::Deserialize;
use std::ops::Range;
use time::OffsetDateTime;
use toml::Spanned;
use uuid::Uuid;

/// The resources of a seed. Every list is optional.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ResourcesSeed {
    /// `[[management_groups]]`
    pub management_groups: Vec<Spanned<ManagementGroup>>,
    /// `[[subscriptions]]`
    pub subscriptions: Vec<Spanned<SubscriptionSeed>>,
    /// `[[resource_groups]]`
    pub resource_groups: Vec<Spanned<ResourceGroup>>,
    /// `[[workspaces]]`
    pub workspaces: Vec<Spanned<Workspace>>,
    /// `[[computes]]`: computes of workspaces.
    pub computes: Vec<Spanned<Compute>>,
    /// `[[datastores]]`: datastores of workspaces, beside those that each one has.
    pub datastores: Vec<Spanned<Datastore>>,
    /// `[[resources]]`: any resource other than a workspace.
    pub resources: Vec<Spanned<Resource>>,
    /// `[[role_definitions]]`: custom roles.
    pub role_definitions: Vec<Spanned<RoleDefinition>>,
    /// `[[role_assignments]]`
    pub role_assignments: Vec<Spanned<RoleAssignmentSeed>>,
    /// `[[deny_assignments]]`
    pub deny_assignments: Vec<Spanned<DenyAssignmentSeed>>,
}

/// A subscription. Its tenant can be named by a domain.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SubscriptionSeed {
    id: Uuid,
    tenant: String,
    name: String,
    #[serde(default)]
    state: SubscriptionState,
    management_group: Option<String>,
    #[serde(default)]
    managed_by_tenants: Vec<Uuid>,
    #[serde(default)]
    tags: std::collections::BTreeMap<String, String>,
}

/// A role assignment, with role and principal by name or id. Without `id`, the id is derived from
/// the rest.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RoleAssignmentSeed {
    id: Option<Uuid>,
    role: String,
    principal: String,
    scope: Scope,
    description: Option<String>,
}

/// A deny assignment, with principals by name or id, or "everyone".
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DenyAssignmentSeed {
    id: Uuid,
    name: String,
    #[serde(default)]
    description: String,
    scope: Scope,
    #[serde(default)]
    do_not_apply_to_child_scopes: bool,
    #[serde(default)]
    actions: Vec<String>,
    #[serde(default)]
    not_actions: Vec<String>,
    #[serde(default)]
    data_actions: Vec<String>,
    #[serde(default)]
    not_data_actions: Vec<String>,
    principals: Vec<String>,
    #[serde(default)]
    exclude_principals: Vec<String>,
}

/// What is wrong with a seed, and in which entry.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {message}")]
pub struct SeedProblem {
    /// The position of the entry in the seed file, in bytes.
    pub span: Range<usize>,
    /// The entry and field, such as `role_assignments[1].role`.
    pub field: String,
    /// What is wrong, and which value would be right.
    pub message: String,
}

impl ResourcesSeed {
    /// Creates the resources of the seed. Everything is dated `now`.
    ///
    /// # Errors
    /// The first entry that names something unknown, or that occurs twice.
    pub fn build(
        &self,
        directory: &Directory,
        now: OffsetDateTime,
    ) -> Result<Resources, SeedProblem> {
        let mut made = Resources::default();
        for entry in &self.management_groups {
            made.put_management_group(entry.get_ref().clone());
        }
        for (at, entry) in self.management_groups.iter().enumerate() {
            if let Some(parent) = &entry.get_ref().parent
                && made.management_group(parent).is_none()
            {
                return Err(problem(
                    entry,
                    format!("management_groups[{at}].parent"),
                    format!("no management group '{parent}' in this seed"),
                ));
            }
        }
        self.build_tree(&mut made, directory, now)?;
        for entry in &self.role_definitions {
            made.put_role(entry.get_ref().clone());
        }
        self.build_assignments(&mut made, directory, now)?;
        for entry in &self.workspaces {
            if let Ok(id) = entry.get_ref().id() {
                made.grant_own_storage(&id, now);
            }
        }
        Ok(made)
    }

    fn build_tree(
        &self,
        made: &mut Resources,
        directory: &Directory,
        now: OffsetDateTime,
    ) -> Result<(), SeedProblem> {
        for (at, entry) in self.subscriptions.iter().enumerate() {
            let given = entry.get_ref();
            let field = |name: &str| format!("subscriptions[{at}].{name}");
            let tenant = directory
                .tenant(&given.tenant)
                .ok_or_else(|| {
                    let message = format!(
                        "no tenant in this seed has the id or domain '{}'",
                        given.tenant
                    );
                    problem(entry, field("tenant"), message)
                })?
                .id;
            if let Some(group) = &given.management_group
                && made.management_group(group).is_none()
            {
                let message = format!("no management group '{group}' in this seed");
                return Err(problem(entry, field("management_group"), message));
            }
            if made.subscription(given.id).is_some() {
                return Err(problem(
                    entry,
                    field("id"),
                    format!("subscription {} is already in this seed", given.id),
                ));
            }
            made.put_subscription(Subscription {
                id: given.id,
                tenant,
                name: given.name.clone(),
                state: given.state,
                management_group: given.management_group.clone(),
                managed_by_tenants: given.managed_by_tenants.clone(),
                tags: given.tags.clone(),
            });
        }
        for (at, entry) in self.resource_groups.iter().enumerate() {
            let given = entry.get_ref();
            let field = |name: &str| format!("resource_groups[{at}].{name}");
            if made.subscription(given.subscription).is_none() {
                let message = format!("no subscription {} in this seed", given.subscription);
                return Err(problem(entry, field("subscription"), message));
            }
            match made.put_group(given.clone()) {
                Ok(true) => {}
                Ok(false) => {
                    return Err(problem(
                        entry,
                        field("name"),
                        format!("'{}' is already in this seed", given.name),
                    ));
                }
                Err(error) => return Err(problem(entry, field("name"), error.to_string())),
            }
        }
        for (at, entry) in self.workspaces.iter().enumerate() {
            let field = format!("workspaces[{at}]");
            let tenant = made
                .subscription(entry.get_ref().subscription)
                .map_or(Uuid::nil(), |subscription| subscription.tenant);
            let resource = entry
                .get_ref()
                .resource(tenant, now)
                .map_err(|error| problem(entry, field.clone(), error.to_string()))?;
            put(made, resource).map_err(|message| problem(entry, field, message))?;
        }
        for (at, entry) in self.resources.iter().enumerate() {
            let mut resource = entry.get_ref().clone();
            if resource.is_a(STORAGE_ACCOUNT_TYPE) {
                complete_account(&mut resource, now);
            }
            put(made, resource)
                .map_err(|message| problem(entry, format!("resources[{at}].id"), message))?;
        }
        self.build_workspaces(made, now)
    }

    fn build_assignments(
        &self,
        made: &mut Resources,
        directory: &Directory,
        now: OffsetDateTime,
    ) -> Result<(), SeedProblem> {
        for (at, entry) in self.role_assignments.iter().enumerate() {
            let given = entry.get_ref();
            let field = |name: &str| format!("role_assignments[{at}].{name}");
            let role = match given.role.parse() {
                Ok(id) => made.role(id),
                Err(_) => made.role_named(&given.role),
            }
            .ok_or_else(|| {
                let message = format!(
                    "no role has the name or id '{}', built-in or in this seed",
                    given.role
                );
                problem(entry, field("role"), message)
            })?
            .id;
            let (principal, principal_type) = find_principal(directory, &given.principal)
                .map_err(|message| problem(entry, field("principal"), message))?;
            let assigned = made.assign(RoleAssignment {
                id: given
                    .id
                    .unwrap_or_else(|| derived_id(&given.scope, role, principal)),
                scope: given.scope.clone(),
                role,
                principal,
                principal_type,
                description: given.description.clone(),
                condition: None,
                condition_version: None,
                created_by: None,
                created_on: now,
                updated: None,
            });
            match assigned {
                Ok(true) => {}
                Ok(false) => {
                    let message =
                        "the same role is assigned to the same principal at the same scope above";
                    return Err(problem(
                        entry,
                        format!("role_assignments[{at}]"),
                        message.to_owned(),
                    ));
                }
                Err(error) => {
                    return Err(problem(
                        entry,
                        format!("role_assignments[{at}]"),
                        error.to_string(),
                    ));
                }
            }
        }
        for (at, entry) in self.deny_assignments.iter().enumerate() {
            let given = entry.get_ref();
            let find = |names: &[String], name: &str| {
                names
                    .iter()
                    .map(|principal| {
                        if principal.eq_ignore_ascii_case("everyone") {
                            return Ok(EVERYONE);
                        }
                        find_principal(directory, principal)
                            .map(|(id, _)| id)
                            .map_err(|message| {
                                problem(entry, format!("deny_assignments[{at}].{name}"), message)
                            })
                    })
                    .collect::<Result<Vec<_>, _>>()
            };
            made.deny(DenyAssignment {
                id: given.id,
                name: given.name.clone(),
                description: given.description.clone(),
                scope: given.scope.clone(),
                do_not_apply_to_child_scopes: given.do_not_apply_to_child_scopes,
                permissions: vec![Permission {
                    actions: given.actions.clone(),
                    not_actions: given.not_actions.clone(),
                    data_actions: given.data_actions.clone(),
                    not_data_actions: given.not_data_actions.clone(),
                }],
                principals: find(&given.principals, "principals")?,
                exclude_principals: find(&given.exclude_principals, "exclude_principals")?,
                created: None,
                updated: None,
            });
        }
        Ok(())
    }
}

pub(super) fn problem<T>(entry: &Spanned<T>, field: String, message: String) -> SeedProblem {
    SeedProblem {
        span: entry.span(),
        field,
        message,
    }
}

/// Adds a resource of the seed below its parents.
pub(super) fn put(made: &mut Resources, resource: Resource) -> Result<(), String> {
    let id = resource.id.clone();
    if id.resource_type().is_none() {
        return Err(format!("'{id}' is not the id of a resource"));
    }
    for parent in id.path_ancestry().into_iter().skip(1) {
        let there = if parent.resource_type().is_some() {
            made.resource(&parent).is_some()
        } else if parent.resource_group().is_some() {
            made.group(&parent).is_some()
        } else {
            made.subscription_of(&parent).is_some()
        };
        if !there {
            return Err(format!(
                "its parent '{parent}' is not in this seed, or comes after it"
            ));
        }
    }
    if made.put_resource(resource) {
        Ok(())
    } else {
        Err(format!("'{id}' is already in this seed"))
    }
}

/// The principal with this object id, name or sign-in name.
fn find_principal(directory: &Directory, given: &str) -> Result<(Uuid, PrincipalType), String> {
    if let Ok(id) = given.parse() {
        return match directory.principal(id) {
            Some(found) => Ok((id, kind_of(found))),
            None => Err(format!(
                "no user, group or service principal in this seed has the object id {id}"
            )),
        };
    }
    let users = directory
        .users
        .values()
        .filter(|user| user.user_principal_name.eq_ignore_ascii_case(given))
        .map(|user| (user.id, PrincipalType::User));
    let groups = directory
        .groups
        .values()
        .filter(|group| group.name.eq_ignore_ascii_case(given))
        .map(|group| (group.id, PrincipalType::Group));
    let applications = directory
        .service_principals
        .values()
        .filter(|principal| principal.name.eq_ignore_ascii_case(given))
        .map(|principal| (principal.id, PrincipalType::ServicePrincipal));
    let found: Vec<_> = users.chain(groups).chain(applications).collect();
    match found.as_slice() {
        [one] => Ok(*one),
        [] => Err(format!(
            "no principal '{given}' in this seed: use the name of an application or group, a user's sign-in name, or an object id"
        )),
        several => Err(format!(
            "{} principals are called '{given}': give the object id",
            several.len()
        )),
    }
}

/// The type of a principal of the directory.
pub(crate) fn kind_of(principal: Principal<'_>) -> PrincipalType {
    match principal {
        Principal::User(_) => PrincipalType::User,
        Principal::Group(_) => PrincipalType::Group,
        Principal::ServicePrincipal(_) => PrincipalType::ServicePrincipal,
    }
}

/// The id of an assignment without one, which is the same after every start: the digest of its
/// content as a GUID of version 8 (RFC 9562 section 5.8).
pub(super) fn derived_id(scope: &Scope, role: Uuid, principal: Uuid) -> Uuid {
    let text = format!("{}\n{role}\n{principal}", scope.key());
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, text.as_bytes());
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest.as_ref()[..16]);
    uuid::Builder::from_custom_bytes(bytes).into_uuid()
}
