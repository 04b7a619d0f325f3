//! Continuous access evaluation: what has happened to an account since a token was issued.
//!
//! 'Continuous access evaluation', section 'Critical event evaluation'. Services that take part are
//! notified of changes to an account. They compare the time of the change with the time at which
//! the token was issued. Claims have that time in seconds and five minutes early, so the exact time
//! is in `uti`, which only the issuer reads.

use super::verify::Claims;
use crate::{
    clock::micros,
    directory::{Directory, User},
};
use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use serde_json::json;
use time::OffsetDateTime;
use uuid::Uuid;

/// `uti` of a token issued at this time: 16 bytes, of which the first half is the time.
pub(crate) fn token_id(issued: OffsetDateTime) -> String {
    let mut id = Uuid::new_v4().into_bytes();
    id[..8].copy_from_slice(&micros(issued).to_be_bytes());
    URL_SAFE_NO_PAD.encode(id)
}

/// The time in a `uti`, in Unix microseconds.
pub(crate) fn issued_at(token_id: &str) -> Option<i64> {
    let id: [u8; 16] = URL_SAFE_NO_PAD.decode(token_id).ok()?.try_into().ok()?;
    let (time, _) = id.split_first_chunk::<8>()?;
    Some(i64::from_be_bytes(*time))
}

/// Why a token with valid claims is not accepted any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Revoked {
    /// When the account's sessions ended, in Unix seconds. The next sign-in must not be older.
    not_before: i64,
}

impl Revoked {
    /// The `claims` that the client must send to Entra ID with its next request, in base64 as
    /// services send them.
    pub(crate) fn claims(&self) -> String {
        let value = self.not_before.to_string();
        let claims = json!({"access_token": {"nbf": {"essential": true, "value": value}}});
        STANDARD.encode(claims.to_string())
    }
}

/// Checks what has happened to the account of a token. It checks only tokens of clients that can
/// handle a challenge (`xms_cc`). All others are valid until they expire.
pub(crate) fn evaluate(
    directory: &Directory,
    claims: &Claims,
    now: OffsetDateTime,
) -> Result<(), Revoked> {
    let capabilities = claims.all.get("xms_cc").and_then(|value| value.as_array());
    let can_be_challenged = capabilities.is_some_and(|all| {
        let mut names = all.iter().filter_map(|name| name.as_str());
        names.any(|name| name.eq_ignore_ascii_case("cp1"))
    });
    if claims.is_app || !can_be_challenged {
        return Ok(());
    }
    let ended = || Revoked {
        not_before: now.unix_timestamp(),
    };
    let user = directory.users.get(&claims.object_id).ok_or_else(ended)?;
    // A change to a guest's home account counts too.
    let home = match user.guest_of {
        Some(home) => Some(directory.users.get(&home).ok_or_else(ended)?),
        None => None,
    };
    let issued = claims.all.get("uti").and_then(|id| issued_at(id.as_str()?));
    for account in std::iter::once(user).chain(home) {
        if !account.enabled {
            return Err(ended());
        }
        if let Some(valid_from) = account.sessions_valid_from
            && issued.is_none_or(|issued| issued < micros(valid_from))
        {
            return Err(Revoked {
                not_before: valid_from.unix_timestamp(),
            });
        }
    }
    Ok(())
}

/// Whether a refresh token was issued before the account's sessions ended. `issued` is in Unix
/// microseconds.
pub(crate) fn is_revoked(account: &User, issued: i64) -> bool {
    let valid_from = account.sessions_valid_from;
    valid_from.is_some_and(|valid_from| issued < micros(valid_from))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Map, Value};
    use time::Duration;

    const HOME: Uuid = Uuid::from_u128(1);
    const GUEST: Uuid = Uuid::from_u128(2);
    const ISSUED: OffsetDateTime = OffsetDateTime::UNIX_EPOCH;

    fn directory() -> Directory {
        let mut directory = Directory::default();
        let home = User::new(HOME, Uuid::from_u128(10), "ada@a.com", "Ada");
        let guest = User {
            guest_of: Some(HOME),
            ..User::new(GUEST, Uuid::from_u128(20), "ada#EXT#@b.com", "Ada")
        };
        for user in [home, guest] {
            directory.users.insert(user.id, user);
        }
        directory
    }

    fn claims(object_id: Uuid, all: &Value) -> Claims {
        let mut claims: Map<String, Value> = all.as_object().unwrap().clone();
        claims.insert("uti".into(), token_id(ISSUED).into());
        Claims {
            tenant: Uuid::nil(),
            object_id,
            app_id: None,
            audience: String::new(),
            is_app: false,
            expires: ISSUED,
            all: claims,
        }
    }

    #[test]
    fn a_token_issued_a_microsecond_before_its_sessions_ended_is_revoked() {
        let mut directory = directory();
        let capable = json!({"xms_cc": ["CP1"]});
        let now = ISSUED + Duration::hours(1);
        let check = |directory: &Directory, id| evaluate(directory, &claims(id, &capable), now);
        assert_eq!(check(&directory, GUEST), Ok(()));
        directory.revoke_sessions(HOME, ISSUED);
        assert_eq!(check(&directory, HOME), Ok(()));
        directory.revoke_sessions(HOME, ISSUED + Duration::MICROSECOND);
        // A guest's sessions end with those of the home account.
        for id in [HOME, GUEST] {
            let revoked = check(&directory, id).unwrap_err();
            assert_eq!(revoked, Revoked { not_before: 0 });
            let claims = STANDARD.decode(revoked.claims()).unwrap();
            let claims: Value = serde_json::from_slice(&claims).unwrap();
            let nbf = json!({"essential": true, "value": "0"});
            assert_eq!(claims, json!({"access_token": {"nbf": nbf}}));
        }
        for incapable in [json!({}), json!({"xms_cc": []}), json!({"xms_cc": "CP1"})] {
            let kept = evaluate(&directory, &claims(HOME, &incapable), now);
            assert_eq!(kept, Ok(()), "{incapable}");
        }
    }

    #[test]
    fn tokens_of_a_disabled_or_deleted_account_are_revoked() {
        let capable = json!({"xms_cc": ["cp1"]});
        let now = ISSUED + Duration::hours(1);
        let ended = Err(Revoked { not_before: 3600 });
        for id in [HOME, GUEST] {
            let mut disabled = directory();
            disabled.users.get_mut(&HOME).unwrap().enabled = false;
            assert_eq!(evaluate(&disabled, &claims(id, &capable), now), ended);
            let mut deleted = directory();
            deleted.users.remove(&HOME);
            assert_eq!(evaluate(&deleted, &claims(id, &capable), now), ended);
        }
    }
}
