//! Texts with parts that stand for any text.

use time::{OffsetDateTime, format_description::well_known::Rfc3339};
use uuid::Uuid;

/// The names in a template: each text between `<` and `>`.
pub fn placeholders(template: &str) -> impl Iterator<Item = &str> {
    let parts = template.split('<').skip(1);
    parts.filter_map(|part| Some(part.split_once('>')?.0))
}

/// A template with the value of each name. `None` if one has no value.
pub fn filled(template: &str, mut value: impl FnMut(&str) -> Option<String>) -> Option<String> {
    let mut filled = String::new();
    let mut rest = template;
    while let Some((before, from)) = rest.split_once('<') {
        let (name, after) = from.split_once('>')?;
        filled.push_str(before);
        filled.push_str(&value(name)?);
        rest = after;
    }
    Some(filled + rest)
}

/// Whether a text is what a template says. `<guid>` and `<date>` as a whole text, or with more
/// words in them, are a GUID and a time with at most seven decimals. Other ones: see [`fits`].
pub fn is_text(template: &str, text: &str) -> bool {
    let whole = template
        .strip_prefix('<')
        .and_then(|rest| rest.strip_suffix('>'))
        .filter(|rest| !rest.contains('<'));
    let kind = whole.map(|rest| rest.split([':', ',', ' ']).next().unwrap_or_default());
    match kind {
        _ if text.is_empty() && template.ends_with(" or empty>") => true,
        Some("guid") => text.len() == 36 && text.parse::<Uuid>().is_ok(),
        Some("date") => {
            let decimals = text.split_once('.').map_or("", |(_, rest)| rest);
            OffsetDateTime::parse(text, &Rfc3339).is_ok()
                && decimals.bytes().take_while(u8::is_ascii_digit).count() <= 7
        }
        Some("number") => !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()),
        _ => fits(template, text),
    }
}

/// Whether a text is what a template says: each `<…>` and `…` stands for any text.
pub fn fits(template: &str, text: &str) -> bool {
    let mut fixed = Vec::new();
    let mut rest = template;
    while let Some(at) = rest.find(['<', '…']) {
        let (before, from) = rest.split_at(at);
        fixed.push(before);
        let end = if from.starts_with('<') { '>' } else { '…' };
        let Some((_, after)) = from.split_once(end) else {
            break;
        };
        rest = after;
    }
    fixed.push(rest);
    let last = fixed.len() - 1;
    let mut text = text;
    for (n, part) in fixed.iter().enumerate() {
        let at = match n {
            0 => text.starts_with(part).then_some(0),
            _ if n == last => text.ends_with(part).then(|| text.len() - part.len()),
            _ => text.find(part),
        };
        match at {
            Some(at) => text = &text[at + part.len()..],
            None => return false,
        }
    }
    fixed.len() > 1 || text.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_template_is_filled_if_each_name_has_a_value() {
        let value = |name: &str| (name != "c").then(|| name.to_uppercase());
        for (template, text) in [
            ("", Some("")),
            ("/x", Some("/x")),
            ("/<a>/<b b>?<a>", Some("/A/B B?A")),
            ("/<a>/<c>", None),
            ("/<a", None),
        ] {
            assert_eq!(filled(template, value).as_deref(), text, "{template}");
        }
        assert!(placeholders("/<a>/<b b>?<a>").eq(["a", "b b", "a"]));
    }

    #[test]
    fn what_stands_for_any_text_is_told_from_what_does_not() {
        for (template, text, is) in [
            ("a <x> b", "a anything b", true),
            ("a <x> b", "a anything c", false),
            ("a … c", "a b c", true),
            ("a", "a", true),
            ("a", "ab", false),
            ("<x>", "", true),
            ("a '<x>'('<y>') b", "a '1'('2') b", true),
        ] {
            assert_eq!(fits(template, text), is, "{template:?} {text:?}");
        }
    }
}
