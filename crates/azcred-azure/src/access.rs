//! What people do in a workspace, and the actions that each needs.
//!
//! The actions are those of azure-ai-ml's requests (PUT to `…/workspaces/W/jobs/J` needs
//! `…/workspaces/jobs/write`), and those that Microsoft's page 'Manage access to Azure Machine
//! Learning workspaces' lists under 'Common scenarios'.

use crate::{permissions::Permissions, role::BuiltInRole};
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
    /// Create, start, stop and delete computes.
    ManageComputes,
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
    pub const ALL: [Self; 4] = [
        Self::SubmitJobs,
        Self::ReadData,
        Self::WriteData,
        Self::ManageComputes,
    ];

    /// The name: `submit jobs`.
    pub fn title(self) -> &'static str {
        match self {
            Self::SubmitJobs => "submit jobs",
            Self::ReadData => "read data assets",
            Self::WriteData => "write data assets",
            Self::ManageComputes => "manage computes",
        }
    }

    /// All actions that the capability needs.
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

    /// Compares the needed actions with these permissions.
    pub fn judge(self, permissions: &Permissions) -> Access {
        let missing = self
            .actions()
            .iter()
            .copied()
            .filter(|action| !permissions.allow(action))
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
                "AzureML Compute Operator"
            ]
        );
    }

    #[test]
    fn without_roles_every_action_is_missing_and_an_owner_has_all() {
        let owner = serde_json::from_str(r#"[{"actions": ["*"]}]"#).unwrap();
        for capability in Capability::ALL {
            assert_eq!(
                capability.judge(&Permissions::default()).missing,
                capability.actions()
            );
            assert!(capability.judge(&owner).is_allowed());
        }
    }
}
