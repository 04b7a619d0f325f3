//! Replication: what was created is not seen everywhere at once.
//!
//! Entra ID answers a request that creates something before all its replicas have it, and Resource
//! Manager has copies of its own. A view is a place that looks for new objects; each counts for
//! itself.

use crate::service::Service;
use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};
use uuid::Uuid;

/// A place that looks for objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum View {
    /// Microsoft Graph.
    Graph,
    /// The token endpoint: applications, principals, credentials.
    SignIn,
    /// Resource Manager, when it checks a principal that gets a role.
    Principals,
    /// Resource Manager, when it checks a token.
    Tokens,
    /// Resource Manager, when it decides by role assignments.
    Roles,
}

impl View {
    const ALL: [Self; 5] = [
        Self::Graph,
        Self::SignIn,
        Self::Principals,
        Self::Tokens,
        Self::Roles,
    ];

    fn service(self) -> Service {
        match self {
            Self::Graph => Service::Graph,
            Self::SignIn => Service::Login,
            Self::Principals | Self::Tokens | Self::Roles => Service::Arm,
        }
    }
}

/// How long a service does not see what was created.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Delay {
    /// For this many requests that look for it.
    pub(crate) reads: u32,
    /// For this long.
    pub(crate) time: Duration,
}

/// Most objects that are new at once.
const MOST: usize = 10_000;

/// The delays, and what is new.
#[derive(Debug, Default)]
pub(crate) struct Replication(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    delays: BTreeMap<View, Delay>,
    new: BTreeMap<(View, Uuid), New>,
}

/// What a view does not see yet.
#[derive(Debug)]
struct New {
    reads: u32,
    until: Instant,
}

impl Replication {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sets the delay of a service, or of all.
    pub(crate) fn set(&self, service: Option<Service>, delay: Delay) {
        let mut state = self.lock();
        let of_service = |view: &View| service.is_none_or(|service| service == view.service());
        for view in View::ALL.into_iter().filter(of_service) {
            state.delays.insert(view, delay);
        }
    }

    /// Removes all delays. Everything is seen.
    pub(crate) fn clear(&self) {
        *self.lock() = State::default();
    }

    /// Something was created.
    pub(crate) fn created(&self, id: Uuid) {
        let mut state = self.lock();
        let now = Instant::now();
        if state.new.len() >= MOST {
            state.new.retain(|_, new| new.until > now);
        }
        let State { delays, new } = &mut *state;
        for (view, delay) in delays.iter() {
            if new.len() < MOST {
                let until = now + delay.time;
                let reads = delay.reads;
                new.insert((*view, id), New { reads, until });
            }
        }
    }

    /// Whether a view does not see an object yet. This counts as one of its reads.
    pub(crate) fn misses(&self, view: View, id: Uuid) -> bool {
        self.misses_at(Instant::now(), view, id)
    }

    fn misses_at(&self, now: Instant, view: View, id: Uuid) -> bool {
        let mut state = self.lock();
        let Some(new) = state.new.get_mut(&(view, id)) else {
            return false;
        };
        if new.reads > 0 || new.until > now {
            new.reads = new.reads.saturating_sub(1);
            return true;
        }
        state.new.remove(&(view, id));
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn delay(reads: u32, milliseconds: u64) -> Delay {
        let time = Duration::from_millis(milliseconds);
        Delay { reads, time }
    }

    #[test]
    fn each_view_misses_a_new_object_so_many_times() {
        let replication = Replication::default();
        let (old, new) = (Uuid::from_u128(1), Uuid::from_u128(2));
        replication.created(old);
        replication.set(None, delay(2, 0));
        replication.created(new);
        for view in View::ALL {
            assert!(!replication.misses(view, old));
            let seen: Vec<bool> = (0..4).map(|_| replication.misses(view, new)).collect();
            assert_eq!(seen, [true, true, false, false], "{view:?}");
        }
    }

    #[test]
    fn a_delay_of_one_service_leaves_the_others_alone_and_ends_when_it_is_removed() {
        let replication = Replication::default();
        let id = Uuid::from_u128(1);
        replication.set(Some(Service::Graph), delay(5, 0));
        replication.created(id);
        assert!(replication.misses(View::Graph, id));
        assert!(!replication.misses(View::SignIn, id));
        replication.clear();
        assert!(!replication.misses(View::Graph, id));
        replication.created(id);
        assert!(!replication.misses(View::Graph, id));
    }

    #[test]
    fn a_delay_in_time_ends_when_it_is_over() {
        let replication = Replication::default();
        let id = Uuid::from_u128(1);
        replication.set(None, delay(0, 60_000));
        let now = Instant::now();
        replication.created(id);
        let at =
            |seconds| replication.misses_at(now + Duration::from_secs(seconds), View::Graph, id);
        assert!(at(1));
        assert!(at(59));
        assert!(!at(61));
    }

    #[test]
    fn the_number_of_new_objects_is_limited() {
        let replication = Replication::default();
        replication.set(None, delay(1, 0));
        for n in 0..MOST as u128 {
            replication.created(Uuid::from_u128(n));
        }
        assert!(replication.lock().new.len() <= MOST);
    }
}
