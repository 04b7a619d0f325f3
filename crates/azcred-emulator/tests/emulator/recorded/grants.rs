//! The grants of `interop/recorded/entra.jsonl` that lead to a token.

use crate::common::{
    Lab, Reply, TENANT,
    browser::TestBrowser,
    hosts,
    people::{AZURE_CLI, request_token, text},
};
use azcred_emulator::issuer::{self, EXCHANGE_AUDIENCE};
use serde_json::Value;

const DEVICE_CODE: &str = "urn:ietf:params:oauth:grant-type:device_code";
const ADA: &str = "ada@contoso.com";

/// Sends a line's request. `None` if this test does not know the situation.
pub(super) async fn answer(lab: &Lab, request: &Value) -> Option<Reply> {
    let named = |name: &str| request[name].as_str().unwrap_or_default();
    if named("endpoint") == "v2 devicecode" {
        return Some(begin(lab).await);
    }
    let claims = match &request["claims"] {
        Value::Null => String::new(),
        claims => claims.to_string(),
    };
    match (named("endpoint"), named("grant"), named("by")) {
        ("v2", "client_credentials", "" | "secret") => {
            Some(lab.request_token_as("azcred-demo").await)
        }
        ("v2", "client_credentials", "federated assertion of a user-assigned identity") => {
            Some(federated(lab).await)
        }
        ("v2", "password", _) => {
            let form = [
                ("grant_type", "password"),
                ("username", ADA),
                ("password", &password(lab)),
                ("scope", named("scope")),
                ("claims", &claims),
            ];
            Some(request_token(lab, TENANT, &form).await)
        }
        ("v2", "device_code", _) => {
            let begun = begin(lab).await;
            let mut browser = TestBrowser::new(lab);
            let user_code = text(&begun, "user_code");
            browser
                .approve_device(user_code, hosts::ADA, &password(lab))
                .await;
            let form = [
                ("grant_type", DEVICE_CODE),
                ("device_code", text(&begun, "device_code")),
                ("scope", named("scope")),
            ];
            Some(request_token(lab, TENANT, &form).await)
        }
        _ => None,
    }
}

async fn begin(lab: &Lab) -> Reply {
    let scope = "https://management.core.windows.net//.default openid profile offline_access";
    let form = [("client_id", AZURE_CLI), ("scope", scope)];
    lab.post(&format!("/{TENANT}/oauth2/v2.0/devicecode"), &form)
        .await
}

fn password(lab: &Lab) -> String {
    let users = &lab.emulator.info().users;
    let ada = users.iter().find(|user| user.user_principal_name == ADA);
    ada.and_then(|ada| ada.password.clone()).unwrap()
}

/// As a pod of Kubernetes whose user-assigned identity trusts its service account.
async fn federated(lab: &Lab) -> Reply {
    let (client_id, trusted) = {
        let directory = lab.emulator.world().directory();
        let identity = directory.identities.values().next().unwrap();
        let trusted = identity.federated_credentials[0].clone();
        (identity.app_id.to_string(), trusted)
    };
    let world = lab.emulator.world();
    let token = issuer::mint(
        world,
        &trusted.issuer,
        &trusted.subject,
        EXCHANGE_AUDIENCE,
        600,
    );
    let got = lab.request_by_assertion(&client_id, &token.unwrap()).await;
    let id = got.claims()["xms_mirid"].as_str().unwrap().to_owned();
    assert!(
        id.ends_with("/userAssignedIdentities/id-contoso-spare"),
        "{id}"
    );
    got
}
