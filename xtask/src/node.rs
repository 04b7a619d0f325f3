//! Packages of Node.js, as `interop/node/package-lock.json` lists them, installed under `target/`.

use crate::command::{root, run, target};
use anyhow::{Context as _, Result};
use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::Command,
};

/// The folder `node_modules` with the packages of the lock file. It is installed again when that
/// file changes. `None` without npm.
pub(crate) fn modules() -> Result<Option<PathBuf>> {
    let npm = if cfg!(windows) { "npm.cmd" } else { "npm" };
    if Command::new(npm).arg("--version").output().is_err() {
        return Ok(None);
    }
    modules_in(&target().join("node"), &root().join("interop/node"), npm).map(Some)
}

fn modules_in(home: &Path, lists: &Path, npm: &str) -> Result<PathBuf> {
    fs::create_dir_all(home).with_context(|| format!("can't make {}", home.display()))?;
    // Two processes must not install into the same folder. The lock ends with the file handle.
    let guard = File::create(home.join("lock"))?;
    guard
        .lock()
        .with_context(|| format!("can't lock {}", home.display()))?;

    let modules = home.join("node_modules");
    let stamp = home.join("made-from");
    let lock = lists.join("package-lock.json");
    let wanted =
        fs::read_to_string(&lock).with_context(|| format!("can't read {}", lock.display()))?;
    // The stamp is written last: if it matches, the installation is complete.
    if fs::read_to_string(&stamp).is_ok_and(|made| made == wanted) && modules.is_dir() {
        return Ok(modules);
    }
    for name in ["package.json", "package-lock.json"] {
        fs::copy(lists.join(name), home.join(name))
            .with_context(|| format!("can't copy {name}"))?;
    }
    let mut install = Command::new(npm);
    install
        .args(["ci", "--no-audit", "--no-fund", "--loglevel", "error"])
        // No script of a package is run.
        .arg("--ignore-scripts")
        .current_dir(home);
    run(&mut install)?;
    fs::write(&stamp, wanted).with_context(|| format!("can't write {}", stamp.display()))?;
    Ok(modules)
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    /// Lists of packages, a home folder for them, and an npm that records its runs and fails if
    /// there is a file `no-network`.
    struct NpmFixture {
        folder: tempfile::TempDir,
    }

    impl NpmFixture {
        fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path();
            for name in ["package.json", "package-lock.json"] {
                fs::write(path.join(name), "{}").unwrap();
            }
            let script = format!(
                "mkdir -p node_modules; echo ran >>'{0}/runs'; test ! -e '{0}/no-network'",
                path.display()
            );
            azcred_scripts::shell_script(path.join("npm"), &script).unwrap();
            Self { folder }
        }

        fn path(&self, name: &str) -> PathBuf {
            self.folder.path().join(name)
        }

        fn modules(&self) -> Result<PathBuf> {
            let npm = self.path("npm");
            modules_in(
                &self.path("home"),
                self.folder.path(),
                npm.to_str().unwrap(),
            )
        }

        fn runs(&self) -> usize {
            fs::read_to_string(self.path("runs")).map_or(0, |runs| runs.lines().count())
        }
    }

    #[test]
    fn packages_are_installed_once_until_the_lock_file_changes() {
        let scene = NpmFixture::new();
        assert_eq!(scene.modules().unwrap(), scene.path("home/node_modules"));
        scene.modules().unwrap();
        assert_eq!(scene.runs(), 1);
        fs::write(scene.path("package-lock.json"), "{\"changed\": 1}").unwrap();
        scene.modules().unwrap();
        assert_eq!(scene.runs(), 2);
        let copy = fs::read_to_string(scene.path("home/package-lock.json")).unwrap();
        assert_eq!(copy, "{\"changed\": 1}");
    }

    #[test]
    fn an_unfinished_installation_is_repeated() {
        let scene = NpmFixture::new();
        fs::write(scene.path("no-network"), "").unwrap();
        let error = scene.modules().unwrap_err().to_string();
        assert!(error.contains("npm ci"), "{error}");
        fs::remove_file(scene.path("no-network")).unwrap();
        scene.modules().unwrap();
        assert_eq!(scene.runs(), 2);
    }
}
