//! What is created is not seen everywhere at once, if a test wants it so.

use crate::common::{
    Lab, Reply, TENANT,
    graph::{SCOPE, each, error, get, send, token},
    read,
};
use azcred_emulator::{
    faults::{Effect, Fault},
    service::Service,
};
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

const WORKSPACE: &str = "/subscriptions/5ec0ffee-0001-4000-8000-000000000001/resourceGroups/rg-contoso-ml/providers/Microsoft.MachineLearningServices/workspaces/ws-contoso-ml";
const READER: &str =
    "/providers/Microsoft.Authorization/roleDefinitions/acdd72a7-3385-48ef-bd42-f606fba81ae7";
const ARM: &str = "https://management.azure.com/.default";

/// A lab with Ada's tokens for Graph and for Resource Manager.
struct Scene {
    lab: Lab,
    graph: String,
    arm: String,
}

impl Scene {
    async fn start() -> Self {
        let lab = Lab::start().await;
        Self {
            graph: token(&lab, TENANT, "ada@contoso.com", SCOPE).await,
            arm: token(&lab, TENANT, "ada@contoso.com", ARM).await,
            lab,
        }
    }

    fn delay(&self, service: Service, reads: u32) {
        let milliseconds = 0;
        let effect = Effect::ReplicationDelay {
            reads,
            milliseconds,
        };
        let fault = Fault::new(effect).on(service);
        self.lab.emulator.faults().arm(fault).unwrap();
    }

    async fn post(&self, path: &str, body: Value) -> Reply {
        send(&self.lab, &self.graph, Method::POST, path, Some(body)).await
    }

    async fn get(&self, path: &str) -> Reply {
        get(&self.lab, &self.graph, path).await
    }

    /// A new application: its object id and client id.
    async fn application(&self) -> (String, String) {
        let body = json!({"displayName": "new"});
        let made = self.post("/v1.0/applications", body).await;
        assert_eq!(made.status, 201, "{made:?}");
        let text = |name: &str| made.body[name].as_str().unwrap().to_owned();
        (text("id"), text("appId"))
    }

    /// The object id of a new service principal.
    async fn principal(&self, app_id: &str) -> String {
        let body = json!({ "appId": app_id });
        let made = self.post("/v1.0/servicePrincipals", body).await;
        assert_eq!(made.status, 201, "{made:?}");
        made.body["id"].as_str().unwrap().to_owned()
    }

    async fn secret(&self, application: &str) -> String {
        let path = format!("/v1.0/applications/{application}/addPassword");
        let added = self.post(&path, json!({})).await;
        added.body["secretText"].as_str().unwrap().to_owned()
    }

    async fn assign(&self, principal: &str, kind: Option<&str>) -> Reply {
        let url = format!(
            "{}{WORKSPACE}/providers/Microsoft.Authorization/roleAssignments/{}?api-version=2022-04-01",
            self.lab.emulator.info().arm_url,
            Uuid::new_v4()
        );
        let body = json!({"properties": {
            "roleDefinitionId": READER, "principalId": principal, "principalType": kind,
        }});
        let sent = self.lab.client.put(url).bearer_auth(&self.arm).json(&body);
        read(sent.send().await.unwrap()).await
    }
}

#[tokio::test]
async fn graph_misses_a_new_object_as_often_as_was_said() {
    let scene = Scene::start().await;
    scene.delay(Service::Graph, 2);
    let (id, _) = scene.application().await;
    let add = format!("/v1.0/applications/{id}/addPassword");
    let early = scene.post(&add, json!({})).await;
    assert_eq!(error(&early).1, "Request_ResourceNotFound");
    let path = "/v1.0/applications?$filter=displayName eq 'new'";
    assert!(each(&scene.get(path).await, "id").is_empty());
    assert_eq!(scene.post(&add, json!({})).await.status, 200);

    let (_, app_id) = scene.application().await;
    let body = json!({ "appId": app_id });
    for _ in 0..2 {
        let early = scene.post("/v1.0/servicePrincipals", body.clone()).await;
        assert!(
            error(&early).2.contains(" does not reference "),
            "{early:?}"
        );
    }
    let principal = scene.principal(&app_id).await;
    let path = format!("/v1.0/servicePrincipals/{principal}");
    assert_eq!(scene.get(&path).await.status, 404);
    // Without the fault, everything is seen.
    scene.lab.emulator.faults().clear();
    assert_eq!(scene.get(&path).await.status, 200);
}

#[tokio::test]
async fn a_sign_in_looks_for_all_that_is_new_at_once() {
    let scene = Scene::start().await;
    scene.delay(Service::Login, 1);
    let (id, app_id) = scene.application().await;
    scene.principal(&app_id).await;
    let sign_in = async |secret: &str| {
        let credentials = [("client_id", app_id.as_str()), ("client_secret", secret)];
        scene.lab.request_token(&credentials).await
    };
    let secret = scene.secret(&id).await;
    assert_eq!(sign_in(&secret).await.code(), 700_016);
    assert_eq!(sign_in(&secret).await.status, 200);
    let secret = scene.secret(&id).await;
    assert_eq!(sign_in(&secret).await.code(), 7_000_215);
    assert_eq!(sign_in(&secret).await.status, 200);

    let list = format!("/v1.0/applications/{id}/federatedIdentityCredentials");
    let audience = "api://AzureADTokenExchange";
    let body = json!({
        "name": "ci", "issuer": "https://ci.example", "subject": "main", "audiences": [audience],
    });
    assert_eq!(scene.post(&list, body).await.status, 201);
    let world = scene.lab.emulator.world();
    let token = azcred_emulator::issuer::mint(world, "https://ci.example", "main", audience, 60);
    let token = token.unwrap();
    let exchange = async || scene.lab.request_by_assertion(&app_id, &token).await;
    assert_eq!(exchange().await.code(), 70025);
    assert_eq!(exchange().await.status, 200);
}

#[tokio::test]
async fn resource_manager_misses_a_new_principal_and_a_new_role() {
    let scene = Scene::start().await;
    scene.delay(Service::Arm, 1);
    let (id, app_id) = scene.application().await;
    let principal = scene.principal(&app_id).await;
    let secret = scene.secret(&id).await;
    let credentials = [("client_id", app_id.as_str()), ("client_secret", &secret)];
    let signed_in = scene.lab.request_token(&credentials).await;
    let token = signed_in.body["access_token"].as_str().unwrap();
    let url = format!("{}{WORKSPACE}", scene.lab.emulator.info().arm_url);
    let reads = async || {
        let sent = scene
            .lab
            .client
            .get(format!("{url}?api-version=2024-10-01"));
        sent.bearer_auth(token)
            .send()
            .await
            .unwrap()
            .status()
            .as_u16()
    };
    assert_eq!(reads().await, 401);
    assert_eq!(reads().await, 403);
    let early = scene.assign(&principal, None).await;
    let code = &early.body["error"]["code"];
    assert_eq!(code, "PrincipalNotFound", "{early:?}");
    assert_eq!(scene.assign(&principal, None).await.status, 201);
    assert_eq!(reads().await, 403);
    assert_eq!(reads().await, 200);
}

#[tokio::test]
async fn a_client_that_names_the_principals_type_does_not_wait_for_it() {
    let scene = Scene::start().await;
    scene.delay(Service::Arm, 9);
    let (_, app_id) = scene.application().await;
    let principal = scene.principal(&app_id).await;
    let made = scene.assign(&principal, Some("ServicePrincipal")).await;
    assert_eq!(made.status, 201, "{made:?}");
}
