//! What a request wants, and the right that it needs.
//!
//! The names of the rights are those of 'Manage access to Azure Machine Learning workspaces'
//! (Microsoft Learn), in the table of what submitting a run needs.

use super::call::Call;

/// What a request wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operation<'a> {
    /// The addresses of the region's services.
    Discovery,
    /// A run.
    Run(&'a str),
    /// Changes what people can change of a run.
    ChangeRun(&'a str),
    /// A run with its log files.
    Details(&'a str),
    /// The steps of a pipeline.
    Children(&'a str),
    /// A run, named in the body.
    RunData,
    /// The interactive services of one node of a run.
    ServiceInstances(&'a str),
}

impl<'a> Operation<'a> {
    /// What this request wants. `None`: the emulator does not serve it.
    pub(super) fn of(call: &'a Call) -> Option<Self> {
        let area: Vec<&str> = call.area.iter().map(String::as_str).collect();
        let rest: Vec<&str> = call.rest.iter().map(String::as_str).collect();
        match (call.method.as_str(), area.as_slice()) {
            ("GET", ["discovery"]) => Some(Self::Discovery),
            (method, ["history", "v1.0"]) => history(method, &rest),
            _ => None,
        }
    }

    /// The right that it needs in the workspace. `None`: not even a token.
    pub(super) fn action(self) -> Option<&'static str> {
        Some(match self {
            Self::Discovery => return None,
            Self::Run(_)
            | Self::Details(_)
            | Self::Children(_)
            | Self::RunData
            | Self::ServiceInstances(_) => {
                "Microsoft.MachineLearningServices/workspaces/experiments/runs/read"
            }
            Self::ChangeRun(_) => {
                "Microsoft.MachineLearningServices/workspaces/experiments/runs/write"
            }
        })
    }
}

/// Whether this is the word, in any case.
fn is(segment: &str, word: &str) -> bool {
    segment.eq_ignore_ascii_case(word)
}

/// The run history. A run's experiment may be in the path, by its name or its id; a run's name is
/// unique without it.
fn history<'a>(method: &str, rest: &[&'a str]) -> Option<Operation<'a>> {
    let rest = match rest {
        [word, _, rest @ ..] if is(word, "experiments") || is(word, "experimentids") => rest,
        rest => rest,
    };
    match (method, rest) {
        ("GET", [runs, run]) if is(runs, "runs") => Some(Operation::Run(run)),
        ("PATCH", [runs, run]) if is(runs, "runs") => Some(Operation::ChangeRun(run)),
        ("GET", [runs, run, part]) if is(runs, "runs") && is(part, "details") => {
            Some(Operation::Details(run))
        }
        ("GET", [runs, run, part]) if is(runs, "runs") && is(part, "children") => {
            Some(Operation::Children(run))
        }
        ("GET", [runs, run, part, _]) if is(runs, "runs") && is(part, "serviceinstances") => {
            Some(Operation::ServiceInstances(run))
        }
        ("POST", [part]) if is(part, "rundata") => Some(Operation::RunData),
        _ => None,
    }
}
