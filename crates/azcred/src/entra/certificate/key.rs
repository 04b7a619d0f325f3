//! The private key: PKCS#8 and PKCS#1, encrypted or not, and of a kind that Entra ID takes.

use super::{
    ber::{INTEGER, Malformed, OCTET_STRING, Reader, SEQUENCE},
    fault::Fault,
    pbe::{self, Budget, Password},
};
use ring::{rsa::KeyPair, signature::KeyPair as _};

/// The least that Entra ID takes: it answers AADSTS50032 below.
const MIN_BITS: usize = 2048;
/// The lengths of the keys that ring signs with.
const LENGTHS: [usize; 3] = [2048, 3072, 4096];
/// The least public exponent that ring takes: 65537, which everything that makes keys uses.
const EXPONENT_BITS: usize = 17;

// Algorithms of a `PrivateKeyInfo`, as encoded (RFC 8017 appendix A, RFC 5480, RFC 8410, RFC 3279).
const RSA: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01";
/// RSA restricted to PSS, which is what signs here. MSAL for Python takes such a key for an RSA key
/// too.
const RSA_PSS: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0a";
const EC: &[u8] = b"\x2a\x86\x48\xce\x3d\x02\x01";
const DSA: &[u8] = b"\x2a\x86\x48\xce\x38\x04\x01";
const EDWARDS_AND_MONTGOMERY: &[u8] = b"\x2b\x65";

/// An RSA private key.
pub(super) struct PrivateKey(KeyPair);

impl PrivateKey {
    /// Reads a `PrivateKeyInfo` (RFC 5958 section 2).
    pub(super) fn from_pkcs8(der: &[u8]) -> Result<Self, Fault> {
        let mut info = Reader::new(der).sequence()?;
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
        let mut info = Reader::new(der).sequence()?;
        let algorithm = info.algorithm()?;
        let plain = pbe::decrypt(algorithm, &info.octet_string()?, password, budget)?;
        Self::from_decrypted(&plain, password, Self::from_pkcs8)
    }

    /// Reads with `read` what was decrypted with `password`. A wrong password leaves sound padding
    /// once in 256 times, and then something that is no key.
    pub(super) fn from_decrypted(
        plain: &[u8],
        password: Password<'_>,
        read: fn(&[u8]) -> Result<Self, Fault>,
    ) -> Result<Self, Fault> {
        let starts_like_a_key = Reader::new(plain)
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
        let mut numbers = Reader::new(der).sequence()?;
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

    /// The public key as a certificate holds it: an `RSAPublicKey` (RFC 8017 appendix A.1.1).
    pub(super) fn public_key(&self) -> &[u8] {
        self.0.public_key().as_ref()
    }

    pub(super) fn into_key_pair(self) -> KeyPair {
        self.0
    }
}

/// How many bits a non-negative integer has.
fn bits(integer: &[u8]) -> usize {
    match integer.iter().position(|byte| *byte != 0) {
        None => 0,
        Some(at) => (integer.len() - at) * 8 - integer[at].leading_zeros() as usize,
    }
}

/// What a file that is DER all by itself holds, where that is not a PFX.
pub(super) fn describe_der(der: &[u8]) -> Fault {
    const PKCS7: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x01\x07";
    let look = || -> Result<Fault, Malformed> {
        let mut outer = Reader::new(der).sequence()?;
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
            _ if outer.oid()?.starts_with(PKCS7) => Fault::Pkcs7,
            _ => Fault::Unrecognised,
        })
    };
    look().unwrap_or(Fault::Unrecognised)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_wrong_password_decrypts_to_sound_padding_by_chance_is_a_wrong_password() {
        for chance in [&b"\x30\x03\x04\x01\x00"[..], b"\x9f", b""] {
            let fault =
                PrivateKey::from_decrypted(chance, Password::new("x"), PrivateKey::from_pkcs8)
                    .err();
            assert!(matches!(fault, Some(Fault::PasswordWrong(_))), "{fault:?}");
        }
    }
}
