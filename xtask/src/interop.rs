//! `cargo xtask interop`: third-party programs, against the emulator and the binary.

use crate::{
    chromium,
    command::{cargo, root, run, target},
    debian, live, node,
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
    /// Also the programs that take long to install or to run; makes docs/programs.md from the run
    #[arg(long)]
    all: bool,
    /// Arguments for pytest: a path, `-k NAME`, `-x`, …
    #[arg(last = true, value_name = "PYTEST ARGUMENT")]
    pytest: Vec<String>,
}

/// The verb.
pub(crate) fn run_verb(arguments: &Arguments) -> Result<()> {
    if let Passed::Except(what) = run_tests(arguments)? {
        println!("\nNOT CHECKED: {what}");
    }
    Ok(())
}

fn run_tests(arguments: &Arguments) -> Result<Passed> {
    let environment = Environment::ready("interop", "interop/requirements.txt")?;
    let az = az()?;
    // Azure ML's SDK v1 accepts older versions only of what the other clients need.
    let sdk_v1 = Environment::ready("sdk-v1", "interop/sdk-v1-requirements.txt")?;
    // Tools that submit jobs, each as its users install it.
    let azure_ai_ml = Environment::ready("azure-ai-ml", "interop/azure-ai-ml-requirements.txt")?;
    let hi_ml = Environment::ready("hi-ml", "interop/hi-ml-requirements.txt")?;
    let kedro = Environment::ready("kedro", "interop/kedro-requirements.txt")?;
    let heavy = match arguments.all {
        true => vec![
            (
                "AZCRED_PX",
                Environment::ready("px", "interop/px-requirements.txt")?.program("px"),
            ),
            (
                "AZCRED_JAVA_PYTHON",
                Environment::ready("java", "interop/java-requirements.txt")?.python(),
            ),
            (
                "AZCRED_GH",
                Environment::ready("gh", "interop/gh-requirements.txt")?.program("gh"),
            ),
            (
                "AZCRED_GRAPH_PYTHON",
                Environment::ready("graph", "interop/graph-requirements.txt")?.python(),
            ),
            (
                "AZCRED_PROGRAMS_PYTHON",
                Environment::ready("programs", "interop/programs-requirements.txt")?.python(),
            ),
        ],
        false => Vec::new(),
    };
    let chromium = chromium::ready();
    let modules = node::modules()?;
    live::build()?;
    run(cargo(&["build", "--locked"])
        .args(["--package", "azcred"])
        .args(["--example", "sign_in", "--example", "session"]))?;
    let rust_clients = rust_clients()?;
    // Each process has its own emulator. More than four processes are not faster.
    let parallel = [
        "--numprocesses",
        "logical",
        "--maxprocesses",
        "4",
        "--dist",
        "loadgroup",
    ];
    let mut pytest = Command::new(environment.python());
    pytest.args(["-m", "pytest", "interop"]).args(parallel);
    if arguments.all {
        // Without this, `pytest.ini` leaves these tests out.
        pytest.args(["-m", "heavy or not heavy"]).envs(heavy);
    }
    pytest.args(&arguments.pytest);
    let rows = match arguments.all {
        true => Some(empty_folder("programs-rows")?),
        false => None,
    };
    pytest.envs(rows.as_ref().map(|folder| ("AZCRED_ROWS", folder)));
    pytest.current_dir(root());
    pytest
        .env("AZCRED_BINARY", binary("debug"))
        .env("AZCRED_AZURE_CLI", az)
        .env("AZCRED_SDK_V1", sdk_v1.python())
        .env("AZCRED_AZURE_AI_ML", azure_ai_ml.python())
        .env("AZCRED_HI_ML", hi_ml.python())
        .env("AZCRED_KEDRO", kedro.python())
        .env("AZCRED_RUST_CLIENTS", rust_clients)
        .env("AZCRED_LIVE", built("debug", "azcred-live"))
        .env("AZCRED_SIGN_IN", built("debug/examples", "sign_in"))
        .env("AZCRED_SESSION", built("debug/examples", "session"))
        // Screenshots of the library's pages, for people to view.
        .env("AZCRED_PICTURES", target().join("sign-in-pages"))
        .env("PYTHONDONTWRITEBYTECODE", "1");
    let mut missing = Vec::new();
    if arguments.all {
        match debian::program("rclone", "usr/bin/rclone") {
            Ok(rclone) => drop(pytest.env("AZCRED_DEBIAN_RCLONE", rclone)),
            Err(why) => missing.push(format!("Debian's rclone ({why})")),
        }
    }
    match chromium {
        Ok(chromium) => drop(pytest.env("AZCRED_CHROMIUM", chromium)),
        Err(why) => missing.push(format!("sign-in with a real browser ({why})")),
    }
    match modules {
        Some(modules) => {
            match azcopys_libraries(&modules) {
                Ok(folder) => drop(pytest.envs(folder.map(|at| ("AZCRED_AZCOPYS_LIBRARIES", at)))),
                Err(why) => missing.push(format!("azcopy ({why})")),
            }
            pytest.env("AZCRED_NODE_MODULES", modules);
        }
        None => missing.push("the OpenID provider (Node.js with npm is not installed)".into()),
    }
    run(&mut pytest)?;
    if let Some(rows) = rows {
        run(Command::new(environment.python())
            .args(["interop/programs_page.py".as_ref(), rows.as_os_str()])
            .current_dir(root()))?;
    }
    Ok(if missing.is_empty() {
        Passed::Whole
    } else {
        Passed::Except(missing.join("; "))
    })
}

