//! Azure Resource Manager: `interop/recorded/arm.jsonl`.

use super::{compare, hold};
use crate::common::{Lab, Reply, TENANT, hosts::ADA, people::AZURE_CLI, read};
use azcred_recorded::{ARM, Difference, differences};
use reqwest::Method;
use serde_json::Value;
use std::collections::BTreeMap;
use uuid::Uuid;

/// Lines that this test does not hold against the emulator yet. Only lower this.
const NOT_HELD: usize = 0;

const SUBSCRIPTION: &str = "5ec0ffee-0001-4000-8000-000000000001";
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

    /// What a `<…>` of a request stands for. Something that has to exist is made. `None` if this
    /// test does not know it.
    async fn value(&self, name: &str) -> Option<String> {
        let new = Uuid::new_v4().to_string();
        Some(match name {
            "sub" => SUBSCRIPTION.into(),
            "rg" => "rg-contoso-ml".into(),
            "new id" => new,
            "new name" => format!("new-{new}"),
            "built-in role" => READER.into(),
            "user" => ADA.into(),
            _ => return None,
        })
    }

    /// A text of a request with its values.
    async fn filled(&self, text: &str, values: &mut BTreeMap<String, String>) -> Option<String> {
        let mut filled = String::new();
        let mut rest = text;
        while let Some((before, from)) = rest.split_once('<') {
            let (name, after) = from.split_once('>')?;
            if !values.contains_key(name) {
                values.insert(name.to_owned(), self.value(name).await?);
            }
            filled.push_str(before);
            filled.push_str(&values[name]);
            rest = after;
        }
        Some(filled + rest)
    }

    /// Brings the emulator into the situation of a line, and sends its request.
    async fn answer(&self, request: &Value) -> Option<Reply> {
        let mut values = BTreeMap::new();
        let text = |name: &str| request[name].as_str().unwrap_or_default();
        let path = self.filled(text("path"), &mut values).await?;
        let query = self.filled(text("query"), &mut values).await?;
        let body = self
            .filled(&request["body"].to_string(), &mut values)
            .await?;
        let body = serde_json::from_str(&body).unwrap();
        let path = format!("{path}?{query}");
        Some(self.send(text("method"), &path, &body).await)
    }
}

#[tokio::test]
async fn resource_manager_answers_as_recorded() {
    let scene = Scene::start().await;
    let own = &scene.lab.emulator.info().arm_url;
    let facts = ARM
        .replace("<Resource Manager>", own)
        .replace("<sent>", CORRELATION);
    hold(&facts, NOT_HELD, async |line| {
        let got = scene.answer(&line["request"]).await?;
        let mut all = compare(&got, |got| differences(line, got));
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
    })
    .await;
}
