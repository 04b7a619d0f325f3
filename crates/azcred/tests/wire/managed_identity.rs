//! Managed identities at every host of a local Azure, and at hosts that misbehave.

use crate::support::{Answer, Server, http};
use azcred::{
    AccessToken, ClientId, ClientOptions, Credential, Error, ErrorKind, ManagedIdentityCredential,
    ManagedIdentityId, Scope, TokenRequest,
    system::{FileFacts, Fixture, OpenFile, RealSystem, System},
};
use azcred_emulator::{Emulator, Options, Persona, Way};
use futures_util::future::join_all;
use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, SystemTime},
};

/// Must not be in any output.
const CANARY: &str = "canary-header-0123456789";
/// Far longer than any response here takes, so that a slow machine does not change the result.
const AMPLE: Duration = Duration::from_secs(60);
const CLIENT: &str = "c11e0000-0000-4000-8000-000000000001";
const TOKEN: &str =
    r#"{"access_token":"the-token","expires_on":"4102444800","token_type":"Bearer"}"#;
const FOLDER: &str = "/var/opt/azcmagent/tokens";

fn token() -> Answer {
    // Not 2100: that is too far in the future.
    let soon = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap()
        .as_secs()
        + 3600;
    http(
        "200 OK",
        &[],
        &TOKEN.replace("4102444800", &soon.to_string()),
    )
}

fn at(server: &Server, path: &str) -> String {
    format!("http://{}{path}", server.address)
}

fn machine(variables: &[(&str, &str)]) -> Fixture {
    variables
        .iter()
        .fold(Fixture::new(), |machine, (name, value)| {
            machine.with_var(name, value)
        })
}

