//! What a workflow of GitHub Actions says of its jobs: what starts them, and how they sign in.
//!
//! Sources: GitHub's pages 'Workflow syntax for GitHub Actions' and 'OpenID Connect reference', and
//! the inputs of `azure/login`.

use azcred_azure::GitHubRun;
use serde_json::{Map, Value};

/// A job that signs in to Azure.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Job {
    pub(super) name: String,
    pub(super) sign_in: SignIn,
    /// Whether the job may request an identity token.
    pub(super) may_request: bool,
    /// What it runs for, each once.
    pub(super) runs: Vec<Runs>,
}

/// How a job signs in.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum SignIn {
    /// With its identity token, as the application with this client id, for this audience.
    Token {
        client_id: Setting,
        audience: Option<String>,
    },
    /// With a secret.
    Secret,
}

/// A value in a workflow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Setting {
    /// The value itself.
    Literal(String),
    /// An expression, whose value only GitHub knows.
    Expression(String),
}

/// For which subjects a job runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Runs {
    /// For exactly this one.
    For(GitHubRun),
    /// For every branch, or those that the text says.
    Branches(String),
    /// For every tag, or those that the text says.
    Tags(String),
    /// It can't be told from the file.
    Unknown(String),
}

/// The jobs of a workflow that sign in to Azure.
///
/// # Errors
/// A sentence that says why the text is not a workflow.
pub(super) fn jobs(text: &str) -> Result<Vec<Job>, String> {
    let file: Value = serde_saphyr::from_str(text).map_err(|error| {
        error
            .to_string()
            .lines()
            .next()
            .unwrap_or_default()
            .to_owned()
    })?;
    let Some(jobs) = file.get("jobs").and_then(Value::as_object) else {
        return Err("it has no `jobs`".to_owned());
    };
    let starts = starts(file.get("on").unwrap_or(&Value::Null));
    if starts.is_empty() {
        return Err("it has no `on`, so nothing starts it".to_owned());
    }
    let found = jobs.iter().filter_map(|(name, job)| {
        let sign_in = sign_in(&file, job)?;
        let permissions = job.get("permissions").or_else(|| file.get("permissions"));
        Some(Job {
            name: name.clone(),
            sign_in,
            may_request: permissions.is_some_and(may_request),
            runs: environment(job).unwrap_or_else(|| starts.clone()),
        })
    });
    Ok(found.collect())
}

/// Whether permissions include identity tokens.
fn may_request(permissions: &Value) -> bool {
    permissions == "write-all"
        || permissions
            .get("id-token")
            .is_some_and(|value| value == "write")
}

/// What a job with an environment runs for: its subject has only that.
fn environment(job: &Value) -> Option<Vec<Runs>> {
    let given = job.get("environment")?;
    let name = given.as_str().or_else(|| given.get("name")?.as_str())?;
    Some(vec![match setting(name) {
        Setting::Literal(name) => Runs::For(GitHubRun::Environment(name)),
        Setting::Expression(text) => Runs::Unknown(format!("the environment is {text}")),
    }])
}

/// What starts the workflow, as subjects.
fn starts(on: &Value) -> Vec<Runs> {
    let events: Vec<(&str, Option<&Value>)> = match on {
        Value::String(event) => vec![(event.as_str(), None)],
        Value::Array(events) => events
            .iter()
            .filter_map(Value::as_str)
            .map(|event| (event, None))
            .collect(),
        Value::Object(events) => events
            .iter()
            .map(|(event, filter)| (event.as_str(), Some(filter)))
            .collect(),
        _ => Vec::new(),
    };
    let mut runs = Vec::new();
    for (event, filter) in events {
        for one in runs_of(event, filter) {
            if !runs.contains(&one) {
                runs.push(one);
            }
        }
    }
    runs
}

