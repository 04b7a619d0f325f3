//! Key Vault over real connections: challenges, rights by roles and by policies, secrets, restarts.

use crate::common::{Lab, Reply, client, read};
use azcred_emulator::{Options, Seed};
use http::Method;
use serde_json::{Value, json};

pub(crate) const HOST: &str = "https://kv-contoso-ml.vault.azure.net";
const VAULT: &str = "/subscriptions/5ec0ffee-0001-4000-8000-000000000001/resourceGroups/rg-contoso-ml/providers/Microsoft.KeyVault/vaults/kv-contoso-ml";
const TENANT: &str = crate::common::TENANT;

/// The default seed, with a role of azcred-demo at the vault.
fn with_role(role: &str) -> String {
    format!(
        "{}\n[[role_assignments]]\nprincipal = 'azcred-demo'\nrole = '{role}'\nscope = '{VAULT}'\n",
        Seed::default_text()
    )
}

/// A client that reaches the vault by its name, as an application.
pub(crate) struct Vault<'a> {
    lab: &'a Lab,
    pub(crate) client: reqwest::Client,
    pub(crate) token: String,
}

impl<'a> Vault<'a> {
    pub(crate) async fn of(lab: &'a Lab, name: &str) -> Self {
        Self::with(lab, name, "https://vault.azure.net/.default").await
    }

    pub(crate) async fn with(lab: &'a Lab, name: &str, scope: &str) -> Self {
        let identity = lab.identity(name);
        let answer = lab
            .request_token(&[
                ("client_id", &identity.client_id.to_string()),
                ("client_secret", identity.secret.as_ref().unwrap()),
                ("scope", scope),
            ])
            .await;
        let token = answer.body["access_token"].as_str().unwrap().to_owned();
        let proxy = reqwest::Proxy::all(&lab.emulator.info().proxy_url).unwrap();
        let client = client(&lab.emulator).proxy(proxy).build().unwrap();
        Self { lab, client, token }
    }

    async fn send(&self, method: Method, path: &str, body: Option<Value>) -> Reply {
        let separator = if path.contains('?') { '&' } else { '?' };
        let url = format!("{HOST}{path}{separator}api-version=7.4");
        let mut request = self.client.request(method, url).bearer_auth(&self.token);
        if let Some(body) = body {
            request = request.json(&body);
        }
        read(request.send().await.unwrap()).await
    }

    async fn get(&self, path: &str) -> Reply {
        self.send(Method::GET, path, None).await
    }

    pub(crate) async fn set(&self, name: &str, value: &str) -> Reply {
        let body = json!({"value": value});
        self.send(Method::PUT, &format!("/secrets/{name}"), Some(body))
            .await
    }

    /// Changes properties of the vault, as the azcred-contributor.
    async fn change(&self, properties: Value) {
        let token = self.lab.request_token_as("azcred-contributor").await.body;
        let url = format!(
            "{}{VAULT}?api-version=2023-07-01",
            self.lab.emulator.info().arm_url
        );
        let request = self.lab.client.patch(url);
        let request = request.bearer_auth(token["access_token"].as_str().unwrap());
        let done = request.json(&json!({"properties": properties})).send();
        assert_eq!(done.await.unwrap().status(), 200);
    }
}

fn code(reply: &Reply) -> (u16, &str, &str) {
    let error = &reply.body["error"];
    (
        reply.status,
        error["code"].as_str().unwrap_or_default(),
        error["innererror"]["code"].as_str().unwrap_or_default(),
    )
}

#[tokio::test]
async fn a_request_without_a_token_is_told_where_to_get_one() {
    let lab = Lab::start().await;
    let vault = Vault::of(&lab, "azcred-demo").await;
    let url = format!("{HOST}/secrets?api-version=7.4");
    let reply = read(vault.client.get(url).send().await.unwrap()).await;
    assert_eq!(reply.status, 401);
    let challenge = reply.headers["www-authenticate"].to_str().unwrap();
    let expected = format!(
        "Bearer authorization=\"https://login.microsoftonline.com/{TENANT}\", resource=\"https://vault.azure.net\""
    );
    assert_eq!(challenge, expected);
    let message = "AKV10000: Request is missing a Bearer, PoP, or MTLS_POP token.";
    let error = json!({"error": {"code": "Unauthorized", "message": message}});
    assert_eq!(reply.body, error);

    // A client that came by a port stays there.
    let base = &lab.emulator.info().vault_url;
    let url = format!("{base}/kv-contoso-ml/secrets?api-version=7.4");
    let reply = read(lab.client.get(url).send().await.unwrap()).await;
    let challenge = reply.headers["www-authenticate"].to_str().unwrap();
    let login = &lab.emulator.info().login_url;
    assert!(
        challenge.contains(&format!("\"{login}/{TENANT}\"")),
        "{challenge}"
    );

    let arm = Vault::with(&lab, "azcred-demo", "https://management.azure.com/.default").await;
    let reply = arm.get("/secrets").await;
    assert_eq!(code(&reply), (401, "Unauthorized", ""));
    let message = reply.body["error"]["message"].as_str().unwrap();
    assert!(
        message.starts_with("AKV10022: Invalid audience."),
        "{message}"
    );
    let nowhere = vault
        .client
        .get("https://kv-none.vault.azure.net/secrets?api-version=7.4");
    assert_eq!(nowhere.send().await.unwrap().status(), 404);
    lab.emulator.shutdown().await;
}

