//! What the run of a pipeline's step has, and no other run.

use super::wire::guid;
use crate::jobs::Job;
use serde_json::{Value, json};

/// The members, on a compute with this name.
pub(super) fn members(
    job: &Job,
    compute: Option<&str>,
    region: &str,
) -> Vec<(&'static str, Value)> {
    let pipeline = job.parent.as_deref().unwrap_or_default();
    // `…/components/NAME/versions/VERSION`
    let component = job.body.get("componentId").and_then(Value::as_str);
    let component = component.unwrap_or_default();
    let name = component.rsplit('/').nth(2);
    let module = guid(&[job.workspace.key(), "component", component]);
    let node = &guid(&[job.workspace.key(), "node", &job.name])[..8];
    let workspace = &job.workspace;
    let cancel = format!(
        "https://{region}.api.azureml.ms/studioservice/apiv2/subscriptions/{}/resourceGroups/{}/workspaces/{}/runs/{}/Cancel",
        workspace.subscription_id().unwrap_or_default(),
        workspace.resource_group().unwrap_or_default(),
        workspace.name(),
        job.name
    );
    let mut properties = json!({
        "azureml.moduleid": module,
        "azureml.moduleName": name,
        "azureml.runsource": "azureml.StepRun",
        "azureml.nodeid": node,
        "azureml.pipelinerunid": pipeline,
        "azureml.rootpipelinerunid": pipeline,
        "azureml.pipelineComponent": "masterescloud",
        "_azureml.ComputeTargetType": "amlctrain",
        "_azureml.ClusterName": compute,
        "ProcessInfoFile": "azureml-logs/process_info.json",
        "ProcessStatusFile": "azureml-logs/process_status.json",
    });
    let mut tags = json!({"azureml.nodeid": node, "azureml.pipeline": pipeline});
    for (all, own) in [(&mut properties, &job.properties), (&mut tags, &job.tags)] {
        for (name, value) in own {
            all[name] = json!(value);
        }
    }
    vec![
        ("name", json!(name)),
        ("properties", properties),
        ("tags", tags),
        ("actionUris", json!({"Cancel": cancel, "Diagnose": ""})),
        ("cancelUri", json!(cancel)),
    ]
}
