//! Computes of a workspace, as a seed describes them.

use super::{
    resource::{Resource, SystemData},
    scope::InvalidScope,
};
use crate::clock::ticks;
use serde::Deserialize;
use serde_json::{Value, json};
use time::OffsetDateTime;
use uuid::Uuid;

/// The type of a compute.
pub(crate) const COMPUTE_TYPE: &str = "Microsoft.MachineLearningServices/workspaces/computes";

/// A compute of a workspace.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Compute {
    /// The workspace, by its name.
    pub workspace: String,
    /// The name.
    pub name: String,
    /// `AmlCompute` (a cluster) or `ComputeInstance`.
    #[serde(default)]
    pub kind: ComputeKind,
    /// The machine's size.
    #[serde(default = "size")]
    pub vm_size: String,
    /// The fewest nodes of a cluster.
    #[serde(default)]
    pub min_nodes: u32,
    /// The most nodes of a cluster.
    #[serde(default = "most")]
    pub max_nodes: u32,
}

/// The kind of a compute.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
pub enum ComputeKind {
    /// A cluster.
    #[default]
    AmlCompute,
    /// One machine, for one person.
    ComputeInstance,
}

fn size() -> String {
    "STANDARD_DS2_V2".to_owned()
}

fn most() -> u32 {
    4
}

impl Compute {
    /// The compute as a resource of a workspace.
    ///
    /// # Errors
    /// When the name has a character that no resource name may have.
    pub(super) fn resource(
        &self,
        workspace: &Resource,
        now: OffsetDateTime,
    ) -> Result<Resource, InvalidScope> {
        let id = workspace.id.child(&format!("computes/{}", self.name))?;
        let (kind, own) = match self.kind {
            ComputeKind::AmlCompute => ("AmlCompute", self.cluster(now)),
            ComputeKind::ComputeInstance => ("ComputeInstance", self.instance(workspace, now)),
        };
        let mut made = Resource::new(id);
        made.location.clone_from(&workspace.location);
        let properties = json!({
            "createdOn": ticks(now, "+00:00"),
            "modifiedOn": ticks(now, "+00:00"),
            "disableLocalAuth": false,
            "description": null,
            "resourceId": null,
            "computeType": kind,
            "computeLocation": workspace.location,
            "provisioningState": "Succeeded",
            "provisioningErrors": null,
            "provisioningWarnings": {},
            "isAttachedCompute": false,
            "properties": own,
        });
        if let Value::Object(properties) = properties {
            made.properties = properties;
        }
        Ok(made)
    }

    fn cluster(&self, now: OffsetDateTime) -> Value {
        json!({
            "vmSize": self.vm_size.to_uppercase(),
            "vmPriority": "Dedicated",
            "scaleSettings": {
                "maxNodeCount": self.max_nodes,
                "minNodeCount": self.min_nodes,
                "nodeIdleTimeBeforeScaleDown": "PT2M",
            },
            "subnet": null,
            "currentNodeCount": self.min_nodes,
            "targetNodeCount": self.min_nodes,
            "nodeStateCounts": {
                "preparingNodeCount": 0,
                "runningNodeCount": 0,
                "idleNodeCount": self.min_nodes,
                "unusableNodeCount": 0,
                "leavingNodeCount": 0,
                "preemptedNodeCount": 0,
            },
            "allocationState": "Steady",
            "allocationStateTransitionTime": ticks(now, "+00:00"),
            "errors": null,
            "remoteLoginPortPublicAccess": "Enabled",
            "osType": "Linux",
            "virtualMachineImage": null,
            "isolatedNetwork": false,
            "enableBatchPrivateLink": false,
            "propertyBag": {},
        })
    }

    fn instance(&self, workspace: &Resource, now: OffsetDateTime) -> Value {
        let region = workspace.location.as_deref().unwrap_or_default();
        let host = format!("https://{}.{region}.instances.azureml.ms", self.name);
        let tenant = workspace.properties.get("tenantId");
        json!({
            "vmSize": self.vm_size.to_uppercase(),
            "subnet": null,
            "applicationSharingPolicy": "Shared",
            "sshSettings": {
                "sshPublicAccess": "Disabled",
                "adminUserName": "azureuser",
                "sshPort": 50000,
                "adminPublicKey": null,
            },
            "connectivityEndpoints": {"publicIpAddress": null, "privateIpAddress": null},
            "applications": [
                {"displayName": "Jupyter", "endpointUri": format!("{host}/tree/")},
                {"displayName": "Jupyter Lab", "endpointUri": format!("{host}/lab")},
            ],
            "createdBy": {"userName": null, "userOrgId": tenant, "userId": Uuid::nil()},
            "errors": [],
            "state": "Running",
            "lastOperation": {
                "operationName": "Create",
                "operationTime": ticks(now, "+00:00"),
                "operationStatus": "Succeeded",
                "operationTrigger": "User",
            },
            "schedules": {"computeStartStop": []},
            "versions": {"runtime": null},
        })
    }
}

/// The workspace of this name in a seed, if there is exactly one.
pub(super) fn workspace<'a>(
    all: impl Iterator<Item = &'a Resource>,
    name: &str,
) -> Result<Resource, String> {
    let found: Vec<&Resource> = all
        .filter(|one| one.id.name().eq_ignore_ascii_case(name))
        .collect();
    match found.as_slice() {
        [one] => Ok((*one).clone()),
        [] => Err(format!("no workspace '{name}' in this seed")),
        several => Err(format!("{} workspaces are called '{name}'", several.len())),
    }
}

/// Data of the system for something that a seed describes.
pub(super) fn by_seed(now: OffsetDateTime) -> SystemData {
    SystemData {
        created_by: "seed".into(),
        created_by_type: "Application".into(),
        created_at: now,
        last_modified_by: "seed".into(),
        last_modified_by_type: "Application".into(),
        last_modified_at: now,
    }
}
