//! Each kind of bad input, in both protocols and at each kind of place: its status, its line in the
//! record, and no token.
#![cfg(unix)]

#[allow(dead_code, reason = "each test file uses its own part")]
mod support;

use azcred::Scope;
use azcred_endpoint::{Allow, Endpoint, Options, Tls};
use rustls::pki_types::{CertificateDer, ServerName};
use secrecy::ExposeSecret;
use std::{
    fs::{self, Permissions},
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    os::unix::{fs::PermissionsExt as _, net::UnixStream},
    path::PathBuf,
    sync::Arc,
    thread,
    time::Duration,
};
use support::{Given, Log};

const TOKEN: &str = "canary-token";
/// Longer than anything takes that does not hang.
const LONG: Duration = Duration::from_secs(60);

/// Where an endpoint listens, as a client knows it.
#[derive(Clone)]
enum Place {
    Tcp(SocketAddr),
    Tls(SocketAddr, CertificateDer<'static>),
    Unix(PathBuf),
}

trait Talk: Read + Write {}
impl<T: Read + Write> Talk for T {}

impl Place {
    fn name(&self) -> &'static str {
        match self {
            Self::Tcp(_) => "TCP",
            Self::Tls(..) => "TLS",
            Self::Unix(_) => "Unix",
        }
    }

    fn connect(&self) -> Box<dyn Talk> {
        let tcp = |address: &SocketAddr| {
            let stream = TcpStream::connect(address).unwrap();
            stream.set_read_timeout(Some(LONG)).unwrap();
            stream
        };
        match self {
            Self::Tcp(address) => Box::new(tcp(address)),
            Self::Tls(address, certificate) => {
                let mut roots = rustls::RootCertStore::empty();
                roots.add(certificate.clone()).unwrap();
                let provider = Arc::new(rustls::crypto::ring::default_provider());
                let config = rustls::ClientConfig::builder_with_provider(provider)
                    .with_safe_default_protocol_versions()
                    .unwrap()
                    .with_root_certificates(roots)
                    .with_no_client_auth();
                let name = ServerName::try_from("localhost").unwrap();
                let session = rustls::ClientConnection::new(Arc::new(config), name).unwrap();
                Box::new(rustls::StreamOwned::new(session, tcp(address)))
            }
            Self::Unix(path) => {
                let stream = UnixStream::connect(path).unwrap();
                stream.set_read_timeout(Some(LONG)).unwrap();
                Box::new(stream)
            }
        }
    }

    /// What the endpoint writes to a client of this user, or of another one: the socket is the
    /// thread's. `None` if this process may not become another user.
    async fn written(&self, request: String, user: Option<u32>) -> Option<String> {
        let place = self.clone();
        let talk = move || {
            if let Some(user) = user {
                become_user(user)?;
            }
            let mut stream = place.connect();
            // The endpoint may not read all of it.
            let _ = stream.write_all(request.as_bytes());
            let mut written = Vec::new();
            let _ = stream.read_to_end(&mut written);
            Some(String::from_utf8_lossy(&written).into_owned())
        };
        let done = tokio::task::spawn_blocking(|| thread::spawn(talk).join());
        done.await.unwrap().unwrap()
    }
}

/// Makes this thread another user's.
#[cfg(target_os = "linux")]
fn become_user(user: u32) -> Option<()> {
    let user = rustix::process::Uid::from_raw(user);
    rustix::thread::set_thread_res_uid(user, user, user).ok()
}

/// Elsewhere, a thread has no user of its own.
#[cfg(not(target_os = "linux"))]
fn become_user(_: u32) -> Option<()> {
    None
}

/// A protocol, as its clients write it.
struct Protocol {
    version: &'static str,
    header: &'static str,
}

const PROTOCOLS: [Protocol; 2] = [
    Protocol {
        version: "2019-08-01",
        header: "X-IDENTITY-HEADER",
    },
    Protocol {
        version: "2017-09-01",
        header: "Secret",
    },
];

/// A request: its path, its resource, its secret, and another header.
struct Sent<'a> {
    path: &'a str,
    resource: &'a str,
    secret: Option<&'a str>,
    header: &'a str,
}

