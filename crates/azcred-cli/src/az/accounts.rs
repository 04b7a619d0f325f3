//! The subscriptions of an identity, in the form of Azure CLI's file `azureProfile.json`.
//!
//! Whose file it is depends on the identity. For the account of Azure CLI, it is Azure CLI's own,
//! which is never written to. In the folder that `azcred exec` makes for a program, it is that
//! folder's. For every other identity, it is one in azcred's data folder.

use super::{
    Trouble,
    identity::Identity,
    output::Format,
    said,
    value::{Object, Value},
};
use crate::failure::{Failure, Kind};
use azcred::{
    PrincipalKind, TenantId, UsedKind,
    chain::Source,
    shown_path,
    system::{System, data_folder, home, path},
};
use azcred_azure::{ResourceManager, Subscription, Tenant};
use std::{path::PathBuf, sync::Arc};

/// The file that marks a folder of Azure CLI's as one that `azcred exec` made for its program.
pub(crate) const OWN_FOLDER: &str = "made-by-azcred-exec";

const FILE: &str = "azureProfile.json";
/// The largest file that is read. Real ones are smaller.
const LIMIT: u64 = 16 << 20;
/// Azure CLI's name of a tenant without a subscription.
const TENANT_LEVEL: &str = "N/A(tenant level account)";
const SUBSCRIPTIONS: &str = "subscriptions";

/// Where the subscriptions are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Keeper {
    /// Azure CLI, in this file.
    AzureCli(PathBuf),
    /// azcred, in this file.
    Own(PathBuf),
    /// Nothing: there is no home folder.
    Nowhere,
}

/// The subscriptions of an identity.
pub(super) struct Accounts {
    /// The whole file.
    document: Object,
    pub(super) list: Vec<Object>,
    pub(super) cloud: String,
    pub(super) keeper: Keeper,
}

/// Azure CLI's folder.
pub(crate) fn folder(system: &dyn System) -> Option<PathBuf> {
    path(system, "AZURE_CONFIG_DIR").or_else(|| Some(home(system)?.join(".azure")))
}

/// Azure CLI's folder, if `azcred exec` made it for this program.
pub(super) fn own_folder(system: &dyn System) -> Option<PathBuf> {
    folder(system).filter(|folder| system.look(&folder.join(OWN_FOLDER)).is_ok())
}

impl Keeper {
    fn of(identity: &Identity) -> Self {
        let system = identity.system();
        if identity.source == Source::AzureCli {
            return folder(system)
                .map_or(Self::Nowhere, |folder| Self::AzureCli(folder.join(FILE)));
        }
        let own = own_folder(system).filter(|_| identity.source == Source::ManagedIdentity);
        if let Some(folder) = own {
            return Self::Own(folder.join(FILE));
        }
        let principal = identity.principal.as_ref();
        let ids =
            principal.and_then(|one| Some((one.tenant_id.as_ref()?, one.object_id.as_ref()?)));
        let name = ids.and_then(|(tenant, object)| {
            // They come from a token, and become a file's name.
            let is_id =
                |id: &str| id.len() == 36 && id.chars().all(|c| c.is_ascii_hexdigit() || c == '-');
            (is_id(tenant) && is_id(object)).then(|| format!("{tenant}.{object}.json"))
        });
        match (name, data_folder(system)) {
            (Some(name), Some(folder)) => Self::Own(folder.join("az").join(name)),
            _ => Self::Nowhere,
        }
    }

    /// The file's content, if there is a file of the known form.
    fn read(&self, system: &dyn System) -> Option<Object> {
        let (Self::AzureCli(path) | Self::Own(path)) = self else {
            return None;
        };
        let bytes = system.read(path, LIMIT).ok()?;
        // Azure CLI writes a byte order mark.
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
        match serde_json::from_slice(bytes).ok()? {
            Value::Object(document) => Some(document),
            _ => None,
        }
    }
}

impl Accounts {
    /// The subscriptions that are known without a request; `None` if there are none.
    pub(super) fn known(identity: &Identity) -> Result<Option<Self>, Failure> {
        let keeper = Keeper::of(identity);
        let Some(mut document) = keeper.read(identity.system()) else {
            return Ok(None);
        };
        let list = match document.remove(SUBSCRIPTIONS) {
            Some(Value::List(list)) => list.into_iter().filter_map(|one| match one {
                Value::Object(one) if !one.text("id").is_empty() => Some(one),
                _ => None,
            }),
            _ => return Ok(None),
        };
        Ok(Some(Self {
            document,
            list: list.collect(),
            cloud: identity.cloud()?,
            keeper,
        })
        .filter(|accounts| !accounts.list.is_empty()))
    }

