//! Each thread's last tokens. A program that gets the same token again and again then reads no
//! memory that other threads write.
//!
//! A thread remembers a weak pointer to a token, which ends with its cache. It is valid only while
//! the cache's `version` is the same.

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

/// A version that no other state of a cache in this process has.
pub(super) fn next_version() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// The token that this thread found for `request` while its cache had `version`.
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

/// Remembers the token that this thread found.
pub(super) fn keep(version: u64, request: &TokenRequest, token: &AccessToken) {
    let entry = Recent {
        version,
        request: request.clone(),
        token: Arc::downgrade(&token.0),
    };
    // At the end of a thread, or while an old value is dropped here, nothing is remembered.
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
