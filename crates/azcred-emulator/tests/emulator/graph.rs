//! Microsoft Graph, for reading the directory.

use crate::common::{self, Lab, Reply};
use azcred_emulator::directory::FederatedCredential;
use serde_json::json;

async fn token(lab: &Lab, name: &str, scope: &str) -> String {
    let identity = lab.identity(name);
    let id = identity.client_id.to_string();
    let secret = identity.secret.clone().unwrap();
    let answer = lab
        .request_token(&[
            ("client_id", &id),
            ("client_secret", &secret),
            ("scope", scope),
        ])
        .await;
    answer.body["access_token"].as_str().unwrap().to_owned()
}

async fn get(lab: &Lab, token: &str, path: &str) -> Reply {
    let url = format!("{}{path}", lab.emulator.info().graph_url);
    common::read(lab.client.get(url).bearer_auth(token).send().await.unwrap()).await
}

const SCOPE: &str = "https://graph.microsoft.com/.default";

#[tokio::test]
async fn a_caller_with_permission_finds_principals_by_client_id_and_object_id() {
    let lab = Lab::start().await;
    let token = token(&lab, "azcred-contributor", SCOPE).await;
    assert_eq!(
        common::claims_of(&token)["roles"],
        json!(["Directory.Read.All", "User.RevokeSessions.All"])
    );
    let demo = lab.identity("azcred-demo").clone();
    let filter = format!(
        "/v1.0/servicePrincipals?$filter=appId%20eq%20'{}'",
        demo.client_id
    );
    let found = get(&lab, &token, &filter).await;
    assert_eq!(
        found.body["value"][0]["id"],
        demo.object_id.unwrap().to_string()
    );
    assert_eq!(found.body["value"].as_array().unwrap().len(), 1);
    // Like `az ad sp show`.
    let filter = format!(
        "/v1.0/servicePrincipals?$filter=servicePrincipalNames/any(c:c%20eq%20'{}')",
        demo.client_id
    );
    assert_eq!(
        get(&lab, &token, &filter).await.body["value"][0]["displayName"],
        "azcred-demo"
    );
    let user = get(&lab, &token, "/v1.0/users/ada@contoso.com").await;
    assert_eq!(user.body["displayName"], "Ada Lovelace");
    let url = format!(
        "{}/v1.0/directoryObjects/getByIds",
        lab.emulator.info().graph_url
    );
    let ids = json!({ "ids": [demo.object_id, "f0000001-0000-4000-8000-000000000001", "x"] });
    let both = common::read(
        lab.client
            .post(url)
            .bearer_auth(&token)
            .json(&ids)
            .send()
            .await
            .unwrap(),
    )
    .await;
    assert_eq!(both.body["value"].as_array().unwrap().len(), 2);
    let tenant = get(&lab, &token, "/v1.0/organization").await;
    assert_eq!(tenant.body["value"][0]["displayName"], "Contoso");
    let applications = get(&lab, &token, "/v1.0/applications").await;
    assert!(
        !applications
            .body
            .to_string()
            .contains(demo.secret.as_ref().unwrap())
    );
}

#[tokio::test]
async fn a_caller_without_permission_gets_graphs_own_errors() {
    let lab = Lab::start().await;
    let good = token(&lab, "azcred-contributor", SCOPE).await;
    let code = |answer: &Reply| {
        answer.body["error"]["code"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    };
    let demo = token(&lab, "azcred-demo", SCOPE).await;
    let denied = get(&lab, &demo, "/v1.0/users").await;
    assert_eq!(
        (denied.status, code(&denied).as_str()),
        (403, "Authorization_RequestDenied")
    );
    let arm = token(&lab, "azcred-contributor", common::ARM_SCOPE).await;
    let audience = get(&lab, &arm, "/v1.0/users").await;
    assert_eq!(
        (audience.status, code(&audience).as_str()),
        (401, "InvalidAuthenticationToken")
    );
    let missing = get(&lab, &good, "/v1.0/users/nobody@contoso.com").await;
    assert_eq!(
        (missing.status, code(&missing).as_str()),
        (404, "Request_ResourceNotFound")
    );
    let unknown = get(&lab, &good, "/v1.0/dragons").await;
    assert_eq!(
        (unknown.status, code(&unknown).as_str()),
        (400, "BadRequest")
    );
    let filter = get(
        &lab,
        &good,
        "/v1.0/users?$filter=startswith(displayName,'A')",
    )
    .await;
    assert_eq!(
        (filter.status, code(&filter).as_str()),
        (400, "Request_UnsupportedQuery")
    );
}

#[tokio::test]
async fn applications_created_at_run_time_can_sign_in_at_once() {
    let lab = Lab::start().await;
    let world = lab.emulator.world();
    let tenant = lab.emulator.info().tenant.id;
    let later = time::OffsetDateTime::now_utc() + time::Duration::hours(1);
    let (app, secret) = {
        let mut directory = world.directory_mut();
        let (app, _) = directory.create_application(tenant, "new").unwrap();
        (app, directory.add_secret(app, later).unwrap())
    };
    let id = app.to_string();
    let answer = lab
        .request_token(&[("client_id", &id), ("client_secret", secret.expose())])
        .await;
    assert_eq!(answer.status, 200);
    let credential = FederatedCredential {
        name: "ci".into(),
        issuer: "https://ci.example".into(),
        subject: "job".into(),
        audiences: vec!["api://AzureADTokenExchange".into()],
    };
    world
        .directory_mut()
        .add_federated_credential(app, credential)
        .unwrap();
    let token = azcred_emulator::issuer::mint(
        world,
        "https://ci.example",
        "job",
        "api://AzureADTokenExchange",
        60,
    )
    .unwrap();
    assert_eq!(lab.request_by_assertion(&id, &token).await.status, 200);
}
