//! Key Vault and Container Registry: `interop/recorded/vault.jsonl` and `registry.jsonl`.

use super::{compare, hold};
use crate::{
    common::{Lab, Reply, read},
    container_registry::{DOCKER_MANIFEST, Registry, manifest},
    key_vault::Vault,
};
use azcred_emulator::Seed;
use azcred_recorded::{REGISTRY, VAULT, differences};
use reqwest::Method;
use serde_json::Value;

const GROUP: &str =
    "/subscriptions/5ec0ffee-0001-4000-8000-000000000001/resourceGroups/rg-contoso-ml";

/// azcred-demo may do everything with the secrets and with the images.
async fn lab() -> Lab {
    let role = |name: &str, resource: &str| {
        format!(
            "\n[[role_assignments]]\nprincipal = 'azcred-demo'\nrole = '{name}'\nscope = '{GROUP}/providers/{resource}'\n"
        )
    };
    let secrets = role(
        "Key Vault Administrator",
        "Microsoft.KeyVault/vaults/kv-contoso-ml",
    );
    let images = role(
        "Contributor",
        "Microsoft.ContainerRegistry/registries/crcontosoml",
    );
    Lab::seeded(&format!("{}{secrets}{images}", Seed::default_text())).await
}

fn text<'a>(line: &'a Value, name: &str) -> Option<&'a str> {
    line["request"][name].as_str()
}

#[tokio::test]
async fn key_vault_answers_as_recorded() {
    let lab = lab().await;
    let vault = Vault::of(&lab, "azcred-demo").await;
    vault.set("known-secret", "a value").await;
    hold(VAULT, 0, async |line| {
        let (name, scope) = match text(line, "token") {
            None => ("azcred-demo", None),
            Some("no role") => ("azcred-noroles", Some("https://vault.azure.net/.default")),
            Some(scope) => ("azcred-demo", Some(scope)),
        };
        let scoped = scope.unwrap_or("https://vault.azure.net/.default");
        let caller = Vault::with(&lab, name, scoped).await;
        let method: Method = text(line, "method").unwrap().parse().unwrap();
        let url = format!("{}{}", crate::key_vault::HOST, text(line, "path").unwrap());
        let mut request = caller.client.request(method, url);
        if scope.is_some() {
            request = request.bearer_auth(&caller.token);
        }
        if let Some(body) = line["request"].get("body") {
            request = request.json(body);
        }
        let got: Reply = read(request.send().await.unwrap()).await;
        Some(compare(&got, |answer| differences(line, answer)))
    })
    .await;
    lab.emulator.shutdown().await;
}

#[tokio::test]
async fn container_registry_answers_as_recorded() {
    let lab = lab().await;
    let registry = Registry::of(&lab, "azcred-demo").await;
    let name = "library/hello-world";
    let config = registry.push_blob(name, b"{}").await;
    let layer = registry.push_blob(name, b"a layer").await;
    let image =
        manifest(&config, &layer).replace(crate::container_registry::MANIFEST, DOCKER_MANIFEST);
    let put = registry.put_manifest(name, "latest", &image).await;
    assert_eq!(put.status(), 201);
    hold(REGISTRY, 0, async |line| {
        let token = text(line, "token");
        if token == Some("behind a firewall") {
            registry.close(&lab).await;
        }
        let method: Method = text(line, "method").unwrap().parse().unwrap();
        let path = text(line, "path").unwrap();
        let got = match token {
            Some(scope) if scope.contains(':') => registry.send(scope, method, path, "").await,
            _ => {
                let url = format!("{}{path}", crate::container_registry::HOST);
                let request = registry.client.request(method, url);
                request.send().await.unwrap()
            }
        };
        let got = read(got).await;
        Some(compare(&got, |answer| differences(line, answer)))
    })
    .await;
    lab.emulator.shutdown().await;
}
