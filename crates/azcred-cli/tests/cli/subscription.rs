//! `azcred subscription list`.

use crate::{
    azure::Azure,
    home::Home,
    run::{assert_seen, azcred},
};
use azcred_emulator::{Options, Persona, Seed, Way};
use std::fmt::Write;

/// A tenant, an application, and what else a test needs.
pub(crate) const SEED: &str = r#"
[[tenants]]
id = "c0a70500-0000-4000-8000-000000000001"
name = "Contoso"
domains = ["contoso.onmicrosoft.com"]

[[applications]]
app_id = "a0000001-0000-4000-8000-000000000001"
object_id = "b0000001-0000-4000-8000-000000000001"
name = "lister"
service_principal = { id = "d0000001-0000-4000-8000-000000000001" }
secrets = [{ name = "one" }]

[[management_groups]]
name = "all"
display_name = "All"

[[role_assignments]]
principal = "lister"
role = "Reader"
scope = "/providers/Microsoft.Management/managementGroups/all"
"#;

/// An emulator with this seed.
pub(crate) fn seeded(text: String) -> Azure {
    Azure::own(Options {
        seed: Seed::Text {
            name: "a test's".to_owned(),
            text,
        },
        ..Options::default()
    })
}

#[test]
fn the_subscriptions_have_names_and_ids() {
    let azure = Azure::shared();
    let said = azcred(&["subscription", "list"])
        .envs(&azure.environment(Persona::ServicePrincipal, Way::RealNames))
        .said();
    assert_eq!((said.code, said.stderr.as_str()), (0, ""), "{said}");
    assert_seen!("subscription-list", said);
}

#[test]
fn as_json_they_have_the_tenants_name_and_azs_default() {
    let azure = Azure::shared();
    let home = Home::new(&azure);
    let subscription = azure
        .info()
        .workspace
        .clone()
        .expect("the seed has one")
        .subscription_id;
    std::fs::create_dir(home.path().join(".azure")).expect("a folder");
    std::fs::write(
        home.path().join(".azure/azureProfile.json"),
        format!(
            "\u{feff}{{\"subscriptions\": [{{\"id\": \"{subscription}\", \"isDefault\": true}}]}}"
        ),
    )
    .expect("written");
    let said = home
        .run(&["subscription", "list", "-o", "json"])
        .envs(&azure.application("azcred-contributor"))
        .said();
    assert_seen!("subscription-list-json", said);
    assert_eq!(said.json()["subscriptions"][0]["isAzDefault"], true);
}

#[test]
fn an_identity_without_a_role_sees_none_and_gets_a_fix() {
    let azure = Azure::shared();
    let who = azure.application("azcred-noroles");
    let said = azcred(&["subscription", "list"]).envs(&who).said();
    assert_eq!(said.code, 0, "{said}");
    assert_seen!("subscription-list-nothing", said);
    let said = azcred(&["subscription", "list", "-o", "json"])
        .envs(&who)
        .said();
    assert_eq!(
        said.json()["subscriptions"],
        serde_json::json!([]),
        "{said}"
    );
}

#[test]
fn a_list_of_several_pages_is_complete() {
    let mut seed = SEED.to_owned();
    for number in 0..1001 {
        write!(
            seed,
            "[[subscriptions]]\nid = \"5ec0ffee-0000-4000-8000-00000000{number:04}\"\nname = \"s{number:04}\"\n\
             tenant = \"contoso.onmicrosoft.com\"\nmanagement_group = \"all\"\n"
        )
        .expect("a string takes it");
    }
    let azure = seeded(seed);
    let said = azcred(&["subscription", "list", "-o", "json"])
        .envs(&azure.application("lister"))
        .said();
    let json = said.json();
    let listed = json["subscriptions"].as_array().expect("a list");
    assert_eq!(listed.len(), 1001);
    assert_eq!(listed[1000]["displayName"], "s1000");
}

#[test]
fn without_a_sign_in_the_error_is_that_of_token() {
    let azure = Azure::shared();
    let said = azcred(&["subscription", "list", "-o", "json"])
        .envs(&azure.environment(Persona::NoAccount, Way::RealNames))
        .said();
    assert_eq!((said.code, said.stdout.as_str()), (3, ""), "{said}");
    assert_eq!(said.error()["error"]["kind"], "notSignedIn");
}
