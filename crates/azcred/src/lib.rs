#![doc = include_str!("../README.md")]
//!
//! # Credentials
//! A session tries sources in this order, unless a [`chain::Preset`] has another. A program that
//! wants no variable or file to decide puts a [`chain::Chain`] of them together itself.
//! 1. [`EnvironmentCredential`]: the service principal that `AZURE_*` or `HIML_*` describe;
//! 2. [`WorkloadIdentityCredential`]: a Kubernetes workload and its token file;
//! 3. [`GitHubActionsCredential`]: a GitHub Actions job;
//! 4. [`AzurePipelinesCredential`]: an Azure Pipelines job and its service connection;
//! 5. [`AzureMlOnBehalfOfCredential`]: the user on whose behalf an Azure Machine Learning job runs;
//! 6. [`ManagedIdentityCredential`]: the identity that Azure keeps for the machine, the app, the
//!    compute on which this runs;
//! 7. [`AzcredCredential`]: the account that signed in to azcred before, or by one of the two at
//!    the end, on this machine;
//! 8. [`VisualStudioCodeCredential`], [`AzureCliCredential`], [`AzurePowerShellCredential`] and
//!    [`AzureDeveloperCliCredential`]: whoever is signed in to a developer's tools;
//! 9. [`InteractiveBrowserCredential`], or [`DeviceCodeCredential`] where no browser can be opened:
//!    the person at the terminal, where there is one, and only once every source before has said
//!    that it has nobody.
//!
//! Each can be used by itself. Besides, for programs that bring their own proof:
//! - [`ClientSecretCredential`]: an application and its secret;
//! - [`ClientCertificateCredential`]: an application and its certificate;
//! - [`ClientAssertionCredential`]: an application and a statement that somebody else signed.
//!
//! Each keeps its tokens: a good one is given without waiting, one that is due is replaced in the
//! background, and one request leaves however many callers wait ([`Credential::get_token`]).
//! [`ClientOptions::with_disk_cache`] keeps them, encrypted, for the next process too.
//! [`account::Accounts`] says who is signed in, chooses, and signs out.
//!
//! # Errors
//! There is one [`Error`]. It says what was tried, what came back (with the provider's code and
//! correlation id), what that means and what fixes it. [`ErrorKind::Unavailable`] ('nothing here
//! for this source') is never confused with [`ErrorKind::Refused`] ('the provider said no').
//!
//! # The world is a parameter
//! Variables, files, programs, the keyring and the clock are reached through a [`system::System`],
//! so that any environment can be a value in a test. HTTP needs a Tokio runtime with I/O and time
//! enabled; giving a cached token needs none.
//!
//! # Features
//! All but the last are on by default. What is left out is not compiled, and neither are the crates
//! that it alone needs; a chain then skips its sources and says so in its report.
//! - `azure_core`: every credential is also a `TokenCredential` of the official SDK.
//! - `certificates`: [`ClientCertificateCredential`], and `AZURE_CLIENT_CERTIFICATE_PATH`.
//! - `developer-tools`: Azure CLI, Azure PowerShell, Azure Developer CLI and Visual Studio Code.
//! - `disk-cache`: [`ClientOptions::with_disk_cache`], the keyring, [`account::Accounts`] and
//!   [`AzcredCredential`].
//! - `people`: [`InteractiveBrowserCredential`] and [`DeviceCodeCredential`].
//! - `test-util`: [`system::Fixture`], a machine that is a value, for tests.
#![cfg_attr(docsrs, feature(doc_cfg))]
#![cfg_attr(
    not(all(
        feature = "certificates",
        feature = "developer-tools",
        feature = "disk-cache",
        feature = "people"
    )),
    allow(
        dead_code,
        unreachable_pub,
        unused_imports,
        reason = "some of it serves a feature that is off"
    )
)]

pub mod account;
#[cfg(feature = "azure_core")]
mod azure_core;
pub mod cache;
pub mod chain;
mod cloud;
mod credential;
pub mod entra;
mod facts;
#[cfg(test)]
mod hostile;
pub mod http;
mod json;
mod options;
mod profile;
mod prompt;
mod redact;
mod request;
mod scope;
pub mod session;
mod store;
pub mod system;
mod tenant;
mod text;
mod token;
mod vault;
pub mod workspace;

#[cfg(feature = "azure_core")]
pub use crate::azure_core::AzureCoreCredential;
#[cfg(feature = "disk-cache")]
pub use crate::credential::AzcredCredential;
#[cfg(feature = "developer-tools")]
pub use crate::credential::{
    AzureCliCredential, AzureDeveloperCliCredential, AzurePowerShellCredential,
    VisualStudioCodeCredential,
};
#[cfg(feature = "people")]
pub use crate::credential::{DeviceCodeCredential, InteractiveBrowserCredential, SignInPrompt};
pub use crate::{
    cloud::{Authority, Cloud},
    credential::{
        AssertionSource, Availability, AzureMlOnBehalfOfCredential, AzurePipelinesCredential,
        ClientAssertionCredential, ClientSecretCredential, Credential, EnvironmentCredential,
        EnvironmentKind, EnvironmentOrder, GitHubActionsCredential, ManagedIdentityCredential,
        ManagedIdentityId, TokenFuture, WorkloadIdentityCredential,
    },
    facts::{
        Error, ErrorKind, Fix, GrantRole, Principal, PrincipalKind, Proof, Refusal, Result, SignIn,
        SignInWay, Variable,
    },
    options::ClientOptions,
    profile::Profile,
    prompt::{DeviceCode, Notice, PlainPrompt, Prompt},
    redact::{printable, printable_path, redact},
    request::TokenRequest,
    scope::Scope,
    session::Session,
    tenant::{ClientId, TenantId},
    token::AccessToken,
};
#[cfg(feature = "certificates")]
pub use crate::{credential::ClientCertificateCredential, entra::certificate::ClientCertificate};
pub use secrecy::SecretString;

use facts::error;
