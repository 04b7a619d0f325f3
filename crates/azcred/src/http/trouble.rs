//! Says in plain words why a request got no response.

use super::HttpRequest;
use crate::{
    facts::{Error, ErrorKind, Fix},
    redact::redact,
    system::System,
};
use reqwest::header;
use rustls::{AlertDescription, CertificateError};
use std::{error::Error as _, io, time::Duration};
use url::Url;

/// Variables with addresses that may send requests elsewhere.
const ADDRESSES: [&str; 3] = [
    "AZURE_AUTHORITY_HOST",
    "ARM_CLOUD_METADATA_URL",
    "AZURE_POD_IDENTITY_AUTHORITY_HOST",
];

/// The target of a request, as errors name it.
pub(super) struct Target {
    /// The host, and the port if it is not the usual one.
    host: String,
    /// The variable that names this address, if one does.
    variable: Option<&'static str>,
    /// The variable that names the proxy for such addresses, if one is set.
    proxy: Option<&'static str>,
}

impl Target {
    pub(super) fn of(url: &Url, system: &dyn System) -> Self {
        let host = url.host_str().unwrap_or_default();
        let names_it = |name: &&str| {
            let value = system.var(name)?;
            let value = value.trim();
            let named = match value.contains("://") {
                true => Url::parse(value),
                false => Url::parse(&format!("https://{value}")),
            };
            (named.ok()?.origin() == url.origin()).then_some(())
        };
        Self {
            host: match url.port() {
                Some(port) => format!("{host}:{port}"),
                None => host.to_owned(),
            },
            variable: ADDRESSES.into_iter().find(|name| names_it(name).is_some()),
            proxy: super::client::proxy_variable(url.scheme(), system),
        }
    }

    /// The fix for a connection that can't be made.
    fn network(&self) -> Fix {
        match self.proxy {
            None => "check the network; if it needs a proxy, set HTTPS_PROXY".into(),
            Some(variable) => {
                format!("check the network, and the proxy that {variable} names").into()
            }
        }
    }

    fn proxy_variable(&self) -> &'static str {
        self.proxy.unwrap_or("HTTPS_PROXY")
    }

    /// The fix for a proxy that can't be reached. Its address is not shown: it may have a password.
    fn reach_proxy(&self) -> Fix {
        let variable = self.proxy_variable();
        Fix::from(format!("start that proxy, or correct {variable}"))
            .or(Fix::UnsetVariable(variable.into()))
    }
}

/// One failed attempt.
pub(super) struct Trouble {
    kind: ErrorKind,
    pub(super) why: String,
    fix: Fix,
    pub(super) retryable: bool,
    cause: Option<reqwest::Error>,
}

impl Trouble {
    fn passing(why: String, fix: impl Into<Fix>) -> Self {
        Self {
            kind: ErrorKind::Unreachable,
            why,
            fix: fix.into(),
            retryable: true,
            cause: None,
        }
    }

    fn lasting(kind: ErrorKind, why: String, fix: impl Into<Fix>) -> Self {
        Self {
            kind,
            why,
            fix: fix.into(),
            retryable: false,
            cause: None,
        }
    }

    pub(super) fn into_error(
        self,
        what: &str,
        target: &Target,
        attempts: u32,
        took: Duration,
    ) -> Error {
        let mut why = self.why;
        if attempts > 1 {
            why = format!("{why} ({attempts} attempts in {:.1} s)", took.as_secs_f64());
        }
        // A variable that sends requests elsewhere is the likely cause.
        let fix = match target.variable {
            None => self.fix,
            Some(variable) => {
                why = format!("{why}; {variable} is set to this address");
                Fix::from(format!("unset {variable} to use Azure's own address")).or(format!(
                    "correct {variable}, or start the server at {}",
                    target.host
                ))
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
pub(super) fn silent(target: &Target) -> Trouble {
    Trouble::passing(
        format!("{} did not respond in time", target.host),
        target.network(),
    )
}

/// A response over the size limit.
pub(super) fn endless(target: &Target) -> Trouble {
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
    target: &Target,
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
            "{} returned a redirect (HTTP {}) to {elsewhere}, which is not followed because requests hold secrets",
            target.host,
            response.status().as_u16()
        ),
        "sign in to the network's portal, if it has one; check the address",
    )
}

/// A request without a whole response.
pub(super) fn sending(error: reqwest::Error, target: &Target) -> Trouble {
    // `what` already names the address, which reqwest's text would repeat.
    let error = error.without_url();
    let mut trouble = explain(&error, target);
    trouble.cause = Some(error);
    trouble
}

fn explain(error: &reqwest::Error, target: &Target) -> Trouble {
    let mut text = String::new();
    let mut io_kind = None;
    let mut certificate = None;
    let proxy = format!("the proxy that {} names", target.proxy_variable());
    let mut is_proxy = false;
    let mut cause = error.source();
    while let Some(inner) = cause {
        text = inner.to_string();
        // The text of hyper-util's `TunnelError::ConnectFailed`, also for SOCKS: the proxy itself
        // was not reached.
        if text.contains("failed to create underlying connection") {
            is_proxy = true;
        }
        if text.contains("dns error") {
            return match is_proxy {
                true => Trouble::passing(
                    format!("the host name of {proxy} can't be resolved"),
                    target.reach_proxy(),
                ),
                false => Trouble::passing(
                    format!("the name {} can't be resolved", target.host),
                    target.network(),
                ),
            };
        }
        if text.contains("proxy authorization required")
            || text.contains("proxy authentication required")
        {
            return Trouble::lasting(
                ErrorKind::Unreachable,
                format!("{proxy} requires a user name and a password"),
                format!(
                    "set {} to http://USER:PASSWORD@PROXY:PORT",
                    target.proxy_variable()
                ),
            );
        }
        if text.contains("tunnel") && text.contains("unsuccessful") {
            return Trouble::lasting(
                ErrorKind::Unreachable,
                format!("{proxy} refused to connect to {}", target.host),
                Fix::from(format!(
                    "ask the proxy's administrator to allow {}",
                    target.host
                ))
                .or("add the host to NO_PROXY, if it can be reached without the proxy"),
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
    let host = match is_proxy {
        true => &proxy,
        false => &target.host,
    };
    let fix = match is_proxy {
        true => target.reach_proxy(),
        false => target.network(),
    };
    if let Some(tls) = certificate {
        return untrusted(&tls, host);
    }
    if error.is_timeout() {
        return Trouble::passing(format!("{host} did not respond in time"), fix);
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
