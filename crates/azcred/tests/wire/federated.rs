//! Workload identities and CI jobs: in a local Azure that checks their tokens, and with token
//! services that misbehave.

use crate::support::{Answer, Server, http, tls, token};
use azcred::{
    AzureMlOnBehalfOfCredential, AzurePipelinesCredential, ClientOptions, Credential, Error,
    ErrorKind, FederatedAudience, GitHubActionsCredential, Scope, TokenRequest,
    WorkloadIdentityCredential,
    system::{Fixture, System},
};
use azcred_emulator::{Emulator, Options, Persona, Way};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use std::{fs, path::Path, time::Duration};

const GITHUB: &str = "https://token.actions.githubusercontent.com";
const BRANCH: &str = "repo:contoso/models:ref:refs/heads/main";
const DEVOPS: &str = "https://vstoken.dev.azure.com/0b1ec700-0000-4000-8000-00000000000d";
const CONNECTION: &str = "sc://contoso/models/azure-ml";
const CONNECTION_ID: &str = "0b1ec700-0000-4000-8000-0000000000c1";
const EXCHANGE: &str = "api://AzureADTokenExchange";
/// The application of the emulator's seed that trusts both CI systems.
const APPLICATION: &str = "azcred-federated";
/// Must not be in any output.
const CANARY: &str = "canary-bearer-0123456789";

fn at(server: &Server) -> String {
    format!("http://{}", server.address)
}

fn options(machine: &Fixture) -> ClientOptions {
    ClientOptions::new(machine.clone().shared()).with_deadline(Duration::from_secs(60))
}

async fn ask(credential: &dyn Credential, scope: Scope) -> Result<String, Error> {
    let token = credential.get_token(&TokenRequest::new(scope)).await?;
    Ok(token.secret().to_owned())
}

/// A machine in a local Azure.
fn inside(emulator: &Emulator, persona: Persona, way: Way) -> Fixture {
    let mut machine = Fixture::new();
    for (name, value) in emulator.info().environment(persona, way).set {
        machine = machine.with_var(&name, &value);
        if let Ok(content) = fs::read(&value) {
            machine = machine.with_file(&value, content);
        }
    }
    machine
}

/// A token that no server checks.
fn assertion(id: &str) -> String {
    let claims = json!({"iss": GITHUB, "sub": BRANCH, "aud": EXCHANGE, "jti": id});
    let claims = URL_SAFE_NO_PAD.encode(claims.to_string());
    format!("e30.{claims}.c2ln")
}

fn gives(field: &str, token: &str) -> Answer {
    let body = json!({field: token, "count": 1}).to_string();
    http("200 OK", &["Content-Type: application/json"], &body)
}

fn github(machine: Fixture, service: &Server) -> Fixture {
    machine
        .with_var("GITHUB_ACTIONS", "true")
        .with_var(
            "ACTIONS_ID_TOKEN_REQUEST_URL",
            &format!("{}/idtoken/0?api-version=2.0", at(service)),
        )
        .with_var("ACTIONS_ID_TOKEN_REQUEST_TOKEN", CANARY)
}

fn pipelines(machine: Fixture, service: &Server) -> Fixture {
    machine
        .with_var("TF_BUILD", "True")
        .with_var(
            "SYSTEM_OIDCREQUESTURI",
            &format!("{}/jobs/2/oidctoken/", at(service)),
        )
        .with_var("SYSTEM_ACCESSTOKEN", CANARY)
        .with_var("AZURESUBSCRIPTION_SERVICE_CONNECTION_ID", CONNECTION_ID)
}

/// A job's machine, with the application `client_id` in the variables of its CI system.
fn of(machine: Fixture, client_id: &str, tenant: &str) -> Fixture {
    machine
        .with_var("AZURE_CLIENT_ID", client_id)
        .with_var("AZURE_TENANT_ID", tenant)
        .with_var("AZURESUBSCRIPTION_CLIENT_ID", client_id)
        .with_var("AZURESUBSCRIPTION_TENANT_ID", tenant)
}

/// A job with an unknown application, whose authority is `authority`.
fn elsewhere(authority: &Server) -> Fixture {
    // Reading one root certificate takes no time; the system's hundreds would.
    let (root, _) = tls(|_| ());
    let machine = Fixture::new()
        .with_var("AZURE_AUTHORITY_HOST", &at(authority))
        .with_var("SSL_CERT_FILE", "/ca.pem")
        .with_file("/ca.pem", root);
    of(machine, "c11e", "contoso.com")
}

