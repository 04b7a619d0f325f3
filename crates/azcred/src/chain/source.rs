//! Makes the source of each name.

use super::{Preset, Setup, Source};
#[cfg(feature = "disk-cache")]
use crate::credential::AzcredCredential;
#[cfg(feature = "developer-tools")]
use crate::credential::{
    AzureCliCredential, AzureDeveloperCliCredential, AzurePowerShellCredential,
    VisualStudioCodeCredential,
};
use crate::{
    credential::{
        AzureMlOnBehalfOfCredential, AzurePipelinesCredential, GitHubActionsCredential, InChain,
        ManagedIdentityCredential, WorkloadIdentityCredential, environment::Described,
        source::TokenSource,
    },
    facts::{Error, ErrorKind, Result},
};
#[cfg(feature = "people")]
use crate::{
    credential::{DeviceCodeCredential, InteractiveBrowserCredential},
    system::{System, Unattended, unattended},
};
use std::sync::Arc;

impl Source {
    /// Makes the source, if there is anything for it here. Reads variables, and at most small
    /// files.
    pub(super) fn make(self, setup: &Setup, pinned: bool) -> Result<Arc<dyn TokenSource>> {
        #[cfg(feature = "people")]
        if self.asks_person() {
            attended(self, &**setup.options.system())?;
        }
        let options = setup.options.clone();
        #[cfg(feature = "people")]
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
                // azure-identity 1.27 uses such an agent only if managed identity is the only
                // source.
                let finds_agent = pinned || setup.preset() == Preset::Azcred;
                let chain = InChain {
                    pinned,
                    finds_agent,
                };
                ManagedIdentityCredential::in_chain(chain, options)?.into_source()
            }
            #[cfg(feature = "disk-cache")]
            Self::Azcred => AzcredCredential::new(options)?.into_source(),
            #[cfg(feature = "developer-tools")]
            Self::VisualStudioCode => VisualStudioCodeCredential::new(options).into_source(),
            #[cfg(feature = "developer-tools")]
            Self::AzureCli => AzureCliCredential::new(options).into_source(),
            #[cfg(feature = "developer-tools")]
            Self::AzurePowerShell => AzurePowerShellCredential::new(options).into_source(),
            #[cfg(feature = "developer-tools")]
            Self::AzureDeveloperCli => AzureDeveloperCliCredential::new(options).into_source(),
            #[cfg(feature = "people")]
            Self::InteractiveBrowser => {
                let credential = InteractiveBrowserCredential::new(options)?;
                match patience {
                    Some(patience) => credential.with_timeout(patience),
                    None => credential,
                }
                .into_source()
            }
            #[cfg(feature = "people")]
            Self::DeviceCode => {
                let credential = DeviceCodeCredential::new(options)?;
                match patience {
                    Some(patience) => credential.with_timeout(patience),
                    None => credential,
                }
                .into_source()
            }
            #[cfg(not(feature = "developer-tools"))]
            Self::VisualStudioCode
            | Self::AzureCli
            | Self::AzurePowerShell
            | Self::AzureDeveloperCli => return Err(not_built_in(self, "developer-tools")),
            #[cfg(not(feature = "disk-cache"))]
            Self::Azcred => return Err(not_built_in(self, "disk-cache")),
            #[cfg(not(feature = "people"))]
            Self::InteractiveBrowser | Self::DeviceCode => {
                return Err(not_built_in(self, "people"));
            }
        })
    }
}

/// The error for a source that is not compiled in.
#[cfg(not(all(
    feature = "developer-tools",
    feature = "disk-cache",
    feature = "people"
)))]
fn not_built_in(source: Source, feature: &str) -> Error {
    Error::new(
        ErrorKind::Unavailable,
        format!("{} could not be used", source.credential_name()),
        format!("this program was built without the feature `{feature}` of the crate azcred"),
    )
    .with_fix("build it with that feature")
}

/// Fails if no person can be asked.
#[cfg(feature = "people")]
fn attended(source: Source, system: &dyn System) -> Result<()> {
    let Some(why) = unattended(system) else {
        return Ok(());
    };
    let fix = match why {
        Unattended::CiJob(_) => "give the job its own identity, such as a federated credential",
        Unattended::NoTerminal => "run it in a terminal (`ssh -t`, `docker run -it`)",
    };
    Err(Error::new(
        ErrorKind::Unavailable,
        format!(
            "{} could not ask a person to sign in",
            source.credential_name()
        ),
        why.to_string(),
    )
    .with_fix(fix))
}

#[cfg(all(
    test,
    not(any(
        feature = "developer-tools",
        feature = "disk-cache",
        feature = "people"
    ))
))]
mod tests {
    use super::*;
    use crate::{ClientOptions, Scope, TokenRequest, chain::Chain, system::Fixture};

    #[tokio::test]
    async fn a_source_that_was_left_out_of_the_program_is_skipped_and_the_report_says_why() {
        let machine = Fixture::new().with_terminal();
        let chain = Chain::new(ClientOptions::new(machine.shared()));
        let (token, report) = chain.explain(&TokenRequest::new(Scope::ARM)).await;
        assert!(token.unwrap_err().is_unavailable());
        for (source, feature) in [
            (Source::AzureCli, "developer-tools"),
            (Source::Azcred, "disk-cache"),
            (Source::InteractiveBrowser, "people"),
        ] {
            let attempt = report
                .attempts
                .iter()
                .find(|attempt| attempt.source == source)
                .unwrap();
            let error = attempt.error.as_ref().unwrap();
            assert_eq!(error.kind(), ErrorKind::Unavailable);
            assert!(error.why().contains(feature), "{error}");
        }
    }
}
