//! Key vaults and container registries: creation and settings. Their content is in the data
//! services.

use super::{
    access::{self, Caller},
    call::Call,
    error::ArmError,
    groups::region,
    response::ArmResponse,
    wire,
};
use crate::{
    resources::{KEY_VAULT_TYPE, REGISTRY_TYPE, Resource, Scope, Sku},
    world::World,
};
use http::StatusCode;
use serde_json::{Map, Value};

/// Whether [`put`] makes resources of this type.
pub(super) fn makes(id: &Scope) -> bool {
    let kind = id.resource_type().unwrap_or_default();
    [KEY_VAULT_TYPE, REGISTRY_TYPE]
        .iter()
        .any(|known| kind.eq_ignore_ascii_case(known))
}

/// `PUT`: 200 with the vault or the registry. The work is done when the response is sent. A
/// property that is null is removed, and then has the value of a new resource.
pub(super) fn put(
    world: &World,
    call: &Call,
    caller: &Caller,
    id: &Scope,
) -> Result<ArmResponse, ArmError> {
    let kind = id.resource_type().unwrap_or_default();
    let is_vault = kind.eq_ignore_ascii_case(KEY_VAULT_TYPE);
    let name = id.name();
    check_name(name, is_vault)?;
    let mut given = call.object()?;
    let location = region(given.get("location").and_then(Value::as_str))?;
    let tags = wire::tags(&mut given)?.unwrap_or_default();
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
    let other = match is_vault {
        true => resources.key_vault(name).map(|found| &found.0.id),
        false => resources.container_registry(name).map(|found| &found.0.id),
    };
    if other.is_some_and(|other| other != id) {
        return Err(taken(name, is_vault));
    }
    let old = resources.resource(id).cloned();
    let mut resource = old.unwrap_or_else(|| Resource::new(id.clone()));
    resource.location = Some(location.to_owned());
    resource.tags = tags;
    let sku = given.get("sku").and_then(|sku| sku.get("name")?.as_str());
    if let Some(sku) = sku.filter(|_| !is_vault) {
        let sku = sku.to_owned();
        resource.sku = Some(Sku {
            tier: Some(sku.clone()),
            name: sku,
        });
    }
    for (name, value) in properties {
        match value {
            Value::Null => resource.properties.remove(&name),
            value => resource.properties.insert(name, value),
        };
    }
    resources.complete(&mut resource, now);
    wire::touch(&mut resource, caller, now);
    let view = Value::Object(wire::view(&resource));
    resources.put_resource(resource);
    Ok(ArmResponse::ok(view))
}

/// 'Naming rules and restrictions for Azure resources'.
fn check_name(name: &str, is_vault: bool) -> Result<(), ArmError> {
    let is_word = |c: char| c.is_ascii_alphanumeric();
    let is_valid = match is_vault {
        true => {
            (3..=24).contains(&name.len())
                && name.starts_with(|c: char| c.is_ascii_alphabetic())
                && name.ends_with(is_word)
                && name.chars().all(|c| is_word(c) || c == '-')
                && !name.contains("--")
        }
        false => (5..=50).contains(&name.len()) && name.chars().all(is_word),
    };
    match (is_valid, is_vault) {
        (true, _) => Ok(()),
        (false, true) => Err(ArmError::bad_request(
            "VaultNameNotValid",
            format!(
                "The vault name '{name}' is invalid. A vault's name must be between 3-24 alphanumeric characters. The name must begin with a letter, end with a letter or digit, and not contain consecutive hyphens. Follow this link for more information: https://go.microsoft.com/fwlink/?linkid=2147742"
            ),
        )),
        (false, false) => Err(ArmError::bad_request(
            "RegistryNameInvalid",
            format!(
                "Registry name '{name}' is invalid. Registry names may contain alpha numeric characters only and must be between 5 and 50 characters."
            ),
        )),
    }
}

fn taken(name: &str, is_vault: bool) -> ArmError {
    match is_vault {
        true => ArmError::new(
            StatusCode::CONFLICT,
            "VaultAlreadyExists",
            format!(
                "The vault name '{name}' is already in use. Vault names are globally unique so it is possible that the name is already taken."
            ),
        ),
        false => ArmError::new(
            StatusCode::CONFLICT,
            "AlreadyInUse",
            format!(
                "The registry DNS name {name}.azurecr.io is already in use. You can check if the name is already claimed using following API: https://docs.microsoft.com/en-us/rest/api/containerregistry/registries/checknameavailability"
            ),
        ),
    }
}
