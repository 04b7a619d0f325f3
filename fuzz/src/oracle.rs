//! What must hold of everything that a person may see, whatever was read.

use azcred::chain::Report;
use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD},
};
use std::{
    collections::HashSet,
    fmt::{Debug, Display},
    sync::LazyLock,
};

/// The secret that targets send, and plant in responses and files.
pub const SECRET: &str = "kX8Q~p7Zq3-canary_9vLw2TfB.6hRd";

/// A shorter piece of a secret proves nothing: eight characters occur by chance nowhere.
const PIECE: usize = 8;

/// Fails if a text has a character that moves the cursor, reorders the line or can't be seen.
///
/// # Panics
/// If it has one.
pub fn is_printable(shown: &str) {
    let unseen = shown.chars().find(|c| *c != '\n' && is_unseen(*c));
    assert!(
        unseen.is_none(),
        "{unseen:?} reaches the terminal: {shown:?}"
    );
}

/// Control characters (C0, DEL, C1), and the format characters of Unicode: bidirectional, zero
/// width, tags. This list is not the product's.
fn is_unseen(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e007f}')
}

/// Fails if a text has a piece of [`SECRET`], as it is, encoded or escaped.
///
/// # Panics
/// If it has one.
pub fn keeps_secret(shown: &str) {
    let piece = piece_in(shown);
    assert!(piece.is_none(), "shows {piece:?} of the secret: {shown}");
}

/// The pieces of the secret in all its forms, and those of its letters and digits. Both are in
/// lower case.
static PIECES: LazyLock<[HashSet<Vec<u8>>; 2]> = LazyLock::new(|| {
    let pieces = |form: String| {
        let form = form.to_ascii_lowercase().into_bytes();
        form.windows(PIECE).map(<[u8]>::to_vec).collect::<Vec<_>>()
    };
    [
        forms(SECRET).into_iter().flat_map(pieces).collect(),
        pieces(letters(SECRET)).into_iter().collect(),
    ]
});

/// The first piece of the secret in a text.
fn piece_in(text: &str) -> Option<String> {
    let [encoded, bare] = &*PIECES;
    let first = |text: &str, pieces: &HashSet<Vec<u8>>| {
        let mut stretches = text.as_bytes().windows(PIECE);
        let piece = stretches.find(|stretch| pieces.contains(*stretch))?;
        Some(String::from_utf8_lossy(piece).into_owned())
    };
    let text = text.to_ascii_lowercase();
    first(&text, encoded).or_else(|| first(&letters(&unescaped(&text)), bare))
}

/// Letters and digits only, in lower case: what a reader who looks for a secret sees.
fn letters(text: &str) -> String {
    let seen = text.chars().filter(char::is_ascii_alphanumeric);
    seen.map(|c| c.to_ascii_lowercase()).collect()
}

/// The text without escapes of addresses (`%6b`), JSON (`\u006b`, `\x6b`) and HTML (`&#x6b;`), also
/// if they are escaped again.
fn unescaped(text: &str) -> String {
    let mut text = text.to_owned();
    for _ in 0..3 {
        if !text.contains(['%', '\\', '&']) {
            break;
        }
        let inner = unescaped_once(&text);
        if inner == text {
            break;
        }
        text = inner;
    }
    text
}

fn unescaped_once(text: &str) -> String {
    const ESCAPES: [(&str, usize); 4] = [("%", 2), ("\\u", 4), ("\\x", 2), ("&#x", 2)];
    let mut inner = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let escaped = ESCAPES.iter().find_map(|(mark, digits)| {
            let after = rest.strip_prefix(mark)?;
            let code = u32::from_str_radix(after.get(..*digits)?, 16).ok()?;
            Some((char::from_u32(code)?, &after[*digits..]))
        });
        let (c, after) = escaped.unwrap_or((first, &rest[first.len_utf8()..]));
        inner.push(c);
        rest = after;
    }
    inner
}

/// The forms in which another side may repeat a secret: [`forms`], and escaped in ways that those
/// do not have.
pub(crate) fn dresses(secret: &str) -> Vec<String> {
    let each = |dress: fn(char) -> String| secret.chars().map(dress).collect::<String>();
    let mut all = forms(secret);
    all.extend([
        each(|c| format!("%25{:02x}", u32::from(c))),
        each(|c| format!("\\u{:04x}", u32::from(c))),
        each(|c| format!("&#x{:x};", u32::from(c))),
        each(|c| format!("{c} ")),
        each(|c| format!("{c}\u{200b}")),
        each(|c| format!("{c}%20")),
        secret.to_ascii_uppercase(),
    ]);
    all
}

