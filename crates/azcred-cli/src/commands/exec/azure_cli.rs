//! The program's own folder of Azure CLI: signed in as the managed identity that the endpoint is.
//!
//! The files are those that Azure CLI 2.91 writes after `az login --identity`. They have no token:
//! Azure CLI requests one from the endpoint each time. Its library reads the same files, and so
//! does azureml-core's `AzureCliAuthentication`.

use super::environment::{Inherited, value_of};
use crate::az::{Link, LinkTrouble, OWN_FOLDER, TENANT_LEVEL};
use azcred::{
    Cloud, Session,
    workspace::{Located, subscription_id},
};
use serde_json::{Value, json};
use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// What Azure CLI knows of its account.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Account {
    tenant: String,
    subscription: Option<String>,
    cloud: String,
}

impl Account {
    /// The account of a session: its tenant, and the subscription of its workspace or of the
    /// variables. `None` if the tenant is not known.
    pub(super) fn of(session: &Session, tenant: Option<String>, user: &Inherited) -> Option<Self> {
        let text = |name: &str| value_of(user, name)?.to_str().map(str::to_owned);
        let located = session.workspace().ok().flatten();
        let of_workspace = |found: &Located| found.workspace.subscription().to_owned();
        let named = ["AZURE_SUBSCRIPTION_ID", "ARM_SUBSCRIPTION_ID"];
        let named = || named.into_iter().find_map(text);
        let subscription = located.as_ref().map(of_workspace).or_else(named);
        Some(Self {
            tenant: tenant.or_else(|| text("AZURE_TENANT_ID"))?,
            subscription: subscription.and_then(|id| subscription_id(&id).ok()),
            // Azure CLI reads the variable first, and its subscriptions are those of this cloud.
            cloud: text("AZURE_CLOUD_NAME").unwrap_or_else(|| {
                let cloud = session.options().cloud().unwrap_or_default();
                cloud_name(&cloud).to_owned()
            }),
        })
    }

    fn profile(&self) -> Value {
        // Without a subscription, `az login --allow-no-subscriptions` writes this.
        let (id, name) = match &self.subscription {
            Some(id) => (id, id.as_str()),
            None => (&self.tenant, TENANT_LEVEL),
        };
        let subscription = json!({
            "id": id,
            "name": name,
            "state": "Enabled",
            "user": {
                "name": "systemAssignedIdentity",
                "type": "servicePrincipal",
                "assignedIdentityInfo": "MSI",
            },
            "isDefault": true,
            "tenantId": self.tenant,
            "environmentName": self.cloud,
            "homeTenantId": self.tenant,
            "managedByTenants": [],
        });
        json!({"subscriptions": [subscription]})
    }
}

/// A cloud's name for Azure CLI, which knows no custom ones.
fn cloud_name(cloud: &Cloud) -> &str {
    match cloud.name() {
        "Custom" | "OpenID" => Cloud::PUBLIC.name(),
        name => name,
    }
}

/// Marks a folder as the program's own, which the stand-in for Azure CLI knows, and puts the
/// stand-in into it. Returns the folder for PATH.
pub(super) fn stand_in(folder: &Path) -> io::Result<PathBuf> {
    fs::write(folder.join(OWN_FOLDER), "")?;
    let programs = folder.join("bin");
    match Link::in_folder(&programs).make() {
        Ok(_) => Ok(programs),
        Err(LinkTrouble::Taken(_)) => Err(io::ErrorKind::AlreadyExists.into()),
        Err(LinkTrouble::Failed(_, error)) => Err(error),
    }
}

/// Signs Azure CLI in, in this folder.
pub(super) fn sign_in(folder: &Path, account: &Account) -> io::Result<()> {
    fs::write(
        folder.join("azureProfile.json"),
        account.profile().to_string(),
    )?;
    // A process of its own sends the telemetry, and would make the folder again after its end.
    let mut settings = "[core]\ncollect_telemetry = no\n".to_owned();
    let cloud = &account.cloud;
    if cloud != Cloud::PUBLIC.name() {
        settings.push_str(&format!("[cloud]\nname = {cloud}\n"));
    }
    fs::write(folder.join("config"), settings)
}

/// The user's extensions of Azure CLI, which are programs and not sign-ins: the folder that Azure
/// CLI would use without a folder of its own. `None` if a variable names one, or none exists.
pub(super) fn extensions(user: &Inherited) -> Option<PathBuf> {
    if value_of(user, "AZURE_EXTENSION_DIR").is_some() {
        return None;
    }
    let folder = match value_of(user, "AZURE_CONFIG_DIR") {
        Some(folder) => PathBuf::from(folder),
        None => std::env::home_dir()?.join(".azure"),
    };
    let folder = folder.join("cliextensions");
    folder.is_dir().then_some(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_profile_is_the_one_that_a_managed_identity_has() {
        let account = |subscription: Option<&str>| Account {
            tenant: "t".to_owned(),
            subscription: subscription.map(str::to_owned),
            cloud: "AzureChinaCloud".to_owned(),
        };
        let folder = tempfile::tempdir().unwrap();
        let programs = stand_in(folder.path()).unwrap();
        assert!(Link::in_folder(&programs).exists());
        sign_in(folder.path(), &account(Some("s"))).unwrap();
        let read = |name: &str| fs::read_to_string(folder.path().join(name)).unwrap();
        let profile: Value = serde_json::from_str(&read("azureProfile.json")).unwrap();
        let one = &profile["subscriptions"][0];
        assert_eq!((&one["id"], &one["tenantId"]), (&json!("s"), &json!("t")));
        assert_eq!(one["user"]["name"], "systemAssignedIdentity");
        assert_eq!(one["environmentName"], "AzureChinaCloud");
        assert_eq!(
            read("config"),
            "[core]\ncollect_telemetry = no\n[cloud]\nname = AzureChinaCloud\n"
        );
        let one = &account(None).profile()["subscriptions"][0];
        assert_eq!(one["id"], "t");
        assert_eq!(one["name"], "N/A(tenant level account)");
    }

    #[test]
    fn the_users_extensions_stay() {
        let folder = tempfile::tempdir().unwrap();
        let user = |name: &str| Inherited::from([(name.into(), folder.path().into())]);
        assert_eq!(extensions(&user("AZURE_CONFIG_DIR")), None);
        let its = folder.path().join("cliextensions");
        fs::create_dir(&its).unwrap();
        assert_eq!(extensions(&user("AZURE_CONFIG_DIR")), Some(its));
        assert_eq!(extensions(&user("AZURE_EXTENSION_DIR")), None);
    }
}
