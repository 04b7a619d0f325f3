//! Unused dependencies: an entry of `[workspace.dependencies]` that no member uses, or a member's
//! dependency that its code does not name.

use super::source::File;
use anyhow::{Context as _, Result};
use proc_macro2::{TokenStream, TokenTree};
use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};
use toml::{Table, Value};

/// Packages whose library has another name.
const LIBRARIES: &[(&str, &str)] = &[("md-5", "md5")];

/// A package of the workspace.
pub(super) struct Member {
    /// The folder, relative to the workspace's root.
    pub(super) folder: PathBuf,
    manifest: Table,
}

impl Member {
    pub(super) fn read(root: &Path, folder: &Path) -> Result<Self> {
        Ok(Self {
            folder: folder.strip_prefix(root).unwrap_or(folder).to_path_buf(),
            manifest: manifest(folder)?,
        })
    }

    /// The dependencies of every kind and for every system.
    fn dependencies(&self) -> Vec<(&str, Kind)> {
        let mut found = Vec::new();
        let of_targets = self
            .manifest
            .get("target")
            .and_then(Value::as_table)
            .into_iter()
            .flat_map(|targets| targets.values().filter_map(Value::as_table));
        for table in std::iter::once(&self.manifest).chain(of_targets) {
            for (key, kind) in [
                ("dependencies", Kind::Code),
                ("build-dependencies", Kind::Build),
                ("dev-dependencies", Kind::Tests),
            ] {
                let named = table.get(key).and_then(Value::as_table);
                found.extend(
                    named
                        .into_iter()
                        .flatten()
                        .map(|(name, _)| (name.as_str(), kind)),
                );
            }
        }
        found
    }
}

/// The code that a dependency is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Code,
    Build,
    Tests,
}

/// The workspace's own manifest.
pub(super) fn manifest(folder: &Path) -> Result<Table> {
    let path = folder.join("Cargo.toml");
    let text = fs::read_to_string(&path).with_context(|| format!("reading {path:?}"))?;
    text.parse().with_context(|| format!("reading {path:?}"))
}

/// The unused dependencies.
pub(super) fn check(workspace: &Table, members: &[(Member, &[File])]) -> Vec<String> {
    let mut findings = Vec::new();
    let shared = workspace
        .get("workspace")
        .and_then(|workspace| workspace.get("dependencies"))
        .and_then(Value::as_table);
    for name in shared.into_iter().flatten().map(|(name, _)| name) {
        let used = members
            .iter()
            .any(|(member, _)| member.dependencies().iter().any(|(other, _)| other == name));
        if !used {
            findings.push(format!("Cargo.toml: no member has the dependency `{name}`"));
        }
    }
    for (member, files) in members {
        for (name, kind) in member.dependencies() {
            let in_tests = |file: &File| {
                let within = file.path.strip_prefix(&member.folder).unwrap_or(&file.path);
                !within.starts_with("src") && !within.ends_with("build.rs")
            };
            let ident = LIBRARIES
                .iter()
                .find(|(package, _)| *package == name)
                .map_or_else(
                    || name.replace('-', "_"),
                    |(_, library)| library.to_string(),
                );
            let named = files.iter().any(|file| {
                let place = match kind {
                    Kind::Code => !in_tests(file),
                    Kind::Build => file.path.ends_with("build.rs"),
                    // Unit tests are in `src`.
                    Kind::Tests => true,
                };
                place && names(&file.tokens, &ident)
            });
            if !named {
                findings.push(format!(
                    "{}: no code names the dependency `{name}`",
                    member.folder.join("Cargo.toml").display()
                ));
            }
        }
    }
    findings
}

/// Whether a word is among the tokens.
fn names(tokens: &[TokenTree], name: &str) -> bool {
    fn within(stream: TokenStream, name: &str) -> bool {
        stream.into_iter().any(|token| matches(&token, name))
    }
    fn matches(token: &TokenTree, name: &str) -> bool {
        match token {
            TokenTree::Ident(word) => word == name,
            TokenTree::Group(group) => within(group.stream(), name),
            _ => false,
        }
    }
    tokens.iter().any(|token| matches(token, name))
}

/// The folders of the workspace's members.
pub(super) fn folders(root: &Path, workspace: &Table) -> Result<Vec<PathBuf>> {
    let listed = workspace
        .get("workspace")
        .and_then(|workspace| workspace.get("members"))
        .and_then(Value::as_array)
        .context("Cargo.toml lists no members")?;
    let mut folders = BTreeSet::new();
    for member in listed.iter().filter_map(Value::as_str) {
        let Some(above) = member.strip_suffix("/*") else {
            folders.insert(root.join(member));
            continue;
        };
        for entry in fs::read_dir(root.join(above))? {
            let folder = entry?.path();
            if folder.join("Cargo.toml").is_file() {
                folders.insert(folder);
            }
        }
    }
    Ok(folders.into_iter().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings(manifest: &str, files: &[(&str, &str)]) -> Vec<String> {
        let workspace = "[workspace.dependencies]\nserde = '1'\nmd-5 = '1'\nrustix = '1'\n";
        let files: Vec<File> = files
            .iter()
            .map(|(path, text)| File::parse(path.into(), (*text).into()).unwrap())
            .collect();
        let member = Member {
            folder: "crates/a".into(),
            manifest: manifest.parse().unwrap(),
        };
        check(&workspace.parse().unwrap(), &[(member, &files)])
    }

    const MANIFEST: &str = "[dependencies]\nserde.workspace = true\nmd-5.workspace = true\n\
                            [target.'cfg(unix)'.dependencies]\nrustix.workspace = true\n";

    #[test]
    fn a_dependency_that_code_names_is_used() {
        let code = "#[derive(serde::Serialize)] struct A; fn f() { g!(md5::new(), rustix::x()) }";
        assert_eq!(
            findings(MANIFEST, &[("crates/a/src/lib.rs", code)]),
            Vec::<String>::new()
        );
    }

    #[test]
    fn a_name_in_tests_or_in_a_comment_does_not_count_as_use() {
        let files = [
            ("crates/a/src/lib.rs", "// md5\nuse rustix as r;"),
            ("crates/a/tests/a.rs", "use serde::Serialize;"),
        ];
        assert_eq!(
            findings(MANIFEST, &files),
            [
                "crates/a/Cargo.toml: no code names the dependency `md-5`",
                "crates/a/Cargo.toml: no code names the dependency `serde`"
            ]
        );
    }

    #[test]
    fn an_entry_of_the_workspace_that_no_member_uses_is_found() {
        assert_eq!(
            findings("", &[]),
            [
                "Cargo.toml: no member has the dependency `md-5`",
                "Cargo.toml: no member has the dependency `rustix`",
                "Cargo.toml: no member has the dependency `serde`"
            ]
        );
    }
}
