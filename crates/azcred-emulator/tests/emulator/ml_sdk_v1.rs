//! What Azure ML's SDK v1 asks: experiments, snapshots, runs, environments, datastores, files.

use crate::common::{Lab, Reply, client, read};
use azcred_emulator::{
    jobs::{JobKind, JobState},
    resources::Scope,
};
use http::Method;
use serde_json::{Value, json};

const WORKSPACE: &str = "/subscriptions/5ec0ffee-0001-4000-8000-000000000001/resourceGroups/rg-contoso-ml/providers/\
                         Microsoft.MachineLearningServices/workspaces/ws-contoso-ml";
const SNAPSHOT: &str = "5ec0ffee-0009-4000-8000-000000000001";

/// An emulator, and a client that reaches it by Azure's names.
struct Scene {
    lab: Lab,
    names: reqwest::Client,
}

impl Scene {
    async fn start() -> Self {
        let lab = Lab::start().await;
        let proxy = reqwest::Proxy::all(&lab.emulator.info().proxy_url).unwrap();
        let names = client(&lab.emulator).proxy(proxy).build().unwrap();
        Self { lab, names }
    }

    /// A request to `AREA/VERSION` + the workspace + `path`.
    async fn ask(&self, who: &str, method: &str, area: &str, path: &str, body: Value) -> Reply {
        let token = self.lab.request_token_as(who).await;
        let token = token.body["access_token"].as_str().unwrap();
        let url = format!("https://westeurope.experiments.azureml.net/{area}{WORKSPACE}{path}");
        let method: Method = method.parse().unwrap();
        let request = self.names.request(method.clone(), url).bearer_auth(token);
        let request = match method {
            Method::GET => request,
            _ => request.json(&body),
        };
        read(request.send().await.unwrap()).await
    }

    async fn get(&self, area: &str, path: &str) -> Reply {
        self.ask("azcred-demo", "GET", area, path, Value::Null)
            .await
    }

    async fn send(&self, method: &str, area: &str, path: &str, body: Value) -> Reply {
        self.ask("azcred-demo", method, area, path, body).await
    }

    fn job(&self, name: &str) -> azcred_emulator::jobs::Job {
        let id: Scope = WORKSPACE.parse().unwrap();
        self.lab.emulator.world().jobs().get(&id, name).unwrap()
    }
}

/// Every request of this table, and the action that it needs.
const REQUESTS: [(&str, &str, &str, &str); 21] = [
    ("GET", "history/v1.0", "/experiments/e", "experiments/read"),
    (
        "POST",
        "history/v1.0",
        "/experiments:query",
        "experiments/read",
    ),
    (
        "POST",
        "history/v1.0",
        "/experiments/e",
        "experiments/write",
    ),
    (
        "POST",
        "history/v1.0",
        "/experiments/e/runs:query",
        "experiments/runs/read",
    ),
    (
        "PATCH",
        "history/v1.0",
        "/experiments/e/runs/r",
        "experiments/runs/write",
    ),
    (
        "POST",
        "history/v1.0",
        "/experiments/e/runs/r/events",
        "experiments/runs/write",
    ),
    (
        "GET",
        "history/v1.0",
        "/experiments/e/runs/r/metricsingest/wait",
        "experiments/runs/read",
    ),
    (
        "POST",
        "execution/v1.0",
        "/experiments/e/snapshotrun",
        "experiments/runs/submit/action",
    ),
    (
        "GET",
        "content/v1.0",
        "/snapshots/latest/metadata",
        "metadata/snapshots/read",
    ),
    (
        "POST",
        "content/v2.0",
        "/snapshots/getblob",
        "metadata/snapshots/write",
    ),
    (
        "POST",
        "content/v2.0",
        "/snapshots/s",
        "metadata/snapshots/write",
    ),
    (
        "GET",
        "environment/v1.0",
        "/environments/e",
        "environments/read",
    ),
    (
        "PUT",
        "environment/v1.0",
        "/environments/e/versions/1",
        "environments/write",
    ),
    (
        "GET",
        "artifact/v2.0",
        "/artifacts/prefix/contentinfo/o/c/p",
        "metadata/artifacts/read",
    ),
    (
        "GET",
        "artifact/v2.0",
        "/artifacts/contentinfo/o/c/p",
        "metadata/artifacts/read",
    ),
    (
        "POST",
        "artifact/v2.0",
        "/artifacts/batch/metadata/o/c",
        "metadata/artifacts/write",
    ),
    ("GET", "datastore/v1.0", "/datastores", "datastores/read"),
    ("GET", "datastore/v1.0", "/default", "datastores/read"),
    (
        "POST",
        "metric/v2.0",
        "/runs/r/batch",
        "experiments/runs/write",
    ),
    (
        "POST",
        "metric/v2.0",
        "/runs/r/list",
        "experiments/runs/read",
    ),
    (
        "POST",
        "metric/v2.0",
        "/runs/r/full",
        "experiments/runs/read",
    ),
];

