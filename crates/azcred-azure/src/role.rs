//! Azure's built-in roles around machine learning: the least powerful role for an action, and how
//! to assign it.
//!
//! Ids and actions from Microsoft's page 'Azure built-in roles' (general, privileged, AI + machine
//! learning, storage, containers).

use crate::permissions::granted;
use azcred::{Fix, GrantRole, Principal, PrincipalKind};

/// A built-in role. Its id is the same in every tenant.
#[derive(Debug, PartialEq, Eq)]
pub struct BuiltInRole {
    /// The name, as `az role assignment create --role` takes it.
    pub name: &'static str,
    /// The id of the role definition.
    pub id: &'static str,
    actions: &'static [&'static str],
    not_actions: &'static [&'static str],
    data_actions: &'static [&'static str],
}

impl BuiltInRole {
    /// Whether the role allows `action` on the control plane.
    pub fn gives(&self, action: &str) -> bool {
        granted(self.actions, self.not_actions, action)
    }

    /// Whether the role allows `action` on data.
    pub fn gives_data(&self, action: &str) -> bool {
        granted(self.data_actions, &[], action)
    }

    /// The role with this name.
    pub fn named(name: &str) -> Option<&'static Self> {
        ROLES.iter().find(|role| role.name == name)
    }

    /// The least powerful role that allows all of `actions`, on the control plane or as data
    /// actions.
    pub fn least(actions: &[&str]) -> Option<&'static Self> {
        ROLES.iter().find(|role| {
            actions.iter().all(|action| role.gives(action))
                || actions.iter().all(|action| role.gives_data(action))
        })
    }
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

const fn role(
    name: &'static str,
    id: &'static str,
    actions: &'static [&'static str],
    not_actions: &'static [&'static str],
    data_actions: &'static [&'static str],
) -> BuiltInRole {
    BuiltInRole {
        name,
        id,
        actions,
        not_actions,
        data_actions,
    }
}

