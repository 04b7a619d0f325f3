//! What a browser stores: the signed-in accounts, and an id that the emulator's pages carry.
//!
//! Both are cookies. The accounts are encrypted: the service stores nothing, so a sign-in survives
//! a restart. Browsers don't send the cookies with forms of other sites (`SameSite`), nor show them
//! to scripts (`HttpOnly`). The prefix `__Host-` keeps programs that serve plain HTTP at the same
//! host from setting them (RFC 6265bis section 4.1.3.2).

use crate::{
    clock::millis,
    directory::{Directory, User},
    entra::{exchange::Exchange, seal},
    entra_state::Proofs,
};
use axum::response::Response;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use http::{HeaderMap, HeaderValue, header};
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq as _;
use time::OffsetDateTime;
use uuid::Uuid;

/// A signed-in account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct SignedIn {
    /// The account's object id in its home tenant.
    pub(super) account: Uuid,
    /// `sid`.
    pub(super) session: Uuid,
    /// The factors that the user has proved, with the time.
    pub(super) proofs: Proofs,
    /// The time of the sign-in in Unix milliseconds, as a revocation may be in the same second.
    pub(super) millis: i64,
}

/// A browser, identified by its cookies.
pub(super) struct Browser {
    /// A random id, which the emulator's pages carry and other sites don't know.
    id: String,
    is_new: bool,
    signed_in: Vec<SignedIn>,
    is_changed: bool,
    /// The port, as part of the cookies' names. Cookies are shared between ports: without it, two
    /// emulators on one machine would sign out each other's users.
    suffix: String,
}

const PURPOSE: &str = "azcred-emulator browser session 1";
/// Most signed-in accounts. A further one replaces the oldest.
const MAX_SIGNED_IN: usize = 8;
/// The largest cookie that a browser stores.
const MAX_COOKIE: usize = 4096;
/// A session that is not persistent ends after a day ('Session lifetime policies').
const SESSION_SECONDS: i64 = 24 * 3600;

impl Browser {
    /// Reads a browser's cookies. A browser without them is new. `None` if the system returns no
    /// random bytes.
    pub(super) fn read(
        directory: &Directory,
        exchange: &Exchange,
        login_url: &str,
        headers: &HeaderMap,
    ) -> Option<Self> {
        let suffix = match &exchange.entrance.real_name {
            Some(_) => String::new(),
            None => login_url
                .rsplit_once(':')
                .map_or_else(String::new, |(_, port)| format!("-{port}")),
        };
        let known = cookie(headers, &format!("__Host-esctx{suffix}")).filter(|id| id.len() == ID);
        let sealed = cookie(headers, &format!("__Host-ESTSAUTH{suffix}"));
        let mut signed_in: Vec<SignedIn> = sealed
            .and_then(|text| seal::open(directory, PURPOSE, text, MAX_COOKIE))
            .unwrap_or_default();
        let now = exchange.now.unix_timestamp();
        signed_in.retain(|one| is_alive(directory, one, now));
        Some(Self {
            is_new: known.is_none(),
            id: match known {
                Some(id) => id.to_owned(),
                None => new_id()?,
            },
            signed_in,
            is_changed: false,
            suffix,
        })
    }

    /// The id that the pages carry.
    pub(super) fn id(&self) -> &str {
        &self.id
    }

    /// Whether this id, from a page, is this browser's.
    pub(super) fn owns(&self, id: &str) -> bool {
        !self.is_new && bool::from(self.id.as_bytes().ct_eq(id.as_bytes()))
    }

    /// The signed-in accounts. The last one comes first.
    pub(super) fn signed_in(&self) -> &[SignedIn] {
        &self.signed_in
    }

    /// This account's session.
    pub(super) fn session_of(&self, account: Uuid) -> Option<&SignedIn> {
        self.signed_in.iter().find(|one| one.account == account)
    }

    /// Records what an account has proved, in its session or in a new one.
    pub(super) fn sign_in(&mut self, account: Uuid, proofs: Proofs, now: OffsetDateTime) {
        let session = self
            .session_of(account)
            .map_or_else(Uuid::new_v4, |one| one.session);
        self.signed_in.retain(|one| one.account != account);
        let one = SignedIn {
            account,
            session,
            proofs,
            millis: millis(now),
        };
        self.signed_in.insert(0, one);
        self.signed_in.truncate(MAX_SIGNED_IN);
        self.is_changed = true;
    }

    /// Signs out all accounts.
    pub(super) fn sign_out(&mut self) {
        self.signed_in.clear();
        self.is_changed = true;
    }

    /// Adds cookies to a response, if something has changed.
    pub(super) fn add_headers(&self, directory: &Directory, response: &mut Response) {
        let mut set = |name: &str, value: &str, more: &str| {
            let cookie = format!(
                "__Host-{name}{}={value}; Path=/; Secure; HttpOnly; SameSite=Lax{more}",
                self.suffix
            );
            if let Ok(value) = HeaderValue::try_from(cookie) {
                response.headers_mut().append(header::SET_COOKIE, value);
            }
        };
        if self.is_new {
            set("esctx", &self.id, "");
        }
        if !self.is_changed {
            return;
        }
        match seal::seal(directory, PURPOSE, &self.signed_in) {
            Some(sealed) if !self.signed_in.is_empty() => set("ESTSAUTH", &sealed, ""),
            _ => set("ESTSAUTH", "", "; Max-Age=0"),
        }
    }
}

/// Length of [`Browser::id`] in characters: 16 bytes in base64url.
const ID: usize = 22;

fn new_id() -> Option<String> {
    let mut bytes = [0; 16];
    aws_lc_rs::rand::fill(&mut bytes).ok()?;
    Some(URL_SAFE_NO_PAD.encode(bytes))
}

/// Whether a session is still valid: not too old, not revoked, and its account exists.
fn is_alive(directory: &Directory, one: &SignedIn, now: i64) -> bool {
    let account: Option<&User> = directory.users.get(&one.account);
    now.saturating_sub(one.proofs.at) < SESSION_SECONDS
        && account.is_some_and(|account| {
            account
                .sessions_valid_from
                .is_none_or(|from| millis(from) <= one.millis)
        })
}

/// A cookie's value (RFC 6265 section 4.2.1).
fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find_map(|(found, value)| (found == name).then_some(value))
}
