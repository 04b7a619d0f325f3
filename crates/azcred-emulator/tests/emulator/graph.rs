//! Microsoft Graph, for reading the directory.

use crate::common::{
    self, Lab,
    graph::{app_token, each, error, get, send},
};
use azcred_emulator::directory::FederatedCredential;
use reqwest::Method;
use serde_json::{Value, json};

#[tokio::test]
async fn a_caller_with_permission_finds_principals_by_client_id_and_object_id() {
    let lab = Lab::start().await;
    let token = app_token(&lab, "azcred-contributor").await;
    assert_eq!(
        common::claims_of(&token)["roles"],
        json!([
            "Application.ReadWrite.OwnedBy",
            "Directory.Read.All",
            "User.RevokeSessions.All"
        ])
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
    let ids =
        json!({ "ids": [demo.object_id, "f0000001-0000-4000-8000-000000000001", common::TENANT] });
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
    let good = app_token(&lab, "azcred-contributor").await;
    let demo = app_token(&lab, "azcred-demo").await;
    let denied = get(&lab, &demo, "/v1.0/users").await;
    let (status, code, message) = error(&denied);
    assert_eq!((status, code), (403, "Authorization_RequestDenied"));
    assert_eq!(
        message,
        "Insufficient privileges to complete the operation."
    );
    let arm = lab.request_token_as("azcred-contributor").await;
    let arm = arm.body["access_token"].as_str().unwrap();
    let audience = get(&lab, arm, "/v1.0/users").await;
    assert_eq!(error(&audience).1, "InvalidAuthenticationToken");
    let challenge = audience.headers["www-authenticate"].to_str().unwrap();
    assert!(
        challenge.starts_with("Bearer realm=\"\", authorization_uri="),
        "{challenge}"
    );
    for (path, status, code, message) in [
        (
            "/v1.0/users/nobody@contoso.com",
            404,
            "Request_ResourceNotFound",
            "Resource 'nobody@contoso.com' does not exist or one of its queried reference-property objects are not \
             present.",
        ),
        (
            "/v1.0/groups/nothing",
            400,
            "Request_BadRequest",
            "Invalid object identifier 'nothing'.",
        ),
        (
            "/v1.0/users?$expand=memberOf,ownedObjects",
            400,
            "Request_UnsupportedQuery",
            "Only one property can be expanded in a single query.",
        ),
        (
            "/v1.0/users?$expand=dragons",
            400,
            "BadRequest",
            "Parsing OData Select and Expand failed: Could not find a property named 'dragons' on type \
             'microsoft.graph.user'.",
        ),
        (
            "/v1.0/groups(uniqueName='nothing')",
            404,
            "Request_ResourceNotFound",
            "Resource 'nothing' does not exist or one of its queried reference-property objects are not present.",
        ),
        (
            "/v1.0/users(appId='x')",
            400,
            "BadRequest",
            "Could not find a property named 'appId' on type 'microsoft.graph.user'.",
        ),
        (
            "/v1.0/dragons",
            400,
            "BadRequest",
            "Resource not found for the segment 'dragons'.",
        ),
        (
            "/v1.0/users/ada@contoso.com/dragons",
            400,
            "BadRequest",
            "Resource not found for the segment 'dragons'.",
        ),
        (
            "/v2.0/users",
            404,
            "ResourceNotFound",
            "Invalid version: v2.0",
        ),
        (
            "/v1.0/me",
            400,
            "BadRequest",
            "/me request is only valid with delegated authentication flow.",
        ),
        (
            "/v1.0/me/memberOf",
            400,
            "BadRequest",
            "/me request is only valid with delegated authentication flow.",
        ),
        (
            "/v1.0/users/ada@contoso.com/messages",
            501,
            "NotServedByEmulator",
            "This emulator does not serve 'GET /v1.0/users/ada@contoso.com/messages'; Azure may. Nothing was changed.",
        ),
        (
            "/v1.0/users?$expand=manager",
            501,
            "NotServedByEmulator",
            "This emulator does not serve 'GET /v1.0/users?$expand=manager'; Azure may. Nothing was changed.",
        ),
    ] {
        let refused = get(&lab, &good, path).await;
        assert_eq!(error(&refused), (status, code, message), "{path}");
        let inner = &refused.body["error"]["innerError"];
        assert_eq!(
            inner["request-id"],
            refused.headers["request-id"].to_str().unwrap()
        );
        assert_eq!(refused.headers["content-type"], "application/json");
        assert!(!refused.headers.contains_key("odata-version"), "{path}");
    }
}

#[tokio::test]
async fn a_method_that_graph_has_not_is_told_from_one_that_is_not_served() {
    let lab = Lab::start().await;
    let token = app_token(&lab, "azcred-contributor").await;
    for (method, path, status) in [
        (Method::PUT, "/v1.0/users", 405),
        (
            Method::GET,
            "/v1.0/users/ada@contoso.com/getMemberGroups",
            405,
        ),
        (Method::POST, "/v1.0/organization", 405),
        (Method::DELETE, "/v1.0/groups", 405),
        (Method::PATCH, "/v1.0/organization/x", 501),
        (
            Method::POST,
            "/v1.0/applications/b0000001-0000-4000-8000-000000000001/addKey",
            501,
        ),
        (
            Method::POST,
            "/v1.0/users/ada@contoso.com/assignLicense",
            501,
        ),
    ] {
        let refused = send(&lab, &token, method.clone(), path, Some(json!({}))).await;
        let expected = match status {
            405 => (
                "Request_BadRequest",
                "Specified HTTP method is not allowed for the request target.".to_owned(),
            ),
            _ => (
                "NotServedByEmulator",
                format!(
                    "This emulator does not serve '{method} {path}'; Azure may. Nothing was changed."
                ),
            ),
        };
        let (code, message) = (expected.0, expected.1.as_str());
        assert_eq!(error(&refused), (status, code, message), "{method} {path}");
    }
}

#[tokio::test]
async fn an_object_has_its_context_and_all_properties_with_null_for_what_is_not_set() {
    let lab = Lab::start().await;
    let token = app_token(&lab, "azcred-contributor").await;
    let user = get(&lab, &token, "/v1.0/users/ada@contoso.com").await;
    assert_eq!(
        user.body,
        json!({
            "@odata.context": "https://graph.microsoft.com/v1.0/$metadata#users/$entity",
            "businessPhones": [],
            "displayName": "Ada Lovelace",
            "givenName": null,
            "id": "e0000001-0000-4000-8000-000000000001",
            "jobTitle": null,
            "mail": null,
            "mobilePhone": null,
            "officeLocation": null,
            "preferredLanguage": null,
            "surname": null,
            "userPrincipalName": "ada@contoso.com",
        })
    );
    assert_eq!(
        user.headers["content-type"],
        "application/json;odata.metadata=minimal;odata.streaming=true;IEEE754Compatible=false;charset=utf-8"
    );
    assert_eq!(user.headers["odata-version"], "4.0");
    // By the client id, and in the other version.
    let demo = lab.identity("azcred-demo").client_id;
    let path = format!("/beta/applications(appId='{demo}')");
    let app = get(&lab, &token, &path).await.body;
    assert_eq!(
        app["@odata.context"],
        "https://graph.microsoft.com/beta/$metadata#applications/$entity"
    );
    let secret = &app["passwordCredentials"][0];
    assert_eq!(secret["displayName"], "demo");
    assert_eq!(secret["secretText"], Value::Null);
    // A principal has secrets of its own, not its application's.
    let path = format!("/v1.0/servicePrincipals(appId='{demo}')");
    let principal = get(&lab, &token, &path).await.body;
    assert_eq!(principal["passwordCredentials"], json!([]));
    assert_eq!(principal["servicePrincipalNames"], json!([demo]));
    let path = "/v1.0/applications/b0000001-0000-4000-8000-000000000002/keyCredentials";
    let keys = get(&lab, &token, path).await.body;
    let subject = keys["value"][0]["displayName"].as_str().unwrap();
    assert!(subject.starts_with("CN="), "{subject}");
    assert_eq!(keys["value"][0]["key"], Value::Null);
    let path = "/beta/applications(appId='a0000001-0000-4000-8000-000000000005')/federatedIdentityCredentials";
    let credentials = get(&lab, &token, path).await;
    assert_eq!(
        each(&credentials, "name"),
        ["github-main", "azure-pipelines"]
    );
    let one = get(&lab, &token, &format!("{path}/github-main")).await.body;
    assert_eq!(one["issuer"], "https://token.actions.githubusercontent.com");
}

#[tokio::test]
async fn microsofts_own_principals_are_in_every_tenant() {
    let lab = Lab::start().await;
    let token = app_token(&lab, "azcred-contributor").await;
    let graph = "00000003-0000-0000-c000-000000000000";
    let path = format!("/v1.0/servicePrincipals(appId='{graph}')");
    let principal = get(&lab, &token, &path).await.body;
    assert_eq!(principal["displayName"], "Microsoft Graph");
    assert_eq!(
        principal["appOwnerOrganizationId"],
        "f8cdef31-a31e-4b4a-93e4-5f571e91255a"
    );
    assert_eq!(principal["createdDateTime"], Value::Null);
    let roles = principal["appRoles"].as_array().unwrap();
    let role = roles
        .iter()
        .find(|role| role["value"] == "Directory.Read.All");
    assert_eq!(role.unwrap()["id"], "7ab1d382-f21e-4acd-a863-ba3e13f7da61");
    // By its own id too.
    let path = format!(
        "/v1.0/servicePrincipals/{}",
        principal["id"].as_str().unwrap()
    );
    assert_eq!(get(&lab, &token, &path).await.body["appId"], graph);
    let path = "/v1.0/servicePrincipals(appId='04b07795-8ddb-461a-bbee-02f9e1bf7b46')";
    let azure_cli = get(&lab, &token, path).await.body;
    assert_eq!(azure_cli["displayName"], "Microsoft Azure CLI");
}

#[tokio::test]
async fn the_principal_of_a_managed_identity_names_its_resource() {
    let lab = Lab::start().await;
    let token = app_token(&lab, "azcred-contributor").await;
    let path = "/v1.0/servicePrincipals?$filter=servicePrincipalType eq 'ManagedIdentity' and displayName eq ";
    let found = get(&lab, &token, &format!("{path}'id-contoso-train'")).await;
    let group = "/subscriptions/5ec0ffee-0001-4000-8000-000000000001/resourceGroups/rg-contoso-ml/providers";
    let id = format!("{group}/Microsoft.ManagedIdentity/userAssignedIdentities/id-contoso-train");
    let principal = &found.body["value"][0];
    assert_eq!(
        principal["alternativeNames"],
        json!(["isExplicit=True", id])
    );
    assert_eq!(principal["appOwnerOrganizationId"], Value::Null);
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
    let credential = FederatedCredential::new(
        "ci",
        "https://ci.example",
        "job",
        "api://AzureADTokenExchange",
    );
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
