//! `cargo xtask dist`: what a release consists of, for this machine. Each part is then put into an
//! empty place and run there. The release workflow runs this verb on each system.

mod archive;
mod crates;
mod debian;
mod installed;
mod stage;
mod wheel;

use crate::{
    command::{cargo, run, target},
    step::Passed,
};
use anyhow::{Context as _, Result};
use clap::Args;
use installed::Installed;
use sha2::{Digest as _, Sha256};
use stage::Stage;
use std::{
    env,
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// Arguments of the verb.
#[derive(Args)]
pub(crate) struct Arguments {
    /// Build for this system, which must be able to run here; by default, for this machine. The
    /// wheel and the packages of the crates are made for this machine only
    #[arg(long, value_name = "TRIPLE")]
    target: Option<String>,

    /// Build with this profile of cargo; `dev` is quick, to check how the parts are put together in
    /// `target/dist-check`
    #[arg(long, value_name = "PROFILE", default_value = "release")]
    profile: String,
}

/// The verb.
pub(crate) fn run_verb(arguments: &Arguments) -> Result<()> {
    if let Passed::Except(what) = make(arguments)? {
        println!("\nNOT MADE: {what}");
    }
    Ok(())
}

/// The verb as a step of `cargo xtask test`.
pub(crate) fn step() -> Result<Passed> {
    make(&Arguments {
        target: None,
        profile: "dev".into(),
    })
}

fn make(arguments: &Arguments) -> Result<Passed> {
    let here = host()?;
    let other = arguments.target.as_deref().filter(|triple| *triple != here);
    let out = emptied(match arguments.profile.as_str() {
        "release" => "dist",
        _ => "dist-check",
    })?;
    let stage = Stage::made(&built(other, &arguments.profile)?, other.unwrap_or(&here))?;
    archive::made(&stage, &out)?;
    let missing = debian::made(&stage, &out)?;
    if other.is_none() {
        wheel::made(&stage, &arguments.profile, &out)?;
        crates::work()?;
    }
    println!("\n{} has:\n{}", out.display(), checksums(&out)?);
    Ok(missing.map_or(Passed::Whole, Passed::Except))
}

/// Builds the command, and returns where it is.
fn built(other: Option<&str>, profile: &str) -> Result<PathBuf> {
    let mut build = cargo(&["build", "--locked", "--package", "azcred-cli", "--bins"]);
    build.args(["--profile", profile]);
    run(build.args(other.iter().flat_map(|triple| ["--target", triple])))?;
    let folder = target().join(other.unwrap_or_default());
    // cargo's folder of the profile `dev` has another name.
    let folder = folder.join(match profile {
        "dev" => "debug",
        other => other,
    });
    Ok(folder.join(program()))
}

/// The file of the command.
fn program() -> String {
    format!("azcred{}", env::consts::EXE_SUFFIX)
}

/// The version of all crates.
fn version() -> &'static str {
    env!("CARGO_PKG_VERSION")
}

/// The system that rustc builds for, as in the names of releases.
fn host() -> Result<String> {
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let text = output_of(Command::new(rustc).arg("-vV"))?;
    let host = text.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(str::to_owned).context("`rustc -vV` names no host")
}

/// What a program prints.
fn output_of(command: &mut Command) -> Result<String> {
    let shown = crate::command::shown(command);
    let output = command
        .output()
        .with_context(|| format!("`{shown}` did not start"))?;
    anyhow::ensure!(
        output.status.success(),
        "`{shown}` ended with {}: {}{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).with_context(|| format!("the output of `{shown}`"))
}

/// An empty folder below `target`.
fn emptied(name: &str) -> Result<PathBuf> {
    let folder = target().join(name);
    if folder.exists() {
        fs::remove_dir_all(&folder)
            .with_context(|| format!("can't remove {}", folder.display()))?;
    }
    fs::create_dir_all(&folder)?;
    Ok(folder)
}

/// All files below a folder, in order.
fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        match path.is_dir() {
            true => found.extend(files(&path)?),
            false => found.push(path),
        }
    }
    found.sort_unstable();
    Ok(found)
}

/// Writes `SHA256SUMS`, as `sha256sum --check` reads it. Returns its text.
fn checksums(out: &Path) -> Result<String> {
    let mut text = String::new();
    for path in files(out)? {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let mut sum = String::new();
        for byte in Sha256::digest(fs::read(&path)?) {
            write!(sum, "{byte:02x}")?;
        }
        writeln!(text, "{sum}  {name}")?;
    }
    fs::write(out.join("SHA256SUMS"), &text)?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_checksum_is_the_one_of_sha256sum() {
        let place = tempfile::tempdir().unwrap();
        fs::write(place.path().join("a"), "abc").unwrap();
        // FIPS 180-4, example 1.
        let sum = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(checksums(place.path()).unwrap(), format!("{sum}  a\n"));
    }
}
