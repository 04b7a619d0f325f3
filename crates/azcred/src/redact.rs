//! Text from the other side, without the secrets that were sent to it.

mod forms;
#[cfg(test)]
mod tests;

use self::forms::{Form, Forms, compact, letters, unescaped, within_base64};
use std::{borrow::Cow, collections::HashSet};

/// This many characters of a secret in a row can't be a coincidence.
const STRETCH: usize = 8;
/// How often escapes may be escaped again.
const LAYERS: usize = 4;
/// How often base64 may be in base64 again. The forms of a secret are one layer more.
const BASE64_LAYERS: usize = 3;
/// Replaces text that repeats a secret in a form that can't be cut out.
const LEFT_OUT: &str = "(left out, as it repeats a secret)";

/// Removes `secrets` from `text`. A whole secret, as it is or form-encoded, becomes `****`. If a
/// part of a secret is left, the whole text is left out: in any case, with other characters between
/// its own, escaped as in addresses, HTML, JSON or mails, in base64 at any offset, both several
/// times too, or in hexadecimal. A secret of less than eight characters can't be told from a part
/// of a word, so such a word has the same effect.
///
/// Use it for text from a server that received the secrets: an error message, a header, a
/// redirect's host.
pub fn redact<'a>(text: &'a str, secrets: &[&str]) -> Cow<'a, str> {
    let secrets = secrets.iter().filter(|secret| !secret.is_empty());
    let mut text = Cow::Borrowed(text);
    for secret in secrets.clone() {
        let encoded: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
        for whole in [*secret, encoded.as_str()] {
            text = match without(&text, whole) {
                Some(changed) => Cow::Owned(changed),
                None => text,
            };
        }
    }
    match repeats(&text, &Forms::of(secrets.copied())) {
        true => Cow::Borrowed(LEFT_OUT),
        false => text,
    }
}

/// `text` without the secret; `None` if it is not in it. A short secret is only cut out where it is
/// a word: what is left of another word would show it.
fn without(text: &str, secret: &str) -> Option<String> {
    let is_word = |at: usize| {
        let (before, rest) = text.split_at(at);
        let near = [
            before.chars().next_back(),
            rest[secret.len()..].chars().next(),
        ];
        !near.into_iter().flatten().any(char::is_alphanumeric)
    };
    let places = text.match_indices(secret);
    let places: Vec<usize> = places
        .map(|(at, _)| at)
        .filter(|at| secret.len() >= STRETCH || is_word(*at))
        .collect();
    let mut changed = String::new();
    let mut from = 0;
    for at in &places {
        changed.push_str(&text[from..*at]);
        changed.push_str("****");
        from = at + secret.len();
    }
    changed.push_str(&text[from..]);
    (!places.is_empty()).then_some(changed)
}

/// Whether a text has a part of one of these forms, however it is escaped, in base64 too.
fn repeats(text: &str, forms: &Forms) -> bool {
    if repeats_escaped(text, forms) {
        return true;
    }
    let mut inside = within_base64(text);
    for _ in 0..BASE64_LAYERS {
        let Some(text) = inside else {
            return false;
        };
        if repeats_escaped(&text, forms) {
            return true;
        }
        inside = within_base64(&text);
    }
    false
}

/// Whether a text has a part of one of these forms, however it is escaped.
fn repeats_escaped(text: &str, forms: &Forms) -> bool {
    let holds =
        |text: &str| holds(&compact(text), &forms.compact) || holds(&letters(text), &forms.letters);
    if holds(text) {
        return true;
    }
    // An escape itself may be torn apart by white space.
    let views: [fn(&str) -> String; 2] = [str::to_owned, compact];
    let ways = [false, true].map(|in_mail| views.map(|view| (in_mail, view)));
    ways.into_iter().flatten().any(|(in_mail, view)| {
        let mut layer = view(text);
        (0..LAYERS).any(|_| match unescaped(&layer, in_mail) {
            Some(inner) => {
                layer = view(&inner);
                holds(&layer)
            }
            None => false,
        })
    })
}

/// Whether a text has a part of one of these.
fn holds(text: &str, forms: &[Form]) -> bool {
    let (long, short): (Vec<&Form>, Vec<&Form>) = forms
        .iter()
        .partition(|form| form.text.len() >= form.stretch);
    let mut stretches: Vec<usize> = long.iter().map(|form| form.stretch).collect();
    stretches.sort_unstable();
    stretches.dedup();
    // A text may have megabytes, and the forms have some hundred pieces.
    let has_piece = |stretch: usize| {
        let forms = long.iter().filter(|form| form.stretch == stretch);
        let pieces: HashSet<&[u8]> = forms
            .flat_map(|form| form.text.as_bytes().windows(stretch))
            .collect();
        text.as_bytes()
            .windows(stretch)
            .any(|piece| pieces.contains(piece))
    };
    stretches.into_iter().any(has_piece) || short.iter().any(|form| text.contains(&form.text))
}
