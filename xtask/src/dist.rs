//! `cargo xtask dist`: what a release consists of, for this machine. The release workflow runs it
//! on each system.

use crate::command::{cargo, root, run, target};
use anyhow::{Context as _, Result, bail, ensure};
use clap::Args;
use flate2::{Compression, GzBuilder, read::GzDecoder};
use sha2::{Digest as _, Sha256};
use std::{
    env,
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// Shells with a completion script: the name for `azcred completions`, and the file's usual name.
const SHELLS: [(&str, &str); 5] = [
    ("bash", "azcred.bash"),
    ("zsh", "_azcred"),
    ("fish", "azcred.fish"),
    ("powershell", "azcred.ps1"),
    ("elvish", "azcred.elv"),
];

/// Texts beside the binary.
const TEXTS: [&str; 4] = ["README.md", "CHANGELOG.md", "LICENSE-APACHE", "LICENSE-MIT"];

/// Arguments of the verb.
#[derive(Args)]
pub(crate) struct Arguments {
    /// Build for this system, which must be able to run here; by default, for this machine
    #[arg(long, value_name = "TRIPLE")]
    target: Option<String>,
}

/// The verb.
pub(crate) fn run_verb(arguments: &Arguments) -> Result<()> {
    let chosen = arguments.target.as_deref();
    let mut build = cargo(&["build", "--release", "--locked"]);
    build.args(["--package", "azcred-cli", "--bins"]);
    run(build.args(chosen.iter().flat_map(|triple| ["--target", triple])))?;
    let binary = target()
        .join(chosen.unwrap_or_default())
        .join("release")
        .join(format!("azcred{}", env::consts::EXE_SUFFIX));
    let out = target().join("dist");
    if out.exists() {
        fs::remove_dir_all(&out).with_context(|| format!("can't remove {}", out.display()))?;
    }
    fs::create_dir_all(&out)?;
    let name = match chosen {
        Some(triple) => format!("azcred-{}-{triple}", version()),
        None => format!("azcred-{}-{}", version(), triple()?),
    };
    let stage = target().join("dist-stage").join(&name);
    staged(&stage, &binary)?;
    let archive = out.join(format!("{name}.tar.gz"));
    packed(&stage, &name, &archive)?;
    works(&archive, &name)?;
    let sums = checksums(&out)?;
    println!("\n{} has:\n{sums}", out.display());
    Ok(())
}

/// The version of all crates.
fn version() -> &'static str {
    env!("CARGO_PKG_VERSION")
}

/// The system that rustc builds for, as in the names of releases.
fn triple() -> Result<String> {
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(rustc).arg("-vV").output()?;
    let text = String::from_utf8(output.stdout)?;
    let host = text.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(str::to_owned).context("`rustc -vV` names no host")
}

/// Makes the folder of the archive.
fn staged(stage: &Path, binary: &Path) -> Result<()> {
    if stage.exists() {
        fs::remove_dir_all(stage)?;
    }
    let (man, completions) = (stage.join("man/man1"), stage.join("completions"));
    fs::create_dir_all(&man)?;
    fs::create_dir_all(&completions)?;
    let name = binary.file_name().context("the binary has a name")?;
    fs::copy(binary, stage.join(name))
        .with_context(|| format!("can't copy {}", binary.display()))?;
    for text in TEXTS {
        fs::copy(root().join(text), stage.join(text))
            .with_context(|| format!("can't copy {text}"))?;
    }
    // The pages come from the command line's own definition, which only the binary's tests see.
    run(cargo(&[
        "test",
        "--locked",
        "--package",
        "azcred-cli",
        "--bins",
        "--",
        "--exact",
    ])
    .arg("cli::tests::every_command_has_a_manual_page")
    .env("MAN_DIR", &man))?;
    ensure!(
        fs::read_dir(&man)?.count() > 0,
        "no manual page was written to {}",
        man.display()
    );
    for (shell, file) in SHELLS {
        let output = Command::new(binary).args(["completions", shell]).output()?;
        ensure!(
            output.status.success(),
            "`azcred completions {shell}` failed"
        );
        fs::write(completions.join(file), output.stdout)?;
    }
    Ok(())
}

