//! The workflow of a new identity, whose jobs it trusts: `azcred sp create --for github`.

use super::{
    file::{Written, agrees, write},
    github::FILE,
    template::{GitHubWorkflow, Work},
};
use crate::failure::{Failure, Kind};
use azcred_azure::GitHubRun;
use std::path::Path;

/// A workflow that is written once the identity exists.
pub(in crate::commands) struct IdentityWorkflow {
    branch: String,
    environment: Option<String>,
}

impl IdentityWorkflow {
    /// The workflow for these jobs.
    ///
    /// # Errors
    /// If azcred writes no workflow that they start.
    pub(in crate::commands) fn new(run: GitHubRun) -> Result<Self, Failure> {
        match run {
            GitHubRun::Branch(branch) => Ok(Self {
                branch,
                environment: None,
            }),
            GitHubRun::Environment(name) => Ok(Self {
                branch: "main".to_owned(),
                environment: Some(name),
            }),
            _ => Err(Failure::new(
                Kind::Usage,
                "could not write a workflow for these jobs",
                "azcred writes workflows for a branch or an environment",
            )
            .fix("leave `--for github` out, and write the workflow yourself")),
        }
    }

    /// Checks that the file can be written. The ids are known if the identity exists.
    pub(in crate::commands) fn check(
        &self,
        folder: &Path,
        ids: Option<(String, String)>,
    ) -> Result<(), Failure> {
        let text = ids.map(|ids| self.text(folder, ids));
        match agrees(&folder.join(FILE), text.as_deref()) {
            true => Ok(()),
            false => Err(Failure::new(
                Kind::Invalid,
                format!("could not write the workflow {FILE}"),
                "there is another file of this name",
            )
            .fix("leave `--for github` out, and set AZURE_CLIENT_ID and AZURE_TENANT_ID in your workflow; or move the file away")),
        }
    }

    /// Writes the file. Returns its name.
    pub(in crate::commands) fn write(
        &self,
        folder: &Path,
        ids: (String, String),
    ) -> Result<(&'static str, bool), Failure> {
        let text = self.text(folder, ids);
        let written = write(folder, Path::new(FILE), &text, false)?;
        Ok((FILE, written == Written::New))
    }

    fn text(&self, folder: &Path, ids: (String, String)) -> String {
        GitHubWorkflow {
            work: &Work::new(&[], folder),
            branch: &self.branch,
            environment: self.environment.as_deref(),
            ids: Some(ids),
        }
        .text()
    }
}