fn runs_of(event: &str, filter: Option<&Value>) -> Vec<Runs> {
    match event {
        "push" => pushed(filter),
        "pull_request" => vec![Runs::For(GitHubRun::PullRequest)],
        "workflow_dispatch" => vec![Runs::Branches(
            "the branch that a person chooses".to_owned(),
        )],
        "schedule" | "workflow_run" | "repository_dispatch" => {
            vec![Runs::Branches("the default branch".to_owned())]
        }
        "release" => vec![Runs::Tags("the release's tag".to_owned())],
        other => vec![Runs::Unknown(format!("it runs for {other}"))],
    }
}

/// The branches and tags whose pushes start a workflow. With a filter for one of the two alone, the
/// other does not start it.
fn pushed(filter: Option<&Value>) -> Vec<Runs> {
    let list = |name: &str| -> Option<Vec<&str>> {
        let given = filter?.get(name)?;
        match given {
            Value::Array(all) => Some(all.iter().filter_map(Value::as_str).collect()),
            one => Some(one.as_str().into_iter().collect()),
        }
    };
    let is_pattern = |text: &str| text.contains(['*', '?', '[', ']', '!', '+']);
    let (branches, tags) = (list("branches"), list("tags"));
    let ignored = list("branches-ignore").is_some();
    let mut runs = Vec::new();
    for (names, run, pattern) in [
        (
            &branches,
            GitHubRun::Branch as fn(String) -> _,
            Runs::Branches as fn(String) -> _,
        ),
        (
            &tags,
            GitHubRun::Tag as fn(String) -> _,
            Runs::Tags as fn(String) -> _,
        ),
    ] {
        for &name in names.iter().flatten() {
            runs.push(match is_pattern(name) {
                true => pattern(format!("those like {name}")),
                false => Runs::For(run(name.to_owned())),
            });
        }
    }
    if branches.is_none() && (tags.is_none() || ignored) {
        runs.push(Runs::Branches("every branch that is pushed".to_owned()));
    }
    runs
}

/// How a job signs in; `None` if it does not.
fn sign_in(file: &Value, job: &Value) -> Option<SignIn> {
    let steps = job.get("steps").and_then(Value::as_array);
    let steps: Vec<&Value> = steps.into_iter().flatten().collect();
    let by_action = steps.iter().find_map(|step| {
        let action = step.get("uses")?.as_str()?.split('@').next()?;
        let is_login = ["azure/login", "azcred/azcred"]
            .iter()
            .any(|known| action.eq_ignore_ascii_case(known));
        is_login.then(|| of_action(step.get("with")))
    });
    let scopes = [file, job]
        .into_iter()
        .chain(steps.iter().copied())
        .filter_map(|scope| scope.get("env")?.as_object());
    let mut variables = Map::new();
    for scope in scopes {
        variables.extend(scope.clone());
    }
    let text = |name: &str| variables.get(name).and_then(Value::as_str);
    by_action.flatten().or_else(|| {
        let client_id = text("AZURE_CLIENT_ID")?;
        Some(match text("AZURE_CLIENT_SECRET") {
            Some(_) => SignIn::Secret,
            None => SignIn::Token {
                client_id: setting(client_id),
                audience: text("AZCRED_FEDERATED_AUDIENCE").map(str::to_owned),
            },
        })
    })
}

/// How an action with these inputs signs in; `None` without an application.
fn of_action(inputs: Option<&Value>) -> Option<SignIn> {
    let input = |name: &str| inputs?.get(name)?.as_str();
    if input("creds").or_else(|| input("client-secret")).is_some() {
        return Some(SignIn::Secret);
    }
    Some(SignIn::Token {
        client_id: setting(input("client-id")?),
        audience: input("audience").map(str::to_owned),
    })
}

fn setting(text: &str) -> Setting {
    let text = text.trim();
    match text.contains("${{") {
        true => Setting::Expression(text.to_owned()),
        false => Setting::Literal(text.to_owned()),
    }
}

#[cfg(test)]
#[path = "workflow_tests.rs"]
mod tests;
