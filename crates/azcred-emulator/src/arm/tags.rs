//! Tags, read: those of a scope, and all that a subscription has.

use super::{access, call::Call, error::ArmError, response::ArmResponse};
use crate::{resources::Scope, world::World};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use uuid::Uuid;

/// `GET SCOPE/providers/Microsoft.Resources/tags/default`.
pub(super) fn of(world: &World, scope: &Scope) -> Result<ArmResponse, ArmError> {
    let resources = world.resources();
    access::exists(&resources, scope)?;
    let subscription = scope
        .subscription_id()
        .filter(|_| scope.segments().count() == 2);
    let tags = if let Some(id) = subscription {
        resources.subscription(id).map(|found| &found.tags)
    } else if let Some(group) = resources.group(scope) {
        Some(&group.tags)
    } else {
        resources.resource(scope).map(|found| &found.tags)
    };
    let tags = tags.ok_or_else(ArmError::missing_subscription)?;
    Ok(ArmResponse::ok(json!({
        "id": format!("{scope}/providers/Microsoft.Resources/tags/default"),
        "name": "default",
        "type": "Microsoft.Resources/tags",
        "properties": {"tags": tags},
    })))
}

/// `GET /subscriptions/ID/tagNames`: the names in use, their values, and how often each is used.
pub(super) fn names(
    world: &World,
    call: &Call,
    subscription: Uuid,
) -> Result<ArmResponse, ArmError> {
    let resources = world.resources();
    let scope = Scope::subscription(subscription);
    let of_subscription = resources
        .subscription(subscription)
        .map(|found| &found.tags);
    let of_groups = resources.groups_of(subscription).map(|group| &group.tags);
    let of_resources = resources.resources_in(&scope).map(|found| &found.tags);
    let mut uses = BTreeMap::<&str, BTreeMap<&str, usize>>::new();
    for (name, value) in of_subscription
        .into_iter()
        .chain(of_groups)
        .chain(of_resources)
        .flatten()
    {
        *uses.entry(name).or_default().entry(value).or_default() += 1;
    }
    let count = |value: usize| json!({"type": "Total", "value": value});
    let all = uses.iter().map(|(name, values)| {
        let id = format!("{scope}/tagNames/{name}");
        let values: Vec<Value> = values
            .iter()
            .map(|(value, uses)| {
                json!({
                    "id": format!("{id}/tagValues/{value}"),
                    "tagValue": value,
                    "count": count(*uses),
                })
            })
            .collect();
        json!({
            "id": id,
            "tagName": name,
            "count": count(uses[name].values().sum()),
            "values": values,
        })
    });
    ArmResponse::list(world, call, all.collect())
}
