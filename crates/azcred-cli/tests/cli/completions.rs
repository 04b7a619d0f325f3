//! `azcred completions`: what a real shell offers at Tab.
#![cfg(unix)]

use crate::{
    authority::{Authority, response},
    run::{AZCRED, Run, azcred},
};
use std::{fs, path::Path, process::Command};

const GUID: &str = "11111111-2222-3333-4444-555555555555";

/// Runs a script in bash with azcred's completions, in this home folder. The function `offers`
/// prints what Tab offers for a command line.
fn bash(home: &Path, script: &str) -> Vec<String> {
    let completions = azcred(&["completions", "bash"]).said().stdout;
    let script = format!(
        "{completions}
offers() {{
    COMP_WORDS=(\"$@\"); COMP_CWORD=$(($# - 1)); COMP_TYPE=9; COMPREPLY=()
    _clap_complete_azcred azcred \"${{COMP_WORDS[COMP_CWORD]}}\" '' 2>/dev/null
    echo \"${{COMPREPLY[*]}}\"
}}
{script}"
    );
    let folder = Path::new(AZCRED).parent().expect("a folder");
    let path = format!("{}:/usr/bin:/bin", folder.display());
    let mut command = Command::new("bash");
    command.args(["--norc", "-c", &script]).current_dir(home);
    let said = Run::bare(command)
        .env("PATH", &path)
        .env("HOME", home.to_str().expect("text"))
        .env("AZCRED_KEYRING", "never")
        .said();
    assert_eq!(said.code, 0, "{said}");
    said.stdout.lines().map(str::to_owned).collect()
}

/// A home folder in which an application is signed in, in the profile `work`.
fn home() -> tempfile::TempDir {
    let authority = Authority::answering(|_| {
        let body = r#"{"access_token": "t", "token_type": "Bearer", "expires_in": 3600}"#;
        response("200 OK", "content-type: application/json\r\n", body)
    });
    let home = tempfile::tempdir().expect("a folder");
    let token = home.path().join("token");
    fs::write(&token, "eyJhbGciOiJSUzI1NiJ9.e30.c2ln").expect("written");
    let said = azcred(&[
        "login",
        "--service-principal",
        "--profile",
        "work",
        "--client-id",
        GUID,
        "--tenant",
        "contoso.com",
        "--federated-token",
        token.to_str().expect("text"),
    ])
    .env("HOME", home.path().to_str().expect("text"))
    .env("AZURE_AUTHORITY_HOST", &authority.url())
    .said();
    assert_eq!(said.code, 0, "{said}");
    home
}

#[test]
fn bash_offers_what_the_command_line_takes_and_what_this_machine_has() {
    let home = home();
    fs::write(home.path().join("train.py"), "").expect("written");
    let offered = bash(
        home.path(),
        r#"
offers azcred acc
offers azcred token --preset ""
offers azcred token --only azure-d
offers azcred account use ""
offers azcred logout ""
offers azcred token --profile ""
offers azcred token --tenant ""
offers azcred completions ""
offers azcred emulator exec --as azureml
offers azcred emulator start --port lo
offers azcred emulator exec -- bash
offers azcred emulator exec -- python tr
"#,
    );
    let offers = |line: usize| -> Vec<&str> { offered[line].split([' ', '\u{b}']).collect() };
    assert_eq!(offers(0), ["account"]);
    assert_eq!(offers(1), ["azcred", "azure", "kedro", "hi-ml"]);
    assert_eq!(offers(2), ["azure-developer-cli"]);
    assert!(offers(3).contains(&GUID), "{offered:?}");
    assert!(offers(4).contains(&GUID), "{offered:?}");
    assert_eq!(offers(5), ["default", "work"]);
    assert_eq!(offers(6), ["contoso.com"]);
    assert_eq!(
        offers(7)[..5],
        ["bash", "elvish", "fish", "powershell", "zsh"]
    );
    if cfg!(feature = "emulator") {
        assert_eq!(offers(8), ["azureml-compute", "azureml-job"]);
        assert_eq!(offers(9), ["login="]);
        assert!(offers(10).contains(&"bash"), "{offered:?}");
        assert_eq!(offers(11), ["train.py"]);
    }
}

/// Where a shell is installed, it reads the script and completes with it.
#[test]
fn zsh_and_fish_complete_too() {
    let home = tempfile::tempdir().expect("a folder");
    let folder = Path::new(AZCRED).parent().expect("a folder");
    let path = format!("{}:/usr/bin:/bin", folder.display());
    let run = |shell: &str, arguments: &[&str]| {
        let mut command = Command::new(shell);
        command.args(arguments).current_dir(home.path());
        Run::bare(command)
            .env("PATH", &path)
            .env("HOME", home.path().to_str().expect("text"))
            .env("AZCRED_KEYRING", "never")
            .said()
    };
    let is_installed = |shell: &str| Command::new(shell).arg("--version").output().is_ok();
    if is_installed("fish") {
        let script = "azcred completions fish | source; complete -C 'azcred token --preset '";
        let said = run("fish", &["--no-config", "-c", script]);
        assert!(said.stdout.contains("hi-ml"), "{said}");
    } else {
        eprintln!("fish is not installed: not tested");
    }
    if is_installed("zsh") {
        let script = azcred(&["completions", "zsh"]).said().stdout;
        fs::write(home.path().join("_azcred"), script).expect("written");
        // zsh completes at a terminal only: here, the words that the script passes on to it.
        let script = "
            fpath=($PWD $fpath); autoload -U _azcred
            compdef() { }; _describe() { shift 2; for name in \"$@\"; do print -l -- \"${(@P)name}\"; done }
            words=(azcred token --preset ''); CURRENT=4
            _azcred
        ";
        let said = run("zsh", &["-f", "-c", script]);
        assert!(said.stdout.contains("hi-ml"), "{said}");
    } else {
        eprintln!("zsh is not installed: not tested");
    }
}
