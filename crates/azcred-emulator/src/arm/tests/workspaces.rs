//! The life of a workspace.

use super::*;

#[tokio::test]
async fn a_workspace_is_created_changed_and_deleted() {
    let azure = azure();
    let path =
        format!("{GROUP}/providers/Microsoft.MachineLearningServices/workspaces/new-ws?{ML}");
    let account = format!("{GROUP}/providers/Microsoft.Storage/storageAccounts/stcontosoml");
    let body = json!({
        "location": "West Europe",
        "identity": {"type": "systemAssigned"},
        "properties": {"storageAccount": account, "workspaceId": "mine"},
    });
    let made = azure
        .call(OWNER, Method::PUT, &path, Some(body.clone()))
        .await;
    let made = made.done(201);
    assert_eq!(made["location"], "westeurope");
    assert_ne!(made["properties"]["workspaceId"], "mine");
    assert_eq!(made["properties"]["provisioningState"], "Succeeded");
    let principal: Uuid =
        serde_json::from_value(made["identity"]["principalId"].clone()).expect("an id");
    assert!(azure.world.directory().principal(principal).is_some());

    let again = azure.call(OWNER, Method::PUT, &path, Some(body)).await;
    assert_eq!(
        again.done(200)["properties"]["workspaceId"],
        made["properties"]["workspaceId"]
    );
    assert_eq!(again.body["identity"]["principalId"], json!(principal));
    let moved = json!({"location": "eastus"});
    azure
        .call(OWNER, Method::PUT, &path, Some(moved))
        .await
        .refused(409, "InvalidResourceLocation");
    let change = json!({"tags": {"team": "ml"}, "properties": {"description": "changed", "workspaceId": "mine"}});
    let changed = azure.call(OWNER, Method::PATCH, &path, Some(change)).await;
    assert_eq!(changed.done(200)["tags"], json!({"team": "ml"}));
    assert_eq!(changed.body["properties"]["description"], "changed");
    assert_eq!(
        changed.body["properties"]["workspaceId"],
        made["properties"]["workspaceId"]
    );
    let stores = azure.get(OWNER, &path.replace('?', "/datastores?")).await;
    assert_eq!(
        stores.names(),
        [
            "workspaceworkingdirectory",
            "workspaceartifactstore",
            "workspacefilestore",
            "workspaceblobstore"
        ]
    );
    let default = azure
        .get(OWNER, &path.replace('?', "/datastores?isDefault=true&"))
        .await;
    assert_eq!(default.names(), ["workspaceblobstore"]);
    assert_eq!(
        azure
            .get(OWNER, &path.replace('?', "/computes?"))
            .await
            .done(200)["value"],
        json!([])
    );

    azure
        .call(OWNER, Method::DELETE, &path, None)
        .await
        .done(200);
    assert!(azure.world.directory().principal(principal).is_none());
    azure
        .call(OWNER, Method::DELETE, &path, None)
        .await
        .done(204);
    azure
        .get(OWNER, &path.replace('?', "/computes?"))
        .await
        .refused(404, "ParentResourceNotFound");
    for (name, body, code) in [
        ("x", json!({"location": "westeurope"}), "ValidationError"),
        ("good", json!({}), "LocationRequired"),
        (
            "good",
            json!({"location": "the moon"}),
            "LocationNotAvailableForResourceGroup",
        ),
        (
            "good",
            json!({"location": "westeurope", "tags": 1}),
            "InvalidRequestContent",
        ),
        ("good", json!([]), "InvalidRequestContent"),
    ] {
        let path =
            format!("{GROUP}/providers/Microsoft.MachineLearningServices/workspaces/{name}?{ML}");
        azure
            .call(OWNER, Method::PUT, &path, Some(body))
            .await
            .refused(400, code);
    }
}

#[tokio::test]
async fn an_identity_of_the_seed_has_a_principal_that_can_have_roles() {
    let azure = azure();
    let got = azure.get(OWNER, &format!("{WORKSPACE}?{ML}")).await;
    let principal: Uuid =
        serde_json::from_value(got.done(200)["identity"]["principalId"].clone()).expect("an id");
    let directory = azure.world.directory();
    assert_eq!(
        directory.principal(principal).map(|found| found.tenant()),
        Some(CONTOSO)
    );
}
