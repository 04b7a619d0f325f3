//! The documentation is in step with the code: the tables of errors, the Rust that is shown, the links.
//!
//! `UPDATE_DOCS=1 cargo test -p azcred --test docs` writes the tables anew.

use azcred::entra::explain;
use std::{
    collections::BTreeSet,
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

/// Every code that Entra ID has is below this.
const CODES_END: u32 = 10_000_000;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn read(path: impl AsRef<Path>) -> String {
    let path = root().join(path);
    let text = fs::read_to_string(&path);
    // A checkout on Windows has other ends of lines.
    text.unwrap_or_else(|error| panic!("{}: {error}", path.display()))
        .replace("\r\n", "\n")
}

/// What stands between the marks of a generated part, and what should.
fn check_part(page: &str, name: &str, wanted: &str) {
    let (begin, end) = (format!("<!-- {name} -->\n"), format!("<!-- /{name} -->"));
    let text = read(page);
    let (before, rest) = text
        .split_once(&begin)
        .unwrap_or_else(|| panic!("{page} has no {begin}"));
    let (part, after) = rest
        .split_once(&end)
        .unwrap_or_else(|| panic!("{page} has no {end}"));
    if part == wanted {
        return;
    }
    if std::env::var_os("UPDATE_DOCS").is_some() {
        let text = format!("{before}{begin}{wanted}{end}{after}");
        fs::write(root().join(page), text).unwrap();
        return;
    }
    let line = wanted
        .lines()
        .zip(part.lines().chain(std::iter::repeat("")))
        .find(|(wanted, found)| wanted != found);
    panic!(
        "{page} is not in step with the code; write it anew with UPDATE_DOCS=1. First: {line:#?}"
    );
}

/// A cell of a table: a bar would end it.
fn cell(text: &str) -> String {
    text.replace('|', r"\|")
}

#[test]
fn every_code_of_entra_id_that_is_explained_is_in_the_page_with_its_meaning_and_mend() {
    let mut table = "| code | what it means | what mends it |\n|---|---|---|\n".to_owned();
    let known: Vec<_> = (0..CODES_END).filter_map(explain).collect();
    assert!(known.len() > 50, "{}", known.len());
    for meaning in known {
        let (means, mend) = (cell(meaning.means), cell(meaning.mend));
        writeln!(table, "| AADSTS{} | {means} | {mend} |", meaning.code).unwrap();
    }
    check_part("docs/errors.md", "entra", &table);
}

/// The meanings of Resource Manager's codes as they are written in a crate above this one, which it can't see.
fn arm_codes() -> Vec<[String; 3]> {
    let source = read("crates/azcred-azure/src/arm_codes.rs");
    let words = |text: &str| -> Vec<String> {
        let mut words = Vec::new();
        let mut rest = text;
        while let Some((start, quoted)) = rest
            .find(|c: char| c == '"' || c.is_ascii_alphabetic())
            .map(|start| (start, rest[start..].starts_with('"')))
        {
            let text = &rest[start + usize::from(quoted)..];
            let mut end = 0;
            let mut escaped = false;
            for (at, c) in text.char_indices() {
                end = at;
                if quoted && c == '"' && !escaped
                    || !quoted && !(c.is_ascii_alphanumeric() || c == '_')
                {
                    break;
                }
                escaped = c == '\\' && !escaped;
            }
            words.push(text[..end].replace("\\\"", "\""));
            rest = &text[end + usize::from(quoted)..];
        }
        words
    };
    let constant = |name: &str| {
        source
            .split_once(&format!("const {name}: &str ="))
            .map(|(_, after)| words(after)[0].clone())
    };
    source
        .split_once("const MEANINGS")
        .and_then(|(_, list)| list.split_once("\n];"))
        .expect("the list of meanings")
        .0
        .split("    code(")
        .skip(1)
        .map(|entry| {
            let mut words = words(entry).into_iter();
            let mut next = || words.next().unwrap_or_else(|| panic!("{entry}"));
            let (code, _kind, means, mend) = (next(), next(), next(), next());
            let mend = constant(&mend).unwrap_or(mend);
            [code, means, mend]
        })
        .collect()
}

#[test]
fn every_code_of_resource_manager_that_is_explained_is_in_the_page() {
    let mut table = "| code | what it means | what mends it |\n|---|---|---|\n".to_owned();
    let codes = arm_codes();
    assert!(codes.len() > 20, "{}", codes.len());
    for [code, means, mend] in codes {
        let mend = match mend.as_str() {
            "" => "the command that is printed: it names the identity, the role and the scope",
            mend => mend,
        };
        writeln!(table, "| {code} | {} | {} |", cell(&means), cell(mend)).unwrap();
    }
    check_part("docs/errors.md", "resource-manager", &table);
}

/// The fenced parts of a page in a language.
fn blocks(text: &str, language: &str) -> Vec<String> {
    let mut blocks = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if let Some(info) = line.strip_prefix("```") {
            let block: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
            if info == language {
                blocks.push(block.join("\n"));
            }
        }
    }
    blocks
}

