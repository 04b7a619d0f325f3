//! Strings for messages: what a client sent, and times.

use time::{OffsetDateTime, macros::format_description};

/// Longest part of a client's input that a message repeats, in characters.
const MAX_CHARACTERS: usize = 256;

/// Cuts a client's input to a length for messages, and removes control characters.
pub(crate) fn clip(text: &str) -> String {
    clip_to(text, MAX_CHARACTERS)
}

/// [`clip`] to this number of characters.
pub(crate) fn clip_to(text: &str, characters: usize) -> String {
    text.chars()
        .filter(|c| !c.is_control())
        .take(characters)
        .collect()
}

/// Unix seconds as `2026-11-21T20:09:49.0000000Z`.
pub(crate) fn iso(unix: i64) -> String {
    OffsetDateTime::from_unix_timestamp(unix)
        .ok()
        .and_then(|time| {
            time.format(format_description!(
                "[year]-[month]-[day]T[hour]:[minute]:[second].0000000Z"
            ))
            .ok()
        })
        .unwrap_or_else(|| unix.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_string_is_cut_between_characters_and_loses_its_control_characters() {
        assert_eq!(clip("a\r\nb\u{1b}[2J愛"), "ab[2J愛");
        assert_eq!(clip_to("愛愛愛", 2), "愛愛");
        assert_eq!(clip(&"x".repeat(300)).len(), MAX_CHARACTERS);
    }

    #[test]
    fn a_time_out_of_range_is_written_as_a_number() {
        assert_eq!(iso(1_795_291_789), "2026-11-21T20:09:49.0000000Z");
        assert_eq!(iso(i64::MAX), i64::MAX.to_string());
    }
}
