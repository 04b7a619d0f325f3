//! A line of a pasted text, as it may be shown: without what may be a secret.

use azcred::{Misplaced, printable};

/// The longest line that is shown, in characters.
const LONGEST: usize = 300;
/// Names of fields whose value is a secret, in lower case without `_`, `-` and spaces.
const SECRETS: [&str; 23] = [
    "secret",
    "clientsecret",
    "azureclientsecret",
    "himlserviceprincipalpassword",
    "password",
    "passwd",
    "pwd",
    "token",
    "accesstoken",
    "refreshtoken",
    "idtoken",
    "assertion",
    "clientassertion",
    "authorization",
    "bearer",
    "basic",
    "accountkey",
    "sharedaccesskey",
    "accesskey",
    "sharedaccesssignature",
    "sig",
    "code",
    "apikey",
];
const HIDDEN: &str = "****";

/// A piece of text without what may be a secret and without unseen characters.
pub(super) fn hidden(text: &str) -> String {
    let mut shown = String::new();
    let mut rest = text;
    // The last word, and the field whose value comes next.
    let (mut word, mut field) = ("", String::new());
    while let Some(c) = rest.chars().next() {
        if let Some((inner, after)) = quoted(rest).filter(|_| is_of_secret(&field)) {
            shown.push_str(if is_plain(inner) { inner } else { HIDDEN });
            (field, rest) = (String::new(), after);
            continue;
        }
        if is_between(c) {
            match c {
                ':' | '=' => field = name(word),
                // A sentence or a field ends the one before it.
                ',' | ';' | '&' | '(' | ')' | '{' | '}' | '[' | ']' => field.clear(),
                _ => {}
            }
            shown.push(c);
            rest = &rest[c.len_utf8()..];
            continue;
        }
        let end = rest.find(is_between).unwrap_or(rest.len());
        (word, rest) = rest.split_at(end);
        // What stands between a field and its value, as in `Authorization: Bearer x`.
        if matches!(&*name(word), "bearer" | "basic") {
            field = name(word);
            shown.push_str(word);
            continue;
        }
        let is_value = is_of_secret(&field) && !is_plain(word);
        field.clear();
        shown.push_str(if is_value || is_secret(word) {
            HIDDEN
        } else {
            word
        });
    }
    printable(&shown, LONGEST)
}

fn is_of_secret(field: &str) -> bool {
    SECRETS.contains(&field)
}

/// A value as it may be shown; `None` if it may be a secret, is too long or has unseen characters.
pub(super) fn shown_value(value: &str) -> Option<String> {
    let value = value.trim();
    let is_whole = !value.is_empty() && printable(value, LONGEST) == value;
    let words = || value.split(is_between);
    (is_whole && !words().any(is_secret) && Misplaced::of(value).is_none())
        .then(|| value.to_owned())
}

/// The text in the quotes with which a text begins, and what follows them.
fn quoted(text: &str) -> Option<(&str, &str)> {
    let quote = text.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    text[1..].split_once(quote)
}

/// Characters that no secret has, or that end one in an address or a field.
fn is_between(c: char) -> bool {
    c.is_whitespace() || "\"'`,;:=&?(){}[]<>|".contains(c)
}

/// The name of a field, as [`SECRETS`] has it.
fn name(word: &str) -> String {
    let letters = word.chars().filter(char::is_ascii_alphanumeric);
    letters.map(|c| c.to_ascii_lowercase()).collect()
}

/// A word of a sentence or an Entra ID code, which may stand after 'secret:' or 'code:'.
fn is_plain(word: &str) -> bool {
    let letters = word.trim_end_matches(['.', ',']);
    (letters.len() <= 12 && letters.bytes().all(|b| b.is_ascii_digit()))
        || letters.len() < 8 && letters.bytes().all(|b| b.is_ascii_lowercase())
        || letters.starts_with("AADSTS")
        || (letters.len() <= 40
            && letters.bytes().all(|b| b.is_ascii_alphabetic())
            && letters.starts_with(|c: char| c.is_ascii_uppercase()))
}

/// Whether a word alone may be a secret.
fn is_secret(word: &str) -> bool {
    if Misplaced::of(word).is_some() {
        return true;
    }
    // A secret of Entra ID that lost its ends, a key, a signature.
    let has = |is: fn(&u8) -> bool| word.as_bytes().iter().any(&is);
    let is_mixed =
        has(u8::is_ascii_digit) && has(u8::is_ascii_lowercase) && has(u8::is_ascii_uppercase);
    (word.len() >= 20 && word.contains('~'))
        || (word.len() >= 24 && is_mixed && !word.contains(['/', '.', '-', '_', '@']))
        || (word.len() >= 40
            && is_mixed
            && word.contains(['+', '/', '_', '%'])
            && !word.contains(['.', '@'])
            && !word.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_hidden_and_ids_and_sentences_are_not() {
        for (text, shown) in [
            (
                "client_secret=abc123XYZ&grant_type=x",
                "client_secret=****&grant_type=x",
            ),
            (
                "\"client_secret\": \"p4ss word\", \"a\": 1",
                "\"client_secret\": ****, \"a\": 1",
            ),
            (
                "Authorization: Bearer eyJ0eXAiOiJKV1Qi.x.y",
                "Authorization: Bearer ****",
            ),
            (
                "AccountKey=Zm9v1234+/==;Endpoint",
                "AccountKey=****==;Endpoint",
            ),
            ("x kX8Q~p7Zq3-canary_9vLw2TfB.6hRd y", "x **** y"),
            ("code: AuthorizationFailed", "code: AuthorizationFailed"),
            (
                "ErrorCode:AuthorizationPermissionMismatch",
                "ErrorCode:AuthorizationPermissionMismatch",
            ),
            (
                "AADSTS7000215: Invalid client secret provided.",
                "AADSTS7000215: Invalid client secret provided.",
            ),
            (
                "app 'a0000003-0000-4000-8000-000000000001'",
                "app 'a0000003-0000-4000-8000-000000000001'",
            ),
            (
                "over scope '/subscriptions/5ec0/resourceGroups/rg'",
                "over scope '/subscriptions/5ec0/resourceGroups/rg'",
            ),
        ] {
            assert_eq!(hidden(text), shown);
        }
        assert_eq!(shown_value("stcontoso").as_deref(), Some("stcontoso"));
        assert_eq!(shown_value("a\u{202e}b"), None);
        assert_eq!(shown_value("kX8Q~p7Zq3-canary_9vLw2TfB.6hRd"), None);
    }
}
