//! Registries: where they are, and Microsoft's own one with its environments.

use crate::common::{self, Lab, Reply, client, read};
use http::Method;
use serde_json::{Value, json};

const AT: &str = "registrymanagement/v1.0/registries/azureml/discovery";
const VERSION: &str = "api-version=2021-10-01-dataplanepreview";

async fn token(lab: &Lab, who: &str, scope: &str) -> String {
    let identity = lab.identity(who);
    let id = identity.client_id.to_string();
    let parameters = [
        ("client_id", id.as_str()),
        ("client_secret", identity.secret.as_ref().unwrap()),
        ("scope", scope),
    ];
    let answer = lab.request_token(&parameters).await;
    answer.body["access_token"].as_str().unwrap().to_owned()
}

async fn ask(lab: &Lab, who: &str, method: Method, path: &str) -> Reply {
    let url = format!("{}/{path}", lab.emulator.info().ml_url);
    let token = token(lab, who, common::ARM_SCOPE).await;
    let request = lab.client.request(method, url).bearer_auth(token);
    read(
        request
            .json(&json!({"properties": {}}))
            .send()
            .await
            .unwrap(),
    )
    .await
}

/// A request for something in the registry, at the address that its discovery returns.
async fn within(lab: &Lab, who: &str, method: Method, path: &str) -> Reply {
    let found = ask(lab, who, Method::GET, AT).await.body;
    let base = found["primaryRegionResourceProviderUri"].as_str().unwrap();
    let base = base.strip_prefix(&format!("{}/", lab.emulator.info().ml_url));
    let registry = format!(
        "{}mferp/managementfrontend/subscriptions/{}/resourceGroups/{}/providers/\
         Microsoft.MachineLearningServices/registries/{path}",
        base.unwrap(),
        found["subscriptionId"].as_str().unwrap(),
        found["resourceGroup"].as_str().unwrap(),
    );
    let query = if registry.contains('?') { '&' } else { '?' };
    ask(lab, who, method, &format!("{registry}{query}{VERSION}")).await
}

async fn get(lab: &Lab, path: &str) -> Reply {
    within(
        lab,
        "azcred-noroles",
        Method::GET,
        &format!("azureml/{path}"),
    )
    .await
}

fn names(list: &Reply) -> Vec<&str> {
    let all = list.body["value"].as_array().unwrap();
    all.iter()
        .map(|one| one["name"].as_str().unwrap())
        .collect()
}

#[tokio::test]
async fn where_a_registry_is_needs_a_token_and_no_role() {
    let lab = Lab::start().await;
    let proxy = reqwest::Proxy::all(&lab.emulator.info().proxy_url).unwrap();
    let by_names = client(&lab.emulator).proxy(proxy).build().unwrap();
    let bearer = token(&lab, "azcred-noroles", "https://ml.azure.com/.default").await;
    for (host, provider) in [
        (
            "eastus.api.azureml.ms",
            "https://cert-eastus.experiments.azureml.net/",
        ),
        (
            "usgovarizona.api.ml.azure.us",
            "https://cert-usgovarizona.experiments.ml.azure.us/",
        ),
    ] {
        let url = format!("https://{host}/{AT}?api-version=v1.0");
        let refused = read(by_names.get(&url).send().await.unwrap()).await;
        assert_eq!(refused.status, 401);
        let answer = by_names.get(&url).bearer_auth(&bearer).send();
        let answer = read(answer.await.unwrap()).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        assert_eq!(answer.body["registryName"], "azureml");
        assert_eq!(answer.body["primaryRegionResourceProviderUri"], provider);
    }
    let other = AT.replace("azureml", "none");
    let missing = ask(&lab, "azcred-noroles", Method::GET, &other).await;
    assert_eq!(missing.status, 404);
    let error = &missing.body["error"];
    assert_eq!(error["code"], "UserError");
    assert_eq!(error["message"], "Registry none was not found.");
}

