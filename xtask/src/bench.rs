//! `cargo xtask bench`: azcred beside what people use today, on this machine.

use std::process::Command;

use anyhow::Result;

use crate::command::{cargo, root, run};
use crate::interop::binary;
use crate::python::Environment;

/// The verb. Absolute times say more about the machine than about the code: read the ratios.
pub(crate) fn run_verb() -> Result<()> {
    let release = ["--locked", "--release"];
    run(cargo(&["build", "--package", "azcred-cli"]).args(release))?;
    run(cargo(&["run", "--package", "azcred-bench"]).args(release))?;
    let environment = Environment::ready("interop", "interop/requirements.txt")?;
    let mut python = Command::new(environment.python());
    python.arg("interop/whole_process.py").current_dir(root());
    python
        .env("AZCRED_BINARY", binary("release"))
        .env("PYTHONDONTWRITEBYTECODE", "1");
    run(&mut python)
}
