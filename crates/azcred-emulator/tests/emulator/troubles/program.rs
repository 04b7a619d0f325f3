//! A program that reads the variables, and says what it sees.

use crate::common::{Assertion, JWT_BEARER, people::AZURE_CLI};
use azcred_emulator::{Info, Persona, Way, troubles::Change};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    error::Error,
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

/// Where a program looks.
#[derive(Clone, Copy, Debug)]
pub(super) enum See {
    /// How far Entra ID's clock is ahead.
    Clock,
    /// The address in `AZURE_AUTHORITY_HOST`.
    Authority,
    /// Its own sign-in.
    SignIn,
    /// The metadata service, through the proxy of `HTTP_PROXY`.
    Metadata,
    /// A resource.
    Arm(&'static str),
    /// A new job.
    Job,
    /// The computes of the workspace.
    Computes,
    /// What is denied in the workspace.
    Denials,
    /// The workspace of `config.json` or of the variables.
    Configured,
    /// The workspace's container.
    Blobs,
    /// The secrets of the workspace's vault.
    Vault,
    /// The workspace's registry, without a token.
    Registry,
    /// MLflow's experiments.
    Mlflow,
    /// Microsoft Graph, without a token.
    Graph,
    /// A variable.
    Variable(&'static str),
    /// A file in its folder.
    File(&'static str),
    /// A file of Azure CLI.
    AzureCli(&'static str),
}

const ARM: &str = "https://management.azure.com";
const WORKSPACE: &str = super::WORKSPACE;

/// A program with its variables.
#[derive(Clone)]
pub(super) struct Program {
    variables: BTreeMap<String, String>,
    directory: Option<PathBuf>,
    persona: Persona,
}

type Seen = Result<String, String>;

impl Program {
    pub(super) fn new(info: &Info, persona: Persona, way: Way) -> Self {
        let variables = info.environment(persona, way).set.into_iter().collect();
        Self {
            variables,
            directory: None,
            persona,
        }
    }

    /// The program in trouble.
    pub(super) fn with(&self, change: &Change) -> Self {
        let mut hurt = self.clone();
        hurt.variables
            .retain(|name, _| !change.unset.contains(name));
        hurt.variables.extend(change.set.clone());
        hurt.directory.clone_from(&change.directory);
        hurt
    }

    fn variable(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(String::as_str)
    }

    fn needed(&self, name: &str) -> Seen {
        let value = self.variable(name).map(str::to_owned);
        value.ok_or_else(|| format!("no {name}"))
    }

    /// What it sees. One that expects no response waits for a moment only.
    pub(super) async fn sees(&self, see: See, is_hasty: bool) -> String {
        let limit = match is_hasty {
            true => Duration::from_millis(400),
            false => Duration::from_secs(60),
        };
        match tokio::time::timeout(limit, self.look(see)).await {
            Ok(Ok(seen) | Err(seen)) => seen,
            Err(_) => "no response".to_owned(),
        }
    }

    async fn look(&self, see: See) -> Seen {
        let client = self.client()?;
        match see {
            See::Clock => {
                let url = "https://login.microsoftonline.com/common/v2.0/.well-known/openid-configuration";
                let response = client.get(url).send().await.map_err(plain)?;
                let date = response.headers()["date"].to_str().unwrap_or_default();
                let date = httpdate::parse_http_date(date).map_err(|e| e.to_string())?;
                let now = std::time::SystemTime::now();
                let ahead = date.duration_since(now).map_or(0.0, |d| d.as_secs_f64());
                let behind = now.duration_since(date).map_or(0.0, |d| d.as_secs_f64());
                Ok(format!("{} hours", ((ahead - behind) / 3600.0).round()))
            }
            See::Authority => {
                let usual = "https://login.microsoftonline.com";
                let host = self.variable("AZURE_AUTHORITY_HOST").unwrap_or(usual);
                let url = format!("{host}/common/v2.0/.well-known/openid-configuration");
                said(client.get(url)).await
            }
            See::SignIn => match self.token(&client, ARM).await {
                Ok(_) => Ok("token".to_owned()),
                Err(why) => Err(why),
            },
            See::Metadata => {
                // As programs of Python and Go do.
                let mut client = reqwest::Client::builder().no_proxy();
                if let (Some(proxy), None) =
                    (self.variable("HTTP_PROXY"), self.variable("NO_PROXY"))
                {
                    client = client.proxy(reqwest::Proxy::http(proxy).map_err(plain)?);
                }
                let client = client.build().map_err(plain)?;
                let token = self.metadata_token(&client, ARM).await;
                token.map(|_| "token".to_owned())
            }
            See::Graph => said(client.get("https://graph.microsoft.com/v1.0/me")).await,
            See::Arm(path) => self.arm(&client, path).await,
            See::Computes => self.arm(&client, &format!("{WORKSPACE}/computes")).await,
            See::Denials => {
                let token = self.token(&client, ARM).await?;
                let url = format!(
                    "{ARM}{WORKSPACE}/providers/Microsoft.Authorization/denyAssignments?api-version=2022-04-01"
                );
                said(client.get(url).bearer_auth(token)).await
            }
            See::Configured => {
                let path = self.configured()?;
                self.arm(&client, &path).await
            }
            See::Job => self.job(&client).await,
            See::Blobs => {
                let token = self.token(&client, "https://storage.azure.com").await?;
                let url = "https://stcontosoml.blob.core.windows.net/azureml-blobstore-5ec0ffee-0002-4000-8000-000000000001\
                           ?restype=container&comp=list";
                let request = client.get(url).bearer_auth(token);
                said(request.header("x-ms-version", "2023-11-03")).await
            }
            See::Vault => {
                let token = self.token(&client, "https://vault.azure.net").await?;
                let url = "https://kv-contoso-ml.vault.azure.net/secrets?api-version=7.4";
                said(client.get(url).bearer_auth(token)).await
            }
            See::Registry => said(client.get("https://crcontosoml.azurecr.io/v2/")).await,
            See::Mlflow => {
                let token = self.token(&client, ARM).await?;
                let url = format!(
                    "https://westeurope.api.azureml.ms/mlflow/v2.0{WORKSPACE}/api/2.0/mlflow/experiments/search"
                );
                let wanted = json!({"max_results": 1});
                said(client.post(url).bearer_auth(token).json(&wanted)).await
            }
            See::Variable(name) => Ok(match self.variable(name) {
                Some("") => "''".to_owned(),
                Some(value) => value.to_owned(),
                None => "not set".to_owned(),
            }),
            See::File(name) => {
                let folder = self
                    .directory
                    .as_deref()
                    .unwrap_or(Path::new("/nonexistent"));
                Ok(fs::read_to_string(folder.join(name)).unwrap_or_else(|_| "no file".to_owned()))
            }
            See::AzureCli(name) => {
                let text = self.azure_cli(name)?;
                match serde_json::from_str::<Value>(&text) {
                    Ok(_) => Ok("JSON".to_owned()),
                    Err(_) => Err("damaged".to_owned()),
                }
            }
        }
    }

    fn azure_cli(&self, name: &str) -> Seen {
        let folder = self.needed("AZURE_CONFIG_DIR")?;
        let text = fs::read_to_string(Path::new(&folder).join(name)).map_err(plain)?;
        Ok(text.trim_start_matches('\u{feff}').to_owned())
    }

    /// A client with the variables' certificates and proxy.
    fn client(&self) -> Result<reqwest::Client, String> {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let pem = fs::read(self.needed("SSL_CERT_FILE")?).map_err(|_| "no bundle".to_owned())?;
        let roots = reqwest::Certificate::from_pem_bundle(&pem).map_err(plain)?;
        let direct = self.variable("NO_PROXY").unwrap_or_default();
        let proxy = reqwest::Proxy::https(self.needed("HTTPS_PROXY")?).map_err(plain)?;
        let proxy = proxy.no_proxy(reqwest::NoProxy::from_string(direct));
        let client = reqwest::Client::builder()
            .tls_certs_only(roots)
            .no_proxy()
            .proxy(proxy);
        client.build().map_err(plain)
    }

    /// A token for a resource, by the persona's own way.
    async fn token(&self, client: &reqwest::Client, resource: &str) -> Seen {
        let scope = format!("{resource}/.default");
        let mut form = vec![("scope", scope)];
        let mut tenant = self.variable("AZURE_TENANT_ID").map(str::to_owned);
        match self.persona {
            Persona::Vm => return self.metadata_token(client, resource).await,
            Persona::Laptop => {
                let cache = self.azure_cli("msal_token_cache.json")?;
                let cache: Value = serde_json::from_str(&cache).map_err(plain)?;
                let stored = cache["RefreshToken"].as_object().ok_or("no sign-in")?;
                let stored = stored.values().next().ok_or("no sign-in")?;
                tenant = Some("organizations".to_owned());
                form.push(("client_id", AZURE_CLI.to_owned()));
                form.push(("grant_type", "refresh_token".to_owned()));
                let text = stored["secret"].as_str().unwrap_or_default();
                form.push(("refresh_token", text.to_owned()));
            }
            _ => {
                if self.variable("AZURE_CLIENT_ID").is_none() {
                    return Err("no account".to_owned());
                }
                form.push(("client_id", self.needed("AZURE_CLIENT_ID")?));
                form.push(("grant_type", "client_credentials".to_owned()));
                match self.assertion(client).await? {
                    Some(assertion) => {
                        form.push(("client_assertion_type", JWT_BEARER.to_owned()));
                        form.push(("client_assertion", assertion));
                    }
                    None => form.push(("client_secret", self.needed("AZURE_CLIENT_SECRET")?)),
                }
            }
        }
        let tenant = tenant.ok_or("no AZURE_TENANT_ID")?;
        let tenant: String = url::form_urlencoded::byte_serialize(tenant.as_bytes()).collect();
        let url = format!("https://login.microsoftonline.com/{tenant}/oauth2/v2.0/token");
        let response = client.post(url).form(&form).send().await.map_err(plain)?;
        let body = response.text().await.map_err(plain)?;
        let parsed: Value = serde_json::from_str(&body).map_err(|_| body.clone())?;
        let token = parsed["access_token"].as_str().map(str::to_owned);
        token.ok_or(body)
    }

    async fn metadata_token(&self, client: &reqwest::Client, resource: &str) -> Seen {
        let host = self.needed("AZURE_POD_IDENTITY_AUTHORITY_HOST")?;
        let mut url = format!(
            "{host}/metadata/identity/oauth2/token?api-version=2018-02-01&resource={resource}"
        );
        if let Some(id) = self.variable("AZURE_CLIENT_ID") {
            url += &format!("&client_id={id}");
        }
        let response = client.get(url).header("Metadata", "true").send().await;
        let body = response.map_err(plain)?.text().await.map_err(plain)?;
        let parsed: Value = serde_json::from_str(&body).map_err(|_| body.clone())?;
        let token = parsed["access_token"].as_str().map(str::to_owned);
        token.ok_or(body)
    }

    /// The assertion of a program without a secret.
    async fn assertion(&self, client: &reqwest::Client) -> Result<Option<String>, String> {
        if let Some(path) = self.variable("AZURE_CLIENT_CERTIFICATE_PATH") {
            let text = fs::read_to_string(path).map_err(|_| "no certificate file".to_owned())?;
            if !text.contains("PRIVATE KEY") {
                return Err("no key".to_owned());
            }
            let id = self.needed("AZURE_CLIENT_ID")?;
            return Ok(Some(Assertion::new(Path::new(path), &id).sign()));
        }
        if let Some(path) = self.variable("AZURE_FEDERATED_TOKEN_FILE") {
            let token = fs::read_to_string(path).map_err(|_| "no token file".to_owned())?;
            return Ok(Some(token));
        }
        let Some(url) = self.variable("ACTIONS_ID_TOKEN_REQUEST_URL") else {
            return Ok(None);
        };
        let url = format!("{url}&audience=api://AzureADTokenExchange");
        let request = client.get(url);
        let request = request.bearer_auth(self.needed("ACTIONS_ID_TOKEN_REQUEST_TOKEN")?);
        let response = request.send().await.map_err(plain)?;
        let body: Value = response.json().await.map_err(plain)?;
        Ok(body["value"].as_str().map(str::to_owned))
    }

    async fn arm(&self, client: &reqwest::Client, path: &str) -> Seen {
        let token = self.token(client, ARM).await?;
        let version = match path.contains("workspaces") {
            true => "2024-04-01",
            false => "2021-04-01",
        };
        let request = client.get(format!("{ARM}{path}?api-version={version}"));
        said(request.bearer_auth(token)).await
    }

    async fn job(&self, client: &reqwest::Client) -> Seen {
        let token = self.token(client, ARM).await?;
        let name = uuid::Uuid::new_v4();
        let url = format!("{ARM}{WORKSPACE}/jobs/{name}?api-version=2024-04-01");
        let body = json!({"properties": {
            "jobType": "Command",
            "command": "python train.py",
            "environmentId": "azureml://registries/azureml/environments/sklearn-1.5/versions/1",
            "computeId": format!("{WORKSPACE}/computes/cpu-cluster"),
        }});
        said(client.put(url).bearer_auth(token).json(&body)).await
    }

    /// The id of the workspace that the variables or the file name.
    fn configured(&self) -> Seen {
        let by_variables = || {
            Some((
                self.variable("AZUREML_ARM_SUBSCRIPTION")?.to_owned(),
                self.variable("AZUREML_ARM_RESOURCEGROUP")?.to_owned(),
                self.variable("AZUREML_ARM_WORKSPACE_NAME")?.to_owned(),
            ))
        };
        let (subscription, group, name) = match by_variables() {
            Some(found) => found,
            None => {
                let folder = self
                    .directory
                    .as_deref()
                    .unwrap_or(Path::new("/nonexistent"));
                let text = fs::read_to_string(folder.join("config.json"));
                let text = text.map_err(|_| "no config.json".to_owned())?;
                let file: Value = serde_json::from_str(&text).map_err(|_| "not JSON".to_owned())?;
                let text = |name: &str| file[name].as_str().unwrap_or_default().to_owned();
                let group = text("resource_group");
                (text("subscription_id"), group, text("workspace_name"))
            }
        };
        Ok(format!(
            "/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.MachineLearningServices/workspaces/{name}"
        ))
    }
}

/// The status and the body.
async fn said(request: reqwest::RequestBuilder) -> Seen {
    let response = request.send().await.map_err(plain)?;
    let status = response.status().as_u16();
    let body = response.text().await.map_err(plain)?;
    Ok(format!("{status} {body}"))
}

/// An error in a few words.
fn plain(error: impl Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        text += &format!(": {inner}");
        source = inner.source();
    }
    let known = [
        ("dns", "name not found"),
        ("UnknownIssuer", "unknown authority"),
        ("onnection refused", "refused"),
        ("proxy authorization required", "wants a password"),
        ("unsuccessful", "proxy forbids"),
    ];
    let found = known.iter().find(|(part, _)| text.contains(part));
    found.map_or(text.clone(), |(_, short)| format!("{short} ({text})"))
}
