//! What a source uses, in a few words without a full stop.

use super::{Evidence, PassedOver, ToolFiles, Used, UsedKind};
use crate::untrusted::{Seen, printable_sentence};
use std::{
    borrow::Cow,
    fmt::{self, Write as _},
};

impl Used {
    /// In a few words, with the application if it is given.
    pub(super) fn words(&self, client_id: Option<&str>) -> String {
        let words = match (&self.kind, client_id) {
            (UsedKind::ManagedIdentity { .. }, _) => self.managed_identity(client_id),
            (kind, None) => kind.words().into_owned(),
            (kind, Some(id)) => format!(
                "{} {} the application {id}",
                kind.words(),
                kind.preposition()
            ),
        };
        printable_sentence(words).into_owned()
    }

    fn managed_identity(&self, client_id: Option<&str>) -> String {
        let UsedKind::ManagedIdentity {
            host,
            address,
            object_id,
            resource_id,
            evidence,
        } = &self.kind
        else {
            return String::new();
        };
        let identity = match (client_id, object_id, resource_id) {
            (Some(id), ..) => format!("the managed identity with the client id {id}"),
            (_, Some(id), _) => format!("the managed identity with the object id {id}"),
            (.., Some(id)) => format!("the managed identity {id}"),
            _ if self.client_id.is_some() => "a user-assigned managed identity".to_owned(),
            _ if host.starts_with("azcred") => "the account".to_owned(),
            _ => "its own managed identity".to_owned(),
        };
        let address = match address {
            Some(address) => format!(" at {address}"),
            None => String::new(),
        };
        let evidence = match evidence {
            Some(evidence) if evidence.is_azure() == Some(false) => format!(", though {evidence}"),
            Some(evidence) => format!(": {evidence}"),
            None => String::new(),
        };
        format!("{identity}, from {host}{address}{evidence}")
    }
}

impl UsedKind {
    fn words(&self) -> Cow<'_, str> {
        match self {
            Self::ClientSecret { variable } => variable.unwrap_or("the secret").into(),
            Self::ClientCertificate { variable, path } => match (variable, path) {
                (Some(variable), Some(path)) => format!("{variable} ({path})").into(),
                (Some(variable), None) => (*variable).into(),
                (None, Some(path)) => format!("the certificate {path}").into(),
                (None, None) => "the certificate".into(),
            },
            Self::ClientAssertion => "an assertion".into(),
            Self::FederatedToken { path } => format!("the token in {path}").into(),
            Self::GitHubActions => "GitHub's identity token of this job".into(),
            Self::ServiceConnection { id } => {
                format!("Azure DevOps's identity token of the service connection {id}").into()
            }
            Self::AzureMlUser => {
                "the user on whose behalf this Azure Machine Learning job runs".into()
            }
            Self::CloudShellUser => "the user whose Cloud Shell this is".into(),
            Self::SignIn { account, .. } => format!("the sign-in of {account}").into(),
            Self::Tool {
                tool,
                program,
                files,
            } => {
                let account = format!("the account that is signed in to {tool}");
                match (files, program) {
                    (_, None) => format!("{account}, from its files").into(),
                    (files, Some(program)) => {
                        let why = match files {
                            Some(ToolFiles::Encrypted) => ", as its token cache is encrypted",
                            _ => "",
                        };
                        format!("{account}, by running {program}{why}").into()
                    }
                }
            }
            Self::Browser { opener } => format!("the browser that {opener} opens").into(),
            Self::DeviceCode => "a code that a person enters in a browser".into(),
            Self::Chain {
                source: Some(source),
                ..
            } => source.credential_name().into(),
            Self::Chain { preset, .. } => format!("the chain '{preset}'").into(),
            Self::Other { text } => (**text).into(),
            Self::ManagedIdentity { .. } => "a managed identity".into(),
        }
    }

    /// A secret is 'of' the application, a token is 'for' it.
    fn preposition(&self) -> &'static str {
        match self {
            Self::ClientSecret { .. } | Self::ClientCertificate { .. } => "of",
            _ => "for",
        }
    }
}

impl fmt::Display for Used {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.describe())?;
        for other in &self.passed_over {
            write!(f, "; {other}")?;
        }
        Ok(())
    }
}

impl fmt::Display for PassedOver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is set too but not used", self.variable)
    }
}

impl fmt::Display for Evidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut f = Seen(f);
        f.write_str(match self {
            Self::Address => "AZURE_POD_IDENTITY_AUTHORITY_HOST names its address",
            Self::MacOs => "this is macOS, which Azure does not host",
            Self::Wsl => "this is WSL on a Windows computer",
            Self::AzureAssetTag => "the firmware has Azure's chassis asset tag",
            Self::OtherAssetTag(tag) => {
                return write!(
                    f,
                    "the firmware's chassis asset tag is '{tag}', which is not Azure's"
                );
            }
            Self::OwnHardware => "this machine runs on its own hardware",
            Self::HyperVHost => "this is a Hyper-V host, not a virtual machine",
            Self::OtherHypervisor(name) => {
                return write!(f, "the hypervisor is '{name}', not Hyper-V as in Azure");
            }
            Self::HyperV => "this is a virtual machine on Hyper-V, in Azure or elsewhere",
            Self::Nothing => "neither the firmware nor the processor shows where this machine runs",
        })
    }
}
