//! `cargo xtask bindings`: the Python package of `bindings/python`, against the emulator.

use crate::{
    command::{cargo, root, run, target},
    interop::binary,
    python::Environment,
    step::Passed,
};
use anyhow::{Context as _, Result};
use clap::Args;
use std::{
    env, fs,
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
    let tools = Environment::ready("python", "bindings/python/tests/requirements.txt")?;
    run(cargo(&["build", "--locked"])
        .args(["--package", "azcred-cli", "--bins"])
        .args(["--package", "azcred-python"]))?;
    let site = site()?;
    let mut pytest = Command::new(environment.python());
    pytest
        .args(["-m", "pytest", "bindings/python/tests"])
        .args(["--numprocesses", "logical", "--maxprocesses", "4"])
        .args(&arguments.pytest)
        .current_dir(root())
        .env("AZCRED_BINARY", binary("debug"))
        .env("AZCRED_PYTHON_SITE", site)
        .env("AZCRED_PYTHON_TOOLS", tools.python())
        .env("PYTHONDONTWRITEBYTECODE", "1");
    run(&mut pytest)
}

/// The verb as a step of `cargo xtask test`.
pub(crate) fn step() -> Result<Passed> {
    run_verb(&Arguments::default())?;
    Ok(Passed::Whole)
}

/// A folder for `PYTHONPATH` with the package as a wheel has it, of a debug build.
fn site() -> Result<PathBuf> {
    let site = target().join("python").join("site");
    let package = site.join("azcred");
    if package.exists() {
        fs::remove_dir_all(&package)
            .with_context(|| format!("can't remove {}", package.display()))?;
    }
    fs::create_dir_all(&package)?;
    for entry in fs::read_dir(root().join("bindings/python/azcred"))? {
        let source = entry?.path();
        if let Some(name) = source.file_name().filter(|_| source.is_file()) {
            copy(&source, &package.join(name))?;
        }
    }
    let built = format!(
        "{}azcred_native{}",
        env::consts::DLL_PREFIX,
        env::consts::DLL_SUFFIX
    );
    // As maturin names a module of the stable ABI.
    let module = match cfg!(windows) {
        true => "_native.pyd",
        false => "_native.abi3.so",
    };
    copy(&target().join("debug").join(built), &package.join(module))?;
    Ok(site)
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::copy(from, to)
        .map(drop)
        .with_context(|| format!("can't copy {} to {}", from.display(), to.display()))
}
