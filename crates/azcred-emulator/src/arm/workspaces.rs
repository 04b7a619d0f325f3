//! Creates and replaces Azure Machine Learning workspaces.

use crate::{
    arm::{
        access::{self, Caller},
        call::Call,
        error::ArmError,
        groups::region,
        identities,
        response::ArmResponse,
        wire::{self, SERVICE_OWNED},
    },
    resources::{Identity, Resource, Scope, Sku, basic, complete},
    world::World,
};
use http::StatusCode;
use serde_json::{Map, Value};
use uuid::Uuid;

/// `PUT`: 201 for a new workspace, 200 for an existing one. The work is done when the response is
/// sent.
pub(super) fn put(
    world: &World,
    call: &Call,
    caller: &Caller,
    id: &Scope,
) -> Result<ArmResponse, ArmError> {
    valid_name(id.name())?;
    let mut given = call.object()?;
    let location = region(given.get("location").and_then(Value::as_str))?;
    let tags = wire::tags(&mut given)?.unwrap_or_default();
    let mut properties = match given.remove("properties") {
        None | Some(Value::Null) => Map::new(),
        Some(Value::Object(properties)) => properties,
        Some(_) => {
            return Err(ArmError::invalid_content(
                "properties: an object was expected",
            ));
        }
    };
    let wanted = identity_type(&given)?;
    let sku = match given.remove("sku") {
        None | Some(Value::Null) => basic(),
        Some(sku) => sku_of(&sku)?,
    };
    let kind = given
        .get("kind")
        .and_then(Value::as_str)
        .unwrap_or("Default")
        .to_owned();

    let now = world.clock.now();
    // The directory is locked first, as a new identity adds a service principal.
    let mut directory = world.directory_mut();
    let mut resources = world.resources_mut();
    let group = id
        .resource_group()
        .ok_or_else(ArmError::missing_subscription)?;
    let group_id = Scope::subscription(id.subscription_id().unwrap_or_default())
        .child(&format!("resourceGroups/{group}"))
        .map_err(|error| ArmError::bad_request("InvalidResourceId", error.to_string()))?;
    access::exists(&resources, &group_id)?;
    let old = resources.resource(id).cloned();
    if let Some(old) = &old
        && old.location.as_deref() != Some(location)
    {
        return Err(ArmError::new(
            StatusCode::CONFLICT,
            "InvalidResourceLocation",
            format!(
                "The resource '{}' already exists in location '{}' in resource group '{group}'. A resource with the \
                 same name cannot be created in location '{location}'. Please select a new resource name.",
                id.name(),
                old.location.as_deref().unwrap_or_default()
            ),
        ));
    }
    // The service sets these properties once. It ignores what a client sends for them.
    for name in SERVICE_OWNED {
        properties.remove(name);
        if let Some(value) = old.as_ref().and_then(|old| old.properties.get(name)) {
            properties.insert(name.to_owned(), value.clone());
        }
    }
    properties
        .entry("friendlyName")
        .or_insert_with(|| id.name().into());
    properties.entry("description").or_insert_with(|| "".into());
    complete(
        &mut properties,
        id,
        location,
        Uuid::new_v4(),
        caller.tenant,
        now,
    );

    let mut resource = Resource::new(
        old.as_ref()
            .map_or_else(|| id.clone(), |old| old.id.clone()),
    );
    resource.location = Some(location.to_owned());
    resource.kind = Some(kind);
    resource.sku = Some(sku);
    resource.tags = tags;
    resource.system_data = old.as_ref().and_then(|old| old.system_data.clone());
    resource.properties = properties;
    resource.identity = match wanted.as_str() {
        "None" => None,
        kind => {
            let known = old
                .as_ref()
                .and_then(|old| old.identity.clone())
                .and_then(|identity| identity.principal_id);
            let principal = kind.contains("SystemAssigned").then(|| {
                known.unwrap_or_else(|| {
                    identities::create(world, &mut directory, caller.tenant, id.name())
                })
            });
            Some(Identity {
                kind: kind.to_owned(),
                principal_id: principal,
                tenant_id: principal.map(|_| caller.tenant),
            })
        }
    };
    wire::touch(&mut resource, caller, now);
    let new = resources.put_resource(resource);
    if new {
        resources.open_workspace(id);
        resources.grant_own_storage(id, now);
    }
    let made = resources.resource(id);
    let body = made.map(|made| Value::Object(wire::view(made)));
    drop(resources);
    if new {
        world.make_containers(Some(id)).map_err(|error| {
            ArmError::new(
                StatusCode::INTERNAL_SERVER_ERROR,
                "InternalServerError",
                error.to_string(),
            )
        })?;
    }
    Ok(ArmResponse::with(
        if new {
            StatusCode::CREATED
        } else {
            StatusCode::OK
        },
        body.unwrap_or_default(),
    ))
}

/// The requested `identity.type`. Without one it is system-assigned, as in Azure.
fn identity_type(given: &Map<String, Value>) -> Result<String, ArmError> {
    let Some(identity) = given.get("identity").filter(|identity| !identity.is_null()) else {
        return Ok("SystemAssigned".into());
    };
    let requested = identity
        .get("type")
        .and_then(Value::as_str)
        .unwrap_or_default();
    [
        "None",
        "SystemAssigned",
        "UserAssigned",
        "SystemAssigned,UserAssigned",
    ]
    .into_iter()
    .find(|known| known.eq_ignore_ascii_case(&requested.replace(' ', "")))
    .map(str::to_owned)
    .ok_or_else(|| {
        ArmError::invalid_content(&format!(
            "identity.type: '{requested}' is not a kind of identity"
        ))
    })
}

fn sku_of(given: &Value) -> Result<Sku, ArmError> {
    let text = |name: &str| given.get(name).and_then(Value::as_str).map(str::to_owned);
    Ok(Sku {
        name: text("name")
            .ok_or_else(|| ArmError::invalid_content("sku.name: a text was expected"))?,
        tier: text("tier"),
    })
}

/// Allowed names by "Naming rules and restrictions for Azure resources" (Microsoft Learn): 3 to 33
/// letters, digits, `-` and `_`.
fn valid_name(name: &str) -> Result<(), ArmError> {
    let fits = (3..=33).contains(&name.len())
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
        && name.starts_with(|c: char| c.is_ascii_alphanumeric());
    if fits {
        return Ok(());
    }
    Err(ArmError::bad_request(
        "ValidationError",
        format!(
            "Workspace name '{name}' is invalid. It must have 3 to 33 characters, start with a letter or digit, and \
             hold only letters, digits, hyphens and underscores."
        ),
    ))
}
