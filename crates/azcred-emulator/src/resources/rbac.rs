//! Decides whether a principal may perform an action: Azure's RBAC rules as a pure function of
//! [`Resources`].
//!
//! The rules, from "How Azure RBAC determines if a user has access to a resource" (Microsoft
//! Learn):
//! 1. A deny assignment that covers the action at the scope takes precedence over all roles.
//! 2. Otherwise a role assignment at the scope or above must allow the action. One of its
//!    permissions must match in `actions` and not in the same permission's `notActions`.
//! 3. `notActions` subtract only within their own role. Another role may still allow the action.
//! 4. For data actions, only `dataActions` and `notDataActions` count: an Owner can't read blobs.
//! 5. An assignment with a condition allows no action that a condition can restrict.
//! 6. The members of a group have the group's roles, also through nested groups.

use super::{
    Resources,
    role::{DenyAssignment, EVERYONE, Permission, RoleAssignment, RoleDefinition},
    scope::Scope,
};
use std::collections::BTreeSet;
use uuid::Uuid;

/// An action that a principal wants to perform.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action<'a> {
    /// A control-plane operation, such as `Microsoft.MachineLearningServices/workspaces/read`.
    Control(&'a str),
    /// A data-plane operation, such as reading a blob.
    Data(&'a str),
}

/// A principal with all its groups, direct or nested.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principals {
    /// The principal's own object id.
    pub principal: Uuid,
    /// The object ids of its groups, nested ones included.
    pub groups: BTreeSet<Uuid>,
}

impl Principals {
    /// A principal in no group.
    pub fn alone(principal: Uuid) -> Self {
        Self {
            principal,
            groups: BTreeSet::new(),
        }
    }

    /// Whether this id is the principal's or one of its groups'.
    pub fn are(&self, id: Uuid) -> bool {
        self.principal == id || self.groups.contains(&id)
    }
}

/// The result of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision<'a> {
    /// This assignment allows the action, and no deny assignment forbids it.
    Allowed(&'a RoleAssignment),
    /// No assignment allows it.
    NotAllowed,
    /// A role allows the action, but this deny assignment forbids it.
    Denied(&'a DenyAssignment),
}

impl Decision<'_> {
    /// Whether the action is allowed.
    pub fn is_allowed(self) -> bool {
        matches!(self, Self::Allowed(_))
    }
}

impl Permission {
    /// Whether this permission covers the action.
    pub fn covers(&self, action: Action<'_>) -> bool {
        let (name, given, taken) = match action {
            Action::Control(name) => (name, &self.actions, &self.not_actions),
            Action::Data(name) => (name, &self.data_actions, &self.not_data_actions),
        };
        given.iter().any(|pattern| matches(pattern, name))
            && !taken.iter().any(|pattern| matches(pattern, name))
    }
}

impl RoleDefinition {
    /// Whether a permission of this role covers the action.
    pub fn allows(&self, action: Action<'_>) -> bool {
        self.permissions
            .iter()
            .any(|permission| permission.covers(action))
    }
}

impl RoleAssignment {
    /// Whether the assignment allows the action, whatever its condition says. A condition restricts
    /// data actions and the assignment of roles ("Azure role assignment condition format and
    /// syntax"). It is not evaluated, so an assignment with one allows none of these: never more
    /// than in Azure.
    fn covers(&self, action: Action<'_>) -> bool {
        let restricted = [
            "Microsoft.Authorization/roleAssignments/write",
            "Microsoft.Authorization/roleAssignments/delete",
        ];
        match action {
            _ if self.condition.is_none() => true,
            Action::Control(name) => !restricted.iter().any(|one| one.eq_ignore_ascii_case(name)),
            Action::Data(_) => false,
        }
    }
}

