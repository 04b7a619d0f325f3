//! `--output yaml`, as PyYAML writes it: members sorted by name, and quotes only where another
//! reader would take a text for something else.

use super::{super::value::Value, colors::Colors};

pub(super) fn show(value: &Value, colors: Colors) -> String {
    let mut text = String::new();
    match value {
        Value::List(values) if !values.is_empty() => list(values, 0, colors, &mut text),
        Value::Object(object) if !object.members.is_empty() => members(value, 0, colors, &mut text),
        one => {
            let is_list = matches!(one, Value::List(_) | Value::Object(_));
            let one = scalar(one);
            text.push_str(&colored(&one, colors));
            // A document of one value has an end, unless its quotes show it.
            text.push_str(if is_list || is_quoted(&one) {
                "\n"
            } else {
                "\n...\n"
            });
        }
    }
    text
}

fn list(values: &[Value], depth: usize, colors: Colors, text: &mut String) {
    for value in values {
        text.push_str(&"  ".repeat(depth));
        text.push('-');
        match value {
            Value::List(values) if !values.is_empty() => {
                text.push(' ');
                let mut inner = String::new();
                list(values, depth + 1, colors, &mut inner);
                text.push_str(inner.trim_start());
            }
            Value::Object(object) if !object.members.is_empty() => {
                text.push(' ');
                let mut inner = String::new();
                members(value, depth + 1, colors, &mut inner);
                text.push_str(inner.trim_start());
            }
            one => text.push_str(&format!(" {}\n", colored(&scalar(one), colors))),
        }
    }
}

fn members(value: &Value, depth: usize, colors: Colors, text: &mut String) {
    let Value::Object(object) = value else { return };
    for (name, value) in object.sorted() {
        text.push_str(&format!(
            "{}{}:",
            "  ".repeat(depth),
            colors.name(&plain(name))
        ));
        match value {
            Value::List(values) if !values.is_empty() => {
                text.push('\n');
                list(values, depth, colors, text);
            }
            Value::Object(object) if !object.members.is_empty() => {
                text.push('\n');
                members(value, depth + 1, colors, text);
            }
            one => text.push_str(&format!(" {}\n", colored(&scalar(one), colors))),
        }
    }
}

fn scalar(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(value) => value.to_string(),
        Value::Number(number) => number.to_string(),
        Value::Text(text) => plain(text),
        Value::List(_) => "[]".to_owned(),
        Value::Object(_) => "{}".to_owned(),
    }
}

/// Only what is in quotes has a colour.
fn colored(scalar: &str, colors: Colors) -> String {
    match is_quoted(scalar) {
        true => colors.text(scalar),
        false => scalar.to_owned(),
    }
}

fn is_quoted(scalar: &str) -> bool {
    scalar.starts_with(['\'', '"'])
}

/// A text, in quotes where it needs them (YAML 1.1, the resolver of PyYAML).
fn plain(text: &str) -> String {
    if text.chars().any(|c| c.is_control() || azcred::is_unseen(c)) {
        // JSON's quotes are YAML's double ones.
        return crate::output::door::escaped(serde_json::Value::from(text).to_string());
    }
    if needs_quotes(text) {
        return format!("'{}'", text.replace('\'', "''"));
    }
    text.to_owned()
}

fn needs_quotes(text: &str) -> bool {
    const WORDS: [&str; 11] = [
        "", "~", "null", "yes", "no", "true", "false", "on", "off", "=", "<<",
    ];
    const FIRST: &str = "#,[]{}&*!|>'\"%@`";
    let followed = |c: char| {
        let rest = text.strip_prefix(c);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
    };
    WORDS.contains(&text.to_lowercase().as_str())
        || text.starts_with(|c: char| FIRST.contains(c))
        || ['-', '?', ':'].into_iter().any(followed)
        || text.starts_with(' ')
        || text.ends_with([' ', ':'])
        || text.starts_with("---")
        || text.starts_with("...")
        || text.contains(": ")
        || text.contains(" #")
        || is_number(text)
        || is_date(text)
}

/// A number in any of YAML's forms.
fn is_number(text: &str) -> bool {
    let bare = text.trim_start_matches(['+', '-']);
    let digits = |text: &str| text.chars().all(|c| c.is_ascii_digit() || c == '_');
    let has_digit = bare.starts_with(|c: char| c.is_ascii_digit());
    let special = [".inf", ".nan"].contains(&bare.to_lowercase().as_str());
    if special || (has_digit && digits(bare)) {
        return text.len() - bare.len() <= 1;
    }
    let radix = |prefix: &str, wanted: fn(char) -> bool| {
        let rest = bare.strip_prefix(prefix);
        rest.is_some_and(|rest| !rest.is_empty() && rest.chars().all(|c| wanted(c) || c == '_'))
    };
    if radix("0x", |c| c.is_ascii_hexdigit()) || radix("0b", |c| "01".contains(c)) {
        return true;
    }
    // 190:20:30 is a number to the base of 60.
    let sixty = bare.split(':').collect::<Vec<_>>();
    if sixty.len() > 1 && has_digit {
        return sixty[1..].iter().all(|part| {
            (1..=2).contains(&part.len()) && part.parse::<u8>().is_ok_and(|part| part < 60)
        }) && digits(sixty[0]);
    }
    // With a point; the exponent has a sign.
    let Some((whole, rest)) = bare.split_once('.') else {
        return false;
    };
    let (fraction, exponent) = match rest.split_once(['e', 'E']) {
        Some((fraction, exponent)) => (fraction, Some(exponent)),
        None => (rest, None),
    };
    digits(whole)
        && digits(fraction)
        && (has_digit || (whole.is_empty() && !fraction.is_empty()))
        && exponent.is_none_or(|exponent| {
            let number = exponent.strip_prefix(['+', '-']);
            number.is_some_and(|number| !number.is_empty() && digits(number))
        })
}

/// `2026-11-30`, or with a time of day after it.
fn is_date(text: &str) -> bool {
    let Some(day) = text.get(..10) else {
        return false;
    };
    let shape: String = day
        .chars()
        .map(|c| if c.is_ascii_digit() { '0' } else { c })
        .collect();
    let rest = &text[10..];
    shape == "0000-00-00"
        && (rest.is_empty()
            || (rest.starts_with(['T', 't', ' '])
                && rest[1..]
                    .chars()
                    .all(|c| c.is_ascii_digit() || ":.+-Z ".contains(c))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_has_quotes_where_a_reader_would_take_it_for_something_else() {
        for quoted in [
            "",
            "null",
            "Yes",
            "off",
            "12",
            "-1_000",
            "0x1F",
            "1.5",
            ".5",
            "1.0e+3",
            "190:20:30",
            ".inf",
            "2026-11-30",
            "2026-11-30 02:30:10.000000",
            "- a",
            "a: b",
            "a #b",
            "a:",
            " a",
            "@a",
            "'a",
            "#a",
            "?",
            "---x",
        ] {
            assert!(plain(quoted).starts_with('\''), "{quoted}");
        }
        for plain_text in [
            "Contoso ML",
            "5ec0ffee-0001-4000-8000-000000000001",
            "a:b",
            "a#b",
            "-a",
            "ada@x.com",
            "N/A(tenant level account)",
            "1.2.3",
            "it's",
            "1e3",
            "2026-11-30x",
            "Müller",
        ] {
            assert_eq!(plain(plain_text), plain_text);
        }
        assert_eq!(plain("a: it's"), "'a: it''s'");
        assert_eq!(plain("a\nb"), "\"a\\nb\"");
    }
}