/// A machine for each kind of host, all at one server.
fn hosts(server: &Server) -> [(&'static str, Fixture); 5] {
    let endpoint = at(server, "/token");
    [
        (
            "App Service",
            machine(&[
                ("IDENTITY_ENDPOINT", &endpoint),
                ("IDENTITY_HEADER", CANARY),
            ]),
        ),
        (
            "Azure ML",
            machine(&[("MSI_ENDPOINT", &endpoint), ("MSI_SECRET", CANARY)]),
        ),
        ("Cloud Shell", machine(&[("MSI_ENDPOINT", &endpoint)])),
        (
            "Arc",
            machine(&[
                ("IDENTITY_ENDPOINT", &endpoint),
                ("IMDS_ENDPOINT", &endpoint),
            ]),
        ),
        (
            "IMDS",
            machine(&[("AZURE_POD_IDENTITY_AUTHORITY_HOST", &at(server, "/"))]),
        ),
    ]
}

async fn ask_as(
    id: ManagedIdentityId,
    system: Arc<dyn System>,
    deadline: Duration,
) -> Result<AccessToken, Error> {
    let options = ClientOptions::new(system).with_deadline(deadline);
    let credential = ManagedIdentityCredential::new(id, options)?;
    let answer = credential.get_token(&TokenRequest::new(Scope::ARM)).await;
    if let Err(error) = &answer {
        let shown = format!("{error} {error:?} {credential:?}");
        assert!(!shown.contains("canary"), "a secret is in {shown}");
        assert!(error.fix().is_some(), "nothing fixes {error}");
        assert!(
            error
                .what()
                .contains("ManagedIdentityCredential could not get a token from"),
            "{error}"
        );
    }
    answer
}

async fn ask(machine: &Fixture, deadline: Duration) -> Result<AccessToken, Error> {
    ask_as(
        ManagedIdentityId::SYSTEM,
        machine.clone().shared(),
        deadline,
    )
    .await
}

#[tokio::test]
async fn each_host_gets_its_own_request() {
    const ARM: &str = "resource=https%3A%2F%2Fmanagement.azure.com";
    let server = Server::start([token()]).await;
    for (host, machine) in hosts(&server) {
        for id in [
            ManagedIdentityId::SYSTEM,
            ManagedIdentityId::client(ClientId::new(CLIENT).unwrap()),
            ManagedIdentityId::object(CLIENT).unwrap(),
            ManagedIdentityId::resource(&format!(
                "/subscriptions/{CLIENT}/resourceGroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/me"
            ))
            .unwrap(),
        ] {
            let before = server.requests();
            let outcome = ask_as(id.clone(), machine.clone().shared(), AMPLE).await;
            // Cloud Shell can't choose an identity, and Arc returns none that could be compared.
            let refused = !id.is_system() && matches!(host, "Cloud Shell" | "Arc")
                || host == "Azure ML" && !id.is_system() && !id.to_string().contains("client id");
            assert_eq!(outcome.is_err(), refused, "{host}, {id}: {outcome:?}");
            let sent = server.seen().get(before).cloned().unwrap_or_default();
            if sent.is_empty() {
                assert!(refused);
                continue;
            }
            assert!(sent.contains(ARM), "{sent}");
            let has = |text: &str| assert!(sent.to_lowercase().contains(text), "{host}, {id}: {sent}");
            match host {
                "App Service" => {
                    has("get /token?api-version=2019-08-01&");
                    has(&format!("x-identity-header: {CANARY}"));
                }
                "Azure ML" => {
                    has("get /token?api-version=2017-09-01&");
                    has(&format!("\r\nsecret: {CANARY}"));
                }
                "Cloud Shell" => {
                    has("post /token http");
                    has("metadata: true");
                }
                "Arc" => {
                    has("get /token?api-version=2020-06-01&");
                    has("metadata: true");
                }
                _ => {
                    has("get /metadata/identity/oauth2/token?api-version=2018-02-01&");
                    has("metadata: true");
                }
            }
            let chosen = match (host, id.to_string()) {
                (_, id) if id.contains("its own") => continue,
                ("Azure ML", _) => "&clientid=c11e",
                (_, id) if id.contains("client id") => "&client_id=c11e",
                (_, id) if id.contains("object id") => "&object_id=c11e",
                ("App Service", _) => "&mi_res_id=%2fsubscriptions%2f",
                _ => "&msi_res_id=%2fsubscriptions%2f",
            };
            has(chosen);
        }
    }
}

#[tokio::test]
async fn a_token_is_cached_and_requested_once() {
    let server = Server::start([token()]).await;
    let [(_, machine), ..] = hosts(&server);
    let credential = ManagedIdentityCredential::new(
        ManagedIdentityId::SYSTEM,
        ClientOptions::new(machine.shared()),
    )
    .unwrap();
    let request = TokenRequest::new(Scope::ARM);
    for _ in 0..3 {
        assert_eq!(
            credential.get_token(&request).await.unwrap().secret(),
            "the-token"
        );
    }
    assert_eq!(server.requests(), 1);
}

#[tokio::test]
async fn a_response_without_a_token_is_an_error_at_every_host() {
    let echo = format!(r#"{{"error":"no","error_description":"your secret {CANARY} is wrong"}}"#);
    for (answer, kind, why) in [
        (
            http("200 OK", &[], "<html>Welcome</html>"),
            ErrorKind::Unexpected,
            "a web page",
        ),
        (
            http("200 OK", &[], "canary, canary"),
            ErrorKind::Unexpected,
            "is not JSON",
        ),
        (http("200 OK", &[], ""), ErrorKind::Unexpected, "is empty"),
        (
            http(
                "200 OK",
                &[],
                r#"{"access_token":"canary","expires_in":"soon"}"#,
            ),
            ErrorKind::Unexpected,
            "expires_in",
        ),
        (
            http(
                "200 OK",
                &[],
                r#"{"access_token":"canary","expires_in":9,"token_type":"mac"}"#,
            ),
            ErrorKind::Unexpected,
            "'mac'",
        ),
        (
            http(
                "302 Found",
                &["Location: http://169.254.169.253/canary"],
                "",
            ),
            ErrorKind::Unexpected,
            "which is not followed",
        ),
        (
            http("400 Bad Request", &[], "<html>"),
            ErrorKind::Unexpected,
            "a web page",
        ),
        (
            http("400 Bad Request", &[], &echo),
            ErrorKind::Refused,
            "is wrong",
        ),
        (
            http(
                "400 Bad Request",
                &[],
                r#"{"error":"invalid_request","error_description":"Identity not found"}"#,
            ),
            ErrorKind::Unavailable,
            "not have this identity",
        ),
        (
            http("500 Oh", &["Retry-After: 3600"], r#"{"message":"oh"}"#),
            ErrorKind::Unreachable,
            "failed",
        ),
        (
            http("429 Slow", &["Retry-After: 3600"], ""),
            ErrorKind::Unreachable,
            "too many requests",
        ),
        (
            http(
                "200 OK",
                &[],
                &"canary ".repeat(azcred::http::BODY_LIMIT / "canary ".len() + 1),
            ),
            ErrorKind::Unexpected,
            "sent more than",
        ),
        (
            Answer::Bytes(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{".to_vec()),
            ErrorKind::Unreachable,
            "",
        ),
    ] {
        let server = Server::start([answer]).await;
        let one = |(host, machine): (&'static str, Fixture)| async move {
            let error = ask(&machine, Duration::from_secs(5)).await.unwrap_err();
            assert_eq!(error.kind(), kind, "{host}: {error}");
            assert!(error.why().contains(why), "{host}: {error}");
        };
        // A host that was sent no secret can't repeat it.
        let knows =
            |host| kind != ErrorKind::Refused || !matches!(host, "Cloud Shell" | "Arc" | "IMDS");
        join_all(
            hosts(&server)
                .into_iter()
                .filter(|(host, _)| knows(*host))
                .map(one),
        )
        .await;
    }
}

#[tokio::test]
async fn a_host_that_never_answers_is_waited_for_until_the_deadline() {
    for answer in [Answer::Hang, Answer::Close, http("410 Gone", &[], "")] {
        let server = Server::start([answer]).await;
        let one = |(host, machine): (&'static str, Fixture)| async move {
            let error = ask(&machine, Duration::from_millis(300)).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Unreachable, "{host}: {error}");
            assert!(
                !error.fix().unwrap().to_string().contains("HTTPS_PROXY"),
                "{error}"
            );
        };
        join_all(hosts(&server).map(one)).await;
    }
}

/// Fixture variables with Azure Arc's folder on the real disk.
#[derive(Debug)]
struct Connected {
    machine: Fixture,
    folder: PathBuf,
}

#[cfg_attr(not(unix), expect(dead_code, reason = "its tests run on Unix only"))]
impl Connected {
    fn new(server: &Server) -> Self {
        let folder = std::env::temp_dir().join(format!("azcred-arc-{}", uuid::Uuid::new_v4()));
        fs::create_dir(&folder).unwrap();
        let endpoint = at(server, "/token");
        Self {
            machine: machine(&[
                ("IDENTITY_ENDPOINT", &endpoint),
                ("IMDS_ENDPOINT", &endpoint),
            ]),
            folder,
        }
    }

    /// What another process does after this one looked at a key: it puts a link in its place.
    #[cfg(unix)]
    fn attack(&self, path: &Path) {
        let secret = self.folder.join("secret");
        if path.ends_with("swapped.key") && secret.exists() {
            let path = self.real(path);
            fs::remove_file(&path).unwrap();
            std::os::unix::fs::symlink(secret, path).unwrap();
        }
    }

    #[cfg(not(unix))]
    fn attack(&self, _: &Path) {}

    fn real(&self, path: &Path) -> PathBuf {
        match path.strip_prefix(FOLDER) {
            Ok(rest) if rest.as_os_str().is_empty() => self.folder.clone(),
            Ok(rest) => self.folder.join(rest),
            Err(_) => path.to_owned(),
        }
    }
}

impl Drop for Connected {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

impl azcred::system::Sealed for Connected {}

impl System for Connected {
    fn var(&self, name: &str) -> Option<String> {
        self.machine.var(name)
    }
    fn read(&self, path: &Path, limit: u64) -> io::Result<Vec<u8>> {
        RealSystem.read(&self.real(path), limit)
    }
    fn open(&self, path: &Path) -> io::Result<OpenFile> {
        let opened = RealSystem.open(&self.real(path));
        self.attack(path);
        opened
    }
    fn look(&self, path: &Path) -> io::Result<FileFacts> {
        let seen = RealSystem.look(&self.real(path));
        self.attack(path);
        seen
    }
    fn write(&self, path: &Path, content: &[u8]) -> io::Result<()> {
        self.machine.write(path, content)
    }
    fn find_program(&self, name: &str) -> Option<PathBuf> {
        self.machine.find_program(name)
    }
    fn run(
        &self,
        command: azcred::system::Command,
    ) -> futures_util::future::BoxFuture<
        'static,
        Result<azcred::system::Finished, azcred::system::Unfinished>,
    > {
        self.machine.run(command)
    }
    fn hypervisor(&self) -> azcred::system::Hypervisor {
        self.machine.hypervisor()
    }
    fn os(&self) -> &'static str {
        "linux"
    }
    fn boot(&self) -> Option<String> {
        self.machine.boot()
    }
    fn now(&self) -> SystemTime {
        self.machine.now()
    }
}

#[cfg_attr(not(unix), expect(dead_code, reason = "its tests run on Unix only"))]
fn challenge(file: &str) -> Answer {
    http(
        "401 Unauthorized",
        &[&format!("WWW-Authenticate: Basic realm={file}")],
        "",
    )
}

#[cfg(unix)]
#[tokio::test]
async fn azure_arcs_agent_gets_the_requested_key() {
    let server = Server::start([challenge(&format!("{FOLDER}/a.key")), token()]).await;
    let connected = Connected::new(&server);
    fs::write(connected.folder.join("a.key"), format!("{CANARY}\n")).unwrap();
    let token = ask_as(ManagedIdentityId::SYSTEM, Arc::new(connected), AMPLE)
        .await
        .unwrap();
    assert_eq!(token.secret(), "the-token");
    let [first, second] = <[String; 2]>::try_from(server.seen()).unwrap();
    assert!(!first.contains("uthorization"), "{first}");
    assert!(
        second.contains(&format!("uthorization: Basic {CANARY}\r\n")),
        "{second}"
    );
}

#[cfg(unix)]
#[tokio::test]
async fn azure_arcs_agent_gets_no_other_file() {
    let big = 1 << 30;
    for file in [
        "/etc/shadow",
        "/etc/passwd",
        &format!("{FOLDER}/../elsewhere/a.key"),
        &format!("{FOLDER}/../../../../etc/passwd"),
        &format!("{FOLDER}/sub/a.key"),
        &format!("{FOLDER}/link.key"),
        &format!("{FOLDER}/big.key"),
        &format!("{FOLDER}/pipe.key"),
        &format!("{FOLDER}/folder.key"),
        &format!("{FOLDER}/two-lines.key"),
        &format!("{FOLDER}/a.txt"),
    ] {
        let server = Server::start([challenge(file), token()]).await;
        let connected = Connected::new(&server);
        let folder = &connected.folder;
        fs::create_dir(folder.join("sub")).unwrap();
        fs::create_dir(folder.join("folder.key")).unwrap();
        for name in ["a.txt", "sub/a.key"] {
            fs::write(folder.join(name), CANARY).unwrap();
        }
        fs::write(folder.join("two-lines.key"), format!("{CANARY}\n{CANARY}")).unwrap();
        fs::write(folder.join("target"), CANARY).unwrap();
        std::os::unix::fs::symlink(folder.join("target"), folder.join("link.key")).unwrap();
        // A sparse file takes no space.
        fs::File::create(folder.join("big.key"))
            .unwrap()
            .set_len(big)
            .unwrap();
        let _pipe = std::os::unix::net::UnixListener::bind(folder.join("pipe.key")).unwrap();
        let error = ask_as(ManagedIdentityId::SYSTEM, Arc::new(connected), AMPLE)
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unexpected, "{file}: {error}");
        assert!(
            error.fix().unwrap().to_string().contains("azcmagent show"),
            "{error}"
        );
        assert_eq!(server.requests(), 1, "{file}");
    }
}

/// A path can lead to another file after it was looked at.
#[cfg(unix)]
#[tokio::test]
async fn a_file_that_is_put_in_a_keys_place_meanwhile_is_not_sent() {
    let server = Server::start([challenge(&format!("{FOLDER}/swapped.key")), token()]).await;
    let connected = Connected::new(&server);
    fs::write(connected.folder.join("swapped.key"), "the-agents-key").unwrap();
    fs::write(connected.folder.join("secret"), CANARY).unwrap();
    let answer = ask_as(ManagedIdentityId::SYSTEM, Arc::new(connected), AMPLE).await;
    for request in server.seen() {
        assert!(!request.contains(CANARY), "{request}");
    }
    assert_eq!(answer.unwrap().secret(), "the-token");
}

#[cfg(unix)]
#[tokio::test]
async fn azure_arcs_agent_must_confirm_the_identity_that_was_chosen() {
    let chosen = || ManagedIdentityId::client(ClientId::new(CLIENT).unwrap());
    let soon = r#""access_token":"the-token","expires_in":"3600""#;
    for (more, confirmed) in [
        (format!(r#","client_id":"{}""#, CLIENT.to_uppercase()), true),
        (String::new(), false),
        (r#","client_id":"another""#.to_owned(), false),
        (format!(r#","object_id":"{CLIENT}""#), false),
    ] {
        let answer = http("200 OK", &[], &format!("{{{soon}{more}}}"));
        let server = Server::start([challenge(&format!("{FOLDER}/a.key")), answer]).await;
        let connected = Connected::new(&server);
        fs::write(connected.folder.join("a.key"), CANARY).unwrap();
        let outcome = ask_as(chosen(), Arc::new(connected), AMPLE).await;
        assert_eq!(outcome.is_ok(), confirmed, "{more}: {outcome:?}");
        if let Err(error) = outcome {
            assert!(error.is_refused(), "{error}");
            assert!(error.why().contains("did not confirm"), "{error}");
        }
    }
}

/// A machine in a local Azure.
fn inside(emulator: &Emulator, persona: Persona) -> Fixture {
    let mut machine = Fixture::new();
    for (name, value) in emulator.info().environment(persona, Way::Ports).set {
        machine = machine.with_var(&name, &value);
    }
    machine
}

#[tokio::test]
async fn every_host_of_a_local_azure_returns_a_token() {
    let emulator = Emulator::start(Options::default()).await.unwrap();
    let mut identities = Vec::new();
    for persona in [
        Persona::Vm,
        Persona::AppService,
        Persona::ServiceFabric,
        Persona::AzureMlCompute,
        Persona::CloudShell,
    ] {
        let token = ask(&inside(&emulator, persona), AMPLE).await;
        let token = token.unwrap_or_else(|error| panic!("{persona:?}: {error}"));
        let claims = token.unverified_claims().unwrap();
        assert_eq!(claims["aud"], "https://management.azure.com", "{persona:?}");
        identities.push((persona, claims["oid"].clone()));
    }
    let (_, vm) = &identities[0];
    let (_, shell) = &identities[4];
    assert_ne!(vm, shell, "{identities:?}");
}

#[tokio::test]
async fn an_identity_that_a_host_of_a_local_azure_does_not_have_is_unavailable() {
    let emulator = Emulator::start(Options::default()).await.unwrap();
    for (persona, fix) in [
        (Persona::Vm, "az vm identity assign"),
        (Persona::AppService, "az webapp identity assign"),
        (Persona::AzureMlCompute, "az ml compute update"),
    ] {
        let nobody = ManagedIdentityId::client(ClientId::new(CLIENT).unwrap());
        let error = ask_as(nobody, inside(&emulator, persona).shared(), AMPLE)
            .await
            .unwrap_err();
        assert!(error.is_unavailable(), "{persona:?}: {error}");
        assert!(error.fix().unwrap().to_string().contains(fix), "{error}");
    }
}

#[tokio::test]
async fn service_fabrics_server_is_known_by_its_certificate_alone() {
    let emulator = Emulator::start(Options::default()).await.unwrap();
    let another = "0123456789abcdef0123456789abcdef01234567";
    let machine = inside(&emulator, Persona::ServiceFabric)
        .with_var("IDENTITY_SERVER_THUMBPRINT", another)
        .with_var("IDENTITY_HEADER", CANARY);
    let error = ask(&machine, AMPLE).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unreachable, "{error}");
    assert!(
        error
            .fix()
            .unwrap()
            .to_string()
            .contains("IDENTITY_SERVER_THUMBPRINT"),
        "{error}"
    );
}

/// `localhost.` and this machine's own names are judged by their addresses.
#[tokio::test]
async fn a_name_of_this_machine_is_an_endpoint() {
    let server = Server::start([token()]).await;
    for host in ["localhost", "localhost.", "LOCALHOST"] {
        let endpoint = format!("http://{host}:{}/token", server.address.port());
        let machine = machine(&[
            ("IDENTITY_ENDPOINT", &endpoint),
            ("IDENTITY_HEADER", CANARY),
        ]);
        let token = ask(&machine, AMPLE).await.unwrap();
        assert_eq!(token.secret(), "the-token", "{host}");
    }
}

#[tokio::test]
async fn an_identity_of_something_else_is_named_with_its_variable() {
    let server = Server::start([http(
        "400 Bad Request",
        &[],
        r#"{"error":"invalid_request","error_description":"Identity not found"}"#,
    )])
    .await;
    let machine = machine(&[
        ("AZURE_POD_IDENTITY_AUTHORITY_HOST", &at(&server, "/")),
        ("AZURE_CLIENT_ID", CLIENT),
    ]);
    use azcred::chain::{Chain, Source};
    let options = ClientOptions::new(machine.shared()).with_deadline(AMPLE);
    // The variable alone is the begin of a service principal too.
    for only in [
        &[Source::ManagedIdentity][..],
        &[Source::Environment, Source::ManagedIdentity],
    ] {
        let chain = Chain::builder(options.clone()).only(only.iter().copied());
        let error = chain
            .build()
            .get_token(&TokenRequest::new(Scope::ARM))
            .await
            .unwrap_err();
        let shown = error.to_string();
        assert!(
            shown.contains(&format!("client id {CLIENT}, which AZURE_CLIENT_ID names")),
            "{shown}"
        );
        let fix = error.fix().unwrap().to_string();
        assert!(
            fix.starts_with("if it is not meant for this machine, unset AZURE_CLIENT_ID"),
            "{fix}"
        );
    }
}
