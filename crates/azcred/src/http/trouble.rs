//! Says in plain words why a request got no response.

use super::{
    HttpRequest,
    examine::Finding,
    near,
    proxy::{Proxies, Server, Setting},
    proxy_trouble::of_proxy,
    tls,
    verifier::Rejected,
};
use crate::{
    facts::{Error, ErrorKind, Fix},
    redact::redact,
    system::{OutOfFiles, System, is_loopback, is_out_of_files},
};
use reqwest::header;
use std::{error::Error as _, io, time::Duration};
use url::Url;

/// Variables with addresses that may send requests elsewhere.
const ADDRESSES: [&str; 3] = [
    "AZURE_AUTHORITY_HOST",
    "ARM_CLOUD_METADATA_URL",
    "AZURE_POD_IDENTITY_AUTHORITY_HOST",
];

/// Variables with trusted certificates.
const ROOTS: [&str; 4] = [
    "SSL_CERT_FILE",
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
    "NODE_EXTRA_CA_CERTS",
];

/// The target of a request, as errors name it.
pub(super) struct Target<'a> {
    /// The host, and the port if it is not the usual one.
    pub(super) host: String,
    /// The host and the port.
    pub(super) authority: String,
    url: &'a Url,
    /// Its variables are read for an error only.
    system: &'a dyn System,
    /// The proxy between, if there is one.
    pub(super) proxy: Option<&'a Setting>,
    /// The variable of a proxy that is for plain HTTP only, if this address is HTTPS and has no
    /// proxy.
    only_for_plain_http: Option<&'static str>,
}

impl<'a> Target<'a> {
    pub(super) fn of(url: &'a Url, system: &'a dyn System, proxies: &'a Proxies) -> Self {
        let host = url.host_str().unwrap_or_default();
        Self {
            host: match url.port() {
                Some(port) => format!("{host}:{port}"),
                None => host.to_owned(),
            },
            authority: format!("{host}:{}", url.port_or_known_default().unwrap_or(443)),
            url,
            system,
            proxy: proxies.of(url),
            only_for_plain_http: proxies
                .only_for_plain_http()
                .filter(|_| url.scheme() == "https" && !is_loopback(url)),
        }
    }

    /// The variable that names this address, if one does.
    fn variable(&self) -> Option<&'static str> {
        let names_it = |name: &&str| {
            let value = self.system.var(name)?;
            let value = value.trim();
            let named = match value.contains("://") {
                true => Url::parse(value),
                false => Url::parse(&format!("https://{value}")),
            };
            (named.ok()?.origin() == self.url.origin()).then_some(())
        };
        ADDRESSES.into_iter().find(|name| names_it(name).is_some())
    }

    /// The first variable with trusted certificates.
    fn roots(&self) -> Option<&'static str> {
        ROOTS
            .into_iter()
            .find(|name| self.system.var_os(name).is_some())
    }

    /// The fix for a connection that can't be made.
    fn network(&self) -> Fix {
        match (self.proxy, self.only_for_plain_http) {
            (Some(setting), _) => format!(
                "check the network, and the proxy that {} names",
                setting.variable
            )
            .into(),
            (None, Some(variable)) => Fix::from(format!(
                "set HTTPS_PROXY to the value of {variable}, which counts for plain HTTP only"
            ))
            .or("check the network"),
            (None, None) => "check the network; if it needs a proxy, set HTTPS_PROXY".into(),
        }
    }

    /// The host, and how it is reached.
    fn way(&self) -> String {
        match self.proxy {
            Some(setting) => format!("{} through {}", self.host, setting.name()),
            None => self.host.clone(),
        }
    }
}

/// One failed attempt.
pub(super) struct Trouble {
    kind: ErrorKind,
    pub(super) why: String,
    fix: Fix,
    pub(super) retryable: bool,
    /// Whether the proxy is at fault, and not what is at the address.
    is_proxy: bool,
    /// Whether the fix is as likely as another address.
    keeps_fix: bool,
    cause: Option<reqwest::Error>,
}

impl Trouble {
    pub(super) fn passing(why: String, fix: impl Into<Fix>) -> Self {
        Self {
            kind: ErrorKind::Unreachable,
            why,
            fix: fix.into(),
            retryable: true,
            is_proxy: false,
            keeps_fix: false,
            cause: None,
        }
    }

    pub(super) fn lasting(kind: ErrorKind, why: String, fix: impl Into<Fix>) -> Self {
        Self {
            kind,
            why,
            fix: fix.into(),
            retryable: false,
            is_proxy: false,
            keeps_fix: false,
            cause: None,
        }
    }

    /// This trouble, as the proxy's.
    pub(super) fn of_proxy(self) -> Self {
        Self {
            is_proxy: true,
            ..self
        }
    }

    /// This trouble, whose fix counts also if a variable chose the address.
    fn keep_fix(self) -> Self {
        Self {
            keeps_fix: true,
            ..self
        }
    }

