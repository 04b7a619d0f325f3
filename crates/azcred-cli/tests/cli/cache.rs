//! `azcred cache`: what a person sees of the tokens on disk.

use crate::{azure::Azure, home::Home, run::assert_seen};
use azcred_emulator::{Persona, Way};

#[test]
fn tokens_are_listed_but_not_shown_and_can_be_cleared() {
    let azure = Azure::shared();
    let home = Home::new(&azure);
    let environment = azure.environment(Persona::ServicePrincipal, Way::Ports);
    assert_seen!("cache-list-nothing", at_home(&home, &["cache", "list"]));
    let token = home.run(&["token"]).envs(&environment).said();
    assert_eq!(token.code, 0, "{token}");
    let secret = token.stdout.trim();
    let list = at_home(&home, &["cache", "list"]);
    assert!(!list.contains(secret), "{list}");
    assert_seen!("cache-list", list);
    let json = home.run(&["cache", "list", "-o", "json"]).said();
    assert!(!json.stdout.contains(secret), "{json}");
    assert_eq!(
        json.json()["tokens"].as_array().expect("a list").len(),
        1,
        "{json}"
    );
    assert_seen!("cache-clear", at_home(&home, &["cache", "clear"]));
    let left = home.run(&["cache", "list", "-o", "json"]).said().json();
    assert_eq!(left["tokens"], serde_json::json!([]));
}

#[test]
fn with_the_cache_off_no_token_is_stored() {
    let azure = Azure::shared();
    let home = Home::new(&azure);
    let environment = azure.environment(Persona::ServicePrincipal, Way::Ports);
    let token = home
        .run(&["token"])
        .envs(&environment)
        .env("AZCRED_CACHE", "never")
        .said();
    assert_eq!(token.code, 0, "{token}");
    let list = home.run(&["cache", "list", "-o", "json"]).said().json();
    assert_eq!(list["files"], 0, "{list}");
}

#[test]
fn an_invalid_setting_is_an_error_and_stores_nothing() {
    let azure = Azure::shared();
    let home = Home::new(&azure);
    let environment = azure.environment(Persona::ServicePrincipal, Way::Ports);
    for (name, value) in [("AZCRED_CACHE", "off"), ("AZCRED_HOME", "some/folder")] {
        let said = home.run(&["token"]).envs(&environment).env(name, value);
        let said = said.said();
        assert_eq!((said.code, said.stdout.as_str()), (1, ""), "{said}");
        assert!(said.stderr.contains(&format!("error: {name} (")), "{said}");
    }
    let list = home.run(&["cache", "list", "-o", "json"]).said().json();
    assert_eq!(list["files"], 0, "{list}");
}

#[cfg(unix)]
#[test]
fn an_error_that_prevents_storing_tokens_is_shown_with_json_too() {
    use std::os::unix::fs::PermissionsExt;
    let azure = Azure::shared();
    let home = Home::new(&azure);
    let environment = azure.environment(Persona::ServicePrincipal, Way::Ports);
    let run = |line: &[&str]| home.run(line).envs(&environment).said();
    assert_eq!(run(&["token"]).stderr, "");
    let list = run(&["cache", "list", "-o", "json"]).json();
    let folder = list["folder"].as_str().expect("a folder");
    let open = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(folder, open).expect("changed");
    for command in ["token", "whoami"] {
        for output in ["text", "json"] {
            let said = run(&[command, "-o", output]);
            assert_eq!(said.code, 0, "{said}");
            assert!(
                said.stderr.starts_with("\nnote: "),
                "{command} {output}: {said}"
            );
            assert!(said.stderr.contains(folder), "{said}");
        }
    }
}

/// The output of a run, with the home folder's path replaced.
fn at_home(home: &Home, arguments: &[&str]) -> String {
    let said = home.run(arguments).said();
    assert_eq!(said.code, 0, "{said}");
    said.to_string()
        .replace(&home.path().display().to_string(), "[HOME]")
}
