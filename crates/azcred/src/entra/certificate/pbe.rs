//! Decryption by password as key files use it: PBES1, PBES2, the PKCS#12 schemes, and OpenSSL's
//! own.
//!
//! Weak ciphers are here to read files of older software. Nothing is encrypted with them.

use super::fault::{Fault, PasswordHint};
use crate::{
    ber::{BerReader, INTEGER, Malformed, SEQUENCE},
    sieve::edge_of_secret,
};
use cbc::cipher::{BlockModeDecrypt, KeyIvInit, block_padding::Pkcs7};
use md5::{Digest as _, Md5};
use ring::{digest, pbkdf2};
use std::num::NonZeroU32;
use zeroize::Zeroizing;

/// The most rounds of key derivation for one file, over all that is encrypted in it: some seconds
/// on a slow machine. Software writes 2,048 to 1,000,000. Without a limit, a file could block the
/// program.
const MAX_ROUNDS: u64 = 10_000_000;

/// The most memory for scrypt, in bytes (RFC 7914 section 2: 128 * N * r). OpenSSL's files need 16
/// MiB.
const MAX_SCRYPT_MEMORY: u64 = 256 << 20;

/// The rounds that are left of [`MAX_ROUNDS`] for one file.
pub(super) struct Budget(u64);

impl Budget {
    pub(super) fn new() -> Self {
        Self(MAX_ROUNDS)
    }

    /// Takes `rounds` times `times` from the budget.
    pub(super) fn spend(&mut self, rounds: u64, times: u64) -> Result<(), Fault> {
        let cost = rounds.checked_mul(times).ok_or(Fault::TooCostly)?;
        self.0 = self.0.checked_sub(cost).ok_or(Fault::TooCostly)?;
        Ok(())
    }
}

/// A password, and whether PKCS#12 encodes it as no bytes at all: Windows and Java do so for an
/// empty password, OpenSSL does not.
#[derive(Clone, Copy)]
pub(super) struct Password<'a> {
    pub(super) text: &'a str,
    pub(super) absent: bool,
}

impl<'a> Password<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self {
            text,
            absent: false,
        }
    }

    /// UTF-16, big-endian, with a terminating zero (RFC 7292 appendix B.1).
    fn utf16(self) -> Zeroizing<Vec<u8>> {
        if self.absent {
            return Zeroizing::default();
        }
        // One byte of UTF-8 becomes at most two of UTF-16. With this capacity the vector does not
        // grow, which would leave a copy of the password in memory.
        let mut bytes = Zeroizing::new(Vec::with_capacity(2 * self.text.len() + 2));
        for unit in self.text.encode_utf16() {
            bytes.extend_from_slice(&unit.to_be_bytes());
        }
        bytes.extend_from_slice(&[0, 0]);
        bytes
    }

    pub(super) fn wrong(self) -> Fault {
        Fault::PasswordWrong(match edge_of_secret(self.text) {
            Some(oddity) => PasswordHint::Odd(oddity),
            None => PasswordHint::None,
        })
    }
}

/// A block cipher in CBC mode with PKCS#7 padding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cipher {
    Aes128,
    Aes192,
    Aes256,
    Des,
    TripleDesTwoKeys,
    TripleDes,
    Rc2With40Bits,
    Rc2With128Bits,
}

impl Cipher {
    pub(super) fn key_len(self) -> usize {
        match self {
            Self::Rc2With40Bits => 5,
            Self::Des => 8,
            Self::Aes128 | Self::TripleDesTwoKeys | Self::Rc2With128Bits => 16,
            Self::Aes192 | Self::TripleDes => 24,
            Self::Aes256 => 32,
        }
    }

    pub(super) fn block_len(self) -> usize {
        match self {
            Self::Aes128 | Self::Aes192 | Self::Aes256 => 16,
            _ => 8,
        }
    }

