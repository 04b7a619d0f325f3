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

/// A home folder in which an application is signed in, in these profiles.
fn home(profiles: &[&str]) -> tempfile::TempDir {
    let authority = Authority::answering(|_| {
        let body = r#"{"access_token": "t", "token_type": "Bearer", "expires_in": 3600}"#;
        response("200 OK", "content-type: application/json\r\n", body)
    });
    let home = tempfile::tempdir().expect("a folder");
    let token = home.path().join("token");
    fs::write(&token, "eyJhbGciOiJSUzI1NiJ9.e30.c2ln").expect("written");
    for profile in profiles {
        let said = azcred(&[
            "login",
            "--service-principal",
            "--profile",
            profile,
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
    }
    home
}

#[test]
fn accounts_with_one_name_are_offered_by_their_ids() {
    let home = home(&["work", "home"]);
    let offered = bash(home.path(), "offers azcred account use ''");
    let offered: Vec<&str> = offered[0].split([' ', '\u{b}']).collect();
    assert!(!offered.contains(&GUID), "{offered:?}");
    let is_id = |word: &&&str| word.len() == 16 && word.bytes().all(|b| b.is_ascii_hexdigit());
    assert_eq!(offered.iter().filter(is_id).count(), 2, "{offered:?}");
}

/// Of the programs in PATH, those that begin like the word, from folders that every command finds.
#[test]
fn only_programs_that_can_be_named_and_started_are_offered() {
    let home = tempfile::tempdir().expect("a folder");
    for name in [
        "full/own-tool",
        "full/own-\u{202e}tool",
        "full/tool-own",
        "relative/own-other",
    ] {
        let path = home.path().join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        fs::write(path, "").expect("written");
    }
    let script = r#"
PATH="$PWD/full:relative:$PATH"
offers azcred emulator exec -- own-
offers azcred emulator exec -- ""
offers azcred emulator exec -- full/own-t
"#;
    if cfg!(feature = "emulator") {
        let offered = bash(home.path(), script);
        assert_eq!(offered, ["own-tool", "", "full/own-tool"]);
    }
}

#[test]
fn bash_offers_what_the_command_line_takes_and_what_this_machine_has() {
    let home = home(&["work"]);
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
    let home = home(&["work"]);
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
        let script = "azcred completions fish | source; \
            complete -C 'azcred token --preset '; complete -C 'azcred token --profile '";
        let said = run("fish", &["--no-config", "-c", script]);
        for value in ["hi-ml", "work"] {
            assert!(said.stdout.contains(value), "{said}");
        }
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
            words=(azcred token --profile ''); CURRENT=4
            _azcred
        ";
        let said = run("zsh", &["-f", "-c", script]);
        for value in ["hi-ml", "work"] {
            assert!(said.stdout.contains(value), "{said}");
        }
    } else {
        eprintln!("zsh is not installed: not tested");
    }
}
