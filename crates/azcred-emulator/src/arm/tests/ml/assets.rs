//! Datastores, computes and assets.

use super::*;
use crate::resources::Resource;

#[tokio::test]
async fn an_unknown_compute_is_404_without_a_body() {
    let azure = azure();
    let got = azure.get(DEMO, &at("computes/none")).await;
    assert_eq!(got.status, 404);
    assert_eq!(got.body, Value::Null);
    assert_eq!(header(&got, "x-ms-response-type"), "standard");
    let all = azure.get(DEMO, &at("computes")).await;
    assert_eq!(all.names(), ["ci-ada", "cpu-cluster"]);
    let one = azure.get(DEMO, &at("computes/CPU-cluster")).await;
    let compute = one.done(200);
    assert_eq!(
        compute["properties"]["properties"]["vmSize"],
        "STANDARD_DS3_V2"
    );
    assert!(compute.get("systemData").is_none());
}

#[tokio::test]
async fn code_is_found_by_its_hash_under_any_name() {
    let azure = azure();
    let lookup =
        |hash: &str| at("codes/made-up/versions") + &format!("&hash={hash}&hashVersion=202208");
    assert_eq!(
        azure.get(DEMO, &lookup("aa")).await.done(200)["value"],
        json!([])
    );
    let sent = json!({
        "codeUri": "https://stcontosoml.blob.core.windows.net:443/c/src",
        "isAnonymous": true,
        "properties": {"hash_sha256": "aa", "hash_version": 202_208},
    });
    let made = put(&azure, "codes/first/versions/1", sent.clone()).await;
    assert_eq!(made.done(201)["properties"]["isAnonymous"], false);
    let found = azure.get(DEMO, &lookup("aa")).await;
    let found = &found.done(200)["value"][0];
    assert_eq!(found["id"], format!("{WORKSPACE}/codes/first/versions/1"));
    assert_eq!(found["properties"]["codeUri"], sent["codeUri"]);
    assert_eq!(
        azure.get(DEMO, &lookup("bb")).await.done(200)["value"],
        json!([])
    );
    let again = put(&azure, "codes/first/versions/1", sent).await;
    assert_eq!(
        again.done(200)["systemData"]["createdAt"],
        found["systemData"]["createdAt"]
    );
}

#[tokio::test]
async fn code_is_found_by_its_hash_if_its_version_was_sent_as_a_number() {
    let azure = azure();
    let sent = json!({
        "codeUri": "https://stcontosoml.blob.core.windows.net:443/c/src",
        "properties": {"hash_sha256": "aa", "hash_version": 202_208},
    });
    put(&azure, "codes/first/versions/1", sent).await.done(201);
    let lookup = at("codes/made-up/versions") + "&hash=aa&hashVersion=202208";
    let found = azure.get(DEMO, &lookup).await;
    assert_eq!(found.names(), ["1"]);
    let other = azure.get(DEMO, &lookup.replace("202208", "202209")).await;
    assert_eq!(other.done(200)["value"], json!([]));
}

#[tokio::test]
async fn the_containers_of_a_workspaces_datastores_exist() {
    let azure = azure();
    let storage = azure.world.storage();
    let names = || {
        let all = storage.containers("stcontosoml").unwrap();
        all.into_iter().map(|one| one.name).collect::<Vec<_>>()
    };
    azure.world.make_containers(None).unwrap();
    let of_contoso = [
        "azureml",
        "azureml-blobstore-5ec0ffee-0002-4000-8000-000000000001",
    ];
    assert_eq!(names(), of_contoso);
    let other = at("").replace("ws-contoso-ml/", "ws-second");
    let account = WORKSPACE.replace(
        "Microsoft.MachineLearningServices/workspaces/ws-contoso-ml",
        "Microsoft.Storage/storageAccounts/stcontosoml",
    );
    let body = json!({"location": "westeurope", "properties": {"storageAccount": account}});
    let made = azure.call(OWNER, Method::PUT, &other, Some(body)).await;
    let id = made.done(201)["properties"]["workspaceId"]
        .as_str()
        .unwrap()
        .to_owned();
    assert!(names().contains(&format!("azureml-blobstore-{id}")));
}

