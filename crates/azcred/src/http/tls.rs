//! Every reason for which there is no TLS connection, in words and with a fix.

use super::verifier::Rejected;
use crate::{facts::Fix, untrusted::printable};
use rustls::{
    AlertDescription, CertificateError, Error, ExtendedKeyPurpose, InvalidMessage, OtherError,
    PeerIncompatible,
};
use rustls_pki_types::UnixTime;
use std::fmt;
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

/// The keys of certificates that azcred can verify.
const KEYS: &str = "can verify certificates with RSA, P-256, P-384 and Ed25519 keys only";
/// The end of the algorithm of a P-521 key: the object identifier of the curve, 1.3.132.0.35 (RFC
/// 5480 section 2.1.1.1).
const P521: &[u8] = &[0x2b, 0x81, 0x04, 0x00, 0x23];
/// Marks a reason of a later version of the library. A test finds it.
const NO_WORDS: &str = "for a reason without words in this version";
/// The most names of a certificate that are shown.
const NAMES: usize = 4;

/// Why there is no connection to `host`, and the fix. `roots` is a variable that names trusted
/// certificates, if one is set.
pub(super) fn explain(error: &Error, host: &str, roots: Option<&str>) -> (String, Fix) {
    let reason = match error {
        Error::InvalidCertificate(CertificateError::Other(OtherError(inner))) => {
            match inner.downcast_ref::<Rejected>() {
                Some(rejected) => certificate(&rejected.reason, Some(rejected), host, roots),
                None => certificate(
                    &CertificateError::Other(OtherError(inner.clone())),
                    None,
                    host,
                    roots,
                ),
            }
        }
        Error::InvalidCertificate(reason) => certificate(reason, None, host, roots),
        other => return connection(other, host),
    };
    (format!("{host} can't be trusted: {}", reason.0), reason.1)
}

