//! What Azure Machine Learning, its SDKs and the programs on them (hi-ml, kedro) say.
//!
//! From the sources of azure-ai-ml, azureml-core, hi-ml-azure and kedro-azureml-pipeline, and from
//! recorded responses.

use super::{
    Remedy::{
        self, CheckResourceGroup, CheckSubscription, CheckWorkspaceName, ChooseWorkspace, Text,
    },
    Row, Speaker,
};
use crate::error::ErrorKind::{self, Invalid, NotFound, NotPermitted, Unauthenticated};

const fn row(
    code: &'static str,
    says: &'static [&'static str],
    kind: ErrorKind,
    means: &'static str,
    remedy: Remedy,
) -> Row {
    Row::new(Speaker::MachineLearning, code, kind, means, remedy).saying(says)
}

pub(super) const ROWS: &[Row] = &[
    row(
        "ConfigNotFound",
        &[
            "We could not find config.json in",
            "The config.json file could not be found",
            "config.json could not be found",
            "workspace configuration file config.json",
        ],
        NotFound,
        "no config.json in this folder or one above it names a workspace",
        ChooseWorkspace,
    ),
    row(
        "NoAccessToSubscription",
        &["You don't have access to"],
        NotPermitted,
        "the account's tenant has no subscription {subscription} that the account can see",
        CheckSubscription,
    ),
    row(
        "WorkspaceNotFound",
        &[
            "WorkspaceNotFound",
            "No workspace found with name",
            "Could not find workspace",
            "Workspace not found",
        ],
        NotFound,
        "there is no workspace of this name, or the identity can't see it",
        CheckWorkspaceName,
    ),
    row(
        "ResourceGroupMissing",
        &["Please provide a resource group"],
        Invalid,
        "the program does not know the workspace's resource group",
        CheckResourceGroup,
    ),
    row(
        "ComputeNotFound",
        &[
            "ComputeNotFound",
            "ComputeTargetNotFound",
            "Compute Target Not Found",
            "compute target could not be found",
        ],
        NotFound,
        "the workspace has no compute of this name",
        Text("check the name: `az ml compute list --query '[].name'`"),
    ),
    row(
        "EnvironmentNotFound",
        &[
            "EnvironmentNotFound",
            "No environment exists for name",
            "Environment not found",
        ],
        NotFound,
        "the workspace has no environment of this name and version",
        Text("check the name: `az ml environment list --query '[].name'`"),
    ),
    row(
        "IdentityOfDatastore",
        &[
            "NoIdentityOnCompute",
            "Identity is not assigned to the compute",
        ],
        NotPermitted,
        "the compute has no identity that could read the datastore",
        Text(
            "give the compute a managed identity with the role Storage Blob Data Reader on the storage account",
        ),
    ),
    row(
        "AuthenticationException",
        &[
            "Unknown error occurred during authentication",
            "Could not retrieve user token",
            "The current user is not authenticated",
            "Unable to get Azure ML authentication",
        ],
        Unauthenticated,
        "azureml-core found no sign-in that it can use",
        Remedy::SignIn,
    ),
];
