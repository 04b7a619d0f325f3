//! Only one file reads the claims of tokens. A second one could take another principal from the
//! same token.

use super::{
    sentences::outside_tests,
    source::{File, line},
};
use proc_macro2::TokenTree;
use std::path::Path;

/// The file that reads claims.
const READER: &str = "crates/azcred/src/facts/claims.rs";

/// Names of claims that have no other meaning in the code.
const NAMES: &[&str] = &[
    "app_displayname",
    "appid",
    "appidacr",
    "azp",
    "azpacr",
    "idtyp",
    "oid",
    "preferred_username",
    "tid",
    "unique_name",
    "upn",
    "xms_mirid",
];

/// Where another file names a claim: `claims.get("oid")`, or a field that serde fills.
pub(super) fn check(file: &File) -> Vec<String> {
    let mut findings = Vec::new();
    if file.path == Path::new(READER) {
        return findings;
    }
    outside_tests(&file.tokens, &mut |tokens, at| {
        let name = match &tokens[at] {
            // The code of certificates has object identifiers.
            TokenTree::Ident(name) if name != "oid" => name.to_string(),
            TokenTree::Literal(text) => text.to_string().trim_matches('"').to_owned(),
            _ => return,
        };
        if NAMES.contains(&name.as_str()) {
            let (file, line) = (file.path.display(), line(tokens[at].span()));
            findings.push(format!(
                "{file}:{line}: `{name}` is a claim, and only {READER} reads claims"
            ));
        }
    });
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(path: &str, text: &str) -> Vec<String> {
        super::check(&File::parse(path.into(), text.into()).unwrap())
    }

    #[test]
    fn a_second_reader_of_claims_is_found() {
        for text in [
            "fn f() { claims.get(\"oid\") }",
            "struct Claims { upn: Option<String> }",
            "struct Claims { #[serde(rename = \"azp\")] application: String }",
        ] {
            let found = check("a.rs", text);
            assert_eq!(found.len(), 1, "{text}");
            assert!(found[0].starts_with("a.rs:1: `"), "{found:?}");
            assert_eq!(check(READER, text), [""; 0]);
        }
        let passes = "fn f() { \"the oid\" } #[cfg(test)] mod tests { fn f() { \"oid\" } }";
        assert_eq!(check("a.rs", passes), [""; 0]);
    }
}
