//! Computes what a principal may do at a scope from the permissions that Resource Manager lists.
//!
//! The rules are from Microsoft's pages 'Understand Azure role definitions' and 'Permissions - List
//! For Resource'. An entry grants an action that its actions match and its notActions don't.
//! Entries add up. Data actions have their own lists. Deny assignments are not in the list; only
//! Azure's rejection of a request shows them.

use serde::{Deserialize, Serialize};

/// The permissions of one role at a scope.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Permission {
    /// Actions that are granted on the control plane; `*` matches any text.
    pub actions: Vec<String>,
    /// Actions that this entry's `actions` don't grant. Another entry may grant them.
    pub not_actions: Vec<String>,
    /// Actions that are granted on the data inside resources.
    pub data_actions: Vec<String>,
    /// Actions that this entry's `data_actions` don't grant.
    pub not_data_actions: Vec<String>,
}

/// All permissions of a principal at one scope.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Permissions(pub Vec<Permission>);

impl Permissions {
    /// Whether `action` (such as `Microsoft.MachineLearningServices/workspaces/jobs/write`) is
    /// granted on the control plane.
    pub fn allow(&self, action: &str) -> bool {
        self.0
            .iter()
            .any(|entry| granted(&entry.actions, &entry.not_actions, action))
    }

    /// Whether `action` (such as
    /// `Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read`) is granted on data.
    pub fn allow_data(&self, action: &str) -> bool {
        self.0
            .iter()
            .any(|entry| granted(&entry.data_actions, &entry.not_data_actions, action))
    }

    /// Whether nothing is granted: the principal has no role at this scope or above.
    pub fn is_empty(&self) -> bool {
        self.0
            .iter()
            .all(|entry| entry.actions.is_empty() && entry.data_actions.is_empty())
    }
}

/// Whether one entry's lists grant `action`.
pub(crate) fn granted<S: AsRef<str>>(actions: &[S], not_actions: &[S], action: &str) -> bool {
    let any = |list: &[S]| list.iter().any(|pattern| matches(pattern.as_ref(), action));
    any(actions) && !any(not_actions)
}

/// Longer patterns match nothing. Azure's have some hundred characters, and the work grows with the
/// length.
const LONGEST_PATTERN: usize = 1024;

/// Whether `pattern` matches `action`. Case is ignored. `*` matches any text, slashes included, and
/// `/*/` also matches a single slash: `workspaces/*/read` matches `workspaces/read`.
pub(crate) fn matches(pattern: &str, action: &str) -> bool {
    if pattern.len() > LONGEST_PATTERN {
        return false;
    }
    let (pattern, action) = (pattern.as_bytes(), action.as_bytes());
    let literal = pattern
        .iter()
        .position(|&c| c == b'*')
        .unwrap_or(pattern.len());
    // Most patterns are of another provider; their beginning differs.
    if action.len() < literal || !pattern[..literal].eq_ignore_ascii_case(&action[..literal]) {
        return false;
    }
    // rows[i][j]: the rest of the pattern from i matches the rest of the action from j.
    let width = action.len() + 1;
    let mut rows = vec![false; (pattern.len() + 1) * width];
    rows[pattern.len() * width + action.len()] = true;
    for i in (0..pattern.len()).rev() {
        for j in (0..width).rev() {
            let after = |i: usize, j: usize| j < width && rows[i * width + j];
            rows[i * width + j] = if pattern[i] == b'*' {
                after(i + 1, j) || after(i, j + 1)
            } else {
                let same = j < action.len() && pattern[i].eq_ignore_ascii_case(&action[j]);
                let nothing_between = pattern[i..].starts_with(b"/*/");
                // The second slash matches for both, and may also begin another `/*/`.
                same && after(i + 1, j + 1) || nothing_between && after(i + 2, j)
            };
        }
    }
    rows[0]
}

#[cfg(test)]
#[path = "permissions_tests.rs"]
mod tests;
