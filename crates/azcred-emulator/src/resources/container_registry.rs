//! Container registries as resources: the settings that Container Registry obeys.
//!
//! Property names: the response that Azure CLI's test `test_acr_login_expose_token` recorded in
//! 2026.

use super::{Network, Resource, Resources, Sku};
use crate::clock::ticks;
use serde_json::{Value, json};
use time::OffsetDateTime;

/// The type.
pub(crate) const REGISTRY_TYPE: &str = "Microsoft.ContainerRegistry/registries";

/// Sets the properties of a registry that the service determines, and those that it has without
/// being told. Existing values are kept.
pub(super) fn complete_registry(registry: &mut Resource, now: OffsetDateTime) {
    let server = format!("{}.azurecr.io", registry.id.name().to_lowercase());
    registry.sku.get_or_insert_with(|| Sku {
        name: "Standard".into(),
        tier: Some("Standard".into()),
    });
    let rules = json!({"defaultAction": "Allow", "virtualNetworkRules": [], "ipRules": []});
    let off = json!({"status": "disabled"});
    let policies = json!({
        "quarantinePolicy": off,
        "trustPolicy": {"type": "Notary", "status": "disabled"},
        "retentionPolicy": {"days": 7, "status": "disabled"},
        "exportPolicy": {"status": "enabled"},
        "azureADAuthenticationAsArmPolicy": {"status": "enabled"},
        "softDeletePolicy": {"retentionDays": 7, "status": "disabled"},
    });
    for (name, value) in [
        ("loginServer", json!(server)),
        ("creationDate", json!(ticks(now, "Z"))),
        ("provisioningState", json!("Succeeded")),
        ("adminUserEnabled", json!(false)),
        ("networkRuleSet", rules),
        ("policies", policies),
        ("encryption", off),
        ("dataEndpointEnabled", json!(false)),
        ("dataEndpointHostNames", json!([])),
        ("privateEndpointConnections", json!([])),
        ("publicNetworkAccess", json!("Enabled")),
        ("networkRuleBypassOptions", json!("AzureServices")),
        ("zoneRedundancy", json!("Disabled")),
        ("anonymousPullEnabled", json!(false)),
        ("roleAssignmentMode", json!("LegacyRegistryPermissions")),
    ] {
        registry.properties.entry(name).or_insert(value);
    }
}

/// A container registry's settings.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ContainerRegistry<'a>(pub(crate) &'a Resource);

impl Resources {
    /// The container registries, by id.
    pub(crate) fn container_registries(&self) -> impl Iterator<Item = ContainerRegistry<'_>> {
        let all = self.resources().filter(|one| one.is_a(REGISTRY_TYPE));
        all.map(ContainerRegistry)
    }

    /// The container registry with this name, in any case. Names are unique in all of Azure.
    pub(crate) fn container_registry(&self, name: &str) -> Option<ContainerRegistry<'_>> {
        let mut all = self.container_registries();
        all.find(|one| one.0.id.name().eq_ignore_ascii_case(name))
    }
}

impl ContainerRegistry<'_> {
    /// What its network settings say to the emulator's clients.
    pub(crate) fn network(self) -> Network {
        Network::of(&self.0.properties, "networkRuleSet")
    }

    /// Whether everyone may pull.
    pub(crate) fn allows_anonymous_pull(self) -> bool {
        self.0.properties.get("anonymousPullEnabled") == Some(&Value::Bool(true))
    }

    /// Whether data actions at repositories decide, and not actions at the registry ('Azure
    /// attribute-based access control for repository permissions').
    pub(crate) fn has_repository_permissions(self) -> bool {
        let mode = self.0.properties.get("roleAssignmentMode");
        mode.and_then(Value::as_str)
            .is_some_and(|mode| mode.eq_ignore_ascii_case("AbacRepositoryPermissions"))
    }

    /// Whether tokens for Resource Manager are accepted beside those for registries.
    pub(crate) fn accepts_arm_tokens(self) -> bool {
        let policies = self.0.properties.get("policies");
        let policy = policies.and_then(|all| all.get("azureADAuthenticationAsArmPolicy"));
        let status = policy.and_then(|policy| policy.get("status")?.as_str());
        status.is_none_or(|status| !status.eq_ignore_ascii_case("disabled"))
    }
}
