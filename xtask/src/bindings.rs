//! `cargo xtask bindings`: the Python package of `bindings/python`, against the emulator.

use crate::{
    command::{root, run, target},
    interop::binary,
    python::Environment,
    step::Passed,
};
use anyhow::{Context as _, Result};
use clap::Args;
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// Arguments of the verb.
#[derive(Args, Default)]
pub(crate) struct Arguments {
    /// Arguments for pytest: a path, `-k NAME`, `-x`, …
    #[arg(last = true, value_name = "PYTEST ARGUMENT")]
    pytest: Vec<String>,
}

/// The verb.
pub(crate) fn run_verb(arguments: &Arguments) -> Result<()> {
    // The clients that use the package are those of the third-party tests.
    let environment = Environment::ready("interop", "interop/requirements.txt")?;
    let Built { tools, wheel, site } = build(Some("dev"))?;
    let mut pytest = Command::new(environment.python());
    pytest
        .args(["-m", "pytest", "bindings/python/tests"])
        .args(["--numprocesses", "logical", "--maxprocesses", "4"])
        .args(&arguments.pytest)
        .current_dir(root())
        .env("AZCRED_BINARY", binary("debug"))
        .env("AZCRED_PYTHON_SITE", site)
        .env("AZCRED_PYTHON_WHEEL", wheel)
        .env("AZCRED_PYTHON_TOOLS", tools.python())
        .env("PYTHONDONTWRITEBYTECODE", "1");
    run(&mut pytest)
}

/// The verb as a step of `cargo xtask test`.
pub(crate) fn step() -> Result<Passed> {
    run_verb(&Arguments::default())?;
    Ok(Passed::Whole)
}

/// A wheel, and what it was built with.
pub(crate) struct Built {
    tools: Environment,
    wheel: PathBuf,
    /// A folder for `PYTHONPATH` with the wheel's files.
    pub(crate) site: PathBuf,
}

/// Builds the wheel with a profile of cargo. The default is that of releases.
pub(crate) fn build(profile: Option<&str>) -> Result<Built> {
    let tools = Environment::ready("python", "bindings/python/tests/requirements.txt")?;
    let wheel = wheel(&tools, profile)?;
    let site = unpacked(&tools, &wheel)?;
    Ok(Built { tools, wheel, site })
}

fn wheel(tools: &Environment, profile: Option<&str>) -> Result<PathBuf> {
    let folder = emptied("wheels")?;
    run(Command::new(tools.python())
        // The lock file has the backend: nothing else is installed to build.
        .args(["-m", "pip", "wheel", "bindings/python"])
        .args(["--no-build-isolation", "--no-deps", "--no-index", "--quiet"])
        .args(["--disable-pip-version-check", "--wheel-dir"])
        .arg(&folder)
        .current_dir(root())
        .env("AZCRED_PROFILE", profile.unwrap_or_default())
        // The backend runs `maturin`.
        .env("PATH", tools.first_on_path()?))?;
    let wheel = fs::read_dir(&folder)?.next().context("there is no wheel")?;
    Ok(wheel?.path())
}

fn unpacked(tools: &Environment, wheel: &Path) -> Result<PathBuf> {
    let site = emptied("site")?;
    run(Command::new(tools.python())
        .args(["-m", "zipfile", "--extract"])
        .args([wheel, &site]))?;
    Ok(site)
}

/// An empty folder below `target/python`.
fn emptied(name: &str) -> Result<PathBuf> {
    let folder = target().join("python").join(name);
    if folder.exists() {
        fs::remove_dir_all(&folder)
            .with_context(|| format!("can't remove {}", folder.display()))?;
    }
    fs::create_dir_all(&folder)?;
    Ok(folder)
}
