//! Jobs: submitted, refused, followed and canceled.

use super::*;
use crate::jobs::{JobRule, Outcome};

#[tokio::test]
async fn a_command_job_is_answered_as_azure_does() {
    let azure = azure();
    let path = format!("{WORKSPACE}/jobs/job-1?{JOBS}");
    let body = json!({"properties": command()});
    let made = azure.call(DEMO, Method::PUT, &path, Some(body)).await;
    let job = made.done(201);
    assert_eq!(
        header(&made, "location"),
        format!("https://localhost:1002{WORKSPACE}/jobs/job-1?{JOBS}")
    );
    assert_eq!(header(&made, "x-ms-response-type"), "standard");
    assert!(header(&made, "request-context").starts_with("appId=cid-v1:"));
    assert_eq!(job["id"], format!("{WORKSPACE}/jobs/job-1"));
    let properties = &job["properties"];
    assert_eq!(properties["status"], "Starting");
    assert_eq!(
        properties["properties"],
        json!({"_azureml.ComputeTargetType": "amlctrain", "_azureml.ClusterName": "cpu-cluster"})
    );
    assert_eq!(
        properties["inputs"]["data"],
        json!({
            "description": null,
            "uri": "azureml://datastores/workspaceblobstore/paths/x",
            "mode": "ReadOnlyMount",
            "jobInputType": "uri_file",
        })
    );
    assert_eq!(
        properties["outputs"]["default"]["uri"],
        "azureml://datastores/workspaceartifactstore/ExperimentRun/dcid.job-1"
    );
    assert_eq!(
        properties["services"]["Studio"]["endpoint"],
        "https://ml.azure.com/runs/job-1?wsid=/subscriptions/5ec0ffee-0001-4000-8000-000000000001/resourcegroups/rg-contoso-ml/workspaces/ws-contoso-ml"
    );
    assert_eq!(properties["queueSettings"], json!({"jobTier": "Null"}));
    assert_eq!(properties["resources"]["shmSize"], "2g");
    let system_data = job["systemData"].as_object().expect("an object");
    let members: Vec<_> = system_data.keys().collect();
    assert_eq!(members, ["createdAt", "createdBy", "createdByType"]);
    assert!(
        system_data["createdAt"]
            .as_str()
            .unwrap()
            .ends_with("+00:00")
    );

    // Another PUT changes what people can change.
    let mut again = command();
    again["displayName"] = json!("two");
    again["isArchived"] = json!(true);
    let body = json!({"properties": again});
    let changed = azure.call(DEMO, Method::PUT, &path, Some(body)).await;
    assert_eq!(changed.done(201)["properties"]["displayName"], "two");
    let list = azure.get(DEMO, &at("jobs")).await;
    assert!(list.names().is_empty());
    let all = at("jobs") + "&listViewType=All";
    assert_eq!(azure.get(DEMO, &all).await.names(), ["job-1"]);
}

#[tokio::test]
async fn each_unknown_member_of_a_job_is_named() {
    let azure = azure();
    let path = format!("{WORKSPACE}/jobs/job-1?{JOBS}");
    let mut job = command();
    job["colour"] = json!("red");
    job["outputs"] = json!({"o": {"jobOutputType": "uri_folder", "assetVersion": "1"}});
    let body = json!({"properties": job});
    let position = |name: &str| {
        let name = format!("\"{name}\":");
        body.to_string().find(&name).unwrap() + name.len()
    };
    let got = azure
        .call(DEMO, Method::PUT, &path, Some(body.clone()))
        .await;
    assert_eq!(
        got.refused(400, "UserError"),
        "Request is invalid and/or missing fields."
    );
    assert_eq!(header(&got, "x-ms-response-type"), "error");
    let details = got.body["error"]["details"].as_array().unwrap();
    let messages: Vec<_> = details
        .iter()
        .map(|one| one["message"].as_str().unwrap())
        .collect();
    assert_eq!(
        messages,
        [
            format!(
                "Could not find member 'colour' on object of type 'CommandJob'. Path 'colour', line 1, position {}.",
                position("colour")
            ),
            format!(
                "Could not find member 'assetVersion' on object of type 'UriFolderJobOutput'. Path 'assetVersion', line 1, position {}.",
                position("assetVersion")
            ),
        ]
    );
    assert!(details.iter().all(|one| one["code"] == "RequestInvalid"));
    let kinds: Vec<_> = got.body["error"]["additionalInfo"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["type"].as_str().unwrap())
        .collect();
    assert_eq!(
        kinds,
        [
            "ComponentName",
            "Correlation",
            "Environment",
            "Location",
            "Time",
            "InnerError",
            "MessageFormat"
        ]
    );
    // An older version knows the member of an output.
    let mut older = command();
    older["outputs"] = json!({"o": {"jobOutputType": "uri_folder", "assetVersion": "1"}});
    put(&azure, "jobs/job-1", older).await.done(201);
    for (job, code) in [
        (json!({"jobType": "Sweep"}), "NotServedByEmulator"),
        (json!({"jobType": "Poem"}), "UserError"),
        (json!({"jobType": "Command", "command": "x"}), "UserError"),
        (json!({}), "UserError"),
    ] {
        let got = put(&azure, "jobs/job-2", job).await;
        assert_eq!(got.code(), code, "{}", got.body);
    }
}

