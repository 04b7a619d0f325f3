//! Every persona of `azcred emulator`, by both ways: the chain finds its identity.

use crate::{azure::Azure, run::azcred};
use azcred_emulator::{PERSONAS, Persona, WAYS};

/// The source of a persona, and its identity.
fn expected(persona: Persona) -> Option<(&'static str, &'static str)> {
    Some(match persona {
        Persona::ServicePrincipal | Persona::Himl | Persona::Certificate => {
            ("environment", "servicePrincipal")
        }
        Persona::Laptop => ("azure-cli", "user"),
        Persona::Github => ("github-actions", "servicePrincipal"),
        Persona::AzurePipelines => ("azure-pipelines", "servicePrincipal"),
        Persona::Aks => ("workload-identity", "servicePrincipal"),
        Persona::AzureMlJob => ("azureml-on-behalf-of", "user"),
        Persona::CloudShell => ("managed-identity", "user"),
        Persona::AzureMlCompute
        | Persona::AppService
        | Persona::ServiceFabric
        | Persona::Vm
        | Persona::Arc => ("managed-identity", "managedIdentity"),
        _ => return None,
    })
}

#[test]
fn every_persona_signs_in_with_its_own_source_by_both_ways() {
    let azure = Azure::shared();
    let hosts = azure.info().identity_hosts.as_ref().expect("hosts");
    for (name, persona) in PERSONAS {
        for (way_name, way) in WAYS {
            let environment = azure.environment(*persona, *way);
            let mut run = azcred(&["whoami", "-o", "json"]).directory("/");
            if *persona == Persona::Vm {
                run = run.env("AZCRED_IMDS", "always");
            }
            let said = run.envs(&environment).said();
            let about = format!("{name} by {way_name}: {said}");
            if *persona == Persona::Arc && hosts.arc_keys_elsewhere.is_some() {
                assert_eq!(said.code, 1, "{about}");
                assert!(said.stderr.contains("/var/opt/azcmagent/tokens"), "{about}");
                continue;
            }
            let Some((source, kind)) = expected(*persona) else {
                assert_eq!((said.code, *name), (3, "no-account"), "{about}");
                continue;
            };
            assert_eq!(said.code, 0, "{about}");
            assert_eq!(said.json()["source"], source, "{about}");
            assert_eq!(said.json()["kind"], kind, "{about}");
        }
    }
}

/// What `emulator exec` sets on a machine with Azure Arc's agent.
#[test]
fn an_agent_without_an_identity_is_no_reason_not_to_use_azure_cli() {
    let azure = Azure::shared();
    let proxy = &azure.info().proxy_url;
    let endpoint = format!("{proxy}/metadata/identity/oauth2/token");
    let said = azcred(&["whoami", "-o", "json"])
        .directory("/")
        .envs(&azure.environment(Persona::Laptop, azcred_emulator::Way::RealNames))
        .env("IDENTITY_ENDPOINT", &endpoint)
        .env("IMDS_ENDPOINT", proxy)
        .said();
    assert_eq!(said.json()["source"], "azure-cli", "{said}");
}

#[test]
#[cfg(feature = "emulator")]
fn exec_as_arc_warns_if_key_files_are_in_another_folder() {
    use crate::run::AZCRED;
    let said = azcred(&["emulator", "exec", "--as", "arc", "--", AZCRED, "--version"]).said();
    assert_eq!(said.code, 0, "{said}");
    let azure = Azure::shared();
    let hosts = azure.info().identity_hosts.as_ref().expect("hosts");
    let warns = said.stderr.contains("could not write there");
    assert_eq!(warns, hosts.arc_keys_elsewhere.is_some(), "{said}");
    let other = azcred(&["emulator", "exec", "--as", "vm", "--", AZCRED, "--version"]).said();
    assert_eq!((other.code, other.stderr.as_str()), (0, ""), "{other}");
}
