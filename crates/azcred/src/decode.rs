//! Text in files as people have it: with a byte order mark, in UTF-16, as base64 of the whole.

use crate::{facts::is_web_token, sieve::tidied};
use base64::{
    Engine as _,
    alphabet::{STANDARD, URL_SAFE},
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use std::fmt;
use zeroize::Zeroizing;

/// Base64 with or without its padding, whose last bits don't matter.
const LENIENT: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_decode_padding_mode(DecodePaddingMode::Indifferent)
    .with_decode_allow_trailing_bits(true);
const BASE64: [GeneralPurpose; 2] = [
    GeneralPurpose::new(&STANDARD, LENIENT),
    GeneralPurpose::new(&URL_SAFE, LENIENT),
];

/// What a file is that is not the text that was expected. `Display` completes 'the file is'.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NotText(&'static str);

impl fmt::Display for NotText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

/// The text of a file: UTF-8, or UTF-16 as Windows' programs write it, without a byte order mark.
///
/// # Errors
/// [`NotText`]: what the file is.
pub(crate) fn text(bytes: &[u8]) -> Result<Zeroizing<String>, NotText> {
    if let Some(text) = from_utf16(bytes) {
        return text.ok_or(NotText("UTF-16 text that is damaged"));
    }
    let plain = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    if let Some(kind) = binary(bytes) {
        return Err(NotText(kind));
    }
    match str::from_utf8(plain) {
        Ok(text) if text.contains('\0') => Err(NotText("not text")),
        Ok(text) => Ok(Zeroizing::new(text.to_owned())),
        Err(_) if plain.contains(&0) => Err(NotText("not text")),
        Err(_) => Err(NotText(
            "not UTF-8 text, but in an older encoding such as Windows-1252",
        )),
    }
}

/// The text of a file or of standard input, in UTF-8 or UTF-16, without a byte order mark.
///
/// # Errors
/// What the bytes are instead, such as 'a ZIP archive'.
pub fn decode_text(bytes: &[u8]) -> Result<Zeroizing<String>, String> {
    text(bytes).map_err(|kind| kind.to_string())
}

/// The bytes of a text as UTF-8 without a byte order mark. What is not text stays as it is.
pub(crate) fn utf8(bytes: Zeroizing<Vec<u8>>) -> Zeroizing<Vec<u8>> {
    if let Some(plain) = bytes.strip_prefix(b"\xef\xbb\xbf") {
        return Zeroizing::new(plain.to_vec());
    }
    match from_utf16(&bytes) {
        Some(Some(text)) => Zeroizing::new(text.as_bytes().to_vec()),
        _ => bytes,
    }
}

/// As [`text`], for files in which only ASCII counts, such as PEM: other bytes may be anything.
pub(crate) fn ascii(bytes: &[u8]) -> Zeroizing<String> {
    match from_utf16(bytes) {
        Some(Some(text)) => text,
        _ => Zeroizing::new(
            String::from_utf8_lossy(bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes))
                .into_owned(),
        ),
    }
}

/// What is inside of a file that was encoded as a whole: in UTF-16, as base64 (of PEM, of DER), or
/// both. `None` if the file is what it seems.
pub(crate) fn unwrapped(bytes: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    const DEEPEST: usize = 4;
    let mut inside: Option<Zeroizing<Vec<u8>>> = None;
    for _ in 0..DEEPEST {
        let now = inside.as_ref().map_or(bytes, |inside| inside.as_slice());
        let next = match from_utf16(now) {
            Some(Some(text)) => Some(Zeroizing::new(text.as_bytes().to_vec())),
            Some(None) => None,
            None => from_base64(now),
        };
        match next {
            Some(next) => inside = Some(next),
            None => break,
        }
    }
    inside
}

