//! The emulator's certificate authority: the names that it may certify, and the certificates that
//! it makes on demand.

use crate::clock::machine_now;
use rcgen::{
    BasicConstraints, CertificateParams, CustomExtension, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, KeyUsagePurpose, PKCS_ECDSA_P256_SHA256, SanType,
};
use rustls::{ServerConfig, crypto::aws_lc_rs as provider};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _};
use std::{
    collections::HashMap,
    net::{Ipv4Addr, Ipv6Addr},
    sync::{Arc, Mutex, PoisonError},
};
use time::Duration;
use x509_parser::{certificate::X509Certificate, extensions::GeneralName};
use zeroize::Zeroizing;

/// The only names that this authority can certify (RFC 5280 section 4.2.1.10), with their
/// subdomains. With a stolen key, an attacker can impersonate Azure only, to programs that trust
/// the authority.
pub const PERMITTED_NAMES: &[&str] = &[
    "localhost",
    // Public cloud.
    "microsoftonline.com",
    "windows.net",
    "azure.com",
    "azure.net",
    "azureml.ms",
    "azureml.net",
    "azurecr.io",
    "microsoft.com",
    // US government.
    "microsoftonline.us",
    "usgovcloudapi.net",
    "azure.us",
    "azurecr.us",
    "microsoft.us",
    // China.
    "microsoftonline.cn",
    "chinacloudapi.cn",
    "azure.cn",
    "azurecr.cn",
];

/// Validity of the authority's certificate, in days.
const AUTHORITY_DAYS: i64 = 5 * 365;
/// Validity of a certificate on demand, in days. It is never used longer than the process runs.
const LEAF_DAYS: i64 = 90;
/// Certificates kept in memory. There are few real names. Only names below a wildcard could be
/// many.
const MAX_LEAVES: usize = 1024;

/// Why the authority could not be made, read or used.
#[derive(Debug, thiserror::Error)]
#[error("the emulator's certificate authority {0}")]
pub struct CaError(String);

/// The authority and the certificates that it has made.
pub struct Ca {
    certificate: CertificateDer<'static>,
    issuer: Issuer<'static, KeyPair>,
    leaves: Mutex<HashMap<String, Arc<ServerConfig>>>,
    is_narrow: bool,
}

impl Ca {
    /// Creates an authority. Returns its certificate and key in PEM.
    ///
    /// # Errors
    /// When the system returns no random bytes.
    pub fn generate() -> Result<(String, Zeroizing<String>), CaError> {
        let failed = |e: rcgen::Error| CaError(format!("could not be made: {e}"));
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(failed)?;
        let mut params = CertificateParams::default();
        params
            .distinguished_name
            .push(DnType::OrganizationName, "azcred");
        // Each authority has its own name, so that a trust store can hold several.
        let id = uuid::Uuid::new_v4().simple().to_string();
        params.distinguished_name.push(
            DnType::CommonName,
            format!("azcred emulator on this machine {}", &id[..8]),
        );
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        // It can vouch for servers only: not for code, e-mail, documents or clients.
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.custom_extensions = vec![name_constraints()];
        let now = machine_now();
        params.not_before = now - Duration::days(1);
        params.not_after = now + Duration::days(AUTHORITY_DAYS);
        let certificate = params.self_signed(&key).map_err(failed)?;
        Ok((certificate.pem(), Zeroizing::new(key.serialize_pem())))
    }

    /// Reads an authority from PEM.
    ///
    /// # Errors
    /// When the certificate or the key is damaged, when they don't match, or when the certificate
    /// has expired.
    pub fn from_pem(certificate: &str, key: &str) -> Result<Self, CaError> {
        let der = CertificateDer::from_pem_slice(certificate.as_bytes())
            .map_err(|e| CaError(format!("has a certificate that is not PEM: {e}")))?;
        let (_, parsed) = x509_parser::parse_x509_certificate(&der)
            .map_err(|_| CaError("has a certificate that is not X.509".to_owned()))?;
        let key = KeyPair::from_pem(key)
            .map_err(|e| CaError(format!("has a key that can't be read: {e}")))?;
        if parsed.public_key().subject_public_key.data.as_ref() != key.public_key_raw() {
            return Err(CaError(
                "has a certificate and a key that don't match".into(),
            ));
        }
        if parsed.validity().not_after.timestamp() <= machine_now().unix_timestamp() {
            return Err(CaError(format!(
                "expired on {}",
                parsed.validity().not_after
            )));
        }
        let is_narrow = is_narrow(&parsed);
        let der = der.into_owned();
        let issuer = Issuer::from_ca_cert_der(&der, key)
            .map_err(|e| CaError(format!("can't be used: {e}")))?;
        Ok(Self {
            certificate: der,
            issuer,
            leaves: Mutex::default(),
            is_narrow,
        })
    }

