//! What a pipeline of Azure Pipelines says of its tasks: with which service connection they sign
//! in, and whether their scripts get the job's token.
//!
//! Source: Microsoft's pages 'AzureCLI@2' and 'Use predefined variables' (`System.AccessToken`).

use serde_json::Value;

/// A task that signs in with a service connection.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Task {
    /// Its display name, or else the task's.
    pub(super) name: String,
    /// The service connection's name, or an expression.
    pub(super) connection: String,
    /// Whether its script gets the job's token.
    pub(super) has_token: bool,
}

/// The tasks of a pipeline that sign in with a service connection.
///
/// # Errors
/// A sentence that says why the text is not a pipeline.
pub(super) fn tasks(text: &str) -> Result<Vec<Task>, String> {
    let file: Value = serde_saphyr::from_str(text).map_err(|error| {
        let error = error.to_string();
        error.lines().next().unwrap_or_default().to_owned()
    })?;
    if !file.is_object() {
        return Err("it is not a pipeline".to_owned());
    }
    let mut found = Vec::new();
    below(&file, &mut found);
    Ok(found)
}

/// Steps are in jobs, stages, strategies of deployments and templates' parameters.
fn below(value: &Value, found: &mut Vec<Task>) {
    match value {
        Value::Object(map) => {
            found.extend(task(value));
            map.values().for_each(|value| below(value, found));
        }
        Value::Array(all) => all.iter().for_each(|value| below(value, found)),
        _ => {}
    }
}

fn task(step: &Value) -> Option<Task> {
    let task = step.get("task")?.as_str()?;
    let inputs = step.get("inputs")?.as_object()?;
    // 'azureSubscription' has an alias.
    let connection = inputs.iter().find_map(|(name, value)| {
        let is_connection = ["azureSubscription", "connectedServiceNameARM"]
            .iter()
            .any(|known| name.eq_ignore_ascii_case(known));
        value.as_str().filter(|_| is_connection)
    })?;
    let token = step
        .get("env")
        .and_then(|env| env.get("SYSTEM_ACCESSTOKEN")?.as_str());
    let name = step.get("displayName").and_then(Value::as_str);
    Some(Task {
        name: name.unwrap_or(task).to_owned(),
        connection: connection.to_owned(),
        has_token: token.is_some_and(|token| token.eq_ignore_ascii_case("$(System.AccessToken)")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tasks_are_found_wherever_steps_are() {
        let step = "- task: AzureCLI@2\n  displayName: Train\n  inputs: { azureSubscription: azure-ml }\n  env: { SYSTEM_ACCESSTOKEN: $(System.AccessToken) }\n- script: make\n- task: AzurePowerShell@5\n  inputs: { ConnectedServiceNameARM: other }\n";
        let expected = [
            Task {
                name: "Train".to_owned(),
                connection: "azure-ml".to_owned(),
                has_token: true,
            },
            Task {
                name: "AzurePowerShell@5".to_owned(),
                connection: "other".to_owned(),
                has_token: false,
            },
        ];
        let indented = |by: &str| step.replace('\n', &format!("\n{by}"));
        for text in [
            format!("steps:\n{step}"),
            format!("jobs:\n- job: a\n  steps:\n  {}", indented("  ")),
            format!(
                "stages:\n- stage: a\n  jobs:\n  - deployment: b\n    strategy:\n      runOnce:\n        deploy:\n          steps:\n          {}",
                indented("          ")
            ),
        ] {
            assert_eq!(tasks(&text).expect(&text), expected, "{text}");
        }
        assert_eq!(tasks("steps:\n- script: make\n").unwrap(), []);
        assert!(tasks("- a").is_err() && tasks("a: [").is_err());
    }
}
