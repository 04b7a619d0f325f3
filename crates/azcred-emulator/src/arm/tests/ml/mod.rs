//! What a workspace contains, in the shapes and the refusals of recorded conversations.

use super::*;

mod assets;
mod jobs;
mod roles;

const JOBS: &str = "api-version=2025-01-01-preview";
const PIPELINES: &str = "api-version=2024-01-01-preview";

fn at(path: &str) -> String {
    format!("{WORKSPACE}/{path}?{PIPELINES}")
}

async fn put(azure: &TestArm, path: &str, properties: Value) -> ArmReply {
    let body = json!({"properties": properties});
    azure.call(DEMO, Method::PUT, &at(path), Some(body)).await
}

fn header<'a>(reply: &'a ArmReply, name: &str) -> &'a str {
    let value = reply.headers.get(name);
    value.map_or("", |value| value.to_str().expect("text"))
}

fn command() -> Value {
    json!({
        "jobType": "Command",
        "command": "python train.py",
        "environmentId": "azureml:AzureML-sklearn-1.0-ubuntu20.04-py38-cpu:1",
        "computeId": format!("{WORKSPACE}/computes/cpu-cluster"),
        "experimentName": "train",
        "displayName": "one",
        "properties": {},
        "tags": {"a": "b"},
        "inputs": {"data": {"uri": "azureml://datastores/workspaceblobstore/paths/x", "jobInputType": "uri_file"}},
        "outputs": {},
        "environmentVariables": {},
        "isArchived": false,
    })
}

/// A request with a token for Azure ML.
async fn put_with_token(azure: &TestArm, path: &str, body: Value, audience: &str) -> ArmReply {
    let mut claims = azure.claims(DEMO);
    claims.insert("aud".into(), json!(audience));
    let request = Request::put(at(path))
        .header("authorization", format!("Bearer {}", azure.token(DEMO)))
        .header("x-azureml-token", azure.sign(&claims))
        .body(Body::from(json!({"properties": body}).to_string()))
        .expect("a request");
    azure.send(request).await
}