#[tokio::test]
async fn each_role_may_do_what_its_data_actions_say() {
    for (role, list, get, set, delete) in [
        ("Key Vault Secrets User", 200, 200, 403, 403),
        ("Key Vault Reader", 200, 403, 403, 403),
        ("Key Vault Secrets Officer", 200, 200, 200, 200),
        ("Key Vault Administrator", 200, 200, 200, 200),
        ("Key Vault Contributor", 403, 403, 403, 403),
        ("Owner", 403, 403, 403, 403),
    ] {
        let lab = Lab::seeded(&format!(
            "{}\n[[role_assignments]]\nprincipal = 'azcred-contributor'\nrole = 'Key Vault Secrets Officer'\nscope = '{VAULT}'\n",
            with_role(role)
        ))
        .await;
        let officer = Vault::of(&lab, "azcred-contributor").await;
        assert_eq!(officer.set("db-password", "a value").await.status, 200);
        let vault = Vault::of(&lab, "azcred-demo").await;
        assert_eq!(vault.get("/secrets").await.status, list, "{role}");
        assert_eq!(
            vault.get("/secrets/db-password").await.status,
            get,
            "{role}"
        );
        assert_eq!(vault.set("other", "x").await.status, set, "{role}");
        let deleted = vault
            .send(Method::DELETE, "/secrets/db-password", None)
            .await;
        assert_eq!(deleted.status, delete, "{role}");
        lab.emulator.shutdown().await;
    }
}

#[tokio::test]
async fn a_refusal_names_the_caller_and_the_action() {
    let lab = Lab::start().await;
    let vault = Vault::of(&lab, "azcred-demo").await;
    let identity = lab.identity("azcred-demo");
    let caller = format!(
        "appid={};oid={};iss=https://sts.windows.net/{TENANT}/",
        identity.client_id,
        identity.object_id.unwrap()
    );
    // A caller without the right does not learn what exists.
    let reply = vault.get("/secrets/db-password").await;
    assert_eq!(code(&reply), (403, "Forbidden", "ForbiddenByRbac"));
    let resource = format!("{}/secrets/db-password", VAULT.to_lowercase());
    let message = format!(
        "Caller is not authorized to perform action on resource.\r\nIf role assignments, deny assignments or role \
         definitions were changed recently, please observe propagation time.\r\nCaller: {caller}\r\nAction: \
         'Microsoft.KeyVault/vaults/secrets/getSecret/action'\r\nResource: '{resource}'\r\nAssignment: (not \
         found)\r\nDenyAssignmentId: null\r\nDecisionReason: 'DeniedWithNoValidRBAC' \r\nVault: \
         kv-contoso-ml;location=westeurope\r\n"
    );
    assert_eq!(reply.body["error"]["message"], message);

    vault
        .change(json!({"enableRbacAuthorization": false}))
        .await;
    let reply = vault.get("/secrets").await;
    assert_eq!(code(&reply), (403, "Forbidden", "AccessDenied"));
    let message = reply.body["error"]["message"].as_str().unwrap();
    let expected = format!(
        "The user, group or application '{caller}' does not have secrets list permission on key vault \
         'kv-contoso-ml;location=westeurope'."
    );
    assert!(message.starts_with(&expected), "{message}");

    let policy = json!({
        "tenantId": TENANT,
        "objectId": identity.object_id,
        "permissions": {"secrets": ["List", "set"]},
    });
    vault.change(json!({"accessPolicies": [policy]})).await;
    assert_eq!(vault.get("/secrets").await.status, 200);
    assert_eq!(vault.set("a", "x").await.status, 200);
    assert_eq!(code(&vault.get("/secrets/a").await).2, "AccessDenied");

    vault
        .change(json!({"networkAcls": {"defaultAction": "Deny", "ipRules": []}}))
        .await;
    let reply = vault.get("/secrets").await;
    assert_eq!(code(&reply), (403, "Forbidden", "ForbiddenByFirewall"));
    vault
        .change(json!({"publicNetworkAccess": "Disabled"}))
        .await;
    let reply = vault.get("/secrets").await;
    assert_eq!(code(&reply), (403, "Forbidden", "ForbiddenByConnection"));
    lab.emulator.shutdown().await;
}

