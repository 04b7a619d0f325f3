//! The width of comments: 100 columns, as `rustfmt` sets for code. Lines that can't be broken (a
//! URL, a long id) and text between fences may be longer.

use super::source::File;
use proc_macro2::{TokenStream, TokenTree};
use std::collections::BTreeSet;

/// As `max_width` in `rustfmt.toml`.
const WIDTH: usize = 100;

/// The lines with a comment that is too long.
pub(super) fn check(file: &File) -> Vec<String> {
    let mut strings = BTreeSet::new();
    for token in &file.tokens {
        lines_of_strings(token, &mut strings);
    }
    let mut fenced = false;
    let mut findings = Vec::new();
    for (text, line) in file.text.lines().zip(1..) {
        let trimmed = text.trim_start();
        if let Some(doc) = trimmed
            .strip_prefix("//!")
            .or_else(|| trimmed.strip_prefix("///"))
        {
            if doc.trim_start().starts_with("```") {
                fenced = !fenced;
            }
        } else {
            fenced = false;
        }
        let width = text.chars().count();
        let comment =
            (trimmed.starts_with("//") || text.contains(" // ")) && !strings.contains(&line);
        if comment && width > WIDTH && !fenced && !unbreakable(text) {
            findings.push(format!(
                "{}:{line}: a comment of {width} columns; break it at {WIDTH}",
                file.path.display()
            ));
        }
    }
    findings
}

/// Whether the line has a URL or a very long word.
fn unbreakable(text: &str) -> bool {
    text.contains("://") || text.split(' ').any(|word| word.chars().count() > WIDTH / 2)
}

/// The lines inside a string: a string may look like a comment.
fn lines_of_strings(token: &TokenTree, lines: &mut BTreeSet<usize>) {
    match token {
        TokenTree::Group(group) => {
            let inside: TokenStream = group.stream();
            for token in inside {
                lines_of_strings(&token, lines);
            }
        }
        TokenTree::Literal(literal) => {
            let (start, end) = (literal.span().start().line, literal.span().end().line);
            // The first and last line of a string may have a comment.
            lines.extend(start + 1..end);
            if end > start {
                lines.insert(end);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings(text: &str) -> Vec<String> {
        check(&File::parse("a.rs".into(), text.into()).unwrap())
    }

    #[test]
    fn a_comment_past_the_width_is_found_and_columns_are_counted_and_not_bytes() {
        let comment = |words: usize| format!("// {}é", "wörd ".repeat(words));
        assert_eq!(findings(&comment(19)), Vec::<String>::new());
        assert_eq!(
            findings(&comment(20)),
            ["a.rs:1: a comment of 104 columns; break it at 100"]
        );
        assert_eq!(findings(&format!("fn f() {{}} {}", comment(20))).len(), 1);
    }

    #[test]
    fn unbreakable_lines_and_strings_pass() {
        let long = "word ".repeat(30);
        for text in [
            format!("// {long}https://example.org"),
            format!("// {long}/subscriptions/{}", "x".repeat(60)),
            format!("//! ```\n//! {long}\n//! ```"),
            format!("const A: &str = \"\n// {long}\n\";"),
        ] {
            assert_eq!(findings(&text), Vec::<String>::new(), "{text}");
        }
    }
}
