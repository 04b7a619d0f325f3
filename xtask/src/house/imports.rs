//! The style of imports: in a module, one merged `use` for each root (`crate`, `std`, a crate), all
//! in one block.

use super::source::{File, attribute, line};
use proc_macro2::{Delimiter, TokenTree};

/// A `use` item of a module.
struct Use {
    /// The attributes as written: only imports with the same attributes and visibility can be
    /// merged.
    attributes: String,
    root: String,
    visibility: String,
    first: usize,
    last: usize,
    /// Whether another item precedes it after the last `use`.
    apart: bool,
}

impl Use {
    /// Whether it imports an enum's variants, which is clearest next to the code that uses them.
    fn variants(&self) -> bool {
        self.root.starts_with(char::is_uppercase)
    }
}

/// The deviations from the style.
pub(super) fn check(file: &File) -> Vec<String> {
    let mut findings = Vec::new();
    module(file, &file.tokens, &mut findings);
    findings
}

fn module(file: &File, tokens: &[TokenTree], findings: &mut Vec<String>) {
    let uses = uses(file, tokens, findings);
    let at = |line| format!("{}:{line}", file.path.display());
    for (index, one) in uses.iter().enumerate() {
        if let Some(before) = uses[..index].iter().find(|other| {
            other.attributes == one.attributes
                && other.visibility == one.visibility
                && other.root == one.root
        }) {
            findings.push(format!(
                "{}: merge this `use` of `{}` into that of line {}",
                at(one.first),
                one.root,
                before.first
            ));
        } else if let Some(before) = uses[..index]
            .iter()
            .rfind(|other| other.visibility == one.visibility && !other.variants())
            && !one.variants()
            && (one.apart || lines_between(file, before.last, one.first))
        {
            findings.push(format!(
                "{}: move this `use` to the block that ends in line {}",
                at(one.first),
                before.last
            ));
        }
    }
}

/// Whether an empty line is between two lines.
fn lines_between(file: &File, first: usize, last: usize) -> bool {
    file.text
        .lines()
        .take(last.saturating_sub(1))
        .skip(first)
        .any(|line| line.trim().is_empty())
}

fn uses(file: &File, tokens: &[TokenTree], findings: &mut Vec<String>) -> Vec<Use> {
    let mut found = Vec::new();
    let mut at = 0;
    let mut attributes = String::new();
    let mut visibility = String::new();
    let mut apart = false;
    while at < tokens.len() {
        if let Some((inside, next)) = attribute(tokens, at) {
            for token in inside {
                attributes.push_str(&token.to_string());
            }
            at = next;
            continue;
        }
        let TokenTree::Ident(word) = &tokens[at] else {
            at += 1;
            continue;
        };
        match word.to_string().as_str() {
            "pub" => {
                visibility.push_str("pub");
                if let Some(TokenTree::Group(scope)) = tokens.get(at + 1)
                    && scope.delimiter() == Delimiter::Parenthesis
                {
                    visibility.push_str(&scope.to_string());
                    at += 1;
                }
                at += 1;
            }
            "use" => {
                let end = (at..tokens.len())
                    .find(
                        |at| matches!(&tokens[*at], TokenTree::Punct(end) if end.as_char() == ';'),
                    )
                    .unwrap_or(tokens.len() - 1);
                let root = tokens[at + 1..end]
                    .iter()
                    .find_map(|token| match token {
                        TokenTree::Ident(word) => Some(word.to_string()),
                        _ => None,
                    })
                    .unwrap_or_default();
                found.push(Use {
                    apart: std::mem::take(&mut apart),
                    attributes: std::mem::take(&mut attributes),
                    root,
                    visibility: std::mem::take(&mut visibility),
                    first: line(tokens[at].span()),
                    last: line(tokens[end].span()),
                });
                at = end + 1;
            }
            other => {
                apart = true;
                attributes.clear();
                visibility.clear();
                if other == "mod"
                    && let Some(TokenTree::Group(body)) = tokens.get(at + 2)
                    && body.delimiter() == Delimiter::Brace
                {
                    module(
                        file,
                        &body.stream().into_iter().collect::<Vec<_>>(),
                        findings,
                    );
                }
                at = super::source::item_end(tokens, at);
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings(text: &str) -> Vec<String> {
        check(&File::parse("a.rs".into(), text.into()).unwrap())
    }

    #[test]
    fn one_merged_use_for_each_root_and_visibility_is_the_style() {
        let text = "mod x;\n\n#[cfg(unix)]\nuse std::os;\nuse crate::{a, b};\nuse std::{fs, io};\n\n\
                    pub use crate::c;\n\nfn f() {\n    use std::mem;\n}\nuse Kind::{A, B};\n";
        assert_eq!(findings(text), Vec::<String>::new());
    }

    #[test]
    fn a_second_use_of_a_root_is_found() {
        assert_eq!(
            findings("use std::fs;\nuse std::io;\n"),
            ["a.rs:2: merge this `use` of `std` into that of line 1"]
        );
        assert_eq!(
            findings("mod tests {\n    use super::*;\n    use super::b;\n}\n"),
            ["a.rs:3: merge this `use` of `super` into that of line 2"]
        );
    }

    #[test]
    fn a_second_block_is_found() {
        let finding = ["a.rs:3: move this `use` to the block that ends in line 1"];
        assert_eq!(findings("use std::fs;\n\nuse crate::x;\n"), finding);
        assert_eq!(
            findings("use std::fs;\nfn f() {}\nuse crate::x;\n"),
            finding
        );
    }
}
