//! Routes: names of Azure that a proxy of the emulator sends to servers of the user's.

use crate::common::{Lab, TENANT, client};
use axum::{
    Router,
    body::Body,
    extract::Request,
    response::{IntoResponse, Response},
};
use azcred_emulator::{Info, Route, Routed};
use rcgen::{BasicConstraints, CertificateParams, IsCa, KeyPair};
use rustls::{ClientConfig, RootCertStore, ServerConfig, crypto::aws_lc_rs as provider};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject as _};
use serde_json::json;
use std::{io, net::SocketAddr, sync::Arc, time::Duration};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    task::JoinSet,
};
use tokio_rustls::{TlsAcceptor, TlsConnector, client::TlsStream};

const BLOB: &str = "myaccount.blob.core.windows.net";

/// A server of a user's, on a free port.
struct Server {
    port: u16,
    _tasks: JoinSet<()>,
}

impl Server {
    /// It says what it was asked, and sends bodies to `/echo` back as they come.
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let router = Router::new().fallback(respond);
            let _ = axum::serve(listener, router).await;
        });
        Self {
            port,
            _tasks: tasks,
        }
    }

    /// With TLS, and with a certificate as `openssl req -x509` makes it for `localhost`.
    async fn with_tls() -> (Self, String) {
        let mut params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap();
        let config = ServerConfig::builder_with_provider(provider::default_provider().into())
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(
                vec![certificate.der().clone()],
                PrivateKeyDer::try_from(key.serialize_der()).unwrap(),
            )
            .unwrap();
        let (plain, listener) = (Self::start().await, TcpListener::bind("127.0.0.1:0").await);
        let listener = listener.unwrap();
        let port = listener.local_addr().unwrap().port();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let (acceptor, port) = (acceptor.clone(), plain.port);
                connections.spawn(async move {
                    if let Ok(mut tls) = acceptor.accept(stream).await
                        && let Ok(mut inner) = TcpStream::connect(("127.0.0.1", port)).await
                    {
                        let _ = tokio::io::copy_bidirectional(&mut tls, &mut inner).await;
                    }
                });
            }
            drop(plain);
        });
        let server = Self {
            port,
            _tasks: tasks,
        };
        (server, certificate.pem())
    }
}

async fn respond(request: Request) -> Response {
    let (parts, body) = request.into_parts();
    if parts.uri.path() == "/echo" {
        return Body::from_stream(body.into_data_stream()).into_response();
    }
    let body = axum::body::to_bytes(body, 1 << 20).await.unwrap();
    let header = |name: &str| parts.headers.get(name).map(|value| value.to_str().unwrap());
    let seen = json!({
        "method": parts.method.as_str(),
        "target": parts.uri.to_string(),
        "host": header("host"),
        "authorization": header("authorization"),
        "encoding": header("transfer-encoding"),
        "expect": header("expect"),
        "upgrade": header("upgrade"),
        "body": String::from_utf8(body.into()).unwrap(),
    });
    ([("x-ms-version", "2021-12-02")], seen.to_string()).into_response()
}

async fn open(info: &Info, routes: &[String], authorities: Option<&str>) -> io::Result<Routed> {
    let info = info.clone();
    let routes: Vec<Route> = routes.iter().map(|text| text.parse().unwrap()).collect();
    let authorities = authorities.map(str::to_owned);
    let opened = move || info.open_routes(&routes, authorities.as_deref());
    tokio::task::spawn_blocking(opened).await.unwrap()
}

fn through(lab: &Lab, routed: &Routed) -> reqwest::Client {
    let proxy = reqwest::Proxy::all(&routed.proxy_url).unwrap();
    client(&lab.emulator).proxy(proxy).build().unwrap()
}

fn port_of(url: &str) -> u16 {
    url::Url::parse(url).unwrap().port().unwrap()
}

