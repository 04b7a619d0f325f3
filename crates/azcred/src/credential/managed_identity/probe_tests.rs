//! Tests of other servers in the place of an instance metadata service, and of how long a missing
//! response is remembered.

use super::*;
use crate::{
    options::ClientOptions,
    system::{FileFacts, Fixture, Hypervisor, Writers},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
    task::JoinSet,
};

const FILE: &str = "/home/ada/.cache/azcred/imds";
const AMPLE: Duration = Duration::from_secs(60);

fn machine() -> Fixture {
    Fixture::new()
        .with_var("HOME", "/home/ada")
        .at(SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000))
}

/// What shows that a machine is one of Azure's, or that it is not, or neither.
fn evidence(is_azure: Option<bool>) -> Evidence {
    match is_azure {
        Some(true) => Evidence::AzureAssetTag,
        Some(false) => Evidence::Wsl,
        None => Evidence::HyperV,
    }
}

pub(in super::super) fn probe(time: Duration) -> Probe {
    Probe {
        time: Some(time),
        ..Probe::new("Looked".to_owned())
    }
}

fn endpoint(address: std::net::SocketAddr) -> Endpoint {
    let url = format!("http://{address}/token").parse().unwrap();
    Endpoint::fixed(url, &ClientOptions::new(Fixture::new().shared()))
}

/// Probes a server that accepts connections and sends nothing.
async fn meet_silence(machine: &Fixture, says: Option<bool>) -> Probe {
    let server = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let probe = probe(Duration::from_millis(20));
    let endpoint = endpoint(server.local_addr().unwrap());
    let error = probe
        .look(&endpoint, &evidence(says), machine)
        .await
        .unwrap_err();
    assert!(error.is_unavailable(), "{error}");
    assert!(
        error.why().contains(&format!(
            "{}, and the metadata service did not answer within",
            evidence(says)
        )),
        "{error}"
    );
    probe
}

/// Probes a server that sends this response to every request.
async fn meet(answer: &str) -> (Result<(), Error>, Fixture) {
    let server = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = endpoint(server.local_addr().unwrap());
    let answer = answer.to_owned();
    let mut tasks = JoinSet::new();
    tasks.spawn(async move {
        while let Ok((mut stream, _)) = server.accept().await {
            let mut request = [0; 4096];
            let read = stream.read(&mut request).await.unwrap_or_default();
            assert!(
                !String::from_utf8_lossy(&request[..read])
                    .to_ascii_lowercase()
                    .contains("metadata:")
            );
            let _ = stream.write_all(answer.as_bytes()).await;
        }
    });
    let machine = machine();
    let outcome = probe(AMPLE).look(&at, &evidence(None), &machine).await;
    (outcome, machine)
}

