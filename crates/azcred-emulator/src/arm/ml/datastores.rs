//! Datastores: names for containers, and the secrets with which they are read.

use super::{
    Ml, Part,
    error::MlError,
    uploads::unusable,
    view::{self, text},
};
use crate::{
    arm::{response::ArmResponse, wire},
    resources::{DATASTORE_TYPE, Resource},
    storage::Sign,
};
use http::{Method, StatusCode};
use serde_json::{Map, Value, json};
use time::Duration;

/// How long an account's signature is valid, if the client does not say.
const HOURS: i64 = 1;
/// The longest.
const MOST_HOURS: i64 = 7 * 24;

pub(super) fn serve(ml: &Ml<'_>, part: &Part) -> Result<ArmResponse, MlError> {
    match (
        part.names.as_slice(),
        &ml.call.method,
        part.action.as_deref(),
    ) {
        ([], &Method::GET, None) => list(ml),
        ([name], &Method::GET, None) => Ok(ArmResponse::ok(view_of(&find(ml, name)?))),
        ([name], &Method::PUT, None) => put(ml, name),
        ([name], &Method::DELETE, None) => {
            let id = ml.child(&format!("datastores/{name}"))?;
            let gone = ml.world.resources_mut().remove_resource(&id);
            Ok(ArmResponse::empty(match gone {
                Some(_) => StatusCode::OK,
                None => StatusCode::NO_CONTENT,
            }))
        }
        ([name], &Method::POST, Some("listsecrets")) => secrets(ml, name),
        _ => Err(ml.not_served()),
    }
}

/// A datastore of the workspace.
pub(super) fn find(ml: &Ml<'_>, name: &str) -> Result<Resource, MlError> {
    let id = ml.child(&format!("datastores/{name}"))?;
    let resources = ml.world.resources();
    let found = resources.resource(&id).cloned();
    found.ok_or_else(|| MlError::not_found(format!("Could not find datastore: {name}")))
}

/// The datastores, newest first.
fn list(ml: &Ml<'_>) -> Result<ArmResponse, MlError> {
    let is_default = ml.call.query("isDefault");
    let is_default = is_default.map(|wanted| wanted.eq_ignore_ascii_case("true"));
    let names = ml.call.query("names");
    let mut found: Vec<Resource> = {
        let resources = ml.world.resources();
        let own = resources.resources_in(&ml.workspace.id);
        own.filter(|one| one.is_a(DATASTORE_TYPE))
            .cloned()
            .collect()
    };
    found.retain(|one| {
        let is = one.properties.get("isDefault").and_then(Value::as_bool);
        let is_named = |names: &str| {
            names
                .split(',')
                .any(|name| name.trim().eq_ignore_ascii_case(one.id.name()))
        };
        is_default.is_none_or(|wanted| is == Some(wanted)) && names.is_none_or(is_named)
    });
    found.sort_by_key(|one| one.system_data.as_ref().map(|data| data.created_at));
    if ml.call.query("orderByAsc") != Some("true") {
        found.reverse();
    }
    Ok(ArmResponse::list(
        ml.world,
        ml.call,
        found.iter().map(view_of).collect(),
    )?)
}

fn view_of(datastore: &Resource) -> Value {
    let members = [
        "createdAt",
        "lastModifiedAt",
        "lastModifiedBy",
        "lastModifiedByType",
    ];
    let data = datastore.system_data.as_ref();
    json!({
        "id": datastore.id.to_string(),
        "name": datastore.id.name(),
        "type": DATASTORE_TYPE,
        "properties": datastore.properties,
        "systemData": data.map(|data| view::system_data_with(data, &members)),
    })
}

