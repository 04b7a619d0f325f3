//! Two columns: names and values, commands and what they do.

use super::style::{CODE, DIM, paint};

/// `rows` as lines: names dimmed and padded to the longest, values as they are.
pub(crate) fn pairs<N: AsRef<str>, V: AsRef<str>>(rows: &[(N, V)]) -> Vec<String> {
    let widest = widest(rows);
    rows.iter()
        .map(|(name, value)| {
            let name = format!("{:<widest$}", name.as_ref());
            format!("{}  {}", paint(DIM, name), value.as_ref())
        })
        .collect()
}

/// Commands to type and what they do, indented.
pub(crate) fn commands<N: AsRef<str>, V: AsRef<str>>(rows: &[(N, V)]) -> Vec<String> {
    let widest = widest(rows);
    rows.iter()
        .map(|(command, effect)| {
            let command = format!("{:<widest$}", command.as_ref());
            format!(
                "  {}  {}",
                paint(CODE, command),
                paint(DIM, effect.as_ref())
            )
        })
        .collect()
}

fn widest<N: AsRef<str>, V>(rows: &[(N, V)]) -> usize {
    rows.iter()
        .map(|(name, _)| name.as_ref().chars().count())
        .max()
        .unwrap_or_default()
}
