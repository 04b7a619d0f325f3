//! A resource's JSON, and the fields of a body that a client can set.

use super::{access::Caller, error::ArmError};
use crate::resources::{Permission, Resource, SystemData, USER_ASSIGNED_TYPE, WORKSPACE_TYPE};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use time::{OffsetDateTime, UtcOffset, format_description::well_known::Rfc3339};

/// A body of `Microsoft.Authorization`. Older versions and a few tools leave `properties` out.
#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum Body<T> {
    Wrapped { properties: T },
    Flat(T),
}

impl<T> Body<T> {
    pub(super) fn properties(self) -> T {
        match self {
            Self::Wrapped { properties } | Self::Flat(properties) => properties,
        }
    }
}

/// A permission of a body.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct PermissionBody {
    actions: Vec<String>,
    not_actions: Vec<String>,
    data_actions: Vec<String>,
    not_data_actions: Vec<String>,
}

impl From<PermissionBody> for Permission {
    fn from(given: PermissionBody) -> Self {
        Self {
            actions: given.actions,
            not_actions: given.not_actions,
            data_actions: given.data_actions,
            not_data_actions: given.not_data_actions,
        }
    }
}

/// Properties that a client can't set.
pub(super) const SERVICE_OWNED: [&str; 10] = [
    "workspaceId",
    "tenantId",
    "discoveryUrl",
    "mlFlowTrackingUri",
    "provisioningState",
    "creationTime",
    "privateLinkCount",
    "storageHnsEnabled",
    "notebookInfo",
    "serviceProvisionedResourceGroup",
];

/// Removes the tags from a body and returns them.
///
/// # Errors
/// When the tags are not an object of strings.
pub(super) fn tags(
    given: &mut Map<String, Value>,
) -> Result<Option<BTreeMap<String, String>>, ArmError> {
    match given.remove("tags") {
        None | Some(Value::Null) => Ok(None),
        Some(value) => serde_json::from_value(value)
            .map(Some)
            .map_err(|error| ArmError::invalid_content(&format!("tags: {error}"))),
    }
}

/// Records who changed a resource, and who created it if that is not known yet.
pub(super) fn touch(resource: &mut Resource, caller: &Caller, now: OffsetDateTime) {
    let data = resource.system_data.get_or_insert_with(|| SystemData {
        created_by: caller.name.clone(),
        created_by_type: caller.kind.to_owned(),
        created_at: now,
        last_modified_by: String::new(),
        last_modified_by_type: String::new(),
        last_modified_at: now,
    });
    data.last_modified_by.clone_from(&caller.name);
    caller.kind.clone_into(&mut data.last_modified_by_type);
    data.last_modified_at = now;
}

/// Adds the tags of a subscription or a group. The member is left out where none were set.
pub(super) fn put_tags(view: &mut Value, tags: &BTreeMap<String, String>) {
    if !tags.is_empty() {
        view["tags"] = json!(tags);
    }
}

/// A time as Azure writes it: in UTC, with at most seven decimals.
pub(super) fn date(time: OffsetDateTime) -> String {
    let ticks = time.nanosecond() / 100 * 100;
    let time = time.to_offset(UtcOffset::UTC).replace_nanosecond(ticks);
    time.ok()
        .and_then(|time| time.format(&Rfc3339).ok())
        .unwrap_or_default()
}

/// A resource's JSON.
pub(super) fn view(resource: &Resource) -> Map<String, Value> {
    let mut out = Map::new();
    let mut put = |name: &str, value: Value| {
        if !value.is_null() {
            out.insert(name.to_owned(), value);
        }
    };
    let mut id = resource.id.to_string();
    if resource.is_a(USER_ASSIGNED_TYPE) {
        // Its provider writes this word in lower case.
        id = id.replace("/resourceGroups/", "/resourcegroups/");
    }
    put("id", id.into());
    put("name", resource.id.name().into());
    put("type", resource.resource_type().into());
    put("location", json!(resource.location));
    put("kind", json!(resource.kind));
    put("sku", json!(resource.sku));
    if resource.location.is_some() || !resource.tags.is_empty() {
        put("tags", json!(resource.tags));
    }
    if let Some(identity) = &resource.identity {
        let mut view = json!({"type": identity.kind});
        if let Some(principal) = identity.principal_id {
            view["principalId"] = json!(principal);
        }
        if let Some(tenant) = identity.tenant_id {
            view["tenantId"] = json!(tenant);
        }
        put("identity", view);
    }
    put("properties", Value::Object(resource.properties.clone()));
    if let Some(data) = &resource.system_data {
        put(
            "systemData",
            json!({
                "createdBy": data.created_by,
                "createdByType": data.created_by_type,
                "createdAt": date(data.created_at),
                "lastModifiedBy": data.last_modified_by,
                "lastModifiedByType": data.last_modified_by_type,
                "lastModifiedAt": date(data.last_modified_at),
            }),
        );
    }
    if resource.is_a(WORKSPACE_TYPE) {
        out.insert("etag".to_owned(), Value::Null);
    }
    out
}
