//! Checks that the parts import each other as `docs/design.md` says.

use super::{
    page::{Part, Picture, Table},
    source::Module,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
};

/// The page with the tables and pictures.
pub(super) const PAGE: &str = "docs/design.md";

/// An import of one part by another: both names.
type Arrow = (String, String);

/// The imports, each with its first place in the code.
pub(super) type Arrows = BTreeMap<Arrow, (PathBuf, usize)>;

/// The imports between a crate's parts. Problems are added to `findings`.
pub(super) fn within(table: &Table, modules: &[Module], findings: &mut Vec<String>) -> Arrows {
    let mut arrows = Arrows::new();
    let Some((root, modules)) = modules.split_first() else {
        return arrows;
    };
    let own: BTreeSet<&str> = modules
        .iter()
        .map(|module| module.path[0].as_str())
        .collect();
    // What the root exports under another name: `pub use crate::error::Error`.
    let exported: BTreeMap<&str, &[String]> = root
        .named
        .iter()
        .filter_map(|named| {
            let path = match named.path.split_first()? {
                (first, rest) if first == "crate" => rest,
                _ => named.path.as_slice(),
            };
            let name = named.alias.as_ref().or(path.last())?;
            (path.len() > 1 && own.contains(path[0].as_str())).then_some((name.as_str(), path))
        })
        .collect();
    for module in modules {
        let at = |line| format!("{}:{line}", module.file.display());
        let Some(from) = table.part_of(&module.path) else {
            findings.push(format!(
                "{}: the module `{}` is in no part of the table `{}` in {PAGE}",
                at(1),
                module.path.join("::"),
                table.name
            ));
            continue;
        };
        for named in &module.named {
            let [first, path @ ..] = named.path.as_slice() else {
                continue;
            };
            let Some(word) = path.first().filter(|_| first == "crate") else {
                continue;
            };
            let path = if own.contains(word.as_str()) {
                path
            } else if let Some(path) = exported.get(word.as_str()) {
                path
            } else {
                findings.push(format!(
                    "{}: `crate::{word}` is neither a module nor exported from one by the crate's \
                     root: name the module",
                    at(named.line),
                ));
                continue;
            };
            // A module in no part is reported once, for its own code.
            if let Some(to) = table.part_of(path)
                && to.name != from.name
            {
                arrows
                    .entry((from.name.clone(), to.name.clone()))
                    .or_insert_with(|| (module.file.clone(), named.line));
            }
        }
    }
    arrows
}

/// The imports between the crates.
pub(super) fn between(crates: &[(&str, &[Module])]) -> Arrows {
    let mut arrows = Arrows::new();
    for (from, modules) in crates {
        for module in *modules {
            for named in &module.named {
                let to = crates
                    .iter()
                    .find(|(name, _)| name != from && name.replace('-', "_") == named.path[0]);
                // `azcred::` is the crate, unless a module has this name.
                if let Some((to, _)) = to {
                    arrows
                        .entry((from.to_string(), to.to_string()))
                        .or_insert_with(|| (module.file.clone(), named.line));
                }
            }
        }
    }
    arrows
}

/// The differences between a table and the code.
pub(super) fn compare(table: &Table, arrows: &Arrows) -> Vec<String> {
    let mut findings = Vec::new();
    for ((from, to), (file, line)) in arrows {
        let listed = part(table, from).is_some_and(|from| from.imports.contains(to));
        if !listed {
            findings.push(format!(
                "{}:{line}: `{from}` imports `{to}`, and the row of `{from}` in the table `{}` of \
                 {PAGE} does not say so",
                file.display(),
                table.name
            ));
        }
    }
    for (row, from) in table.parts.iter().enumerate() {
        let at = format!("{PAGE}:{}", from.line);
        for import in &from.imports {
            let Some(to) = table.parts.iter().position(|part| part.name == *import) else {
                findings.push(format!("{at}: no row for `{import}`"));
                continue;
            };
            if !arrows.contains_key(&(from.name.clone(), import.clone())) {
                findings.push(format!(
                    "{at}: `{}` imports `{import}`, says the page, and no code does",
                    from.name
                ));
            }
            if to < row {
                findings.push(format!(
                    "{at}: `{}` imports `{import}`, whose row is above: arrows point down",
                    from.name
                ));
            }
        }
    }
    findings
}

/// Modules of a table that the crate does not have.
pub(super) fn gone(table: &Table, modules: &[Module]) -> Vec<String> {
    let exists = |name: &str| modules.iter().any(|module| module.path.join("::") == name);
    table
        .parts
        .iter()
        .flat_map(|part| part.modules.iter().map(move |module| (part.line, module)))
        .filter(|(_, module)| !exists(module))
        .map(|(line, module)| format!("{PAGE}:{line}: there is no module `{module}`"))
        .collect()
}

/// The differences between a picture and its table. A picture shows a path for each import and
/// nothing else. An import that a longer path shows needs no arrow.
pub(super) fn drawn(table: &Table, picture: &Picture) -> Vec<String> {
    let imports: BTreeSet<Arrow> = table
        .parts
        .iter()
        .flat_map(|part| part.imports.iter().map(move |import| (part, import)))
        .map(|(part, import)| (part.name.clone(), import.clone()))
        .collect();
    let at = format!("{PAGE}:{}: the picture `{}`", picture.line, picture.name);
    let mut findings = Vec::new();
    let mut report = |arrow: &Arrow, what: &str| {
        findings.push(format!("{at} {what} `{} --> {}`", arrow.0, arrow.1));
    };
    for arrow in &imports {
        let others = imports
            .iter()
            .filter(|other| *other != arrow)
            .cloned()
            .collect();
        if !leads(&picture.arrows, arrow) && !leads(&others, arrow) {
            report(arrow, "lacks");
        }
    }
    for arrow in picture.arrows.difference(&imports) {
        report(arrow, "has what its table lacks:");
    }
    findings
}

