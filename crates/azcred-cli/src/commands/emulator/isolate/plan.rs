//! What the process inside the new network finds in the folder of the one outside.

use serde::{Deserialize, Serialize};
use std::{
    fs::File,
    io,
    net::SocketAddr,
    os::fd::AsRawFd as _,
    path::{Path, PathBuf},
};

/// The file's name in the folder.
const FILE: &str = "plan.json";

/// What exists inside.
#[derive(Serialize, Deserialize)]
pub(super) struct Plan {
    /// Names that lead to the emulator: `management.azure.com`, `*.login.microsoft.com`.
    pub(super) names: Vec<String>,
    /// Addresses on which to listen, each with the port of the emulator that serves it.
    pub(super) listen: Vec<(SocketAddr, u16)>,
    /// Files that replace others: what is there, and in whose place.
    pub(super) files: Vec<(PathBuf, PathBuf)>,
}

impl Plan {
    pub(super) fn write(&self, folder: &Path) -> io::Result<()> {
        std::fs::write(folder.join(FILE), serde_json::to_vec(self)?)
    }

    pub(super) fn read(folder: &Path) -> io::Result<Self> {
        let text = std::fs::read(folder.join(FILE))?;
        serde_json::from_slice(&text).map_err(io::Error::from)
    }
}

/// The folder's sockets: one for each port of the emulator, with the port as its name. A path to a
/// socket leads from one network to another.
pub(super) struct Sockets(File);

impl Sockets {
    pub(super) fn of(folder: &Path) -> io::Result<Self> {
        File::open(folder).map(Self)
    }

    /// A path that is short enough for a socket, however long the folder's is (unix(7): 108 bytes).
    pub(super) fn path(&self, port: u16) -> PathBuf {
        PathBuf::from(format!("/proc/self/fd/{}/{port}", self.0.as_raw_fd()))
    }
}