    /// Decrypts. Invalid padding means that another password was used to encrypt.
    pub(super) fn decrypt(
        self,
        key: &[u8],
        iv: &[u8],
        data: &[u8],
        password: Password<'_>,
    ) -> Result<Zeroizing<Vec<u8>>, Fault> {
        if iv.len() != self.block_len() || key.len() != self.key_len() {
            return Err(Malformed.into());
        }
        if data.is_empty() || !data.len().is_multiple_of(self.block_len()) {
            return Err(Fault::Damaged("what is encrypted in it has been cut short"));
        }
        let mut buffer = Zeroizing::new(data.to_vec());
        let plain_len = match self {
            Self::Aes128 => cbc::<aes::Aes128>(key, iv, &mut buffer),
            Self::Aes192 => cbc::<aes::Aes192>(key, iv, &mut buffer),
            Self::Aes256 => cbc::<aes::Aes256>(key, iv, &mut buffer),
            Self::Des => cbc::<des::Des>(key, iv, &mut buffer),
            Self::TripleDesTwoKeys => cbc::<des::TdesEde2>(key, iv, &mut buffer),
            Self::TripleDes => cbc::<des::TdesEde3>(key, iv, &mut buffer),
            Self::Rc2With40Bits | Self::Rc2With128Bits => cbc::<rc2::Rc2>(key, iv, &mut buffer),
        }
        .ok_or_else(|| password.wrong())?;
        buffer.truncate(plain_len);
        Ok(buffer)
    }
}

fn cbc<C>(key: &[u8], iv: &[u8], buffer: &mut [u8]) -> Option<usize>
where
    C: cbc::cipher::BlockCipherDecrypt + cbc::cipher::KeyInit,
{
    let cipher = cbc::Decryptor::<C>::new_from_slices(key, iv).ok()?;
    Some(cipher.decrypt_padded::<Pkcs7>(buffer).ok()?.len())
}

/// The hash functions of the schemes that repeat a plain hash.
#[derive(Clone, Copy)]
enum Hash {
    Md5,
    Sha1,
}

impl Hash {
    fn of(self, parts: &[&[u8]]) -> Zeroizing<Vec<u8>> {
        Zeroizing::new(match self {
            Self::Md5 => parts
                .iter()
                .fold(Md5::new(), Md5::chain_update)
                .finalize()
                .to_vec(),
            Self::Sha1 => {
                let mut context = digest::Context::new(&digest::SHA1_FOR_LEGACY_USE_ONLY);
                parts.iter().for_each(|part| context.update(part));
                context.finish().as_ref().to_vec()
            }
        })
    }
}

// Encoded object identifiers. PKCS#5 (RFC 8018 appendix C), PKCS#12 (RFC 7292 appendix C), scrypt
// (RFC 7914 section 7), AES (NIST's CSOR, `aes`), 3DES (RFC 8018 appendix B.2.2).
const PBE_MD5_DES: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x01\x05\x03";
const PBE_SHA1_DES: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x01\x05\x0a";
const PBKDF2: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x01\x05\x0c";
const PBES2: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x01\x05\x0d";
const PKCS12_PBE: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x01\x0c\x01";
const SCRYPT: &[u8] = b"\x2b\x06\x01\x04\x01\xda\x47\x04\x0b";
const AES: &[u8] = b"\x60\x86\x48\x01\x65\x03\x04\x01";
const DES_EDE3_CBC: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x03\x07";
/// The prefix of the HMAC identifiers: `hmacWithSHA1` is 7 under it, SHA-224 is 8, and so on.
const HMAC: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x02";

