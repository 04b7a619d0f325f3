//! Values as these services write them.

use aws_lc_rs::digest;
use time::{
    Duration, OffsetDateTime, UtcOffset, format_description::BorrowedFormatItem,
    macros::format_description,
};
use uuid::Builder;

/// A time as these services write it: in UTC, as `+00:00`, with seven decimals.
pub(super) fn date(time: OffsetDateTime) -> String {
    const FORM: &[BorrowedFormatItem<'_>] = format_description!(
        "[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:7]+00:00"
    );
    let time = time.to_offset(UtcOffset::UTC);
    time.format(FORM).unwrap_or_default()
}

/// A length of time as these services write it: `00:00:01.2345670`.
pub(super) fn duration(length: Duration) -> String {
    let ticks = length.whole_nanoseconds().max(0) / 100;
    let (seconds, ticks) = (ticks / 10_000_000, ticks % 10_000_000);
    let (minutes, second) = (seconds / 60, seconds % 60);
    let (hours, minute) = (minutes / 60, minutes % 60);
    format!("{hours:02}:{minute:02}:{second:02}.{ticks:07}")
}

/// A GUID that is the same each time for the same parts.
pub(super) fn guid(parts: &[&str]) -> String {
    let digest = digest::digest(&digest::SHA256, parts.join("\n").as_bytes());
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest.as_ref()[..16]);
    Builder::from_random_bytes(bytes).into_uuid().to_string()
}
