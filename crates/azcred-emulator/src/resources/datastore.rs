//! Datastores of a workspace: those that every workspace has, and those that a seed describes.

use super::{
    Resources,
    compute::by_seed,
    resource::{Resource, SystemData},
    scope::{InvalidScope, Scope},
};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

/// The type of a datastore.
pub(crate) const DATASTORE_TYPE: &str = "Microsoft.MachineLearningServices/workspaces/datastores";

/// A datastore of a workspace: a container of a storage account.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Datastore {
    /// The workspace, by its name.
    pub workspace: String,
    /// The name.
    pub name: String,
    /// The storage account's name.
    pub account: String,
    /// The container.
    pub container: String,
    /// Whether it is read with the account's key. Else callers use their own identity.
    #[serde(default)]
    pub account_key: bool,
}

impl Datastore {
    /// The datastore as a resource of a workspace.
    ///
    /// # Errors
    /// When the name has a character that no resource name may have.
    pub(super) fn resource(
        &self,
        workspace: &Resource,
        now: OffsetDateTime,
    ) -> Result<Resource, InvalidScope> {
        let mut made = Resource::new(workspace.id.child(&format!("datastores/{}", self.name))?);
        made.system_data = Some(by_seed(now));
        made.properties = Place::Container(self.container.clone()).properties(
            &self.account,
            self.account_key,
            false,
        );
        Ok(made)
    }
}

impl Resources {
    /// The storage account and the container of each datastore, of one workspace or of all.
    pub(crate) fn datastore_containers(&self, workspace: Option<&Scope>) -> Vec<(String, String)> {
        let wanted = |one: &&Resource| {
            one.is_a(DATASTORE_TYPE)
                && workspace.is_none_or(|workspace| workspace.contains(&one.id))
        };
        let place = |one: &Resource| {
            let text = |name: &str| one.properties.get(name)?.as_str();
            let account = self.storage_account(text("accountName")?)?;
            Some((
                account.id().name().to_owned(),
                text("containerName")?.to_owned(),
            ))
        };
        self.resources().filter(wanted).filter_map(place).collect()
    }
}

/// Where a datastore is in its account.
enum Place {
    Container(String),
    Share(String),
}

impl Place {
    fn properties(&self, account: &str, with_key: bool, is_default: bool) -> Map<String, Value> {
        let (kind, member, name) = match self {
            Self::Container(name) => ("AzureBlob", "containerName", name),
            Self::Share(name) => ("AzureFile", "fileShareName", name),
        };
        let all = json!({
            "description": null,
            "tags": null,
            "properties": null,
            "isDefault": is_default,
            "credentials": {"credentialsType": if with_key { "AccountKey" } else { "None" }},
            "subscriptionId": null,
            "resourceGroup": null,
            "datastoreType": kind,
            "accountName": account,
            member: name,
            "endpoint": "core.windows.net",
            "protocol": "https",
            "serviceDataAccessAuthIdentity": "None",
        });
        match all {
            Value::Object(all) => all,
            _ => Map::new(),
        }
    }
}

/// Whether the datastores of a new workspace are read with the key of its account: unless the
/// workspace or the account says otherwise.
pub(crate) fn uses_key(workspace: &Resource, account: Option<&Resource>) -> bool {
    let mode = workspace.properties.get("systemDatastoresAuthMode");
    let is_allowed = account.and_then(|account| account.properties.get("allowSharedKeyAccess"));
    match mode.and_then(Value::as_str) {
        Some(mode) => mode.eq_ignore_ascii_case("accesskey"),
        None => is_allowed != Some(&Value::Bool(false)),
    }
}

/// The datastores of every new workspace with a storage account, oldest first: for data, for files,
/// for artifacts, and for notebooks.
pub(crate) fn default_datastores(workspace: &Resource, with_key: bool) -> Vec<Resource> {
    let property = |name: &str| workspace.properties.get(name).and_then(Value::as_str);
    let (Some(account), Some(workspace_id)) = (property("storageAccount"), property("workspaceId"))
    else {
        return Vec::new();
    };
    let Some(account) = account.rsplit('/').next() else {
        return Vec::new();
    };
    let notebooks = workspace_id
        .parse()
        .map_or(Uuid::nil(), |id: Uuid| Uuid::from_u128(!id.as_u128()));
    let all = [
        (
            "workspaceblobstore",
            Place::Container(format!("azureml-blobstore-{workspace_id}")),
        ),
        (
            "workspacefilestore",
            Place::Share(format!("azureml-filestore-{workspace_id}")),
        ),
        (
            "workspaceartifactstore",
            Place::Container("azureml".to_owned()),
        ),
        (
            "workspaceworkingdirectory",
            Place::Share(format!("code-{notebooks}")),
        ),
    ];
    let mut made = Vec::new();
    for (number, (name, place)) in (0_i64..).zip(all) {
        let Ok(id) = workspace.id.child(&format!("datastores/{name}")) else {
            continue;
        };
        let is_default = number == 0;
        let mut datastore = Resource::new(id);
        // The service makes one after the other.
        datastore.system_data = workspace.system_data.as_ref().map(|data| SystemData {
            created_at: data.created_at + Duration::milliseconds(number),
            last_modified_at: data.last_modified_at + Duration::milliseconds(number),
            ..data.clone()
        });
        datastore.properties = place.properties(account, with_key, is_default);
        if is_default {
            let id = &workspace.id;
            for (name, value) in [
                ("subscriptionId", json!(id.subscription_id())),
                ("resourceGroup", json!(id.resource_group())),
                (
                    "serviceDataAccessAuthIdentity",
                    json!("WorkspaceSystemAssignedIdentity"),
                ),
            ] {
                datastore.properties.insert(name.to_owned(), value);
            }
        }
        made.push(datastore);
    }
    made
}
