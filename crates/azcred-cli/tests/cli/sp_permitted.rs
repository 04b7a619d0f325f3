//! `azcred sp create` by accounts that may not do all of it.

use crate::{
    azure::Azure,
    run::{Run, assert_seen, azcred},
    subscription::seeded,
    team::{SUBSCRIPTION, application, assigned, at_workspace, team},
};
use azcred_emulator::{Persona, Seed, Way};
use serde_json::Value;

/// An owner of the subscription, a developer that may make applications and assign no role, and an
/// owner that reads the directory only.
fn contoso() -> Azure {
    team(&[
        &application(1, "owner", &["Application.ReadWrite.All"]),
        &application(2, "developer", &["Application.ReadWrite.All"]),
        &application(3, "reader", &["Directory.Read.All"]),
        &assigned("Owner", "owner", SUBSCRIPTION),
        &assigned("Reader", "developer", SUBSCRIPTION),
        &assigned("Owner", "reader", SUBSCRIPTION),
    ])
}

#[test]
fn who_may_not_assign_the_role_creates_nothing_and_then_asks_for_it() {
    let azure = contoso();
    let said = at_workspace(&azure, "developer", &["sp", "create", "ci"]).said();
    assert_eq!(said.code, 5, "{said}");
    assert_seen!("sp-create-may-not-assign", said);

    let without = ["sp", "create", "ci", "--no-role", "-o", "json"];
    let made = at_workspace(&azure, "developer", &without).said().json();
    assert_eq!(made["isNew"], true);
    assert_eq!(made["roles"], Value::Array(Vec::new()));
    let text = made["request"]["text"].as_str().expect("text");
    assert!(
        text.contains(made["objectId"].as_str().expect("an id")),
        "{text}"
    );

    // It exists, and lacks the role still.
    let said = at_workspace(&azure, "developer", &["sp", "create", "ci", "-o", "json"]).said();
    assert_eq!(said.code, 5, "{said}");
    let denied: Value = serde_json::from_str(&said.stdout).expect("JSON");
    assert_eq!(denied["isPermitted"], false);
    assert_eq!(denied["request"]["text"], text);

    // The administrator runs what the request has.
    let at = text.find("azcred role assign").expect("the command");
    let command = text[at..].replace(" \\\n", " ").replace('\'', "\"");
    let words: Vec<&str> = command
        .split('"')
        .enumerate()
        .flat_map(|(number, part)| match number % 2 {
            0 => part.split_whitespace().collect(),
            _ => vec![part],
        })
        .collect();
    let assigned = at_workspace(&azure, "owner", &words[1..]).said();
    assert_eq!(assigned.code, 0, "{assigned}");

    let made = at_workspace(&azure, "developer", &["sp", "create", "ci", "-o", "json"]).said();
    assert_eq!(made.code, 0, "{made}");
    assert_eq!(made.json()["isNew"], false);
}

/// A laptop with Ada's account, in a tenant where only administrators create applications. Ada owns
/// the subscription, and has these roles of the directory.
fn closed_tenant(roles: &str) -> Azure {
    let seed = Seed::default_text();
    let closed = seed.replacen(
        "country = \"NL\"",
        "country = \"NL\"\nusers_may_create_applications = false",
        1,
    );
    let closed = closed.replacen(
        "directory_roles = [\"Global Administrator\"]",
        &format!("directory_roles = [{roles}]"),
        1,
    );
    assert!(closed.len() > seed.len(), "the seed has other words");
    seeded(closed)
}

fn by_ada(azure: &Azure, arguments: &[&str]) -> Run {
    azcred(arguments).envs(&azure.environment(Persona::Laptop, Way::RealNames))
}

#[test]
fn who_may_not_create_applications_gets_a_request_to_an_administrator() {
    let azure = closed_tenant("");
    let said = by_ada(&azure, &["sp", "create", "ci"]).said();
    assert_eq!(said.code, 5, "{said}");
    assert_seen!("sp-create-administrators-only", said);
    let listed = by_ada(&azure, &["sp", "list", "-o", "json"]).said().json();
    assert_eq!(listed["applications"], Value::Array(Vec::new()));
    let denied = by_ada(&azure, &["sp", "create", "ci", "-o", "json"]).said();
    let denied: Value = serde_json::from_str(&denied.stdout).expect("JSON");
    assert_eq!(
        denied["request"]["azureCli"].as_array().map(Vec::len),
        Some(4)
    );
    // Graph refuses it too.
    let tried = by_ada(&azure, &["sp", "create", "ci", "--no-check"]).said();
    assert_eq!(tried.code, 5, "{tried}");
    assert!(
        tried.stderr.contains("Authorization_RequestDenied"),
        "{tried}"
    );
}

#[test]
fn a_role_of_the_directory_is_enough_in_a_closed_tenant() {
    let azure = closed_tenant("\"Application Developer\"");
    let said = by_ada(&azure, &["sp", "create", "ci"]).said();
    assert_eq!(said.code, 0, "{said}");
}

#[test]
fn an_application_without_the_permission_is_told_which_one_it_lacks() {
    let azure = contoso();
    let said = at_workspace(&azure, "reader", &["sp", "create", "ci"]).said();
    assert_eq!(said.code, 5, "{said}");
    assert_seen!("sp-create-no-permission", said);
}