    /// Whether it can vouch for servers with [`PERMITTED_NAMES`] only. Those of earlier versions
    /// could also vouch for e-mail and code.
    pub(crate) fn is_narrow(&self) -> bool {
        self.is_narrow
    }

    /// The authority's certificate in DER.
    pub fn certificate(&self) -> &CertificateDer<'static> {
        &self.certificate
    }

    /// The TLS settings of a server for `localhost`, `127.0.0.1` and `::1`.
    ///
    /// # Errors
    /// When the system returns no random bytes.
    pub(crate) fn for_loopback(&self) -> Result<Arc<ServerConfig>, CaError> {
        self.cached("localhost", || {
            let name = "localhost"
                .try_into()
                .map_err(|e: rcgen::Error| CaError(format!("can't name localhost: {e}")))?;
            Ok(vec![
                SanType::DnsName(name),
                SanType::IpAddress(Ipv4Addr::LOCALHOST.into()),
                SanType::IpAddress(Ipv6Addr::LOCALHOST.into()),
            ])
        })
    }

    /// The TLS settings of a server for this host.
    ///
    /// # Errors
    /// When the host is not a DNS name, or the system returns no random bytes.
    pub(crate) fn for_host(&self, host: &str) -> Result<Arc<ServerConfig>, CaError> {
        self.cached(host, || {
            let name = host
                .try_into()
                .map_err(|e: rcgen::Error| CaError(format!("can't name '{host}': {e}")))?;
            Ok(vec![SanType::DnsName(name)])
        })
    }

    fn cached(
        &self,
        host: &str,
        names: impl FnOnce() -> Result<Vec<SanType>, CaError>,
    ) -> Result<Arc<ServerConfig>, CaError> {
        let lock = || self.leaves.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(config) = lock().get(host) {
            return Ok(config.clone());
        }
        // The lock is not held here. If two threads make a certificate at once, the second is kept.
        let config = Arc::new(self.issue(host, names()?)?);
        let mut leaves = lock();
        if leaves.len() >= MAX_LEAVES {
            leaves.clear();
        }
        leaves.insert(host.to_owned(), config.clone());
        Ok(config)
    }

    fn issue(&self, host: &str, names: Vec<SanType>) -> Result<ServerConfig, CaError> {
        let (certificate, key) = self.leaf(host, names)?;
        let mut config = ServerConfig::builder_with_provider(provider::default_provider().into())
            .with_safe_default_protocol_versions()
            .and_then(|builder| {
                builder
                    .with_no_client_auth()
                    .with_single_cert(vec![certificate, self.certificate.clone()], key)
            })
            .map_err(|e| CaError(format!("made a certificate that TLS rejects: {e}")))?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(config)
    }

    fn leaf(
        &self,
        host: &str,
        names: Vec<SanType>,
    ) -> Result<(CertificateDer<'static>, PrivateKeyDer<'static>), CaError> {
        let failed = |e: rcgen::Error| CaError(format!("could not certify '{host}': {e}"));
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(failed)?;
        let mut params = CertificateParams::default();
        params.subject_alt_names = names;
        params
            .distinguished_name
            .push(DnType::OrganizationName, "azcred");
        // The common name is not the host: some clients would check it against the name
        // constraints, and others reject more than 64 characters.
        params
            .distinguished_name
            .push(DnType::OrganizationalUnitName, "azcred emulator");
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        let now = machine_now();
        params.not_before = now - Duration::days(1);
        params.not_after = now + Duration::days(LEAF_DAYS);
        let certificate = params.signed_by(&key, &self.issuer).map_err(failed)?;
        let key = PrivateKeyDer::try_from(key.serialize_der())
            .map_err(|e| CaError(format!("made a key that TLS rejects: {e}")))?;
        Ok((certificate.der().clone(), key))
    }
}

/// A host and a domain that no certificate needs (RFC 6761 section 6.4). A kind of name is
/// unrestricted unless some name of the kind is permitted, so this one is.
const NO_HOST: &str = "invalid";

