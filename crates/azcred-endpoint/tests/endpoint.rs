//! An endpoint over real sockets: with an emulated identity, and with clients that misbehave.

#[allow(dead_code, reason = "each test file uses its own part")]
mod support;

use azcred::{
    Credential as _, EnvironmentCredential, EnvironmentOrder, Error, ErrorKind, Scope,
    TokenRequest, system::Fixture,
};
use azcred_emulator::{Emulator, Persona, Way};
use azcred_endpoint::{Allow, Endpoint, Options};
use std::{
    fs,
    sync::Arc,
    time::{Duration, SystemTime},
};
use support::{Given, Log, Service};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

const ARM: &str = "https%3A%2F%2Fmanagement.azure.com";
const LONG: Duration = Duration::from_secs(20);

/// A service principal of an emulated Azure, and its machine.
async fn principal(emulator: &Emulator) -> (Fixture, EnvironmentCredential) {
    let info = emulator.info();
    let bundle = fs::read(&info.ca_bundle).unwrap();
    let mut machine = Fixture::new().with_file(&info.ca_bundle, bundle);
    for (name, value) in info.environment(Persona::ServicePrincipal, Way::Ports).set {
        machine = machine.with_var(&name, &value);
    }
    let machine = machine.at(SystemTime::now());
    let options = azcred::ClientOptions::new(machine.clone().shared()).with_deadline(LONG);
    let options = options.with_discovered_cloud().await.unwrap();
    let session = EnvironmentCredential::new(EnvironmentOrder::AzureFirst, options).unwrap();
    (machine, session)
}

#[tokio::test]
async fn a_program_gets_the_sessions_token_in_both_protocols() {
    let emulator = Emulator::start(azcred_emulator::Options::default())
        .await
        .unwrap();
    let (_, session) = principal(&emulator).await;
    let request = TokenRequest::new(Scope::ARM);
    let own = session.get_token(&request).await.unwrap();
    let client_id = azcred::Principal::from_token(&own)
        .unwrap()
        .application_id
        .unwrap();
    let log = Log::default();
    let options = Options::new(Allow::everything()).with_azure_ml();
    let endpoint = Endpoint::start(Arc::new(session), options.with_audit(log.shared()));
    let endpoint = endpoint.await.unwrap();
    let service = Service::of(&endpoint);

    let modern = service.token(&format!("resource={ARM}")).await;
    assert_eq!(modern.status, 200, "{modern:?}");
    assert_eq!(modern.json["access_token"], own.secret());
    let ends = own.expires_on().unix_timestamp();
    assert_eq!(modern.json["expires_on"], ends.to_string());
    assert_eq!(modern.json["resource"], "https://management.azure.com");
    assert_eq!(modern.json["token_type"], "Bearer");
    assert_eq!(modern.json["client_id"], client_id.raw());
    assert!(
        modern.head.contains("cache-control: no-store"),
        "{}",
        modern.head
    );

    let old = service
        .send(&format!(
            "GET /msi/token?api-version=2017-09-01&resource={ARM}&clientid={} HTTP/1.1\r\nsecret: {}\r\n",
            client_id.raw(),
            service.secret
        ))
        .await;
    assert_eq!(old.json["access_token"], own.secret(), "{old:?}");
    assert_eq!(old.json["expires_on"], ends);

    let lines = log.lines();
    assert_eq!(lines.len(), 2);
    for line in lines {
        assert!(line.contains(" token client=127.0.0.1:"), "{line}");
        let program = format!("[{}] resource=", std::process::id());
        assert_eq!(line.contains(&program), endpoint.checks_users(), "{line}");
        assert!(
            line.contains("resource=https://management.azure.com expires="),
            "{line}"
        );
        assert!(
            !line.contains(own.secret()) && !line.contains(&service.secret),
            "{line}"
        );
    }
}

