//! Servers on loopback, over plain HTTP or TLS, with responses that a test chooses.

use rcgen::{CertificateParams, Issuer, KeyPair};
use rustls::{
    ServerConfig, SupportedProtocolVersion,
    pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, pem::PemObject as _},
    sign::{CertifiedKey, SingleCertAndKey},
};
use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::TcpListener,
    sync::Semaphore,
    task::JoinSet,
};
use tokio_rustls::TlsAcceptor;

/// How a server responds to one request.
#[derive(Clone)]
pub(crate) enum Answer {
    /// Sends these bytes and closes.
    Bytes(Vec<u8>),
    /// Closes the connection at once.
    Close,
    /// Never responds.
    Hang,
    /// Sends these bytes after it got a permit, and closes.
    Held(Arc<Semaphore>, Vec<u8>),
}

/// A response with a status line, headers and a body.
pub(crate) fn http(status: &str, headers: &[&str], body: &str) -> Answer {
    let mut text = format!(
        "HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {}\r\n",
        body.len()
    );
    for header in headers {
        text.push_str(header);
        text.push_str("\r\n");
    }
    Answer::Bytes(format!("{text}\r\n{body}").into_bytes())
}

/// A response with a token.
pub(crate) fn token() -> Answer {
    http(
        "200 OK",
        &["Content-Type: application/json"],
        r#"{"token_type":"Bearer","expires_in":3600,"access_token":"the-token"}"#,
    )
}

/// The response to the nth request, which is passed whole.
type Answers = Arc<dyn Fn(usize, &str) -> Answer + Send + Sync>;

fn in_order(answers: impl IntoIterator<Item = Answer>) -> Answers {
    let answers: Vec<Answer> = answers.into_iter().collect();
    Arc::new(move |number, _| answers.get(number).or(answers.last()).unwrap().clone())
}

/// A running server. Dropping it ends it.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    requests: Arc<AtomicUsize>,
    seen: Arc<Mutex<Vec<String>>>,
    _tasks: JoinSet<()>,
}

impl Server {
    /// Sends the nth response to the nth request, and the last response to every later one.
    pub(crate) async fn start(answers: impl IntoIterator<Item = Answer>) -> Self {
        Self::run(in_order(answers), None).await
    }

    /// Responds to each request, which is passed whole, with `answer`.
    pub(crate) async fn answering(answer: impl Fn(&str) -> Answer + Send + Sync + 'static) -> Self {
        Self::run(Arc::new(move |_, request| answer(request)), None).await
    }

    /// As [`Server::start`], over TLS.
    pub(crate) async fn start_tls(
        answers: impl IntoIterator<Item = Answer>,
        tls: Arc<ServerConfig>,
    ) -> Self {
        Self::run(in_order(answers), Some(TlsAcceptor::from(tls))).await
    }

    async fn run(answers: Answers, tls: Option<TlsAcceptor>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (requests, seen) = (
            Arc::new(AtomicUsize::new(0)),
            Arc::new(Mutex::new(Vec::new())),
        );
        let mut tasks = JoinSet::new();
        let (counter, log) = (requests.clone(), seen.clone());
        tasks.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let (answers, counter, log, tls) =
                    (answers.clone(), counter.clone(), log.clone(), tls.clone());
                connections.spawn(async move {
                    match tls {
                        None => serve(stream, &*answers, &counter, &log).await,
                        Some(tls) => {
                            if let Ok(stream) = tls.accept(stream).await {
                                serve(stream, &*answers, &counter, &log).await;
                            }
                        }
                    }
                });
            }
        });
        Self {
            address,
            requests,
            seen,
            _tasks: tasks,
        }
    }

    /// The number of requests so far.
    pub(crate) fn requests(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }

    /// The requests so far, whole.
    pub(crate) fn seen(&self) -> Vec<String> {
        self.seen.lock().unwrap().clone()
    }
}

async fn serve(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    answers: &(dyn Fn(usize, &str) -> Answer + Send + Sync),
    counter: &AtomicUsize,
    log: &Mutex<Vec<String>>,
) {
    let mut request = Vec::new();
    let mut buffer = [0; 4096];
    let request = loop {
        let Ok(read @ 1..) = stream.read(&mut buffer).await else {
            return;
        };
        request.extend_from_slice(&buffer[..read]);
        let text = String::from_utf8_lossy(&request).into_owned();
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            continue;
        };
        let length = head
            .lines()
            .find_map(|line| {
                line.to_ascii_lowercase()
                    .strip_prefix("content-length: ")?
                    .parse::<usize>()
                    .ok()
            })
            .unwrap_or(0);
        if body.len() >= length {
            log.lock().unwrap().push(text.clone());
            break text;
        }
    };
    let number = counter.fetch_add(1, Ordering::SeqCst);
    match answers(number, &request) {
        Answer::Bytes(bytes) => send(stream, &bytes).await,
        Answer::Held(until, bytes) => {
            let _permit = until.acquire().await;
            send(stream, &bytes).await;
        }
        Answer::Close => {}
        Answer::Hang => std::future::pending().await,
    }
}

