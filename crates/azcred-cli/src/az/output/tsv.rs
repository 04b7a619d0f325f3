//! `--output tsv`: a line for each element, its values separated by tabs.

use super::{super::value::Value, python};

pub(super) fn show(value: &Value) -> String {
    let rows = match value {
        Value::List(rows) => &rows[..],
        one => std::slice::from_ref(one),
    };
    rows.iter().map(|value| row(value) + "\n").collect()
}

fn row(value: &Value) -> String {
    let cells: Vec<String> = match value {
        Value::List(values) => values.iter().map(python).collect(),
        Value::Object(object) if object.is_ordered => object
            .members
            .iter()
            .map(|(_, value)| python(value))
            .collect(),
        Value::Object(object) => object
            .sorted()
            .into_iter()
            .map(|(_, value)| python(value))
            .collect(),
        // Only here, such a value is in lower case.
        Value::Bool(_) => return python(value).to_lowercase(),
        _ => return python(value),
    };
    cells.join("\t")
}