#[tokio::test]
async fn a_program_gets_a_new_token_before_the_old_one_expires() {
    let emulator = Emulator::start(azcred_emulator::Options::default())
        .await
        .unwrap();
    let (machine, session) = principal(&emulator).await;
    let endpoint = Endpoint::start(Arc::new(session), Options::new(Allow::everything()));
    let endpoint = endpoint.await.unwrap();
    let service = Service::of(&endpoint);
    let get = async || {
        let answer = service.token(&format!("resource={ARM}")).await;
        let ends: i64 = answer.json["expires_on"].as_str().unwrap().parse().unwrap();
        (answer.json["access_token"].clone(), ends)
    };
    let (first, ends) = get().await;
    assert_eq!(get().await, (first.clone(), ends));
    let end = SystemTime::UNIX_EPOCH + Duration::from_secs(ends.try_into().unwrap());
    for before in [Duration::from_secs(5), Duration::ZERO] {
        machine.set_clock(end - before);
        let (second, later) = get().await;
        assert_ne!(second, first);
        assert!(later > ends + 1800, "{later} {ends}");
    }
}

#[tokio::test]
async fn a_head_of_a_megabyte_is_rejected_and_others_are_served() {
    let log = Log::default();
    let options = Options::new(Allow::everything()).with_audit(log.shared());
    let endpoint = Endpoint::start(Given::token("t"), options).await.unwrap();
    let service = Service::of(&endpoint);
    let mut stream = TcpStream::connect(endpoint.address().unwrap())
        .await
        .unwrap();
    let large = format!(
        "GET /msi/token HTTP/1.1\r\nx: {}\r\n\r\n",
        "x".repeat(1 << 20)
    );
    // The endpoint closes the connection while this is sent.
    let _ = stream.write_all(large.as_bytes()).await;
    let mut answer = Vec::new();
    let _ = timeout(LONG, stream.read_to_end(&mut answer))
        .await
        .unwrap();
    let answer = String::from_utf8_lossy(&answer);
    assert!(answer.starts_with("HTTP/1.1 431 "), "{answer}");
    let line = log.nth(0).await;
    assert!(
        line.contains("rejected (431)") && line.contains("16 KiB"),
        "{line}"
    );
    assert_eq!(service.token(&format!("resource={ARM}")).await.status, 200);
}

#[tokio::test]
async fn idle_half_open_and_garbage_clients_keep_none_out() {
    let options = Options::new(Allow::everything()).with_connections(8);
    let endpoint = Endpoint::start(Given::token("t"), options).await.unwrap();
    let service = Service::of(&endpoint);
    let mut kept = Vec::new();
    for start in ["", "GET /msi/token HTTP/1.1\r\nHost", "\0\x01\x02", "GET "] {
        for _ in 0..8 {
            let mut stream = TcpStream::connect(endpoint.address().unwrap())
                .await
                .unwrap();
            stream.write_all(start.as_bytes()).await.unwrap();
            kept.push(stream);
        }
        assert_eq!(service.token(&format!("resource={ARM}")).await.status, 200);
    }
}

#[tokio::test]
async fn a_client_that_sends_no_request_in_time_is_cut_off() {
    let options = Options::new(Allow::everything()).with_patience(Duration::from_millis(50));
    let endpoint = Endpoint::start(Given::token("t"), options).await.unwrap();
    for start in ["", "GET /msi/token HTTP/1.1\r\nHost: "] {
        let mut stream = TcpStream::connect(endpoint.address().unwrap())
            .await
            .unwrap();
        stream.write_all(start.as_bytes()).await.unwrap();
        let mut rest = Vec::new();
        let ended = timeout(LONG, stream.read_to_end(&mut rest)).await;
        assert!(ended.is_ok(), "{start}");
    }
}

