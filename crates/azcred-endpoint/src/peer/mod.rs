//! Whose program a client is, and which one.
//!
//! Linux tells the owner of a socket of this machine. Other systems don't without `unsafe` code or
//! the rights of an administrator, so there the secret alone decides.

#[cfg(target_os = "linux")]
mod process;
#[cfg(target_os = "linux")]
mod sock_diag;

use azcred::Untrusted;
use std::{fmt, net::SocketAddr};

/// Whose program a client is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Owner {
    /// This user's.
    #[cfg_attr(not(unix), expect(dead_code))]
    Own(Clue),
    /// Another user's: the user id, or `None` if no socket of this machine is the client's.
    Other(Option<u32>),
    /// The system does not tell.
    Untold,
}

/// What leads to the client's program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(not(target_os = "linux"), expect(dead_code))]
pub(crate) enum Clue {
    /// The number of its socket.
    Inode(u32),
    /// Its id, if the system tells.
    Process(Option<u32>),
}

/// A program of this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Process {
    /// Its id.
    pub id: u32,
    /// Its name, which it can set itself.
    pub name: Untrusted,
}

/// `python3[1234]`.
impl fmt::Display for Process {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}[{}]", self.name, self.id)
    }
}

/// Tells whose program a client is.
#[derive(Debug)]
pub(crate) struct Peers {
    #[cfg(target_os = "linux")]
    sockets: Option<sock_diag::Sockets>,
    #[cfg(target_os = "linux")]
    processes: process::Processes,
}

impl Peers {
    /// Tells owners if `checks`, and if the system does.
    pub(crate) fn new(checks: bool) -> Self {
        #[cfg(target_os = "linux")]
        let sockets = checks.then(sock_diag::Sockets::open).and_then(|opened| {
            let failed =
                |error: &_| tracing::warn!(%error, "the owners of clients are not checked");
            opened.inspect_err(failed).ok()
        });
        #[cfg(not(target_os = "linux"))]
        let _ = checks;
        Self {
            #[cfg(target_os = "linux")]
            sockets,
            #[cfg(target_os = "linux")]
            processes: process::Processes::default(),
        }
    }

    /// Whether owners are checked.
    pub(crate) fn are_checked(&self) -> bool {
        #[cfg(target_os = "linux")]
        return self.sockets.is_some();
        #[cfg(not(target_os = "linux"))]
        false
    }

    /// Whose program the client of a connection is. Takes microseconds.
    #[cfg_attr(
        not(target_os = "linux"),
        expect(clippy::unused_self, unused_variables)
    )]
    pub(crate) fn owner(&self, client: SocketAddr, server: SocketAddr) -> Owner {
        #[cfg(target_os = "linux")]
        if let Some(sockets) = &self.sockets {
            return sockets.owner(client, server);
        }
        Owner::Untold
    }

    /// Whose program the client of a Unix socket is.
    #[cfg(unix)]
    #[expect(clippy::unused_self, reason = "as the other")]
    pub(crate) fn owner_of(&self, stream: &tokio::net::UnixStream) -> Owner {
        match stream.peer_cred() {
            Ok(peer) if peer.uid() == rustix::process::getuid().as_raw() => {
                let id = peer.pid().and_then(|id| u32::try_from(id).ok());
                Owner::Own(Clue::Process(id))
            }
            Ok(peer) => Owner::Other(Some(peer.uid())),
            Err(_) => Owner::Other(None),
        }
    }

    /// The program that has the socket. Takes milliseconds the first time.
    #[cfg_attr(
        not(target_os = "linux"),
        expect(clippy::unused_async, clippy::unused_self, unused_variables)
    )]
    pub(crate) async fn process(&self, owner: Owner) -> Option<Process> {
        #[cfg(target_os = "linux")]
        if let Owner::Own(clue) = owner {
            return match clue {
                Clue::Inode(inode) => self.processes.with_socket(inode).await,
                Clue::Process(id) => id.and_then(process::named),
            };
        }
        None
    }
}
