//! An endpoint on another address, by TLS, and on a Unix socket.
#![cfg_attr(not(unix), allow(dead_code, unused_imports))]

#[allow(dead_code, reason = "each test file uses its own part")]
mod support;

use azcred_endpoint::{Allow, Endpoint, Options, Tls};
use secrecy::ExposeSecret;
use std::{net::SocketAddr, sync::Arc};
use support::{Given, Log, talk};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

const RESOURCE: &str = "resource=https%3A%2F%2Fmanagement.azure.com";

fn request(endpoint: &Endpoint, host: &str) -> String {
    let variables = endpoint.variables();
    let secret = variables[1].1.expose_secret();
    format!(
        "GET /msi/token?api-version=2019-08-01&{RESOURCE} HTTP/1.1\r\nHost: {host}\r\n\
         X-IDENTITY-HEADER: {secret}\r\nConnection: close\r\n\r\n"
    )
}

#[cfg(unix)]
#[tokio::test]
async fn a_unix_socket_is_for_its_user_only_and_ends_with_the_endpoint() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("azcred.sock");
    // A socket without a program, as a killed process leaves it.
    drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
    let log = Log::default();
    let options = Options::new(Allow::everything()).with_audit(log.shared());
    let options = options.with_unix_socket(&path);
    let endpoint = Endpoint::start(Given::token("t"), options.clone())
        .await
        .unwrap();
    let mode = std::fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert_eq!(endpoint.address(), None);
    let stream = tokio::net::UnixStream::connect(&path).await.unwrap();
    let answer = talk(stream, &request(&endpoint, "localhost")).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let line = log.lines().pop().unwrap();
    assert!(line.contains("token client=unix"), "{line}");
    if cfg!(target_os = "linux") {
        assert!(
            line.contains(&format!("[{}] resource=", std::process::id())),
            "{line}"
        );
    }
    let second = Endpoint::start(Given::token("t"), options)
        .await
        .unwrap_err();
    assert!(second.why().contains("another program listens"), "{second}");
    endpoint.stop().await;
    assert!(!path.exists());
}

#[cfg(unix)]
#[tokio::test]
async fn a_file_in_the_place_of_a_unix_socket_is_not_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notes");
    std::fs::write(&path, "mine").unwrap();
    let options = Options::new(Allow::everything()).with_unix_socket(&path);
    let error = Endpoint::start(Given::token("t"), options)
        .await
        .unwrap_err();
    assert!(error.why().starts_with("there is a file"), "{error}");
    assert_eq!(std::fs::read(&path).unwrap(), b"mine");
}

#[tokio::test]
async fn an_endpoint_with_a_certificate_speaks_https_only() {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let (certificate, key) = (made.cert.pem(), made.signing_key.serialize_pem());
    let tls = Tls::from_pem(certificate.as_bytes(), key.as_bytes()).unwrap();
    let log = Log::default();
    let options = Options::new(Allow::everything()).with_tls(tls);
    let options = options.with_audit(log.shared());
    let endpoint = Endpoint::start(Given::token("t"), options).await.unwrap();
    let url = endpoint.variables()[0].1.expose_secret().to_owned();
    assert!(url.starts_with("https://localhost:"), "{url}");

    let mut roots = rustls::RootCertStore::empty();
    roots.add(made.cert.der().clone()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let connector = tokio_rustls::TlsConnector::from(Arc::new(config));
    let address = endpoint.address().unwrap();
    let stream = TcpStream::connect(address).await.unwrap();
    let name = rustls::pki_types::ServerName::try_from("localhost").unwrap();
    let stream = connector.connect(name, stream).await.unwrap();
    let answer = talk(stream, &request(&endpoint, "a.name.of.its.own")).await;
    assert_eq!(answer.status, 200, "{answer:?}");

    let mut plain = TcpStream::connect(address).await.unwrap();
    plain.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
    let mut alert = Vec::new();
    let _ = plain.read_to_end(&mut alert).await;
    assert!(!alert.starts_with(b"HTTP"), "{alert:?}");
    let line = log.lines().pop().unwrap();
    assert!(line.contains(" rejected (400) "), "{line}");
    assert!(line.contains("TLS could not begin: "), "{line}");

    for (certificate, key) in [("", &*key), (&*certificate, ""), (&*key, &*certificate)] {
        let error = Tls::from_pem(certificate.as_bytes(), key.as_bytes()).unwrap_err();
        assert!(error.fix().is_some(), "{error}");
    }
    let other = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let other = other.signing_key.serialize_pem();
    assert!(Tls::from_pem(certificate.as_bytes(), other.as_bytes()).is_err());
}

#[tokio::test]
async fn the_host_in_the_variables_is_in_the_certificate() {
    let start = async |names: &[&str], name: Option<&str>| {
        let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
        let made = rcgen::generate_simple_self_signed(names).unwrap();
        let key = made.signing_key.serialize_pem();
        let tls = Tls::from_pem(made.cert.pem().as_bytes(), key.as_bytes()).unwrap();
        let mut options = Options::new(Allow::everything()).with_tls(tls);
        if let Some(name) = name {
            options = options.with_name(name);
        }
        let endpoint = Endpoint::start(Given::token("t"), options).await?;
        let url = endpoint.variables()[0].1.expose_secret().to_owned();
        let (host, _) = url.rsplit_once(':').unwrap();
        Ok::<_, azcred::Error>(host.to_owned())
    };
    for (names, name, host) in [
        (&["127.0.0.1", "localhost"][..], None, "https://127.0.0.1"),
        (&["localhost"], None, "https://localhost"),
        (
            &["a.example", "localhost"],
            Some("a.example"),
            "https://a.example",
        ),
        (
            &["*.corp.example"],
            Some("b.corp.example"),
            "https://b.corp.example",
        ),
    ] {
        assert_eq!(start(names, name).await.unwrap(), host);
    }
    for (name, why) in [
        (None, "it is not for 127.0.0.1 or localhost"),
        (Some("b.example"), "it is not for b.example"),
        (Some("a/b"), "it is not for a/b"),
    ] {
        let error = start(&["a.example"], name).await.unwrap_err();
        assert_eq!(error.why(), why);
        assert!(error.to_string().contains("--name HOST"), "{error}");
    }
}

#[tokio::test]
async fn an_address_is_one_of_this_machines_and_not_every_one() {
    for every in ["0.0.0.0:0", "[::]:0"] {
        let every: SocketAddr = every.parse().unwrap();
        let options = Options::new(Allow::everything()).with_address(every);
        let error = Endpoint::start(Given::token("t"), options)
            .await
            .unwrap_err();
        assert!(error.why().contains("every network"), "{error}");
    }
    let Ok(other) = std::net::TcpListener::bind("[::1]:0") else {
        eprintln!("skipped: this machine has no IPv6");
        return;
    };
    drop(other);
    let options = Options::new(Allow::everything()).with_address("[::1]:0".parse().unwrap());
    let endpoint = Endpoint::start(Given::token("t"), options).await.unwrap();
    let address = endpoint.address().unwrap();
    let stream = TcpStream::connect(address).await.unwrap();
    let answer = talk(stream, &request(&endpoint, &address.to_string())).await;
    assert_eq!(answer.status, 200, "{answer:?}");
}