#[test]
fn the_rust_that_is_shown_is_part_of_an_example_that_compiles() {
    let example: Vec<String> = read("crates/azcred/examples/guide.rs")
        .lines()
        .map(|line| line.strip_prefix("    ").unwrap_or(line).to_owned())
        .collect();
    let example = example.join("\n");
    let mut shown = 0;
    for page in ["README.md", "docs/library.md"] {
        for block in blocks(&read(page), "rust") {
            assert!(
                example.contains(&block),
                "{page} shows Rust that examples/guide.rs has not:\n{block}"
            );
            shown += 1;
        }
    }
    assert!(shown > 5, "{shown}");
}

fn pages() -> Vec<String> {
    let mut pages: Vec<String> = [
        "README.md",
        "CHANGELOG.md",
        "CONTRIBUTING.md",
        "SECURITY.md",
    ]
    .map(str::to_owned)
    .into();
    for entry in fs::read_dir(root().join("docs")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        if name.ends_with(".md") {
            pages.push(format!("docs/{name}"));
        }
    }
    pages.sort();
    pages
}

/// What stands outside of code.
fn prose(text: &str) -> String {
    let mut fenced = false;
    let mut prose = String::new();
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        } else if !fenced {
            for part in line.split('`').step_by(2) {
                prose.push_str(part);
            }
            prose.push('\n');
        }
    }
    prose
}

/// The anchors of a page's headings, as GitHub and mdBook make them.
fn anchors(text: &str) -> BTreeSet<String> {
    let mut fenced = false;
    text.lines()
        .filter(|line| {
            fenced ^= line.starts_with("```");
            !fenced && line.starts_with('#')
        })
        .map(|heading| {
            heading
                .trim_start_matches('#')
                .trim()
                .to_lowercase()
                .chars()
                .filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'))
                .map(|c| if c == ' ' { '-' } else { c })
                .collect()
        })
        .collect()
}

#[test]
fn every_link_within_the_documentation_leads_somewhere() {
    let mut followed = 0;
    for page in pages() {
        let text = read(&page);
        for link in prose(&text).split("](").skip(1) {
            let link = link.split(')').next().unwrap_or_default();
            if link.contains("://") {
                continue;
            }
            let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
            let target = match file {
                "" => root().join(&page),
                file => root().join(&page).parent().unwrap().join(file),
            };
            assert!(
                target.exists(),
                "{page} links to {link}, which is not there"
            );
            if !anchor.is_empty() {
                let there = anchors(&fs::read_to_string(&target).unwrap());
                assert!(there.contains(anchor), "{page} links to {link}: {there:?}");
            }
            followed += 1;
        }
    }
    assert!(followed > 20, "{followed}");
}

#[test]
fn every_page_of_the_book_is_in_its_table_of_contents() {
    let contents = read("docs/SUMMARY.md");
    for page in pages() {
        if let Some(name) = page
            .strip_prefix("docs/")
            .filter(|name| *name != "SUMMARY.md")
        {
            assert!(contents.contains(&format!("]({name})")), "{name}");
        }
    }
}
