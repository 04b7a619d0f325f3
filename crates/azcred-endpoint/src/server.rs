//! Accepts connections and serves them. Every wait is bounded.

use crate::{
    audit::Client,
    desk::Desk,
    listen::{Listener, Stream},
    options::Options,
    peer::Owner,
    reason::Reason,
};
use hyper::{Request, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use std::{
    collections::BTreeMap,
    convert::Infallible,
    future::poll_fn,
    io,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, copy, sink},
    task::{AbortHandle, Id, JoinSet},
    time::{sleep, timeout},
};
use tokio_rustls::TlsAcceptor;

/// The largest head in bytes. The longest is one with a resource id of 2 KiB.
const LARGEST_HEAD: usize = 16 << 10;
/// The most headers.
const MOST_HEADERS: usize = 64;
/// Accepting fails while the system has no more files or memory for this process.
const PAUSE: Duration = Duration::from_millis(50);
/// So much of what a client sends after its last request is read and dropped, for so long.
const LINGER_BYTES: u64 = 2 << 20;
const LINGER: Duration = Duration::from_secs(1);
/// Files that the rest of the process needs: the session sends requests too.
#[cfg(unix)]
const OTHER_FILES: u64 = 64;

/// The open connections of an endpoint. Dropping it closes all of them.
pub(crate) struct Server {
    desk: Arc<Desk>,
    patience: Duration,
    most: usize,
    tls: Option<TlsAcceptor>,
    tasks: JoinSet<()>,
    /// Those of strangers first, and the oldest first.
    open: BTreeMap<Place, Visitor>,
    places: BTreeMap<Id, Place>,
    next: u64,
}

/// The order in which connections are closed for a new one: whether it is a program's of this
/// user, and its number.
type Place = (bool, u64);

struct Visitor {
    /// Requests that have arrived and have no response yet.
    waiting: Arc<AtomicUsize>,
    task: AbortHandle,
}

impl Server {
    pub(crate) fn new(desk: Arc<Desk>, options: &Options) -> Self {
        Self {
            desk,
            patience: options.patience,
            most: options.connections.min(most_files()),
            tls: options.tls.as_ref().map(|tls| tls.config.clone().into()),
            tasks: JoinSet::new(),
            open: BTreeMap::new(),
            places: BTreeMap::new(),
            next: 0,
        }
    }

    /// Serves while it is polled.
    pub(crate) async fn serve(mut self, listener: Listener) -> Infallible {
        loop {
            tokio::select! {
                accepted = listener.accept() => match accepted {
                    Ok((stream, address)) => self.welcome(stream, address),
                    // The client has gone already.
                    Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
                    Err(error) => {
                        tracing::debug!(%error, "a connection was not accepted");
                        self.make_room();
                        sleep(PAUSE).await;
                    }
                },
                Some(done) = self.tasks.join_next_with_id() => {
                    let id = match done {
                        Ok((id, ())) => id,
                        Err(error) => error.id(),
                    };
                    if let Some(place) = self.places.remove(&id) {
                        self.open.remove(&place);
                    }
                }
            }
        }
    }

    fn welcome(&mut self, stream: Stream, address: Option<SocketAddr>) {
        if self.open.len() >= self.most {
            self.make_room();
        }
        let owner = stream.owner(&self.desk.peers);
        let waiting = Arc::new(AtomicUsize::new(0));
        let talk = Talk {
            address,
            owner,
            desk: self.desk.clone(),
            waiting: waiting.clone(),
            patience: self.patience,
            tls: self.tls.clone(),
        };
        let task = self.tasks.spawn(talk.begin(stream));
        let place = (!matches!(owner, Owner::Other(_)), self.next);
        self.places.insert(task.id(), place);
        self.open.insert(place, Visitor { waiting, task });
        self.next += 1;
    }

    /// Closes a connection on which no response is due: another user's, or else this user's. The
    /// oldest goes first.
    fn make_room(&mut self) {
        let mut open = self.open.iter();
        let idle = open.find(|(_, visitor)| visitor.waiting.load(Ordering::Relaxed) == 0);
        if let Some(place) = idle.map(|(place, _)| *place)
            && let Some(visitor) = self.open.remove(&place)
        {
            visitor.task.abort();
        }
    }
}

