//! `azcred sp list`, `show` and `expiring`.

use crate::{
    azure::Azure,
    run::{Run, assert_seen, azcred},
    team::{SUBSCRIPTION, WORKSPACE, application, assigned, team},
};
use serde_json::Value;

const OWN: &str = "a0000001-0000-4000-8000-000000000002";

/// An owner of two applications: one with every kind of key and roles of its own and through a
/// group, and one whose last secret has ended.
fn directory() -> Azure {
    let now = time::OffsetDateTime::now_utc();
    let day = |days| {
        let time = now + time::Duration::days(days) + time::Duration::hours(1);
        let format = &time::format_description::well_known::Rfc3339;
        time.format(format).expect("it is a time")
    };
    let own = format!(
        r#"
[[applications]]
app_id = "{OWN}"
object_id = "b0000001-0000-4000-8000-000000000002"
name = "nightly"
owners = ["admin"]
service_principal = {{ id = "d0000001-0000-4000-8000-000000000002" }}
secrets = [{{ name = "soon", id = "5ec00001-0000-4000-8000-000000000001", expires = "{soon}" }}, {{ name = "later", id = "5ec00001-0000-4000-8000-000000000002", expires = "{later}" }}]

[[applications.federated_credentials]]
name = "main"
issuer = "https://token.actions.githubusercontent.com"
subject = "repo:contoso/train:ref:refs/heads/main"

[[applications]]
app_id = "a0000001-0000-4000-8000-000000000003"
object_id = "b0000001-0000-4000-8000-000000000003"
name = "weekly"
owners = ["admin"]
secrets = [{{ name = "gone", expires = "{gone}" }}]

[[groups]]
id = "f0000001-0000-4000-8000-000000000001"
name = "Jobs"
members = ["nightly"]
"#,
        soon = day(9),
        later = day(80),
        gone = day(-3)
    );
    team(&[
        &application(
            1,
            "admin",
            &["Directory.Read.All", "Application.ReadWrite.All"],
        ),
        &own,
        &assigned("Owner", "admin", SUBSCRIPTION),
        &assigned("AzureML Data Scientist", "nightly", WORKSPACE),
        &assigned("Reader", "Jobs", SUBSCRIPTION),
    ])
}

fn sp(azure: &Azure, arguments: &[&str]) -> Run {
    let variables = azure.application("admin");
    azcred(&["sp"]).args(arguments).envs(&variables)
}

fn json(azure: &Azure, arguments: &[&str]) -> Value {
    let arguments = [arguments, &["-o", "json"]].concat();
    sp(azure, &arguments).said().json()
}

#[test]
fn an_application_of_others_is_shown_with_its_keys_and_roles() {
    let azure = directory();
    let said = sp(&azure, &["show", "--client-id", OWN]).said();
    assert_eq!(said.code, 0, "{said}");
    assert_seen!("sp-show", said);
    let shown = json(&azure, &["show", "--client-id", OWN]);
    assert_eq!(shown["isMadeByAzcred"], false);
    assert_eq!(shown["owners"][0]["name"], "admin");
    let keys: Vec<_> = shown["keys"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|key| key["name"].as_str().expect("a name"))
        .collect();
    assert_eq!(keys, ["soon", "later"]);
    let roles = shown["roles"].as_array().expect("a list");
    let through: Vec<_> = roles.iter().map(|one| &one["through"]["name"]).collect();
    assert_eq!(through, [&Value::from("Jobs"), &Value::Null]);
}

#[test]
fn the_list_has_what_azcred_made_and_with_all_what_the_user_owns() {
    let azure = directory();
    assert_seen!("sp-list-none", sp(&azure, &["list"]).said());
    assert_seen!("sp-list-all", sp(&azure, &["list", "--all"]).said());
    let scope = "/subscriptions/5ec0ffee-0001-4000-8000-000000000001/resourceGroups/rg";
    let made = sp(&azure, &["create", "ci-train", "--scope", scope]).said();
    assert_eq!(made.code, 0, "{made}");
    let listed = json(&azure, &["list"]);
    assert_eq!(listed["applications"].as_array().map(Vec::len), Some(1));
    assert_eq!(listed["applications"][0]["name"], "ci-train");
    assert_eq!(listed["applications"][0]["isMadeByAzcred"], true);
    // It is found by its name, and one of the same kind is not.
    let shown = json(&azure, &["show", "ci-train"]);
    assert_eq!(shown["clientId"], listed["applications"][0]["clientId"]);
    let said = sp(&azure, &["show", "nightly"]).said();
    assert_seen!("sp-show-not-own", said);
}

#[test]
fn the_exit_code_says_whether_a_key_ends_soon() {
    let azure = directory();
    let none = sp(&azure, &["expiring"]).said();
    assert_eq!((none.code, none.stderr.as_str()), (0, ""), "{none}");
    let some = sp(&azure, &["expiring", "--all"]).said();
    assert_eq!(some.code, 1, "{some}");
    assert_seen!("sp-expiring", some);
    let named = |within: &str| -> Vec<String> {
        let found = json(&azure, &["expiring", "--all", "--within", within]);
        let found = found["expiring"].as_array().expect("a list").clone();
        let name = |key: &Value| key["name"].as_str().map(str::to_owned);
        found.iter().filter_map(name).collect()
    };
    assert_eq!(named("8d"), ["weekly"]);
    assert_eq!(named("90d"), ["nightly", "nightly", "weekly"]);
}
