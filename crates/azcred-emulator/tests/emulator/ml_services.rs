//! Azure Machine Learning's own services: what clients ask while a job runs.

use crate::common::{self, Lab, Reply, client, read};
use azcred_emulator::{
    Fault,
    jobs::{Job, JobKind, Outcome, Sender, Step},
    resources::Scope,
};
use http::Method;
use serde_json::{Map, Value, json};

const WORKSPACE: &str = "/subscriptions/5ec0ffee-0001-4000-8000-000000000001/resourceGroups/rg-contoso-ml/providers/\
                         Microsoft.MachineLearningServices/workspaces/ws-contoso-ml";

fn workspace() -> Scope {
    WORKSPACE.parse().unwrap()
}

/// Submits a job, as Resource Manager would for Ada.
fn submit(lab: &Lab, name: &str, kind: JobKind, steps: Vec<Step>) -> Job {
    let world = lab.emulator.world();
    let sender = Sender {
        name: "ada@contoso.com".to_owned(),
        kind: "User".to_owned(),
        object_id: uuid::Uuid::from_u128(1),
        tenant: common::TENANT.parse().unwrap(),
    };
    let mut job = Job::new(workspace(), name, kind, sender, world.clock.now());
    let body =
        json!({"command": "python train.py", "computeId": format!("{WORKSPACE}/computes/cpu")});
    job.body = body.as_object().unwrap().clone();
    world.jobs().submit(job, steps).unwrap()
}

async fn bearer(lab: &Lab, who: &str, scope: &str) -> String {
    let identity = lab.identity(who);
    let id = identity.client_id.to_string();
    let secret = identity.secret.as_ref().unwrap();
    let parameters = [
        ("client_id", id.as_str()),
        ("client_secret", secret),
        ("scope", scope),
    ];
    let answer = lab.request_token(&parameters).await;
    answer.body["access_token"].as_str().unwrap().to_owned()
}

async fn ask(lab: &Lab, who: &str, method: Method, path: &str, body: Option<Value>) -> Reply {
    let url = format!(
        "{}/history/v1.0{WORKSPACE}{path}",
        lab.emulator.info().ml_url
    );
    let token = bearer(lab, who, common::ARM_SCOPE).await;
    let mut request = lab.client.request(method, url).bearer_auth(token);
    if let Some(body) = body {
        request = request.json(&body);
    }
    read(request.send().await.unwrap()).await
}

async fn get(lab: &Lab, path: &str) -> Reply {
    ask(lab, "azcred-demo", Method::GET, path, None).await
}

#[tokio::test]
async fn the_addresses_of_a_region_need_no_token() {
    let lab = Lab::start().await;
    let proxy = reqwest::Proxy::all(&lab.emulator.info().proxy_url).unwrap();
    let by_names = client(&lab.emulator).proxy(proxy).build().unwrap();
    for (host, api, experiments, studio) in [
        (
            "northeurope.api.azureml.ms",
            "northeurope.api.azureml.ms",
            "northeurope.experiments.azureml.net",
            "ml.azure.com",
        ),
        (
            "usgovvirginia.api.ml.azure.us",
            "usgovvirginia.api.ml.azure.us",
            "usgovvirginia.experiments.ml.azure.us",
            "ml.azure.us",
        ),
    ] {
        let answer = by_names
            .get(format!("https://{host}/discovery"))
            .send()
            .await
            .unwrap();
        let answer = read(answer).await;
        assert_eq!(answer.status, 200);
        assert_eq!(answer.body["api"], format!("https://{api}"));
        assert_eq!(answer.body["history"], format!("https://{experiments}"));
        assert_eq!(
            answer.body["experimentation"],
            format!("https://{experiments}")
        );
        assert_eq!(answer.body["studio"], format!("https://{studio}"));
    }
    // By a port, all services are at that port.
    let own = &lab.emulator.info().ml_url;
    let answer = lab
        .client
        .get(format!("{own}/discovery"))
        .send()
        .await
        .unwrap();
    let answer = read(answer).await;
    for name in ["api", "history", "experimentation"] {
        assert_eq!(answer.body[name], own.as_str());
    }
}