#[tokio::test]
async fn a_routed_name_is_answered_by_the_users_server_which_sees_the_request_as_it_was() {
    let (lab, server) = (Lab::start().await, Server::start().await);
    let route = format!("{BLOB}=http://127.0.0.1:{}", server.port);
    let routed = open(lab.emulator.info(), &[route], None).await.unwrap();
    let client = through(&lab, &routed);
    let put = client
        .put(format!(
            "https://{BLOB}/c/b%20c?comp=block&blockid=AA%3D%3D"
        ))
        .bearer_auth("token")
        .header("Expect", "100-continue")
        .header("Connection", "Upgrade")
        .header("Upgrade", "websocket")
        .body("content");
    let put = put.send().await.unwrap();
    assert_eq!(put.headers()["x-ms-version"], "2021-12-02");
    let seen: serde_json::Value = put.json().await.unwrap();
    assert_eq!(
        seen,
        json!({
            "method": "PUT",
            "target": "/c/b%20c?comp=block&blockid=AA%3D%3D",
            "host": BLOB,
            "authorization": "Bearer token",
            "encoding": null,
            "expect": null,
            "upgrade": null,
            "body": "content",
        })
    );
    let get = client.get(format!("https://{BLOB}/")).send().await.unwrap();
    let seen: serde_json::Value = get.json().await.unwrap();
    assert_eq!(
        (&seen["encoding"], &seen["body"]),
        (&json!(null), &json!(""))
    );
    let head = client.head(format!("https://{BLOB}/")).send().await;
    assert_eq!(head.unwrap().status(), 200);
    // All else is as at the emulator's own proxy.
    let keys = format!("https://login.microsoftonline.com/{TENANT}/discovery/v2.0/keys");
    assert_eq!(client.get(keys).send().await.unwrap().status(), 200);
    let other = client.get("https://other.vault.azure.net/").send();
    assert!(other.await.unwrap_err().is_connect());
    // Other storage accounts are the emulator's.
    let other = client.get("https://other.blob.core.windows.net/").send();
    let other = other.await.unwrap();
    assert_eq!(other.headers()["x-ms-error-code"], "ResourceNotFound");
    let misdirected = client.get(format!("https://{BLOB}/"));
    let misdirected = misdirected.header("Host", "management.azure.com").send();
    assert_eq!(misdirected.await.unwrap().status(), 421);
    let log = lab.emulator.requests().all();
    let first = log.iter().find(|served| served.service == "route").unwrap();
    assert_eq!(
        (first.host.as_str(), first.path.as_str()),
        (BLOB, "/c/b%20c")
    );
}

/// A TLS connection to a routed name, as of a program without a proxy.
async fn tls(lab: &Lab, routed: &Routed) -> TlsStream<TcpStream> {
    let pem = std::fs::read(&lab.emulator.info().ca_certificate).unwrap();
    let mut roots = RootCertStore::empty();
    roots
        .add(CertificateDer::from_pem_slice(&pem).unwrap())
        .unwrap();
    let config = ClientConfig::builder_with_provider(provider::default_provider().into())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let address = SocketAddr::from(([127, 0, 0, 1], port_of(&routed.proxy_url)));
    let stream = TcpStream::connect(address).await.unwrap();
    let connector = TlsConnector::from(Arc::new(config));
    connector
        .connect(ServerName::try_from(BLOB).unwrap(), stream)
        .await
        .unwrap()
}

