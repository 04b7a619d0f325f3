//! What a service principal may do: its role assignments in all subscriptions that the user sees.

use crate::{
    commands::{
        reader::Reader,
        role::people::{Names, Person},
    },
    failure::Failure,
};
use azcred::Untrusted;
use azcred_azure::{
    Assigned, BuiltInRole, ErrorKind, RoleAssignment, RoleDefinition, RoleScope, Subscription,
    describe_scope,
};
use serde::Serialize;
use std::collections::{HashMap, HashSet};
use uuid::Uuid;

/// So many subscriptions are read at once.
const AT_ONCE: usize = 8;

/// The roles of a service principal.
pub(super) struct RolesEverywhere {
    assignments: Vec<RoleAssignment>,
    roles: HashMap<Uuid, RoleDefinition>,
    names: Names,
    subscriptions: Vec<Subscription>,
    /// What could not be read.
    pub(super) notes: Vec<String>,
}

/// A role in JSON.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RoleEntry<'a> {
    /// The role's name; `null` if the role can't be read.
    role: Option<&'a Untrusted>,
    role_id: Uuid,
    scope: &'a Untrusted,
    /// The group through which it has the role; `null` if it is its own.
    through: Option<Person>,
    condition: Option<&'a Untrusted>,
}

impl RolesEverywhere {
    /// Reads the roles of a principal, also those of its groups.
    pub(super) async fn of(reader: &Reader, principal: Uuid) -> Result<Self, Failure> {
        let subscriptions = reader.subscriptions().await?;
        let (mut assignments, mut notes) = (Vec::new(), Vec::new());
        for some in subscriptions.chunks(AT_ONCE) {
            let mut reading = tokio::task::JoinSet::new();
            for (number, one) in some.iter().enumerate() {
                let scope = RoleScope::new(&format!("/subscriptions/{}", one.subscription_id))?;
                let manager = reader.manager.clone();
                reading.spawn(async move {
                    let which = Assigned::ToAlsoBelow(principal);
                    (number, manager.role_assignments(&scope, which).await)
                });
            }
            let mut read = reading.join_all().await;
            read.sort_by_key(|(number, _)| *number);
            for (number, result) in read {
                match result {
                    Ok(found) => assignments.extend(found.value),
                    Err(error) if error.kind() == ErrorKind::NotPermitted => notes.push(format!(
                        "you may not read the roles in the subscription {}",
                        some[number].display_name
                    )),
                    Err(error) => return Err(error.into()),
                }
            }
        }
        // An assignment above the subscriptions is in the list of each.
        let mut seen = HashSet::new();
        assignments.retain(|one| seen.insert(one.id.raw().to_ascii_lowercase()));
        let groups: Vec<RoleAssignment> = assignments
            .iter()
            .filter(|one| one.principal_id != principal)
            .cloned()
            .collect();
        let names = Names::of(reader, &groups).await;
        let roles = roles(reader, &assignments).await;
        let mut this = Self {
            assignments,
            roles,
            names,
            subscriptions,
            notes,
        };
        this.assignments
            .sort_by_cached_key(|one| one.scope.raw().to_ascii_lowercase());
        Ok(this)
    }

    /// The assignments, also those of its groups.
    pub(super) fn assignments(&self) -> &[RoleAssignment] {
        &self.assignments
    }

    /// The roles for JSON.
    pub(super) fn entries(&self, principal: Uuid) -> Vec<RoleEntry<'_>> {
        let entry = |one| self.entry(one, principal);
        self.assignments.iter().map(entry).collect()
    }

    fn entry<'a>(&'a self, one: &'a RoleAssignment, principal: Uuid) -> RoleEntry<'a> {
        RoleEntry {
            role: self.roles.get(&one.role_id).map(|role| &role.name),
            role_id: one.role_id,
            scope: &one.scope,
            through: (one.principal_id != principal).then(|| self.names.person(one.principal_id)),
            condition: one.condition.as_ref(),
        }
    }

    /// The roles as rows: the role, where, through which group, and a condition.
    pub(super) fn rows(&self, principal: Uuid) -> Vec<[String; 4]> {
        self.entries(principal)
            .iter()
            .map(|one| {
                [
                    one.role
                        .map_or_else(|| one.role_id.to_string(), ToString::to_string),
                    self.place(one.scope.raw()),
                    one.through
                        .as_ref()
                        .map_or_else(String::new, Person::described),
                    match one.condition {
                        Some(_) => "under a condition".to_owned(),
                        None => String::new(),
                    },
                ]
            })
            .collect()
    }

    /// A scope in a few words, with the name of its subscription.
    fn place(&self, scope: &str) -> String {
        let words = describe_scope(scope);
        let mut subscriptions = self.subscriptions.iter();
        match subscriptions.find(|one| words == format!("the subscription {}", one.subscription_id))
        {
            Some(one) => format!("the subscription {}", one.display_name),
            None => words,
        }
    }
}

/// The roles of assignments. One that can't be read is shown by its id.
async fn roles(reader: &Reader, assignments: &[RoleAssignment]) -> HashMap<Uuid, RoleDefinition> {
    let mut roles = HashMap::new();
    for one in assignments {
        if roles.contains_key(&one.role_id) {
            continue;
        }
        let mut known = BuiltInRole::all().iter();
        let id = one.role_id.to_string();
        let known = known.find(|role| role.id.eq_ignore_ascii_case(&id));
        let role = match known.and_then(RoleDefinition::built_in) {
            Some(role) => Some(role),
            None => match RoleScope::new(one.scope.raw()) {
                Ok(scope) => match reader.manager.role_definition(&scope, one.role_id).await {
                    Ok(found) => Some(found.value),
                    Err(_) => None,
                },
                Err(_) => None,
            },
        };
        if let Some(role) = role {
            roles.insert(one.role_id, role);
        }
    }
    roles
}
