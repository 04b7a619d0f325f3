//! Members that old versions of the API do not have.

use serde_json::{Map, Value};

/// The first version that has all members here. Recorded without them: 2022-05-01 and
/// 2022-06-01-preview.
const VERSION: &str = "2022-12-01-preview";
/// Of each resource.
const PROPERTIES: &[&str] = &[
    "autoDeleteSetting",
    "intellectualProperty",
    "notificationSetting",
    "parentJobName",
    "queueSettings",
    "stage",
];
/// Of one object in a job, and of each object in a map of a job.
const IN_OBJECTS: &[(&str, &str)] = &[("resources", "dockerArgsList")];
const IN_MAPS: &[(&str, &str)] = &[("services", "nodes"), ("outputs", "assetName")];

/// Takes from a resource, or from each one of a list, what this version does not have.
pub(super) fn leave_out(body: &mut Value, version: &str) {
    if version >= VERSION {
        return;
    }
    match body.get_mut("value") {
        Some(Value::Array(all)) => all.iter_mut().for_each(older),
        _ => older(body),
    }
}

fn older(resource: &mut Value) {
    let Some(properties) = object(resource, "properties") else {
        return;
    };
    properties.retain(|name, _| !PROPERTIES.contains(&name.as_str()));
    for (name, member) in IN_OBJECTS {
        if let Some(Value::Object(one)) = properties.get_mut(*name) {
            one.remove(*member);
        }
    }
    for (name, member) in IN_MAPS {
        let all = properties.get_mut(*name).and_then(Value::as_object_mut);
        for one in all.into_iter().flat_map(|all| all.values_mut()) {
            if let Value::Object(one) = one {
                one.remove(*member);
            }
        }
    }
}

fn object<'a>(value: &'a mut Value, name: &str) -> Option<&'a mut Map<String, Value>> {
    value.get_mut(name)?.as_object_mut()
}
