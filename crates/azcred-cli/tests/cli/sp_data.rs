//! `azcred sp create --with-data-access`: the doctor that runs as the new principal proves it.

use crate::sp::{contoso_with, sp};
use serde_json::{Value, json};

const WORKSPACE: &str = crate::team::WORKSPACE;
const ACCOUNT: &str = "/subscriptions/5ec0ffee-0001-4000-8000-000000000001/resourceGroups/rg/providers/Microsoft.Storage/storageAccounts/stteam";

#[test]
fn data_access_is_proved_and_not_demanded_of_who_was_not_given_it() {
    let account = format!("\n[[resources]]\nid = \"{ACCOUNT}\"\nlocation = \"westeurope\"\n");
    let azure = contoso_with(&account);
    {
        let mut resources = azure.emulator().world().resources_mut();
        let id = WORKSPACE.parse().expect("it is an id");
        let workspace = resources.resource_mut(&id).expect("it is there");
        let properties = &mut workspace.properties;
        properties.insert("storageAccount".to_owned(), json!(ACCOUNT));
    }
    let upload = |arguments: &[&str]| -> Value {
        let said = sp(&azure, "admin", arguments).said();
        assert_eq!(said.code, 0, "{said}");
        let created = said.json();
        let checks = created["proof"]["report"]["checks"].as_array();
        let checks = checks.expect("the doctor ran").iter();
        let mut upload = checks.filter(|check| check["id"] == "uploadFiles");
        upload.next().expect("the check").clone()
    };
    let without = upload(&["create", "ci-jobs", "-o", "json"]);
    assert_eq!(without["status"], "doesNotApply", "{without:#}");
    let with = upload(&["create", "ci-data", "--with-data-access", "-o", "json"]);
    assert_eq!(
        (&with["status"], &with["detail"]),
        (&json!("ok"), &json!("allowed"))
    );
}
