//! The CI systems of `interop/recorded/entra.jsonl`.

use crate::common::{Lab, Reply, claims_of, read};
use azcred_emulator::{Persona, Way};
use serde_json::{Value, json};
use std::collections::HashMap;

/// Sends a line's request. `None` if this test does not know the situation.
pub(super) async fn answer(lab: &Lab, request: &Value) -> Option<Reply> {
    let named = |name: &str| request[name].as_str().unwrap_or_default();
    let query = match (named("serviceConnectionId"), named("why"), named("query")) {
        _ if named("host") != "Azure DevOps oidctoken" => return None,
        (_, _, "no serviceConnectionId") => String::new(),
        ("a Generic or old ARM connection", ..) => "own".to_owned(),
        (_, "connection not referenced in the stage", _) => {
            "0b1ec700-0000-4000-8000-0000000000ff".to_owned()
        }
        _ if named("method") == "GET" => "own".to_owned(),
        _ => return None,
    };
    let environment = lab
        .emulator
        .info()
        .environment(Persona::AzurePipelines, Way::Ports);
    let set: HashMap<_, _> = environment.set.into_iter().collect();
    let query = match query.as_str() {
        "own" => &set["AZURESUBSCRIPTION_SERVICE_CONNECTION_ID"],
        other => other,
    };
    let mut url = format!("{}?api-version=7.1", set["SYSTEM_OIDCREQUESTURI"]);
    if !query.is_empty() {
        url = format!("{url}&serviceConnectionId={query}");
    }
    let sent = match named("method") {
        "GET" => lab.client.get(url),
        _ => lab.client.post(url),
    };
    let sent = sent.bearer_auth(&set["SYSTEM_ACCESSTOKEN"]).send();
    let mut got = read(sent.await.unwrap()).await;
    if let Some(token) = got.body["oidcToken"].as_str() {
        let mut claims = claims_of(token);
        // Recorded as distances, some of them rounded.
        let issued = claims["iat"].as_i64().unwrap();
        let distance = |name: &str| claims[name].as_i64().unwrap() - issued;
        let (not_before, end) = (distance("nbf"), distance("exp"));
        claims["nbf"] = format!("iat - {}", -not_before).into();
        claims["exp"] = match end {
            299 | 300 => "iat + 300".into(),
            other => other.into(),
        };
        claims.as_object_mut().unwrap().remove("iat");
        got.body = json!({"claims": claims});
    }
    Some(got)
}
