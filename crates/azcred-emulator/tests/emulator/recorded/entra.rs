//! Entra ID, and the hosts of managed identities: `interop/recorded/entra.jsonl`.

use super::{fits, hold};
use crate::common::{Lab, Reply, TENANT, hosts};
use azcred_emulator::{Effect, Fault, Service};
use serde_json::Value;

const FACTS: &str = include_str!("../../../../../interop/recorded/entra.jsonl");

/// Lines that this test does not hold against the emulator yet. Only lower this.
const NOT_HELD: usize = 47;

/// Brings the emulator into the situation of a line, and sends its request. `None` if this test
/// does not know the situation.
async fn answer(lab: &Lab, line: &Value) -> Option<Reply> {
    let request = &line["request"];
    let text = |name: &str| request[name].as_str().unwrap_or_default();
    let response = &line["response"];
    match text("host") {
        "Arc" if text("query").contains("client_id") => return None,
        "Arc" if request.get("header").is_some() => return Some(hosts::arc_token(lab, &[]).await),
        "Arc" => return Some(hosts::send(hosts::arc(lab, &[])).await),
        "Service Fabric" => {
            let query = [
                ("api-version", "2019-07-01-preview"),
                ("resource", "https://vault.azure.net"),
            ];
            let secret = hosts::hosts(lab).service_fabric_header;
            let request = hosts::service_fabric(lab, &query).header("Secret", secret);
            return Some(hosts::send(request).await);
        }
        _ => {}
    }
    if let Some(code) = response["error_codes"][0].as_u64() {
        return match text("endpoint") {
            _ if request
                .get("host")
                .is_some_and(|host| host != "login.microsoft.com") =>
            {
                None
            }
            "openid-configuration" => {
                let path = "/no-such-tenant/v2.0/.well-known/openid-configuration";
                Some(lab.get(path).await)
            }
            "discovery/instance" => {
                let path = "/common/discovery/instance?api-version=1.1&authorization_endpoint=https://login.example/x";
                Some(lab.get(path).await)
            }
            endpoint @ ("v1" | "v2" | "v1 (on behalf of)" | "v1 and v2 token, authorize") => {
                let effect = Effect::Aadsts {
                    code: u32::try_from(code).unwrap(),
                };
                let fault = Fault::new(effect).on(Service::Login).times(1);
                lab.emulator.faults().arm(fault).unwrap();
                let version = if endpoint.starts_with("v1 (") || endpoint == "v1" {
                    ""
                } else {
                    "/v2.0"
                };
                Some(
                    lab.post(&format!("/{TENANT}/oauth2{version}/token"), &[])
                        .await,
                )
            }
            _ => None,
        };
    }
    match (text("method"), text("path"), text("grant"), text("by")) {
        ("GET", "/common/discovery/instance", ..) => {
            let host = "https://login.microsoftonline.com";
            let query = format!(
                "api-version=1.1&authorization_endpoint={host}/{TENANT}/oauth2/v2.0/authorize"
            );
            Some(
                lab.get(&format!("/common/discovery/instance?{query}"))
                    .await,
            )
        }
        ("GET", "/<tenant>/v2.0/.well-known/openid-configuration", ..) => {
            let path = format!("/{TENANT}/v2.0/.well-known/openid-configuration");
            Some(lab.get(&path).await)
        }
        ("GET", "/common/userrealm/<upn>", ..) => Some(
            lab.get("/common/userrealm/ada@contoso.com?api-version=1.0")
                .await,
        ),
        (_, _, "client_credentials", "secret") => Some(lab.request_token_as("azcred-demo").await),
        _ => None,
    }
}

/// What differs between a line and the emulator's answer.
fn differences(line: &Value, got: &Reply) -> Vec<String> {
    let mut all = Vec::new();
    let mut compare = |what: &str, real: &Value, ours: Value| {
        if *real != ours {
            all.push(format!("{what}: {real} is {ours}"));
        }
    };
    if line["status"].is_u64() {
        compare("status", &line["status"], got.status.into());
    }
    let response = &line["response"];
    let header = |name: &str| {
        let value = got.headers.get(name).and_then(|value| value.to_str().ok());
        value.map_or(Value::Null, Value::from)
    };
    for (name, real) in line["headers"].as_object().into_iter().flatten() {
        match real.as_str() {
            Some("with-telemetry") => compare(name, &Value::Null, header(name)),
            Some(template)
                if header(name)
                    .as_str()
                    .is_some_and(|ours| fits(template, ours)) => {}
            _ => compare(name, real, header(name)),
        }
    }
    if response.get("message").is_some() {
        compare(
            "codes",
            &response["error_codes"],
            got.body["error_codes"].clone(),
        );
        if response["error"].is_string() {
            compare("error", &response["error"], got.body["error"].clone());
        }
        if response.get("suberror").is_some() {
            compare(
                "suberror",
                &response["suberror"],
                got.body["suberror"].clone(),
            );
        }
        if response["error_uri"] != "unknown" {
            let ours = if got.body.get("error_uri").is_some() {
                "present"
            } else {
                "absent"
            };
            compare("error_uri", &response["error_uri"], ours.into());
        }
        if response.get("claims").is_some() {
            compare(
                "claims",
                &true.into(),
                got.body["claims"].is_string().into(),
            );
        }
        let said = got.body["error_description"].as_str().unwrap_or_default();
        let said = said.split_once(": ").map_or(said, |(_, rest)| rest);
        let said = said.split(" Trace ID:").next().unwrap_or_default();
        let template = response["message"].as_str().unwrap_or_default();
        if !fits(template, said) {
            all.push(format!("message: {template:?} is {said:?}"));
        }
        return all;
    }
    let values = response.as_object().into_iter().flatten();
    for (name, real) in values.filter(|(name, _)| *name != "keys_in_order") {
        if let Some(what) = differs(real, got.body.get(name)) {
            all.push(format!("{name}: {what}"));
        }
    }
    for key in response["keys_in_order"].as_array().into_iter().flatten() {
        if got.body.get(key.as_str().unwrap_or_default()).is_none() {
            all.push(format!("the key {key} is missing"));
        }
    }
    all
}

/// What differs between a recorded value and ours. In a text, `<…>` stands for any text, `NUMBER`
/// for a number and `absent` for no value.
fn differs(real: &Value, ours: Option<&Value>) -> Option<String> {
    let is_same = match (real, ours) {
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
    };
    (!is_same).then(|| format!("{real} is {ours:?}"))
}

#[tokio::test]
async fn entra_id_answers_as_recorded() {
    let lab = Lab::start().await;
    hold(FACTS, NOT_HELD, async |line| {
        let got = answer(&lab, line).await;
        lab.emulator.faults().clear();
        Some(differences(line, &got?))
    })
    .await;
}
