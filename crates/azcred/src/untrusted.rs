//! Text from outside, and what of it is shown.
//!
//! A response, a token, a file, the output of a program or a variable can contain characters that
//! move a terminal's cursor, reorder a line, or are invisible. [`Untrusted`] holds such text and
//! shows it without them.

use serde::{Deserialize, Serialize};
use std::{
    borrow::Cow,
    cmp::Ordering,
    fmt,
    hash::{Hash, Hasher},
    ops::Deref,
    path::Path,
};

/// Longest text that [`Untrusted`] shows, in characters.
const LONGEST: usize = 512;

/// Text from outside. As `&str` and with `Display` it has at most 512 characters, none of which
/// moves the cursor, reorders the line or is invisible. So it can be printed as it is, and there is
/// no way to print the rest by mistake.
///
/// [`raw`](Self::raw) is the text itself, for programs that process it. As JSON, it is the text
/// itself too.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub struct Untrusted {
    raw: String,
    /// What is shown, if it differs.
    shown: Option<Box<str>>,
}

impl Untrusted {
    /// Holds a text.
    pub fn new(text: impl Into<String>) -> Self {
        let raw = text.into();
        let shown = (!is_plain(&raw, LONGEST)).then(|| printable(&raw, LONGEST).into());
        Self { raw, shown }
    }

    /// The text as it came. Do not print it.
    pub fn raw(&self) -> &str {
        &self.raw
    }

    /// The text as it is shown.
    pub fn as_str(&self) -> &str {
        self.shown.as_deref().unwrap_or(&self.raw)
    }

    /// The text as it is shown; `None` if that is empty.
    pub(crate) fn some(text: &str) -> Option<Self> {
        Some(Self::new(text)).filter(|text| !text.is_empty())
    }
}

impl Deref for Untrusted {
    type Target = str;

    fn deref(&self) -> &str {
        self.as_str()
    }
}

impl AsRef<str> for Untrusted {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

impl fmt::Display for Untrusted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for Untrusted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_str().fmt(f)
    }
}

impl From<String> for Untrusted {
    fn from(text: String) -> Self {
        Self::new(text)
    }
}

impl From<&str> for Untrusted {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

impl From<Untrusted> for String {
    fn from(text: Untrusted) -> Self {
        text.raw
    }
}

impl PartialEq for Untrusted {
    fn eq(&self, other: &Self) -> bool {
        self.raw == other.raw
    }
}

impl Eq for Untrusted {}

impl PartialEq<str> for Untrusted {
    fn eq(&self, other: &str) -> bool {
        self.raw == other
    }
}

impl PartialEq<&str> for Untrusted {
    fn eq(&self, other: &&str) -> bool {
        self.raw == *other
    }
}

impl PartialEq<String> for Untrusted {
    fn eq(&self, other: &String) -> bool {
        self.raw == *other
    }
}

impl Hash for Untrusted {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.raw.hash(state);
    }
}

impl PartialOrd for Untrusted {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Untrusted {
    fn cmp(&self, other: &Self) -> Ordering {
        self.raw.cmp(&other.raw)
    }
}

/// At most `limit` characters of `text`, safe to print on a terminal: characters that
/// [move the cursor, reorder the line or are invisible](is_unseen) become spaces.
pub fn printable(text: &str, limit: usize) -> String {
    let mut shown: String = text.chars().take(limit).map(seen).collect();
    if text.chars().nth(limit).is_some() {
        shown.push('…');
    }
    shown.trim().to_owned()
}

/// A path as printable text. Its folders may come with a checkout and have any name.
pub fn printable_path(path: &Path) -> String {
    printable(&path.display().to_string(), 4096)
}

/// Whether a character must not reach a terminal as part of a text: control characters (with ESC
/// and those of the C1 set), those that reorder a line (Unicode Standard Annex 9), those that are
/// invisible (the property Default_Ignorable_Code_Point of Unicode Standard Annex 44, with tags and
/// variation selectors), noncharacters, and every white space but the space itself, which a shell
/// does not split words at.
pub fn is_unseen(c: char) -> bool {
    if c.is_ascii() {
        return c.is_ascii_control();
    }
    c.is_control()
        || c.is_whitespace()
        || matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fdd0}'..='\u{fdef}' | '\u{fe00}'..='\u{fe0f}'
            | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
        || u32::from(c) & 0xfffe == 0xfffe
}