    /// Whether the issuer of the server's certificate is not trusted.
    pub(super) fn is_about_issuer(&self) -> bool {
        use rustls::{CertificateError, Error};
        let is_issuer = |inner: &(dyn std::error::Error + 'static)| {
            let tls = match inner.downcast_ref::<io::Error>() {
                Some(io) => tls_error(io),
                None => inner.downcast_ref::<Error>(),
            };
            let Some(Error::InvalidCertificate(reason)) = tls else {
                return false;
            };
            let reason = match reason {
                CertificateError::Other(other) => match other.0.downcast_ref::<Rejected>() {
                    Some(rejected) => &rejected.reason,
                    None => reason,
                },
                reason => reason,
            };
            // The second: a root with the same name has another key.
            matches!(
                reason,
                CertificateError::UnknownIssuer | CertificateError::BadSignature
            )
        };
        self.cause
            .as_ref()
            .is_some_and(|error| chain(error).any(is_issuer))
    }

    pub(super) fn into_error(
        self,
        what: &str,
        target: &Target<'_>,
        attempts: u32,
        took: Duration,
    ) -> Error {
        let mut why = self.why;
        if attempts > 1 {
            why = format!("{why} ({attempts} attempts in {:.1} s)", took.as_secs_f64());
        }
        // A variable that sends requests elsewhere is the likely cause.
        let fix = match target.variable().filter(|_| !self.is_proxy) {
            None => self.fix,
            Some(variable) => {
                why = format!("{why}; {variable} is set to this address");
                let unset = Fix::from(format!("unset {variable} to use Azure's own address"));
                match self.keeps_fix {
                    true => self.fix.or(unset),
                    false => unset.or(format!(
                        "correct {variable}, or start the server at {}",
                        target.host
                    )),
                }
            }
        };
        let error = Error::new(self.kind, what.to_owned(), why).with_fix(fix);
        match self.cause {
            Some(cause) => error.with_cause(cause),
            None => error,
        }
    }
}

/// An attempt that got no response in time.
pub(super) fn silent(target: &Target<'_>) -> Trouble {
    Trouble::passing(
        format!("{} did not respond in time", target.way()),
        target.network(),
    )
}

/// A response over the size limit.
pub(super) fn endless(target: &Target<'_>) -> Trouble {
    Trouble::lasting(
        ErrorKind::Unexpected,
        format!(
            "{} sent more than {} MiB, too much for a response",
            target.host,
            super::BODY_LIMIT >> 20
        ),
        "check the address, and that no proxy answers instead",
    )
}

/// A redirect. It is not followed, because the secret is for one address only.
pub(super) fn redirected(
    response: &reqwest::Response,
    target: &Target<'_>,
    request: &HttpRequest,
) -> Trouble {
    let elsewhere = response
        .headers()
        .get(header::LOCATION)
        .and_then(|location| location.to_str().ok())
        .and_then(|location| response.url().join(location).ok())
        .and_then(|url| url.host_str().map(str::to_owned))
        .unwrap_or_else(|| "nowhere".to_owned());
    let mut secrets = request.secrets();
    let proxy = target.proxy.and_then(|setting| setting.server().ok());
    secrets.extend(proxy.into_iter().flat_map(Server::secrets));
    let secrets: Vec<&str> = secrets.iter().map(|secret| secret.as_str()).collect();
    let elsewhere = redact(&elsewhere, &secrets);
    Trouble::lasting(
        ErrorKind::Unexpected,
        format!(
            "{} returned a redirect (HTTP {}) to {elsewhere}, which is not followed because requests hold secrets",
            target.host,
            response.status().as_u16()
        ),
        "sign in to the network's portal, if it has one; check the address",
    )
}

/// A request without a whole response. `finding` is what the proxy between does.
pub(super) fn sending(
    error: reqwest::Error,
    target: &Target<'_>,
    finding: Option<Finding>,
) -> Trouble {
    // `what` already names the address, which reqwest's text would repeat.
    let error = error.without_url();
    let of_proxy = match (target.proxy, finding) {
        (Some(setting), Some(finding)) => of_proxy(setting, &finding, &error, target),
        _ => None,
    };
    let of_proxy = of_proxy.map(Trouble::of_proxy);
    let mut trouble = of_proxy.unwrap_or_else(|| explain(&error, target));
    trouble.cause = Some(error);
    trouble
}

/// The errors that caused this one.
pub(super) fn chain(
    error: &reqwest::Error,
) -> impl Iterator<Item = &(dyn std::error::Error + 'static)> {
    std::iter::successors(error.source(), |inner| (*inner).source())
}

