//! Used refresh tokens, in tenants where each has one use.
//!
//! Entra ID accepts an older token after a new one was issued. Other services don't. Only with them
//! does a client fail that uses a token twice at once.

use std::{
    collections::{HashSet, VecDeque},
    sync::{Mutex, PoisonError},
};
use uuid::Uuid;

/// The ids of used tokens. If there are too many, the oldest are dropped.
#[derive(Debug, Default)]
pub(crate) struct Spent(Mutex<UsedIds>);

#[derive(Debug, Default)]
struct UsedIds {
    known: HashSet<Uuid>,
    order: VecDeque<Uuid>,
}

const CAPACITY: usize = 100_000;

impl Spent {
    /// Uses a token up. False if it was used before: of several calls at once, one returns true.
    pub(crate) fn spend(&self, token: Uuid) -> bool {
        let mut inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !inner.known.insert(token) {
            return false;
        }
        inner.order.push_back(token);
        if inner.order.len() > CAPACITY
            && let Some(oldest) = inner.order.pop_front()
        {
            inner.known.remove(&oldest);
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_used_up_once_and_the_oldest_are_dropped() {
        let spent = Spent::default();
        let token = |number: usize| Uuid::from_u128(number as u128);
        assert!(spent.spend(token(0)));
        assert!(!spent.spend(token(0)));
        for number in 1..=CAPACITY {
            assert!(spent.spend(token(number)));
        }
        assert!(spent.spend(token(0)));
        assert!(!spent.spend(token(2)));
    }
}
