//! The loopback port to which the browser is redirected (RFC 8252 section 7.3), and its
//! connections.
//!
//! One future owns everything: dropping it closes the port and all connections at once.

use super::{
    door::{Decision, Door},
    pages::Page,
};
use crate::{
    entra::Redirected,
    facts::{Error, ErrorKind, Result, SignIn, SignInWay},
};
use futures_util::{
    FutureExt, StreamExt,
    future::{AbortHandle, Abortable, BoxFuture},
    stream::FuturesUnordered,
};
use hyper::{
    Request, Response, StatusCode, body::Incoming, server::conn::http1, service::service_fn,
};
use hyper_util::rt::{TokioIo, TokioTimer};
use std::{
    collections::VecDeque,
    convert::Infallible,
    io,
    net::{Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    sync::{mpsc, oneshot},
    time::timeout,
};

/// The most connections at the same time. Browsers open some in advance.
const CONNECTIONS: usize = 16;
/// The time limit for a request's head.
const PATIENCE: Duration = Duration::from_secs(10);
/// The largest head in bytes. Entra ID's codes have some kilobytes.
const LARGEST: usize = 16 << 10;
/// The time limit for sending the last page.
const FAREWELL: Duration = Duration::from_secs(2);
/// How many ports are tried until one is free on both addresses.
const TRIES: usize = 16;
/// Accepting fails while this process has too many open files, which may be temporary.
const PAUSE: Duration = Duration::from_millis(50);

const WHAT: &str = "could not listen for the browser on this machine";

/// A port, open on both loopback addresses: `localhost` can be either, and no other program may
/// have the other one.
#[derive(Debug)]
pub(super) struct Loopback {
    v4: TcpListener,
    /// `None` if this machine has no such address.
    v6: Option<TcpListener>,
    port: u16,
}

impl Loopback {
    /// Opens `port`, or else a free one.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] if `port` is in use; [`ErrorKind::Unavailable`] if this machine does
    /// not allow listening.
    pub(super) async fn bind(port: Option<u16>) -> Result<Self> {
        let failed = |kind: ErrorKind, why: String| {
            Error::new(kind, WHAT, why).with_fix(SignIn::by(SignInWay::DeviceCode))
        };
        let mut last = None;
        for _ in 0..TRIES {
            match Self::on(port.unwrap_or(0)).await {
                Ok(loopback) => return Ok(loopback),
                Err(error) if error.kind() == io::ErrorKind::AddrInUse && port.is_none() => {
                    last = Some(error);
                }
                Err(error) => {
                    return Err(match port {
                        Some(port) => failed(
                            ErrorKind::Invalid,
                            format!("the port {port} can't be used: {error}"),
                        ),
                        None => failed(
                            ErrorKind::Unavailable,
                            format!("no port can be used: {error}"),
                        ),
                    });
                }
            }
        }
        let why = last.map_or_else(String::new, |error| error.to_string());
        Err(failed(
            ErrorKind::Unavailable,
            format!("no port is free on both addresses of localhost: {why}"),
        ))
    }

    async fn on(port: u16) -> io::Result<Self> {
        let v4 = TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port))).await?;
        let port = v4.local_addr()?.port();
        let v6 = match TcpListener::bind(SocketAddr::from((Ipv6Addr::LOCALHOST, port))).await {
            Ok(v6) => Some(v6),
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => return Err(error),
            Err(error) => {
                tracing::debug!(%error, "listening on 127.0.0.1 alone");
                None
            }
        };
        Ok(Self { v4, v6, port })
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }

    /// The redirect address. For a public client, Entra ID accepts every port of `localhost`, but
    /// not of `127.0.0.1` ('Redirect URI (reply URL) best practices and limitations').
    pub(super) fn redirect_uri(&self) -> String {
        format!("http://localhost:{}", self.port)
    }

    async fn accept(&self) -> TcpStream {
        loop {
            let accepted = match &self.v6 {
                None => self.v4.accept().await,
                Some(v6) => tokio::select! {
                    accepted = self.v4.accept() => accepted,
                    accepted = v6.accept() => accepted,
                },
            };
            match accepted {
                Ok((stream, _)) => return stream,
                Err(error) => {
                    tracing::debug!(%error, "a connection was not accepted");
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
    }
}

/// What has come to the port.
#[derive(Debug)]
pub(super) enum Arrival {
    /// The browser with the provider's response. It waits for the page.
    Back(Redirected, oneshot::Sender<Page>),
    /// Another request, which was rejected.
    Strange(&'static str),
}

/// The connections of the port.
pub(super) struct Visitors {
    loopback: Loopback,
    door: Arc<Door>,
    arrivals: mpsc::Sender<Arrival>,
    talks: FuturesUnordered<BoxFuture<'static, u64>>,
    /// The open connections, the oldest first.
    open: VecDeque<Visitor>,
    next: u64,
}

struct Visitor {
    number: u64,
    /// Whether it brought the provider's response, so that it has to see the result.
    is_awaited: Arc<AtomicBool>,
    stop: AbortHandle,
}

impl Visitors {
    pub(super) fn new(loopback: Loopback, door: Arc<Door>) -> (Self, mpsc::Receiver<Arrival>) {
        let (arrivals, arrived) = mpsc::channel(CONNECTIONS);
        let visitors = Self {
            loopback,
            door,
            arrivals,
            talks: FuturesUnordered::new(),
            open: VecDeque::new(),
            next: 0,
        };
        (visitors, arrived)
    }

    /// Serves connections while it is polled. Cancel-safe: it can be called again later.
    pub(super) async fn serve(&mut self) -> Infallible {
        loop {
            tokio::select! {
                stream = self.loopback.accept() => self.welcome(stream),
                Some(number) = self.talks.next() => self.forget(number),
            }
        }
    }

    /// Closes the port and sends the last page to the browser that waits for it.
    pub(super) async fn finish(self) {
        let Self {
            loopback,
            mut talks,
            open,
            ..
        } = self;
        drop(loopback);
        let awaited = open
            .iter()
            .find(|visitor| visitor.is_awaited.load(Ordering::Relaxed));
        let Some(awaited) = awaited.map(|visitor| visitor.number) else {
            return;
        };
        let sent = async {
            while let Some(number) = talks.next().await {
                if number == awaited {
                    break;
                }
            }
        };
        if timeout(FAREWELL, sent).await.is_err() {
            tracing::debug!("the browser did not take the last page");
        }
    }

    /// Accepts a connection. If there are too many, the oldest that sent nothing is closed, so that
    /// idle connections can't keep the browser out.
    fn welcome(&mut self, stream: TcpStream) {
        if self.open.len() >= CONNECTIONS {
            let is_idle = |visitor: &Visitor| !visitor.is_awaited.load(Ordering::Relaxed);
            let idle = self.open.iter().position(is_idle);
            if let Some(longest) = idle.and_then(|place| self.open.remove(place)) {
                longest.stop.abort();
            }
        }
        let (stop, stopped) = AbortHandle::new_pair();
        let number = self.next;
        self.next += 1;
        let is_awaited = Arc::new(AtomicBool::new(false));
        let talk = talk(
            stream,
            self.door.clone(),
            self.arrivals.clone(),
            is_awaited.clone(),
        );
        let talk = Abortable::new(talk, stopped);
        self.talks.push(talk.map(move |_| number).boxed());
        self.open.push_back(Visitor {
            number,
            is_awaited,
            stop,
        });
    }

    fn forget(&mut self, number: u64) {
        self.open.retain(|visitor| visitor.number != number);
    }
}

/// Serves one connection with one request.
pub(super) async fn talk(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    door: Arc<Door>,
    arrivals: mpsc::Sender<Arrival>,
    is_awaited: Arc<AtomicBool>,
) {
    let answer = service_fn(|request: Request<Incoming>| async {
        let (head, _) = request.into_parts();
        Ok::<_, Infallible>(answer(&head, &door, &arrivals, &is_awaited).await)
    });
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(PATIENCE)
        .max_buf_size(LARGEST)
        .keep_alive(false)
        // The date is of no use, and making it panics after the year 9999.
        .auto_date_header(false)
        .serve_connection(TokioIo::new(stream), answer)
        .await;
    if served.is_err_and(|error| error.is_parse() || error.is_parse_too_large()) {
        // If the receiver is gone, the report is not needed.
        let _ = arrivals.try_send(Arrival::Strange("something that is not a browser"));
    }
}

async fn answer(
    head: &hyper::http::request::Parts,
    door: &Door,
    arrivals: &mpsc::Sender<Arrival>,
    is_awaited: &AtomicBool,
) -> Response<String> {
    let page = match door.look_at(head) {
        Decision::Answer(redirected) => {
            is_awaited.store(true, Ordering::Relaxed);
            let (reply, page) = oneshot::channel();
            let _ = arrivals.send(Arrival::Back(redirected, reply)).await;
            page.await.unwrap_or_else(|_| Page::too_late())
        }
        Decision::Again => Page::used(),
        Decision::Strange(status, what) => {
            let _ = arrivals.try_send(Arrival::Strange(what));
            Page::turned_away(status, what)
        }
        Decision::Absent => {
            let mut nothing = Response::new(String::new());
            *nothing.status_mut() = StatusCode::NOT_FOUND;
            return nothing;
        }
    };
    page.into_response()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        entra::{Authorization, AuthorizationOptions, Endpoints},
        request::TokenRequest,
        scope::Scope,
    };
    use tokio::io::AsyncReadExt;

    fn door(loopback: &Loopback) -> Arc<Door> {
        let at = |path: &str| format!("https://localhost/{path}").parse().unwrap();
        let endpoints = Endpoints {
            authorization: at("authorize"),
            token: at("token"),
            device_authorization: None,
            issuer: None,
            names_issuer: false,
        };
        let request = TokenRequest::new(Scope::ARM);
        let back = loopback.redirect_uri();
        let authorization = Authorization::new(
            &endpoints,
            "c",
            &request,
            back,
            AuthorizationOptions::default(),
        )
        .unwrap();
        Arc::new(Door::new(authorization, loopback.port()))
    }

    #[tokio::test]
    async fn idle_connections_are_closed_for_new_ones_and_their_number_is_limited() {
        let loopback = Loopback::bind(None).await.unwrap();
        let (port, door) = (loopback.port(), door(&loopback));
        let (mut visitors, _arrivals) = Visitors::new(loopback, door);
        let mut idle = Vec::new();
        let come = async {
            for _ in 0..3 * CONNECTIONS {
                idle.push(
                    TcpStream::connect((Ipv4Addr::LOCALHOST, port))
                        .await
                        .unwrap(),
                );
            }
            // The first connection was closed when the last one came.
            let mut rest = Vec::new();
            let _ = idle[0].read_to_end(&mut rest).await;
            assert!(rest.is_empty());
        };
        tokio::select! {
            never = visitors.serve() => match never {},
            () = come => {}
        }
        assert!(
            visitors.open.len() <= CONNECTIONS,
            "{}",
            visitors.open.len()
        );
        assert!(visitors.talks.len() <= CONNECTIONS + 1);
    }
}