#[tokio::test]
async fn bodies_pass_piece_by_piece_in_both_directions() {
    let (lab, server) = (Lab::start().await, Server::start().await);
    let route = format!("*.blob.core.windows.net=http://localhost:{}", server.port);
    let routed = open(lab.emulator.info(), &[route], None).await.unwrap();
    let mut stream = tls(&lab, &routed).await;
    let head = format!("POST /echo HTTP/1.1\r\nHost: {BLOB}\r\nTransfer-Encoding: chunked\r\n\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut seen = String::new();
    let mut part = [0; 1024];
    for piece in ["first", "other"] {
        let chunk = format!("5\r\n{piece}\r\n");
        stream.write_all(chunk.as_bytes()).await.unwrap();
        // The piece is here before the next one is sent.
        while !seen.contains(piece) {
            let count = stream.read(&mut part).await.unwrap();
            assert_ne!(count, 0, "{seen}");
            seen.push_str(std::str::from_utf8(&part[..count]).unwrap());
        }
    }
    stream.write_all(b"0\r\n\r\n").await.unwrap();
    while !seen.ends_with("0\r\n\r\n") {
        let count = stream.read(&mut part).await.unwrap();
        assert_ne!(count, 0, "{seen}");
        seen.push_str(std::str::from_utf8(&part[..count]).unwrap());
    }
    assert!(seen.starts_with("HTTP/1.1 200 OK\r\n"), "{seen}");
}

#[tokio::test]
async fn a_route_that_fails_says_what_failed() {
    let lab = Lab::start().await;
    let (server, certificate) = Server::with_tls().await;
    // A port at which nothing listens, and a server that speaks no HTTP.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let closed = listener.local_addr().unwrap().port();
    drop(listener);
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let silent_port = silent.local_addr().unwrap().port();
    let mut tasks = JoinSet::new();
    tasks.spawn(async move {
        while let Ok((mut stream, _)) = silent.accept().await {
            let _ = stream.write_all(b"220 ready\r\n").await;
        }
    });
    for (url, authorities, why) in [
        (
            format!("http://127.0.0.1:{closed}"),
            None,
            "Start that server",
        ),
        (
            format!("http://127.0.0.1:{silent_port}"),
            None,
            "did not answer in HTTP/1.1",
        ),
        (
            format!("https://127.0.0.1:{silent_port}"),
            None,
            "Does the server speak HTTPS?",
        ),
        (
            format!("https://localhost:{}", server.port),
            None,
            "--route-ca",
        ),
        (
            format!("https://127.0.0.1:{}", server.port),
            Some(certificate.as_str()),
            "not for '127.0.0.1'",
        ),
    ] {
        let route = format!("{BLOB}={url}");
        let routed = open(
            lab.emulator.info(),
            std::slice::from_ref(&route),
            authorities,
        )
        .await
        .unwrap();
        let failed = through(&lab, &routed)
            .get(format!("https://{BLOB}/"))
            .send();
        let failed = failed.await.unwrap();
        assert_eq!(failed.status(), 502, "{url}");
        let text = failed.text().await.unwrap();
        assert!(text.contains(&route) && text.contains(why), "{url}: {text}");
    }
    let route = format!("{BLOB}=https://localhost:{}", server.port);
    let routed = open(lab.emulator.info(), &[route], Some(&certificate))
        .await
        .unwrap();
    let passed = through(&lab, &routed)
        .get(format!("https://{BLOB}/"))
        .send();
    assert_eq!(passed.await.unwrap().status(), 200);
}

#[tokio::test]
async fn routes_end_with_the_program_that_wanted_them_and_are_of_no_other() {
    let (lab, server) = (Lab::start().await, Server::start().await);
    let name = "myvault.vault.azure.net";
    let route = format!("{name}=http://127.0.0.1:{}", server.port);
    let info = lab.emulator.info();
    let routed = open(info, &[route], None).await.unwrap();
    let own = reqwest::Proxy::all(&info.proxy_url).unwrap();
    let own = client(&lab.emulator).proxy(own).build().unwrap();
    let refused = own.get(format!("https://{name}/")).send().await;
    assert!(refused.unwrap_err().is_connect());
    let port = port_of(&routed.proxy_url);
    drop(routed);
    let closed = async {
        while TcpStream::connect(("127.0.0.1", port)).await.is_ok() {
            tokio::task::yield_now().await;
        }
    };
    let waited = tokio::time::timeout(Duration::from_secs(20), closed).await;
    waited.expect("the proxy ends");
}

#[tokio::test]
async fn routes_and_certificates_that_are_not_valid_are_refused_with_the_reason() {
    let lab = Lab::start().await;
    let info = lab.emulator.info();
    let route = format!("{BLOB}=https://127.0.0.1:1");
    let twice = open(info, &[route.clone(), route.clone()], None).await;
    let twice = twice.unwrap_err();
    assert_eq!(twice.kind(), io::ErrorKind::InvalidInput);
    assert!(twice.to_string().contains("has two routes"), "{twice}");
    for (certificates, why) in [
        ("nothing", "no certificate in PEM"),
        ("-----BEGIN CERTIFICATE-----\nAAAA\n", "not valid PEM"),
        (
            "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
            "a certificate can't be used",
        ),
    ] {
        let refused = open(info, std::slice::from_ref(&route), Some(certificates)).await;
        let refused = refused.unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::InvalidInput);
        assert!(refused.to_string().contains(why), "{refused}");
    }
    let mut stranger = info.clone();
    stranger.admin_token = "other".to_owned();
    assert!(open(&stranger, &[route], None).await.is_err());
}
