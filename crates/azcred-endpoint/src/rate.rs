//! How many requests are answered in a second.

use std::time::Instant;

/// A bucket of permits: it holds those of one second, and fills as time passes.
#[derive(Debug)]
pub(crate) struct Rate {
    per_second: f64,
    permits: f64,
    at: Instant,
}

impl Rate {
    pub(crate) fn new(per_second: u32, now: Instant) -> Self {
        let per_second = f64::from(per_second);
        Self {
            per_second,
            permits: per_second,
            at: now,
        }
    }

    /// Takes a permit if there is one.
    pub(crate) fn take(&mut self, now: Instant) -> bool {
        let passed = now.saturating_duration_since(self.at).as_secs_f64();
        self.permits = (self.permits + passed * self.per_second).min(self.per_second);
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
    use std::time::Duration;

    #[test]
    fn permits_come_back_with_time_and_do_not_pile_up() {
        let start = Instant::now();
        let mut rate = Rate::new(4, start);
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
