//! Applications in the directory: the requests and what becomes of the responses.

mod served;

use axum::http::{Method, StatusCode};
use azcred_azure::{
    CertificateChange, ErrorKind, Graph, Marks, NewApplication, NewCertificate,
    NewFederatedCredential, NewSecret, TAG,
};
use secrecy::ExposeSecret;
use served::{Given, Requests, Seen, serve};
use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};
use time::{OffsetDateTime, macros::datetime};
use uuid::Uuid;

const APP: Uuid = Uuid::from_u128(0xa1);
const CLIENT: Uuid = Uuid::from_u128(0xc1);
const KEY: Uuid = Uuid::from_u128(0x1e1);
const OTHER_KEY: Uuid = Uuid::from_u128(0x1e2);
const END: OffsetDateTime = datetime!(2030-01-31 12:00:00.5 UTC);
const SECRET: &str = "abc8Q~canary-secret-of-the-application";

async fn graph<R, F>(answer: F) -> (Graph, Requests)
where
    R: axum::response::IntoResponse,
    F: Fn(&Seen) -> R + Clone + Send + Sync + 'static,
{
    let (options, requests) = serve(answer).await;
    (Graph::new(&options, Arc::new(Given)).unwrap(), requests)
}

fn application() -> String {
    format!(
        r#"{{"id": "{APP}", "appId": "{CLIENT}", "displayName": "ci", "tags": ["{TAG}", "other", "azcred-pending:{KEY}"],
        "createdDateTime": "2026-11-30T10:00:00.1234567Z",
        "passwordCredentials": [{{"keyId": "{KEY}", "displayName": null, "hint": "abc", "startDateTime": "2026-01-01T00:00:00Z",
            "endDateTime": "2027-01-01T00:00:00Z", "secretText": null, "customKeyIdentifier": null}}],
        "keyCredentials": [{{"keyId": "{OTHER_KEY}", "displayName": "CN=ci", "customKeyIdentifier": "AB01", "type": "AsymmetricX509Cert",
            "usage": "Verify", "key": null, "startDateTime": "2026-01-01T00:00:00Z", "endDateTime": "2027-01-01T00:00:00Z"}}]}}"#
    )
}

fn refused(status: u16, code: &str) -> (StatusCode, String) {
    let status = StatusCode::from_u16(status).unwrap();
    let body = format!(r#"{{"error": {{"code": "{code}", "message": "no"}}}}"#);
    (status, body)
}

fn sent(requests: &Requests) -> Vec<String> {
    let requests = requests.lock().unwrap();
    let line = |one: &Seen| {
        let uri = one.uri.replace("%24", "$");
        format!("{} {uri} {}", one.method, one.body)
            .trim_end()
            .to_owned()
    };
    requests.iter().map(line).collect()
}

#[tokio::test]
async fn an_application_is_found_by_its_name_its_client_id_and_azcreds_mark() {
    let (graph, requests) = graph(|_| format!(r#"{{"value": [{}]}}"#, application())).await;
    let found = graph.applications_named("ci's").await.unwrap();
    let by_id = graph.application_of(CLIENT).await.unwrap();
    assert_eq!(found, [by_id.unwrap()]);
    assert_eq!(graph.marked_applications().await.unwrap(), found);
    let [one] = &found[..] else { panic!() };
    assert!(one.marks.is_own());
    assert_eq!(one.marks.pending(), [KEY]);
    assert_eq!(one.secrets[0].hint.as_deref(), Some("abc"));
    assert_eq!(one.secrets[0].ends_on, Some(datetime!(2027-01-01 0:00 UTC)));
    assert_eq!(one.certificates[0].thumbprint.as_deref(), Some("AB01"));
    let sent = sent(&requests);
    assert!(
        sent[0].contains("displayName+eq+%27ci%27%27s%27"),
        "{sent:?}"
    );
    assert!(sent[2].contains("tags%2Fany"), "{sent:?}");
}

#[tokio::test]
async fn an_application_is_created_once_even_if_the_response_is_lost() {
    for status in [503, 500] {
        let (graph, requests) = graph(move |_| refused(status, "serviceUnavailable")).await;
        let marks = Marks::own();
        let new = NewApplication {
            name: "ci",
            marks: &marks,
        };
        let error = graph.create_application(&new).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unreachable);
        assert_eq!(
            sent(&requests),
            [
                r#"POST /v1.0/applications {"displayName":"ci","signInAudience":"AzureADMyOrg","tags":["azcred"]}"#
            ]
        );
    }
}

#[tokio::test]
async fn an_application_is_created_once_even_if_the_connection_breaks() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let accepted = Arc::new(AtomicU32::new(0));
    let count = accepted.clone();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            count.fetch_add(1, Ordering::Relaxed);
            drop(stream);
        }
    });
    let (options, _) = serve(|_| "").await;
    let cloud = options.cloud().unwrap().with_graph(&address).unwrap();
    let graph = Graph::new(&options.with_cloud(cloud), Arc::new(Given)).unwrap();
    let marks = Marks::own();
    let new = NewApplication {
        name: "ci",
        marks: &marks,
    };
    let error = graph.create_application(&new).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unreachable);
    assert_eq!(accepted.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn a_request_that_was_throttled_had_no_effect_and_is_sent_again() {
    let tries = Arc::new(AtomicU32::new(0));
    let (graph, requests) = graph(move |_| match tries.fetch_add(1, Ordering::Relaxed) {
        0 => (
            StatusCode::TOO_MANY_REQUESTS,
            [("retry-after-ms", "1")],
            String::new(),
        ),
        _ => (
            StatusCode::CREATED,
            [("retry-after-ms", "1")],
            application(),
        ),
    })
    .await;
    let marks = Marks::own();
    let new = NewApplication {
        name: "ci",
        marks: &marks,
    };
    let made = graph.create_application(&new).await.unwrap().value;
    assert_eq!((made.id, made.app_id), (APP, CLIENT));
    assert_eq!(sent(&requests).len(), 2);
}

#[tokio::test]
async fn a_secret_has_the_key_id_that_was_chosen_and_its_text_is_never_printed() {
    let (graph, requests) = graph(|_| {
        format!(
            r#"{{"keyId": "{KEY}", "secretText": "{SECRET}", "hint": "abc", "displayName": "azcred",
            "startDateTime": "2026-11-30T10:00:00.1234567Z", "endDateTime": "2030-01-31T12:00:00Z"}}"#
        )
    })
    .await;
    let new = NewSecret {
        id: KEY,
        name: "azcred",
        ends_on: END,
    };
    let secret = graph.add_secret(APP, &new).await.unwrap();
    assert_eq!(secret.key.id, KEY);
    assert_eq!(secret.text.expose_secret(), SECRET);
    assert!(!format!("{secret:?}").contains("canary"));
    assert_eq!(
        sent(&requests),
        [format!(
            r#"POST /v1.0/applications/{APP}/addPassword {{"passwordCredential":{{"displayName":"azcred","endDateTime":"2030-01-31T12:00:00Z","keyId":"{KEY}"}}}}"#
        )]
    );
}

