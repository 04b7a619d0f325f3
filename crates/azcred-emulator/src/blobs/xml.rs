//! The XML of requests and responses.

use super::error::BlobError;
use quick_xml::{Reader, events::Event};
use std::borrow::Cow;

/// Text as XML has it. Characters that XML can't have become `�`.
pub(super) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            c if is_xml(c) => escaped.push(c),
            _ => escaped.push('\u{fffd}'),
        }
    }
    escaped
}

/// Whether XML can have this character (XML 1.0, section 2.2).
pub(super) fn is_xml(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | '\u{20}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
}

/// An element with text: `<Name>text</Name>`, or `<Name />` without text.
pub(super) fn element(name: &str, text: &str) -> String {
    match text {
        "" => format!("<{name} />"),
        text => format!("<{name}>{}</{name}>", escape(text)),
    }
}

/// Most elements of a request.
const MOST: usize = 200_000;

/// The elements of a request's document that have text, with the names of those around them:
/// `("BlockList/Latest", "QUFB")`. The order is kept.
pub(super) fn leaves(document: &[u8]) -> Result<Vec<(String, String)>, BlobError> {
    let invalid = BlobError::invalid_xml;
    let text = std::str::from_utf8(document).map_err(|_| invalid())?;
    let mut reader = Reader::from_str(text.trim_start_matches('\u{feff}'));
    let (mut path, mut found) = (Vec::new(), Vec::new());
    let (mut value, mut is_leaf, mut has_root) = (String::new(), false, false);
    loop {
        match reader.read_event().map_err(|_| invalid())? {
            Event::Start(start) => {
                let name = String::from_utf8_lossy(start.local_name().as_ref()).into_owned();
                path.push(name);
                (is_leaf, has_root) = (true, true);
                value.clear();
            }
            Event::Empty(start) => {
                let name = String::from_utf8_lossy(start.local_name().as_ref()).into_owned();
                path.push(name);
                found.push((path.join("/"), String::new()));
                path.pop();
                (is_leaf, has_root) = (false, true);
            }
            Event::Text(part) => {
                let part = part.decode().map_err(|_| invalid())?;
                value.push_str(&part);
            }
            Event::GeneralRef(reference) => {
                let name = reference.decode().map_err(|_| invalid())?;
                value.push_str(&resolved(&name).ok_or_else(invalid)?);
            }
            Event::CData(part) => {
                value.push_str(&part.decode().map_err(|_| invalid())?);
            }
            Event::End(_) => {
                if is_leaf {
                    found.push((path.join("/"), std::mem::take(&mut value)));
                }
                path.pop().ok_or_else(invalid)?;
                is_leaf = false;
            }
            Event::Eof if path.is_empty() && has_root => return Ok(found),
            // A document type could define texts that grow.
            Event::Eof | Event::DocType(_) => return Err(invalid()),
            Event::Decl(_) | Event::Comment(_) | Event::PI(_) => {}
        }
        if found.len() > MOST || path.len() > 32 {
            return Err(invalid());
        }
    }
}

/// The text of a reference: `&lt;`, `&#65;`, `&#x41;`.
fn resolved(name: &str) -> Option<Cow<'static, str>> {
    let number = match name.strip_prefix('#') {
        None => {
            return Some(Cow::Borrowed(match name {
                "lt" => "<",
                "gt" => ">",
                "amp" => "&",
                "quot" => "\"",
                "apos" => "'",
                _ => return None,
            }));
        }
        Some(number) => match number.strip_prefix('x') {
            Some(hex) => u32::from_str_radix(hex, 16),
            None => number.parse(),
        },
    };
    let c = char::from_u32(number.ok()?).filter(|c| is_xml(*c))?;
    Some(Cow::Owned(c.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_are_read_in_their_order_and_nothing_else_is_a_document() {
        let document = "\u{feff}<?xml version=\"1.0\"?><BlockList><Latest>a&amp;&#x62;</Latest><Committed/><Latest><![CDATA[<]]></Latest></BlockList>";
        let expected = [
            ("BlockList/Latest", "a&b"),
            ("BlockList/Committed", ""),
            ("BlockList/Latest", "<"),
        ];
        let found = leaves(document.as_bytes()).unwrap();
        let found: Vec<_> = found
            .iter()
            .map(|(k, v)| (k.as_str(), v.as_str()))
            .collect();
        assert_eq!(found, expected);
        for bad in [
            "",
            "x",
            "<a>",
            "<a></b>",
            "</a>",
            "<a>&unknown;</a>",
            "<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>",
            "<a>&#0;</a>",
        ] {
            assert!(leaves(bad.as_bytes()).is_err(), "{bad}");
        }
        assert!(leaves(&[0xff]).is_err());
        assert!(leaves("<a>".repeat(100).as_bytes()).is_err());
    }

    #[test]
    fn a_text_is_the_same_after_it_was_written_and_read() {
        for text in ["a<b>&\"'", "ä愛\n", "]]>", "&amp;"] {
            let written = format!("<r>{}</r>", element("a", text));
            let read = leaves(written.as_bytes()).unwrap();
            assert_eq!(read, [("r/a".to_owned(), text.to_owned())]);
        }
        assert_eq!(escape("\u{0}\u{1b}"), "\u{fffd}\u{fffd}");
    }
}
