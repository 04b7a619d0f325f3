//! Azure Machine Learning and Blob Storage: `interop/recorded/ml.jsonl` and `blob.jsonl`.

use super::{compare, hold, sas};
use crate::common::{Lab, Reply, TENANT, client, people::AZURE_CLI};
use azcred_emulator::{Effect, Fault, Options, Seed};
use azcred_recorded::{BLOB, Difference, ML, differences, filled, placeholders};
use reqwest::Method;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use time::{Duration, OffsetDateTime, format_description::well_known::Rfc3339};
use uuid::Uuid;

/// Lines that this test does not hold against the emulator yet. Only lower these.
const ML_NOT_HELD: usize = 2;
const BLOB_NOT_HELD: usize = 0;

const SUBSCRIPTION: &str = "5ec0ffee-0001-4000-8000-000000000001";
const WORKSPACE: &str = "/subscriptions/5ec0ffee-0001-4000-8000-000000000001/resourceGroups/rg-contoso-ml/providers/Microsoft.MachineLearningServices/workspaces/ws-contoso-ml";
const WORKSPACE_ID: &str = "5ec0ffee-0002-4000-8000-000000000001";
const ACCOUNT: &str = "stcontosoml";
/// The correlation id of every request.
const CORRELATION: &str = "0123456789abcdef0123456789abcdef";

/// Ada sends the requests, and azcred-demo those for blobs, by Azure's real names. The storage
/// account of the workspace permits keys, as in the recordings.
struct Scene {
    lab: Lab,
    client: reqwest::Client,
    tokens: BTreeMap<&'static str, String>,
    known: BTreeMap<&'static str, String>,
}

impl Scene {
    async fn start() -> Self {
        let text = Seed::default_text().replace(
            "allowSharedKeyAccess = false",
            "allowSharedKeyAccess = true",
        ) + RULES;
        let lab = Lab::with(Options {
            seed: Seed::Text {
                name: "a workspace with keys".into(),
                text,
            },
            ..Options::default()
        })
        .await;
        let info = lab.emulator.info();
        let proxy = reqwest::Proxy::all(&info.proxy_url).unwrap();
        let client = client(&lab.emulator).proxy(proxy).build().unwrap();
        let password = info.users[0].password.clone().unwrap_or_default();
        let mut tokens = BTreeMap::new();
        for resource in ["management.azure.com", "ml.azure.com"] {
            let scope = format!("https://{resource}/.default");
            let form = [
                ("client_id", AZURE_CLI),
                ("grant_type", "password"),
                ("username", "ada@contoso.com"),
                ("password", &password),
                ("scope", &scope),
            ];
            let answer = lab
                .post(&format!("/{TENANT}/oauth2/v2.0/token"), &form)
                .await;
            let token = answer.body["access_token"].as_str();
            let token = token.unwrap_or_else(|| panic!("{answer:?}")).to_owned();
            tokens.insert(resource, token);
        }
        // Ada manages the account, and has no role for its data.
        let demo = lab.identity("azcred-demo");
        let form = [
            ("client_id", demo.client_id.to_string()),
            ("client_secret", demo.secret.clone().unwrap_or_default()),
            ("scope", "https://storage.azure.com/.default".to_owned()),
        ];
        let form = form.each_ref().map(|(name, value)| (*name, value.as_str()));
        let answer = lab.request_token(&form).await;
        let token = answer.body["access_token"].as_str().unwrap_or_default();
        tokens.insert("storage.azure.com", token.to_owned());
        let mut scene = Self {
            lab,
            client,
            tokens,
            known: BTreeMap::new(),
        };
        scene.make().await;
        scene
    }

