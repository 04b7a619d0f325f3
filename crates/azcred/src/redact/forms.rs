//! The forms in which a text could have a secret: what it is encoded as, and what is taken out of
//! a text before it is compared.

use super::STRETCH;
use crate::untrusted::is_unseen;
use base64::{
    Engine,
    alphabet::STANDARD,
    engine::{
        DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig, general_purpose::STANDARD_NO_PAD,
    },
};

/// Reads base64 whose end was cut off.
const CUT: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// A text in lower case without white space and without what is unseen.
pub(super) fn compact(text: &str) -> String {
    text.chars()
        .map(narrow)
        .filter(|c| !c.is_whitespace() && !is_unseen(*c))
        .flat_map(char::to_lowercase)
        .collect()
}

/// The letters and digits of a text, in lower case.
pub(super) fn letters(text: &str) -> String {
    text.chars()
        .map(narrow)
        .filter(|c| c.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .collect()
}

/// A full-width character as the usual one (Unicode block 'Halfwidth and Fullwidth Forms').
fn narrow(c: char) -> char {
    match c {
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(c) - 0xfee0).unwrap_or(c),
        c => c,
    }
}

/// The forms of secrets, in both views.
pub(super) struct Forms {
    pub(super) compact: Vec<Form>,
    pub(super) letters: Vec<Form>,
}

/// A secret, as it may be encoded.
pub(super) struct Form {
    pub(super) text: String,
    /// This many characters of it in a row can't be a coincidence. In hexadecimal, a character of
    /// the secret is two, and eight of them are in a GUID by chance once in a thousand responses.
    pub(super) stretch: usize,
}

impl Forms {
    pub(super) fn of<'a>(secrets: impl Iterator<Item = &'a str>) -> Self {
        let all: Vec<Form> = secrets.flat_map(forms).collect();
        let view = |view: fn(&str) -> String| {
            let seen = all.iter().map(|form| Form {
                text: view(&form.text),
                stretch: form.stretch,
            });
            seen.collect::<Vec<Form>>()
        };
        let (mut compact, mut letters) = (view(compact), view(letters));
        // Of a secret with many signs, its letters are too few to know it by.
        letters.retain(|letters| {
            letters.text.len() >= STRETCH || compact.iter().any(|form| form.text == letters.text)
        });
        for view in [&mut compact, &mut letters] {
            view.retain(|form| !form.text.is_empty());
        }
        Self { compact, letters }
    }
}

/// The secret as it is, in hexadecimal, and in base64 at each offset. A code of three characters
/// would be found in any text.
fn forms(secret: &str) -> Vec<Form> {
    let form = |text: String| Form {
        text,
        stretch: STRETCH,
    };
    let bytes = secret.as_bytes();
    let mut forms = vec![
        form(secret.to_owned()),
        Form {
            text: bytes.iter().map(|byte| format!("{byte:02x}")).collect(),
            stretch: 2 * STRETCH,
        },
    ];
    for offset in 0..3 {
        let shifted = [&[0; 2][..offset], bytes].concat();
        let text = STANDARD_NO_PAD.encode(&shifted);
        // The first characters also encode the bytes before the secret, the last one may encode
        // the byte behind it.
        let first = [0, 2, 3][offset];
        let last = text.len() - usize::from(shifted.len() % 3 != 0);
        let own = text.get(first..last).unwrap_or_default();
        forms.push(form(own.to_owned()));
        // The other alphabet (RFC 4648 section 5).
        if own.contains(['+', '/']) {
            forms.push(form(own.replace('+', "-").replace('/', "_")));
        }
    }
    forms.retain(|form| form.text == secret || form.text.len() >= 4);
    forms
}

/// What is in the base64 of a text, in both alphabets and however its lines are broken; `None` if
/// nothing of it is text. Letters before it may belong to it or not, so it is read from each
/// offset.
pub(super) fn within_base64(text: &str) -> Option<String> {
    let joined: String = text
        .chars()
        .map(narrow)
        .filter(|c| !c.is_whitespace() && !is_unseen(*c))
        .map(|c| match c {
            '-' => '+',
            '_' => '/',
            c => c,
        })
        .collect();
    let is_base64 = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '/');
    let mut inside = String::new();
    let runs = joined.split(|c: char| !is_base64(c));
    // A stretch has three more characters at most where it is encoded.
    for run in runs.filter(|run| run.len() >= STRETCH + 3) {
        for from in 0..4 {
            let rest = &run[from..];
            // One character alone holds no byte.
            let whole = &rest[..rest.len() - usize::from(rest.len() % 4 == 1)];
            let Ok(bytes) = CUT.decode(whole) else {
                continue;
            };
            // From the wrong offset it is noise, of which little looks like text.
            let decoded = String::from_utf8_lossy(&bytes);
            let is_noise = |c: char| {
                c == char::REPLACEMENT_CHARACTER || (c.is_control() && !c.is_whitespace())
            };
            for text in decoded.split(is_noise).filter(|text| text.len() >= STRETCH) {
                inside.push_str(text);
                inside.push(';');
            }
        }
    }
    (!inside.is_empty()).then_some(inside)
}

