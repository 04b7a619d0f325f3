//! The width of a text in columns. East Asian letters and most emoji take two columns, combining
//! marks none (Unicode Standard Annex 11, 'East Asian Width').

use unicode_width::UnicodeWidthStr;

/// The width of a text in columns. Colour codes take none.
pub(crate) fn width_of(text: &str) -> usize {
    match text.contains('\u{1b}') {
        true => anstream::adapter::strip_str(text).to_string().width(),
        false => text.width(),
    }
}

/// A text, padded with spaces to `width` columns.
pub(crate) fn pad(text: &str, width: usize) -> String {
    let fill = width.saturating_sub(width_of(text));
    format!("{text}{:fill$}", "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_width_of_a_text_is_that_in_a_terminal() {
        for (text, wide) in [
            ("", 0),
            ("Contoso", 7),
            ("日本", 4),
            ("서울", 4),
            // A letter and a combining mark, as macOS writes names.
            ("Mu\u{308}ller", 6),
            ("🚀", 2),
            ("👩\u{200d}🔬", 2),
            ("\u{1b}[1m日\u{1b}[0m", 2),
        ] {
            assert_eq!(width_of(text), wide, "{text}");
        }
        assert_eq!(pad("日本", 6), "日本  ");
        assert_eq!(pad("日本", 3), "日本");
    }
}
