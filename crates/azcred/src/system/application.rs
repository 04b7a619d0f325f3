//! This machine, as an application would have it: its network, and the application's sign-in.

use super::{Command, FileFacts, Finished, Hypervisor, OpenFile, SharedSystem, System, Unfinished};
use futures_util::{FutureExt, future::BoxFuture};
use secrecy::{ExposeSecret, SecretString};
use std::{
    ffi::OsString,
    fmt, io,
    path::{Path, PathBuf},
    time::SystemTime,
};

/// The certificate's file, which is in memory only.
const CERTIFICATE: &str = if cfg!(windows) {
    r"C:\application.pem"
} else {
    "/application.pem"
};

/// Another machine that an application could sign in on: with this one's network, clock and trusted
/// certificates, and none of its sign-ins, settings and programs. The application's secret is in
/// memory, and in no variable of a process.
///
/// With it, a session is opened as an application whose secret is not to be stored yet.
pub struct ApplicationSystem {
    machine: SharedSystem,
    tenant: String,
    client_id: String,
    proof: ApplicationProof,
}

/// What an application signs in with.
#[derive(Clone, Debug)]
pub enum ApplicationProof {
    /// A client secret.
    Secret(SecretString),
    /// A certificate and its private key in PEM.
    Certificate(SecretString),
}

impl ApplicationSystem {
    /// A machine with the network of `machine`.
    pub fn new(
        machine: SharedSystem,
        tenant: impl Into<String>,
        client_id: impl Into<String>,
        proof: ApplicationProof,
    ) -> Self {
        Self {
            machine,
            tenant: tenant.into(),
            client_id: client_id.into(),
            proof,
        }
    }

    /// A variable of the application, or of this machine if it is about the network.
    fn own(&self, name: &str) -> Option<Option<String>> {
        let own = match (name, &self.proof) {
            ("AZURE_TENANT_ID", _) => Some(self.tenant.clone()),
            ("AZURE_CLIENT_ID", _) => Some(self.client_id.clone()),
            ("AZURE_CLIENT_SECRET", ApplicationProof::Secret(secret)) => {
                Some(secret.expose_secret().to_owned())
            }
            ("AZURE_CLIENT_CERTIFICATE_PATH", ApplicationProof::Certificate(_)) => {
                Some(CERTIFICATE.to_owned())
            }
            _ => None,
        };
        let is_route = !["AZURE_", "HIML_", "AZCRED_", "IDENTITY_", "MSI_"]
            .iter()
            .any(|start| name.starts_with(start))
            || matches!(name, "AZURE_AUTHORITY_HOST" | "AZCRED_IMDS");
        match own {
            None if is_route => None,
            own => Some(own),
        }
    }
}

/// Shows neither variables nor secrets.
impl fmt::Debug for ApplicationSystem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApplicationSystem")
            .field("client_id", &self.client_id)
            .finish_non_exhaustive()
    }
}

fn absent<T>() -> io::Result<T> {
    Err(io::ErrorKind::NotFound.into())
}

/// Whether a file is one of azcred's settings.
fn is_setting(path: &Path) -> bool {
    let name = path.file_name();
    name.is_some_and(|name| name == "config.toml" || name == "azcred.toml")
}

impl super::Sealed for ApplicationSystem {}

impl System for ApplicationSystem {
    fn var(&self, name: &str) -> Option<String> {
        self.own(name).unwrap_or_else(|| self.machine.var(name))
    }

    fn var_os(&self, name: &str) -> Option<OsString> {
        match self.own(name) {
            Some(own) => own.map(Into::into),
            None => self.machine.var_os(name),
        }
    }

    fn not_text(&self) -> Vec<String> {
        let mut names = self.machine.not_text();
        names.retain(|name| self.own(name).is_none());
        names
    }

