//! The names of the sources that a chain can have.

use super::{Error, Result};
use crate::sieve::{invalid, tidied};
use serde::Serialize;
use std::{fmt, str::FromStr};

/// A source of tokens in a chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(into = "&'static str")]
#[non_exhaustive]
pub enum Source {
    /// A service principal in `AZURE_*` or `HIML_*`.
    Environment,
    /// A Kubernetes workload's token file.
    WorkloadIdentity,
    /// A GitHub Actions job's identity token.
    GitHubActions,
    /// An Azure Pipelines job's identity token.
    AzurePipelines,
    /// The user on whose behalf an Azure Machine Learning job runs.
    AzureMlOnBehalfOf,
    /// The managed identity of the Azure resource on which the program runs.
    ManagedIdentity,
    /// The account that is signed in to azcred.
    Azcred,
    /// The account that is signed in to Visual Studio Code.
    VisualStudioCode,
    /// The account that is signed in to Azure CLI.
    AzureCli,
    /// The account that is signed in to Azure PowerShell.
    AzurePowerShell,
    /// The account that is signed in to Azure Developer CLI.
    AzureDeveloperCli,
    /// A person, in the browser.
    InteractiveBrowser,
    /// A person, with a code that is entered in any browser.
    DeviceCode,
}

impl Source {
    /// Every source, in the order of [`super::Preset::Azcred`].
    pub const ALL: [Self; 13] = [
        Self::Environment,
        Self::WorkloadIdentity,
        Self::GitHubActions,
        Self::AzurePipelines,
        Self::AzureMlOnBehalfOf,
        Self::ManagedIdentity,
        Self::Azcred,
        Self::VisualStudioCode,
        Self::AzureCli,
        Self::AzurePowerShell,
        Self::AzureDeveloperCli,
        Self::InteractiveBrowser,
        Self::DeviceCode,
    ];

    /// The name in flags and `azcred.toml`: `azure-cli`.
    pub fn id(self) -> &'static str {
        match self {
            Self::Environment => "environment",
            Self::WorkloadIdentity => "workload-identity",
            Self::GitHubActions => "github-actions",
            Self::AzurePipelines => "azure-pipelines",
            Self::AzureMlOnBehalfOf => "azureml-on-behalf-of",
            Self::ManagedIdentity => "managed-identity",
            Self::Azcred => "azcred",
            Self::VisualStudioCode => "visual-studio-code",
            Self::AzureCli => "azure-cli",
            Self::AzurePowerShell => "azure-powershell",
            Self::AzureDeveloperCli => "azure-developer-cli",
            Self::InteractiveBrowser => "interactive-browser",
            Self::DeviceCode => "device-code",
        }
    }

    /// The name in the Azure SDKs and in `AZURE_TOKEN_CREDENTIALS`: `AzureCliCredential`.
    pub fn credential_name(self) -> &'static str {
        match self {
            Self::Environment => "EnvironmentCredential",
            Self::WorkloadIdentity => "WorkloadIdentityCredential",
            Self::GitHubActions => "GitHubActionsCredential",
            Self::AzurePipelines => "AzurePipelinesCredential",
            Self::AzureMlOnBehalfOf => "AzureMLOnBehalfOfCredential",
            Self::ManagedIdentity => "ManagedIdentityCredential",
            Self::Azcred => "AzcredCredential",
            Self::VisualStudioCode => "VisualStudioCodeCredential",
            Self::AzureCli => "AzureCliCredential",
            Self::AzurePowerShell => "AzurePowerShellCredential",
            Self::AzureDeveloperCli => "AzureDeveloperCliCredential",
            Self::InteractiveBrowser => "InteractiveBrowserCredential",
            Self::DeviceCode => "DeviceCodeCredential",
        }
    }

    /// Other names that people give it: those of the tools themselves.
    pub fn aliases(self) -> &'static [&'static str] {
        match self {
            Self::Environment => &["env"],
            Self::GitHubActions => &["github"],
            Self::ManagedIdentity => &["msi"],
            Self::VisualStudioCode => &["vscode"],
            Self::AzureCli => &["az", "cli"],
            Self::AzurePowerShell => &["powershell", "pwsh"],
            Self::AzureDeveloperCli => &["azd"],
            Self::InteractiveBrowser => &["browser"],
            _ => &[],
        }
    }

    /// Whether the source is for a developer's machine, where a person signed in. The others are
    /// for deployed programs.
    pub fn is_developer(self) -> bool {
        matches!(
            self,
            Self::Azcred
                | Self::VisualStudioCode
                | Self::AzureCli
                | Self::AzurePowerShell
                | Self::AzureDeveloperCli
                | Self::InteractiveBrowser
                | Self::DeviceCode
        )
    }

    /// Whether the source asks a person to sign in. A chain tries such a source last, and only at a
    /// terminal that is not a CI job's.
    pub fn asks_person(self) -> bool {
        matches!(self, Self::InteractiveBrowser | Self::DeviceCode)
    }
}

impl From<Source> for &'static str {
    fn from(source: Source) -> Self {
        source.id()
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id())
    }
}

/// Parses the id, the name in the Azure SDKs, or an alias. Case does not matter.
impl FromStr for Source {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let given = text;
        let text = tidied(given);
        let is = |name: &str| name.eq_ignore_ascii_case(text);
        Self::ALL
            .into_iter()
            .find(|source| {
                is(source.id())
                    || is(source.credential_name())
                    || source.aliases().iter().any(|alias| is(alias))
            })
            .ok_or_else(|| {
                invalid("the source", given, "there is no source with this name")
                    .with_fix(format!("use one of {}", Self::ALL.map(Self::id).join(", ")))
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_means_one_source() {
        for source in Source::ALL {
            let names = [source.id(), source.credential_name()];
            for name in names.iter().chain(source.aliases()) {
                for name in [name.to_string(), name.to_uppercase(), format!(" '{name}' ")] {
                    assert_eq!(name.parse::<Source>().unwrap(), source, "{name}");
                }
            }
        }
        let error = "azz".parse::<Source>().unwrap_err();
        assert!(error.to_string().contains("azz"), "{error}");
    }
}
