//! Rejections that have a line of their own in the record, and those that are only counted: a flood
//! of bad requests must not fill a disk or a terminal.

use crate::rate::Rate;
use std::{
    collections::BTreeMap,
    fmt,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};
use time::OffsetDateTime;
use tokio::sync::Notify;

/// So many rejections have a line of their own, and as many again after [`AGAIN`].
const LINES: u32 = 20;
const AGAIN: Duration = Duration::from_secs(60);
/// The others are counted for this long. Then one line says how many they are.
pub(crate) const COUNTING: Duration = Duration::from_secs(10);

/// Rejections without a line of their own.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct More {
    /// When they were counted, in UTC.
    pub at: OffsetDateTime,
    /// How many they are, by their HTTP status.
    pub by_status: BTreeMap<u16, u64>,
}

impl More {
    /// How many they are.
    pub fn count(&self) -> u64 {
        self.by_status.values().sum()
    }
}

/// `… rejected 412 more requests: 400 with the status 401, 12 with 403`.
impl fmt::Display for More {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let requests = if self.count() == 1 {
            "request"
        } else {
            "requests"
        };
        let time = crate::audit::rfc3339(self.at);
        write!(f, "{time} rejected {} more {requests}:", self.count())?;
        for (place, (status, count)) in self.by_status.iter().enumerate() {
            match place {
                0 => write!(f, " {count} with the status {status}")?,
                _ => write!(f, ", {count} with {status}")?,
            }
        }
        Ok(())
    }
}

/// The rejections of an endpoint.
#[derive(Debug)]
pub(crate) struct Rejections {
    state: Mutex<(Rate, BTreeMap<u16, u64>)>,
    counted: Notify,
}

impl Rejections {
    pub(crate) fn new(now: Instant) -> Self {
        Self {
            state: Mutex::new((Rate::new(LINES, AGAIN, now), BTreeMap::new())),
            counted: Notify::new(),
        }
    }

    /// Whether a rejection has a line of its own. Otherwise it is counted.
    pub(crate) fn has_line(&self, status: u16, now: Instant) -> bool {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let (lines, counts) = &mut *state;
        let has_line = lines.take(now);
        if !has_line {
            *counts.entry(status).or_default() += 1;
            self.counted.notify_one();
        }
        has_line
    }

    /// Waits until a rejection is counted. Cancel-safe.
    pub(crate) async fn counted(&self) {
        self.counted.notified().await;
    }

    /// What was counted since the last call; `None` if nothing was.
    pub(crate) fn more(&self, at: OffsetDateTime) -> Option<More> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let by_status = std::mem::take(&mut state.1);
        (!by_status.is_empty()).then_some(More { at, by_status })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_rejections_have_lines_and_the_others_are_counted() {
        let start = Instant::now();
        let (rejections, at) = (Rejections::new(start), OffsetDateTime::UNIX_EPOCH);
        let lines = |after: Duration, status: u16| {
            let all = 0..100;
            all.filter(|_| rejections.has_line(status, start + after))
                .count()
        };
        assert_eq!(lines(Duration::ZERO, 401), 20);
        assert_eq!(lines(Duration::from_secs(30), 403), 10);
        let more = rejections.more(at).unwrap();
        assert_eq!(more.count(), 170);
        let said =
            "1970-01-01T00:00:00Z rejected 170 more requests: 80 with the status 401, 90 with 403";
        assert_eq!(more.to_string(), said);
        assert_eq!(rejections.more(at), None);
    }
}
