//! The step `house`: rules that the compiler does not check. The parts import each other as
//! `docs/design.md` says, only one file reads claims, imports and comments have one style, no
//! dependency is unused, and every promise of `SECURITY.md` names a test that exists.

mod arrows;
mod claims;
mod comments;
mod dependencies;
mod imports;
mod page;
mod promises;
mod sentences;
mod source;

use self::{dependencies::Member, page::Table, source::File};
use crate::{command::root, step::Passed};
use anyhow::{Context as _, Result, bail};
use std::{fs, path::Path};

/// Checks the whole workspace.
pub(crate) fn run_step() -> Result<Passed> {
    let findings = check(&root())?;
    for finding in &findings {
        println!("{finding}");
    }
    match findings.len() {
        0 => Ok(Passed::Whole),
        1 => bail!("1 finding"),
        several => bail!("{several} findings"),
    }
}

/// All findings, each with its place.
fn check(root: &Path) -> Result<Vec<String>> {
    let workspace = dependencies::manifest(root)?;
    let mut members = Vec::new();
    let mut sources = Vec::new();
    for folder in dependencies::folders(root, &workspace)? {
        let files = source::files_below(&folder)?
            .iter()
            .map(|path| File::read(root, path))
            .collect::<Result<Vec<_>>>()?;
        members.push(Member::read(root, &folder)?);
        sources.push(files);
    }

    let mut findings = Vec::new();
    for file in sources.iter().flatten() {
        findings.extend(imports::check(file));
        findings.extend(comments::check(file));
    }
    findings.extend(words(root, &sources)?);
    findings.extend(promises(root, &sources)?);
    let members: Vec<(Member, &[File])> = members
        .into_iter()
        .zip(sources.iter().map(Vec::as_slice))
        .collect();
    findings.extend(dependencies::check(&workspace, &members));
    findings.extend(parts(root, &members)?);
    Ok(findings)
}

/// Code that reads sentences, further code that reads claims, and commands that the library names.
fn words(root: &Path, sources: &[Vec<File>]) -> Result<Vec<String>> {
    let of = |folder: &'static str| {
        let files = sources.iter().flatten();
        files.filter(move |file| {
            let name = file.path.to_str().unwrap_or("");
            file.path.starts_with(folder)
                && !name.ends_with("tests.rs")
                && !name.contains("/tests/")
        })
    };
    let mut findings = Vec::new();
    for folder in [
        "crates/azcred/src",
        "crates/azcred-azure/src",
        "crates/azcred-endpoint/src",
        "crates/azcred-cli/src",
    ] {
        findings.extend(of(folder).flat_map(sentences::read));
        findings.extend(of(folder).flat_map(claims::check));
    }
    findings.extend(of("crates/azcred-emulator/src").flat_map(sentences::read));
    let mut commands = Vec::new();
    for entry in fs::read_dir(root.join("crates/azcred-cli/src/commands"))? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        commands.push(name.trim_end_matches(".rs").replace('_', "-"));
    }
    findings.extend(of("crates/azcred/src").flat_map(|file| sentences::commands(file, &commands)));
    Ok(findings)
}

/// Promises of `SECURITY.md` that no test shows.
fn promises(root: &Path, sources: &[Vec<File>]) -> Result<Vec<String>> {
    let mut tests = promises::Tests::new();
    for file in sources.iter().flatten() {
        promises::add_rust(&mut tests, file);
    }
    for folder in ["interop", "bindings/python/tests"] {
        for entry in fs::read_dir(root.join(folder))? {
            let path = entry?.path();
            if path.extension().is_some_and(|end| end == "py") {
                let text = fs::read_to_string(&path)
                    .with_context(|| format!("reading {}", path.display()))?;
                promises::add_python(&mut tests, &path.display().to_string(), &text);
            }
        }
    }
    let page = fs::read_to_string(root.join(promises::PAGE))
        .with_context(|| format!("reading {}", promises::PAGE))?;
    Ok(promises::check(&page, &tests))
}

/// Compares the page's tables and pictures with the crates.
fn parts(root: &Path, members: &[(Member, &[File])]) -> Result<Vec<String>> {
    let page = fs::read_to_string(root.join(arrows::PAGE))
        .with_context(|| format!("reading {}", arrows::PAGE))?;
    let (tables, pictures) = page::read(&page).context(arrows::PAGE)?;
    let mut findings = Vec::new();

    // Without this check, a missing table would let everything pass.
    let table = |name: &str| -> Result<&Table> {
        let found = tables.iter().find(|table| table.name == name);
        found.with_context(|| format!("{} has no table `{name}`", arrows::PAGE))
    };
    let mut crates = Vec::new();
    for part in &table("crates")?.parts {
        let folder = Path::new("crates").join(&part.name);
        let Some((_, files)) = members.iter().find(|(member, _)| member.folder == folder) else {
            findings.push(format!(
                "{}:{}: no crate `{}`",
                arrows::PAGE,
                part.line,
                part.name
            ));
            continue;
        };
        let top = ["lib.rs", "main.rs"].map(|name| folder.join("src").join(name));
        let top = top
            .iter()
            .find(|top| files.iter().any(|file| file.path == **top))
            .with_context(|| format!("{}: no lib.rs, no main.rs", part.name))?;
        crates.push((part.name.as_str(), source::modules(files, top)?));
    }
    for (member, _) in members {
        let name = member.folder.strip_prefix("crates");
        if let Ok(name) = name
            && !crates.iter().any(|(known, _)| Path::new(known) == name)
        {
            let name = name.display();
            findings.push(format!("{}: no row for the crate `{name}`", arrows::PAGE));
        }
    }

    let all: Vec<_> = crates
        .iter()
        .map(|(name, modules)| (*name, modules.as_slice()))
        .collect();
    findings.extend(arrows::compare(table("crates")?, &arrows::between(&all)));
    for (name, modules) in &crates {
        let table = table(name)?;
        let found = arrows::within(table, modules, &mut findings);
        findings.extend(arrows::gone(table, modules));
        findings.extend(arrows::compare(table, &found));
    }
    for picture in &pictures {
        findings.extend(arrows::drawn(table(&picture.name)?, picture));
    }
    for name in ["crates", "azcred"] {
        if !pictures.iter().any(|picture| picture.name == name) {
            findings.push(format!("{} has no picture `{name}`", arrows::PAGE));
        }
    }
    Ok(findings)
}