/// The extension that limits an authority to [`PERMITTED_NAMES`] and the loopback addresses, and
/// excludes e-mail addresses and URIs (RFC 5280 section 4.2.1.10). The crate that makes
/// certificates can't write URIs.
///
/// Names of directories are not in it: Go's library rejects an authority with a critical constraint
/// of that kind.
fn name_constraints() -> CustomExtension {
    const EMAIL: u8 = 0x81;
    const DNS: u8 = 0x82;
    const URI: u8 = 0x86;
    const IP: u8 = 0x87;
    let loopback = |address: &[u8]| {
        let mask = vec![0xff; address.len()];
        [address, &mask].concat()
    };
    let names = PERMITTED_NAMES
        .iter()
        .map(|name| (DNS, name.as_bytes().to_vec()));
    let others = [
        (IP, loopback(&Ipv4Addr::LOCALHOST.octets())),
        (IP, loopback(&Ipv6Addr::LOCALHOST.octets())),
        (EMAIL, NO_HOST.as_bytes().to_vec()),
        (URI, NO_HOST.as_bytes().to_vec()),
    ];
    let subtrees: Vec<u8> = names
        .chain(others)
        .flat_map(|(kind, name)| der(0x30, &der(kind, &name)))
        .collect();
    let permitted = der(0xa0, &subtrees);
    let mut extension = CustomExtension::from_oid_content(&[2, 5, 29, 30], der(0x30, &permitted));
    extension.set_criticality(true);
    extension
}

/// A value in DER (X.690 section 8.1), of at most 65,535 bytes.
fn der(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len();
    let [.., high, low] = length.to_be_bytes();
    let mut value = vec![tag];
    match length {
        0..=0x7f => value.push(low),
        0x80..=0xff => value.extend([0x81, low]),
        _ => value.extend([0x82, high, low]),
    }
    value.extend_from_slice(content);
    value
}

fn is_narrow(authority: &X509Certificate<'_>) -> bool {
    let usage = authority.extended_key_usage().ok().flatten();
    let servers_only = usage.is_some_and(|usage| {
        let usage = usage.value;
        let other = usage.any || usage.code_signing || usage.email_protection;
        usage.server_auth && !other && !usage.client_auth && usage.other.is_empty()
    });
    let constraints = authority.name_constraints().ok().flatten();
    let permitted = constraints.and_then(|found| found.value.permitted_subtrees.as_ref());
    let excludes = |is_kind: fn(&GeneralName<'_>) -> bool| {
        permitted.is_some_and(|all| all.iter().any(|one| is_kind(&one.base)))
    };
    servers_only
        && excludes(|name| matches!(name, GeneralName::RFC822Name(name) if *name == NO_HOST))
        && excludes(|name| matches!(name, GeneralName::URI(name) if *name == NO_HOST))
}