#[tokio::test]
async fn each_request_needs_its_own_action_and_a_refusal_names_it() {
    let scene = Scene::start().await;
    for (method, area, path, action) in REQUESTS {
        let answer = scene
            .ask("azcred-noroles", method, area, path, json!({}))
            .await;
        assert_eq!(answer.status, 403, "{method} {path}");
        let message = answer.body["error"]["message"].as_str().unwrap();
        let action = format!("'Microsoft.MachineLearningServices/workspaces/{action}'");
        assert!(message.contains(&action), "{method} {path}: {message}");
        let served = scene.send(method, area, path, json!({})).await;
        assert_ne!(served.status, 403, "{method} {path}");
        assert_ne!(served.status, 501, "{method} {path}");
    }
}

#[tokio::test]
async fn an_experiment_is_found_after_it_was_created_or_a_run_named_it() {
    let scene = Scene::start().await;
    let path = "/experiments/titanic";
    assert_eq!(scene.get("history/v1.0", path).await.status, 404);
    let made = scene.send("POST", "history/v1.0", path, json!({})).await;
    assert_eq!(made.status, 200);
    let again = scene.send("POST", "history/v1.0", path, json!({})).await;
    assert_eq!(again.body["experimentId"], made.body["experimentId"]);
    let id = made.body["experimentId"].as_str().unwrap();
    let by_id = scene
        .get("history/v1.0", &format!("/experimentids/{id}"))
        .await;
    assert_eq!(by_id.body["name"], "titanic");

    let change = json!({"tags": {"a": "b"}});
    let run = scene
        .send(
            "PATCH",
            "history/v1.0",
            "/experiments/other/runs/own",
            change,
        )
        .await;
    assert_eq!(
        (run.status, run.body["status"].as_str()),
        (200, Some("Running"))
    );
    let all = scene
        .send("POST", "history/v1.0", "/experiments:query", json!({}))
        .await;
    let names: Vec<_> = all.body["value"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| &one["name"])
        .collect();
    assert_eq!(names, ["other", "titanic"]);
}

#[tokio::test]
async fn a_run_that_a_program_records_ends_when_the_program_says_so() {
    let scene = Scene::start().await;
    for (event, ends) in [
        ("Completed", JobState::Completed),
        ("Failed", JobState::Failed),
        ("Canceled", JobState::Canceled),
    ] {
        let path = format!("/experiments/e/runs/run-{event}");
        scene.send("PATCH", "history/v1.0", &path, json!({})).await;
        let started = json!({"name": "Microsoft.MachineLearning.Run.Start"});
        let events = format!("{path}/events");
        assert_eq!(
            scene
                .send("POST", "history/v1.0", &events, started)
                .await
                .status,
            200
        );
        let clock = &scene.lab.emulator.world().clock;
        clock.set_skew(3600);
        assert_eq!(
            scene.job(&format!("run-{event}")).state(clock.now()),
            JobState::Running
        );
        clock.set_skew(0);
        let name = format!("Microsoft.MachineLearning.Run.{event}");
        scene
            .send("POST", "history/v1.0", &events, json!({ "name": name }))
            .await;
        assert_eq!(scene.job(&format!("run-{event}")).state(clock.now()), ends);
    }
}

