//! `azcred role list`, `check`, `assign`, `remove` and `explain`.

use crate::{
    azure::Azure,
    run::{Run, assert_seen, azcred},
    team::{self, SUBSCRIPTION, WORKSPACE, application, assigned, at_workspace},
};
use serde_json::{Value, json};

const SUBMIT: &str = "Microsoft.MachineLearningServices/workspaces/jobs/write";
const READ: &str = "Microsoft.MachineLearningServices/workspaces/read";
const DELETE: &str = "Microsoft.MachineLearningServices/workspaces/delete";
const WORKER: &str = "d0000001-0000-4000-8000-000000000002";

/// An owner that reads the directory, one that does not, and a worker in a group in a group, which
/// has this role.
fn team_of(role: &str) -> Azure {
    let all = "/providers/Microsoft.Management/managementGroups/all";
    team::team(&[
        "management_group = \"all\"\n",
        &application(1, "owner", &["Directory.Read.All"]),
        &application(2, "worker", &[]),
        &application(3, "blind owner", &[]),
        PEOPLE,
        &assigned("Owner", "owner", SUBSCRIPTION),
        &assigned("Owner", "blind owner", SUBSCRIPTION),
        &assigned(role, "Engineers", all),
    ])
}

const PEOPLE: &str = r#"
[[users]]
id = "e0000001-0000-4000-8000-000000000001"
user_principal_name = "ada@contoso.onmicrosoft.com"
name = "Ada Lovelace"

[[groups]]
id = "f0000001-0000-4000-8000-000000000001"
name = "ML engineers"
members = ["worker", "ada@contoso.onmicrosoft.com"]

[[groups]]
id = "f0000001-0000-4000-8000-000000000002"
name = "Engineers"
members = ["ML engineers"]

[[groups]]
id = "f0000001-0000-4000-8000-000000000003"
name = "Twins"

[[groups]]
id = "f0000001-0000-4000-8000-000000000004"
name = "Twins"

[[management_groups]]
name = "all"
display_name = "All"

[[deny_assignments]]
id = "de000001-0000-4000-8000-000000000001"
name = "Protected by a deployment stack"
scope = "/subscriptions/5ec0ffee-0001-4000-8000-000000000001/resourceGroups/rg"
principals = ["everyone"]
exclude_principals = ["blind owner"]
actions = ["Microsoft.MachineLearningServices/workspaces/delete"]
"#;

/// The team's Azure.
fn team() -> Azure {
    team_of("Reader")
}

/// `azcred role` as an application, at the workspace.
fn role(azure: &Azure, who: &str, arguments: &[&str]) -> Run {
    at_workspace(azure, who, &[&["role"], arguments].concat())
}

fn json(azure: &Azure, who: &str, arguments: &[&str]) -> Value {
    let arguments = [arguments, &["-o", "json"]].concat();
    role(azure, who, &arguments).said().json()
}

#[test]
fn roles_are_listed_with_names_and_with_where_they_come_from() {
    let azure = team();
    assert_seen!("role-list", role(&azure, "owner", &["list"]).said());
    let mine = role(&azure, "owner", &["list", "--principal", "worker"]).said();
    assert_seen!("role-list-principal", mine);
    let listed = json(&azure, "owner", &["list", "--principal", WORKER]);
    let one = &listed["assignments"][0];
    assert_eq!(listed["assignments"].as_array().map(Vec::len), Some(1));
    assert_eq!(listed["principal"]["name"], "worker");
    assert_eq!(one["isInherited"], true);
    assert_eq!(one["role"], "Reader");
    assert_eq!(one["principal"]["name"], "Engineers");
    let none = role(&azure, "owner", &["list", "--principal", "Twins"]).said();
    assert_seen!("role-list-two-of-a-name", none);
}

#[test]
fn where_the_directory_can_not_be_read_ids_are_shown_and_that_is_said() {
    let azure = team();
    assert_seen!(
        "role-list-blind",
        role(&azure, "blind owner", &["list"]).said()
    );
    let named = role(&azure, "blind owner", &["list", "--principal", "worker"]).said();
    assert_eq!(named.code, 5, "{named}");
    assert_seen!("role-list-blind-name", named);
    let by_id = role(&azure, "blind owner", &["list", "--principal", WORKER]).said();
    assert_eq!(by_id.code, 0, "{by_id}");
}

