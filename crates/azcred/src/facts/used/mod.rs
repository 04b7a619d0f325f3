//! What a source of tokens uses: the secret, certificate or token, whose it is, and what was set
//! but not used.

mod words;

use super::{Preset, Source};
use serde::Serialize;
use std::{borrow::Cow, fmt};

/// What a source uses to get a token, or would use.
///
/// `Display` describes it in a few words, without a full stop: `AZURE_CLIENT_SECRET of the
/// application 1111…`. As JSON it is an object: `kind` and the fields of that [`UsedKind`], then
/// `clientId`, `tenant`, `variables` and `passedOver`, each only if it is known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Used {
    /// What proves the identity, with the details of that kind.
    #[serde(flatten)]
    pub kind: UsedKind,
    /// The application's client id, or that of a managed identity.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
    /// The tenant of the source's settings: an id or a domain.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tenant: Option<String>,
    /// The environment variables that were read.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub variables: Vec<&'static str>,
    /// What was set too, but comes later in the order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub passed_over: Vec<PassedOver>,
}

/// What proves the identity. Paths are as [`printable_path`](crate::printable_path) shows them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(
    tag = "kind",
    rename_all = "camelCase",
    rename_all_fields = "camelCase"
)]
#[non_exhaustive]
pub enum UsedKind {
    /// A client secret.
    ClientSecret {
        /// The variable with the secret, if it came from one.
        #[serde(skip_serializing_if = "Option::is_none")]
        variable: Option<&'static str>,
    },
    /// A certificate and its private key.
    ClientCertificate {
        /// The variable that names the file, if it came from one.
        #[serde(skip_serializing_if = "Option::is_none")]
        variable: Option<&'static str>,
        /// The file, if it is known.
        #[serde(skip_serializing_if = "Option::is_none")]
        path: Option<String>,
    },
    /// An assertion that the program makes.
    ClientAssertion,
    /// A federated token in a file.
    FederatedToken {
        /// The file.
        path: String,
    },
    /// The identity token of a GitHub Actions job.
    GitHubActions,
    /// The identity token that Azure DevOps issues for a service connection.
    ServiceConnection {
        /// The service connection's id.
        id: String,
    },
    /// The user of an Azure Machine Learning job.
    AzureMlUser,
    /// The user of a Cloud Shell.
    CloudShellUser,
    /// A managed identity. Its client id, if it is named by that, is [`Used::client_id`].
    ManagedIdentity {
        /// The host that returns the tokens: `App Service`.
        host: &'static str,
        /// The host's address, if it is not a fixed one.
        #[serde(skip_serializing_if = "Option::is_none")]
        address: Option<String>,
        /// The object id, if it selects the identity.
        #[serde(skip_serializing_if = "Option::is_none")]
        object_id: Option<String>,
        /// The resource id, if it selects the identity.
        #[serde(skip_serializing_if = "Option::is_none")]
        resource_id: Option<String>,
        /// What shows whether this is an Azure machine, if that was checked.
        #[serde(skip_serializing_if = "Option::is_none")]
        evidence: Option<Evidence>,
    },
    /// An account that is signed in to azcred.
    SignIn {
        /// The account's name.
        account: String,
        /// The account's profile.
        profile: String,
    },
    /// The account that is signed in to a developer tool.
    Tool {
        /// The name of the tool: `Azure CLI`.
        tool: &'static str,
        /// The program to run; `None` if the tool's files are sufficient.
        #[serde(skip_serializing_if = "Option::is_none")]
        program: Option<String>,
        /// What the tool's files have, if they can be read for some tokens.
        #[serde(skip_serializing_if = "Option::is_none")]
        files: Option<ToolFiles>,
    },
    /// A person, in a browser.
    Browser {
        /// The program that opens the browser.
        opener: String,
    },
    /// A person, with a code that is entered in any browser.
    DeviceCode,
    /// A chain of sources.
    Chain {
        /// The chain's preset.
        preset: Preset,
        /// The source that the chain uses after its first token.
        #[serde(skip_serializing_if = "Option::is_none")]
        source: Option<Source>,
    },
    /// Anything else, in a few words without a full stop.
    Other {
        /// The text.
        text: Cow<'static, str>,
    },
}

