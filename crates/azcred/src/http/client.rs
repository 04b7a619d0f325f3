//! Builds the HTTP client: its proxies and its trusted certificates.

use super::{Way, pinned, proxy::Proxies, roots::Bundle, verifier::Explaining};
use crate::{
    facts::{Error, ErrorKind, Result},
    sieve::shown_path,
    system::{System, check_text, checked_path},
};
use reqwest::{Proxy, redirect};
use rustls::{
    ClientConfig, ConfigBuilder, WantsVerifier,
    crypto::{CryptoProvider, ring},
};
use rustls_pki_types::CertificateDer;
use std::{
    collections::HashSet,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

/// How long connecting may take, TLS included, before it is tried again.
const CONNECT: Duration = Duration::from_secs(5);

/// A client and what it was built from.
pub(super) struct Client {
    pub(super) library: reqwest::Client,
    /// Empty for a client that connects directly.
    pub(super) proxies: Arc<Proxies>,
    /// The trust of its connections, also of those to a proxy.
    pub(super) tls: Arc<ClientConfig>,
    /// What is set and has no effect, a sentence each.
    pub(super) notes: Vec<String>,
    /// Root certificates in files that are set, but can't be used, a sentence each. They are among
    /// the notes too.
    pub(super) lost: Vec<String>,
}

pub(super) fn build(system: &dyn System, way: &Way) -> Result<Client> {
    check_text(system)?;
    let mut notes = Vec::new();
    let mut lost = Vec::new();
    let tls = match way {
        Way::Usual => tls(system, &mut notes, &mut lost)?,
        // Trusts no certificate: these endpoints are plain HTTP.
        Way::Direct | Way::Near(_) => protocol()?
            .with_root_certificates(rustls::RootCertStore::empty())
            .with_no_client_auth(),
        Way::Pinned(thumbprint) => pinned::config(protocol()?, *thumbprint),
    };
    let mut builder = reqwest::Client::builder()
        .tls_backend_preconfigured(tls.clone())
        .redirect(redirect::Policy::none())
        .retry(reqwest::retry::never())
        .connect_timeout(CONNECT)
        .user_agent(concat!("azcred/", env!("CARGO_PKG_VERSION")))
        // Proxy variables are read through `system`, below.
        .no_proxy();
    let mut proxies = Arc::default();
    if matches!(way, Way::Usual) {
        proxies = Arc::new(Proxies::read(system));
        notes.extend(proxies.notes());
        let chosen = proxies.clone();
        // A setting without an address is an error before a request gets this far.
        builder = builder.proxy(Proxy::custom(move |url| chosen.of(url)?.address()));
    }
    if let Way::Near(resolver) = way {
        builder = builder.dns_resolver(*resolver);
    }
    let library = builder.build().map_err(|error| {
        Error::new(
            ErrorKind::Invalid,
            "could not set up HTTPS",
            "the TLS settings can't be used",
        )
        .with_cause(error)
    })?;
    notes.extend(lost.iter().cloned());
    for note in &notes {
        tracing::warn!("{note}");
    }
    Ok(Client {
        library,
        proxies,
        tls: Arc::new(tls),
        notes,
        lost,
    })
}

fn tls(
    system: &dyn System,
    notes: &mut Vec<String>,
    lost: &mut Vec<String>,
) -> Result<ClientConfig> {
    let mut read = HashSet::new();
    let instead = bundles(system, &["SSL_CERT_FILE"], &mut read, lost)?;
    let folders = match folders(system, lost) {
        // OpenSSL's own builds set both variables, and often only one of them exists.
        Err(error) if instead.is_some() => {
            notes.push(format!("{}: {}", error.what(), error.why()));
            None
        }
        folders => folders?,
    };
    let instead = match (instead, folders) {
        (Some(certificates), Some(more)) => Some([certificates, more].concat()),
        (one, other) => one.or(other),
    };
    let besides = bundles(
        system,
        &[
            "REQUESTS_CA_BUNDLE",
            "CURL_CA_BUNDLE",
            "NODE_EXTRA_CA_CERTS",
        ],
        &mut read,
        lost,
    )?;
    trust::apply(protocol()?, instead, besides)
}

/// The cryptography of every connection. Each caller passes it explicitly: if a program links two
/// providers, rustls has no default and panics.
pub(super) fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

fn protocol() -> Result<ConfigBuilder<ClientConfig, WantsVerifier>> {
    ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .map_err(|error| {
            Error::new(
                ErrorKind::Invalid,
                "could not set up HTTPS",
                "this build has no TLS version",
            )
            .with_cause(error)
        })
}

/// The certificates of the folders in `SSL_CERT_DIR`, a list as OpenSSL reads it.
fn folders(
    system: &dyn System,
    lost: &mut Vec<String>,
) -> Result<Option<Vec<CertificateDer<'static>>>> {
    const NAME: &str = "SSL_CERT_DIR";
    let Some(list) = system.var_os(NAME) else {
        return Ok(None);
    };
    let mut found = Vec::new();
    let mut not_used = Vec::new();
    // A relative folder is one in the current folder of this process, for OpenSSL too.
    for folder in std::env::split_paths(&list).filter(|folder| !folder.as_os_str().is_empty()) {
        match Bundle::in_folder(system, &folder) {
            Ok(bundle) => {
                found.extend(bundle.certificates);
                let told = |what| format!("azcred can't use {what}, in a folder that {NAME} names");
                not_used.extend(bundle.lost.into_iter().map(told));
            }
            Err(error) => not_used.push(format!(
                "azcred can't read the folder {}, which {NAME} names: {error}",
                shown_path(&folder)
            )),
        }
    }
    if found.is_empty() {
        let why = match not_used.first() {
            Some(first) => format!("they contain no certificate that can be used: {first}"),
            None => "they contain no certificate".to_owned(),
        };
        return Err(Error::new(
            ErrorKind::Invalid,
            format!(
                "could not read the root certificates in the folders that {NAME} names ({})",
                shown_path(Path::new(&list))
            ),
            why,
        )
        .with_fix("run `openssl rehash` in those folders, or unset SSL_CERT_DIR"));
    }
    lost.extend(not_used);
    Ok(Some(found))
}

