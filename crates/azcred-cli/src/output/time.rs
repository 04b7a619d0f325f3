//! Times: for people in UTC and relative to now, for programs as RFC 3339.

use std::time::{Duration, SystemTime, UNIX_EPOCH};
use time::{OffsetDateTime, format_description::well_known::Rfc3339, macros::format_description};

/// `in 71 minutes (2026-11-21 20:30:00 UTC)`.
pub(crate) fn until(time: OffsetDateTime) -> String {
    let shown = time
        .to_offset(time::UtcOffset::UTC)
        .format(format_description!(
            "[year]-[month]-[day] [hour]:[minute]:[second] UTC"
        ))
        .unwrap_or_default();
    format!("{} ({shown})", in_time(time))
}

/// The time now. A clock that shows no date is at the last one.
fn now() -> OffsetDateTime {
    const LAST: Duration = Duration::from_secs(253_402_300_799);
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    OffsetDateTime::UNIX_EPOCH + since.unwrap_or_default().min(LAST)
}

/// `3 days ago`.
pub(crate) fn ago(time: OffsetDateTime) -> String {
    match (now() - time).whole_seconds() {
        ..60 => "just now".to_owned(),
        60..120 => "1 minute ago".to_owned(),
        seconds => format!("{} ago", span(seconds)),
    }
}

/// `in 71 minutes`, or `expired` for a time in the past.
pub(crate) fn in_time(time: OffsetDateTime) -> String {
    match (time - now()).whole_seconds() {
        ..=0 => "expired".to_owned(),
        // What was made a moment ago for 90 days or 24 hours ends in 90 days or 24 hours.
        seconds @ 172_800.. => format!("in {}", span(seconds + 1_800)),
        seconds @ 7_200.. => format!("in {}", span(seconds + 60)),
        seconds => format!("in {}", span(seconds)),
    }
}

/// `71 minutes`, `23 hours`.
pub(crate) fn span(seconds: i64) -> String {
    let (count, unit) = match seconds {
        ..120 => (seconds, "second"),
        120..7200 => (seconds / 60, "minute"),
        7200..172_800 => (seconds / 3600, "hour"),
        _ => (seconds / 86_400, "day"),
    };
    format!("{count} {unit}{}", if count == 1 { "" } else { "s" })
}

/// RFC 3339 in whole seconds; `None` after the year 9999.
pub(crate) fn rfc3339(time: OffsetDateTime) -> Option<String> {
    time.replace_nanosecond(0).ok()?.format(&Rfc3339).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn past_times_are_shown_in_a_suitable_unit() {
        let ago = |seconds| ago(OffsetDateTime::now_utc() - time::Duration::seconds(seconds));
        assert_eq!(ago(0), "just now");
        assert_eq!(ago(-9), "just now");
        assert_eq!(ago(90), "1 minute ago");
        assert_eq!(ago(125), "2 minutes ago");
        assert_eq!(ago(9000), "2 hours ago");
    }

    #[test]
    fn a_time_in_days_or_hours_is_rounded_up_a_little() {
        let day = 86_400;
        for (seconds, told) in [
            (90 * day - 60, "in 90 days"),
            (90 * day - 3_600, "in 89 days"),
            (2 * day - 90, "in 47 hours"),
            (day - 30, "in 24 hours"),
            (4_330, "in 72 minutes"),
            (-1, "expired"),
        ] {
            assert_eq!(in_time(now() + time::Duration::seconds(seconds)), told);
        }
    }

    #[test]
    fn a_duration_is_shown_in_a_suitable_unit() {
        for (seconds, told) in [
            (0, "0 seconds"),
            (1, "1 second"),
            (119, "119 seconds"),
            (4_300, "71 minutes"),
            (7_200, "2 hours"),
            (86_399, "23 hours"),
            (700_000, "8 days"),
        ] {
            assert_eq!(span(seconds), told);
        }
    }
}