#[tokio::test]
async fn an_upload_gets_a_new_container_and_a_signature_for_it() {
    let azure = azure();
    let mut seen = Vec::new();
    for (real_name, base, uri_base) in [
        (
            Some("management.azure.com"),
            "https://stcontosoml.blob.core.windows.net",
            "https://stcontosoml.blob.core.windows.net:443",
        ),
        (
            None,
            "https://localhost:1005/stcontosoml",
            "https://localhost:1005/stcontosoml",
        ),
    ] {
        let request = Request::post(at("codes/c/versions/1/startPendingUpload"))
            .header("authorization", format!("Bearer {}", azure.token(DEMO)))
            .extension(Entrance {
                service: Service::Arm,
                cloud: Cloud::Public,
                real_name: real_name.map(Into::into),
            })
            .body(Body::from(
                json!({"pendingUploadType": "TemporaryBlobReference"}).to_string(),
            ))
            .expect("a request");
        let got = azure.send(request).await;
        let answer = got.done(200);
        assert_eq!(answer["pendingUploadType"], "None");
        let place = &answer["blobReferenceForConsumption"];
        let uri = place["blobUri"].as_str().unwrap();
        let container = uri.strip_prefix(&format!("{uri_base}/")).expect(uri);
        let suffix = container
            .strip_prefix("5ec0ffee-0002-4000-8000-000000000001-")
            .expect(container);
        assert_eq!(suffix.len(), 26);
        let signed = place["credential"]["sasUri"].as_str().unwrap();
        let query = signed
            .strip_prefix(&format!("{base}/{container}?"))
            .expect(signed);
        for field in ["skoid=", "sr=c", "sp=rcwl", "sig="] {
            assert!(query.contains(field), "{query}");
        }
        azure
            .world
            .storage()
            .container("stcontosoml", container)
            .unwrap();
        seen.push(container.to_owned());
    }
    assert_ne!(seen[0], seen[1]);
}

#[tokio::test]
async fn environments_come_back_as_azure_rewrites_them() {
    let azure = azure();
    let sent = json!({"image": "python:3.11", "condaFile": "name: x\ndependencies: [numpy]\n", "isAnonymous": false});
    let first = put(&azure, "environments/e/versions/1", sent.clone()).await;
    let properties = &first.done(201)["properties"];
    assert_eq!(
        properties["condaFile"],
        "{\n  \"dependencies\": [\n    \"numpy\"\n  ],\n  \"name\": \"x\"\n}"
    );
    assert_eq!(
        properties["properties"],
        json!({"azureml.labels": "latest"})
    );
    assert_eq!(properties["environmentType"], "UserCreated");
    let colon = put(&azure, "environments/e/versions/18.04%3A2022", sent).await;
    assert_eq!(colon.done(201)["name"], "18.04:2022");
    assert!(header(&colon, "location").contains("/versions/18.04:2022?"));
    // Only the newest version has the label.
    let old = azure.get(DEMO, &at("environments/e/versions/1")).await;
    assert_eq!(old.done(200)["properties"]["properties"], json!({}));
    let latest = at("environments/e/versions") + "&$orderBy=createdtime%20desc&$top=1";
    let latest = azure.get(DEMO, &latest).await;
    assert_eq!(latest.names(), ["18.04:2022"]);
    assert!(latest.body.get("nextLink").is_none());
    let container = azure.get(DEMO, &at("environments/e")).await;
    assert_eq!(
        container.done(200)["properties"]["latestVersion"],
        "18.04:2022"
    );
    assert_eq!(container.body["properties"]["nextVersion"], "2");
    assert_eq!(azure.get(DEMO, &at("environments")).await.names(), ["e"]);
    // An empty list would end hi-ml, which waits for 404.
    for path in ["environments/none/versions", "environments/none"] {
        azure.get(DEMO, &at(path)).await.refused(404, "UserError");
    }
    let bad = json!({"image": "x", "condaFile": "a: ["});
    put(&azure, "environments/e/versions/3", bad)
        .await
        .refused(400, "UserError");
}

#[tokio::test]
async fn data_and_components_come_back_as_azure_rewrites_them() {
    let azure = azure();
    let sent = json!({"dataType": "uri_file", "dataUri": "azureml://datastores/workspaceblobstore/paths/a/b"});
    let made = put(&azure, "data/d/versions/1", sent).await;
    assert_eq!(
        made.done(201)["properties"]["dataUri"],
        "azureml://subscriptions/5ec0ffee-0001-4000-8000-000000000001/resourcegroups/rg-contoso-ml/workspaces/ws-contoso-ml/datastores/workspaceblobstore/paths/a/b"
    );
    assert!(made.body["systemData"].get("lastModifiedBy").is_none());
    let container = azure.get(DEMO, &at("data/d")).await;
    assert_eq!(container.done(200)["properties"]["dataType"], "uri_file");
    azure
        .get(DEMO, &at("data/none"))
        .await
        .refused(404, "UserError");

    let sent = json!({"componentSpec": {
        "type": "command", "is_deterministic": true, "_source": "DSL", "environment": "azureml:AzureML-x:3",
        "inputs": {"rate": {"type": "number", "default": 0.01}},
    }});
    let made = put(&azure, "components/c/versions/1", sent.clone()).await;
    let created = made.done(201)["systemData"]["createdAt"].clone();
    assert_eq!(
        made.body["properties"]["componentSpec"],
        json!({
            "type": "command",
            "is_deterministic": "True",
            "environment": "azureml://registries/azureml/environments/AzureML-x/versions/3",
            "inputs": {"rate": {"type": "number", "default": "0.01", "optional": "False"}},
            "resources": {"instance_count": "1"},
        })
    );
    let again = put(&azure, "components/c/versions/1", sent).await;
    assert_eq!(again.done(201)["systemData"]["createdAt"], created);
}

