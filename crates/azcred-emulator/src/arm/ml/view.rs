//! Pieces of JSON that all of a workspace's content has.

use crate::{clock::ticks, resources::SystemData};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// `systemData` with all its members.
pub(super) fn system_data(data: &SystemData) -> Value {
    json!({
        "createdAt": ticks(data.created_at, "+00:00"),
        "createdBy": data.created_by,
        "createdByType": data.created_by_type,
        "lastModifiedAt": ticks(data.last_modified_at, "+00:00"),
        "lastModifiedBy": data.last_modified_by,
        "lastModifiedByType": data.last_modified_by_type,
    })
}

/// `systemData` with these members only.
pub(super) fn system_data_with(data: &SystemData, members: &[&str]) -> Value {
    let mut all = system_data(data);
    if let Value::Object(all) = &mut all {
        all.retain(|name, _| members.contains(&name.as_str()));
    }
    all
}

/// An object with what was sent for each of these members, or their defaults.
pub(super) fn filled(given: &Map<String, Value>, defaults: Value) -> Map<String, Value> {
    let Value::Object(mut members) = defaults else {
        return Map::new();
    };
    for (name, value) in &mut members {
        if let Some(given) = given.get(name).filter(|given| !given.is_null()) {
            value.clone_from(given);
        }
    }
    members
}

/// The text of a member.
pub(super) fn text<'a>(given: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    given.get(name).and_then(Value::as_str)
}

/// The object `properties` of a body. Without one it is empty.
pub(super) fn properties(body: &Map<String, Value>) -> Map<String, Value> {
    match body.get("properties") {
        Some(Value::Object(properties)) => properties.clone(),
        _ => Map::new(),
    }
}

/// An object of texts. Numbers and the like become texts.
pub(super) fn texts(given: &Map<String, Value>, member: &str) -> Option<BTreeMap<String, String>> {
    let all = given.get(member)?.as_object()?;
    let all = all.iter().map(|(name, value)| {
        let value = value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned);
        (name.clone(), value)
    });
    Some(all.collect())
}