fn http(status: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

#[tokio::test]
async fn a_server_that_rejects_a_request_without_the_header_is_the_service() {
    for status in [
        "400 Bad Request",
        "410 Gone",
        "429 Too Many Requests",
        "500 Oh",
        "503 Oh",
    ] {
        assert!(meet(&http(status, "")).await.0.is_ok(), "{status}");
    }
}

#[tokio::test]
async fn another_server_is_not_the_service_and_is_not_remembered() {
    for (answer, why) in [
        (http("404 Not Found", ""), "HTTP 404"),
        (http("401 Unauthorized", ""), "HTTP 401"),
        (http("200 OK", r#"{"access_token":"t"}"#), "HTTP 200"),
        (
            http(
                "403 Forbidden",
                "connecting to 169.254.169.254: unreachable network",
            ),
            "Docker Desktop",
        ),
        (http("403 Forbidden", "no"), "HTTP 403"),
        (http("302 Found", ""), "redirect"),
        ("gibberish\r\n\r\n".to_owned(), "in Azure or elsewhere, and"),
        (String::new(), "in Azure or elsewhere, and"),
    ] {
        let (outcome, machine) = meet(&answer).await;
        let error = outcome.unwrap_err();
        assert!(error.is_unavailable(), "{answer}: {error}");
        assert!(error.why().contains(why), "{error}");
        assert!(read(&machine).is_none(), "{answer}");
    }
}

#[tokio::test]
async fn an_unreachable_address_is_unavailable_and_not_remembered() {
    let server = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = endpoint(server.local_addr().unwrap());
    drop(server);
    let machine = machine();
    let error = probe(AMPLE)
        .look(&at, &evidence(Some(false)), &machine)
        .await
        .unwrap_err();
    assert!(error.is_unavailable(), "{error}");
    assert!(read(&machine).is_none());
}

#[tokio::test]
async fn a_missing_response_is_remembered_until_evidence_for_the_service() {
    let minutes = |count: u64| Duration::from_secs(60 * count);
    let years = minutes(60 * 24 * 365);
    for (says, boot, counts, no_more) in [
        (Some(false), Some("first"), Some(years), None),
        (Some(false), None, Some(minutes(60)), Some(minutes(61))),
        (None, Some("first"), Some(minutes(10)), Some(minutes(11))),
        (None, None, Some(minutes(10)), Some(minutes(11))),
        (Some(true), Some("first"), None, Some(Duration::ZERO)),
    ] {
        let machine = machine().with_boot(boot);
        let same = meet_silence(&machine, says).await;
        let began = machine.now();
        // The memory of a process counts as the file does.
        for probe in [&same, &probe(AMPLE)] {
            let is_remembered =
                |machine: &Fixture| probe.remembered(&evidence(says), machine).is_some();
            if let Some(counts) = counts {
                machine.set_clock(began + counts);
                assert!(is_remembered(&machine), "{says:?} {boot:?}");
                assert!(
                    !is_remembered(&machine.clone().with_boot(Some("second"))),
                    "{says:?} {boot:?}"
                );
            }
            if let Some(no_more) = no_more {
                machine.set_clock(began + no_more);
                assert!(!is_remembered(&machine), "{says:?} {boot:?}");
            }
            machine.set_clock(began);
        }
    }
}

#[tokio::test]
async fn the_error_of_a_remembered_probe_says_when_it_was_and_how_to_repeat_it() {
    let machine = machine();
    meet_silence(&machine, Some(false)).await;
    let error = probe(AMPLE)
        .remembered(&evidence(Some(false)), &machine)
        .unwrap();
    assert!(error.is_unavailable(), "{error}");
    assert_eq!(
        error.why(),
        "this is WSL on a Windows computer, and the metadata service did not answer at 1970-01-12T13:46:40Z"
    );
    assert!(
        error
            .fix()
            .unwrap()
            .to_string()
            .contains("AZCRED_IMDS=always"),
        "{error}"
    );
}

#[tokio::test]
async fn a_process_that_can_not_write_remembers_a_missing_response_itself() {
    let machine = Fixture::new();
    let probe = meet_silence(&machine, Some(false)).await;
    assert!(probe.remembered(&evidence(Some(false)), &machine).is_some());
    assert!(read(&machine).is_none());
}

#[test]
fn a_memory_that_is_damaged_another_users_or_from_the_future_is_ignored() {
    let says = evidence(Some(false));
    let with = |content: &str| machine().with_file(FILE, content);
    let good = r#"{"boot":"first","at":999999}"#;
    assert!(probe(AMPLE).remembered(&says, &with(good)).is_some());
    for bad in [
        "",
        "silent",
        r#"{"boot":"first"}"#,
        r#"{"boot":"first","at":-1}"#,
        r#"{"boot":"first","at":18446744073709551615}"#,
        r#"{"boot":"first","at":1000001}"#,
        r#"{"boot":"second","at":999999}"#,
        r#"{"boot":null,"at":999999}"#,
        r#"{"boot":"first","at":999999,"more":1}"#,
        &format!("{good}{}", " ".repeat(5000)),
    ] {
        assert!(
            probe(AMPLE).remembered(&says, &with(bad)).is_none(),
            "{bad}"
        );
    }
}

#[tokio::test]
async fn if_the_evidence_changes_the_memory_is_ignored() {
    // If a laptop's disk is moved to an Azure machine, its memory does not count there.
    let laptop = machine().with_hypervisor(Hypervisor::None);
    meet_silence(&laptop, Some(false)).await;
    assert!(
        probe(AMPLE)
            .remembered(&evidence(Some(true)), &laptop)
            .is_none()
    );
}

#[tokio::test]
async fn a_memory_that_another_user_could_have_written_is_ignored() {
    let machine = machine();
    meet_silence(&machine, Some(false)).await;
    let content = machine.read(FILE.as_ref(), FILE_LIMIT).unwrap();
    let own = machine.look(FILE.as_ref()).unwrap();
    let remembers = |facts| {
        let machine = machine.clone().with_facts(FILE, facts, content.clone());
        Probe::new("Looked".to_owned())
            .remembered(&evidence(Some(false)), &machine)
            .is_some()
    };
    assert!(remembers(own));
    let facts = |kind, owner, writers| FileFacts {
        kind,
        owner,
        writers,
        ..own
    };
    for foreign in [
        facts(FileKind::File, Some(1001), Writers::Owner),
        facts(FileKind::File, own.owner, Writers::Anybody),
        facts(FileKind::File, own.owner, Writers::Group),
        facts(FileKind::Link, own.owner, Writers::Owner),
    ] {
        assert!(!remembers(foreign), "{foreign:?}");
    }
}

proptest::proptest! {
    #![proptest_config(crate::hostile::cases())]

    #[test]
    fn no_damaged_memory_causes_a_panic_or_outlives_its_boot(
        content in crate::hostile::spoilt(r#"{"boot":"first","at":999999}"#)
    ) {
        let machine = machine().with_file(FILE, content);
        let probe = Probe::new("Looked".to_owned());
        for says in [Some(true), Some(false), None] {
            let _ = probe.remembered(&evidence(says), &machine);
        }
        let later = machine.with_boot(Some("second"));
        proptest::prop_assert!(probe.remembered(&evidence(Some(false)), &later).is_none());
    }
}
