//! An application's certificate and private key, read from every form of file that other Azure
//! clients read.

mod assertion;
mod chain;
mod fault;
mod key;
mod pbe;
mod pem;
mod pfx;
#[cfg(test)]
mod tests;

use crate::{
    ber, decode,
    facts::{Error, ErrorKind, Fix},
    moment,
    pem::is_pem,
    tenant::ClientId,
    untrusted::printable,
};
use fault::{Fault, new_certificate};
use key::PrivateKey;
use pbe::{Budget, Password};
use ring::{digest, rsa::KeyPair};
use secrecy::{ExposeSecret, SecretString};
use std::{
    fmt::{self, Write as _},
    sync::Arc,
    time::SystemTime,
};
use time::{OffsetDateTime, macros::format_description};

pub(crate) use fault::{NamedFile, unreadable};

/// A file with a certificate, its key and its chain is far smaller.
const MAX_FILE: usize = 1 << 20;

/// Keys beyond this number are not read.
const MAX_KEYS: usize = 16;

/// How far ahead the start of a certificate's validity may be. Entra ID tolerates clocks that
/// differ by five minutes, and a certificate that was just made on another machine is often used
/// within them.
const CLOCK_SKEW: time::Duration = time::Duration::minutes(5);

/// An application's certificate and private key, validated.
///
/// Entra ID accepts RSA certificates only: MSAL's source and maintainers say so
/// (`CommonCryptographyManager` in MSAL.NET; microsoft-authentication-library-for-python issue
/// 534), and every Azure SDK rejects others. Entra ID answers AADSTS50032 to keys under 2048 bits;
/// they are rejected here, before a request. Keys must have 2048, 3072 or 4096 bits and a public
/// exponent of at least 65537; azcred's cryptography signs with no others.
///
/// Cloning is cheap. `Debug` shows the certificate's subject and thumbprint, never the key.
#[derive(Clone)]
pub struct ClientCertificate(Arc<CertificateInner>);

struct CertificateInner {
    key: KeyPair,
    /// DER, leaf first. Never empty.
    chain: Vec<Vec<u8>>,
    subject: String,
    not_before: OffsetDateTime,
    not_after: OffsetDateTime,
}

/// The contents of a file, in the file's order.
#[derive(Default)]
struct Contents {
    certificates: Vec<Vec<u8>>,
    keys: Vec<PrivateKey>,
    /// Why the first unusable key can't be used.
    unusable_key: Option<Fault>,
    keys_seen: usize,
    /// Whether certificates came from a PKCS#7 bundle.
    has_pkcs7: bool,
}

impl Contents {
    /// The error of a password that decrypted nothing.
    fn refused_password(&self) -> Option<Fault> {
        self.unusable_key
            .clone()
            .filter(|fault| self.keys.is_empty() && matches!(fault, Fault::PasswordWrong(_)))
    }

    /// Adds a key. An unusable key is an error only if the file has no other.
    fn add_key(&mut self, read: impl FnOnce() -> Result<PrivateKey, Fault>) {
        self.keys_seen += 1;
        if self.keys_seen > MAX_KEYS {
            return;
        }
        match read() {
            Ok(key) => self.keys.push(key),
            Err(fault) => _ = self.unusable_key.get_or_insert(fault),
        }
    }
}

impl ClientCertificate {
    /// Reads a PEM or PFX (PKCS#12) file. The content decides which one it is. The whole may also
    /// be base64 or UTF-16, and the line breaks of PEM may be spaces, missing, or written as `\n`.
    ///
    /// PEM: certificates and a key in any order. The key can be PKCS#8, encrypted PKCS#8 (PBES2
    /// with PBKDF2 or scrypt and AES or 3DES; the older PBES1 and PKCS#12 schemes with DES, 3DES
    /// and RC2), PKCS#1, or OpenSSL's traditional encrypted form. PFX: the same schemes, with or
    /// without a password, with or without an integrity check. The leaf is the first certificate
    /// with the key's public key. A password is ignored if a PEM file needs none.
    ///
    /// The function blocks while it derives keys from the password: milliseconds for ordinary
    /// files, some seconds for the slowest that is accepted.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`], with what the file is or lacks and how to fix it: not PEM or PFX,
    /// over 1 MiB, damaged, no certificate, no key, a key of another certificate, not RSA or under
    /// 2048 bits, a wrong or missing password, more than 10 million rounds of key derivation. No
    /// error has a byte of the key or the password.
    pub fn from_bytes(data: &[u8], password: Option<&SecretString>) -> Result<Self, Error> {
        Self::from_file(data, password, None)
    }

    /// As [`from_bytes`](Self::from_bytes). Errors name the file, its variable and its application.
    pub(crate) fn from_file(
        data: &[u8],
        password: Option<&SecretString>,
        of: Option<&NamedFile<'_>>,
    ) -> Result<Self, Error> {
        let password = password.map(|password| Password::new(password.expose_secret()));
        read(data, password).map_err(|fault| {
            match fault {
                // The caller gave no password, and an empty one was tried: 'wrong password' would
                // mislead.
                Fault::PasswordWrong(_)
                    if password.is_none_or(|password| password.text.is_empty()) =>
                {
                    Fault::PasswordNeeded
                }
                fault => fault,
            }
            .into_error(of)
        })
    }