#[tokio::test]
async fn a_response_that_is_not_a_secret_is_not_repeated_in_the_error() {
    let (graph, _) = graph(|_| format!(r#"{{"secretText": "{SECRET}", "keyId": 7}}"#)).await;
    let new = NewSecret {
        id: KEY,
        name: "azcred",
        ends_on: END,
    };
    let error = graph.add_secret(APP, &new).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unexpected);
    assert!(!format!("{error} {error:?}").contains("canary"), "{error}");
}

#[tokio::test]
async fn a_change_of_certificates_keeps_the_others() {
    let (graph, requests) = graph(|seen| match seen.method {
        Method::PATCH => (StatusCode::NO_CONTENT, String::new()),
        _ => (StatusCode::OK, application()),
    })
    .await;
    let read = graph.application(APP).await.unwrap();
    let new = NewCertificate {
        id: KEY,
        name: "CN=ci",
        der: b"\x30\x01",
        starts_on: END,
        ends_on: END,
    };
    let add = CertificateChange::Add(new);
    graph.change_certificates(&read, add).await.unwrap();
    let remove = CertificateChange::Remove(OTHER_KEY);
    graph.change_certificates(&read, remove).await.unwrap();
    let sent = sent(&requests);
    assert!(
        sent[1].contains(&OTHER_KEY.to_string())
            && sent[1].contains("AB01")
            && sent[1].contains(r#""key":"MAE=""#),
        "{sent:?}"
    );
    assert!(sent[2].ends_with(r#"{"keyCredentials":[]}"#), "{sent:?}");
}

#[tokio::test]
async fn what_is_gone_already_is_no_error() {
    let (graph, requests) = graph(|_| refused(404, "Request_ResourceNotFound")).await;
    assert!(!graph.delete_application(APP).await.unwrap());
    assert!(!graph.purge_application(APP).await.unwrap());
    assert!(!graph.delete_service_principal(APP).await.unwrap());
    assert!(!graph.delete_federated_credential(APP, KEY).await.unwrap());
    assert!(!graph.remove_secret(APP, KEY).await.unwrap());
    assert_eq!(sent(&requests).len(), 5);
}

#[tokio::test]
async fn a_federated_credential_is_created_with_one_audience() {
    let (graph, requests) = graph(|_| {
        let made = format!(
            r#"{{"id": "{KEY}", "name": "github-main", "issuer": "https://i", "subject": "repo:o/r:ref:refs/heads/main",
            "audiences": ["api://AzureADTokenExchange"], "description": null}}"#
        );
        (StatusCode::CREATED, made)
    })
    .await;
    let new = NewFederatedCredential {
        name: "github-main",
        issuer: "https://i",
        subject: "repo:o/r:ref:refs/heads/main",
        audiences: ["api://AzureADTokenExchange"],
        description: None,
    };
    let made = graph.create_federated_credential(APP, &new).await.unwrap();
    assert_eq!(made.subject.as_deref(), Some(new.subject));
    let sent = sent(&requests);
    assert!(
        sent[0].ends_with(r#""audiences":["api://AzureADTokenExchange"]}"#),
        "{sent:?}"
    );
}

#[tokio::test]
async fn a_refused_change_says_that_the_identity_may_not_change_the_directory() {
    let (graph, _) = graph(|_| refused(403, "Authorization_RequestDenied")).await;
    let marks = Marks::own();
    let new = NewApplication {
        name: "ci",
        marks: &marks,
    };
    let error = graph.create_application(&new).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotPermitted);
    assert_eq!(
        error.why(),
        "the identity may not make this change in the directory"
    );
    assert!(
        error.to_string().contains("Application Developer"),
        "{error}"
    );
}
