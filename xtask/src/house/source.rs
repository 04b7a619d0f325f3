//! A crate's sources as tokens: its modules, and the paths that each module names.
//!
//! Tokens are better than a syntax tree here: paths inside `select!` or `json!` count too, and the
//! syntax of a newer edition still consists of tokens.

use anyhow::{Context as _, Result, anyhow, bail};
use proc_macro2::{Delimiter, Spacing, Span, TokenStream, TokenTree};
use std::{
    fs,
    path::{Path, PathBuf},
};

/// One `.rs` file.
pub(super) struct File {
    /// The path, relative to the workspace's root.
    pub(super) path: PathBuf,
    pub(super) text: String,
    pub(super) tokens: Vec<TokenTree>,
}

impl File {
    pub(super) fn read(root: &Path, path: &Path) -> Result<Self> {
        let text = fs::read_to_string(path).with_context(|| format!("reading {path:?}"))?;
        let path = path.strip_prefix(root).unwrap_or(path).to_path_buf();
        Self::parse(path, text)
    }

    pub(super) fn parse(path: PathBuf, text: String) -> Result<Self> {
        let tokens = text.parse::<TokenStream>().map_err(|error| {
            anyhow!("{}:{}: {error}", path.display(), error.span().start().line)
        })?;
        Ok(Self {
            path,
            text,
            tokens: tokens.into_iter().collect(),
        })
    }
}

