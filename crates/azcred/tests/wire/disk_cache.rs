//! Which processes share tokens on the disk. A process is a value; several have the same disk.

use crate::support::{Answer, Server, http};
use azcred::{
    Authority, AzureMlOnBehalfOfCredential, AzurePipelinesCredential, ClientAssertionCredential,
    ClientId, ClientOptions, ClientSecretCredential, Cloud, Credential, Error, ErrorKind,
    GitHubActionsCredential, ManagedIdentityCredential, ManagedIdentityId, Scope, SecretString,
    TenantId, TokenRequest, WorkloadIdentityCredential, cache,
    system::{Fixture, System},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::json;
use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

const TENANT: &str = "contoso.com";
const APP: &str = "c11e0000-0000-4000-8000-000000000001";
const SECRET: &str = "TopSecretValue";

/// A server whose tokens have the number of their request.
async fn numbering() -> Server {
    let number = Arc::<AtomicUsize>::default();
    Server::answering(move |_| token(number.fetch_add(1, Ordering::SeqCst))).await
}

fn token(number: usize) -> Answer {
    let body = json!({
        "token_type": "Bearer", "expires_in": "3600", "access_token": format!("token-{number}"),
    });
    http(
        "200 OK",
        &["Content-Type: application/json"],
        &body.to_string(),
    )
}

fn home() -> Fixture {
    Fixture::new().with_var("HOME", "/home/ada")
}

/// Another process on a machine.
fn process(machine: &Fixture, server: &Server) -> ClientOptions {
    let at = Authority::new(&format!("http://{}", server.address)).unwrap();
    ClientOptions::new(machine.clone().shared())
        .with_cloud(Cloud::with_authority(at))
        .with_disk_cache()
}

async fn ask(credential: &dyn Credential) -> Result<String, Error> {
    let token = credential.get_token(&TokenRequest::new(Scope::ARM)).await?;
    Ok(token.secret().to_owned())
}

fn secret(options: ClientOptions) -> ClientSecretCredential {
    let (tenant, app) = (TenantId::new(TENANT).unwrap(), ClientId::new(APP).unwrap());
    ClientSecretCredential::new(tenant, app, SECRET, options).unwrap()
}

/// Gets a token in two processes with the credential from `make`. Returns whether the second gets
/// the first's token.
async fn shares<C: Credential>(
    one: &Fixture,
    other: &Fixture,
    make: impl Fn(&Fixture) -> C,
) -> bool {
    let first = ask(&make(one)).await.unwrap();
    let second = ask(&make(other)).await.unwrap();
    first == second
}

const TOKENS: &str = "/home/ada/.cache/azcred/tokens/v1/file";

#[tokio::test]
async fn simultaneous_processes_send_one_request_and_each_gets_a_whole_rejection() {
    let server = numbering().await;
    let machine = home();
    let all = |server: &Server| {
        futures_util::future::join_all((0..64).map(|_| {
            let credential = secret(process(&machine, server));
            async move { ask(&credential).await }
        }))
    };
    for answer in all(&server).await {
        assert_eq!(answer.unwrap(), "token-0");
    }
    assert_eq!(server.requests(), 1);
    let body = json!({
        "error": "invalid_client", "error_codes": [7_000_215],
        "error_description": "AADSTS7000215: Invalid client secret provided.",
        "correlation_id": "11111111-2222-3333-4444-555555555555",
    });
    let refuses = Server::start([http("401 Unauthorized", &[], &body.to_string())]).await;
    for answer in all(&refuses).await {
        let error = answer.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Refused);
        assert_eq!(error.code(), Some(7_000_215));
        assert!(error.fix().is_some(), "{error}");
    }
    assert!(refuses.requests() <= 64);
}