#[tokio::test]
async fn a_script_of_a_snapshot_is_submitted_and_is_a_job_like_others() {
    let scene = Scene::start().await;
    let latest = scene
        .get("content/v1.0", "/snapshots/latest/metadata")
        .await;
    assert_eq!(latest.body["root"]["children"], json!({}));
    let files = json!({"FileNames": ["train.py", "src/a b.py"]});
    let answer = scene
        .send("POST", "content/v2.0", "/snapshots/getblob", files)
        .await;
    let nodes = answer.body["fileNodes"].as_array().unwrap().clone();
    for node in &nodes {
        let url = node["blobUri"].as_str().unwrap();
        let put = scene
            .names
            .put(url)
            .header("x-ms-blob-type", "BlockBlob")
            .body("pass");
        assert_eq!(put.send().await.unwrap().status(), 201, "{url}");
    }
    let revisions: Vec<Value> = nodes
        .iter()
        .map(
            |node| json!({"FullName": node["fullName"], "BlobUri": node["blobUri"], "FileSize": 4}),
        )
        .collect();
    let snapshot = json!({"DirTreeNode": {}, "FileRevisionList": {"FileNodes": revisions}});
    let path = format!("/snapshots/{SNAPSHOT}");
    assert_eq!(
        scene
            .send("POST", "content/v2.0", &path, snapshot)
            .await
            .status,
        200
    );

    let run = |target: &str| {
        json!({
            "Configuration": {"script": "train.py", "arguments": ["--epochs", 3], "command": "", "target": target},
            "SnapshotId": SNAPSHOT,
        })
    };
    let submit = "/experiments/titanic/snapshotrun?runId=titanic_1";
    let unknown = scene
        .send("POST", "execution/v1.0", submit, run("gone"))
        .await;
    assert_eq!(
        (unknown.status, unknown.body["error"]["message"].as_str()),
        (400, Some("Unknown compute target 'gone'."))
    );
    let done = scene
        .send("POST", "execution/v1.0", submit, run("cpu-cluster"))
        .await;
    assert_eq!(done.body, json!({"runId": "titanic_1"}));
    assert_eq!(
        scene
            .send("POST", "execution/v1.0", submit, run("cpu-cluster"))
            .await
            .status,
        409
    );
    let job = scene.job("titanic_1");
    assert_eq!(
        (job.kind, job.body["command"].as_str()),
        (JobKind::Run, Some("python train.py --epochs 3"))
    );

    scene.lab.emulator.world().clock.set_skew(3600);
    let details = scene
        .get(
            "history/v1.0",
            "/experiments/titanic/runs/titanic_1/details",
        )
        .await;
    assert_eq!(details.body["status"], "Completed");
    assert_eq!(details.body["runDefinition"]["script"], "train.py");
    let log = details.body["logFiles"]["user_logs/std_log.txt"]
        .as_str()
        .unwrap();
    let log = scene.names.get(log).send().await.unwrap();
    assert_eq!(log.status(), 200);
    let log = log.text().await.unwrap();
    for line in [
        "command: python train.py --epochs 3",
        "  train.py",
        "  src/a b.py",
        "The job is Completed.",
    ] {
        assert!(log.lines().any(|known| known == line), "{line}: {log}");
    }
    // The URLs of the files, which anyone could use, are not kept.
    let runs = scene
        .send(
            "POST",
            "history/v1.0",
            "/experiments/titanic/runs:query",
            json!({"filter": "(ParentRunId eq null)"}),
        )
        .await;
    assert_eq!(runs.body["value"][0]["runId"], "titanic_1");
    let other = scene
        .send(
            "POST",
            "history/v1.0",
            "/experiments/titanic/runs:query",
            json!({"filter": "Status eq 'Failed'"}),
        )
        .await;
    assert_eq!(other.status, 501);
}

#[tokio::test]
async fn an_environment_gets_a_new_version_only_when_it_differs() {
    let scene = Scene::start().await;
    let path = "/environments/train";
    let missing = scene.get("environment/v1.0", path).await;
    assert_eq!(missing.status, 404);
    let definition = |image: &str| {
        json!({
            "Name": "train", "Docker": {"baseImage": image}, "EnvironmentVariables": {"A": "1"},
            "python": {"condaDependencies": {"dependencies": ["python=3.11"]}},
        })
    };
    for (image, version) in [
        ("ubuntu:22.04", "1"),
        ("ubuntu:22.04", "1"),
        ("ubuntu:24.04", "2"),
    ] {
        let put = scene
            .send("PUT", "environment/v1.0", path, definition(image))
            .await;
        assert_eq!(put.body["version"], version, "{image}");
    }
    let newest = scene.get("environment/v1.0", path).await;
    assert_eq!(newest.body["docker"]["baseImage"], "ubuntu:24.04");
    assert_eq!(newest.body["environmentVariables"], json!({"A": "1"}));
    let first = scene
        .get("environment/v1.0", &format!("{path}/versions/1"))
        .await;
    assert_eq!(first.body["docker"]["baseImage"], "ubuntu:22.04");
    // Resource Manager shows the same environment.
    let token = scene.lab.request_token_as("azcred-demo").await;
    let token = token.body["access_token"].as_str().unwrap();
    let url = format!(
        "https://management.azure.com{WORKSPACE}/environments/train/versions/2?api-version=2024-10-01"
    );
    let shown = read(
        scene
            .names
            .get(url)
            .bearer_auth(token)
            .send()
            .await
            .unwrap(),
    )
    .await;
    assert_eq!(
        (shown.status, shown.body["properties"]["image"].as_str()),
        (200, Some("ubuntu:24.04"))
    );
}

