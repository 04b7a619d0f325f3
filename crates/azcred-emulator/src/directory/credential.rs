//! Credentials of an application: secrets, certificates, federated identity credentials.

use aws_lc_rs::digest;
use serde::{Deserialize, Serialize};
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

    /// A secret as Entra ID makes them for applications: three characters, `8Q~`, and 34 more.
    ///
    /// # Errors
    /// When the system returns no random bytes.
    pub fn generate_for_client() -> Result<Self, aws_lc_rs::error::Unspecified> {
        let mut secret = Self::generate()?;
        secret.0.replace_range(3..6, "8Q~");
        Ok(secret)
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
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Secret {
    /// `keyId`, which people often paste in place of the value.
    pub id: Uuid,
    /// The description in the portal.
    pub name: Option<String>,
    /// The value.
    #[serde(with = "kept_text")]
    pub text: SecretText,
    /// When it starts to work. `None`: it works at once.
    #[serde(with = "time::serde::rfc3339::option")]
    pub starts: Option<OffsetDateTime>,
    /// When it stops working.
    #[serde(with = "time::serde::rfc3339")]
    pub expires: OffsetDateTime,
}

impl Secret {
    /// The first three characters, which Entra ID stores unencrypted as `hint`.
    pub fn hint(&self) -> String {
        self.text.expose().chars().take(3).collect()
    }
}

/// A certificate (`keyCredential`) whose private key may sign client assertions.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Certificate {
    /// `keyId`.
    pub id: Uuid,
    /// The description. `None`: the certificate's subject.
    pub name: Option<String>,
    /// The certificate, DER.
    pub der: Vec<u8>,
    /// When it starts to work, if the certificate itself does not say it.
    #[serde(with = "time::serde::rfc3339::option")]
    pub starts: Option<OffsetDateTime>,
    /// When it stops working, if the certificate itself does not say it.
    #[serde(with = "time::serde::rfc3339::option")]
    pub expires: Option<OffsetDateTime>,
}

impl Certificate {
    /// A certificate that works as long as it is valid.
    pub fn new(der: Vec<u8>) -> Self {
        Self {
            id: Uuid::new_v4(),
            name: None,
            der,
            starts: None,
            expires: None,
        }
    }

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
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct FederatedCredential {
    /// Its id.
    pub id: Uuid,
    /// Its name, which is unique in its application.
    pub name: String,
    /// The expected `iss`, compared exactly.
    pub issuer: String,
    /// The expected `sub`, compared exactly (since 2024 with regard to case).
    pub subject: String,
    /// The accepted `aud` values. Entra ID allows exactly one.
    pub audiences: Vec<String>,
    /// What it is for.
    pub description: Option<String>,
}

impl FederatedCredential {
    /// A credential with this `aud`.
    pub fn new(
        name: impl Into<String>,
        issuer: impl Into<String>,
        subject: impl Into<String>,
        audience: impl Into<String>,
    ) -> Self {
        Self {
            id: Uuid::new_v4(),
            name: name.into(),
            issuer: issuer.into(),
            subject: subject.into(),
            audiences: vec![audience.into()],
            description: None,
        }
    }

    /// Whether this is its id or its name.
    pub(crate) fn is_named(&self, id_or_name: &str) -> bool {
        self.name == id_or_name || Uuid::try_parse(id_or_name) == Ok(self.id)
    }
}

/// How the state folder keeps a secret: as its text. [`SecretText`] itself can't be written, so
/// that nothing else writes it.
pub(crate) mod kept_text {
    use super::SecretText;
    use serde::{Deserialize as _, Deserializer, Serializer};

    pub(crate) fn serialize<S: Serializer>(text: &SecretText, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(text.expose())
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<SecretText, D::Error> {
        String::deserialize(from).map(SecretText::new)
    }

    /// A secret that may be missing.
    pub(crate) mod option {
        use super::super::SecretText;
        use serde::{Deserialize as _, Deserializer, Serialize as _, Serializer};

        pub(crate) fn serialize<S: Serializer>(
            text: &Option<SecretText>,
            to: S,
        ) -> Result<S::Ok, S::Error> {
            text.as_ref().map(SecretText::expose).serialize(to)
        }

        pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
            from: D,
        ) -> Result<Option<SecretText>, D::Error> {
            Option::<String>::deserialize(from).map(|text| text.map(SecretText::new))
        }
    }
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