/// A secret as it is, percent-encoded, in hexadecimal digits, and in base64 at each offset.
pub(crate) fn forms(secret: &str) -> Vec<String> {
    let percent: String = secret.bytes().map(|byte| format!("%{byte:02X}")).collect();
    let hex: String = secret.bytes().map(|byte| format!("{byte:02x}")).collect();
    let form = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
    let mut forms = vec![secret.to_owned(), percent, hex, form];
    for offset in 0..3 {
        let shifted = [&b"  "[..offset], secret.as_bytes()].concat();
        for text in [
            STANDARD_NO_PAD.encode(&shifted),
            URL_SAFE_NO_PAD.encode(&shifted),
        ] {
            // The first characters also encode what is before the secret.
            forms.push(text[4..].to_owned());
        }
    }
    forms
}

/// Checks a result as a program may print it: the value's `Debug`, or the error with its causes.
pub fn outcome<T: Debug, E: std::error::Error>(result: &Result<T, E>) {
    match result {
        Ok(value) => debug(value),
        Err(error) => self::error(error),
    }
}

/// Checks an error, with its causes.
pub fn error(error: &dyn std::error::Error) {
    shown(&error);
    debug(&error);
    let mut cause = error.source();
    while let Some(error) = cause {
        shown(&error);
        cause = error.source();
    }
}

/// Checks what a chain reports, for people and as JSON.
///
/// # Panics
/// If it shows what it must not.
pub fn report(report: &Report) {
    debug(report);
    for attempt in &report.attempts {
        shown(&attempt.reason());
        if let Some(error) = &attempt.error {
            self::error(error);
        }
    }
    shown(&serde_json::to_string(report).expect("a report is JSON"));
}

/// Checks a text that a person sees.
pub fn shown(text: &impl Display) {
    let text = text.to_string();
    is_printable(&text);
    keeps_secret(&text);
}

/// Checks a value's `Debug`.
pub fn debug(value: &impl Debug) {
    let text = format!("{value:?}");
    is_printable(&text);
    keeps_secret(&text);
}

/// The elements that the product's pages have.
const ELEMENTS: [&str; 39] = [
    "!doctype", "a", "aside", "b", "body", "button", "circle", "code", "dd", "div", "dl", "dt",
    "fieldset", "footer", "form", "h1", "h2", "head", "html", "input", "label", "legend", "li",
    "link", "main", "meta", "noscript", "output", "p", "path", "script", "section", "small",
    "span", "strong", "style", "svg", "title", "ul",
];

/// The attributes that they have.
const ATTRIBUTES: [&str; 47] = [
    "action",
    "aria-describedby",
    "aria-hidden",
    "aria-invalid",
    "aria-label",
    "aria-labelledby",
    "autocapitalize",
    "autocomplete",
    "autofocus",
    "charset",
    "checked",
    "class",
    "content",
    "cx",
    "cy",
    "d",
    "enctype",
    "fill",
    "formnovalidate",
    "for",
    "height",
    "href",
    "html",
    "id",
    "inputmode",
    "lang",
    "maxlength",
    "method",
    "name",
    "r",
    "pattern",
    "placeholder",
    "readonly",
    "rel",
    "required",
    "role",
    "spellcheck",
    "stroke",
    "stroke-linecap",
    "stroke-linejoin",
    "stroke-width",
    "tabindex",
    "type",
    "value",
    "viewbox",
    "width",
    "xmlns",
];

/// Fails if a page has an element or an attribute that no page of the product has, or a script or
/// an address that it did not write.
///
/// # Panics
/// If it has one.
pub fn has_no_markup(html: &str) {
    let mut rest = html;
    while let Some(start) = rest.find('<') {
        rest = &rest[start + 1..];
        let name_end = rest
            .find(|c: char| !c.is_ascii_alphanumeric() && c != '!' && c != '/')
            .unwrap_or(rest.len());
        let (name, after) = rest.split_at(name_end);
        let element = name.trim_start_matches('/').to_ascii_lowercase();
        assert!(
            ELEMENTS.contains(&element.as_str()),
            "a page has the element <{name} before {:?}",
            start_of(after)
        );
        rest = attributes(after);
        if !name.starts_with('/') && matches!(element.as_str(), "script" | "style") {
            let close = format!("</{element}");
            let end = rest.find(&close).unwrap_or(rest.len());
            let text = &rest[..end];
            assert!(!text.contains("fuzz"), "a page has the {element} {text}");
            rest = &rest[end..];
        }
    }
}

