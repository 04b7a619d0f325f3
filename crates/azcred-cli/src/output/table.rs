//! Pairs of a name and a value, in two columns.

use super::style::{DIM, paint};

/// `rows` as lines: names dimmed and padded to the longest, values as they are.
pub(crate) fn pairs<N: AsRef<str>, V: AsRef<str>>(rows: &[(N, V)]) -> Vec<String> {
    let widest = rows
        .iter()
        .map(|(name, _)| name.as_ref().chars().count())
        .max()
        .unwrap_or_default();
    rows.iter()
        .map(|(name, value)| {
            let name = format!("{:<widest$}", name.as_ref());
            format!("{}  {}", paint(DIM, name), value.as_ref())
        })
        .collect()
}
