//! Microsoft Graph: `interop/recorded/graph.jsonl`.

use super::{compare, graph_writing, hold};
use crate::common::{
    Lab, Reply, TENANT,
    graph::{app_token, get},
    read,
};
use azcred_emulator::directory::User;
use azcred_recorded::{GRAPH, differences, filled, placeholders};
use reqwest::Method;
use serde_json::Value;
use std::collections::BTreeMap;
use uuid::Uuid;

/// Lines that this test does not hold against the emulator yet: the secret of a service principal
/// itself. Only lower this.
const NOT_HELD: usize = 1;

const DEMO: &str = "a0000001-0000-4000-8000-000000000001";

/// Two applications send the requests: one that reads the directory, and one that may not. A person
/// changes it.
pub(super) struct Scene {
    pub(super) lab: Lab,
    pub(super) person: String,
    reader: String,
    stranger: String,
}

impl Scene {
    async fn start() -> Self {
        let lab = Lab::start().await;
        Self {
            person: graph_writing::person(&lab).await,
            reader: app_token(&lab, "azcred-contributor").await,
            stranger: app_token(&lab, "azcred-demo").await,
            lab,
        }
    }

    /// What a `<…>` of a request stands for. `None` if this test does not know it.
    async fn value(&self, name: &str) -> Option<String> {
        Some(match name {
            "new id" => Uuid::new_v4().to_string(),
            "new name" => format!("new-{}", Uuid::new_v4()),
            "user" => "e0000001-0000-4000-8000-000000000002".into(),
            "upn" => "ada@contoso.com".into(),
            "group" => "f0000001-0000-4000-8000-000000000001".into(),
            "group name" => "ML engineers".into(),
            "group without owners" => "f0000001-0000-4000-8000-000000000002".into(),
            "principal" => "d0000001-0000-4000-8000-000000000001".into(),
            "app id" => DEMO.into(),
            "app id without credentials" => "a0000001-0000-4000-8000-00000000000c".into(),
            "application" => "b0000001-0000-4000-8000-000000000001".into(),
            "federated application" => "b0000001-0000-4000-8000-000000000005".into(),
            "federated credential" => {
                let application = "applications(appId='a0000001-0000-4000-8000-000000000005')";
                let path = format!("/v1.0/{application}/federatedIdentityCredentials");
                let found = get(&self.lab, &self.reader, &path).await;
                found.body["value"][0]["id"].as_str()?.to_owned()
            }
            _ => return None,
        })
    }

    /// A text of a request with its values.
    async fn filled(&self, text: &str) -> Option<String> {
        let mut values = BTreeMap::new();
        for name in placeholders(text) {
            values.insert(name, self.value(name).await?);
        }
        filled(text, |name| values.get(name).cloned())
    }

    /// Brings the emulator into the situation of a line, and sends its request.
    async fn answer(&self, request: &Value) -> Option<Reply> {
        let text = |name: &str| request[name].as_str().unwrap_or_default();
        let method: Method = text("method").parse().unwrap();
        let is_reading = ["getByIds", "checkMemberGroups"]
            .iter()
            .any(|action| text("path").ends_with(action));
        if method != Method::GET && !is_reading {
            return graph_writing::answer(self, method, request).await;
        }
        let path = self.filled(text("path")).await?;
        let query = self.filled(text("query")).await?;
        let body = self.filled(&request["body"].to_string()).await?;
        let body: Value = serde_json::from_str(&body).unwrap();
        if text("situation") == "more users than a page has" {
            let mut directory = self.lab.emulator.world().directory_mut();
            for n in 0..100 {
                let (id, name) = (Uuid::new_v4(), format!("user-{n}@contoso.com"));
                let user = User::new(id, TENANT.parse().unwrap(), name, "one of many");
                directory.users.insert(id, user);
            }
        }
        let token = match text("by") {
            "an application without permissions" => &self.stranger,
            _ => &self.reader,
        };
        let url = format!("{}{path}?{query}", self.lab.emulator.info().graph_url);
        let mut sent = self.lab.client.request(method, url).bearer_auth(token);
        if request["headers"]["ConsistencyLevel"] == "eventual" {
            sent = sent.header("ConsistencyLevel", "eventual");
        }
        if !body.is_null() {
            sent = sent.json(&body);
        }
        Some(read(sent.send().await.unwrap()).await)
    }
}

#[tokio::test]
async fn graph_answers_as_recorded() {
    let scene = Scene::start().await;
    let facts = GRAPH.replace("<Graph>", &scene.lab.emulator.info().graph_url);
    hold(&facts, NOT_HELD, async |line| {
        let got = scene.answer(&line["request"]).await?;
        Some(compare(&got, |got| differences(line, got)))
    })
    .await;
}