impl Resources {
    /// Whether `who` may perform `action` at `scope`, and which assignment decides it.
    pub fn decide<'a>(
        &'a self,
        who: &Principals,
        action: Action<'_>,
        scope: &Scope,
    ) -> Decision<'a> {
        let above = self.ancestry(scope);
        let granted = self
            .assignments_of(who)
            .filter(|assignment| above.contains(&assignment.scope) && assignment.covers(action))
            .find(|assignment| {
                self.role(assignment.role)
                    .is_some_and(|role| role.allows(action))
            });
        let Some(granted) = granted else {
            return Decision::NotAllowed;
        };
        let denied = self
            .deny_assignments()
            .filter(|deny| deny.applies_at(scope, &above) && deny.applies_to(who))
            .find(|deny| {
                deny.permissions
                    .iter()
                    .any(|permission| permission.covers(action))
            });
        denied.map_or(Decision::Allowed(granted), Decision::Denied)
    }

    /// The permissions of all roles of `who` at `scope`, without duplicates, for the permissions
    /// API. As in Azure, deny assignments are not subtracted.
    pub fn permissions_at<'a>(&'a self, who: &Principals, scope: &Scope) -> Vec<&'a Permission> {
        let above = self.ancestry(scope);
        let mut roles: Vec<Uuid> = self
            .assignments_of(who)
            .filter(|assignment| above.contains(&assignment.scope))
            .map(|assignment| assignment.role)
            .collect();
        roles.sort_unstable();
        roles.dedup();
        roles
            .into_iter()
            .filter_map(|role| self.role(role))
            .flat_map(|role| &role.permissions)
            .collect()
    }

    /// Whether `who` has a role at `scope`, above it or below it. Azure shows a subscription to a
    /// caller with a role anywhere in it.
    pub fn is_visible(&self, who: &Principals, scope: &Scope) -> bool {
        let above = self.ancestry(scope);
        self.assignments_of(who).any(|assignment| {
            above.contains(&assignment.scope) || scope.contains(&assignment.scope)
        })
    }

    fn assignments_of<'a>(&'a self, who: &Principals) -> impl Iterator<Item = &'a RoleAssignment> {
        self.role_assignments()
            .filter(|assignment| who.are(assignment.principal))
    }
}

impl DenyAssignment {
    /// Whether this applies at `scope`, whose parents are `above`.
    fn applies_at(&self, scope: &Scope, above: &[Scope]) -> bool {
        if self.do_not_apply_to_child_scopes {
            self.scope == *scope
        } else {
            above.contains(&self.scope)
        }
    }

    /// Whether this applies to `who`.
    fn applies_to(&self, who: &Principals) -> bool {
        let meant = |id: &Uuid| *id == EVERYONE || who.are(*id);
        self.principals.iter().any(meant) && !self.exclude_principals.iter().any(meant)
    }
}

/// Whether an action's name matches a pattern of a role definition. Case is ignored. `*` matches
/// any characters, `/` included, and `/*/` also matches a single `/`: `workspaces/*/read` grants
/// `workspaces/read`. Otherwise the built-in role AzureML Data Scientist could not read its own
/// workspace.
pub fn matches(pattern: &str, action: &str) -> bool {
    let pattern = pattern.as_bytes();
    let action = action.as_bytes();
    // The positions in the pattern that the characters read so far can reach. The time is linear in
    // both lengths, so no pattern with many stars is slow.
    let mut here = vec![false; pattern.len() + 1];
    reach(pattern, 0, &mut here);
    for byte in action {
        let mut next = vec![false; pattern.len() + 1];
        for at in (0..pattern.len()).filter(|at| here[*at]) {
            if pattern[at] == b'*' {
                reach(pattern, at, &mut next);
            } else if pattern[at].eq_ignore_ascii_case(byte) {
                reach(pattern, at + 1, &mut next);
                // The first slash of "/*/" may also be the second.
                let mut behind = at + 1;
                while pattern[at] == b'/' && pattern[behind..].starts_with(b"*/") {
                    behind += 2;
                    reach(pattern, behind, &mut next);
                }
            }
        }
        here = next;
    }
    here[pattern.len()]
}

/// Adds a position in the pattern, and those after its stars, as a `*` may match no character.
fn reach(pattern: &[u8], mut at: usize, set: &mut [bool]) {
    set[at] = true;
    while at < pattern.len() && pattern[at] == b'*' {
        at += 1;
        set[at] = true;
    }
}
