//! A new key with a self-signed certificate. Entra ID accepts RSA keys only.

use crate::failure::{Failure, Kind};
use azcred::SecretString;
use rcgen::{
    CertificateParams, DistinguishedName, DnType, KeyPair, KeyUsagePurpose, PKCS_RSA_SHA256,
    RsaKeySize,
};
use time::{Duration, OffsetDateTime};
use zeroize::Zeroizing;

/// A key with its certificate.
pub(super) struct Made {
    /// The private key and the certificate in PEM.
    pub(super) pem: SecretString,
    /// The certificate.
    pub(super) der: Vec<u8>,
    pub(super) starts_on: OffsetDateTime,
}

/// Makes an RSA key of 3072 bits (NIST SP 800-57: until 2030 and beyond) and a certificate.
pub(super) fn make(name: &str, ends_on: OffsetDateTime) -> Result<Made, Failure> {
    let failed = |error: rcgen::Error| {
        Failure::new(
            Kind::Failed,
            "could not make a certificate",
            error.to_string(),
        )
    };
    let key = KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_3072).map_err(failed)?;
    // Azure's clock may be behind this machine's.
    let starts_on = OffsetDateTime::now_utc() - Duration::minutes(5);
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params.not_before = starts_on;
    params.not_after = ends_on;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    let certificate = params.self_signed(&key).map_err(failed)?;
    let own = Zeroizing::new(key.serialize_pem());
    Ok(Made {
        pem: SecretString::from(format!("{}{}", *own, certificate.pem())),
        der: certificate.der().to_vec(),
        starts_on,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use azcred::ClientCertificate;
    use secrecy::ExposeSecret;

    #[test]
    fn a_new_certificate_signs_in_and_is_never_printed() {
        let ends_on = OffsetDateTime::now_utc() + Duration::days(90);
        let made = make("ci-train", ends_on).unwrap();
        let pem = made.pem.expose_secret().as_bytes();
        assert!(ClientCertificate::from_bytes(pem, None).is_ok());
        assert!(!format!("{:?}", made.pem).contains("BEGIN"));
    }
}
