//! Faults, as a client sees them.

use crate::common::{self, DEMO, Lab, TENANT};
use azcred_emulator::{
    Effect, Fault, Service,
    jobs::{Job, JobKind, Sender},
};
use serde_json::{Value, json};
use std::time::Duration;

async fn post(lab: &Lab) -> Result<reqwest::Response, reqwest::Error> {
    let url = lab.login(&format!("/{TENANT}/oauth2/v2.0/token"));
    let secret = lab.identity("azcred-demo").secret.clone().unwrap();
    lab.client
        .post(url)
        .form(&[
            ("grant_type", "client_credentials"),
            ("client_id", DEMO),
            ("client_secret", &secret),
            ("scope", common::ARM_SCOPE),
        ])
        .send()
        .await
}

fn arm(lab: &Lab, effect: Effect) {
    lab.emulator
        .faults()
        .arm(Fault::new(effect).on(Service::Login).times(1))
        .unwrap();
}

#[tokio::test]
async fn throttling_and_server_errors_have_the_services_own_format() {
    let lab = Lab::start().await;
    arm(
        &lab,
        Effect::Status {
            status: 429,
            retry_after: Some(7),
        },
    );
    let throttled = post(&lab).await.unwrap();
    assert_eq!(throttled.status(), 429);
    assert_eq!(throttled.headers()["retry-after"], "7");
    assert_eq!(common::read(throttled).await.code(), 90055);
    arm(
        &lab,
        Effect::Status {
            status: 503,
            retry_after: None,
        },
    );
    let answer = common::read(post(&lab).await.unwrap()).await;
    assert_eq!((answer.status, answer.code()), (503, 90033));
    arm(
        &lab,
        Effect::Status {
            status: 502,
            retry_after: None,
        },
    );
    let gateway = post(&lab).await.unwrap();
    assert!(
        gateway.headers()["content-type"]
            .to_str()
            .unwrap()
            .starts_with("text/html")
    );
    assert_eq!(post(&lab).await.unwrap().status(), 200);
}

#[tokio::test]
async fn a_reset_and_a_cut_off_response_break_the_connection() {
    let lab = Lab::start().await;
    arm(&lab, Effect::Reset);
    assert!(post(&lab).await.is_err());
    arm(&lab, Effect::CutOff);
    let cut = post(&lab).await.unwrap();
    assert_eq!(cut.status(), 200);
    assert!(cut.bytes().await.is_err());
    assert_eq!(post(&lab).await.unwrap().status(), 200);
    let faults: Vec<_> = lab
        .emulator
        .requests()
        .all()
        .into_iter()
        .map(|served| (served.fault, served.status))
        .collect();
    assert_eq!(faults[0], (Some("reset".to_owned()), None));
    assert_eq!(faults[1], (Some("cut_off".to_owned()), Some(200)));
}

#[tokio::test]
async fn invalid_responses_are_what_the_fault_names() {
    let lab = Lab::start().await;
    arm(&lab, Effect::Html);
    let html = post(&lab).await.unwrap();
    assert_eq!(html.status(), 200);
    assert!(html.text().await.unwrap().starts_with("<!DOCTYPE html>"));
    arm(&lab, Effect::TruncatedJson);
    let text = post(&lab).await.unwrap().text().await.unwrap();
    assert!(text.starts_with('{') && serde_json::from_str::<Value>(&text).is_err());
    arm(&lab, Effect::HugeBody);
    assert!(post(&lab).await.unwrap().bytes().await.unwrap().len() > 10_000_000);
    arm(
        &lab,
        Effect::Redirect {
            status: 307,
            location: "https://example.com/".into(),
        },
    );
    let redirect = post(&lab).await.unwrap();
    assert_eq!(redirect.status(), 307);
    assert_eq!(redirect.headers()["location"], "https://example.com/");
}

#[tokio::test]
async fn a_hanging_request_ends_with_the_emulator() {
    let lab = Lab::start().await;
    arm(&lab, Effect::Hang);
    let Lab { emulator, client } = lab;
    let url = format!("{}/common/discovery/keys", emulator.info().login_url);
    let request = tokio::spawn(async move { client.get(url).send().await });
    // The fault is used up when the request has arrived.
    while !emulator.faults().all().is_empty() {
        tokio::task::yield_now().await;
    }
    assert!(!request.is_finished());
    tokio::time::timeout(Duration::from_secs(20), emulator.shutdown())
        .await
        .unwrap();
    let ended = tokio::time::timeout(Duration::from_secs(20), request)
        .await
        .unwrap()
        .unwrap();
    assert!(ended.is_err());
}

