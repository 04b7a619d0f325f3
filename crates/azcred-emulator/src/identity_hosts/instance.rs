//! What a virtual machine's metadata service says of the machine: `/metadata/instance`.
//!
//! The names and the forms are those of 'Azure Instance Metadata Service', with values of a Linux
//! machine that was created from an image. All values are strings. Earlier versions of the API had
//! fewer of them.

use crate::{identity_hosts::host::Host, resources::Scope, service::Service};
use axum::{
    Json,
    response::{IntoResponse, Response},
};
use http::{StatusCode, header};
use serde_json::{Value, json};
use uuid::Uuid;

const MACHINE: &str = "Microsoft.Compute/virtualMachines";

/// The whole document.
pub(super) fn document(host: &Host) -> Value {
    let id = machine(host);
    let resources = host.world.resources();
    let subscription = id.subscription_id().unwrap_or_default().to_string();
    let group = id.resource_group().unwrap_or_default();
    let group_id = format!("/subscriptions/{subscription}/resourceGroups/{group}");
    let resource = resources.resource(&id);
    let location = resource
        .and_then(|resource| resource.location.clone())
        .or_else(|| Some(resources.group(&group_id.parse().ok()?)?.location.clone()))
        .unwrap_or_else(|| "westeurope".to_owned());
    let tags: Vec<(&String, &String)> = resource.iter().flat_map(|one| &one.tags).collect();
    let joined: Vec<String> = tags
        .iter()
        .map(|(name, value)| format!("{name}:{value}"))
        .collect();
    let mut compute = fixed();
    for (name, value) in [
        ("location", location.into()),
        ("name", id.name().into()),
        ("resourceGroupName", group.into()),
        ("resourceId", id.to_string().into()),
        ("subscriptionId", subscription.into()),
        ("tags", joined.join(";").into()),
        (
            "tagsList",
            tags.iter()
                .map(|(name, value)| json!({ "name": name, "value": value }))
                .collect(),
        ),
        ("vmId", id_of("machine", &id).to_string().into()),
    ] {
        compute[name] = value;
    }
    compute["osProfile"]["computerName"] = id.name().into();
    compute["storageProfile"] = storage(&id, &group_id);
    json!({ "compute": compute, "network": network() })
}

/// The machine: the one with an identity of its own, or else one beside the identity that it has.
fn machine(host: &Host) -> Scope {
    let assigned = host
        .hosts
        .identities
        .iter()
        .filter(|identity| identity.hosts.contains(&Service::Imds))
        .map(|identity| &identity.resource_id);
    let is_machine = |id: &&Scope| {
        let kind = id.resource_type();
        kind.is_some_and(|kind| kind.eq_ignore_ascii_case(MACHINE))
    };
    let beside = |id: &Scope| {
        let (subscription, group) = (id.subscription_id()?, id.resource_group()?);
        let group = format!("/subscriptions/{subscription}/resourceGroups/{group}");
        format!("{group}/providers/{MACHINE}/vm-1").parse().ok()
    };
    let own = assigned.clone().find(is_machine).cloned();
    own.or_else(|| assigned.clone().find_map(beside))
        .unwrap_or_else(Scope::root)
}

/// What is the same of every machine.
fn fixed() -> Value {
    json!({
        "additionalCapabilities": { "hibernationEnabled": "false" },
        "azEnvironment": "AzurePublicCloud",
        "customData": "",
        "evictionPolicy": "",
        "extendedLocation": { "name": "", "type": "" },
        "host": { "id": "" },
        "hostGroup": { "id": "" },
        "isHostCompatibilityLayerVm": "false",
        "licenseType": "",
        "offer": "ubuntu-24_04-lts",
        "osProfile": { "adminUsername": "azureuser", "disablePasswordAuthentication": "true" },
        "osType": "Linux",
        "placementGroupId": "",
        "plan": { "name": "", "product": "", "publisher": "" },
        "platformFaultDomain": "0",
        "platformSubFaultDomain": "",
        "platformUpdateDomain": "0",
        "priority": "",
        "provider": "Microsoft.Compute",
        "publicKeys": [],
        "publisher": "canonical",
        "securityProfile": {
            "encryptionAtHost": "false",
            "secureBootEnabled": "true",
            "securityType": "TrustedLaunch",
            "virtualTpmEnabled": "true",
        },
        "sku": "server",
        "userData": "",
        "version": "24.04.202610150",
        "virtualMachineScaleSet": { "id": "" },
        "vmScaleSetName": "",
        "vmSize": "Standard_D2s_v5",
        "zone": "",
    })
}