/// Whether a path of arrows connects the ends of this arrow.
fn leads(arrows: &BTreeSet<Arrow>, (from, to): &Arrow) -> bool {
    let mut seen = BTreeSet::new();
    let mut due = vec![from];
    while let Some(at) = due.pop() {
        for (_, next) in arrows.iter().filter(|(from, _)| from == at) {
            if next == to {
                return true;
            }
            if seen.insert(next) {
                due.push(next);
            }
        }
    }
    false
}

fn part<'a>(table: &'a Table, name: &str) -> Option<&'a Part> {
    table.parts.iter().find(|part| part.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::house::{
        page,
        source::{File, modules},
    };
    use std::path::Path;

    const TABLE: &str = "\
        <!-- parts: a -->\n\
        | part | what it is | imports |\n\
        |---|---|---|\n\
        | `chain` | the sources | `cache`, `values` |\n\
        | `cache` | tokens | `values` |\n\
        | `values` (`scope`, `error`) | values | |\n\
        <!-- /parts -->\n\
        ```mermaid\n\
        %% parts: a\n\
        flowchart TD\n    chain --> cache\n    cache --> values\n\
        ```\n";

    const CHAIN: &str = "use crate::{Error, cache::Cache};";

    /// All findings for a crate of four modules. Two of them have this code.
    fn findings(page: &str, cache: &str, scope: &str) -> Vec<String> {
        let sources = [
            (
                "src/lib.rs",
                "mod cache; mod chain; mod error; mod scope;\npub use error::Error;",
            ),
            ("src/chain.rs", CHAIN),
            ("src/cache.rs", cache),
            ("src/error.rs", ""),
            ("src/scope.rs", scope),
        ]
        .map(|(path, text)| File::parse(path.into(), text.into()).unwrap());
        let modules = modules(&sources, Path::new("src/lib.rs")).unwrap();
        let (tables, pictures) = page::read(page).unwrap();
        let mut findings = Vec::new();
        let arrows = within(&tables[0], &modules, &mut findings);
        findings.extend(gone(&tables[0], &modules));
        findings.extend(compare(&tables[0], &arrows));
        for picture in &pictures {
            findings.extend(drawn(&tables[0], picture));
        }
        findings
    }

    const CACHE: &str = "use crate::scope::Scope;";
    const SCOPE: &str = "use super::error::Error;";

    #[test]
    fn code_that_agrees_with_the_page_passes() {
        assert_eq!(findings(TABLE, CACHE, SCOPE), [""; 0]);
    }

    #[test]
    fn an_import_that_the_page_lacks_is_reported_with_its_place_and_both_parts() {
        assert_eq!(
            findings(TABLE, CACHE, "\nfn f() { g!(crate::chain::X) }"),
            [
                "src/scope.rs:2: `values` imports `chain`, and the row of `values` in the table \
                 `a` of docs/design.md does not say so"
            ]
        );
    }

    #[test]
    fn an_import_that_only_the_page_has_is_reported() {
        assert_eq!(
            findings(TABLE, "", SCOPE),
            ["docs/design.md:5: `cache` imports `values`, says the page, and no code does"]
        );
    }

    #[test]
    fn an_import_upward_is_reported() {
        let upward = TABLE.replace("| values | |", "| values | `chain` |");
        let found = findings(&upward, CACHE, "use crate::chain::X;");
        assert!(
            found[0].ends_with("`values` imports `chain`, whose row is above: arrows point down"),
            "{found:?}"
        );
    }

    #[test]
    fn a_picture_has_its_tables_arrows_and_no_others() {
        let lacks = TABLE.replace("cache --> values", "");
        assert_eq!(
            findings(&lacks, CACHE, SCOPE),
            ["docs/design.md:8: the picture `a` lacks `cache --> values`"]
        );
        let more = TABLE.replace("cache --> values", "cache & values --> values & cache");
        assert_eq!(findings(&more, CACHE, SCOPE).len(), 3);
    }

    #[test]
    fn every_module_has_a_row_and_every_row_its_modules() {
        let fewer = TABLE.replace("(`scope`, `error`)", "(`scope`, `text`)");
        let found = findings(&fewer, CACHE, SCOPE);
        assert_eq!(
            found[0],
            "src/error.rs:1: the module `error` is in no part of the table `a` in docs/design.md"
        );
        assert!(found.contains(&"docs/design.md:6: there is no module `text`".to_string()));
    }

    #[test]
    fn a_name_that_is_not_a_module_is_reported() {
        assert!(
            findings(TABLE, "use crate::{Unknown, scope::Scope};", SCOPE)[0]
                .starts_with("src/cache.rs:1: `crate::Unknown` is neither a module")
        );
    }

    #[test]
    fn crates_import_crates() {
        let one = File::parse("a/lib.rs".into(), "use azcred::Scope;".into()).unwrap();
        let one = modules(&[one], Path::new("a/lib.rs")).unwrap();
        let arrows = between(&[("azcred-cli", &one), ("azcred", &[])]);
        let arrow = ("azcred-cli".to_string(), "azcred".to_string());
        assert_eq!(arrows[&arrow], ("a/lib.rs".into(), 1));
    }
}