#[tokio::test]
async fn a_job_that_refers_to_what_does_not_exist_is_refused() {
    let azure = azure();
    let environment = format!("{WORKSPACE}/environments/none/versions/2");
    let code = format!("{WORKSPACE}/codes/none/versions/1");
    let data = format!("{WORKSPACE}/data/none/versions/1");
    let input = |uri: &str| json!({"a": {"uri": uri, "jobInputType": "uri_folder"}});
    let long = "azureml://subscriptions/5ec0ffee-0001-4000-8000-000000000001/resourcegroups/RG-contoso-ml/workspaces/ws-contoso-ml/datastores/none/paths/x";
    for (member, value, status, message) in [
        (
            "computeId",
            json!(format!("{WORKSPACE}/computes/none")),
            400,
            "Unknown compute target 'none'.",
        ),
        (
            "environmentId",
            json!(environment),
            404,
            "No environment exists for name: none, version: 2, label: ",
        ),
        (
            "environmentId",
            json!("azureml:none:3"),
            404,
            "No environment exists for name: none, version: 3, label: ",
        ),
        (
            "codeId",
            json!(code),
            404,
            "Code asset with name none and version 1 was not found.",
        ),
        (
            "inputs",
            input("azureml://datastores/none/paths/x"),
            400,
            "Could not find datastore: none",
        ),
        ("inputs", input(long), 400, "Could not find datastore: none"),
        (
            "inputs",
            input(&data),
            404,
            "Data version none:1 (dataContainerName:version) not found.",
        ),
    ] {
        let mut job = command();
        job[member] = value;
        let got = put(&azure, "jobs/job-1", job).await;
        assert_eq!(got.refused(status, "UserError"), message);
    }
    // The files themselves are only looked at when a job runs.
    for uri in [
        "https://other.blob.core.windows.net/c/x",
        "azureml://datastores/workspaceblobstore/paths/none",
        "azureml://subscriptions/5ec0ffee-0001-4000-8000-000000000001/resourcegroups/rg/workspaces/other/datastores/none/paths/x",
    ] {
        let mut job = command();
        job["inputs"] = input(uri);
        put(&azure, &format!("jobs/{}", uri.len()), job)
            .await
            .done(201);
    }
    assert_eq!(azure.world.jobs().all().len(), 3);
}

fn pipeline(component: &str) -> Value {
    json!({
        "jobType": "Pipeline",
        "computeId": format!("{WORKSPACE}/computes/cpu-cluster"),
        "experimentName": "pipes",
        "inputs": {"rate": {"jobInputType": "literal", "value": "20"}},
        "outputs": {"model": {"jobOutputType": "uri_folder", "mode": "Upload"}},
        "settings": {"_source": "DSL"},
        "jobs": {
            "last": {
                "componentId": component,
                "inputs": {"x": {"job_input_type": "literal", "value": "${{parent.jobs.first.outputs.y}}"}},
            },
            "first": {"componentId": component, "inputs": {}},
        },
    })
}