#[test]
fn an_action_is_allowed_through_an_assignment_or_it_is_said_what_grants_it() {
    let azure = team();
    let said = role(
        &azure,
        "owner",
        &["check", SUBMIT, READ, "--principal", "worker"],
    )
    .said();
    assert_eq!(said.code, 5, "{said}");
    assert_seen!("role-check", said);
    let allowed = role(&azure, "owner", &["check", SUBMIT]).said();
    assert_eq!(allowed.code, 0, "{allowed}");
    assert_seen!("role-check-allowed", allowed);
    let checked = json(&azure, "owner", &["check", SUBMIT, "--principal", "worker"]);
    assert_eq!(checked["isAllowed"], false);
    assert_eq!(checked["actions"][0]["verdict"], "missing");
    assert_eq!(checked["smallestRole"]["name"], "AzureML Data Scientist");
}

#[test]
fn the_command_that_check_suggests_makes_the_action_allowed() {
    let azure = team();
    let checked = json(&azure, "owner", &["check", SUBMIT, "--principal", "worker"]);
    let fix = checked["fix"].as_str().expect("there is one");
    let words: Vec<&str> = fix
        .split('\'')
        .flat_map(|part| match part.starts_with("AzureML") {
            true => vec![part],
            false => part.split(' ').filter(|word| !word.is_empty()).collect(),
        })
        .collect();
    assert_eq!(words[..2], ["azcred", "role"]);
    let done = role(&azure, "owner", &words[2..]).said();
    assert_eq!(done.code, 0, "{done}");
    let after = role(&azure, "owner", &["check", SUBMIT, "--principal", "worker"]).said();
    assert_eq!(after.code, 0, "{after}");
}

#[test]
fn a_deny_assignment_is_named_and_no_role_is_suggested_against_it() {
    let azure = team();
    let denied = role(&azure, "owner", &["check", DELETE]).said();
    assert_eq!(denied.code, 5, "{denied}");
    assert_seen!("role-check-denied", denied);
    let excluded = role(&azure, "blind owner", &["check", DELETE]).said();
    assert_eq!(excluded.code, 0, "{excluded}");
    let at_subscription = role(&azure, "owner", &["check", DELETE, "--scope", SUBSCRIPTION]).said();
    assert_eq!(at_subscription.code, 0, "{at_subscription}");
}

#[test]
fn who_may_not_read_assignments_can_still_check_what_is_allowed() {
    let azure = team_of("AzureML Data Scientist");
    let said = role(&azure, "worker", &["check", SUBMIT, DELETE]).said();
    assert_eq!(said.code, 5, "{said}");
    assert_seen!("role-check-without-assignments", said);
    let list = role(&azure, "worker", &["list"]).said();
    assert_eq!(list.code, 5, "{list}");
    assert_seen!("role-list-not-permitted", list);
}

#[test]
fn a_role_is_assigned_once_and_removed_once_and_each_says_so() {
    let azure = team();
    let to = [
        "AzureML Data Scientist",
        "--to",
        "ada@contoso.onmicrosoft.com",
    ];
    let assign = || role(&azure, "owner", &[&["assign"], &to[..]].concat()).said();
    let remove = || {
        let from = [to[0], "--from", to[2]];
        role(&azure, "owner", &[&["remove"], &from[..]].concat()).said()
    };
    let first = assign();
    assert_eq!(first.code, 0, "{first}");
    assert_seen!("role-assign", first);
    let again = assign();
    assert_eq!(again.code, 0, "{again}");
    assert_seen!("role-assign-again", again);
    let removed = remove();
    assert_eq!(removed.code, 0, "{removed}");
    assert_seen!("role-remove", removed);
    let again = remove();
    assert_eq!(again.code, 0, "{again}");
    assert_seen!("role-remove-again", again);
}

