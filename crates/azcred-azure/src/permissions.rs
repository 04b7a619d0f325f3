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
    let mut pieces = pattern.split(|&c| c == b'*');
    let first = pieces.next().unwrap_or_default();
    if !begins_with(action, first) {
        return false;
    }
    // The end of the part of the action that is matched so far. The earliest end leaves the most to
    // the rest of the pattern, so there is no need to go back.
    let mut end = first.len();
    let mut before = first;
    let mut pieces = pieces.peekable();
    let Some(_) = pieces.peek() else {
        return end == action.len();
    };
    while let Some(piece) = pieces.next() {
        // Of `/*/`, one slash may be both.
        let is_shared = before.last() == Some(&b'/') && piece.first() == Some(&b'/');
        let from = end - usize::from(is_shared);
        before = piece;
        let Some(at) = (match pieces.peek() {
            Some(_) => find(action, piece, from),
            None => action
                .len()
                .checked_sub(piece.len())
                .filter(|&at| at >= from && begins_with(&action[at..], piece)),
        }) else {
            return false;
        };
        end = at + piece.len();
    }
    true
}

fn begins_with(text: &[u8], beginning: &[u8]) -> bool {
    text.get(..beginning.len())
        .is_some_and(|text| text.eq_ignore_ascii_case(beginning))
}

/// The first place of `piece` in `text` that is not before `from`.
fn find(text: &[u8], piece: &[u8], from: usize) -> Option<usize> {
    let last = text.len().checked_sub(piece.len())?;
    (from..=last).find(|&at| begins_with(&text[at..], piece))
}

#[cfg(test)]
#[path = "permissions_tests.rs"]
mod tests;