/// The JSON web token in a file: alone, in quotes, on several lines, or as base64 of the whole.
///
/// # Errors
/// Why there is none.
pub(crate) fn web_token(bytes: &[u8]) -> Result<Zeroizing<String>, String> {
    let text = text(bytes).map_err(|kind| format!("the file is {kind}"))?;
    let bare = tidied(&text);
    let bare = ["Bearer ", "bearer "]
        .iter()
        .find_map(|word| bare.strip_prefix(word))
        .unwrap_or(bare);
    if is_web_token(bare) {
        return Ok(Zeroizing::new(bare.to_owned()));
    }
    let joined: Zeroizing<String> = Zeroizing::new(
        bare.chars()
            .filter(|c| !c.is_whitespace() && !matches!(c, '\\' | '"' | '\''))
            .collect(),
    );
    if joined.starts_with("eyJ") && is_web_token(&joined) {
        return Ok(joined);
    }
    if let Some(inside) = decoded(&joined)
        && let Ok(inside) = str::from_utf8(&inside)
        && inside.starts_with("eyJ")
        && is_web_token(inside.trim())
    {
        return Ok(Zeroizing::new(inside.trim().to_owned()));
    }
    Err(match bare.as_bytes() {
        [] => "the file is empty".to_owned(),
        [b'{' | b'[', ..] => {
            "the file is JSON, and must have the token alone: write it with `jq -r .FIELD`"
                .to_owned()
        }
        [b'<', ..] => "the file is a web page (HTML)".to_owned(),
        _ if bare.contains("-----BEGIN") => {
            "the file is a certificate or a key (PEM), not a token".to_owned()
        }
        _ => "the file does not contain a JSON web token".to_owned(),
    })
}

/// The text of UTF-16; `None` if the bytes are not UTF-16, `Some(None)` if they are damaged.
fn from_utf16(bytes: &[u8]) -> Option<Option<Zeroizing<String>>> {
    /// So many characters of a text without a byte order mark show that it is UTF-16.
    const SEEN: usize = 8;
    type Read = fn([u8; 2]) -> u16;
    let (big, little): (Read, Read) = (u16::from_be_bytes, u16::from_le_bytes);
    let (read, rest) = match bytes {
        // UTF-32 begins in the same way.
        [0xff, 0xfe, 0, 0, ..] => return None,
        [0xff, 0xfe, rest @ ..] => (little, rest),
        [0xfe, 0xff, rest @ ..] => (big, rest),
        _ => {
            let start = bytes.get(..2 * SEEN)?;
            let is = |zero: usize| {
                start
                    .chunks_exact(2)
                    .all(|pair| pair[zero] == 0 && matches!(pair[1 - zero], 9..=13 | 32..=126))
            };
            match (is(1), is(0)) {
                (true, _) => (little, bytes),
                (_, true) => (big, bytes),
                _ => return None,
            }
        }
    };
    if !rest.len().is_multiple_of(2) {
        return Some(None);
    }
    let units = rest.chunks_exact(2).map(|pair| read([pair[0], pair[1]]));
    // One allocation, so that no copy of a part stays in memory.
    let mut text = Zeroizing::new(String::with_capacity(rest.len() / 2 * 3));
    for c in char::decode_utf16(units) {
        match c {
            Ok(c) => text.push(c),
            Err(_) => return Some(None),
        }
    }
    Some(Some(text))
}

/// What base64 throughout contains, if that is a PEM file, DER, or text in UTF-16.
fn from_base64(bytes: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let text = str::from_utf8(bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes)).ok()?;
    let text = tidied(text);
    // The file itself, or too short for one.
    if text.len() < 32 || text.starts_with("-----") {
        return None;
    }
    let mut joined = Zeroizing::new(String::with_capacity(text.len()));
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '\\' => _ = rest.next_if(|c| matches!(c, 'n' | 'r')),
            c if c.is_whitespace() => {}
            c if c.is_ascii() => joined.push(c),
            _ => return None,
        }
    }
    let inside = decoded(&joined)?;
    let is_file = inside.starts_with(&[0x30])
        || from_utf16(&inside).is_some()
        || inside.windows(10).any(|part| part == b"-----BEGIN")
        || from_base64(&inside).is_some();
    is_file.then_some(inside)
}