#[tokio::test]
async fn an_identity_based_datastore_has_no_secret_and_one_with_a_key_has_two() {
    let azure = azure();
    let secrets = |name: &str| at(&format!("datastores/{name}/listSecrets"));
    let got = azure
        .call(DEMO, Method::POST, &secrets("workspaceblobstore"), None)
        .await;
    assert!(got.refused(400, "UserError").contains("None"));
    let sent = json!({
        "datastoreType": "AzureBlob", "accountName": "stcontosoml", "containerName": "mine",
        "credentials": {"credentialsType": "AccountKey", "secrets": {"secretsType": "AccountKey", "key": "aHVudGVyMg=="}},
    });
    let made = put(&azure, "datastores/mine", sent).await;
    assert_eq!(
        made.done(201)["properties"]["credentials"],
        json!({"credentialsType": "AccountKey"})
    );
    let key = azure.call(DEMO, Method::POST, &secrets("mine"), None).await;
    let keys = azure.world.storage().keys("stcontosoml").unwrap();
    assert_eq!(
        key.done(200),
        &json!({"secretsType": "AccountKey", "key": keys.both()[0]})
    );
    let body = json!({"expirableSecret": true, "expireAfterHours": 1});
    let sas = azure
        .call(DEMO, Method::POST, &secrets("mine"), Some(body))
        .await;
    assert_eq!(sas.done(200)["secretsType"], "Sas");
    let token = sas.body["sasToken"].as_str().unwrap();
    for part in ["srt=co", "ss=bf", "sp=rcuwdl"] {
        assert!(token.starts_with('?') && token.contains(part), "{token}");
    }
    // The key that was sent is stored nowhere.
    let stored = serde_json::to_string(&*azure.world.resources()).unwrap();
    assert!(!stored.contains("aHVudGVyMg=="));
    let path = at("datastores/mine");
    azure
        .call(DEMO, Method::DELETE, &path, None)
        .await
        .done(200);
    let gone = azure.get(DEMO, &path).await;
    assert_eq!(
        gone.refused(404, "UserError"),
        "Could not find datastore: mine"
    );
}

#[tokio::test]
async fn a_workspace_has_datastores_with_keys_where_its_account_has_them() {
    let azure = azure();
    let account = format!("{GROUP}/providers/Microsoft.Storage/storageAccounts/stkeys");
    let mut made = Resource::new(account.parse().unwrap());
    made.location = Some("westeurope".into());
    azure.world.resources_mut().put_resource(made);
    let path = format!("{GROUP}/providers/Microsoft.MachineLearningServices/workspaces/ws-keys");
    let body = json!({"location": "westeurope", "properties": {"storageAccount": account}});
    let made = azure
        .call(OWNER, Method::PUT, &format!("{path}?{ML}"), Some(body))
        .await;
    assert_eq!(
        made.done(201)["properties"]["systemDatastoresAuthMode"],
        "accesskey"
    );
    assert_eq!(made.body["etag"], Value::Null);
    let store = format!("{path}/datastores/workspaceblobstore?{ML}");
    let store = azure.get(OWNER, &store).await;
    let properties = &store.done(200)["properties"];
    let container = properties["containerName"].as_str().unwrap();
    azure
        .world
        .storage()
        .container("stkeys", container)
        .unwrap();
    assert_eq!(properties["credentials"]["credentialsType"], "AccountKey");
    assert_eq!(properties["resourceGroup"], "rg-contoso-ml");
    assert_eq!(
        properties["serviceDataAccessAuthIdentity"],
        "WorkspaceSystemAssignedIdentity"
    );
    let other = format!("{path}/datastores/workspacefilestore?{ML}");
    let other = azure.get(OWNER, &other).await;
    assert_eq!(other.done(200)["properties"]["resourceGroup"], Value::Null);
    let own = azure.get(OWNER, &at("datastores/workspaceblobstore")).await;
    let own = &own.done(200)["properties"];
    assert_eq!(own["credentials"]["credentialsType"], "None");
}

#[tokio::test]
async fn a_workspace_without_an_identity_signs_uploads_with_the_accounts_key() {
    let azure = azure();
    let account = WORKSPACE.replace(
        "Microsoft.MachineLearningServices/workspaces/ws-contoso-ml",
        "Microsoft.Storage/storageAccounts/stcontosoml",
    );
    let other = |path: &str| at(path).replace("ws-contoso-ml", "ws-second");
    let body = json!({
        "location": "westeurope",
        "identity": {"type": "None"},
        "properties": {"storageAccount": account},
    });
    let workspace = other("").replace("/?", "?");
    let made = azure.call(OWNER, Method::PUT, &workspace, Some(body)).await;
    made.done(201);
    let body = json!({"pendingUploadType": "TemporaryBlobReference"});
    for (path, is_delegated) in [
        (at("codes/c/versions/1/startPendingUpload"), true),
        (other("codes/c/versions/1/startPendingUpload"), false),
    ] {
        let got = azure
            .call(OWNER, Method::POST, &path, Some(body.clone()))
            .await;
        let reference = &got.done(200)["blobReferenceForConsumption"];
        let signed = reference["credential"]["sasUri"].as_str().unwrap();
        assert_eq!(signed.contains("skoid="), is_delegated, "{signed}");
    }
}
