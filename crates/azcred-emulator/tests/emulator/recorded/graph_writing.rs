//! The lines of `interop/recorded/graph.jsonl` that change the directory: each one's own objects,
//! and its request.

use super::graph::Scene;
use crate::common::{Reply, TENANT, graph::send, hosts::ADA};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use reqwest::Method;
use rustls_pki_types::{CertificateDer, pem::PemObject as _};
use serde_json::{Value, json};
use uuid::Uuid;

const GRACE: &str = "e0000001-0000-4000-8000-000000000002";

/// What was made for a line.
struct Made<'a> {
    scene: &'a Scene,
    /// An application: its object id and client id.
    application: (String, String),
}

/// Sends the request of a line, as the person who changes the directory.
pub(super) async fn answer(scene: &Scene, method: Method, request: &Value) -> Option<Reply> {
    let body = json!({"displayName": format!("made-{}", Uuid::new_v4())});
    let made = scene.change(Method::POST, "/v1.0/applications", body).await;
    let text = |name: &str| made.body[name].as_str().unwrap().to_owned();
    let made = Made {
        scene,
        application: (text("id"), text("appId")),
    };
    let path = made.path(request["path"].as_str()?).await;
    let mut body = request["body"].clone();
    made.fill(&path, "", &mut body).await;
    Some(scene.change(method, &path, body).await)
}

impl Made<'_> {
    /// The path with an object of each kind that it names.
    async fn path(&self, template: &str) -> String {
        let mut path: Vec<String> = Vec::new();
        for segment in template.split('/') {
            let before = path.last().map(String::as_str).unwrap_or_default();
            let id = match (segment, before) {
                ("<id>", "applications") => self.application.0.clone(),
                ("<id>", "servicePrincipals") => self.principal().await,
                ("<id>", "groups") => self.group().await,
                ("<id>", "members") => ADA.to_owned(),
                ("<id>", "users") | ("<upn>", _) => self.user().await,
                ("<id>", "deletedItems") => self.deleted().await,
                ("<federated credential>", _) => self.federated_credential().await,
                (other, _) => other.to_owned(),
            };
            path.push(id);
        }
        path.join("/")
    }

    async fn make(&self, path: &str, body: Value) -> String {
        let made = self.scene.change(Method::POST, path, body).await;
        made.body["id"]
            .as_str()
            .unwrap_or_else(|| panic!("{made:?}"))
            .to_owned()
    }

    async fn principal(&self) -> String {
        let body = json!({"appId": self.application.1});
        self.make("/v1.0/servicePrincipals", body).await
    }

    async fn group(&self) -> String {
        let body = json!({
            "displayName": "made", "mailNickname": "made", "mailEnabled": false, "securityEnabled": true,
            "members@odata.bind": [format!("https://graph.microsoft.com/v1.0/users/{ADA}")],
        });
        self.make("/v1.0/groups", body).await
    }

    async fn user(&self) -> String {
        let body = json!({
            "userPrincipalName": upn(), "displayName": "made", "mailNickname": "made",
            "accountEnabled": true, "passwordProfile": {"password": "Passw0rd!"},
        });
        self.make("/v1.0/users", body).await
    }

    async fn deleted(&self) -> String {
        let path = format!("/v1.0/applications/{}", self.application.0);
        self.scene.change(Method::DELETE, &path, Value::Null).await;
        self.application.0.clone()
    }

    async fn federated_credential(&self) -> String {
        let body = json!({
            "name": "made", "issuer": "https://ci.example", "subject": "main",
            "audiences": ["api://AzureADTokenExchange"],
        });
        let path = format!(
            "/v1.0/applications/{}/federatedIdentityCredentials",
            self.application.0
        );
        self.make(&path, body).await
    }

    /// A secret of the object that a path names.
    async fn secret(&self, path: &str) -> String {
        let object = path.rsplit_once('/').unwrap().0;
        let path = format!("{object}/addPassword");
        let added = self.scene.change(Method::POST, &path, json!({})).await;
        added.body["keyId"].as_str().unwrap().to_owned()
    }

    /// Puts values into a body.
    async fn fill(&self, path: &str, name: &str, body: &mut Value) {
        match body {
            Value::Object(members) => {
                for (name, value) in members {
                    Box::pin(self.fill(path, name, value)).await;
                }
            }
            Value::Array(items) => {
                for item in items {
                    Box::pin(self.fill(path, name, item)).await;
                }
            }
            Value::String(text) if text.starts_with("<one keyCredential") => {
                *body = json!({
                    "key": self.certificate(), "keyId": Uuid::new_v4(), "type": "AsymmetricX509Cert", "usage": "Verify",
                });
            }
            Value::String(text) => {
                let wanted = match name {
                    "appId" => self.application.1.clone(),
                    "key" => self.certificate(),
                    "keyId" if path.ends_with("removePassword") => self.secret(path).await,
                    "keyId" | "serviceManagementReference" => Uuid::new_v4().to_string(),
                    "startDateTime" => "2026-01-01T00:00:00+01:00".to_owned(),
                    "endDateTime" => "2100-01-01T00:00:00Z".to_owned(),
                    "userPrincipalName" => upn(),
                    "password" => "Passw0rd!".to_owned(),
                    "issuer" | "homePageUrl" | "redirectUris" => "https://a.example/x".to_owned(),
                    _ => text.replace("{id}", GRACE).replace(['<', '>'], ""),
                };
                *text = wanted;
            }
            _ => {}
        }
    }

    fn certificate(&self) -> String {
        let pem = self
            .scene
            .lab
            .identity("azcred-certificate")
            .certificate_path
            .clone();
        let der = CertificateDer::from_pem_file(pem.unwrap()).unwrap();
        let text = STANDARD.encode(&der);
        let (first, rest) = text.split_at(64);
        format!("{first}\n{rest}")
    }
}

fn upn() -> String {
    format!("made-{}@contoso.com", Uuid::new_v4())
}

impl Scene {
    async fn change(&self, method: Method, path: &str, body: Value) -> Reply {
        let body = (!body.is_null()).then_some(body);
        send(&self.lab, &self.person, method, path, body).await
    }
}

/// The token of the person who changes the directory.
pub(super) async fn person(lab: &crate::common::Lab) -> String {
    use crate::common::graph::{SCOPE, token};
    token(lab, TENANT, "ada@contoso.com", SCOPE).await
}
