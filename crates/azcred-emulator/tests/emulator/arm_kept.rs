//! Azure Resource Manager over the network: by both ways, and after a restart.

use crate::common::{self, Lab, Reply, client, read};
use azcred_emulator::{Options, Seed};
use serde_json::{Value, json};

const GROUP: &str =
    "/subscriptions/5ec0ffee-0001-4000-8000-000000000001/resourceGroups/rg-contoso-ml";
const ML: &str = "api-version=2024-10-01";

fn workspace(name: &str) -> String {
    format!("{GROUP}/providers/Microsoft.MachineLearningServices/workspaces/{name}?{ML}")
}

async fn token(lab: &Lab, name: &str) -> String {
    let answer = lab.request_token_as(name).await;
    assert_eq!(answer.status, 200, "{:?}", answer.body);
    answer.body["access_token"]
        .as_str()
        .expect("a token")
        .to_owned()
}

async fn arm(
    lab: &Lab,
    who: &str,
    method: reqwest::Method,
    path: &str,
    body: Option<Value>,
) -> Reply {
    let mut request = lab
        .client
        .request(method, format!("{}{path}", lab.emulator.info().arm_url))
        .bearer_auth(token(lab, who).await);
    if let Some(body) = body {
        request = request.json(&body);
    }
    read(request.send().await.expect("an answer")).await
}

#[tokio::test]
async fn each_persona_of_the_default_seed_may_do_what_its_role_allows() {
    let lab = Lab::start().await;
    for (who, reading, writing) in [
        ("azcred-demo", 200, 403),
        ("azcred-contributor", 200, 200),
        ("azcred-noroles", 403, 403),
    ] {
        let path = workspace("ws-contoso-ml");
        let got = arm(&lab, who, reqwest::Method::GET, &path, None).await;
        assert_eq!(got.status, reading, "{who}: {}", got.body);
        let change = json!({"tags": {"by": who}});
        let got = arm(&lab, who, reqwest::Method::PATCH, &path, Some(change)).await;
        assert_eq!(got.status, writing, "{who}: {}", got.body);
    }
    lab.emulator.shutdown().await;
}

#[tokio::test]
async fn arm_returns_its_url_for_the_clients_way() {
    let lab = Lab::start().await;
    let info = lab.emulator.info();
    let path = "/metadata/endpoints?api-version=2022-09-01";
    let own = read(
        lab.client
            .get(format!("{}{path}", info.arm_url))
            .send()
            .await
            .expect("an answer"),
    )
    .await;
    assert_eq!(own.body["resourceManager"], format!("{}/", info.arm_url));
    assert_eq!(own.body["authentication"]["loginEndpoint"], info.login_url);

    let proxy = reqwest::Proxy::all(&info.proxy_url).expect("a proxy");
    let proxied = client(&lab.emulator)
        .proxy(proxy)
        .build()
        .expect("a client");
    let real = read(
        proxied
            .get(format!("https://management.azure.com{path}"))
            .send()
            .await
            .expect("an answer"),
    )
    .await;
    assert_eq!(
        real.body["resourceManager"],
        "https://management.azure.com/"
    );
    assert_eq!(real.body["name"], "AzureCloud");
    // Without a token, a client can read which tenant a subscription has.
    let challenged = read(
        proxied
            .get(format!(
                "https://management.azure.com{}",
                workspace("ws-contoso-ml")
            ))
            .send()
            .await
            .expect("an answer"),
    )
    .await;
    assert_eq!(challenged.status, 401);
    let challenge = challenged.headers["www-authenticate"]
        .to_str()
        .expect("text");
    assert!(
        challenge.starts_with(&format!(
            "Bearer authorization_uri=\"https://login.windows.net/{}\"",
            common::TENANT
        )),
        "{challenge}"
    );
    lab.emulator.shutdown().await;
}

#[tokio::test]
async fn created_resources_and_their_identities_survive_a_restart() {
    let folder = tempfile::tempdir().expect("a folder");
    let options = Options {
        state_dir: Some(folder.path().join("state")),
        seed: Seed::Default,
        ..Options::default()
    };
    let first = Lab::with(options.clone()).await;
    let body = json!({"location": "westeurope"});
    let put = reqwest::Method::PUT;
    let made = arm(
        &first,
        "azcred-contributor",
        put,
        &workspace("kept"),
        Some(body),
    )
    .await;
    assert_eq!(made.status, 201, "{}", made.body);
    let gone = workspace("ws-contoso-ml");
    let deleted = arm(
        &first,
        "azcred-contributor",
        reqwest::Method::DELETE,
        &gone,
        None,
    )
    .await;
    assert_eq!(deleted.status, 200, "{}", deleted.body);
    // Changes are stored at once, so that they are not lost if the emulator is killed.
    let kept = std::fs::read_dir(folder.path().join("state"))
        .expect("the folder")
        .filter_map(|entry| std::fs::read_to_string(entry.expect("an entry").path()).ok())
        .any(|text| text.contains("workspaces/kept") && !text.contains("workspaces/ws-contoso-ml"));
    assert!(kept);
    // The port is another one after a restart.
    let port = |lab: &Lab| lab.emulator.info().ml_url.replace("https://", "");
    let first_port = port(&first);
    first.emulator.shutdown().await;

    let second = Lab::with(options).await;
    let get = reqwest::Method::GET;
    let again = arm(
        &second,
        "azcred-contributor",
        get.clone(),
        &workspace("kept"),
        None,
    )
    .await;
    let properties = made.body["properties"].to_string();
    let moved = properties.replace(&first_port, &port(&second));
    assert_ne!(moved, properties);
    assert_eq!(again.body["properties"].to_string(), moved);
    assert_eq!(again.body["identity"], made.body["identity"]);
    let missing = arm(&second, "azcred-contributor", get, &gone, None).await;
    assert_eq!(missing.status, 404, "{}", missing.body);
    second.emulator.shutdown().await;
}

