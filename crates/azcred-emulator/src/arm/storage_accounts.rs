//! Storage accounts: creation, settings, keys. Their blobs are Blob Storage's.

use super::{
    access::{self, Caller},
    call::Call,
    error::ArmError,
    groups::region,
    long_operations,
    response::ArmResponse,
    wire,
};
use crate::{
    resources::{Resource, STORAGE_ACCOUNT_TYPE, Scope, Sku, complete_account},
    storage::{AccountKeys, StorageError, is_account_name},
    world::World,
};
use http::StatusCode;
use serde_json::{Map, Value, json};

/// `PUT`: 202 for a new account, 200 with the account for one that exists. The work is done when
/// the response is sent.
pub(super) fn put(
    world: &World,
    call: &Call,
    caller: &Caller,
    id: &Scope,
    version: &str,
) -> Result<ArmResponse, ArmError> {
    let name = id.name();
    if !is_account_name(name) {
        return Err(ArmError::bad_request(
            "AccountNameInvalid",
            format!(
                "{name} is not a valid storage account name. Storage account name must be between 3 and 24 characters in length and use numbers and lower-case letters only."
            ),
        ));
    }
    let mut given = call.object()?;
    let location = region(given.get("location").and_then(Value::as_str))?;
    let tags = wire::tags(&mut given)?.unwrap_or_default();
    let text = |value: Option<&Value>| value.and_then(Value::as_str).map(str::to_owned);
    let sku = given.get("sku").and_then(|sku| text(sku.get("name")));
    let sku = sku.ok_or_else(|| ArmError::invalid_content("sku.name: a text was expected"))?;
    let tier = sku.split('_').next().map(str::to_owned);
    let kind = text(given.get("kind")).unwrap_or_else(|| "StorageV2".to_owned());
    let properties = match given.remove("properties") {
        None | Some(Value::Null) => Map::new(),
        Some(Value::Object(properties)) => properties,
        Some(_) => {
            return Err(ArmError::invalid_content(
                "properties: an object was expected",
            ));
        }
    };
    let now = world.clock.now();
    let mut resources = world.resources_mut();
    if let Some(group) = id.path_ancestry().get(1) {
        access::exists(&resources, group)?;
    }
    let other = resources
        .storage_account(name)
        .map(|found| found.id().clone());
    if other.is_some_and(|other| other != *id) {
        return Err(ArmError::new(
            StatusCode::CONFLICT,
            "StorageAccountAlreadyTaken",
            format!("The storage account named {name} is already taken."),
        ));
    }
    let old = resources.resource(id).cloned();
    let is_new = old.is_none();
    let mut resource = old.unwrap_or_else(|| Resource::new(id.clone()));
    resource.location = Some(location.to_owned());
    (resource.kind, resource.tags) = (Some(kind), tags);
    resource.sku = Some(Sku { name: sku, tier });
    resource.properties.extend(properties);
    complete_account(&mut resource, now);
    wire::touch(&mut resource, caller, now);
    let answer = if is_new {
        long_operations::account_creation(world, call, &resource, version)
    } else {
        ArmResponse::ok(Value::Object(wire::view(&resource)))
    };
    resources.put_resource(resource);
    Ok(answer)
}

/// `POST …/listKeys` and `POST …/regenerateKey`. Keys are listed also where requests with them are
/// refused.
pub(super) fn act(
    world: &World,
    call: &Call,
    id: &Scope,
    verb: &str,
) -> Result<ArmResponse, ArmError> {
    access::exists(&world.resources(), id)?;
    let storage = world.storage();
    let keys = match verb.to_ascii_lowercase().as_str() {
        "listkeys" => storage.keys(id.name()),
        "regeneratekey" => {
            let given = call.object()?;
            let name = given.get("keyName").and_then(Value::as_str);
            let number = match name {
                Some("key1") => 1,
                Some("key2") => 2,
                other => {
                    return Err(ArmError::bad_request(
                        "InvalidValuesForRequestParameters",
                        format!(
                            "Values for request parameters are invalid: keyName ('{}').",
                            other.unwrap_or_default()
                        ),
                    ));
                }
            };
            storage.regenerate_key(id.name(), number)
        }
        _ => return Err(ArmError::not_served(&call.method, &call.scope_text())),
    };
    keys.map(|keys| ArmResponse::ok(view(&keys)))
        .map_err(|error| unusable(&error))
}

fn view(keys: &AccountKeys) -> Value {
    let created = wire::date(keys.created());
    let all = keys.both().into_iter().zip(["key1", "key2"]);
    let all = all.map(|(value, name)| {
        json!({"creationTime": created, "keyName": name, "value": value, "permissions": "FULL"})
    });
    json!({"keys": all.collect::<Vec<_>>()})
}

fn unusable(error: &StorageError) -> ArmError {
    ArmError::new(
        StatusCode::INTERNAL_SERVER_ERROR,
        "InternalServerError",
        error.to_string(),
    )
}

/// Deletes the keys and the content of accounts that are gone.
pub(super) fn remove(world: &World, gone: &[Resource]) {
    for account in gone.iter().filter(|one| one.is_a(STORAGE_ACCOUNT_TYPE)) {
        if let Err(error) = world.storage().remove_account(account.id.name()) {
            tracing::warn!(%error, account = account.id.name(), "an account's content is left");
        }
    }
}
