//! Strings for messages: what a client sent, and times.

use time::{OffsetDateTime, macros::format_description};

/// Longest part of a client's input that a message repeats, in characters.
const MAX_CHARACTERS: usize = 256;

/// Cuts a client's input to a length for messages, and removes unseen characters.
pub(crate) fn clip(text: &str) -> String {
    clip_to(text, MAX_CHARACTERS)
}

/// [`clip`] to this number of characters.
pub(crate) fn clip_to(text: &str, characters: usize) -> String {
    text.chars()
        .filter(|c| !is_unseen(*c))
        .take(characters)
        .collect()
}

/// Text of a file for a message, with `�` for each unseen character.
pub(crate) fn visible(text: &str) -> String {
    text.chars()
        .map(|c| if is_unseen(c) { '\u{fffd}' } else { c })
        .collect()
}

/// Whether a character moves a terminal's cursor, reorders a line or is invisible (Unicode Standard
/// Annexes 9 and 44). A name with such characters can look like another.
pub(crate) fn is_unseen(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fdd0}'..='\u{fdef}' | '\u{fe00}'..='\u{fe0f}'
            | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
        || u32::from(c) & 0xfffe == 0xfffe
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
    fn a_string_is_cut_between_characters_and_loses_what_is_unseen() {
        assert_eq!(clip("a\r\nb\u{1b}[2J\u{202e}\u{e0041}\u{9b}愛"), "ab[2J愛");
        assert_eq!(clip_to("愛愛愛", 2), "愛愛");
        assert_eq!(clip(&"x".repeat(300)).len(), MAX_CHARACTERS);
    }

    #[test]
    fn a_time_out_of_range_is_written_as_a_number() {
        assert_eq!(iso(1_795_291_789), "2026-11-21T20:09:49.0000000Z");
        assert_eq!(iso(i64::MAX), i64::MAX.to_string());
    }
}