    /// The subscriptions. Azure Resource Manager lists them if they are not known, or with
    /// `refresh`; they are known afterwards.
    pub(super) async fn load(identity: &Identity, refresh: bool) -> Result<Self, Trouble> {
        let known = Self::known(identity)?;
        let keeper = Keeper::of(identity);
        if let Keeper::AzureCli(_) = keeper {
            return known.ok_or_else(|| said("Please run 'az login' to setup account."));
        }
        let before = match (known, refresh) {
            (Some(known), false) => return Ok(known),
            (known, _) => known,
        };
        let chosen = before.as_ref().and_then(|before| before.chosen());
        let list = listed(identity, chosen.map(|one| one.text("id").to_owned())).await?;
        let accounts = Self {
            document: before.map(|before| before.document).unwrap_or_default(),
            list,
            cloud: identity.cloud()?,
            keeper,
        };
        // They can be listed again.
        if let Err(failure) = accounts.keep(identity.system()) {
            tracing::debug!(why = %failure.why, "the subscriptions can't be kept");
        }
        Ok(accounts)
    }

    fn here(&self) -> impl Iterator<Item = &Object> {
        let here = |one: &&Object| one.text("environmentName") == self.cloud;
        self.list.iter().filter(here)
    }

    fn chosen(&self) -> Option<&Object> {
        self.here().find(|one| one.is("isDefault"))
    }

    /// The subscription with this id or name, or the default one.
    ///
    /// # Errors
    /// In Azure CLI's words.
    pub(super) fn find(&self, subscription: Option<&str>) -> Result<&Object, Trouble> {
        let Some(asked) = subscription else {
            return self.chosen().ok_or_else(|| {
                said("No subscription found. Run 'az account set' to select a subscription.")
            });
        };
        match &self.matching(asked)[..] {
            [] => Err(said(format!(
                "Subscription '{asked}' not found. Check the spelling and casing and try again."
            ))),
            [one] => Ok(one),
            _ => Err(said(format!(
                "Multiple subscriptions with the name '{asked}' found. Specify the subscription ID."
            ))),
        }
    }

    fn matching(&self, asked: &str) -> Vec<&Object> {
        let asked = asked.to_lowercase();
        let is_it = |one: &&Object| {
            one.text("id").to_lowercase() == asked || one.text("name").to_lowercase() == asked
        };
        self.here().filter(is_it).collect()
    }

    /// Makes a subscription the default one.
    ///
    /// # Errors
    /// In Azure CLI's words.
    pub(super) fn choose(&mut self, subscription: &str) -> Result<(), Trouble> {
        let id = match &self.matching(subscription)[..] {
            [one] => one.text("id").to_owned(),
            found => {
                let wrong = match found {
                    [] => "doesn't exist",
                    _ => "has more than one match",
                };
                return Err(said(format!(
                    "The subscription of '{}' {wrong} in cloud '{}'.",
                    subscription.to_lowercase(),
                    self.cloud
                )));
            }
        };
        for one in &mut self.list {
            let is_it = one.text("id") == id;
            one.set("isDefault", Value::Bool(is_it));
        }
        Ok(())
    }

    /// Writes azcred's file.
    pub(super) fn keep(&self, system: &dyn System) -> Result<(), Failure> {
        let Keeper::Own(path) = &self.keeper else {
            return Err(Failure::new(
                Kind::Failed,
                "could not store the subscription",
                "there is no home folder",
            )
            .fix("set HOME to a folder of your own"));
        };
        let mut document = self.document.clone();
        let list = self.list.iter().cloned().map(Value::from).collect();
        document.set(SUBSCRIPTIONS, Value::List(list));
        let text = Format::Json.show(&document.into(), false);
        let written = path
            .parent()
            .map_or(Ok(()), |folder| {
                let own = data_folder(system).filter(|own| folder.starts_with(own));
                system.make_folder(folder, own.as_deref().unwrap_or(folder))
            })
            .and_then(|()| system.write(path, text.as_bytes()));
        written.map_err(|error| {
            Failure::new(
                Kind::Failed,
                "could not store the subscription",
                format!("{}: {error}", shown_path(path)),
            )
        })
    }
}