async fn send(mut stream: impl AsyncWrite + Unpin, bytes: &[u8]) {
    let _ = stream.write_all(bytes).await;
    let _ = stream.shutdown().await;
}

/// A server's TLS settings with these certificates, its own first. They need not be valid.
pub(crate) fn tls_with(
    chain: Vec<CertificateDer<'static>>,
    key: &PrivateKeyDer<'static>,
) -> Arc<ServerConfig> {
    tls_of_versions(chain, key, rustls::DEFAULT_VERSIONS)
}

/// As [`tls_with`], with these versions of TLS only. The key need not be the certificate's.
pub(crate) fn tls_of_versions(
    chain: Vec<CertificateDer<'static>>,
    key: &PrivateKeyDer<'static>,
    versions: &[&'static SupportedProtocolVersion],
) -> Arc<ServerConfig> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let key = rustls::crypto::ring::sign::any_supported_type(key).unwrap();
    let resolver = SingleCertAndKey::from(CertifiedKey::new(chain, key));
    let config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(versions)
        .unwrap()
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(resolver));
    Arc::new(config)
}

/// A new certificate authority: its PEM, and a server's TLS settings with a certificate that it
/// signed.
pub(crate) fn tls(change: impl FnOnce(&mut CertificateParams)) -> (String, Arc<ServerConfig>) {
    let authority_key = KeyPair::generate().unwrap();
    let mut authority = CertificateParams::new(Vec::new()).unwrap();
    authority.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    authority
        .distinguished_name
        .push(rcgen::DnType::CommonName, "Contoso Root");
    let pem = authority.self_signed(&authority_key).unwrap().pem();
    let issuer = Issuer::new(authority, authority_key);
    let key = KeyPair::generate().unwrap();
    let mut leaf = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    change(&mut leaf);
    let leaf = leaf.signed_by(&key, &issuer).unwrap();
    let config = tls_with(
        vec![leaf.der().clone()],
        &PrivatePkcs8KeyDer::from(key.serialize_der()).into(),
    );
    (pem, config)
}

/// A server's TLS settings with a certificate that an authority with a P-521 key issued, and the
/// authority's PEM.
pub(crate) fn tls_of_p521() -> (String, Arc<ServerConfig>) {
    const ROOT: &str = include_str!("../fixtures/certificates/server-of-p521-root.pem");
    const SERVER: &[u8] = include_bytes!("../fixtures/certificates/server-of-p521.pem");
    let config = tls_with(
        vec![CertificateDer::from_pem_slice(SERVER).unwrap()],
        &PrivateKeyDer::from_pem_slice(SERVER).unwrap(),
    );
    (ROOT.to_owned(), config)
}

/// The rest of a [`azcred::system::System`] that a test implements in part: this machine's.
#[macro_export]
macro_rules! otherwise_real {
    () => {
        fn open(&self, path: &std::path::Path) -> std::io::Result<azcred::system::OpenFile> {
            azcred::system::RealSystem.open(path)
        }
        fn make_folder(
            &self,
            folder: &std::path::Path,
            own: &std::path::Path,
        ) -> std::io::Result<()> {
            azcred::system::RealSystem.make_folder(folder, own)
        }
        fn look(&self, path: &std::path::Path) -> std::io::Result<azcred::system::FileFacts> {
            azcred::system::RealSystem.look(path)
        }
        fn write(&self, path: &std::path::Path, content: &[u8]) -> std::io::Result<()> {
            azcred::system::RealSystem.write(path, content)
        }
        fn find_program(&self, name: &str) -> Option<std::path::PathBuf> {
            azcred::system::RealSystem.find_program(name)
        }
        fn run(
            &self,
            command: azcred::system::Command,
        ) -> futures_util::future::BoxFuture<
            'static,
            Result<azcred::system::Finished, azcred::system::Unfinished>,
        > {
            azcred::system::RealSystem.run(command)
        }
        fn hypervisor(&self) -> azcred::system::Hypervisor {
            azcred::system::RealSystem.hypervisor()
        }
        fn os(&self) -> &'static str {
            azcred::system::RealSystem.os()
        }
        fn boot(&self) -> Option<String> {
            azcred::system::RealSystem.boot()
        }
    };
}
