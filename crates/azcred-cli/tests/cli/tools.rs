//! Developer tools as sources: an `az` that returns a token, one with much output, and one that
//! hangs.
#![cfg(unix)]

use crate::{
    canary::assert_silent,
    run::{Run, assert_seen, azcred, end},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use std::{
    fs,
    io::Read,
    path::Path,
    process::{Command, Stdio},
};

/// A user's token with recognizable parts.
fn token() -> String {
    let claims = serde_json::json!({
        "upn": "ada@contoso.com", "name": "Ada", "oid": "d0000001-0000-4000-8000-0000000000ad", "scp": "user_impersonation",
        "tid": "c0a70500-0000-4000-8000-000000000001", "appid": "04b07795-8ddb-461a-bbee-02f9e1bf7b46", "appidacr": "0",
        "aud": "https://management.azure.com", "exp": 4_102_444_800_u32,
    });
    format!(
        "{}.{}.cAnArYzzTopSecretSignature0123456789abcdefghij",
        URL_SAFE_NO_PAD.encode(r#"{"alg":"RS256"}"#),
        URL_SAFE_NO_PAD.encode(claims.to_string())
    )
}

/// A machine with one program on `PATH`.
struct ToolMachine(tempfile::TempDir);

impl ToolMachine {
    fn with(program: &str, script: &str) -> Self {
        let desk = Self(tempfile::tempdir().expect("a folder"));
        let path = desk.0.path().join(program);
        azcred_scripts::shell_script(path, script).expect("written");
        desk
    }

    /// The binary, with only this program on `PATH`.
    fn azcred(&self, arguments: &[&str]) -> Run {
        let path = self.path();
        azcred(arguments)
            .env("PATH", path)
            .env("HOME", path)
            .directory(self.0.path())
    }

    fn path(&self) -> &str {
        self.0.path().to_str().expect("text")
    }
}

/// An `az` with Ada signed in.
fn adas() -> ToolMachine {
    ToolMachine::with(
        "az",
        &format!(
            r#"printf '%s' '{{"accessToken":"{}","expires_on":4102444800,"tokenType":"Bearer"}}'"#,
            token()
        ),
    )
}

#[test]
fn azure_clis_account_is_chosen_after_the_other_sources_are_ruled_out() {
    let desk = adas();
    let said = desk.azcred(&["chain"]).said();
    assert_eq!((said.code, said.stderr.as_str()), (0, ""), "{said}");
    let said = crate::run::Said {
        stdout: said.stdout.replace(desk.path(), "/home/ada"),
        ..said
    };
    assert_seen!("chain-azure-cli", said);
    let said = desk.azcred(&["whoami", "-o", "json"]).said();
    let json = said.json();
    assert_eq!(json["source"], "azure-cli", "{said}");
    assert_eq!(json["credential"], "AzureCliCredential", "{said}");
    assert_eq!(json["userName"], "ada@contoso.com", "{said}");
    let said = desk.azcred(&["whoami"]).said();
    assert!(said.stdout.contains("Source        azure-cli"), "{said}");
    assert!(said.stdout.contains("Using  "), "{said}");
    let said = desk.azcred(&["token"]).said();
    assert_eq!(said.stdout.trim_end(), token(), "{said}");
    let expected = ["--expect-principal", "ADA@contoso.com"];
    assert_eq!(desk.azcred(&["token"]).args(&expected).said().code, 0);
}

#[test]
fn a_rejected_tool_is_shown_with_the_sources_before_it() {
    let desk = ToolMachine::with(
        "az",
        "echo 'ERROR: AADSTS50076: Due to a configuration change, you must use multi-factor authentication. Trace ID: x' >&2; exit 1",
    );
    let said = desk.azcred(&["token"]).said();
    assert_eq!(said.code, 4, "{said}");
    assert_seen!("failure-azure-cli-refused", said);
    let doctor = desk.azcred(&["doctor"]).said();
    assert_eq!(doctor.code, 4, "{doctor}");
    assert_seen!("doctor-azure-cli-refused", doctor);
}

#[test]
fn a_tools_token_is_only_in_the_result() {
    // As long as real ones.
    let refresh_token = "0.AXzzQ7kWcAnArYpLm9xVbT2hGd5".repeat(16);
    let (token, rest) = (token(), refresh_token.as_str());
    let signature = token.rsplit('.').next().expect("a signature");
    let secrets = [signature, rest];
    let answer = format!(
        r#"{{"accessToken":"{token}","expires_on":4102444800,"tokenType":"Bearer","refreshToken":"{rest}"}}"#
    );
    let good = ToolMachine::with(
        "az",
        &format!("printf '%s' '{answer}'; echo '{answer}' >&2"),
    );
    for command in [
        &["whoami"][..],
        &["whoami", "-o", "json"],
        &["chain"],
        &["chain", "-o", "json"],
    ] {
        let said = good.azcred(command).env("AZCRED_LOG", "trace").said();
        assert_eq!(said.code, 0, "{said}");
        assert_silent(&said, &secrets, &format!("{command:?}"));
    }
    let said = good
        .azcred(&["token", "-o", "json"])
        .env("AZCRED_LOG", "trace")
        .said();
    assert_eq!(said.json()["accessToken"], token.as_str());
    assert!(
        !said.stderr.contains("eyJ") && !said.stderr.contains(signature),
        "{said}"
    );
    assert!(!said.stdout.contains(rest), "{said}");
    // Words before the JSON are skipped, and not repeated.
    let script = format!("echo 'WARNING: {token}'; printf '%s' '{answer}'");
    let desk = ToolMachine::with("az", &script);
    let said = desk.azcred(&["whoami"]).env("AZCRED_LOG", "trace").said();
    assert_eq!(said.code, 0, "{said}");
    assert_silent(&said, &secrets, "words before");
    // The error must contain no part of the token.
    for (how, script) in [
        ("an exit code", format!("printf '%s' '{answer}'; exit 1")),
        (
            "an error with it",
            format!("echo 'ERROR: AADSTS70043: {answer} {token}' >&2; exit 1"),
        ),
        ("a web page", format!("echo '<html>{token}'")),
        (
            "another type",
            format!(r#"printf '%s' '{{"accessToken":"{token}","tokenType":"{rest}"}}'"#),
        ),
        (
            "no time",
            format!(r#"printf '%s' '{{"accessToken":"x {token}","expires_on":"{rest}"}}'"#),
        ),
    ] {
        let desk = ToolMachine::with("az", &script);
        for command in [
            &["token"][..],
            &["token", "-o", "json"],
            &["chain"],
            &["chain", "-o", "json"],
            &["doctor", "-o", "json"],
        ] {
            let said = desk.azcred(command).env("AZCRED_LOG", "trace").said();
            assert_ne!(said.code, 0, "{how}: {said}");
            assert_silent(&said, &secrets, &format!("{how} {command:?}"));
        }
    }
}

/// Creates a pipe. A program writes to it when it runs, and holds it open while the program or a
/// child runs.
fn pipe(path: &Path) {
    let made = Command::new("mkfifo").arg(path).status().expect("it runs");
    assert!(made.success());
}

#[test]
fn a_signal_ends_a_sources_program_and_its_children() {
    for (signal, code) in [("INT", 130), ("TERM", 143), ("HUP", 129)] {
        for command in [&["token"][..], &["chain"], &["doctor"]] {
            // A child process, which holds the pipe open like the script.
            let desk = ToolMachine::with(
                "az",
                "exec 3>\"$HOME/alive\"; echo up >&3; /bin/sleep 1000 & wait",
            );
            let alive = desk.0.path().join("alive");
            pipe(&alive);
            let child = desk.azcred(command).start();
            let mut alive = fs::File::open(&alive).expect("the other end was opened");
            let mut up = [0; 3];
            alive.read_exact(&mut up).expect("it is up");
            let killed = Command::new("kill")
                .args([&format!("-{signal}"), &child.id().to_string()])
                .stdin(Stdio::null())
                .status()
                .expect("it runs");
            assert!(killed.success());
            let said = end(child);
            assert_eq!((said.code, said.stdout.as_str()), (code, ""), "{said}");
            // The end comes when no process holds the pipe open.
            let mut rest = String::new();
            alive.read_to_string(&mut rest).expect("an end");
            assert_eq!(rest, "");
        }
    }
}
