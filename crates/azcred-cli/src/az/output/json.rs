//! `--output json`: two spaces, the members sorted by name, characters outside ASCII as they are.

use super::{super::value::Value, colors::Colors};
use crate::output::door;

pub(super) fn show(value: &Value, colors: Colors) -> String {
    let mut text = String::new();
    write(value, 0, colors, &mut text);
    text.push('\n');
    text
}

fn write(value: &Value, depth: usize, colors: Colors, text: &mut String) {
    let line = |text: &mut String, depth: usize| {
        text.push('\n');
        text.push_str(&"  ".repeat(depth));
    };
    match value {
        Value::Null => text.push_str(&colors.word("null")),
        Value::Bool(value) => text.push_str(&colors.word(&value.to_string())),
        Value::Number(number) => text.push_str(&colors.word(&number.to_string())),
        Value::Text(own) => text.push_str(&colors.text(&quoted(own))),
        Value::List(values) if values.is_empty() => text.push_str("[]"),
        Value::List(values) => {
            text.push('[');
            for (number, value) in values.iter().enumerate() {
                if number > 0 {
                    text.push(',');
                }
                line(text, depth + 1);
                write(value, depth + 1, colors, text);
            }
            line(text, depth);
            text.push(']');
        }
        Value::Object(object) if object.members.is_empty() => text.push_str("{}"),
        Value::Object(object) => {
            text.push('{');
            for (number, (name, value)) in object.sorted().into_iter().enumerate() {
                if number > 0 {
                    text.push(',');
                }
                line(text, depth + 1);
                text.push_str(&colors.name(&quoted(name)));
                text.push_str(": ");
                write(value, depth + 1, colors, text);
            }
            line(text, depth);
            text.push('}');
        }
    }
}

fn quoted(text: &str) -> String {
    door::escaped(serde_json::Value::from(text).to_string())
}
