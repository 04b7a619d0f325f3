//! Tests with an instance metadata service that exists, does not, or is unavailable for a while.

use super::*;
use crate::{
    credential::managed_identity::{ManagedIdentityId, probe},
    facts::Evidence,
    system::{Fixture, Hypervisor, SharedSystem},
    tenant::ClientId,
};
use std::sync::{Arc, Mutex};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
    task::JoinSet,
};

const TAG_FILE: &str = "/sys/class/dmi/id/chassis_asset_tag";
const TOKEN: &str = r#"{"access_token":"the-token","expires_in":"3600","token_type":"Bearer"}"#;
const AMPLE: Duration = Duration::from_secs(60);

/// The machine's own identity.
fn own() -> Used {
    ManagedIdentityId::SYSTEM.used("IMDS")
}

fn laptop() -> Fixture {
    Fixture::new()
        .with_var("HOME", "/home/ada")
        .with_file(TAG_FILE, "No Asset Tag\n")
}

/// A server that sends the nth response to the nth request, and the last one to later requests.
/// `None` sends nothing.
struct Service {
    url: String,
    seen: Arc<Mutex<Vec<String>>>,
    _tasks: JoinSet<()>,
}

impl Service {
    async fn start<const N: usize>(answers: [Option<(u16, &'static str)>; N]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let seen = Arc::new(Mutex::new(Vec::new()));
        let log = seen.clone();
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let mut silent = Vec::new();
            let mut number = 0;
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut request = [0; 4096];
                let read = stream.read(&mut request).await.unwrap_or_default();
                log.lock().unwrap().push(String::from_utf8_lossy(&request[..read]).to_ascii_lowercase());
                let answer = answers[number.min(N - 1)];
                number += 1;
                match answer {
                    None => silent.push(stream),
                    Some((status, body)) => {
                        let answer = format!(
                            "HTTP/1.1 {status} X\r\nConnection: close\r\nRetry-After-Ms: 1\r\nContent-Length: {}\r\n\r\n{body}",
                            body.len()
                        );
                        let _ = stream.write_all(answer.as_bytes()).await;
                    }
                }
            }
        });
        Self {
            url,
            seen,
            _tasks: tasks,
        }
    }

    fn seen(&self) -> Vec<String> {
        self.seen.lock().unwrap().clone()
    }

    fn imds(&self, machine: &Fixture, probe: Option<Duration>) -> Imds {
        let options = ClientOptions::new(machine.clone().shared());
        Imds {
            endpoint: Endpoint::fixed(self.url.parse().unwrap(), &options).with_path(TOKEN_PATH),
            probe: probe.map(probe::tests::probe),
        }
    }
}

async fn ask(imds: &Imds, machine: &Fixture, deadline: Duration) -> Result<AccessToken> {
    let system: SharedSystem = machine.clone().shared();
    let id = ManagedIdentityId::client(ClientId::new("c11e").unwrap());
    imds.request_token(Asking {
        variable: None,
        what: "Asked".to_owned(),
        resource: "https://management.azure.com",
        id: &id,
        system: &system,
        deadline,
    })
    .await
}

#[tokio::test]
async fn a_machine_that_may_have_the_service_probes_before_a_request() {
    for machine in [
        laptop(),
        Fixture::new().with_hypervisor(Hypervisor::HyperV),
        Fixture::new().with_file(TAG_FILE, "7783-7084-3265-9085-8269-3286-77"),
    ] {
        let service = Service::start([Some((400, "{}")), Some((200, TOKEN))]).await;
        let imds = service.imds(&machine, Some(AMPLE));
        assert_eq!(
            ask(&imds, &machine, AMPLE).await.unwrap().secret(),
            "the-token"
        );
        let [look, request] = <[String; 2]>::try_from(service.seen()).unwrap();
        assert!(!look.contains("metadata: true"), "{look}");
        assert!(request.contains("metadata: true"), "{request}");
        assert!(
            request.starts_with("get /metadata/identity/oauth2/token?api-version=2018-02-01&resource=https%3a%2f%2fmanagement.azure.com&client_id=c11e http"),
            "{request}"
        );
    }
}

#[tokio::test]
async fn a_laptop_waits_for_a_missing_service_once() {
    let machine = laptop();
    let service = Service::start([None]).await;
    let imds = service.imds(&machine, Some(Duration::from_millis(20)));
    assert!(matches!(
        imds.look(own(), &machine),
        Availability::Doubtful { using }
            if using.doubt() == Some(&Evidence::OtherAssetTag("No Asset Tag".to_owned()))
    ));
    let first = ask(&imds, &machine, AMPLE).await.unwrap_err();
    assert!(first.is_unavailable(), "{first}");
    // Another process reads the result from the disk.
    let imds = service.imds(&machine, Some(AMPLE));
    assert!(matches!(
        imds.look(own(), &machine),
        Availability::Unavailable(error) if error.why().contains("did not answer at")
    ));
    let second = ask(&imds, &machine, AMPLE).await.unwrap_err();
    assert!(second.is_unavailable(), "{second}");
    assert!(service.seen().len() <= 1, "{:?}", service.seen());
}

