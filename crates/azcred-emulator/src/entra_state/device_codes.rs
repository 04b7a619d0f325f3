//! The device code flow (RFC 8628): codes that wait for a user.
//!
//! A program gets two codes. It shows the user code to a user, who enters it on a page in any
//! browser and signs in there. With the device code, the program polls for the result.

use super::proofs::Proofs;
use aws_lc_rs::digest;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};
use uuid::Uuid;
use zeroize::Zeroizing;

/// Most codes that wait at once. A program uses one, and a user enters one.
const MAX_PENDING: usize = 1000;
/// Most wrong user codes, from all browsers, within [`WINDOW_SECONDS`]. With so few attempts,
/// guessing finds none of a thousand codes among 20 to the power of 9 (RFC 8628 section 5.1).
const MAX_WRONG: usize = 50;
const WINDOW_SECONDS: i64 = 60;
/// Consonants that don't look alike, so that no code is a word (RFC 8628 section 6.1).
const ALPHABET: &[u8; 20] = b"BCDFGHJKLMNPQRSTVWXZ";
const USER_CODE_LETTERS: usize = 9;
const DEVICE_CODE_BYTES: usize = 96;
/// How much sooner than the interval a program may poll, in milliseconds, as clocks and networks
/// are not exact.
const TOLERANCE_MS: i64 = 500;
/// How much longer a program's interval becomes when it polls too soon (RFC 8628 section 3.5).
const SLOWER_MS: i64 = 5000;

/// The device codes of one emulator.
#[derive(Debug, Default)]
pub(crate) struct DeviceCodes(Mutex<PendingCodes>);

#[derive(Debug, Default)]
struct PendingCodes {
    /// By the digest of the device code, which is a secret.
    codes: HashMap<[u8; 32], PendingCode>,
    /// When wrong user codes were entered, in Unix seconds.
    wrong: Vec<i64>,
}

/// A program's request, as the page shows it and as the token is issued.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DeviceRequest {
    /// The client id.
    pub(crate) client: Uuid,
    /// The first segment of the path, which names the tenant.
    pub(crate) segment: String,
    /// The requested scope, as the v2.0 endpoint writes it.
    pub(crate) scope: String,
    /// `claims`, valid JSON.
    pub(crate) claims: Option<String>,
}

/// The account that approved the program, and how it signed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Approval {
    /// The account, by its object id in its home tenant.
    pub(crate) account: Uuid,
    /// `sid` of the browser's session.
    pub(crate) session: Uuid,
    /// The factors that the user has proved.
    pub(crate) proofs: Proofs,
    /// When, in Unix milliseconds, as a revocation may be in the same second.
    pub(crate) proved_millis: i64,
}

/// Why a user code is rejected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CodeRefused {
    /// The code is unknown, has expired, or was used.
    Unknown,
    /// Too many wrong codes were entered: all codes are rejected for a minute.
    TooManyAttempts,
}

#[derive(Debug)]
struct PendingCode {
    user_code: String,
    pending: DeviceRequest,
    state: State,
    /// Unix seconds.
    expires: i64,
    /// When it was last polled, in Unix milliseconds.
    polled: Option<i64>,
    /// The least time between two polls, in milliseconds.
    interval: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Waiting,
    Approved(Approval),
    Declined,
}

/// A new pair of codes.
pub(crate) struct CodePair {
    pub(crate) device_code: Zeroizing<String>,
    pub(crate) user_code: String,
}

/// The result of a poll.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Polled {
    Unknown,
    Expired,
    TooSoon,
    Waiting,
    Declined,
    /// The code is used up.
    Approved(DeviceRequest, Approval),
}

impl DeviceCodes {
    fn lock(&self) -> MutexGuard<'_, PendingCodes> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The request of this user code. `now` is in Unix seconds. Case, spaces and hyphens are
    /// ignored.
    ///
    /// # Errors
    /// If the code is unknown, or too many wrong codes were entered.
    pub(crate) fn find(&self, user_code: &str, now: i64) -> Result<DeviceRequest, CodeRefused> {
        self.waiting(user_code, now, |entry| entry.pending.clone())
    }

    /// Approves the program.
    ///
    /// # Errors
    /// As [`Self::find`].
    pub(crate) fn approve(
        &self,
        user_code: &str,
        approval: Approval,
        now: i64,
    ) -> Result<(), CodeRefused> {
        self.waiting(user_code, now, |entry| {
            entry.state = State::Approved(approval);
        })
    }

    /// Declines the program.
    ///
    /// # Errors
    /// As [`Self::find`].
    pub(crate) fn decline(&self, user_code: &str, now: i64) -> Result<(), CodeRefused> {
        self.waiting(user_code, now, |entry| entry.state = State::Declined)
    }