impl Sent<'_> {
    fn in_protocol(&self, protocol: &Protocol) -> String {
        let secret = self.secret.map_or_else(String::new, |secret| {
            format!("{}: {secret}\r\n", protocol.header)
        });
        format!(
            "GET {}?api-version={}&resource={} HTTP/1.1\r\nHost: {{host}}\r\n{secret}{}Connection: close\r\n\r\n",
            self.path, protocol.version, self.resource, self.header
        )
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_input_has_its_status_and_a_line_and_gets_no_token() {
    let folder = tempfile::tempdir().unwrap();
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let (certificate, key) = (made.cert.pem(), made.signing_key.serialize_pem());
    for protocol in &PROTOCOLS {
        let options = || Options::new(Allow::only([Scope::ARM])).with_azure_ml();
        let tls = Tls::from_pem(certificate.as_bytes(), key.as_bytes()).unwrap();
        let socket = folder.path().join(protocol.version);
        let all = [
            options(),
            options().with_tls(tls),
            options().with_unix_socket(&socket),
        ];
        for (number, options) in all.into_iter().enumerate() {
            let (log, given) = (Log::default(), Given::token(TOKEN));
            let options = options.with_audit(log.shared());
            let endpoint = Endpoint::start(given.clone(), options).await.unwrap();
            let place = match (number, endpoint.address()) {
                (0, Some(address)) => Place::Tcp(address),
                (_, Some(address)) => Place::Tls(address, made.cert.der().clone()),
                (_, None) => Place::Unix(socket.clone()),
            };
            rejects_each(&endpoint, &place, protocol, &log).await;
            assert_eq!(given.requests(), 1, "{}", place.name());
        }
    }
}

async fn rejects_each(endpoint: &Endpoint, place: &Place, protocol: &Protocol, log: &Log) {
    const ARM: &str = "https://management.azure.com";
    let variables = endpoint.variables();
    let secret = variables[1].1.expose_secret();
    let wrong = secret.chars().rev().collect::<String>();
    let large = format!("X-Large: {}\r\n", "x".repeat(1 << 20));
    let good = Sent {
        path: "/msi/token",
        resource: ARM,
        secret: Some(secret),
        header: "",
    };
    let resource = |resource| Sent { resource, ..good };
    let path = |path| Sent { path, ..good };
    let host = endpoint.address().map(|address| address.to_string());
    let host = host.as_deref().unwrap_or("localhost");
    let misplaced = format!("https://a.example/{}", secret.to_ascii_uppercase());
    // The request, whose it is, its status, and a word of its line.
    let rows = [
        (
            "no secret",
            Sent {
                secret: None,
                ..good
            },
            None,
            401,
            "is missing",
        ),
        (
            "a wrong one",
            Sent {
                secret: Some(&wrong),
                ..good
            },
            None,
            401,
            "is wrong",
        ),
        (
            "half of it",
            Sent {
                secret: Some(&secret[..32]),
                ..good
            },
            None,
            401,
            "is wrong",
        ),
        (
            "off the list",
            resource("https://vault.azure.net"),
            None,
            403,
            "--allow",
        ),
        (
            "longer than one on the list",
            resource("https://management.azure.com.evil.example"),
            None,
            403,
            "--allow",
        ),
        (
            "a traversal in the path",
            path("/msi/../msi/token"),
            None,
            404,
            "no such path",
        ),
        (
            "an encoded one",
            path("/msi/%2e%2e/msi/token"),
            None,
            404,
            "no such path",
        ),
        (
            "a traversal in the resource",
            resource("https://management.azure.com/../graph"),
            None,
            403,
            "--allow",
        ),
        (
            "a newline",
            resource("https://management.azure.com%0a"),
            None,
            400,
            "resource is not valid",
        ),
        (
            "a header in the resource",
            resource("https://management.azure.com%0d%0aX:1"),
            None,
            400,
            "resource is not valid",
        ),
        (
            "the secret in the resource",
            resource(&misplaced),
            None,
            400,
            "has the endpoint's secret",
        ),
        (
            "a megabyte",
            Sent {
                header: &large,
                ..good
            },
            None,
            431,
            "16 KiB",
        ),
        (
            "another user's",
            resource(ARM),
            Some(65534),
            403,
            "user id 65534",
        ),
    ];
    if let Place::Unix(path) = place {
        // The mode of the file keeps other users out. What follows is checked too.
        fs::set_permissions(path, Permissions::from_mode(0o777)).unwrap();
        let folder = path.parent().unwrap();
        fs::set_permissions(folder, Permissions::from_mode(0o755)).unwrap();
    }
    let mut recorded = 0;
    for (what, sent, user, status, word) in &rows {
        let what = format!("{what}, {} {}", place.name(), protocol.version);
        let request = sent.in_protocol(protocol).replace("{host}", host);
        if user.is_some() && !endpoint.checks_users() {
            eprintln!("skipped: this system does not tell whose a client is");
            continue;
        }
        let Some(written) = place.written(request, *user).await else {
            eprintln!("skipped: only root can become another user");
            continue;
        };
        assert!(
            written.starts_with(&format!("HTTP/1.1 {status} ")),
            "{what}: {written}"
        );
        let line = log.nth(recorded).await;
        recorded += 1;
        assert!(
            line.contains(&format!(" rejected ({status}) client=")) && line.contains(word),
            "{what}: {line}"
        );
        assert_eq!(line.lines().count(), 1, "{what}: {line}");
        for text in [&written, &line] {
            let lower = text.to_ascii_lowercase();
            assert!(
                !text.contains(TOKEN) && !lower.contains(secret),
                "{what}: {text}"
            );
        }
    }
    let request = good.in_protocol(protocol).replace("{host}", host);
    let written = place.written(request, None).await.unwrap();
    assert!(written.contains(TOKEN), "{written}");
    let line = log.nth(recorded).await;
    assert!(line.contains(" token client="), "{line}");
    assert_eq!(log.lines().len(), recorded + 1);
}
