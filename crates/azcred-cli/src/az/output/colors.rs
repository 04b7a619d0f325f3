//! The colours of `--output jsonc` and `yamlc`: those that Azure CLI has from Python's package
//! Pygments.

use crate::output::style::{Style, paint};
use anstyle::AnsiColor;

const NAME: Style = AnsiColor::BrightBlue.on_default();
const TEXT: Style = AnsiColor::Yellow.on_default();
const WORD: Style = AnsiColor::Blue.on_default();

/// Whether a result has colours.
#[derive(Clone, Copy, Debug)]
pub(super) struct Colors(pub(super) bool);

impl Colors {
    /// A member's name.
    pub(super) fn name(self, name: &str) -> String {
        self.paint(NAME, name)
    }

    /// A text in quotes.
    pub(super) fn text(self, text: &str) -> String {
        self.paint(TEXT, text)
    }

    /// A number, `true`, `false` or `null`.
    pub(super) fn word(self, word: &str) -> String {
        self.paint(WORD, word)
    }

    fn paint(self, style: Style, words: &str) -> String {
        match self.0 {
            true => paint(style, words),
            false => words.to_owned(),
        }
    }
}
