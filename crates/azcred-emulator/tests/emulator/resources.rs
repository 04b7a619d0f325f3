//! Tokens for each of Microsoft's own resources, by every name and by the client id.

use crate::common::{DEMO, Lab, TENANT};
use futures_util::{StreamExt as _, stream};

const TABLE: &str = include_str!("../../src/directory/first_party_resources.txt");
/// `api://AzureADTokenExchange` expects v2.0 tokens, whose `aud` is its client id.
const TOKEN_EXCHANGE: &str = "fb60f99c-7a34-4190-8149-302f77469936";

/// Each name as a client may write it, with the `aud` of its token.
fn names() -> Vec<(String, String)> {
    let lines = TABLE.lines().filter(|line| line.contains(" | "));
    let mut all = Vec::new();
    for line in lines.filter(|line| !line.starts_with('#')) {
        let mut columns = line.split('|').map(str::trim);
        let id = columns.next().unwrap();
        let names = columns.nth(1).unwrap();
        let mut add = |name: String| {
            let aud = if id == TOKEN_EXCHANGE {
                id.to_owned()
            } else {
                name.clone()
            };
            all.push((name, aud));
        };
        if id != "-" {
            add(id.to_owned());
        }
        for name in names.split_ascii_whitespace() {
            let name = name.replace('*', "contoso.westeurope");
            add(format!("{name}/"));
            add(name);
        }
    }
    all
}

#[tokio::test]
async fn every_first_party_resource_gets_a_token_by_each_of_its_names() {
    let lab = Lab::start().await;
    let secret = lab.identity("azcred-demo").secret.clone().unwrap();
    let names = names();
    assert!(names.len() > 200, "{}", names.len());
    let check = |(name, aud): (String, String)| {
        let (lab, secret) = (&lab, secret.as_str());
        async move {
            let scope = format!("{name}/.default");
            let as_demo = [("client_id", DEMO), ("client_secret", secret)];
            let mut v2 = as_demo.to_vec();
            v2.push(("scope", &scope));
            let v2 = lab.request_token(&v2).await;
            assert_eq!(v2.status, 200, "{name}: {v2:?}");
            assert_eq!(v2.claims()["aud"], aud, "{name}");
            let mut v1 = as_demo.to_vec();
            v1.extend([("grant_type", "client_credentials"), ("resource", &name)]);
            let v1 = lab.post(&format!("/{TENANT}/oauth2/token"), &v1).await;
            assert_eq!(v1.status, 200, "{name}: {v1:?}");
            assert_eq!(v1.claims()["aud"], aud, "{name}");
            let version = if aud == TOKEN_EXCHANGE { "2.0" } else { "1.0" };
            assert_eq!(v1.claims()["ver"], version, "{name}");
        }
    };
    stream::iter(names).for_each_concurrent(8, check).await;
}

#[tokio::test]
async fn a_name_of_no_resource_is_refused() {
    let lab = Lab::start().await;
    let secret = lab.identity("azcred-demo").secret.clone().unwrap();
    for name in [
        "https://vault.azure.example",
        "https://a.vault.azure.net.example.com",
        "2ff814a6-3304-4ab8-85cb-cd0e6f879c1e",
        "-",
    ] {
        let scope = format!("{name}/.default");
        let refused = lab
            .request_token(&[
                ("client_id", DEMO),
                ("client_secret", &secret),
                ("scope", &scope),
            ])
            .await;
        assert_eq!(refused.code(), 500_011, "{name}: {refused:?}");
    }
}