/// The connections for which this process may have files. Without a limit of its own, clients would
/// take the files that the session needs for their tokens.
fn most_files() -> usize {
    #[cfg(unix)]
    if let Some(files) = rustix::process::getrlimit(rustix::process::Resource::Nofile).current {
        let most = files.saturating_sub(OTHER_FILES).max(files / 4).max(1);
        return usize::try_from(most).unwrap_or(usize::MAX);
    }
    usize::MAX
}

/// A request that has arrived, until its response is ready or given up.
struct InService(Arc<AtomicUsize>);

impl InService {
    fn new(waiting: &Arc<AtomicUsize>) -> Self {
        waiting.fetch_add(1, Ordering::Relaxed);
        Self(waiting.clone())
    }
}

impl Drop for InService {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// One connection.
pub(crate) struct Talk {
    address: Option<SocketAddr>,
    owner: Owner,
    desk: Arc<Desk>,
    waiting: Arc<AtomicUsize>,
    patience: Duration,
    tls: Option<TlsAcceptor>,
}

impl Talk {
    /// A connection without a socket.
    #[cfg(feature = "fuzzing")]
    pub(crate) fn of(desk: Arc<Desk>) -> Self {
        Self {
            address: None,
            owner: Owner::Untold,
            desk,
            waiting: Arc::default(),
            patience: Duration::from_secs(60),
            tls: None,
        }
    }

    /// Serves the connection. It has buffers only after its first byte, so that idle ones cost
    /// little.
    async fn begin(self, stream: Stream) {
        if !matches!(timeout(self.patience, stream.readable()).await, Ok(Ok(()))) {
            return;
        }
        match stream {
            Stream::Tcp(stream) => match &self.tls {
                None => Box::pin(self.serve(stream)).await,
                Some(acceptor) => {
                    let accepted = Box::pin(timeout(
                        self.patience,
                        acceptor.accept(stream).into_fallible(),
                    ))
                    .await;
                    match accepted {
                        Ok(Ok(stream)) => Box::pin(self.serve(stream)).await,
                        // The connection is open until the line is written.
                        Ok(Err((error, _stream))) => {
                            let client = self.client().await;
                            let reason = Reason::Handshake(error.to_string());
                            drop(self.desk.reject(&client, None, reason));
                        }
                        Err(_) => {}
                    }
                }
            },
            #[cfg(unix)]
            Stream::Unix(stream) => Box::pin(self.serve(stream)).await,
        }
    }

    async fn client(&self) -> Client {
        Client {
            address: self.address,
            process: self.desk.peers.process(self.owner).await,
        }
    }

    /// Serves HTTP.
    pub(crate) async fn serve(&self, stream: impl AsyncRead + AsyncWrite + Unpin + Send) {
        let client = self.client().await;
        let answer = service_fn(|request: Request<Incoming>| {
            Box::pin(async {
                let _in_service = InService::new(&self.waiting);
                let (head, _) = request.into_parts();
                Ok::<_, Infallible>(match self.owner {
                    Owner::Other(user) => self.desk.reject(&client, None, Reason::OtherUser(user)),
                    Owner::Own(_) | Owner::Untold => self.desk.answer(&head, &client).await,
                })
            })
        });
        let mut connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(self.patience)
            .max_buf_size(LARGEST_HEAD)
            .max_headers(MOST_HEADERS)
            // The date is of no use, and making it panics after the year 9999.
            .auto_date_header(false)
            .serve_connection(TokioIo::new(stream), answer);
        let served = poll_fn(|cx| connection.poll_without_shutdown(cx)).await;
        let mut stream = connection.into_parts().io.into_inner();
        let wrong = match served {
            Err(error) if error.is_parse_too_large() => Some(Reason::TooLarge),
            Err(error) if error.is_parse() => Some(Reason::NoRequest),
            Ok(()) | Err(_) => None,
        };
        let is_wrong = wrong.is_some();
        if let Some(reason) = wrong {
            // hyper has sent its response.
            drop(self.desk.reject(&client, None, reason));
        }
        let end = async {
            stream.shutdown().await?;
            // A client that still sends would lose the response if the connection was closed now.
            if is_wrong {
                copy(&mut stream.take(LINGER_BYTES), &mut sink()).await?;
            }
            Ok::<_, io::Error>(())
        };
        let _ = timeout(LINGER, end).await;
    }
}
