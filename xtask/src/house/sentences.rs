//! The library has facts and the binary has words: no code reads a sentence, and the library names
//! no command of the binary.

use super::source::{File, attribute, is_test, item_end, line};
use proc_macro2::{TokenStream, TokenTree};

/// The parts of an error or a report that people read.
const SENTENCES: &[&str] = &["fix", "reason", "used", "using", "what", "why"];

/// Methods that read a text.
const READERS: &[&str] = &[
    "contains",
    "ends_with",
    "eq_ignore_ascii_case",
    "find",
    "replace",
    "rsplit_once",
    "split",
    "split_once",
    "split_whitespace",
    "splitn",
    "starts_with",
    "strip_prefix",
    "strip_suffix",
    "trim_end_matches",
    "trim_start_matches",
];

/// The places outside tests at which code reads a sentence: `error.why().contains(…)`.
pub(super) fn read(file: &File) -> Vec<String> {
    let mut findings = Vec::new();
    outside_tests(&file.tokens, &mut |tokens, at| {
        let (Some(sentence), Some(reader)) = (field(tokens, at), reader(tokens, at)) else {
            return;
        };
        let (file, line) = (file.path.display(), line(tokens[at].span()));
        findings.push(format!(
            "{file}:{line}: `{sentence}` is a sentence for people, but `{reader}` reads it: use a \
             value"
        ));
    });
    findings
}

/// The sentence whose name is at `at`: `.why()`, `.reason`, or a variable `why`.
fn field(tokens: &[TokenTree], at: usize) -> Option<String> {
    let TokenTree::Ident(word) = &tokens[at] else {
        return None;
    };
    let word = word.to_string();
    SENTENCES.contains(&word.as_str()).then_some(word)
}

/// The method that reads the sentence whose name is at `at`.
fn reader(tokens: &[TokenTree], at: usize) -> Option<String> {
    let mut next = at + 1;
    if let Some(TokenTree::Group(arguments)) = tokens.get(next) {
        if !arguments.stream().is_empty() {
            return None;
        }
        next += 1;
    }
    // `why().to_string().contains(…)` reads it too.
    loop {
        if !is_punct(tokens.get(next)?, '.') {
            return None;
        }
        let TokenTree::Ident(method) = tokens.get(next + 1)? else {
            return None;
        };
        let method = method.to_string();
        if READERS.contains(&method.as_str()) {
            return Some(method);
        }
        match tokens.get(next + 2) {
            Some(TokenTree::Group(arguments)) if arguments.stream().is_empty() => next += 3,
            _ => return None,
        }
    }
}

/// The places at which a file names a command of the binary. `commands` has the names.
pub(super) fn commands(file: &File, commands: &[String]) -> Vec<String> {
    let mut findings = Vec::new();
    outside_tests(&file.tokens, &mut |tokens, at| {
        let TokenTree::Literal(literal) = &tokens[at] else {
            return;
        };
        let text = literal.to_string();
        for after in text.split("azcred ").skip(1) {
            let word: String = after
                .chars()
                .take_while(|sign| sign.is_ascii_lowercase() || *sign == '-')
                .collect();
            if commands.contains(&word) {
                let (file, line) = (file.path.display(), line(literal.span()));
                findings.push(format!(
                    "{file}:{line}: the library names the command `azcred {word}`: return a value, \
                     and write the words in the binary"
                ));
            }
        }
    });
    findings
}

/// Visits every token outside tests.
pub(super) fn outside_tests(tokens: &[TokenTree], visit: &mut dyn FnMut(&[TokenTree], usize)) {
    let mut at = 0;
    while at < tokens.len() {
        if let Some((inside, next)) = attribute(tokens, at)
            && is_test(&inside)
        {
            at = item_end(tokens, next);
            continue;
        }
        visit(tokens, at);
        if let TokenTree::Group(group) = &tokens[at] {
            outside_tests(&vec_of(&group.stream()), visit);
        }
        at += 1;
    }
}

fn vec_of(stream: &TokenStream) -> Vec<TokenTree> {
    stream.clone().into_iter().collect()
}

fn is_punct(token: &TokenTree, sign: char) -> bool {
    matches!(token, TokenTree::Punct(punct) if punct.as_char() == sign)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(text: &str) -> File {
        File::parse("a.rs".into(), text.into()).unwrap()
    }

    #[test]
    fn code_that_reads_a_sentence_is_found() {
        for (text, reader) in [
            ("fn f() { if e.why().contains(\"x\") {} }", "contains"),
            ("fn f() { attempt.reason.split(' ') }", "split"),
            ("fn f() { chosen.used.describe().split(' ') }", "split"),
            (
                "fn f(using: &str) { using.starts_with('a') }",
                "starts_with",
            ),
            (
                "fn f() { m!(e.why().to_string().strip_prefix(\"x\")) }",
                "strip_prefix",
            ),
        ] {
            let found = read(&file(text));
            assert_eq!(found.len(), 1, "{text}");
            assert!(
                found[0].contains(&format!("`{reader}` reads it")),
                "{found:?}"
            );
        }
    }

    #[test]
    fn showing_a_sentence_and_tests_that_read_one_pass() {
        let text = "fn f() { println!(\"{}\", e.why()); let why = x.contains(y); e.reason.len() }\
                    #[cfg(test)] mod tests { fn f() { e.why().contains(\"x\"); } }";
        assert_eq!(read(&file(text)), [""; 0]);
    }

    #[test]
    fn a_command_that_the_library_names_is_found() {
        let login = ["login".to_string()];
        let found = commands(
            &file("\n/// By `azcred login`.\nfn f() { g(\"run azcred login\") }"),
            &login,
        );
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(found[0].starts_with("a.rs:2: the library names the command `azcred login`"));
        let passes =
            "fn f() { g(\"azcred has no login\") } #[cfg(test)] fn t() { \"azcred login\" }";
        assert_eq!(commands(&file(passes), &login), [""; 0]);
    }
}
