//! Subscriptions, management groups, resource groups and resources: the scopes of roles.

use crate::resources::{role::Change, scope::Scope};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use time::OffsetDateTime;
use uuid::Uuid;

/// A subscription of one tenant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Subscription {
    /// The subscription's GUID.
    pub id: Uuid,
    /// The tenant whose tokens it accepts.
    pub tenant: Uuid,
    /// The display name.
    pub name: String,
    /// Whether it can be used.
    #[serde(default)]
    pub state: SubscriptionState,
    /// The name of its parent management group; `None` directly below the tenant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub management_group: Option<String>,
    /// The tenants that manage it for its owner (Azure Lighthouse).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub managed_by_tenants: Vec<Uuid>,
    /// Its tags.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, String>,
}

impl Subscription {
    /// The member `managedByTenants` in Azure Resource Manager's responses and in Azure CLI's file.
    pub(crate) fn managed_by(&self) -> Vec<Value> {
        let tenants = self.managed_by_tenants.iter();
        tenants.map(|id| json!({"tenantId": id})).collect()
    }
}

/// The state of a subscription ("Azure subscription states", Microsoft Learn). Changes need
/// `Enabled`, `Warned` or `PastDue`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum SubscriptionState {
    /// Everything works.
    #[default]
    Enabled,
    /// Payment is overdue, but everything works.
    PastDue,
    /// As `PastDue`.
    Warned,
    /// Disabled: resources can be read and deleted, but not changed.
    Disabled,
    /// It will be deleted; as `Disabled`.
    Deleted,
}

impl SubscriptionState {
    /// The name in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Enabled => "Enabled",
            Self::PastDue => "PastDue",
            Self::Warned => "Warned",
            Self::Disabled => "Disabled",
            Self::Deleted => "Deleted",
        }
    }

    /// Whether resources can be created and changed.
    pub fn is_writable(self) -> bool {
        matches!(self, Self::Enabled | Self::PastDue | Self::Warned)
    }
}

/// A management group: a level above subscriptions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ManagementGroup {
    /// Its id, as in `/providers/Microsoft.Management/managementGroups/NAME`.
    pub name: String,
    /// The display name.
    pub display_name: String,
    /// The parent group, by name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<String>,
    /// Who created or changed it last, and when. `None` for those of a seed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub updated: Option<Change>,
}

/// A resource group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ResourceGroup {
    /// The subscription.
    pub subscription: Uuid,
    /// The name, unique in the subscription in any case.
    pub name: String,
    /// A region's short name: `westeurope`.
    pub location: String,
    /// Its tags.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, String>,
}

/// The managed identity of a resource.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Identity {
    /// `SystemAssigned`, `UserAssigned`, `SystemAssigned,UserAssigned` or `None`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Object id of the system-assigned identity.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub principal_id: Option<Uuid>,
    /// The tenant of that identity.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant_id: Option<Uuid>,
}

/// Who created a resource and who changed it last ("systemData" of the ARM resource provider
/// contract).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SystemData {
    /// Client id or user name of the creator.
    pub created_by: String,
    /// `User`, `Application`, `ManagedIdentity` or `Key`.
    pub created_by_type: String,
    /// When, UTC.
    #[serde(with = "time::serde::rfc3339")]
    pub created_at: OffsetDateTime,
    /// Client id or user name of the last one to change it.
    pub last_modified_by: String,
    /// As `created_by_type`.
    pub last_modified_by_type: String,
    /// When, UTC.
    #[serde(with = "time::serde::rfc3339")]
    pub last_modified_at: OffsetDateTime,
}

/// Any resource: the fields that Azure Resource Manager knows, and the properties that only its
/// provider understands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Resource {
    /// The full id, which includes type and name.
    pub id: Scope,
    /// A region's short name. `None` for child resources.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location: Option<String>,
    /// The provider's variant of the type: `StorageV2`, `Default`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// The SKU's name and tier.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sku: Option<Sku>,
    /// Its tags.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, String>,
    /// Its managed identity.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity: Option<Identity>,
    /// The provider's own properties, as in JSON.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub properties: Map<String, Value>,
    /// Who created it; `None` for resources of the seed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub system_data: Option<SystemData>,
}

/// Size and price of a resource.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sku {
    /// `Standard_LRS`, `Basic`.
    pub name: String,
    /// `Standard`, `Basic`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tier: Option<String>,
}

impl Resource {
    /// A resource with only an id.
    pub fn new(id: Scope) -> Self {
        Self {
            id,
            location: None,
            kind: None,
            sku: None,
            tags: BTreeMap::new(),
            identity: None,
            properties: Map::new(),
            system_data: None,
        }
    }

    /// The type, such as `Microsoft.Storage/storageAccounts`.
    pub fn resource_type(&self) -> String {
        self.id.resource_type().unwrap_or_default()
    }

    /// Whether it has this type, in any case.
    pub fn is_a(&self, resource_type: &str) -> bool {
        self.resource_type().eq_ignore_ascii_case(resource_type)
    }
}
