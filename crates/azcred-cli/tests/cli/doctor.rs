//! `azcred doctor` for different identities.

use crate::{
    azure::Azure,
    run::{Run, assert_seen, azcred},
};
use azcred_emulator::{Persona, Way};

/// In a folder without a `config.json` in it or above.
fn doctor(arguments: &[&str]) -> Run {
    azcred(&["doctor"]).args(arguments).directory("/")
}

#[test]
fn a_data_scientist_may_do_all_but_manage_computes() {
    let azure = Azure::shared();
    let said = doctor(&[])
        .envs(&azure.environment(Persona::ServicePrincipal, Way::RealNames))
        .said();
    assert_eq!(said.code, 0, "{said}");
    assert_seen!("doctor-data-scientist", said);
}

#[test]
fn by_ports_the_result_is_the_same() {
    let azure = Azure::shared();
    let said = doctor(&[])
        .envs(&azure.environment(Persona::ServicePrincipal, Way::Ports))
        .said();
    assert_eq!(said.code, 0, "{said}");
    assert!(said.stdout.contains("✓ submit jobs"), "{said}");
}

#[test]
fn a_contributor_may_do_everything() {
    let azure = Azure::shared();
    let said = doctor(&[])
        .envs(&azure.application("azcred-contributor"))
        .said();
    assert_eq!(said.code, 0, "{said}");
    assert_seen!("doctor-contributor", said);
}

#[test]
fn a_missing_role_is_reported_once_with_a_fix() {
    let azure = Azure::shared();
    let said = doctor(&[])
        .envs(&azure.application("azcred-noroles"))
        .said();
    assert_eq!(said.code, 5, "{said}");
    assert_seen!("doctor-no-roles", said);
}

#[test]
fn without_a_sign_in_the_fix_names_the_variables() {
    let azure = Azure::shared();
    let said = doctor(&[])
        .envs(&azure.environment(Persona::NoAccount, Way::RealNames))
        .said();
    assert_eq!(said.code, 3, "{said}");
    assert_seen!("doctor-not-signed-in", said);
}

#[test]
fn an_expired_secret_is_a_rejection_with_its_code() {
    let azure = Azure::shared();
    let said = doctor(&[])
        .envs(&azure.application("azcred-expired"))
        .said();
    assert_eq!(said.code, 4, "{said}");
    assert_seen!("doctor-expired", said);
}

#[test]
fn a_missing_workspace_is_named() {
    let azure = Azure::shared();
    let said = doctor(&["--workspace", "nonesuch"])
        .envs(&azure.environment(Persona::ServicePrincipal, Way::RealNames))
        .said();
    assert_ne!(said.code, 0, "{said}");
    assert_seen!("doctor-no-workspace", said);
}

#[test]
fn the_workspace_may_come_from_config_json() {
    let azure = Azure::shared();
    let folder = tempfile::tempdir().expect("a folder");
    let workspace = azure.info().workspace.clone().expect("the seed has one");
    let config = serde_json::json!({
        "subscription_id": workspace.subscription_id.to_string(),
        "resource_group": workspace.resource_group,
        "workspace_name": workspace.name,
    });
    std::fs::write(folder.path().join("config.json"), config.to_string()).expect("written");
    let variables: Vec<_> = azure
        .environment(Persona::ServicePrincipal, Way::RealNames)
        .into_iter()
        .filter(|(name, _)| !name.starts_with("AZUREML_"))
        .collect();
    let here = azcred(&["doctor"])
        .envs(&variables)
        .directory(folder.path())
        .said();
    assert_eq!(here.code, 0, "{here}");
    assert!(here.stdout.contains("config.json"), "{here}");
    std::fs::write(folder.path().join("config.json"), "{").expect("written");
    let damaged = azcred(&["doctor"])
        .envs(&variables)
        .directory(folder.path())
        .said();
    assert_eq!(damaged.code, 1, "{damaged}");
    assert!(damaged.stdout.contains("config.json"), "{damaged}");
    let nowhere = doctor(&[]).envs(&variables).said();
    assert_eq!(nowhere.code, 1, "{nowhere}");
    assert!(nowhere.stdout.contains("--workspace"), "{nowhere}");
}

#[test]
fn the_report_is_json_and_its_exit_code_is_that_of_the_first_failure() {
    let azure = Azure::shared();
    let said = doctor(&["--output", "json"])
        .envs(&azure.application("azcred-noroles"))
        .said();
    assert_eq!((said.code, said.stderr.as_str()), (5, ""), "{said}");
    let report = said.json();
    assert_eq!(report["healthy"], false);
    assert_eq!(
        report["checks"].as_array().expect("checks").len(),
        9,
        "{said}"
    );
    assert_seen!("doctor-json", said);
}

#[test]
fn an_unknown_cloud_is_the_cause_of_a_failed_sign_in() {
    let said = doctor(&[])
        .env("AZURE_TENANT_ID", "contoso.com")
        .env("AZURE_CLIENT_ID", "x")
        .env("AZURE_CLIENT_SECRET", "y")
        .env("ARM_CLOUD_METADATA_URL", "http://metadata.example/")
        .said();
    assert_eq!(said.code, 1, "{said}");
    assert!(said.stdout.contains("ARM_CLOUD_METADATA_URL"), "{said}");
}
