//! Environments: an image, and the packages in it.

use super::{Ml, assets, error::MlError, view};
use serde::Serialize as _;
use serde_json::{Map, Value, json, ser::PrettyFormatter};

pub(super) fn complete(
    _ml: &Ml<'_>,
    given: &Map<String, Value>,
) -> Result<Map<String, Value>, MlError> {
    properties(given)
}

/// Microsoft's own environment: one of its images.
pub(super) fn curated(image: &str) -> Result<Map<String, Value>, MlError> {
    let mut given = Map::new();
    given.insert("image".to_owned(), image.into());
    let mut properties = properties(&given)?;
    properties.insert("environmentType".to_owned(), json!("Curated"));
    Ok(properties)
}

fn properties(given: &Map<String, Value>) -> Result<Map<String, Value>, MlError> {
    let mut properties = assets::base(given);
    let own = view::filled(
        given,
        json!({
            "autoDeleteSetting": null,
            "image": null,
            "condaFile": "",
            "build": null,
            "inferenceConfig": null,
            "osType": "Linux",
            "autoRebuild": "Disabled",
            "stage": "Development",
            "intellectualProperty": null,
        }),
    );
    // What was not sent and Azure has no default for is left out.
    let optional = ["image", "build", "inferenceConfig"];
    let own = own
        .into_iter()
        .filter(|(name, value)| !value.is_null() || !optional.contains(&name.as_str()));
    properties.extend(own);
    if let Some(yaml) = view::text(given, "condaFile") {
        properties.insert("condaFile".to_owned(), conda(yaml)?.into());
    }
    properties.insert("environmentType".to_owned(), json!("UserCreated"));
    properties.insert("provisioningState".to_owned(), json!("Succeeded"));
    Ok(properties)
}

/// The packages as Azure returns them: as JSON, indented by two blanks.
fn conda(yaml: &str) -> Result<String, MlError> {
    let refuse = |why: String| MlError::invalid(&[format!("Conda file is not valid YAML: {why}")]);
    if yaml.is_empty() {
        return Ok(String::new());
    }
    let content: Value = serde_saphyr::from_str(yaml)
        .map_err(|error| refuse(error.without_snippet().to_string()))?;
    let mut text = Vec::new();
    let indented = PrettyFormatter::with_indent(b"  ");
    content
        .serialize(&mut serde_json::Serializer::with_formatter(
            &mut text, indented,
        ))
        .map_err(|error| refuse(error.to_string()))?;
    String::from_utf8(text).map_err(|error| refuse(error.to_string()))
}

/// Marks the newest version.
pub(super) fn label(properties: &mut Map<String, Value>) {
    if let Some(Value::Object(own)) = properties.get_mut("properties") {
        own.insert("azureml.labels".to_owned(), json!("latest"));
    }
}

pub(super) fn missing(name: &str, version: Option<&str>) -> MlError {
    let version = version.unwrap_or_default();
    MlError::not_found(format!(
        "No environment exists for name: {name}, version: {version}, label: "
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_conda_file_comes_back_as_indented_json() {
        let text = conda("name: x\ndependencies:\n- python=3.11\n- pip:\n  - azcred\n").unwrap();
        let expected = "{\n  \"dependencies\": [\n    \"python=3.11\",\n    {\n      \"pip\": [\n        \"azcred\"\n      ]\n    }\n  ],\n  \"name\": \"x\"\n}";
        assert_eq!(text, expected);
        assert_eq!(conda("").unwrap(), "");
        assert!(conda("a: [").is_err());
    }

    #[test]
    fn a_conda_file_that_grows_by_aliases_is_refused() {
        let mut bomb = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n".to_owned();
        for level in 1..9 {
            let before = format!("*a{}", level - 1);
            let ten = vec![before; 10].join(",");
            bomb.push_str(&format!("a{level}: &a{level} [{ten}]\n"));
        }
        assert!(conda(&bomb).is_err());
    }
}
