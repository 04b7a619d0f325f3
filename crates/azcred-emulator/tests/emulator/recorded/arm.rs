//! Azure Resource Manager: `interop/recorded/arm.jsonl`.

use super::{compare, hold};
use crate::common::{Lab, Reply, TENANT, hosts::ADA, people::AZURE_CLI, read};
use azcred_recorded::{ARM, Difference, differences, filled, placeholders};
use reqwest::Method;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use uuid::Uuid;

/// Lines that this test does not hold against the emulator yet. Only lower this.
const NOT_HELD: usize = 2;

const SUBSCRIPTION: &str = "5ec0ffee-0001-4000-8000-000000000001";
const GROUP: &str = "rg-contoso-ml";
/// The application azcred-noroles, and an identity that no host has.
const NO_ROLES: &str = "d0000001-0000-4000-8000-000000000005";
const SPARE: &str = "d0000001-0000-4000-8000-000000000103";
const READER: &str = "acdd72a7-3385-48ef-bd42-f606fba81ae7";
/// The correlation id of every request, as Azure Developer CLI writes it.
const CORRELATION: &str = "0123456789abcdef0123456789abcdef";

/// Ada, who owns the subscription, sends the requests.
struct Scene {
    lab: Lab,
    token: String,
}

impl Scene {
    async fn start() -> Self {
        let lab = Lab::start().await;
        let password = lab.emulator.info().users[0].password.clone();
        let form = [
            ("client_id", AZURE_CLI),
            ("grant_type", "password"),
            ("username", "ada@contoso.com"),
            ("password", &password.unwrap_or_default()),
            ("scope", "https://management.azure.com/.default"),
        ];
        let answer = lab
            .post(&format!("/{TENANT}/oauth2/v2.0/token"), &form)
            .await;
        let token = answer.body["access_token"].as_str();
        let token = token.unwrap_or_else(|| panic!("{answer:?}")).to_owned();
        Self { lab, token }
    }

    async fn send(&self, method: &str, path: &str, body: &Value) -> Reply {
        let url = format!("{}{path}", self.lab.emulator.info().arm_url);
        let method = method.parse::<Method>().unwrap();
        let mut request = self.lab.client.request(method, url);
        request = request
            .bearer_auth(&self.token)
            .header("x-ms-correlation-request-id", CORRELATION);
        if !body.is_null() {
            request = request.json(body);
        }
        read(request.send().await.unwrap()).await
    }

    /// Makes something, and returns its path without the api-version.
    async fn made(&self, path: String, version: &str, body: Value) -> String {
        let path_and_query = format!("{path}?api-version={version}");
        let answer = self.send("PUT", &path_and_query, &body).await;
        assert!((200..300).contains(&answer.status), "{path}: {answer:?}");
        path
    }

    /// The name of a role assignment in the group that was made now.
    async fn assignment(&self, principal: &str, more: &[(&str, &str)]) -> String {
        let name = Uuid::new_v4().to_string();
        let subscription = format!("/subscriptions/{SUBSCRIPTION}");
        let roles = format!("{subscription}/providers/Microsoft.Authorization/roleDefinitions");
        let role = self.value_of("custom role").await.unwrap();
        let mut properties = json!({
            "roleDefinitionId": format!("{roles}/{role}"),
            "principalId": principal,
        });
        for (name, value) in more {
            properties[name] = json!(value);
        }
        let path = format!(
            "{subscription}/resourceGroups/{GROUP}/providers/Microsoft.Authorization/roleAssignments/{name}"
        );
        self.made(path, "2022-04-01", json!({"properties": properties}))
            .await;
        name
    }

    async fn group(&self, tags: Value) -> String {
        let name = format!("new-{}", Uuid::new_v4());
        let path = format!("/subscriptions/{SUBSCRIPTION}/resourceGroups/{name}");
        let body = json!({"location": "westeurope", "tags": tags});
        self.made(path, "2021-04-01", body).await;
        name
    }