/// The certificates of the files in `variables`. A file that can't be used is an error. Otherwise
/// the user would see only 'unknown issuer' and not the cause. If several variables name one file,
/// it is read once.
fn bundles(
    system: &dyn System,
    variables: &[&'static str],
    read: &mut HashSet<PathBuf>,
    lost: &mut Vec<String>,
) -> Result<Option<Vec<CertificateDer<'static>>>> {
    let mut found = None;
    for name in variables {
        let Some(path) = checked_path(system, name)? else {
            continue;
        };
        if !read.insert(path.clone()) {
            continue;
        }
        let bundle = Bundle::at(system, &path).map_err(|why| {
            Error::new(
                ErrorKind::Invalid,
                format!(
                    "could not read the root certificates that {name} names ({})",
                    shown_path(&path)
                ),
                why,
            )
            .with_fix(format!("set {name} to a readable PEM file, or unset it"))
        })?;
        let told = |what| format!("azcred can't use {what}, which {name} names");
        lost.extend(bundle.lost.into_iter().map(told));
        found
            .get_or_insert_with(Vec::new)
            .extend(bundle.certificates);
    }
    Ok(found)
}

/// Trust on systems with root certificates in files.
#[cfg(not(any(windows, target_vendor = "apple", target_os = "android")))]
mod trust {
    use super::{CertificateDer, ClientConfig, Error, ErrorKind, Explaining, Result, provider};
    use crate::system::{OutOfFiles, is_out_of_files};
    use rustls::{ConfigBuilder, RootCertStore, WantsVerifier, client::WebPkiServerVerifier};
    use rustls_native_certs::ErrorKind as ErrorOfCerts;
    use std::sync::Arc;

    pub(super) fn apply(
        config: ConfigBuilder<ClientConfig, WantsVerifier>,
        instead: Option<Vec<CertificateDer<'static>>>,
        besides: Option<Vec<CertificateDer<'static>>>,
    ) -> Result<ClientConfig> {
        let mut roots = RootCertStore::empty();
        let mut unread = Vec::new();
        match instead {
            Some(certificates) => {
                roots.add_parsable_certificates(certificates);
            }
            None => {
                let found = rustls_native_certs::load_native_certs();
                roots.add_parsable_certificates(found.certs);
                unread = found.errors;
            }
        }
        roots.add_parsable_certificates(besides.unwrap_or_default());
        const WHAT: &str = "could not read the root certificates of this machine";
        let is_limit = |error: &rustls_native_certs::Error| matches!(&error.kind, ErrorOfCerts::Io { inner, .. } if is_out_of_files(inner));
        if roots.is_empty() && unread.iter().any(is_limit) {
            let why = OutOfFiles.to_string();
            return Err(Error::new(ErrorKind::Invalid, WHAT, why).with_fix(OutOfFiles::fix()));
        }
        if roots.is_empty() {
            let why = match unread.first() {
                Some(error) => format!("this machine has no root certificates: {error}"),
                None => "this machine has no root certificates".to_owned(),
            };
            return Err(Error::new(ErrorKind::Invalid, WHAT, why).with_fix(
                "install the package `ca-certificates`, or set SSL_CERT_FILE to a PEM file",
            ));
        }
        let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider())
            .build()
            .map_err(|error| {
                Error::new(
                    ErrorKind::Invalid,
                    "could not set up HTTPS",
                    "the root certificates can't be used",
                )
                .with_cause(error)
            })?;
        Ok(config
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(Explaining(verifier)))
            .with_no_client_auth())
    }
}

/// Trust on systems that verify certificates themselves: Keychain, Schannel, Android's trust
/// manager.
#[cfg(any(windows, target_vendor = "apple", target_os = "android"))]
mod trust {
    use super::{CertificateDer, ClientConfig, Error, ErrorKind, Explaining, Result, provider};
    use rustls::{ConfigBuilder, WantsVerifier};
    use rustls_platform_verifier::Verifier;
    use std::sync::Arc;

    pub(super) fn apply(
        config: ConfigBuilder<ClientConfig, WantsVerifier>,
        instead: Option<Vec<CertificateDer<'static>>>,
        besides: Option<Vec<CertificateDer<'static>>>,
    ) -> Result<ClientConfig> {
        let mut extra = [instead, besides]
            .into_iter()
            .flatten()
            .flatten()
            .peekable();
        let verifier = match extra.peek() {
            None => Verifier::new(provider()),
            Some(_) => Verifier::new_with_extra_roots(extra, provider()),
        };
        let verifier = verifier.map_err(|error| {
            Error::new(
                ErrorKind::Invalid,
                "could not use the root certificates that are named",
                format!("the system's verifier rejected them: {error}"),
            )
            .with_fix("check that SSL_CERT_FILE, SSL_CERT_DIR and REQUESTS_CA_BUNDLE name certificates of authorities, or unset them")
            .with_cause(error)
        })?;
        Ok(config
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(Explaining(Arc::new(verifier))))
            .with_no_client_auth())
    }
}
