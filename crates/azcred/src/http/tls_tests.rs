use super::*;
use rustls::{
    CertRevocationListError, ContentType, EncryptedClientHelloError, HandshakeType,
    InconsistentKeys, PeerMisbehaved,
};
use rustls_pki_types::ServerName;
use std::{collections::BTreeSet, path::PathBuf, process::Command, sync::Arc};
use webpki::{
    Error as PathError, InvalidNameContext, RequiredEkuNotFoundContext,
    UnsupportedSignatureAlgorithmContext, UnsupportedSignatureAlgorithmForPublicKeyContext,
};

/// The folder with the source of a dependency, in the version of `Cargo.lock`.
fn source_of(name: &str) -> PathBuf {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--offline", "--locked"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{output:?}");
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    let package = packages
        .iter()
        .find(|package| package["name"] == name)
        .unwrap();
    let manifest = package["manifest_path"].as_str().unwrap();
    PathBuf::from(manifest).with_file_name("src")
}

/// The names of an enum's variants in a file of Rust.
fn variants(source: &str, name: &str) -> BTreeSet<String> {
    let start = source.find(&format!("pub enum {name} {{")).unwrap();
    let body = &source[start..];
    let body = &body[body.find('{').unwrap() + 1..];
    let mut depth = 0;
    let mut found = BTreeSet::new();
    for line in body.lines() {
        let code = line.split("//").next().unwrap_or_default().trim();
        let first: String = code
            .chars()
            .take_while(char::is_ascii_alphanumeric)
            .collect();
        if depth == 0 && first.starts_with(|sign: char| sign.is_ascii_uppercase()) {
            found.insert(first);
        }
        for sign in code.chars() {
            match sign {
                '{' | '(' | '[' => depth += 1,
                '}' | ')' | ']' => depth -= 1,
                _ => {}
            }
        }
        if depth < 0 {
            return found;
        }
    }
    panic!("the end of {name} was not found");
}

/// Checks that `samples` has every variant of an enum, and that each has words and a fix.
fn check<T: fmt::Debug>(
    (source, name): (&str, &str),
    samples: &[T],
    explain: impl Fn(&T) -> (String, Fix),
) {
    let has = |debug: String| -> String {
        debug
            .chars()
            .take_while(char::is_ascii_alphanumeric)
            .collect()
    };
    let sampled: BTreeSet<String> = samples
        .iter()
        .map(|sample| has(format!("{sample:?}")))
        .collect();
    let known = variants(source, name);
    assert!(known.len() > 5, "{name}: {known:?}");
    assert_eq!(sampled, known, "{name} has other variants now");
    for sample in samples {
        let (why, fix) = explain(sample);
        let variant = has(format!("{sample:?}"));
        assert!(!why.contains(NO_WORDS), "{name}::{variant}: {why}");
        assert!(!why.contains(&variant), "{name}::{variant}: {why}");
        assert!(!why.contains(['{', '[', '"']), "{name}::{variant}: {why}");
        assert!(why.len() > 30, "{name}::{variant}: {why}");
        assert!(!fix.is_empty(), "{name}::{variant}");
    }
}

fn time() -> UnixTime {
    UnixTime::since_unix_epoch(std::time::Duration::from_secs(1_000_000_000))
}

fn algorithms() -> UnsupportedSignatureAlgorithmContext {
    UnsupportedSignatureAlgorithmContext {
        signature_algorithm_id: vec![6, 8],
        supported_algorithms: Vec::new(),
    }
}

fn algorithms_of_key() -> UnsupportedSignatureAlgorithmForPublicKeyContext {
    UnsupportedSignatureAlgorithmForPublicKeyContext {
        signature_algorithm_id: vec![6, 8],
        public_key_algorithm_id: vec![6, 8],
    }
}

/// Every reason of rustls to reject a certificate.
#[allow(deprecated, reason = "deprecated reasons have words too")]
fn reasons() -> Vec<CertificateError> {
    use CertificateError as E;
    vec![
        E::BadEncoding,
        E::Expired,
        E::ExpiredContext {
            time: time(),
            not_after: time(),
        },
        E::NotValidYet,
        E::NotValidYetContext {
            time: time(),
            not_before: time(),
        },
        E::Revoked,
        E::UnhandledCriticalExtension,
        E::UnknownIssuer,
        E::UnknownRevocationStatus,
        E::ExpiredRevocationList,
        E::ExpiredRevocationListContext {
            time: time(),
            next_update: time(),
        },
        E::BadSignature,
        E::UnsupportedSignatureAlgorithm,
        E::UnsupportedSignatureAlgorithmContext {
            signature_algorithm_id: vec![6, 8],
            supported_algorithms: Vec::new(),
        },
        E::UnsupportedSignatureAlgorithmForPublicKeyContext {
            signature_algorithm_id: vec![6, 8],
            public_key_algorithm_id: vec![6, 8],
        },
        E::NotValidForName,
        E::NotValidForNameContext {
            expected: ServerName::try_from("a.example").unwrap(),
            presented: vec!["DnsName(\"b.example\")".to_owned()],
        },
        E::InvalidPurpose,
        E::InvalidPurposeContext {
            required: ExtendedKeyPurpose::ServerAuth,
            presented: vec![ExtendedKeyPurpose::ClientAuth],
        },
        E::InvalidOcspResponse,
        E::ApplicationVerificationFailure,
        E::Other(OtherError(Arc::new(std::io::Error::other("its own text")))),
    ]
}

