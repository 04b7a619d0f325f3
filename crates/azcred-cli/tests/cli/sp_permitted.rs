//! `azcred sp create` by accounts that may not do all of it.

use crate::{
    azure::Azure,
    run::{Run, assert_seen, azcred},
    subscription::seeded,
};
use azcred_emulator::{Persona, Seed, Way};
use serde_json::Value;

/// An owner of the subscription, and a developer that may make applications and assign no role.
const TEAM: &str = r#"
[[tenants]]
id = "c0a70500-0000-4000-8000-000000000001"
name = "Contoso"
domains = ["contoso.onmicrosoft.com"]

[[applications]]
app_id = "a0000001-0000-4000-8000-000000000001"
object_id = "b0000001-0000-4000-8000-000000000001"
name = "owner"
service_principal = { id = "d0000001-0000-4000-8000-000000000001", graph_permissions = ["Application.ReadWrite.All"] }
secrets = [{ name = "one" }]

[[applications]]
app_id = "a0000001-0000-4000-8000-000000000002"
object_id = "b0000001-0000-4000-8000-000000000002"
name = "developer"
service_principal = { id = "d0000001-0000-4000-8000-000000000002", graph_permissions = ["Application.ReadWrite.All"] }
secrets = [{ name = "one" }]

[[applications]]
app_id = "a0000001-0000-4000-8000-000000000003"
object_id = "b0000001-0000-4000-8000-000000000003"
name = "reader"
service_principal = { id = "d0000001-0000-4000-8000-000000000003", graph_permissions = ["Directory.Read.All"] }
secrets = [{ name = "one" }]

[[subscriptions]]
id = "5ec0ffee-0001-4000-8000-000000000001"
name = "Contoso ML"
tenant = "contoso.onmicrosoft.com"

[[resource_groups]]
subscription = "5ec0ffee-0001-4000-8000-000000000001"
name = "rg"
location = "westeurope"

[[workspaces]]
subscription = "5ec0ffee-0001-4000-8000-000000000001"
resource_group = "rg"
name = "ws-team"
location = "westeurope"
workspace_id = "5ec0ffee-0001-4000-8000-100000000001"

[[role_assignments]]
principal = "owner"
role = "Owner"
scope = "/subscriptions/5ec0ffee-0001-4000-8000-000000000001"

[[role_assignments]]
principal = "reader"
role = "Owner"
scope = "/subscriptions/5ec0ffee-0001-4000-8000-000000000001"

[[role_assignments]]
principal = "developer"
role = "Reader"
scope = "/subscriptions/5ec0ffee-0001-4000-8000-000000000001"
"#;

/// azcred as an application, at the workspace.
fn run(azure: &Azure, who: &str, arguments: &[&str]) -> Run {
    let mut variables = azure.application(who);
    variables.retain(|(name, _)| !name.starts_with("AZUREML_"));
    for (name, value) in [
        (
            "AZUREML_ARM_SUBSCRIPTION",
            "5ec0ffee-0001-4000-8000-000000000001",
        ),
        ("AZUREML_ARM_RESOURCEGROUP", "rg"),
        ("AZUREML_ARM_WORKSPACE_NAME", "ws-team"),
    ] {
        variables.push((name.to_owned(), value.to_owned()));
    }
    azcred(arguments).envs(&variables)
}

#[test]
fn who_may_not_assign_the_role_creates_nothing_and_then_asks_for_it() {
    let azure = seeded(TEAM.to_owned());
    let said = run(&azure, "developer", &["sp", "create", "ci"]).said();
    assert_eq!(said.code, 5, "{said}");
    assert_seen!("sp-create-may-not-assign", said);

    let without = ["sp", "create", "ci", "--no-role", "-o", "json"];
    let made = run(&azure, "developer", &without).said().json();
    assert_eq!(made["isNew"], true);
    assert_eq!(made["roles"], Value::Array(Vec::new()));
    let text = made["request"]["text"].as_str().expect("text");
    assert!(
        text.contains(made["objectId"].as_str().expect("an id")),
        "{text}"
    );

    // It exists, and lacks the role still.
    let said = run(&azure, "developer", &["sp", "create", "ci", "-o", "json"]).said();
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
    let assigned = run(&azure, "owner", &words[1..]).said();
    assert_eq!(assigned.code, 0, "{assigned}");

    let made = run(&azure, "developer", &["sp", "create", "ci", "-o", "json"]).said();
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
    let azure = seeded(TEAM.to_owned());
    let said = run(&azure, "reader", &["sp", "create", "ci"]).said();
    assert_eq!(said.code, 5, "{said}");
    assert_seen!("sp-create-no-permission", said);
}
