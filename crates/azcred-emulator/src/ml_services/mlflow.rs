//! MLflow's tracking server: experiments, runs, metrics, parameters and tags ('MLflow REST API').
//!
//! A run that a client creates here is a job that a program records. Metrics and parameters of any
//! job can be logged.

use super::{
    access::Caller,
    call::Call,
    error::MlError,
    experiments::{self, Experiment},
    history,
};
use crate::{
    clock::millis,
    jobs::{Job, JobState, Metric, Outcome},
    resources::Scope,
    world::World,
};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};
use time::OffsetDateTime;
use uuid::Uuid;

/// The most metrics of one run: each is kept.
pub(super) const MOST_METRICS: usize = 100_000;

/// One request to the tracking server.
pub(super) struct Tracking<'a> {
    pub(super) world: &'a World,
    pub(super) call: &'a Call,
    pub(super) caller: &'a Caller,
    pub(super) workspace: &'a Scope,
}

/// What a request wants, by the words after `mlflow/`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wish {
    CreateExperiment,
    GetExperiment,
    GetExperimentByName,
    SearchExperiments,
    CreateRun,
    GetRun,
    UpdateRun,
    LogMetric,
    LogParameter,
    LogBatch,
    SetTag,
    DeleteTag,
    MetricHistory,
    SearchRuns,
    /// MLflow 3's models of runs, of which no client can make one here.
    SearchModels,
}

impl Wish {
    pub(super) fn of(method: &str, words: &[&str]) -> Option<Self> {
        Some(match (method, words) {
            ("POST", ["experiments", "create"]) => Self::CreateExperiment,
            ("GET", ["experiments", "get"]) => Self::GetExperiment,
            ("GET", ["experiments", "get-by-name"]) => Self::GetExperimentByName,
            ("POST" | "GET", ["experiments", "search"]) => Self::SearchExperiments,
            ("POST", ["runs", "create"]) => Self::CreateRun,
            ("GET", ["runs", "get"]) => Self::GetRun,
            ("POST", ["runs", "update"]) => Self::UpdateRun,
            ("POST", ["runs", "log-metric"]) => Self::LogMetric,
            ("POST", ["runs", "log-parameter"]) => Self::LogParameter,
            ("POST", ["runs", "log-batch" | "log-batch-async"]) => Self::LogBatch,
            ("POST", ["runs", "set-tag"]) => Self::SetTag,
            ("POST", ["runs", "delete-tag"]) => Self::DeleteTag,
            ("GET", ["metrics", "get-history"]) => Self::MetricHistory,
            ("POST", ["runs", "search"]) => Self::SearchRuns,
            ("POST", ["logged-models", "search"]) => Self::SearchModels,
            _ => return None,
        })
    }

    /// The right that it needs in the workspace.
    pub(super) fn action(self) -> &'static str {
        match self {
            Self::CreateExperiment => {
                "Microsoft.MachineLearningServices/workspaces/experiments/write"
            }
            Self::GetExperiment | Self::GetExperimentByName | Self::SearchExperiments => {
                "Microsoft.MachineLearningServices/workspaces/experiments/read"
            }
            Self::GetRun | Self::MetricHistory | Self::SearchRuns | Self::SearchModels => {
                "Microsoft.MachineLearningServices/workspaces/experiments/runs/read"
            }
            _ => "Microsoft.MachineLearningServices/workspaces/experiments/runs/write",
        }
    }
}

#[derive(Deserialize)]
struct Pair {
    key: String,
    #[serde(default)]
    value: String,
}

/// The members of every request. Which are there depends on the request.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Given {
    name: Option<String>,
    run_id: Option<String>,
    run_uuid: Option<String>,
    run_name: Option<String>,
    experiment_id: Option<String>,
    experiment_ids: Vec<String>,
    filter: Option<String>,
    status: Option<String>,
    tags: Vec<Pair>,
    params: Vec<Pair>,
    metrics: Vec<Metric>,
    key: Option<String>,
    value: Option<Value>,
    timestamp: Option<i64>,
    step: Option<i64>,
}

