//! JSON Web Signatures in the compact form (RFC 7515), with the two algorithms that Entra ID
//! accepts.

use aws_lc_rs::signature::{
    RSA_PKCS1_2048_8192_SHA256, RSA_PSS_2048_8192_SHA256, RsaParameters, RsaPublicKeyComponents,
    UnparsedPublicKey,
};
use base64::{
    Engine as _, alphabet,
    engine::{
        DecodePaddingMode,
        general_purpose::{GeneralPurpose, GeneralPurposeConfig, URL_SAFE_NO_PAD},
    },
};
use serde_json::{Map, Value};

/// A signature algorithm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Algorithm {
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    Rs256,
    /// RSASSA-PSS with SHA-256.
    Ps256,
}

impl Algorithm {
    /// The algorithm with this `alg`. `none` and symmetric algorithms are not supported.
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        match name {
            "RS256" => Some(Self::Rs256),
            "PS256" => Some(Self::Ps256),
            _ => None,
        }
    }

    fn parameters(self) -> &'static RsaParameters {
        match self {
            Self::Rs256 => &RSA_PKCS1_2048_8192_SHA256,
            Self::Ps256 => &RSA_PSS_2048_8192_SHA256,
        }
    }
}

/// An RSA public key in one of two formats.
#[derive(Clone, Debug)]
pub(crate) enum PublicKey {
    /// `SubjectPublicKeyInfo`, DER: from a certificate.
    Spki(Vec<u8>),
    /// Modulus and exponent: from a JWK.
    Components {
        /// `n`, big endian.
        n: Vec<u8>,
        /// `e`, big endian.
        e: Vec<u8>,
    },
}

/// A parsed token. Its signature is not checked yet.
#[derive(Clone, Debug)]
pub(crate) struct Jws<'a> {
    /// The protected header.
    pub(crate) header: Map<String, Value>,
    /// The claims. Don't trust them before `is_signed_by`.
    pub(crate) claims: Map<String, Value>,
    signed: &'a str,
    signature: Vec<u8>,
}

/// Accepts base64 padding. RFC 7515 forbids it, but azure-identity's asynchronous certificate
/// credential (Python) pads its assertions, and Entra ID accepts them.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &alphabet::URL_SAFE,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Azure's tokens are shorter. A longer token is not parsed.
const MAX_TOKEN_BYTES: usize = 64 * 1024;

impl<'a> Jws<'a> {
    /// Parses a token.
    ///
    /// # Errors
    /// A clause that says what is wrong with the format.
    pub(crate) fn parse(token: &'a str) -> Result<Self, &'static str> {
        if token.len() > MAX_TOKEN_BYTES {
            return Err("it is longer than 64 KiB");
        }
        let (signed, signature) = token.rsplit_once('.').ok_or("it has no dots")?;
        let (header, payload) = signed.split_once('.').ok_or("it has only one dot")?;
        if payload.contains('.') {
            return Err("it has more than two dots");
        }
        Ok(Self {
            header: object(header).ok_or("its header is not base64url-encoded JSON")?,
            claims: object(payload).ok_or("its payload is not base64url-encoded JSON")?,
            signed,
            signature: LENIENT
                .decode(signature)
                .map_err(|_| "its signature is not base64url")?,
        })
    }

    /// A string member of the header.
    pub(crate) fn header_str(&self, name: &str) -> Option<&str> {
        self.header.get(name)?.as_str()
    }

    /// A string claim.
    pub(crate) fn claim_str(&self, name: &str) -> Option<&str> {
        self.claims.get(name)?.as_str()
    }

    /// A time claim in seconds since 1970. Fractions are cut off (RFC 7519 section 2 allows them).
    pub(crate) fn claim_time(&self, name: &str) -> Option<i64> {
        let value = self.claims.get(name)?;
        #[expect(
            clippy::cast_possible_truncation,
            reason = "saturates, and a year off is refused"
        )]
        value
            .as_i64()
            .or_else(|| value.as_f64().map(|seconds| seconds as i64))
    }

    /// The values of `aud`, which is a string or a list of strings.
    pub(crate) fn audiences(&self) -> Vec<&str> {
        match self.claims.get("aud") {
            Some(Value::String(one)) => vec![one],
            Some(Value::Array(many)) => many.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        }
    }

    /// Whether this key made the signature with this algorithm.
    pub(crate) fn is_signed_by(&self, algorithm: Algorithm, key: &PublicKey) -> bool {
        let message = self.signed.as_bytes();
        match key {
            PublicKey::Spki(der) => UnparsedPublicKey::new(algorithm.parameters(), der)
                .verify(message, &self.signature)
                .is_ok(),
            PublicKey::Components { n, e } => RsaPublicKeyComponents { n, e }
                .verify(algorithm.parameters(), message, &self.signature)
                .is_ok(),
        }
    }
}

fn object(part: &str) -> Option<Map<String, Value>> {
    serde_json::from_slice(&LENIENT.decode(part).ok()?).ok()
}

/// The signed part of a token.
pub(super) fn signing_input(header: &Map<String, Value>, claims: &Map<String, Value>) -> String {
    let encode =
        |map: &Map<String, Value>| URL_SAFE_NO_PAD.encode(Value::Object(map.clone()).to_string());
    format!("{}.{}", encode(header), encode(claims))
}
