//! Every persona of `azcred emulator` may run jobs: the doctor's checks of the workspace and of the
//! permissions are quiet.

use crate::{azure::Azure, run::azcred};
use azcred_emulator::{PERSONAS, Persona, WAYS};

#[test]
fn the_workspace_and_the_permissions_of_every_persona_are_quiet_by_both_ways() {
    let azure = Azure::shared();
    let hosts = azure.info().identity_hosts.as_ref().expect("hosts");
    for (name, persona) in PERSONAS {
        let is_elsewhere = *persona == Persona::Arc && hosts.arc_keys_elsewhere.is_some();
        if *persona == Persona::NoAccount || is_elsewhere {
            continue;
        }
        for (way_name, way) in WAYS {
            let mut run = azcred(&["doctor", "-o", "json"]).directory("/");
            if *persona == Persona::Vm {
                run = run.env("AZCRED_IMDS", "always");
            }
            let said = run.envs(&azure.environment(*persona, *way)).said();
            let report = said.json();
            let checks = report["checks"].as_array().expect("checks");
            let of_areas = checks.iter().filter(|check| {
                ["workspace", "permissions"].contains(&check["area"].as_str().unwrap_or_default())
            });
            let loud: Vec<_> = of_areas
                .filter(|check| check["status"] != "ok" && check["status"] != "doesNotApply")
                .collect();
            assert!(loud.is_empty(), "{name} by {way_name}: {loud:#?}");
            let upload = checks.iter().find(|check| check["id"] == "uploadFiles");
            let upload = upload.expect("the check");
            assert_eq!(upload["status"], "ok", "{name} by {way_name}: {upload:#}");
        }
    }
}
