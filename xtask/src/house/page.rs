//! What `docs/design.md` says about the parts: a table and a picture for the crates, and for the
//! inside of each crate.
//!
//! A table is between `<!-- parts: NAME -->` and `<!-- /parts -->`. A row is a part: its name, its
//! modules (in brackets, unless the part is one module with this name), a description, and the
//! parts that it imports, which are parts of later rows. A picture is a Mermaid flowchart whose
//! first line is `%% parts: NAME`.

use anyhow::{Result, bail};
use std::collections::{BTreeMap, BTreeSet};

/// One table.
#[derive(Debug)]
pub(super) struct Table {
    pub(super) name: String,
    /// From top to bottom.
    pub(super) parts: Vec<Part>,
}

/// One row of a table.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) name: String,
    pub(super) modules: Vec<String>,
    pub(super) imports: Vec<String>,
    pub(super) line: usize,
}

/// One flowchart.
#[derive(Debug)]
pub(super) struct Picture {
    pub(super) name: String,
    /// `a --> b`.
    pub(super) arrows: BTreeSet<(String, String)>,
    pub(super) line: usize,
}

impl Table {
    /// The part of a module: the one with the longest path that contains the module.
    pub(super) fn part_of(&self, module: &[String]) -> Option<&Part> {
        let within = |name: &str| {
            let name: Vec<&str> = name.split("::").collect();
            let begins = name.len() <= module.len()
                && name.iter().zip(module).all(|(one, other)| one == other);
            begins.then_some(name.len())
        };
        self.parts
            .iter()
            .filter_map(|part| {
                let length = part.modules.iter().filter_map(|name| within(name)).max()?;
                Some((length, part))
            })
            .max_by_key(|(length, _)| *length)
            .map(|(_, part)| part)
    }
}

/// All tables and pictures of a page.
pub(super) fn read(page: &str) -> Result<(Vec<Table>, Vec<Picture>)> {
    let mut tables = Vec::new();
    let mut pictures = Vec::new();
    let mut lines = page.lines().zip(1..).peekable();
    while let Some((text, line)) = lines.next() {
        if let Some(name) = between(text, "<!-- parts: ", " -->") {
            let mut rows = Vec::new();
            loop {
                match lines.next() {
                    Some(("<!-- /parts -->", _)) => break,
                    Some(row) => rows.push(row),
                    None => bail!("the table {name} has no <!-- /parts -->"),
                }
            }
            tables.push(table(name, &rows)?);
        } else if text == "```mermaid"
            && let Some(name) = lines
                .peek()
                .and_then(|(text, _)| text.strip_prefix("%% parts: "))
        {
            let chart: Vec<_> = lines
                .by_ref()
                .take_while(|(text, _)| *text != "```")
                .collect();
            pictures.push(picture(name, line, &chart)?);
        }
    }
    Ok((tables, pictures))
}

fn table(name: &str, rows: &[(&str, usize)]) -> Result<Table> {
    let mut parts = Vec::new();
    for (row, line) in rows {
        // The heading and the line below it have no backticks.
        if !row.starts_with("| `") {
            continue;
        }
        let cells: Vec<&str> = row.trim_matches('|').split(" | ").map(str::trim).collect();
        let [first, _, imports] = cells.as_slice() else {
            bail!("line {line}: a row of the parts has three columns");
        };
        let named = quoted(first);
        let Some((part, modules)) = named.split_first() else {
            bail!("line {line}: the first column names no part");
        };
        parts.push(Part {
            name: part.to_string(),
            modules: match modules {
                [] => vec![part.to_string()],
                modules => modules.iter().map(ToString::to_string).collect(),
            },
            imports: quoted(imports).iter().map(ToString::to_string).collect(),
            line: *line,
        });
    }
    Ok(Table {
        name: name.to_string(),
        parts,
    })
}

fn picture(name: &str, line: usize, chart: &[(&str, usize)]) -> Result<Picture> {
    let mut picture = Picture {
        name: name.to_string(),
        arrows: BTreeSet::new(),
        line,
    };
    // A reserved word of Mermaid, such as `graph`, can only be a node's label.
    let labels: BTreeMap<&str, &str> = chart
        .iter()
        .filter_map(|(text, _)| {
            let (id, label) = text.trim().split_once("[\"")?;
            Some((id, label.strip_suffix("\"]")?))
        })
        .collect();
    for (text, line) in chart {
        let Some((from, to)) = text.trim().split_once(" --> ") else {
            continue;
        };
        for from in from.split(" & ") {
            for to in to.split(" & ") {
                let plain = |id: &str| {
                    id.chars()
                        .all(|sign| sign.is_alphanumeric() || "_-".contains(sign))
                };
                if !plain(from) || !plain(to) {
                    bail!("line {line}: write an arrow as `a --> b & c`");
                }
                let label = |id: &str| labels.get(id).unwrap_or(&id).to_string();
                picture.arrows.insert((label(from), label(to)));
            }
        }
    }
    Ok(picture)
}

/// The texts between backticks.
fn quoted(text: &str) -> Vec<&str> {
    text.split('`').skip(1).step_by(2).collect()
}

fn between<'a>(text: &'a str, before: &str, after: &str) -> Option<&'a str> {
    text.strip_prefix(before)?.strip_suffix(after)
}
