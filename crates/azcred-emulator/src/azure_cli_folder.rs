//! A folder of Azure CLI in which a user is signed in, for `AZURE_CONFIG_DIR`.
//!
//! The files are those that Azure CLI 2.91 writes on Linux after `az login`: its profile (with the
//! byte order mark), its settings, and MSAL's token cache in schema 3. A real `az` can use them.

use crate::{
    directory::{AZURE_CLI, Directory, Tenant, User},
    entra::{Session, signed_in},
    entra_state::Proofs,
    resources::{Principals, Scope},
    state::StateDir,
    state_error::StateError,
    world::World,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::path::PathBuf;
use uuid::Uuid;
use zeroize::Zeroizing;

/// The scope that Azure CLI requests when a user signs in.
const SCOPE: &str = "https://management.core.windows.net//.default offline_access openid profile";

/// A signed-in Azure CLI, with one folder for each way into the emulator.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AzureCliInfo {
    /// The signed-in user.
    pub user_principal_name: String,
    /// The folder for a program that uses Azure's real names.
    pub names: PathBuf,
    /// The folder for a program that uses ports. There, MSAL knows the authority as `localhost`.
    pub ports: PathBuf,
}

/// The user who is signed in to Azure CLI: the tenant's first user, by object id, who can sign in
/// with only a password.
pub(crate) fn person(directory: &Directory, tenant: Uuid) -> Option<&User> {
    directory.people().find(|user| {
        let hindered = user.locked || user.password_expired || directory.needs_mfa(user);
        user.tenant == tenant && user.password.is_some() && user.enabled && !hindered
    })
}

/// How one folder differs from the other.
struct FolderFormat {
    folder: &'static str,
    /// MSAL's name of the authority, without the port.
    environment: &'static str,
    /// Azure CLI's name of the cloud. By ports, the name in ARM's metadata.
    cloud: &'static str,
    /// Further settings. By ports, MSAL would request Microsoft's list of known authorities.
    settings: &'static str,
}

const NAMES: FolderFormat = FolderFormat {
    folder: "azure-cli-names",
    environment: "login.microsoftonline.com",
    cloud: "AzureCloud",
    settings: "",
};

const PORTS: FolderFormat = FolderFormat {
    folder: "azure-cli-ports",
    environment: "localhost",
    cloud: "AzureEmulator",
    settings: "[core]\ninstance_discovery = false\n\n",
};

/// Signs a user in and writes both folders. Files of an earlier start are overwritten.
///
/// # Errors
/// When the state folder can't be written.
pub(crate) fn write(
    world: &World,
    state: &StateDir,
    account: Uuid,
) -> Result<Option<AzureCliInfo>, StateError> {
    let directory = world.directory();
    let Some(account) = directory.users.get(&account) else {
        return Ok(None);
    };
    // The time before the sign-in: the cache never says that a token lives longer than it does.
    let now = world.clock.unix();
    let Some(responses) = responses(world, &directory, account) else {
        return Ok(None);
    };
    let cache = |format: &FolderFormat| token_cache(account, &responses, format.environment, now);
    let (Some(by_names), Some(by_ports)) = (cache(&NAMES), cache(&PORTS)) else {
        return Ok(None);
    };
    let write = |format: &FolderFormat, cache: &Value| {
        let profile = profile(world, &directory, account, format.cloud);
        write_files(state, format, &profile, cache)
    };
    Ok(Some(AzureCliInfo {
        user_principal_name: account.user_principal_name.clone(),
        names: write(&NAMES, &by_names)?,
        ports: write(&PORTS, &by_ports)?,
    }))
}

fn write_files(
    state: &StateDir,
    format: &FolderFormat,
    profile: &Value,
    cache: &Value,
) -> Result<PathBuf, StateError> {
    let folder = state.folder(format.folder)?;
    let default = profile["subscriptions"][0]["id"]
        .as_str()
        .unwrap_or_default();
    let (cloud, settings) = (format.cloud, format.settings);
    for (file, content) in [
        ("azureProfile.json", format!("\u{feff}{profile}")),
        (
            "clouds.config",
            format!("[{cloud}]\nsubscription = {default}\n\n"),
        ),
        ("config", format!("[cloud]\nname = {cloud}\n\n{settings}")),
        ("msal_token_cache.json", format!("{cache:#}")),
    ] {
        let content = Zeroizing::new(content);
        state.publish(&format!("{}/{file}", format.folder), content.as_bytes())?;
    }
    Ok(folder)
}

/// The tenants in which an account is a member or a guest, each with its user there.
fn tenants<'a>(directory: &'a Directory, account: &User) -> Vec<(&'a Tenant, &'a User)> {
    let all = directory.tenants_of(account).into_iter();
    all.filter_map(|id| {
        Some((
            directory.tenants.get(&id)?,
            directory.account_in(account, id)?,
        ))
    })
    .collect()
}