/// What is in a developer tool's files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum ToolFiles {
    /// An account, and tokens that can be read.
    Readable,
    /// Tokens that are encrypted for the tool.
    Encrypted,
    /// No account.
    NoAccount,
}

/// A service principal that is set too, but not used, because another comes first.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct PassedOver {
    /// The variable with its secret or its certificate.
    pub variable: &'static str,
}

/// What shows whether this is an Azure machine, which has an instance metadata service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", content = "value", rename_all = "camelCase")]
#[non_exhaustive]
pub enum Evidence {
    /// `AZURE_POD_IDENTITY_AUTHORITY_HOST` names the service's address.
    Address,
    /// The machine runs macOS, which Azure does not host.
    MacOs,
    /// The machine is the Windows Subsystem for Linux.
    Wsl,
    /// The firmware has Azure's chassis asset tag.
    AzureAssetTag,
    /// The firmware has another chassis asset tag.
    OtherAssetTag(String),
    /// The machine is not virtual.
    OwnHardware,
    /// The machine is a Hyper-V host of virtual machines.
    HyperVHost,
    /// The hypervisor is not Hyper-V.
    OtherHypervisor(String),
    /// The hypervisor is Hyper-V, which Azure uses, but others do too.
    HyperV,
    /// Neither the firmware nor the processor shows anything.
    Nothing,
}

impl Used {
    /// A description of this kind.
    pub fn new(kind: UsedKind) -> Self {
        Self {
            kind,
            client_id: None,
            tenant: None,
            variables: Vec::new(),
            passed_over: Vec::new(),
        }
    }

    /// Adds the application and its tenant.
    #[must_use]
    pub fn of_application(
        mut self,
        client_id: impl fmt::Display,
        tenant: impl fmt::Display,
    ) -> Self {
        self.client_id = Some(client_id.to_string());
        self.tenant = Some(tenant.to_string());
        self
    }

    /// Adds the variables that were read.
    #[must_use]
    pub fn from_variables(mut self, names: impl IntoIterator<Item = &'static str>) -> Self {
        self.variables = names.into_iter().collect();
        self
    }

    /// Adds the address of a managed identity's host, and what shows whether the host exists.
    pub(crate) fn at(mut self, at: String, seen: Option<Evidence>) -> Self {
        if let UsedKind::ManagedIdentity {
            address, evidence, ..
        } = &mut self.kind
        {
            (*address, *evidence) = (Some(at), seen);
        }
        self
    }

    /// A description in a few words, without what was passed over: `AZURE_CLIENT_SECRET of the
    /// application 1111…`.
    pub fn describe(&self) -> String {
        self.words(self.client_id.as_deref())
    }

    /// The description without the application, for texts that name it already:
    /// `AZURE_CLIENT_SECRET`.
    pub fn without_application(&self) -> String {
        self.words(None)
    }

    /// Whether the identity is this application's.
    pub fn is_of(&self, client_id: &str) -> bool {
        let own = self.client_id.as_deref();
        own.is_some_and(|own| own.eq_ignore_ascii_case(client_id))
    }

    /// What makes the source unlikely to be here, if anything does.
    pub fn doubt(&self) -> Option<&Evidence> {
        match &self.kind {
            UsedKind::ManagedIdentity {
                evidence: Some(evidence),
                ..
            } if evidence.is_azure() == Some(false) => Some(evidence),
            _ => None,
        }
    }
}

impl Evidence {
    /// Whether this is an Azure machine; `None` if the evidence does not show it.
    pub fn is_azure(&self) -> Option<bool> {
        match self {
            Self::Address | Self::AzureAssetTag => Some(true),
            Self::HyperV | Self::Nothing => None,
            Self::MacOs
            | Self::Wsl
            | Self::OtherAssetTag(_)
            | Self::OwnHardware
            | Self::HyperVHost
            | Self::OtherHypervisor(_) => Some(false),
        }
    }
}

impl From<UsedKind> for Used {
    fn from(kind: UsedKind) -> Self {
        Self::new(kind)
    }
}

impl From<&'static str> for Used {
    fn from(text: &'static str) -> Self {
        Self::new(UsedKind::Other {
            text: Cow::Borrowed(text),
        })
    }
}

impl From<String> for Used {
    fn from(text: String) -> Self {
        Self::new(UsedKind::Other {
            text: Cow::Owned(text),
        })
    }
}

#[cfg(test)]
mod tests;