#[tokio::test]
async fn a_program_that_names_another_identity_gets_an_error_and_no_token() {
    let emulator = Emulator::start(azcred_emulator::Options::default())
        .await
        .unwrap();
    let (_, session) = principal(&emulator).await;
    let request = TokenRequest::new(Scope::ARM);
    let token = session.get_token(&request).await.unwrap();
    let own = azcred::Principal::from_token(&token).unwrap();
    let endpoint = Endpoint::start(Arc::new(session), Options::new(Allow::everything()));
    let endpoint = endpoint.await.unwrap();
    let service = Service::of(&endpoint);
    let (client, object) = (own.application_id.unwrap(), own.object_id.unwrap());
    for (named, status) in [
        (format!("client_id={client}"), 200),
        (format!("client_id={}", client.raw().to_uppercase()), 200),
        (format!("object_id={object}"), 200),
        (format!("principal_id={object}"), 200),
        (
            "client_id=00000000-0000-0000-0000-000000000000".to_owned(),
            400,
        ),
        ("mi_res_id=/subscriptions/s/x".to_owned(), 400),
        ("object_id=%1b[31m%0a".to_owned(), 400),
    ] {
        let answer = service.token(&format!("resource={ARM}&{named}")).await;
        assert_eq!(answer.status, status, "{named}: {answer:?}");
        if status == 400 {
            let said = answer.json["message"].as_str().unwrap();
            assert!(
                said.contains(client.raw()) && said.contains("AZURE_CLIENT_ID"),
                "{said}"
            );
            assert!(!said.contains(char::is_control), "{said}");
        }
    }
}

#[tokio::test]
async fn an_error_of_the_session_reaches_the_program_with_its_cause_and_fix() {
    for (kind, status) in [
        (ErrorKind::Unavailable, 400),
        (ErrorKind::Invalid, 400),
        (ErrorKind::Refused, 403),
        (ErrorKind::WrongAccount, 403),
        (ErrorKind::Unexpected, 502),
        (ErrorKind::Unreachable, 503),
    ] {
        let error = Error::new(kind, "could not get a token", "the secret\n has expired");
        let given = Given::error(error.with_fix("run `azcred login`"));
        let endpoint = Endpoint::start(given, Options::new(Allow::everything()));
        let endpoint = endpoint.await.unwrap();
        let service = Service::of(&endpoint);
        let answer = service.token(&format!("resource={ARM}")).await;
        assert_eq!(answer.status, status, "{kind:?}");
        let said = answer.json["message"].as_str().unwrap();
        assert!(said.contains("the secret  has expired"), "{said}");
        assert!(said.contains("run `azcred login`"), "{said}");
    }
}

#[tokio::test]
async fn too_many_requests_get_429_and_the_secret_is_checked_first() {
    let options = Options::new(Allow::everything()).with_rate(1);
    let endpoint = Endpoint::start(Given::token("t"), options).await.unwrap();
    let service = Service::of(&endpoint);
    // A stranger takes nothing of the rate.
    for _ in 0..3 {
        let stranger = format!("GET /msi/token?api-version=2019-08-01&resource={ARM} HTTP/1.1\r\n");
        assert_eq!(service.send(&stranger).await.status, 401);
    }
    let mut statuses = Vec::new();
    while !statuses.contains(&429) {
        assert!(statuses.len() < 200, "there is no limit");
        let answer = service.token(&format!("resource={ARM}")).await;
        statuses.push(answer.status);
        if answer.status == 429 {
            assert!(answer.head.contains("retry-after: 1"), "{}", answer.head);
        }
    }
    assert_eq!(statuses[0], 200);
}

