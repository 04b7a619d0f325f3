//! PEM: sections of base64 between dashes (RFC 7468), as people have them.
//!
//! Line breaks may be there or not, be spaces, or be written as `\n`, as variables and settings of
//! CI systems have them. What is outside of sections is a comment.

use crate::untrusted::is_unseen;
use base64::{
    Engine as _,
    alphabet::STANDARD,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use std::fmt;
use zeroize::Zeroizing;

const BEGIN: &str = "-----BEGIN ";
const END: &str = "-----END ";
const DASHES: &str = "-----";
/// A longer text is not the label of a section.
const LONGEST_LABEL: usize = 64;
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// One section: what is between its `BEGIN` and its `END`.
pub(crate) struct Section<'a> {
    /// The line on which it begins, counted from 1 as an editor does.
    pub(crate) line: usize,
    pub(crate) label: &'a str,
    /// The value of the header `DEK-Info` (RFC 1421): the cipher and, in hexadecimal, its
    /// initialization vector.
    pub(crate) encryption: Option<String>,
    pub(crate) der: Zeroizing<Vec<u8>>,
}

/// What is wrong with a section, and the line on which it begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Trouble(pub(crate) usize, pub(crate) &'static str);

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "the PEM section that begins on line {} {}",
            self.0, self.1
        )
    }
}

/// Whether a file has a PEM section. azure-identity tells PEM from PFX in the same way.
pub(crate) fn is_pem(data: &[u8]) -> bool {
    data.windows(10).any(|window| window == b"-----BEGIN")
}

/// The sections of a text, in its order.
///
/// # Errors
/// The first section that can't be read.
#[cfg(any(test, feature = "certificates"))]
pub(crate) fn sections(text: &str) -> Result<Vec<Section<'_>>, Trouble> {
    each_section(text).into_iter().collect()
}

/// As [`sections`], for texts in which each section counts by itself.
pub(crate) fn each_section(text: &str) -> Vec<Result<Section<'_>, Trouble>> {
    // Each mark is looked for once, and each line counted once: a file may have many of both.
    let mut begins = text.match_indices(BEGIN).map(|(at, _)| at).peekable();
    let mut ends = text.match_indices(END).map(|(at, _)| at).peekable();
    let mut sections = Vec::new();
    let (mut line, mut counted, mut after) = (1, 0, 0);
    while let Some(begin) = begins.next() {
        if begin < after {
            continue;
        }
        line += breaks(&text[counted..begin]);
        counted = begin;
        let (section, ended) = match label(text, begin + BEGIN.len()) {
            None => (Err("has a header that is not whole"), begin + BEGIN.len()),
            Some((label, inside)) => {
                while begins.next_if(|next| *next < inside).is_some() {}
                while ends.next_if(|end| *end < inside).is_some() {}
                let (next, end) = (begins.peek().copied(), ends.peek().copied());
                section(text, line, label, inside, next, end)
            }
        };
        sections.push(section.map_err(|why| Trouble(line, why)));
        after = ended;
    }
    sections
}

/// The section on `line` whose content begins at `inside`, before the `next` one and the first
/// `end`; and where the search for the next one begins.
fn section<'a>(
    text: &'a str,
    line: usize,
    label: &'a str,
    inside: usize,
    next: Option<usize>,
    end: Option<usize>,
) -> (Result<Section<'a>, &'static str>, usize) {
    let end = match (end, next) {
        (None, None) => return (Err("has no end: its last lines are missing"), inside),
        (None, Some(_)) => return (Err("has no end: another begins inside it"), inside),
        (Some(end), Some(next)) if next < end => {
            return (Err("has no end: another begins inside it"), inside);
        }
        (Some(end), _) => end,
    };
    let after = match self::label(text, end + END.len()) {
        Some((ended, after)) if ended == label => after,
        _ => {
            return (Err("ends as something else than it began"), end + END.len());
        }
    };
    let (encryption, der) = read(&text[inside..end]);
    let section = match der {
        None => Err("is not base64 throughout"),
        Some(der) if der.is_empty() => Err("is empty"),
        Some(der) => Ok(Section {
            line,
            label,
            encryption,
            der,
        }),
    };
    (section, after)
}

