//! Reads PFX files, which are PKCS#12 (RFC 7292): certificates and keys in nested bags.
//!
//! The authentication code verifies the password before anything is decrypted with it. A file
//! without such a code is read too, as by OpenSSL and Windows.

use super::{
    Contents,
    fault::{Fault, PasswordHint},
    key::PrivateKey,
    pbe::{self, Budget, Password, Purpose, pbkdf2_key, pkcs12_key},
};
use crate::ber::{BerReader, CONTEXT_0, INTEGER, Malformed, OBJECT_IDENTIFIER, SEQUENCE};
use ring::{digest, hmac};
use zeroize::Zeroizing;

// Encoded object identifiers: PKCS#7 (RFC 2315 section 14), the bags (RFC 7292 section 4.2), the
// certificate in a bag (RFC 7292 section 4.2.3), PBMAC1 (RFC 8018 appendix A.5), hashes (RFC 8017
// appendix C).
const DATA: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x01\x07\x01";
const ENVELOPED_DATA: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x01\x07\x03";
const ENCRYPTED_DATA: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x01\x07\x06";
const BAG: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x01\x0c\x0a\x01";
const X509_CERTIFICATE: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x01\x09\x16\x01";
const PBMAC1: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x01\x05\x0e";
const SHA1: &[u8] = b"\x2b\x0e\x03\x02\x1a";
const SHA2: &[u8] = b"\x60\x86\x48\x01\x65\x03\x04\x02";
const HMAC: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x02";

/// How deep bags may nest.
const MAX_DEPTH: u8 = 4;

/// Whether the file begins as a PFX does: version 3, and then its content.
pub(super) fn is_pfx(data: &[u8]) -> bool {
    // Only the first bytes count, so that a truncated PFX is still reported as a PFX.
    let Some(rest) = data.strip_prefix(&[SEQUENCE]) else {
        return false;
    };
    let lengths = match rest.first() {
        Some(length @ 0x81..=0x84) => 1 + usize::from(length & 0x7f),
        _ => 1,
    };
    rest.get(lengths..)
        .is_some_and(|rest| rest.starts_with(&[INTEGER, 1, 3, SEQUENCE]))
}

/// Reads all certificates and private keys of the file, in its order.
pub(super) fn read(
    data: &[u8],
    password: Option<Password<'_>>,
    budget: &mut Budget,
) -> Result<Contents, Fault> {
    let mut pfx = BerReader::new(data).sequence()?;
    pfx.expect(INTEGER)?;
    let mut content = pfx.sequence()?;
    if content.oid()? != DATA {
        return Err(Fault::Encryption(
            "a public key (a signature protects it in place of a password)",
        ));
    }
    let safe = content.expect(CONTEXT_0)?.inside().octet_string()?;
    let mac = if pfx.peek() == Some(SEQUENCE) {
        Some(pfx.sequence()?)
    } else {
        None
    };

    // 'No password' has two encodings with different hashes. The more likely one comes first.
    let no_password = [
        Password::new(""),
        Password {
            text: "",
            absent: true,
        },
    ];
    let given = password.filter(|password| !password.text.is_empty());
    let candidates = given
        .as_ref()
        .map_or(&no_password[..], std::slice::from_ref);
    if let Some(mac) = mac {
        for candidate in candidates {
            if authenticates(mac, &safe, *candidate, budget)? {
                return read_safe(&safe, *candidate, budget);
            }
        }
        let Some(given) = given else {
            return Err(Fault::PasswordNeeded);
        };
        for candidate in no_password {
            // Only for the hint: if the budget ends here, the given password is still wrong.
            if authenticates(mac, &safe, candidate, budget).unwrap_or(false) {
                return Err(Fault::PasswordWrong(PasswordHint::NotNeeded));
            }
        }
        return Err(given.wrong());
    }
    // No code verifies the password here, so the decrypted content must.
    let mut last = Fault::PasswordNeeded;
    for candidate in candidates {
        match read_safe(&safe, *candidate, budget)
            .map(|contents| (contents.refused_password(), contents))
        {
            Ok((None, contents)) => return Ok(contents),
            Ok((Some(fault), _)) | Err(fault @ Fault::PasswordWrong(_)) => last = fault,
            Err(fault) => return Err(fault),
        }
    }
    Err(last)
}

