//! How often something may happen: requests that are answered, rejections that have a line.

use std::time::{Duration, Instant};

/// A bucket of permits. It is full at first, and fills again as time passes.
#[derive(Debug)]
pub(crate) struct Rate {
    most: f64,
    per_second: f64,
    permits: f64,
    at: Instant,
}

impl Rate {
    /// At most `most` at once, and as many again after `time`.
    pub(crate) fn new(most: u32, time: Duration, now: Instant) -> Self {
        let most = f64::from(most);
        Self {
            most,
            per_second: most / time.as_secs_f64(),
            permits: most,
            at: now,
        }
    }

    /// Takes a permit if there is one.
    pub(crate) fn take(&mut self, now: Instant) -> bool {
        let passed = now.saturating_duration_since(self.at).as_secs_f64();
        self.permits = (self.permits + passed * self.per_second).min(self.most);
        self.at = self.at.max(now);
        let is_there = self.permits >= 1.0;
        if is_there {
            self.permits -= 1.0;
        }
        is_there
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn permits_come_back_with_time_and_do_not_pile_up() {
        let start = Instant::now();
        let mut rate = Rate::new(4, Duration::from_secs(1), start);
        let taken = |rate: &mut Rate, after: u64| {
            let now = start + Duration::from_millis(after);
            (0..10).filter(|_| rate.take(now)).count()
        };
        assert_eq!(taken(&mut rate, 0), 4);
        assert_eq!(taken(&mut rate, 500), 2);
        assert_eq!(taken(&mut rate, 500), 0);
        assert_eq!(taken(&mut rate, 60_000), 4);
        // The clock of another thread may be behind.
        assert_eq!(taken(&mut rate, 59_000), 0);
    }
}
