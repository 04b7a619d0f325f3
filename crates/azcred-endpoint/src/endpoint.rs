//! An endpoint that runs.

use crate::{
    desk::Desk,
    door::{Door, PATH},
    options::Options,
    peer::Peers,
    rate::Rate,
    secret::Secret,
    server::Server,
};
use azcred::{Credential, Error, ErrorKind, Result, SecretString};
use std::{
    fmt,
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex},
    time::Instant,
};
use tokio::{net::TcpListener, task::JoinHandle, time::sleep};

const WHAT: &str = "could not start the endpoint";

/// A managed-identity endpoint on this machine.
///
/// Dropping it closes the port and all connections as soon as its runtime runs; [`Endpoint::stop`]
/// waits for that.
pub struct Endpoint {
    address: SocketAddr,
    variables: Vec<(&'static str, SecretString)>,
    checks_users: bool,
    task: JoinHandle<()>,
}

impl Endpoint {
    /// Starts an endpoint that returns tokens of `tokens`, such as an [`azcred::Session`]. It runs
    /// on the current Tokio runtime, with I/O and time enabled.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] if the port is in use; [`ErrorKind::Unavailable`] if this machine
    /// does not allow listening, or has no random numbers.
    pub async fn start(tokens: Arc<dyn Credential>, options: Options) -> Result<Self> {
        let secret = Secret::random()?;
        let listener = listen(options.port).await?;
        let address = listener.local_addr().map_err(|error| failed(&error))?;
        let variables = variables(address, &secret, &options);
        let (port, lasts) = (address.port(), options.lasts);
        let peers = Peers::new(true);
        let checks_users = peers.are_checked();
        let desk = Desk {
            door: Door {
                secret,
                hosts: ["127.0.0.1", "localhost"]
                    .map(|host| format!("{host}:{port}"))
                    .into(),
                serves_azure_ml: options.serves_azure_ml,
            },
            tokens,
            allow: options.allow.clone(),
            rate: Mutex::new(Rate::new(options.per_second, Instant::now())),
            audit: options.audit.clone(),
            peers,
        };
        let serving = Server::new(desk, &options).serve(listener);
        let task = tokio::spawn(async move {
            match lasts {
                Some(time) => tokio::select! {
                    never = serving => match never {},
                    () = sleep(time) => {}
                },
                None => match serving.await {},
            }
        });
        Ok(Self {
            address,
            variables,
            checks_users,
            task,
        })
    }

    /// The address on which it listens.
    pub fn address(&self) -> SocketAddr {
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

impl Drop for Endpoint {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Endpoint")
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}

async fn listen(port: u16) -> Result<TcpListener> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    TcpListener::bind(address)
        .await
        .map_err(|error| match port {
            0 => failed(&error),
            port => Error::new(
                ErrorKind::Invalid,
                WHAT,
                format!("the port {port} can't be used: {error}"),
            )
            .with_fix("choose another port, or none to get a free one"),
        })
}

fn failed(error: &std::io::Error) -> Error {
    Error::new(
        ErrorKind::Unavailable,
        WHAT,
        format!("no port of 127.0.0.1 can be used: {error}"),
    )
}

fn variables(
    address: SocketAddr,
    secret: &Secret,
    options: &Options,
) -> Vec<(&'static str, SecretString)> {
    let url = SecretString::from(format!("http://{address}{PATH}"));
    let mut variables = vec![
        ("IDENTITY_ENDPOINT", url.clone()),
        ("IDENTITY_HEADER", secret.text()),
    ];
    if options.serves_azure_ml {
        variables.extend([("MSI_ENDPOINT", url), ("MSI_SECRET", secret.text())]);
    }
    variables
}
