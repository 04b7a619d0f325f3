//! Credentials, one file each, behind one trait.

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
#[cfg(feature = "people")]
pub(crate) mod person;
#[cfg(any(feature = "disk-cache", feature = "people"))]
pub(crate) mod redeem;
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
#[cfg(feature = "fuzzing")]
pub use interactive_browser::{redirected, welcome};
pub use managed_identity::ManagedIdentityCredential;
#[cfg(feature = "developer-tools")]
pub use visual_studio_code::VisualStudioCodeCredential;
pub use workload_identity::WorkloadIdentityCredential;

#[cfg(feature = "developer-tools")]
pub(crate) use azure_cli::tenant_name as azure_cli_tenant_name;
pub(crate) use managed_identity::InChain;

use crate::{
    facts::{Error, Used},
    request::TokenRequest,
    token_future::TokenFuture,
};
use std::{fmt, sync::Arc};

/// Gets tokens. The trait is object-safe: programs share an `Arc<dyn Credential>`.
pub trait Credential: Send + Sync + fmt::Debug {
    /// The credential's name, such as `ClientSecretCredential`.
    fn name(&self) -> &'static str;

    /// Checks whether there is anything to sign in with: without a request, without running a
    /// program, without waiting.
    fn prepare(&self) -> Availability;

    /// A token for `request`.
    ///
    /// A valid token in the cache is returned at once. If it is due for refresh, the refresh runs
    /// in the background. Without a valid token, one request is sent, and all callers on the same
    /// Tokio runtime wait for it. Another runtime has its own request, because the first runtime
    /// may stop.
    ///
    /// Cancel-safe: when the last caller drops its future, the request is dropped too. A request
    /// with a person's refresh token is the exception: the token may be valid for one use, so the
    /// request continues ([`crate::account::settled`]). The whole call, with retries, ends within
    /// [`crate::ClientOptions::deadline`]. Without a valid cached token, a Tokio runtime is
    /// required; without one, the call fails.
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

/// Whether a source has anything to sign in with.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Availability {
    /// Everything is here. A request gets a token, or it is rejected or fails; it can't find that
    /// nothing is here.
    Ready {
        /// What the source would use.
        using: Used,
    },
    /// Something is here, but only a request shows whether it is enough: Azure CLI is installed,
    /// but maybe no account is signed in.
    Possible {
        /// What the source would use.
        using: Used,
    },
    /// The source is unlikely to be here, and a request takes time. A chain tries it last.
    Doubtful {
        /// What the source would use, and [why it is unlikely to be here](Used::doubt).
        using: Used,
    },
    /// Something is missing. The error says what; its kind is [`crate::ErrorKind::Unavailable`].
    Unavailable(Error),
}