/// Every reason of webpki, which rustls passes on as `Other` if it has no name for it.
#[allow(deprecated, reason = "deprecated reasons have words too")]
fn path_reasons() -> Vec<PathError> {
    use PathError as E;
    vec![
        E::BadDer,
        E::BadDerTime,
        E::CaUsedAsEndEntity,
        E::CertDistrusted,
        E::CertExpired {
            time: time(),
            not_after: time(),
        },
        E::CertNotValidForName(InvalidNameContext {
            expected: ServerName::try_from("a.example").unwrap(),
            presented: Vec::new(),
        }),
        E::CertNotValidYet {
            time: time(),
            not_before: time(),
        },
        E::CertRevoked,
        E::CrlExpired {
            time: time(),
            next_update: time(),
        },
        E::EmptyEkuExtension,
        E::EndEntityUsedAsCa,
        E::ExtensionValueInvalid,
        E::InvalidCertValidity,
        E::InvalidCrlNumber,
        E::InvalidNetworkMaskConstraint,
        E::InvalidSerialNumber,
        E::InvalidCrlSignatureForPublicKey,
        E::InvalidSignatureForPublicKey,
        E::IssuerNotCrlSigner,
        E::MalformedDnsIdentifier,
        E::MalformedExtensions,
        E::MalformedNameConstraint,
        E::MaximumNameConstraintComparisonsExceeded,
        E::MaximumPathBuildCallsExceeded,
        E::MaximumPathDepthExceeded,
        E::MaximumSignatureChecksExceeded,
        E::NameConstraintViolation,
        E::PathLenConstraintViolated,
        E::RequiredEkuNotFound,
        E::RequiredEkuNotFoundContext(RequiredEkuNotFoundContext {
            required: webpki::KeyUsage::server_auth(),
            present: Vec::new(),
        }),
        E::SignatureAlgorithmMismatch,
        trailing_data(),
        E::UnknownIssuer,
        E::UnknownRevocationStatus,
        E::UnsupportedCertVersion,
        E::UnsupportedCriticalExtension,
        E::UnsupportedCrlIssuingDistributionPoint,
        E::UnsupportedCrlVersion,
        E::UnsupportedDeltaCrl,
        E::UnsupportedIndirectCrl,
        E::UnsupportedNameType,
        E::UnsupportedRevocationReason,
        E::UnsupportedRevocationReasonsPartitioning,
        E::UnsupportedCrlSignatureAlgorithm,
        E::UnsupportedCrlSignatureAlgorithmContext(algorithms()),
        E::UnsupportedSignatureAlgorithm,
        E::UnsupportedSignatureAlgorithmContext(algorithms()),
        E::UnsupportedCrlSignatureAlgorithmForPublicKey,
        E::UnsupportedCrlSignatureAlgorithmForPublicKeyContext(algorithms_of_key()),
        E::UnsupportedSignatureAlgorithmForPublicKey,
        E::UnsupportedSignatureAlgorithmForPublicKeyContext(algorithms_of_key()),
    ]
}

/// The one reason whose content only the library can make: a certificate with a byte behind it.
fn trailing_data() -> PathError {
    let key = rcgen::KeyPair::generate().unwrap();
    let params = rcgen::CertificateParams::new(vec!["a.example".to_owned()]).unwrap();
    let whole = params.self_signed(&key).unwrap();
    let longer = [&whole.der()[..], &[0]].concat();
    let longer = rustls_pki_types::CertificateDer::from(longer);
    match webpki::EndEntityCert::try_from(&longer) {
        Err(error) => error,
        Ok(_) => panic!("it has a byte too many"),
    }
}

/// Every error of rustls.
fn errors() -> Vec<Error> {
    vec![
        Error::InappropriateMessage {
            expect_types: Vec::new(),
            got_type: ContentType::Alert,
        },
        Error::InappropriateHandshakeMessage {
            expect_types: Vec::new(),
            got_type: HandshakeType::ClientHello,
        },
        Error::InvalidEncryptedClientHello(EncryptedClientHelloError::SniRequired),
        Error::InvalidMessage(InvalidMessage::MessageTooLarge),
        Error::NoCertificatesPresented,
        Error::UnsupportedNameType,
        Error::DecryptError,
        Error::EncryptError,
        Error::PeerIncompatible(PeerIncompatible::NoCipherSuitesInCommon),
        Error::PeerMisbehaved(PeerMisbehaved::SelectedUnofferedCipherSuite),
        Error::AlertReceived(AlertDescription::InternalError),
        Error::InvalidCertificate(CertificateError::Revoked),
        Error::InvalidCertRevocationList(CertRevocationListError::ParseError),
        Error::General("its own text".to_owned()),
        Error::FailedToGetCurrentTime,
        Error::FailedToGetRandomBytes,
        Error::HandshakeNotComplete,
        Error::PeerSentOversizedRecord,
        Error::NoApplicationProtocol,
        Error::BadMaxFragmentSize,
        Error::InconsistentKeys(InconsistentKeys::KeyMismatch),
        Error::Other(OtherError(Arc::new(std::io::Error::other("its own text")))),
    ]
}

