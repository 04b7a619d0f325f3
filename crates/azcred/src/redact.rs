//! Text from the other side, without the secrets that were sent to it.

use crate::untrusted::is_unseen;
use base64::{
    Engine,
    engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD},
};
use std::{borrow::Cow, collections::HashSet, path::Path};

pub(crate) use crate::untrusted::{printable, printable_path};

/// This many characters of a secret in a row can't be a coincidence.
const STRETCH: usize = 8;
/// Replaces text that repeats a secret in a form that can't be cut out.
const LEFT_OUT: &str = "(left out, as it repeats a secret)";

/// Removes `secrets` from `text`. A whole secret, as it is or form-encoded, becomes `****`. If a
/// part of a secret is left in any case, in base64 at any offset or in hexadecimal, the whole text
/// is left out.
///
/// Use it for text from a server that received the secrets: an error message, a header, a
/// redirect's host.
pub fn redact<'a>(text: &'a str, secrets: &[&str]) -> Cow<'a, str> {
    let mut text = Cow::Borrowed(text);
    for secret in secrets.iter().filter(|secret| !secret.is_empty()) {
        let encoded: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
        for whole in [*secret, encoded.as_str()] {
            if text.contains(whole) {
                text = Cow::Owned(text.replace(whole, "****"));
            }
        }
    }
    let seen: HashSet<Vec<u8>> = windows(&text).map(<[u8]>::to_ascii_lowercase).collect();
    let repeats = |secret: &&str| {
        forms(secret)
            .iter()
            .any(|form| windows(form).any(|stretch| seen.contains(&stretch.to_ascii_lowercase())))
    };
    if !seen.is_empty() && secrets.iter().any(repeats) {
        return Cow::Borrowed(LEFT_OUT);
    }
    text
}

/// A path from the user, as printable text. It is cut if it may be a secret, pasted instead of the
/// path of a file.
pub(crate) fn shown_path(path: &Path) -> String {
    let text = path.display().to_string();
    let is_pasted = ["eyJ", "MII", "-----BEGIN"]
        .iter()
        .any(|start| text.trim_start().starts_with(start))
        || text.contains(['\n', '\r']);
    if is_pasted {
        excerpt(&text)
    } else {
        printable(&text, 256)
    }
}

/// The start of the user's input, printable, for an error. It is cut so that a secret pasted in the
/// wrong place does not show.
pub(crate) fn excerpt(s: &str) -> String {
    const SHOWN: usize = 12;
    let clean: String = s
        .chars()
        .take(SHOWN)
        .map(|c| if is_unseen(c) { '\u{fffd}' } else { c })
        .collect();
    if s.chars().count() > SHOWN {
        format!("{clean}…")
    } else {
        clean
    }
}

fn windows(text: &str) -> impl Iterator<Item = &[u8]> {
    text.as_bytes().windows(STRETCH)
}

/// The forms in which a secret could be written.
fn forms(secret: &str) -> Vec<String> {
    let bytes = secret.as_bytes();
    let mut forms = vec![
        secret.to_owned(),
        url::form_urlencoded::byte_serialize(bytes).collect(),
        bytes.iter().map(|byte| format!("{byte:02x}")).collect(),
    ];
    for offset in 0..3 {
        let shifted = [&[0; 2][..offset], bytes].concat();
        for text in [
            STANDARD_NO_PAD.encode(&shifted),
            URL_SAFE_NO_PAD.encode(&shifted),
        ] {
            // The first characters also encode the byte before the secret, the last may encode the
            // byte behind it.
            forms.push(
                text.get(4..text.len().saturating_sub(2))
                    .unwrap_or_default()
                    .to_owned(),
            );
        }
    }
    forms
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "kX8Q~a+b/c=&\"'é_TopSecretValue0123456789";

    #[test]
    fn a_secret_is_cut_out_as_it_is_and_as_a_form_has_it() {
        let form: String = url::form_urlencoded::byte_serialize(SECRET.as_bytes()).collect();
        for secret in [SECRET, &form] {
            assert_eq!(
                redact(&format!("the value {secret} is wrong"), &[SECRET]),
                "the value **** is wrong"
            );
        }
        assert_eq!(redact("pin 1234 is wrong", &["1234"]), "pin **** is wrong");
    }

    #[test]
    fn text_with_a_part_or_another_form_of_a_secret_is_left_out_whole() {
        let hex: String = SECRET.bytes().map(|byte| format!("{byte:02X}")).collect();
        for text in [
            &SECRET[..20],
            &SECRET[SECRET.len() - 12..],
            &SECRET.to_uppercase(),
            &STANDARD_NO_PAD.encode(SECRET),
            &STANDARD_NO_PAD.encode(format!("i{SECRET}")),
            &URL_SAFE_NO_PAD.encode(format!("id{SECRET}&more")),
            &hex,
        ] {
            assert_eq!(
                redact(&format!("no: {text}."), &[SECRET]),
                LEFT_OUT,
                "{text}"
            );
        }
    }

    #[test]
    fn a_secret_pasted_as_a_path_is_not_shown_whole() {
        let shown = |path: &str| shown_path(Path::new(path));
        assert_eq!(shown("/var/run/token"), "/var/run/token");
        assert_eq!(shown("C:\\cert\u{202e}.pem"), "C:\\cert .pem");
        for pasted in [
            "eyJhbGciOiJSUzI1NiJ9.TopSecretValue.s",
            "-----BEGIN PRIVATE KEY-----\nTopSecretValue",
            "MIIJqQIBAzCCCW8GTopSecretValue",
            "TheFirstLine\nTopSecretValue",
        ] {
            assert!(!shown(pasted).contains("TopSecret"), "{pasted}");
        }
    }

    #[test]
    fn other_words_stay_as_they_are() {
        let text = "AADSTS7000215: Invalid client secret provided. TopSecr, 0123456";
        assert!(matches!(redact(text, &[SECRET, ""]), Cow::Borrowed(kept) if kept == text));
    }
}