#[test]
fn as_json_a_change_says_what_it_changed() {
    let azure = team();
    let args = ["Reader", "--to", WORKER, "--scope", WORKSPACE];
    let assigned = json(&azure, "owner", &[&["assign"], &args[..]].concat());
    assert_eq!(assigned["isNew"], true);
    assert_eq!(assigned["assignment"]["scope"], WORKSPACE);
    let again = json(&azure, "owner", &[&["assign"], &args[..]].concat());
    assert_eq!(again["isNew"], false);
    assert_eq!(again["assignment"]["id"], assigned["assignment"]["id"]);
    let from = ["remove", "Reader", "--from", WORKER];
    let removed = json(&azure, "owner", &from);
    assert_eq!(removed["removed"][0]["id"], assigned["assignment"]["id"]);
    // The role of the group is not touched.
    assert_eq!(removed["remaining"][0]["principal"]["name"], "Engineers");
    let removed = json(&azure, "owner", &from);
    assert_eq!(removed["removed"], json!([]));
    let said = role(&azure, "owner", &from).said();
    assert_seen!("role-remove-inherited", said);
}

#[test]
fn who_may_not_assign_roles_is_told_who_may() {
    let azure = team();
    let said = role(&azure, "worker", &["assign", "Reader", "--to", "me"]).said();
    assert_eq!(said.code, 5, "{said}");
    assert_seen!("role-assign-not-permitted", said);
}

#[test]
fn a_role_or_a_principal_that_does_not_exist_is_named_with_what_is_similar() {
    let azure = team();
    for (name, arguments) in [
        (
            "role-assign-no-role",
            ["Scientist", "--to", "me", "--wait", "1s"],
        ),
        (
            "role-assign-no-name",
            ["Reader", "--to", "nobody", "--wait", "1s"],
        ),
        (
            "role-assign-no-principal",
            [
                "Reader",
                "--to",
                "d0000001-0000-4000-8000-0000000000ff",
                "--wait",
                "1s",
            ],
        ),
    ] {
        let said = role(&azure, "owner", &[&["assign"], &arguments[..]].concat()).said();
        assert_eq!(said.code, 1, "{said}");
        crate::run::settings().bind(|| insta::assert_snapshot!(name, said.to_string()));
    }
    // With its type, Azure accepts a service principal that it does not know yet.
    let id = "d0000001-0000-4000-8000-0000000000ff";
    let new = [
        "assign",
        "Reader",
        "--to",
        id,
        "--type",
        "service-principal",
    ];
    let said = role(&azure, "owner", &new).said();
    assert_eq!(said.code, 0, "{said}");
}

#[test]
fn a_role_is_explained_without_a_sign_in_if_it_is_built_in() {
    let said = azcred(&["role", "explain", "azureml data scientist"]).said();
    assert_eq!(said.code, 0, "{said}");
    assert_seen!("role-explain", said);
    let said = azcred(&["role", "explain", "Storage Blob Data Reader", "-o", "json"]).said();
    assert_eq!(said.json()["can"], json!(["read blobs"]));
    let all = azcred(&["role", "explain", "--all", "-o", "json"])
        .said()
        .json();
    assert!(
        all["roles"]
            .as_array()
            .is_some_and(|roles| roles.len() > 40),
        "{all}"
    );
}

#[test]
fn a_scope_and_an_action_are_checked_before_the_sign_in() {
    for (name, arguments) in [
        (
            "role-wrong-scope",
            ["check", SUBMIT, "--scope", "rg-contoso-ml"],
        ),
        ("role-wrong-action", ["check", "*/read", "--scope", "/"]),
    ] {
        let said = azcred(&["role"]).args(&arguments).said();
        assert_eq!(said.code, 2, "{said}");
        crate::run::settings().bind(|| insta::assert_snapshot!(name, said.to_string()));
    }
    let folder = tempfile::tempdir().expect("a folder");
    let said = azcred(&["role", "list"]).directory(folder.path()).said();
    assert_eq!(said.code, 1, "{said}");
    assert_seen!("role-no-scope", said);
}