/// Why a certificate is rejected.
fn certificate(
    reason: &CertificateError,
    seen: Option<&Rejected>,
    host: &str,
    roots: Option<&str>,
) -> (String, Fix) {
    use CertificateError as E;
    let new = |what: &str| {
        Fix::from(format!("check that no proxy answers in place of {host}")).or(format!(
            "if the server is yours, give it a certificate {what}"
        ))
    };
    let clock =
        |otherwise: &str| Fix::SetClock.or(format!("if the clock is right, {otherwise} of {host}"));
    let revocation = || {
        Fix::from("check that this machine reaches the issuer's servers for revocation (OCSP, CRL)")
    };
    match reason {
        E::BadEncoding => (
            "its certificate is damaged, or not encoded as X.509 requires".to_owned(),
            new("that `openssl x509 -noout -text` can read"),
        ),
        E::Expired => (
            "its certificate has expired, or this machine's clock is ahead".to_owned(),
            clock("renew the certificate"),
        ),
        E::ExpiredContext { time, not_after } => (
            format!(
                "its certificate has expired: it was valid until {}, and this machine's clock shows {}",
                date(*not_after),
                date(*time)
            ),
            clock("renew the certificate"),
        ),
        E::NotValidYet => (
            "its certificate is not valid yet, or this machine's clock is behind".to_owned(),
            clock("replace the certificate"),
        ),
        E::NotValidYetContext { time, not_before } => (
            format!(
                "its certificate is not valid yet: it is valid from {}, and this machine's clock shows {}",
                date(*not_before),
                date(*time)
            ),
            clock("replace the certificate"),
        ),
        E::Revoked => (
            "its issuer has revoked its certificate".to_owned(),
            new("that is not revoked"),
        ),
        E::UnhandledCriticalExtension => (
            "its certificate has a critical extension that azcred does not know".to_owned(),
            new("without it"),
        ),
        E::UnknownIssuer => unknown_issuer(seen, host, roots),
        E::UnknownRevocationStatus => (
            "this machine can't find out whether its certificate was revoked".to_owned(),
            revocation(),
        ),
        E::ExpiredRevocationList | E::ExpiredRevocationListContext { .. } => (
            "its issuer's list of revoked certificates is out of date".to_owned(),
            revocation().or(Fix::SetClock),
        ),
        E::BadSignature => (
            "the signature of its certificate is not by the key of the authority that it names".to_owned(),
            Fix::from(match roots {
                Some(variable) => format!(
                    "put the authority's current certificate into the file that {variable} names: \
                     an older one has the same name and another key"
                ),
                None => "update this machine's root certificates".to_owned(),
            })
            .or(new("of an authority that is trusted here")),
        ),
        E::UnsupportedSignatureAlgorithmForPublicKeyContext {
            public_key_algorithm_id,
            ..
        } if public_key_algorithm_id.ends_with(P521) => (
            format!("its certificate was issued with a P-521 key, and azcred {KEYS}"),
            Fix::from("give the server a certificate of an authority with an RSA, P-256 or P-384 key"),
        ),
        #[allow(deprecated, reason = "a verifier may still return it")]
        E::UnsupportedSignatureAlgorithm
        | E::UnsupportedSignatureAlgorithmContext { .. }
        | E::UnsupportedSignatureAlgorithmForPublicKeyContext { .. } => (
            format!(
                "its certificate has a kind of signature that azcred does not support; azcred {KEYS}"
            ),
            Fix::from(
                "give the server a certificate of an authority with an RSA, P-256 or P-384 key, \
                 signed with SHA-256 or SHA-384",
            ),
        ),
        E::NotValidForName => (
            "its certificate is for another name".to_owned(),
            Fix::from("check the address, and that no proxy answers instead"),
        ),
        E::NotValidForNameContext { presented, .. } => match &names(presented)[..] {
            "" => (
                "its certificate names no host as a subject alternative name; a common name does not count"
                    .to_owned(),
                new("with its host's name as a subject alternative name"),
            ),
            names => (
                format!("its certificate is for another name: {names}"),
                Fix::from("check the address, and that no proxy answers instead"),
            ),
        },
        E::InvalidPurpose => (
            "its certificate is not for servers (extended key usage)".to_owned(),
            new("with the extended key usage serverAuth"),
        ),
        E::InvalidPurposeContext { presented, .. } => (
            format!(
                "its certificate is for {}, and not for servers (extended key usage)",
                purposes(presented)
            ),
            new("with the extended key usage serverAuth"),
        ),
        E::InvalidOcspResponse => (
            "it sent a damaged confirmation that its certificate is not revoked (OCSP)".to_owned(),
            Fix::from(format!("restart {host}, if it is yours, so that it requests a new confirmation"))
                .or(format!("check that no proxy answers in place of {host}")),
        ),
        E::ApplicationVerificationFailure => (
            "its certificate is not the one that is expected there".to_owned(),
            Fix::from("check the expected thumbprint (IDENTITY_SERVER_THUMBPRINT), and that nothing else answers there"),
        ),
        E::Other(OtherError(inner)) => match inner.downcast_ref::<webpki::Error>() {
            Some(reason) => path(reason, seen, host, roots),
            None => (
                format!(
                    "this machine's verifier rejected its certificate: {}",
                    printable(&inner.to_string(), 200)
                ),
                new("that this machine accepts"),
            ),
        },
        other => unnamed(&format!("{other:?}"), host),
    }
}