/// `azureProfile.json`: the user's subscriptions in all tenants. The first is the default.
fn profile(world: &World, directory: &Directory, account: &User, cloud: &str) -> Value {
    let resources = world.resources();
    let mut subscriptions: Vec<Value> = Vec::new();
    for (tenant, user) in tenants(directory, account) {
        let who = Principals {
            principal: user.id,
            groups: directory.groups_of(user.id),
        };
        let seen = resources
            .subscriptions()
            .filter(|one| one.tenant == tenant.id)
            .filter(|one| resources.is_visible(&who, &Scope::subscription(one.id)));
        for subscription in seen {
            subscriptions.push(json!({
                "id": subscription.id,
                "name": subscription.name,
                "state": subscription.state.as_str(),
                "user": {"name": account.user_principal_name, "type": "user"},
                "isDefault": subscriptions.is_empty(),
                "tenantId": tenant.id,
                "environmentName": cloud,
                "homeTenantId": subscription.tenant,
                "tenantDefaultDomain": tenant.default_domain(),
                "tenantDisplayName": tenant.name,
                "managedByTenants": subscription.managed_by(),
            }));
        }
    }
    // For an account without subscriptions, `az login --allow-no-subscriptions` writes this.
    if subscriptions.is_empty() {
        subscriptions.push(json!({
            "id": account.tenant,
            "name": "N/A(tenant level account)",
            "state": "Enabled",
            "user": {"name": account.user_principal_name, "type": "user"},
            "isDefault": true,
            "tenantId": account.tenant,
            "environmentName": cloud,
        }));
    }
    json!({"subscriptions": subscriptions, "installationId": Uuid::new_v4()})
}

/// The responses that Azure CLI gets while a user signs in: first from `organizations`, then from
/// each tenant. Each comes with the last segment of its authority.
fn responses(world: &World, directory: &Directory, account: &User) -> Option<Vec<(String, Value)>> {
    let application = directory.applications.get(&AZURE_CLI)?;
    let home = directory.tenants.get(&account.tenant)?;
    let (id, proofs) = (Uuid::new_v4(), Proofs::by_password(world.clock.unix()));
    let sign_in = ("organizations".to_owned(), home, account);
    let tenants = tenants(directory, account).into_iter();
    let tenants = tenants.map(|(tenant, user)| (tenant.id.to_string(), tenant, user));
    std::iter::once(sign_in)
        .chain(tenants)
        .map(|(realm, tenant, user)| {
            let session = Session {
                account,
                tenant,
                user,
                application,
                id,
                proofs,
                nonce: None,
                by_device_code: false,
            };
            Some((realm, signed_in(world, directory, &session, SCOPE)?))
        })
        .collect()
}

/// `msal_token_cache.json` after these responses, which came at `now`.
fn token_cache(
    account: &User,
    responses: &[(String, Value)],
    environment: &str,
    now: i64,
) -> Option<Value> {
    let home_account = format!("{}.{}", account.id, account.tenant);
    let mut access = Map::new();
    let mut ids = Map::new();
    let mut refresh = Map::new();
    let mut family = Value::Null;
    for (realm, answer) in responses {
        let text = |name: &str| answer[name].as_str().map(str::to_owned);
        // MSAL sorts the scopes.
        let mut target: Vec<&str> = answer["scope"].as_str()?.split(' ').collect();
        target.sort_unstable();
        let target = target.join(" ");
        let lifetime = answer["expires_in"].as_i64()?;
        let key = |kind: &str, realm: &str, target: &str| {
            format!("{home_account}-{environment}-{kind}-{AZURE_CLI}-{realm}-{target}")
                .to_lowercase()
        };
        let entry = |kind: &str, secret: String| {
            json!({
                "credential_type": kind,
                "secret": secret,
                "home_account_id": home_account,
                "environment": environment,
                "client_id": AZURE_CLI,
            })
        };
        let mut token = entry("AccessToken", text("access_token")?);
        token["target"] = target.as_str().into();
        token["realm"] = realm.as_str().into();
        token["token_type"] = "Bearer".into();
        token["cached_at"] = now.to_string().into();
        token["expires_on"] = (now + lifetime).to_string().into();
        token["extended_expires_on"] = (now + lifetime).to_string().into();
        if let Some(refresh_in) = answer["refresh_in"].as_i64() {
            token["refresh_on"] = (now + refresh_in).to_string().into();
        }
        access.insert(key("accesstoken", realm, &target), token);
        let mut id = entry("IdToken", text("id_token")?);
        id["realm"] = realm.as_str().into();
        ids.insert(key("idtoken", realm, ""), id);
        // One refresh token for all tenants: each response replaces the one before.
        let mut next = entry("RefreshToken", text("refresh_token")?);
        next["target"] = target.as_str().into();
        next["last_modification_time"] = now.to_string().into();
        family = answer["foci"].clone();
        next["family_id"] = family.clone();
        refresh.insert(key("refreshtoken", "", &target), next);
    }
    Some(json!({
        "AccessToken": access,
        "Account": {
            format!("{home_account}-{environment}-organizations"): {
                "home_account_id": home_account,
                "environment": environment,
                "realm": "organizations",
                "local_account_id": account.id,
                "username": account.user_principal_name,
                "authority_type": "MSSTS",
                "account_source": "password",
            },
        },
        "IdToken": ids,
        "RefreshToken": refresh,
        "AppMetadata": {
            format!("appmetadata-{environment}-{AZURE_CLI}"): {
                "client_id": AZURE_CLI,
                "environment": environment,
                "family_id": family,
            },
        },
    }))
}
