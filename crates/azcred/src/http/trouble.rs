//! Says in plain words why a request got no response.

use super::HttpRequest;
use crate::{
    facts::{Error, ErrorKind},
    redact::redact,
};
use reqwest::header;
use rustls::CertificateError;
use std::{error::Error as _, io, time::Duration};

/// One failed attempt.
pub(super) struct Trouble {
    kind: ErrorKind,
    pub(super) why: String,
    fix: &'static str,
    pub(super) retryable: bool,
    cause: Option<reqwest::Error>,
}

impl Trouble {
    fn passing(why: String, fix: &'static str) -> Self {
        Self {
            kind: ErrorKind::Unreachable,
            why,
            fix,
            retryable: true,
            cause: None,
        }
    }

    fn lasting(kind: ErrorKind, why: String, fix: &'static str) -> Self {
        Self {
            kind,
            why,
            fix,
            retryable: false,
            cause: None,
        }
    }

    pub(super) fn into_error(self, what: &str, attempts: u32, took: Duration) -> Error {
        let why = if attempts > 1 {
            format!(
                "{} ({attempts} attempts in {:.1} s)",
                self.why,
                took.as_secs_f64()
            )
        } else {
            self.why
        };
        let error = Error::new(self.kind, what.to_owned(), why).with_fix(self.fix);
        match self.cause {
            Some(cause) => error.with_cause(cause),
            None => error,
        }
    }
}

const NETWORK: &str = "check the network; if it needs a proxy, set HTTPS_PROXY";
/// The name of the proxy in errors: its address may have a password.
const PROXY: &str = "the proxy that HTTPS_PROXY names";
const FIX_PROXY: &str =
    "start that proxy, or correct HTTPS_PROXY; if this machine needs no proxy, unset it";

/// An attempt that got no response in time.
pub(super) fn silent(host: &str) -> Trouble {
    Trouble::passing(format!("{host} did not answer in time"), NETWORK)
}

/// A response over the size limit.
pub(super) fn endless(host: &str) -> Trouble {
    Trouble::lasting(
        ErrorKind::Unexpected,
        format!(
            "{host} sent more than {} MiB, too much for a response",
            super::BODY_LIMIT >> 20
        ),
        "check the address, and that no proxy answers instead",
    )
}

/// A redirect. It is not followed, because the secret is for one address only.
pub(super) fn redirected(
    response: &reqwest::Response,
    host: &str,
    request: &HttpRequest,
) -> Trouble {
    let elsewhere = response
        .headers()
        .get(header::LOCATION)
        .and_then(|location| location.to_str().ok())
        .and_then(|location| response.url().join(location).ok())
        .and_then(|url| url.host_str().map(str::to_owned))
        .unwrap_or_else(|| "nowhere".to_owned());
    let secrets = request.secrets();
    let secrets: Vec<&str> = secrets.iter().map(|secret| secret.as_str()).collect();
    let elsewhere = redact(&elsewhere, &secrets);
    Trouble::lasting(
        ErrorKind::Unexpected,
        format!(
            "{host} returned a redirect (HTTP {}) to {elsewhere}, which is not followed because requests hold secrets",
            response.status().as_u16()
        ),
        "sign in to the network's portal, if it has one; check the address",
    )
}

/// A request without a whole response.
pub(super) fn sending(error: reqwest::Error, host: &str) -> Trouble {
    // `what` already names the address, which reqwest's text would repeat.
    let error = error.without_url();
    let mut trouble = explain(&error, host);
    trouble.cause = Some(error);
    trouble
}

