//! Refresh tokens that were used, in tenants where each is good once.
//! Entra ID accepts an older token after a new one was issued. Other services don't, and only there
//! does a client fail that uses one token twice at the same time.

use std::{
    collections::{HashSet, VecDeque},
    sync::{Mutex, PoisonError},
};
use uuid::Uuid;

/// The ids of used tokens; the oldest are forgotten when there are too many, and all of them at the
/// end.
#[derive(Debug, Default)]
pub(crate) struct Spent(Mutex<UsedIds>);

#[derive(Debug, Default)]
struct UsedIds {
    known: HashSet<Uuid>,
    order: VecDeque<Uuid>,
}

const CAPACITY: usize = 100_000;

impl Spent {
    /// Uses a token up. False where it was before: of several who try at once, one gets through.
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
    fn a_token_is_spent_once_and_the_oldest_are_forgotten() {
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