/// A text with its escapes resolved once: those of addresses (`%41`), HTML (`&#65;`, `&#x41;`,
/// `&amp;`), and JSON and programs (`\u0041`, `\x41`, `\u{41}`); with `in_mail`, also those of
/// quoted-printable (`=41`, and lines that go on) and of numbers (`0x41`). `None` if it has none.
pub(super) fn unescaped(text: &str, in_mail: bool) -> Option<String> {
    let mut plain = Vec::with_capacity(text.len());
    let mut rest = text;
    let mut has_changed = false;
    while let Some(c) = rest.chars().next() {
        let escape = match c {
            '%' => byte(&rest[1..], 1),
            '&' => entity(rest),
            '\\' => backslash(rest),
            '=' if in_mail => byte(&rest[1..], 1).or_else(|| soft_break(rest)),
            '0' if in_mail && rest[1..].starts_with(['x', 'X']) => byte(&rest[2..], 2),
            _ => None,
        };
        match escape {
            Some((decoded, length)) => {
                plain.extend(decoded);
                rest = &rest[length..];
                has_changed = true;
            }
            None => {
                plain.extend_from_slice(&rest.as_bytes()[..c.len_utf8()]);
                rest = &rest[c.len_utf8()..];
            }
        }
    }
    has_changed.then(|| String::from_utf8_lossy(&plain).into_owned())
}

/// What an escape stands for, and its length.
type Escape = (Vec<u8>, usize);

/// Two hexadecimal digits behind a mark of this length.
fn byte(digits: &str, mark: usize) -> Option<Escape> {
    let byte = u8::from_str_radix(hex(digits, 2)?, 16).ok()?;
    Some((vec![byte], mark + 2))
}

fn hex(text: &str, count: usize) -> Option<&str> {
    let digits = text.get(..count)?;
    let is_hex = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_hex.then_some(digits)
}

fn character(code: u32, length: usize) -> Option<Escape> {
    let text = char::from_u32(code)?.to_string();
    Some((text.into_bytes(), length))
}

/// `&#65;`, `&#x41;`, with or without the semicolon. A name stands for a sign, which does not
/// count.
fn entity(text: &str) -> Option<Escape> {
    let Some(number) = text.strip_prefix("&#") else {
        let name = text[1..].split(';').next()?;
        let is_name = (2..=8).contains(&name.len())
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric())
            && text[1..].len() > name.len();
        let sign = match name {
            "amp" => "&",
            "lt" => "<",
            "gt" => ">",
            "quot" => "\"",
            "apos" => "'",
            "plus" => "+",
            "equals" => "=",
            "percnt" => "%",
            _ => "",
        };
        return is_name.then(|| (sign.as_bytes().to_vec(), name.len() + 2));
    };
    let (digits, radix) = match number.strip_prefix(['x', 'X']) {
        Some(digits) => (digits, 16),
        None => (number, 10),
    };
    let count = digits.chars().take_while(|c| c.is_digit(radix)).count();
    let code = u32::from_str_radix(&digits[..count], radix).ok()?;
    let length = text.len() - digits.len() + count;
    character(code, length + usize::from(text[length..].starts_with(';')))
}

fn backslash(text: &str) -> Option<Escape> {
    match text.as_bytes().get(1)? {
        b'u' | b'U' if text[2..].starts_with('{') => {
            let digits = text[3..]
                .split('}')
                .next()
                .filter(|digits| digits.len() <= 6)?;
            character(u32::from_str_radix(digits, 16).ok()?, digits.len() + 4)
        }
        b'u' => {
            let unit = |at: usize| u16::from_str_radix(hex(text.get(at..)?, 4)?, 16).ok();
            let first = unit(2)?;
            let units = match text[6..].starts_with("\\u") {
                true => [Some(first), unit(8)],
                false => [Some(first), None],
            };
            let mut decoded = char::decode_utf16(units.into_iter().flatten());
            let c = decoded.next()?.ok()?;
            character(u32::from(c), if c.len_utf16() == 2 { 12 } else { 6 })
        }
        b'x' => byte(&text[2..], 2),
        _ => None,
    }
}

fn soft_break(text: &str) -> Option<Escape> {
    let ends = ["=\r\n", "=\n"];
    let end = ends.into_iter().find(|end| text.starts_with(end))?;
    Some((Vec::new(), end.len()))
}
