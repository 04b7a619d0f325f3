//! Smart lockout: too many wrong passwords lock an account for a while.
//!
//! 'Protect user accounts from attacks with Microsoft Entra smart lockout': ten failed attempts
//! lock an account, at first for one minute. The same wrong password again does not count.

use aws_lc_rs::digest;
use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};
use uuid::Uuid;

/// The result of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Right,
    Wrong,
    /// The account is locked, even for the right password.
    Locked,
}

/// The wrong attempts of each account. The size is bounded by the number of accounts.
#[derive(Debug, Default)]
pub(crate) struct Lockout(Mutex<HashMap<Uuid, Attempts>>);

#[derive(Debug, Default)]
struct Attempts {
    /// Digests of the wrong passwords, at most [`THRESHOLD`].
    wrong: Vec<[u8; 32]>,
    /// The account is locked until then, in Unix seconds.
    locked_until: i64,
}

const THRESHOLD: usize = 10;
const LOCK_SECONDS: i64 = 60;

impl Lockout {
    /// Counts an attempt at an account. `now` is in Unix seconds.
    pub(crate) fn attempt(
        &self,
        account: Uuid,
        password: &str,
        is_right: bool,
        now: i64,
    ) -> Verdict {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let attempts = all.entry(account).or_default();
        if now < attempts.locked_until {
            return Verdict::Locked;
        }
        if is_right {
            all.remove(&account);
            return Verdict::Right;
        }
        let mut tried = [0; 32];
        tried.copy_from_slice(digest::digest(&digest::SHA256, password.as_bytes()).as_ref());
        if !attempts.wrong.contains(&tried) {
            attempts.wrong.push(tried);
        }
        if attempts.wrong.len() >= THRESHOLD {
            attempts.wrong.clear();
            attempts.locked_until = now + LOCK_SECONDS;
        }
        Verdict::Wrong
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ACCOUNT: Uuid = Uuid::from_u128(1);

    #[test]
    fn ten_wrong_passwords_lock_an_account_for_a_minute_and_no_other() {
        let lockout = Lockout::default();
        for n in 0..10 {
            let wrong = format!("wrong {n}");
            assert_eq!(lockout.attempt(ACCOUNT, &wrong, false, 0), Verdict::Wrong);
        }
        assert_eq!(lockout.attempt(ACCOUNT, "right", true, 59), Verdict::Locked);
        let other = lockout.attempt(Uuid::from_u128(2), "right", true, 59);
        assert_eq!(other, Verdict::Right);
        assert_eq!(lockout.attempt(ACCOUNT, "right", true, 60), Verdict::Right);
    }

    #[test]
    fn the_same_wrong_password_counts_once_and_a_right_one_resets_the_count() {
        let lockout = Lockout::default();
        for _ in 0..20 {
            let verdict = lockout.attempt(ACCOUNT, "the old one", false, 0);
            assert_eq!(verdict, Verdict::Wrong);
        }
        for round in 0..2 {
            for n in 0..8 {
                lockout.attempt(ACCOUNT, &format!("{round} {n}"), false, 0);
            }
            assert_eq!(lockout.attempt(ACCOUNT, "right", true, 0), Verdict::Right);
        }
    }
}
