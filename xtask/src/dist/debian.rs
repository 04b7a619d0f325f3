//! The Debian package of a release, by cargo-deb.

use super::{Installed, Stage, emptied, files, output_of, version};
use crate::command::{cargo, on_path, root, run, target};
use anyhow::{Context as _, Result, ensure};
use flate2::{Compression, GzBuilder};
use std::{
    fmt::Write as _,
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    process::Command,
};

/// The version of cargo-deb.
const CARGO_DEB: &str = "3.8.0";
/// As in the changelog of the package.
const MAINTAINER: &str = "The azcred developers <azcred@users.noreply.github.com>";

/// Makes the package in the folder `out`, installs it into an empty root and runs what it has.
/// Returns what is missing for it, where the system is Debian's.
pub(super) fn made(stage: &Stage, out: &Path) -> Result<Option<String>> {
    if !stage.triple.ends_with("linux-gnu") {
        return Ok(None);
    }
    if on_path("dpkg-shlibdeps").is_none() {
        return Ok(Some(
            "the Debian package (`apt-get install dpkg-dev`)".into(),
        ));
    }
    let tools = target().join("tools");
    run(cargo(&["install", "--locked", "--quiet", "--root"])
        .arg(&tools)
        .args(["--version", CARGO_DEB, "cargo-deb"])
        // xz without a system library.
        .args(["--no-default-features", "--features", "static-lzma"]))?;
    // cargo-deb takes what is below `target/release` from the target folder, so this folder has
    // everything that the package gets: `package.metadata.deb` of the crate says what goes where.
    let build = emptied("dist-stage/debian")?;
    let folder = build.join(&stage.triple).join("release");
    completed(stage, &folder)?;
    let time = commit("%ct")?;
    run(Command::new(tools.join("bin/cargo-deb"))
        .args([
            "--package",
            "azcred-cli",
            "--no-build",
            "--strip",
            "--locked",
        ])
        .args(["--target", &stage.triple])
        .args(["--maintainer", MAINTAINER, "--output"])
        .arg(out)
        .current_dir(root())
        .env("CARGO_TARGET_DIR", &build)
        // The same files make the same package.
        .env("SOURCE_DATE_EPOCH", time))?;
    let mut packages = files(out)?.into_iter();
    let package = packages
        .find(|path| path.extension().is_some_and(|end| end == "deb"))
        .context("cargo-deb wrote no package")?;
    let place = installed(&package)?;
    let installed = Installed::at(place.join("usr/bin/azcred"))?;
    installed.works()?;
    let shared = place.join("usr/share");
    // Where each shell of Debian finds what packages bring.
    installed.completes("bash", &shared.join("bash-completion/completions/azcred"))?;
    installed.completes(
        "fish",
        &shared.join("fish/vendor_completions.d/azcred.fish"),
    )?;
    installed.completes("zsh", &shared.join("zsh/vendor-completions/_azcred"))?;
    installed.has_manual(&shared.join("man"))?;
    checked(&package)?;
    Ok(None)
}

/// Fills the folder from which cargo-deb takes files.
fn completed(stage: &Stage, folder: &Path) -> Result<()> {
    for from in files(&stage.folder)? {
        let to = folder.join(from.strip_prefix(&stage.folder)?);
        fs::create_dir_all(to.parent().context("a folder")?)?;
        if from.starts_with(stage.folder.join("man")) {
            compressed(&fs::read(&from)?, &to)?;
        } else {
            fs::copy(from, to)?;
        }
    }
    compressed(
        &fs::read(root().join("CHANGELOG.md"))?,
        &folder.join("changelog"),
    )?;
    let entry = format!(
        "azcred ({}-1) unstable; urgency=medium\n\n  * /usr/share/doc/azcred/changelog.gz has the changes.\n\n -- {MAINTAINER}  {}\n",
        version(),
        commit("%cD")?
    );
    compressed(entry.as_bytes(), &folder.join("changelog.Debian"))?;
    let license = fs::read_to_string(root().join("LICENSE-MIT"))?;
    fs::write(folder.join("copyright"), copyright(&license)?)?;
    Ok(())
}

/// Writes a file's content, compressed, beside its name.
fn compressed(content: &[u8], path: &Path) -> Result<()> {
    let mut name = path.as_os_str().to_owned();
    name.push(".gz");
    let mut gz = GzBuilder::new().write(fs::File::create(name)?, Compression::best());
    gz.write_all(content)?;
    gz.finish()?;
    Ok(())
}

/// A fact of the commit that is checked out, in git's form.
fn commit(form: &str) -> Result<String> {
    let mut git = Command::new("git");
    git.args(["log", "-1", &format!("--format={form}")]);
    Ok(output_of(git.current_dir(root()))?.trim().to_owned())
}

/// The file `copyright` (Debian policy, section 12.5) from the text of the MIT license.
fn copyright(license: &str) -> Result<String> {
    let mut lines = license.lines().skip_while(|line| line.is_empty()).skip(1);
    let holder = lines
        .find_map(|line| line.strip_prefix("Copyright (c) "))
        .context("LICENSE-MIT names no holder")?;
    let mut text = format!(
        "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: azcred
Source: https://github.com/azcred/azcred

Files: *
Copyright: {holder}
License: Expat or Apache-2.0

License: Expat
"
    );
    for line in lines.skip_while(|line| line.is_empty()) {
        writeln!(text, " {}", if line.is_empty() { "." } else { line })?;
    }
    text.push_str(
        "
License: Apache-2.0
 On Debian systems, /usr/share/common-licenses/Apache-2.0 has the full text.
",
    );
    Ok(text)
}

/// Installs a package into an empty root, without what it depends on.
fn installed(package: &Path) -> Result<PathBuf> {
    let place = emptied("dist-stage/root")?;
    let database = place.join("var/lib/dpkg");
    for folder in ["info", "updates"] {
        fs::create_dir_all(database.join(folder))?;
    }
    fs::write(database.join("status"), "")?;
    run(Command::new("dpkg")
        .arg(format!("--root={}", place.display()))
        .args(["--force-depends", "--force-not-root", "--install"])
        .arg(package)
        // dpkg wants the folders of an administrator on PATH.
        .env(
            "PATH",
            "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        ))?;
    Ok(place)
}

/// The package's own data are as Debian wants them.
fn checked(package: &Path) -> Result<()> {
    let field = |name| {
        output_of(
            Command::new("dpkg-deb")
                .arg("--field")
                .arg(package)
                .arg(name),
        )
    };
    ensure!(field("Package")?.trim() == "azcred", "another package");
    let depends = field("Depends")?;
    ensure!(
        depends.starts_with("libc6 (>= "),
        "it depends on {depends:?}"
    );
    if let Some(lintian) = on_path("lintian") {
        run(Command::new(lintian)
            .args(["--fail-on", "error", "--allow-root", "--suppress-tags"])
            // It is not uploaded to Debian, and uses sensible-browser only where it is installed.
            .arg("initial-upload-closes-no-bugs,missing-depends-on-sensible-utils")
            .arg(package))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_license_of_the_debian_package_is_that_of_the_repository() {
        let license = fs::read_to_string(root().join("LICENSE-MIT")).unwrap();
        let text = copyright(&license).unwrap();
        assert!(
            text.contains("\nCopyright: 2026 The azcred developers\n"),
            "{text}"
        );
        assert!(text.contains("\n Permission is hereby granted"), "{text}");
        assert!(text.contains("\n .\n THE SOFTWARE IS PROVIDED"), "{text}");
        assert!(!text.contains("\n \n"), "{text}");
    }
}
