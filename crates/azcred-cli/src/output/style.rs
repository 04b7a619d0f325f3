//! Colours, few and with one meaning each, from the sixteen that every terminal's theme adapts.

use anstyle::AnsiColor;
use clap::builder::Styles;
use std::fmt;

pub(crate) use anstyle::Style;

/// Something is as it should be.
pub(crate) const GOOD: Style = AnsiColor::Green.on_default().bold();
/// Something is not.
pub(crate) const BAD: Style = AnsiColor::Red.on_default().bold();
/// Something deserves a look.
pub(crate) const WARN: Style = AnsiColor::Yellow.on_default().bold();
/// A heading, or the words that matter most.
pub(crate) const STRONG: Style = Style::new().bold();
/// Words that may be read last.
pub(crate) const DIM: Style = Style::new().dimmed();
/// What can be typed.
pub(crate) const CODE: Style = AnsiColor::Cyan.on_default();

/// Clap's help in the same hand.
pub(crate) const HELP: Styles = Styles::styled()
    .header(STRONG)
    .usage(STRONG)
    .literal(CODE)
    .placeholder(Style::new())
    .error(BAD)
    .valid(CODE)
    .invalid(WARN);

/// Words in a style.
pub(crate) fn paint(style: Style, words: impl fmt::Display) -> String {
    format!("{style}{words}{style:#}")
}

/// A sentence whose parts in backticks are what can be typed: shown in [`CODE`], between their
/// backticks still, so that they can be told apart without colours.
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
    fn code_is_what_stands_between_two_backticks() {
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
