//! The second factor: a number that an authenticator app shows (RFC 6238, 30 seconds, six digits).
//!
//! The app is part of the emulator: each user's key comes from the service's secret, and the page
//! shows the number that a phone would show. It proves nothing about the user. It shows whether a
//! client can handle the second factor.

use crate::directory::Directory;
use aws_lc_rs::hmac;
use subtle::ConstantTimeEq as _;
use uuid::Uuid;

const STEP_SECONDS: i64 = 30;
/// Number of earlier steps that are accepted too, as people type slowly.
const STEPS_BACK: i64 = 3;

/// The number at a time in Unix seconds. `None` in a directory without a secret.
pub(super) fn number(directory: &Directory, account: Uuid, now: i64) -> Option<String> {
    let secret = directory.refresh_secret.as_ref()?;
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.expose().as_bytes());
    let mut context = hmac::Context::with_key(&key);
    context.update(b"azcred-emulator authenticator 1");
    context.update(account.as_bytes());
    context.update(&now.div_euclid(STEP_SECONDS).to_be_bytes());
    let tag = context.sign();
    // RFC 4226 section 5.3.
    let (_, last) = tag.as_ref().split_last_chunk::<4>()?;
    let number = u32::from_be_bytes(*last) & 0x7fff_ffff;
    Some(format!("{:06}", number % 1_000_000))
}

/// Whether the entered number is the present one or a recent one. Spaces are ignored.
pub(super) fn is_right(directory: &Directory, account: Uuid, now: i64, entered: &str) -> bool {
    let entered: String = entered.chars().filter(|c| !c.is_whitespace()).collect();
    let mut right = subtle::Choice::from(0);
    for back in 0..=STEPS_BACK {
        if let Some(number) = number(directory, account, now - back * STEP_SECONDS) {
            right |= number.as_bytes().ct_eq(entered.as_bytes());
        }
    }
    right.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::directory::SecretText;

    #[test]
    fn a_number_is_valid_for_two_minutes_and_for_one_user() {
        let directory = Directory {
            refresh_secret: Some(SecretText::new("a secret")),
            ..Directory::default()
        };
        let (ada, grace) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let shown = number(&directory, ada, 1_000_000_020).unwrap();
        assert_eq!(shown.len(), 6);
        let spaced = format!("{} {}", &shown[..3], &shown[3..]);
        for now in [1_000_000_020, 1_000_000_049, 1_000_000_139] {
            assert!(is_right(&directory, ada, now, &spaced), "{now}");
        }
        assert!(!is_right(&directory, ada, 1_000_000_140, &shown));
        assert!(!is_right(&directory, ada, 1_000_000_019, &shown));
        assert!(!is_right(&directory, grace, 1_000_000_020, &shown));
        assert!(!is_right(&directory, ada, 1_000_000_020, ""));
        assert!(!is_right(&Directory::default(), ada, 0, "000000"));
    }
}
