//! Chromium, for the tests that sign in with a browser. It is found, or installed if that is
//! possible.

use crate::command::{on_path, shown, target, wait};
use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

/// The first name is Debian's, the second that of older Ubuntus. Hosted runners have Google's.
const NAMES: [&str; 4] = [
    "chromium",
    "chromium-browser",
    "google-chrome-stable",
    "google-chrome",
];

/// On an idle machine it starts within a second.
const STARTS_WITHIN: Duration = Duration::from_secs(60);

/// The download has 100 MB with its dependencies.
const LIMIT: Duration = Duration::from_secs(10 * 60);

/// The browser, or why it is missing and what fixes that.
pub(crate) fn ready() -> Result<PathBuf, String> {
    if !cfg!(target_os = "linux") {
        return Err("the tests use Chromium on Linux only".into());
    }
    if let Some(found) = find() {
        return Ok(found);
    }
    let apt = apt_get()?;
    println!("installing Chromium (once)");
    // A container has no package lists, or old ones.
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
    find().ok_or_else(|| missing("the package `chromium` has no program with that name"))
}

fn find() -> Option<PathBuf> {
    NAMES
        .iter()
        .filter_map(|name| on_path(name))
        .find(|program| works(program))
}

/// Whether the program starts. Ubuntu's `chromium-browser` is a script that asks for a snap, and a
/// browser without an AppArmor profile has no sandbox there and does not start.
fn works(program: &Path) -> bool {
    let mut command = Command::new(program);
    command
        .args(["--headless", "--disable-gpu", "--no-first-run"])
        .arg(format!(
            "--user-data-dir={}",
            target().join("chromium").display()
        ))
        // As root, Chromium does not start with a sandbox.
        .args(is_root(&["id"]).then_some("--no-sandbox"))
        .args(["--dump-dom", "about:blank"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    wait(&mut command, STARTS_WITHIN).is_ok_and(|status| status.success())
}

/// `apt-get` with the right to install, without a prompt for a password.
pub(crate) fn apt_get() -> Result<Vec<PathBuf>, String> {
    let Some(apt) = on_path("apt-get") else {
        return Err(missing("apt-get, which would install it, is missing"));
    };
    if is_root(&["id"]) {
        return Ok(vec![apt]);
    }
    // `-n`: fails if it would prompt.
    if is_root(&["sudo", "-n", "id"]) {
        return Ok(vec!["sudo".into(), "-n".into(), apt]);
    }
    Err(missing(
        "to install it needs root, or sudo without a password",
    ))
}

/// Whether the user is root, by `id` or by a command that runs `id`.
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
        "Chromium is missing, and {why}. Install Chromium or Google Chrome so that it is on PATH"
    )
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_does_not_run_is_not_a_browser() {
        assert!(works(&on_path("true").unwrap()));
        assert!(!works(&on_path("false").unwrap()));
        assert!(!works(Path::new("/nowhere/at-all")));
    }

    #[test]
    fn the_message_has_the_cause_and_the_fix() {
        let said = missing("the moon is full");
        assert!(said.contains("the moon is full"), "{said}");
        assert!(said.contains("on PATH"), "{said}");
    }
}
