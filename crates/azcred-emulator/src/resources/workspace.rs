//! An Azure Machine Learning workspace: how a seed describes it, and what a new one gets.
//!
//! Property names: the `Microsoft.MachineLearningServices/workspaces` resource of the Azure REST
//! API specifications, stable versions 2022-10-01 to 2024-10-01.

use super::{
    Resources,
    compute::by_seed,
    datastore::{default_datastores, uses_key},
    resource::{Identity, Resource, Sku},
    role::{PrincipalType, RoleAssignment},
    scope::{InvalidScope, Scope},
    seed::derived_id,
};
use crate::clock::ticks;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use time::OffsetDateTime;
use uuid::{Uuid, uuid};

/// The type of a workspace.
pub const WORKSPACE_TYPE: &str = "Microsoft.MachineLearningServices/workspaces";

/// A workspace as a seed describes it. What is left out gets the value that Azure gives to a new
/// one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Workspace {
    /// The subscription.
    pub subscription: Uuid,
    /// The resource group.
    pub resource_group: String,
    /// Its name.
    pub name: String,
    /// A region's short name: `westeurope`.
    pub location: String,
    /// The GUID by which Azure Machine Learning's own services know the workspace.
    pub workspace_id: Uuid,
    /// The name that the studio shows.
    #[serde(default)]
    pub friendly_name: Option<String>,
    /// The workspace's purpose.
    #[serde(default)]
    pub description: Option<String>,
    /// Name of the storage account, in the same group.
    #[serde(default)]
    pub storage_account: Option<String>,
    /// Name of the key vault, in the same group.
    #[serde(default)]
    pub key_vault: Option<String>,
    /// Name of the Application Insights component, in the same group.
    #[serde(default)]
    pub application_insights: Option<String>,
    /// Name of the container registry, in the same group.
    #[serde(default)]
    pub container_registry: Option<String>,
    /// Whether Microsoft collects less data about it.
    #[serde(default)]
    pub hbi_workspace: bool,
    /// Whether the public network can reach it.
    #[serde(default = "yes")]
    pub public_network_access: bool,
    /// Object id of its system-assigned identity.
    #[serde(default)]
    pub principal_id: Option<Uuid>,
    /// Its tags.
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
}

fn yes() -> bool {
    true
}

impl Workspace {
    /// The id of the workspace.
    ///
    /// # Errors
    /// When a name has a character that no resource name may have.
    pub fn id(&self) -> Result<Scope, InvalidScope> {
        Scope::subscription(self.subscription).child(&format!(
            "resourceGroups/{}/providers/{WORKSPACE_TYPE}/{}",
            self.resource_group, self.name
        ))
    }

    /// The workspace as a resource of `tenant`, created at `now`.
    ///
    /// # Errors
    /// When a name has a character that no resource name may have.
    pub fn resource(&self, tenant: Uuid, now: OffsetDateTime) -> Result<Resource, InvalidScope> {
        let group = Scope::subscription(self.subscription)
            .child(&format!("resourceGroups/{}", self.resource_group))?;
        let beside = |kind: &str, name: &Option<String>| {
            name.as_ref()
                .map(|name| {
                    group
                        .child(&format!("providers/{kind}/{name}"))
                        .map(|id| id.to_string())
                })
                .transpose()
        };
        let mut properties = Map::new();
        let mut put = |name: &str, value: Value| {
            if !value.is_null() {
                properties.insert(name.to_owned(), value);
            }
        };
        put(
            "friendlyName",
            json!(self.friendly_name.as_deref().unwrap_or(&self.name)),
        );
        put(
            "description",
            json!(self.description.as_deref().unwrap_or_default()),
        );
        put(
            "storageAccount",
            json!(beside(
                "Microsoft.Storage/storageAccounts",
                &self.storage_account
            )?),
        );
        put(
            "keyVault",
            json!(beside("Microsoft.Keyvault/vaults", &self.key_vault)?),
        );
        put(
            "applicationInsights",
            json!(beside(
                "Microsoft.insights/components",
                &self.application_insights
            )?),
        );
        put(
            "containerRegistry",
            json!(beside(
                "Microsoft.ContainerRegistry/registries",
                &self.container_registry
            )?),
        );
        put("hbiWorkspace", json!(self.hbi_workspace));
        put(
            "publicNetworkAccess",
            json!(if self.public_network_access {
                "Enabled"
            } else {
                "Disabled"
            }),
        );
        let id = self.id()?;
        complete(
            &mut properties,
            &id,
            &self.location,
            self.workspace_id,
            tenant,
            now,
        );

        let mut resource = Resource::new(id);
        resource.location = Some(self.location.clone());
        resource.kind = Some("Default".into());
        resource.sku = Some(basic());
        resource.tags.clone_from(&self.tags);
        resource.identity = self.principal_id.map(|principal| Identity {
            kind: "SystemAssigned".into(),
            principal_id: Some(principal),
            tenant_id: Some(tenant),
        });
        resource.properties = properties;
        resource.system_data = Some(by_seed(now));
        Ok(resource)
    }
}

/// The role `Storage Blob Data Contributor`.
const BLOB_CONTRIBUTOR: Uuid = uuid!("ba92f5b4-2d11-453d-a403-e96b0029c9fe");