fn unknown_issuer(seen: Option<&Rejected>, host: &str, roots: Option<&str>) -> (String, Fix) {
    let issuer = seen.and_then(|seen| seen.issuer.as_deref());
    let of = match issuer {
        Some(issuer) => format!("the root certificate of '{issuer}'"),
        None => "the root certificate of its issuer".to_owned(),
    };
    let trust = match roots {
        Some(variable) => Fix::from(format!("add {of} to the file that {variable} names")),
        None => Fix::from(format!(
            "get {of} from this network's administrator, and set NODE_EXTRA_CA_CERTS to a PEM file \
             with it, or SSL_CERT_FILE to one with all root certificates of this network"
        )),
    };
    if seen.is_some_and(|seen| seen.is_self_signed && seen.more == 0) {
        return (
            "it signed its certificate itself, and this machine does not trust it".to_owned(),
            Fix::from(match roots {
                Some(variable) => format!(
                    "if you know that server, add its certificate to the file that {variable} names"
                ),
                None => "if you know that server, set NODE_EXTRA_CA_CERTS (or SSL_CERT_FILE, in place of the system's roots) to a PEM file with its certificate".to_owned(),
            })
            .or(format!("check that no proxy answers in place of {host}")),
        );
    }
    let name = issuer.map_or(String::new(), |issuer| format!(", '{issuer}',"));
    let alone = match seen {
        Some(seen) if seen.more == 0 => {
            "; the server sent no certificate besides its own, so one in between may be missing"
        }
        _ => "",
    };
    (
        format!(
            "this machine does not trust its certificate's issuer{name} which may be a company's proxy{alone}"
        )
        .replace("issuer which", "issuer, which"),
        match alone.is_empty() {
            true => trust,
            false => trust.or("if the server is yours, let it send its whole chain"),
        },
    )
}

