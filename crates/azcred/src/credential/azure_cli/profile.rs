//! Which account is signed in to Azure CLI: that of the default subscription or of a given one, as
//! `Profile.get_subscription` in azure-cli-core finds it.

use super::files::{CLOUD, CliSettings, Fact, Folder, INSTANCE_DISCOVERY, Limit, NotHere};
use crate::{
    cloud::Cloud,
    json,
    system::System,
    tenant::{TenantId, is_ad_fs},
    untrusted::Untrusted,
};
use serde::Deserialize;
use zeroize::Zeroizing;

const FILE: &str = "azureProfile.json";

/// An account and where it signs in.
#[derive(Debug)]
pub(super) struct CliSignIn {
    pub(super) account: CliAccount,
    /// The subscription's tenant: a GUID in lower case, as in MSAL's cache.
    pub(super) tenant: TenantId,
    /// The identity provider's host, as in MSAL's cache.
    pub(super) environment: String,
}

/// The kind of account.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum CliAccount {
    /// A person, by sign-in name.
    User(String),
    /// An application, by its client id.
    ServicePrincipal(String),
}

/// The result of reading the profile.
pub(super) enum ProfileLookup {
    /// An account is signed in.
    SignedIn(CliSignIn),
    /// Certainly no account is signed in.
    SignedOut,
}

