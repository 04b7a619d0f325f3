//! Random values, and Proof Key for Code Exchange (RFC 7636).

use crate::facts::{Error, ErrorKind, Result};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::{
    digest,
    rand::{SecureRandom as _, SystemRandom},
};
use secrecy::{ExposeSecret, SecretString};
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

/// 256 bits (RFC 7636 section 7.1), written as 43 characters.
const BYTES: usize = 32;

/// 256 random bits as URL-safe text, for a `state`, a `nonce` or a code verifier.
///
/// # Errors
/// [`ErrorKind::Invalid`] if the system has no random numbers.
pub(super) fn unguessable() -> Result<SecretString> {
    let mut bytes = Zeroizing::new([0; BYTES]);
    SystemRandom::new().fill(&mut *bytes).map_err(|_| {
        Error::new(
            ErrorKind::Invalid,
            "could not make a random number",
            "the system does not return random numbers",
        )
        .with_fix("check that /dev/urandom is there")
    })?;
    Ok(URL_SAFE_NO_PAD.encode(*bytes).into())
}

/// The challenge for a code verifier: its SHA-256 (`S256`, RFC 7636 section 4.2).
pub(super) fn challenge(verifier: &SecretString) -> String {
    let verifier = verifier.expose_secret();
    URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, verifier.as_bytes()))
}

/// Compares what came back with what was sent. The time depends on the lengths only.
pub(super) fn is_same(one: &str, other: &SecretString) -> bool {
    one.as_bytes()
        .ct_eq(other.expose_secret().as_bytes())
        .into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_challenge_is_that_of_the_rfc() {
        // RFC 7636 appendix B.
        let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk".into();
        assert_eq!(
            challenge(&verifier),
            "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
        );
    }

    #[test]
    fn no_two_numbers_are_the_same() {
        let (one, other) = (unguessable().unwrap(), unguessable().unwrap());
        assert_eq!(one.expose_secret().len(), 43);
        assert!(is_same(one.expose_secret(), &one));
        assert!(!is_same(one.expose_secret(), &other));
        assert!(!is_same("", &one));
        assert!(!is_same(&one.expose_secret()[..42], &one));
    }
}