    fn waiting<T>(
        &self,
        user_code: &str,
        now: i64,
        act: impl FnOnce(&mut PendingCode) -> T,
    ) -> Result<T, CodeRefused> {
        let mut inner = self.lock();
        inner.wrong.retain(|time| now - *time < WINDOW_SECONDS);
        if inner.wrong.len() >= MAX_WRONG {
            return Err(CodeRefused::TooManyAttempts);
        }
        let wanted = canonical(user_code);
        let found = inner.codes.values_mut().find(|entry| {
            entry.user_code == wanted && entry.state == State::Waiting && now < entry.expires
        });
        match found {
            Some(entry) => Ok(act(entry)),
            None => {
                inner.wrong.push(now);
                Err(CodeRefused::Unknown)
            }
        }
    }

    /// Creates a pair of codes for a request. They are valid until `expires`, with `interval`
    /// seconds between two polls. `None` if the system returns no random bytes, or if too many
    /// codes wait.
    pub(crate) fn begin(
        &self,
        pending: DeviceRequest,
        now: i64,
        expires: i64,
        interval: u32,
    ) -> Option<CodePair> {
        let codes = CodePair::generate()?;
        let mut inner = self.lock();
        // An expired code is kept as long again, so that the program learns that it has expired.
        inner.codes.retain(|_, entry| {
            let lifetime = expires.saturating_sub(now);
            now < entry.expires.saturating_add(lifetime)
        });
        if inner.codes.len() >= MAX_PENDING {
            return None;
        }
        let entry = PendingCode {
            user_code: codes.user_code.clone(),
            pending,
            state: State::Waiting,
            expires,
            polled: None,
            interval: i64::from(interval) * 1000,
        };
        inner.codes.insert(digest_of(&codes.device_code), entry);
        Some(codes)
    }

    /// Handles a program's poll, at a time in Unix milliseconds.
    pub(crate) fn poll(&self, device_code: &str, client: Uuid, now_ms: i64) -> Polled {
        let mut inner = self.lock();
        let key = digest_of(device_code);
        let Some(entry) = inner
            .codes
            .get_mut(&key)
            .filter(|entry| entry.pending.client == client)
        else {
            return Polled::Unknown;
        };
        if now_ms / 1000 >= entry.expires {
            return Polled::Expired;
        }
        let since = entry.polled.map(|last| now_ms.saturating_sub(last));
        entry.polled = Some(now_ms);
        match entry.state {
            State::Waiting if since.is_some_and(|ms| ms + TOLERANCE_MS < entry.interval) => {
                entry.interval += SLOWER_MS;
                Polled::TooSoon
            }
            State::Waiting => Polled::Waiting,
            State::Declined => Polled::Declined,
            State::Approved(approval) => {
                let pending = entry.pending.clone();
                inner.codes.remove(&key);
                Polled::Approved(pending, approval)
            }
        }
    }
}

impl CodePair {
    /// `None` if the system returns no random bytes.
    fn generate() -> Option<Self> {
        let mut random = Zeroizing::new([0; DEVICE_CODE_BYTES]);
        aws_lc_rs::rand::fill(random.as_mut_slice()).ok()?;
        let mut user_code = String::with_capacity(USER_CODE_LETTERS);
        while user_code.len() < USER_CODE_LETTERS {
            let mut random = [0; 16];
            aws_lc_rs::rand::fill(&mut random).ok()?;
            // 240 is the largest multiple of 20 in a byte. Larger values would favour the first
            // letters.
            let letters = random
                .into_iter()
                .filter(|byte| *byte < 240)
                .map(|byte| char::from(ALPHABET[usize::from(byte % 20)]));
            user_code.extend(letters.take(USER_CODE_LETTERS - user_code.len()));
        }
        Some(Self {
            device_code: device_code_of_random(&random),
            user_code,
        })
    }
}

/// The device code for these random bytes.
///
/// Like Entra ID's, it begins with a letter. On a command line, a leading `-` would make it an
/// option.
fn device_code_of_random(random: &[u8; DEVICE_CODE_BYTES]) -> Zeroizing<String> {
    let mut bytes = Zeroizing::new(*random);
    // The first half of base64url's alphabet is letters.
    bytes[0] &= 0x7f;
    Zeroizing::new(URL_SAFE_NO_PAD.encode(bytes.as_slice()))
}

/// A user code in upper case, without spaces and hyphens. A longer text is cut.
fn canonical(user_code: &str) -> String {
    user_code
        .chars()
        .filter(|c| !c.is_whitespace() && *c != '-')
        .take(USER_CODE_LETTERS + 1)
        .map(|c| c.to_ascii_uppercase())
        .collect()
}

