//! `azcred chain`, and the chain of every other command: options, variables and files, and the
//! output if no source has a token.

use crate::{
    azure::Azure,
    run::{Run, Said, assert_seen, azcred},
};
use azcred::chain::Source;
use azcred_emulator::{Persona, Way};
use serde_json::{Value, json};
use std::fs;

/// In a folder without an `azcred.toml` in it or above.
fn chain(arguments: &[&str]) -> Run {
    azcred(&["chain"]).args(arguments).directory("/")
}

/// The verdict on a source.
fn verdict(said: &Said, source: &str) -> Value {
    let json = said.json();
    let attempts = json["attempts"].as_array().expect("attempts");
    let attempt = attempts.iter().find(|attempt| attempt["source"] == source);
    attempt.map_or(Value::Null, |attempt| attempt["verdict"].clone())
}

#[test]
fn on_an_empty_machine_each_source_says_what_it_lacks() {
    let said = chain(&[]).said();
    assert_eq!((said.code, said.stderr.as_str()), (3, ""), "{said}");
    assert_seen!("chain-nothing", said);
    let json = chain(&["--output", "json"]).said();
    assert_eq!((json.code, json.stderr.as_str()), (3, ""), "{json}");
    let json = json.json();
    assert_eq!(json["chosen"], Value::Null);
    assert_eq!(json["principal"], Value::Null);
    assert_eq!(json["error"]["kind"], "notSignedIn");
    assert_eq!(json["error"]["report"], Value::Null, "it stands beside it");
    assert_eq!(
        json["attempts"].as_array().map(Vec::len),
        Some(Source::ALL.len())
    );
}

#[test]
fn a_source_that_is_the_only_one_gives_its_own_reason_in_the_chain_and_in_a_failure() {
    for command in ["chain", "token"] {
        let said = azcred(&[command, "--only", "azure-cli"])
            .directory("/")
            .said();
        let text = format!("{}{}", said.stdout, said.stderr);
        let why = "  why     Azure CLI is not installed: `az` is not on PATH\n";
        assert!(text.contains(why), "{said}");
        assert!(!text.contains("no other source"), "{said}");
    }
}

#[test]
fn the_chosen_source_is_marked_and_its_identity_shown() {
    let azure = Azure::shared();
    let environment = azure.environment(Persona::ServicePrincipal, Way::RealNames);
    let said = chain(&[]).envs(&environment).said();
    assert_eq!((said.code, said.stderr.as_str()), (0, ""), "{said}");
    assert_seen!("chain-environment", said);
    let said = chain(&["-o", "json"]).envs(&environment).said();
    let json = said.json();
    assert_eq!(json["chosen"], "environment");
    assert_eq!(json["error"], Value::Null);
    assert_eq!(json["preset"], "azcred");
    assert_eq!(json["scope"], "https://management.azure.com/.default");
    assert_eq!(json["principal"]["kind"], "servicePrincipal");
    assert!(!said.stdout.contains("eyJ"), "the token is not shown");
    assert_seen!("chain-json", said);
}

#[test]
fn a_rejection_ends_the_chain_and_is_shown_with_its_code() {
    let azure = Azure::shared();
    let said = chain(&[]).envs(&azure.application("azcred-expired")).said();
    assert_eq!((said.code, said.stderr.as_str()), (4, ""), "{said}");
    assert_seen!("chain-refused", said);
    let json = chain(&["-o", "json"])
        .envs(&azure.application("azcred-expired"))
        .said();
    assert_eq!(json.code, 4, "{json}");
    assert_eq!(json.json()["attempts"][0]["code"], 7_000_222);
    assert_eq!(json.json()["error"]["code"], "AADSTS7000222");
}