/// From the least powerful to the most.
const ROLES: &[BuiltInRole] = &[
    role(
        "AcrPull",
        "7f951dda-4ed3-4680-a7ca-43fe172d538d",
        &["Microsoft.ContainerRegistry/registries/pull/read"],
        &[],
        &[],
    ),
    role(
        "Storage Blob Data Reader",
        "2a2b9908-6ea1-4ae2-8e65-a410df84e7d1",
        &[
            "Microsoft.Storage/storageAccounts/blobServices/containers/read",
            "Microsoft.Storage/storageAccounts/blobServices/generateUserDelegationKey/action",
        ],
        &[],
        &["Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read"],
    ),
    role(
        "AzureML Metrics Writer (preview)",
        "635dd51f-9968-44d3-b7fb-6d9a6bd613ae",
        &["Microsoft.MachineLearningServices/workspaces/metrics/*/write"],
        &[],
        &[],
    ),
    role(
        "Reader",
        "acdd72a7-3385-48ef-bd42-f606fba81ae7",
        &["*/read"],
        &[],
        &[],
    ),
    role(
        "AzureML Registry User",
        "1823dd4f-9b8c-4ab6-ab4e-7397a3684615",
        &[
            "Microsoft.MachineLearningServices/registries/read",
            "Microsoft.MachineLearningServices/registries/assets/*",
        ],
        &[],
        &[],
    ),
    role(
        "AzureML Compute Operator",
        "e503ece1-11d0-4e8e-8e2c-7a6c3bf38815",
        &[
            "Microsoft.MachineLearningServices/workspaces/computes/*",
            "Microsoft.MachineLearningServices/workspaces/notebooks/vm/*",
        ],
        &[],
        &[],
    ),
    role(
        "Storage Blob Data Contributor",
        "ba92f5b4-2d11-453d-a403-e96b0029c9fe",
        &[
            "Microsoft.Storage/storageAccounts/blobServices/containers/delete",
            "Microsoft.Storage/storageAccounts/blobServices/containers/read",
            "Microsoft.Storage/storageAccounts/blobServices/containers/write",
            "Microsoft.Storage/storageAccounts/blobServices/generateUserDelegationKey/action",
        ],
        &[],
        &[
            "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/delete",
            "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read",
            "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/write",
            "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/move/action",
            "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/add/action",
        ],
    ),
    role(
        "AzureML Data Scientist",
        "f6c7c914-8db3-469d-8ca1-694a8f32e121",
        &[
            "Microsoft.MachineLearningServices/workspaces/*/read",
            "Microsoft.MachineLearningServices/workspaces/*/action",
            "Microsoft.MachineLearningServices/workspaces/*/delete",
            "Microsoft.MachineLearningServices/workspaces/*/write",
        ],
        &[
            "Microsoft.MachineLearningServices/workspaces/delete",
            "Microsoft.MachineLearningServices/workspaces/write",
            "Microsoft.MachineLearningServices/workspaces/computes/*/write",
            "Microsoft.MachineLearningServices/workspaces/computes/*/delete",
            "Microsoft.MachineLearningServices/workspaces/computes/listKeys/action",
            "Microsoft.MachineLearningServices/workspaces/listKeys/action",
            "Microsoft.MachineLearningServices/workspaces/hubs/write",
            "Microsoft.MachineLearningServices/workspaces/hubs/delete",
            "Microsoft.MachineLearningServices/workspaces/featurestores/write",
            "Microsoft.MachineLearningServices/workspaces/featurestores/delete",
        ],
        &[],
    ),
    role(
        "Storage Blob Data Owner",
        "b7e6dc6d-f1e8-4753-8033-0f276bb0955b",
        &[
            "Microsoft.Storage/storageAccounts/blobServices/containers/*",
            "Microsoft.Storage/storageAccounts/blobServices/generateUserDelegationKey/action",
        ],
        &[],
        &["Microsoft.Storage/storageAccounts/blobServices/containers/blobs/*"],
    ),
    role(
        "Role Based Access Control Administrator",
        "f58310d9-a9f6-439a-9e8d-f62e7b41a168",
        &[
            "Microsoft.Authorization/roleAssignments/write",
            "Microsoft.Authorization/roleAssignments/delete",
            "*/read",
            "Microsoft.Support/*",
        ],
        &[],
        &[],
    ),
    role(
        "User Access Administrator",
        "18d7d88d-d35e-4fb5-a5c3-7773c20a72d9",
        &["*/read", "Microsoft.Authorization/*", "Microsoft.Support/*"],
        &[],
        &[],
    ),
    role(
        "Contributor",
        "b24988ac-6180-42a0-ab88-20f7382dd24c",
        &["*"],
        &[
            "Microsoft.Authorization/*/Delete",
            "Microsoft.Authorization/*/Write",
            "Microsoft.Authorization/elevateAccess/Action",
            "Microsoft.Blueprint/blueprintAssignments/write",
            "Microsoft.Blueprint/blueprintAssignments/delete",
            "Microsoft.Compute/galleries/share/action",
            "Microsoft.Purview/consents/write",
            "Microsoft.Purview/consents/delete",
            "Microsoft.Resources/deploymentStacks/manageDenySetting/action",
            "Microsoft.Subscription/cancel/action",
            "Microsoft.Subscription/enable/action",
        ],
        &[],
    ),
    role(
        "Owner",
        "8e3af657-a8ff-443c-a75c-2fe8c4bcb635",
        &["*"],
        &[],
        &[],
    ),
];

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
            least("Microsoft.Authorization/locks/delete"),
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
        for (n, role) in ROLES.iter().enumerate() {
            assert!(is_guid(role.id), "{}", role.name);
            assert!(
                ROLES[..n]
                    .iter()
                    .all(|other| other.id != role.id && other.name != role.name)
            );
        }
    }
}
