//! Where an endpoint listens: loopback, another address of this machine, or a Unix socket.

use crate::{
    options::{Listen, Options},
    peer::{Owner, Peers},
};
use azcred::{Error, ErrorKind, Result};
use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
};
use tokio::net::{TcpListener, TcpStream};
#[cfg(unix)]
use {
    std::{fs, os::unix::fs::PermissionsExt as _, path::PathBuf},
    tokio::net::{UnixListener, UnixStream},
};

const WHAT: &str = "could not start the endpoint";

/// An open port or socket.
pub(crate) enum Listener {
    Tcp(TcpListener),
    #[cfg(unix)]
    Unix(
        UnixListener,
        #[expect(dead_code, reason = "it is held, not used")] SocketFile,
    ),
}

/// A client's connection.
pub(crate) enum Stream {
    Tcp(TcpStream),
    #[cfg(unix)]
    Unix(UnixStream),
}

/// The file of a Unix socket. Dropping it removes the file.
#[cfg(unix)]
pub(crate) struct SocketFile(PathBuf);

#[cfg(unix)]
impl Drop for SocketFile {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_file(&self.0) {
            tracing::debug!(%error, "the socket's file is left");
        }
    }
}

impl Listener {
    /// # Errors
    /// [`ErrorKind::Invalid`] if the address or the path can't be used; [`ErrorKind::Unavailable`]
    /// if this machine does not allow listening.
    pub(crate) async fn open(options: &Options) -> Result<Self> {
        let address = match &options.listen {
            Listen::Loopback(port) => SocketAddr::from((Ipv4Addr::LOCALHOST, *port)),
            Listen::Address(address) if address.ip().is_unspecified() => {
                let why = format!("{} is every network of this machine", address.ip());
                return Err(invalid(&why).with_fix(
                    "name one address, such as that of Docker's bridge: `ip -4 address show docker0`",
                ));
            }
            Listen::Address(address) => *address,
            #[cfg(unix)]
            Listen::Unix(path) => return unix(path),
        };
        let listener = TcpListener::bind(address).await;
        listener
            .map(Self::Tcp)
            .map_err(|error| not_open(address, &error))
    }

    /// The address, if it has one.
    pub(crate) fn address(&self) -> Option<SocketAddr> {
        match self {
            Self::Tcp(listener) => listener.local_addr().ok(),
            #[cfg(unix)]
            Self::Unix(..) => None,
        }
    }

    /// The next connection, with its address.
    pub(crate) async fn accept(&self) -> io::Result<(Stream, Option<SocketAddr>)> {
        match self {
            Self::Tcp(listener) => {
                let (stream, address) = listener.accept().await?;
                // Responses are small and complete.
                let _ = stream.set_nodelay(true);
                Ok((Stream::Tcp(stream), Some(address)))
            }
            #[cfg(unix)]
            Self::Unix(listener, _) => Ok((Stream::Unix(listener.accept().await?.0), None)),
        }
    }
}

impl Stream {
    /// Whose program the client is.
    pub(crate) fn owner(&self, peers: &Peers) -> Owner {
        match self {
            Self::Tcp(stream) => match (stream.peer_addr(), stream.local_addr()) {
                (Ok(client), Ok(server)) => peers.owner(client, server),
                _ => Owner::Other(None),
            },
            #[cfg(unix)]
            Self::Unix(stream) => peers.owner_of(stream),
        }
    }

    /// Waits for the first byte.
    pub(crate) async fn readable(&self) -> io::Result<()> {
        match self {
            Self::Tcp(stream) => stream.readable().await,
            #[cfg(unix)]
            Self::Unix(stream) => stream.readable().await,
        }
    }
}

fn not_open(address: SocketAddr, error: &io::Error) -> Error {
    let (ip, port) = (address.ip(), address.port());
    let (why, fix) = match error.kind() {
        io::ErrorKind::AddrNotAvailable => (
            format!("{ip} is not an address of this machine"),
            "choose one that `ip address` shows",
        ),
        io::ErrorKind::AddrInUse => (
            format!("another program has the port {port} of {ip}"),
            "choose another port",
        ),
        io::ErrorKind::PermissionDenied => (
            format!("this user may not open the port {port} of {ip}"),
            "choose a port from 1024 on",
        ),
        _ => {
            let why = format!("{address} can't be opened: {error}");
            return Error::new(ErrorKind::Unavailable, WHAT, why);
        }
    };
    invalid(&why).with_fix(fix)
}

fn invalid(why: &str) -> Error {
    Error::new(ErrorKind::Invalid, WHAT, why.to_owned())
}

/// A socket that only this user can connect to. One that a killed process left is replaced.
#[cfg(unix)]
fn unix(path: &PathBuf) -> Result<Listener> {
    let shown = azcred::printable_path(path);
    let failed = |error: &io::Error| {
        invalid(&format!("the socket {shown} can't be made: {error}"))
            .with_fix("choose a path in a folder that only you can write to")
    };
    if std::os::unix::net::UnixStream::connect(path).is_ok() {
        return Err(
            invalid(&format!("another program listens at {shown}")).with_fix("choose another path")
        );
    }
    let is_socket =
        |data: fs::Metadata| std::os::unix::fs::FileTypeExt::is_socket(&data.file_type());
    match fs::symlink_metadata(path).map(is_socket) {
        Ok(true) => fs::remove_file(path).map_err(|error| failed(&error))?,
        Ok(false) => {
            let why = format!("there is a file or a folder at {shown}, and no socket");
            return Err(invalid(&why).with_fix("choose another path, or remove it"));
        }
        // To make the socket says what is wrong.
        Err(_) => {}
    }
    let listener = UnixListener::bind(path).map_err(|error| failed(&error))?;
    let file = SocketFile(path.clone());
    // Until here, the process's umask decides who can connect; the owner is checked anyway.
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).map_err(|error| failed(&error))?;
    Ok(Listener::Unix(listener, file))
}
