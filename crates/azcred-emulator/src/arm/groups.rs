//! Resource groups.

use super::{
    access::Caller,
    call::Call,
    error::ArmError,
    filter::{Filter, Term},
    identities, long_operations,
    regions::{REGIONS, Region},
    response::ArmResponse,
    storage_accounts, wire,
};
use crate::{
    resources::{ResourceGroup, Scope},
    world::World,
};
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use uuid::Uuid;

const READ: &str = "Microsoft.Resources/subscriptions/resourceGroups/read";

/// `GET …/resourceGroups`: the groups that the caller may read, and those with a resource that the
/// caller may read.
pub(super) fn list(
    world: &World,
    call: &Call,
    caller: &Caller,
    subscription: Uuid,
) -> Result<ArmResponse, ArmError> {
    let filter = Filter::of(call, &["tagname", "tagvalue"])?;
    let resources = world.resources();
    let mut seen = Vec::new();
    for group in resources.groups_of(subscription) {
        let Ok(id) = group.id() else { continue };
        let readable = caller.may(&resources, READ, &id)
            || resources.resources_in(&id).any(|one| {
                caller.may(
                    &resources,
                    &format!("{}/read", one.resource_type()),
                    &one.id,
                )
            });
        if readable && filter.holds(|term| matches_tag(&group.tags, term)) {
            seen.push(view(group));
        }
    }
    ArmResponse::list(world, call, seen)
}

/// Whether tags match a condition of a filter.
pub(super) fn matches_tag(tags: &BTreeMap<String, String>, term: &Term) -> bool {
    match term {
        Term::Equals(name, wanted) if name == "tagname" => {
            tags.keys().any(|tag| tag.eq_ignore_ascii_case(wanted))
        }
        Term::Equals(name, wanted) if name == "tagvalue" => {
            tags.values().any(|value| value == wanted)
        }
        _ => false,
    }
}

/// `GET` of one resource group.
pub(super) fn get(world: &World, id: &Scope) -> Result<ArmResponse, ArmError> {
    world
        .resources()
        .group(id)
        .map(|group| ArmResponse::ok(view(group)))
        .ok_or_else(|| ArmError::group_not_found(id.name()))
}

/// `HEAD` of one resource group: 204 if it exists, else 404.
pub(super) fn head(world: &World, id: &Scope) -> ArmResponse {
    let there = world.resources().group(id).is_some();
    ArmResponse::empty(if there {
        StatusCode::NO_CONTENT
    } else {
        StatusCode::NOT_FOUND
    })
}

/// What a client can set. The other fields that clients send (`properties`, `managedBy`) are set by
/// Azure only.
#[derive(Deserialize)]
struct GroupBody {
    location: Option<String>,
    tags: Option<BTreeMap<String, String>>,
}

/// `PUT`: creates the group, or replaces its tags.
pub(super) fn put(world: &World, call: &Call, id: &Scope) -> Result<ArmResponse, ArmError> {
    let given: GroupBody = call.json()?;
    let location = region(given.location.as_deref())?;
    let subscription = id
        .subscription_id()
        .ok_or_else(ArmError::missing_subscription)?;
    valid_name(id.name())?;
    let mut resources = world.resources_mut();
    if let Some(there) = resources.group(id)
        && there.location != location
    {
        return Err(ArmError::new(
            StatusCode::CONFLICT,
            "InvalidResourceGroupLocation",
            format!(
                "Invalid resource group location '{location}'. The Resource group already exists in location '{}'.",
                there.location
            ),
        ));
    }
    let group = ResourceGroup {
        subscription,
        name: resources
            .group(id)
            .map_or_else(|| id.name().to_owned(), |there| there.name.clone()),
        location: location.to_owned(),
        tags: given.tags.unwrap_or_default(),
    };
    let body = view(&group);
    let new = resources
        .put_group(group)
        .map_err(|error| ArmError::bad_request("InvalidResourceGroup", error.to_string()))?;
    Ok(ArmResponse::with(
        if new {
            StatusCode::CREATED
        } else {
            StatusCode::OK
        },
        body,
    ))
}

/// `PATCH`: replaces the group's tags.
pub(super) fn patch(world: &World, call: &Call, id: &Scope) -> Result<ArmResponse, ArmError> {
    let given: GroupBody = call.json()?;
    let mut resources = world.resources_mut();
    let mut group = resources
        .group(id)
        .cloned()
        .ok_or_else(|| ArmError::group_not_found(id.name()))?;
    if let Some(tags) = given.tags {
        group.tags = tags;
    }
    let body = view(&group);
    resources
        .put_group(group)
        .map_err(|error| ArmError::bad_request("InvalidResourceGroup", error.to_string()))?;
    Ok(ArmResponse::ok(body))
}

/// `DELETE`: deletes the group with its resources. It is done before the response is sent, which
/// says where a client can ask for the result.
pub(super) fn delete(
    world: &World,
    call: &Call,
    id: &Scope,
    version: &str,
) -> Result<ArmResponse, ArmError> {
    let mut directory = world.directory_mut();
    let mut resources = world.resources_mut();
    let group = resources.group(id).cloned();
    let group = group.ok_or_else(|| ArmError::group_not_found(id.name()))?;
    let gone = resources.remove_group(id).unwrap_or_default();
    identities::remove(&mut directory, &gone);
    storage_accounts::remove(world, &gone);
    world.jobs().remove_in(id);
    Ok(long_operations::group_deletion(
        world, call, &group, version,
    ))
}

/// A region's short name, from its short name or its display name.
///
/// # Errors
/// 400 when the location is missing or is not a region.
pub(super) fn region(given: Option<&str>) -> Result<&'static str, ArmError> {
    let given = given.ok_or_else(|| {
        ArmError::bad_request(
            "LocationRequired",
            "The location property is required for this definition.",
        )
    })?;
    Region::find(given)
        .map(|region| region.name)
        .ok_or_else(|| {
            let known: Vec<&str> = REGIONS.iter().map(|region| region.name).collect();
            ArmError::bad_request(
                "LocationNotAvailableForResourceGroup",
                format!(
                    "The provided location '{given}' is not available for resource group. List of available regions is \
                     '{}'.",
                    known.join(",")
                ),
            )
        })
}

/// Allowed names by "Naming rules and restrictions for Azure resources" (Microsoft Learn): letters,
/// digits, `_`, `-`, `.` and parentheses, no dot at the end.
fn valid_name(name: &str) -> Result<(), ArmError> {
    let fits = name
        .chars()
        .all(|c| c.is_alphanumeric() || "_-.()".contains(c))
        && !name.ends_with('.');
    if fits {
        return Ok(());
    }
    Err(ArmError::bad_request(
        "InvalidResourceGroup",
        format!(
            "The provided resource group name '{name}' has these invalid characters: '{}'. The name can only be a \
             letter, digit, '-', '.', '(', ')' or '_'.",
            name.chars()
                .filter(|c| !c.is_alphanumeric() && !"_-.()".contains(*c))
                .collect::<String>()
        ),
    ))
}

fn view(group: &ResourceGroup) -> Value {
    let mut view = json!({
        "id": format!("/subscriptions/{}/resourceGroups/{}", group.subscription, group.name),
        "name": group.name,
        "type": "Microsoft.Resources/resourceGroups",
        "location": group.location,
        "properties": {"provisioningState": "Succeeded"},
    });
    wire::put_tags(&mut view, &group.tags);
    view
}