#[tokio::test]
async fn latency_delays_the_normal_response() {
    let lab = Lab::start().await;
    arm(&lab, Effect::Latency { milliseconds: 50 });
    assert_eq!(post(&lab).await.unwrap().status(), 200);
    assert_eq!(
        lab.emulator.requests().all()[0].fault.as_deref(),
        Some("latency")
    );
    // An hour: it still waits when a later request has its response.
    arm(
        &lab,
        Effect::Latency {
            milliseconds: 3_600_000,
        },
    );
    let client = lab.client.clone();
    let url = lab.login("/common/discovery/keys");
    let slow = tokio::spawn(async move { client.get(url).send().await });
    while !lab.emulator.faults().all().is_empty() {
        tokio::task::yield_now().await;
    }
    assert_eq!(post(&lab).await.unwrap().status(), 200);
    assert!(!slow.is_finished());
    lab.emulator.shutdown().await;
    assert!(slow.await.unwrap().is_err());
}

#[tokio::test]
async fn a_fault_can_return_any_code_to_one_client() {
    let lab = Lab::start().await;
    for code in [50196u32, 53003, 50076, 90033, 999_999] {
        lab.emulator.faults().clear();
        lab.emulator
            .faults()
            .arm(Fault::new(Effect::Aadsts { code }).client(DEMO))
            .unwrap();
        assert_eq!(
            lab.request_token_as("azcred-demo").await.code(),
            u64::from(code)
        );
        assert_eq!(lab.request_token_as("azcred-contributor").await.status, 200);
    }
    assert_eq!(lab.get("/common/discovery/keys").await.status, 200);
}

#[tokio::test]
async fn a_skewed_clock_shows_in_the_date_and_in_the_tokens() {
    let lab = Lab::start().await;
    lab.emulator
        .faults()
        .arm(Fault::new(Effect::ClockSkew { seconds: 3600 }))
        .unwrap();
    let now = time::OffsetDateTime::now_utc().unix_timestamp();
    let answer = lab.request_token_as("azcred-demo").await;
    let date = httpdate::parse_http_date(answer.headers["date"].to_str().unwrap()).unwrap();
    let date = date
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap()
        .as_secs();
    assert!(date >= u64::try_from(now).unwrap() + 3590);
    assert!(answer.claims()["nbf"].as_i64().unwrap() >= now + 3290);
    lab.emulator.faults().clear();
    assert!(
        lab.request_token_as("azcred-demo").await.claims()["nbf"]
            .as_i64()
            .unwrap()
            <= now + 600
    );
}

