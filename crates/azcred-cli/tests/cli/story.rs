//! `azcred demo` and `azcred completions`.

use crate::run::{Run, azcred};
use std::process::Command;

#[test]
#[cfg(feature = "emulator")]
fn the_demo_shows_its_steps_and_leaves_nothing_behind() {
    let folder = tempfile::tempdir().expect("a folder");
    let temporary = folder.path().to_str().expect("text");
    let said = azcred(&["demo"])
        .env(
            "PATH",
            env!("CARGO_BIN_EXE_azcred")
                .rsplit_once(['/', '\\'])
                .expect("a folder")
                .0,
        )
        .env("TMPDIR", temporary)
        .env("TEMP", temporary)
        .env("TMP", temporary)
        .env("HOME", temporary)
        .directory(folder.path())
        .said();
    assert_eq!(said.code, 0, "{said}");
    crate::run::assert_seen!("demo", said);
    // A screen of 80 columns and 24 rows, with room for the prompt after it.
    let rows = said
        .stdout
        .lines()
        .map(|line| line.chars().count().max(1).div_ceil(76))
        .sum::<usize>();
    assert!(rows <= 23, "{rows} rows");
    let left: Vec<_> = std::fs::read_dir(folder.path())
        .expect("a folder")
        .collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
#[cfg(feature = "emulator")]
fn the_demo_as_json_comes_from_the_commands_that_it_names() {
    let json = azcred(&["demo", "--output", "json"]).said().json();
    let ids = [0, 1].map(|number| json["signIns"][number]["principal"]["objectId"].clone());
    assert!(ids[0].is_string() && ids[0] == ids[1], "{json:#}");
    assert_eq!(json["signIns"][2]["principal"]["kind"], "user", "{json:#}");
    assert_eq!(json["report"]["healthy"], true, "{json:#}");
    assert_eq!(json["refused"]["code"], "AADSTS7000222", "{json:#}");
}

#[test]
#[cfg(feature = "emulator")]
fn the_demo_ignores_the_environment() {
    let said = azcred(&["demo", "--output", "json"])
        .env("AZURE_TENANT_ID", "somebody.elses")
        .env("AZURE_CLIENT_SECRET", "theirs")
        .env("HTTPS_PROXY", "http://127.0.0.1:9")
        .env("SSL_CERT_FILE", "/nonexistent")
        .said();
    assert_eq!(said.code, 0, "{said}");
}

#[test]
fn completions_exist_for_every_shell_and_installed_shells_can_read_them() {
    let folder = tempfile::tempdir().expect("a folder");
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let said = azcred(&["completions", shell]).said();
        assert_eq!(said.code, 0, "{said}");
        assert!(said.stdout.contains("AZCRED_COMPLETE"), "{shell}");
        let script = folder.path().join(shell);
        std::fs::write(&script, &said.stdout).expect("written");
        let mut parse = Command::new(shell);
        parse.arg("-n").arg(&script);
        let checks_syntax = matches!(shell, "bash" | "zsh" | "fish");
        if checks_syntax && Command::new(shell).arg("--version").output().is_ok() {
            let parsed = Run::bare(parse).said();
            assert_eq!(
                (parsed.code, parsed.stderr.as_str()),
                (0, ""),
                "{shell}: {parsed}"
            );
        }
    }
}
