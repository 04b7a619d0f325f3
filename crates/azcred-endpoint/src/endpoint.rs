//! An endpoint that runs.

use crate::{
    desk::Desk,
    door::{Door, PATH},
    listen::Listener,
    options::Options,
    peer::Peers,
    rate::Rate,
    rejections::Rejections,
    secret::Secret,
    server::Server,
};
use azcred::{Credential, Error, ErrorKind, Result, SecretString};
use std::{
    fmt,
    future::pending,
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};
use tokio::{task::JoinHandle, time::sleep};

/// A managed-identity endpoint on this machine.
///
/// Dropping it closes the port and all connections as soon as its runtime runs; [`Endpoint::stop`]
/// waits for that.
pub struct Endpoint {
    address: Option<SocketAddr>,
    variables: Vec<(&'static str, SecretString)>,
    checks_users: bool,
    desk: Arc<Desk>,
    task: JoinHandle<()>,
}

impl Endpoint {
    /// Starts an endpoint that returns tokens of `tokens`, such as an [`azcred::Session`]. It runs
    /// on the current Tokio runtime, with I/O and time enabled.
    ///
    /// # Errors
    /// As [`Endpoint::bind`].
    pub async fn start(tokens: Arc<dyn Credential>, options: Options) -> Result<Self> {
        Ok(Self::bind(options).await?.serve(tokens))
    }

    /// Opens the port or the socket, and serves nothing yet. So it is known that an endpoint can
    /// start before a person is asked to sign in.
    ///
    /// # Errors
    /// [`azcred::ErrorKind::Invalid`] if the port, the address or the path can't be used;
    /// [`azcred::ErrorKind::Unavailable`] if this machine does not allow listening, or has no
    /// random numbers.
    pub async fn bind(options: Options) -> Result<Bound> {
        let listener = Listener::open(&options).await?;
        Ok(Bound {
            secret: Secret::random()?,
            host: host(listener.address(), &options)?,
            listener,
            options,
        })
    }

    /// The address on which it listens; `None` on a Unix socket.
    pub fn address(&self) -> Option<SocketAddr> {
        self.address
    }

    /// Whether clients of other users are rejected. Only Linux tells whose a client is; elsewhere,
    /// and in a sandbox that hides it, the secret alone decides.
    pub fn checks_users(&self) -> bool {
        self.checks_users
    }

    /// The variables with which a program finds the endpoint: `IDENTITY_ENDPOINT` and
    /// `IDENTITY_HEADER`, and with [`Options::with_azure_ml`] `MSI_ENDPOINT` and `MSI_SECRET`.
    ///
    /// A program that is sent through a proxy also needs `127.0.0.1` in `NO_PROXY`.
    pub fn variables(&self) -> Vec<(&'static str, SecretString)> {
        self.variables.clone()
    }

    /// Waits until the time of [`Options::lasting`] is over. Cancel-safe.
    pub async fn ended(&mut self) {
        if !self.task.is_finished() {
            // An error means that the endpoint was stopped.
            let _ = (&mut self.task).await;
        }
    }

    /// Closes the port and all connections, and waits until they are closed.
    pub async fn stop(mut self) {
        self.task.abort();
        self.ended().await;
    }
}

/// An open port or socket that is not served yet: clients connect and wait. Dropping it closes it.
pub struct Bound {
    secret: Secret,
    /// The host and the port in the variables.
    host: String,
    listener: Listener,
    options: Options,
}

impl Bound {
    /// The address, as [`Endpoint::address`].
    pub fn address(&self) -> Option<SocketAddr> {
        self.listener.address()
    }

    /// The variables, as [`Endpoint::variables`].
    pub fn variables(&self) -> Vec<(&'static str, SecretString)> {
        variables(&self.host, &self.secret, &self.options)
    }

    /// Starts the endpoint, as [`Endpoint::start`] does.
    pub fn serve(self, tokens: Arc<dyn Credential>) -> Endpoint {
        let (address, variables) = (self.address(), self.variables());
        let Self {
            secret,
            host: _,
            listener,
            options,
        } = self;
        let lasts = options.lasts;
        // Clients on other networks are not of this machine.
        let peers = Peers::new(address.is_some_and(|address| address.ip().is_loopback()));
        let checks_users = peers.are_checked() || address.is_none();
        let now = Instant::now();
        let desk = Arc::new(Desk {
            door: Door {
                secret,
                hosts: address.filter(|_| options.tls.is_none()).map(hosts),
                serves_azure_ml: options.serves_azure_ml,
            },
            tokens,
            allow: options.allow.clone(),
            rate: Mutex::new(Rate::new(options.per_second, Duration::from_secs(1), now)),
            audit: options.audit.clone(),
            rejections: Rejections::new(now),
            peers,
        });
        let serving = Server::new(desk.clone(), &options).serve(listener);
        let counting = desk.clone();
        let task = tokio::spawn(async move {
            let end = async {
                match lasts {
                    Some(time) => sleep(time).await,
                    None => pending().await,
                }
            };
            tokio::select! {
                never = serving => match never {},
                never = counting.count() => match never {},
                () = end => {}
            }
        });
        Endpoint {
            address,
            variables,
            checks_users,
            desk,
            task,
        }
    }
}

impl fmt::Debug for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bound")
            .field("address", &self.listener.address())
            .finish_non_exhaustive()
    }
}

impl Drop for Endpoint {
    fn drop(&mut self) {
        self.task.abort();
        self.desk.record_more();
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Endpoint")
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}

/// The values of `Host` for an address. Docker gives the bridge's address a name.
fn hosts(address: SocketAddr) -> Vec<String> {
    let (port, name) = (address.port(), usual_name(address));
    vec![address.to_string(), format!("{name}:{port}")]
}

fn usual_name(address: SocketAddr) -> &'static str {
    match address.ip().is_loopback() {
        true => "localhost",
        false => "host.docker.internal",
    }
}

/// The host and the port in the variables. By TLS, programs check that the host is in the
/// certificate.
fn host(address: Option<SocketAddr>, options: &Options) -> Result<String> {
    let Some(address) = address else {
        return Ok("localhost".to_owned());
    };
    let Some(tls) = &options.tls else {
        return Ok(address.to_string());
    };
    let (ip, port) = (address.ip().to_string(), address.port());
    let hosts = match &options.name {
        Some(name) => vec![name.as_str()],
        None => vec![ip.as_str(), usual_name(address)],
    };
    match hosts.iter().find(|host| tls.is_for(host)) {
        Some(own) if *own == ip => Ok(address.to_string()),
        Some(own) => Ok(format!("{own}:{port}")),
        None => Err(Error::new(
            ErrorKind::Invalid,
            "could not use the certificate",
            format!("it is not for {}", hosts.join(" or ")),
        )
        .with_fix(format!(
            "give a host that is in the certificate and resolves to {ip}: `--name HOST`"
        ))),
    }
}

fn variables(host: &str, secret: &Secret, options: &Options) -> Vec<(&'static str, SecretString)> {
    let scheme = if options.tls.is_some() {
        "https"
    } else {
        "http"
    };
    let url = SecretString::from(format!("{scheme}://{host}{PATH}"));
    let mut variables = vec![
        ("IDENTITY_ENDPOINT", url.clone()),
        ("IDENTITY_HEADER", secret.text()),
    ];
    if options.serves_azure_ml {
        variables.extend([("MSI_ENDPOINT", url), ("MSI_SECRET", secret.text())]);
    }
    variables
}
