//! Each thread's last tokens, so that a program that asks over and over touches nothing that other
//! threads write.
//!
//! What is kept is the way to a token and not the token: a weak pointer, which ends with the cache
//! that holds it. An entry is of use only while its cache is in the state in which it was found,
//! which the `version` says.

use crate::{
    request::TokenRequest,
    token::{AccessToken, Handle},
};
use std::{
    cell::RefCell,
    sync::{
        Arc, Weak,
        atomic::{AtomicU64, Ordering},
    },
};

struct Recent {
    version: u64,
    request: TokenRequest,
    token: Weak<Handle>,
}

const KEPT: usize = 8;

thread_local! {
    static RECENT: RefCell<[Option<Recent>; KEPT]> = const { RefCell::new([const { None }; KEPT]) };
}

/// A number for a state of a cache, never given twice in this process.
pub(super) fn next_version() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// The token that this thread found under `request` while its cache was at `version`.
#[inline]
pub(super) fn find(version: u64, request: &TokenRequest) -> Option<AccessToken> {
    RECENT
        .try_with(|recent| {
            let recent = recent.try_borrow().ok()?;
            let entry = recent[place(version, request)].as_ref()?;
            (entry.version == version && entry.request == *request)
                .then(|| entry.token.upgrade().map(AccessToken))?
        })
        .ok()?
}

/// Remembers where this thread found a token.
pub(super) fn keep(version: u64, request: &TokenRequest, token: &AccessToken) {
    let entry = Recent {
        version,
        request: request.clone(),
        token: Arc::downgrade(&token.0),
    };
    // At the end of a thread, or in the drop of what is replaced here, there is nothing to
    // remember.
    let _ = RECENT.try_with(|recent| {
        recent
            .try_borrow_mut()
            .ok()
            .and_then(|mut recent| recent[place(version, request)].replace(entry))
    });
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "the lowest bits are what is wanted"
)]
fn place(version: u64, request: &TokenRequest) -> usize {
    (version ^ request.prehashed()) as usize % KEPT
}
