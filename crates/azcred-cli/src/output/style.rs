//! A few colours, each with one meaning, from the sixteen that a terminal's theme sets.

use anstyle::AnsiColor;
use clap::builder::Styles;
use std::fmt;

pub(crate) use anstyle::Style;

/// Something is right.
pub(crate) const GOOD: Style = AnsiColor::Green.on_default().bold();
/// Something is wrong.
pub(crate) const BAD: Style = AnsiColor::Red.on_default().bold();
/// Something may be wrong.
pub(crate) const WARN: Style = AnsiColor::Yellow.on_default().bold();
/// A heading, or the most important words.
pub(crate) const STRONG: Style = Style::new().bold();
/// Less important words.
pub(crate) const DIM: Style = Style::new().dimmed();
/// Something to type.
pub(crate) const CODE: Style = AnsiColor::Cyan.on_default();

/// The same styles for clap's help.
pub(crate) const HELP: Styles = Styles::styled()
    .header(STRONG)
    .usage(STRONG)
    .literal(CODE)
    .placeholder(Style::new())
    .error(BAD)
    .valid(CODE)
    .invalid(WARN);

/// Text in a style.
pub(crate) fn paint(style: Style, words: impl fmt::Display) -> String {
    format!("{style}{words}{style:#}")
}

/// A sentence with the parts between backticks in [`CODE`]. The backticks stay, for screens without
/// colours.
pub(crate) fn with_code(sentence: &str) -> String {
    let mut shown = String::with_capacity(sentence.len());
    for (number, part) in sentence.split('`').enumerate() {
        if number > 0 {
            shown.push('`');
        }
        if number % 2 == 1 && sentence.matches('`').count() > number {
            shown.push_str(&paint(CODE, part));
        } else {
            shown.push_str(part);
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_between_two_backticks_is_code() {
        let plain = |sentence: &str| anstream::adapter::strip_str(&with_code(sentence)).to_string();
        for sentence in [
            "run `az login`, or `azcred doctor`",
            "no code",
            "one ` alone",
            "",
        ] {
            assert_eq!(plain(sentence), sentence);
        }
        assert_eq!(
            with_code("run `az login` now"),
            format!("run `{CODE}az login{CODE:#}` now")
        );
        assert!(!with_code("one ` alone").contains('\u{1b}'));
    }
}
