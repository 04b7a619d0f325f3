//! Authorization codes: each is valid once, for ten minutes.

use super::{challenge::Challenge, proofs::Proofs};
use aws_lc_rs::digest;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};
use uuid::Uuid;

/// The content of a code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct AuthorizationCode {
    /// The account's object id in its home tenant.
    pub(crate) account: Uuid,
    /// The tenant of the sign-in.
    pub(crate) tenant: Uuid,
    /// The request did not name that tenant.
    pub(crate) of_any: bool,
    /// The client's id.
    pub(crate) client: Uuid,
    /// The redirect URI to which the code was sent.
    pub(crate) redirect_uri: String,
    pub(crate) challenge: Option<Challenge>,
    pub(crate) nonce: Option<String>,
    /// The requested scope, as the v2.0 endpoint writes it.
    pub(crate) scope: String,
    /// The requested resource, as the v1.0 endpoint writes it.
    pub(crate) resource: String,
    /// `sid`.
    pub(crate) session: Uuid,
    /// The factors that the user has proved.
    pub(crate) proofs: Proofs,
    /// When the last factor was proved, in Unix milliseconds.
    pub(crate) proved_millis: i64,
    /// When the code was issued, in Unix seconds.
    pub(crate) issued: i64,
}

/// The codes of one emulator, by their digests.
#[derive(Debug, Default)]
pub(crate) struct AuthorizationCodes(Mutex<HashMap<[u8; 32], IssuedCode>>);

#[derive(Debug)]
struct IssuedCode {
    issued: i64,
    /// `None` after its use.
    code: Option<Box<AuthorizationCode>>,
}

/// Why a code is rejected.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum NotRedeemed<E> {
    /// The code does not come from this service.
    Unknown,
    /// The code was redeemed before.
    Used,
    /// The code has expired.
    Expired,
    /// The check of the request failed.
    Refused(E),
}

const LIFETIME: i64 = 10 * 60;
/// How long a code is stored, so that an expired one can be told from an unknown one.
const REMEMBERED: i64 = 60 * 60;
/// Most stored codes. With more, the oldest are dropped.
const MAX_CODES: usize = 10_000;

impl AuthorizationCodes {
    /// Issues a code. `None` if the system returns no random bytes.
    pub(crate) fn issue(&self, code: AuthorizationCode) -> Option<String> {
        let mut random = [0; 48];
        aws_lc_rs::rand::fill(&mut random).ok()?;
        let tenant = URL_SAFE_NO_PAD.encode(code.tenant.as_bytes());
        let text = format!("1.A{tenant}.{}", URL_SAFE_NO_PAD.encode(random));
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let now = code.issued;
        all.retain(|_, entry| now.saturating_sub(entry.issued) < REMEMBERED);
        if all.len() >= MAX_CODES {
            // The older half goes at once. To search for the oldest code each time would be slow
            // for all clients during a flood.
            let mut times: Vec<i64> = all.values().map(|entry| entry.issued).collect();
            let (_, middle, _) = times.select_nth_unstable(MAX_CODES / 2);
            let middle = *middle;
            all.retain(|_, entry| entry.issued > middle);
        }
        let entry = IssuedCode {
            issued: code.issued,
            code: Some(Box::new(code)),
        };
        all.insert(digest_of(&text), entry);
        Some(text)
    }

    /// Redeems a code if `check` accepts the request. A rejected request does not use the code up.
    ///
    /// # Errors
    /// Why the code is rejected, which includes the error of `check`.
    pub(crate) fn redeem<E>(
        &self,
        text: &str,
        now: i64,
        check: impl FnOnce(&AuthorizationCode) -> Result<(), E>,
    ) -> Result<AuthorizationCode, NotRedeemed<E>> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = all.get_mut(&digest_of(text)).ok_or(NotRedeemed::Unknown)?;
        let code = entry.code.as_deref().ok_or(NotRedeemed::Used)?;
        if now.saturating_sub(entry.issued) >= LIFETIME {
            return Err(NotRedeemed::Expired);
        }
        check(code).map_err(NotRedeemed::Refused)?;
        entry.code.take().map(|code| *code).ok_or(NotRedeemed::Used)
    }
}

fn digest_of(text: &str) -> [u8; 32] {
    let mut out = [0; 32];
    out.copy_from_slice(digest::digest(&digest::SHA256, text.as_bytes()).as_ref());
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(issued: i64) -> AuthorizationCode {
        AuthorizationCode {
            account: Uuid::from_u128(1),
            tenant: Uuid::from_u128(2),
            of_any: false,
            client: Uuid::from_u128(3),
            redirect_uri: "http://localhost".into(),
            challenge: None,
            nonce: None,
            scope: "User.Read".into(),
            resource: "https://graph.microsoft.com".into(),
            session: Uuid::from_u128(4),
            proofs: Proofs::by_password(issued),
            proved_millis: issued * 1000,
            issued,
        }
    }

    #[test]
    fn a_code_is_valid_once_for_ten_minutes_and_a_failed_attempt_does_not_use_it_up() {
        let codes = AuthorizationCodes::default();
        let text = codes.issue(code(1000)).unwrap();
        let other = codes.issue(code(1000)).unwrap();
        let redeem = |text: &str, now| codes.redeem(text, now, |_| Ok::<_, ()>(()));
        assert_ne!(text, other);
        assert_eq!(redeem("1.A.x", 1000), Err(NotRedeemed::Unknown));
        let wrong = codes.redeem(&text, 1000, |_| Err("a wrong verifier"));
        assert_eq!(wrong, Err(NotRedeemed::Refused("a wrong verifier")));
        assert_eq!(redeem(&text, 1599), Ok(code(1000)));
        assert_eq!(redeem(&text, 1599), Err(NotRedeemed::Used));
        assert_eq!(redeem(&other, 1600), Err(NotRedeemed::Expired));
    }

    #[test]
    fn codes_are_dropped_after_an_hour_and_the_older_ones_in_a_flood() {
        let codes = AuthorizationCodes::default();
        let first = codes.issue(code(0)).unwrap();
        codes.issue(code(3600)).unwrap();
        let forgotten = codes.redeem(&first, 0, |_| Ok::<_, ()>(()));
        assert_eq!(forgotten, Err(NotRedeemed::Unknown));
        for n in 0..MAX_CODES + 10 {
            codes.issue(code(3600 + n as i64 / 100)).unwrap();
        }
        assert!(codes.0.lock().unwrap().len() <= MAX_CODES);
    }
}
