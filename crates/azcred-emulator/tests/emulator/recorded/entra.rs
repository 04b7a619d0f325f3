//! Entra ID, and the hosts of managed identities: `interop/recorded/entra.jsonl`.

use super::{ci, compare, grants, hold, machines};
use crate::common::{Lab, Reply, TENANT};
use azcred_emulator::{Effect, Fault, Service};
use azcred_recorded::{ENTRA, entra_differences};
use serde_json::Value;

/// Lines that this test does not hold against the emulator yet. Only lower this.
const NOT_HELD: usize = 21;

/// Brings the emulator into the situation of a line, and sends its request. `None` if this test
/// does not know the situation.
async fn answer(lab: &Lab, line: &Value) -> Option<Reply> {
    let request = &line["request"];
    let text = |name: &str| request[name].as_str().unwrap_or_default();
    let response = &line["response"];
    if let Some(reply) = machines::answer(lab, line).await {
        return Some(reply);
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
    match (text("method"), text("path")) {
        ("GET", "/common/discovery/instance") => {
            let host = "https://login.microsoftonline.com";
            let query = format!(
                "api-version=1.1&authorization_endpoint={host}/{TENANT}/oauth2/v2.0/authorize"
            );
            Some(
                lab.get(&format!("/common/discovery/instance?{query}"))
                    .await,
            )
        }
        ("GET", "/<tenant>/v2.0/.well-known/openid-configuration") => {
            let path = format!("/{TENANT}/v2.0/.well-known/openid-configuration");
            Some(lab.get(&path).await)
        }
        ("GET", "/common/discovery/v2.0/keys") => {
            Some(lab.get("/common/discovery/v2.0/keys").await)
        }
        ("GET", "/common/userrealm/<upn>") => Some(
            lab.get("/common/userrealm/ada@contoso.com?api-version=1.0")
                .await,
        ),
        _ if request.get("grant").is_some() || text("endpoint") == "v2 devicecode" => {
            grants::answer(lab, request).await
        }
        _ => ci::answer(lab, request).await,
    }
}

#[tokio::test]
async fn entra_id_answers_as_recorded() {
    let lab = Lab::start().await;
    // At a port, the page for codes has the port's address.
    let page = lab.login("/common/oauth2/deviceauth");
    let facts = ENTRA.replace("https://microsoft.com/devicelogin", &page);
    hold(&facts, NOT_HELD, async |line| {
        let got = answer(&lab, line).await;
        lab.emulator.faults().clear();
        Some(compare(&got?, |got| entra_differences(line, got)))
    })
    .await;
}