/// The folder of the library that azcopy is linked with, where the system has none.
fn azcopys_libraries(modules: &Path) -> Result<Option<PathBuf>, String> {
    let azcopy = modules.join("@azure-tools/azcopy-linux/dist/bin/azcopy_linux_amd64");
    let linked = Command::new("ldd").arg(azcopy).output();
    match linked.is_ok_and(|ldd| {
        String::from_utf8_lossy(&ldd.stdout).contains("libsecret-1.so.0 => not found")
    }) {
        true => debian::libraries("libsecret-1-0").map(Some),
        false => Ok(None),
    }
}

/// A folder under `target/` without the files of the last run.
fn empty_folder(name: &str) -> Result<PathBuf> {
    let folder = target().join(name);
    if folder.exists() {
        fs::remove_dir_all(&folder).with_context(|| format!("can't empty {}", folder.display()))?;
    }
    fs::create_dir_all(&folder).with_context(|| format!("can't make {}", folder.display()))?;
    Ok(folder)
}

/// Azure CLI, in a separate environment: it pins other versions of its dependencies than the other
/// clients need.
pub(crate) fn az() -> Result<PathBuf> {
    let environment = Environment::ready("az", "interop/az-requirements.txt")?;
    Ok(environment
        .python()
        .with_file_name(if cfg!(windows) { "az.bat" } else { "az" }))
}

/// The clients in Rust, which are no part of the workspace: their dependencies are locked apart
/// from its own.
fn rust_clients() -> Result<PathBuf> {
    let folder = target().join("rust-clients");
    run(cargo(&["build", "--locked", "--quiet"])
        .arg("--manifest-path")
        .arg(root().join("interop/rust/Cargo.toml"))
        .arg("--target-dir")
        .arg(&folder))?;
    Ok(folder.join("debug").join(executable("rust-clients")))
}

/// The binary of a profile, whose folder is `debug` or `release`.
pub(crate) fn binary(folder: &str) -> PathBuf {
    built(folder, "azcred")
}

pub(crate) fn built(folder: &str, name: &str) -> PathBuf {
    target().join(folder).join(executable(name))
}

fn executable(name: &str) -> String {
    format!("{name}{}", env::consts::EXE_SUFFIX)
}

/// The verb as a step of `cargo xtask test`.
pub(crate) fn step() -> Result<Passed> {
    run_tests(&Arguments::default())
}