fn explain(error: &reqwest::Error, host: &str) -> Trouble {
    let mut text = String::new();
    let mut io_kind = None;
    let mut certificate = None;
    let mut host = host;
    let mut fix = NETWORK;
    let mut cause = error.source();
    while let Some(inner) = cause {
        text = inner.to_string();
        // The text of hyper-util's `TunnelError::ConnectFailed`, also for SOCKS: the proxy itself
        // was not reached.
        if text.contains("failed to create underlying connection") {
            (host, fix) = (PROXY, FIX_PROXY);
        }
        if text.contains("dns error") {
            if host == PROXY {
                return Trouble::passing("the proxy's name can't be resolved".to_owned(), fix);
            }
            return Trouble::passing(format!("the name {host} can't be resolved"), NETWORK);
        }
        if text.contains("proxy authorization required")
            || text.contains("proxy authentication required")
        {
            return Trouble::lasting(
                ErrorKind::Unreachable,
                "the proxy requires a user name and a password".to_owned(),
                "set HTTPS_PROXY to http://USER:PASSWORD@PROXY:PORT",
            );
        }
        if text.contains("tunnel") && text.contains("unsuccessful") {
            return Trouble::lasting(
                ErrorKind::Unreachable,
                format!("the proxy refused to connect to {host}"),
                "ask the proxy's administrator to allow the host; or add it to NO_PROXY",
            );
        }
        if let Some(io) = inner.downcast_ref::<io::Error>() {
            io_kind = Some(io.kind());
            certificate = tls_error(io).cloned();
        } else if let Some(tls) = inner.downcast_ref::<rustls::Error>() {
            certificate = Some(tls.clone());
        }
        if certificate.is_some() {
            break;
        }
        cause = inner.source();
    }
    if let Some(tls) = certificate {
        return untrusted(&tls, host);
    }
    if error.is_timeout() {
        return silent(host);
    }
    match io_kind {
        Some(io::ErrorKind::ConnectionRefused) => {
            Trouble::passing(format!("{host} refused the connection"), fix)
        }
        Some(
            io::ErrorKind::ConnectionReset
            | io::ErrorKind::BrokenPipe
            | io::ErrorKind::UnexpectedEof,
        ) => Trouble::passing(format!("{host} closed the connection"), fix),
        Some(io::ErrorKind::NetworkUnreachable | io::ErrorKind::HostUnreachable) => {
            Trouble::passing(format!("this network has no route to {host}"), fix)
        }
        _ if error.is_body() || error.is_decode() => Trouble::passing(
            format!("{host} closed the connection in the middle of its response"),
            fix,
        ),
        _ => Trouble::passing(
            format!(
                "the connection to {host} failed: {}",
                if text.is_empty() {
                    error.to_string()
                } else {
                    text
                }
            ),
            fix,
        ),
    }
}

/// The TLS error inside an I/O error, at any depth; [`std::error::Error::source`] skips it.
fn tls_error(error: &io::Error) -> Option<&rustls::Error> {
    let inner = error.get_ref()?;
    inner
        .downcast_ref()
        .or_else(|| tls_error(inner.downcast_ref()?))
}

fn untrusted(tls: &rustls::Error, host: &str) -> Trouble {
    let rustls::Error::InvalidCertificate(reason) = tls else {
        return Trouble::lasting(
            ErrorKind::Unreachable,
            format!("the TLS connection to {host} failed: {tls}"),
            "check that the address is an HTTPS address, and that no proxy breaks TLS",
        );
    };
    let (why, fix) = match reason {
        CertificateError::UnknownIssuer => (
            "this machine does not trust its certificate's issuer, which may be a company's proxy",
            "set SSL_CERT_FILE to a PEM file with the root certificates of this network",
        ),
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => (
            "its certificate has expired, or this machine's clock is ahead",
            "check this machine's clock",
        ),
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => (
            "its certificate is not valid yet, or this machine's clock is behind",
            "check this machine's clock",
        ),
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => (
            "its certificate is for another name",
            "check the address, and that no proxy answers instead",
        ),
        other => {
            return Trouble::lasting(
                ErrorKind::Unreachable,
                format!("{host} can't be trusted: {other}"),
                "check which server answers at that address",
            );
        }
    };
    Trouble::lasting(
        ErrorKind::Unreachable,
        format!("{host} can't be trusted: {why}"),
        fix,
    )
}
