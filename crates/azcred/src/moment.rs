//! Times at the edges: nothing overflows after the year 9999, the last one with a date.

use std::time::{Duration, SystemTime, UNIX_EPOCH};
use time::OffsetDateTime;

/// The last second of the year 9999, since 1970.
pub(crate) const LAST: Duration = Duration::from_secs(253_402_300_799);

/// The time after `span`, at most the last one with a date.
pub(crate) fn after(time: SystemTime, span: Duration) -> SystemTime {
    let last = UNIX_EPOCH + LAST;
    time.checked_add(span).map_or(last, |later| later.min(last))
}

/// The date of a time. A clock that shows a time without a date is at the first or the last one.
pub(crate) fn date(time: SystemTime) -> OffsetDateTime {
    const FIRST: Duration = Duration::from_secs(377_705_116_800);
    let first = UNIX_EPOCH.checked_sub(FIRST).unwrap_or(UNIX_EPOCH);
    time.clamp(first, UNIX_EPOCH + LAST).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_without_a_date_is_at_the_first_or_the_last_one() {
        let years = |number: u64| Duration::from_secs(number * 366 * 24 * 3600);
        assert_eq!(date(UNIX_EPOCH), OffsetDateTime::UNIX_EPOCH);
        assert_eq!(date(UNIX_EPOCH + years(20_000)).year(), 9999);
        let before = UNIX_EPOCH.checked_sub(years(20_000));
        assert!(before.is_none_or(|before| date(before).year() == -9999));
        let last = after(UNIX_EPOCH + years(8000), years(8000));
        assert_eq!(date(last).year(), 9999);
        assert_eq!(after(UNIX_EPOCH, Duration::MAX), last);
        assert_eq!(after(UNIX_EPOCH, years(1)), UNIX_EPOCH + years(1));
    }
}