fn explain(error: &reqwest::Error, target: &Target<'_>) -> Trouble {
    let mut text = String::new();
    let mut io_kind = None;
    let host = target.way();
    if let Some(far) = near::cause(error.source()) {
        return Trouble::lasting(ErrorKind::Invalid, far.to_string(), Fix::default());
    }
    let mut systems = chain(error).filter_map(|inner| inner.downcast_ref::<io::Error>());
    if systems.any(is_out_of_files) {
        let why = format!("the connection to {host} failed: {OutOfFiles}");
        return Trouble::lasting(ErrorKind::Unreachable, why, OutOfFiles::fix()).keep_fix();
    }
    for inner in chain(error) {
        text = inner.to_string();
        if text.contains("dns error") {
            let system = chain(error).last().map(ToString::to_string);
            return unresolved(&target.host, &system.unwrap_or_default(), target.network());
        }
        let rejected = match inner.downcast_ref::<io::Error>() {
            Some(io) => {
                io_kind = Some(io.kind());
                tls_error(io)
            }
            None => inner.downcast_ref::<rustls::Error>(),
        };
        if let Some(error) = rejected {
            return untrusted(error, &target.host, target).keep_fix();
        }
    }
    if error.is_timeout() {
        return Trouble::passing(format!("{host} did not respond in time"), target.network());
    }
    if let Some(why) = io_kind.and_then(of_io) {
        return Trouble::passing(format!("{host} {why}"), target.network());
    }
    let why = if error.is_body() || error.is_decode() {
        format!("{host} closed the connection in the middle of its response")
    } else if text.is_empty() {
        format!("the connection to {host} failed: {error}")
    } else {
        format!("the connection to {host} failed: {text}")
    };
    Trouble::passing(why, target.network())
}

/// What an address did, for an error of the network.
pub(super) fn of_io(kind: io::ErrorKind) -> Option<&'static str> {
    Some(match kind {
        io::ErrorKind::ConnectionRefused => "refused the connection",
        io::ErrorKind::ConnectionReset
        | io::ErrorKind::ConnectionAborted
        | io::ErrorKind::BrokenPipe
        | io::ErrorKind::UnexpectedEof => "closed the connection",
        io::ErrorKind::NetworkUnreachable
        | io::ErrorKind::HostUnreachable
        | io::ErrorKind::AddrNotAvailable => {
            "can't be reached: this network has no route to its address"
        }
        io::ErrorKind::TimedOut => "did not respond in time",
        io::ErrorKind::PermissionDenied => {
            "can't be reached: this machine does not permit the connection (a firewall or a sandbox)"
        }
        _ => return None,
    })
}

/// A name without an address. `system` is what the system says.
pub(super) fn unresolved(name: &str, system: &str, fix: Fix) -> Trouble {
    // The C library's texts for EAI_AGAIN, and Windows's for WSATRY_AGAIN.
    match system.to_ascii_lowercase().contains("temporary") {
        true => Trouble::passing(
            format!("the name {name} can't be resolved: no name server responds"),
            Fix::from("check the network, the VPN and the name servers of this machine").or(fix),
        ),
        false => Trouble::passing(format!("the name {name} can't be resolved"), fix),
    }
}

/// The TLS error inside an I/O error, at any depth; [`std::error::Error::source`] skips it.
pub(super) fn tls_error(error: &io::Error) -> Option<&rustls::Error> {
    let inner = error.get_ref()?;
    inner
        .downcast_ref()
        .or_else(|| tls_error(inner.downcast_ref()?))
}

/// A connection without TLS, or with a certificate that is not trusted.
pub(super) fn untrusted(error: &rustls::Error, host: &str, target: &Target<'_>) -> Trouble {
    let (why, fix) = tls::explain(error, host, target.roots());
    Trouble::lasting(ErrorKind::Unreachable, why, fix)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The texts of glibc, musl, macOS and Windows.
    #[test]
    fn a_name_that_does_not_exist_differs_from_name_servers_that_do_not_respond() {
        for (system, says) in [
            (
                "Name or service not known",
                "the name a.example can't be resolved",
            ),
            (
                "Name does not resolve",
                "the name a.example can't be resolved",
            ),
            (
                "nodename nor servname provided, or not known",
                "the name a.example can't be resolved",
            ),
            (
                "No such host is known.",
                "the name a.example can't be resolved",
            ),
            (
                "Temporary failure in name resolution",
                "the name a.example can't be resolved: no name server responds",
            ),
            (
                "This is usually a temporary error during hostname resolution",
                "the name a.example can't be resolved: no name server responds",
            ),
        ] {
            let trouble = unresolved("a.example", system, "check the network".into());
            assert_eq!(trouble.why, says, "{system}");
            assert!(trouble.retryable, "{system}");
        }
    }

    #[test]
    fn a_network_without_a_route_is_named() {
        for kind in [
            io::ErrorKind::NetworkUnreachable,
            io::ErrorKind::HostUnreachable,
            // A network with IPv6 only, or without it.
            io::ErrorKind::AddrNotAvailable,
        ] {
            assert!(of_io(kind).is_some_and(|why| why.contains("no route")));
        }
        assert!(of_io(io::ErrorKind::PermissionDenied).is_some_and(|why| why.contains("firewall")));
        assert!(of_io(io::ErrorKind::Other).is_none());
    }
}
