//! `cargo xtask bench`: azcred beside other tools, on this machine.

use crate::{
    bindings,
    command::{cargo, root, run},
    interop::{az, binary},
    node,
    python::Environment,
};
use anyhow::{Context as _, Result};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// Runs the benchmarks. Absolute times depend on the machine: compare the ratios.
pub(crate) fn run_verb() -> Result<()> {
    let release = ["--locked", "--release"];
    run(cargo(&["build", "--package", "azcred-cli"]).args(release))?;
    run(cargo(&["run", "--package", "azcred-bench"]).args(release))?;
    let environment = Environment::ready("interop", "interop/requirements.txt")?;
    let azure_ai_ml = Environment::ready("azure-ai-ml", "interop/azure-ai-ml-requirements.txt")?;
    let az = az()?;
    let modules = node::modules()?;
    let azcred = as_installed(&binary("release"))?;
    let package = bindings::packages(&bindings::Build::default(), &bindings::emptied("packages")?)?;
    let site = bindings::site(&package.wheel)?;
    for script in [
        "whole_process.py",
        "cached.py",
        "laptop.py",
        "inside.py",
        "python_start.py",
        "created.py",
        "submitted.py",
    ] {
        let mut python = Command::new(environment.python());
        python
            .arg(Path::new("interop").join(script))
            .current_dir(root());
        python
            .env("AZCRED_BINARY", &azcred)
            .env("AZCRED_AZURE_CLI", &az)
            .env("AZCRED_AZURE_AI_ML", azure_ai_ml.python())
            .env("AZCRED_PYTHON_SITE", &site)
            .env("PYTHONDONTWRITEBYTECODE", "1");
        if let Some(modules) = &modules {
            python.env("AZCRED_NODE_MODULES", modules);
        }
        run(&mut python)?;
    }
    Ok(())
}

/// A new copy of a binary, as an installation leaves one. How a file came into the page cache
/// changes how fast Linux starts it: what the linker has just written takes 0.15 ms longer than a
/// new copy, and so may an old copy. Compare two binaries by new copies of both.
fn as_installed(built: &Path) -> Result<PathBuf> {
    let folder = built.with_file_name("measured");
    fs::create_dir_all(&folder)?;
    let copy = folder.join(built.file_name().context("the binary has a name")?);
    fs::copy(built, &copy).with_context(|| format!("copying {}", built.display()))?;
    Ok(copy)
}