/// Why no path leads from a certificate to a root.
fn path(
    reason: &webpki::Error,
    seen: Option<&Rejected>,
    host: &str,
    roots: Option<&str>,
) -> (String, Fix) {
    use webpki::Error as E;
    let of = |reason: CertificateError| certificate(&reason, seen, host, roots);
    let told = |why: &str, fix: &str| (why.to_owned(), Fix::from(fix.to_owned()));
    match reason {
        E::CaUsedAsEndEntity => told(
            "it uses the certificate of an authority (CA:TRUE) as its own",
            "give the server a certificate that this authority issued, with CA:FALSE",
        ),
        E::EndEntityUsedAsCa => told(
            "its certificate was issued by one that is not an authority's (CA:FALSE)",
            "give the server a certificate that an authority issued",
        ),
        E::UnsupportedCertVersion => told(
            "its certificate, or one of its issuers', is not of X.509 version 3",
            "give the server a certificate of version 3, with its host's name as a subject \
             alternative name (`openssl req -x509 -addext subjectAltName=DNS:HOST …` makes one)",
        ),
        E::NameConstraintViolation => told(
            "its issuer may not issue certificates for this name (name constraints)",
            "give the server a certificate of an authority that may; or check that no proxy \
             answers instead",
        ),
        E::PathLenConstraintViolated => told(
            "there are more authorities between its certificate and the root than the root permits \
             (path length)",
            "give the server a certificate of an authority nearer to the root",
        ),
        E::MaximumPathDepthExceeded
        | E::MaximumPathBuildCallsExceeded
        | E::MaximumSignatureChecksExceeded
        | E::MaximumNameConstraintComparisonsExceeded => told(
            "its chain of certificates is too long or too complex",
            "let the server send its own certificate and those between it and the root, and no others",
        ),
        E::CertDistrusted => told(
            "its issuer is no longer trusted",
            "give the server a certificate of another authority",
        ),
        E::SignatureAlgorithmMismatch => told(
            "its certificate names two different algorithms for one signature",
            "give the server a new certificate",
        ),
        E::UnsupportedCriticalExtension => of(CertificateError::UnhandledCriticalExtension),
        E::EmptyEkuExtension => of(CertificateError::InvalidPurpose),
        E::UnsupportedNameType => told(
            "its certificate has a kind of name that azcred does not know",
            "give the server a certificate with a DNS name or an IP address",
        ),
        E::MalformedDnsIdentifier => told(
            "its certificate has a name that is not a valid host name",
            "give the server a certificate with its host's name, such as *.example.com",
        ),
        E::InvalidNetworkMaskConstraint | E::MalformedNameConstraint => told(
            "its issuer's certificate has malformed name constraints",
            "let the authority issue its own certificate again, with valid name constraints",
        ),
        E::InvalidSerialNumber
        | E::MalformedExtensions
        | E::ExtensionValueInvalid
        | E::BadDer
        | E::BadDerTime
        | E::TrailingData(_) => of(CertificateError::BadEncoding),
        E::CertExpired { time, not_after } => of(CertificateError::ExpiredContext {
            time: *time,
            not_after: *not_after,
        }),
        E::InvalidCertValidity => told(
            "its certificate ends before it begins",
            "give the server a new certificate",
        ),
        E::CertNotValidYet { time, not_before } => of(CertificateError::NotValidYetContext {
            time: *time,
            not_before: *not_before,
        }),
        E::CertNotValidForName(_) => of(CertificateError::NotValidForName),
        E::CertRevoked => of(CertificateError::Revoked),
        E::UnknownIssuer => of(CertificateError::UnknownIssuer),
        E::InvalidSignatureForPublicKey => of(CertificateError::BadSignature),
        #[allow(deprecated, reason = "the library may still return it")]
        E::RequiredEkuNotFound | E::RequiredEkuNotFoundContext(_) => {
            of(CertificateError::InvalidPurpose)
        }
        E::UnsupportedSignatureAlgorithmForPublicKeyContext(context) => of(
            CertificateError::UnsupportedSignatureAlgorithmForPublicKeyContext {
                signature_algorithm_id: context.signature_algorithm_id.clone(),
                public_key_algorithm_id: context.public_key_algorithm_id.clone(),
            },
        ),
        #[allow(deprecated, reason = "the library may still return it")]
        E::UnsupportedSignatureAlgorithm
        | E::UnsupportedSignatureAlgorithmForPublicKey
        | E::UnsupportedSignatureAlgorithmContext(_) => {
            of(CertificateError::UnsupportedSignatureAlgorithmContext {
                signature_algorithm_id: Vec::new(),
                supported_algorithms: Vec::new(),
            })
        }
        E::CrlExpired { .. } => of(CertificateError::ExpiredRevocationList),
        #[allow(deprecated, reason = "the library may still return it")]
        E::UnknownRevocationStatus
        | E::InvalidCrlNumber
        | E::InvalidCrlSignatureForPublicKey
        | E::IssuerNotCrlSigner
        | E::UnsupportedCrlIssuingDistributionPoint
        | E::UnsupportedCrlVersion
        | E::UnsupportedDeltaCrl
        | E::UnsupportedIndirectCrl
        | E::UnsupportedRevocationReason
        | E::UnsupportedRevocationReasonsPartitioning
        | E::UnsupportedCrlSignatureAlgorithm
        | E::UnsupportedCrlSignatureAlgorithmContext(_)
        | E::UnsupportedCrlSignatureAlgorithmForPublicKey
        | E::UnsupportedCrlSignatureAlgorithmForPublicKeyContext(_) => {
            of(CertificateError::UnknownRevocationStatus)
        }
        other => unnamed(&format!("{other:?}"), host),
    }
}

