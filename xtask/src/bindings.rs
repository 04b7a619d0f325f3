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
    let tools = tools()?;
    let Packages { wheel, sdist } = packages(&DEV, &emptied("packages")?)?;
    let wheel_of_sdist = wheel_of_sdist(&tools, &sdist)?;
    let mut pytest = Command::new(environment.python());
    pytest
        .args(["-m", "pytest", "bindings/python/tests"])
        .args(["--numprocesses", "logical", "--maxprocesses", "4"])
        .args(&arguments.pytest)
        .current_dir(root())
        .env("AZCRED_BINARY", binary("debug"))
        .env("AZCRED_PYTHON_SITE", site(&wheel)?)
        .env("AZCRED_PYTHON_WHEEL", wheel)
        .env("AZCRED_PYTHON_WHEEL_OF_SDIST", wheel_of_sdist)
        .env("AZCRED_PYTHON_TOOLS", tools.python())
        .env("PYTHONDONTWRITEBYTECODE", "1");
    run(&mut pytest)
}

/// The verb as a step of `cargo xtask test`.
pub(crate) fn step() -> Result<Passed> {
    run_verb(&Arguments::default())?;
    Ok(Passed::Whole)
}

/// What of the package is published.
pub(crate) struct Packages {
    /// For this machine.
    pub(crate) wheel: PathBuf,
    /// For every machine with Rust.
    pub(crate) sdist: PathBuf,
}

/// How a wheel is built. The default is that of releases, for this machine only.
#[derive(Default)]
pub(crate) struct Build<'a> {
    /// A profile of cargo.
    pub(crate) profile: Option<&'a str>,
    /// Other machines where it runs: a policy of maturin's, such as `manylinux_2_34`.
    pub(crate) compatibility: Option<&'a str>,
}

const DEV: Build<'static> = Build {
    profile: Some("dev"),
    compatibility: None,
};

/// Builds the wheel and the sdist into `folder`.
pub(crate) fn packages(build: &Build<'_>, folder: &Path) -> Result<Packages> {
    let tools = tools()?;
    Ok(Packages {
        wheel: wheel(&tools, &project(), build, folder)?,
        sdist: sdist(&tools, folder)?,
    })
}

/// Makes an environment with nothing but the wheel.
pub(crate) fn installed(wheel: &Path, environment: &Path) -> Result<()> {
    let tools = tools()?;
    let alone = ["--offline", "--no-config", "--quiet", "--python"];
    let uv = |arguments: &[&str]| {
        let mut command = Command::new(tools.python());
        command.args(["-m", "uv"]).args(arguments).args(alone);
        command
    };
    run(uv(&["venv", "--clear"])
        .arg(tools.python())
        .arg(environment))?;
    run(uv(&["pip", "install"]).arg(environment).arg(wheel))
}

/// Unpacks a wheel into a folder for `PYTHONPATH`.
pub(crate) fn site(wheel: &Path) -> Result<PathBuf> {
    unpacked(&tools()?, "zipfile", wheel, emptied("site")?)
}

fn project() -> PathBuf {
    root().join("bindings/python")
}

/// What builds, checks and uses the package.
fn tools() -> Result<Environment> {
    Environment::ready("python", "bindings/python/tests/requirements.txt")
}

/// Builds the wheel of a project, as `pip install` does.
fn wheel(tools: &Environment, project: &Path, build: &Build<'_>, folder: &Path) -> Result<PathBuf> {
    run(Command::new(tools.python())
        .args(["-m", "pip", "wheel"])
        .arg(project)
        // The lock file has the backend: nothing else is installed to build.
        .args(["--no-build-isolation", "--no-deps", "--no-index", "--quiet"])
        .args(["--disable-pip-version-check", "--wheel-dir"])
        .arg(folder)
        .env("AZCRED_PROFILE", build.profile.unwrap_or_default())
        .env(
            "AZCRED_COMPATIBILITY",
            build.compatibility.unwrap_or_default(),
        )
        .env("CARGO_TARGET_DIR", target())
        // The backend runs `maturin`.
        .env("PATH", tools.first_on_path()?))?;
    only(folder, "whl")
}

fn sdist(tools: &Environment, folder: &Path) -> Result<PathBuf> {
    // uv leaves a file of its own beside it.
    let own = emptied("sdist")?;
    run(Command::new(tools.python())
        .args(["-m", "uv", "build", "--sdist", "--quiet"])
        .args([
            "--no-build-isolation",
            "--offline",
            "--no-config",
            "--python",
        ])
        .arg(tools.python())
        .arg("--out-dir")
        .arg(&own)
        .arg(project())
        .env("PATH", tools.first_on_path()?))?;
    let made = only(&own, "gz")?;
    let sdist = folder.join(made.file_name().context("the sdist has a name")?);
    fs::copy(&made, &sdist).with_context(|| format!("can't copy {}", made.display()))?;
    Ok(sdist)
}

/// Builds a wheel from the unpacked sdist alone.
fn wheel_of_sdist(tools: &Environment, sdist: &Path) -> Result<PathBuf> {
    // In the same place each time, so that cargo builds only what has changed.
    let place = unpacked(tools, "tarfile", sdist, emptied("sdist-unpacked")?)?;
    let mut inside = fs::read_dir(&place)?;
    let project = inside.next().context("the sdist is empty")??.path();
    wheel(tools, &project, &DEV, &emptied("sdist-wheels")?)
}

/// Unpacks an archive with a module of Python's own.
fn unpacked(tools: &Environment, module: &str, archive: &Path, folder: PathBuf) -> Result<PathBuf> {
    run(Command::new(tools.python())
        .args(["-m", module, "--extract"])
        .args([archive, &folder]))?;
    Ok(folder)
}

/// The one file in a folder whose name ends like this.
fn only(folder: &Path, end: &str) -> Result<PathBuf> {
    let files = fs::read_dir(folder)?.collect::<Result<Vec<_>, _>>()?;
    let mut files = files.iter().map(fs::DirEntry::path);
    let found = files.find(|path| path.extension().is_some_and(|found| found == end));
    found.with_context(|| format!("no file .{end} in {}", folder.display()))
}

/// An empty folder below `target/python`.
pub(crate) fn emptied(name: &str) -> Result<PathBuf> {
    let folder = target().join("python").join(name);
    if folder.exists() {
        fs::remove_dir_all(&folder)
            .with_context(|| format!("can't remove {}", folder.display()))?;
    }
    fs::create_dir_all(&folder)?;
    Ok(folder)
}