#[tokio::test]
async fn an_identity_trusts_what_its_federated_credentials_say_also_after_a_restart() {
    let folder = tempfile::tempdir().expect("a folder");
    let options = Options {
        state_dir: Some(folder.path().join("state")),
        ..Options::default()
    };
    let path = |name: &str| {
        format!(
            "{GROUP}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/id-contoso-look/federatedIdentityCredentials{name}?api-version=2023-01-31"
        )
    };
    let body = |subject: &str| {
        json!({"properties": {
            "issuer": "https://ci.example", "subject": subject, "audiences": ["api://AzureADTokenExchange"],
        }})
    };
    let sign_in = async |lab: &Lab, subject: &str| {
        let (world, audience) = (lab.emulator.world(), "api://AzureADTokenExchange");
        let token =
            azcred_emulator::issuer::mint(world, "https://ci.example", subject, audience, 60);
        let client = "a0000001-0000-4000-8000-000000000102";
        lab.request_by_assertion(client, &token.expect("a token"))
            .await
    };
    let who = "azcred-contributor";
    let put = reqwest::Method::PUT;
    let first = Lab::with(options.clone()).await;
    let made = arm(&first, who, put.clone(), &path("/ci"), Some(body("main"))).await;
    assert_eq!(made.status, 201, "{}", made.body);
    assert_eq!(made.body["properties"]["subject"], "main");
    assert_eq!(sign_in(&first, "main").await.status, 200);
    let again = arm(&first, who, put.clone(), &path("/ci"), Some(body("prod"))).await;
    assert_eq!(again.status, 200, "{}", again.body);
    assert_eq!(sign_in(&first, "main").await.code(), 700_213);
    let same = arm(
        &first,
        who,
        put.clone(),
        &path("/other"),
        Some(body("prod")),
    )
    .await;
    assert_eq!(same.status, 409, "{}", same.body);
    let mut two = body("x");
    two["properties"]["audiences"] = json!(["a", "b"]);
    let two = arm(&first, who, put, &path("/two"), Some(two)).await;
    assert_eq!(two.status, 400, "{}", two.body);
    first.emulator.shutdown().await;

    let second = Lab::with(options).await;
    assert_eq!(sign_in(&second, "prod").await.status, 200);
    let all = arm(&second, who, reqwest::Method::GET, &path(""), None).await;
    assert_eq!(all.body["value"][0]["name"], "ci");
    let gone = arm(&second, who, reqwest::Method::DELETE, &path("/ci"), None).await;
    assert_eq!(gone.status, 200, "{}", gone.body);
    assert_eq!(sign_in(&second, "prod").await.code(), 700_016);
    second.emulator.shutdown().await;
}

#[tokio::test]
async fn jobs_and_assets_survive_a_restart_and_a_change_writes_one_job() {
    let folder = tempfile::tempdir().expect("a folder");
    let state = folder.path().join("state");
    let options = Options {
        state_dir: Some(state.clone()),
        ..Options::default()
    };
    let (put, get) = (reqwest::Method::PUT, reqwest::Method::GET);
    let at = |path: &str| workspace(&format!("ws-contoso-ml/{path}"));
    let job = json!({"properties": {
        "jobType": "Command",
        "command": "python train.py",
        "environmentId": "azureml:mine:1",
    }});
    let environment = json!({"properties": {"image": "python:3.11"}});
    let first = Lab::with(options.clone()).await;
    let who = "azcred-demo";
    let path = at("environments/mine/versions/1");
    let made = arm(&first, who, put.clone(), &path, Some(environment)).await;
    assert_eq!(made.status, 201, "{}", made.body);
    let files = || {
        let jobs = std::fs::read_dir(&state).expect("the folder").flatten();
        let jobs = jobs.filter(|one| one.file_name().to_string_lossy().starts_with("jobs-"));
        let files = jobs.flat_map(|one| std::fs::read_dir(one.path()).expect("a folder").flatten());
        files.count()
    };
    for (number, name) in ["one", "two"].into_iter().enumerate() {
        let path = at(&format!("jobs/{name}"));
        let made = arm(&first, who, put.clone(), &path, Some(job.clone())).await;
        assert_eq!(made.status, 201, "{}", made.body);
        assert_eq!(files(), number + 1);
    }
    let delete = reqwest::Method::DELETE;
    let gone = arm(&first, who, delete, &at("jobs/two"), None).await;
    assert_eq!((gone.status, files()), (200, 1));
    first.emulator.shutdown().await;

    let second = Lab::with(options).await;
    let again = arm(&second, who, get.clone(), &at("jobs/one"), None).await;
    assert_eq!(again.body["properties"]["command"], "python train.py");
    let missing = arm(&second, who, get.clone(), &at("jobs/two"), None).await;
    assert_eq!(missing.status, 404, "{}", missing.body);
    let path = at("environments/mine/versions/1");
    let kept = arm(&second, who, get, &path, None).await;
    assert_eq!(kept.body["properties"]["image"], "python:3.11");
    second.emulator.shutdown().await;
}
