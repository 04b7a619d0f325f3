//! `cargo xtask bench`: azcred beside other tools, on this machine.

use crate::{
    command::{cargo, root, run},
    interop::{az, binary},
    node,
    python::Environment,
};
use anyhow::Result;
use std::{path::Path, process::Command};

/// Runs the benchmarks. Absolute times depend on the machine: compare the ratios.
pub(crate) fn run_verb() -> Result<()> {
    let release = ["--locked", "--release"];
    run(cargo(&["build", "--package", "azcred-cli"]).args(release))?;
    run(cargo(&["run", "--package", "azcred-bench"]).args(release))?;
    let environment = Environment::ready("interop", "interop/requirements.txt")?;
    let az = az()?;
    let modules = node::modules()?;
    for script in ["whole_process.py", "cached.py", "laptop.py"] {
        let mut python = Command::new(environment.python());
        python
            .arg(Path::new("interop").join(script))
            .current_dir(root());
        python
            .env("AZCRED_BINARY", binary("release"))
            .env("AZCRED_AZ", &az)
            .env("PYTHONDONTWRITEBYTECODE", "1");
        if let Some(modules) = &modules {
            python.env("AZCRED_NODE_MODULES", modules);
        }
        run(&mut python)?;
    }
    Ok(())
}