#[tokio::test]
async fn a_token_for_resource_manager_or_for_azure_ml_is_accepted_and_no_other() {
    let lab = Lab::start().await;
    submit(&lab, "job", JobKind::Command, Vec::new());
    let url = format!(
        "{}/history/v1.0{WORKSPACE}/runs/job",
        lab.emulator.info().ml_url
    );
    for (scope, status) in [
        (common::ARM_SCOPE, 200),
        ("https://management.core.windows.net//.default", 200),
        ("https://ml.azure.com/.default", 200),
        ("https://graph.microsoft.com/.default", 401),
        ("https://storage.azure.com/.default", 401),
    ] {
        let token = bearer(&lab, "azcred-demo", scope).await;
        let answer = lab
            .client
            .get(&url)
            .bearer_auth(token)
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), status, "{scope}");
        assert_eq!(
            answer.headers().contains_key("www-authenticate"),
            status == 401
        );
    }
    let answer = read(lab.client.get(&url).send().await.unwrap()).await;
    assert_eq!(answer.status, 401);
    let error = &answer.body["error"];
    assert_eq!(error["message"], "Bearer token not provided.");
    assert_eq!(error["innerError"]["code"], "AuthorizationError");
}

#[tokio::test]
async fn a_caller_without_the_role_learns_which_action_is_missing_and_not_what_exists() {
    let lab = Lab::start().await;
    submit(&lab, "job", JobKind::Command, Vec::new());
    for name in ["job", "nowhere"] {
        let path = format!("/runs/{name}/details");
        let answer = ask(&lab, "azcred-noroles", Method::GET, &path, None).await;
        assert_eq!(answer.status, 403);
        assert_eq!(answer.body["error"]["innerError"]["code"], "ForbiddenError");
        let message = answer.body["error"]["message"].as_str().unwrap();
        assert!(
            message
                .contains("'Microsoft.MachineLearningServices/workspaces/experiments/runs/read'"),
            "{message}"
        );
        assert!(message.contains(WORKSPACE), "{message}");
    }
    let answer = get(&lab, "/runs/nowhere/details").await;
    assert_eq!(answer.status, 404);
    assert_eq!(answer.body["error"]["innerError"]["code"], "NotFoundError");
    assert_eq!(answer.headers["x-ms-response-type"], "error");
    let elsewhere = get(&lab, "/runs/job/nothing/such").await;
    assert_eq!(elsewhere.status, 501);
    assert_eq!(elsewhere.body["error"]["code"], "NotServedByEmulator");
}

#[tokio::test]
async fn a_run_goes_through_its_states_by_the_clock() {
    let lab = Lab::start().await;
    let job = submit(&lab, "job", JobKind::Command, Vec::new());
    assert_eq!(
        get(&lab, "/runs/job/details").await.body["status"],
        "Starting"
    );
    let clock = &lab.emulator.world().clock;
    clock.set_skew(3600);
    let answer = get(&lab, "/runs/JOB/details").await;
    assert_eq!(answer.body["status"], "Completed");
    assert_eq!(answer.body["target"], "cpu");
    assert_eq!(answer.body["submittedBy"], "ada@contoso.com");
    assert!(
        answer.body["endTimeUtc"]
            .as_str()
            .unwrap()
            .ends_with("+00:00")
    );
    assert_eq!(answer.body["error"], Value::Null);
    assert_eq!(job.name, "job");

    for (outcome, ends, has_error) in [
        (Outcome::Fail, "Failed", true),
        (Outcome::Cancel, "Canceled", false),
    ] {
        clock.set_skew(0);
        let name = format!("job-{ends}");
        submit(&lab, &name, JobKind::Command, Vec::new());
        let world = lab.emulator.world();
        world
            .jobs()
            .end_as(&workspace(), &name, outcome, clock.now());
        clock.set_skew(3600);
        let answer = get(&lab, &format!("/runs/{name}/details")).await;
        assert_eq!(answer.body["status"], ends);
        assert_eq!(
            answer.body["error"]["error"]["code"] == "UserError",
            has_error
        );
        let answer = ask(
            &lab,
            "azcred-demo",
            Method::POST,
            "/rundata",
            Some(json!({"runId": name})),
        )
        .await;
        assert_eq!(answer.body["runMetadata"]["status"], ends);
    }
}