#[tokio::test]
async fn a_secret_has_versions_and_can_be_recovered_until_it_is_purged() {
    let lab = Lab::seeded(&with_role("Key Vault Administrator")).await;
    let vault = Vault::of(&lab, "azcred-demo").await;
    let reply = vault.get("/secrets/db-password").await;
    assert_eq!(code(&reply), (404, "SecretNotFound", ""));
    let first = vault.set("db-password", "one").await;
    let id = first.body["id"].as_str().unwrap();
    let version = id
        .strip_prefix(&format!("{HOST}/secrets/db-password/"))
        .unwrap();
    assert_eq!(version.len(), 32);
    vault.set("DB-password", "two").await;
    let get = async |path: &str| {
        vault.get(path).await.body["value"]
            .as_str()
            .map(str::to_owned)
    };
    assert_eq!(get("/secrets/db-password").await.as_deref(), Some("two"));
    assert_eq!(get("/secrets/db-password/").await.as_deref(), Some("two"));
    let old = format!("/secrets/db-password/{version}");
    assert_eq!(get(&old).await.as_deref(), Some("one"));
    let versions = vault.get("/secrets/db-password/versions").await;
    assert_eq!(versions.body["value"].as_array().unwrap().len(), 2);

    let off =
        json!({"attributes": {"enabled": false}, "tags": {"a": "b"}, "contentType": "text/plain"});
    let changed = vault.send(Method::PATCH, &old, Some(off)).await;
    assert_eq!(changed.status, 200);
    assert_eq!(changed.body["value"], Value::Null);
    assert_eq!(
        code(&vault.get(&old).await),
        (403, "Forbidden", "SecretDisabled")
    );

    let gone = vault
        .send(Method::DELETE, "/secrets/db-password", None)
        .await;
    assert_eq!(
        gone.body["recoveryId"],
        format!("{HOST}/deletedsecrets/db-password")
    );
    let day = 24 * 60 * 60;
    let until = gone.body["deletedDate"].as_i64().unwrap() + 90 * day;
    assert_eq!(gone.body["scheduledPurgeDate"], until);
    assert_eq!(vault.get("/secrets/db-password").await.status, 404);
    let again = vault.set("db-password", "three").await;
    assert_eq!(
        code(&again),
        (409, "Conflict", "ObjectIsDeletedButRecoverable")
    );
    assert_eq!(
        vault.get("/deletedsecrets").await.body["value"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
    let back = vault
        .send(Method::POST, "/deletedsecrets/db-password/recover", None)
        .await;
    assert_eq!(back.status, 200);
    assert_eq!(get("/secrets/db-password").await.as_deref(), Some("two"));
    vault
        .send(Method::DELETE, "/secrets/db-password", None)
        .await;
    let purged = vault
        .send(Method::DELETE, "/deletedsecrets/db-password", None)
        .await;
    assert_eq!(purged.status, 204);
    let reply = vault.get("/deletedsecrets/db-password").await;
    assert_eq!(
        reply.body["error"]["message"],
        "Deleted Secret not found: db-password"
    );
    lab.emulator.shutdown().await;
}

#[tokio::test]
async fn a_list_comes_in_pages_and_other_requests_are_not_served() {
    let lab = Lab::seeded(&with_role("Key Vault Administrator")).await;
    let vault = Vault::of(&lab, "azcred-demo").await;
    for at in 0..30 {
        assert_eq!(vault.set(&format!("s{at:02}"), "x").await.status, 200);
    }
    let mut seen = Vec::new();
    let mut path = "/secrets?maxresults=7".to_owned();
    loop {
        let page = vault.get(&path).await.body;
        let names = page["value"].as_array().unwrap();
        assert!(names.len() <= 7 && names.iter().all(|one| one["value"].is_null()));
        seen.extend(
            names
                .iter()
                .map(|one| one["id"].as_str().unwrap().to_owned()),
        );
        let Some(next) = page["nextLink"].as_str() else {
            break;
        };
        path = next
            .strip_prefix(HOST)
            .unwrap()
            .replace("api-version=7.4&", "");
    }
    let all: Vec<_> = (0..30)
        .map(|at| format!("{HOST}/secrets/s{at:02}"))
        .collect();
    assert_eq!(seen, all);
    assert_eq!(
        vault.get("/secrets").await.body["value"]
            .as_array()
            .unwrap()
            .len(),
        25
    );
    for (path, status) in [
        ("/keys", 501),
        ("/certificates/a", 501),
        ("/", 501),
        ("/secrets/a_b", 400),
        ("/secrets?maxresults=26", 400),
        ("/secrets/none", 404),
    ] {
        assert_eq!(vault.get(path).await.status, status, "{path}");
    }
    let body = json!({"value": 7});
    let bad = vault.send(Method::PUT, "/secrets/a", Some(body)).await;
    assert_eq!(code(&bad), (400, "BadParameter", ""));
    for version in ["", "?api-version=1.0", "?api-version=9999-01-01"] {
        let request = vault.client.get(format!("{HOST}/secrets{version}"));
        let reply = request.bearer_auth(&vault.token).send().await.unwrap();
        assert_eq!(reply.status(), 400, "{version}");
    }
    lab.emulator.shutdown().await;
}

#[tokio::test]
async fn secrets_are_there_after_a_restart_and_go_with_their_vault() {
    let folder = tempfile::tempdir().unwrap();
    let options = || Options {
        state_dir: Some(folder.path().join("state")),
        seed: Seed::Text {
            name: "test".into(),
            text: with_role("Key Vault Administrator"),
        },
        ..Options::default()
    };
    let lab = Lab::with(options()).await;
    Vault::of(&lab, "azcred-demo")
        .await
        .set("kept", "a value")
        .await;
    lab.emulator.shutdown().await;
    let lab = Lab::with(options()).await;
    let vault = Vault::of(&lab, "azcred-demo").await;
    assert_eq!(vault.get("/secrets/kept").await.body["value"], "a value");

    let token = lab.request_token_as("azcred-contributor").await.body;
    let url = format!(
        "{}{VAULT}?api-version=2023-07-01",
        lab.emulator.info().arm_url
    );
    let bearer = token["access_token"].as_str().unwrap();
    let found = lab
        .client
        .get(&url)
        .bearer_auth(bearer)
        .send()
        .await
        .unwrap();
    let found = read(found).await.body;
    assert_eq!(found["properties"]["enableRbacAuthorization"], true);
    assert_eq!(found["properties"]["tenantId"], TENANT);
    let by_port = format!("{}/kv-contoso-ml/", lab.emulator.info().vault_url);
    assert_eq!(found["properties"]["vaultUri"], by_port);
    let gone = lab
        .client
        .delete(&url)
        .bearer_auth(bearer)
        .send()
        .await
        .unwrap();
    assert_eq!(gone.status(), 200);
    assert_eq!(vault.get("/secrets/kept").await.status, 404);
    let left = std::fs::read_dir(folder.path().join("state")).unwrap();
    let left = left.map(|one| one.unwrap().path());
    let vaults: Vec<_> = left
        .filter(|one| {
            one.file_name()
                .unwrap()
                .to_str()
                .unwrap()
                .starts_with("vaults-")
        })
        .collect();
    assert_eq!(vaults.len(), 1);
    assert_eq!(std::fs::read_dir(&vaults[0]).unwrap().count(), 0);
    lab.emulator.shutdown().await;
}

#[tokio::test]
async fn resource_manager_makes_and_changes_vaults_and_registries() {
    let lab = Lab::start().await;
    let token = lab.request_token_as("azcred-contributor").await.body;
    let bearer = token["access_token"].as_str().unwrap();
    let (group, _) = VAULT.split_once("/providers").unwrap();
    let put = async |kind: &str, name: &str, properties: Value| {
        let base = &lab.emulator.info().arm_url;
        let url = format!("{base}{group}/providers/{kind}/{name}?api-version=2023-07-01");
        let body =
            json!({"location": "westeurope", "sku": {"name": "Premium"}, "properties": properties});
        let request = lab.client.put(url).bearer_auth(bearer).json(&body);
        read(request.send().await.unwrap()).await
    };
    let (vaults, registries) = (
        "Microsoft.KeyVault/vaults",
        "Microsoft.ContainerRegistry/registries",
    );
    let made = put(vaults, "kv-new", json!({"enableRbacAuthorization": false})).await;
    assert_eq!(made.status, 200);
    assert_eq!(made.body["properties"]["enableRbacAuthorization"], false);
    assert_eq!(made.body["properties"]["provisioningState"], "Succeeded");
    // A property that is null has its first value again.
    let changed = put(vaults, "kv-new", json!({"enableRbacAuthorization": null})).await;
    assert_eq!(changed.body["properties"]["enableRbacAuthorization"], true);
    let made = put(registries, "crnew", json!({"adminUserEnabled": false})).await;
    assert_eq!(made.body["properties"]["loginServer"], "crnew.azurecr.io");
    assert_eq!(
        made.body["sku"],
        json!({"name": "Premium", "tier": "Premium"})
    );
    for (kind, name, code) in [
        (vaults, "kv--new", "VaultNameNotValid"),
        (vaults, "1kv", "VaultNameNotValid"),
        (registries, "cr-new", "RegistryNameInvalid"),
    ] {
        let refused = put(kind, name, json!({})).await;
        assert_eq!(
            (refused.status, &refused.body["error"]["code"]),
            (400, &json!(code))
        );
    }
    lab.emulator.shutdown().await;
}
