//! Limits of the system: few open files, no threads, no room for the output. Each is an error.

use std::process::{Command, Output, Stdio};

/// One line of each command that needs no server.
const LINES: [&str; 15] = [
    "token",
    "whoami",
    "chain",
    "chain --list",
    "doctor",
    "account list",
    "account use ada",
    "logout",
    "logout --all",
    "cache list",
    "cache clear",
    "login",
    "login --identity",
    "workspace list",
    "completions bash",
];

/// Runs a line of a shell, in which `$0` is azcred.
fn shell(script: &str, home: &std::path::Path) -> Output {
    Command::new("sh")
        .args(["-c", script, env!("CARGO_BIN_EXE_azcred")])
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .env("AZCRED_HOME", home)
        .env("AZCRED_IMDS", "never")
        .env("AZCRED_KEYRING", "never")
        .stdin(Stdio::null())
        .output()
        .expect("there is a shell")
}

#[track_caller]
fn no_panic(line: &str, said: &Output) {
    let stderr = String::from_utf8_lossy(&said.stderr);
    assert!(!stderr.contains("panicked"), "{line}: {stderr}");
    let code = said.status.code();
    assert!(
        code.is_some_and(|code| code < 100),
        "{line}: {code:?} {stderr}"
    );
}

#[test]
fn few_open_files_are_an_error_of_every_command() {
    let home = std::env::temp_dir().join(format!("azcred-limits-{}", std::process::id()));
    let mut has_failed = false;
    for number in 4..=16 {
        for line in LINES {
            let said = shell(&format!("ulimit -n {number} && exec \"$0\" {line}"), &home);
            // The loader of programs needs some itself.
            if said.status.code() == Some(127) {
                continue;
            }
            let line = format!("{line} with {number} open files");
            no_panic(&line, &said);
            let stderr = String::from_utf8_lossy(&said.stderr);
            has_failed |= stderr.contains("ulimit -n");
        }
    }
    assert!(has_failed, "some of these limits are too low");
    let _ = std::fs::remove_dir_all(home);
}

#[test]
fn few_open_files_are_the_cause_wherever_a_token_request_fails_for_them() {
    let home = std::env::temp_dir().join(format!("azcred-few-files-{}", std::process::id()));
    let id = "72f988bf-86f1-41af-91ab-2d7cd011db47";
    // `.invalid` never resolves (RFC 6761 section 6.4).
    let variables = format!(
        "AZURE_TENANT_ID={id} AZURE_CLIENT_ID={id} AZURE_CLIENT_SECRET=TopSecretValue \
         AZURE_AUTHORITY_HOST=https://login.invalid"
    );
    let mut causes = 0;
    for number in 4..=12 {
        let script = format!("ulimit -n {number} && exec env {variables} \"$0\" token");
        let said = shell(&script, &home);
        if said.status.code() == Some(127) {
            continue;
        }
        let line = format!("token with {number} open files");
        no_panic(&line, &said);
        let stderr = String::from_utf8_lossy(&said.stderr);
        // Enough of them: the request was sent.
        if !stderr.contains("login.invalid can't be resolved") {
            assert!(stderr.contains("ulimit -n"), "{line}: {stderr}");
            assert!(!stderr.contains("no root certificates"), "{line}: {stderr}");
            causes += 1;
        }
    }
    assert!(causes > 0, "some of these limits are too low");
    let _ = std::fs::remove_dir_all(home);
}

#[test]
fn output_that_can_not_be_written_is_no_panic() {
    let home = std::env::temp_dir().join(format!("azcred-streams-{}", std::process::id()));
    for line in LINES {
        for streams in [
            ">/dev/full",
            "2>/dev/full",
            "<&-",
            ">&-",
            "2>&-",
            "<&- >&- 2>&-",
        ] {
            let said = shell(&format!("exec \"$0\" {line} {streams}"), &home);
            no_panic(&format!("{line} {streams}"), &said);
        }
    }
    let _ = std::fs::remove_dir_all(home);
}

/// The kernel does not limit root, so this runs as another user.
#[test]
fn a_user_who_may_start_no_thread_gets_an_error() {
    let home = std::env::temp_dir().join("azcred-no-threads");
    let user = "setpriv --reuid=23456 --regid=23456 --clear-groups";
    let can = shell(
        &format!("prlimit --nproc=9:9 {user} \"$0\" --version"),
        &home,
    );
    if !can.status.success() {
        eprintln!("skipped: this user can't run azcred as another user with `setpriv`");
        return;
    }
    for line in ["token", "account list", "cache list", "whoami"] {
        let script = format!("exec prlimit --nproc=1:1 {user} \"$0\" {line}");
        let said = shell(&script, &home);
        no_panic(line, &said);
        let stderr = String::from_utf8_lossy(&said.stderr);
        assert!(stderr.contains("no more threads"), "{line}: {stderr}");
        assert_eq!(said.status.code(), Some(1), "{line}: {stderr}");
    }
}
