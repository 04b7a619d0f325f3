//! What Azure's services and the programs say in errors: what each code means, and its fix.
//!
//! One table for the errors of this crate, the doctor's checks, the explanation of a pasted text
//! and the page `docs/errors.md`. Entra ID's codes are in [`azcred::entra`], because getting a
//! token needs no more; the words of Azure CLI and of the network in
//! [`azcred::AZURE_CLI_SAYINGS`] and [`azcred::NETWORK_SAYINGS`]. `{subscription}` and the like are
//! placeholders for names of a request or of a text.

mod graph;
mod machine_learning;
mod registry;
mod resource_manager;
mod sdk;
mod storage;
#[cfg(test)]
mod tests;
mod vault;

use crate::error::ErrorKind;
use azcred::{Fix, SignIn, SignInWay};

/// Who says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum Speaker {
    /// Microsoft Entra ID.
    EntraId,
    /// Azure Resource Manager.
    ResourceManager,
    /// Microsoft Graph.
    Graph,
    /// Azure Storage.
    Storage,
    /// Azure Machine Learning, and its SDKs.
    MachineLearning,
    /// Azure Key Vault.
    KeyVault,
    /// Azure Container Registry.
    ContainerRegistry,
    /// A credential of an Azure SDK.
    Sdk,
    /// Azure CLI.
    AzureCli,
    /// A program that could not reach a server.
    Network,
}

impl Speaker {
    /// The name in messages.
    pub const fn name(self) -> &'static str {
        match self {
            Self::EntraId => "Microsoft Entra ID",
            Self::ResourceManager => "Azure Resource Manager",
            Self::Graph => "Microsoft Graph",
            Self::Storage => "Azure Storage",
            Self::MachineLearning => "Azure Machine Learning",
            Self::KeyVault => "Azure Key Vault",
            Self::ContainerRegistry => "Azure Container Registry",
            Self::Sdk => "an Azure SDK",
            Self::AzureCli => "Azure CLI",
            Self::Network => "the network",
        }
    }
}

/// A code, what it means and what fixes the error.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) speaker: Speaker,
    pub(crate) code: &'static str,
    /// What texts say, if that is not the code alone.
    says: &'static [&'static str],
    pub(crate) kind: ErrorKind,
    /// Whether the row is for requests that change something, and another for those that read.
    is_of_changes: bool,
    /// With placeholders.
    means: &'static str,
    remedy: Remedy,
}

/// What fixes an error, before the names of the request are filled in.
#[derive(Clone, Copy, Debug)]
enum Remedy {
    /// A role; which one and for which identity, the message says.
    Grant,
    /// This role for data, on the resource that the names have.
    DataRole(&'static str),
    /// See [`Fix::SignIn`].
    SignIn,
    /// See [`SignInWay::DeviceCode`].
    SignInByCode,
    /// See [`Fix::SignInToTool`].
    Tool(&'static str),
    /// See [`Fix::FindTenant`].
    CheckTenant,
    /// See [`Fix::ChooseWorkspace`].
    ChooseWorkspace,
    /// See [`Fix::CheckResourceGroup`].
    CheckResourceGroup,
    /// See [`Fix::CheckSubscription`].
    CheckSubscription,
    /// See [`Fix::CheckSubscriptionState`].
    CheckSubscriptionState,
    /// See [`Fix::CheckWorkspaceName`].
    CheckWorkspaceName,
    /// See [`Fix::RegisterProvider`], for Azure Machine Learning.
    Register,
    /// See [`Fix::SetClock`].
    SetClock,
    /// See [`Fix::Retry`].
    Wait,
    /// A text with placeholders.
    Text(&'static str),
}

/// The names of a request or of a text. What is not known is a word in capitals, which the reader
/// replaces.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Names<'a> {
    pub(crate) subscription: &'a str,
    pub(crate) group: &'a str,
    /// Resource Manager's own resource, without a slash at the end.
    pub(crate) audience: &'a str,
    /// The tenant, if it is known.
    pub(crate) tenant: Option<&'a str>,
    pub(crate) account: &'a str,
    pub(crate) vault: &'a str,
    pub(crate) registry: &'a str,
    pub(crate) object: &'a str,
}

impl Default for Names<'_> {
    fn default() -> Self {
        Self {
            subscription: "ID",
            group: "GROUP",
            audience: "https://management.azure.com",
            tenant: None,
            account: "ACCOUNT",
            vault: "VAULT",
            registry: "REGISTRY",
            object: "OBJECT_ID",
        }
    }
}

impl Names<'_> {
    fn fill(&self, text: &str) -> String {
        let pairs = [
            ("{subscription}", self.subscription),
            ("{group}", self.group),
            ("{audience}", self.audience),
            ("{account}", self.account),
            ("{vault}", self.vault),
            ("{registry}", self.registry),
            ("{object}", self.object),
        ];
        let mut filled = text.to_owned();
        for (place, name) in pairs {
            if filled.contains(place) {
                filled = filled.replace(place, name);
            }
        }
        filled
    }
}