/// The label that begins at `from`, and where its dashes end.
fn label(text: &str, from: usize) -> Option<(&str, usize)> {
    let near = &text.as_bytes()[from..];
    let near = &near[..near.len().min(LONGEST_LABEL + DASHES.len())];
    let length = near
        .windows(DASHES.len())
        .position(|window| window == DASHES.as_bytes())?;
    let fits = |b: &u8| b.is_ascii_graphic() || *b == b' ';
    near[..length]
        .iter()
        .all(fits)
        .then(|| (&text[from..from + length], from + length + DASHES.len()))
}

/// The line breaks in a text that a mark follows. A carriage return with a line feed is one.
fn breaks(text: &str) -> usize {
    let bytes = text.as_bytes();
    let breaks = bytes.iter().enumerate();
    breaks
        .filter(|(at, b)| **b == b'\n' || (**b == b'\r' && bytes.get(at + 1) != Some(&b'\n')))
        .count()
}

/// The cipher of a section, and its bytes; `None` if they are not base64.
fn read(body: &str) -> (Option<String>, Option<Zeroizing<Vec<u8>>>) {
    // It never grows, so that no copy of a part stays in memory.
    let mut base64 = Zeroizing::new(String::with_capacity(body.len()));
    let mut encryption = None;
    for line in lines(body) {
        let mut words = line
            .split([' ', '\t', '\u{b}', '\u{c}'])
            .filter(|word| !word.is_empty());
        while let Some(word) = words.next() {
            let header = word.split_once(':').filter(|_| base64.is_empty());
            let Some((name, value)) = header else {
                base64.extend(word.chars().filter(|c| !matches!(c, '"' | '\'' | '\\')));
                continue;
            };
            let mut value = match value {
                "" => words.next().unwrap_or_default().to_owned(),
                value => value.to_owned(),
            };
            if name.eq_ignore_ascii_case("DEK-Info") {
                if value.ends_with(',') {
                    value.push_str(words.next().unwrap_or_default());
                }
                encryption = Some(value);
            } else if !name.eq_ignore_ascii_case("Proc-Type") {
                // Another header, to the end of its line.
                break;
            }
        }
    }
    (
        encryption,
        BASE64.decode(base64.as_bytes()).ok().map(Zeroizing::new),
    )
}