fn seen(c: char) -> char {
    if is_unseen(c) { ' ' } else { c }
}

/// Whether `printable` would change nothing.
fn is_plain(text: &str, limit: usize) -> bool {
    !text.starts_with(' ')
        && !text.ends_with(' ')
        && (text.len() <= limit || text.chars().nth(limit).is_none())
        && !text.chars().any(is_unseen)
}

/// A sentence whose [unseen characters](is_unseen) are spaces. Sentences quote values, and a value
/// may come from outside. A `&'static str` is the program's own and stays as it is.
pub fn printable_sentence(text: impl Into<Cow<'static, str>>) -> Cow<'static, str> {
    match text.into() {
        text @ Cow::Borrowed(_) => text,
        Cow::Owned(text) if text.chars().any(is_unseen) => text.chars().map(seen).collect(),
        text @ Cow::Owned(_) => text,
    }
}

/// Writes text without unseen characters, for an implementation of `Display`.
pub(crate) struct Seen<'a, 'b>(pub(crate) &'a mut fmt::Formatter<'b>);

impl fmt::Write for Seen<'_, '_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        if !text.chars().any(is_unseen) {
            return self.0.write_str(text);
        }
        text.chars()
            .try_for_each(|c| fmt::Write::write_char(self.0, seen(c)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One character of each kind that must not be shown.
    const HOSTILE: [char; 30] = [
        '\0',
        '\u{7}',
        '\u{8}',
        '\t',
        '\n',
        '\r',
        '\u{1b}',
        '\u{7f}',
        '\u{80}',
        '\u{85}',
        '\u{9b}',
        '\u{9d}',
        '\u{a0}',
        '\u{ad}',
        '\u{61c}',
        '\u{200b}',
        '\u{200d}',
        '\u{200e}',
        '\u{2028}',
        '\u{2029}',
        '\u{202e}',
        '\u{2060}',
        '\u{2066}',
        '\u{2069}',
        '\u{3164}',
        '\u{fdd0}',
        '\u{fe0f}',
        '\u{feff}',
        '\u{e0041}',
        '\u{10ffff}',
    ];

    #[test]
    fn no_invisible_character_reaches_a_terminal() {
        for c in HOSTILE {
            assert!(is_unseen(c), "{c:?}");
            assert_eq!(printable(&format!("a{c}b"), 9), "a b", "{c:?}");
        }
        assert_eq!(
            printable(" a\u{1b}[31m\u{202e}b\u{200b}\n", 100),
            "a [31m b"
        );
        assert_eq!(printable("äöü", 2), "äö…");
        for c in "a ~äß日本語한국어עבריתالعربية😀€—…'\"`".chars() {
            assert!(!is_unseen(c), "{c:?}");
        }
    }

    #[test]
    fn untrusted_text_is_shown_without_what_is_unseen_in_every_way_to_show_it() {
        let raw: String = HOSTILE.iter().flat_map(|c| ['x', *c]).collect();
        let text = Untrusted::new(&*raw);
        let shown: &str = &text;
        for shown in [
            shown,
            &format!("{text}"),
            &format!("{text:?}"),
            text.as_str(),
        ] {
            assert!(!shown.contains(HOSTILE), "{shown:?}");
            assert!(shown.contains("x x"), "{shown:?}");
        }
        assert_eq!(text.raw(), raw);
        assert_eq!(
            serde_json::to_value(&text).unwrap(),
            serde_json::Value::String(raw)
        );
        let long = Untrusted::new("y".repeat(600));
        assert_eq!(long.chars().count(), LONGEST + 1);
        assert!(Untrusted::some(" \u{200b}").is_none());
    }

    #[test]
    fn a_sentence_and_a_display_are_without_what_is_unseen() {
        struct Shown<'a>(&'a str);
        impl fmt::Display for Shown<'_> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Write::write_str(&mut Seen(f), self.0)
            }
        }
        for c in HOSTILE {
            let text = format!("a{c}b");
            assert_eq!(Shown(&text).to_string(), "a b", "{c:?}");
            assert_eq!(printable_sentence(text), "a b", "{c:?}");
        }
        assert_eq!(printable_sentence("its own\n"), "its own\n");
    }

    #[test]
    fn plain_text_is_kept_as_it_is() {
        let text = Untrusted::new("Müller, 日本");
        assert!(text.shown.is_none());
        assert_eq!((text.raw(), &*text), ("Müller, 日本", "Müller, 日本"));
    }
}
