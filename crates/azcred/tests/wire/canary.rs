//! Puts marked secrets wherever a source reads one, and into the responses. No output shows them,
//! at the loudest log level.

use crate::support::{Answer, Server, http, tls};
use azcred::{
    Authority, AzcredCredential, ClientOptions, Cloud, Credential, DeviceCodeCredential, Error,
    InteractiveBrowserCredential, Notice, Prompt, Scope, SecretString, TokenRequest,
    account::Accounts,
    chain::{Chain, Source},
    http::{HttpRequest, Url},
    system::{Fixture, Program, System},
};
use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use futures_util::future::join_all;
use serde_json::{Value, json};
use std::{
    error::Error as _,
    io,
    path::Path,
    sync::{Arc, Mutex, OnceLock},
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::mpsc::{UnboundedSender, unbounded_channel},
};

/// A part of every secret in these tests.
const MARK: &str = "kQ7zXv2LmP9wR4tY8uB6";
/// This many characters in a row can't be a coincidence.
const STRETCH: usize = 8;
const TENANT: &str = "c0a70500-0000-4000-8000-000000000001";
const APP: &str = "a0000001-0000-4000-8000-000000000001";
const AZURE_CLI: &str = "04b07795-8ddb-461a-bbee-02f9e1bf7b46";

/// Far longer than any response here takes, so that a slow machine does not change the result.
const AMPLE: Duration = Duration::from_secs(60);

/// A secret, also as a token in responses. If a value is in the wrong place, an error may show its
/// first characters; the mark begins after them.
fn secret() -> String {
    let claims = json!({"iss": "https://issuer", "sub": "s", "aud": "api://AzureADTokenExchange", "jti": MARK, "tid": TENANT});
    format!(
        "eyJhbGciOiJS{MARK}.{}.{MARK}",
        URL_SAFE_NO_PAD.encode(claims.to_string())
    )
}

/// The first part of the mark, or of its base64, in a text.
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

/// Collects the log lines that contain a secret.
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

/// Collects everything that is logged from now on.
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

