//! Azure's rules for what a principal may do, as a pure function of assignments, roles, deny
//! assignments and groups.
//!
//! The rules, from Microsoft's pages 'How Azure RBAC determines if a user has access to a
//! resource', 'Understand Azure role definitions' and 'Understand Azure deny assignments':
//!
//! 1. An assignment counts at its scope and below. Assignments of the principal's groups count too,
//!    nested groups included.
//! 2. A role grants an action that one of its permissions has in `actions` and not in the same
//!    permission's `notActions`. Another role may grant what one leaves out. Data actions are
//!    apart.
//! 3. A deny assignment takes an action away, whatever roles grant, unless it excludes the
//!    principal or one of its groups.
//! 4. A condition on an assignment is not evaluated: what it can restrict is 'conditional'.

use crate::{
    operations::is_data_only,
    permissions::{Permission, granted, matches},
    rbac_values::{DenyAssignment, RoleAssignment, RoleDefinition},
    role_scope::{is_at_or_below, is_management_group},
};
use serde::Serialize;
use std::collections::{HashMap, HashSet};
use uuid::Uuid;

/// A principal with its groups.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Who {
    /// The object id.
    pub id: Uuid,
    /// The object ids of all groups that it is in, directly or through other groups.
    pub groups: HashSet<Uuid>,
}

impl Who {
    fn is(&self, id: &Uuid) -> bool {
        self.id == *id || self.groups.contains(id)
    }
}

/// An operation that a principal wants to perform.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action<'a> {
    /// On the control plane: `Microsoft.MachineLearningServices/workspaces/jobs/write`.
    Control(&'a str),
    /// On data: `Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read`.
    Data(&'a str),
}

impl<'a> Action<'a> {
    /// An action by its name. It is on data if that is the only operation that azcred knows by the
    /// name.
    pub fn named(name: &'a str) -> Self {
        match is_data_only(name) {
            true => Self::Data(name),
            false => Self::Control(name),
        }
    }

    /// The name.
    pub fn name(self) -> &'a str {
        match self {
            Self::Control(name) | Self::Data(name) => name,
        }
    }

    fn is_in(self, permissions: &[Permission]) -> bool {
        permissions.iter().any(|one| match self {
            Self::Control(name) => granted(&one.actions, &one.not_actions, name),
            Self::Data(name) => granted(&one.data_actions, &one.not_data_actions, name),
        })
    }
}

/// The scope of a question, and the management groups above it.
#[derive(Clone, Debug)]
pub struct At<'a> {
    /// The scope.
    pub scope: &'a str,
    /// The scopes of the management groups above the scope's subscription.
    pub management_groups: Vec<&'a str>,
}

impl<'a> At<'a> {
    /// A scope for which Azure listed these assignments, at it and above it. The management groups
    /// in the list are above the scope: its path does not name them.
    pub fn listed(scope: &'a str, assignments: &'a [RoleAssignment]) -> Self {
        let scopes = assignments.iter().map(|one| one.scope.raw());
        Self {
            scope,
            management_groups: scopes.filter(|scope| is_management_group(scope)).collect(),
        }
    }

    fn is_under(&self, above: &str) -> bool {
        is_at_or_below(self.scope, above)
            || (is_management_group(above)
                && self
                    .management_groups
                    .iter()
                    .any(|group| group.eq_ignore_ascii_case(above)))
    }
}

/// The access of one principal at one scope.
#[derive(Debug)]
pub struct RoleAccess<'a> {
    grants: Vec<Grant<'a>>,
    denials: Vec<&'a DenyAssignment>,
}

/// An assignment that counts, and its role.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grant<'a> {
    /// The assignment.
    pub assignment: &'a RoleAssignment,
    /// Its role.
    pub role: &'a RoleDefinition,
}

/// What Azure would say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Verdict {
    /// An assignment allows it.
    Allowed,
    /// Assignments allow it, each under a condition.
    Conditional,
    /// A deny assignment forbids it.
    Denied,
    /// No assignment allows it.
    Missing,
}

