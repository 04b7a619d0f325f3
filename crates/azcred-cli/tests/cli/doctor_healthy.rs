//! No false alarm: where a program works, every check passes or does not apply.

use crate::{azure::Azure, run::azcred, troubles};
use azcred_azure::CheckId;
use azcred_emulator::{PERSONAS, Persona, WAYS, Way};
use std::collections::BTreeSet;

/// The checks that neither passed nor have nothing to check here.
fn alarms(report: &serde_json::Value) -> Vec<String> {
    let checks = report["checks"].as_array().expect("checks");
    let alarms = checks.iter().filter(|check| {
        let status = check["status"].as_str();
        !matches!(status, Some("ok" | "doesNotApply"))
    });
    alarms
        .map(|check| format!("{}: {} {}", check["id"], check["status"], check["reason"]))
        .collect()
}

#[test]
fn a_healthy_machine_gives_no_alarm_whoever_its_account_is() {
    let azure = Azure::shared();
    let hosts = azure.info().identity_hosts.as_ref().expect("hosts");
    let mut wrong = Vec::new();
    for (name, persona) in PERSONAS {
        let is_elsewhere = *persona == Persona::Arc && hosts.arc_keys_elsewhere.is_some();
        if *persona == Persona::NoAccount || is_elsewhere {
            continue;
        }
        for (way_name, way) in WAYS {
            let folder = tempfile::tempdir().expect("a folder");
            let variables = troubles::machine(&azure, *persona, *way);
            let run = azcred(&["doctor", "-o", "json"]).directory(folder.path());
            let said = run.envs(&variables).said();
            let report = said.json();
            let mut alarms = alarms(&report);
            let checks = report["checks"].as_array().expect("checks");
            let upload = checks.iter().find(|check| check["id"] == "uploadFiles");
            if upload.is_none_or(|upload| upload["status"] != "ok") {
                alarms.push("files can't be uploaded".to_owned());
            }
            if said.code != 0 || !alarms.is_empty() {
                wrong.push(format!("{name} by {way_name}: {} {alarms:?}", said.code));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_second_sign_in_that_no_program_here_uses_gives_no_alarm() {
    let azure = Azure::shared();
    let folder = tempfile::tempdir().expect("a folder");
    // Ada is signed in to Azure CLI. A project's profile of azcred has an application.
    let mut variables = troubles::machine(&azure, Persona::Laptop, Way::RealNames);
    variables.push((
        "AZCRED_HOME".to_owned(),
        folder.path().join("azcred").display().to_string(),
    ));
    let identity = azure
        .info()
        .identity("azcred-demo")
        .expect("the seed has it");
    let secret = identity.secret.clone().expect("it has a secret");
    let login = azcred(&[
        "login",
        "--service-principal",
        "--store",
        "file",
        "--profile",
        "work",
    ])
    .args(&["--tenant", &identity.tenant_id.to_string()])
    .args(&["--client-id", &identity.client_id.to_string()])
    .envs(&variables)
    .input(&secret)
    .said();
    assert_eq!(login.code, 0, "{login}");
    let said = azcred(&["doctor", "-o", "json"])
        .directory(folder.path())
        .envs(&variables)
        .said();
    assert_eq!(alarms(&said.json()), Vec::<String>::new(), "{said}");
    assert_eq!(said.code, 0, "{said}");
}

#[test]
fn each_check_is_red_in_a_trouble() {
    let rows = troubles::rows();
    let mut red: BTreeSet<String> = rows.into_iter().map(|row| row.check).collect();
    // What no job needs is a problem if it is required.
    let azure = Azure::shared();
    let folder = tempfile::tempdir().expect("a folder");
    let persona = troubles::machine(&azure, Persona::ServicePrincipal, Way::RealNames);
    let required = ["pull-images", "read-secrets", "manage-computes"];
    let required = required.map(|what| format!("--require={what}"));
    let said = azcred(&["doctor", "-o", "json"])
        .args(&required.each_ref().map(String::as_str))
        .directory(folder.path())
        .envs(&persona)
        .said();
    assert_eq!(said.code, 5, "{said}");
    let report = said.json();
    let checks = report["checks"].as_array().expect("checks");
    let failed = checks.iter().filter(|check| check["status"] == "failed");
    red.extend(failed.filter_map(|check| Some(check["id"].as_str()?.to_owned())));
    let all = CheckId::ALL.iter().map(|id| {
        let id = serde_json::to_value(id).expect("a name");
        id.as_str().expect("text").to_owned()
    });
    let never: Vec<String> = all.filter(|id| !red.contains(id)).collect();
    // It needs a program that asks for another tenant than its variables name, as a test of the
    // library does: `a_token_from_another_tenant_than_that_of_the_variables_is_a_failure`.
    assert_eq!(never, ["tenant"]);
}
