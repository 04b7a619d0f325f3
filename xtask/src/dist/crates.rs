//! The crates as they are published: cargo accepts them, and a new project uses them.

use super::{Installed, emptied, program, version};
use crate::command::{cargo, root, run, target};
use anyhow::{Context as _, Result};
use flate2::read::GzDecoder;
use std::{env, fmt::Write as _, fs, path::Path};

/// The manifest of a program that uses the library.
const MANIFEST: &str = r#"[package]
name = "program"
edition = "2024"

[dependencies]
azcred = "0.1"
tokio = { version = "1", features = ["macros", "rt"] }
"#;

/// The program.
const PROGRAM: &str = r#"#[tokio::main(flavor = "current_thread")]
async fn main() -> azcred::Result<()> {
    let session = azcred::Session::open().await?;
    let token = session.token().await?;
    println!("{}", token.secret());
    Ok(())
}
"#;

/// Packages all crates. Builds the command and a new program from the packages, and runs both.
pub(super) fn work() -> Result<()> {
    let crates = published()?;
    let place = emptied("dist-stage/crates")?;
    packaged(&crates, &place)?;
    project(&crates, &place)?;
    // cargo shares what it has built of other crates.
    run(cargo(&["build", "--quiet", "--workspace"])
        .current_dir(&place)
        .env("CARGO_BUILD_BUILD_DIR", target())
        .env("CARGO_TARGET_DIR", place.join("target")))?;
    let built = |name| place.join("target/debug").join(name);
    let command = Installed::at(built(program()))?;
    command.works()?;
    let own = built(format!("program{}", env::consts::EXE_SUFFIX));
    command.gets_token(&[own.to_str().context("a path in UTF-8")?])
}

/// The crates that are published: those in the folder `crates`.
fn published() -> Result<Vec<String>> {
    let entries = fs::read_dir(root().join("crates"))?;
    let names = entries.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()));
    names.collect()
}

/// Has cargo check and package the crates, and unpacks them into the folder.
fn packaged(crates: &[String], place: &Path) -> Result<()> {
    // They are built below, all together.
    let arguments = ["--locked", "--allow-dirty", "--no-verify", "--quiet"];
    for verb in [&["publish", "--dry-run"][..], &["package"]] {
        run(cargo(verb)
            .args(arguments)
            .args(crates.iter().flat_map(|name| ["--package", name]))
            .env("CARGO_TARGET_DIR", place))?;
    }
    for name in crates {
        let package = place
            .join("package")
            .join(format!("{name}-{}.crate", version()));
        let package = fs::File::open(&package)
            .with_context(|| format!("can't open {}", package.display()))?;
        let mut package = tar::Archive::new(GzDecoder::new(package));
        // In a package all times are the same. cargo would not see that a file has changed.
        package.set_preserve_mtime(false);
        package.unpack(place)?;
    }
    Ok(())
}

/// Writes a project with the program and the command's package. The packages are in place of
/// crates.io's.
fn project(crates: &[String], place: &Path) -> Result<()> {
    fs::create_dir_all(place.join("program/src"))?;
    fs::write(place.join("program/Cargo.toml"), MANIFEST)?;
    fs::write(place.join("program/src/main.rs"), PROGRAM)?;
    let mut manifest = format!(
        "[workspace]\nresolver = \"3\"\nmembers = [\"program\", \"azcred-cli-{}\"]\n\n[patch.crates-io]\n",
        version()
    );
    for name in crates.iter().filter(|name| *name != "azcred-cli") {
        writeln!(manifest, "{name}.path = \"{name}-{}\"", version())?;
    }
    // With the same profiles and versions, what is built already is not built again.
    let own = fs::read_to_string(root().join("Cargo.toml"))?;
    manifest.push_str(own.find("\n[profile.").map_or("", |at| &own[at..]));
    fs::write(place.join("Cargo.toml"), manifest)?;
    fs::copy(root().join("Cargo.lock"), place.join("Cargo.lock"))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_published_crate_says_what_it_is_and_has_its_licenses() {
        for name in published().unwrap() {
            let folder = root().join("crates").join(&name);
            let manifest = fs::read_to_string(folder.join("Cargo.toml")).unwrap();
            let manifest: toml::Table = manifest.parse().unwrap();
            let package = manifest["package"].as_table().unwrap();
            for key in [
                "description",
                "license",
                "repository",
                "rust-version",
                "readme",
                "include",
            ] {
                assert!(package.contains_key(key), "{name} has no {key}");
            }
            // What crates.io accepts.
            for (key, most) in [("keywords", 5), ("categories", 5)] {
                let count = package[key].as_array().unwrap().len();
                assert!((1..=most).contains(&count), "{name}: {key}");
            }
            for file in ["README.md", "LICENSE-MIT", "LICENSE-APACHE"] {
                let text = fs::read_to_string(folder.join(file)).unwrap();
                // The licenses are links, which git on Windows may write as their targets.
                assert!(cfg!(windows) || text.len() > 100, "{name}: {file}");
            }
        }
    }
}
