#![doc = include_str!("../README.md")]
//!
//! # Credentials
//! A session tries sources in this order, unless a [`chain::Preset`] has another order. A program
//! that must not depend on variables and files builds its own [`chain::Chain`].
//! 1. [`EnvironmentCredential`]: the service principal in the variables `AZURE_*` or `HIML_*`;
//! 2. [`WorkloadIdentityCredential`]: a Kubernetes workload and its token file;
//! 3. [`GitHubActionsCredential`]: a GitHub Actions job;
//! 4. [`AzurePipelinesCredential`]: an Azure Pipelines job and its service connection;
//! 5. [`AzureMlOnBehalfOfCredential`]: the user on whose behalf an Azure Machine Learning job runs;
//! 6. [`ManagedIdentityCredential`]: the managed identity of the machine, the app or the compute;
//! 7. [`AzcredCredential`]: the account that is signed in to azcred on this machine;
//! 8. [`VisualStudioCodeCredential`], [`AzureCliCredential`], [`AzurePowerShellCredential`] and
//!    [`AzureDeveloperCliCredential`]: the account that is signed in to a developer tool;
//! 9. [`InteractiveBrowserCredential`], or [`DeviceCodeCredential`] if no browser can be opened:
//!    the person at the terminal, and only if no other source has a token.
//!
//! Each credential can be used by itself. These are for programs that bring their own secret,
//! certificate or assertion:
//! - [`ClientSecretCredential`]: an application and its secret;
//! - [`ClientCertificateCredential`]: an application and its certificate;
//! - [`ClientAssertionCredential`]: an application and an assertion from another issuer.
//!
//! Each credential caches its tokens ([`Credential::get_token`]). It returns a valid token at once,
//! and refreshes a token that expires soon in the background. Callers that wait for the same token
//! share one request. [`ClientOptions::with_disk_cache`] also stores tokens on the disk, encrypted,
//! for the next process. [`account::Accounts`] lists the accounts that are signed in, chooses the
//! current one, and signs out.
//!
//! # Errors
//! All functions return one [`Error`] type. An error says what did not work, why (with the
//! provider's code and correlation id), and the fix. [`ErrorKind::Unavailable`] means that a source
//! has nothing to sign in with here. [`ErrorKind::Refused`] means that the provider rejected the
//! sign-in. No code turns one into the other.
//!
//! # The world is a parameter
//! azcred reads variables, files, the keyring and the clock, and runs programs, through a
//! [`system::System`]. A test can pass any environment as a value. HTTP needs a Tokio runtime with
//! I/O and time enabled. A cached token needs no runtime.
//!
//! # Features
//! All but the last are on by default. A feature that is off is not compiled, and neither are the
//! crates that only this feature needs. A chain then skips the sources of that feature, and its
//! report says so.
//! - `azure_core`: every credential is also a `TokenCredential` of the official SDK.
//! - `certificates`: [`ClientCertificateCredential`], and `AZURE_CLIENT_CERTIFICATE_PATH`.
//! - `developer-tools`: Azure CLI, Azure PowerShell, Azure Developer CLI and Visual Studio Code.
//! - `disk-cache`: [`ClientOptions::with_disk_cache`], the keyring, [`account::Accounts`] and
//!   [`AzcredCredential`].
//! - `people`: [`InteractiveBrowserCredential`] and [`DeviceCodeCredential`].
//! - `test-util`: `system::Fixture`, a machine as a value, for tests.
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
        rustdoc::broken_intra_doc_links,
        reason = "some of it serves a feature that is off"
    )
)]

#[cfg(any(feature = "disk-cache", feature = "people"))]
pub mod account;
mod audience;
#[cfg(feature = "azure_core")]
mod azure_core;
mod ber;
pub mod cache;
pub mod chain;
mod cloud;
mod credential;
mod decode;
pub mod entra;
mod expiry;
mod facts;
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzz;
#[cfg(test)]
mod hostile;
pub mod http;
mod json;
mod managed_identity_id;
mod moment;
mod options;
mod pem;
mod profile;
mod prompt;
mod redact;
mod request;
mod scope;
pub mod session;
mod sieve;
mod store;
pub mod system;
mod tenant;
mod text;
mod token;
mod token_future;
mod untrusted;
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
    audience::FederatedAudience,
    cloud::{Authority, Cloud},
    credential::{
        AssertionSource, Availability, AzureMlOnBehalfOfCredential, AzurePipelinesCredential,
        ClientAssertionCredential, ClientSecretCredential, Credential, EnvironmentCredential,
        EnvironmentKind, EnvironmentOrder, GitHubActionsCredential, ManagedIdentityCredential,
        WorkloadIdentityCredential,
    },
    decode::decode_text,
    facts::{
        Error, ErrorKind, Evidence, Fix, GrantRole, PassedOver, Principal, PrincipalKind, Proof,
        Refusal, Result, SignIn, SignInWay, SubjectForm, ToolFiles, TrustToken, Used, UsedKind,
        Variable,
    },
    managed_identity_id::ManagedIdentityId,
    options::ClientOptions,
    profile::Profile,
    prompt::{DeviceCode, Notice, PlainPrompt, Prompt},
    redact::redact,
    request::TokenRequest,
    scope::Scope,
    session::Session,
    sieve::{Misplaced, shown as shown_value, shown_path, tidied, tidied_path},
    tenant::{ClientId, TenantId},
    token::AccessToken,
    token_future::TokenFuture,
    untrusted::{Untrusted, is_unseen, printable, printable_path, printable_sentence},
};
#[cfg(feature = "certificates")]
pub use crate::{credential::ClientCertificateCredential, entra::certificate::ClientCertificate};
pub use secrecy::SecretString;
