//! What a running emulator serves: `emulator.json` in its state folder.

use crate::{
    azure_cli_folder::AzureCliInfo,
    ci::{AzurePipelinesInfo, GithubActionsInfo},
    directory::{Directory, User},
    homes::PERSONAS_FOLDER,
    identity_hosts::HostsInfo,
    projected_token::WorkloadInfo,
    resources::{Resources, Scope},
    state_error::StateError,
};
use azcred_guest::own_file;
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeSet,
    fmt,
    io::Read as _,
    path::{Path, PathBuf},
};
use uuid::Uuid;

/// The file's name in the state folder.
pub const FILE_NAME: &str = "emulator.json";
/// The format of the file. It is raised when older readers would misread it.
const VERSION: u32 = 1;
/// Limit for the file's size, far above a real one's.
pub(crate) const MAX_BYTES: u64 = 1024 * 1024;

/// The URLs of a running emulator, and the identities in it. It includes secrets: the file has mode
/// 0600, and `Debug` hides them.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Info {
    /// The format: 1.
    pub version: u32,
    /// The process id.
    pub pid: u32,
    /// When the emulator became ready, in seconds since 1970-01-01T00:00:00Z.
    pub started: i64,
    /// The state folder.
    pub state_dir: PathBuf,
    /// The folder with a folder for each persona, where its programs keep their sign-ins. Another
    /// one for another seed or other signing keys.
    #[serde(default)]
    pub personas_dir: Option<PathBuf>,
    /// Base URL of Entra ID without a trailing slash, for `AZURE_AUTHORITY_HOST`.
    pub login_url: String,
    /// Base URL of ARM, without a trailing slash.
    pub arm_url: String,
    /// Base URL of Microsoft Graph, without a trailing slash.
    pub graph_url: String,
    /// Base URL of Azure Machine Learning's own services, without a trailing slash. Empty for an
    /// emulator of an earlier version.
    #[serde(default)]
    pub ml_url: String,
    /// Base URL of Blob Storage, without a trailing slash. An account's address is
    /// `BLOB_URL/ACCOUNT`. Empty for an emulator of an earlier version.
    #[serde(default)]
    pub blob_url: String,
    /// The proxy for Azure's real names, for `HTTPS_PROXY`.
    pub proxy_url: String,
    /// The URL of the admin port, which controls the emulator.
    pub admin_url: String,
    /// The bearer token for the admin port.
    pub admin_token: String,
    /// The certificate of the emulator's authority in PEM.
    pub ca_certificate: PathBuf,
    /// The system's root certificates and the emulator's in PEM, for `SSL_CERT_FILE`.
    pub ca_bundle: PathBuf,
    /// The certificate of the emulator's authority in a trust store for Java, with the password
    /// `changeit`.
    pub java_trust_store: PathBuf,
    /// The first tenant of the seed.
    pub tenant: TenantInfo,
    /// The first workspace of the seed, if it has one.
    pub workspace: Option<WorkspaceInfo>,
    /// The applications of the seed, ordered by client id. The persona `service-principal` is the
    /// first with a valid secret and a service principal.
    pub identities: Vec<IdentityInfo>,
    /// The users of all tenants.
    #[serde(default)]
    pub users: Vec<UserInfo>,
    /// Azure CLI with a signed-in user.
    #[serde(default)]
    pub azure_cli: Option<AzureCliInfo>,
    /// A job in GitHub Actions, if the seed has an application that trusts its tokens.
    #[serde(default)]
    pub github_actions: Option<GithubActionsInfo>,
    /// A job in Azure Pipelines, if the seed has an application that trusts its tokens.
    #[serde(default)]
    pub azure_pipelines: Option<AzurePipelinesInfo>,
    /// The hosts of managed identities.
    #[serde(default)]
    pub identity_hosts: Option<HostsInfo>,
    /// A workload in a cluster, if the seed has one.
    #[serde(default)]
    pub workload: Option<WorkloadInfo>,
    /// All ports on which it listens. Emulators of earlier versions don't say.
    #[serde(default)]
    pub ports: BTreeSet<u16>,
}

/// A tenant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TenantInfo {
    /// Its id.
    pub id: Uuid,
    /// Its name.
    pub name: String,
    /// Its default domain.
    pub domain: String,
}

/// The location of a workspace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkspaceInfo {
    /// The subscription.
    pub subscription_id: Uuid,
    /// The resource group.
    pub resource_group: String,
    /// The workspace.
    pub name: String,
}

/// An application as which a program can sign in.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IdentityInfo {
    /// The display name.
    pub name: String,
    /// The client id.
    pub client_id: Uuid,
    /// The tenant it signs in to.
    pub tenant_id: Uuid,
    /// The object id of its service principal, if it has one.
    pub object_id: Option<Uuid>,
    /// Its newest secret.
    pub secret: Option<String>,
    /// Whether that secret has expired.
    pub secret_expired: bool,
    /// Its certificate and key in one PEM file, if the emulator made them.
    pub certificate_path: Option<PathBuf>,
    /// Its federated credentials.
    pub federated: Vec<FederatedInfo>,
    /// Whether its service principal is enabled.
    pub enabled: bool,
}

