//! The content of an entry on the disk: a token, and what lists show of it.
//!
//! A length (4 bytes, big-endian), JSON of that length, the token. The token is separate, so that
//! it is copied only into memory that is wiped.

use super::Identity;
use crate::{moment, request::TokenRequest, scope::Scope, token::AccessToken};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use zeroize::Zeroizing;

/// One entry.
pub(super) struct StoredToken {
    pub(super) about: TokenLabel,
    pub(super) token: Option<AccessToken>,
    /// When the last request failed, if it failed since this token was stored.
    pub(super) failed_at: Option<SystemTime>,
}

/// What lists show of a token.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct TokenLabel {
    pub(super) credential: String,
    pub(super) whose: String,
    pub(super) tenant: Option<String>,
    pub(super) scopes: Vec<String>,
    /// The sign-in under which it is stored, if there is one.
    #[serde(default)]
    pub(super) sign_in: Option<String>,
}

/// Times are in milliseconds since 1970.
#[derive(Serialize, Deserialize)]
struct StoredHeader {
    about: TokenLabel,
    token: Option<StoredTimes>,
    failed_at: Option<u64>,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
struct StoredTimes {
    obtained: u64,
    refresh_on: u64,
    ends: u64,
}

/// How long a failed request matters.
const FAILED: Duration = Duration::from_secs(60);

impl TokenLabel {
    pub(super) fn new(identity: &Identity, request: &TokenRequest) -> Self {
        let scopes = request.scopes().iter().map(Scope::as_str);
        Self {
            credential: identity.credential().to_owned(),
            whose: identity.whose().to_owned(),
            tenant: identity.tenant().map(str::to_owned),
            scopes: scopes.map(str::to_owned).collect(),
            sign_in: identity.sign_in().map(str::to_owned),
        }
    }
}

impl StoredToken {
    pub(super) fn to_bytes(&self) -> Option<Zeroizing<Vec<u8>>> {
        let header = StoredHeader {
            about: self.about.clone(),
            token: self.token.as_ref().map(|token| StoredTimes {
                obtained: milliseconds(token.0.obtained()),
                refresh_on: milliseconds(token.refresh_on().into()),
                ends: milliseconds(token.expires_on().into()),
            }),
            failed_at: self.failed_at.map(milliseconds),
        };
        let header = serde_json::to_vec(&header).ok()?;
        let secret = self.token.as_ref().map_or("", AccessToken::secret);
        let mut bytes = Zeroizing::new(Vec::with_capacity(4 + header.len() + secret.len()));
        bytes.extend_from_slice(&u32::try_from(header.len()).ok()?.to_be_bytes());
        bytes.extend_from_slice(&header);
        bytes.extend_from_slice(secret.as_bytes());
        Some(bytes)
    }

    /// Reads an entry; `None` if the bytes are not one.
    pub(super) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (length, rest) = bytes.split_first_chunk()?;
        let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
        let (header, secret) = rest.split_at_checked(length)?;
        let header: StoredHeader = serde_json::from_slice(header).ok()?;
        let token = match header.token {
            None => None,
            Some(times) => Some(token(&times, secret)?),
        };
        Some(Self {
            about: header.about,
            token,
            failed_at: header.failed_at.and_then(time),
        })
    }

    /// When the entry becomes useless.
    pub(super) fn end(&self, now: SystemTime) -> SystemTime {
        match &self.token {
            Some(token) => token.expires_on().into(),
            None => moment::after(now, FAILED),
        }
    }
}

fn token(times: &StoredTimes, secret: &[u8]) -> Option<AccessToken> {
    let obtained = time(times.obtained)?;
    let lifetime = time(times.ends)?.duration_since(obtained).ok()?;
    let refresh_in = time(times.refresh_on)?.duration_since(obtained).ok()?;
    let secret = str::from_utf8(secret)
        .ok()
        .filter(|secret| !secret.is_empty())?;
    let secret = SecretString::from(secret.to_owned());
    Some(AccessToken::new(
        secret,
        obtained,
        lifetime,
        Some(refresh_in),
    ))
}

fn milliseconds(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

fn time(milliseconds: u64) -> Option<SystemTime> {
    // After the year 9999, dates overflow.
    const LAST: u64 = 253_402_300_799_000;
    (milliseconds <= LAST).then(|| UNIX_EPOCH + Duration::from_millis(milliseconds))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hostile::{cases, spoilt};
    use proptest::prelude::*;

    fn kept() -> StoredToken {
        let now = UNIX_EPOCH + Duration::from_secs(1_800_000_000);
        let identity = Identity::new("ClientSecretCredential", "the application a");
        StoredToken {
            about: TokenLabel::new(&identity, &TokenRequest::new(Scope::ARM)),
            token: Some(AccessToken::new(
                "TopSecretToken",
                now,
                Duration::from_secs(3600),
                Some(Duration::from_secs(600)),
            )),
            failed_at: Some(now + Duration::from_secs(5)),
        }
    }

    #[test]
    fn a_token_comes_back_with_all_its_times() {
        let (before, bytes) = (kept(), kept().to_bytes().unwrap());
        let after = StoredToken::from_bytes(&bytes).unwrap();
        let (one, other) = (before.token.unwrap(), after.token.unwrap());
        assert_eq!(one.secret(), other.secret());
        assert_eq!(one.expires_on(), other.expires_on());
        assert_eq!(one.refresh_on(), other.refresh_on());
        assert_eq!(one.0.obtained(), other.0.obtained());
        assert_eq!(before.failed_at, after.failed_at);
        assert!(!format!("{:?}", after.about).contains("TopSecret"));
    }

    #[test]
    fn times_that_make_no_sense_make_no_token() {
        let good = StoredTimes {
            obtained: 1000,
            refresh_on: 2000,
            ends: 3000,
        };
        assert!(token(&good, b"t").is_some());
        for (bad, secret) in [
            (StoredTimes { ends: 500, ..good }, b"t".as_slice()),
            (
                StoredTimes {
                    refresh_on: 500,
                    ..good
                },
                b"t",
            ),
            (
                StoredTimes {
                    ends: u64::MAX,
                    ..good
                },
                b"t",
            ),
            (good, b""),
            (
                StoredTimes {
                    obtained: 1,
                    refresh_on: 1,
                    ends: 1,
                },
                b"\xff",
            ),
        ] {
            assert!(token(&bad, secret).is_none());
        }
    }

    proptest! {
        #![proptest_config(cases())]

        #[test]
        fn damaged_entries_are_read_without_harm(bad in spoilt(kept().to_bytes().unwrap().to_vec())) {
            if let Some(kept) = StoredToken::from_bytes(&bad) {
                let _ = kept.end(UNIX_EPOCH);
                let _ = kept.to_bytes();
            }
        }
    }
}
