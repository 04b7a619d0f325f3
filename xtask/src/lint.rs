//! `cargo xtask lint`: checks that don't run the code.

use crate::{
    command::{cargo, root, run, target},
    deny, house,
    python::Environment,
    step::{Passed, Step, Steps},
};
use anyhow::{Context, Result};
use std::{fs, process::Command};

/// The verb.
pub(crate) struct Lint;

impl Steps for Lint {
    fn steps() -> Vec<Step> {
        vec![
            Step {
                name: "fmt",
                about: "the code is formatted",
                run: fmt,
            },
            Step {
                name: "house",
                about: "imports as in docs/design.md, one style, no unused dependency, promises with their tests",
                run: house::run_step,
            },
            Step {
                name: "deny",
                about: "licences, sources, bans and advisories",
                run: deny::run_step,
            },
            Step {
                name: "python",
                about: "the Python code is formatted, and ruff finds nothing",
                run: python,
            },
            Step {
                name: "workflows",
                about: "zizmor finds nothing in the workflows, the action, and what `azcred ci github` writes",
                run: workflows,
            },
            Step {
                name: "clippy",
                about: "clippy finds nothing in any target",
                run: clippy,
            },
            Step {
                name: "docs",
                about: "the documentation builds, and all links work",
                run: docs,
            },
        ]
    }
}

fn fmt() -> Result<Passed> {
    run(&mut cargo(&["fmt", "--all", "--check"]))?;
    Ok(Passed::Whole)
}

fn python() -> Result<Passed> {
    let ruff = Environment::of_tools()?.program("ruff");
    for check in [&["check"][..], &["format", "--check"]] {
        let mut command = Command::new(&ruff);
        run(command
            .args(check)
            .args(["--no-cache", "interop", "bindings/python"])
            .current_dir(root()))?;
    }
    Ok(Passed::Whole)
}

fn workflows() -> Result<Passed> {
    let program = Environment::of_tools()?.program("zizmor");
    let zizmor = |persona: &str| {
        let mut zizmor = Command::new(&program);
        zizmor
            .args(["--offline", "--no-progress", "--persona", persona])
            .current_dir(root());
        zizmor
    };
    run(zizmor("regular").args([".github", "action.yml"]))?;
    let file = target().join("written-workflow/.github/workflows/azure-ml.yml");
    fs::create_dir_all(file.parent().unwrap_or(&file))?;
    fs::write(&file, written_workflow()?)?;
    run(zizmor("auditor").arg(&file))?;
    Ok(Passed::Whole)
}

/// What `azcred ci github` writes, by its test's snapshot.
fn written_workflow() -> Result<String> {
    let path = root().join("crates/azcred-cli/tests/cli/snapshots/ci-github-file.snap");
    let text =
        fs::read_to_string(&path).with_context(|| format!("can't read {}", path.display()))?;
    // The snapshot's own lines are between two of dashes.
    let workflow = text.splitn(3, "---\n").nth(2);
    Ok(workflow.unwrap_or_default().to_owned())
}

fn clippy() -> Result<Passed> {
    run(&mut cargo(&[
        "clippy",
        "--locked",
        "--workspace",
        "--all-targets",
        "--",
        "-D",
        "warnings",
    ]))?;
    Ok(Passed::Whole)
}

fn docs() -> Result<Passed> {
    // Libraries only: binary and library are both called `azcred`, and rustdoc would overwrite one
    // with the other.
    // The other crates enable features of the library that are off by default, so it is built alone
    // too.
    for packages in ["--workspace", "--package=azcred"] {
        let mut command = cargo(&["doc", "--locked", packages, "--lib", "--no-deps"]);
        run(command.env("RUSTDOCFLAGS", "-D warnings"))?;
    }
    Ok(Passed::Whole)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn workflows_and_action_name_other_actions_by_commit() {
        let folder = fs::read_dir(root().join(".github/workflows")).unwrap();
        let workflows = folder.map(|entry| entry.unwrap().path());
        let mut seen = 0;
        for path in workflows.chain([root().join("action.yml")]) {
            let text = fs::read_to_string(&path).unwrap();
            for line in text.lines() {
                let Some((_, used)) = line.split_once("uses: ") else {
                    continue;
                };
                let commit = used.split_once('@').map_or("", |(_, commit)| commit);
                let (commit, version) = commit.split_once(" # v").unwrap_or_default();
                let is_commit = commit.len() == 40 && commit.bytes().all(|b| b.is_ascii_hexdigit());
                assert!(is_commit && !version.is_empty(), "{path:?}: {line}");
                seen += 1;
            }
        }
        assert!(seen > 10, "{seen}");
    }

    #[test]
    fn the_workflow_that_azcred_writes_is_found() {
        let workflow = written_workflow().unwrap();
        assert!(
            workflow.starts_with("# Made by `azcred ci github`"),
            "{workflow}"
        );
        assert!(workflow.contains("id-token: write"), "{workflow}");
    }
}
