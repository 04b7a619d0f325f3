//! Key vaults as resources: the settings that Key Vault obeys.
//!
//! Property names: `Microsoft.KeyVault/vaults` of the Azure REST API specifications, and the
//! responses that Azure CLI's tests recorded.

use super::{Network, Principals, Resource, Resources};
use serde_json::{Value, json};
use uuid::Uuid;

/// The type.
pub(crate) const KEY_VAULT_TYPE: &str = "Microsoft.KeyVault/vaults";

/// Sets the properties of a vault that the service determines, and those that it has without being
/// told. Existing values are kept.
pub(super) fn complete_vault(vault: &mut Resource, tenant: Uuid) {
    let address = format!("https://{}.vault.azure.net/", vault.id.name());
    let rules = json!({"bypass": "AzureServices", "defaultAction": "Allow", "ipRules": [], "virtualNetworkRules": []});
    for (name, value) in [
        ("sku", json!({"family": "A", "name": "standard"})),
        ("tenantId", json!(tenant)),
        ("networkAcls", rules),
        ("accessPolicies", json!([])),
        ("enabledForDeployment", json!(false)),
        ("enabledForDiskEncryption", json!(false)),
        ("enabledForTemplateDeployment", json!(false)),
        ("enableSoftDelete", json!(true)),
        ("softDeleteRetentionInDays", json!(90)),
        ("enableRbacAuthorization", json!(true)),
        ("vaultUri", json!(address)),
        ("provisioningState", json!("Succeeded")),
        ("publicNetworkAccess", json!("Enabled")),
    ] {
        vault.properties.entry(name).or_insert(value);
    }
}

/// A key vault's settings.
#[derive(Clone, Copy, Debug)]
pub(crate) struct KeyVault<'a>(pub(crate) &'a Resource);

impl Resources {
    /// The key vault with this name, in any case. Names are unique in all of Azure.
    pub(crate) fn key_vault(&self, name: &str) -> Option<KeyVault<'_>> {
        let mut all = self.resources();
        all.find(|one| one.is_a(KEY_VAULT_TYPE) && one.id.name().eq_ignore_ascii_case(name))
            .map(KeyVault)
    }
}

impl<'a> KeyVault<'a> {
    fn property(self, name: &str) -> Option<&'a Value> {
        self.0.properties.get(name)
    }

    /// The tenant whose tokens it accepts.
    pub(crate) fn tenant(self) -> Option<Uuid> {
        self.property("tenantId")?.as_str()?.parse().ok()
    }

    /// Whether roles decide, and not its access policies.
    pub(crate) fn uses_roles(self) -> bool {
        self.property("enableRbacAuthorization") == Some(&Value::Bool(true))
    }

    /// How long a deleted secret can be recovered, in days.
    pub(crate) fn retention_days(self) -> i64 {
        let days = self.property("softDeleteRetentionInDays");
        days.and_then(Value::as_i64).unwrap_or(90)
    }

    /// Whether a deleted secret can be purged before that.
    pub(crate) fn allows_purge(self) -> bool {
        self.property("enablePurgeProtection") != Some(&Value::Bool(true))
    }

    /// What its network settings say to the emulator's clients.
    pub(crate) fn network(self) -> Network {
        Network::of(&self.0.properties, "networkAcls")
    }

    /// Whether an access policy gives a principal, or an application in the name of one, this
    /// permission on secrets.
    pub(crate) fn policies_permit(
        self,
        who: &Principals,
        application: Option<Uuid>,
        permission: &str,
    ) -> bool {
        let policies = self.property("accessPolicies").and_then(Value::as_array);
        policies.into_iter().flatten().any(|policy| {
            let id = |name: &str| policy.get(name)?.as_str()?.parse::<Uuid>().ok();
            let granted = policy.get("permissions").and_then(|all| all.get("secrets"));
            let granted = granted.and_then(Value::as_array);
            let mut granted = granted.into_iter().flatten().filter_map(Value::as_str);
            id("objectId").is_some_and(|id| who.are(id))
                && id("applicationId").is_none_or(|id| Some(id) == application)
                && granted.any(|one| {
                    one.eq_ignore_ascii_case(permission) || one.eq_ignore_ascii_case("all")
                })
        })
    }
}