fn decoded(text: &str) -> Option<Zeroizing<Vec<u8>>> {
    BASE64
        .iter()
        .find_map(|engine| engine.decode(text).ok())
        .map(Zeroizing::new)
}

/// What a file is that begins with these bytes, if they are those of a known binary form.
fn binary(bytes: &[u8]) -> Option<&'static str> {
    const KNOWN: [(&[u8], &str); 10] = [
        (b"PK\x03\x04", "a ZIP archive"),
        (b"\x1f\x8b", "compressed (gzip)"),
        (b"7z\xbc\xaf", "a 7-Zip archive"),
        (b"\xfd7zXZ", "compressed (xz)"),
        (b"%PDF", "a PDF document"),
        (b"\x89PNG", "a picture (PNG)"),
        (b"\xfe\xed\xfe\xed", "a Java key store (JKS)"),
        (b"SQLite format 3\0", "an SQLite database"),
        (b"\xff\xfe\0\0", "UTF-32 text"),
        (b"\x7fELF", "a program"),
    ];
    let known = KNOWN.iter().find(|(start, _)| bytes.starts_with(start));
    known.map(|(_, kind)| *kind)
}

/// What a file is instead of a certificate or a key; `None` if its start does not show it.
pub(crate) fn described(bytes: &[u8]) -> Option<&'static str> {
    let start = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    binary(bytes).or(match start.trim_ascii_start() {
        [b'<', ..] => Some("a web page (HTML)"),
        [b'{' | b'[', ..] => Some("JSON"),
        start if start.starts_with(b"ssh-") => Some("a public key of OpenSSH"),
        start if start.starts_with(b"PuTTY-User-Key") => Some("a key of PuTTY"),
        start if start.starts_with(b"eyJ") => Some("a token"),
        start if start.starts_with(b"----") => Some("a key in another form than PEM"),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::engine::general_purpose;

    fn utf16(text: &str, big: bool, mark: bool) -> Vec<u8> {
        let mark = if mark { "\u{feff}" } else { "" };
        let units = mark.encode_utf16().chain(text.encode_utf16());
        units
            .flat_map(|unit| match big {
                true => unit.to_be_bytes(),
                false => unit.to_le_bytes(),
            })
            .collect()
    }

    #[test]
    fn a_text_is_read_in_utf8_and_utf16_with_and_without_its_mark() {
        let text_of = |bytes: &[u8]| text(bytes).map(|text| text.to_string());
        for plain in [
            "{\"a\": \"é\"}\r\nline two",
            "plain text is here",
            "12345678",
        ] {
            assert_eq!(text_of(plain.as_bytes()).unwrap(), plain);
            let marked = format!("\u{feff}{plain}");
            assert_eq!(text_of(marked.as_bytes()).unwrap(), plain);
            for big in [false, true] {
                assert_eq!(text_of(&utf16(plain, big, true)).unwrap(), plain);
                if plain.is_ascii() {
                    assert_eq!(text_of(&utf16(plain, big, false)).unwrap(), plain);
                }
            }
        }
        assert_eq!(text_of(b"").unwrap(), "");
    }

    #[test]
    fn a_file_that_is_not_text_is_named() {
        for (bytes, kind) in [
            (&b"PK\x03\x04rest"[..], "ZIP"),
            (b"\x1f\x8b\x08rest", "gzip"),
            (b"%PDF-1.7", "PDF"),
            (b"caf\xe9", "Windows-1252"),
            (b"a\0b", "not text"),
            (b"\xff\xfea", "UTF-16"),
            (b"\xff\xfe\0\xd8", "UTF-16"),
            (b"\xff\xfe\0\0a\0\0\0", "UTF-32"),
        ] {
            let error = text(bytes).unwrap_err().to_string();
            assert!(error.contains(kind), "{error}");
        }
    }

    #[test]
    fn a_file_that_was_encoded_twice_is_unwrapped_and_another_one_is_named() {
        const PEM: &str = "-----BEGIN X-----\nAAEC\n-----END X-----\n";
        let base64 = |bytes: &[u8]| general_purpose::STANDARD.encode(bytes);
        let twice = [
            base64(base64(PEM.as_bytes()).as_bytes()).into_bytes(),
            base64(&utf16(PEM, false, true)).into_bytes(),
            utf16(&base64(PEM.as_bytes()), true, true),
        ];
        for file in twice {
            let inside = unwrapped(&file).expect("it is wrapped");
            assert_eq!(str::from_utf8(&inside), Ok(PEM));
        }
        assert!(unwrapped(PEM.as_bytes()).is_none());
        for (file, kind) in [
            (&b"{\"a\": 1}"[..], "JSON"),
            (b"\xef\xbb\xbf [1]", "JSON"),
            (b"<html>", "a web page (HTML)"),
            (b"ssh-ed25519 AAAA", "a public key of OpenSSH"),
            (b"PuTTY-User-Key-File-3", "a key of PuTTY"),
            (b"eyJhbGciOiJSUzI1NiJ9.e30.x", "a token"),
            (b"---- BEGIN SSH2", "a key in another form than PEM"),
            (b"PK\x03\x04", "a ZIP archive"),
        ] {
            assert_eq!(described(file), Some(kind));
        }
        assert_eq!(
            described(PEM.as_bytes()),
            Some("a key in another form than PEM")
        );
        assert_eq!(described(b"some text"), None);
    }

    #[test]
    fn bytes_become_utf_8_without_a_mark_and_others_stay() {
        let of = |bytes: &[u8]| utf8(Zeroizing::new(bytes.to_vec())).to_vec();
        assert_eq!(of(b"\xef\xbb\xbfabc"), b"abc");
        assert_eq!(of(&utf16("abc", true, true)), b"abc");
        for other in [&b"abc"[..], b"\xff\xfea", b"\xe9\0"] {
            assert_eq!(of(other), other);
        }
    }

    #[test]
    fn a_token_is_read_as_people_have_it() {
        const TOKEN: &str = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ4In0.c2lnbmF0dXJl";
        let broken = format!("{}\r\n{}\r\n", &TOKEN[..30], &TOKEN[30..]);
        let base64 = general_purpose::STANDARD.encode(TOKEN);
        let url = general_purpose::URL_SAFE_NO_PAD.encode(format!("{TOKEN}\n"));
        let mut files: Vec<Vec<u8>> = [
            TOKEN,
            &format!("{TOKEN}\n"),
            &format!("\u{feff}{TOKEN}\r\n"),
            &format!("\"{TOKEN}\""),
            &format!("'{TOKEN}'\n"),
            &format!("Bearer {TOKEN}\n"),
            &format!("\u{200b}{TOKEN}\u{a0}"),
            &broken,
            &base64,
            &format!("{base64}\n"),
            &url,
        ]
        .map(|text| text.as_bytes().to_vec())
        .into();
        for big in [false, true] {
            files.push(utf16(&format!("{TOKEN}\r\n"), big, true));
            files.push(utf16(TOKEN, big, false));
        }
        for file in files {
            let shown = String::from_utf8_lossy(&file).into_owned();
            assert_eq!(*web_token(&file).expect(&shown), TOKEN, "{shown}");
        }
        for (file, why) in [
            ("", "empty"),
            ("\u{feff} \r\n", "empty"),
            ("{\"value\": \"eyJ\"}", "JSON"),
            ("<html>", "web page"),
            ("-----BEGIN CERTIFICATE-----", "PEM"),
            ("some words", "JSON web token"),
            ("PK\u{3}\u{4}", "ZIP"),
            // base64 of 'eyJ, and no token'
            ("ZXlKLCBhbmQgbm8gdG9rZW4=", "JSON web token"),
        ] {
            let error = web_token(file.as_bytes()).unwrap_err();
            assert!(error.contains(why), "{file}: {error}");
        }
    }
}