/// Why there is no TLS, though no certificate was rejected.
fn connection(error: &Error, host: &str) -> (String, Fix) {
    let proxy = || Fix::from("check the address, and that no proxy breaks TLS");
    let failed = |why: &str| {
        (
            format!("the TLS connection to {host} failed: {why}"),
            proxy(),
        )
    };
    match error {
        Error::InvalidMessage(InvalidMessage::InvalidContentType) => (
            format!(
                "{host} does not speak TLS: it answers in another protocol, such as plain HTTP"
            ),
            Fix::from("check the port; an https:// address needs a server with TLS")
                .or("sign in to the network's portal, if it has one"),
        ),
        Error::AlertReceived(alert) => alert_of(*alert, host),
        Error::PeerIncompatible(
            PeerIncompatible::ServerDoesNotSupportTls12Or13
            | PeerIncompatible::ServerTlsVersionIsDisabledByOurConfig,
        ) => too_old(host),
        Error::PeerIncompatible(what) => failed(&format!(
            "the server has no TLS settings in common with azcred ({})",
            spaced(&format!("{what:?}"))
        )),
        Error::PeerMisbehaved(what) => failed(&format!(
            "the server does not follow the protocol ({})",
            spaced(&format!("{what:?}"))
        )),
        Error::InvalidMessage(what) => failed(&format!(
            "a message of the server is not valid TLS ({})",
            spaced(&format!("{what:?}"))
        )),
        Error::InappropriateMessage { .. } | Error::InappropriateHandshakeMessage { .. } => {
            failed("the server sent its messages in a wrong order")
        }
        Error::NoCertificatesPresented => failed("the server sent no certificate"),
        Error::UnsupportedNameType => (
            format!("no certificate can be for {host}: it is not a valid host name"),
            Fix::from("correct the address"),
        ),
        Error::DecryptError => {
            failed("what the server sent can't be decrypted, as if it was changed on the way")
        }
        Error::EncryptError => failed("a message could not be encrypted"),
        Error::PeerSentOversizedRecord => {
            failed("a message of the server is longer than TLS permits")
        }
        Error::NoApplicationProtocol => failed("the server does not accept HTTP over TLS"),
        Error::HandshakeNotComplete => failed("the server ended it during the handshake"),
        Error::BadMaxFragmentSize => failed("the size of its messages is not valid"),
        Error::InconsistentKeys(_) => failed("a certificate and its key do not belong together"),
        Error::InvalidEncryptedClientHello(_) => {
            failed("the server's settings to hide its name are not valid")
        }
        Error::InvalidCertRevocationList(_) => {
            failed("a list of revoked certificates can't be used")
        }
        Error::FailedToGetCurrentTime => (
            format!("the certificate of {host} can't be checked: this machine has no time"),
            Fix::SetClock,
        ),
        Error::FailedToGetRandomBytes => (
            format!("there is no TLS with {host}: this machine has no random numbers"),
            Fix::from(
                "check that /dev/urandom can be read, and that the sandbox permits getrandom",
            ),
        ),
        Error::General(text) => failed(&printable(text, 200)),
        Error::Other(OtherError(inner)) => failed(&printable(&inner.to_string(), 200)),
        // `explain` has taken these.
        Error::InvalidCertificate(_) => failed("its certificate was rejected"),
        other => unnamed(&format!("{other:?}"), host),
    }
}

/// An error that the server reports (RFC 8446 section 6.2).
fn alert_of(alert: AlertDescription, host: &str) -> (String, Fix) {
    use AlertDescription as A;
    let rejected = |what: &str| {
        (
            format!("{host} ended the TLS handshake: {what}"),
            Fix::from(format!(
                "check that the address is right, and that no proxy answers in place of {host}"
            )),
        )
    };
    match alert {
        // A server signs with its certificate's key, and gives up if the client knows no algorithm
        // for that key: P-521 with this program's cryptography (ring).
        A::HandshakeFailure | A::InsufficientSecurity => (
            format!(
                "{host} ended the TLS handshake: it has no version, cipher or key in common with \
                 this program. If its certificate has a P-521 key, that is the reason: azcred {KEYS}"
            ),
            Fix::from(
                "give the server a certificate with an RSA, P-256 or P-384 key; or check that no \
                 proxy breaks TLS",
            ),
        ),
        A::ProtocolVersion | A::InappropriateFallback => too_old(host),
        A::UnrecognisedName => rejected("it does not know this host name"),
        A::AccessDenied => rejected("it does not let this machine in"),
        A::CertificateRequired | A::NoCertificate | A::CertificateUnobtainable => {
            rejected("it requires a certificate of its clients, which azcred does not send")
        }
        A::BadCertificate
        | A::UnsupportedCertificate
        | A::CertificateRevoked
        | A::CertificateExpired
        | A::CertificateUnknown
        | A::UnknownCA
        | A::BadCertificateStatusResponse
        | A::BadCertificateHashValue => {
            rejected("it rejects the client's certificate, and azcred does not send one")
        }
        A::InternalError => rejected("it has an internal error"),
        A::UserCanceled | A::CloseNotify => rejected("it closed the connection"),
        A::NoApplicationProtocol => rejected("it does not accept HTTP over TLS"),
        A::EncryptedClientHelloRequired => rejected("it requires that its name is encrypted (ECH)"),
        A::UnknownPSKIdentity => rejected("it requires a key that was agreed on before"),
        A::UnexpectedMessage
        | A::BadRecordMac
        | A::DecryptionFailed
        | A::RecordOverflow
        | A::DecompressionFailure
        | A::IllegalParameter
        | A::DecodeError
        | A::DecryptError
        | A::ExportRestriction
        | A::NoRenegotiation
        | A::MissingExtension
        | A::UnsupportedExtension => rejected(&format!(
            "it could not read a message ({}), as if it was changed on the way",
            spaced(&format!("{alert:?}"))
        )),
        other => unnamed(&format!("{other:?}"), host),
    }
}

