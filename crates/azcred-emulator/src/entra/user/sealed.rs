//! Refresh tokens: opaque to clients, readable by the service that issued them.
//!
//! The service stores no token: the content is in the token, encrypted. So clients can't fill the
//! emulator's memory, and an old token stays valid after its use, as in Entra ID. A token ends by
//! time, by the account's `sessions_valid_from`, or by its use in a tenant with
//! `refresh_tokens_once`.

use crate::{directory::Directory, entra::seal, entra_state::Proofs};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The content of a refresh token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct RefreshToken {
    /// The token's id, which is recorded when it is used up.
    pub(super) id: Uuid,
    /// The account's object id in its home tenant.
    pub(super) account: Uuid,
    /// The client that got the token.
    pub(super) client: Uuid,
    /// That client's family.
    pub(super) family: Option<String>,
    /// The tenant whose endpoint issued it.
    pub(super) tenant: Uuid,
    /// `sid`.
    pub(super) session: Uuid,
    /// The factors that the user has proved, with the time.
    pub(super) proofs: Proofs,
    /// The sign-in was by device code.
    pub(super) by_device_code: bool,
    /// When the token was issued, in Unix microseconds, as a revocation may be in the same second.
    pub(super) issued: i64,
    /// The requested scope, for a request without one.
    pub(super) scope: String,
}

/// Why a text is not a refresh token of this service.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum InvalidToken {
    /// It does not have the form of a refresh token.
    Malformed,
    /// It has the form, but this service did not issue it.
    Foreign,
}

/// The purpose of the encryption. With another number, tokens of earlier versions become invalid.
const PURPOSE: &str = "azcred-emulator refresh token 2";
/// Our tokens are shorter. A longer text is not read.
const MAX_BYTES: usize = 8 * 1024;

impl RefreshToken {
    /// The token as its client gets it: three parts, as in Entra ID. `None` if the system returns
    /// no random bytes, or in a directory that issues no refresh tokens.
    pub(super) fn seal(&self, directory: &Directory) -> Option<String> {
        let tenant = URL_SAFE_NO_PAD.encode(self.tenant.as_bytes());
        let sealed = seal::seal(directory, PURPOSE, self)?;
        Some(format!("1.A{tenant}.{sealed}"))
    }

    /// Decrypts a token that a client sent.
    pub(super) fn open(text: &str, directory: &Directory) -> Result<Self, InvalidToken> {
        let mut parts = text.splitn(3, '.');
        let (Some("1"), Some(_), Some(sealed)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(InvalidToken::Malformed);
        };
        let is_base64url = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        if text.len() > MAX_BYTES || !sealed.bytes().all(is_base64url) {
            return Err(InvalidToken::Malformed);
        }
        seal::open(directory, PURPOSE, sealed, MAX_BYTES).ok_or(InvalidToken::Foreign)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::directory::SecretText;

    fn directory(secret: &str) -> Directory {
        Directory {
            refresh_secret: Some(SecretText::new(secret)),
            ..Directory::default()
        }
    }

    fn token() -> RefreshToken {
        RefreshToken {
            id: Uuid::from_u128(9),
            account: Uuid::from_u128(1),
            client: Uuid::from_u128(2),
            family: Some("1".into()),
            tenant: Uuid::from_u128(3),
            session: Uuid::from_u128(4),
            proofs: Proofs::by_password(5),
            by_device_code: false,
            issued: 6,
            scope: "https://a.b/.default".into(),
        }
    }

    #[test]
    fn only_the_service_that_issued_a_token_can_read_it() {
        let ours = directory("a secret");
        let sealed = token().seal(&ours).unwrap();
        assert_eq!(RefreshToken::open(&sealed, &ours), Ok(token()));
        assert!(!sealed.contains("default"));
        let foreign = RefreshToken::open(&sealed, &directory("another"));
        assert_eq!(foreign, Err(InvalidToken::Foreign));
        // The same content is encrypted to another text each time.
        assert_ne!(token().seal(&ours).unwrap(), sealed);
        assert!(token().seal(&Directory::default()).is_none());
    }

    #[test]
    fn every_changed_or_truncated_token_is_rejected() {
        let ours = directory("a secret");
        let sealed = token().seal(&ours).unwrap();
        for end in 0..sealed.len() {
            assert!(RefreshToken::open(&sealed[..end], &ours).is_err(), "{end}");
        }
        let start = sealed.rfind('.').unwrap() + 1;
        for at in start..sealed.len() - 1 {
            let mut changed = sealed.clone().into_bytes();
            changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(changed).unwrap();
            assert!(RefreshToken::open(&changed, &ours).is_err(), "{at}");
        }
        for malformed in ["", "x", "1.A", "2.A.B", "1.A.***"] {
            let refused = RefreshToken::open(malformed, &ours);
            assert_eq!(refused, Err(InvalidToken::Malformed), "{malformed}");
        }
        let long = format!("1.A.{}", "A".repeat(MAX_BYTES));
        assert_eq!(
            RefreshToken::open(&long, &ours),
            Err(InvalidToken::Malformed)
        );
    }
}
