//! The door to the two streams: all text that azcred writes goes through it.
//!
//! Texts quote names, claims, messages and paths from outside. Characters in them that move the
//! cursor, reorder a line or are invisible become spaces, whatever the text went through before. Of
//! terminal sequences, only azcred's own styles pass.

use anstream::stream::{AsLockedWrite, RawStream};
use azcred::is_unseen;
use std::{
    borrow::Cow,
    fmt,
    io::{self, Write},
};
use tracing_subscriber::fmt::MakeWriter;
use url::Url;

/// The styles of `style`, of the help, of QR codes and of `az --output jsonc`: the parameters of
/// Select Graphic Rendition (ECMA-48 section 8.3.117).
const STYLES: [&str; 12] = [
    "", "0", "1", "2", "31", "32", "33", "34", "36", "94", "38;5;16", "48;5;231",
];
/// The styles of traces, besides: those of `tracing_subscriber`.
const TRACES: [&str; 2] = ["\u{1b}[3m", "\u{1b}[35m"];

/// A stream with the door before it.
pub(crate) struct Door<S: RawStream>(anstream::AutoStream<S>);

/// Standard output.
#[expect(clippy::disallowed_methods, reason = "the door")]
pub(crate) fn stdout() -> Door<io::Stdout> {
    Door(anstream::stdout())
}

/// Standard error.
#[expect(clippy::disallowed_methods, reason = "the door")]
pub(crate) fn stderr() -> Door<io::Stderr> {
    Door(anstream::stderr())
}

impl<S: RawStream + AsLockedWrite> Door<S> {
    /// Writes a text.
    pub(crate) fn write(&mut self, text: &str) -> io::Result<()> {
        self.0.write_all(safe(text, &[]).as_bytes())?;
        self.0.flush()
    }

    /// Writes a text and ends the line.
    pub(crate) fn line(&mut self, text: impl fmt::Display) -> io::Result<()> {
        self.write(&format!("{text}\n"))
    }

    /// Writes a text that may have links, but to this address only.
    pub(crate) fn linking(&mut self, text: &str, address: &Url) -> io::Result<()> {
        let links = [link_to(address.as_str()), link_to("")];
        let links = links.each_ref().map(String::as_str);
        self.0.write_all(safe(text, &links).as_bytes())?;
        self.0.flush()
    }

    /// Writes a text for a program, byte for byte.
    pub(crate) fn verbatim(&mut self, text: &str) -> io::Result<()> {
        self.0.write_all(text.as_bytes())?;
        self.0.flush()
    }
}

/// What makes the following text a link to an address (OSC 8), or ends the link if that is empty.
pub(super) fn link_to(address: &str) -> String {
    format!("\u{1b}]8;;{address}\u{1b}\\")
}

/// A text without unseen characters, other than the ends of its lines, azcred's styles and these
/// sequences.
fn safe<'a>(text: &'a str, more: &[&str]) -> Cow<'a, str> {
    if !text.chars().any(|c| c != '\n' && is_unseen(c)) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(|c| c != '\n' && is_unseen(c)) {
        shown.push_str(&rest[..at]);
        rest = &rest[at..];
        match own(rest, more) {
            Some(sequence) => {
                shown.push_str(sequence);
                rest = &rest[sequence.len()..];
            }
            None => {
                shown.push(' ');
                rest = &rest[rest.chars().next().map_or(0, char::len_utf8)..];
            }
        }
    }
    shown.push_str(rest);
    Cow::Owned(shown)
}

/// The style or the sequence at the start of a text, if it is azcred's own.
fn own<'a>(text: &'a str, more: &[&str]) -> Option<&'a str> {
    let mut more = more.iter();
    if let Some(sequence) = more.find(|sequence| text.starts_with(**sequence)) {
        return Some(&text[..sequence.len()]);
    }
    let (parameters, _) = text.strip_prefix("\u{1b}[")?.split_once('m')?;
    STYLES
        .contains(&parameters)
        .then(|| &text[..parameters.len() + 3])
}

/// JSON whose strings are the same and show nothing unseen: such characters are escaped (RFC 8259
/// section 7).
pub(crate) fn escaped(json: String) -> String {
    let is_unseen = |c: char| c != '\n' && is_unseen(c);
    if !json.chars().any(is_unseen) {
        return json;
    }
    let mut text = String::with_capacity(json.len() + 32);
    for c in json.chars() {
        match is_unseen(c) {
            false => text.push(c),
            true => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    text.push_str(&format!("\\u{unit:04x}"));
                }
            }
        }
    }
    text
}

/// Standard error for traces. Each is written as a whole.
pub(crate) struct Traces;

impl<'a> MakeWriter<'a> for Traces {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        Self
    }
}

impl Write for Traces {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(bytes);
        io::stderr().write_all(safe(&text, &TRACES).as_bytes())?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::style::{BAD, CODE, DIM, GOOD, STRONG, WARN, paint};

    /// What terminals act on, and what they don't show.
    const HOSTILE: &str = "\u{1b}[2J\u{1b}]8;;https://evil.example\u{1b}\\\u{1b}]52;c;eA==\u{7}\u{1b}[31;5m\u{9b}1m\u{9d}0;x\u{9c}\u{85}\r\0\t\u{a0}\u{200b}\u{202e}\u{2066}\u{2028}\u{e0041}\u{feff}";

    #[test]
    fn only_own_styles_and_ends_of_lines_pass() {
        for style in [GOOD, BAD, WARN, STRONG, DIM, CODE] {
            let own = format!("{}\n", paint(style, "words"));
            assert_eq!(safe(&own, &[]), own);
        }
        let shown = safe(HOSTILE, &[]);
        assert!(!shown.chars().any(is_unseen), "{shown:?}");
        let mixed = format!("a{}b", paint(STRONG, HOSTILE));
        let shown = safe(&mixed, &[]);
        assert!(shown.starts_with("a\u{1b}[1m [2J"), "{shown:?}");
        assert!(shown.ends_with("\u{1b}[0mb"), "{shown:?}");
        assert_eq!(shown.matches('\u{1b}').count(), 2, "{shown:?}");
    }

    #[test]
    fn a_link_passes_to_the_named_address_only() {
        let address = Url::parse("https://contoso.com/device").unwrap();
        let link = |to: &str| format!("{}here{}", link_to(to), link_to(""));
        let links = [link_to(address.as_str()), link_to("")];
        let links = links.each_ref().map(String::as_str);
        assert_eq!(
            safe(&link(address.as_str()), &links),
            link(address.as_str())
        );
        assert!(!safe(&link("https://evil.example/"), &links).contains("\u{1b}]8;;https"));
    }

    #[test]
    fn json_has_escapes_for_what_is_unseen_and_the_same_value() {
        let value = serde_json::json!({ HOSTILE: [HOSTILE, "Müller 日本", 1] });
        let text = escaped(serde_json::to_string_pretty(&value).unwrap());
        assert!(!text.chars().any(|c| c != '\n' && is_unseen(c)), "{text}");
        assert_eq!(
            serde_json::from_str::<serde_json::Value>(&text).unwrap(),
            value
        );
        assert!(text.contains("Müller 日本"));
    }
}
