//! Azure's built-in roles around machine learning: the smallest role for an action, and how to
//! assign it.

use crate::{operations, permissions::granted};
use azcred::{Fix, GrantRole, Principal, PrincipalKind};
use std::sync::LazyLock;

/// A built-in role. Its id is the same in every tenant.
#[derive(Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct BuiltInRole {
    /// The name, as `az role assignment create --role` takes it.
    pub name: &'static str,
    /// The id of the role definition.
    pub id: &'static str,
    /// What a principal with the role does, after 'it': `reads and lists blobs and containers`.
    pub does: &'static str,
    /// Actions that are granted on the control plane.
    pub actions: Vec<&'static str>,
    /// Actions that `actions` don't grant.
    pub not_actions: Vec<&'static str>,
    /// Actions that are granted on data.
    pub data_actions: Vec<&'static str>,
    /// Actions that `data_actions` don't grant.
    pub not_data_actions: Vec<&'static str>,
}

impl BuiltInRole {
    /// All roles of the table.
    pub fn all() -> &'static [Self] {
        static ROLES: LazyLock<Vec<BuiltInRole>> =
            LazyLock::new(|| read(include_str!("builtin_roles.txt")));
        &ROLES
    }

    /// Whether the role allows `action` on the control plane.
    pub fn gives(&self, action: &str) -> bool {
        granted(&self.actions, &self.not_actions, action)
    }

    /// Whether the role allows `action` on data.
    pub fn gives_data(&self, action: &str) -> bool {
        granted(&self.data_actions, &self.not_data_actions, action)
    }

    /// The role with this name, in any case.
    pub fn named(name: &str) -> Option<&'static Self> {
        let mut roles = Self::all().iter();
        roles.find(|role| role.name.eq_ignore_ascii_case(name))
    }

    /// The smallest role that allows all of `actions`. An action is on data if that is the only
    /// operation that azcred knows by its name.
    ///
    /// A role is measured by the operations that it grants beyond `actions`: first those of the
    /// providers of `actions`, then all that are known. Of two roles with the same operations, the
    /// one with fewer patterns is smaller. If `actions` only read, a role that only reads is
    /// smaller than one that also changes something.
    pub fn least(actions: &[&str]) -> Option<&'static Self> {
        let (data, control): (Vec<&str>, Vec<&str>) = actions
            .iter()
            .partition(|action| operations::is_data_only(action));
        Self::least_of(&control, &data)
    }

    /// As [`BuiltInRole::least`], for actions of which it is known whether they are on data.
    pub fn least_of(actions: &[&str], data_actions: &[&str]) -> Option<&'static Self> {
        let all: Vec<&str> = actions.iter().chain(data_actions).copied().collect();
        let roles = Self::all().iter().filter(|role| {
            actions.iter().all(|action| role.gives(action))
                && data_actions.iter().all(|action| role.gives_data(action))
        });
        roles.min_by_key(|role| role.beyond(&all))
    }

    /// How far the role goes beyond `actions`: whether it changes something and they only read; the
    /// operations of their providers, and of all providers; the number of its patterns.
    fn beyond(&self, actions: &[&str]) -> (bool, usize, usize, usize) {
        let reads = |name: &str| name.to_ascii_lowercase().ends_with("/read");
        let is_for_reading = actions.iter().all(|action| reads(action));
        let mut changes = false;
        let mut near = 0;
        let mut all = 0;
        for operation in operations::all() {
            let is_granted = match operation.is_data {
                true => self.gives_data(&operation.name),
                false => self.gives(&operation.name),
            };
            let mut asked = actions.iter();
            if !is_granted || asked.any(|action| operation.name.eq_ignore_ascii_case(action)) {
                continue;
            }
            all += 1;
            changes |= !reads(&operation.name);
            let mut asked = actions.iter();
            near += usize::from(asked.any(|action| operation.is_of_provider_of(action)));
        }
        let patterns = self.actions.len() + self.data_actions.len();
        (is_for_reading && changes, near, all, patterns)
    }
}

fn read(text: &'static str) -> Vec<BuiltInRole> {
    let mut roles: Vec<BuiltInRole> = Vec::new();
    for line in text.lines() {
        let Some((mark, rest)) = line.split_once(' ') else {
            continue;
        };
        if mark == "role" {
            let (id, name) = rest.split_once(' ').unwrap_or((rest, ""));
            roles.push(BuiltInRole {
                name,
                id,
                does: "",
                actions: Vec::new(),
                not_actions: Vec::new(),
                data_actions: Vec::new(),
                not_data_actions: Vec::new(),
            });
        }
        let Some(role) = roles.last_mut() else {
            continue;
        };
        match mark {
            "" => role.does = rest.trim(),
            "+" => role.actions.push(rest),
            "-" => role.not_actions.push(rest),
            "d+" => role.data_actions.push(rest),
            "d-" => role.not_data_actions.push(rest),
            _ => {}
        }
    }
    roles
}

