//! Sources of tokens, one file each, behind one trait.

#[cfg(feature = "disk-cache")]
mod azcred;
#[cfg(feature = "developer-tools")]
mod azure_cli;
#[cfg(feature = "developer-tools")]
mod azure_developer_cli;
mod azure_ml_on_behalf_of;
mod azure_pipelines;
#[cfg(feature = "developer-tools")]
mod azure_powershell;
mod certificate_file;
mod client_assertion;
#[cfg(feature = "certificates")]
mod client_certificate;
mod client_secret;
#[cfg(feature = "developer-tools")]
mod developer_tool;
#[cfg(feature = "people")]
mod device_code;
pub(crate) mod environment;
mod federation;
mod github_actions;
#[cfg(feature = "people")]
mod interactive_browser;
mod managed_identity;
pub(crate) mod person;
pub(crate) mod source;
mod token_service;
#[cfg(feature = "developer-tools")]
mod tool_output;
#[cfg(feature = "developer-tools")]
mod tool_phrases;
mod variables;
#[cfg(feature = "developer-tools")]
mod visual_studio_code;
mod workload_identity;

#[cfg(feature = "disk-cache")]
pub use azcred::AzcredCredential;
#[cfg(feature = "developer-tools")]
pub use azure_cli::AzureCliCredential;
#[cfg(feature = "developer-tools")]
pub use azure_developer_cli::AzureDeveloperCliCredential;
pub use azure_ml_on_behalf_of::AzureMlOnBehalfOfCredential;
pub use azure_pipelines::AzurePipelinesCredential;
#[cfg(feature = "developer-tools")]
pub use azure_powershell::AzurePowerShellCredential;
pub use client_assertion::{AssertionSource, ClientAssertionCredential};
#[cfg(feature = "certificates")]
pub use client_certificate::ClientCertificateCredential;
pub use client_secret::ClientSecretCredential;
#[cfg(feature = "people")]
pub use device_code::DeviceCodeCredential;
pub use environment::{EnvironmentCredential, EnvironmentKind, EnvironmentOrder};
pub use github_actions::GitHubActionsCredential;
#[cfg(feature = "people")]
pub use interactive_browser::{InteractiveBrowserCredential, SignInPrompt};
pub use managed_identity::ManagedIdentityCredential;
#[cfg(feature = "developer-tools")]
pub use visual_studio_code::VisualStudioCodeCredential;
pub use workload_identity::WorkloadIdentityCredential;

pub(crate) use managed_identity::InChain;

use crate::{
    facts::{Error, Used},
    request::TokenRequest,
    token_future::TokenFuture,
};
use std::{fmt, sync::Arc};

/// A source of tokens. Object-safe: an `Arc<dyn Credential>` is what programs pass around.
pub trait Credential: Send + Sync + fmt::Debug {
    /// The name that people know it by, such as `ClientSecretCredential`.
    fn name(&self) -> &'static str;

    /// A cheap, local look at whether there is anything here for this source to use: no network, no
    /// process, no waiting.
    fn prepare(&self) -> Availability;

    /// A token for `request`.
    ///
    /// A cached token that is still good is given at once, without waiting; when it is due for
    /// refresh that happens in the background. Otherwise one request leaves, however many callers
    /// on one Tokio runtime wait for it; callers on another runtime have their own, as nobody can
    /// rely on a runtime that may stand still.
    ///
    /// Cancel-safe: drop the future at any time; when the last caller drops it, the request under
    /// way is dropped too. One that carries a person's refresh token, which may be good for one
    /// use, is gone through with ([`crate::account::settled`]). Bounded: the whole call, with
    /// retries, ends within [`crate::ClientOptions::deadline`]. Needs a Tokio runtime where no good
    /// token is at hand; without one the call fails.
    ///
    /// # Errors
    /// See [`crate::ErrorKind`]. An error is never cached.
    fn get_token<'a>(&'a self, request: &'a TokenRequest) -> TokenFuture<'a>;
}

impl<T: Credential + ?Sized> Credential for Arc<T> {
    fn name(&self) -> &'static str {
        (**self).name()
    }
    fn prepare(&self) -> Availability {
        (**self).prepare()
    }
    fn get_token<'a>(&'a self, request: &'a TokenRequest) -> TokenFuture<'a> {
        (**self).get_token(request)
    }
}

/// Whether a source has anything to work with.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Availability {
    /// Everything it needs is here: asking brings a token, a refusal or trouble, and never that
    /// there is nothing here after all.
    Ready {
        /// What it would use.
        using: Used,
    },
    /// Something is here, and only asking tells whether it is enough: Azure CLI is installed,
    /// perhaps nobody is signed in to it.
    Possible {
        /// What it would use.
        using: Used,
    },
    /// Everything speaks against it, and asking would take time: worth a try when nothing else is
    /// left.
    Doubtful {
        /// What it would use, and [what speaks against it](Used::doubt).
        using: Used,
    },
    /// Something is missing: the error says what, and is [`crate::ErrorKind::Unavailable`].
    Unavailable(Error),
}
