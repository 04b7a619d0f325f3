//! Secrets in every place where a source reads one, among answers that give them back: they are seen nowhere, at the loudest level.

use crate::support::{Answer, Server, http, tls};
use azcred::{
    Authority, ClientOptions, Cloud, Scope, TokenRequest,
    chain::{Chain, Source},
    system::{Fixture, Program, System},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use futures_util::future::join_all;
use serde_json::{Value, json};
use std::{
    error::Error as _,
    io,
    sync::{Arc, Mutex, OnceLock},
    time::Duration,
};

/// A part of every secret here.
const MARK: &str = "kQ7zXv2LmP9wR4tY8uB6";
/// So much of it is no accident.
const STRETCH: usize = 8;
const TENANT: &str = "c0a70500-0000-4000-8000-000000000001";
const APP: &str = "a0000001-0000-4000-8000-000000000001";
const AZURE_CLI: &str = "04b07795-8ddb-461a-bbee-02f9e1bf7b46";

/// Far over what any answer here takes, so that it decides nothing on a slow machine.
const AMPLE: Duration = Duration::from_secs(60);

/// What proves something, and what is given for it: whoever echoes one, echoes the other. Of a value in a wrong place, the first
/// characters may be shown; the mark begins behind them.
fn secret() -> String {
    let claims = json!({"iss": "https://issuer", "sub": "s", "aud": "api://AzureADTokenExchange", "jti": MARK, "tid": TENANT});
    format!(
        "eyJhbGciOiJS{MARK}.{}.{MARK}",
        URL_SAFE_NO_PAD.encode(claims.to_string())
    )
}

/// The first place at which a stretch of the mark, or of its base64, is seen.
fn seen_in(text: &str) -> Option<&str> {
    let lower = text.to_ascii_lowercase();
    let base64 = URL_SAFE_NO_PAD.encode(MARK);
    [MARK, &base64].into_iter().find_map(|mark| {
        let mark = mark.to_ascii_lowercase();
        let place = mark
            .as_bytes()
            .windows(STRETCH)
            .find_map(|stretch| lower.find(str::from_utf8(stretch).ok()?))?;
        let start = text[..place].rfind('\n').map_or(0, |at| at + 1);
        Some(text[start..].lines().next().unwrap_or_default())
    })
}

/// Keeps those lines of a log that hold a secret.
#[derive(Clone, Default)]
struct Leaks(Arc<Mutex<Vec<String>>>);

impl io::Write for Leaks {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(line);
        if seen_in(&text).is_some() {
            self.0.lock().unwrap().push(text.into_owned());
        }
        Ok(line.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Listens to everything that is logged from now on, by whomever.
fn listen() -> Leaks {
    static LEAKS: OnceLock<Leaks> = OnceLock::new();
    LEAKS
        .get_or_init(|| {
            let leaks = Leaks::default();
            let writer = leaks.clone();
            tracing_subscriber::fmt()
                .with_max_level(tracing::Level::TRACE)
                .with_writer(move || writer.clone())
                .init();
            leaks
        })
        .clone()
}

/// Answers with a secret in every place where somebody could put one, the first of them good; and refusals that repeat what was sent.
fn answers() -> [Vec<Answer>; 2] {
    let secret = secret();
    let form: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
    let json = |status: &str, body: Value| {
        http(
            status,
            // Where it is asked again, it is at once.
            &["Content-Type: application/json", "Retry-After: 0"],
            &body.to_string(),
        )
    };
    let refused = |status: &str, said: &str| {
        [
            json(
                status,
                json!({"error": "invalid_client", "error_description": format!("AADSTS7000215: {said} is wrong. Trace ID: {said}"),
                       "error_codes": [7_000_215], "correlation_id": said, "trace_id": said, "timestamp": said, "claims": said}),
            ),
            json(
                status,
                json!({"error": {"code": said, "message": format!("{said} is wrong"), "correlationId": said}}),
            ),
            json(
                status,
                json!({"statusCode": 400, "message": format!("not {said}"), "Message": said, "ExceptionMessage": said}),
            ),
        ]
    };
    let answers = vec![
        json(
            "200 OK",
            json!({"access_token": secret, "token": secret, "value": secret, "oidcToken": secret, "expires_in": 3600, "token_type": "Bearer"}),
        ),
        json(
            "200 OK",
            json!({"access_token": secret, "expires_on": secret, "expires_in": secret, "token_type": "Bearer"}),
        ),
        json(
            "200 OK",
            json!({"access_token": secret, "expires_in": 3600, "token_type": secret}),
        ),
        json(
            "200 OK",
            json!({"access_token": format!("{secret} {secret}"), "value": [secret], "oidcToken": 1}),
        ),
        json("200 OK", json!([secret, "Bearer", 3600])),
        http("200 OK", &[], &format!("{{\"access_token\":\"{secret}\",")),
        http(
            "200 OK",
            &["Content-Type: text/html"],
            &format!("<html>{secret} {secret}</html>"),
        ),
        http(
            "302 Found",
            &[&format!("Location: https://elsewhere.example/?{form}")],
            &secret,
        ),
        http(
            "401 Unauthorized",
            &[&format!("WWW-Authenticate: Bearer {secret}")],
            &secret,
        ),
        http("403 Forbidden", &[], &format!("unreachable {secret}")),
        Answer::Bytes(format!("{secret}\r\n\r\n").into_bytes()),
        Answer::Close,
    ];
    let statuses = [
        "400 Bad Request",
        "401 Unauthorized",
        "403 Forbidden",
        "404 Not Found",
        "500 Oh",
    ];
    let refusals = statuses.into_iter().flat_map(|status| {
        let both = [refused(status, &secret), refused(status, &form)];
        both.into_iter().flatten()
    });
    [answers, refusals.collect()]
}

/// A machine that trusts one authority alone, as the system's roots take their time to read.
fn machine(variables: &[(&str, &str)]) -> Fixture {
    static ROOT: OnceLock<String> = OnceLock::new();
    let root = ROOT.get_or_init(|| tls(|_| {}).0);
    let machine = Fixture::new()
        .with_var("SSL_CERT_FILE", "/root.pem")
        .with_file("/root.pem", root.clone());
    variables.iter().fold(machine, |machine, (name, value)| {
        machine.with_var(name, value)
    })
}

/// A machine for every way in which a source is given a secret, with that source.
fn machines(server: &Server) -> Vec<(Source, Fixture)> {
    let at = |path: &str| format!("http://{}{path}", server.address);
    let secret = secret();
    let application = [("AZURE_TENANT_ID", TENANT), ("AZURE_CLIENT_ID", APP)];
    let principal = || machine(&application);
    let himl = machine(&[
        ("HIML_TENANT_ID", TENANT),
        ("HIML_SERVICE_PRINCIPAL_ID", APP),
        ("HIML_SERVICE_PRINCIPAL_PASSWORD", &secret),
    ]);
    let certificate = |path: &str| {
        principal()
            .with_var("AZURE_CLIENT_CERTIFICATE_PATH", path)
            .with_var("AZURE_CLIENT_CERTIFICATE_PASSWORD", &secret)
            .with_file(
                "/cert.pem",
                format!("-----BEGIN PRIVATE KEY-----\n{MARK}\n-----END PRIVATE KEY-----\n"),
            )
    };
    let pod = |path: &str| {
        principal()
            .with_var("AZURE_FEDERATED_TOKEN_FILE", path)
            .with_file("/token", secret.clone())
            .with_file("/no-token", format!("{MARK} {secret}"))
    };
    let github = |url: &str, bearer: &str| {
        principal()
            .with_var("GITHUB_ACTIONS", "true")
            .with_var("ACTIONS_ID_TOKEN_REQUEST_URL", url)
            .with_var("ACTIONS_ID_TOKEN_REQUEST_TOKEN", bearer)
    };
    let pipelines = machine(&[
        ("TF_BUILD", "True"),
        ("SYSTEM_OIDCREQUESTURI", &at("/oidc")),
        ("SYSTEM_ACCESSTOKEN", &secret),
        ("AZURESUBSCRIPTION_CLIENT_ID", APP),
        ("AZURESUBSCRIPTION_TENANT_ID", TENANT),
        ("AZURESUBSCRIPTION_SERVICE_CONNECTION_ID", TENANT),
    ]);
    let host = |variables: &[(&str, &str)]| (Source::ManagedIdentity, machine(variables));
    let endpoint = at("/token");
    vec![
        (
            Source::Environment,
            principal().with_var("AZURE_CLIENT_SECRET", &secret),
        ),
        (
            Source::Environment,
            principal()
                .with_var("AZURE_CLIENT_SECRET", &secret)
                .with_var("AZURE_TENANT_ID", &secret),
        ),
        (
            Source::Environment,
            principal()
                .with_var("AZURE_CLIENT_SECRET", "x")
                .with_var("AZURE_CLIENT_ID", &format!("not an id {secret}")),
        ),
        (Source::Environment, himl),
        (Source::Environment, certificate("/cert.pem")),
        (
            Source::Environment,
            certificate(&format!("-----BEGIN PRIVATE KEY-----\n{MARK}")),
        ),
        (
            Source::Environment,
            certificate(&format!("MIIJqQIBAzCC{MARK}")),
        ),
        (Source::WorkloadIdentity, pod("/token")),
        (Source::WorkloadIdentity, pod("/no-token")),
        (Source::WorkloadIdentity, pod(&secret)),
        (Source::GitHubActions, github(&at("/id"), &secret)),
        (Source::GitHubActions, github(&secret, &at("/id"))),
        (
            Source::GitHubActions,
            github(&at("/id"), &format!("{secret} and more")),
        ),
        (Source::AzurePipelines, pipelines),
        (
            Source::AzureMlOnBehalfOf,
            machine(&[("OBO_ENDPOINT", &endpoint), ("AZUREML_OBO_ENABLED", "1")]),
        ),
        host(&[
            ("IDENTITY_ENDPOINT", &endpoint),
            ("IDENTITY_HEADER", &secret),
        ]),
        host(&[
            ("IDENTITY_ENDPOINT", &secret),
            ("IDENTITY_HEADER", &endpoint),
        ]),
        host(&[
            ("IDENTITY_ENDPOINT", &endpoint),
            ("IDENTITY_HEADER", &secret),
            ("IDENTITY_SERVER_THUMBPRINT", &secret),
        ]),
        host(&[
            ("IDENTITY_ENDPOINT", &endpoint),
            ("IMDS_ENDPOINT", &endpoint),
        ]),
        host(&[("MSI_ENDPOINT", &endpoint), ("MSI_SECRET", &secret)]),
        host(&[("MSI_ENDPOINT", &endpoint)]),
        host(&[("AZURE_POD_IDENTITY_AUTHORITY_HOST", &at(""))]),
        (
            Source::AzureCli,
            laptop(&json!({"name": "ada@contoso.com", "type": "user"})),
        ),
        (
            Source::AzureCli,
            laptop(&json!({"name": APP, "type": "servicePrincipal"})),
        ),
    ]
}

/// Whether a source sends anything secret, so that a refusal can repeat it.
fn proves(source: Source, machine: &Fixture) -> bool {
    let has = |name| machine.var(name).is_some();
    match source {
        Source::AzureMlOnBehalfOf => false,
        Source::ManagedIdentity => has("IDENTITY_HEADER") || has("MSI_SECRET"),
        _ => true,
    }
}

/// A laptop whose Azure CLI holds what a token can be had for.
fn laptop(account: &Value) -> Fixture {
    let profile = json!({"subscriptions": [{
        "id": "s", "name": "S", "user": account, "isDefault": true, "tenantId": TENANT, "environmentName": "Local",
    }]});
    let cache = json!({
        "AccessToken": {},
        "RefreshToken": {"k": {
            "secret": secret(), "home_account_id": "oid.tid", "environment": "127.0.0.1", "client_id": AZURE_CLI, "family_id": "1",
        }},
        "Account": {"k": {
            "home_account_id": "oid.tid", "environment": "127.0.0.1", "username": "ada@contoso.com", "authority_type": "MSSTS",
        }},
    });
    let entries = json!([{"client_id": APP, "tenant": TENANT, "client_secret": secret()}]);
    let settings = "[cloud]\nname = Local\n[core]\ninstance_discovery = no\n";
    [
        ("config", settings.to_owned()),
        ("azureProfile.json", profile.to_string()),
        ("msal_token_cache.json", cache.to_string()),
        ("service_principal_entries.json", entries.to_string()),
    ]
    .into_iter()
    .fold(
        machine(&[("HOME", "/home/ada")]),
        |machine, (name, content)| machine.with_file(format!("/home/ada/.azure/{name}"), content),
    )
}

/// Asks one source, and looks at everything that a program could print of it.
async fn ask(source: Source, machine: Fixture, authority: &str) -> bool {
    let cloud = Cloud::with_authority(Authority::new(authority).unwrap());
    let options = ClientOptions::new(machine.clone().shared())
        .with_cloud(cloud)
        .with_deadline(AMPLE);
    let chain = Chain::builder(options).only([source]).build();
    let (answer, report) = chain.explain(&TokenRequest::new(Scope::ARM)).await;
    let mut shown = format!(
        "{answer:?}\n{chain:?}\n{report:?}\n{}\n",
        serde_json::to_string(&*report).unwrap()
    );
    if let Err(error) = &answer {
        shown = format!("{shown}{error}\n{error:#?}\n");
        let mut cause = error.source();
        while let Some(error) = cause {
            shown = format!("{shown}{error}\n{error:?}\n");
            cause = error.source();
        }
    }
    assert_eq!(seen_in(&shown), None, "{source}");
    answer.is_ok()
}

#[tokio::test]
async fn no_secret_is_seen_in_an_error_a_report_or_a_log() {
    let leaks = listen();
    let [tokens, refusals] = answers();
    let cases = tokens.into_iter().map(|answer| (answer, true));
    let cases = cases.chain(refusals.into_iter().map(|answer| (answer, false)));
    let cases = cases.map(|(answer, to_all)| async move {
        let server = Server::start([answer]).await;
        let authority = format!("http://{}", server.address);
        let asked = machines(&server)
            .into_iter()
            .filter(|(source, machine)| to_all || proves(*source, machine))
            .map(|(source, machine)| ask(source, machine, &authority));
        let good = join_all(asked).await.into_iter().filter(|good| *good);
        good.count()
    });
    let good: usize = join_all(cases).await.into_iter().sum();
    assert!(good > 10, "tokens are given, too: {good}");
    let logged = leaks.0.lock().unwrap().clone();
    assert!(logged.is_empty(), "{}", logged[0]);
}

#[tokio::test]
async fn nothing_that_a_developers_tool_prints_is_seen_in_a_log() {
    let leaks = listen();
    let secret = secret();
    let said = [
        format!("{{\"accessToken\":\"{secret}\",\"expires_on\":4102444800}}"),
        format!("{{\"accessToken\":\"{secret}\",\"expires_on\":\"{secret}\"}}"),
        format!("{{\"token\":\"{secret}\",\"expiresOn\":\"{secret}\"}}"),
        format!("azcred%{secret}%{secret}"),
        format!("azcred%{secret}%4102444800"),
        format!(
            "ERROR: AADSTS50076: {secret} needs more. Trace ID: {secret} Correlation ID: {secret} Timestamp: {secret}"
        ),
        secret.clone(),
    ];
    for (source, name) in [
        (Source::AzureCli, "az"),
        (Source::AzurePowerShell, "pwsh"),
        (Source::AzureDeveloperCli, "azd"),
    ] {
        for text in &said {
            for (code, stdout, stderr) in [(0, text.as_str(), ""), (1, "", text), (1, text, "")] {
                let program = Program::prints(code, stdout, stderr);
                let machine = Fixture::new().with_program(name, &program);
                ask(source, machine, "http://localhost:1").await;
                assert_eq!(program.runs(), 1, "{name}");
            }
        }
    }
    let logged = leaks.0.lock().unwrap().clone();
    assert!(logged.is_empty(), "{}", logged[0]);
}
