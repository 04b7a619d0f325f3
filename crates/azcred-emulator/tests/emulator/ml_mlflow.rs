//! MLflow's tracking server in Azure Machine Learning.

use crate::common::{Lab, Reply, read};
use azcred_emulator::{jobs::JobKind, resources::Scope};
use serde_json::{Value, json};

const WORKSPACE: &str = "/subscriptions/5ec0ffee-0001-4000-8000-000000000001/resourceGroups/rg-contoso-ml/providers/\
                         Microsoft.MachineLearningServices/workspaces/ws-contoso-ml";

async fn ask(lab: &Lab, who: &str, method: &str, path: &str, body: Value) -> Reply {
    let token = lab.request_token_as(who).await;
    let token = token.body["access_token"].as_str().unwrap();
    let base = &lab.emulator.info().ml_url;
    let url = format!("{base}/mlflow/v2.0{WORKSPACE}/api/2.0/mlflow/{path}");
    let request = lab.client.request(method.parse().unwrap(), url);
    let request = request.bearer_auth(token);
    let request = match method {
        "GET" => request,
        _ => request.json(&body),
    };
    read(request.send().await.unwrap()).await
}

async fn get(lab: &Lab, path: &str) -> Reply {
    ask(lab, "azcred-demo", "GET", path, Value::Null).await
}

async fn post(lab: &Lab, path: &str, body: Value) -> Reply {
    ask(lab, "azcred-demo", "POST", path, body).await
}

#[tokio::test]
async fn what_a_program_tracks_is_found_again_and_is_a_job() {
    let lab = Lab::start().await;
    let unknown = get(&lab, "experiments/get-by-name?experiment_name=e").await;
    assert_eq!(
        (unknown.status, unknown.body["error_code"].as_str()),
        (404, Some("RESOURCE_DOES_NOT_EXIST"))
    );
    let made = post(&lab, "experiments/create", json!({"name": "e"})).await;
    let experiment = made.body["experiment_id"].clone();
    let known = get(&lab, "experiments/get-by-name?experiment_name=e").await;
    assert_eq!(known.body["experiment"]["experiment_id"], experiment);

    let wanted = json!({"experiment_id": experiment, "run_name": "first", "tags": [{"key": "a", "value": "b"}]});
    let run = post(&lab, "runs/create", wanted).await;
    let id = run.body["run"]["info"]["run_id"]
        .as_str()
        .unwrap()
        .to_owned();
    assert_eq!(run.body["run"]["info"]["status"], "RUNNING");
    for (step, value) in [(1, 0.5), (2, 0.25)] {
        let metric =
            json!({"run_id": id, "key": "loss", "value": value, "step": step, "timestamp": 7});
        assert_eq!(post(&lab, "runs/log-metric", metric).await.status, 200);
    }
    let batch = json!({"run_id": id, "params": [{"key": "rate", "value": "0.1"}], "metrics": [], "tags": []});
    assert_eq!(post(&lab, "runs/log-batch", batch).await.status, 200);
    // A parameter is logged once.
    let again = |value: &str| json!({"run_id": id, "key": "rate", "value": value});
    assert_eq!(
        post(&lab, "runs/log-parameter", again("0.1")).await.status,
        200
    );
    let other = post(&lab, "runs/log-parameter", again("0.2")).await;
    assert_eq!(
        (other.status, other.body["error_code"].as_str()),
        (400, Some("INVALID_PARAMETER_VALUE"))
    );
    let endless = json!({"run_id": id, "key": "loss", "value": "NaN"});
    assert_eq!(post(&lab, "runs/log-metric", endless).await.status, 400);
    let ended = post(
        &lab,
        "runs/update",
        json!({"run_id": id, "status": "FINISHED"}),
    )
    .await;
    assert_eq!(ended.body["run_info"]["status"], "FINISHED");

    let found = get(&lab, &format!("runs/get?run_id={id}")).await;
    let data = &found.body["run"]["data"];
    let newest = json!([{"key": "loss", "value": 0.25, "step": 2, "timestamp": 7}]);
    assert_eq!(data["metrics"], newest);
    assert_eq!(data["params"], json!([{"key": "rate", "value": "0.1"}]));
    let history = get(
        &lab,
        &format!("metrics/get-history?run_id={id}&metric_key=loss"),
    )
    .await;
    assert_eq!(history.body["metrics"].as_array().unwrap().len(), 2);
    let search = post(&lab, "runs/search", json!({"experiment_ids": [experiment]})).await;
    assert_eq!(search.body["runs"][0]["info"]["run_id"], id.as_str());

    let workspace: Scope = WORKSPACE.parse().unwrap();
    let job = lab.emulator.world().jobs().get(&workspace, &id).unwrap();
    assert_eq!(
        (job.kind, job.display_name.as_str()),
        (JobKind::Recorded, "first")
    );
}

#[tokio::test]
async fn tracking_needs_the_actions_of_experiments_and_runs() {
    let lab = Lab::start().await;
    for (method, path, action) in [
        ("GET", "experiments/get?experiment_id=e", "experiments/read"),
        ("POST", "experiments/create", "experiments/write"),
        ("GET", "runs/get?run_id=r", "experiments/runs/read"),
        ("POST", "runs/search", "experiments/runs/read"),
        ("POST", "runs/create", "experiments/runs/write"),
        ("POST", "runs/log-metric", "experiments/runs/write"),
    ] {
        let refused = ask(&lab, "azcred-noroles", method, path, json!({})).await;
        assert_eq!(
            (refused.status, refused.body["error_code"].as_str()),
            (403, Some("PERMISSION_DENIED")),
            "{path}"
        );
        let message = refused.body["message"].as_str().unwrap();
        assert!(
            message.contains(&format!("workspaces/{action}'")),
            "{path}: {message}"
        );
    }
    // What is not served says so, in MLflow's words too.
    let models = post(&lab, "registered-models/create", json!({"name": "m"})).await;
    assert_eq!(
        (models.status, models.body["error_code"].as_str()),
        (501, Some("NOT_IMPLEMENTED"))
    );
    let filter = json!({"experiment_ids": [], "filter": "metrics.loss < 1"});
    assert_eq!(post(&lab, "runs/search", filter).await.status, 501);
}
