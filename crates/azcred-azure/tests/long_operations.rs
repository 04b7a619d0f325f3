//! Changes that take Azure a while: in the emulator, and with given responses.

mod contoso;
mod served;

use axum::{
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use azcred_azure::{Error, ErrorKind, Patience, ResourceManager, Result};
use azcred_emulator::Way;
use contoso::{Contoso, SUBSCRIPTION, sign_in};
use serde_json::{Value, json};
use served::{Given, Requests, Seen, serve};
use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

const VERSION: &str = "2021-04-01";
const PATIENCE: Patience = Patience {
    limit: Duration::from_secs(60),
    pause: Duration::from_millis(1),
};
const THING: &str = "/subscriptions/S/resourceGroups/G/providers/P/things/T";

async fn manager<F>(answer: F) -> (ResourceManager, Requests)
where
    F: Fn(&Seen, usize) -> Response + Clone + Send + Sync + 'static,
{
    let count = Arc::new(AtomicUsize::new(0));
    let (options, requests) =
        serve(move |seen: &Seen| answer(seen, count.fetch_add(1, Ordering::SeqCst))).await;
    (
        ResourceManager::new(&options, Arc::new(Given)).unwrap(),
        requests,
    )
}

fn sent(requests: &Requests) -> Vec<String> {
    let requests = requests.lock().unwrap();
    let line = |one: &Seen| format!("{} {}", one.method, one.uri);
    requests.iter().map(line).collect()
}

/// The address at which this server was reached.
fn own(seen: &Seen, path: &str) -> String {
    format!("http://{}{path}", seen.headers["host"].to_str().unwrap())
}

fn body(status: u16, body: &Value) -> Response {
    (StatusCode::from_u16(status).unwrap(), body.to_string()).into_response()
}

fn linked(status: u16, name: &'static str, link: String) -> Response {
    let status = StatusCode::from_u16(status).unwrap();
    (status, [(name, link)], "{}").into_response()
}

async fn put(manager: &ResourceManager, waits: &mut usize) -> Result<Value> {
    let made = manager
        .put(
            "could not make it",
            THING,
            VERSION,
            &json!({}),
            PATIENCE,
            || {
                *waits += 1;
            },
        )
        .await;
    made.map(|made| made.value)
}

#[tokio::test]
async fn a_state_is_watched_until_it_is_final_and_the_resource_is_read() {
    let (manager, requests) = manager(|seen, number| match number {
        0 => linked(201, "azure-asyncoperation", own(seen, "/operations/1")),
        1 => body(200, &json!({"status": "InProgress"})),
        2 => linked(200, "azure-asyncoperation", own(seen, "/operations/2")),
        3 => body(200, &json!({"status": "Succeeded"})),
        _ => body(200, &json!({"name": "T"})),
    })
    .await;
    let mut waits = 0;
    assert_eq!(put(&manager, &mut waits).await.unwrap()["name"], "T");
    assert_eq!(waits, 3);
    let thing = format!("{THING}?api-version={VERSION}");
    assert_eq!(
        sent(&requests),
        [
            format!("PUT {thing}"),
            "GET /operations/1".to_owned(),
            "GET /operations/1".to_owned(),
            "GET /operations/2".to_owned(),
            format!("GET {thing}"),
        ]
    );
}

#[tokio::test]
async fn a_result_is_read_where_the_response_says_and_a_resource_has_a_state_of_its_own() {
    let (by_result, _) = manager(|seen, number| match number {
        0 => linked(202, "location", own(seen, "/results/1")),
        1 => linked(202, "location", own(seen, "/results/2")),
        2 => body(200, &json!({})),
        _ => body(200, &json!({"name": "T"})),
    })
    .await;
    assert_eq!(put(&by_result, &mut 0).await.unwrap()["name"], "T");

    let (by_resource, requests) = manager(|_, number| {
        let state = if number < 2 { "Creating" } else { "Succeeded" };
        body(
            201,
            &json!({"name": "T", "properties": {"provisioningState": state}}),
        )
    })
    .await;
    assert_eq!(put(&by_resource, &mut 0).await.unwrap()["name"], "T");
    assert_eq!(sent(&requests).len(), 3);

    let (at_once, requests) = manager(|_, _| body(200, &json!({"name": "T"}))).await;
    assert_eq!(put(&at_once, &mut 0).await.unwrap()["name"], "T");
    assert_eq!(sent(&requests).len(), 1);
}

async fn failure(
    answer: impl Fn(&Seen, usize) -> Response + Clone + Send + Sync + 'static,
) -> Error {
    let (manager, _) = manager(answer).await;
    put(&manager, &mut 0).await.unwrap_err()
}

#[tokio::test]
async fn an_operation_that_fails_later_fails_with_azures_code() {
    let error = failure(|seen, number| match number {
        0 => linked(202, "azure-asyncoperation", own(seen, "/operations/1")),
        _ => body(
            200,
            &json!({"status": "Failed", "error": {"code": "QuotaExceeded", "message": "No more of these."}}),
        ),
    })
    .await;
    assert_eq!(error.code(), Some("QuotaExceeded"));
    assert!(error.why().contains("No more of these"), "{error}");

    let error = failure(|_, _| {
        body(
            201,
            &json!({"properties": {"provisioningState": "Canceled"}}),
        )
    })
    .await;
    assert!(error.why().contains("'Canceled'"), "{error}");
}

#[tokio::test]
async fn a_link_to_another_host_gets_no_token_and_an_endless_operation_is_left() {
    let error =
        failure(|_, _| linked(202, "location", "http://localhost:1/results/1".to_owned())).await;
    assert_eq!(error.kind(), ErrorKind::Unexpected);
    assert!(error.why().contains("another host"), "{error}");

    // Azure names a pause that is longer than the patience.
    let error = failure(|seen, _| {
        let link = own(seen, "/results/1");
        let headers = [
            (header::LOCATION, link),
            (header::RETRY_AFTER, "3600".to_owned()),
        ];
        (StatusCode::ACCEPTED, headers, "{}").into_response()
    })
    .await;
    assert_eq!(error.kind(), ErrorKind::Unreachable);
    assert!(error.why().contains("goes on"), "{error}");
}

#[tokio::test]
async fn the_emulators_operations_come_to_their_end() {
    let azure = Contoso::start_with(&format!(
        "[[role_assignments]]\nprincipal = \"azcred-demo\"\nrole = \"Owner\"\nscope = \"/subscriptions/{SUBSCRIPTION}\""
    ))
    .await;
    let (options, credential) = sign_in(azure.laptop("azcred-demo", Way::RealNames)).await;
    let manager = ResourceManager::new(&options, credential.unwrap()).unwrap();
    let group = format!("/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-short-lived");
    let at = json!({"location": "westeurope"});
    let made: Value = manager
        .put(
            "could not make the group",
            &group,
            VERSION,
            &at,
            PATIENCE,
            || (),
        )
        .await
        .unwrap()
        .value;
    assert_eq!(made["properties"]["provisioningState"], "Succeeded");
    let tags = json!({"tags": {"a": "b"}});
    let changed: Value = manager
        .patch(
            "could not tag the group",
            &group,
            VERSION,
            &tags,
            PATIENCE,
            || (),
        )
        .await
        .unwrap()
        .value;
    assert_eq!(changed["tags"]["a"], "b");
    let mut waits = 0;
    let removed = manager
        .remove(
            "could not delete the group",
            &group,
            VERSION,
            PATIENCE,
            || waits += 1,
        )
        .await;
    assert!(removed.unwrap());
    assert_eq!(waits, 1);
    let again = manager
        .get::<Value>("could not read the group", &group, VERSION)
        .await;
    assert_eq!(again.unwrap_err().kind(), ErrorKind::NotFound);
}
