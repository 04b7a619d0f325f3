//! The secret that a request must have.

use azcred::{Error, ErrorKind, Result, SecretString};
use ring::rand::{SecureRandom, SystemRandom};
use secrecy::ExposeSecret;
use std::fmt::Write as _;
use subtle::ConstantTimeEq;

/// 256 random bits, as 64 hexadecimal digits: no shell, header or file needs to quote them.
#[derive(Debug)]
pub(crate) struct Secret(SecretString);

impl Secret {
    /// # Errors
    /// [`ErrorKind::Unavailable`] if the system has no random numbers.
    pub(crate) fn random() -> Result<Self> {
        let mut bytes = [0; 32];
        SystemRandom::new().fill(&mut bytes).map_err(|_| {
            Error::new(
                ErrorKind::Unavailable,
                "could not start the endpoint",
                "the system returned no random numbers",
            )
        })?;
        let mut text = String::with_capacity(64);
        for byte in bytes {
            let _ = write!(text, "{byte:02x}");
        }
        Ok(Self(text.into()))
    }

    /// One that a fuzz target knows.
    #[cfg(feature = "fuzzing")]
    pub(crate) fn known(text: &str) -> Self {
        Self(text.into())
    }

    /// Whether `sent` is the secret. The time does not depend on the secret.
    pub(crate) fn matches(&self, sent: &[u8]) -> bool {
        self.0.expose_secret().as_bytes().ct_eq(sent).into()
    }

    /// Whether a text of a client that knows the secret has it, in upper or lower case. The time
    /// depends on the secret.
    pub(crate) fn is_in(&self, text: &str) -> bool {
        text.to_ascii_lowercase().contains(self.0.expose_secret())
    }

    pub(crate) fn text(&self) -> SecretString {
        self.0.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_endpoint_has_another_secret_of_256_bits_that_is_not_printed() {
        let (one, other) = (Secret::random().unwrap(), Secret::random().unwrap());
        let text = one.text();
        assert_eq!(text.expose_secret().len(), 64);
        assert!(one.matches(text.expose_secret().as_bytes()));
        assert!(!other.matches(text.expose_secret().as_bytes()));
        for wrong in ["", &text.expose_secret()[1..]] {
            assert!(!one.matches(wrong.as_bytes()));
        }
        assert!(!format!("{one:?}").contains(text.expose_secret()));
    }
}