/// Whether `MacData` (RFC 7292 section 4, RFC 9579) authenticates `content` with this password.
fn authenticates(
    mut mac: BerReader<'_>,
    content: &[u8],
    password: Password<'_>,
    budget: &mut Budget,
) -> Result<bool, Fault> {
    let mut info = mac.sequence()?;
    let (algorithm, mut parameters) = info.algorithm()?;
    let expected = info.octet_string()?;
    let salt = mac.octet_string()?;
    let rounds = mac
        .optional(INTEGER)?
        .map_or(Ok(1), crate::ber::Element::number)?;

    let (algorithm, key) = if algorithm == PBMAC1 {
        let mut parameters = parameters.sequence()?;
        let (_, mut derivation) = parameters.algorithm()?;
        let algorithm = match parameters.algorithm()?.0.strip_prefix(HMAC) {
            Some([9]) => hmac::HMAC_SHA256,
            Some([10]) => hmac::HMAC_SHA384,
            Some([11]) => hmac::HMAC_SHA512,
            _ => {
                return Err(Fault::Encryption(
                    "PBMAC1 with a hash other than SHA-256, SHA-384 and SHA-512",
                ));
            }
        };
        // RFC 9579 section 4 requires the key's length.
        let derivation = derivation.sequence()?;
        let len = {
            let mut derivation = derivation;
            derivation.octet_string()?;
            derivation.expect(INTEGER)?;
            derivation.expect(INTEGER)?.number()?
        };
        let len = usize::try_from(len)
            .ok()
            .filter(|len| (16..=128).contains(len))
            .ok_or(Malformed)?;
        let mut key = Zeroizing::new(vec![0; len]);
        pbkdf2_key(derivation, password, &mut key, budget)?;
        (algorithm, key)
    } else {
        let (hash, algorithm) = match (algorithm, algorithm.strip_prefix(SHA2)) {
            (SHA1, _) => (
                &digest::SHA1_FOR_LEGACY_USE_ONLY,
                hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY,
            ),
            (_, Some([1])) => (&digest::SHA256, hmac::HMAC_SHA256),
            (_, Some([2])) => (&digest::SHA384, hmac::HMAC_SHA384),
            (_, Some([3])) => (&digest::SHA512, hmac::HMAC_SHA512),
            _ => {
                return Err(Fault::Encryption(
                    "an integrity check with a hash other than SHA-1 and SHA-2",
                ));
            }
        };
        (
            algorithm,
            pkcs12_key(
                hash,
                Purpose::Mac,
                password,
                &salt,
                rounds,
                hash.output_len(),
                budget,
            )?,
        )
    };
    // `verify` compares in constant time.
    Ok(hmac::verify(&hmac::Key::new(algorithm, &key), content, &expected).is_ok())
}

/// Reads an `AuthenticatedSafe` (RFC 7292 section 4.1).
fn read_safe(safe: &[u8], password: Password<'_>, budget: &mut Budget) -> Result<Contents, Fault> {
    let mut contents = Contents::default();
    let mut parts = BerReader::new(safe).sequence()?;
    while !parts.is_empty() {
        let mut part = parts.sequence()?;
        let kind = part.oid()?;
        let mut part = part.expect(CONTEXT_0)?.inside();
        match kind {
            DATA => read_bags(
                &part.octet_string()?,
                password,
                budget,
                &mut contents,
                MAX_DEPTH,
            )?,
            ENCRYPTED_DATA => {
                // RFC 2315 sections 10.1 and 13.
                let mut encrypted = part.sequence()?;
                encrypted.expect(INTEGER)?;
                let mut encrypted = encrypted.sequence()?;
                encrypted.expect(OBJECT_IDENTIFIER)?;
                let algorithm = encrypted.algorithm()?;
                let data = encrypted.any()?.octets()?;
                let bags = pbe::decrypt(algorithm, &data, password, budget)?;
                if bags.first() != Some(&SEQUENCE) {
                    return Err(password.wrong());
                }
                read_bags(&bags, password, budget, &mut contents, MAX_DEPTH)?;
            }
            ENVELOPED_DATA => return Err(Fault::Encryption("a public key in place of a password")),
            _ => return Err(Malformed.into()),
        }
    }
    Ok(contents)
}

/// Reads `SafeContents` (RFC 7292 section 4.2). Attributes such as friendly names are ignored: a
/// certificate belongs to a key by its public key.
fn read_bags(
    bags: &[u8],
    password: Password<'_>,
    budget: &mut Budget,
    contents: &mut Contents,
    depth: u8,
) -> Result<(), Fault> {
    let mut bags = BerReader::new(bags).sequence()?;
    while !bags.is_empty() {
        let mut bag = bags.sequence()?;
        let kind = bag.oid()?;
        let value = bag.expect(CONTEXT_0)?.content;
        match kind.strip_prefix(BAG) {
            Some([1]) => contents.add_key(|| PrivateKey::from_pkcs8(value)),
            Some([2]) => {
                contents.add_key(|| PrivateKey::from_encrypted_pkcs8(value, password, budget));
            }
            Some([3]) => {
                let mut certificate = BerReader::new(value).sequence()?;
                if certificate.oid()? == X509_CERTIFICATE {
                    let der = certificate.expect(CONTEXT_0)?.inside().octet_string()?;
                    contents.certificates.push(der.into_owned());
                }
            }
            Some([6]) if depth > 0 => read_bags(value, password, budget, contents, depth - 1)?,
            // Revocation lists and secrets are ignored.
            _ => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pfx_is_recognized_by_its_first_bytes_even_if_truncated() {
        assert!(is_pfx(&[
            0x30, 0x82, 0x0a, 0x00, 0x02, 0x01, 0x03, 0x30, 0x82
        ]));
        assert!(is_pfx(&[0x30, 0x80, 0x02, 0x01, 0x03, 0x30, 0x80]));
        assert!(!is_pfx(&[
            0x30, 0x82, 0x0a, 0x00, 0x02, 0x01, 0x00, 0x30, 0x82
        ]));
        assert!(!is_pfx(&[0x04]));
        assert!(!is_pfx(&[]));
    }
}