fn storage(id: &Scope, group_id: &str) -> Value {
    let disk = format!("{}_OsDisk_1_{}", id.name(), id_of("disk", id).simple());
    json!({
        "dataDisks": [],
        "imageReference": {
            "communityGalleryImageId": "",
            "exactVersion": "24.04.202610150",
            "id": "",
            "offer": "ubuntu-24_04-lts",
            "publisher": "canonical",
            "sharedGalleryImageId": "",
            "sku": "server",
            "version": "latest",
        },
        "osDisk": {
            "caching": "ReadWrite",
            "createOption": "FromImage",
            "diffDiskSettings": { "option": "" },
            "diskSizeGB": "30",
            "encryptionSettings": {
                "diskEncryptionKey": { "secretUrl": "", "sourceVault": { "id": "" } },
                "enabled": "false",
                "keyEncryptionKey": { "keyUrl": "", "sourceVault": { "id": "" } },
            },
            "image": { "uri": "" },
            "managedDisk": {
                "id": format!("{group_id}/providers/Microsoft.Compute/disks/{disk}"),
                "storageAccountType": "Premium_LRS",
            },
            "name": disk,
            "osType": "Linux",
            "vhd": { "uri": "" },
            "writeAcceleratorEnabled": "false",
        },
        "resourceDisk": { "size": "76800" },
    })
}

fn network() -> Value {
    json!({
        "interface": [{
            "ipv4": {
                "ipAddress": [{ "privateIpAddress": "10.0.0.4", "publicIpAddress": "" }],
                "subnet": [{ "address": "10.0.0.0", "prefix": "24" }],
            },
            "ipv6": { "ipAddress": [] },
            "macAddress": "000D3A1B2C3D",
        }],
    })
}

/// An id that is always the same for the same machine.
fn id_of(what: &str, machine: &Scope) -> Uuid {
    let text = format!("{what} {}", machine.key());
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, text.as_bytes());
    let bytes = <[u8; 16]>::try_from(&digest.as_ref()[..16]).unwrap_or_default();
    uuid::Builder::from_random_bytes(bytes).into_uuid()
}

/// The response with an element of the document, such as `compute/name`. An element with others in
/// it is JSON unless text was requested; one without is text, and nothing else.
pub(super) fn element(document: &Value, path: &str, format: Option<&str>) -> Response {
    let error =
        |status: StatusCode, why: &str| (status, Json(json!({ "error": why }))).into_response();
    let segments = path.split('/').filter(|segment| !segment.is_empty());
    let mut found = document;
    for segment in segments {
        let inner = match found {
            Value::Object(members) => members
                .iter()
                .find(|(name, _)| name.eq_ignore_ascii_case(segment))
                .map(|(_, value)| value),
            Value::Array(items) => segment.parse::<usize>().ok().and_then(|at| items.get(at)),
            _ => None,
        };
        match inner {
            Some(inner) => found = inner,
            None => return error(StatusCode::NOT_FOUND, "Not found"),
        }
    }
    let as_text = format.is_some_and(|format| format.eq_ignore_ascii_case("text"));
    let text = match found {
        Value::String(text) if as_text => text.clone(),
        Value::Object(_) | Value::Array(_) if as_text => names(found),
        Value::Object(_) | Value::Array(_) => return Json(found).into_response(),
        _ => {
            let why = "Bad request. The requested format is not available for this element: use format=text";
            return error(StatusCode::BAD_REQUEST, why);
        }
    };
    let kind = [(header::CONTENT_TYPE, "text/plain; charset=utf-8")];
    (kind, text).into_response()
}

/// The names in an element, one a line. Those that have others in them end in a slash.
fn names(element: &Value) -> String {
    let line = |name: &str, value: &Value| match value {
        Value::Object(_) | Value::Array(_) => format!("{name}/"),
        _ => name.to_owned(),
    };
    let lines: Vec<String> = match element {
        Value::Object(members) => members
            .iter()
            .map(|(name, value)| line(name, value))
            .collect(),
        Value::Array(items) => {
            let numbered = items.iter().enumerate();
            numbered
                .map(|(at, value)| line(&at.to_string(), value))
                .collect()
        }
        _ => Vec::new(),
    };
    lines.join("\n")
}
