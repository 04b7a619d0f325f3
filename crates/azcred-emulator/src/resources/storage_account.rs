//! Storage accounts as resources: the settings that Blob Storage obeys.

use super::{Resource, Resources, Scope};
use serde_json::{Value, json};
use time::OffsetDateTime;

/// The type.
pub(crate) const STORAGE_ACCOUNT_TYPE: &str = "Microsoft.Storage/storageAccounts";

/// Sets the properties of an account that the service determines, and those that it has without
/// being told. Existing values are kept.
pub(crate) fn complete_account(account: &mut Resource, now: OffsetDateTime) {
    let name = account.id.name().to_owned();
    let location = account.location.clone().unwrap_or_default();
    let at = |kind: &str| format!("https://{name}.{kind}.core.windows.net/");
    let created = crate::text::iso(now.unix_timestamp());
    let rules = json!({"bypass": "AzureServices", "virtualNetworkRules": [], "ipRules": [], "defaultAction": "Allow"});
    for (name, value) in [
        ("provisioningState", json!("Succeeded")),
        ("creationTime", json!(created)),
        ("accessTier", json!("Hot")),
        ("allowBlobPublicAccess", json!(false)),
        ("minimumTlsVersion", json!("TLS1_2")),
        ("supportsHttpsTrafficOnly", json!(true)),
        ("networkAcls", rules),
        ("primaryLocation", json!(location)),
        ("statusOfPrimary", json!("available")),
        (
            "primaryEndpoints",
            json!({"blob": at("blob"), "dfs": at("dfs"), "file": at("file"), "queue": at("queue"), "table": at("table")}),
        ),
    ] {
        account.properties.entry(name).or_insert(value);
    }
}

/// A storage account's settings.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StorageAccount<'a>(pub(crate) &'a Resource);

impl Resources {
    /// The storage account with this name, in any case. Names are unique in all of Azure.
    pub(crate) fn storage_account(&self, name: &str) -> Option<StorageAccount<'_>> {
        let mut all = self.resources();
        all.find(|one| one.is_a(STORAGE_ACCOUNT_TYPE) && one.id.name().eq_ignore_ascii_case(name))
            .map(StorageAccount)
    }
}

impl<'a> StorageAccount<'a> {
    /// Its id.
    pub(crate) fn id(&self) -> &'a Scope {
        &self.0.id
    }

    /// Whether its keys, and what they signed, are accepted: so unless that is switched off.
    pub(crate) fn allows_shared_key(&self) -> bool {
        self.0.properties.get("allowSharedKeyAccess") != Some(&Value::Bool(false))
    }

    /// Whether containers can be read without signing in.
    pub(crate) fn allows_public_access(&self) -> bool {
        self.0.properties.get("allowBlobPublicAccess") == Some(&Value::Bool(true))
    }

    /// Whether its firewall lets a client with this address in.
    pub(crate) fn admits(&self, address: &str) -> bool {
        let text = |value: Option<&'a Value>| value.and_then(Value::as_str).unwrap_or_default();
        if text(self.0.properties.get("publicNetworkAccess")).eq_ignore_ascii_case("Disabled") {
            return false;
        }
        let Some(rules) = self.0.properties.get("networkAcls") else {
            return true;
        };
        let allowed = rules.get("ipRules").and_then(Value::as_array);
        let mut allowed = allowed.into_iter().flatten();
        !text(rules.get("defaultAction")).eq_ignore_ascii_case("Deny")
            || allowed.any(|rule| rule.get("value").and_then(Value::as_str) == Some(address))
    }
}
