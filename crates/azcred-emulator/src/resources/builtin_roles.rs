//! The built-in roles that are common around Azure Machine Learning, with Microsoft's ids and
//! permissions.
//!
//! Source: "Azure built-in roles" on Microsoft Learn (privileged, general, AI + machine learning,
//! storage, containers). The ids are the same in every tenant. The descriptions are our own.

use super::{
    role::{Permission, RoleDefinition},
    scope::Scope,
};
use std::sync::LazyLock;
use uuid::{Uuid, uuid};

/// A row of the table below.
struct BuiltIn {
    id: Uuid,
    name: &'static str,
    description: &'static str,
    actions: &'static [&'static str],
    not_actions: &'static [&'static str],
    data_actions: &'static [&'static str],
}

/// All built-in roles, in the order of the table.
pub(super) fn all() -> &'static [RoleDefinition] {
    static ROLES: LazyLock<Vec<RoleDefinition>> =
        LazyLock::new(|| TABLE.iter().map(BuiltIn::definition).collect());
    &ROLES
}

impl BuiltIn {
    fn definition(&self) -> RoleDefinition {
        let owned = |list: &[&str]| list.iter().map(|&action| action.to_owned()).collect();
        RoleDefinition {
            id: self.id,
            name: self.name.to_owned(),
            description: self.description.to_owned(),
            custom: false,
            assignable_scopes: vec![Scope::root()],
            permissions: vec![Permission {
                actions: owned(self.actions),
                not_actions: owned(self.not_actions),
                data_actions: owned(self.data_actions),
                not_data_actions: Vec::new(),
            }],
            created: None,
            updated: None,
        }
    }
}

const TABLE: &[BuiltIn] = &[
    BuiltIn {
        id: uuid!("8e3af657-a8ff-443c-a75c-2fe8c4bcb635"),
        name: "Owner",
        description: "Manages every resource and who has access to it.",
        actions: &["*"],
        not_actions: &[],
        data_actions: &[],
    },
    BuiltIn {
        id: uuid!("b24988ac-6180-42a0-ab88-20f7382dd24c"),
        name: "Contributor",
        description: "Manages every resource, but not who has access to it.",
        actions: &["*"],
        not_actions: &[
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
        data_actions: &[],
    },
    BuiltIn {
        id: uuid!("acdd72a7-3385-48ef-bd42-f606fba81ae7"),
        name: "Reader",
        description: "Sees every resource and changes none.",
        actions: &["*/read"],
        not_actions: &[],
        data_actions: &[],
    },
    BuiltIn {
        id: uuid!("18d7d88d-d35e-4fb5-a5c3-7773c20a72d9"),
        name: "User Access Administrator",
        description: "Manages who has access to resources.",
        actions: &["*/read", "Microsoft.Authorization/*", "Microsoft.Support/*"],
        not_actions: &[],
        data_actions: &[],
    },
    BuiltIn {
        id: uuid!("f58310d9-a9f6-439a-9e8d-f62e7b41a168"),
        name: "Role Based Access Control Administrator",
        description: "Assigns roles, and manages access in no other way.",
        actions: &[
            "Microsoft.Authorization/roleAssignments/write",
            "Microsoft.Authorization/roleAssignments/delete",
            "*/read",
            "Microsoft.Support/*",
        ],
        not_actions: &[],
        data_actions: &[],
    },
    BuiltIn {
        id: uuid!("f6c7c914-8db3-469d-8ca1-694a8f32e121"),
        name: "AzureML Data Scientist",
        description: "Works inside a workspace: everything but its computes' life and the workspace itself.",
        actions: &[
            "Microsoft.MachineLearningServices/workspaces/*/read",
            "Microsoft.MachineLearningServices/workspaces/*/action",
            "Microsoft.MachineLearningServices/workspaces/*/delete",
            "Microsoft.MachineLearningServices/workspaces/*/write",
        ],
        not_actions: &[
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
        data_actions: &[],
    },
    BuiltIn {
        id: uuid!("e503ece1-11d0-4e8e-8e2c-7a6c3bf38815"),
        name: "AzureML Compute Operator",
        description: "Creates, uses and deletes a workspace's managed computes.",
        actions: &[
            "Microsoft.MachineLearningServices/workspaces/computes/*",
            "Microsoft.MachineLearningServices/workspaces/notebooks/vm/*",
        ],
        not_actions: &[],
        data_actions: &[],
    },
    BuiltIn {
        id: uuid!("1823dd4f-9b8c-4ab6-ab4e-7397a3684615"),
        name: "AzureML Registry User",
        description: "Reads a registry and works with everything stored in it.",
        actions: &[
            "Microsoft.MachineLearningServices/registries/read",
            "Microsoft.MachineLearningServices/registries/assets/*",
        ],
        not_actions: &[],
        data_actions: &[],
    },
    BuiltIn {
        id: uuid!("635dd51f-9968-44d3-b7fb-6d9a6bd613ae"),
        name: "AzureML Metrics Writer (preview)",
        description: "Writes a workspace's metrics.",
        actions: &["Microsoft.MachineLearningServices/workspaces/metrics/*/write"],
        not_actions: &[],
        data_actions: &[],
    },
    BuiltIn {
        id: uuid!("b7e6dc6d-f1e8-4753-8033-0f276bb0955b"),
        name: "Storage Blob Data Owner",
        description: "Has blobs and containers whole, POSIX access control lists included.",
        actions: &[
            "Microsoft.Storage/storageAccounts/blobServices/containers/*",
            "Microsoft.Storage/storageAccounts/blobServices/generateUserDelegationKey/action",
        ],
        not_actions: &[],
        data_actions: &["Microsoft.Storage/storageAccounts/blobServices/containers/blobs/*"],
    },
    BuiltIn {
        id: uuid!("ba92f5b4-2d11-453d-a403-e96b0029c9fe"),
        name: "Storage Blob Data Contributor",
        description: "Reads, writes and deletes blobs and containers.",
        actions: &[
            "Microsoft.Storage/storageAccounts/blobServices/containers/delete",
            "Microsoft.Storage/storageAccounts/blobServices/containers/read",
            "Microsoft.Storage/storageAccounts/blobServices/containers/write",
            "Microsoft.Storage/storageAccounts/blobServices/generateUserDelegationKey/action",
        ],
        not_actions: &[],
        data_actions: &[
            "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/delete",
            "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read",
            "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/write",
            "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/move/action",
            "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/add/action",
        ],
    },
    BuiltIn {
        id: uuid!("2a2b9908-6ea1-4ae2-8e65-a410df84e7d1"),
        name: "Storage Blob Data Reader",
        description: "Reads and lists blobs and containers.",
        actions: &[
            "Microsoft.Storage/storageAccounts/blobServices/containers/read",
            "Microsoft.Storage/storageAccounts/blobServices/generateUserDelegationKey/action",
        ],
        not_actions: &[],
        data_actions: &["Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read"],
    },
    BuiltIn {
        id: uuid!("7f951dda-4ed3-4680-a7ca-43fe172d538d"),
        name: "AcrPull",
        description: "Pulls images from a container registry.",
        actions: &["Microsoft.ContainerRegistry/registries/pull/read"],
        not_actions: &[],
        data_actions: &[],
    },
];