#[tokio::test]
async fn nothing_on_disk_reveals_a_secret_or_a_token() {
    let server = numbering().await;
    let machine = home();
    ask(&secret(process(&machine, &server))).await.unwrap();
    let folder = Path::new(TOKENS);
    let names = machine.list(folder).unwrap();
    assert!(names.len() >= 2);
    for name in names {
        let content = machine
            .read(&folder.join(&name), 1 << 20)
            .unwrap_or_default();
        let text = format!("{name:?} {}", String::from_utf8_lossy(&content));
        for told in [SECRET, "token-0", TENANT, APP, "management.azure.com"] {
            assert!(!text.contains(told), "{told}");
        }
    }
    let list = cache::list(&process(&machine, &server)).await.unwrap();
    let [token] = &list.tokens[..] else {
        panic!("{list:?}")
    };
    assert_eq!(token.credential, "ClientSecretCredential");
    assert_eq!(token.whose, format!("the application {APP}"));
    assert_eq!(token.scopes, ["https://management.azure.com/.default"]);
    assert_eq!(
        list.key_file.as_deref(),
        Some(Path::new("/home/ada/.local/share/azcred/key-1"))
    );
    let shown = format!("{list:?} {}", serde_json::to_string(&list).unwrap());
    assert!(
        !shown.contains(SECRET) && !shown.contains("token-0"),
        "{shown}"
    );
    assert_eq!(cache::clear(&process(&machine, &server)).await.unwrap(), 1);
    assert!(
        cache::list(&process(&machine, &server))
            .await
            .unwrap()
            .tokens
            .is_empty()
    );
}

/// A pod whose token has this subject.
fn pod(subject: &str) -> Fixture {
    let claims = json!({"iss": "https://oidc.example/", "sub": subject, "aud": "api://AzureADTokenExchange"});
    let assertion = format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(claims.to_string()));
    home()
        .with_var("AZURE_TENANT_ID", TENANT)
        .with_var("AZURE_CLIENT_ID", APP)
        .with_var("AZURE_FEDERATED_TOKEN_FILE", "/token")
        .with_file("/token", assertion)
}

/// The same disk with another token file.
fn with_token_of(machine: &Fixture, subject: &str) -> Fixture {
    let content = pod(subject).read(Path::new("/token"), 1 << 16).unwrap();
    machine.clone().with_file("/token", content)
}

#[tokio::test]
async fn a_workloads_token_is_shared_by_processes_with_the_same_subject() {
    let server = numbering().await;
    let make = |machine: &Fixture| {
        WorkloadIdentityCredential::from_environment(process(machine, &server)).unwrap()
    };
    let machine = pod("system:serviceaccount:ml:train");
    let first = ask(&make(&machine)).await.unwrap();
    assert_eq!(ask(&make(&machine)).await.unwrap(), first);
    // Clones share the disk and thus the file.
    let other = with_token_of(&machine, "system:serviceaccount:ml:other");
    assert_ne!(ask(&make(&other)).await.unwrap(), first);
    let again = with_token_of(&machine, "system:serviceaccount:ml:train");
    assert_eq!(ask(&make(&again)).await.unwrap(), first);
    assert_eq!(server.requests(), 2);
}

