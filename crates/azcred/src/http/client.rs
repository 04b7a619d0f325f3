//! Builds the HTTP client: its proxies and its trusted certificates.

use super::{Way, pinned};
use crate::{
    facts::{Error, ErrorKind, Result},
    redact::shown_path,
    system::{self, System, check_text},
};
use reqwest::{NoProxy, Proxy, redirect};
use rustls::{
    ClientConfig, ConfigBuilder, WantsVerifier,
    crypto::{CryptoProvider, ring},
};
use rustls_pki_types::{CertificateDer, pem::PemObject};
use std::{
    collections::HashSet,
    io,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

/// A larger file is not a bundle of root certificates, in bytes.
const BUNDLE_LIMIT: u64 = 16 << 20;
/// How long connecting may take, TLS included, before it is tried again.
const CONNECT: Duration = Duration::from_secs(5);

pub(super) fn build(system: &dyn System, way: &Way) -> Result<reqwest::Client> {
    check_text(system)?;
    let tls = match way {
        Way::Usual => tls(system)?,
        // Trusts no certificate: these endpoints are plain HTTP.
        Way::Direct => protocol()?
            .with_root_certificates(rustls::RootCertStore::empty())
            .with_no_client_auth(),
        Way::Pinned(thumbprint) => pinned::config(protocol()?, *thumbprint),
    };
    let mut builder = reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .redirect(redirect::Policy::none())
        .retry(reqwest::retry::never())
        .connect_timeout(CONNECT)
        .user_agent(concat!("azcred/", env!("CARGO_PKG_VERSION")))
        // Proxy variables are read through `system`, below.
        .no_proxy();
    if matches!(way, Way::Usual) {
        for proxy in proxies(system)? {
            builder = builder.proxy(proxy);
        }
    }
    builder.build().map_err(|error| {
        Error::new(
            ErrorKind::Invalid,
            "could not set up HTTPS",
            "the TLS settings can't be used",
        )
        .with_cause(error)
    })
}

/// A variable that tools write in lower or upper case. The lower-case one counts first, as in curl.
fn either(
    system: &dyn System,
    lower: &'static str,
    upper: &'static str,
) -> Option<(&'static str, String)> {
    [lower, upper]
        .into_iter()
        .find_map(|name| Some((name, system.var(name)?)))
}

/// The variable that names the proxy for addresses of this scheme.
pub(super) fn proxy_variable(scheme: &str, system: &dyn System) -> Option<&'static str> {
    let own = match scheme {
        "https" => either(system, "https_proxy", "HTTPS_PROXY"),
        _ => either(system, "http_proxy", "HTTP_PROXY"),
    };
    let proxy = own.or_else(|| either(system, "all_proxy", "ALL_PROXY"));
    proxy.map(|(name, _)| name)
}

