//! Decides whether a principal may do something: Azure's RBAC rules as a pure function over
//! [`Resources`].
//!
//! The rules, from "How Azure RBAC determines if a user has access to a resource" (Microsoft
//! Learn):
//! 1. A deny assignment that covers the action at the scope refuses, whatever roles allow.
//! 2. Otherwise some role assignment at the scope or above must allow the action: one of its
//!    permissions' `actions` matches and none of the `notActions` of that same permission does.
//! 3. `notActions` subtract within their own role only; another role may still allow.
//! 4. Data actions are judged by `dataActions`/`notDataActions` alone: an Owner reads no blob.
//! 5. What a group is given, its members have, through any nesting.

use super::{
    Resources,
    role::{DenyAssignment, EVERYONE, Permission, RoleAssignment, RoleDefinition},
    scope::Scope,
};
use std::collections::BTreeSet;
use uuid::Uuid;

/// Something a principal wants to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action<'a> {
    /// A control-plane operation, such as `Microsoft.MachineLearningServices/workspaces/read`.
    Control(&'a str),
    /// A data-plane operation, such as reading a blob.
    Data(&'a str),
}

/// A principal with every group it belongs to, directly or through other groups.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principals {
    /// The principal's own object id.
    pub principal: Uuid,
    /// The object ids of its groups, nesting resolved.
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

    /// Whether this is that principal or belongs to that group.
    pub fn are(&self, id: Uuid) -> bool {
        self.principal == id || self.groups.contains(&id)
    }
}

/// What came of the question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision<'a> {
    /// This assignment allows it and nothing forbids it.
    Allowed(&'a RoleAssignment),
    /// No assignment allows it.
    NotAllowed,
    /// A role allows it, and this deny assignment forbids it all the same.
    Denied(&'a DenyAssignment),
}

impl Decision<'_> {
    /// Whether the principal may go ahead.
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
    /// Whether some permission of this role covers the action.
    pub fn allows(&self, action: Action<'_>) -> bool {
        self.permissions
            .iter()
            .any(|permission| permission.covers(action))
    }
}

impl Resources {
    /// Whether `who` may do `action` at `scope`, and by what.
    pub fn decide<'a>(
        &'a self,
        who: &Principals,
        action: Action<'_>,
        scope: &Scope,
    ) -> Decision<'a> {
        let above = self.ancestry(scope);
        let granted = self
            .assignments_of(who)
            .filter(|assignment| above.contains(&assignment.scope))
            .find(|assignment| {
                self.role(assignment.role)
                    .is_some_and(|role| role.allows(action))
            });
        let Some(granted) = granted else {
            return Decision::NotAllowed;
        };
        let denied = self
            .deny_assignments()
            .filter(|deny| deny.reaches(scope, &above) && deny.strikes(who))
            .find(|deny| {
                deny.permissions
                    .iter()
                    .any(|permission| permission.covers(action))
            });
        denied.map_or(Decision::Allowed(granted), Decision::Denied)
    }

    /// The permissions of every role that holds for `who` at `scope`, once each: what the
    /// permissions API lists. Deny assignments are not taken out, as Azure does not either.
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

    /// Whether `who` holds any role at `scope`, above it or anywhere below it. Azure shows a
    /// subscription to a caller that has a role anywhere in it.
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
    /// Whether this holds at `scope`, whose ancestry is `above`.
    fn reaches(&self, scope: &Scope, above: &[Scope]) -> bool {
        if self.do_not_apply_to_child_scopes {
            self.scope == *scope
        } else {
            above.contains(&self.scope)
        }
    }

    /// Whether this is meant for `who`.
    fn strikes(&self, who: &Principals) -> bool {
        let meant = |id: &Uuid| *id == EVERYONE || who.are(*id);
        self.principals.iter().any(meant) && !self.exclude_principals.iter().any(meant)
    }
}

/// Whether an action's name matches a pattern of a role definition. Case is ignored, `*` matches
/// any characters, `/` included, and `/*/` also matches a single `/`:
/// `workspaces/*/read` grants `workspaces/read`, without which the built-in AzureML Data Scientist
/// could not read its own workspace.
pub fn matches(pattern: &str, action: &str) -> bool {
    let pattern = pattern.as_bytes();
    let action = action.as_bytes();
    // The set of places in the pattern at which the action's prefix can stand: linear in both
    // lengths, so that no pattern of stars can be made slow.
    let mut here = vec![false; pattern.len() + 1];
    reach(pattern, 0, &mut here);
    for byte in action {
        let mut next = vec![false; pattern.len() + 1];
        for at in (0..pattern.len()).filter(|at| here[*at]) {
            if pattern[at] == b'*' {
                reach(pattern, at, &mut next);
            } else if pattern[at].eq_ignore_ascii_case(byte) {
                reach(pattern, at + 1, &mut next);
                // Behind the first slash of "/*/", it may be the second one as well.
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

/// Marks a place in the pattern and, as a `*` may stand for nothing, those behind its stars.
fn reach(pattern: &[u8], mut at: usize, set: &mut [bool]) {
    set[at] = true;
    while at < pattern.len() && pattern[at] == b'*' {
        at += 1;
        set[at] = true;
    }
}