fn put(ml: &Ml<'_>, name: &str) -> Result<ArmResponse, MlError> {
    let given = view::properties(&ml.call.object()?);
    let id = ml.child(&format!("datastores/{name}"))?;
    let kind = text(&given, "datastoreType").unwrap_or_default();
    let place = match kind {
        "AzureBlob" => "containerName",
        "AzureFile" => "fileShareName",
        "AzureDataLakeGen2" => "filesystem",
        _ => {
            return Err(MlError::invalid(&[format!(
                "Could not create an instance of type 'Datastore'. The datastoreType '{kind}' is not known."
            )]));
        }
    };
    let mut properties = view::filled(
        &given,
        json!({
            "description": null,
            "tags": {},
            "properties": null,
            "isDefault": false,
            "credentials": null,
            "subscriptionId": null,
            "resourceGroup": null,
            "datastoreType": kind,
            "accountName": null,
            place: null,
            "endpoint": "core.windows.net",
            "protocol": "https",
            "serviceDataAccessAuthIdentity": "None",
        }),
    );
    // A secret is never stored: it would open a real account, and the emulator has keys of its own.
    let credentials = given.get("credentials").and_then(Value::as_object);
    properties.insert("credentials".to_owned(), without_secrets(credentials));
    let is_default = properties.get("isDefault") == Some(&json!(true));
    let mut resources = ml.world.resources_mut();
    let old = resources.resource(&id).cloned();
    let is_new = old.is_none();
    if is_default {
        let own = resources.resources_in(&ml.workspace.id);
        let others: Vec<_> = own
            .filter(|one| one.is_a(DATASTORE_TYPE) && one.id != id)
            .map(|one| one.id.clone())
            .collect();
        for other in others {
            if let Some(other) = resources.resource_mut(&other) {
                other
                    .properties
                    .insert("isDefault".to_owned(), json!(false));
            }
        }
    }
    let mut made = old.unwrap_or_else(|| Resource::new(id));
    made.properties = properties;
    wire::touch(&mut made, ml.caller, ml.now);
    let (id, body) = (made.id.clone(), view_of(&made));
    resources.put_resource(made);
    Ok(if is_new {
        ml.created(&id, body)
    } else {
        ArmResponse::ok(body)
    })
}

/// Credentials without their secrets.
fn without_secrets(given: Option<&Map<String, Value>>) -> Value {
    let Some(given) = given else {
        return json!({"credentialsType": "None"});
    };
    let mut kept = given.clone();
    kept.remove("secrets");
    Value::Object(kept)
}

/// `listSecrets`: with `expirableSecret` a signature for the account, else its key. An
/// identity-based datastore has no secret.
fn secrets(ml: &Ml<'_>, name: &str) -> Result<ArmResponse, MlError> {
    let datastore = find(ml, name)?;
    let given: Map<String, Value> = if ml.call.text().is_empty() {
        Map::new()
    } else {
        ml.call.object()?
    };
    let credentials = datastore.properties.get("credentials");
    let kind = credentials.and_then(|credentials| credentials.get("credentialsType"));
    let account = text(&datastore.properties, "accountName").unwrap_or_default();
    let storage = ml.world.storage();
    match kind.and_then(Value::as_str) {
        Some("AccountKey") if given.get("expirableSecret") == Some(&json!(true)) => {
            let hours = given.get("expireAfterHours").and_then(Value::as_i64);
            let hours = hours.unwrap_or(HOURS).clamp(1, MOST_HOURS);
            let sign = Sign {
                permissions: "rcuwdl",
                start: None,
                expiry: ml.now + Duration::hours(hours),
            };
            let signature = storage
                .account_sas(account, "bf", "co", &sign)
                .map_err(|error| unusable(&error))?;
            Ok(ArmResponse::ok(
                json!({"secretsType": "Sas", "sasToken": format!("?{signature}")}),
            ))
        }
        Some("AccountKey") => {
            let keys = storage.keys(account).map_err(|error| unusable(&error))?;
            let [first, _] = keys.both();
            Ok(ArmResponse::ok(
                json!({"secretsType": "AccountKey", "key": first}),
            ))
        }
        None | Some("None") => Err(MlError::user(
            StatusCode::BAD_REQUEST,
            &["BadArgument"],
            format!("No secrets for credentials of type None. Datastore: {name}"),
        )),
        // The secrets of other credentials are not stored.
        Some(_) => Err(ml.not_served()),
    }
}
