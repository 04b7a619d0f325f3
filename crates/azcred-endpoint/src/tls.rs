//! TLS with a certificate of one's own.

use azcred::{Error, ErrorKind, Result};
use rustls::{
    ServerConfig,
    client::verify_server_name,
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject},
    server::ParsedCertificate,
};
use std::{fmt, sync::Arc};

/// A certificate and its key.
#[derive(Clone)]
pub struct Tls {
    pub(crate) config: Arc<ServerConfig>,
    certificate: CertificateDer<'static>,
}

impl Tls {
    /// A certificate with its chain, and its private key, both as PEM.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] if one of them can't be read, or if they don't belong together.
    pub fn from_pem(certificate: &[u8], key: &[u8]) -> Result<Self> {
        let invalid = |why: String| {
            Error::new(ErrorKind::Invalid, "could not use the certificate", why)
                .with_fix("give a certificate with its chain, and its private key, as PEM files")
        };
        let chain = CertificateDer::pem_slice_iter(certificate).collect::<Result<Vec<_>, _>>();
        let chain = chain.map_err(|error| invalid(format!("it can't be read: {error}")))?;
        let certificate = chain
            .first()
            .cloned()
            .ok_or_else(|| invalid("the certificate's file has no certificate".to_owned()))?;
        // The error of a key may repeat a part of it.
        let key = PrivateKeyDer::from_pem_slice(key)
            .map_err(|_| invalid("the key's file has no private key".to_owned()))?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, key))
            .map_err(|error| invalid(error.to_string()))?;
        Ok(Self {
            config: Arc::new(config),
            certificate,
        })
    }

    /// Whether the certificate is valid for this host: a name or an address.
    pub(crate) fn is_for(&self, host: &str) -> bool {
        let (Ok(certificate), Ok(host)) = (
            ParsedCertificate::try_from(&self.certificate),
            ServerName::try_from(host),
        ) else {
            return false;
        };
        verify_server_name(&certificate, &host).is_ok()
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tls")
    }
}