fn too_old(host: &str) -> (String, Fix) {
    (
        format!("{host} ended the TLS handshake: it has neither TLS 1.2 nor TLS 1.3"),
        Fix::from(
            "enable TLS 1.2 or 1.3 on that server, or on the proxy that answers in its place",
        ),
    )
}

/// A reason that a later version of the library added.
fn unnamed(name: &str, host: &str) -> (String, Fix) {
    (
        format!("{NO_WORDS}: {}", spaced(name)),
        Fix::from(format!("check which server answers at {host}")),
    )
}

/// The words in the name of a variant, without its content: 'no cipher suites in common'.
fn spaced(debug: &str) -> String {
    let mut words = String::new();
    for sign in debug.chars().take_while(char::is_ascii_alphanumeric) {
        if sign.is_ascii_uppercase() && !words.is_empty() {
            words.push(' ');
        }
        words.push(sign.to_ascii_lowercase());
    }
    words
}

/// A time in UTC, to the second.
fn date(time: UnixTime) -> String {
    i64::try_from(time.as_secs())
        .ok()
        .and_then(|seconds| OffsetDateTime::from_unix_timestamp(seconds).ok())
        .and_then(|time| time.format(&Rfc3339).ok())
        .unwrap_or_else(|| "a time that is out of range".to_owned())
}

/// The names of a certificate. The library writes them as `DnsName("example.com")`.
fn names(presented: &[String]) -> String {
    let bare = |name: &String| {
        let inside = name.split_once('(').map_or(&name[..], |(_, inside)| inside);
        printable(inside.trim_matches(|c| matches!(c, '"' | '(' | ')')), 80)
    };
    let mut shown: Vec<String> = presented.iter().take(NAMES).map(bare).collect();
    if presented.len() > NAMES {
        shown.push(format!("{} more", presented.len() - NAMES));
    }
    shown.join(", ")
}

/// What a certificate may be used for.
fn purposes(presented: &[ExtendedKeyPurpose]) -> String {
    struct Purpose<'a>(&'a ExtendedKeyPurpose);
    impl fmt::Display for Purpose<'_> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            match self.0 {
                ExtendedKeyPurpose::ClientAuth => f.write_str("clients"),
                ExtendedKeyPurpose::ServerAuth => f.write_str("servers"),
                ExtendedKeyPurpose::Other(parts) => {
                    let parts: Vec<String> = parts.iter().map(usize::to_string).collect();
                    f.write_str(&parts.join("."))
                }
            }
        }
    }
    match presented {
        [] => "no purpose".to_owned(),
        presented => {
            let shown: Vec<String> = presented
                .iter()
                .take(NAMES)
                .map(|purpose| Purpose(purpose).to_string())
                .collect();
            shown.join(", ")
        }
    }
}

#[cfg(test)]
#[path = "tls_tests.rs"]
mod tests;