#[tokio::test]
async fn a_fault_has_the_form_of_these_services() {
    let lab = Lab::start().await;
    submit(&lab, "job", JobKind::Command, Vec::new());
    for (status, code, inner) in [
        (429, "UserError", "TooManyRequests"),
        (503, "ServiceError", "InternalServerError"),
    ] {
        let fault = json!({
            "service": "ml", "count": 1,
            "effect": {"kind": "status", "status": status, "retry_after": 7},
        });
        let fault: Fault = serde_json::from_value(fault).unwrap();
        lab.emulator.world().faults.arm(fault).unwrap();
        let answer = get(&lab, "/runs/job").await;
        assert_eq!(
            (answer.status, &answer.headers["retry-after"]),
            (status, &"7".parse().unwrap())
        );
        assert_eq!(answer.body["error"]["code"], code);
        assert_eq!(answer.body["error"]["innerError"]["code"], inner);
    }
    assert_eq!(get(&lab, "/runs/job").await.status, 200);
}

#[tokio::test]
async fn a_pipelines_steps_are_its_children() {
    let lab = Lab::start().await;
    let step = |name: &str, after: &[&str]| Step {
        name: name.to_owned(),
        after: after.iter().map(|name| (*name).to_owned()).collect(),
        body: Map::new(),
    };
    submit(
        &lab,
        "pipe",
        JobKind::Pipeline,
        vec![step("split", &[]), step("train", &["split"])],
    );
    let answer = get(&lab, "/runs/pipe/children").await;
    let children = answer.body["value"].as_array().unwrap();
    assert_eq!(children.len(), 2);
    assert_eq!(children[0]["displayName"], "split");
    assert_eq!(children[0]["parentRunId"], "pipe");
    assert_eq!(children[0]["rootRunId"], "pipe");
    assert_eq!(children[1]["runType"], "azureml.StepRun");
    let own = children[1]["runId"].as_str().unwrap();
    assert_eq!(
        get(&lab, &format!("/runs/{own}")).await.body["displayName"],
        "train"
    );
}

#[tokio::test]
async fn a_run_is_archived_and_its_tags_are_added_by_a_change() {
    let lab = Lab::start().await;
    submit(&lab, "job", JobKind::Command, Vec::new());
    let path = "/experiments/Default/runs/job";
    let change = json!({"hidden": true, "displayName": "new", "tags": {"a": "1", "b": "2"}});
    let answer = ask(&lab, "azcred-demo", Method::PATCH, path, Some(change)).await;
    assert_eq!((answer.status, &answer.body["hidden"]), (200, &json!(true)));
    let change = json!({"tags": {"a": null, "c": "3"}, "properties": {"p": "q"}});
    let answer = ask(&lab, "azcred-demo", Method::PATCH, path, Some(change)).await;
    assert_eq!(answer.body["tags"], json!({"b": "2", "c": "3"}));
    assert_eq!(answer.body["displayName"], "new");
    let job = lab
        .emulator
        .world()
        .jobs()
        .get(&workspace(), "job")
        .unwrap();
    assert!(job.archived);
    // A reader may not.
    let refused = ask(
        &lab,
        "azcred-noroles",
        Method::PATCH,
        path,
        Some(json!({"hidden": false})),
    )
    .await;
    assert_eq!(refused.status, 403);
}
