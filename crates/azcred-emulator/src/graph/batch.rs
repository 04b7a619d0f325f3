//! `$batch`: several requests in one ('Combine multiple HTTP requests using JSON batching').

use crate::{
    graph::{
        answer,
        call::Call,
        response::{Answer, GraphError, GraphTrace},
    },
    service::Entrance,
    world::World,
};
use axum::body::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// Most requests of a batch.
const MAX_STEPS: usize = 20;

#[derive(Deserialize)]
struct Batch {
    requests: Vec<Step>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Step {
    id: String,
    method: String,
    url: String,
    #[serde(default)]
    headers: Map<String, Value>,
    #[serde(default)]
    body: Value,
    #[serde(default)]
    depends_on: Vec<String>,
}

/// Answers the requests of a batch in their order, each with the batch's token.
pub(super) fn serve(world: &World, call: &Call) -> Result<Answer, GraphError> {
    let batch: Batch = serde_json::from_slice(&call.body)
        .map_err(|_| GraphError::bad_request("Invalid batch payload format."))?;
    check(&batch)?;
    let mut done: BTreeMap<String, StatusCode> = BTreeMap::new();
    let mut responses = Vec::new();
    for step in batch.requests {
        let id = step.id.clone();
        let is_ready = |needed: &String| done.get(needed).is_some_and(StatusCode::is_success);
        let (status, headers, body) = match step.depends_on.iter().all(is_ready) {
            true => part(world, call, step),
            false => failed_dependency(world, call),
        };
        let mut response = json!({ "id": id, "status": status.as_u16(), "headers": headers });
        if let Some(body) = body {
            response["body"] = body;
        }
        responses.push(response);
        done.insert(id, status);
    }
    Ok(Answer::json(json!({ "responses": responses })))
}

/// # Errors
/// When two steps have the same id, or one depends on a step that does not come before it.
fn check(batch: &Batch) -> Result<(), GraphError> {
    if batch.requests.len() > MAX_STEPS {
        return Err(GraphError::new(
            StatusCode::BAD_REQUEST,
            "MaximumValueExceeded",
            format!("Number of batch request steps exceeds the maximum value of {MAX_STEPS}."),
        ));
    }
    let mut known = BTreeSet::new();
    for step in &batch.requests {
        let depends = step.depends_on.iter().all(|id| known.contains(id));
        if !depends || !known.insert(&step.id) {
            return Err(GraphError::bad_request("Invalid batch payload format."));
        }
    }
    Ok(())
}

/// One answer: status, headers, body.
type Part = (StatusCode, Value, Option<Value>);

fn part(world: &World, call: &Call, step: Step) -> Part {
    let headers = headers(call, &step.headers);
    let trace = GraphTrace::new(world, &headers);
    let answered = request(call, step, headers).and_then(|inner| match inner.is_batch() {
        // A batch in a batch would be answered without a limit.
        true => Err(GraphError::bad_request("Invalid batch payload format.")),
        false => answer(world, &inner),
    });
    match answered {
        Ok(answer) => answer.into_part(),
        Err(error) => error.into_part(&trace),
    }
}

fn failed_dependency(world: &World, call: &Call) -> Part {
    let trace = GraphTrace::new(world, &call.headers);
    GraphError::new(
        StatusCode::FAILED_DEPENDENCY,
        "FailedDependency",
        "A request that this request depends on has failed.",
    )
    .into_part(&trace)
}

/// The headers of a step, with the batch's token.
fn headers(call: &Call, given: &Map<String, Value>) -> HeaderMap {
    let mut headers: HeaderMap = given
        .iter()
        .filter_map(|(name, value)| {
            let name = HeaderName::try_from(name).ok()?;
            Some((name, HeaderValue::try_from(value.as_str()?).ok()?))
        })
        .collect();
    if let Some(token) = call.headers.get(header::AUTHORIZATION) {
        headers.insert(header::AUTHORIZATION, token.clone());
    }
    headers
}

/// The request of a step. Its URL is relative to the version.
fn request(call: &Call, step: Step, headers: HeaderMap) -> Result<Call, GraphError> {
    let invalid = || GraphError::bad_request("Invalid batch payload format.");
    let method = Method::try_from(step.method.to_uppercase().as_str()).map_err(|_| invalid())?;
    let url = format!(
        "/{}/{}",
        call.version.name(),
        // As clients write it, with characters that a URL does not have.
        encoded(step.url.trim_start_matches('/'))
    );
    let uri: Uri = url.parse().map_err(|_| invalid())?;
    let body = match step.body {
        Value::Null => Bytes::new(),
        body => body.to_string().into(),
    };
    let entrance: &Entrance = &call.entrance;
    Call::read(method, &uri, headers, Some(entrance), body)
}

/// A URL with its spaces, quotes and other such characters encoded.
fn encoded(url: &str) -> String {
    let mut encoded = String::new();
    for c in url.chars() {
        match c {
            '!' | '#'..=';' | '=' | '?'..='[' | ']' | '_' | 'a'..='z' | '~' => encoded.push(c),
            c => {
                let mut bytes = [0; 4];
                for byte in c.encode_utf8(&mut bytes).bytes() {
                    encoded.push_str(&format!("%{byte:02X}"));
                }
            }
        }
    }
    encoded
}