#[test]
fn an_unexpected_identity_is_an_error_for_every_command() {
    let azure = Azure::shared();
    let environment = azure.environment(Persona::ServicePrincipal, Way::RealNames);
    let other = "72f988bf-86f1-41af-91ab-2d7cd011db47";
    let drift = ["--expect-tenant", other];
    let said = chain(&drift).envs(&environment).said();
    assert_eq!(said.code, 1, "{said}");
    assert_seen!("chain-drift", said);
    assert_eq!(
        verdict(
            &chain(&drift)
                .args(&["-o", "json"])
                .envs(&environment)
                .said(),
            "environment"
        ),
        "wrong-account"
    );
    for command in ["token", "whoami"] {
        let said = azcred(&[command, "-o", "json"])
            .args(&drift)
            .envs(&environment)
            .said();
        assert_eq!((said.code, said.stdout.as_str()), (1, ""), "{said}");
        assert_eq!(said.error()["error"]["kind"], "wrongAccount", "{said}");
    }
    let doctor = azcred(&["doctor"])
        .args(&drift)
        .envs(&environment)
        .directory("/")
        .said();
    assert_eq!(doctor.code, 1, "{doctor}");
    assert!(doctor.stdout.contains("✗ sign in"), "{doctor}");
    for (option, expected, code) in [
        ("--expect-principal", "ada@contoso.com", 1),
        (
            "--expect-principal",
            "A0000001-0000-4000-8000-000000000001",
            0,
        ),
        ("--expect-source", "azure-cli,ManagedIdentityCredential", 1),
        ("--expect-source", "azure-cli,environment", 0),
        ("--expect-tenant", "c0a70500-0000-4000-8000-000000000001", 0),
    ] {
        let said = azcred(&["token", option, expected])
            .envs(&environment)
            .said();
        assert_eq!(said.code, code, "{option} {expected}: {said}");
        if code != 0 {
            assert!(said.stderr.contains(option), "it says who said so: {said}");
        }
    }
}

#[test]
fn every_command_shows_why_a_chain_failed() {
    let said = azcred(&["token"])
        .env("AZURE_TENANT_ID", "contoso.com")
        .env("AZURE_CLIENT_ID", "x")
        .said();
    assert_eq!(said.code, 3, "{said}");
    assert!(
        said.stderr.contains("AZURE_CLIENT_SECRET") && !said.stderr.contains("azure-cli  "),
        "{said}"
    );
    let whole = azcred(&["token", "-v"]).said();
    assert!(whole.stderr.contains("azure-cli"), "{whole}");
    let json = azcred(&["whoami", "-o", "json"]).said();
    assert_eq!(json.code, 3, "{json}");
    let report = &json.error()["error"]["report"];
    assert_eq!(
        report["attempts"].as_array().map(Vec::len),
        Some(Source::ALL.len())
    );
    assert_eq!(report["attempts"][0]["source"], "environment");
    let doctor = azcred(&["doctor", "-o", "json"]).directory("/").said();
    assert_eq!(doctor.code, 3, "{doctor}");
    assert_eq!(
        doctor.json()["chain"]["attempts"].as_array().map(Vec::len),
        Some(Source::ALL.len())
    );
}

#[test]
fn a_projects_file_decides_and_options_take_precedence() {
    let azure = Azure::shared();
    let environment = azure.environment(Persona::Himl, Way::RealNames);
    let project = tempfile::tempdir().expect("a folder");
    let below = project.path().join("src/deep");
    fs::create_dir_all(&below).expect("made");
    let settings = |text: &str| {
        fs::write(project.path().join("azcred.toml"), text).expect("written");
    };
    let run = |arguments: &[&str]| {
        azcred(&["chain", "-o", "json"])
            .args(arguments)
            .envs(&environment)
            .directory(&below)
            .said()
    };
    settings("[chain]\npreset = 'hi-ml'");
    let said = run(&[]);
    assert_eq!(said.code, 0, "{said}");
    assert_eq!(said.json()["preset"], "hi-ml");
    let told = &said.json()["settings"][0];
    assert_eq!(told["kind"], "file", "{said}");
    assert!(
        told["name"]
            .as_str()
            .is_some_and(|name| name.ends_with("azcred.toml"))
    );
    assert_eq!(run(&["--preset", "azcred"]).json()["preset"], "azcred");
    // The Azure SDKs ignore HIML_*.
    assert_eq!(run(&["--preset", "azure"]).code, 3);
    settings("[chain]\nexclude = ['environment']");
    let said = run(&[]);
    assert_eq!(
        (said.code, verdict(&said, "environment")),
        (3, json!("excluded"))
    );
    // Expectations add up, whatever the options expect.
    settings("[expect]\nsources = ['azure-cli']");
    let said = run(&["--expect-source", "environment"]);
    assert_eq!(said.code, 1, "{said}");
    let why = said.json()["error"]["why"].to_string();
    assert!(why.contains("azcred.toml"), "{why}");
    // If the file is not valid, the check can't be skipped.
    settings("[expect]\ntennant = 'x'");
    for command in ["token", "whoami", "chain"] {
        let said = azcred(&[command])
            .envs(&environment)
            .directory(&below)
            .said();
        assert_eq!(said.code, 1, "{said}");
        assert!(
            said.stderr.contains("azcred.toml") && said.stderr.contains("line 2"),
            "{said}"
        );
    }
    let doctor = azcred(&["doctor"])
        .envs(&environment)
        .directory(&below)
        .said();
    assert_eq!(doctor.code, 1, "{doctor}");
    assert!(doctor.stdout.contains("azcred.toml"), "{doctor}");
}