#[tokio::test]
async fn a_jobs_token_is_shared_within_the_job_and_with_no_other() {
    let server = numbering().await;
    let claims = URL_SAFE_NO_PAD.encode(r#"{"iss":"i","sub":"s"}"#);
    let gives =
        json!({"value": format!("e30.{claims}.c2ln"), "oidcToken": format!("e30.{claims}.c2ln")});
    let service = Server::start([http(
        "200 OK",
        &["Content-Type: application/json"],
        &gives.to_string(),
    )])
    .await;
    let address = format!("http://{}/jobs/1", service.address);
    let job = |token: &str| {
        home()
            .with_var("AZURE_TENANT_ID", TENANT)
            .with_var("AZURE_CLIENT_ID", APP)
            .with_var("ACTIONS_ID_TOKEN_REQUEST_URL", &address)
            .with_var("ACTIONS_ID_TOKEN_REQUEST_TOKEN", token)
            .with_var("SYSTEM_OIDCREQUESTURI", &address)
            .with_var("SYSTEM_ACCESSTOKEN", token)
    };
    let (one, other) = (job("first"), job("second"));
    let github = |machine: &Fixture| {
        GitHubActionsCredential::from_environment(process(machine, &server)).unwrap()
    };
    assert!(shares(&one, &one, github).await);
    let moved = one
        .clone()
        .with_var("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "second");
    assert!(!shares(&one, &moved, github).await);
    let pipelines = |machine: &Fixture| {
        let (tenant, app) = (TenantId::new(TENANT).unwrap(), ClientId::new(APP).unwrap());
        let connection = "0b1ec700-0000-4000-8000-0000000000c1";
        AzurePipelinesCredential::new(tenant, app, connection, process(machine, &server)).unwrap()
    };
    assert!(shares(&other, &other, pipelines).await);
    let moved = other.clone().with_var("SYSTEM_ACCESSTOKEN", "first");
    assert!(!shares(&other, &moved, pipelines).await);
}

#[tokio::test]
async fn tokens_for_an_assertion_of_an_unknown_subject_are_not_stored() {
    let server = numbering().await;
    let machine = home();
    let make = |machine: &Fixture| {
        let (tenant, app) = (TenantId::new(TENANT).unwrap(), ClientId::new(APP).unwrap());
        let source = || async { Ok(SecretString::from("a.b.c")) };
        ClientAssertionCredential::new(tenant, app, source, process(machine, &server)).unwrap()
    };
    let first = ask(&make(&machine)).await.unwrap();
    assert_ne!(ask(&make(&machine)).await.unwrap(), first);
    assert!(machine.list(Path::new(TOKENS)).is_err());
}

#[tokio::test]
async fn a_managed_identitys_token_is_shared_on_one_machine_until_it_restarts() {
    let server = numbering().await;
    let app = home()
        .with_var(
            "IDENTITY_ENDPOINT",
            &format!("http://{}/msi/token", server.address),
        )
        .with_var("IDENTITY_HEADER", "header-1");
    let make = |machine: &Fixture| {
        ManagedIdentityCredential::new(ManagedIdentityId::SYSTEM, process(machine, &server))
            .unwrap()
    };
    assert!(shares(&app, &app, make).await);
    let others = [
        app.clone().with_boot(Some("second")),
        app.clone().with_var("IDENTITY_HEADER", "header-2"),
    ];
    for other in others {
        assert!(!shares(&app, &other, make).await);
    }
    let other_identity = |machine: &Fixture| {
        let id = ManagedIdentityId::client(ClientId::new(APP).unwrap());
        ManagedIdentityCredential::new(id, process(machine, &server)).unwrap()
    };
    let before = server.requests();
    ask(&other_identity(&app)).await.unwrap();
    assert_eq!(server.requests(), before + 1);
    let unknown = home()
        .with_boot(None)
        .with_var(
            "IDENTITY_ENDPOINT",
            &format!("http://{}/msi/token", server.address),
        )
        .with_var("IDENTITY_HEADER", "header-1");
    let first = ask(&make(&unknown)).await.unwrap();
    assert_ne!(ask(&make(&unknown)).await.unwrap(), first);
    assert!(unknown.list(Path::new(TOKENS)).is_err());
}

#[tokio::test]
async fn the_user_of_a_job_is_the_same_as_long_as_the_job_runs() {
    let server = numbering().await;
    let job = |run: Option<&str>| {
        let job = home()
            .with_var("OBO_ENDPOINT", &format!("http://{}/obo", server.address))
            .with_var("AZUREML_OBO_ENABLED", "true");
        match run {
            Some(run) => job.with_var("AZUREML_RUN_ID", run),
            None => job,
        }
    };
    let make = |machine: &Fixture| {
        AzureMlOnBehalfOfCredential::from_environment(process(machine, &server)).unwrap()
    };
    let one = job(Some("run-1"));
    assert!(shares(&one, &one, make).await);
    assert!(!shares(&one, &one.clone().with_var("AZUREML_RUN_ID", "run-2"), make).await);
    let unknown = job(None);
    let first = ask(&make(&unknown)).await.unwrap();
    assert_ne!(ask(&make(&unknown)).await.unwrap(), first);
}
