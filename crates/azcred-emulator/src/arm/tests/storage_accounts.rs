//! Storage accounts: keys, creation, deletion.

use super::*;

const ACCOUNTS: &str = "/subscriptions/5ec0ffee-0001-4000-8000-000000000001/resourceGroups/rg-contoso-ml/providers/Microsoft.Storage/storageAccounts";
const VERSION: &str = "api-version=2023-05-01";

async fn put(azure: &TestArm, who: Uuid, name: &str, body: Value) -> ArmReply {
    let path = format!("{ACCOUNTS}/{name}?{VERSION}");
    let answer = azure.call(who, Method::PUT, &path, Some(body)).await;
    if answer.status != 202 {
        return answer;
    }
    // What a client does then: it requests the result of the operation.
    let operation = answer.headers["location"].to_str().expect("text");
    let operation = operation.strip_prefix("https://localhost:1002");
    let operation = operation.expect("an address of Resource Manager");
    azure
        .get(WITHOUT_ROLE, operation)
        .await
        .refused(404, "NotFound");
    azure.get(who, operation).await
}

async fn post(azure: &TestArm, who: Uuid, action: &str, body: Value) -> ArmReply {
    let path = format!("{ACCOUNTS}/{action}?{VERSION}");
    azure.call(who, Method::POST, &path, Some(body)).await
}

fn keys(reply: &ArmReply) -> Vec<String> {
    let all = reply.done(200)["keys"].as_array().expect("keys");
    all.iter()
        .map(|key| key["value"].as_str().expect("a text").to_owned())
        .collect()
}

#[tokio::test]
async fn keys_are_listed_by_who_may_and_stay_until_they_are_made_again() {
    let azure = azure();
    let list = || post(&azure, OWNER, "stcontosoml/listKeys", json!({}));
    let first = list().await;
    let key = &first.done(200)["keys"][0];
    assert_eq!(
        (&key["keyName"], &key["permissions"]),
        (&json!("key1"), &json!("FULL"))
    );
    assert!(
        key["creationTime"]
            .as_str()
            .is_some_and(|time| time.ends_with('Z'))
    );
    let before = keys(&first);
    // 64 bytes in base64.
    assert!(before.iter().all(|key| key.len() == 88), "{before:?}");
    assert_eq!(keys(&list().await), before);
    let new = post(
        &azure,
        OWNER,
        "stcontosoml/regenerateKey",
        json!({"keyName": "key2"}),
    )
    .await;
    let new = keys(&new);
    assert_eq!((new[0] == before[0], new[1] == before[1]), (true, false));
    let bad = post(
        &azure,
        OWNER,
        "stcontosoml/regenerateKey",
        json!({"keyName": "key3"}),
    )
    .await;
    bad.refused(400, "InvalidValuesForRequestParameters");

    // A data role does not include the keys.
    for action in ["listKeys", "regenerateKey"] {
        let path = format!("stcontosoml/{action}");
        let refused = post(&azure, DEMO, &path, json!({})).await;
        let text = refused.refused(403, "AuthorizationFailed");
        let wanted = format!("'Microsoft.Storage/storageAccounts/{action}/action'");
        assert!(text.contains(&wanted), "{text}");
    }
    post(&azure, OWNER, "none/listKeys", json!({}))
        .await
        .refused(404, "ResourceNotFound");
    post(&azure, OWNER, "stcontosoml/listAccountSas", json!({}))
        .await
        .refused(501, "NotServedByEmulator");
}

#[tokio::test]
async fn an_account_is_made_changed_and_deleted_with_its_blobs() {
    let azure = azure();
    let body = json!({"location": "westeurope", "kind": "StorageV2", "sku": {"name": "Standard_LRS"}, "properties": {"allowSharedKeyAccess": false}});
    let made = put(&azure, OWNER, "stnew", body.clone()).await;
    let made = made.done(200);
    assert_eq!(
        made["properties"]["primaryEndpoints"]["blob"],
        "https://localhost:1005/stnew/"
    );
    assert_eq!(made["properties"]["provisioningState"], "Succeeded");
    assert_eq!(made["properties"]["allowSharedKeyAccess"], false);
    assert_eq!(made["properties"]["networkAcls"]["defaultAction"], "Allow");
    assert_eq!(
        made["sku"],
        json!({"name": "Standard_LRS", "tier": "Standard"})
    );
    let storage = azure.world.storage();
    storage.ensure_container("stnew", "data").unwrap();
    storage
        .put("stnew", "data", "a", "text/plain", b"x")
        .unwrap();
    // Settings change, and blobs stay.
    let mut changed = body.clone();
    changed["properties"] = json!({"allowSharedKeyAccess": true});
    let changed = put(&azure, OWNER, "stnew", changed).await;
    assert_eq!(
        changed.done(200)["properties"]["allowSharedKeyAccess"],
        true
    );
    assert_eq!(storage.read("stnew", "data", "a").unwrap(), b"x");
    let path = format!("{ACCOUNTS}/stnew?{VERSION}");
    azure
        .call(OWNER, Method::DELETE, &path, None)
        .await
        .done(200);
    assert!(storage.containers("stnew").unwrap().is_empty());
    azure
        .get(OWNER, &path)
        .await
        .refused(404, "ResourceNotFound");

    put(&azure, OWNER, "St-New", body.clone())
        .await
        .refused(400, "AccountNameInvalid");
    put(&azure, OWNER, "stnew", json!({"location": "westeurope"}))
        .await
        .refused(400, "InvalidRequestContent");
    put(&azure, DEMO, "stnew", body)
        .await
        .refused(403, "AuthorizationFailed");
}

#[tokio::test]
async fn a_role_is_assigned_at_a_container_and_not_at_one_of_an_unknown_account() {
    let azure = azure();
    let assign = async |account: &str| {
        let name = Uuid::new_v4();
        let path = format!(
            "{ACCOUNTS}/{account}/blobServices/default/containers/data/providers/Microsoft.Authorization/roleAssignments/{name}?{RBAC}"
        );
        let role = "ba92f5b4-2d11-453d-a403-e96b0029c9fe";
        let role =
            format!("{SUBSCRIPTION}/providers/Microsoft.Authorization/roleDefinitions/{role}");
        let body = json!({"properties": {"roleDefinitionId": role, "principalId": WITHOUT_ROLE, "principalType": "ServicePrincipal"}});
        azure.call(OWNER, Method::PUT, &path, Some(body)).await
    };
    assign("stcontosoml").await.done(201);
    assign("stnone").await.refused(404, "ResourceNotFound");
}
