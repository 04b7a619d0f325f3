//! How many columns of a screen a text takes. A letter is not a column: East Asian letters and most
//! emoji take two, combining marks none (Unicode Standard Annex 11, 'East Asian Width').

use unicode_width::UnicodeWidthStr;

/// The columns that a text takes; what colours it takes none.
pub(crate) fn width_of(text: &str) -> usize {
    match text.contains('\u{1b}') {
        true => anstream::adapter::strip_str(text).to_string().width(),
        false => text.width(),
    }
}

/// A text and so many spaces that both take `width` columns.
pub(crate) fn pad(text: &str, width: usize) -> String {
    let fill = width.saturating_sub(width_of(text));
    format!("{text}{:fill$}", "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_takes_the_columns_that_a_terminal_gives_it() {
        for (text, wide) in [
            ("", 0),
            ("Contoso", 7),
            ("日本", 4),
            ("서울", 4),
            // A letter and its mark, as macOS writes names.
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
