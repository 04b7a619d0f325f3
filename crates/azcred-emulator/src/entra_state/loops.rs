//! Detects a client that requests the same token over and over: AADSTS50196.

use crate::directory::LoopLimit;
use std::{
    collections::{HashMap, VecDeque},
    sync::{Mutex, PoisonError},
};
use uuid::Uuid;

/// When each client last requested each resource, in tenants with a limit.
#[derive(Debug, Default)]
pub(crate) struct Loops(Mutex<HashMap<(Uuid, String), VecDeque<i64>>>);

/// Most pairs of client and resource. With more, all are dropped at once.
const MAX_PAIRS: usize = 10_000;

impl Loops {
    /// Counts a request. True if it is one too many within the window.
    pub(crate) fn is_loop(&self, client: Uuid, resource: &str, limit: LoopLimit, now: i64) -> bool {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.len() >= MAX_PAIRS {
            seen.clear();
        }
        let times = seen.entry((client, resource.to_owned())).or_default();
        while times
            .front()
            .is_some_and(|time| *time + i64::from(limit.seconds) <= now)
        {
            times.pop_front();
        }
        let allowed = usize::try_from(limit.requests).unwrap_or(usize::MAX);
        if times.len() >= allowed {
            return true;
        }
        times.push_back(now);
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_request_past_the_limit_is_a_loop_until_the_window_has_passed() {
        let loops = Loops::default();
        let limit = LoopLimit {
            requests: 2,
            seconds: 10,
        };
        let asks = |now| loops.is_loop(Uuid::nil(), "r", limit, now);
        assert!(!asks(0));
        assert!(!asks(1));
        assert!(asks(2));
        assert!(!loops.is_loop(Uuid::nil(), "another", limit, 2));
        assert!(!asks(10));
        assert!(asks(10));
    }
}
