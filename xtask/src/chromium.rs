//! Chromium, for the tests that sign in as a person does: found, or installed where that may be done.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::command::{on_path, shown, wait};

/// Debian calls it the first, older Ubuntus the second; hosted runners have Google's.
const NAMES: [&str; 4] = [
    "chromium",
    "chromium-browser",
    "google-chrome-stable",
    "google-chrome",
];

/// It is 100 MB, with what it needs.
const LIMIT: Duration = Duration::from_secs(10 * 60);

/// The browser, or why there is none and what mends that.
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

/// Ubuntu's `chromium-browser` is a script that asks for a snap: it is there and does not run.
fn find() -> Option<PathBuf> {
    NAMES
        .iter()
        .filter_map(|name| on_path(name))
        .find(|program| works(program))
}

fn works(program: &Path) -> bool {
    Command::new(program)
        .arg("--version")
        .stdin(Stdio::null())
        .output()
        .is_ok_and(|said| said.status.success())
}

/// `apt-get` as somebody who may install, without asking for a password.
fn apt_get() -> Result<Vec<PathBuf>, String> {
    let Some(apt) = on_path("apt-get") else {
        return Err(missing("there is no apt-get here to install it with"));
    };
    let says = |program: &str, arguments: &[&str]| {
        Command::new(program)
            .args(arguments)
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .output()
            .is_ok_and(|said| said.status.success() && said.stdout.trim_ascii() == b"0")
    };
    if says("id", &["-u"]) {
        return Ok(vec![apt]);
    }
    // `-n`: fails where it would ask.
    if says("sudo", &["-n", "id", "-u"]) {
        return Ok(vec!["sudo".into(), "-n".into(), apt]);
    }
    Err(missing(
        "installing it takes root, or sudo without a password",
    ))
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
        assert!(works(Path::new("true")));
        assert!(!works(Path::new("false")));
        assert!(!works(Path::new("/nowhere/at-all")));
    }

    #[test]
    fn what_is_missing_is_said_with_what_mends_it() {
        let said = missing("the moon is full");
        assert!(said.contains("the moon is full"), "{said}");
        assert!(said.contains("on PATH"), "{said}");
    }
}
