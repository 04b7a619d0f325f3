//! Subscriptions, management groups, resource groups and resources: what roles are assigned over.

use crate::resources::scope::Scope;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use time::OffsetDateTime;
use uuid::Uuid;

/// A subscription of one tenant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Subscription {
    /// The subscription's GUID.
    pub id: Uuid,
    /// The tenant whose tokens it takes.
    pub tenant: Uuid,
    /// What people call it.
    pub name: String,
    /// Whether it can be used.
    #[serde(default)]
    pub state: SubscriptionState,
    /// The name of its parent management group; `None` directly below the tenant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub management_group: Option<String>,
    /// Its tags.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, String>,
}

/// The life of a subscription ("Azure subscription states", Microsoft Learn). In all but `Enabled`,
/// `Warned` and `PastDue`, nothing in it can be written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum SubscriptionState {
    /// Everything works.
    #[default]
    Enabled,
    /// Payment is overdue; everything works still.
    PastDue,
    /// As `PastDue`.
    Warned,
    /// Switched off: what is there can be read and deleted, not changed.
    Disabled,
    /// On its way out; as `Disabled`.
    Deleted,
}

impl SubscriptionState {
    /// The name on the wire.
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

/// A management group: a node above subscriptions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ManagementGroup {
    /// Its id, as in `/providers/Microsoft.Management/managementGroups/NAME`.
    pub name: String,
    /// What people call it.
    pub display_name: String,
    /// The group above it, by name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<String>,
}

/// A resource group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ResourceGroup {
    /// The subscription it is in.
    pub subscription: Uuid,
    /// Its name, unique in the subscription whatever the case.
    pub name: String,
    /// A region's short name: `westeurope`.
    pub location: String,
    /// Its tags.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, String>,
}

/// A managed identity that a resource has.
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

/// Who made a resource and who changed it last ("systemData" of the ARM resource provider
/// contract).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SystemData {
    /// Client id or user name of the maker.
    pub created_by: String,
    /// `User`, `Application`, `ManagedIdentity` or `Key`.
    pub created_by_type: String,
    /// When, UTC.
    #[serde(with = "time::serde::rfc3339")]
    pub created_at: OffsetDateTime,
    /// Client id or user name of who changed it last.
    pub last_modified_by: String,
    /// As `created_by_type`.
    pub last_modified_by_type: String,
    /// When, UTC.
    #[serde(with = "time::serde::rfc3339")]
    pub last_modified_at: OffsetDateTime,
}

/// Any resource: what Azure Resource Manager knows of it, and the properties that only its provider
/// understands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Resource {
    /// The whole id; its type and name are in it.
    pub id: Scope,
    /// A region's short name; none for child resources.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location: Option<String>,
    /// What the provider calls the flavour: `StorageV2`, `Default`.
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
    /// The provider's own properties, as they go over the wire.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub properties: Map<String, Value>,
    /// Who made it; none for what the seed made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub system_data: Option<SystemData>,
}

/// What size and price a resource has.
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
    /// A resource with nothing but its id.
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

    /// Its type, such as `Microsoft.Storage/storageAccounts`.
    pub fn resource_type(&self) -> String {
        self.id.resource_type().unwrap_or_default()
    }

    /// Whether it is of this type, whatever the case.
    pub fn is_a(&self, resource_type: &str) -> bool {
        self.resource_type().eq_ignore_ascii_case(resource_type)
    }
}
