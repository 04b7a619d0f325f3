//! `cargo xtask bench`: azcred beside what people use today, on this machine.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;

use crate::command::{cargo, root, run, target};
use crate::interop::{az, binary};
use crate::python::Environment;

/// The verb. Absolute times say more about the machine than about the code: read the ratios.
pub(crate) fn run_verb() -> Result<()> {
    let release = ["--locked", "--release"];
    run(cargo(&["build", "--package", "azcred-cli"]).args(release))?;
    run(cargo(&["run", "--package", "azcred-bench"]).args(release))?;
    let environment = Environment::ready("interop", "interop/requirements.txt")?;
    let az = az()?;
    let modules = node_modules()?;
    for script in ["whole_process.py", "laptop.py"] {
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

/// The folder with Azure's library for Node.js, installed once; `None` where there is no npm.
fn node_modules() -> Result<Option<PathBuf>> {
    // The last that takes Node.js 20.
    const IDENTITY: &str = "@azure/identity@4.13.3";
    let npm = if cfg!(windows) { "npm.cmd" } else { "npm" };
    let home = target().join("node");
    let modules = home.join("node_modules");
    let stamp = home.join("made-from");
    if fs::read_to_string(&stamp).is_ok_and(|made| made == IDENTITY) {
        return Ok(Some(modules));
    }
    if Command::new(npm).arg("--version").output().is_err() {
        return Ok(None);
    }
    fs::create_dir_all(&home)?;
    let mut install = Command::new(npm);
    install
        .args(["install", "--no-save", "--no-audit", "--no-fund"])
        // Nothing that a package brings along is run.
        .arg("--ignore-scripts")
        .arg("--prefix")
        .args([home.as_os_str(), IDENTITY.as_ref()]);
    run(&mut install)?;
    fs::write(stamp, IDENTITY)?;
    Ok(Some(modules))
}