/// The lines of a section. `\n` and `\r` may be written out.
fn lines(body: &str) -> impl Iterator<Item = &str> {
    body.split(['\n', '\r'])
        .flat_map(|line| line.split("\\n"))
        .flat_map(|line| line.split("\\r"))
        .map(|line| {
            line.trim_matches(|c: char| {
                is_unseen(c) || c.is_whitespace() || matches!(c, '\\' | '"' | '\'')
            })
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_counted_as_an_editor_counts_them() {
        for (text, break_) in [("a\r\nb\r\n", "CRLF"), ("a\nb\n", "LF"), ("a\rb\r", "CR")] {
            let broken = format!("{text}-----BEGIN X-----{}", &text[1..2]);
            let trouble = sections(&broken).err();
            let expected = Trouble(3, "has no end: its last lines are missing");
            assert_eq!(trouble, Some(expected), "{break_}");
        }
    }

    /// It takes minutes if each section looks through the whole text.
    #[test]
    fn a_file_of_nothing_but_marks_is_read_once() {
        const MANY: usize = 100_000;
        let text = "-----BEGIN A-----\n".repeat(MANY);
        let troubles = each_section(&text);
        assert_eq!(troubles.len(), MANY);
        let last = Trouble(MANY, "has no end: its last lines are missing");
        assert_eq!(
            troubles.into_iter().last().and_then(Result::err),
            Some(last)
        );
        let text = "-----BEGIN A-----\nAAEC\n-----END A-----\n".repeat(MANY);
        let sections = sections(&text).unwrap_or_default();
        assert_eq!(sections.len(), MANY);
        assert_eq!(sections[MANY - 1].line, 3 * MANY - 2);
    }

    #[test]
    fn a_section_that_is_damaged_says_why() {
        let long = "X".repeat(LONGEST_LABEL + 1);
        for (text, why) in [
            (
                "-----BEGIN A-----AAEC-----BEGIN B-----AAEC-----END B-----",
                "another begins inside it",
            ),
            (
                "-----BEGIN A-----AAEC-----BEGIN B-----AAEC",
                "another begins inside it",
            ),
            (
                "-----BEGIN A-----AAEC-----END B-----",
                "ends as something else",
            ),
            ("-----BEGIN A-----AAEC-----END A", "ends as something else"),
            ("-----BEGIN A----------END A-----", "is empty"),
            ("-----BEGIN A-----A!EC-----END A-----", "not base64"),
            ("-----BEGIN A", "header that is not whole"),
            (
                &format!("-----BEGIN {long}-----AAEC-----END {long}-----"),
                "header that is not whole",
            ),
        ] {
            let trouble = sections(text).err().expect(text);
            assert!(trouble.to_string().contains(why), "{text}: {trouble}");
        }
        // A cipher and its vector may be apart.
        let text = "-----BEGIN A-----\nDEK-Info: AES-128-CBC, 00FF\n\nAAEC\n-----END A-----";
        let encryption = sections(text).unwrap_or_default().remove(0).encryption;
        assert_eq!(encryption.as_deref(), Some("AES-128-CBC,00FF"));
    }

    #[test]
    fn comments_between_sections_are_passed_over_and_headers_are_not_base64() {
        let text = "Bag Attributes\n friendlyName: \u{fffd}\n-----BEGIN A-----\nX-Note: some words\nDEK-Info: X,00\n\nAAEC\n-----END A-----\nend";
        let sections = sections(text).unwrap_or_default();
        assert_eq!(sections.len(), 1);
        assert_eq!(sections[0].encryption.as_deref(), Some("X,00"));
        assert_eq!(sections[0].der[..], [0, 1, 2]);
    }

    #[test]
    fn line_breaks_may_be_missing_spaces_or_written_out() {
        let lines = [
            "-----BEGIN RSA PRIVATE KEY-----",
            "Proc-Type: 4,ENCRYPTED",
            "DEK-Info: AES-128-CBC,00FF",
            "",
            "AAEC",
            "AwQF",
            "-----END RSA PRIVATE KEY-----",
            "-----BEGIN CERTIFICATE-----",
            "AAEC",
            "-----END CERTIFICATE-----",
        ];
        for between in [
            "\n",
            "\r\n",
            "\r",
            " ",
            "\\n",
            "\\r\\n",
            "\\\\n",
            " \\\n",
            "\n    ",
            "\u{2028}\n",
        ] {
            let text = lines.join(between);
            let sections =
                sections(&text).unwrap_or_else(|trouble| panic!("{between:?}: {trouble}"));
            let [key, certificate] = &sections[..] else {
                panic!("{between:?}: {} sections", sections.len());
            };
            assert_eq!(
                key.encryption.as_deref(),
                Some("AES-128-CBC,00FF"),
                "{between:?}"
            );
            assert_eq!(key.der[..], [0, 1, 2, 3, 4, 5], "{between:?}");
            assert_eq!(certificate.der[..], [0, 1, 2], "{between:?}");
        }
        let joined =
            sections("-----BEGIN A-----AAEC-----END A----------BEGIN B-----AAEC-----END B-----");
        assert_eq!(joined.unwrap_or_default().len(), 2);
    }
}
