//! A client that sends requests byte for byte, a credential that returns what it was given, and an
//! audit that keeps its lines.

use azcred::{AccessToken, Availability, Credential, Error, TokenFuture, TokenRequest};
use azcred_endpoint::{Audit, Endpoint, Event, More};
use secrecy::ExposeSecret;
use serde_json::Value;
use std::{
    future::pending,
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, SystemTime},
};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::TcpStream,
    sync::Notify,
    time::timeout,
};

/// What an endpoint's client knows.
pub(crate) struct Service {
    pub(crate) address: SocketAddr,
    pub(crate) secret: String,
}

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) json: Value,
    pub(crate) whole: String,
}

impl Service {
    pub(crate) fn of(endpoint: &Endpoint) -> Self {
        let variables = endpoint.variables();
        let secret = variables
            .iter()
            .find(|(name, _)| *name == "IDENTITY_HEADER");
        Self {
            address: endpoint.address().unwrap(),
            secret: secret.unwrap().1.expose_secret().to_owned(),
        }
    }

    /// Requests a token in App Service's protocol.
    pub(crate) async fn token(&self, query: &str) -> Answer {
        self.send(&format!(
            "GET /msi/token?api-version=2019-08-01&{query} HTTP/1.1\r\nX-IDENTITY-HEADER: {}\r\n",
            self.secret
        ))
        .await
    }

    /// The whole request of a head without its end.
    pub(crate) fn request(&self, head: &str) -> String {
        format!("{head}Host: {}\r\nConnection: close\r\n\r\n", self.address)
    }

    /// Sends a head, and reads the response.
    pub(crate) async fn send(&self, head: &str) -> Answer {
        let stream = TcpStream::connect(self.address).await.unwrap();
        talk(stream, &self.request(head)).await
    }
}

/// Sends a request over a connection, and reads the response.
pub(crate) async fn talk(mut stream: impl AsyncRead + AsyncWrite + Unpin, request: &str) -> Answer {
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut whole = String::new();
    let read = stream.read_to_string(&mut whole);
    let read = timeout(Duration::from_secs(30), read).await.unwrap();
    assert!(read.is_ok() || !whole.is_empty(), "{read:?}");
    let (head, body) = whole.split_once("\r\n\r\n").unwrap_or_default();
    Answer {
        status: head.get(9..12).unwrap_or("0").parse().unwrap_or(0),
        head: head.to_owned(),
        json: serde_json::from_str(body).unwrap_or(Value::Null),
        whole,
    }
}

/// Returns what it was given.
#[derive(Debug)]
pub(crate) struct Given {
    /// `None` for a request that never ends.
    result: Option<azcred::Result<AccessToken>>,
    requests: AtomicUsize,
    began: Notify,
    dropped: Arc<Notify>,
}

impl Given {
    fn new(result: Option<azcred::Result<AccessToken>>) -> Arc<Self> {
        Arc::new(Self {
            result,
            requests: AtomicUsize::new(0),
            began: Notify::new(),
            dropped: Arc::default(),
        })
    }

    pub(crate) fn token(text: &str) -> Arc<Self> {
        let hour = Duration::from_secs(3600);
        Self::new(Some(Ok(AccessToken::new(
            text,
            SystemTime::now(),
            hour,
            None,
        ))))
    }

    pub(crate) fn error(error: Error) -> Arc<Self> {
        Self::new(Some(Err(error)))
    }

    pub(crate) fn never() -> Arc<Self> {
        Self::new(None)
    }

    pub(crate) fn requests(&self) -> usize {
        self.requests.load(Ordering::Relaxed)
    }

    pub(crate) async fn began(&self) {
        self.began.notified().await;
    }

    pub(crate) async fn dropped(&self) {
        self.dropped.notified().await;
    }
}

/// Says when it is dropped.
struct Dropped(Arc<Notify>);

impl Drop for Dropped {
    fn drop(&mut self) {
        self.0.notify_one();
    }
}

impl Credential for Given {
    fn name(&self) -> &'static str {
        "Given"
    }

    fn prepare(&self) -> Availability {
        Availability::Ready {
            using: "a token".into(),
        }
    }

    fn get_token<'a>(&'a self, _: &'a TokenRequest) -> TokenFuture<'a> {
        self.requests.fetch_add(1, Ordering::Relaxed);
        match &self.result {
            Some(result) => TokenFuture::ready(result.clone()),
            None => {
                let dropped = Dropped(self.dropped.clone());
                self.began.notify_one();
                TokenFuture::pending(async move {
                    let _dropped = dropped;
                    pending().await
                })
            }
        }
    }
}

/// Keeps the lines of the events.
#[derive(Clone, Debug, Default)]
pub(crate) struct Log(Arc<Lines>);

#[derive(Debug, Default)]
struct Lines {
    lines: Mutex<Vec<String>>,
    written: Notify,
}

impl Log {
    pub(crate) fn shared(&self) -> Arc<dyn Audit> {
        Arc::new(self.clone())
    }

    pub(crate) fn lines(&self) -> Vec<String> {
        self.0.lines.lock().unwrap().clone()
    }

    /// The line with this number, when there is one.
    pub(crate) async fn nth(&self, number: usize) -> String {
        loop {
            let written = self.0.written.notified();
            if let Some(line) = self.lines().into_iter().nth(number) {
                return line;
            }
            timeout(Duration::from_secs(30), written).await.unwrap();
        }
    }
}

impl Log {
    fn push(&self, line: String) {
        self.0.lines.lock().unwrap().push(line);
        self.0.written.notify_one();
    }
}

impl Audit for Log {
    fn record(&self, event: &Event) {
        self.push(event.to_string());
    }

    fn record_more(&self, more: &More) {
        self.push(more.to_string());
    }
}