/// Packs a folder. The same files make the same archive: no owners, no time, one order.
fn packed(stage: &Path, name: &str, archive: &Path) -> Result<()> {
    let file = fs::File::create(archive)?;
    let mut tar = tar::Builder::new(GzBuilder::new().write(file, Compression::best()));
    for path in files(stage)? {
        let inside = path.strip_prefix(stage)?;
        let mut header = tar::Header::new_gnu();
        let content = fs::read(&path)?;
        header.set_size(content.len().try_into()?);
        header.set_mode(match is_program(inside) {
            true => 0o755,
            false => 0o644,
        });
        tar.append_data(
            &mut header,
            Path::new(name).join(inside),
            content.as_slice(),
        )?;
    }
    tar.into_inner()?.finish()?;
    Ok(())
}

fn is_program(inside: &Path) -> bool {
    inside.parent() == Some(Path::new(""))
        && inside.file_stem().is_some_and(|stem| stem == "azcred")
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

/// Unpacks the archive into an empty folder and runs it there, without the variables of this build.
fn works(archive: &Path, name: &str) -> Result<()> {
    let place = target().join("dist-stage").join("unpacked");
    if place.exists() {
        fs::remove_dir_all(&place)?;
    }
    fs::create_dir_all(place.join("home"))?;
    tar::Archive::new(GzDecoder::new(fs::File::open(archive)?)).unpack(&place)?;
    let folder = place.join(name);
    let azcred = |arguments: &[&str]| -> Result<String> {
        let mut command = Command::new(folder.join(format!("azcred{}", env::consts::EXE_SUFFIX)));
        command
            .args(arguments)
            .env_clear()
            .env("HOME", place.join("home"))
            .current_dir(place.join("home"));
        if cfg!(windows) {
            // Sockets need it there.
            command.envs(env::vars_os().filter(|(name, _)| name == "SystemRoot"));
        }
        let output = command.output()?;
        if !output.status.success() {
            bail!(
                "`azcred {}` failed: {}",
                arguments.join(" "),
                String::from_utf8_lossy(&output.stderr)
            );
        }
        Ok(String::from_utf8(output.stdout)?)
    };
    let said = azcred(&["--version"])?;
    let expected = format!("azcred {} (", version());
    ensure!(
        said.starts_with(&expected),
        "`azcred --version` prints {said:?}, which names no commit"
    );
    let program = folder.join(format!("azcred{}", env::consts::EXE_SUFFIX));
    let program = program.to_str().context("a path in UTF-8")?;
    let token = azcred(&["emulator", "exec", "--", program, "token"])?;
    ensure!(token.starts_with("eyJ"), "the unpacked binary got no token");
    println!("{}: {}", archive.display(), said.trim());
    Ok(())
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
    fn the_same_files_make_the_same_archive_in_which_only_the_program_is_executable() {
        let place = tempfile::tempdir().unwrap();
        let stage = place.path().join("stage");
        fs::create_dir_all(stage.join("man/man1")).unwrap();
        for file in ["azcred", "README.md", "man/man1/azcred.1"] {
            fs::write(stage.join(file), file).unwrap();
        }
        let archives = ["one", "two"].map(|name| {
            let archive = place.path().join(name);
            packed(&stage, "azcred-1", &archive).unwrap();
            fs::read(archive).unwrap()
        });
        assert_eq!(archives[0], archives[1]);
        let mut archive = tar::Archive::new(GzDecoder::new(archives[0].as_slice()));
        let entries = archive.entries().unwrap().map(|entry| {
            let entry = entry.unwrap();
            let path = entry.path().unwrap().display().to_string();
            (path, entry.header().mode().unwrap())
        });
        assert_eq!(
            entries.collect::<Vec<_>>(),
            [
                ("azcred-1/README.md".to_owned(), 0o644),
                ("azcred-1/azcred".to_owned(), 0o755),
                ("azcred-1/man/man1/azcred.1".to_owned(), 0o644),
            ]
        );
    }

    #[test]
    fn a_checksum_is_the_one_of_sha256sum() {
        let place = tempfile::tempdir().unwrap();
        fs::write(place.path().join("a"), "abc").unwrap();
        // FIPS 180-4, example 1.
        let sum = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(checksums(place.path()).unwrap(), format!("{sum}  a\n"));
    }
}
