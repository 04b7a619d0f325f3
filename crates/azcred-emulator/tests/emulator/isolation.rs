//! A program in the emulator on a user's machine: it finds neither the user's sign-ins nor the
//! machine's, and leaves none there.

use crate::common::Lab;
use azcred_emulator::{Inherited, Lifetime, PERSONAS, Persona, WAYS, Way};
use std::{collections::BTreeMap, ffi::OsString, path::Path};

pub(crate) fn inherited(variables: &[(&str, &str)]) -> Inherited {
    let all = variables.iter().map(|(n, v)| ((*n).into(), (*v).into()));
    Inherited {
        variables: all.collect::<BTreeMap<OsString, OsString>>(),
        keeps_home: false,
        lifetime: Lifetime::Program,
    }
}

/// A value that no program in the emulator may get.
const REAL: &str = "of-the-real-azure";

/// A variable of each tool that carries an identity or a route.
const USERS: &[&str] = &[
    "ARM_CLIENT_SECRET",
    "ARM_OIDC_REQUEST_TOKEN",
    "AZD_AUTH_KEY",
    "AZURE_AUTH_LOCATION",
    "AZUREML_RUN_TOKEN",
    "MLFLOW_TRACKING_TOKEN",
    "AZURE_STORAGE_KEY",
    "AZCOPY_SPA_CLIENT_SECRET",
    "AZURE_ACCESS_TOKEN",
    "servicePrincipalKey",
    "idToken",
    "AZURE_CLOUD_NAME",
    "AZURE_CORE_ENCRYPT_TOKEN_CACHE",
    "ACC_CLOUD",
    "AZURE_DEFAULTS_GROUP",
    "ACTIONS_RUNTIME_TOKEN",
    "SYSTEM_JOBID",
    "HTTP_PROXY",
    "all_proxy",
    "AZURE_POD_IDENTITY_AUTHORITY_HOST",
    "AZCRED_IMDS",
    "DBUS_SESSION_BUS_ADDRESS",
    "AZURE_CONFIG_DIR",
    "AZD_CONFIG_DIR",
    "AZCRED_HOME",
];

#[tokio::test]
async fn no_persona_gets_a_variable_of_another_identity_or_route() {
    let lab = Lab::start().await;
    let info = lab.emulator.info();
    let home = tempfile::tempdir().unwrap();
    let mut variables: Vec<_> = USERS.iter().map(|name| (*name, REAL)).collect();
    variables.extend([
        ("HOME", home.path().to_str().unwrap()),
        ("AZCRED_LOG", "debug"),
        ("AZURE_SUBSCRIPTION_ID", "kept"),
    ]);
    let inherited = inherited(&variables);
    for (name, persona) in PERSONAS {
        for (_, way) in WAYS {
            let isolated = info.isolated(*persona, *way, &inherited).unwrap();
            for user in USERS {
                let given = isolated.set.get(*user);
                assert_ne!(given.map(String::as_str), Some(REAL), "{name}: {user}");
                assert!(
                    given.is_some() != isolated.unset.contains(*user),
                    "{name}: {user} is left as it was, or both set and removed"
                );
            }
            for kept in ["AZCRED_LOG", "AZURE_SUBSCRIPTION_ID"] {
                let changed = isolated.set.contains_key(kept) || isolated.unset.contains(kept);
                assert!(!changed, "{name}: {kept}");
            }
            isolated.end();
        }
    }
}

