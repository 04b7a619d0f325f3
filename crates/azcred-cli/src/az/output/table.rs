//! `--output table`: a column for each member, in the form 'simple' of Python's package tabulate.

use super::{super::value::Value, python};

/// Members that are never shown without a query's own name.
const LEFT_OUT: [&str; 3] = ["id", "type", "etag"];
/// A column is at least this much wider than its heading.
const ROOM: usize = 2;

pub(super) fn show(value: &Value, is_sorted: bool) -> String {
    let rows = match value {
        Value::List(rows) => &rows[..],
        one => std::slice::from_ref(one),
    };
    let rows: Vec<_> = rows.iter().map(|value| cells(value, is_sorted)).collect();
    let mut names: Vec<&str> = Vec::new();
    for (name, _) in rows.iter().flatten() {
        if !names.contains(&&**name) {
            names.push(name);
        }
    }
    if names.is_empty() {
        return "\n".to_owned();
    }
    let cell = |row: &[(String, String)], name: &str| {
        let mut cells = row.iter();
        let cell = cells.find(|(own, _)| own == name);
        cell.map_or_else(String::new, |(_, text)| text.clone())
    };
    let rows: Vec<Vec<String>> = rows
        .iter()
        .map(|row| names.iter().map(|name| cell(row, name)).collect())
        .collect();
    let widths: Vec<usize> = names
        .iter()
        .enumerate()
        .map(|(column, name)| {
            let cells = rows.iter().map(|row| width_of(&row[column]));
            cells.max().unwrap_or(0).max(width_of(name) + ROOM)
        })
        .collect();
    let heading = names.iter().map(|name| (*name).to_owned()).collect();
    let rule = widths.iter().map(|width| "-".repeat(*width)).collect();
    [heading, rule]
        .into_iter()
        .chain(rows)
        .map(|row: Vec<String>| line(&row, &widths))
        .collect()
}

/// Tabulate counts characters, unless it finds another package.
fn width_of(text: &str) -> usize {
    text.chars().count()
}

fn line(cells: &[String], widths: &[usize]) -> String {
    let cells = cells.iter().zip(widths);
    let padded: Vec<String> = cells
        .map(|(cell, width)| format!("{cell}{}", " ".repeat(width.saturating_sub(width_of(cell)))))
        .collect();
    format!("{}\n", padded.join("  ").trim_end())
}

/// The headings and texts of a row.
fn cells(value: &Value, is_sorted: bool) -> Vec<(String, String)> {
    let is_nested = |value: &Value| matches!(value, Value::List(_) | Value::Object(_));
    match value {
        Value::Object(object) => {
            let members: Vec<(&str, &Value)> = match is_sorted {
                true => object.sorted(),
                false => object
                    .members
                    .iter()
                    .map(|(name, value)| (&**name, value))
                    .collect(),
            };
            members
                .into_iter()
                .filter(|(name, value)| {
                    !LEFT_OUT.contains(name) && **value != Value::Null && !is_nested(value)
                })
                .map(|(name, value)| (capitalized(name), shown(value)))
                .collect()
        }
        Value::List(values) => values
            .iter()
            .enumerate()
            .map(|(column, value)| (format!("Column{}", column + 1), shown(value)))
            .collect(),
        one => vec![("Result".to_owned(), shown(one))],
    }
}

/// The text of a cell: without white space around it, and empty without a value.
fn shown(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        other => python(other).trim().to_owned(),
    }
}

fn capitalized(name: &str) -> String {
    let mut characters = name.chars();
    match characters.next() {
        Some(first) => first.to_uppercase().chain(characters).collect(),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(json: &str, is_sorted: bool) -> String {
        show(&serde_json::from_str(json).unwrap(), is_sorted)
    }

    #[test]
    fn a_table_has_columns_for_members_with_a_plain_value() {
        let rows = r#"[{"id": "1", "name": "b", "a": true}, {"name": "c", "a": null, "list": [1], "e": 1}]"#;
        assert_eq!(
            table(rows, false),
            "Name    A     E\n------  ----  ---\nb       True\nc             1\n"
        );
        assert_eq!(
            table(rows, true),
            "A     Name    E\n----  ------  ---\nTrue  b\n      c       1\n"
        );
    }

    #[test]
    fn values_that_are_no_objects_have_columns_too() {
        assert_eq!(table("[\" x\", null]", false), "Result\n--------\nx\n\n");
        assert_eq!(
            table("[[1, \"a\"]]", false),
            "Column1    Column2\n---------  ---------\n1          a\n"
        );
        assert_eq!(table("[]", false), "\n");
    }
}
