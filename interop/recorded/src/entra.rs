//! Answers of Entra ID and of the hosts of managed identities, in the form of `entra.jsonl`.

use crate::{Answer, Difference, shape::shape, template::fits};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Map, Value};

/// What differs between a line and an answer.
///
/// A refusal has its error, its codes and its message without ids. Any other answer has the members
/// that the line has, and its `keys_in_order`.
pub fn entra_differences(line: &Value, got: &Answer<'_>) -> Vec<Difference> {
    let mut all = Vec::new();
    let mut compare = |at: &str, real: &Value, ours: Value| {
        if *real != ours {
            all.push(Difference::new(at, real.clone(), Some(&ours)));
        }
    };
    if line["status"].is_u64() {
        compare("status", &line["status"], got.status.into());
    }
    for (name, real) in line["headers"].as_object().into_iter().flatten() {
        let ours = (got.header)(name);
        match real.as_str() {
            Some("with-telemetry") => compare(name, &Value::Null, ours.into()),
            Some(template) if ours.is_some_and(|ours| fits(template, ours)) => {}
            _ => compare(name, real, ours.into()),
        }
    }
    let response = &line["response"];
    if response.get("message").is_some() && response.get("error_codes").is_some() {
        all.extend(refusal_differences(response, got.body));
        return all;
    }
    let values = response.as_object().into_iter().flatten();
    for (name, real) in values.filter(|(name, _)| *name != "keys_in_order") {
        let ours = got.body.get(name);
        if let (Some(token), Some(names)) = (name.strip_suffix("_claims"), real.as_array()) {
            all.extend(claim_differences(token, names, &got.body[token]));
        } else if let (Value::Object(claims), "claims", Some(ours)) = (real, name.as_str(), ours) {
            all.extend(shape(&Value::Object(claims.clone()), Some(ours)));
        } else if let (Value::Array(items), Some(ours)) = (real, ours)
            && items.iter().all(Value::is_object)
        {
            all.extend(shape(real, Some(ours)));
        } else if !is_like(real, ours) {
            all.push(Difference::new(name, real.clone(), ours));
        }
    }
    for key in response["keys_in_order"].as_array().into_iter().flatten() {
        let name = key.as_str().unwrap_or_default();
        if got.body.get(name).is_none() {
            all.push(Difference::new(name, "present".into(), None));
        }
    }
    all
}

/// What differs in the names of a token's claims. A recorded name may have a note after a space.
fn claim_differences(token: &str, recorded: &[Value], ours: &Value) -> Vec<Difference> {
    let claims = ours.as_str().and_then(|token| {
        let payload = URL_SAFE_NO_PAD.decode(token.split('.').nth(1)?).ok()?;
        serde_json::from_slice::<Map<String, Value>>(&payload).ok()
    });
    let claims = claims.unwrap_or_default();
    let names = recorded.iter().filter_map(Value::as_str);
    let names: Vec<&str> = names.filter_map(|name| name.split(' ').next()).collect();
    let missing = names.iter().filter(|name| !claims.contains_key(**name));
    let missing = missing.map(|name| (name, "present", "absent"));
    let more = claims.keys().map(String::as_str);
    let more: Vec<&str> = more.filter(|name| !names.contains(name)).collect();
    let more = more.iter().map(|name| (name, "absent", "present"));
    missing
        .chain(more)
        .map(|(name, real, ours)| {
            let at = format!("{token}: {name}");
            Difference::new(at, real.into(), Some(&ours.into()))
        })
        .collect()
}

fn refusal_differences(response: &Value, body: &Value) -> Vec<Difference> {
    let mut all = Vec::new();
    let mut compare = |at: &str, real: &Value, ours: Value| {
        if *real != ours {
            all.push(Difference::new(at, real.clone(), Some(&ours)));
        }
    };
    compare(
        "error_codes",
        &response["error_codes"],
        body["error_codes"].clone(),
    );
    if response["error"].is_string() {
        compare("error", &response["error"], body["error"].clone());
    }
    if response.get("suberror").is_some() {
        compare("suberror", &response["suberror"], body["suberror"].clone());
    }
    if response["error_uri"] != "unknown" {
        let ours = match body.get("error_uri") {
            Some(_) => "present",
            None => "absent",
        };
        compare("error_uri", &response["error_uri"], ours.into());
    }
    if response.get("claims").is_some() {
        compare("claims", &true.into(), body["claims"].is_string().into());
    }
    let said = body["error_description"].as_str().unwrap_or_default();
    let said = said.split_once(": ").map_or(said, |(_, rest)| rest);
    let said = said.split(" Trace ID:").next().unwrap_or_default();
    let template = response["message"].as_str().unwrap_or_default();
    if !fits(template, said) {
        compare("error_description", &template.into(), said.into());
    }
    all
}

/// Whether a value is like a recorded one. In a text, `<…>` stands for any text, `NUMBER` for a
/// number and `absent` for no value.
fn is_like(real: &Value, ours: Option<&Value>) -> bool {
    match (real, ours) {
        (Value::String(real), None) => real == "absent",
        (Value::String(real), Some(ours)) if real.contains("NUMBER") => ours.is_number(),
        (Value::String(real), Some(Value::String(ours))) => {
            let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
            let is_number = !real.is_empty() && digits(real) && digits(ours);
            is_number || real.contains('(') || fits(real, ours)
        }
        (Value::Number(_), Some(Value::Number(_))) => true,
        (Value::Array(real), Some(ours)) if real.iter().all(Value::is_string) => {
            ours.as_array() == Some(real)
        }
        (Value::Array(_) | Value::Object(_) | Value::Null, _) => true,
        _ => real.is_array(),
    }
}
