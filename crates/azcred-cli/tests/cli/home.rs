//! A home folder that several runs of the binary share.

use crate::{
    azure::Azure,
    run::{Run, azcred},
};
use azcred_emulator::{Persona, Way};
use std::path::Path;
use tempfile::TempDir;

/// A user's home folder, on a machine without a keyring.
pub(crate) struct Home {
    folder: TempDir,
    variables: Vec<(String, String)>,
}

impl Home {
    /// Without credentials in the environment, and with an Azure that is reached by ports.
    pub(crate) fn new(azure: &Azure) -> Self {
        Self {
            folder: tempfile::tempdir().expect("a folder"),
            variables: azure.environment(Persona::NoAccount, Way::Ports),
        }
    }

    /// A run of the binary in this folder.
    pub(crate) fn run(&self, arguments: &[&str]) -> Run {
        let at = |name: &str| self.path().join(name).display().to_string();
        azcred(arguments)
            .envs(&self.variables)
            .env("HOME", &at(""))
            .env("XDG_DATA_HOME", &at("data"))
            .env("XDG_CACHE_HOME", &at("cache"))
            .env("XDG_CONFIG_HOME", &at("config"))
            .directory(self.path())
    }

    /// Without variables that name a workspace.
    #[cfg_attr(not(unix), expect(dead_code, reason = "its tests run on Unix only"))]
    pub(crate) fn without_workspace(mut self) -> Self {
        self.variables
            .retain(|(name, _)| !name.starts_with("AZUREML_"));
        self
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }
}