fn digest_of(device_code: &str) -> [u8; 32] {
    let mut key = [0; 32];
    key.copy_from_slice(digest::digest(&digest::SHA256, device_code.as_bytes()).as_ref());
    key
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLIENT: Uuid = Uuid::from_u128(1);

    fn pending() -> DeviceRequest {
        DeviceRequest {
            client: CLIENT,
            segment: "organizations".into(),
            scope: "https://a.b/.default".into(),
            claims: None,
        }
    }

    fn approval() -> Approval {
        Approval {
            account: Uuid::from_u128(2),
            session: Uuid::from_u128(3),
            proofs: Proofs::by_password(5),
            proved_millis: 5000,
        }
    }

    fn begin(devices: &DeviceCodes, now: i64) -> CodePair {
        devices.begin(pending(), now, now + 900, 5).unwrap()
    }

    #[test]
    fn a_device_code_always_begins_with_a_letter() {
        for byte in 0..=u8::MAX {
            let code = device_code_of_random(&[byte; DEVICE_CODE_BYTES]);
            assert_eq!(code.len(), 128);
            assert!(
                code.starts_with(|c: char| c.is_ascii_alphabetic()),
                "{}",
                *code
            );
        }
    }

    #[test]
    fn a_user_code_has_nine_consonants_and_case_and_hyphens_are_ignored() {
        let devices = DeviceCodes::default();
        let codes = begin(&devices, 0);
        assert_eq!(codes.user_code.len(), 9);
        assert!(codes.user_code.bytes().all(|b| ALPHABET.contains(&b)));
        let (start, end) = codes.user_code.split_at(4);
        let typed = format!(" {}-{end} ", start.to_lowercase());
        assert_eq!(devices.find(&typed, 0), Ok(pending()));
        let longer = format!("{}B", codes.user_code);
        assert_eq!(devices.find(&longer, 0), Err(CodeRefused::Unknown));
        assert_eq!(devices.find("", 0), Err(CodeRefused::Unknown));
        assert_eq!(
            devices.find(&codes.user_code, 900),
            Err(CodeRefused::Unknown)
        );
    }

    #[test]
    fn a_program_polls_until_a_user_has_decided_and_gets_one_result() {
        let devices = DeviceCodes::default();
        let codes = begin(&devices, 0);
        let code = &codes.device_code;
        assert_eq!(devices.poll(code, CLIENT, 0), Polled::Waiting);
        assert_eq!(devices.poll(code, Uuid::nil(), 9000), Polled::Unknown);
        assert_eq!(devices.poll("another", CLIENT, 9000), Polled::Unknown);
        devices.approve(&codes.user_code, approval(), 1).unwrap();
        // A decision can't be changed.
        let again = devices.decline(&codes.user_code, 1);
        assert_eq!(again, Err(CodeRefused::Unknown));
        let approved = Polled::Approved(pending(), approval());
        assert_eq!(devices.poll(code, CLIENT, 1000), approved);
        assert_eq!(devices.poll(code, CLIENT, 9000), Polled::Unknown);

        let codes = begin(&devices, 0);
        devices.decline(&codes.user_code, 1).unwrap();
        for _ in 0..2 {
            let answer = devices.poll(&codes.device_code, CLIENT, 1000);
            assert_eq!(answer, Polled::Declined);
        }
    }

    #[test]
    fn a_program_that_polls_too_soon_must_slow_down() {
        let devices = DeviceCodes::default();
        let code = begin(&devices, 0).device_code;
        for (at, expected) in [
            (0, Polled::Waiting),
            (5000, Polled::Waiting),
            (9600, Polled::Waiting),
            (12_000, Polled::TooSoon),
            // From now on, ten seconds apart.
            (18_000, Polled::TooSoon),
            (33_000, Polled::Waiting),
        ] {
            assert_eq!(devices.poll(&code, CLIENT, at), expected, "{at}");
        }
    }

    #[test]
    fn a_code_expires_and_is_reported_as_expired_for_a_while() {
        let devices = DeviceCodes::default();
        let codes = begin(&devices, 0);
        let poll = |at: i64| devices.poll(&codes.device_code, CLIENT, at * 1000);
        assert_eq!(poll(899), Polled::Waiting);
        assert_eq!(poll(900), Polled::Expired);
        begin(&devices, 1799);
        assert_eq!(poll(1799), Polled::Expired);
        begin(&devices, 1800);
        assert_eq!(poll(1800), Polled::Unknown);
    }

    #[test]
    fn the_number_of_waiting_codes_is_limited_and_expired_ones_free_their_places() {
        let devices = DeviceCodes::default();
        for _ in 0..MAX_PENDING {
            assert!(devices.begin(pending(), 0, 900, 5).is_some());
        }
        assert!(devices.begin(pending(), 0, 900, 5).is_none());
        assert!(devices.begin(pending(), 1800, 2700, 5).is_some());
    }

    #[test]
    fn guessing_codes_is_blocked() {
        let devices = DeviceCodes::default();
        let codes = begin(&devices, 0);
        for _ in 0..MAX_WRONG {
            assert_eq!(devices.find("BBBBBBBBB", 0), Err(CodeRefused::Unknown));
        }
        let right = |now| devices.find(&codes.user_code, now);
        assert_eq!(right(59), Err(CodeRefused::TooManyAttempts));
        assert_eq!(right(60), Ok(pending()));
    }
}
