//! A laptop: a folder of Azure CLI in which a user is signed in.

use crate::common::{self, Lab, TENANT, claims_of};
use azcred_emulator::{Options, Persona, Way};
use serde_json::Value;
use std::{collections::HashSet, path::PathBuf, time::Instant};

const ADA: &str = "e0000001-0000-4000-8000-000000000001";
const AZURE_CLI: &str = "04b07795-8ddb-461a-bbee-02f9e1bf7b46";

fn folder(lab: &Lab, way: Way) -> PathBuf {
    let environment = lab.emulator.info().environment(Persona::Laptop, way);
    let found = environment
        .set
        .into_iter()
        .find(|(name, _)| name == "AZURE_CONFIG_DIR");
    found.expect("AZURE_CONFIG_DIR").1.into()
}

fn json(lab: &Lab, way: Way, file: &str) -> Value {
    let text = std::fs::read_to_string(folder(lab, way).join(file)).unwrap();
    serde_json::from_str(text.trim_start_matches('\u{feff}')).unwrap()
}

fn entries<'a>(cache: &'a Value, kind: &str) -> Vec<(&'a String, &'a Value)> {
    cache[kind].as_object().unwrap().iter().collect()
}

#[tokio::test]
async fn the_profile_names_the_person_and_their_default_subscription() {
    let lab = Lab::start().await;
    let text = std::fs::read_to_string(folder(&lab, Way::RealNames).join("azureProfile.json"));
    // As Azure CLI writes it.
    assert!(text.unwrap().starts_with('\u{feff}'));
    let profile = json(&lab, Way::RealNames, "azureProfile.json");
    let default = &profile["subscriptions"][0];
    assert_eq!(default["isDefault"], true);
    assert_eq!(default["user"]["name"], "ada@contoso.com");
    assert_eq!(default["user"]["type"], "user");
    assert_eq!(default["tenantId"], TENANT);
    assert_eq!(default["environmentName"], "AzureCloud");
    assert_eq!(default["name"], "Contoso ML");
    // By ports, Azure CLI gets its cloud from ARM's metadata, under another name.
    let by_ports = json(&lab, Way::Ports, "azureProfile.json");
    let cloud = &by_ports["subscriptions"][0]["environmentName"];
    assert_eq!(cloud, "AzureEmulator");
    let config = std::fs::read_to_string(folder(&lab, Way::Ports).join("config")).unwrap();
    assert!(config.contains("name = AzureEmulator"), "{config}");
}

#[tokio::test]
async fn the_cache_has_an_access_token_and_a_refresh_token_that_work() {
    let began = Instant::now();
    let lab = Lab::start().await;
    let whole_seconds = i64::try_from(began.elapsed().as_secs()).unwrap() + 1;
    for (way, environment) in [
        (Way::RealNames, "login.microsoftonline.com"),
        (Way::Ports, "localhost"),
    ] {
        let cache = json(&lab, way, "msal_token_cache.json");
        let tokens = entries(&cache, "AccessToken");
        let realms: HashSet<_> = tokens
            .iter()
            .map(|(_, token)| token["realm"].as_str().unwrap())
            .collect();
        assert_eq!(realms, ["organizations", TENANT].into());
        for (key, token) in tokens {
            assert_eq!(token["environment"], environment);
            assert_eq!(
                *key,
                format!(
                    "{ADA}.{TENANT}-{environment}-accesstoken-{AZURE_CLI}-{}-{}",
                    token["realm"].as_str().unwrap(),
                    token["target"].as_str().unwrap()
                )
            );
            let secret = token["secret"].as_str().unwrap();
            assert_eq!(claims_of(secret)["oid"], ADA);
            let expires: i64 = token["expires_on"].as_str().unwrap().parse().unwrap();
            let early = claims_of(secret)["exp"].as_i64().unwrap() - expires;
            assert!((0..=whole_seconds).contains(&early), "{early} seconds");
            let url = format!(
                "{}/subscriptions?api-version=2022-12-01",
                lab.emulator.info().arm_url
            );
            let answer = lab
                .client
                .get(url)
                .bearer_auth(secret)
                .send()
                .await
                .unwrap();
            assert_eq!(answer.status(), 200);
        }
        let refresh = entries(&cache, "RefreshToken");
        let [(_, refresh)] = refresh.as_slice() else {
            panic!("one refresh token for all: {refresh:?}");
        };
        assert_eq!(refresh["family_id"], "1");
        let form = [
            ("grant_type", "refresh_token"),
            ("client_id", AZURE_CLI),
            ("refresh_token", refresh["secret"].as_str().unwrap()),
            ("scope", common::ARM_SCOPE),
        ];
        let answer = lab
            .post(&format!("/{TENANT}/oauth2/v2.0/token"), &form)
            .await;
        assert_eq!(answer.status, 200, "{answer:?}");
        let account = entries(&cache, "Account")[0].1;
        assert_eq!(account["username"], "ada@contoso.com");
        assert_eq!(account["environment"], environment);
    }
}

#[cfg(unix)]
#[tokio::test]
async fn the_folders_are_private() {
    use std::os::unix::fs::PermissionsExt as _;
    let lab = Lab::start().await;
    for way in [Way::RealNames, Way::Ports] {
        let folder = folder(&lab, way);
        let mode =
            |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&folder), 0o700);
        for file in std::fs::read_dir(&folder).unwrap() {
            assert_eq!(mode(&file.unwrap().path()), 0o600);
        }
    }
}

#[tokio::test]
async fn a_new_start_overwrites_the_old_sign_in() {
    let state = tempfile::tempdir().unwrap();
    let options = || Options {
        state_dir: Some(state.path().join("state")),
        ..Options::default()
    };
    let lab = Lab::with(options()).await;
    let before = json(&lab, Way::Ports, "msal_token_cache.json");
    lab.emulator.shutdown().await;
    let lab = Lab::with(options()).await;
    let after = json(&lab, Way::Ports, "msal_token_cache.json");
    assert_ne!(before, after);
}
