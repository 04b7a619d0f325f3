//! Programs of developers behind the chain: an `az` that answers, one that is chatty and one that
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
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Command, Stdio},
};

/// A user's token whose every part can be told from anything else.
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

/// A program on a desk of its own.
struct Desk(tempfile::TempDir);

impl Desk {
    fn with(program: &str, script: &str) -> Self {
        let desk = Self(tempfile::tempdir().expect("a folder"));
        let path = desk.0.path().join(program);
        fs::write(&path, format!("#!/bin/sh\n{script}\n")).expect("written");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("permitted");
        desk
    }

    /// The binary, with this program and no other on `PATH`.
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

/// An `az` at which Ada is signed in.
fn adas() -> Desk {
    Desk::with(
        "az",
        &format!(
            r#"printf '%s' '{{"accessToken":"{}","expires_on":4102444800,"tokenType":"Bearer"}}'"#,
            token()
        ),
    )
}

#[test]
fn whoever_is_signed_in_to_azure_cli_is_chosen_after_the_others_are_ruled_out() {
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
fn a_tool_that_was_refused_is_told_with_all_that_was_looked_for_before() {
    let desk = Desk::with(
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
fn a_token_that_a_tool_prints_stands_nowhere_but_in_the_result() {
    // As long as they are.
    let refresh_token = "0.AXzzQ7kWcAnArYpLm9xVbT2hGd5".repeat(16);
    let (token, rest) = (token(), refresh_token.as_str());
    let signature = token.rsplit('.').next().expect("a signature");
    let secrets = [signature, rest];
    let answer = format!(
        r#"{{"accessToken":"{token}","expires_on":4102444800,"tokenType":"Bearer","refreshToken":"{rest}"}}"#
    );
    let good = Desk::with(
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
    // What went wrong may be anything but told.
    for (how, script) in [
        ("an exit code", format!("printf '%s' '{answer}'; exit 1")),
        (
            "words before",
            format!("echo 'WARNING: {token}'; printf '%s' '{answer}'"),
        ),
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
        let desk = Desk::with("az", &script);
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

/// Opens a pipe for reading that a program writes to once it runs, and keeps open as long as any of
/// it lives.
fn pipe(path: &Path) {
    let made = Command::new("mkfifo").arg(path).status().expect("it runs");
    assert!(made.success());
}

#[test]
fn a_signal_ends_what_a_source_runs_and_all_that_it_started() {
    for (signal, code) in [("INT", 130), ("TERM", 143), ("HUP", 129)] {
        for command in [&["token"][..], &["chain"], &["doctor"]] {
            // A child of its own, which holds the pipe open as the script does.
            let desk = Desk::with(
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
            // The end comes when nobody holds the pipe any more.
            let mut rest = String::new();
            alive.read_to_string(&mut rest).expect("an end");
            assert_eq!(rest, "");
        }
    }
}
