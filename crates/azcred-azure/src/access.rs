//! What people do in a workspace and with what belongs to it, and the actions that each needs.
//!
//! The actions are those of azure-ai-ml's requests (PUT to `…/workspaces/W/jobs/J` needs
//! `…/workspaces/jobs/write`), and those that Microsoft's page 'Manage access to Azure Machine
//! Learning workspaces' lists under 'Common scenarios'. Those on data are in 'Authorize access to
//! blobs using Microsoft Entra ID', 'Azure Container Registry roles' and 'Azure RBAC for Key
//! Vault'.

use crate::{operations::is_data_only, permissions::Permissions, role::BuiltInRole};
use serde::Serialize;

/// Something that an identity can do in a workspace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum Capability {
    /// Submit jobs: code, environment, job.
    SubmitJobs,
    /// Read data assets.
    ReadData,
    /// Register data assets.
    WriteData,
    /// Upload files to the workspace's storage account, and read them there.
    UploadFiles,
    /// Pull images from the workspace's container registry.
    PullImages,
    /// Read secrets in the workspace's key vault.
    ReadSecrets,
    /// Create, start, stop and delete computes.
    ManageComputes,
}

/// The resource in which a capability is exercised.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Realm {
    /// The workspace.
    Workspace,
    /// Its storage account.
    Storage,
    /// Its container registry.
    Registry,
    /// Its key vault.
    Vault,
}

/// Whether an identity may do something, and which actions are missing.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Access {
    /// The capability that was checked.
    pub capability: Capability,
    /// The actions that none of the identity's roles allow; empty if it has all of them.
    pub missing: Vec<&'static str>,
}

impl Access {
    /// Whether nothing is missing.
    pub fn is_allowed(&self) -> bool {
        self.missing.is_empty()
    }
}

macro_rules! in_workspace {
    ($($action:literal),* $(,)?) => {
        &[$(concat!("Microsoft.MachineLearningServices/workspaces/", $action)),*]
    };
}

impl Capability {
    /// Every capability, in the order in which they are reported.
    pub const ALL: [Self; 7] = [
        Self::SubmitJobs,
        Self::ReadData,
        Self::WriteData,
        Self::UploadFiles,
        Self::PullImages,
        Self::ReadSecrets,
        Self::ManageComputes,
    ];

    /// Those that running jobs needs.
    pub const OF_JOBS: [Self; 4] = [
        Self::SubmitJobs,
        Self::ReadData,
        Self::WriteData,
        Self::UploadFiles,
    ];

    /// The name: `submit jobs`.
    pub fn title(self) -> &'static str {
        match self {
            Self::SubmitJobs => "submit jobs",
            Self::ReadData => "read data assets",
            Self::WriteData => "write data assets",
            Self::UploadFiles => "upload files",
            Self::PullImages => "pull images",
            Self::ReadSecrets => "read secrets",
            Self::ManageComputes => "manage computes",
        }
    }

    /// The resource in which the capability is exercised.
    pub fn realm(self) -> Realm {
        match self {
            Self::SubmitJobs | Self::ReadData | Self::WriteData | Self::ManageComputes => {
                Realm::Workspace
            }
            Self::UploadFiles => Realm::Storage,
            Self::PullImages => Realm::Registry,
            Self::ReadSecrets => Realm::Vault,
        }
    }

    /// All actions that the capability needs, on the control plane or on data.
    pub fn actions(self) -> &'static [&'static str] {
        match self {
            Self::SubmitJobs => in_workspace![
                "read",
                "datastores/read",
                "computes/read",
                "codes/versions/read",
                "codes/versions/write",
                "environments/read",
                "environments/versions/read",
                "environments/versions/write",
                "environments/build/action",
                "environments/readSecrets/action",
                "metadata/artifacts/write",
                "jobs/read",
                "jobs/write",
                "jobs/cancel/action",
            ],
            Self::ReadData => in_workspace![
                "read",
                "datastores/read",
                "data/read",
                "data/versions/read",
                "datasets/registered/read"
            ],
            Self::WriteData => in_workspace![
                "read",
                "datastores/read",
                "data/read",
                "data/write",
                "data/versions/read",
                "data/versions/write",
                "datasets/registered/write",
            ],
            Self::UploadFiles => &[
                "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read",
                "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/write",
                "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/add/action",
            ],
            Self::PullImages => &["Microsoft.ContainerRegistry/registries/pull/read"],
            Self::ReadSecrets => &["Microsoft.KeyVault/vaults/secrets/getSecret/action"],
            Self::ManageComputes => in_workspace![
                "computes/read",
                "computes/write",
                "computes/delete",
                "computes/start/action",
                "computes/stop/action",
                "computes/restart/action",
            ],
        }
    }

    /// The least powerful built-in role that allows the capability.
    pub fn least_role(self) -> Option<&'static BuiltInRole> {
        BuiltInRole::least(self.actions())
    }

    /// Compares the needed actions with these permissions at the capability's resource.
    pub fn judge(self, permissions: &Permissions) -> Access {
        let missing = self
            .actions()
            .iter()
            .copied()
            .filter(|action| match is_data_only(action) {
                true => !permissions.allow_data(action),
                false => !permissions.allow(action),
            })
            .collect();
        Access {
            capability: self,
            missing,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_role_of_each_capability_is_the_one_that_microsoft_made_for_it() {
        let roles = Capability::ALL.map(|capability| capability.least_role().unwrap().name);
        assert_eq!(
            roles,
            [
                "AzureML Data Scientist",
                "Reader",
                "AzureML Data Scientist",
                "Storage Blob Data Contributor",
                "AcrPull",
                "Key Vault Secrets User",
                "AzureML Compute Operator"
            ]
        );
    }

    #[test]
    fn without_roles_every_action_is_missing_and_an_owner_has_all_but_those_on_data() {
        let owner = serde_json::from_str(r#"[{"actions": ["*"]}]"#).unwrap();
        for capability in Capability::ALL {
            assert_eq!(
                capability.judge(&Permissions::default()).missing,
                capability.actions()
            );
            // An owner has no data actions.
            let is_on_data = matches!(
                capability,
                Capability::UploadFiles | Capability::ReadSecrets
            );
            assert_eq!(capability.judge(&owner).is_allowed(), !is_on_data);
        }
    }
}