/// The page's table and the port, both ways.
#[tokio::test]
async fn the_admin_port_serves_what_its_page_lists_and_nothing_else() {
    let page = include_str!("../../../../docs/emulator.md");
    let (_, table) = page.split_once("### The admin port").expect("a section");
    let listed: Vec<&str> = table
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split_once("` |"))
        .map(|(request, _)| request)
        .take_while(|request| !request.is_empty())
        .collect();
    let lab = Lab::start().await;
    let info = lab.emulator.info();
    let issuer = &lab.identity("azcred-federated").federated[0];
    let body_of = |request: &str| match request {
        "POST /faults" => {
            json!({ "service": "login", "count": 2, "effect": { "kind": "html" } })
        }
        "POST /federated-tokens" => {
            json!({ "issuer": issuer.issuer, "subject": issuer.subject })
        }
        "POST /routes" => {
            json!({ "routes": [{ "host": "a.azure.net", "url": "http://127.0.0.1:1" }] })
        }
        "POST /jobs" => json!({ "outcome": "fail" }),
        "POST /jobs/NAME" => json!({ "outcome": "hang" }),
        _ => Value::Null,
    };
    let (world, sender) = (
        lab.emulator.world(),
        Sender {
            name: "ada@contoso.com".to_owned(),
            kind: "User".to_owned(),
            object_id: uuid::Uuid::nil(),
            tenant: uuid::Uuid::nil(),
        },
    );
    let workspace = "/subscriptions/5ec0ffee-0001-4000-8000-000000000001"
        .parse()
        .unwrap();
    let mut job = Job::new(
        workspace,
        "NAME",
        JobKind::Command,
        sender,
        world.clock.now(),
    );
    job.set_seconds(3600.0);
    world.jobs().submit(job, Vec::new()).unwrap();
    let mut served = 0;
    for path in [
        "/faults",
        "/requests",
        "/info",
        "/federated-tokens",
        "/routes",
        "/jobs",
        "/jobs/NAME",
        "/stop",
    ] {
        for method in ["POST", "GET", "DELETE", "PUT", "PATCH"] {
            let request = format!("{method} {path}");
            let sent = lab
                .client
                .request(method.parse().unwrap(), format!("{}{path}", info.admin_url))
                .bearer_auth(&info.admin_token)
                .json(&body_of(&request));
            let mut response = sent.send().await.unwrap();
            let status = response.status().as_u16();
            if !listed.contains(&request.as_str()) {
                assert_eq!(status, 405, "{request}");
                continue;
            }
            served += 1;
            assert!(matches!(status, 200 | 202 | 204), "{request}: {status}");
            let body = match request.as_str() {
                // Its response ends with the client's connection.
                "POST /routes" => {
                    let line = response.chunk().await.unwrap().unwrap_or_default();
                    String::from_utf8(line.into()).unwrap()
                }
                _ => response.text().await.unwrap(),
            };
            match request.as_str() {
                "POST /routes" => assert!(body.contains("http://127.0.0.1:"), "{body}"),
                "GET /faults" => assert!(body.contains(r#""count":2"#), "{body}"),
                "DELETE /faults" => assert!(lab.emulator.faults().all().is_empty()),
                "DELETE /requests" => assert!(lab.emulator.requests().all().is_empty()),
                "GET /info" => assert!(body.contains(&info.login_url), "{body}"),
                "POST /federated-tokens" => assert!(body.contains("eyJ"), "{body}"),
                _ => {}
            }
        }
    }
    assert_eq!(served, listed.len(), "{listed:?}");
    let other = lab.client.get(format!("{}/other", info.admin_url));
    let other = other.bearer_auth(&info.admin_token).send().await.unwrap();
    assert_eq!(other.status(), 404);
}

#[tokio::test]
async fn the_admin_port_adds_and_removes_faults() {
    let lab = Lab::start().await;
    let info = lab.emulator.info();
    let url = |path: &str| format!("{}{path}", info.admin_url);
    let token = &info.admin_token;
    let admin = &lab.client;
    for wrong in ["", "wrong", &token[1..]] {
        let refused = admin
            .get(url("/requests"))
            .bearer_auth(wrong)
            .send()
            .await
            .unwrap();
        assert_eq!(refused.status(), 401);
        assert!(!refused.text().await.unwrap().contains(token.as_str()));
    }
    assert_eq!(
        admin.get(url("/requests")).send().await.unwrap().status(),
        401
    );
    let fault =
        json!({ "service": "login", "count": 1, "effect": { "kind": "status", "status": 503 } });
    let arm = |body: &Value| {
        admin
            .post(url("/faults"))
            .bearer_auth(token)
            .json(body)
            .send()
    };
    assert_eq!(arm(&fault).await.unwrap().status(), 204);
    assert_eq!(lab.request_token_as("azcred-demo").await.status, 503);
    assert_eq!(lab.request_token_as("azcred-demo").await.status, 200);
    assert_eq!(arm(&json!([fault, fault])).await.unwrap().status(), 204);
    assert_eq!(lab.emulator.faults().all().len(), 2);
    let withdrawn = admin
        .delete(url("/faults"))
        .bearer_auth(token)
        .send()
        .await
        .unwrap();
    assert_eq!(withdrawn.status(), 204);
    assert_eq!(lab.request_token_as("azcred-demo").await.status, 200);
    let typo = arm(&json!({ "efect": {} })).await.unwrap();
    assert_eq!(typo.status(), 400);
    assert!(typo.text().await.unwrap().contains("efect"));
    let log: Vec<Value> = admin
        .get(url("/requests"))
        .bearer_auth(token)
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert_eq!(log[0]["fault"], "status");
    let shown: Value = admin
        .get(url("/info"))
        .bearer_auth(token)
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert_eq!(shown["pid"], std::process::id());
    let minted: Value = admin
        .post(url("/federated-tokens"))
        .bearer_auth(token)
        .json(&json!({
            "issuer": "https://token.actions.githubusercontent.com",
            "subject": "repo:contoso/models:ref:refs/heads/main",
        }))
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    let federated = lab.identity("azcred-federated").client_id.to_string();
    let answer = lab
        .request_by_assertion(&federated, minted["token"].as_str().unwrap())
        .await;
    assert_eq!(answer.status, 200);
}
