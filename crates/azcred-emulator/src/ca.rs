//! The emulator's certificate authority: the names that it may certify, and the certificates that
//! it makes on demand.

use rcgen::{
    BasicConstraints, CertificateParams, CidrSubnet, DnType, ExtendedKeyUsagePurpose,
    GeneralSubtree, IsCa, Issuer, KeyPair, KeyUsagePurpose, NameConstraints,
    PKCS_ECDSA_P256_SHA256, SanType,
};
use rustls::{ServerConfig, crypto::aws_lc_rs as provider};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _};
use std::{
    collections::HashMap,
    net::{Ipv4Addr, Ipv6Addr},
    sync::{Arc, Mutex, PoisonError},
};
use time::{Duration, OffsetDateTime};
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
        let mut permitted: Vec<GeneralSubtree> = PERMITTED_NAMES
            .iter()
            .map(|name| GeneralSubtree::DnsName((*name).to_owned()))
            .collect();
        permitted.push(GeneralSubtree::IpAddress(CidrSubnet::V4(
            Ipv4Addr::LOCALHOST.octets(),
            [255; 4],
        )));
        permitted.push(GeneralSubtree::IpAddress(CidrSubnet::V6(
            Ipv6Addr::LOCALHOST.octets(),
            [255; 16],
        )));
        params.name_constraints = Some(NameConstraints {
            permitted_subtrees: permitted,
            excluded_subtrees: Vec::new(),
        });
        let now = OffsetDateTime::now_utc();
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
        if parsed.validity().not_after.timestamp() <= OffsetDateTime::now_utc().unix_timestamp() {
            return Err(CaError(format!(
                "expired on {}",
                parsed.validity().not_after
            )));
        }
        let der = der.into_owned();
        let issuer = Issuer::from_ca_cert_der(&der, key)
            .map_err(|e| CaError(format!("can't be used: {e}")))?;
        Ok(Self {
            certificate: der,
            issuer,
            leaves: Mutex::default(),
        })
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
        let now = OffsetDateTime::now_utc();
        params.not_before = now - Duration::days(1);
        params.not_after = now + Duration::days(LEAF_DAYS);
        let certificate = params.signed_by(&key, &self.issuer).map_err(failed)?;
        let key = PrivateKeyDer::try_from(key.serialize_der())
            .map_err(|e| CaError(format!("made a key that TLS rejects: {e}")))?;
        Ok((certificate.der().clone(), key))
    }
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
        ] {
            verifies(&ca, host).unwrap_or_else(|e| panic!("{host}: {e}"));
        }
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