/// The same job in GitHub Actions and in Azure Pipelines.
fn both(machine: &Fixture, service: &Server) -> [Box<dyn Credential>; 2] {
    let job = pipelines(github(machine.clone(), service), service);
    [
        Box::new(GitHubActionsCredential::from_environment(options(&job)).unwrap()),
        Box::new(AzurePipelinesCredential::from_environment(options(&job)).unwrap()),
    ]
}

/// A job of the application that trusts federated tokens, in the local Azure.
fn trusted(emulator: &Emulator) -> Fixture {
    let info = emulator.info();
    let mut known = info.identities.iter();
    let application = known.find(|known| known.name == APPLICATION).unwrap();
    of(
        inside(emulator, Persona::NoAccount, Way::Ports),
        &application.client_id.to_string(),
        &application.tenant_id.to_string(),
    )
}

fn minted(emulator: &Emulator, issuer: &str, subject: &str, audience: &str) -> String {
    azcred_emulator::issuer::mint(emulator.world(), issuer, subject, audience, 600).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pod_signs_in_by_its_token_file() {
    let emulator = Emulator::start(Options::default()).await.unwrap();
    for way in [Way::Ports, Way::RealNames] {
        let pod = inside(&emulator, Persona::Aks, way);
        let credential = WorkloadIdentityCredential::from_environment(options(&pod)).unwrap();
        let token = credential
            .get_token(&TokenRequest::new(Scope::ARM))
            .await
            .unwrap_or_else(|error| panic!("{way:?}: {error}"));
        let claims = token.unverified_claims().unwrap();
        let client_id = pod.var("AZURE_CLIENT_ID").unwrap();
        assert_eq!(claims["appid"], client_id, "{way:?}");
    }
}

#[tokio::test]
async fn a_token_file_is_read_for_every_request() {
    const FILE: &str = "/var/run/token";
    let authority = Server::start([token()]).await;
    let pod = elsewhere(&authority)
        .with_var("AZURE_FEDERATED_TOKEN_FILE", FILE)
        .with_file(FILE, assertion("first"));
    let credential = WorkloadIdentityCredential::from_environment(options(&pod)).unwrap();
    ask(&credential, Scope::ARM).await.unwrap();
    pod.write(Path::new(FILE), assertion("second").as_bytes())
        .unwrap();
    ask(&credential, Scope::ML).await.unwrap();
    pod.write(Path::new(FILE), b"").unwrap();
    let error = ask(&credential, Scope::GRAPH).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
    assert!(
        error.what().contains(FILE) && error.why().contains("empty"),
        "{error}"
    );
    // With an empty file, no request is sent.
    let [first, second] = &authority.seen()[..] else {
        panic!("{} requests", authority.requests());
    };
    assert!(first.contains(&assertion("first")) && second.contains(&assertion("second")));
}

#[tokio::test(flavor = "multi_thread")]
async fn jobs_sign_in_by_the_tokens_of_their_ci_system() {
    let emulator = Emulator::start(Options::default()).await.unwrap();
    let service = Server::start([
        gives("value", &minted(&emulator, GITHUB, BRANCH, EXCHANGE)),
        gives(
            "oidcToken",
            &minted(&emulator, DEVOPS, CONNECTION, EXCHANGE),
        ),
    ])
    .await;
    for credential in both(&trusted(&emulator), &service) {
        let token = credential.get_token(&TokenRequest::new(Scope::ARM)).await;
        let token = token.unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(token.unverified_claims().unwrap()["appidacr"], "2");
    }
}

#[tokio::test]
async fn token_services_are_called_in_their_own_way_for_every_request() {
    let authority = Server::start([token()]).await;
    let service = Server::start([
        gives("value", &assertion("1")),
        gives("value", &assertion("2")),
        gives("oidcToken", &assertion("3")),
        gives("oidcToken", &assertion("4")),
    ])
    .await;
    for credential in both(&elsewhere(&authority), &service) {
        for scope in [Scope::ARM, Scope::ML, Scope::ML] {
            assert_eq!(ask(&*credential, scope).await.unwrap(), "the-token");
        }
    }
    let sent = authority.seen();
    assert_eq!(sent.len(), 4);
    for (place, sent) in sent.iter().enumerate() {
        let fresh = assertion(&(place + 1).to_string());
        assert!(
            sent.ends_with(&format!("client_assertion={fresh}")),
            "{sent}"
        );
    }
    let asked = service.seen();
    for asked in &asked {
        let asked = asked.to_ascii_lowercase();
        assert!(
            asked.contains(&format!("\r\nauthorization: bearer {CANARY}\r\n")),
            "{asked}"
        );
        assert!(
            asked.contains("\r\naccept: application/json\r\n"),
            "{asked}"
        );
    }
    let to_github =
        "GET /idtoken/0?api-version=2.0&audience=api%3A%2F%2FAzureADTokenExchange HTTP/1.1\r\n";
    assert!(asked[0].starts_with(to_github), "{}", asked[0]);
    let to_devops = format!(
        "POST /jobs/2/oidctoken?api-version=7.1&serviceConnectionId={CONNECTION_ID} HTTP/1.1\r\n"
    );
    assert!(asked[2].starts_with(&to_devops), "{}", asked[2]);
    let headers = asked[2].to_ascii_lowercase();
    for header in [
        "x-tfs-fedauthredirect: suppress",
        "content-type: application/json",
        "content-length: 0",
    ] {
        assert!(
            headers.contains(&format!("\r\n{header}\r\n")),
            "{header}: {headers}"
        );
    }
}

#[tokio::test]
async fn github_gets_the_audience_of_the_cloud() {
    let service = Server::start([http("400 Bad Request", &[], "")]).await;
    let job = of(github(Fixture::new(), &service), "c11e", "contoso.com")
        .with_var("AZURE_AUTHORITY_HOST", "https://login.microsoftonline.us");
    let credential = GitHubActionsCredential::from_environment(options(&job)).unwrap();
    let error = ask(&credential, Scope::ARM).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Refused, "{error}");
    assert!(service.seen()[0].contains("&audience=api%3A%2F%2FAzureADTokenExchangeUSGov "));
}

