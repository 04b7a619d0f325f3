//! What people want to do in a workspace, and the actions that it takes.
//!
//! The actions are those of the requests that azure-ai-ml makes for it (a path
//! `…/workspaces/W/jobs/J` and PUT make `…/workspaces/jobs/write`), with those that Microsoft's
//! page 'Manage access to Azure Machine Learning workspaces', section 'Common scenarios', names
//! besides.

use crate::{permissions::Permissions, role::BuiltInRole};
use serde::Serialize;

/// Something to be done in a workspace.
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

/// Whether an identity may do something, and what it lacks.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Access {
    /// What is to be done.
    pub capability: Capability,
    /// The actions that no role of the identity gives; empty where it may.
    pub missing: Vec<&'static str>,
}

impl Access {
    /// Whether the identity may.
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
    /// Every capability, in the order in which they are told.
    pub const ALL: [Self; 4] = [
        Self::SubmitJobs,
        Self::ReadData,
        Self::WriteData,
        Self::ManageComputes,
    ];

    /// In words: `submit jobs`.
    pub fn title(self) -> &'static str {
        match self {
            Self::SubmitJobs => "submit jobs",
            Self::ReadData => "read data assets",
            Self::WriteData => "write data assets",
            Self::ManageComputes => "manage computes",
        }
    }

    /// The actions that it takes, all of them.
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

    /// The least built-in role that gives it.
    pub fn least_role(self) -> Option<&'static BuiltInRole> {
        BuiltInRole::least(self.actions())
    }

    /// What of it these permissions allow.
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
    fn nobody_lacks_everything_and_an_owner_nothing() {
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
