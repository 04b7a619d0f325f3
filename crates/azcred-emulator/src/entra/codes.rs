//! The table of Entra ID's codes: `codes.txt`.

use http::StatusCode;
use std::sync::LazyLock;

/// One code.
#[derive(Debug)]
pub(super) struct Code {
    pub(super) code: u32,
    /// The OAuth `error`.
    pub(super) error: &'static str,
    /// The `error` of the v1.0 token endpoint.
    pub(super) error_v1: &'static str,
    pub(super) status: StatusCode,
    pub(super) suberror: Option<&'static str>,
    /// Entra ID has more about the code on a page of its own.
    pub(super) has_page: bool,
    /// The message, with ids, names and dates that stand for a request's.
    pub(super) text: &'static str,
}

static CODES: LazyLock<Vec<Code>> = LazyLock::new(|| {
    include_str!("codes.txt")
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .filter_map(Code::parse)
        .collect()
});

impl Code {
    fn parse(line: &'static str) -> Option<Self> {
        let mut columns = line.splitn(7, '|').map(str::trim);
        let code = columns.next()?.parse().ok()?;
        let error = columns.next()?;
        let error_v1 = columns
            .next()
            .map(|v1| if v1 == "=" { error } else { v1 })?;
        Some(Self {
            code,
            error,
            error_v1,
            status: columns.next()?.parse().ok()?,
            suberror: columns.next().map(|s| (s != "-").then_some(s))?,
            has_page: columns.next()? == "yes",
            text: columns.next()?,
        })
    }

    /// The row of a code.
    pub(super) fn of(code: u32) -> Option<&'static Self> {
        CODES.iter().find(|row| row.code == code)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_the_table_is_a_code_in_order() {
        let lines = include_str!("codes.txt").lines();
        let lines = lines.filter(|line| !line.starts_with('#')).count();
        assert_eq!(CODES.len(), lines, "a line is no code");
        assert!(CODES.is_sorted_by(|a, b| a.code < b.code), "not in order");
        for row in CODES.iter() {
            assert!(!row.text.is_empty() && !row.error.is_empty(), "{row:?}");
        }
    }
}