#[tokio::test]
async fn github_gets_the_audience_that_was_given() {
    const VARIABLE: &str = "AZCRED_FEDERATED_AUDIENCE";
    let own = FederatedAudience::new("api://own&audience=x").unwrap();
    for (variable, program, wanted) in [
        (
            Some("https://github.com/contoso"),
            None,
            "https%3A%2F%2Fgithub.com%2Fcontoso",
        ),
        (
            Some("api://other"),
            Some(own),
            "api%3A%2F%2Fown%26audience%3Dx",
        ),
        (None, None, "api%3A%2F%2FAzureADTokenExchange"),
    ] {
        let service = Server::start([http("400 Bad Request", &[], "")]).await;
        let mut job = of(github(Fixture::new(), &service), "c11e", "contoso.com");
        if let Some(variable) = variable {
            job = job.with_var(VARIABLE, variable);
        }
        let is_named = variable.is_some() && program.is_none();
        let mut options = options(&job);
        if let Some(program) = program {
            options = options.with_federated_audience(program);
        }
        let credential = GitHubActionsCredential::from_environment(options).unwrap();
        let ready = format!("{:?}", credential.prepare());
        assert_eq!(ready.contains(VARIABLE), is_named, "{ready}");
        ask(&credential, Scope::ARM).await.unwrap_err();
        let seen = service.seen();
        assert!(
            seen[0].contains(&format!("&audience={wanted} ")),
            "{}",
            seen[0]
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_no_application_trusts_is_told_what_to_register() {
    let emulator = Emulator::start(Options::default()).await.unwrap();
    for (code, issuer, subject, audience) in [
        (
            700_213,
            GITHUB,
            "repo:contoso/models:environment:prod",
            EXCHANGE,
        ),
        (
            7_002_138,
            GITHUB,
            "repo:Contoso/models:ref:refs/heads/main",
            EXCHANGE,
        ),
        (700_212, GITHUB, BRANCH, "https://github.com/contoso"),
        (70_021, DEVOPS, BRANCH, EXCHANGE),
    ] {
        let token = minted(&emulator, issuer, subject, audience);
        let service = Server::start([gives("value", &token)]).await;
        let job = github(trusted(&emulator), &service);
        let credential = GitHubActionsCredential::from_environment(options(&job)).unwrap();
        let error = ask(&credential, Scope::ARM).await.unwrap_err();
        assert_eq!(
            (error.kind(), error.code()),
            (ErrorKind::Refused, Some(code)),
            "{error}"
        );
        for value in [issuer, subject, audience] {
            assert!(error.why().contains(&format!("'{value}'")), "{error}");
            assert!(
                error
                    .fix()
                    .unwrap()
                    .to_string()
                    .contains(&format!("\"{value}\"")),
                "{error}"
            );
        }
        let client_id = job.var("AZURE_CLIENT_ID").unwrap();
        let command = format!("az ad app federated-credential create --id {client_id}");
        assert!(
            error.fix().unwrap().to_string().contains(&command),
            "{error}"
        );
        assert!(!format!("{error} {error:?}").contains(&token), "{error}");
    }
}

#[tokio::test]
async fn a_response_without_a_token_is_described() {
    let json = |status: &str, body: &Value| {
        http(
            status,
            &["Content-Type: application/json"],
            &body.to_string(),
        )
    };
    let page = "<!DOCTYPE html><html>Sign in</html>";
    for (answer, kind, why) in [
        (
            http("200 OK", &["Content-Type: text/html"], page),
            ErrorKind::Unexpected,
            "web page (HTTP 200)",
        ),
        (
            http("203 Non-Authoritative Information", &[], page),
            ErrorKind::Unexpected,
            "web page (HTTP 203)",
        ),
        (
            http("403 Forbidden", &[], page),
            ErrorKind::Unexpected,
            "web page (HTTP 403)",
        ),
        (
            http("401 Unauthorized", &[], page),
            ErrorKind::Refused,
            "it rejected the request (HTTP 401)",
        ),
        (
            http("401 Unauthorized", &[], ""),
            ErrorKind::Refused,
            "it rejected the request (HTTP 401)",
        ),
        (
            json("403 Forbidden", &json!({"message": "no right to ask"})),
            ErrorKind::Refused,
            "it rejected the request (HTTP 403): no right to ask",
        ),
        (
            json(
                "404 Not Found",
                &json!({"$id": "1", "message": format!("{CANARY}: no such connection")}),
            ),
            ErrorKind::Refused,
            "it rejected the request (HTTP 404): ****: no such connection",
        ),
        (
            json(
                "400 Bad Request",
                &json!({"error": {"code": "x", "message": "no \u{1b}[31mplan"}}),
            ),
            ErrorKind::Refused,
            "it rejected the request (HTTP 400): no  [31mplan",
        ),
        (
            http("503 Service Unavailable", &["Retry-After: 0"], ""),
            ErrorKind::Unreachable,
            "HTTP 503; tried 4 times",
        ),
        (
            http("429 Too Many Requests", &["Retry-After: 9999"], ""),
            ErrorKind::Unreachable,
            "HTTP 429; tried once",
        ),
        (
            http("204 No Content", &[], ""),
            ErrorKind::Unexpected,
            "is empty (HTTP 204)",
        ),
        (http("200 OK", &[], ""), ErrorKind::Unexpected, "is empty"),
        (
            http("200 OK", &[], CANARY),
            ErrorKind::Unexpected,
            "not a JSON object",
        ),
        (
            http("200 OK", &[], r#"{"value":"canary-"#),
            ErrorKind::Unexpected,
            "incomplete or damaged",
        ),
        (
            json("200 OK", &json!({"token": CANARY})),
            ErrorKind::Unexpected,
            "does not have '",
        ),
        (
            json("200 OK", &json!({"value": null, "oidcToken": 5})),
            ErrorKind::Unexpected,
            "does not have '",
        ),
        (
            json("200 OK", &json!({"value": "", "oidcToken": " "})),
            ErrorKind::Unexpected,
            "is empty",
        ),
        (
            json("200 OK", &json!({"value": CANARY, "oidcToken": CANARY})),
            ErrorKind::Unexpected,
            "is not a JSON web token",
        ),
        (
            json(
                "200 OK",
                &json!({"value": "a.b.c\r\nX: canary-", "oidcToken": "a.b.ü"}),
            ),
            ErrorKind::Unexpected,
            "is not a JSON web token",
        ),
    ] {
        let authority = Server::start([token()]).await;
        let service = Server::start([answer]).await;
        for credential in both(&elsewhere(&authority), &service) {
            let error = ask(&*credential, Scope::ARM).await.unwrap_err();
            assert_eq!(error.kind(), kind, "{error}");
            assert!(error.why().contains(why), "{why}: {error}");
            assert!(error.what().contains(credential.name()), "{error}");
            assert!(error.fix().is_some(), "{error}");
            let shown = format!("{error} {error:?}");
            assert!(
                !shown.contains("canary-") && !shown.contains('\u{1b}'),
                "{shown}"
            );
        }
        assert_eq!(authority.requests(), 0, "{why}");
    }
}

#[tokio::test]
async fn a_sign_in_page_means_that_the_jobs_token_is_wrong() {
    let trap = Server::start([gives("oidcToken", &assertion("x"))]).await;
    let location = format!("Location: {}/_signin?canary-", at(&trap));
    let service = Server::start([http("302 Found", &[&location], "")]).await;
    let authority = Server::start([token()]).await;
    for (credential, fix) in both(&elsewhere(&authority), &service).into_iter().zip([
        "ACTIONS_ID_TOKEN_REQUEST_TOKEN",
        "SYSTEM_ACCESSTOKEN: $(System.AccessToken)",
    ]) {
        let error = ask(&*credential, Scope::ARM).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unexpected, "{error}");
        assert!(error.fix().unwrap().to_string().contains(fix), "{error}");
        assert!(!error.to_string().contains("canary-"), "{error}");
    }
    assert_eq!(trap.requests(), 0);
}

#[tokio::test]
async fn a_token_service_that_does_not_respond_is_named_in_time() {
    let authority = Server::start([token()]).await;
    let service = Server::start([Answer::Hang]).await;
    let job = github(elsewhere(&authority), &service);
    let options = options(&job).with_deadline(Duration::from_secs(2));
    let credential = GitHubActionsCredential::from_environment(options).unwrap();
    let error = ask(&credential, Scope::ARM).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unreachable);
    assert!(error.why().contains("did not respond in time"), "{error}");
    assert_eq!(authority.requests(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_azure_machine_learning_job_gets_tokens_of_its_user() {
    let emulator = Emulator::start(Options::default()).await.unwrap();
    for way in [Way::Ports, Way::RealNames] {
        let job = inside(&emulator, Persona::AzureMlJob, way);
        let credential = AzureMlOnBehalfOfCredential::from_environment(options(&job)).unwrap();
        let token = credential.get_token(&TokenRequest::new(Scope::ARM)).await;
        let token = token.unwrap_or_else(|error| panic!("{way:?}: {error}"));
        let claims = token.unverified_claims().unwrap();
        assert!(
            claims.contains_key("scp") && claims["idtyp"] == "user",
            "{claims:?}"
        );
        let error = ask(
            &credential,
            Scope::new("https://no.such.example/.default").unwrap(),
        )
        .await
        .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Refused, "{error}");
        assert!(
            error.fix().unwrap().to_string().contains("user_identity"),
            "{error}"
        );
    }
}

fn obo(service: &Server, enabled: &str) -> AzureMlOnBehalfOfCredential {
    let job = Fixture::new()
        .with_var("OBO_ENDPOINT", &format!("{}/OBO/token", at(service)))
        .with_var("AZUREML_OBO_ENABLED", enabled)
        // Neither the proxy nor the certificates exist. An endpoint beside the job needs neither.
        .with_var("SSL_CERT_FILE", "/nowhere")
        .with_var("HTTP_PROXY", "http://127.0.0.1:1")
        .with_var("http_proxy", "http://127.0.0.1:1");
    AzureMlOnBehalfOfCredential::from_environment(options(&job)).unwrap()
}

#[tokio::test]
async fn the_endpoint_of_a_job_gets_one_resource_and_nothing_else() {
    let service = Server::start([http(
        "200 OK",
        &[],
        r#"{"token":"the-token","expires_in":"3600"}"#,
    )])
    .await;
    let credential = obo(&service, "True");
    let storage = Scope::new("https://storage.azure.com//.default").unwrap();
    assert_eq!(ask(&credential, storage).await.unwrap(), "the-token");
    let sent = service.seen().remove(0);
    assert!(
        sent.starts_with("GET /OBO/token?resource=https%3A%2F%2Fstorage.azure.com%2F HTTP/1.1\r\n"),
        "{sent}"
    );
    let two = TokenRequest::new(Scope::new("https://x/a").unwrap())
        .and_scope(Scope::new("https://x/b").unwrap());
    let error = credential.get_token(&two).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
    assert_eq!(service.requests(), 1);
}

#[tokio::test]
async fn an_endpoint_that_rejects_is_unavailable_if_the_job_has_no_user() {
    let refuses = || {
        let body = r#"{"error":{"code":"UserError","message":"no user identity for this run"}}"#;
        http("400 Bad Request", &["Content-Type: application/json"], body)
    };
    for (enabled, kind) in [("True", ErrorKind::Refused), ("", ErrorKind::Unavailable)] {
        let service = Server::start([refuses()]).await;
        let error = ask(&obo(&service, enabled), Scope::ARM).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
        assert!(
            error.why().contains("no user identity for this run"),
            "{error}"
        );
        assert!(
            error.fix().unwrap().to_string().contains("user_identity"),
            "{error}"
        );
        assert_eq!(service.requests(), 1);
    }
    let garbage = Server::start([http("200 OK", &[], "<html>")]).await;
    for enabled in ["True", ""] {
        let error = ask(&obo(&garbage, enabled), Scope::ARM).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unexpected, "{error}");
    }
}