/// Whether an action is allowed, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Decision<'a> {
    /// The verdict.
    pub verdict: Verdict,
    /// The assignment that allows the action. A deny assignment may forbid it all the same.
    pub grant: Option<Grant<'a>>,
    /// The deny assignment that forbids it. There can be one though no role allows the action.
    pub denial: Option<&'a DenyAssignment>,
}

impl<'a> RoleAccess<'a> {
    /// Selects what counts for `who` at a scope.
    pub fn new(
        assignments: &'a [RoleAssignment],
        roles: &'a [RoleDefinition],
        deny_assignments: &'a [DenyAssignment],
        who: &Who,
        at: &At<'_>,
    ) -> Self {
        let roles: HashMap<Uuid, &RoleDefinition> =
            roles.iter().map(|role| (role.id, role)).collect();
        // Of assignments with the same role and no condition, one is enough.
        let mut seen = HashSet::new();
        let grants = assignments
            .iter()
            .filter(|one| who.is(&one.principal_id) && at.is_under(one.scope.raw()))
            .filter(|one| one.condition.is_some() || seen.insert(one.role_id))
            .filter_map(|assignment| {
                let role = *roles.get(&assignment.role_id)?;
                Some(Grant { assignment, role })
            });
        let denials = deny_assignments.iter().filter(|one| {
            let counts = match one.is_for_scope_only {
                true => one
                    .scope
                    .raw()
                    .trim_end_matches('/')
                    .eq_ignore_ascii_case(at.scope.trim_end_matches('/')),
                false => at.is_under(one.scope.raw()),
            };
            let meant = |id: &Uuid| id.is_nil() || who.is(id);
            counts && one.principals.iter().any(meant) && !one.excluded.iter().any(meant)
        });
        Self {
            grants: grants.collect(),
            denials: denials.collect(),
        }
    }

    /// The assignments that count.
    pub fn grants(&self) -> &[Grant<'a>] {
        &self.grants
    }

    /// Whether the principal may perform an action.
    pub fn decide(&self, action: Action<'_>) -> Decision<'a> {
        let mut conditional = None;
        let mut grant = None;
        for one in &self.grants {
            if !action.is_in(&one.role.permissions) {
                continue;
            }
            match &one.assignment.condition {
                Some(condition) if restricts(condition.raw(), action) => {
                    conditional = conditional.or(Some(*one));
                }
                _ => {
                    grant = Some(*one);
                    break;
                }
            }
        }
        let mut denials = self.denials.iter();
        let denial = denials.find(|one| action.is_in(&one.permissions)).copied();
        let verdict = match (grant, conditional, denial) {
            (None, None, _) => Verdict::Missing,
            (_, _, Some(_)) => Verdict::Denied,
            (Some(_), ..) => Verdict::Allowed,
            (None, Some(_), None) => Verdict::Conditional,
        };
        Decision {
            verdict,
            grant: grant.or(conditional),
            denial,
        }
    }
}

/// Whether a condition can restrict an action. Microsoft's page 'Azure role assignment condition
/// format and syntax' has the form `(!(ActionMatches{'A'})) OR (…)`, which does not restrict other
/// actions than A. Any other form may restrict all.
fn restricts(condition: &str, action: Action<'_>) -> bool {
    const TARGET: &str = "ActionMatches{'";
    let targets = condition.match_indices(TARGET).filter(|(at, _)| {
        // `SubOperationMatches` narrows an action that is a target already.
        !condition[..*at].ends_with("Sub")
    });
    let mut has_targets = false;
    for (at, _) in targets {
        let before: String = condition[..at]
            .chars()
            .filter(|c| !c.is_whitespace())
            .collect();
        let Some((target, _)) = condition[at + TARGET.len()..].split_once("'}") else {
            return true;
        };
        if !before.ends_with("!(") || matches(target, action.name()) {
            return true;
        }
        has_targets = true;
    }
    !has_targets
}

#[cfg(test)]
#[path = "rbac_tests.rs"]
mod tests;