#[tokio::test]
async fn a_flood_of_bad_requests_has_few_lines_and_a_count() {
    let log = Log::default();
    let options = Options::new(Allow::everything()).with_audit(log.shared());
    let endpoint = Endpoint::start(Given::token("t"), options).await.unwrap();
    let service = Service::of(&endpoint);
    const ALL: usize = 100;
    for _ in 0..ALL {
        assert_eq!(service.send("GET / HTTP/1.1\r\n").await.status, 404);
    }
    // Each token has its line all the same.
    assert_eq!(service.token(&format!("resource={ARM}")).await.status, 200);
    drop(endpoint);
    let lines = log.lines();
    let rejected = lines.iter().filter(|line| line.contains(" rejected (404)"));
    let rejected = rejected.count();
    assert!((20..ALL).contains(&rejected), "{lines:#?}");
    assert!(lines.iter().any(|line| line.contains(" token client=")));
    // The others are counted every ten seconds, and at the end.
    let more = lines.iter().filter_map(|line| {
        let count = line
            .split_once(" rejected ")?
            .1
            .split_once(" more request")?;
        count.0.parse::<usize>().ok()
    });
    assert_eq!(rejected + more.sum::<usize>(), ALL, "{lines:#?}");
}

#[tokio::test]
async fn an_endpoint_ends_when_its_time_is_over_when_it_is_stopped_and_when_it_is_dropped() {
    let options = Options::new(Allow::everything()).lasting(Duration::from_millis(1));
    let mut timed = Endpoint::start(Given::token("t"), options).await.unwrap();
    timeout(LONG, timed.ended()).await.unwrap();
    timeout(LONG, timed.ended()).await.unwrap();
    assert!(TcpStream::connect(timed.address().unwrap()).await.is_err());
    timed.stop().await;

    let stopped = Endpoint::start(Given::token("t"), Options::new(Allow::everything()));
    let stopped = stopped.await.unwrap();
    let address = stopped.address().unwrap();
    let mut kept = TcpStream::connect(address).await.unwrap();
    stopped.stop().await;
    assert!(TcpStream::connect(address).await.is_err());
    assert!(!matches!(
        timeout(LONG, kept.read(&mut [0])).await.unwrap(),
        Ok(1..)
    ));

    let dropped = Endpoint::start(Given::token("t"), Options::new(Allow::everything()));
    let dropped = dropped.await.unwrap();
    let mut kept = TcpStream::connect(dropped.address().unwrap())
        .await
        .unwrap();
    let address = dropped.address().unwrap();
    drop(dropped);
    assert!(!matches!(
        timeout(LONG, kept.read(&mut [0])).await.unwrap(),
        Ok(1..)
    ));
    assert!(TcpStream::connect(address).await.is_err());
}

#[tokio::test]
async fn a_client_that_goes_does_not_keep_the_sessions_request() {
    let given = Given::never();
    let endpoint = Endpoint::start(given.clone(), Options::new(Allow::everything()));
    let endpoint = endpoint.await.unwrap();
    let service = Service::of(&endpoint);
    let mut stream = TcpStream::connect(endpoint.address().unwrap())
        .await
        .unwrap();
    let request = service.request(&format!(
        "GET /msi/token?api-version=2019-08-01&resource={ARM} HTTP/1.1\r\nx-identity-header: {}\r\n",
        service.secret
    ));
    stream.write_all(request.as_bytes()).await.unwrap();
    timeout(LONG, given.began()).await.unwrap();
    drop(stream);
    timeout(LONG, given.dropped()).await.unwrap();
}

#[test]
fn nothing_prints_the_secret() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime.unwrap().block_on(async {
        let options = Options::new(Allow::everything()).with_azure_ml();
        let endpoint = Endpoint::start(Given::token("t"), options).await.unwrap();
        let service = Service::of(&endpoint);
        let printed = format!("{endpoint:?} {:?}", endpoint.variables());
        assert!(!printed.contains(&service.secret), "{printed}");
        let names: Vec<_> = endpoint.variables().iter().map(|(name, _)| *name).collect();
        assert_eq!(
            names,
            [
                "IDENTITY_ENDPOINT",
                "IDENTITY_HEADER",
                "MSI_ENDPOINT",
                "MSI_SECRET"
            ]
        );
    });
}