/// A user as whom a person can sign in.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserInfo {
    /// The display name.
    pub name: String,
    /// The sign-in name.
    pub user_principal_name: String,
    /// The tenant.
    pub tenant_id: Uuid,
    /// The object id.
    pub object_id: Uuid,
    /// The password. Guests have none.
    pub password: Option<String>,
    /// Whether the account is enabled.
    pub enabled: bool,
    /// Whether some resource requires a second factor.
    pub mfa_required: bool,
    /// The roles at the start, also those of groups: `Owner on the subscription Contoso ML`.
    #[serde(default)]
    pub roles: Vec<String>,
    /// The names of the Conditional Access policies that apply to some of the user's requests.
    #[serde(default)]
    pub policies: Vec<String>,
}

impl UserInfo {
    pub(crate) fn new(directory: &Directory, resources: &Resources, user: &User) -> Self {
        let password = user.password.as_ref();
        let mut holders = directory.groups_of(user.id);
        holders.insert(user.id);
        let assigned = resources.role_assignments();
        let assigned = assigned.filter(|one| holders.contains(&one.principal));
        let policies = directory.policies_of(user);
        Self {
            name: user.name.clone(),
            user_principal_name: user.user_principal_name.clone(),
            tenant_id: user.tenant,
            object_id: user.id,
            password: password.map(|password| password.expose().to_owned()),
            enabled: user.enabled,
            mfa_required: directory.needs_mfa(user),
            roles: assigned
                .map(|one| {
                    let role = resources.role(one.role);
                    let role = role.map_or_else(|| one.role.to_string(), |role| role.name.clone());
                    format!("{role} on {}", place(resources, &one.scope))
                })
                .collect(),
            policies: policies.map(|policy| policy.name.clone()).collect(),
        }
    }
}

/// A scope in a few words.
fn place(resources: &Resources, scope: &Scope) -> String {
    let subscription = scope.subscription_id();
    let name = subscription.and_then(|id| resources.subscription(id));
    match (scope.resource_type(), scope.resource_group(), name) {
        (Some(_), ..) => scope.name().to_owned(),
        (None, Some(group), _) => format!("the resource group {group}"),
        (None, None, Some(found)) => format!("the subscription {}", found.name),
        (None, None, None) => scope.key().to_owned(),
    }
}

/// A federated credential.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FederatedInfo {
    /// `iss`.
    pub issuer: String,
    /// `sub`.
    pub subject: String,
    /// `aud`.
    pub audience: String,
}

impl Info {
    pub(crate) const VERSION: u32 = VERSION;

    /// Reads the file in an emulator's state folder. `None` if there is no such file: no emulator
    /// was started there, or it has stopped properly. [`Info::is_alive`] says whether the emulator
    /// still runs.
    ///
    /// # Errors
    /// When the file can't be read, or does not come from an emulator of this version.
    pub fn load(state_dir: &Path) -> Result<Option<Self>, StateError> {
        let path = state_dir.join(FILE_NAME);
        let mut text = String::new();
        let read =
            own_file::open(&path).and_then(|file| file.take(MAX_BYTES).read_to_string(&mut text));
        match read {
            Ok(_) => {}
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(source) => {
                return Err(StateError::Io {
                    path,
                    what: "the file can't be read",
                    source,
                });
            }
        }
        let damaged = |why: String| StateError::Damaged {
            path: path.clone(),
            why,
            consequence: " when the emulator starts",
        };
        // Only the position of the error is reported, as the file contains secrets.
        let info: Self = serde_json::from_str(&text)
            .map_err(|e| damaged(format!("line {} column {}", e.line(), e.column())))?;
        if info.version != VERSION {
            return Err(damaged(format!(
                "its version is {}, not {VERSION}",
                info.version
            )));
        }
        Ok(Some(info))
    }

    /// The folder with a folder for each persona.
    pub(crate) fn personas_dir(&self) -> PathBuf {
        // An emulator of an older version does not say it.
        let usual = || self.state_dir.join(PERSONAS_FOLDER);
        self.personas_dir.clone().unwrap_or_else(usual)
    }

    /// The user with this sign-in name.
    pub fn user(&self, user_principal_name: &str) -> Option<&UserInfo> {
        let of_name = |user: &&UserInfo| {
            user.user_principal_name
                .eq_ignore_ascii_case(user_principal_name)
        };
        self.users.iter().find(of_name)
    }

    /// The identity with this name.
    pub fn identity(&self, name: &str) -> Option<&IdentityInfo> {
        self.identities
            .iter()
            .find(|identity| identity.name == name)
    }
}

impl fmt::Debug for Info {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Info")
            .field("pid", &self.pid)
            .field("state_dir", &self.state_dir)
            .field("login_url", &self.login_url)
            .field("arm_url", &self.arm_url)
            .field("proxy_url", &self.proxy_url)
            .field("admin_url", &self.admin_url)
            .field("tenant", &self.tenant)
            .field("workspace", &self.workspace)
            .field("identities", &self.identities)
            .field("identity_hosts", &self.identity_hosts)
            .field("workload", &self.workload)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for UserInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UserInfo")
            .field("user_principal_name", &self.user_principal_name)
            .field("password", &self.password.as_ref().map(|_| "****"))
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for IdentityInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IdentityInfo")
            .field("name", &self.name)
            .field("client_id", &self.client_id)
            .field("secret", &self.secret.as_ref().map(|_| "****"))
            .finish_non_exhaustive()
    }
}