#[tokio::test]
async fn a_pipeline_needs_a_token_for_azure_ml_and_has_a_job_for_each_step() {
    let azure = azure();
    let component = format!("{WORKSPACE}/components/azureml_anonymous/versions/1");
    let spec = json!({"componentSpec": {"type": "command", "command": "x"}, "isAnonymous": true});
    put(&azure, "components/azureml_anonymous/versions/1", spec)
        .await
        .done(201);
    let body = pipeline(&component);
    let without = put(&azure, "jobs/p", body.clone()).await;
    assert!(
        without
            .refused(401, "UserError")
            .contains("x-azureml-token")
    );
    for audience in ["https://management.azure.com", "https://ml.azure.com/"] {
        let got = put_with_token(&azure, "jobs/p", body.clone(), audience).await;
        let message = got.refused(401, "UserError");
        assert!(message.contains("https://ml.azure.com"), "{message}");
    }
    let made = put_with_token(&azure, "jobs/p", body, "https://ml.azure.com").await;
    let properties = &made.done(201)["properties"];
    assert_eq!(properties["status"], "NotStarted");
    assert_eq!(properties["properties"], json!({}));
    assert_eq!(properties["settings"], json!({"_source": "DSL"}));
    assert_eq!(
        properties["outputs"],
        json!({"model": {
            "description": null, "uri": null, "assetName": null, "assetVersion": null, "mode": "Upload",
            "pathOnCompute": null, "autoDeleteSetting": null, "jobOutputType": "uri_folder",
        }})
    );
    let job = azure.world.jobs().all().remove(0);
    let steps = azure.world.jobs().children(&job);
    let first = steps
        .iter()
        .find(|step| step.step.as_deref() == Some("first"))
        .unwrap();
    let last = steps
        .iter()
        .find(|step| step.step.as_deref() == Some("last"))
        .unwrap();
    assert_eq!(last.after, std::slice::from_ref(&first.name));
    azure.world.clock.set_skew(60);
    let got = azure.get(DEMO, &at("jobs/p")).await;
    let properties = &got.done(200)["properties"];
    assert_eq!(properties["status"], "Completed");
    assert_eq!(
        properties["properties"]["azureml.pipelineComponent"],
        "pipelinerun"
    );
    let stages = properties["properties"]["azureml.pipelines.stages"]
        .as_str()
        .unwrap();
    let stages: Value = serde_json::from_str(stages).unwrap();
    assert_eq!(stages["Execution"]["Status"], "Completed");
    let step = azure.get(DEMO, &at(&format!("jobs/{}", last.name))).await;
    assert_eq!(step.done(200)["properties"]["parentJobName"], "p");
    assert_eq!(azure.get(DEMO, &at("jobs")).await.names(), ["p"]);
}

#[tokio::test]
async fn an_unknown_component_has_a_form_of_its_own_in_a_job() {
    let azure = azure();
    let id = format!("{WORKSPACE}/components/none/versions/7");
    let got = put_with_token(&azure, "jobs/p", pipeline(&id), "https://ml.azure.com").await;
    assert_eq!(
        got.refused(404, "NotFound"),
        format!("key: {id}, Message: Not found component none (version: 7).")
    );
    let inner = |got: &ArmReply| {
        let all = got.body["error"]["additionalInfo"]
            .as_array()
            .unwrap()
            .clone();
        all.into_iter().find(|one| one["type"] == "InnerError")
    };
    assert_eq!(inner(&got), None);
    let got = azure.get(DEMO, &at("components/none/versions/7")).await;
    assert_eq!(got.refused(404, "UserError"), "Not found component none.");
    assert_eq!(
        inner(&got).unwrap()["info"]["value"],
        json!({"code": "NotFound", "innerError": {"code": "ComponentNotFound", "innerError": null}})
    );
}

#[tokio::test]
async fn a_job_that_acts_for_its_submitter_needs_a_token_for_azure_ml() {
    let azure = azure();
    let mut job = command();
    job["identity"] = json!({"identityType": "UserIdentity"});
    put(&azure, "jobs/one", job.clone())
        .await
        .refused(401, "UserError");
    let got = put_with_token(&azure, "jobs/one", job, "https://ml.azure.com").await;
    got.done(201);
}

#[tokio::test]
async fn a_job_goes_through_its_states_and_is_canceled_and_deleted() {
    let azure = azure();
    put(&azure, "jobs/done", command()).await.done(201);
    azure.world.clock.set_skew(60);
    let got = azure.get(DEMO, &at("jobs/done")).await;
    assert_eq!(got.done(200)["properties"]["status"], "Completed");
    azure.world.jobs().add_rule(JobRule {
        outcome: Outcome::Hang,
        ..JobRule::default()
    });
    put(&azure, "jobs/stuck", command()).await.done(201);
    azure.world.clock.set_skew(120);
    let got = azure.get(DEMO, &at("jobs/STUCK")).await;
    assert_eq!(got.done(200)["properties"]["status"], "Running");
    let cancel = azure
        .call(DEMO, Method::POST, &at("jobs/stuck/cancel"), None)
        .await;
    cancel.done(200);
    azure.world.clock.set_skew(180);
    let list = azure.get(DEMO, &at("jobs")).await;
    assert_eq!(list.names(), ["stuck", "done"]);
    assert_eq!(list.body["value"][0]["properties"]["status"], "Canceled");
    for (status, left) in [(200, 1), (204, 1)] {
        let path = at("jobs/stuck");
        azure
            .call(DEMO, Method::DELETE, &path, None)
            .await
            .done(status);
        assert_eq!(azure.world.jobs().all().len(), left);
    }
    let missing = azure.get(DEMO, &at("jobs/stuck")).await;
    assert_eq!(missing.refused(404, "UserError"), "Job stuck not found.");
}
