//! The certificate of a server whose issuer this machine does not trust, and the file on this
//! machine whose certificates would make it trusted.

use super::{
    client::provider,
    roots::Bundle,
    trouble::{is_issuer, rejected},
};
use crate::{
    facts::Error,
    system::{System, path},
};
use rustls::{
    RootCertStore,
    client::{WebPkiServerVerifier, danger::ServerCertVerifier},
};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};
use std::{
    error::Error as _,
    fmt,
    path::{Path, PathBuf},
    sync::Arc,
    time::SystemTime,
};

/// Variables by which other tools know certificates. azcred does not read them.
const VARIABLES: [&str; 6] = [
    "PIP_CERT",
    "AWS_CA_BUNDLE",
    "GIT_SSL_CAINFO",
    "CARGO_HTTP_CAINFO",
    "DENO_CERT",
    "NIX_SSL_CERT_FILE",
];

/// The system's bundles: Debian's, Fedora's, SUSE's, Alpine's. Not all programs read them, and
/// `SSL_CERT_FILE` replaces them.
const BUNDLES: [&str; 5] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

/// Folders of certificates that an administrator adds to the bundle, which takes a command.
const FOLDERS: [&str; 4] = [
    "/usr/local/share/ca-certificates",
    "/etc/pki/ca-trust/source/anchors",
    "/etc/pki/trust/anchors",
    "/etc/ca-certificates/trust-source/anchors",
];

/// The most files of a folder that are read.
const FILES: usize = 100;

/// The certificate of a server, because of whose issuer a request failed. What it says of itself is
/// not verified.
#[derive(Clone)]
#[non_exhaustive]
pub struct Presented {
    /// The common name of the server's certificate, or its organisation.
    pub subject: Option<String>,
    /// The issuer of the last certificate that was sent: the authority that is not trusted.
    pub issuer: Option<String>,
    /// Whether the server sent one certificate only, which names itself as its issuer.
    pub is_self_signed: bool,
    certificates: Vec<CertificateDer<'static>>,
    server: ServerName<'static>,
}

/// A file whose certificates would make a server trusted.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TrustingFile {
    /// The file.
    pub path: PathBuf,
    /// The number of certificates in it.
    pub certificates: usize,
}

impl Presented {
    /// The certificate because of whose issuer a request failed; `None` if it failed otherwise.
    pub fn of(error: &Error) -> Option<Self> {
        let (reason, rejected) = rejected(error.source())?;
        let rejected = rejected.filter(|_| is_issuer(reason))?;
        Some(Self {
            subject: rejected.subject.clone(),
            issuer: rejected.issuer.clone(),
            is_self_signed: rejected.is_self_signed && rejected.more == 0,
            certificates: rejected.certificates.clone(),
            server: rejected.server.clone(),
        })
    }

    /// The first of the usual files whose certificates would make the server trusted. Reads files,
    /// so it blocks.
    pub fn trusted_by(&self, system: &dyn System) -> Option<TrustingFile> {
        let named = VARIABLES.into_iter().filter_map(|name| path(system, name));
        let bundles = BUNDLES.into_iter().map(PathBuf::from);
        let added = FOLDERS.into_iter().flat_map(|folder| {
            let mut names = system.list(Path::new(folder)).unwrap_or_default();
            names.sort_unstable();
            let files = names.into_iter().take(FILES);
            files
                .map(|name| Path::new(folder).join(name))
                .collect::<Vec<_>>()
        });
        named
            .chain(added)
            .chain(bundles)
            .find_map(|path| self.trusted_by_file(system, path))
    }

    fn trusted_by_file(&self, system: &dyn System, path: PathBuf) -> Option<TrustingFile> {
        let certificates = Bundle::at(system, &path).ok()?.certificates;
        let number = certificates.len();
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(certificates);
        let verifier =
            WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider()).build();
        let (own, between) = self.certificates.split_first()?;
        let now = system.now().duration_since(SystemTime::UNIX_EPOCH).ok()?;
        verifier
            .ok()?
            .verify_server_cert(
                own,
                between,
                &self.server,
                &[],
                UnixTime::since_unix_epoch(now),
            )
            .ok()?;
        Some(TrustingFile {
            path,
            certificates: number,
        })
    }
}

impl fmt::Debug for Presented {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Presented")
            .field("subject", &self.subject)
            .field("issuer", &self.issuer)
            .finish_non_exhaustive()
    }
}
