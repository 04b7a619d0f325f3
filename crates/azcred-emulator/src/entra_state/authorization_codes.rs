//! Authorization codes: each is good for one use, for ten minutes.

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
    /// The tenant that the account signed in to.
    pub(crate) tenant: Uuid,
    /// It was asked for without naming that tenant.
    pub(crate) of_any: bool,
    /// The client's id.
    pub(crate) client: Uuid,
    /// Where it was sent.
    pub(crate) redirect_uri: String,
    pub(crate) challenge: Option<Challenge>,
    pub(crate) nonce: Option<String>,
    /// What was asked for, in the v2.0 endpoint's words.
    pub(crate) scope: String,
    /// The same in the v1.0 endpoint's.
    pub(crate) resource: String,
    /// `sid`.
    pub(crate) session: Uuid,
    /// What the account has proved.
    pub(crate) proofs: Proofs,
    /// When the account proved it, in Unix milliseconds.
    pub(crate) proved_millis: i64,
    /// When it was given out, in Unix seconds.
    pub(crate) issued: i64,
}

/// The codes of one emulator, by their digests.
#[derive(Debug, Default)]
pub(crate) struct AuthorizationCodes(Mutex<HashMap<[u8; 32], IssuedCode>>);

#[derive(Debug)]
struct IssuedCode {
    issued: i64,
    /// `None` once it was used.
    code: Option<Box<AuthorizationCode>>,
}

/// Why a code is not redeemed.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum NotRedeemed<E> {
    /// It is not one of this service's codes.
    Unknown,
    /// It was redeemed before.
    Used,
    /// It is too old.
    Expired,
    /// The check of the request found this.
    Refused(E),
}

const LIFETIME: i64 = 10 * 60;
/// How long a code is remembered: long enough to say that it has expired.
const REMEMBERED: i64 = 60 * 60;
/// More than this at once are a flood; the oldest go.
const MAX_CODES: usize = 10_000;

impl AuthorizationCodes {
    /// Gives a code out. `None` where the system has no randomness.
    pub(crate) fn issue(&self, code: AuthorizationCode) -> Option<String> {
        let mut random = [0; 48];
        aws_lc_rs::rand::fill(&mut random).ok()?;
        let tenant = URL_SAFE_NO_PAD.encode(code.tenant.as_bytes());
        let text = format!("1.A{tenant}.{}", URL_SAFE_NO_PAD.encode(random));
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let now = code.issued;
        all.retain(|_, entry| now.saturating_sub(entry.issued) < REMEMBERED);
        if all.len() >= MAX_CODES {
            // The older half: to look for the very oldest each time would cost a flood nothing, and
            // others much.
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

    /// Redeems a code if `check` accepts the request. A request that is rejected does not use the
    /// code up.
    ///
    /// # Errors
    /// Why it is not redeemed; what `check` says is among it.
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
    fn a_code_is_good_once_for_ten_minutes_and_a_failed_try_does_not_use_it_up() {
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
    fn codes_are_forgotten_after_an_hour_and_in_a_flood_the_older_go() {
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