    /// Makes what the lines name: `known-code`, `known-env`, and so on.
    async fn make(&mut self) {
        let pending = self
            .arm(
                "POST",
                "/codes/known-code/versions/1/startPendingUpload?api-version=2023-04-01",
                &json!({"pendingUploadType": "TemporaryBlobReference"}),
            )
            .await;
        let reference = &pending["blobReferenceForConsumption"];
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let container = text(&reference["blobUri"]);
        let code_uri = format!("{container}/src");
        let container = container.rsplit('/').next().unwrap_or_default();
        self.known.insert("code container", container.to_owned());
        let sas_uri = text(&reference["credential"]["sasUri"]);
        let (_, container_sas) = sas_uri.split_once('?').unwrap_or_default();
        self.known.insert("container sas", container_sas.to_owned());
        self.known.insert("known code uri", code_uri.clone());
        for (path, properties) in [
            (
                "/codes/known-code/versions/1?api-version=2023-04-01",
                json!({"codeUri": code_uri, "properties": {"hash_sha256": "c0de".repeat(16), "hash_version": "202208"}}),
            ),
            (
                "/environments/known-env/versions/1?api-version=2023-04-01-preview",
                json!({"image": "mcr.microsoft.com/azureml/base"}),
            ),
            (
                "/environments/known-env/versions/2?api-version=2023-04-01-preview",
                json!({"image": "mcr.microsoft.com/azureml/base", "condaFile": CONDA}),
            ),
            (
                "/data/known-data/versions/1?api-version=2023-04-01-preview",
                json!({"dataType": "uri_file", "dataUri": "azureml://datastores/workspaceblobstore/paths/LocalUpload/0/day.csv"}),
            ),
            (
                "/components/known-component/versions/1?api-version=2024-01-01-preview",
                json!({"componentSpec": {
                    "name": "known-component", "version": "1", "type": "command", "command": "echo",
                    "environment": format!("azureml:{WORKSPACE}/environments/known-env/versions/2"),
                    "inputs": {"in": {"type": "uri_folder"}}, "outputs": {"out": {"type": "uri_folder"}},
                }}),
            ),
        ] {
            self.arm("PUT", path, &json!({"properties": properties}))
                .await;
        }
        let secrets = "/datastores/workspaceblobstore/listSecrets?api-version=";
        let key = self
            .arm("POST", &format!("{secrets}2022-05-01"), &Value::Null)
            .await;
        self.known.insert("key", text(&key["key"]));
    }

    /// Makes `known-container`, and in it `known-folder/known-blob`; and `known-blob` in the
    /// container of the code.
    async fn make_blobs(&self) {
        let known = [
            ("x-ms-blob-type", "BlockBlob"),
            ("content-type", "application/octet-stream"),
            ("x-ms-meta-name", "a"),
            ("x-ms-meta-version", "1"),
            ("x-ms-meta-upload_status", "completed"),
        ];
        let code = format!("{}/known-blob", self.known["code container"]);
        self.put_blob(&code, &known, "hello").await;
        self.put_blob("known-container?restype=container", &[], "")
            .await;
        self.put_blob("known-container/known-folder/known-blob", &known, "hello")
            .await;
    }

    async fn put_blob(&self, path: &str, headers: &[(&str, &str)], body: &'static str) {
        let bearer = self.bearer("storage.azure.com");
        let own = [("x-ms-version", "2021-08-06"), ("authorization", &bearer)];
        let headers: Vec<_> = own.into_iter().chain(headers.iter().copied()).collect();
        let url = format!("https://{ACCOUNT}.blob.core.windows.net/{path}");
        let answer = self.send("PUT", &url, &headers, body.into()).await;
        assert_eq!(answer.status, 201, "{answer:?}");
    }

    /// A response to a request about the workspace that must succeed.
    async fn arm(&self, method: &str, path: &str, body: &Value) -> Value {
        let path = format!("https://management.azure.com{WORKSPACE}{path}");
        let bearer = self.bearer("management.azure.com");
        let sent = [("authorization", bearer.as_str())];
        let body = match body {
            Value::Null => String::new(),
            body => body.to_string(),
        };
        let answer = self.send(method, &path, &sent, body.into()).await;
        assert!((200..300).contains(&answer.status), "{path}: {answer:?}");
        answer.body
    }

    fn bearer(&self, resource: &str) -> String {
        format!("Bearer {}", self.tokens[resource])
    }

