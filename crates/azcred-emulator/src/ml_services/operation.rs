//! What a request wants, and the right that it needs.
//!
//! The names of the rights are those of 'Manage access to Azure Machine Learning workspaces'
//! (Microsoft Learn), in the table of what submitting a run needs.

use super::{call::Call, mlflow::Wish};

/// What a request wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operation<'a> {
    /// The addresses of the region's services.
    Discovery,
    /// Where a registry is.
    Registry(&'a str),
    /// A run.
    Run(&'a str),
    /// Changes what people can change of a run. In a named experiment it is created if it does not
    /// exist.
    ChangeRun {
        run: &'a str,
        experiment: Option<&'a str>,
    },
    /// A run with its log files.
    Details(&'a str),
    /// The steps of a pipeline.
    Children(&'a str),
    /// A run, named in the body.
    RunData,
    /// The interactive services of one node of a run.
    ServiceInstances(&'a str),
    /// A run has begun, or has ended.
    Event(&'a str),
    /// Whether all metrics of a run are stored.
    MetricsStored(&'a str),
    /// The runs of an experiment.
    Runs(&'a str),
    /// An experiment, by its name.
    Experiment(&'a str),
    /// An experiment, by its id.
    ExperimentById(&'a str),
    /// Creates an experiment.
    CreateExperiment(&'a str),
    /// All experiments.
    Experiments,
    /// Submits a run of an experiment.
    Submit(&'a str),
    /// The tree of files of the newest snapshot.
    LatestSnapshot,
    /// Where a client uploads the files of a snapshot.
    UploadFiles,
    /// Stores a snapshot.
    CreateSnapshot(&'a str),
    /// A version of an environment, or the newest one.
    Environment(&'a str, Option<&'a str>),
    /// Registers an environment.
    RegisterEnvironment(&'a str, Option<&'a str>),
    /// The files in the folder of a run, with a URL for each.
    Artifacts { origin: &'a str, container: &'a str },
    /// One file of a run, with a URL.
    Artifact { origin: &'a str, container: &'a str },
    /// Where a client uploads files of a run.
    CreateArtifacts { origin: &'a str, container: &'a str },
    /// The files of a run, with a URL for each.
    RunFiles(&'a str),
    /// One file of a run, with a URL.
    RunFile(&'a str),
    /// Where a client uploads files of a run.
    CreateRunFiles(&'a str),
    /// Metrics that a program measured.
    LogMetrics(&'a str),
    /// The names of a run's metrics.
    MetricNames(&'a str),
    /// All values of one of a run's metrics.
    MetricValues(&'a str),
    /// What MLflow's tracking server does.
    Track(Wish),
    /// A datastore, or the default one.
    Datastore(Option<&'a str>),
    /// All datastores.
    Datastores,
}

impl<'a> Operation<'a> {
    /// What this request wants. `None`: the emulator does not serve it.
    pub(super) fn of(call: &'a Call) -> Option<Self> {
        let area: Vec<&str> = call.area.iter().map(String::as_str).collect();
        let rest: Vec<&str> = call.rest.iter().map(String::as_str).collect();
        let words: Vec<String> = rest.iter().map(|word| word.to_ascii_lowercase()).collect();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let method = call.method.as_str();
        match area.as_slice() {
            ["discovery"] => (method == "GET").then_some(Self::Discovery),
            [
                "registrymanagement",
                "v1.0",
                "registries",
                name,
                "discovery",
            ] => (method == "GET").then_some(Self::Registry(name)),
            ["history", "v1.0"] => history(method, &rest, &words),
            ["execution", "v1.0"] => match (method, words.as_slice()) {
                ("POST", ["experiments", _, "snapshotrun"]) => Some(Self::Submit(rest[1])),
                _ => None,
            },
            ["content", "v1.0" | "v2.0"] => match (method, words.as_slice()) {
                ("GET", ["snapshots", "latest", "metadata"]) => Some(Self::LatestSnapshot),
                ("POST", ["snapshots", "getblob"]) => Some(Self::UploadFiles),
                ("POST", ["snapshots", _]) => Some(Self::CreateSnapshot(rest[1])),
                _ => None,
            },
            ["environment", "v1.0"] => match (method, words.as_slice()) {
                ("GET", ["environments", _]) => Some(Self::Environment(rest[1], None)),
                ("GET", ["environments", _, "versions", _]) => {
                    Some(Self::Environment(rest[1], Some(rest[3])))
                }
                ("PUT", ["environments", _]) => Some(Self::RegisterEnvironment(rest[1], None)),
                ("PUT", ["environments", _, "versions", _]) => {
                    Some(Self::RegisterEnvironment(rest[1], Some(rest[3])))
                }
                _ => None,
            },
            ["metric", "v2.0"] => match (method, words.as_slice()) {
                ("POST", ["runs", _, "batch"]) => Some(Self::LogMetrics(rest[1])),
                ("POST", ["runs", _, "list"]) => Some(Self::MetricNames(rest[1])),
                ("POST", ["runs", _, "full"]) => Some(Self::MetricValues(rest[1])),
                _ => None,
            },
            ["mlflow", "v1.0" | "v2.0"] => match words.as_slice() {
                ["api", "2.0", "mlflow", rest @ ..]
                | ["api", "2.0", "preview", "mlflow", rest @ ..] => {
                    Wish::of(method, rest).map(Self::Track)
                }
                _ => None,
            },
            ["artifact", "v2.0"] => artifacts(method, &rest, &words),
            ["datastore", "v1.0"] => match (method, words.as_slice()) {
                ("GET", ["default"]) => Some(Self::Datastore(None)),
                ("GET", ["datastores"]) => Some(Self::Datastores),
                ("GET", ["datastores", _]) => Some(Self::Datastore(Some(rest[1]))),
                _ => None,
            },
            _ => None,
        }
    }

    /// The right that it needs in the workspace. `None`: it is of no workspace.
    pub(super) fn action(self) -> Option<&'static str> {
        Some(match self {
            Self::Discovery | Self::Registry(_) => return None,
            Self::Run(_)
            | Self::Runs(_)
            | Self::Details(_)
            | Self::Children(_)
            | Self::RunData
            | Self::MetricsStored(_)
            | Self::MetricNames(_)
            | Self::MetricValues(_)
            | Self::ServiceInstances(_) => {
                "Microsoft.MachineLearningServices/workspaces/experiments/runs/read"
            }
            Self::ChangeRun { .. } | Self::Event(_) | Self::LogMetrics(_) => {
                "Microsoft.MachineLearningServices/workspaces/experiments/runs/write"
            }
            Self::Experiment(_) | Self::ExperimentById(_) | Self::Experiments => {
                "Microsoft.MachineLearningServices/workspaces/experiments/read"
            }
            Self::CreateExperiment(_) => {
                "Microsoft.MachineLearningServices/workspaces/experiments/write"
            }
            Self::Submit(_) => {
                "Microsoft.MachineLearningServices/workspaces/experiments/runs/submit/action"
            }
            Self::LatestSnapshot => {
                "Microsoft.MachineLearningServices/workspaces/metadata/snapshots/read"
            }
            Self::UploadFiles | Self::CreateSnapshot(_) => {
                "Microsoft.MachineLearningServices/workspaces/metadata/snapshots/write"
            }
            Self::Environment(..) => {
                "Microsoft.MachineLearningServices/workspaces/environments/read"
            }
            Self::RegisterEnvironment(..) => {
                "Microsoft.MachineLearningServices/workspaces/environments/write"
            }
            Self::Track(wish) => wish.action(),
            Self::RunFiles(_)
            | Self::RunFile(_)
            | Self::Artifacts { .. }
            | Self::Artifact { .. } => {
                "Microsoft.MachineLearningServices/workspaces/metadata/artifacts/read"
            }
            Self::CreateRunFiles(_) | Self::CreateArtifacts { .. } => {
                "Microsoft.MachineLearningServices/workspaces/metadata/artifacts/write"
            }
            Self::Datastore(_) | Self::Datastores => {
                "Microsoft.MachineLearningServices/workspaces/datastores/read"
            }
        })
    }
}

/// The run history. A run's experiment may be in the path, by its name or its id; a run's name is
/// unique without it.
fn history<'a>(method: &str, rest: &[&'a str], words: &[&str]) -> Option<Operation<'a>> {
    match (method, words) {
        ("GET", ["experiments", _]) => return Some(Operation::Experiment(rest[1])),
        ("POST", ["experiments", _]) => return Some(Operation::CreateExperiment(rest[1])),
        ("GET", ["experimentids", _]) => return Some(Operation::ExperimentById(rest[1])),
        ("POST", ["experiments:query"]) => return Some(Operation::Experiments),
        ("POST", ["experiments", _, "runs:query"]) => return Some(Operation::Runs(rest[1])),
        ("POST", ["rundata"]) => return Some(Operation::RunData),
        _ => {}
    }
    let (experiment, rest, words) = match words {
        ["experiments", _, ..] => (Some(rest[1]), &rest[2..], &words[2..]),
        ["experimentids", _, ..] => (None, &rest[2..], &words[2..]),
        _ => (None, rest, words),
    };
    let run = *rest.get(1)?;
    match (method, words) {
        ("GET", ["runs", _]) => Some(Operation::Run(run)),
        ("PATCH", ["runs", _]) => Some(Operation::ChangeRun { run, experiment }),
        ("GET", ["runs", _, "details"]) => Some(Operation::Details(run)),
        ("GET", ["runs", _, "children"]) => Some(Operation::Children(run)),
        ("GET", ["runs", _, "serviceinstances", _]) => Some(Operation::ServiceInstances(run)),
        ("POST", ["runs", _, "events"]) => Some(Operation::Event(run)),
        ("GET", ["runs", _, "metricsingest", "wait"]) => Some(Operation::MetricsStored(run)),
        ("GET", ["runs", _, "artifacts"] | ["runs", _, "artifacts", "path" | "prefix", ..]) => {
            Some(Operation::RunFiles(run))
        }
        ("GET", ["runs", _, "artifacts", "contentinfo", ..]) => Some(Operation::RunFile(run)),
        ("POST", ["runs", _, "artifacts", "batch", "metadata"]) => {
            Some(Operation::CreateRunFiles(run))
        }
        _ => None,
    }
}

/// The files of runs. The path of a file follows.
fn artifacts<'a>(method: &str, rest: &[&'a str], words: &[&str]) -> Option<Operation<'a>> {
    let own = |at: usize| Some((*rest.get(at)?, *rest.get(at + 1)?));
    match (method, words) {
        ("GET", ["artifacts", "prefix", "contentinfo", _, _, ..]) => {
            let (origin, container) = own(3)?;
            Some(Operation::Artifacts { origin, container })
        }
        ("GET", ["artifacts", "contentinfo", _, _, _, ..]) => {
            let (origin, container) = own(2)?;
            Some(Operation::Artifact { origin, container })
        }
        ("POST", ["artifacts", "batch", "metadata", _, _]) => {
            let (origin, container) = own(3)?;
            Some(Operation::CreateArtifacts { origin, container })
        }
        ("GET", ["artifacts", _, _]) => {
            let (origin, container) = own(1)?;
            Some(Operation::Artifacts { origin, container })
        }
        _ => None,
    }
}
