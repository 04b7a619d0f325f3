//! Chromium, for the tests that sign in as a person does: found, or installed where that may be
//! done.

use crate::command::{on_path, shown, target, wait};
use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

/// Debian calls it the first, older Ubuntus the second; hosted runners have Google's.
const NAMES: [&str; 4] = [
    "chromium",
    "chromium-browser",
    "google-chrome-stable",
    "google-chrome",
];

/// It is there within a second on an idle machine.
const STARTS_WITHIN: Duration = Duration::from_secs(60);

/// It is 100 MB, with what it needs.
const LIMIT: Duration = Duration::from_secs(10 * 60);

/// The browser, or why there is none and what fixes that.
pub(crate) fn ready() -> Result<PathBuf, String> {
    if !cfg!(target_os = "linux") {
        return Err("Chromium is driven on Linux only".into());
    }
    if let Some(found) = find() {
        return Ok(found);
    }
    let apt = apt_get()?;
    println!("installing Chromium (once)");
    // A container comes without lists of packages, or with old ones.
    let commands: [&[&str]; 2] = [
        &["update", "-qq"],
        &[
            "install",
            "--yes",
            "-qq",
            "--no-install-recommends",
            "chromium",
        ],
    ];
    for arguments in commands {
        let mut command = Command::new(&apt[0]);
        command
            .args(&apt[1..])
            .args(["-o", "DPkg::Lock::Timeout=60"])
            .args(arguments)
            .env("DEBIAN_FRONTEND", "noninteractive")
            .stdin(Stdio::null())
            .stdout(Stdio::null());
        println!("$ {}", shown(&command));
        match wait(&mut command, LIMIT) {
            Ok(status) if status.success() => {}
            Ok(status) => {
                return Err(missing(&format!(
                    "`{}` ended with {status}",
                    shown(&command)
                )));
            }
            Err(error) => return Err(missing(&format!("{error:#}"))),
        }
    }
    find().ok_or_else(|| missing("the package `chromium` brought no program of that name"))
}

fn find() -> Option<PathBuf> {
    NAMES
        .iter()
        .filter_map(|name| on_path(name))
        .find(|program| works(program))
}

/// Being there is not enough: Ubuntu's `chromium-browser` is a script that asks for a snap, and a
/// browser without a profile of AppArmor's has no sandbox there and won't start.
fn works(program: &Path) -> bool {
    let mut command = Command::new(program);
    command
        .args(["--headless", "--disable-gpu", "--no-first-run"])
        .arg(format!(
            "--user-data-dir={}",
            target().join("chromium").display()
        ))
        // As root it refuses to start with it.
        .args(is_root(&["id"]).then_some("--no-sandbox"))
        .args(["--dump-dom", "about:blank"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    wait(&mut command, STARTS_WITHIN).is_ok_and(|status| status.success())
}

/// `apt-get` as somebody who may install, without asking for a password.
fn apt_get() -> Result<Vec<PathBuf>, String> {
    let Some(apt) = on_path("apt-get") else {
        return Err(missing("there is no apt-get here to install it with"));
    };
    if is_root(&["id"]) {
        return Ok(vec![apt]);
    }
    // `-n`: fails where it would ask.
    if is_root(&["sudo", "-n", "id"]) {
        return Ok(vec!["sudo".into(), "-n".into(), apt]);
    }
    Err(missing(
        "installing it takes root, or sudo without a password",
    ))
}

/// Whether `id` says so, run by whatever stands before it.
fn is_root(id: &[&str]) -> bool {
    Command::new(id[0])
        .args(&id[1..])
        .arg("-u")
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .is_ok_and(|said| said.status.success() && said.stdout.trim_ascii() == b"0")
}

fn missing(why: &str) -> String {
    format!(
        "there is no Chromium, and {why}. Install Chromium or Google Chrome so that it is on PATH"
    )
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_is_there_and_does_not_run_is_no_browser() {
        assert!(works(&on_path("true").unwrap()));
        assert!(!works(&on_path("false").unwrap()));
        assert!(!works(Path::new("/nowhere/at-all")));
    }

    #[test]
    fn what_is_missing_is_said_with_what_fixes_it() {
        let said = missing("the moon is full");
        assert!(said.contains("the moon is full"), "{said}");
        assert!(said.contains("on PATH"), "{said}");
    }
}