#[tokio::test]
async fn no_persona_inherits_what_another_one_sets() {
    let lab = Lab::start().await;
    let info = lab.emulator.info();
    let set_by = |persona, way| info.isolated(persona, way, &inherited(&[])).unwrap().set;
    let all: Vec<String> = PERSONAS
        .iter()
        .flat_map(|(_, persona)| WAYS.iter().flat_map(|(_, way)| set_by(*persona, *way)))
        .map(|(name, _)| name)
        .collect();
    for (name, persona) in PERSONAS {
        for (_, way) in WAYS {
            let isolated = info.isolated(*persona, *way, &inherited(&[])).unwrap();
            for other in &all {
                let is_set = isolated.set.contains_key(other);
                assert!(is_set != isolated.unset.contains(other), "{name}: {other}");
            }
            assert!(isolated.set.values().all(|value| !value.is_empty()));
            let names = isolated.set.keys().chain(&isolated.unset);
            for name in names {
                assert!(name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_'));
            }
        }
    }
}

#[tokio::test]
async fn a_name_that_a_shell_could_read_as_a_command_is_not_printed() {
    let lab = Lab::start().await;
    let hostile = inherited(&[("AZURE_X;touch gone", REAL), ("AZURE_$(id)", REAL)]);
    let isolated = lab
        .emulator
        .info()
        .isolated(Persona::NoAccount, Way::Ports, &hostile)
        .unwrap();
    assert!(isolated.unset.iter().all(|name| !name.contains([';', '$'])));
}

/// Only a virtual machine has a metadata service.
#[tokio::test]
async fn every_persona_without_a_host_has_addresses_without_an_identity() {
    let lab = Lab::start().await;
    let info = lab.emulator.info();
    for (name, persona) in PERSONAS {
        for (_, way) in WAYS {
            let set = info.isolated(*persona, *way, &inherited(&[])).unwrap().set;
            let imds = set["AZURE_POD_IDENTITY_AUTHORITY_HOST"].as_str();
            assert_eq!(imds == info.proxy_url, *persona != Persona::Vm, "{name}");
            let never = set.get("AZCRED_IMDS").map(String::as_str) == Some("never");
            assert_eq!(never, *persona != Persona::Vm, "{name}");
            // Libraries that have the address built in use this proxy for it.
            for proxy in ["HTTP_PROXY", "http_proxy"] {
                assert_eq!(set[proxy], imds, "{name}");
            }
            assert!(!set["NO_PROXY"].contains("169.254"), "{name}");
            // A keyring that the session's bus does not lead to, such as that of macOS.
            assert_eq!(set["AZCRED_KEYRING"], "never", "{name}");
        }
    }
}

#[tokio::test]
async fn a_request_for_a_token_of_the_machine_is_told_at_once_that_there_is_no_identity() {
    let lab = Lab::start().await;
    let proxy = &lab.emulator.info().proxy_url;
    let path =
        "/metadata/identity/oauth2/token?api-version=2018-02-01&resource=https://vault.azure.net";
    let direct = reqwest::Client::builder().no_proxy().build().unwrap();
    let through = reqwest::Client::builder()
        .proxy(reqwest::Proxy::http(proxy).unwrap())
        .build()
        .unwrap();
    for (client, url) in [
        (direct, format!("{proxy}{path}")),
        (through, format!("http://169.254.169.254{path}")),
    ] {
        let response = client
            .get(url)
            .header("Metadata", "true")
            .send()
            .await
            .unwrap();
        // 400: no library repeats the request, and each takes it for 'no identity here'.
        assert_eq!(response.status(), 400);
        let body: serde_json::Value = response.json().await.unwrap();
        assert_eq!(body["error_description"], "Identity not found");
        assert_eq!(body["error"], "invalid_request");
    }
    let served = lab.emulator.requests().all();
    assert!(
        served
            .iter()
            .all(|one| one.service == "proxy" && one.status == Some(400))
    );
    assert_eq!(served.len(), 2);
}

/// Such as object_store, opendal and clients in Go.
#[tokio::test]
async fn a_program_with_the_metadata_services_address_built_in_is_a_virtual_machines() {
    let lab = Lab::start().await;
    let info = lab.emulator.info();
    let set = info
        .isolated(Persona::Vm, Way::RealNames, &inherited(&[]))
        .unwrap()
        .set;
    let client = reqwest::Client::builder()
        .proxy(reqwest::Proxy::http(&set["HTTP_PROXY"]).unwrap())
        .build()
        .unwrap();
    let get = |url: &str| client.get(url).header("Metadata", "true").send();
    let path =
        "metadata/identity/oauth2/token?api-version=2018-02-01&resource=https://vault.azure.net";
    let response = get(&format!("http://169.254.169.254/{path}"))
        .await
        .unwrap();
    assert_eq!(response.status(), 200);
    // The port is a proxy to nowhere else.
    for elsewhere in [
        "example.com",
        "10.0.0.4",
        "[2001:db8::1]:8080",
        "169.254.169.253",
    ] {
        let response = get(&format!("http://{elsewhere}/{path}")).await.unwrap();
        assert_eq!(response.status(), 403, "{elsewhere}");
        let text = response.text().await.unwrap();
        assert!(text.contains("NO_PROXY"), "{elsewhere}: {text}");
    }
}

#[tokio::test]
async fn azure_clis_extensions_are_the_users() {
    let lab = Lab::start().await;
    let info = lab.emulator.info();
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join("cli");
    std::fs::create_dir_all(folder.join("cliextensions")).unwrap();
    let given = inherited(&[("AZURE_CONFIG_DIR", folder.to_str().unwrap())]);
    let set = info
        .isolated(Persona::NoAccount, Way::Ports, &given)
        .unwrap()
        .set;
    assert_eq!(
        Path::new(&set["AZURE_EXTENSION_DIR"]),
        folder.join("cliextensions")
    );
    assert_ne!(Path::new(&set["AZURE_CONFIG_DIR"]), folder);
    let set_for = |variables: &[(&str, &str)]| {
        let isolated = info.isolated(Persona::NoAccount, Way::Ports, &inherited(variables));
        isolated.unwrap().set
    };
    // A folder that the user has set stays, and the usual one is in the home folder.
    let both = [
        ("AZURE_CONFIG_DIR", folder.to_str().unwrap()),
        ("AZURE_EXTENSION_DIR", "/mine"),
    ];
    assert!(!set_for(&both).contains_key("AZURE_EXTENSION_DIR"));
    if cfg!(unix) {
        let usual = home.path().join(".azure/cliextensions");
        std::fs::create_dir_all(&usual).unwrap();
        let set = set_for(&[("HOME", home.path().to_str().unwrap())]);
        assert_eq!(Path::new(&set["AZURE_EXTENSION_DIR"]), usual);
    }
}
