//! The emulator's clock: the machine's clock, with a shift that a test sets.

use std::{
    sync::atomic::{AtomicI64, Ordering},
    time::{SystemTime, UNIX_EPOCH},
};
use time::{Duration, OffsetDateTime, UtcOffset, macros::format_description};

/// The clock of all services of one emulator.
///
/// The shift simulates a client with a wrong clock. For such a client, Azure's `Date` header and
/// all tokens are early or late.
#[derive(Debug, Default)]
pub struct Clock {
    skew_seconds: AtomicI64,
}

/// The machine's time in UTC, without a shift. It stays in the years 1970 to 9900: lifetimes are
/// added to it, and dates end with the year 9999.
pub(crate) fn machine_now() -> OffsetDateTime {
    at(SystemTime::now().duration_since(UNIX_EPOCH).ok())
}

/// The time so long after 1970, or 1970.
fn at(since: Option<std::time::Duration>) -> OffsetDateTime {
    const LAST: std::time::Duration = std::time::Duration::from_secs(250_246_627_200);
    OffsetDateTime::UNIX_EPOCH + since.unwrap_or_default().min(LAST)
}

/// The largest shift: a year. With a larger shift, certificates would not be valid.
pub const MAX_SKEW_SECONDS: i64 = 366 * 24 * 3600;

impl Clock {
    /// The current time in UTC, with the shift.
    pub fn now(&self) -> OffsetDateTime {
        machine_now() + Duration::seconds(self.skew_seconds.load(Ordering::Relaxed))
    }

    /// The current time in seconds since 1970-01-01T00:00:00Z, with the shift.
    pub fn unix(&self) -> i64 {
        self.now().unix_timestamp()
    }

    /// Shifts the clock by this many seconds; 0 resets it. Values beyond [`MAX_SKEW_SECONDS`] are
    /// clamped.
    pub fn set_skew(&self, seconds: i64) {
        let clamped = seconds.clamp(-MAX_SKEW_SECONDS, MAX_SKEW_SECONDS);
        self.skew_seconds.store(clamped, Ordering::Relaxed);
    }

    /// The shift in seconds.
    pub fn skew(&self) -> i64 {
        self.skew_seconds.load(Ordering::Relaxed)
    }
}

/// A time in UTC with seven decimals, as .NET writes it, and this suffix: `Z` or `+00:00`.
pub(crate) fn ticks(time: OffsetDateTime, suffix: &str) -> String {
    let format =
        format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:7]");
    let time = time.to_offset(UtcOffset::UTC).format(format);
    format!("{}{suffix}", time.unwrap_or_default())
}

/// A time in Unix milliseconds.
pub(crate) fn millis(time: OffsetDateTime) -> i64 {
    time.unix_timestamp() * 1000 + i64::from(time.millisecond())
}

/// A time in Unix microseconds.
pub(crate) fn micros(time: OffsetDateTime) -> i64 {
    i64::try_from(time.unix_timestamp_nanos() / 1000).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_machines_time_leaves_room_for_every_lifetime() {
        assert_eq!(at(None).year(), 1970);
        let last = at(Some(std::time::Duration::MAX));
        assert_eq!(last.year(), 9900);
        assert_eq!((last + Duration::days(365 * 99)).year(), 9998);
        let one = std::time::Duration::from_secs(1);
        assert_eq!(at(Some(one)).unix_timestamp(), 1);
    }

    #[test]
    fn a_time_has_seven_decimals() {
        let time = time::macros::datetime!(2026-11-30 12:00:01.123456789 +02:00);
        assert_eq!(ticks(time, "+00:00"), "2026-11-30T10:00:01.1234567+00:00");
        let whole = OffsetDateTime::UNIX_EPOCH;
        assert_eq!(ticks(whole, "Z"), "1970-01-01T00:00:00.0000000Z");
    }

    #[test]
    fn a_shift_moves_the_time_and_is_clamped_to_a_year() {
        let clock = Clock::default();
        clock.set_skew(3600);
        assert!(clock.now() - OffsetDateTime::now_utc() > Duration::minutes(59));
        clock.set_skew(i64::MAX);
        assert_eq!(clock.skew(), MAX_SKEW_SECONDS);
    }
}
