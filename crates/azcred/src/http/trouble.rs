//! Says in plain words why a request got no response.

use super::HttpRequest;
use crate::{
    facts::{Error, ErrorKind},
    redact::redact,
};
use reqwest::header;
use rustls::{AlertDescription, CertificateError};
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

/// The keys of certificates that azcred can verify.
const KEYS: &str = "can verify certificates with RSA, P-256, P-384 and Ed25519 keys only";
/// The end of the algorithm of a P-521 key: the object identifier of the curve, 1.3.132.0.35 (RFC
/// 5480 section 2.1.1.1).
const P521: &[u8] = &[0x2b, 0x81, 0x04, 0x00, 0x23];

/// The name that rustls, or webpki below it, has for a reason.
fn name_of(reason: &CertificateError) -> String {
    let text = match reason {
        CertificateError::Other(inner) => format!("{:?}", inner.0),
        reason => format!("{reason:?}"),
    };
    let is_name = |sign: char| sign.is_ascii_alphanumeric();
    text.split(|sign| !is_name(sign))
        .next()
        .unwrap_or("")
        .to_owned()
}

fn untrusted(tls: &rustls::Error, host: &str) -> Trouble {
    // A server signs with its certificate's key, and gives up if the client knows no algorithm for
    // that key: P-521 with this program's cryptography (ring).
    if let rustls::Error::AlertReceived(AlertDescription::HandshakeFailure) = tls {
        return Trouble::lasting(
            ErrorKind::Unreachable,
            format!(
                "{host} ended the TLS handshake: it has no version, cipher or key in common with this program. If its certificate has a P-521 \
                 key, that is the reason: azcred {KEYS}"
            ),
            "give the server a certificate with an RSA, P-256 or P-384 key; or check that no proxy breaks TLS",
        );
    }
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
        CertificateError::UnsupportedSignatureAlgorithmForPublicKeyContext {
            public_key_algorithm_id,
            ..
        } if public_key_algorithm_id.ends_with(P521) => {
            return Trouble::lasting(
                ErrorKind::Unreachable,
                format!(
                    "{host} can't be trusted: its certificate was issued with a P-521 key, and azcred {KEYS}"
                ),
                "give the server a certificate of an authority with an RSA, P-256 or P-384 key",
            );
        }
        CertificateError::UnsupportedSignatureAlgorithmContext { .. }
        | CertificateError::UnsupportedSignatureAlgorithmForPublicKeyContext { .. } => {
            return Trouble::lasting(
                ErrorKind::Unreachable,
                format!(
                    "{host} can't be trusted: its certificate has a kind of signature that azcred does not support; azcred {KEYS}"
                ),
                "give the server a certificate of an authority with an RSA, P-256 or P-384 key",
            );
        }
        other => {
            let name = name_of(other);
            if name == "CaUsedAsEndEntity" {
                return Trouble::lasting(
                    ErrorKind::Unreachable,
                    format!(
                        "{host} can't be trusted: it uses the certificate of an authority (CA:TRUE) as its own"
                    ),
                    "give the server a certificate that this authority issued",
                );
            }
            return Trouble::lasting(
                ErrorKind::Unreachable,
                format!("{host} can't be trusted: its certificate can't be used ({name})"),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_without_a_key_that_can_be_verified_is_told_so() {
        let alert = rustls::Error::AlertReceived(AlertDescription::HandshakeFailure);
        let trouble = untrusted(&alert, "localhost");
        assert!(trouble.why.contains("If its certificate has a P-521 key"));
        assert!(!trouble.retryable);
    }

    #[test]
    fn a_reason_is_shown_by_its_name_and_nothing_of_the_certificate() {
        let unnamed = CertificateError::UnsupportedSignatureAlgorithmContext {
            signature_algorithm_id: vec![6, 8],
            supported_algorithms: Vec::new(),
        };
        for (reason, says) in [
            (CertificateError::Revoked, "can't be used (Revoked)"),
            (unnamed, "a kind of signature that azcred does not support"),
        ] {
            let why = untrusted(&rustls::Error::InvalidCertificate(reason), "h").why;
            assert!(why.contains(says) && !why.contains(['[', '{']), "{why}");
        }
    }
}
