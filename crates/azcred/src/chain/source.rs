//! How each source comes to be.

use super::{Preset, Setup, Source};
use crate::{
    credential::{
        AzcredCredential, AzureCliCredential, AzureDeveloperCliCredential,
        AzureMlOnBehalfOfCredential, AzurePipelinesCredential, AzurePowerShellCredential,
        DeviceCodeCredential, GitHubActionsCredential, InChain, InteractiveBrowserCredential,
        ManagedIdentityCredential, VisualStudioCodeCredential, WorkloadIdentityCredential,
        environment::Described, source::TokenSource,
    },
    error::{Error, ErrorKind, Result},
    system::{System, Unattended, unattended},
};
use std::sync::Arc;

impl Source {
    /// The source itself, where there is anything here for it. Reads variables, and small files at
    /// most.
    pub(super) fn make(self, setup: &Setup, pinned: bool) -> Result<Arc<dyn TokenSource>> {
        if self.asks_person() {
            attended(self, &**setup.options.system())?;
        }
        let options = setup.options.clone();
        let patience = setup.preset().patience();
        Ok(match self {
            Self::Environment => Arc::new(Described::new(setup.preset().environment(), options)?),
            Self::WorkloadIdentity => {
                WorkloadIdentityCredential::from_environment(options)?.into_source()
            }
            Self::GitHubActions => {
                GitHubActionsCredential::from_environment(options)?.into_source()
            }
            Self::AzurePipelines => {
                AzurePipelinesCredential::from_environment(options)?.into_source()
            }
            Self::AzureMlOnBehalfOf => {
                AzureMlOnBehalfOfCredential::from_environment(options)?.into_source()
            }
            Self::ManagedIdentity => {
                // azure-identity 1.27 asks such an agent only where the chain is this source alone.
                let finds_agent = pinned || setup.preset() == Preset::Azcred;
                let chain = InChain {
                    pinned,
                    finds_agent,
                };
                ManagedIdentityCredential::in_chain(chain, options)?.into_source()
            }
            Self::Azcred => AzcredCredential::new(options)?.into_source(),
            Self::VisualStudioCode => VisualStudioCodeCredential::new(options).into_source(),
            Self::AzureCli => AzureCliCredential::new(options).into_source(),
            Self::AzurePowerShell => AzurePowerShellCredential::new(options).into_source(),
            Self::AzureDeveloperCli => AzureDeveloperCliCredential::new(options).into_source(),
            Self::InteractiveBrowser => {
                let credential = InteractiveBrowserCredential::new(options)?;
                match patience {
                    Some(patience) => credential.with_timeout(patience),
                    None => credential,
                }
                .into_source()
            }
            Self::DeviceCode => {
                let credential = DeviceCodeCredential::new(options)?;
                match patience {
                    Some(patience) => credential.with_timeout(patience),
                    None => credential,
                }
                .into_source()
            }
        })
    }
}

/// Whether somebody is there to be asked.
fn attended(source: Source, system: &dyn System) -> Result<()> {
    let Some(why) = unattended(system) else {
        return Ok(());
    };
    let fix = match why {
        Unattended::CiJob(_) => "give the job an identity of its own",
        Unattended::NoTerminal => "run it at a terminal",
    };
    Err(Error::new(
        ErrorKind::Unavailable,
        format!("{} looked for a person", source.credential_name()),
        why.to_string(),
    )
    .with_fix(fix))
}