    async fn send(
        &self,
        method: &str,
        url: &str,
        headers: &[(&str, &str)],
        body: reqwest::Body,
    ) -> Reply {
        let mut request = self
            .client
            .request(method.parse::<Method>().unwrap(), url)
            .header("x-ms-correlation-request-id", CORRELATION)
            .body(body);
        if !url.contains(".blob.") {
            request = request.header("content-type", "application/json");
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let body = String::from_utf8(response.bytes().await.unwrap().to_vec()).unwrap();
        Reply {
            status,
            headers,
            body: serde_json::from_str(&body).unwrap_or(Value::String(body)),
        }
    }

    /// The name of a job of this experiment that was submitted now.
    async fn job(&self, experiment: &str, mut properties: Value) -> String {
        let name = format!("job-{}", Uuid::new_v4());
        properties["experimentName"] = experiment.into();
        properties["computeId"] = format!("{WORKSPACE}/computes/cpu-cluster").into();
        let body = json!({"properties": properties});
        let url = format!(
            "https://management.azure.com{WORKSPACE}/jobs/{name}?api-version=2024-01-01-preview"
        );
        let bearer = self.bearer("management.azure.com");
        let sent = [
            ("authorization", bearer.as_str()),
            ("x-azureml-token", &self.tokens["ml.azure.com"]),
        ];
        let answer = self.send("PUT", &url, &sent, body.to_string().into()).await;
        assert_eq!(answer.status, 201, "{answer:?}");
        name
    }

    /// The name of a pipeline that is in the last one of its states.
    async fn pipeline(&self, experiment: &str) -> String {
        let step = json!({
            "name": "step", "type": "command",
            "componentId": format!("{WORKSPACE}/components/known-component/versions/1"),
        });
        self.lab.emulator.faults().clear();
        let name = self
            .job(
                experiment,
                json!({"jobType": "Pipeline", "jobs": {"step": step}}),
            )
            .await;
        let later = Fault::new(Effect::ClockSkew { seconds: 60 });
        self.lab.emulator.faults().arm(later).unwrap();
        name
    }

    /// What a `<…>` of a request stands for. Something that has to exist is made. `None` if this
    /// test does not know it.
    async fn value_of(&self, name: &str) -> Option<String> {
        let new = Uuid::new_v4().to_string();
        let account_sas = |permissions: &str, types: &str, services: &str| {
            sas::account(
                ACCOUNT,
                &self.known["key"],
                permissions,
                types,
                services,
                OffsetDateTime::now_utc() + Duration::hours(1),
            )
        };
        Some(match name {
            "new id" => new,
            "new name" => format!("new-{new}"),
            "new container" => {
                let path = format!("container-{new}?restype=container");
                self.put_blob(&path, &[], "").await;
                format!("container-{new}")
            }
            "job" => {
                let environment = format!("{WORKSPACE}/environments/known-env/versions/2");
                let command = json!({
                    "jobType": "Command", "command": "echo", "environmentId": environment,
                });
                self.job("Default", command).await
            }
            "failed pipeline" => self.pipeline("Fail").await,
            "running pipeline" => self.pipeline("Hang").await,
            "account sas" => account_sas("rcwdl", "sco", "b"),
            "account sas without read" => account_sas("wl", "sco", "b"),
            "account sas for objects" => account_sas("rwl", "o", "b"),
            "account sas for queues" => account_sas("rwl", "sco", "q"),
            "token" => self.tokens["storage.azure.com"].clone(),
            "token of ml.azure.com" => self.tokens["ml.azure.com"].clone(),
            "token of management.azure.com" => self.tokens["management.azure.com"].clone(),
            _ => return self.known.get(name).cloned(),
        })
    }

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
        let host = match request["host"].as_str() {
            None => "management.azure.com",
            Some("region") => "westeurope.api.azureml.ms",
            Some(_) => "stcontosoml.blob.core.windows.net",
        };
        let mut values = BTreeMap::new();
        let text = |name: &str| request[name].as_str().unwrap_or_default();
        let path = self.filled(text("path"), &mut values).await?;
        let query = self.filled(text("query"), &mut values).await?;
        let body = match &request["body"] {
            Value::Null => String::new(),
            Value::String(text) => text.clone(),
            object => self.filled(&object.to_string(), &mut values).await?,
        };
        let mut sent = BTreeMap::new();
        if request["host"] != "blob" {
            sent.insert(
                "authorization".to_owned(),
                self.bearer("management.azure.com"),
            );
        }
        for (name, value) in request["headers"].as_object().into_iter().flatten() {
            match value.as_str() {
                None => drop(sent.remove(name)),
                Some(value) => {
                    let value = self.filled(value, &mut values).await?;
                    sent.insert(name.clone(), value);
                }
            }
        }
        let sent: Vec<(&str, &str)> = sent.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
        let url = format!("https://{host}{path}?{query}");
        let mut got = self.send(text("method"), &url, &sent, body.into()).await;
        if got.body["error"]["code"] == "NotServedByEmulator" {
            return None;
        }
        // What the request named, the response names.
        values.insert("path".into(), path);
        let line = values.iter().fold(line.to_string(), |line, (name, value)| {
            line.replace(&format!("<{name}>"), value)
        });
        let mut line: Value = serde_json::from_str(&line).unwrap();
        for body in [&mut line["response"], &mut got.body] {
            sort_signatures(body);
        }
        // In XML, only `…` stands for any text.
        for body in [&mut line["response"], &mut got.body] {
            if let Value::String(text) = body
                && text.starts_with('\u{feff}')
            {
                *text = text.replace('<', "‹");
            }
        }
        Some(compare(&got, |got| differences(&line, got)))
    }
}

