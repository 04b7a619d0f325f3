//! `--output json`: two spaces, the members sorted by name, characters outside ASCII as they are.

use super::super::value::Value;
use crate::output::door;

pub(super) fn show(value: &Value) -> String {
    let mut text = String::new();
    write(value, 0, &mut text);
    text.push('\n');
    door::escaped(text)
}

fn write(value: &Value, depth: usize, text: &mut String) {
    let line = |text: &mut String, depth: usize| {
        text.push('\n');
        text.push_str(&"  ".repeat(depth));
    };
    match value {
        Value::Null => text.push_str("null"),
        Value::Bool(value) => text.push_str(if *value { "true" } else { "false" }),
        Value::Number(number) => text.push_str(&number.to_string()),
        Value::Text(own) => text.push_str(&quoted(own)),
        Value::List(values) if values.is_empty() => text.push_str("[]"),
        Value::List(values) => {
            text.push('[');
            for (number, value) in values.iter().enumerate() {
                if number > 0 {
                    text.push(',');
                }
                line(text, depth + 1);
                write(value, depth + 1, text);
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
                text.push_str(&quoted(name));
                text.push_str(": ");
                write(value, depth + 1, text);
            }
            line(text, depth);
            text.push('}');
        }
    }
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