impl Tracking<'_> {
    pub(super) fn serve(&self, wish: Wish) -> Result<Value, MlError> {
        match wish {
            Wish::CreateExperiment => {
                let name = required(self.given()?.name, "name")?;
                let made = experiments::create(self.world, self.workspace, &name, self.caller)?;
                Ok(json!({"experiment_id": experiments::id(self.workspace, &made.name)}))
            }
            Wish::GetExperiment => self.experiment(self.asked("experiment_id")?),
            Wish::GetExperimentByName => self.experiment(self.asked("experiment_name")?),
            Wish::SearchExperiments => {
                let all = experiments::all(self.world, self.workspace);
                let all = all.iter().map(|one| self.view_of(one));
                Ok(json!({"experiments": all.collect::<Vec<_>>()}))
            }
            Wish::CreateRun => self.create(),
            Wish::GetRun => {
                let name = self.asked("run_id").or_else(|_| self.asked("run_uuid"))?;
                Ok(json!({"run": self.run(&self.find(name)?)}))
            }
            Wish::UpdateRun => self.update(),
            Wish::MetricHistory => {
                let name = self.asked("run_id").or_else(|_| self.asked("run_uuid"))?;
                let (job, key) = (self.find(name)?, self.asked("metric_key")?);
                let own = job.metrics.iter().filter(|metric| metric.key == key);
                Ok(json!({"metrics": own.collect::<Vec<_>>()}))
            }
            Wish::SearchRuns => self.search(),
            Wish::SearchModels => Ok(json!({"models": []})),
            Wish::LogMetric | Wish::LogParameter | Wish::LogBatch | Wish::SetTag => self.log(wish),
            Wish::DeleteTag => {
                let given = self.given()?;
                let key = required(given.key.clone(), "key")?;
                self.change(&given, |job| {
                    job.tags.remove(&key);
                })
            }
        }
    }

    fn given(&self) -> Result<Given, MlError> {
        self.json()
    }

    fn json<T: DeserializeOwned>(&self) -> Result<T, MlError> {
        self.call.json()
    }

    fn asked(&self, name: &str) -> Result<&str, MlError> {
        let value = self.call.query(name);
        value.ok_or_else(|| MlError::bad_request(format!("The parameter '{name}' is missing.")))
    }

    fn find(&self, name: &str) -> Result<Job, MlError> {
        history::find(self.world, self.workspace, name)
    }

    fn experiment(&self, wanted: &str) -> Result<Value, MlError> {
        let found = experiments::find(self.world, self.workspace, wanted)?;
        Ok(json!({"experiment": self.view_of(&found)}))
    }

    fn view_of(&self, experiment: &Experiment) -> Value {
        let created = millis(experiment.created);
        json!({
            "experiment_id": experiments::id(self.workspace, &experiment.name),
            "name": experiment.name,
            "artifact_location": "",
            "lifecycle_stage": "active",
            "creation_time": created,
            "last_update_time": created,
            "tags": [],
        })
    }

    fn create(&self) -> Result<Value, MlError> {
        let given = self.given()?;
        let experiment = given.experiment_id.as_deref().unwrap_or("Default");
        let name = match experiments::find(self.world, self.workspace, experiment) {
            Ok(found) => found.name,
            Err(_) if experiment == "Default" || experiment == "0" => "Default".to_owned(),
            Err(error) => return Err(error),
        };
        let id = Uuid::new_v4().to_string();
        history::begin(self.world, self.caller, self.workspace, &id, &name)?;
        let changed = self.world.jobs().update(self.workspace, &id, |job| {
            if let Some(name) = given.run_name {
                job.display_name = name;
            }
            let tags = given.tags.into_iter();
            job.tags.extend(tags.map(|tag| (tag.key, tag.value)));
        });
        let job = changed.ok_or_else(|| MlError::internal("The run is gone."))?;
        Ok(json!({"run": self.run(&job)}))
    }

    fn update(&self) -> Result<Value, MlError> {
        let given = self.given()?;
        let name = run_of(&given)?;
        self.find(&name)?;
        if let Some(shown) = &given.run_name {
            self.world.jobs().update(self.workspace, &name, |job| {
                job.display_name.clone_from(shown);
            });
        }
        let outcome = match given.status.as_deref() {
            Some("FINISHED") => Some(Outcome::Complete),
            Some("FAILED") => Some(Outcome::Fail),
            Some("KILLED") => Some(Outcome::Cancel),
            _ => None,
        };
        if let Some(outcome) = outcome {
            let now = self.world.clock.now();
            self.world
                .jobs()
                .end_as(self.workspace, &name, outcome, now);
        }
        let run = self.run(&self.find(&name)?);
        Ok(json!({"run_info": run["info"]}))
    }

    /// Stores a metric, a parameter or a tag, or several of each.
    fn log(&self, wish: Wish) -> Result<Value, MlError> {
        let mut given = self.given()?;
        if wish != Wish::LogBatch {
            let key = required(given.key.clone(), "key")?;
            let value = given.value.take().unwrap_or_default();
            match wish {
                Wish::LogMetric => given.metrics.push(Metric {
                    key,
                    value: value.as_f64().ok_or_else(|| {
                        MlError::bad_request("The value of a metric must be a finite number.")
                    })?,
                    timestamp: given.timestamp.unwrap_or_default(),
                    step: given.step.unwrap_or_default(),
                }),
                Wish::LogParameter => given.params.push(Pair {
                    key,
                    value: text(value),
                }),
                _ => given.tags.push(Pair {
                    key,
                    value: text(value),
                }),
            }
        }
        let known = self.find(&run_of(&given)?)?;
        if known.metrics.len() + given.metrics.len() > MOST_METRICS {
            return Err(MlError::bad_request(format!(
                "A run can't have more than {MOST_METRICS} metrics."
            )));
        }
        // 'Log parameter': a parameter can be logged once.
        let other = given.params.iter().find(|pair| {
            let old = known.parameters.get(&pair.key);
            old.is_some_and(|old| *old != pair.value)
        });
        if let Some(pair) = other {
            return Err(MlError::bad_request(format!(
                "The parameter '{}' of the run is logged already, with another value.",
                pair.key
            )));
        }
        let (tags, params) = (
            std::mem::take(&mut given.tags),
            std::mem::take(&mut given.params),
        );
        let metrics = std::mem::take(&mut given.metrics);
        self.change(&given, |job| {
            job.tags
                .extend(tags.into_iter().map(|tag| (tag.key, tag.value)));
            let params = params.into_iter();
            job.parameters
                .extend(params.map(|one| (one.key, one.value)));
            job.metrics.extend(metrics);
        })
    }

    fn change(&self, given: &Given, change: impl FnOnce(&mut Job)) -> Result<Value, MlError> {
        let name = run_of(given)?;
        let changed = self.world.jobs().update(self.workspace, &name, change);
        changed.ok_or_else(|| history::not_found(&name))?;
        Ok(json!({}))
    }

    fn search(&self) -> Result<Value, MlError> {
        let given = self.given()?;
        if let Some(filter) = given.filter.filter(|filter| !filter.is_empty()) {
            let what = format!("{} with the filter '{filter}'", self.call.path);
            return Err(MlError::not_served(&self.call.method, &what));
        }
        let jobs = self.world.jobs().list(self.workspace);
        let own = jobs.iter().filter(|job| {
            let id = experiments::id(self.workspace, &job.experiment);
            given.experiment_ids.contains(&id)
        });
        Ok(json!({"runs": own.map(|job| self.run(job)).collect::<Vec<_>>()}))
    }

    /// A run as MLflow has it.
    fn run(&self, job: &Job) -> Value {
        let now = self.world.clock.now();
        let pair = |(key, value): (&String, &String)| json!({"key": key, "value": value});
        let experiment = experiments::id(self.workspace, &job.experiment);
        let host = self
            .call
            .entrance
            .real_name
            .as_deref()
            .unwrap_or("localhost");
        let mut latest: Vec<&Metric> = Vec::new();
        for metric in &job.metrics {
            latest.retain(|known| known.key != metric.key);
            latest.push(metric);
        }
        let mut tags: Vec<Value> = job.tags.iter().map(pair).collect();
        tags.push(json!({"key": "mlflow.user", "value": job.sender.name}));
        json!({
            "info": {
                "run_id": job.name,
                "run_uuid": job.name,
                "run_name": job.display_name,
                "experiment_id": experiment,
                "user_id": job.sender.name,
                "status": status(job, now),
                "start_time": millis(job.started(now).unwrap_or(job.submitted)),
                "end_time": job.ended(now).map(millis),
                "artifact_uri": format!(
                    "azureml://{host}/mlflow/v2.0{}/experiments/{}/runs/{}/artifacts",
                    self.workspace, job.experiment, job.name
                ),
                "lifecycle_stage": if job.archived { "deleted" } else { "active" },
            },
            "data": {
                "metrics": latest,
                "params": job.parameters.iter().map(pair).collect::<Vec<_>>(),
                "tags": tags,
            },
            "inputs": {},
        })
    }
}

fn status(job: &Job, now: OffsetDateTime) -> &'static str {
    match job.state(now) {
        JobState::Completed => "FINISHED",
        JobState::Failed => "FAILED",
        JobState::Canceled => "KILLED",
        JobState::Running | JobState::Finalizing | JobState::CancelRequested => "RUNNING",
        _ => "SCHEDULED",
    }
}

fn run_of(given: &Given) -> Result<String, MlError> {
    required(
        given.run_id.clone().or_else(|| given.run_uuid.clone()),
        "run_id",
    )
}

fn required(value: Option<String>, name: &str) -> Result<String, MlError> {
    value.ok_or_else(|| MlError::bad_request(format!("The parameter '{name}' is missing.")))
}

fn text(value: Value) -> String {
    match value {
        Value::String(text) => text,
        other => other.to_string(),
    }
}