#[tokio::test]
async fn files_of_a_run_are_written_and_read_by_their_urls() {
    let scene = Scene::start().await;
    scene
        .send(
            "PATCH",
            "history/v1.0",
            "/experiments/e/runs/own",
            json!({}),
        )
        .await;
    let own = "ExperimentRun/dcid.own";
    let wanted = json!({"paths": [{"path": "outputs/out.txt"}]});
    let path = format!("/artifacts/batch/metadata/{own}");
    let made = scene.send("POST", "artifact/v2.0", &path, wanted).await;
    let content = &made.body["artifactContentInformation"]["outputs/out.txt"];
    let url = content["contentUri"].as_str().unwrap();
    let put = scene
        .names
        .put(url)
        .header("x-ms-blob-type", "BlockBlob")
        .body("hello");
    assert_eq!(put.send().await.unwrap().status(), 201);
    let one = scene
        .get(
            "artifact/v2.0",
            &format!("/artifacts/contentinfo/{own}/outputs/out.txt"),
        )
        .await;
    let url = one.body["contentUri"].as_str().unwrap();
    assert_eq!(
        scene
            .names
            .get(url)
            .send()
            .await
            .unwrap()
            .text()
            .await
            .unwrap(),
        "hello"
    );
    // A URL for reading does not write.
    let put = scene
        .names
        .put(url)
        .header("x-ms-blob-type", "BlockBlob")
        .body("other");
    assert_eq!(put.send().await.unwrap().status(), 403);
    let gone = scene
        .get(
            "artifact/v2.0",
            &format!("/artifacts/contentinfo/{own}/outputs/no.txt"),
        )
        .await;
    assert_eq!(gone.status, 404);
    let all = scene
        .get("artifact/v2.0", &format!("/artifacts/{own}"))
        .await;
    assert_eq!(all.body["value"][0]["path"], "outputs/out.txt");
}

#[tokio::test]
async fn computes_and_datastores_are_those_of_resource_manager() {
    let scene = Scene::start().await;
    let token = scene.lab.request_token_as("azcred-demo").await;
    let token = token.body["access_token"].as_str().unwrap();
    let base = "https://westeurope.api.azureml.ms/rp/workspaces";
    let url = format!("{base}{WORKSPACE}/computes/cpu-cluster?api-version=2020-02-02");
    let found = read(
        scene
            .names
            .get(url)
            .bearer_auth(token)
            .send()
            .await
            .unwrap(),
    )
    .await;
    assert_eq!(
        (found.status, found.body["name"].as_str()),
        (200, Some("cpu-cluster"))
    );
    let default = scene.get("datastore/v1.0", "/default").await;
    assert_eq!(default.body["name"], "workspaceblobstore");
    let section = &default.body["azureStorageSection"];
    assert_eq!(
        (
            section["accountName"].as_str(),
            section["accountKey"].as_str()
        ),
        (Some("stcontosoml"), None)
    );
    let all = scene.get("datastore/v1.0", "/datastores").await;
    assert!(all.body["value"].as_array().unwrap().len() >= 2);
    assert_eq!(
        scene
            .get("datastore/v1.0", "/datastores/nowhere")
            .await
            .status,
        404
    );
}

#[tokio::test]
async fn numbers_that_a_program_logs_are_read_again_and_other_metrics_are_not_served() {
    let scene = Scene::start().await;
    scene
        .send(
            "PATCH",
            "history/v1.0",
            "/experiments/e/runs/own",
            json!({}),
        )
        .await;
    let cell = |step: i64, data: Value| json!({"createdUtc": "2026-11-30T12:00:00Z", "step": step, "data": data});
    let batch = json!({"values": [
        {"name": "loss", "value": [cell(0, json!({"loss": 0.5})), cell(1, json!({"loss": 0.25}))]},
        {"name": "table", "value": [cell(0, json!({"a": 1, "b": 2}))]},
    ]});
    let logged = scene
        .send("POST", "metric/v2.0", "/runs/own/batch", batch)
        .await;
    let errors = logged.body["errors"].as_array().unwrap();
    assert_eq!(errors.len(), 1);
    assert_eq!(errors[0]["metric"]["name"], "table");
    let names = scene
        .send("POST", "metric/v2.0", "/runs/own/list", json!({}))
        .await;
    assert_eq!(names.body["value"].as_array().unwrap().len(), 1);
    let wanted = |name: &str| json!({ "metricName": name });
    let full = scene
        .send("POST", "metric/v2.0", "/runs/own/full", wanted("loss"))
        .await;
    let values = full.body["value"].as_array().unwrap();
    let values: Vec<_> = values
        .iter()
        .map(|cell| cell["data"]["loss"].as_f64())
        .collect();
    assert_eq!(values, [Some(0.5), Some(0.25)]);
    let none = scene
        .send("POST", "metric/v2.0", "/runs/own/full", wanted("no"))
        .await;
    assert_eq!(none.status, 404);
}
