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
    let folder = target().join("debian").join(package);
    let found = folder.join("files").join(path);
    if found.is_file() {
        return Ok(found);
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
    quiet(Command::new(dpkg).arg("-x").arg(file).arg("files"), &folder)?;
    match found.is_file() {
        true => Ok(found),
        false => Err(format!("the package {package} has no {path}")),
    }
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