impl Row {
    const fn new(
        speaker: Speaker,
        code: &'static str,
        kind: ErrorKind,
        means: &'static str,
        remedy: Remedy,
    ) -> Self {
        Self {
            speaker,
            code,
            says: &[],
            kind,
            is_of_changes: false,
            means,
            remedy,
        }
    }

    const fn saying(mut self, says: &'static [&'static str]) -> Self {
        self.says = says;
        self
    }

    const fn of_changes(mut self) -> Self {
        self.is_of_changes = true;
        self
    }

    /// What stands for it in a text. Any one counts.
    pub(crate) fn words(&self) -> impl Iterator<Item = &'static str> {
        let code = self.says.is_empty().then_some(self.code);
        self.says.iter().copied().chain(code)
    }

    /// What the code means for a request with these names.
    pub(crate) fn means(&self, names: &Names<'_>) -> String {
        names.fill(self.means)
    }

    /// What fixes the error; empty where only the message says which role is missing.
    pub(crate) fn fix(&self, names: &Names<'_>) -> Fix {
        let sign_in = |way| {
            let mut to = SignIn::by(way);
            to.tenant = names.tenant.map(str::to_owned);
            Fix::from(to)
        };
        match self.remedy {
            Remedy::Grant => Fix::default(),
            Remedy::DataRole(role) => self.data_role(role, names).into(),
            Remedy::SignIn => sign_in(SignInWay::Any),
            Remedy::SignInByCode => sign_in(SignInWay::DeviceCode),
            Remedy::Tool(command) => Fix::SignInToTool {
                command: match names.tenant {
                    Some(tenant) => format!("{command} --tenant {tenant}"),
                    None => command.to_owned(),
                },
            },
            Remedy::CheckTenant => Fix::FindTenant,
            Remedy::ChooseWorkspace => Fix::choose_workspace(),
            Remedy::CheckResourceGroup => Fix::CheckResourceGroup {
                subscription: Some(names.subscription.to_owned()),
            },
            Remedy::CheckSubscription => Fix::CheckSubscription,
            Remedy::CheckSubscriptionState => Fix::CheckSubscriptionState,
            Remedy::CheckWorkspaceName => Fix::CheckWorkspaceName { seen: Vec::new() },
            Remedy::Register => Fix::RegisterProvider {
                namespace: "Microsoft.MachineLearningServices".into(),
                subscription: names.subscription.to_owned(),
            },
            Remedy::SetClock => Fix::SetClock,
            Remedy::Wait => Fix::Retry { after: None }.and(OUTAGES),
            Remedy::Text(text) => names.fill(text).into(),
        }
    }

    /// The assignment of a role for data. The text has the resource's name, and Azure CLI finds the
    /// scope by it.
    fn data_role(&self, role: &str, names: &Names<'_>) -> String {
        let (kind, name, show) = match self.speaker {
            Speaker::KeyVault => ("key vault", names.vault, "az keyvault show"),
            Speaker::ContainerRegistry => ("container registry", names.registry, "az acr show"),
            _ => ("storage account", names.account, "az storage account show"),
        };
        format!(
            "ask an owner of the {kind} to run `az role assignment create --assignee-object-id {} --role \"{role}\" --scope \"$({show} --name {name} --query id --output tsv)\"`",
            names.object
        )
    }

    /// Whether it passes by itself.
    pub(crate) const fn is_passing(&self) -> bool {
        matches!(self.remedy, Remedy::Wait)
    }
}

const OUTAGES: &str = "https://azure.status.microsoft shows outages";

/// All rows, one table a speaker.
const TABLES: [&[Row]; 7] = [
    resource_manager::ROWS,
    graph::ROWS,
    storage::ROWS,
    machine_learning::ROWS,
    vault::ROWS,
    registry::ROWS,
    sdk::ROWS,
];

/// All rows.
pub(crate) fn rows() -> impl Iterator<Item = &'static Row> {
    TABLES.into_iter().flatten()
}

/// The row of a service's code, for a request that changes something or only reads. Upper and lower
/// case are equal.
pub(crate) fn of(speaker: Speaker, code: &str, changes: bool) -> Option<&'static Row> {
    let rows =
        || rows().filter(|row| row.speaker == speaker && row.code.eq_ignore_ascii_case(code));
    let of_kind = rows().find(|row| row.is_of_changes == changes);
    of_kind.or_else(|| rows().next())
}