#[tokio::test]
async fn microsofts_environments_are_read_without_a_role() {
    let lab = Lab::start().await;
    let all = get(&lab, "environments").await;
    assert_eq!(all.status, 200, "{all:?}");
    assert!(names(&all).contains(&"sklearn-1.5"), "{all:?}");
    let container = get(&lab, "environments/sklearn-1.5").await;
    assert_eq!(container.body["properties"]["latestVersion"], "54");
    let address = "azureml://registries/azureml/environments/sklearn-1.5";
    assert_eq!(container.body["id"], address);
    let versions = get(&lab, "environments/acpt-pytorch-2.2-cuda12.1/versions").await;
    assert_eq!(names(&versions), ["41", "40", "19", "8"]);
    let newest = "environments/sklearn-1.5/versions?$orderBy=createdtime%20desc&$top=1";
    let newest = get(&lab, newest).await;
    let [one] = newest.body["value"].as_array().unwrap().as_slice() else {
        panic!("{newest:?}")
    };
    let read = get(&lab, "environments/sklearn-1.5/versions/54").await;
    assert_eq!(one, &read.body);
    assert_eq!(one["id"], format!("{address}/versions/54"));
    assert_eq!(
        one["type"],
        "Microsoft.MachineLearningServices/registries/environments/versions"
    );
    let properties = &one["properties"];
    assert_eq!(
        properties["image"],
        "mcr.microsoft.com/azureml/curated/sklearn-1.5:54"
    );
    assert_eq!(properties["environmentType"], "Curated");
    let old = "environments/AzureML-ACPT-pytorch-1.11-py38-cuda11.3-gpu/versions/3";
    assert_eq!(
        get(&lab, old).await.body["properties"]["image"],
        "mcr.microsoft.com/azureml/curated/acpt-pytorch-1.11-py38-cuda11.3-gpu:3"
    );
}

#[tokio::test]
async fn what_a_registry_does_not_have_is_refused_as_in_a_workspace() {
    let lab = Lab::start().await;
    for (path, message) in [
        (
            "environments/none/versions/1",
            "No environment exists for name: none, version: 1, label: ",
        ),
        (
            "environments/sklearn-1.5/versions/999",
            "No environment exists for name: sklearn-1.5, version: 999, label: ",
        ),
        (
            "environments/none/versions",
            "No environment exists for name: none, version: , label: ",
        ),
    ] {
        let missing = get(&lab, path).await;
        assert_eq!(missing.status, 404, "{path}");
        assert_eq!(missing.body["error"]["code"], "UserError");
        assert_eq!(missing.body["error"]["message"], message);
        let inner = &missing.body["error"]["additionalInfo"][5];
        let not_found = json!({"type": "InnerError", "info": {"value": {"code": "NotFound", "innerError": null}}});
        assert_eq!(inner, &not_found);
    }
    let other = within(&lab, "azcred-demo", Method::GET, "none/environments").await;
    assert_eq!(other.status, 404);
    assert_eq!(
        other.body["error"]["message"],
        "Registry none was not found."
    );
    // The real one has models, so an empty list would be wrong.
    assert_eq!(get(&lab, "models").await.status, 501);
}

#[tokio::test]
async fn a_registry_of_microsofts_is_changed_by_no_caller() {
    let lab = Lab::start().await;
    let version = "azureml/environments/own/versions/1";
    for (method, path, action) in [
        (Method::PUT, version, "assets/write"),
        (Method::DELETE, version, "assets/delete"),
        (Method::PUT, "azureml/models/own/versions/1", "assets/write"),
    ] {
        let refused = within(&lab, "azcred-demo", method, path).await;
        assert_eq!(refused.status, 403, "{refused:?}");
        let error = &refused.body["error"];
        assert_eq!(error["code"], "AuthorizationFailed");
        let action = format!("'Microsoft.MachineLearningServices/registries/{action}'");
        assert!(
            error["message"].as_str().unwrap().contains(&action),
            "{error}"
        );
    }
    let resources = lab.emulator.world().resources().clone();
    assert!(resources.resources().all(|one| one.id.name() != "own"));
}

#[tokio::test]
async fn a_registry_is_not_in_resource_manager() {
    let lab = Lab::start().await;
    let found = ask(&lab, "azcred-demo", Method::GET, AT).await.body;
    let subscription = found["subscriptionId"].as_str().unwrap();
    let url = format!(
        "{}/subscriptions/{subscription}/resourceGroups/x/providers/\
         Microsoft.MachineLearningServices/registries/azureml/environments?api-version=2024-10-01",
        lab.emulator.info().arm_url
    );
    let token = token(&lab, "azcred-demo", common::ARM_SCOPE).await;
    let answer = lab.client.get(url).bearer_auth(token).send().await.unwrap();
    let answer = read(answer).await;
    let code: &Value = &answer.body["error"]["code"];
    assert_eq!((answer.status, code), (404, &json!("SubscriptionNotFound")));
}
