//! Columns: names and values, commands and their descriptions, lists with titles.

use super::{
    style::{DIM, STRONG, paint},
    width::{pad, width_of},
};

/// `rows` as lines: dimmed names, padded to the longest, then the values.
pub(crate) fn pairs<N: AsRef<str>, V: AsRef<str>>(rows: &[(N, V)]) -> Vec<String> {
    let widest = widest(rows);
    rows.iter()
        .map(|(name, value)| {
            let name = pad(name.as_ref(), widest);
            format!("{}  {}", paint(DIM, name), value.as_ref())
        })
        .collect()
}

/// Commands to type, indented, and their descriptions as the shell's comments, so that whole lines
/// can be pasted.
pub(crate) fn commands<N: AsRef<str>, V: AsRef<str>>(rows: &[(N, V)]) -> Vec<String> {
    let widest = widest(rows);
    rows.iter()
        .map(|(command, effect)| {
            let command = pad(command.as_ref(), widest);
            format!(
                "  {}  {}",
                paint(super::style::CODE, command),
                paint(DIM, format!("# {}", effect.as_ref()))
            )
        })
        .collect()
}

/// A list with titles and a bold first column. If a line does not fit, each row takes several
/// lines, with a title before each value except the first.
pub(crate) fn columns<const N: usize>(
    head: [&str; N],
    rows: &[[String; N]],
    width: usize,
) -> Vec<String> {
    let used: [usize; N] = std::array::from_fn(|column| {
        let cells = rows.iter().map(|row| width_of(&row[column]));
        let widest = cells.max().unwrap_or(0);
        // A column without values has no title.
        if widest == 0 {
            0
        } else {
            widest.max(width_of(head[column]))
        }
    });
    let shown = used.iter().filter(|width| **width > 0).count();
    let total = used.iter().sum::<usize>() + 2 * shown.saturating_sub(1);
    let line = |cells: [String; N]| {
        let mut line = String::new();
        for (cell, width) in cells.iter().zip(used).filter(|(_, width)| *width > 0) {
            line.push_str(cell);
            line.push_str(&" ".repeat(width + 2 - width_of(cell)));
        }
        line.trim_end().to_owned()
    };
    if total <= width {
        let head = line(head.map(str::to_owned));
        let rows = rows.iter().map(|row| {
            let mut row = row.clone();
            row[0] = paint(STRONG, &row[0]);
            line(row)
        });
        return std::iter::once(paint(DIM, head)).chain(rows).collect();
    }
    let label = head
        .iter()
        .skip(1)
        .map(|head| width_of(head))
        .max()
        .unwrap_or(0);
    let mut lines = Vec::new();
    for row in rows {
        lines.push(paint(STRONG, &row[0]));
        let others = head.iter().zip(row).skip(1);
        lines.extend(
            others
                .filter(|(_, cell)| !cell.is_empty())
                .map(|(head, cell)| format!("  {}  {cell}", paint(DIM, pad(head, label)))),
        );
    }
    lines
}

fn widest<N: AsRef<str>, V>(rows: &[(N, V)]) -> usize {
    rows.iter()
        .map(|(name, _)| width_of(name.as_ref()))
        .max()
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(rows: &[[String; 3]], width: usize) -> Vec<String> {
        let lines = columns(["Name", "id", "state"], rows, width);
        let plain = |line: &String| anstream::adapter::strip_str(line).to_string();
        lines.iter().map(plain).collect()
    }

    fn row(cells: [&str; 3]) -> [String; 3] {
        cells.map(str::to_owned)
    }

    #[test]
    fn cells_are_aligned_if_the_lines_have_room() {
        let rows = [row(["a", "1", "Enabled"]), row(["long name", "22", ""])];
        assert_eq!(
            plain(&rows, 80),
            [
                "Name       id  state",
                "a          1   Enabled",
                "long name  22"
            ]
        );
        assert_eq!(
            plain(&rows, 20),
            [
                "a",
                "  id     1",
                "  state  Enabled",
                "long name",
                "  id     22"
            ]
        );
    }

    #[test]
    fn names_of_every_script_are_aligned() {
        let rows = [
            row(["日本チーム", "1", "Enabled"]),
            row(["Mu\u{308}ller", "22", "有効"]),
            row(["🚀 launch", "3", "Enabled"]),
        ];
        let lines = plain(&rows, 80);
        assert_eq!(
            lines,
            [
                "Name        id  state",
                "日本チーム  1   Enabled",
                "Mu\u{308}ller      22  有効",
                "🚀 launch   3   Enabled",
            ]
        );
        assert_eq!(plain(&rows, 23), lines, "it has 23 columns");
        assert_ne!(plain(&rows, 22), lines);
        let pairs = pairs(&[("名前", "x"), ("id", "y")]);
        let pairs = pairs
            .iter()
            .map(|line| anstream::adapter::strip_str(line).to_string());
        assert_eq!(pairs.collect::<Vec<_>>(), ["名前  x", "id    y"]);
    }

    #[test]
    fn an_empty_column_is_left_out() {
        assert_eq!(
            plain(&[row(["a", "", "b"])], 80),
            ["Name  state", "a     b"]
        );
    }
}