impl Resources {
    /// Gives a workspace's own identity the role at its storage account that Azure gives it when
    /// the workspace is created ('Set up service authentication', Azure Machine Learning). The
    /// service reads and writes the files of jobs with it. Without an identity or an account, it
    /// does nothing.
    pub(crate) fn grant_own_storage(&mut self, workspace: &Scope, now: OffsetDateTime) {
        let owner = self.resource(workspace);
        let principal = owner.and_then(|owner| owner.identity.as_ref()?.principal_id);
        let account = owner.and_then(|owner| owner.properties.get("storageAccount")?.as_str());
        let account = account.and_then(|id| id.parse::<Scope>().ok());
        let account = account.and_then(|id| self.resource(&id).map(|found| found.id.clone()));
        let (Some(principal), Some(scope)) = (principal, account) else {
            return;
        };
        // It exists already if someone has assigned it.
        let _ = self.assign(RoleAssignment {
            id: derived_id(&scope, BLOB_CONTRIBUTOR, principal),
            scope,
            role: BLOB_CONTRIBUTOR,
            principal,
            principal_type: PrincipalType::ServicePrincipal,
            description: None,
            condition: None,
            condition_version: None,
            created_by: None,
            created_on: now,
            updated: None,
        });
    }
}

/// The SKU of every new workspace.
pub(crate) fn basic() -> Sku {
    Sku {
        name: "Basic".into(),
        tier: Some("Basic".into()),
    }
}

/// Sets the properties that the service determines: the URLs of its other services, its own id, its
/// state. Existing values are kept, so that an update does not move a workspace.
pub(crate) fn complete(
    properties: &mut Map<String, Value>,
    id: &Scope,
    location: &str,
    workspace_id: Uuid,
    tenant: Uuid,
    now: OffsetDateTime,
) {
    let host = format!("{location}.api.azureml.ms");
    let created = ticks(now, "Z");
    let notebooks = format!("ml-{}-{location}-{workspace_id}", id.name().to_lowercase());
    for (name, value) in [
        ("imageBuildCompute", Value::Null),
        (
            "managedNetwork",
            json!({
                "changeableIsolationModes": [
                    "AllowInternetOutbound",
                    "AllowOnlyApprovedOutbound",
                ],
                "isolationMode": "Disabled",
                "enableNetworkMonitor": false,
                "enableFirewallLog": false,
            }),
        ),
        ("allowRoleAssignmentOnRG", json!(true)),
        ("softDeleteEnabled", json!(false)),
        (
            "notebookInfo",
            json!({
                "resourceId": workspace_id.simple().to_string(),
                "fqdn": format!("{notebooks}.{location}.notebooks.azure.net"),
                "isPrivateLinkEnabled": false,
                "notebookPreparationError": null,
            }),
        ),
        ("linkedModelInventoryArmId", Value::Null),
        ("ipAllowlist", json!([])),
        (
            "networkAcls",
            json!({
                "defaultAction": "Allow",
                "bypass": "",
                "ipRules": [],
                "resourceAccessRules": [],
            }),
        ),
        ("serverlessComputeSettings", Value::Null),
        ("EnableSoftwareBillOfMaterials", json!(false)),
        (
            "sdkTelemetryAppInsightsKey",
            json!(telemetry_key(workspace_id)),
        ),
        ("sasGetterUri", json!("")),
        ("enableServiceSideCMKEncryption", json!(false)),
        ("workspaceId", json!(workspace_id)),
        ("tenantId", json!(tenant)),
        ("discoveryUrl", json!(format!("https://{host}/discovery"))),
        (
            "mlFlowTrackingUri",
            json!(format!("azureml://{host}/mlflow/v1.0{id}")),
        ),
        ("provisioningState", json!("Succeeded")),
        ("creationTime", json!(created)),
        ("storageHnsEnabled", json!(false)),
        ("privateLinkCount", json!(0)),
        ("v1LegacyMode", json!(false)),
        ("hbiWorkspace", json!(false)),
        ("publicNetworkAccess", json!("Enabled")),
        ("enableDataIsolation", json!(false)),
    ] {
        properties.entry(name).or_insert(value);
    }
}

impl Resources {
    /// Gives a new workspace its datastores.
    pub(crate) fn open_workspace(&mut self, id: &Scope) {
        let Some(workspace) = self.resource(id).cloned() else {
            return;
        };
        let account = workspace.properties.get("storageAccount");
        let account = account.and_then(Value::as_str);
        let account: Option<Scope> = account.and_then(|id| id.parse().ok());
        let found = account.as_ref().and_then(|id| self.resource(id));
        let with_key = uses_key(&workspace, found);
        let mode = if with_key { "accesskey" } else { "identity" };
        if let Some(own) = self.resource_mut(id) {
            let properties = &mut own.properties;
            properties.insert("systemDatastoresAuthMode".to_owned(), json!(mode));
        }
        for datastore in default_datastores(&workspace, with_key) {
            self.put_resource(datastore);
        }
    }
}

/// The key of the Application Insights that the SDK reports to: one of no service.
fn telemetry_key(workspace_id: Uuid) -> Uuid {
    Uuid::from_u128(!workspace_id.as_u128())
}
