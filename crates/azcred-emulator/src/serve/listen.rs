//! Binds the ports, on loopback only, and accepts connections until the emulator shuts down.

use super::{
    Admin, Context, connection, gate, proxy,
    routing::Routing,
    socket::{Ending, Socket},
};
use crate::service::{Service, Transport};
use std::{
    collections::BTreeMap,
    future::Future,
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::{Arc, Mutex, PoisonError},
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
    task::{AbortHandle, JoinSet},
};

/// Most connections at once on each port. For one more, the oldest idle one is closed. So a program
/// that fills one port does not block it, nor the others. Usually, a process may have 1,024 open
/// files.
const MAX_CONNECTIONS: usize = 256;

/// A port on `127.0.0.1`, and on `::1` if that is possible.
#[derive(Debug)]
pub(crate) struct Bound {
    port: u16,
    listeners: Vec<TcpListener>,
}

impl Bound {
    /// Binds a port. 0 means a free port.
    pub(crate) async fn new(port: u16) -> io::Result<Self> {
        let v4 = TcpListener::bind((IpAddr::V4(Ipv4Addr::LOCALHOST), port)).await?;
        let port = v4.local_addr()?.port();
        let mut listeners = vec![v4];
        // Many clients try `::1` first for `localhost`. If it can't be bound (no IPv6, or another
        // program uses it), they fall back to 127.0.0.1.
        if let Ok(v6) = TcpListener::bind(SocketAddr::from((Ipv6Addr::LOCALHOST, port))).await {
            listeners.push(v6);
        }
        Ok(Self { port, listeners })
    }

    /// The number of the port.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }
}

/// The ports of one emulator.
pub(crate) struct Listeners {
    pub(crate) services: BTreeMap<Service, Bound>,
    pub(crate) proxy: Bound,
    pub(crate) admin: Bound,
}

impl Listeners {
    /// The base URL of a service's port, without a trailing slash.
    pub(crate) fn url(&self, service: Service) -> String {
        let port = self.services.get(&service).map_or(0, Bound::port);
        match service.transport() {
            Transport::Tls | Transport::SelfSignedTls => format!("https://localhost:{port}"),
            // By IP address, like the real hosts.
            Transport::Plain => format!("http://127.0.0.1:{port}"),
        }
    }

    /// The numbers of all ports.
    pub(crate) fn ports(&self) -> impl Iterator<Item = u16> {
        let others = [&self.proxy, &self.admin];
        self.services.values().chain(others).map(Bound::port)
    }

    /// Accepts connections on all ports. The tasks end when they are aborted or dropped.
    pub(crate) fn serve(self, context: &Context, admin: &Arc<Admin>) -> JoinSet<()> {
        let mut tasks = JoinSet::new();
        let places = || Arc::new(Places::new());
        for (service, bound) in self.services {
            let places = places();
            for listener in bound.listeners {
                let context = context.clone();
                tasks.spawn(accept(listener, places.clone(), move |socket, ending| {
                    let context = context.clone();
                    async move {
                        let entrance = gate::entrance_by_port(service);
                        connection::serve_port(&context, &entrance, socket, &ending).await;
                    }
                }));
            }
        }
        serve_proxy(self.proxy, context, Routing::default(), &mut tasks);
        let of_admin = places();
        for listener in self.admin.listeners {
            let admin = admin.clone();
            tasks.spawn(accept(listener, of_admin.clone(), move |socket, _| {
                let admin = admin.clone();
                async move { admin.serve(socket).await }
            }));
        }
        tasks
    }
}

/// Opens a proxy with routes on a free port. It ends with its tasks.
pub(super) async fn open_proxy(
    context: &Context,
    routing: Routing,
) -> io::Result<(u16, JoinSet<()>)> {
    let bound = Bound::new(0).await?;
    let port = bound.port();
    let mut tasks = JoinSet::new();
    serve_proxy(bound, context, routing, &mut tasks);
    Ok((port, tasks))
}

fn serve_proxy(bound: Bound, context: &Context, routing: Routing, tasks: &mut JoinSet<()>) {
    let (places, routing) = (Arc::new(Places::new()), Arc::new(routing));
    for listener in bound.listeners {
        let (context, routing) = (context.clone(), routing.clone());
        tasks.spawn(accept(listener, places.clone(), move |socket, ending| {
            let (context, routing) = (context.clone(), routing.clone());
            async move { proxy::serve(&context, &routing, socket, &ending).await }
        }));
    }
}

/// The places for connections on a port, and who has them.
struct Places {
    free: Arc<Semaphore>,
    /// In the order in which they came.
    taken: Mutex<Vec<(Ending, AbortHandle)>>,
}

impl Places {
    fn new() -> Self {
        Self {
            free: Arc::new(Semaphore::new(MAX_CONNECTIONS)),
            taken: Mutex::default(),
        }
    }

    /// A place for a connection. If all are taken, the oldest idle connection loses its place; if
    /// none is idle, this waits.
    async fn take(&self) -> Option<OwnedSemaphorePermit> {
        if let Ok(place) = self.free.clone().try_acquire_owned() {
            return Some(place);
        }
        if let Some(task) = self.oldest_idle() {
            task.abort();
        }
        self.free.clone().acquire_owned().await.ok()
    }

    fn oldest_idle(&self) -> Option<AbortHandle> {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        taken.retain(|(_, task)| !task.is_finished());
        let oldest = taken.iter().position(|(ending, _)| ending.is_idle())?;
        Some(taken.remove(oldest).1)
    }

    fn taken(&self, ending: Ending, task: AbortHandle) {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if taken.len() >= 2 * MAX_CONNECTIONS {
            taken.retain(|(_, task)| !task.is_finished());
        }
        taken.push((ending, task));
    }
}

/// Accepts connections until the task ends. Each connection has a task in this task's set.
async fn accept<F, Fut>(listener: TcpListener, places: Arc<Places>, serve: F)
where
    F: Fn(Socket, Ending) -> Fut,
    Fut: Future<Output = ()> + Send + 'static,
{
    let mut connections = JoinSet::new();
    loop {
        let stream = tokio::select! {
            accepted = listener.accept() => accepted,
            // Removes finished tasks, so that the set does not grow.
            Some(_) = connections.join_next() => continue,
        };
        match stream {
            Ok((stream, peer)) if is_loopback(&stream, peer) => {
                let Some(place) = places.take().await else {
                    return;
                };
                let ending = Ending::default();
                let serving = serve(Socket::new(stream, ending.clone()), ending.clone());
                let task = connections.spawn(async move {
                    serving.await;
                    drop(place);
                });
                places.taken(ending, task);
            }
            Ok(_) => {}
            // No file descriptors are left, or the client has gone: the next connection may
            // succeed.
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            }
        }
    }
}

/// A second check: the ports are bound to the loopback address only.
fn is_loopback(stream: &TcpStream, peer: SocketAddr) -> bool {
    peer.ip().is_loopback()
        && stream
            .local_addr()
            .is_ok_and(|local| local.ip().is_loopback())
}