    fn read(&self, path: &Path, limit: u64) -> io::Result<Vec<u8>> {
        match &self.proof {
            ApplicationProof::Certificate(pem) if path == Path::new(CERTIFICATE) => {
                Ok(pem.expose_secret().as_bytes().to_vec())
            }
            _ if is_setting(path) => absent(),
            _ => self.machine.read(path, limit),
        }
    }

    fn open(&self, path: &Path) -> io::Result<OpenFile> {
        match is_setting(path) {
            true => absent(),
            false => self.machine.open(path),
        }
    }

    fn look(&self, path: &Path) -> io::Result<FileFacts> {
        match is_setting(path) {
            true => absent(),
            false => self.machine.look(path),
        }
    }

    fn write(&self, _: &Path, _: &[u8]) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn list(&self, folder: &Path) -> io::Result<Vec<OsString>> {
        self.machine.list(folder)
    }

    fn find_program(&self, _: &str) -> Option<PathBuf> {
        None
    }

    fn run(&self, command: Command) -> BoxFuture<'static, Result<Finished, Unfinished>> {
        // No program is found, so none is run.
        drop(command);
        async { Err(Unfinished::NotStarted(io::ErrorKind::NotFound.into())) }.boxed()
    }

    fn hypervisor(&self) -> Hypervisor {
        self.machine.hypervisor()
    }

    fn user(&self) -> Option<u32> {
        self.machine.user()
    }

    fn os(&self) -> &'static str {
        self.machine.os()
    }

    fn boot(&self) -> Option<String> {
        self.machine.boot()
    }

    fn now(&self) -> SystemTime {
        self.machine.now()
    }

    fn coarse_now(&self) -> SystemTime {
        self.machine.coarse_now()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::system::Fixture;

    #[test]
    fn an_application_has_its_own_sign_in_and_this_machines_network_only() {
        let machine = Fixture::new()
            .with_var("AZURE_CLIENT_ID", "another")
            .with_var("AZURE_CLIENT_CERTIFICATE_PATH", "/other.pem")
            .with_var("HIML_TENANT_ID", "another")
            .with_var("AZCRED_PRESET", "kedro")
            .with_var("AZURE_AUTHORITY_HOST", "https://login.example")
            .with_var("HTTPS_PROXY", "http://proxy")
            .with_file("/etc/roots", "roots")
            .with_file("/home/ada/.config/azcred/config.toml", "[expect]");
        let proof = ApplicationProof::Secret("canary".to_owned().into());
        let system = ApplicationSystem::new(machine.shared(), "t", "c", proof);
        let var = |name| system.var(name);
        assert_eq!(var("AZURE_TENANT_ID").as_deref(), Some("t"));
        assert_eq!(var("AZURE_CLIENT_ID").as_deref(), Some("c"));
        assert_eq!(var("AZURE_CLIENT_SECRET").as_deref(), Some("canary"));
        for hidden in [
            "AZURE_CLIENT_CERTIFICATE_PATH",
            "HIML_TENANT_ID",
            "AZCRED_PRESET",
        ] {
            assert_eq!((var(hidden), system.var_os(hidden)), (None, None));
        }
        assert!(var("AZURE_AUTHORITY_HOST").is_some() && var("HTTPS_PROXY").is_some());
        assert!(system.read(Path::new("/etc/roots"), 9).is_ok());
        let settings = Path::new("/home/ada/.config/azcred/config.toml");
        assert!(system.read(settings, 9).is_err() && system.look(settings).is_err());
        assert!(system.keyring().is_none() && !system.has_terminal());
        assert!(!format!("{system:?}").contains("canary"));
    }

    #[test]
    fn a_certificate_is_a_file_in_memory() {
        let proof = ApplicationProof::Certificate("-----BEGIN".to_owned().into());
        let system = ApplicationSystem::new(Fixture::new().shared(), "t", "c", proof);
        let path = system.var("AZURE_CLIENT_CERTIFICATE_PATH").unwrap();
        assert_eq!(system.var("AZURE_CLIENT_SECRET"), None);
        assert_eq!(system.read(Path::new(&path), 99).unwrap(), b"-----BEGIN");
    }
}