/// The fix that assigns `role` to `principal` at `scope`.
pub(crate) fn grant(
    principal: Option<&Principal>,
    role: &'static str,
    scope: impl Into<String>,
) -> Fix {
    let object_id = principal.and_then(|principal| principal.object_id.as_deref());
    let object_id = object_id.map(str::to_owned);
    let kind = principal.map_or(PrincipalKind::Unknown, |principal| principal.kind);
    GrantRole::new(role, Some(scope.into()), object_id, kind).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::is_guid;

    #[test]
    fn the_least_role_is_named_for_an_action() {
        const ML: &str = "Microsoft.MachineLearningServices/workspaces";
        let least = |action: &str| BuiltInRole::least(&[action]).map(|role| role.name);
        assert_eq!(least(&format!("{ML}/read")), Some("Reader"));
        assert_eq!(
            least(&format!("{ML}/jobs/write")),
            Some("AzureML Data Scientist")
        );
        assert_eq!(
            least(&format!("{ML}/computes/write")),
            Some("AzureML Compute Operator")
        );
        assert_eq!(least(&format!("{ML}/write")), Some("Contributor"));
        assert_eq!(
            least("Microsoft.Authorization/roleAssignments/write"),
            Some("Role Based Access Control Administrator")
        );
        assert_eq!(
            least("Microsoft.Authorization/roleDefinitions/write"),
            Some("User Access Administrator")
        );
        assert_eq!(
            least("Microsoft.Storage/storageAccounts/blobServices/containers/blobs/write"),
            Some("Storage Blob Data Contributor"),
            "blobs are data, which no control-plane role short of '*' would name"
        );
    }

    #[test]
    fn every_role_has_its_own_id() {
        let roles = BuiltInRole::all();
        for (n, role) in roles.iter().enumerate() {
            assert!(is_guid(role.id), "{}", role.name);
            assert!(
                roles[..n]
                    .iter()
                    .all(|other| other.id != role.id && other.name != role.name)
            );
        }
    }

    #[test]
    fn every_role_grants_something_and_says_what() {
        for role in BuiltInRole::all() {
            assert!(
                !role.does.is_empty() && !role.does.ends_with('.'),
                "{}",
                role.name
            );
            assert!(
                !(role.actions.is_empty() && role.data_actions.is_empty()),
                "{}",
                role.name
            );
        }
    }

    #[test]
    fn a_smaller_role_grants_fewer_operations_beyond_those_that_are_needed() {
        let least = |actions: &[&str]| BuiltInRole::least(actions).map(|role| role.name);
        const BLOBS: &str = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs";
        for (actions, name) in [
            (&[&*format!("{BLOBS}/read")][..], "Storage Blob Data Reader"),
            (
                &[&*format!("{BLOBS}/runAsSuperUser/action")],
                "Storage Blob Data Owner",
            ),
            (
                &["Microsoft.KeyVault/vaults/secrets/getSecret/action"],
                "Key Vault Secrets User",
            ),
            (
                &["Microsoft.KeyVault/vaults/secrets/setSecret/action"],
                "Key Vault Secrets Officer",
            ),
            (
                &["Microsoft.KeyVault/vaults/write"],
                "Key Vault Contributor",
            ),
            (
                &["Microsoft.ContainerRegistry/registries/push/write"],
                "AcrPush",
            ),
            (
                &["Microsoft.Storage/storageAccounts/listKeys/action"],
                "Storage Account Key Operator Service Role",
            ),
            (
                &["Microsoft.Authorization/locks/write"],
                "Locks Contributor",
            ),
            (
                &["Microsoft.ManagedIdentity/userAssignedIdentities/write"],
                "Managed Identity Contributor",
            ),
        ] {
            assert_eq!(least(actions), Some(name), "{actions:?}");
        }
        assert_eq!(
            least(&["Microsoft.Authorization/roleAssignments/read"]),
            Some("Reader"),
            "smaller roles that read assignments change something"
        );
        let chosen =
            BuiltInRole::least(&["Microsoft.Storage/storageAccounts/listKeys/action"]).unwrap();
        for other in BuiltInRole::all() {
            let asked = ["Microsoft.Storage/storageAccounts/listKeys/action"];
            assert!(
                !other.gives(asked[0]) || chosen.beyond(&asked) <= other.beyond(&asked),
                "{} is smaller",
                other.name
            );
        }
    }

    #[test]
    fn a_role_for_both_planes_allows_each_on_its_own_plane() {
        const BLOBS: &str = "Microsoft.Storage/storageAccounts/blobServices/containers";
        let (control, data) = (format!("{BLOBS}/write"), format!("{BLOBS}/blobs/write"));
        let role = BuiltInRole::least_of(&[&control], &[&data]).map(|role| role.name);
        assert_eq!(role, Some("Storage Blob Data Contributor"));
        assert_eq!(
            BuiltInRole::least_of(&[], &[&control]),
            None,
            "it is not on data"
        );
    }
}
