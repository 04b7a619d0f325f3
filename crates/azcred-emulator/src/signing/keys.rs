//! RSA signing keys, their certificates, and the JWKS that publishes them.

use super::jws;
use crate::clock::machine_now;
use aws_lc_rs::{
    digest,
    encoding::{AsDer, Pkcs8V1Der},
    error::Unspecified,
    rand::SystemRandom,
    rsa::KeySize,
    signature::{KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair},
};
use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use rcgen::{CertificateParams, DnType, KeyPair, PKCS_RSA_SHA256};
use serde_json::{Map, Value, json};
use zeroize::Zeroizing;

/// An RSA key that signs tokens, with a self-signed certificate.
pub struct SigningKey {
    pair: RsaKeyPair,
    certificate: Vec<u8>,
    /// As in Entra ID, `kid` equals `x5t`: base64url of the certificate's SHA-1.
    kid: String,
    modulus: Vec<u8>,
    exponent: Vec<u8>,
}

/// Why a signing key could not be made or read.
#[derive(Debug, thiserror::Error)]
#[error("the signing key {0}")]
pub struct KeyError(String);

impl SigningKey {
    /// Creates a 2048-bit key. Returns it with its PKCS#8, for storage.
    ///
    /// # Errors
    /// When the system returns no random bytes, or the certificate can't be created.
    pub fn generate() -> Result<(Self, Zeroizing<Vec<u8>>), KeyError> {
        let pair = RsaKeyPair::generate(KeySize::Rsa2048)
            .map_err(|_| KeyError("could not be generated".into()))?;
        let der = AsDer::<Pkcs8V1Der<'_>>::as_der(&pair)
            .map_err(|_| KeyError("could not be written as PKCS#8".into()))?;
        let pkcs8 = Zeroizing::new(der.as_ref().to_vec());
        let certificate = self_signed(&pkcs8)?;
        Ok((Self::from_parts(pair, certificate), pkcs8))
    }

    /// Reads a key and its certificate.
    ///
    /// # Errors
    /// When the key or the certificate is damaged, or they don't match.
    pub fn from_der(pkcs8: &[u8], certificate: &[u8]) -> Result<Self, KeyError> {
        let pair = RsaKeyPair::from_pkcs8(pkcs8)
            .map_err(|e| KeyError(format!("is not an RSA key in PKCS#8 ({e})")))?;
        let (_, parsed) = x509_parser::parse_x509_certificate(certificate)
            .map_err(|_| KeyError("has a certificate that is not X.509".into()))?;
        if parsed.public_key().subject_public_key.data.as_ref() != pair.public_key().as_ref() {
            return Err(KeyError("and its certificate do not match".into()));
        }
        Ok(Self::from_parts(pair, certificate.to_vec()))
    }

    fn from_parts(pair: RsaKeyPair, certificate: Vec<u8>) -> Self {
        let thumbprint = digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, &certificate);
        let modulus = pair
            .public_key()
            .modulus()
            .big_endian_without_leading_zero()
            .to_vec();
        let exponent = pair
            .public_key()
            .exponent()
            .big_endian_without_leading_zero()
            .to_vec();
        let kid = URL_SAFE_NO_PAD.encode(thumbprint);
        Self {
            pair,
            certificate,
            kid,
            modulus,
            exponent,
        }
    }

    /// The key's id, for `kid` and `x5t`.
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// The self-signed certificate in DER.
    pub fn certificate(&self) -> &[u8] {
        &self.certificate
    }

    /// The key as Entra ID's JWKS shows it. Only the v2.0 document has `issuer`.
    pub fn jwk(&self, issuer: Option<&str>) -> Value {
        let mut jwk = json!({
            "kty": "RSA",
            "use": "sig",
            "kid": self.kid,
            "x5t": self.kid,
            "n": URL_SAFE_NO_PAD.encode(&self.modulus),
            "e": URL_SAFE_NO_PAD.encode(&self.exponent),
            "x5c": [STANDARD.encode(&self.certificate)],
        });
        if let Some(issuer) = issuer {
            jwk["issuer"] = issuer.into();
        }
        jwk
    }

    /// The public key, which checks what this key signed.
    pub(crate) fn public_key(&self) -> jws::PublicKey {
        jws::PublicKey::Components {
            n: self.modulus.clone(),
            e: self.exponent.clone(),
        }
    }

    /// Signs claims with RS256 and Entra ID's header: `typ`, `alg`, `x5t`, `kid`.
    ///
    /// # Errors
    /// When the system returns no random bytes for blinding.
    pub fn sign(&self, claims: &Map<String, Value>) -> Result<String, Unspecified> {
        let mut header = Map::new();
        header.insert("typ".into(), "JWT".into());
        header.insert("alg".into(), "RS256".into());
        header.insert("x5t".into(), self.kid.as_str().into());
        header.insert("kid".into(), self.kid.as_str().into());
        let mut token = jws::signing_input(&header, claims);
        let mut signature = vec![0; self.pair.public_modulus_len()];
        self.pair.sign(
            &RSA_PKCS1_SHA256,
            &SystemRandom::new(),
            token.as_bytes(),
            &mut signature,
        )?;
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(&signature, &mut token);
        Ok(token)
    }
}

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SigningKey")
            .field("kid", &self.kid)
            .finish_non_exhaustive()
    }
}

/// The certificate that Entra ID publishes with a key: self-signed, valid for five years.
fn self_signed(pkcs8: &[u8]) -> Result<Vec<u8>, KeyError> {
    let failed = |e: rcgen::Error| KeyError(format!("could not get a certificate ({e})"));
    let pair =
        KeyPair::from_pkcs8_der_and_sign_algo(&pkcs8.into(), &PKCS_RSA_SHA256).map_err(failed)?;
    let mut params = CertificateParams::default();
    params
        .distinguished_name
        .push(DnType::CommonName, "accounts.accesscontrol.windows.net");
    let now = machine_now();
    params.not_before = now - time::Duration::days(1);
    params.not_after = now + time::Duration::days(5 * 365);
    Ok(params.self_signed(&pair).map_err(failed)?.der().to_vec())
}

/// The keys of one emulator.
#[derive(Debug)]
pub struct Keys {
    /// Entra ID's key, which signs all access tokens.
    pub entra: SigningKey,
    /// The key of the test issuer, which signs federated tokens.
    pub issuer: SigningKey,
}

impl Keys {
    /// Creates keys that are not stored.
    ///
    /// # Errors
    /// As [`SigningKey::generate`].
    pub fn generate() -> Result<Self, KeyError> {
        Ok(Self {
            entra: SigningKey::generate()?.0,
            issuer: SigningKey::generate()?.0,
        })
    }

    /// The keys that Entra ID publishes.
    pub(crate) fn published(&self) -> impl Iterator<Item = &SigningKey> {
        std::iter::once(&self.entra)
    }

    /// Entra ID's key with this id.
    pub(crate) fn entra_by_kid(&self, kid: &str) -> Option<&SigningKey> {
        (self.entra.kid() == kid).then_some(&self.entra)
    }
}