    /// The distinguished name of the certificate's subject.
    pub fn subject(&self) -> &str {
        &self.0.subject
    }

    /// The start of the certificate's validity, in UTC.
    pub fn not_before(&self) -> OffsetDateTime {
        self.0.not_before
    }

    /// The end of the certificate's validity, in UTC.
    pub fn not_after(&self) -> OffsetDateTime {
        self.0.not_after
    }

    /// The SHA-1 hash of the certificate in upper-case hexadecimal. The portal shows it as the
    /// thumbprint.
    pub fn thumbprint_sha1(&self) -> String {
        upper_hex(digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, self.leaf()).as_ref())
    }

    /// The SHA-256 hash of the certificate in upper-case hexadecimal.
    pub fn thumbprint_sha256(&self) -> String {
        upper_hex(digest::digest(&digest::SHA256, self.leaf()).as_ref())
    }

    /// The number of certificates in the chain; 1 if the file has only the application's own.
    pub fn chain_len(&self) -> usize {
        self.0.chain.len()
    }

    /// The application's own certificate, in DER.
    fn leaf(&self) -> &[u8] {
        self.0.chain.first().map_or(&[], Vec::as_slice)
    }

    /// Checks that the certificate of `client_id` is valid at `now`. Entra ID would reject an
    /// invalid one with AADSTS700027 or AADSTS1000502. A certificate that becomes valid within five
    /// minutes passes.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] with the subject, the thumbprint, the dates and the fix.
    pub(crate) fn check_validity(
        &self,
        now: SystemTime,
        client_id: Option<&ClientId>,
    ) -> Result<(), Error> {
        let now = moment::date(now);
        let what = || {
            format!(
                "could not use the client certificate '{}' (thumbprint {})",
                self.subject(),
                self.thumbprint_sha1()
            )
        };
        let (from, until, this) = (date(self.not_before()), date(self.not_after()), date(now));
        if now > self.not_after() {
            let why = format!("it expired on {until}; this machine's clock says {this}");
            return Err(Error::new(ErrorKind::Invalid, what(), why)
                .with_fix(new_certificate(client_id, None).or(Fix::SetClock)));
        }
        if now.saturating_add(CLOCK_SKEW) < self.not_before() {
            let why =
                format!("it is valid from {from} until {until}; this machine's clock says {this}");
            return Err(Error::new(ErrorKind::Invalid, what(), why).with_fix(
                Fix::SetClock
                    .or(format!("wait until {from}"))
                    .or(new_certificate(client_id, None)),
            ));
        }
        Ok(())
    }
}

impl fmt::Debug for ClientCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientCertificate")
            .field("subject", &self.0.subject)
            .field("thumbprint_sha1", &self.thumbprint_sha1())
            .field("not_before", &date(self.0.not_before))
            .field("not_after", &date(self.0.not_after))
            .field("chain_len", &self.0.chain.len())
            .finish_non_exhaustive()
    }
}

fn read(data: &[u8], password: Option<Password<'_>>) -> Result<ClientCertificate, Fault> {
    if data.len() > MAX_FILE {
        return Err(Fault::TooLarge);
    }
    let unwrapped = decode::unwrapped(data);
    let data = unwrapped.as_ref().map_or(data, |inside| inside.as_slice());
    let budget = &mut Budget::new();
    let contents = if is_pem(data) {
        pem::read(data, password, budget)?
    } else if pfx::is_pfx(data) {
        pfx::read(data, password, budget)?
    } else {
        return Err(describe(data));
    };
    let Contents {
        certificates,
        keys,
        unusable_key,
        ..
    } = contents;
    if keys.is_empty() {
        return Err(unusable_key.unwrap_or(Fault::NoKey));
    }
    if certificates.is_empty() {
        return Err(Fault::NoCertificate);
    }
    let (key, chain) = chain::link(&certificates, keys)?;
    let leaf = chain.first().map_or(&[][..], Vec::as_slice);
    let (_, leaf) =
        x509_parser::parse_x509_certificate(leaf).map_err(|_| Fault::BadCertificate(1))?;
    let (subject, validity) = (printable(&leaf.subject().to_string(), 256), leaf.validity());
    let (not_before, not_after) = (
        validity.not_before.to_datetime(),
        validity.not_after.to_datetime(),
    );
    Ok(ClientCertificate(Arc::new(CertificateInner {
        key: key.into_key_pair(),
        chain,
        subject,
        not_before,
        not_after,
    })))
}

/// Describes a file that is neither PEM nor PFX.
fn describe(data: &[u8]) -> Fault {
    let text = data.trim_ascii_start();
    match text {
        [] => Fault::Empty,
        [ber::SEQUENCE, ..] => key::describe_der(data),
        _ => decode::described(data).map_or(Fault::Unrecognised, Fault::Other),
    }
}

fn upper_hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .fold(String::with_capacity(2 * bytes.len()), |mut hex, byte| {
            _ = write!(hex, "{byte:02X}");
            hex
        })
}

/// A date to the second, in UTC.
fn date(at: OffsetDateTime) -> String {
    // This format can't fail for a valid date.
    at.to_offset(time::UtcOffset::UTC)
        .format(format_description!(
            "[year]-[month]-[day] [hour]:[minute]:[second] UTC"
        ))
        .unwrap_or_else(|_| "an unknown date".into())
}