    /// What a `<…>` of a request stands for. Something that has to exist is made. `None` if this
    /// test does not know it.
    async fn value_of(&self, name: &str) -> Option<String> {
        let new = Uuid::new_v4().to_string();
        Some(match name {
            "sub" => SUBSCRIPTION.into(),
            "rg" => GROUP.into(),
            "new id" | "unknown id" => new,
            // A name that any resource may have, also a storage account.
            "new name" => format!("new{}", &new.replace('-', "")[..20]),
            "name" | "text" | "the condition" => "a text".into(),
            "built-in role" => READER.into(),
            "user" => ADA.into(),
            "service principal" | "principal" => NO_ROLES.into(),
            "assignment" => Box::pin(self.assignment(SPARE, &[])).await,
            "assignment with a condition" => {
                let condition = [
                    ("condition", "@Resource[a] StringEquals 'b'"),
                    ("conditionVersion", "2.0"),
                    ("description", "a text"),
                ];
                Box::pin(self.assignment(ADA, &condition)).await
            }
            "custom role" | "custom role name" => {
                let scope = format!("/subscriptions/{SUBSCRIPTION}");
                let path =
                    format!("{scope}/providers/Microsoft.Authorization/roleDefinitions/{new}");
                let body = json!({"properties": {
                    "roleName": format!("role {new}"),
                    "description": "a text",
                    "permissions": [{"actions": ["*/read"]}],
                    "assignableScopes": [scope],
                }});
                self.made(path, "2022-04-01", body).await;
                match name {
                    "custom role" => new,
                    _ => format!("role {new}"),
                }
            }
            "deny assignment" => {
                let path = format!(
                    "/subscriptions/{SUBSCRIPTION}/providers/Microsoft.Authorization/denyAssignments/{new}"
                );
                let body = json!({"properties": {
                    "denyAssignmentName": "a text",
                    "description": "a text",
                    "permissions": [{"actions": ["Microsoft.Compute/disks/delete"]}],
                    "principals": [{"id": Uuid::nil(), "type": "SystemDefined"}],
                    "excludePrincipals": [{"id": ADA, "type": "User"}],
                }});
                self.made(path, "2024-07-01-preview", body).await;
                new
            }
            "identity" => {
                let path = format!(
                    "/subscriptions/{SUBSCRIPTION}/resourceGroups/{GROUP}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/{new}"
                );
                let body = json!({"location": "westeurope"});
                self.made(path, "2023-01-31", body).await;
                new
            }
            "management group" => {
                let path = format!("/providers/Microsoft.Management/managementGroups/{new}");
                self.made(path, "2021-04-01", json!({})).await;
                new
            }
            "group" => self.group(Value::Null).await,
            "group with tags" => self.group(json!({"k": "v"})).await,
            "job" => {
                let group = self.group(Value::Null).await;
                let path = format!(
                    "/subscriptions/{SUBSCRIPTION}/resourceGroups/{group}?api-version=2021-04-01"
                );
                let answer = self.send("DELETE", &path, &Value::Null).await;
                let location = answer.headers["location"].to_str().unwrap();
                let (_, job) = location.split_once("/operationresults/").unwrap();
                job.split('?').next().unwrap().to_owned()
            }
            _ => return None,
        })
    }

    /// A text of a request with its values.
    async fn filled(&self, text: &str, values: &mut BTreeMap<String, String>) -> Option<String> {
        for name in placeholders(text) {
            if !values.contains_key(name) {
                values.insert(name.to_owned(), self.value_of(name).await?);
            }
        }
        filled(text, |name| values.get(name).cloned())
    }

    /// Brings the emulator into the situation of a line, and sends its request. What differs, or
    /// `None` for an unknown situation.
    async fn differences(&self, line: &Value) -> Option<Vec<Difference>> {
        let request = &line["request"];
        let mut values = BTreeMap::new();
        let text = |name: &str| request[name].as_str().unwrap_or_default();
        self.filled(text("given"), &mut values).await?;
        let path = self.filled(text("path"), &mut values).await?;
        let query = self.filled(text("query"), &mut values).await?;
        let body = self
            .filled(&request["body"].to_string(), &mut values)
            .await?;
        let body = serde_json::from_str(&body).unwrap();
        let path = format!("{path}?{query}");
        let got = self.send(text("method"), &path, &body).await;
        if got.body["error"]["code"] == "NotServedByEmulator" {
            return None;
        }
        // What the request named, the response names.
        let line = values.iter().fold(line.to_string(), |line, (name, value)| {
            line.replace(&format!("<{name}>"), value)
        });
        let line: Value = serde_json::from_str(&line).unwrap();
        let mut all = compare(&got, |got| differences(&line, got));
        // Where the recording has all headers, ours has no other ones of these.
        if line["headers"].get("x-ms-routing-request-id").is_some() {
            let more = got.headers.iter().filter(|(name, _)| {
                let name = name.as_str();
                let is_told = line["headers"].get(name).is_some();
                let is_one = name.starts_with("x-ms-ratelimit-")
                    || ["x-ms-failure-cause", "x-ms-operation-identifier"].contains(&name);
                is_one && !is_told
            });
            all.extend(more.map(|(name, value)| Difference {
                at: name.to_string(),
                real: Value::Null,
                ours: value.to_str().ok().map(Value::from),
            }));
        }
        Some(all)
    }
}

#[tokio::test]
async fn resource_manager_answers_as_recorded() {
    let scene = Scene::start().await;
    // One that `principalId eq` finds.
    scene.assignment(NO_ROLES, &[]).await;
    let own = &scene.lab.emulator.info().arm_url;
    let facts = ARM
        .replace("<Resource Manager>", own)
        .replace("<sent>", CORRELATION);
    hold(&facts, NOT_HELD, async |line| scene.differences(line).await).await;
}
