//! The private key: PKCS#8 or PKCS#1, encrypted or not. Only keys that Entra ID accepts are
//! accepted.

use super::{
    fault::Fault,
    pbe::{self, Budget, Password},
};
use crate::ber::{BerReader, INTEGER, Malformed, OCTET_STRING, SEQUENCE};
use ring::{rsa::KeyPair, signature::KeyPair as _};

/// Entra ID rejects shorter keys with AADSTS50032.
const MIN_BITS: usize = 2048;
/// The key lengths that ring supports for signing.
const LENGTHS: [usize; 3] = [2048, 3072, 4096];
/// The length of the smallest public exponent that ring supports: 65537, which all common software
/// uses.
const EXPONENT_BITS: usize = 17;

// Algorithms of a `PrivateKeyInfo`, as encoded (RFC 8017 appendix A, RFC 5480, RFC 8410, RFC 3279).
const RSA: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01";
/// RSA restricted to PSS, which azcred uses to sign. MSAL for Python also reads such a key as an
/// RSA key.
const RSA_PSS: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0a";
const EC: &[u8] = b"\x2a\x86\x48\xce\x3d\x02\x01";
const DSA: &[u8] = b"\x2a\x86\x48\xce\x38\x04\x01";
const EDWARDS_AND_MONTGOMERY: &[u8] = b"\x2b\x65";

/// An RSA private key.
pub(super) struct PrivateKey(KeyPair);

impl PrivateKey {
    /// Reads a `PrivateKeyInfo` (RFC 5958 section 2).
    pub(super) fn from_pkcs8(der: &[u8]) -> Result<Self, Fault> {
        let mut info = BerReader::new(der).sequence()?;
        info.expect(INTEGER)?;
        let (algorithm, _) = info.algorithm()?;
        match (algorithm, algorithm.strip_prefix(EDWARDS_AND_MONTGOMERY)) {
            (RSA | RSA_PSS, _) => Self::from_pkcs1(&info.octet_string()?),
            (EC, _) => Err(Fault::KeyType("an elliptic curve (ECDSA) key")),
            (DSA, _) => Err(Fault::KeyType("a DSA key")),
            (_, Some([112])) => Err(Fault::KeyType("an Ed25519 key")),
            (_, Some([113])) => Err(Fault::KeyType("an Ed448 key")),
            (_, Some([110 | 111])) => {
                Err(Fault::KeyType("a key for key agreement (X25519 or X448)"))
            }
            _ => Err(Fault::KeyType("of an unknown kind")),
        }
    }

    /// Reads an `EncryptedPrivateKeyInfo` (RFC 5958 section 3).
    pub(super) fn from_encrypted_pkcs8(
        der: &[u8],
        password: Password<'_>,
        budget: &mut Budget,
    ) -> Result<Self, Fault> {
        let mut info = BerReader::new(der).sequence()?;
        let algorithm = info.algorithm()?;
        let plain = pbe::decrypt(algorithm, &info.octet_string()?, password, budget)?;
        Self::from_decrypted(&plain, password, Self::from_pkcs8)
    }

    /// Reads decrypted data with `read`. With a wrong password, the padding is valid once in 256
    /// times; then the data is not a key.
    pub(super) fn from_decrypted(
        plain: &[u8],
        password: Password<'_>,
        read: fn(&[u8]) -> Result<Self, Fault>,
    ) -> Result<Self, Fault> {
        let starts_like_a_key = BerReader::new(plain)
            .expect(SEQUENCE)
            .and_then(|key| key.inside().expect(INTEGER))
            .is_ok();
        if starts_like_a_key {
            read(plain)
        } else {
            Err(password.wrong())
        }
    }

    /// Reads an `RSAPrivateKey` (RFC 8017 appendix A.1.2).
    pub(super) fn from_pkcs1(der: &[u8]) -> Result<Self, Fault> {
        let mut numbers = BerReader::new(der).sequence()?;
        numbers.expect(INTEGER)?;
        let modulus = bits(numbers.expect(INTEGER)?.content);
        let exponent = bits(numbers.expect(INTEGER)?.content);
        if modulus < MIN_BITS {
            return Err(Fault::KeyTooSmall(modulus));
        }
        if !LENGTHS.contains(&modulus) {
            return Err(Fault::KeyLength(modulus));
        }
        if exponent < EXPONENT_BITS {
            return Err(Fault::KeyExponent);
        }
        KeyPair::from_der(der).map(Self).map_err(|_| Fault::BadKey)
    }

    /// The public key in a certificate's form: an `RSAPublicKey` (RFC 8017 appendix A.1.1).
    pub(super) fn public_key(&self) -> &[u8] {
        self.0.public_key().as_ref()
    }

    pub(super) fn into_key_pair(self) -> KeyPair {
        self.0
    }
}

/// The length of a non-negative integer in bits.
fn bits(integer: &[u8]) -> usize {
    match integer.iter().position(|byte| *byte != 0) {
        None => 0,
        Some(at) => (integer.len() - at) * 8 - integer[at].leading_zeros() as usize,
    }
}

/// Describes a DER file that is not a PFX.
pub(super) fn describe_der(der: &[u8]) -> Fault {
    const PKCS7: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x01\x07";
    let look = || -> Result<Fault, Malformed> {
        let mut outer = BerReader::new(der).sequence()?;
        Ok(match outer.peek() {
            Some(INTEGER) => Fault::KeyAlone,
            Some(SEQUENCE) if x509_parser::parse_x509_certificate(der).is_ok() => {
                Fault::CertificateAlone
            }
            Some(SEQUENCE) => {
                outer.algorithm()?;
                outer.expect(OCTET_STRING)?;
                Fault::KeyAlone
            }
            _ if outer.oid()?.starts_with(PKCS7) => Fault::Pkcs7(" -inform DER"),
            _ => Fault::Unrecognised,
        })
    };
    look().unwrap_or(Fault::Unrecognised)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn valid_padding_by_chance_is_still_a_wrong_password() {
        for chance in [&b"\x30\x03\x04\x01\x00"[..], b"\x9f", b""] {
            let fault =
                PrivateKey::from_decrypted(chance, Password::new("x"), PrivateKey::from_pkcs8)
                    .err();
            assert!(matches!(fault, Some(Fault::PasswordWrong(_))), "{fault:?}");
        }
    }
}
