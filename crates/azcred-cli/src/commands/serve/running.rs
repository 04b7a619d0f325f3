//! The endpoints that run: each has a private file with its variables in azcred's data folder, and
//! a lock that ends with its process.

use crate::failure::{Failure, Kind};
use azcred::{
    SecretString, printable_path,
    system::{FileLock, SharedSystem, data_folder},
};
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap,
    io,
    path::{Path, PathBuf},
};

/// The largest file. Its content is some hundred bytes.
const LARGEST: u64 = 64 << 10;
/// The name of the folder in the data folder.
const FOLDER: &str = "endpoints";

/// What another process needs to use an endpoint. It has the secret, and does not print.
#[derive(Serialize, Deserialize)]
pub(super) struct Running {
    pub(super) process: u32,
    /// `None` for a Unix socket.
    pub(super) port: Option<u16>,
    /// The path of a Unix socket.
    #[serde(default)]
    pub(super) socket: Option<PathBuf>,
    /// Whether programs outside this computer, or in containers, may reach it.
    #[serde(default)]
    pub(super) is_reachable: bool,
    pub(super) variables: BTreeMap<String, String>,
}

impl Running {
    pub(super) fn is_https(&self) -> bool {
        let address = self.variables.get("IDENTITY_ENDPOINT");
        address.is_some_and(|address| address.starts_with("https:"))
    }

    /// Where it listens, in a few words.
    pub(super) fn place(&self) -> String {
        match (&self.port, &self.socket) {
            (Some(port), _) => format!("port {port}"),
            (None, Some(path)) => format!("socket {}", printable_path(path)),
            (None, None) => format!("process {}", self.process),
        }
    }
}

/// Where an endpoint listens.
#[derive(Default)]
pub(super) struct Listens {
    pub(super) port: Option<u16>,
    pub(super) socket: Option<PathBuf>,
    pub(super) is_reachable: bool,
}

/// The place for the files of this process's endpoint. Dropping it removes them.
pub(super) struct Reserved {
    system: SharedSystem,
    folder: PathBuf,
    file: PathBuf,
    lock_file: PathBuf,
    _lock: FileLock,
}

impl Drop for Reserved {
    fn drop(&mut self) {
        for path in [&self.file, &self.lock_file] {
            match self.system.remove(path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    tracing::debug!(%error, "a file of the endpoint is left");
                }
                _ => {}
            }
        }
    }
}

/// Makes sure that other processes of this user will be able to find the endpoint.
pub(super) fn reserve(system: &SharedSystem) -> Result<Reserved, Failure> {
    let folder = folder(system)?;
    let failed = |error| not_stored(&folder, &error);
    let own = folder.parent().unwrap_or(&folder);
    system.make_folder(&folder, own).map_err(failed)?;
    let process = std::process::id();
    let lock_file = folder.join(format!("{process}.lock"));
    let lock = system.try_lock(&lock_file).map_err(failed)?;
    let lock = lock.ok_or_else(|| failed(io::ErrorKind::ResourceBusy.into()))?;
    Ok(Reserved {
        system: system.clone(),
        file: folder.join(format!("{process}.json")),
        folder,
        lock_file,
        _lock: lock,
    })
}

impl Reserved {
    /// Lets other processes of this user find the endpoint, until the value that is returned is
    /// dropped.
    pub(super) fn register(
        self,
        listens: Listens,
        variables: &[(&'static str, SecretString)],
    ) -> Result<Self, Failure> {
        let text = |(name, value): &(&'static str, SecretString)| {
            ((*name).to_owned(), value.expose_secret().to_owned())
        };
        let running = Running {
            process: std::process::id(),
            port: listens.port,
            socket: listens.socket,
            is_reachable: listens.is_reachable,
            variables: variables.iter().map(text).collect(),
        };
        let written = serde_json::to_vec(&running).map_err(io::Error::from);
        let written = written.and_then(|content| self.system.write(&self.file, &content));
        written.map_err(|error| not_stored(&self.folder, &error))?;
        Ok(self)
    }
}

fn not_stored(folder: &Path, error: &io::Error) -> Failure {
    Failure::new(
        Kind::Failed,
        "could not store the endpoint's variables for other terminals",
        format!("{} can't be written: {error}", printable_path(folder)),
    )
    .fix("choose a folder that you can write to: set AZCRED_HOME")
}

/// The endpoints that run. Files of those that were killed are removed.
pub(super) fn list(system: &SharedSystem) -> Result<Vec<Running>, Failure> {
    let folder = folder(system)?;
    let names = match system.list(&folder) {
        Ok(names) => names,
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        Err(error) => {
            return Err(Failure::new(
                Kind::Failed,
                "could not look for an endpoint",
                format!("{} can't be read: {error}", printable_path(&folder)),
            ));
        }
    };
    let mut running = Vec::new();
    for name in names {
        let Some(process) = name.to_str().and_then(|name| name.strip_suffix(".lock")) else {
            continue;
        };
        let (file, lock_file) = (folder.join(format!("{process}.json")), folder.join(&name));
        if let Ok(Some(_lock)) = system.try_lock(&lock_file) {
            for path in [&file, &lock_file] {
                let _ = system.remove(path);
            }
            continue;
        }
        let content = system.read(&file, LARGEST);
        let content = content
            .ok()
            .and_then(|content| serde_json::from_slice(&content).ok());
        running.extend(content.filter(|one: &Running| one.process.to_string() == process));
    }
    running.sort_by_key(|one| one.port);
    Ok(running)
}

fn folder(system: &SharedSystem) -> Result<PathBuf, Failure> {
    let folder = data_folder(&**system).ok_or_else(|| {
        Failure::new(
            Kind::Failed,
            "could not find azcred's data folder",
            "HOME is not set",
        )
        .fix("set HOME, or AZCRED_HOME to a folder that only you can read")
    })?;
    Ok(folder.join(FOLDER))
}