/// How the pipelines end whose states are recorded.
const RULES: &str = r#"
[[jobs]]
experiment = "Hang"
outcome = "hang"

[[jobs]]
experiment = "Fail"
outcome = "fail"
"#;

const CONDA: &str = "channels:\n  - conda-forge\ndependencies:\n  - python=3.10\nname: env\n";

/// Sorts the parameters of each shared access signature: their order means nothing.
fn sort_signatures(value: &mut Value) {
    match value {
        Value::String(text) if text.contains("&sig=") => {
            if let Some((address, query)) = text.split_once('?') {
                let mut parameters: Vec<&str> = query.split('&').collect();
                parameters.sort_unstable();
                *text = format!("{address}?{}", parameters.join("&"));
            }
        }
        Value::Array(all) => all.iter_mut().for_each(sort_signatures),
        Value::Object(all) => all.values_mut().for_each(sort_signatures),
        _ => {}
    }
}

/// A file of facts with the scene's own names.
fn named(facts: &str) -> String {
    [
        ("<sub>", SUBSCRIPTION),
        ("<rg>", "rg-contoso-ml"),
        ("<ws>", "ws-contoso-ml"),
        ("<workspaceId>", WORKSPACE_ID),
        ("<account>", ACCOUNT),
        ("<region>", "westeurope"),
        ("<tenant>", TENANT),
        ("<Resource Manager>", "https://management.azure.com"),
        ("<sent>", CORRELATION),
    ]
    .into_iter()
    .fold(facts.to_owned(), |facts, (name, value)| {
        facts.replace(name, value)
    })
}

#[tokio::test]
async fn azure_machine_learning_answers_as_recorded() {
    let scene = Scene::start().await;
    let facts = named(ML);
    hold(&facts, ML_NOT_HELD, async |line| {
        scene.differences(line).await
    })
    .await;
    scene.lab.emulator.shutdown().await;
}

#[tokio::test]
async fn blob_storage_answers_as_recorded() {
    let scene = Scene::start().await;
    let now = OffsetDateTime::now_utc().replace_nanosecond(0).unwrap();
    let at = |time: OffsetDateTime| time.format(&Rfc3339).unwrap();
    let facts = named(BLOB)
        .replace("{now}", &at(now))
        .replace("{soon}", &at(now + Duration::hours(1)));
    scene.make_blobs().await;
    hold(&facts, BLOB_NOT_HELD, async |line| {
        scene.differences(line).await
    })
    .await;
    scene.lab.emulator.shutdown().await;
}