#[derive(Deserialize)]
struct ProfileFile {
    #[serde(default)]
    subscriptions: Option<Vec<Subscription>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Subscription {
    id: String,
    name: String,
    #[serde(default)]
    is_default: Option<bool>,
    tenant_id: String,
    #[serde(default)]
    tenant_display_name: Option<String>,
    #[serde(default)]
    tenant_default_domain: Option<String>,
    environment_name: String,
    user: User,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct User {
    name: String,
    #[serde(rename = "type")]
    kind: String,
    #[serde(default, rename = "cloudShellID")]
    cloud_shell: Option<serde::de::IgnoredAny>,
    #[serde(default)]
    assigned_identity_info: Option<serde::de::IgnoredAny>,
}

/// Azure CLI's name of a cloud and its sign-in host, from `az cloud show`.
const CLOUDS: [(&str, &str); 3] = [
    ("AzureCloud", "login.microsoftonline.com"),
    ("AzureUSGovernment", "login.microsoftonline.us"),
    ("AzureChinaCloud", "login.chinacloudapi.cn"),
];

/// Finds the account. `tenant` and `subscription` replace the defaults.
pub(super) fn find(
    system: &dyn System,
    folder: &Folder<'_>,
    settings: &CliSettings,
    cloud: &Cloud,
    tenant: Option<&TenantId>,
    subscription: Option<&str>,
) -> Result<ProfileLookup, NotHere> {
    let bytes = read(folder)?;
    let (cloud_name, environment) = cloud_of(system, folder, settings, cloud)?;
    let mut here = subscriptions(&bytes)?
        .filter(|one| one.environment_name == cloud_name)
        .peekable();
    if here.peek().is_none() {
        return Ok(ProfileLookup::SignedOut);
    }
    let asked = subscription.map(str::to_lowercase);
    let mut matching = here.filter(|one| match &asked {
        None => one.is_default == Some(true),
        Some(asked) => one.id.to_lowercase() == *asked || one.name.to_lowercase() == *asked,
    });
    let one = match (matching.next(), matching.next()) {
        (Some(one), None) => one,
        (None, _) => {
            return Err(NotHere::because(
                "azureProfile.json does not list this subscription",
            ));
        }
        (Some(_), Some(_)) => {
            return Err(NotHere::because(
                "azureProfile.json lists several subscriptions of this name",
            ));
        }
    };
    if one.user.cloud_shell.is_some() || system.var("ACC_CLOUD").is_some() {
        return Err(NotHere::because("the account is Cloud Shell's"));
    }
    // A managed identity has one of two names, and another member says which kind it is.
    let is_managed = one.user.assigned_identity_info.is_some()
        || ["systemAssignedIdentity", "userAssignedIdentity"].contains(&one.user.name.as_str());
    if is_managed {
        return Err(NotHere::because("the account is a managed identity"));
    }
    let account = match one.user.kind.as_str() {
        _ if one.user.name.is_empty() => {
            return Err(NotHere::because("the account has no name"));
        }
        "user" => CliAccount::User(one.user.name),
        "servicePrincipal" => CliAccount::ServicePrincipal(one.user.name),
        _ => return Err(NotHere::because("the account is of an unknown kind")),
    };
    Ok(ProfileLookup::SignedIn(CliSignIn {
        account,
        tenant: guid(tenant.map_or(one.tenant_id.as_str(), TenantId::as_str))?,
        environment,
    }))
}

/// The file's content.
fn read(folder: &Folder<'_>) -> Result<Zeroizing<Vec<u8>>, NotHere> {
    let bytes = folder.read(FILE, Limit::PROFILE)?;
    bytes.ok_or_else(|| NotHere::because("azureProfile.json does not exist"))
}

/// The subscriptions in the file.
fn subscriptions(bytes: &[u8]) -> Result<impl Iterator<Item = Subscription>, NotHere> {
    let profile: ProfileFile = json::object(bytes)
        .ok_or_else(|| NotHere::because("azureProfile.json has an unknown format"))?;
    Ok(profile.subscriptions.into_iter().flatten())
}

/// The name of a tenant of a subscription, if Azure CLI has stored it.
pub(crate) fn tenant_name(system: &dyn System, tenant: &str) -> Option<Untrusted> {
    let bytes = read(&Folder::of(system)?).ok()?;
    let mut all = subscriptions(&bytes).ok()?;
    let one = all.find(|one| one.tenant_id.eq_ignore_ascii_case(tenant))?;
    let known = [one.tenant_display_name, one.tenant_default_domain];
    let name = known.into_iter().flatten().find(|name| !name.is_empty())?;
    Some(Untrusted::from(name))
}

/// Of an Azure Stack Hub without Microsoft Entra ID. Azure CLI itself signs in there.
const AD_FS: &str = "Azure CLI is signed in to AD FS";

/// Tokens are stored under the tenant's id, which a domain name does not show.
fn guid(tenant: &str) -> Result<TenantId, NotHere> {
    if is_ad_fs(tenant) {
        return Err(NotHere::because(AD_FS));
    }
    uuid::Uuid::try_parse(tenant)
        .ok()
        .filter(|_| tenant.len() == 36)
        .and_then(|id| TenantId::new(&id.hyphenated().to_string()).ok())
        .ok_or_else(|| NotHere::because("the tenant is named by a domain"))
}

/// The name and the sign-in host of Azure CLI's cloud, if it is the cloud in use.
fn cloud_of(
    system: &dyn System,
    folder: &Folder<'_>,
    settings: &CliSettings,
    cloud: &Cloud,
) -> Result<(String, String), NotHere> {
    let name = settings.get(system, &CLOUD);
    let name = name.unwrap_or_else(|| "AzureCloud".to_owned());
    let clouds = CliSettings::read(folder, "clouds.config")?;
    let is_known = |name: &str| CLOUDS.into_iter().find(|(known, _)| *known == name);
    if let Some((known, host)) = is_known(&name) {
        if known != cloud.name() {
            let why = format!("Azure CLI uses the cloud {known}, not {}", cloud.name());
            let not_here = NotHere::because(why);
            // A custom cloud may have the authority of a known one.
            return Err(match is_known(cloud.name()) {
                Some(_) => not_here.with_fact(Fact::OtherCloud {
                    theirs: known,
                    their_authority: host,
                    ours: cloud.name().to_owned(),
                }),
                None => not_here,
            });
        }
        if system.var("ARM_CLOUD_METADATA_URL").is_some() {
            return Err(NotHere::because(
                "ARM_CLOUD_METADATA_URL describes Azure CLI's clouds",
            ));
        }
        if clouds.has(known, "endpoint_") {
            return Err(NotHere::because(
                "the cloud's addresses are changed in clouds.config",
            ));
        }
        return Ok((name, host.to_owned()));
    }
    let endpoint = clouds.value(&name, "endpoint_active_directory");
    if endpoint.is_some_and(|endpoint| endpoint.split('/').any(is_ad_fs)) {
        return Err(NotHere::because(AD_FS));
    }
    // A custom cloud: its authority may have aliases that are unknown here, so the tokens must be
    // for the host in use. Without this setting, az would request the aliases from Microsoft.
    let authority = cloud.authority();
    let is_bare = authority
        .as_str()
        .split_once("://")
        .is_some_and(|(_, rest)| !rest.contains('/'));
    if is_known(cloud.name()).is_some()
        || !is_bare
        || settings.is_set(system, &INSTANCE_DISCOVERY, true)?
    {
        return Err(NotHere::because("Azure CLI uses a custom cloud"));
    }
    let elsewhere = clouds
        .value(&name, "endpoint_active_directory")
        .is_some_and(|endpoint| {
            !endpoint
                .trim_end_matches('/')
                .eq_ignore_ascii_case(authority.as_str())
        });
    if elsewhere {
        return Err(NotHere::because("Azure CLI's cloud uses another authority"));
    }
    let host = authority.host().to_lowercase();
    Ok((name, host))
}
