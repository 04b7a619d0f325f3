//! Tells the binary from which commit it is built: `azcred --version` shows it.

use std::{env, fs, path::Path, process::Command};

fn main() {
    println!("cargo:rerun-if-env-changed=AZCRED_COMMIT");
    let commit = env::var("AZCRED_COMMIT")
        .ok()
        .or_else(of_repository)
        .or_else(of_package);
    // Hexadecimal and nothing else: it becomes a part of what the binary prints.
    let commit =
        commit.filter(|commit| commit.len() >= 9 && commit.bytes().all(|b| b.is_ascii_hexdigit()));
    let version = env::var("CARGO_PKG_VERSION").unwrap_or_default();
    let version = match commit {
        Some(commit) => format!("{version} ({})", &commit[..9]),
        None => version,
    };
    println!("cargo:rustc-env=AZCRED_VERSION={version}");
}

/// The commit that is checked out, if this is a checkout of azcred and not a package within
/// another repository.
fn of_repository() -> Option<String> {
    let root = Path::new(&env::var_os("CARGO_MANIFEST_DIR")?).join("../..");
    if !root.join(".git").exists() {
        return None;
    }
    let git = |arguments: &[&str]| {
        let output = Command::new("git")
            .arg("-C")
            .arg(&root)
            .args(arguments)
            .output()
            .ok()?;
        let text = String::from_utf8(output.stdout).ok()?;
        output.status.success().then(|| text.trim().to_owned())
    };
    // A commit changes the log of HEAD, whatever the branch is called.
    for file in ["HEAD", "logs/HEAD"] {
        if let Some(path) = git(&["rev-parse", "--git-path", file]) {
            println!("cargo:rerun-if-changed={}", root.join(path).display());
        }
    }
    git(&["rev-parse", "HEAD"])
}

/// The commit of a package, which cargo writes into it.
fn of_package() -> Option<String> {
    let folder = env::var_os("CARGO_MANIFEST_DIR")?;
    let file = Path::new(&folder).join(".cargo_vcs_info.json");
    println!("cargo:rerun-if-changed={}", file.display());
    let info = fs::read_to_string(file).ok()?;
    let (_, rest) = info.split_once("\"sha1\": \"")?;
    Some(rest.split_once('"')?.0.to_owned())
}
