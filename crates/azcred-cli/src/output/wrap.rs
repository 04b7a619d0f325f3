//! Wraps sentences to the screen's width.

use super::width::width_of;
use terminal_size::{Width, terminal_size_of};
use unicode_width::UnicodeWidthChar;

/// Longest line, as longer lines are hard to read.
const WIDEST: usize = 100;
/// Shortest line: a narrower screen is not supported.
const NARROWEST: usize = 40;

/// The stream for the lines.
#[derive(Clone, Copy)]
pub(crate) enum Stream {
    Stdout,
    Stderr,
}

impl Stream {
    /// Columns of a line. Without a screen there is no limit, so that logs can be searched line by
    /// line.
    pub(crate) fn width(self) -> usize {
        match self.columns() {
            usize::MAX => usize::MAX,
            columns => columns.clamp(NARROWEST, WIDEST),
        }
    }

    /// Columns of the screen without the limit for sentences, for tables.
    pub(crate) fn columns(self) -> usize {
        let size = match self {
            Self::Stdout => terminal_size_of(std::io::stdout()),
            Self::Stderr => terminal_size_of(std::io::stderr()),
        };
        size.map_or(usize::MAX, |(Width(width), _)| {
            usize::from(width).max(NARROWEST)
        })
    }
}

/// Breaks `sentence` into lines of at most `width` columns. Text between backticks is never broken,
/// so that it can be copied. A longer word has a line to itself.
///
/// Sentences contain text of others: folder names, messages of a service. Such text can't move the
/// cursor or change colours.
pub(crate) fn wrap(sentence: &str, width: usize) -> Vec<String> {
    let sentence = azcred::printable(sentence, usize::MAX);
    let mut lines = vec![String::new()];
    let mut room = width;
    for (word, is_glued) in words(&sentence).flat_map(|word| pieces(word, width)) {
        let length = width_of(word);
        let last = lines.len() - 1;
        let space = usize::from(!is_glued);
        if !lines[last].is_empty() && length + space > room {
            lines.push(word.to_owned());
            room = width.saturating_sub(length);
        } else {
            if !lines[last].is_empty() && !is_glued {
                lines[last].push(' ');
                room = room.saturating_sub(1);
            }
            lines[last].push_str(word);
            room = room.saturating_sub(length);
        }
    }
    lines
}

/// The word, or pieces of a word that is wider than a line. A script without spaces may break
/// before every letter that takes two columns (Unicode Standard Annex 14, class ID). With each
/// piece: whether it follows the one before without a space.
fn pieces(word: &str, width: usize) -> Vec<(&str, bool)> {
    if width_of(word) <= width || word.contains('`') {
        return vec![(word, false)];
    }
    let mut ends: Vec<usize> = word
        .char_indices()
        .filter(|(at, letter)| *at > 0 && letter.width() == Some(2))
        .map(|(at, _)| at)
        .collect();
    ends.push(word.len());
    let mut from = 0;
    let piece = |end| {
        let piece = (&word[from..end], from > 0);
        from = end;
        piece
    };
    ends.into_iter().map(piece).collect()
}

/// Splits at spaces outside backticks.
fn words(sentence: &str) -> impl Iterator<Item = &str> {
    let mut in_code = false;
    sentence
        .split(move |c: char| {
            in_code ^= c == '`';
            c == ' ' && !in_code
        })
        .filter(|word| !word.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_fit_and_code_stays_whole() {
        assert_eq!(
            wrap(
                "make a new one with `az ad app credential reset --id x`, then go on",
                20
            ),
            [
                "make a new one with",
                "`az ad app credential reset --id x`,",
                "then go on"
            ]
        );
        assert_eq!(wrap("", 10), [""]);
        assert_eq!(
            wrap("in a\u{1b}[31m\u{9b}1m\u{7}\r\nb `c\u{202e}`", 80),
            ["in a [31m 1m b `c `"]
        );
        assert_eq!(wrap("a b", usize::MAX), ["a b"]);
        assert_eq!(wrap("1234567890123 b", 5), ["1234567890123", "b"]);
        assert_eq!(
            wrap("日本語 の 名前 は 幅 が 広い", 10),
            ["日本語 の", "名前 は 幅", "が 広い"]
        );
        assert_eq!(
            wrap("a 証明書のファイルが b", 10),
            ["a 証明書の", "ファイルが", "b"]
        );
        for line in wrap(&"word ".repeat(50), 23) {
            assert!(line.chars().count() <= 23);
        }
    }
}