/// Responses with a secret wherever a server could put one; the first is valid. And rejections that
/// repeat the request.
fn answers() -> [Vec<Answer>; 2] {
    let secret = secret();
    let form: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
    let json = |status: &str, body: Value| {
        http(
            status,
            // A retry has no pause.
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

/// A machine that trusts one certificate authority only: reading the system's roots takes time.
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

/// A machine for every way in which a source gets a secret, with that source.
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

/// Whether a source sends a secret, so that a rejection can repeat it.
fn proves(source: Source, machine: &Fixture) -> bool {
    let has = |name| machine.var(name).is_some();
    match source {
        Source::AzureMlOnBehalfOf => false,
        Source::ManagedIdentity => has("IDENTITY_HEADER") || has("MSI_SECRET"),
        _ => true,
    }
}

/// A laptop with an account's tokens in Azure CLI's files.
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

/// Gets a token from one source, and checks everything that a program could print.
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
async fn no_secret_is_in_an_error_a_report_or_a_log() {
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
async fn no_output_of_a_developer_tool_is_in_a_log() {
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

/// Sends the browser's address to a test.
#[derive(Debug)]
struct Shows(UnboundedSender<Url>);

impl Prompt for Shows {
    fn show(&self, notice: &Notice<'_>) {
        if let Notice::Browser { url, .. } = notice {
            let _ = self.0.send((*url).clone());
        }
    }
}

/// The response that signs a person in, with a secret in every member that the person must not see.
fn tokens_of_a_person(client_id: &str) -> Value {
    let claims = json!({
        "iss": format!("https://login.microsoftonline.com/{TENANT}/v2.0"), "tid": TENANT, "sub": "s", "oid": "o", "aud": client_id,
        "exp": 4_000_000_000_u64, "preferred_username": "ada@contoso.com",
    });
    let id_token = format!("e30.{}.{MARK}", URL_SAFE_NO_PAD.encode(claims.to_string()));
    json!({"token_type": "Bearer", "expires_in": 3600, "access_token": secret(), "refresh_token": secret(), "id_token": id_token})
}

#[tokio::test]
async fn secrets_of_a_persons_sign_in_are_not_shown_and_are_encrypted_on_disk() {
    const DATA: &str = "/home/ada/.local/share/azcred";
    let leaks = listen();
    let [_, refusals] = answers();
    let refusing = Arc::new(Mutex::new(None::<Answer>));
    let refuses = refusing.clone();
    let server = Server::answering(move |request| {
        if let Some(refusal) = refuses.lock().unwrap().clone() {
            return refusal;
        }
        let body = if request.starts_with("POST /organizations/oauth2/v2.0/devicecode ") {
            json!({"device_code": secret(), "user_code": "ABCD", "verification_uri": "https://microsoft.com/devicelogin",
                "expires_in": 900, "interval": 1, "message": secret()})
        } else {
            tokens_of_a_person(AZURE_CLI)
        };
        http("200 OK", &["Content-Type: application/json"], &body.to_string())
    })
    .await;
    // The vault's key, known to the test.
    let master = format!("{MARK}{MARK}");
    let key = format!("azcred-key-1 {}\n", STANDARD.encode(&master[..32]));
    let machine = machine(&[
        ("HOME", "/home/ada"),
        (
            "AZURE_AUTHORITY_HOST",
            &format!("http://{}", server.address),
        ),
    ])
    .with_file(format!("{DATA}/key-1"), key);
    let (sender, _shown) = unbounded_channel();
    let prompt = Arc::new(Shows(sender));
    let options = || {
        ClientOptions::new(machine.clone().shared())
            .with_prompt(prompt.clone())
            .with_deadline(AMPLE)
            .with_disk_cache()
    };
    let told = |error: &Error| {
        let shown = format!("{error}\n{error:#?}");
        assert_eq!(seen_in(&shown), None);
    };

    let credential = DeviceCodeCredential::new(options()).unwrap();
    let request = TokenRequest::new(Scope::ARM);
    let (token, account) = credential.sign_in(&request).await.unwrap();
    assert_eq!(token.secret(), secret());
    let accounts = Accounts::new(&options()).unwrap();
    let listed = accounts.list_all().await.unwrap();
    assert_eq!(listed.len(), 1);
    let cached = azcred::cache::list(&options()).await.unwrap();
    assert_eq!(cached.tokens.len(), 1);
    let shown = format!(
        "{credential:?} {token:?} {account:?} {accounts:?} {listed:?} {cached:?} {:?} {} {}",
        options(),
        serde_json::to_string(&listed).unwrap(),
        serde_json::to_string(&cached).unwrap(),
    );
    assert_eq!(seen_in(&shown), None);

    // No secret can be read on the disk.
    let mut files = 0;
    for folder in [
        format!("{DATA}/sign-ins/v1/file"),
        "/home/ada/.cache/azcred/tokens/v1/file".to_owned(),
    ] {
        for name in machine.list(Path::new(&folder)).unwrap() {
            let content = machine
                .read(&Path::new(&folder).join(&name), 1 << 20)
                .unwrap();
            let text = format!("{name:?} {}", String::from_utf8_lossy(&content));
            assert_eq!(seen_in(&text), None);
            files += 1;
        }
    }
    assert!(files > 2, "{files}");

    // For every response to the refresh token and to the device code.
    let silent = AzcredCredential::new(options()).unwrap();
    let mut refused = 0;
    for refusal in refusals {
        *refusing.lock().unwrap() = Some(refusal);
        if let Err(error) = silent.get_token(&TokenRequest::new(Scope::ML)).await {
            told(&error);
            refused += 1;
        }
        let listed = accounts.list_all().await.unwrap();
        assert_eq!(seen_in(&format!("{listed:?}")), None);
    }
    assert!(refused > 10, "{refused}");
    told(&credential.sign_in(&request).await.unwrap_err());
    let logged = leaks.0.lock().unwrap().clone();
    assert!(logged.is_empty(), "{}", logged[0]);
}

/// A new kind of grant: no list has its field.
#[tokio::test]
async fn a_secret_in_a_form_is_hidden_whatever_its_field_is_called() {
    let leaks = listen();
    let echo = format!("Location: https://{MARK}.example/");
    let server = Server::answering(move |_| http("302 Found", &[&echo], "")).await;
    let url = Url::parse(&format!("http://{}/token", server.address)).unwrap();
    let secret = SecretString::from(MARK);
    let form = [
        ("grant_type", "new".into()),
        ("ninth_proof", (&secret).into()),
    ];
    let request = HttpRequest::post_form(url, &form);
    let options = ClientOptions::new(machine(&[]).shared());
    let sent = options.http().send("Asked", &request, AMPLE).await;
    let Err(error) = sent else {
        panic!("a redirect was followed");
    };
    assert!(error.why().contains("(HTTP 302) to (left out"), "{error}");
    let shown = format!("{error} {error:#?} {request:?}");
    assert_eq!(seen_in(&shown), None, "{shown}");
    let logged = leaks.0.lock().unwrap().clone();
    assert!(logged.is_empty(), "{}", logged[0]);
}

/// Collects a whole log.
#[derive(Clone, Default)]
struct Everything(Arc<Mutex<Vec<u8>>>);

impl io::Write for Everything {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(line);
        Ok(line.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn the_values_of_a_browser_sign_in_are_in_no_log() {
    let log = Everything::default();
    let writer = log.clone();
    let everything = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(move || writer.clone())
        .finish();
    // This test runs in one thread.
    let _listening = tracing::subscriber::set_default(everything);
    let sent = Arc::new(Mutex::new(String::new()));
    let (seen, code) = (sent.clone(), secret());
    let echoed = code.clone();
    let server = Server::answering(move |request| {
        request.clone_into(&mut seen.lock().unwrap());
        let (_, form) = request.split_once("code_verifier=").unwrap();
        let verifier = form.split('&').next().unwrap();
        let body = json!({"error": "invalid_grant", "error_codes": [501_481],
            "error_description": format!("AADSTS501481: {verifier} is not what {echoed} was asked for with")});
        http("400 Bad Request", &["Content-Type: application/json"], &body.to_string())
    })
    .await;
    let machine = machine(&[
        ("DISPLAY", ":0"),
        (
            "AZURE_AUTHORITY_HOST",
            &format!("http://{}", server.address),
        ),
    ])
    .with_program("firefox", &Program::prints(0, "", ""));
    let (sender, mut shown) = unbounded_channel();
    let options = ClientOptions::new(machine.shared()).with_prompt(Arc::new(Shows(sender)));
    let credential = InteractiveBrowserCredential::new(options)
        .unwrap()
        .with_timeout(AMPLE);
    let request = TokenRequest::new(Scope::ARM);
    let mut page = String::new();
    let person = async {
        let url = shown.recv().await.unwrap();
        let part = |name: &str| {
            let mut parts = url.query_pairs().into_owned();
            parts.find(|(other, _)| other == name).unwrap().1
        };
        let back: Url = part("redirect_uri").parse().unwrap();
        let (port, state) = (back.port().unwrap(), part("state"));
        let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        let visit =
            format!("GET /?code={code}&state={state} HTTP/1.1\r\nHost: localhost:{port}\r\n\r\n");
        stream.write_all(visit.as_bytes()).await.unwrap();
        stream.read_to_string(&mut page).await.unwrap();
        [state, part("nonce"), part("code_challenge")]
    };
    let (token, numbers) = tokio::join!(credential.get_token(&request), person);
    let error = token.unwrap_err();
    assert_eq!(error.code(), Some(501_481), "{error}");
    let sent = sent.lock().unwrap().clone();
    let (_, form) = sent.split_once("code_verifier=").unwrap();
    let verifier = form.split('&').next().unwrap();
    let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(log.contains("opening a browser") && log.contains("got no token"));
    let shown = format!("{error} {error:?} {page}");
    for number in numbers.iter().map(String::as_str).chain([verifier, &*code]) {
        assert!(!log.contains(number), "{number} is in the log");
        assert!(!shown.contains(number), "{number} is shown");
    }
    assert_eq!(seen_in(&log), None);
}
