//! Refresh tokens: opaque to clients, readable to the service that issued them.
//!
//! The service stores nothing: the content of a token is in it, encrypted. That is why an older one
//! keeps working after it was used, as with Entra ID, and why the emulator can't be filled up with
//! them. They end by time, by the account's `sessions_valid_from`, and with their use in a tenant
//! that wants it so.

use crate::{directory::Directory, entra::seal, entra_state::Proofs};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The content of a refresh token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct RefreshToken {
    /// Its own id, by which a tenant knows that it was used.
    pub(super) id: Uuid,
    /// The account, by its object id in its home tenant.
    pub(super) account: Uuid,
    /// The client it was issued to.
    pub(super) client: Uuid,
    /// That client's family.
    pub(super) family: Option<String>,
    /// The tenant whose endpoint issued it.
    pub(super) tenant: Uuid,
    /// `sid`.
    pub(super) session: Uuid,
    /// What the account has proved, and when.
    pub(super) proofs: Proofs,
    /// The sign-in was by device code.
    pub(super) by_device_code: bool,
    /// When this token was issued, in Unix microseconds: revocation may follow at once.
    pub(super) issued: i64,
    /// What was asked for, for a client that asks for nothing else.
    pub(super) scope: String,
}

/// Why a text is not a refresh token of this service.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum NotOurs {
    /// It does not even look like one.
    Malformed,
    /// It looks like one, and this service did not seal it.
    Foreign,
}

/// What the sealing is for. Another number makes older tokens foreign.
const PURPOSE: &str = "azcred-emulator refresh token 2";
/// No token of ours comes near this; what is longer is not looked at.
const MAX_BYTES: usize = 8 * 1024;

impl RefreshToken {
    /// The token as its client gets it: three parts, as Entra ID's have. `None` without randomness,
    /// or in a directory that issues none.
    pub(super) fn seal(&self, directory: &Directory) -> Option<String> {
        let tenant = URL_SAFE_NO_PAD.encode(self.tenant.as_bytes());
        let sealed = seal::seal(directory, PURPOSE, self)?;
        Some(format!("1.A{tenant}.{sealed}"))
    }

    /// Reads a token that came back.
    pub(super) fn open(text: &str, directory: &Directory) -> Result<Self, NotOurs> {
        let mut parts = text.splitn(3, '.');
        let (Some("1"), Some(_), Some(sealed)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(NotOurs::Malformed);
        };
        let is_base64url = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        if text.len() > MAX_BYTES || !sealed.bytes().all(is_base64url) {
            return Err(NotOurs::Malformed);
        }
        seal::open(directory, PURPOSE, sealed, MAX_BYTES).ok_or(NotOurs::Foreign)
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
    fn a_token_is_read_by_who_issued_it_and_by_nobody_else() {
        let ours = directory("a secret");
        let sealed = token().seal(&ours).unwrap();
        assert_eq!(RefreshToken::open(&sealed, &ours), Ok(token()));
        assert!(!sealed.contains("default"));
        let foreign = RefreshToken::open(&sealed, &directory("another"));
        assert_eq!(foreign, Err(NotOurs::Foreign));
        // The same content is another text each time.
        assert_ne!(token().seal(&ours).unwrap(), sealed);
        assert!(token().seal(&Directory::default()).is_none());
    }

    #[test]
    fn every_changed_or_cut_text_is_refused() {
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
            assert_eq!(refused, Err(NotOurs::Malformed), "{malformed}");
        }
        let long = format!("1.A.{}", "A".repeat(MAX_BYTES));
        assert_eq!(RefreshToken::open(&long, &ours), Err(NotOurs::Malformed));
    }
}