/// The start of a text, for a message.
fn start_of(text: &str) -> String {
    text.chars().take(80).collect()
}

/// Checks the attributes of an element, and returns what follows it.
fn attributes(mut rest: &str) -> &str {
    loop {
        rest = rest.trim_start_matches(|c: char| c.is_ascii_whitespace() || c == '/');
        if rest.is_empty() || rest.starts_with('>') {
            return rest.get(1..).unwrap_or_default();
        }
        let end = rest
            .find(|c: char| c.is_ascii_whitespace() || matches!(c, '=' | '>' | '/'))
            .unwrap_or(rest.len());
        let (name, after) = rest.split_at(end);
        let is_known = ATTRIBUTES.contains(&name.to_ascii_lowercase().as_str());
        assert!(
            is_known,
            "a page has the attribute {name:?} before {:?}",
            start_of(after)
        );
        rest = after;
        let Some(value) = rest.strip_prefix('=') else {
            continue;
        };
        let Some(quoted) = value.strip_prefix('"') else {
            panic!("a page has a value without quotes: {:?}", start_of(rest));
        };
        let (value, after) = quoted.split_once('"').unwrap_or((quoted, ""));
        let value = value.trim_start().to_ascii_lowercase();
        assert!(
            !value.starts_with("javascript:") && !value.starts_with("data:text"),
            "a page has the address {value:?}"
        );
        rest = after;
    }
}

/// Whether an input already has a piece of the secret, so that what is shown of it proves nothing.
/// Words around a shorter piece can make it a whole one, so five characters are enough here.
pub(crate) fn has_piece_of_secret(input: &[u8]) -> bool {
    const SHORT: usize = 5;
    let text = String::from_utf8_lossy(input);
    let (bare, secret) = (letters(&unescaped(&text)), letters(SECRET));
    let mut pieces = secret.as_bytes().windows(SHORT);
    piece_in(&text).is_some()
        || pieces.any(|piece| bare.as_bytes().windows(SHORT).any(|part| part == piece))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[should_panic(expected = "reaches the terminal")]
    fn an_escape_sequence_is_found() {
        is_printable("the host returned \u{1b}[31m");
    }

    #[test]
    #[should_panic(expected = "reaches the terminal")]
    fn a_character_that_reorders_a_line_is_found() {
        is_printable("the tenant \u{202e}osotnoc");
    }

    #[test]
    fn markup_of_others_is_found() {
        let page = |name: &str, value: &str| {
            format!("<p class=\"place\">{name}</p><input type=\"text\" value=\"{value}\">")
        };
        has_no_markup(&page("Contoso &lt;b&gt;", "&quot; onfocus=1"));
        for (name, value) in [
            ("<img src=x>", ""),
            ("<script>fuzz()</script>", ""),
            ("<a href=\"javascript:fuzz()\">", ""),
            ("", "\" onfocus=\"fuzz()"),
            ("", "\"><iframe>"),
            ("<p class=x>", ""),
        ] {
            let found = std::panic::catch_unwind(|| has_no_markup(&page(name, value)));
            assert!(found.is_err(), "{name}{value}");
        }
    }

    #[test]
    fn other_text_is_printable() {
        is_printable("Contoso (c0a70500-…)\n  fix: run `az login` 愛 é");
    }

    #[test]
    fn a_piece_of_the_secret_is_found_in_every_form() {
        for form in dresses(SECRET) {
            let last = form.char_indices().rev().nth(form.chars().count() / 2);
            let text = format!("no: {}!", &form[last.map_or(0, |(at, _)| at)..]);
            let found = std::panic::catch_unwind(|| keeps_secret(&text));
            assert!(found.is_err(), "{text}");
        }
        keeps_secret("AADSTS7000215: Invalid client secret provided: ****");
    }
}