fn proxies(system: &dyn System) -> Result<Vec<Proxy>> {
    let listed = either(system, "no_proxy", "NO_PROXY").map_or(String::new(), |(_, list)| list);
    // Plain HTTP to this machine is safe because only this machine can read it. A proxy could read
    // it too.
    let except = NoProxy::from_string(&format!("{listed},localhost,127.0.0.0/8,::1"));
    let make = |variable: Option<(&'static str, String)>,
                kind: fn(&str) -> reqwest::Result<Proxy>| {
        let Some((name, value)) = variable else {
            return Ok(None);
        };
        kind(value.trim())
            .map(|proxy| Some(proxy.no_proxy(except.clone())))
            .map_err(|_| {
                // The value may have a password, so the error does not show it.
                Error::new(
                    ErrorKind::Invalid,
                    format!("could not read {name}"),
                    "it is not the address of a proxy",
                )
                .with_fix(format!(
                    "set {name} to an address such as http://proxy.example:8080, or unset it"
                ))
            })
    };
    let https = make(either(system, "https_proxy", "HTTPS_PROXY"), |url| {
        Proxy::https(url)
    })?;
    // A request can set upper-case HTTP_PROXY for a CGI program (httpoxy), so it is ignored if
    // REQUEST_METHOD is set.
    let http = if system.var("REQUEST_METHOD").is_some() {
        make(
            system.var("http_proxy").map(|value| ("http_proxy", value)),
            |url| Proxy::http(url),
        )?
    } else {
        make(either(system, "http_proxy", "HTTP_PROXY"), |url| {
            Proxy::http(url)
        })?
    };
    let all = make(either(system, "all_proxy", "ALL_PROXY"), |url| {
        Proxy::all(url)
    })?;
    Ok([https, http, all].into_iter().flatten().collect())
}

fn tls(system: &dyn System) -> Result<ClientConfig> {
    let mut read = HashSet::new();
    let instead = bundles(system, &["SSL_CERT_FILE"], &mut read)?;
    let folders = folders(system)?;
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
fn folders(system: &dyn System) -> Result<Option<Vec<CertificateDer<'static>>>> {
    let Some(list) = system.var_os("SSL_CERT_DIR") else {
        return Ok(None);
    };
    // A relative folder is one in the current folder of this process, for OpenSSL too.
    let found: Vec<_> = std::env::split_paths(&list)
        .flat_map(|folder| in_folder(&folder))
        .collect();
    if found.is_empty() {
        return Err(Error::new(
            ErrorKind::Invalid,
            format!(
                "could not read the root certificates in the folders that SSL_CERT_DIR names ({})",
                shown_path(Path::new(&list))
            ),
            "they contain no certificate",
        )
        .with_fix("run `openssl rehash` in those folders, or unset SSL_CERT_DIR"));
    }
    Ok(Some(found))
}

/// The certificates of the files in `variables`. A file that can't be used is an error. Otherwise
/// the user would see only 'unknown issuer' and not the cause. If several variables name one file,
/// it is read once.
fn bundles(
    system: &dyn System,
    variables: &[&str],
    read: &mut HashSet<PathBuf>,
) -> Result<Option<Vec<CertificateDer<'static>>>> {
    let mut found = None;
    for name in variables {
        let Some(path) = system::path(system, name) else {
            continue;
        };
        if !read.insert(path.clone()) {
            continue;
        }
        let certificates = certificates_in(system, &path).map_err(|why| {
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
        found.get_or_insert_with(Vec::new).extend(certificates);
    }
    Ok(found)
}

/// The certificates in a PEM file, or in a folder, as Python's requests also accepts. Returns at
/// least one certificate, or why there is none.
fn certificates_in(
    system: &dyn System,
    path: &Path,
) -> std::result::Result<Vec<CertificateDer<'static>>, String> {
    let pem = match system.read(path, BUNDLE_LIMIT) {
        Ok(pem) => pem,
        Err(error) if error.kind() == io::ErrorKind::IsADirectory => {
            let certificates = in_folder(path);
            if certificates.is_empty() {
                return Err("it is a folder with no certificate".to_owned());
            }
            return Ok(certificates);
        }
        Err(error) => return Err(error.to_string()),
    };
    let certificates = CertificateDer::pem_slice_iter(&pem)
        .collect::<std::result::Result<Vec<_>, _>>()
        .map_err(|_| "it is damaged: some of its certificates can't be read".to_owned())?;
    if certificates.is_empty() {
        return Err("it contains no certificate".to_owned());
    }
    Ok(certificates)
}

fn in_folder(folder: &Path) -> Vec<CertificateDer<'static>> {
    rustls_native_certs::load_certs_from_paths(None, Some(folder)).certs
}

/// Trust on systems with root certificates in files.
#[cfg(not(any(windows, target_vendor = "apple", target_os = "android")))]
mod trust {
    use super::{CertificateDer, ClientConfig, Error, ErrorKind, Result};
    use rustls::{ConfigBuilder, RootCertStore, WantsVerifier};

    pub(super) fn apply(
        config: ConfigBuilder<ClientConfig, WantsVerifier>,
        instead: Option<Vec<CertificateDer<'static>>>,
        besides: Option<Vec<CertificateDer<'static>>>,
    ) -> Result<ClientConfig> {
        let mut roots = RootCertStore::empty();
        match instead {
            Some(certificates) => {
                roots.add_parsable_certificates(certificates);
            }
            None => {
                roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
            }
        }
        roots.add_parsable_certificates(besides.unwrap_or_default());
        if roots.is_empty() {
            return Err(Error::new(
                ErrorKind::Invalid,
                "could not read the root certificates of this machine",
                "this machine has no root certificates",
            )
            .with_fix(
                "install the package `ca-certificates`, or set SSL_CERT_FILE to a PEM file",
            ));
        }
        Ok(config.with_root_certificates(roots).with_no_client_auth())
    }
}

/// Trust on systems that verify certificates themselves: Keychain, Schannel, Android's trust
/// manager.
#[cfg(any(windows, target_vendor = "apple", target_os = "android"))]
mod trust {
    use super::{CertificateDer, ClientConfig, Error, ErrorKind, Result, provider};
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
            .with_custom_certificate_verifier(Arc::new(verifier))
            .with_no_client_auth())
    }
}
