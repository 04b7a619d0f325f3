//! The variables of each persona, and the files they name.

use crate::common::{ARM_SCOPE, JWT_BEARER, Lab, claims_of};
use azcred_emulator::{Environment, Info, Options, Persona, WAYS, Way};
use std::collections::BTreeSet;

fn value<'a>(environment: &'a Environment, name: &str) -> Option<&'a str> {
    let found = environment.set.iter().find(|(other, _)| other == name);
    found.map(|(_, value)| value.as_str())
}

#[tokio::test]
async fn each_host_has_its_own_variables() {
    let lab = Lab::start().await;
    let info = lab.emulator.info();
    let credentials = |persona, way| -> BTreeSet<String> {
        let nobody = info.environment(Persona::NoAccount, way);
        let environment = info.environment(persona, way);
        environment
            .set
            .into_iter()
            .filter(|pair| !nobody.set.contains(pair))
            .map(|(name, _)| name)
            .collect()
    };
    for (_, way) in WAYS {
        for (persona, expected) in [
            (Persona::Vm, "AZURE_POD_IDENTITY_AUTHORITY_HOST"),
            (
                Persona::CloudShell,
                "ACC_CLOUD AZUREPS_HOST_ENVIRONMENT MSI_ENDPOINT",
            ),
            (Persona::Arc, "IDENTITY_ENDPOINT IMDS_ENDPOINT"),
            (
                Persona::AppService,
                "APPSETTING_WEBSITE_SITE_NAME IDENTITY_ENDPOINT IDENTITY_HEADER MSI_ENDPOINT MSI_SECRET \
                 WEBSITE_HOSTNAME WEBSITE_INSTANCE_ID WEBSITE_OWNER_NAME WEBSITE_RESOURCE_GROUP WEBSITE_SITE_NAME",
            ),
            (
                Persona::ServiceFabric,
                "IDENTITY_ENDPOINT IDENTITY_HEADER IDENTITY_SERVER_THUMBPRINT",
            ),
            (
                Persona::AzureMlCompute,
                "APPSETTING_WEBSITE_SITE_NAME DEFAULT_IDENTITY_CLIENT_ID MSI_ENDPOINT MSI_SECRET",
            ),
            (Persona::AzureMlJob, "AZUREML_OBO_ENABLED OBO_ENDPOINT"),
        ] {
            let expected: BTreeSet<_> = expected.split(' ').map(str::to_owned).collect();
            assert_eq!(credentials(persona, *way), expected, "{persona:?}");
        }
        let app = info.environment(Persona::AppService, *way);
        for (name, expected) in [
            ("WEBSITE_SITE_NAME", "app-contoso-score"),
            ("WEBSITE_RESOURCE_GROUP", "rg-contoso-ml"),
            ("WEBSITE_HOSTNAME", "app-contoso-score.azurewebsites.net"),
        ] {
            assert_eq!(value(&app, name).unwrap(), expected);
        }
        assert_eq!(value(&app, "WEBSITE_INSTANCE_ID").unwrap().len(), 64);
        let aks = info.environment(Persona::Aks, *way);
        let authority = value(&aks, "AZURE_AUTHORITY_HOST").unwrap();
        let expected = match way {
            Way::Ports => info.login_url.as_str(),
            Way::RealNames => "https://login.microsoftonline.com/",
        };
        assert_eq!(authority, expected);
    }
}

#[tokio::test]
async fn no_secret_of_a_host_is_printed() {
    let lab = Lab::start().await;
    let info = lab.emulator.info();
    let hosts = info.identity_hosts.as_ref().unwrap();
    let shown = format!(
        "{info:?} {:?}",
        info.environment(Persona::AppService, Way::Ports)
    );
    for secret in [
        &hosts.app_service_header,
        &hosts.service_fabric_header,
        &hosts.ml_compute_secret,
    ] {
        assert!(secret.len() >= 40 && !shown.contains(secret.as_str()));
    }
}

#[tokio::test]
async fn an_info_file_without_hosts_is_still_read() {
    let lab = Lab::start().await;
    let mut old = serde_json::to_value(lab.emulator.info()).unwrap();
    for name in ["identity_hosts", "workload"] {
        assert!(
            old.as_object_mut().unwrap().remove(name).is_some(),
            "{name}"
        );
    }
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("emulator.json"), old.to_string()).unwrap();
    let info = Info::load(folder.path()).unwrap().unwrap();
    let nobody = info.environment(Persona::NoAccount, Way::Ports);
    for persona in [Persona::Aks, Persona::Vm, Persona::AzureMlJob] {
        assert_eq!(info.environment(persona, Way::Ports), nobody);
    }
}

#[tokio::test]
async fn files_of_a_run_are_removed_from_the_state_folder_at_its_end() {
    let folder = tempfile::tempdir().unwrap();
    let options = || Options {
        state_dir: Some(folder.path().to_owned()),
        ..Options::default()
    };
    Lab::with(options()).await.emulator.shutdown().await;
    // Like one that a killed emulator left.
    let left = folder.path().join("arc-tokens");
    std::fs::create_dir(&left).unwrap();
    std::fs::write(left.join("azcred-1.key"), "x").unwrap();
    let lab = Lab::with(options()).await;
    let token = lab.emulator.info().workload.clone().unwrap().token_file;
    assert!(token.exists());
    lab.emulator.shutdown().await;
    assert!(!token.exists() && !left.exists());
}

#[tokio::test]
async fn a_pods_token_signs_in_as_its_workload() {
    let lab = Lab::start().await;
    let environment = lab.emulator.info().environment(Persona::Aks, Way::Ports);
    let file = value(&environment, "AZURE_FEDERATED_TOKEN_FILE").unwrap();
    let client_id = value(&environment, "AZURE_CLIENT_ID").unwrap();
    let assertion = std::fs::read_to_string(file).unwrap();
    let claims = claims_of(&assertion);
    assert_eq!(claims["sub"], "system:serviceaccount:training:trainer");
    assert_eq!(claims["aud"], "api://AzureADTokenExchange");
    let answer = lab
        .request_token(&[
            ("client_id", client_id),
            ("client_assertion_type", JWT_BEARER),
            ("client_assertion", &assertion),
            ("scope", ARM_SCOPE),
        ])
        .await;
    assert_eq!(answer.claims()["appid"], client_id, "{answer:?}");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = std::fs::metadata(file).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}

#[tokio::test]
async fn a_pods_token_is_replaced_before_it_expires_and_not_much_sooner() {
    let lab = Lab::start().await;
    let file = lab.emulator.info().workload.clone().unwrap().token_file;
    let read = || std::fs::read_to_string(&file).unwrap();
    let first = read();
    tokio::time::pause();
    let skew = |seconds| lab.emulator.world().clock.set_skew(seconds);
    let settle = || async {
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
    };
    let pass = || async {
        settle().await;
        tokio::time::advance(std::time::Duration::from_secs(31)).await;
        settle().await;
    };
    skew(2800);
    pass().await;
    assert_eq!(read(), first);
    skew(2900);
    pass().await;
    let second = read();
    let expires = |token: &str| claims_of(token)["exp"].as_i64().unwrap();
    assert!(expires(&second) - expires(&first) >= 2900);
    // With the clock set back, the token is of the future, and services reject it.
    skew(-3600);
    pass().await;
    assert!(expires(&read()) < expires(&first));
}