/// All `.rs` files in a folder and its subfolders, sorted by name.
pub(super) fn files_below(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(folder) = folders.pop() {
        let entries = fs::read_dir(&folder).with_context(|| format!("reading {folder:?}"))?;
        for entry in entries {
            let entry = entry?;
            let path = entry.path();
            if entry.file_type()?.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|end| end == "rs") {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}

/// A path in the code: `crate::chain::Report`, `azcred::Scope`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Named {
    /// The path's segments. `super` and `self` are resolved: a path in the own crate begins with
    /// `crate`.
    pub(super) path: Vec<String>,
    /// The name after `as` in a `use`.
    pub(super) alias: Option<String>,
    pub(super) line: usize,
}

/// A module, without its tests.
#[derive(Debug)]
pub(super) struct Module {
    /// Without the crate's name. Empty for the root.
    pub(super) path: Vec<String>,
    pub(super) file: PathBuf,
    pub(super) named: Vec<Named>,
}

/// A crate's modules, starting with its root (`lib.rs`, `main.rs`), without code under
/// `#[cfg(test)]`.
pub(super) fn modules(files: &[File], root: &Path) -> Result<Vec<Module>> {
    let mut done = Vec::new();
    let mut due = vec![(Vec::new(), root.to_path_buf())];
    while let Some((path, at)) = due.pop() {
        let file = files
            .iter()
            .find(|file| file.path == at)
            .ok_or_else(|| anyhow!("no file {} for the module {path:?}", at.display()))?;
        let mut walk = Walk {
            module: path.clone(),
            named: Vec::new(),
            children: Vec::new(),
        };
        walk.tokens(&file.tokens);
        done.push(Module {
            path: path.clone(),
            file: at.clone(),
            named: walk.named,
        });
        for (child, given) in walk.children {
            let place = child_file(files, &at, &child, given.as_deref())?;
            due.push((child, place));
        }
    }
    done.sort_by(|one, other| one.path.cmp(&other.path));
    Ok(done)
}

/// The file of `mod name;` in the file `at`.
fn child_file(files: &[File], at: &Path, child: &[String], given: Option<&str>) -> Result<PathBuf> {
    let folder = at.parent().unwrap_or(Path::new(""));
    let stem = at.file_stem().and_then(|stem| stem.to_str()).unwrap_or("");
    let name = child.last().map_or("", String::as_str);
    if let Some(given) = given {
        return Ok(folder.join(given));
    }
    let folder = match stem {
        "mod" | "lib" | "main" => folder.to_path_buf(),
        stem => folder.join(stem),
    };
    let places = [
        folder.join(format!("{name}.rs")),
        folder.join(name).join("mod.rs"),
    ];
    for place in &places {
        if files.iter().any(|file| file.path == *place) {
            return Ok(place.clone());
        }
    }
    bail!("{}: no file for `mod {name};`", at.display())
}

struct Walk {
    /// The module that the tokens are in.
    module: Vec<String>,
    named: Vec<Named>,
    /// `mod name;`, with the path from an attribute if it has one.
    children: Vec<(Vec<String>, Option<String>)>,
}

impl Walk {
    fn tokens(&mut self, tokens: &[TokenTree]) {
        let mut at = 0;
        let mut given = None;
        while at < tokens.len() {
            if let Some((attribute, next)) = attribute(tokens, at) {
                at = next;
                if is_test(&attribute) {
                    at = item_end(tokens, at);
                    given = None;
                } else if let Some(path) = path_attribute(&attribute) {
                    given = Some(path);
                }
                continue;
            }
            match &tokens[at] {
                TokenTree::Ident(word) if word == "mod" => {
                    let name = tokens.get(at + 1).map(ToString::to_string);
                    let child = |name: String| {
                        let mut path = self.module.clone();
                        path.push(name);
                        path
                    };
                    match (name, tokens.get(at + 2)) {
                        (Some(name), Some(TokenTree::Punct(end))) if end.as_char() == ';' => {
                            self.children.push((child(name), given.take()));
                            at += 3;
                        }
                        (Some(name), Some(TokenTree::Group(body)))
                            if body.delimiter() == Delimiter::Brace =>
                        {
                            let inner = child(name);
                            let outer = std::mem::replace(&mut self.module, inner);
                            self.group(&body.stream());
                            self.module = outer;
                            at += 3;
                        }
                        _ => at += 1,
                    }
                }
                TokenTree::Ident(_) if !continues(tokens, at) => {
                    at = self.path(&[], tokens, at);
                }
                TokenTree::Group(group) => {
                    self.group(&group.stream());
                    at += 1;
                }
                _ => at += 1,
            }
        }
    }

    fn group(&mut self, stream: &TokenStream) {
        self.tokens(&stream.clone().into_iter().collect::<Vec<_>>());
    }

    /// Reads the path (or the tree of a `use`) that begins at `at`. Returns its end.
    fn path(&mut self, before: &[String], tokens: &[TokenTree], at: usize) -> usize {
        let mut path = before.to_vec();
        let mut at = at;
        let line = line(tokens[at].span());
        loop {
            match tokens.get(at) {
                Some(TokenTree::Ident(word)) => path.push(word.to_string()),
                Some(TokenTree::Punct(star)) if star.as_char() == '*' => path.push("*".into()),
                Some(TokenTree::Group(tree)) if tree.delimiter() == Delimiter::Brace => {
                    let branches: Vec<TokenTree> = tree.stream().into_iter().collect();
                    let mut next = 0;
                    while next < branches.len() {
                        next = match branches[next] {
                            TokenTree::Punct(_) if !is_star(&branches[next]) => next + 1,
                            _ => self.path(&path, &branches, next),
                        };
                    }
                    return at + 1;
                }
                // A turbofish, or the end of the tokens.
                _ => break,
            }
            at += 1;
            if !separator(tokens, at) {
                break;
            }
            at += 2;
        }
        let mut alias = None;
        if let (Some(TokenTree::Ident(word)), Some(name)) = (tokens.get(at), tokens.get(at + 1))
            && word == "as"
            && matches!(name, TokenTree::Ident(_))
        {
            alias = Some(name.to_string());
            at += 2;
        }
        if let Some(path) = self.resolved(&path) {
            self.named.push(Named { path, alias, line });
        }
        at
    }

    /// The path with `super` and `self` replaced. `None` for a word that is not a path.
    fn resolved(&self, path: &[String]) -> Option<Vec<String>> {
        let (first, rest) = path.split_first()?;
        if rest.is_empty() {
            return None;
        }
        let mut base: Vec<String> = match first.as_str() {
            "crate" => vec![],
            "self" | "super" => self.module.clone(),
            _ => return Some(path.to_vec()),
        };
        let mut rest = path;
        while let Some((word, after)) = rest.split_first() {
            match word.as_str() {
                "crate" | "self" => {}
                "super" => {
                    base.pop();
                }
                _ => break,
            }
            rest = after;
        }
        base.insert(0, "crate".into());
        base.extend(rest.iter().filter(|word| *word != "self").cloned());
        Some(base)
    }
}

pub(super) fn line(span: Span) -> usize {
    span.start().line
}

/// Whether `::` is at `at`.
pub(super) fn separator(tokens: &[TokenTree], at: usize) -> bool {
    let colon = |at: usize| match tokens.get(at) {
        Some(TokenTree::Punct(punct)) if punct.as_char() == ':' => Some(punct.spacing()),
        _ => None,
    };
    colon(at) == Some(Spacing::Joint) && colon(at + 1).is_some()
}

/// Whether the word at `at` continues what precedes it: `x::word`, `.word`.
fn continues(tokens: &[TokenTree], at: usize) -> bool {
    let before = |back: usize| at.checked_sub(back).map(|at| &tokens[at]);
    match before(1) {
        Some(TokenTree::Punct(punct)) if punct.as_char() == '.' => {
            // `..word` is a range.
            !matches!(before(2), Some(TokenTree::Punct(dot)) if dot.as_char() == '.')
        }
        Some(TokenTree::Punct(punct)) if punct.as_char() == ':' => {
            at >= 2 && separator(tokens, at - 2) && {
                // `::word` at the beginning of a path names a crate.
                matches!(before(3), Some(TokenTree::Ident(_)))
                    || matches!(before(3), Some(TokenTree::Punct(end)) if end.as_char() == '>')
            }
        }
        _ => false,
    }
}

fn is_star(token: &TokenTree) -> bool {
    matches!(token, TokenTree::Punct(punct) if punct.as_char() == '*')
}

/// The attribute at `at`: the tokens between its brackets, and its end.
pub(super) fn attribute(tokens: &[TokenTree], at: usize) -> Option<(Vec<TokenTree>, usize)> {
    let is = |at: usize, sign: char| matches!(tokens.get(at), Some(TokenTree::Punct(punct)) if punct.as_char() == sign);
    if !is(at, '#') {
        return None;
    }
    let at = if is(at + 1, '!') { at + 2 } else { at + 1 };
    match tokens.get(at) {
        Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Bracket => {
            Some((group.stream().into_iter().collect(), at + 1))
        }
        _ => None,
    }
}

/// Whether an attribute is `cfg(test)` or `cfg(all(test, …))`.
pub(super) fn is_test(attribute: &[TokenTree]) -> bool {
    let [TokenTree::Ident(cfg), TokenTree::Group(condition)] = attribute else {
        return false;
    };
    if cfg != "cfg" {
        return false;
    }
    let condition: Vec<TokenTree> = condition.stream().into_iter().collect();
    match condition.as_slice() {
        [TokenTree::Ident(word)] => word == "test",
        [TokenTree::Ident(all), TokenTree::Group(conditions)] if all == "all" => conditions
            .stream()
            .into_iter()
            .any(|token| matches!(token, TokenTree::Ident(word) if word == "test")),
        _ => false,
    }
}

/// `path = "…"`.
fn path_attribute(attribute: &[TokenTree]) -> Option<String> {
    match attribute {
        [
            TokenTree::Ident(path),
            TokenTree::Punct(_),
            TokenTree::Literal(text),
        ] if path == "path" => Some(text.to_string().trim_matches('"').to_string()),
        _ => None,
    }
}

/// The end of the item (or field, or statement) that begins at `at`.
pub(super) fn item_end(tokens: &[TokenTree], at: usize) -> usize {
    let mut to_semicolon = false;
    let mut item = false;
    for (at, token) in tokens.iter().enumerate().skip(at) {
        match token {
            TokenTree::Ident(word) if !item => match word.to_string().as_str() {
                "use" | "const" | "static" | "type" | "let" => (item, to_semicolon) = (true, true),
                "fn" | "mod" | "struct" | "enum" | "impl" | "trait" | "macro_rules" => item = true,
                _ => {}
            },
            TokenTree::Ident(word) if word == "fn" => to_semicolon = false,
            TokenTree::Group(group) if group.delimiter() == Delimiter::Brace && !to_semicolon => {
                return at + 1;
            }
            TokenTree::Punct(end) if end.as_char() == ';' => return at + 1,
            TokenTree::Punct(end) if end.as_char() == ',' && !item => return at + 1,
            _ => {}
        }
    }
    tokens.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(files: &[(&str, &str)]) -> Vec<File> {
        files
            .iter()
            .map(|(path, text)| File::parse(path.into(), (*text).into()).unwrap())
            .collect()
    }

    /// Each module's path, and the paths that it names.
    fn named(sources: &[(&str, &str)]) -> Vec<(String, Vec<String>)> {
        modules(&files(sources), Path::new("src/lib.rs"))
            .unwrap()
            .iter()
            .map(|module| {
                let named = module.named.iter().map(|named| named.path.join("::"));
                (module.path.join("::"), named.collect())
            })
            .collect()
    }

    fn paths(text: &str) -> Vec<String> {
        let sources = [
            ("src/lib.rs", "mod a;"),
            ("src/a/mod.rs", "mod b;"),
            ("src/a/b.rs", text),
        ];
        named(&sources).pop().unwrap().1
    }

    #[test]
    fn a_path_is_found_in_a_use_in_code_and_in_a_macro() {
        assert_eq!(
            paths("use crate::x::{self, y::{Z as W, *}, v};"),
            [
                "crate::x",
                "crate::x::y::Z",
                "crate::x::y::*",
                "crate::x::v"
            ]
        );
        assert_eq!(
            paths("fn f(x: crate::x::Y<crate::z::Z>) { m!(a, ::azcred::f()); 0..crate::n::N }"),
            ["crate::x::Y", "crate::z::Z", "azcred::f", "crate::n::N"]
        );
        assert_eq!(
            paths("// crate::x::Y\nconst A: &str = \"crate::x\";"),
            [""; 0]
        );
    }

    #[test]
    fn super_is_the_module_above() {
        assert_eq!(
            paths("use super::x; mod c { use super::y; use super::super::super::z::Z; }"),
            ["crate::a::x", "crate::a::b::y", "crate::z::Z"]
        );
    }

    #[test]
    fn modules_are_found_where_the_compiler_finds_them_and_tests_are_left_out() {
        let sources = [
            ("src/lib.rs", "mod a;\n#[path = \"other.rs\"]\npub mod b;"),
            (
                "src/a.rs",
                "mod c;\n#[cfg(test)]\nmod tests { use crate::x; }",
            ),
            (
                "src/a/c.rs",
                "#[cfg(test)]\n#[path = \"c_tests.rs\"]\nmod tests;\nuse std::fs;",
            ),
            ("src/a/c_tests.rs", "use crate::y;"),
            (
                "src/other.rs",
                "#[cfg(test)] use crate::x::X;\n#[cfg(not(test))] use crate::y;",
            ),
        ];
        let found: Vec<(String, Vec<String>)> = named(&sources);
        let found: Vec<(&str, String)> = found
            .iter()
            .map(|(module, named)| (module.as_str(), named.join(" ")))
            .collect();
        assert_eq!(
            found,
            [
                ("", String::new()),
                ("a", String::new()),
                ("a::c", "std::fs".into()),
                ("b", "crate::y".into())
            ]
        );
    }

    #[test]
    fn a_module_without_a_file_is_an_error() {
        let error = modules(&files(&[("src/lib.rs", "mod a;")]), Path::new("src/lib.rs"));
        assert_eq!(
            error.unwrap_err().to_string(),
            "src/lib.rs: no file for `mod a;`"
        );
    }
}
