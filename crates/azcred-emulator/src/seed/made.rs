//! Secrets and certificates that a seed leaves out. They are created once and stored in the state
//! folder.

use crate::{directory::SecretText, shared_keys};
use rustls_pki_types::{CertificateDer, pem::PemObject as _};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use uuid::Uuid;
use zeroize::Zeroizing;

/// What was created for a seed, by client id and name. It includes secrets: there is no `Debug`,
/// and it is wiped when dropped.
#[derive(Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct GeneratedSecrets {
    #[serde(default)]
    secrets: BTreeMap<String, String>,
    /// Certificate and key in one PEM, for `AZURE_CLIENT_CERTIFICATE_PATH`.
    #[serde(default)]
    certificates: BTreeMap<String, String>,
    #[serde(skip)]
    changed: bool,
    /// Whether new keys come from the shared ones.
    #[serde(skip)]
    shares_keys: bool,
}

impl GeneratedSecrets {
    /// Takes new keys from those that ephemeral emulators share.
    pub(crate) fn share_keys(&mut self) {
        self.shares_keys = true;
    }

    /// Whether something was created since this was read.
    pub(crate) fn has_changed(&self) -> bool {
        self.changed
    }

    /// The secret of an application or user, by name.
    pub(super) fn secret(&mut self, app_id: Uuid, name: &str) -> Result<SecretText, String> {
        let key = format!("{app_id}/{name}");
        if let Some(kept) = self.secrets.get(&key) {
            return Ok(SecretText::new(kept.as_str()));
        }
        let secret = SecretText::generate()
            .map_err(|_| "the system returned no random bytes for a secret".to_owned())?;
        self.secrets.insert(key, secret.expose().to_owned());
        self.changed = true;
        Ok(secret)
    }

    /// The secret that encrypts refresh tokens. It is stored, so that a sign-in survives a restart.
    pub(super) fn refresh_secret(&mut self) -> Result<SecretText, String> {
        self.secret(Uuid::nil(), "refresh tokens")
    }

    /// The token that a CI job sends when it requests its tokens.
    pub(super) fn request_token(&mut self, issuer: &str) -> Result<SecretText, String> {
        self.secret(Uuid::nil(), issuer)
    }

    /// The certificate of an application, by name, in DER.
    pub(super) fn certificate(&mut self, app_id: Uuid, name: &str) -> Result<Vec<u8>, String> {
        let key = format!("{app_id}/{name}");
        if let Some(kept) = self.certificates.get(&key) {
            return certificate_of_pem(kept);
        }
        let (pkcs8, certificate) = match self.shares_keys {
            true => shared_keys::key_for(&key),
            false => shared_keys::new_key(),
        }
        .map_err(|e| e.to_string())?;
        let pem = Zeroizing::new(format!(
            "{}{}",
            *pem("PRIVATE KEY", &pkcs8),
            *pem("CERTIFICATE", &certificate)
        ));
        self.certificates.insert(key, pem.to_string());
        self.changed = true;
        Ok(certificate)
    }

    /// The certificates with their keys: client id, name, PEM.
    pub(crate) fn certificates(&self) -> impl Iterator<Item = (Uuid, &str, &str)> {
        self.certificates.iter().filter_map(|(key, pem)| {
            let (app_id, name) = key.split_once('/')?;
            Some((Uuid::try_parse(app_id).ok()?, name, pem.as_str()))
        })
    }
}

impl Drop for GeneratedSecrets {
    fn drop(&mut self) {
        self.secrets
            .values_mut()
            .chain(self.certificates.values_mut())
            .for_each(zeroize::Zeroize::zeroize);
    }
}

/// The first certificate of a PEM text, in DER.
pub(super) fn certificate_of_pem(text: &str) -> Result<Vec<u8>, String> {
    let der = CertificateDer::from_pem_slice(text.as_bytes())
        .map_err(|e| format!("this is not a certificate in PEM: {e}"))?;
    x509_parser::parse_x509_certificate(&der)
        .map_err(|_| "the certificate is not X.509".to_owned())?;
    Ok(der.to_vec())
}

/// PEM (RFC 7468): base64 in lines of 64 characters between two labels.
pub(crate) fn pem(label: &str, der: &[u8]) -> Zeroizing<String> {
    use base64::Engine as _;
    let text = Zeroizing::new(base64::engine::general_purpose::STANDARD.encode(der));
    let mut out = Zeroizing::new(format!("-----BEGIN {label}-----\n"));
    for line in text.as_bytes().chunks(64) {
        out.extend(line.iter().map(|b| char::from(*b)));
        out.push('\n');
    }
    out.push_str(&format!("-----END {label}-----\n"));
    out
}