#[test]
fn every_reason_of_the_tls_library_has_words_and_a_fix() {
    let rustls = source_of("rustls");
    let errors_rs = std::fs::read_to_string(rustls.join("error.rs")).unwrap();
    check((&errors_rs, "Error"), &errors(), |error| {
        explain(error, "a.example", None)
    });
    check((&errors_rs, "CertificateError"), &reasons(), |reason| {
        explain(
            &Error::InvalidCertificate(reason.clone()),
            "a.example",
            None,
        )
    });
    let enums = std::fs::read_to_string(rustls.join("enums.rs")).unwrap();
    let alerts: Vec<AlertDescription> = (0..=u8::MAX)
        .map(AlertDescription::from)
        .filter(|alert| !matches!(alert, AlertDescription::Unknown(_)))
        .collect();
    check((&enums, "AlertDescription"), &alerts, |alert| {
        explain(&Error::AlertReceived(*alert), "a.example", None)
    });
    let webpki = source_of("rustls-webpki");
    let path_rs = std::fs::read_to_string(webpki.join("error.rs")).unwrap();
    check((&path_rs, "Error"), &path_reasons(), |reason| {
        let other = CertificateError::Other(OtherError(Arc::new(reason.clone())));
        explain(&Error::InvalidCertificate(other), "a.example", None)
    });
}

#[test]
fn a_new_variant_is_noticed() {
    let source = "pub enum Reason {\n    /// Old.\n    Old,\n    #[deprecated]\n    Older(\n        Vec<u8>,\n    ),\n    Whole { Inside: u8 },\n    New,\n}\n";
    let found: Vec<String> = variants(source, "Reason").into_iter().collect();
    assert_eq!(found, ["New", "Old", "Older", "Whole"]);
}

#[test]
fn a_rejected_certificate_names_its_issuer_and_its_names() {
    let rejected = |issuer: &str, is_self_signed, more| Rejected {
        reason: CertificateError::UnknownIssuer,
        issuer: Some(issuer.to_owned()),
        is_self_signed,
        more,
    };
    let said = |rejected: Rejected, roots| {
        let other = CertificateError::Other(OtherError(Arc::new(rejected)));
        let (why, fix) = explain(&Error::InvalidCertificate(other), "a.example", roots);
        format!("{why}. {fix}")
    };
    let company = said(
        rejected("Contoso Inspection", false, 1),
        Some("SSL_CERT_FILE"),
    );
    assert!(company.contains("its certificate's issuer, 'Contoso Inspection', which may be"));
    assert!(company.contains(
        "add the root certificate of 'Contoso Inspection' to the file that SSL_CERT_FILE names"
    ));
    let alone = said(rejected("Contoso Inspection", false, 0), None);
    assert!(
        alone.contains("sent no certificate besides its own"),
        "{alone}"
    );
    assert!(alone.contains("SSL_CERT_FILE"), "{alone}");
    let own = said(rejected("a.example", true, 0), None);
    assert!(own.contains("it signed its certificate itself"), "{own}");
    let presented = (1..=6)
        .map(|number| format!("DnsName(\"{number}.example\")"))
        .collect();
    let other = CertificateError::NotValidForNameContext {
        expected: ServerName::try_from("a.example").unwrap(),
        presented,
    };
    let (why, _) = explain(&Error::InvalidCertificate(other), "a.example", None);
    assert!(
        why.ends_with("another name: 1.example, 2.example, 3.example, 4.example, 2 more"),
        "{why}"
    );
}

#[test]
fn text_of_the_other_side_is_printable() {
    let hostile = "a\u{1b}[2J\u{202e}b";
    let presented = vec![format!("DnsName(\"{hostile}\")")];
    let errors = [
        Error::General(hostile.to_owned()),
        Error::Other(OtherError(Arc::new(std::io::Error::other(hostile)))),
        Error::InvalidCertificate(CertificateError::Other(OtherError(Arc::new(
            std::io::Error::other(hostile),
        )))),
        Error::InvalidCertificate(CertificateError::NotValidForNameContext {
            expected: ServerName::try_from("a.example").unwrap(),
            presented,
        }),
    ];
    for error in errors {
        let (why, _) = explain(&error, "a.example", None);
        assert!(why.contains("a [2J"), "{why:?}");
        assert!(!why.contains(['\u{1b}', '\u{202e}']), "{why:?}");
    }
}
