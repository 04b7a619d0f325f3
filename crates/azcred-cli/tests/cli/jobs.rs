//! `azcred emulator jobs`.

use crate::{
    azure::Azure,
    run::{Run, assert_seen, azcred},
};
use azcred_emulator::{
    Options,
    jobs::{Job, JobKind, JobState, Outcome, Sender, Step},
    resources::Scope,
};
use serde_json::{Value, json};
use time::Duration;

const WORKSPACE: &str = "/subscriptions/5ec0ffee-0001-4000-8000-000000000001/resourceGroups/rg-contoso-ml/providers/\
                         Microsoft.MachineLearningServices/workspaces/ws-contoso-ml";

/// An emulator with its own state folder.
struct Scene {
    azure: Azure,
    folder: tempfile::TempDir,
}

impl Scene {
    fn new() -> Self {
        let folder = tempfile::Builder::new()
            .prefix("azcred-emulator-")
            .tempdir();
        let folder = folder.expect("a folder");
        let azure = Azure::own(Options {
            state_dir: Some(folder.path().join("state")),
            ..Options::default()
        });
        Self { azure, folder }
    }

    fn run(&self, arguments: &str) -> Run {
        let mut all = vec!["emulator", "jobs"];
        all.extend(arguments.split_whitespace());
        let state = self.folder.path().join("state");
        let state = state.to_str().expect("text").to_owned();
        azcred(&all).args(&["--state", &state])
    }

    /// Submits a job, some time ago.
    fn submit(
        &self,
        name: &str,
        ago: Duration,
        kind: JobKind,
        body: Value,
        steps: Vec<Step>,
    ) -> Job {
        let world = self.azure.emulator().world();
        let sender = match kind {
            JobKind::Run => Sender {
                name: "a0000001-0000-4000-8000-000000000001".to_owned(),
                kind: "Application".to_owned(),
                object_id: uuid::Uuid::from_u128(1),
                tenant: uuid::Uuid::from_u128(2),
            },
            _ => Sender {
                name: "ada@contoso.com".to_owned(),
                kind: "User".to_owned(),
                object_id: uuid::Uuid::from_u128(1),
                tenant: uuid::Uuid::from_u128(2),
            },
        };
        let mut job = Job::new(id(), name, kind, sender, world.clock.now() - ago);
        if let Value::Object(body) = body {
            job.body = body;
        }
        world.jobs().submit(job, steps).expect("a new name")
    }

    fn job(&self, name: &str) -> Job {
        let world = self.azure.emulator().world();
        world.jobs().get(&id(), name).expect("it exists")
    }
}

fn id() -> Scope {
    WORKSPACE.parse().expect("an id")
}

fn step(name: &str, after: &[&str]) -> Step {
    let body = json!({"componentId": format!("{WORKSPACE}/components/{name}/versions/1")});
    Step {
        name: name.to_owned(),
        after: after.iter().map(|name| (*name).to_owned()).collect(),
        body: body.as_object().expect("an object").clone(),
    }
}

fn command() -> Value {
    json!({
        "command": "python train.py --epochs 3",
        "codeId": format!("{WORKSPACE}/codes/9f3c1c2e-0000-4000-8000-000000000001/versions/1"),
        "environmentId": format!("{WORKSPACE}/environments/train-env/versions/7"),
        "computeId": format!("{WORKSPACE}/computes/cpu-cluster"),
        "inputs": {"data": {"uri": "azureml:titanic:1"}},
    })
}

#[test]
fn jobs_are_listed_shown_and_their_logs_printed() {
    let scene = Scene::new();
    assert_seen!("emulator-jobs-none", scene.run("").said());
    let ago = Duration::seconds(20);
    scene.submit(
        "brave_kite_1x2y3z",
        ago,
        JobKind::Command,
        command(),
        Vec::new(),
    );
    let steps = vec![step("split", &[]), step("train", &["split"])];
    scene.submit(
        "jolly_root_4a5b6c",
        ago / 2,
        JobKind::Pipeline,
        json!({}),
        steps,
    );
    scene.submit(
        "titanic_1700000000_ab12cd34",
        ago / 5,
        JobKind::Run,
        json!({"script": "train.py"}),
        Vec::new(),
    );
    assert_seen!("emulator-jobs-list", scene.run("").said());
    assert_seen!(
        "emulator-jobs-show",
        scene.run("show brave_kite_1x2y3z").said()
    );
    assert_seen!(
        "emulator-jobs-show-pipeline",
        scene.run("show jolly_root_4a5b6c").said()
    );
    assert_seen!(
        "emulator-jobs-logs",
        scene.run("logs BRAVE_kite_1x2y3z").said()
    );
    assert_seen!("emulator-jobs-unknown", scene.run("show nowhere").said());

    let all = scene.run("--output json").said().json();
    let all = all["jobs"].as_array().expect("a list").clone();
    assert_eq!(all.len(), 3);
    assert_eq!(all[2]["state"], "Completed");
    assert_eq!(all[1]["kind"], "pipeline");
    let one = scene
        .run("show brave_kite_1x2y3z --output json")
        .said()
        .json();
    assert_eq!(one["sent"]["command"], "python train.py --epochs 3");
    assert_eq!(one["submittedBy"], "ada@contoso.com");
    let log = scene
        .run("logs jolly_root_4a5b6c --output json")
        .said()
        .json();
    assert!(
        log["lines"]
            .as_array()
            .is_some_and(|lines| !lines.is_empty())
    );
}

#[test]
fn the_next_job_fails_hangs_or_is_canceled_and_those_after_it_complete() {
    let scene = Scene::new();
    let submit = |name: &str| {
        let now = Duration::ZERO;
        let job = scene.submit(name, now, JobKind::Command, command(), Vec::new());
        job.timeline.end().map(|(_, state)| state)
    };
    let message = ["--message", "out of memory"];
    assert_seen!(
        "emulator-jobs-fail-next",
        scene.run("fail --next").args(&message).said()
    );
    assert_eq!(submit("first"), Some(JobState::Failed));
    assert_eq!(scene.job("first").failure.as_deref(), Some("out of memory"));
    assert_eq!(submit("second"), Some(JobState::Completed));
    assert_eq!(scene.run("hang --next").said().code, 0);
    assert_eq!(submit("third"), None);
    assert_eq!(scene.run("cancel --next").said().code, 0);
    assert_eq!(submit("fourth"), Some(JobState::Canceled));
    assert_eq!(submit("fifth"), Some(JobState::Completed));
}

#[test]
fn a_job_that_runs_is_ended_and_one_that_has_ended_is_not() {
    let scene = Scene::new();
    for name in ["fails", "stops"] {
        assert_eq!(scene.run("hang --next").said().code, 0);
        scene.submit(
            name,
            Duration::minutes(5),
            JobKind::Command,
            command(),
            Vec::new(),
        );
        assert_eq!(scene.job(name).outcome, Outcome::Hang);
    }
    assert_seen!("emulator-jobs-fail", scene.run("fail fails").said());
    assert_seen!("emulator-jobs-cancel", scene.run("cancel stops").said());
    let ends = |name| scene.job(name).timeline.end().map(|(_, state)| state);
    assert_eq!(ends("fails"), Some(JobState::Failed));
    assert_eq!(ends("stops"), Some(JobState::Canceled));

    let ago = Duration::minutes(5);
    scene.submit("done", ago, JobKind::Command, command(), Vec::new());
    assert_seen!("emulator-jobs-ended", scene.run("fail done").said());
    // Either a name or --next.
    for arguments in ["fail", "fail done --next"] {
        assert_eq!(scene.run(arguments).said().code, 2, "{arguments}");
    }
}
