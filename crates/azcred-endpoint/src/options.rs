//! How an endpoint is set up.

use crate::{
    allow::Allow,
    audit::{Audit, LogAudit},
    tls::Tls,
};
#[cfg(unix)]
use std::path::PathBuf;
use std::{
    fmt,
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

/// A protocol in which managed identities are requested.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// App Service's: `IDENTITY_ENDPOINT` and `IDENTITY_HEADER`, version 2019-08-01. All Azure SDKs
    /// have it ('Use managed identities for App Service and Azure Functions', 'REST endpoint
    /// reference').
    AppService,
    /// Azure Machine Learning's on a compute: `MSI_ENDPOINT` and `MSI_SECRET`, version 2017-09-01.
    AzureMl,
}

impl Protocol {
    /// The header with the secret.
    pub(crate) fn header(self) -> &'static str {
        match self {
            Self::AppService => "x-identity-header",
            Self::AzureMl => "secret",
        }
    }

    /// The parameters that name an identity. Microsoft's page has `principal_id`; the SDKs send
    /// `object_id`.
    pub(crate) fn identities(self) -> &'static [&'static str] {
        match self {
            Self::AppService => &["client_id", "object_id", "principal_id", "mi_res_id"],
            Self::AzureMl => &["clientid"],
        }
    }
}

/// Where an endpoint listens.
#[derive(Clone, Debug)]
pub(crate) enum Listen {
    /// On a port of 127.0.0.1; 0 is a free one.
    Loopback(u16),
    /// On another address.
    Address(SocketAddr),
    /// On a Unix socket.
    #[cfg(unix)]
    Unix(PathBuf),
}

/// How an endpoint is set up.
#[derive(Clone)]
pub struct Options {
    pub(crate) allow: Allow,
    pub(crate) audit: Arc<dyn Audit>,
    pub(crate) serves_azure_ml: bool,
    pub(crate) listen: Listen,
    pub(crate) tls: Option<Tls>,
    pub(crate) name: Option<String>,
    pub(crate) lasts: Option<Duration>,
    pub(crate) per_second: u32,
    pub(crate) connections: usize,
    pub(crate) patience: Duration,
}

impl Options {
    /// An endpoint on a free port of 127.0.0.1 that returns tokens for these resources in App
    /// Service's protocol, until it is stopped.
    pub fn new(allow: Allow) -> Self {
        Self {
            allow,
            audit: Arc::new(LogAudit),
            serves_azure_ml: false,
            listen: Listen::Loopback(0),
            tls: None,
            name: None,
            lasts: None,
            per_second: 10_000,
            connections: 16_384,
            patience: Duration::from_secs(60),
        }
    }

    /// Also serves Azure Machine Learning's protocol, and sets `MSI_ENDPOINT` and `MSI_SECRET`.
    /// Some programs skip managed identities if `MSI_ENDPOINT` is set.
    #[must_use]
    pub fn with_azure_ml(mut self) -> Self {
        self.serves_azure_ml = true;
        self
    }

    /// Records tokens and rejections here. The default is [`LogAudit`].
    #[must_use]
    pub fn with_audit(mut self, audit: Arc<dyn Audit>) -> Self {
        self.audit = audit;
        self
    }

    /// Listens on this port instead of a free one.
    #[must_use]
    pub fn with_port(mut self, port: u16) -> Self {
        self.listen = Listen::Loopback(port);
        self
    }

    /// Listens on this address of the machine instead of loopback, such as that of a bridge to
    /// containers; port 0 is a free one. Every program that reaches the address and has the secret
    /// gets tokens: the system does not tell whose program it is.
    #[must_use]
    pub fn with_address(mut self, address: SocketAddr) -> Self {
        self.listen = match address.ip() == Ipv4Addr::LOCALHOST {
            true => Listen::Loopback(address.port()),
            false => Listen::Address(address),
        };
        self
    }

    /// Listens on a Unix socket instead of a port. Its file is for this user only (0600), and is
    /// removed at the end. SDKs need a program that forwards a port to it.
    #[cfg(unix)]
    #[must_use]
    pub fn with_unix_socket(mut self, path: impl Into<PathBuf>) -> Self {
        self.listen = Listen::Unix(path.into());
        self
    }

    /// Speaks HTTPS, with this certificate. Not on a Unix socket.
    #[must_use]
    pub fn with_tls(mut self, tls: Tls) -> Self {
        self.tls = Some(tls);
        self
    }

    /// Writes this host into the variables, which must be in the certificate and resolve to the
    /// address. Otherwise it is the first of these that is in the certificate: the address,
    /// `localhost` on loopback, `host.docker.internal` elsewhere.
    #[must_use]
    pub fn with_name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Closes the port after this time.
    #[must_use]
    pub fn lasting(mut self, time: Duration) -> Self {
        self.lasts = Some(time);
        self
    }

    /// Answers at most this many requests with the secret in a second, and the others with 429. The
    /// default is 10,000.
    #[must_use]
    pub fn with_rate(mut self, per_second: u32) -> Self {
        self.per_second = per_second.max(1);
        self
    }

    /// Keeps at most this many connections. For one more, the oldest idle one is closed. The
    /// default is 16,384.
    #[must_use]
    pub fn with_connections(mut self, connections: usize) -> Self {
        self.connections = connections.max(1);
        self
    }

    /// Waits this long for a request's head, and for the next request. The default is a minute.
    #[must_use]
    pub fn with_patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("allow", &self.allow)
            .field("serves_azure_ml", &self.serves_azure_ml)
            .field("listen", &self.listen)
            .field("tls", &self.tls)
            .field("name", &self.name)
            .field("lasts", &self.lasts)
            .field("per_second", &self.per_second)
            .field("connections", &self.connections)
            .field("patience", &self.patience)
            .finish_non_exhaustive()
    }
}