/// Decrypts `data` with the algorithm and parameters of an `AlgorithmIdentifier`.
pub(super) fn decrypt(
    (algorithm, mut parameters): (&[u8], BerReader<'_>),
    data: &[u8],
    password: Password<'_>,
    budget: &mut Budget,
) -> Result<Zeroizing<Vec<u8>>, Fault> {
    match algorithm {
        PBES2 => pbes2(parameters.sequence()?, data, password, budget),
        PBE_MD5_DES => pbes1(Hash::Md5, parameters.sequence()?, data, password, budget),
        PBE_SHA1_DES => pbes1(Hash::Sha1, parameters.sequence()?, data, password, budget),
        _ => {
            let cipher = match algorithm.strip_prefix(PKCS12_PBE) {
                Some([1 | 2]) => return Err(Fault::Encryption("RC4")),
                Some([3]) => Cipher::TripleDes,
                Some([4]) => Cipher::TripleDesTwoKeys,
                Some([5]) => Cipher::Rc2With128Bits,
                Some([6]) => Cipher::Rc2With40Bits,
                _ => {
                    return Err(Fault::Encryption(
                        "a password scheme other than PBES1, PBES2 and PKCS#12",
                    ));
                }
            };
            let (salt, rounds) = salt_and_rounds(parameters.sequence()?)?;
            let mut derive = |purpose, len| {
                pkcs12_key(
                    &digest::SHA1_FOR_LEGACY_USE_ONLY,
                    purpose,
                    password,
                    &salt,
                    rounds,
                    len,
                    budget,
                )
            };
            let key = derive(Purpose::Key, cipher.key_len())?;
            let iv = derive(Purpose::Iv, cipher.block_len())?;
            cipher.decrypt(&key, &iv, data, password)
        }
    }
}

fn salt_and_rounds(mut parameters: BerReader<'_>) -> Result<(Vec<u8>, u64), Fault> {
    let salt = parameters.octet_string()?.into_owned();
    Ok((salt, parameters.expect(INTEGER)?.number()?))
}

/// PBES1 with PBKDF1 (RFC 8018 sections 5.1 and 6.1), the default of OpenSSL before 1.1.
fn pbes1(
    hash: Hash,
    parameters: BerReader<'_>,
    data: &[u8],
    password: Password<'_>,
    budget: &mut Budget,
) -> Result<Zeroizing<Vec<u8>>, Fault> {
    let (salt, rounds) = salt_and_rounds(parameters)?;
    budget.spend(rounds, 1)?;
    let mut derived = hash.of(&[password.text.as_bytes(), &salt]);
    for _ in 1..rounds {
        derived = hash.of(&[&derived]);
    }
    Cipher::Des.decrypt(&derived[..8], &derived[8..16], data, password)
}

/// PBES2 (RFC 8018 section 6.2), which current software writes.
fn pbes2(
    mut parameters: BerReader<'_>,
    data: &[u8],
    password: Password<'_>,
    budget: &mut Budget,
) -> Result<Zeroizing<Vec<u8>>, Fault> {
    let (derivation, mut derivation_parameters) = parameters.algorithm()?;
    let (encryption, mut encryption_parameters) = parameters.algorithm()?;
    let cipher = match (encryption, encryption.strip_prefix(AES)) {
        (_, Some([2])) => Cipher::Aes128,
        (_, Some([22])) => Cipher::Aes192,
        (_, Some([42])) => Cipher::Aes256,
        (DES_EDE3_CBC, _) => Cipher::TripleDes,
        _ => {
            return Err(Fault::Encryption(
                "a cipher other than AES-CBC and 3DES-CBC",
            ));
        }
    };
    let iv = encryption_parameters.octet_string()?;
    let mut key = Zeroizing::new(vec![0; cipher.key_len()]);
    let derivation_parameters = derivation_parameters.sequence()?;
    match derivation {
        PBKDF2 => pbkdf2_key(derivation_parameters, password, &mut key, budget)?,
        SCRYPT => scrypt_key(derivation_parameters, password, &mut key, budget)?,
        _ => {
            return Err(Fault::Encryption(
                "a key derivation other than PBKDF2 and scrypt",
            ));
        }
    }
    cipher.decrypt(&key, &iv, data, password)
}

/// PBKDF2 (RFC 8018 appendix A.2), also for the authentication code of RFC 9579.
pub(super) fn pbkdf2_key(
    mut parameters: BerReader<'_>,
    password: Password<'_>,
    key: &mut [u8],
    budget: &mut Budget,
) -> Result<(), Fault> {
    let salt = parameters.octet_string()?;
    let rounds = parameters.expect(INTEGER)?.number()?;
    key_length(&mut parameters, key)?;
    let (hash, hash_len) = match parameters.peek() {
        Some(SEQUENCE) => match parameters.algorithm()?.0.strip_prefix(HMAC) {
            Some([7]) => (pbkdf2::PBKDF2_HMAC_SHA1, 20),
            Some([9]) => (pbkdf2::PBKDF2_HMAC_SHA256, 32),
            Some([10]) => (pbkdf2::PBKDF2_HMAC_SHA384, 48),
            Some([11]) => (pbkdf2::PBKDF2_HMAC_SHA512, 64),
            _ => {
                return Err(Fault::Encryption(
                    "PBKDF2 with a hash other than SHA-1, SHA-256, SHA-384 and SHA-512",
                ));
            }
        },
        _ => (pbkdf2::PBKDF2_HMAC_SHA1, 20),
    };
    budget.spend(rounds, key.len().div_ceil(hash_len) as u64)?;
    let rounds = u32::try_from(rounds)
        .ok()
        .and_then(NonZeroU32::new)
        .ok_or(Malformed)?;
    pbkdf2::derive(hash, rounds, &salt, password.text.as_bytes(), key);
    Ok(())
}

/// scrypt (RFC 7914 section 7.1).
fn scrypt_key(
    mut parameters: BerReader<'_>,
    password: Password<'_>,
    key: &mut [u8],
    budget: &mut Budget,
) -> Result<(), Fault> {
    let salt = parameters.octet_string()?;
    let mut number = || parameters.expect(INTEGER)?.number();
    let (n, r, p) = (number()?, number()?, number()?);
    key_length(&mut parameters, key)?;
    let blocks = n.checked_mul(r).ok_or(Fault::TooCostly)?;
    if blocks > MAX_SCRYPT_MEMORY / 128 {
        return Err(Fault::TooCostly);
    }
    // Mixing one block of 128 bytes takes about as long as a round of PBKDF2.
    budget.spend(blocks.max(1), p)?;
    if !n.is_power_of_two() || n < 2 {
        return Err(Malformed.into());
    }
    let r = u32::try_from(r).map_err(|_| Malformed)?;
    let p = u32::try_from(p).map_err(|_| Malformed)?;
    let log_n = u8::try_from(n.trailing_zeros()).map_err(|_| Malformed)?;
    let settings = scrypt::Params::new(log_n, r, p).map_err(|_| Malformed)?;
    scrypt::scrypt(password.text.as_bytes(), &salt, &settings, key).map_err(|_| Malformed.into())
}

/// Checks the optional key length in the parameters against the cipher's.
fn key_length(parameters: &mut BerReader<'_>, key: &[u8]) -> Result<(), Fault> {
    match parameters.optional(INTEGER)? {
        Some(length) if length.number()? != key.len() as u64 => Err(Malformed.into()),
        _ => Ok(()),
    }
}

/// What the derived bytes are used for (RFC 7292 appendix B.3).
#[derive(Clone, Copy)]
pub(super) enum Purpose {
    Key = 1,
    Iv = 2,
    Mac = 3,
}

/// PKCS#12's own key derivation (RFC 7292 appendix B.2).
pub(super) fn pkcs12_key(
    hash: &'static digest::Algorithm,
    purpose: Purpose,
    password: Password<'_>,
    salt: &[u8],
    rounds: u64,
    len: usize,
    budget: &mut Budget,
) -> Result<Zeroizing<Vec<u8>>, Fault> {
    let (block, output) = (hash.block_len(), hash.output_len());
    if rounds == 0 {
        return Err(Malformed.into());
    }
    // Each piece of output hashes the salt and the password once; a long salt makes that expensive.
    let pieces = len.div_ceil(output) as u64;
    budget.spend(rounds.saturating_add((salt.len() / block) as u64), pieces)?;

    let password = password.utf16();
    let diversifier = [purpose as u8; digest::MAX_BLOCK_LEN];
    let fill = |bytes: &[u8]| bytes.len().div_ceil(block) * block;
    let mut input = Zeroizing::new(Vec::with_capacity(fill(salt) + fill(&password)));
    input.extend(salt.iter().cycle().take(fill(salt)));
    input.extend(password.iter().cycle().take(fill(&password)));

    let mut key = Zeroizing::new(Vec::with_capacity(len + output));
    while key.len() < len {
        let mut context = digest::Context::new(hash);
        context.update(&diversifier[..block]);
        context.update(&input);
        let mut piece = context.finish();
        for _ in 1..rounds {
            piece = digest::digest(hash, piece.as_ref());
        }
        key.extend_from_slice(piece.as_ref());
        // Add the piece, repeated, and one to each block of the input, as big-endian numbers.
        for chunk in input.chunks_mut(block) {
            let mut carry = 1_u16;
            for (at, byte) in chunk.iter_mut().enumerate().rev() {
                carry += u16::from(*byte) + u16::from(piece.as_ref()[at % output]);
                *byte = carry as u8;
                carry >>= 8;
            }
        }
    }
    key.truncate(len);
    Ok(key)
}

/// The key of a 'traditional' encrypted PEM file: OpenSSL's `EVP_BytesToKey` with MD5 and one
/// round.
pub(super) fn traditional_key(
    password: Password<'_>,
    salt: &[u8],
    len: usize,
) -> Zeroizing<Vec<u8>> {
    let mut key = Zeroizing::new(Vec::with_capacity(len + 16));
    let mut last = Zeroizing::new(Vec::new());
    while key.len() < len {
        last = Hash::Md5.of(&[&last, password.text.as_bytes(), salt]);
        key.extend_from_slice(&last);
    }
    key.truncate(len);
    key
}
