//! A self-signed certificate: Service Fabric's clients check its SHA-1 thumbprint, and no
//! authority.

use crate::clock::machine_now;
use aws_lc_rs::digest;
use rcgen::{
    CertificateParams, DnType, ExtendedKeyUsagePurpose, KeyPair, KeyUsagePurpose,
    PKCS_ECDSA_P256_SHA256, SanType,
};
use rustls::{ServerConfig, crypto::aws_lc_rs as provider};
use rustls_pki_types::PrivateKeyDer;
use std::{
    net::{Ipv4Addr, Ipv6Addr},
    sync::Arc,
};
use time::Duration;

/// Validity in days. The certificate is never used longer than the process runs.
const DAYS: i64 = 90;

/// Why the certificate could not be created.
#[derive(Debug, thiserror::Error)]
#[error("the certificate of the managed identity hosts could not be created: {0}")]
pub struct CertificateError(String);

impl CertificateError {
    pub(super) fn randomness() -> Self {
        Self("the system returned no random bytes".to_owned())
    }
}

/// A certificate and its key.
pub(crate) struct SelfSigned {
    config: Arc<ServerConfig>,
    thumbprint: String,
}

impl SelfSigned {
    /// Creates a certificate for `localhost`.
    ///
    /// # Errors
    /// When the system returns no random bytes.
    pub(crate) fn generate() -> Result<Self, CertificateError> {
        let failed = |e: rcgen::Error| CertificateError(e.to_string());
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(failed)?;
        let mut params = CertificateParams::default();
        params
            .distinguished_name
            .push(DnType::CommonName, "azcred emulator, Service Fabric");
        params.subject_alt_names = vec![
            SanType::DnsName("localhost".try_into().map_err(failed)?),
            SanType::IpAddress(Ipv4Addr::LOCALHOST.into()),
            SanType::IpAddress(Ipv6Addr::LOCALHOST.into()),
        ];
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let now = machine_now();
        params.not_before = now - Duration::days(1);
        params.not_after = now + Duration::days(DAYS);
        let certificate = params.self_signed(&key).map_err(failed)?;
        let der = certificate.der().clone();
        let thumbprint = digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, &der);
        let refused = |e: &dyn std::fmt::Display| CertificateError(e.to_string());
        let key = PrivateKeyDer::try_from(key.serialize_der()).map_err(|e| refused(&e))?;
        let mut config = ServerConfig::builder_with_provider(provider::default_provider().into())
            .with_safe_default_protocol_versions()
            .and_then(|builder| {
                builder
                    .with_no_client_auth()
                    .with_single_cert(vec![der], key)
            })
            .map_err(|e| refused(&e))?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self {
            config: Arc::new(config),
            thumbprint: thumbprint
                .as_ref()
                .iter()
                .map(|b| format!("{b:02X}"))
                .collect(),
        })
    }

    /// The TLS settings of a server with this certificate.
    pub(crate) fn config(&self) -> Arc<ServerConfig> {
        self.config.clone()
    }

    /// SHA-1 of the certificate in upper-case hexadecimal: `IDENTITY_SERVER_THUMBPRINT`.
    pub(crate) fn thumbprint(&self) -> &str {
        &self.thumbprint
    }
}
