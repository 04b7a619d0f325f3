//! Several clones of one token with separate counts. Threads that clone one token at every call
//! would wait for the one cache line with its count.

use crate::token::AccessToken;
use std::{
    cell::Cell,
    sync::{
        OnceLock,
        atomic::{AtomicUsize, Ordering},
    },
};

/// With more threads than this, some share a count; that only costs time.
const COUNTS: usize = 16;

pub(super) struct Copies {
    first: AccessToken,
    others: [OnceLock<AccessToken>; COUNTS],
}

impl Copies {
    pub(super) fn new(token: AccessToken) -> Self {
        Self {
            first: token,
            others: [const { OnceLock::new() }; COUNTS],
        }
    }

    /// The token, for reading.
    pub(super) fn token(&self) -> &AccessToken {
        &self.first
    }

    /// The token, for cloning on this thread.
    pub(super) fn of_this_thread(&self) -> &AccessToken {
        self.others[number_of_this_thread() % COUNTS].get_or_init(|| self.first.counted_apart())
    }
}

/// Threads are numbered in the order of their first call.
fn number_of_this_thread() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    thread_local! {
        static NUMBER: Cell<Option<usize>> = const { Cell::new(None) };
    }
    // A thread that is ending has no number any more. Any number works.
    NUMBER
        .try_with(|number| {
            number.get().unwrap_or_else(|| {
                let new = NEXT.fetch_add(1, Ordering::Relaxed);
                number.set(Some(new));
                new
            })
        })
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{
        sync::Arc,
        time::{Duration, SystemTime},
    };

    #[test]
    fn threads_clone_the_same_token_by_counts_of_their_own() {
        let hour = Duration::from_secs(3600);
        let copies = Arc::new(Copies::new(AccessToken::new(
            "t",
            SystemTime::now(),
            hour,
            None,
        )));
        let here = copies.of_this_thread().clone();
        let there = {
            let copies = copies.clone();
            std::thread::spawn(move || {
                let tokens: Vec<_> = (0..2).map(|_| copies.of_this_thread().clone()).collect();
                (
                    Arc::ptr_eq(&tokens[0].0, &tokens[1].0),
                    tokens[0].secret().to_owned(),
                )
            })
            .join()
            .unwrap()
        };
        assert_eq!(there, (true, "t".to_owned()));
        assert!(Arc::ptr_eq(&here.0, &copies.of_this_thread().0));
        assert!(!Arc::ptr_eq(&here.0, &copies.token().0));
    }
}
