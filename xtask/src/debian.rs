//! Programs from Debian's packages, unpacked under `target/` and not installed.

use crate::{
    chromium,
    command::{on_path, shown, target, wait},
};
use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

/// The largest package has 15 MB.
const LIMIT: Duration = Duration::from_secs(5 * 60);

/// A program of a package, by its path in the package. `Err` says why it is missing.
pub(crate) fn program(package: &str, path: &str) -> Result<PathBuf, String> {
    let found = unpacked(package)?.join(path);
    match found.is_file() {
        true => Ok(found),
        false => Err(format!("the package {package} has no {path}")),
    }
}

/// The folder of a package's libraries. `Err` says why it is missing.
pub(crate) fn libraries(package: &str) -> Result<PathBuf, String> {
    // It has the name of the machine's kind.
    let folder = unpacked(package)?.join("usr/lib");
    let mut inside = fs::read_dir(&folder)
        .map_err(|error| format!("can't read {}: {error}", folder.display()))?
        .filter_map(|entry| Some(entry.ok()?.path()));
    inside
        .find(|path| path.is_dir())
        .ok_or_else(|| format!("the package {package} has no library"))
}

/// The folder with a package's files.
fn unpacked(package: &str) -> Result<PathBuf, String> {
    let folder = target().join("debian").join(package);
    let files = folder.join("files");
    if files.is_dir() {
        return Ok(files);
    }
    let (Some(apt), Some(dpkg)) = (on_path("apt-get"), on_path("dpkg-deb")) else {
        return Err("this is not Debian or one of its derivatives".into());
    };
    println!("unpacking Debian's {package} (once)");
    fs::create_dir_all(&folder)
        .map_err(|error| format!("can't make {}: {error}", folder.display()))?;
    let download = || {
        quiet(
            Command::new(&apt).args(["download", "-qq", package]),
            &folder,
        )
    };
    // A container has no package lists.
    download().or_else(|_| {
        let root = chromium::apt_get()?;
        let mut update = Command::new(&root[0]);
        update.args(&root[1..]).args(["update", "-qq"]);
        quiet(&mut update, &folder)?;
        download()
    })?;
    let file = fs::read_dir(&folder)
        .map_err(|error| error.to_string())?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .find(|file| file.extension().is_some_and(|end| end == "deb"))
        .ok_or_else(|| format!("apt-get downloaded no {package}"))?;
    // It has its name when it is complete.
    let partial = folder.join("partial");
    quiet(
        Command::new(dpkg).arg("-x").args([&file, &partial]),
        &folder,
    )?;
    fs::rename(&partial, &files).map_err(|error| format!("can't rename {partial:?}: {error}"))?;
    Ok(files)
}

fn quiet(command: &mut Command, folder: &Path) -> Result<(), String> {
    command
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let said = shown(command);
    println!("$ {said}");
    match wait(command, LIMIT) {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("`{said}` ended with {status}")),
        Err(error) => Err(format!("{error:#}")),
    }
}
