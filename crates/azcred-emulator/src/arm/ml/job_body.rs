//! The members that the body of a job may have: Azure refuses others.
//!
//! The names are those of the models in azure-ai-ml 1.12 to 1.35.

use super::{Ml, error::MlError};
use serde_json::{Map, Value};

/// The kind of a job that is served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum JobType {
    Command,
    Pipeline,
}

const EVERY_JOB: &[&str] = &[
    "componentId",
    "computeId",
    "description",
    "displayName",
    "experimentName",
    "identity",
    "isArchived",
    "jobType",
    "notificationSetting",
    "parentJobName",
    "properties",
    "secretsConfiguration",
    "services",
    "status",
    "tags",
];
const COMMAND: &[&str] = &[
    "codeId",
    "command",
    "distribution",
    "environmentId",
    "environmentVariables",
    "inputs",
    "limits",
    "outputs",
    "parameters",
    "queueSettings",
    "resources",
];
const PIPELINE: &[&str] = &["inputs", "jobs", "outputs", "settings", "sourceJobId"];
const RESOURCES: &[&str] = &[
    "dockerArgs",
    "dockerArgsList",
    "instanceCount",
    "instanceType",
    "locations",
    "maxInstanceCount",
    "properties",
    "shmSize",
];
const LIMITS: &[&str] = &["jobLimitsType", "timeout"];
const QUEUE: &[&str] = &["jobTier", "priority"];
const IDENTITY: &[&str] = &["clientId", "identityType", "objectId", "resourceId"];
const INPUT: &[&str] = &[
    "description",
    "jobInputType",
    "mode",
    "pathOnCompute",
    "uri",
];
const LITERAL: &[&str] = &["description", "jobInputType", "value"];
const OUTPUT: &[&str] = &["assetName", "description", "jobOutputType", "mode", "uri"];
/// Members of an output in the api-versions of 2024 and earlier.
const OUTPUT_2024: &[&str] = &["assetVersion", "autoDeleteSetting", "pathOnCompute"];
/// The first api-version without them.
const NEWER: &str = "2025";

/// Checks the body of a job.
///
/// # Errors
/// 400 with one message for each member that Azure does not know, or that is missing. 501 for a
/// kind of job that is not served.
pub(super) fn check(ml: &Ml<'_>, given: &Map<String, Value>) -> Result<JobType, MlError> {
    let (kind, name, own) = match given.get("jobType").and_then(Value::as_str) {
        Some("Command") => (JobType::Command, "CommandJob", COMMAND),
        Some("Pipeline") => (JobType::Pipeline, "PipelineJob", PIPELINE),
        Some("AutoML" | "FineTuning" | "Labeling" | "Spark" | "Sweep") => {
            return Err(ml.not_served());
        }
        other => {
            let message = format!(
                "Could not create an instance of type 'JobBase'. The jobType '{}' is not known.",
                other.unwrap_or_default()
            );
            return Err(MlError::invalid(&[message]));
        }
    };
    let mut check = Check {
        text: ml.call.text(),
        problems: Vec::new(),
    };
    check.members(given, name, &[EVERY_JOB, own]);
    if kind == JobType::Command {
        check.object(given, "resources", "JobResourceConfiguration", RESOURCES);
        check.object(given, "limits", "CommandJobLimits", LIMITS);
        check.object(given, "queueSettings", "QueueSettings", QUEUE);
        for required in ["command", "environmentId"] {
            if given.get(required).and_then(Value::as_str).is_none() {
                check.problems.push(format!(
                    "Required property '{required}' not found in JSON. Path 'properties'."
                ));
            }
        }
    }
    check.object(given, "identity", "IdentityConfiguration", IDENTITY);
    check.inputs(given);
    check.outputs(given, ml.version);
    if check.problems.is_empty() {
        Ok(kind)
    } else {
        Err(MlError::invalid(&check.problems))
    }
}

struct Check<'a> {
    /// The body as it was sent.
    text: &'a str,
    problems: Vec<String>,
}

impl Check<'_> {
    fn members(&mut self, given: &Map<String, Value>, kind: &str, known: &[&[&str]]) {
        let is_known = |name: &str| {
            let mut names = known.iter().copied().flatten();
            names.any(|known| known.eq_ignore_ascii_case(name))
        };
        for name in given.keys().filter(|name| !is_known(name)) {
            let (line, position) = place(self.text, name);
            self.problems.push(format!(
                "Could not find member '{name}' on object of type '{kind}'. Path '{name}', line {line}, position \
                 {position}."
            ));
        }
    }

    fn object(&mut self, given: &Map<String, Value>, member: &str, kind: &str, known: &[&str]) {
        if let Some(Value::Object(value)) = given.get(member) {
            self.members(value, kind, &[known]);
        }
    }

    fn inputs(&mut self, given: &Map<String, Value>) {
        for input in objects(given, "inputs") {
            let kind = input.get("jobInputType").and_then(Value::as_str);
            match kind {
                Some("literal") => self.members(input, "LiteralJobInput", &[LITERAL]),
                other => self.members(input, &class(other, "JobInput"), &[INPUT]),
            }
        }
    }

    fn outputs(&mut self, given: &Map<String, Value>, version: &str) {
        let older = if version < NEWER { OUTPUT_2024 } else { &[] };
        for output in objects(given, "outputs") {
            let kind = output.get("jobOutputType").and_then(Value::as_str);
            self.members(output, &class(kind, "JobOutput"), &[OUTPUT, older]);
        }
    }
}

/// The objects in an object.
fn objects<'a>(
    given: &'a Map<String, Value>,
    member: &str,
) -> impl Iterator<Item = &'a Map<String, Value>> {
    let all = given.get(member).and_then(Value::as_object);
    all.into_iter()
        .flat_map(Map::values)
        .filter_map(Value::as_object)
}

/// The service's name of a type: `uri_folder` is `UriFolderJobOutput`.
fn class(kind: Option<&str>, end: &str) -> String {
    let start = match kind {
        Some("uri_file") => "UriFile",
        Some("uri_folder") => "UriFolder",
        Some("mltable") => "MLTable",
        Some("custom_model") => "CustomModel",
        Some("mlflow_model") => "MLFlowModel",
        Some("triton_model") => "TritonModel",
        _ => "",
    };
    format!("{start}{end}")
}

/// The line and the position of a member in a text: where its name and the colon end.
fn place(text: &str, name: &str) -> (usize, usize) {
    let quoted = Value::from(name).to_string();
    let mut from = 0;
    while let Some(at) = text[from..].find(&quoted) {
        let after = from + at + quoted.len();
        let rest = text[after..].trim_start();
        if rest.starts_with(':') {
            let end = text.len() - rest.len() + 1;
            let before = &text[..end];
            let line_start = before.rfind('\n').map_or(0, |at| at + 1);
            let line = before.matches('\n').count() + 1;
            return (line, before[line_start..].chars().count());
        }
        from = after;
    }
    (1, 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_place_of_a_member_is_after_its_colon() {
        assert_eq!(place(r#"{"a":"b","b":1}"#, "b"), (1, 13));
        assert_eq!(place("{\n \"b\" : 1}", "b"), (2, 6));
        assert_eq!(place("{}", "b"), (1, 0));
    }
}