#[test]
fn the_users_file_comes_after_the_projects() {
    let home = tempfile::tempdir().expect("a folder");
    let config = home.path().join("azcred");
    fs::create_dir_all(&config).expect("made");
    fs::write(
        config.join("config.toml"),
        "[chain]\npreset = 'kedro'\nexclude = ['azure-cli']",
    )
    .expect("written");
    // On macOS and Windows, other variables determine that folder.
    if cfg!(target_os = "linux") {
        let said = chain(&["-o", "json"])
            .env("XDG_CONFIG_HOME", home.path().to_str().expect("text"))
            .said();
        assert_eq!(said.json()["preset"], "kedro", "{said}");
        assert_eq!(verdict(&said, "azure-cli"), "excluded", "{said}");
    }
}

#[test]
fn variables_decide_if_no_option_does() {
    let preset = |run: Run| run.said().json()["preset"].clone();
    let kedro = || chain(&["-o", "json"]).env("AZCRED_PRESET", "Kedro");
    assert_eq!(preset(kedro()), "kedro");
    assert_eq!(preset(kedro().args(&["--preset", "hi-ml"])), "hi-ml");
    assert_eq!(
        preset(chain(&["-o", "json"]).env("AZCRED_PRESET", " ")),
        "azcred"
    );
    let wrong = chain(&[]).env("AZCRED_PRESET", "best").said();
    assert_eq!(wrong.code, 1, "{wrong}");
    assert!(wrong.stderr.contains("AZCRED_PRESET"), "{wrong}");
    let developer = || chain(&["-o", "json"]).env("AZURE_TOKEN_CREDENTIALS", "dev");
    let said = developer().said();
    assert_eq!(verdict(&said, "environment"), "excluded", "{said}");
    let told = json!({"kind": "variable", "name": "AZURE_TOKEN_CREDENTIALS", "value": "dev"});
    let settings = said.json()["settings"].clone();
    assert!(
        settings.as_array().expect("settings").contains(&told),
        "{settings}"
    );
    let said = developer().args(&["--only", "environment"]).said();
    assert_eq!(verdict(&said, "environment"), "unavailable", "{said}");
    assert!(
        !said.json()["settings"].to_string().contains("AZURE_TOKEN"),
        "{said}"
    );
    // The value may contain a secret that was set in the wrong variable.
    let astray = chain(&[])
        .env(
            "AZURE_TOKEN_CREDENTIALS",
            "kX8Q~cAnArYzzTopSecretValue0123456789abcdef",
        )
        .said();
    assert_eq!(astray.code, 1, "{astray}");
    assert!(!astray.stdout.contains("0123456789abcdef"), "{astray}");
}

#[test]
fn only_and_exclude_accept_lists_of_any_names() {
    let said = chain(&["-o", "json", "--only", "az,EnvironmentCredential"]).said();
    assert_eq!(verdict(&said, "azure-cli"), "unavailable", "{said}");
    assert_eq!(verdict(&said, "environment"), "unavailable", "{said}");
    assert_eq!(verdict(&said, "managed-identity"), "excluded", "{said}");
    let said = chain(&[
        "-o",
        "json",
        "--exclude",
        "AZURE-CLI",
        "--exclude",
        "environment",
    ])
    .said();
    assert_eq!(verdict(&said, "azure-cli"), "excluded", "{said}");
    assert_eq!(verdict(&said, "environment"), "excluded", "{said}");
    let nobody = chain(&["--only", "azure-cli", "--exclude", "azure-cli"]).said();
    assert_eq!(nobody.code, 1, "{nobody}");
    assert!(
        nobody.stdout.contains("every source is excluded"),
        "{nobody}"
    );
    for wrong in [
        ["--only", "azz"],
        ["--preset", "best"],
        ["--expect-tenant", "contoso.com"],
        ["--expect-principal", " "],
    ] {
        let said = azcred(&["token"]).args(&wrong).said();
        assert_eq!(said.code, 2, "{said}");
    }
}

#[test]
fn a_preset_is_listed_without_trying_its_sources() {
    let said = chain(&["--list", "--preset", "azure"]).said();
    assert_eq!(said.code, 0, "{said}");
    assert_seen!("chain-list", said);
    let json = chain(&["--list", "-o", "json"]).said().json();
    assert_eq!(json["preset"], "azcred");
    let first = json!({"source": "environment", "credential": "EnvironmentCredential", "afterFailure": "end"});
    assert_eq!(json["sources"][0], first);
}
