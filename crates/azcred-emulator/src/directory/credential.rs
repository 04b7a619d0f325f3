//! Credentials of an application: secrets, certificates, federated identity credentials.

use aws_lc_rs::digest;
use std::fmt;
use subtle::ConstantTimeEq;
use time::OffsetDateTime;
use uuid::Uuid;
use zeroize::Zeroizing;

/// Length of a generated secret, in characters.
const SECRET_LENGTH: usize = 40;
/// The characters of generated secrets. The first 32 are letters.
const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_~";

/// The text of a secret. It can't be printed, is wiped when dropped, and is compared in constant
/// time.
#[derive(Clone)]
pub struct SecretText(Zeroizing<String>);

impl SecretText {
    /// Wraps a secret.
    pub fn new(text: impl Into<String>) -> Self {
        Self(Zeroizing::new(text.into()))
    }

    /// 40 random characters, in the alphabet of Entra ID's own secrets.
    ///
    /// # Errors
    /// When the system returns no random bytes.
    pub fn generate() -> Result<Self, aws_lc_rs::error::Unspecified> {
        let mut random = Zeroizing::new([0; SECRET_LENGTH]);
        aws_lc_rs::rand::fill(random.as_mut_slice())?;
        Ok(Self::of_random(&random))
    }

    /// The secret for these random bytes.
    ///
    /// It begins with a letter, as people pass secrets on command lines. There, `-` would begin an
    /// option and `~` a home folder.
    fn of_random(random: &[u8; SECRET_LENGTH]) -> Self {
        let mut text = Zeroizing::new(String::with_capacity(SECRET_LENGTH));
        for (at, byte) in random.iter().enumerate() {
            let mask = if at == 0 { 31 } else { 63 };
            text.push(char::from(ALPHABET[usize::from(byte & mask)]));
        }
        Self(text)
    }

    /// Returns the secret's text. The name `expose` is easy to find in a review.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether a candidate equals this secret. The time depends on neither.
    pub fn matches(&self, candidate: &str) -> bool {
        // Digests have the same length, so that the time does not depend on the secret's length.
        let ours = digest::digest(&digest::SHA256, self.0.as_bytes());
        let theirs = digest::digest(&digest::SHA256, candidate.as_bytes());
        ours.as_ref().ct_eq(theirs.as_ref()).into()
    }
}

impl fmt::Debug for SecretText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretText(****)")
    }
}

/// A client secret (`passwordCredential`).
#[derive(Clone, Debug)]
pub struct Secret {
    /// `keyId`, which people often paste in place of the value.
    pub id: Uuid,
    /// The description in the portal.
    pub name: String,
    /// The value.
    pub text: SecretText,
    /// When it stops working.
    pub expires: OffsetDateTime,
}

impl Secret {
    /// The first three characters, which Entra ID stores unencrypted as `hint`.
    pub fn hint(&self) -> String {
        self.text.expose().chars().take(3).collect()
    }
}

/// A certificate (`keyCredential`) whose private key may sign client assertions.
#[derive(Clone, Debug)]
pub struct Certificate {
    /// `keyId`.
    pub id: Uuid,
    /// The certificate, DER.
    pub der: Vec<u8>,
}

impl Certificate {
    /// SHA-1 of the certificate: the thumbprint that the portal shows, and `x5t`.
    pub fn thumbprint_sha1(&self) -> [u8; 20] {
        digest_of(&digest::SHA1_FOR_LEGACY_USE_ONLY, &self.der)
    }

    /// SHA-256 of the certificate: `x5t#S256`.
    pub fn thumbprint_sha256(&self) -> [u8; 32] {
        digest_of(&digest::SHA256, &self.der)
    }
}

fn digest_of<const N: usize>(algorithm: &'static digest::Algorithm, data: &[u8]) -> [u8; N] {
    let mut out = [0; N];
    out.copy_from_slice(digest::digest(algorithm, data).as_ref());
    out
}

/// A federated identity credential: the application can sign in with a token that has this issuer,
/// subject and audience.
#[derive(Clone, Debug)]
pub struct FederatedCredential {
    /// Its name.
    pub name: String,
    /// The expected `iss`, compared exactly.
    pub issuer: String,
    /// The expected `sub`, compared exactly (since 2024 with regard to case).
    pub subject: String,
    /// The accepted `aud` values. Entra ID allows exactly one.
    pub audiences: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_generated_secret_matches_itself_and_nothing_else_and_is_not_printed() {
        let secret = SecretText::generate().unwrap();
        let text = secret.expose().to_owned();
        assert_eq!(text.len(), 40);
        assert!(secret.matches(&text));
        assert!(!secret.matches(&text[..39]));
        assert!(!secret.matches(""));
        assert!(!format!("{secret:?}").contains(&text));
        assert_ne!(SecretText::generate().unwrap().expose(), text);
    }

    #[test]
    fn a_generated_secret_always_begins_with_a_letter() {
        for byte in 0..=u8::MAX {
            let secret = SecretText::of_random(&[byte; SECRET_LENGTH]);
            let text = secret.expose();
            assert_eq!(text.len(), SECRET_LENGTH);
            assert!(
                text.starts_with(|c: char| c.is_ascii_alphabetic()),
                "{text}"
            );
        }
        // The other characters come from the whole alphabet.
        let last = SecretText::of_random(&[u8::MAX; SECRET_LENGTH]);
        assert!(last.expose().ends_with('~'));
    }
}