#[tokio::test]
async fn the_service_is_waited_for_during_an_update() {
    let away = Some((410, ""));
    let service = Service::start([
        away,
        away,
        away,
        away,
        away,
        away,
        away,
        away,
        away,
        Some((200, TOKEN)),
    ])
    .await;
    let machine = laptop();
    let imds = service.imds(&machine, None);
    assert_eq!(
        ask(&imds, &machine, AMPLE).await.unwrap().secret(),
        "the-token"
    );
    assert_eq!(service.seen().len(), 10);
}

#[tokio::test]
async fn the_service_is_waited_for_until_the_deadline() {
    let service = Service::start([Some((410, ""))]).await;
    let machine = laptop();
    let imds = service.imds(&machine, None);
    let error = ask(&imds, &machine, Duration::from_secs(2))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unreachable, "{error}");
    assert!(
        error
            .why()
            .contains("the instance metadata service (IMDS) is being updated (HTTP 410; tried "),
        "{error}"
    );
    assert!(service.seen().len() > 1);
    let options = ClientOptions::new(machine.shared());
    assert_eq!(imds.deadline(&options), Duration::from_secs(80));
    assert_eq!(imds.deadline(&options.with_deadline(AMPLE)), AMPLE);
}

#[tokio::test]
async fn other_temporary_failures_are_retried_six_times() {
    for status in [404, 429, 500, 503] {
        let body = r#"{"error":"not_found","error_description":"Resource not found"}"#;
        let service = Service::start([Some((status, body))]).await;
        let machine = laptop();
        let imds = service.imds(&machine, None);
        let error = ask(&imds, &machine, AMPLE).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unreachable, "{error}");
        assert_eq!(service.seen().len(), 6, "{status}");
    }
}

#[tokio::test]
async fn docker_desktops_response_is_not_the_services() {
    let service = Service::start([Some((
        403,
        "dial tcp 169.254.169.254:80: A socket operation was attempted to an unreachable network.",
    ))])
    .await;
    let machine = laptop();
    for probe in [None, Some(AMPLE)] {
        let error = ask(&service.imds(&machine, probe), &machine, AMPLE)
            .await
            .unwrap_err();
        assert!(error.is_unavailable(), "{error}");
        assert!(error.why().contains("Docker Desktop"), "{error}");
    }
}

fn made(machine: Fixture, pinned: bool) -> Result<(Imds, Fixture)> {
    let options = ClientOptions::new(machine.clone().shared());
    Imds::new(pinned, &options).map(|imds| (imds, machine))
}

#[test]
fn the_variables_and_a_single_source_come_before_all_evidence() {
    let remembered =
        laptop().with_file("/home/ada/.cache/azcred/imds", r#"{"boot":"first","at":1}"#);
    let look = |machine: Fixture, pinned| {
        let (imds, machine) = made(machine, pinned).unwrap();
        (imds.probe.is_some(), imds.look(own(), &machine))
    };
    for (machine, pinned, is_probed) in [
        (remembered.clone(), true, false),
        (
            remembered.clone().with_var("AZCRED_IMDS", "always"),
            false,
            false,
        ),
        // If a variable names the service, the request is sent at once, without a probe.
        (
            remembered.clone().with_var(MOVED, "http://127.0.0.1:2579"),
            false,
            true,
        ),
    ] {
        let (probes, look) = look(machine, pinned);
        assert_eq!(probes, is_probed);
        assert!(matches!(look, Availability::Possible { .. }), "{look:?}");
    }
    assert!(matches!(
        look(remembered.clone(), false),
        (true, Availability::Unavailable(_))
    ));
    let azure = remembered.with_file(TAG_FILE, "7783-7084-3265-9085-8269-3286-77\n");
    assert!(matches!(
        look(azure, false),
        (true, Availability::Possible { using })
            if using == own().at("169.254.169.254".to_owned(), Some(Evidence::AzureAssetTag))
    ));
}

#[test]
fn azcred_imds_never_sends_no_request() {
    for pinned in [true, false] {
        let error = made(laptop().with_var("AZCRED_IMDS", "never"), pinned).unwrap_err();
        assert!(error.is_unavailable(), "{error}");
        assert!(error.why().contains("AZCRED_IMDS is set to"), "{error}");
    }
}

/// As in `azcred emulator exec`: without the variable, the machine's own identity could be used.
#[test]
fn where_another_service_replaces_it_unsetting_azcred_imds_is_no_fix() {
    let never = || laptop().with_var("AZCRED_IMDS", "never");
    let moved = never().with_var(MOVED, "http://127.0.0.1:1");
    for (machine, unsets) in [(never(), true), (moved, false)] {
        let error = made(machine, true).unwrap_err();
        let fix = error.fix().unwrap().to_string();
        assert_eq!(fix.contains("unset"), unsets, "{error}");
        assert_eq!(error.is_absent(), !unsets, "{error}");
    }
}

#[test]
fn an_invalid_address_is_named() {
    for bad in ["169.254.169.254", "http://8.8.8.8/", "localhost:80"] {
        let error = made(laptop().with_var(MOVED, bad), false).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid, "{bad}");
        assert!(error.what().contains(MOVED), "{error}");
    }
}