impl std::fmt::Debug for Ca {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Ca")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustls::{
        RootCertStore,
        client::{WebPkiServerVerifier, danger::ServerCertVerifier as _},
    };
    use rustls_pki_types::{ServerName, UnixTime};

    fn ca() -> Ca {
        let (certificate, key) = Ca::generate().unwrap();
        Ca::from_pem(&certificate, &key).unwrap()
    }

    fn verifies(ca: &Ca, host: &str) -> Result<(), rustls::Error> {
        let names = vec![SanType::DnsName(host.try_into().unwrap())];
        let (leaf, _) = ca.leaf(host, names).unwrap();
        let mut roots = RootCertStore::empty();
        roots.add(ca.certificate().clone()).unwrap();
        let verifier = WebPkiServerVerifier::builder_with_provider(
            roots.into(),
            provider::default_provider().into(),
        )
        .build()
        .unwrap();
        let name = ServerName::try_from(host.to_owned()).unwrap();
        verifier
            .verify_server_cert(&leaf, &[], &name, &[], UnixTime::now())
            .map(|_| ())
    }

    #[test]
    fn the_authority_is_trusted_for_azures_names() {
        let ca = ca();
        for host in [
            "login.microsoftonline.com",
            "management.azure.com",
            "stcontosoml.blob.core.windows.net",
            "westeurope.api.azureml.ms",
            "login.partner.microsoftonline.cn",
            "management.usgovcloudapi.net",
            "localhost",
            "kv-contoso.vault.azure.net",
            "ml-contoso.westeurope.inference.azureml.net",
            "crcontoso.azurecr.io",
            "graph.microsoft.com",
            "login.microsoftonline.us",
            "ml.azure.us",
            "crcontoso.azurecr.us",
            "graph.microsoft.us",
            "management.chinacloudapi.cn",
            "portal.azure.cn",
            "crcontoso.azurecr.cn",
        ] {
            verifies(&ca, host).unwrap_or_else(|e| panic!("{host}: {e}"));
        }
    }

    /// A program that does not know name constraints must reject the authority (RFC 5280 section
    /// 4.2.1.10), and no authority below it counts (section 4.2.1.9).
    #[test]
    fn the_limits_of_the_authority_can_not_be_passed_over() {
        let ca = ca();
        let (_, parsed) = x509_parser::parse_x509_certificate(ca.certificate()).unwrap();
        let basic = parsed.basic_constraints().unwrap().unwrap();
        assert!(basic.critical && basic.value.ca);
        assert_eq!(basic.value.path_len_constraint, Some(0));
        assert!(parsed.name_constraints().unwrap().unwrap().critical);
        let usage = parsed.key_usage().unwrap().unwrap().value;
        assert!(usage.key_cert_sign() && usage.crl_sign());
        assert!(!usage.digital_signature() && !usage.key_encipherment());
    }

    #[test]
    fn der_has_the_shortest_form_of_each_length() {
        for (length, head) in [
            (0x7f, &[4, 0x7f][..]),
            (0x80, &[4, 0x81, 0x80]),
            (0xff, &[4, 0x81, 0xff]),
            (0x100, &[4, 0x82, 1, 0]),
        ] {
            let value = der(4, &vec![0; length]);
            assert_eq!(value[..head.len()], *head);
            assert_eq!(value.len(), head.len() + length);
        }
    }

    #[test]
    fn certificates_of_many_names_do_not_fill_the_memory() {
        let ca = ca();
        let config = ca.for_host("0.azure.com").unwrap();
        let mut leaves = ca.leaves.lock().unwrap();
        for number in 0..MAX_LEAVES {
            leaves.insert(number.to_string(), config.clone());
        }
        drop(leaves);
        ca.for_host("1.azure.com").unwrap();
        assert!(ca.leaves.lock().unwrap().len() <= MAX_LEAVES);
    }

    #[test]
    fn the_authority_is_not_trusted_for_other_names() {
        let ca = ca();
        for host in [
            "example.com",
            "azure.com.example.com",
            "notazure.com",
            "github.com",
            "local",
        ] {
            assert!(verifies(&ca, host).is_err(), "{host} was believed");
        }
    }

    /// A certificate of this authority that it would never make.
    fn vouches(ca: &Ca, names: Vec<SanType>, usage: ExtendedKeyUsagePurpose) -> String {
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
        let mut params = CertificateParams::default();
        params.subject_alt_names = names;
        params.extended_key_usages = vec![usage];
        params.use_authority_key_identifier_extension = true;
        params.signed_by(&key, &ca.issuer).unwrap().pem()
    }

    fn dns(name: &str) -> SanType {
        SanType::DnsName(name.try_into().unwrap())
    }

    /// What an attacker with the key could try, and for what: the purpose of `openssl verify`.
    fn abuses(ca: &Ca) -> Vec<(&'static str, &'static str, String)> {
        use ExtendedKeyUsagePurpose as Usage;
        let email = || SanType::Rfc822Name("ada@contoso.com".try_into().unwrap());
        let uri = || SanType::URI("https://contoso.com/ada".try_into().unwrap());
        let azure = || dns("login.microsoftonline.com");
        vec![
            (
                "e-mail",
                "smimesign",
                vouches(ca, vec![email()], Usage::EmailProtection),
            ),
            (
                "no name, e-mail",
                "smimesign",
                vouches(ca, vec![azure()], Usage::EmailProtection),
            ),
            (
                "a client",
                "sslclient",
                vouches(ca, vec![azure()], Usage::ClientAuth),
            ),
            (
                "a time stamp",
                "timestampsign",
                vouches(ca, vec![azure()], Usage::TimeStamping),
            ),
            (
                "an address",
                "any",
                vouches(ca, vec![azure(), email()], Usage::ServerAuth),
            ),
            (
                "a URI",
                "any",
                vouches(ca, vec![azure(), uri()], Usage::ServerAuth),
            ),
            (
                "another name",
                "any",
                vouches(ca, vec![dns("contoso.com")], Usage::ServerAuth),
            ),
            (
                "another machine",
                "any",
                vouches(
                    ca,
                    vec![SanType::IpAddress(Ipv4Addr::new(10, 0, 0, 1).into())],
                    Usage::ServerAuth,
                ),
            ),
            (
                "code",
                "sslserver",
                vouches(ca, vec![azure()], Usage::CodeSigning),
            ),
        ]
    }

    fn openssl_verify(folder: &std::path::Path, purpose: &str, leaf: &str) -> Option<String> {
        std::fs::write(folder.join("leaf.pem"), leaf).unwrap();
        let done = std::process::Command::new("openssl")
            .current_dir(folder)
            .args([
                "verify", "-purpose", purpose, "-CAfile", "ca.pem", "leaf.pem",
            ])
            .output()
            .ok()?;
        let said = [done.stdout, done.stderr].concat();
        Some(format!(
            "{} {}",
            done.status.success(),
            String::from_utf8_lossy(&said)
        ))
    }

    #[test]
    fn openssl_lets_the_authority_vouch_for_servers_only() {
        let (certificate, key) = Ca::generate().unwrap();
        let ca = Ca::from_pem(&certificate, &key).unwrap();
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("ca.pem"), &certificate).unwrap();
        let verify = |purpose: &str, leaf: &str| openssl_verify(folder.path(), purpose, leaf);
        let server = vec![
            dns("login.microsoftonline.com"),
            SanType::IpAddress(Ipv4Addr::LOCALHOST.into()),
            SanType::IpAddress(Ipv6Addr::LOCALHOST.into()),
        ];
        let server = vouches(&ca, server, ExtendedKeyUsagePurpose::ServerAuth);
        let Some(said) = verify("sslserver", &server) else {
            eprintln!("openssl is not installed: nothing was verified with it");
            return;
        };
        assert!(said.starts_with("true"), "{said}");
        for (what, purpose, leaf) in abuses(&ca) {
            let said = verify(purpose, &leaf).unwrap();
            assert!(said.starts_with("false"), "{what}: {said}");
        }
        // It is not a server itself.
        for purpose in ["sslserver", "sslclient", "smimesign", "timestampsign"] {
            let said = verify(purpose, &certificate).unwrap();
            assert!(said.starts_with("false"), "{purpose}: {said}");
        }
    }

    #[test]
    fn webpki_lets_the_authority_vouch_for_servers_only() {
        let ca = ca();
        let mut roots = RootCertStore::empty();
        roots.add(ca.certificate().clone()).unwrap();
        let verifier = WebPkiServerVerifier::builder_with_provider(
            roots.into(),
            provider::default_provider().into(),
        )
        .build()
        .unwrap();
        let name = ServerName::try_from("login.microsoftonline.com").unwrap();
        for (what, _, leaf) in abuses(&ca) {
            let leaf = CertificateDer::from_pem_slice(leaf.as_bytes()).unwrap();
            let verified = verifier.verify_server_cert(&leaf, &[], &name, &[], UnixTime::now());
            assert!(verified.is_err(), "{what}");
        }
    }

    #[test]
    fn an_authority_of_an_earlier_version_is_told_apart() {
        assert!(ca().is_narrow());
        use rcgen::{GeneralSubtree, NameConstraints};
        let servers = || vec![ExtendedKeyUsagePurpose::ServerAuth];
        let email = || {
            Some(NameConstraints {
                permitted_subtrees: vec![GeneralSubtree::Rfc822Name(NO_HOST.to_owned())],
                excluded_subtrees: Vec::new(),
            })
        };
        for (usages, names, has_all_names) in [
            (vec![], None, false),
            (servers(), None, false),
            (servers(), email(), false),
            (vec![], None, true),
        ] {
            let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
            let mut params = CertificateParams::default();
            params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
            params.extended_key_usages = usages;
            params.name_constraints = names;
            if has_all_names {
                params.custom_extensions = vec![name_constraints()];
            }
            let certificate = params.self_signed(&key).unwrap().pem();
            let earlier = Ca::from_pem(&certificate, &key.serialize_pem()).unwrap();
            assert!(!earlier.is_narrow());
        }
    }

    #[test]
    fn an_authority_that_has_expired_is_not_used() {
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.not_before = machine_now() - Duration::days(2);
        params.not_after = machine_now() - Duration::days(1);
        let certificate = params.self_signed(&key).unwrap().pem();
        let error = Ca::from_pem(&certificate, &key.serialize_pem()).unwrap_err();
        assert!(error.to_string().contains("expired"), "{error}");
    }

    #[test]
    fn the_error_for_a_damaged_or_foreign_key_names_it() {
        let (certificate, key) = Ca::generate().unwrap();
        let (_, other_key) = Ca::generate().unwrap();
        assert!(
            Ca::from_pem(&certificate, &other_key)
                .unwrap_err()
                .to_string()
                .contains("match")
        );
        assert!(
            Ca::from_pem("", &key)
                .unwrap_err()
                .to_string()
                .contains("PEM")
        );
        assert!(
            Ca::from_pem(&certificate, "x")
                .unwrap_err()
                .to_string()
                .contains("key")
        );
    }
}