/// The subscriptions that Azure Resource Manager lists, as `az login` stores them.
async fn listed(identity: &Identity, before: Option<String>) -> Result<Vec<Object>, Failure> {
    let manager = |tenant: Option<&str>| {
        let credential = Arc::new(identity.session.clone());
        let manager = ResourceManager::new(identity.session.options(), credential)?;
        Ok::<_, Failure>(match tenant.map(TenantId::new) {
            Some(tenant) => manager.in_tenant(tenant?),
            None => manager,
        })
    };
    let home = identity.tenant().unwrap_or_default().to_owned();
    let tenants = match is_person(identity) {
        true => manager(None)?.tenants().await.map(|found| found.value),
        false => Ok(Vec::new()),
    };
    let tenants = tenants.unwrap_or_else(|error| {
        tracing::debug!(%error, "the tenants can't be listed");
        Vec::new()
    });
    let mut list = Vec::new();
    let entry = |one: &Subscription, tenant: &str, known: Option<&Tenant>| {
        account(identity, one, tenant, known)
    };
    let own = tenants
        .iter()
        .find(|tenant| tenant.tenant_id.eq_ignore_ascii_case(&home));
    for one in manager(None)?.subscriptions().await?.value {
        list.push(entry(&one, &home, own)?);
    }
    for tenant in &tenants {
        if tenant.tenant_id.eq_ignore_ascii_case(&home) {
            continue;
        }
        // A guest's tenant may demand another sign-in, which is no reason to fail.
        let id = tenant.tenant_id.as_str();
        match manager(Some(id))?.subscriptions().await {
            Ok(found) => {
                for one in found.value {
                    let is_new = |own: &Object| own.text("id") != one.subscription_id.as_str();
                    if list.iter().all(is_new) {
                        list.push(entry(&one, id, Some(tenant))?);
                    }
                }
            }
            Err(error) => tracing::debug!(%error, tenant = id, "its subscriptions can't be listed"),
        }
    }
    if list.is_empty() {
        list.push(tenant_level(identity, &home)?);
    }
    let workspace = identity.session.workspace().ok().flatten();
    let workspace = workspace.map(|found| found.workspace.subscription().to_owned());
    let wanted: Vec<String> = [before, workspace].into_iter().flatten().collect();
    let mut wanted = wanted.iter().filter_map(|id| {
        list.iter()
            .position(|one| one.text("id").eq_ignore_ascii_case(id))
    });
    let enabled = || list.iter().position(|one| one.text("state") == "Enabled");
    let default = wanted.next().or_else(enabled).unwrap_or(0);
    drop(wanted);
    list[default].set("isDefault", Value::Bool(true));
    Ok(list)
}

fn is_person(identity: &Identity) -> bool {
    let principal = identity.principal.as_ref();
    identity.source != Source::ManagedIdentity
        && principal.is_some_and(|principal| principal.kind == PrincipalKind::User)
}

/// A subscription as `az login` stores it, with the members in its order.
fn account(
    identity: &Identity,
    one: &Subscription,
    tenant: &str,
    known: Option<&Tenant>,
) -> Result<Object, Failure> {
    let home = one.tenant_id.as_ref().map_or(tenant, |id| id.as_str());
    let mut account = Object::of([
        ("id", Value::text(one.subscription_id.as_str())),
        ("name", Value::text(one.display_name.as_str())),
        ("state", Value::text(one.state.as_str())),
        ("user", user(identity).into()),
        ("isDefault", Value::Bool(false)),
        ("tenantId", Value::text(tenant)),
        ("environmentName", Value::text(identity.cloud()?)),
        ("homeTenantId", Value::text(home)),
    ]);
    // `az login` reads them for people only.
    if let Some(known) = known {
        let text = |text: &Option<azcred::Untrusted>| {
            text.as_ref()
                .map_or(Value::Null, |text| Value::text(text.as_str()))
        };
        account.set("tenantDefaultDomain", text(&known.default_domain));
        account.set("tenantDisplayName", text(&known.display_name));
    }
    account.set("managedByTenants", Value::List(Vec::new()));
    Ok(account)
}

fn tenant_level(identity: &Identity, tenant: &str) -> Result<Object, Failure> {
    Ok(Object::of([
        ("id", Value::text(tenant)),
        ("name", Value::text(TENANT_LEVEL)),
        ("state", Value::text("Enabled")),
        ("user", user(identity).into()),
        ("isDefault", Value::Bool(false)),
        ("tenantId", Value::text(tenant)),
        ("environmentName", Value::text(identity.cloud()?)),
    ]))
}

/// The member `user`: a person by the sign-in name, an application by its client id, and a managed
/// identity by Azure CLI's two names.
fn user(identity: &Identity) -> Object {
    let service = |name: &str| {
        Object::of([
            ("name", Value::text(name)),
            ("type", Value::text("servicePrincipal")),
        ])
    };
    if identity.source == Source::ManagedIdentity {
        let used = &identity.used;
        let by = match (&used.client_id, &used.kind) {
            (Some(id), _) => Some(format!("MSIClient-{id}")),
            (
                None,
                UsedKind::ManagedIdentity {
                    object_id: Some(id),
                    ..
                },
            ) => Some(format!("MSIObject-{id}")),
            (
                None,
                UsedKind::ManagedIdentity {
                    resource_id: Some(id),
                    ..
                },
            ) => Some(format!("MSIResource-{id}")),
            _ => None,
        };
        let mut user = service(match by {
            Some(_) => "userAssignedIdentity",
            None => "systemAssignedIdentity",
        });
        let info = by.unwrap_or_else(|| "MSI".to_owned());
        user.set("assignedIdentityInfo", Value::text(info));
        return user;
    }
    let principal = identity.principal.as_ref();
    let name = principal.and_then(|one| one.user_name.as_deref());
    let id = principal.and_then(|one| one.application_id.as_deref());
    match name.filter(|_| is_person(identity)) {
        Some(name) => Object::of([("name", Value::text(name)), ("type", Value::text("user"))]),
        None => service(id.unwrap_or_default()),
    }
}
