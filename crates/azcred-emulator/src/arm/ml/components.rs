//! Components: the steps of pipelines.

use super::{Ml, assets, error::MlError};
use http::StatusCode;
use serde_json::{Map, Value, json};

pub(super) fn complete(
    _ml: &Ml<'_>,
    given: &Map<String, Value>,
) -> Result<Map<String, Value>, MlError> {
    let Some(Value::Object(spec)) = given.get("componentSpec") else {
        return Err(MlError::invalid(&[
            "Required property 'componentSpec' not found in JSON. Path 'properties'.".to_owned(),
        ]));
    };
    let mut spec = spec.clone();
    // Where the client read it from.
    spec.remove("_source");
    let is_command = spec.get("type").and_then(Value::as_str) == Some("command");
    if let Some(Value::Object(inputs)) = spec.get_mut("inputs") {
        for input in inputs.values_mut().filter_map(Value::as_object_mut) {
            input.entry("optional").or_insert(json!(false));
        }
    }
    if is_command {
        let resources = spec.entry("resources").or_insert_with(|| json!({}));
        if let Value::Object(resources) = resources {
            resources.entry("instance_count").or_insert(json!(1));
        }
    }
    if let Some(environment) = spec.get("environment").and_then(Value::as_str)
        && let Some(long) = in_registry(environment)
    {
        spec.insert("environment".to_owned(), long.into());
    }
    let mut properties = assets::base(given);
    let is_anonymous = properties.get("isAnonymous") == Some(&json!(true));
    let stage = if is_anonymous {
        "Logged"
    } else {
        "Development"
    };
    properties.insert("autoDeleteSetting".to_owned(), Value::Null);
    properties.insert("componentSpec".to_owned(), as_text(Value::Object(spec)));
    properties.insert("provisioningState".to_owned(), json!("Succeeded"));
    properties.insert("stage".to_owned(), json!(stage));
    Ok(properties)
}

pub(super) fn missing(name: &str, version: Option<&str>) -> MlError {
    let _ = version;
    MlError::user(
        StatusCode::NOT_FOUND,
        &["NotFound", "ComponentNotFound"],
        format!("Not found component {name}."),
    )
}

/// A component with every value as text: `true` is `True`, 1 is `1`. What is null is left out.
fn as_text(value: Value) -> Value {
    match value {
        Value::Bool(is) => json!(if is { "True" } else { "False" }),
        Value::Number(number) => json!(number.to_string()),
        Value::Array(items) => items.into_iter().map(as_text).collect(),
        Value::Object(members) => members
            .into_iter()
            .filter(|(_, value)| !value.is_null())
            .map(|(name, value)| (name, as_text(value)))
            .collect::<Map<_, _>>()
            .into(),
        other => other,
    }
}

/// A curated environment's address: `azureml:AzureML-NAME:VERSION` is in Microsoft's registry.
fn in_registry(environment: &str) -> Option<String> {
    let (name, version) = environment.strip_prefix("azureml:")?.split_once(':')?;
    (!name.contains('/'))
        .then(|| format!("azureml://registries/azureml/environments/{name}/versions/{version}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_of_a_component_becomes_text() {
        let sent = json!({"a": true, "b": [1, 0.01, null], "c": {"d": null, "e": "x"}});
        let expected = json!({"a": "True", "b": ["1", "0.01", null], "c": {"e": "x"}});
        assert_eq!(as_text(sent), expected);
    }

    #[test]
    fn only_the_short_name_of_an_environment_is_in_the_registry() {
        let long = "azureml://registries/azureml/environments/AzureML-x/versions/3";
        assert_eq!(in_registry("azureml:AzureML-x:3").as_deref(), Some(long));
        assert_eq!(in_registry(long), None);
        assert_eq!(in_registry("azureml:/subscriptions/1/a:2"), None);
    }
}
