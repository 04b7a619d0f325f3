//! CI systems issue tokens to a running job. Entra ID accepts them for the application that trusts
//! their subject.

use crate::common::{self, JWT_BEARER, Lab, Reply, TENANT, claims_of, refused};
use azcred_emulator::{Options, Persona, Way};
use serde_json::json;

const GITHUB: &str = "https://token.actions.githubusercontent.com";
const AUDIENCE: &str = "api://AzureADTokenExchange";

/// A lab, and the variables of a persona in it.
struct PersonaLab {
    lab: Lab,
    variables: std::collections::HashMap<String, String>,
}

impl PersonaLab {
    async fn start(persona: Persona) -> Self {
        let lab = Lab::with(Options::default()).await;
        let environment = lab.emulator.info().environment(persona, Way::Ports);
        Self {
            variables: environment.set.into_iter().collect(),
            lab,
        }
    }

    fn get(&self, name: &str) -> &str {
        let value = self.variables.get(name);
        value.unwrap_or_else(|| panic!("the persona has no {name}"))
    }

    /// Requests a token from GitHub as `@actions/core` does.
    async fn request_github_token(&self, audience: &str, token: &str) -> Reply {
        let url = format!("{}{audience}", self.get("ACTIONS_ID_TOKEN_REQUEST_URL"));
        let request = self.lab.client.get(url).bearer_auth(token);
        common::read(request.send().await.unwrap()).await
    }

    async fn github_token(&self, audience: &str) -> String {
        let token = self.get("ACTIONS_ID_TOKEN_REQUEST_TOKEN");
        let answer = self
            .request_github_token(&format!("&audience={audience}"), token)
            .await;
        assert_eq!(answer.status, 200, "{answer:?}");
        let value = answer.body["value"].as_str().unwrap().to_owned();
        assert_eq!(answer.body["count"], value.len());
        value
    }

    /// Requests a token from Azure DevOps as azure-identity does.
    async fn request_pipelines_token(
        &self,
        query: &str,
        token: &str,
        redirect: &'static str,
    ) -> reqwest::Response {
        let url = format!("{}{query}", self.get("SYSTEM_OIDCREQUESTURI"));
        let request = self.lab.client.post(url).bearer_auth(token);
        let request = request.header("X-TFS-FedAuthRedirect", redirect);
        request.send().await.unwrap()
    }

    async fn exchange(&self, client_id: &str, assertion: &str) -> Reply {
        let form = [
            ("grant_type", "client_credentials"),
            ("scope", common::ARM_SCOPE),
            ("client_id", client_id),
            ("client_assertion_type", JWT_BEARER),
            ("client_assertion", assertion),
        ];
        self.lab
            .post(&format!("/{TENANT}/oauth2/v2.0/token"), &form)
            .await
    }
}

#[tokio::test]
async fn a_job_in_github_actions_gets_a_new_token_each_time_that_entra_accepts() {
    let job = PersonaLab::start(Persona::Github).await;
    let first = job.github_token(AUDIENCE).await;
    let second = job.github_token(AUDIENCE).await;
    let claims = claims_of(&first);
    assert_ne!(claims["jti"], claims_of(&second)["jti"]);
    for (name, value) in [
        ("iss", json!(GITHUB)),
        ("sub", json!("repo:contoso/models:ref:refs/heads/main")),
        ("aud", json!(AUDIENCE)),
        ("repository", json!(job.get("GITHUB_REPOSITORY"))),
        ("repository_owner", json!("contoso")),
        ("ref", json!(job.get("GITHUB_REF"))),
        ("run_id", json!(job.get("GITHUB_RUN_ID"))),
        ("sha", json!(job.get("GITHUB_SHA"))),
        ("event_name", json!("push")),
    ] {
        assert_eq!(claims[name], value, "{name}");
    }
    let time = |name: &str| claims[name].as_i64().unwrap();
    assert_eq!(time("exp") - time("iat"), 300);
    let answer = job.exchange(job.get("AZURE_CLIENT_ID"), &second).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.claims()["appid"], job.get("AZURE_CLIENT_ID"));
    assert_eq!(job.get("GITHUB_ACTIONS"), "true");
    assert_eq!(job.get("GITHUB_REF_NAME"), "main");
}

#[tokio::test]
async fn github_rejects_another_token_and_any_other_request() {
    let job = PersonaLab::start(Persona::Github).await;
    let token = job.get("ACTIONS_ID_TOKEN_REQUEST_TOKEN");
    for wrong in ["", "x", &token[1..]] {
        let answer = job.request_github_token("", wrong).await;
        assert_eq!(answer.status, 401, "{answer:?}");
        assert_eq!(answer.body["typeKey"], "UnauthorizedRequestException");
        assert!(!format!("{answer:?}").contains(token));
    }
    let url = job.get("ACTIONS_ID_TOKEN_REQUEST_URL");
    let posted = job.lab.client.post(url).bearer_auth(token);
    assert_eq!(posted.send().await.unwrap().status(), 405);
    let elsewhere = job.lab.client.get(url.replace("idtoken", "other"));
    let elsewhere = elsewhere.bearer_auth(token).send().await.unwrap();
    assert_eq!(elsewhere.status(), 404);
    // The default audience is the owner's URL.
    let answer = job.request_github_token("", token).await;
    let claims = claims_of(answer.body["value"].as_str().unwrap());
    assert_eq!(claims["aud"], "https://github.com/contoso");
}

#[tokio::test]
async fn entra_names_the_part_of_a_ci_token_that_it_does_not_trust() {
    let job = PersonaLab::start(Persona::Github).await;
    let client_id = job.get("AZURE_CLIENT_ID").to_owned();
    let other_audience = job.github_token("https://elsewhere.example").await;
    let refusal = job.exchange(&client_id, &other_audience).await;
    refused(&refusal, 700_212, "invalid_client", 401);

    let old = job.github_token(AUDIENCE).await;
    let world = job.lab.emulator.world();
    // Five minutes of lifetime, and five of tolerance.
    world.clock.set_skew(601);
    let late = job.exchange(&client_id, &old).await;
    refused(&late, 700_024, "invalid_client", 401);
    let fresh = job.github_token(AUDIENCE).await;
    assert_eq!(job.exchange(&client_id, &fresh).await.status, 200);

    let trust = |issuer: &str, subject: &str| {
        let mut directory = world.directory_mut();
        let id = client_id.parse().unwrap();
        let app = directory.applications.get_mut(&id).unwrap();
        app.federated_credentials[0].issuer = issuer.to_owned();
        app.federated_credentials[0].subject = subject.to_owned();
    };
    trust(GITHUB, "repo:contoso/models:environment:production");
    let other_subject = job.exchange(&client_id, &fresh).await;
    refused(&other_subject, 700_213, "invalid_client", 401);
    // The job follows from the credential: its tokens now have the environment.
    let of_environment = job.github_token(AUDIENCE).await;
    assert_eq!(claims_of(&of_environment)["environment"], "production");
    // A repository made since July 2026 has ids in its subject, and nowhere else.
    trust(GITHUB, "repo:contoso@1815/models@1843:ref:refs/heads/next");
    let with_ids = job.github_token(AUDIENCE).await;
    let claims = claims_of(&with_ids);
    for (name, value) in [
        ("sub", "repo:contoso@1815/models@1843:ref:refs/heads/next"),
        ("repository", "contoso/models"),
        ("repository_owner", "contoso"),
        ("repository_owner_id", "1815"),
        ("repository_id", "1843"),
        (
            "workflow_ref",
            "contoso/models/.github/workflows/train.yml@refs/heads/next",
        ),
    ] {
        assert_eq!(claims[name], value, "{name}");
    }
    assert_eq!(job.exchange(&client_id, &with_ids).await.status, 200);
    trust("https://elsewhere.example", "x");
    let other_issuer = job.exchange(&client_id, &fresh).await;
    refused(&other_issuer, 700_211, "invalid_client", 401);
}

#[tokio::test]
async fn a_job_in_azure_pipelines_gets_a_token_of_its_service_connection() {
    let job = PersonaLab::start(Persona::AzurePipelines).await;
    let token = job.get("SYSTEM_ACCESSTOKEN");
    let connection = job.get("AZURESUBSCRIPTION_SERVICE_CONNECTION_ID");
    let query = format!("?api-version=7.1&serviceConnectionId={connection}");
    let request_token = || async {
        let response = job.request_pipelines_token(&query, token, "Suppress").await;
        let answer = common::read(response).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.body["oidcToken"].as_str().unwrap().to_owned()
    };
    let (first, second) = (request_token().await, request_token().await);
    let claims = claims_of(&first);
    assert_ne!(claims["jti"], claims_of(&second)["jti"]);
    assert_eq!(claims["sub"], "sc://contoso/models/azure-ml");
    assert_eq!(claims["aud"], AUDIENCE);
    let issuer = claims["iss"].as_str().unwrap();
    assert!(
        issuer.starts_with("https://vstoken.dev.azure.com/"),
        "{issuer}"
    );
    let client_id = job.get("AZURESUBSCRIPTION_CLIENT_ID");
    let answer = job.exchange(client_id, &second).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(job.get("TF_BUILD"), "True");
}

#[tokio::test]
async fn azure_devops_redirects_a_wrong_token_to_sign_in_unless_the_client_opts_out() {
    let job = PersonaLab::start(Persona::AzurePipelines).await;
    let token = job.get("SYSTEM_ACCESSTOKEN");
    let connection = job.get("AZURESUBSCRIPTION_SERVICE_CONNECTION_ID");
    let query = format!("?api-version=7.1&serviceConnectionId={connection}");
    let redirected = job.request_pipelines_token(&query, "wrong", "Follow").await;
    assert_eq!(redirected.status(), 302);
    let target = redirected.headers()["location"].to_str().unwrap();
    assert!(target.contains("/_signin?realm=dev.azure.com"), "{target}");
    let page = redirected.text().await.unwrap();
    assert!(page.contains("Object moved"), "{page}");
    let suppressed = job
        .request_pipelines_token(&query, "wrong", "Suppress")
        .await;
    assert_eq!(suppressed.status(), 401);

    for id in ["0b1ec700-0000-4000-8000-0000000000ff", "azure-ml"] {
        let query = format!("?api-version=7.1&serviceConnectionId={id}");
        let response = job.request_pipelines_token(&query, token, "Suppress").await;
        let answer = common::read(response).await;
        assert_eq!(answer.status, 404, "{query}: {answer:?}");
        let text = format!("There is no explicit reference to service connection {id} from");
        assert!(
            answer.body["value"].as_str().unwrap().starts_with(&text),
            "{answer:?}"
        );
    }
    let response = job.request_pipelines_token("?x=y", token, "Suppress").await;
    let answer = common::read(response).await;
    assert_eq!(answer.status, 400, "{answer:?}");
    assert_eq!(answer.body["typeKey"], "VssVersionNotSpecifiedException");
    let url = format!("{}{query}", job.get("SYSTEM_OIDCREQUESTURI"));
    let got = job.lab.client.get(url).bearer_auth(token).send();
    assert_eq!(got.await.unwrap().status(), 405);
}

#[tokio::test]
async fn a_job_without_a_connection_gets_its_pipelines_token() {
    let job = PersonaLab::start(Persona::AzurePipelines).await;
    let token = job.get("SYSTEM_ACCESSTOKEN");
    let response = job.request_pipelines_token("?api-version=7.1", token, "Suppress");
    let answer = common::read(response.await).await;
    let claims = claims_of(answer.body["oidcToken"].as_str().unwrap());
    assert_eq!(claims["sub"], "p://contoso/models/train");
    assert_eq!(claims["aud"], AUDIENCE);
    assert!(claims["org_id"].is_string() && claims["rpo_ref"].is_string());
    let time = |name: &str| claims[name].as_i64().unwrap() - claims["iat"].as_i64().unwrap();
    assert_eq!((time("nbf"), time("exp")), (-600, 300));
}

#[tokio::test]
async fn a_service_connection_since_2025_gets_entra_ids_own_token_that_entra_accepts() {
    let issuer = format!("https://login.microsoftonline.com/{TENANT}/v2.0");
    let connection = "0b1ec700-0000-4000-8000-0000000000aa";
    let subject = format!(
        "/eid1/c/pub/t/dGVuYW50/a/YXBw/sc/0b1ec700-0000-4000-8000-000000000001/{connection}"
    );
    let seed = include_str!("../../src/seed/contoso.toml");
    let of_devops = "https://vstoken.dev.azure.com/0b1ec700-0000-4000-8000-00000000000d\", subject = \"sc://contoso/models/azure-ml";
    assert!(seed.contains(of_devops));
    let lab =
        Lab::seeded(&seed.replace(of_devops, &format!("{issuer}\", subject = \"{subject}"))).await;
    let environment = lab
        .emulator
        .info()
        .environment(Persona::AzurePipelines, Way::Ports);
    let job = PersonaLab {
        variables: environment.set.into_iter().collect(),
        lab,
    };
    assert_eq!(
        job.get("AZURESUBSCRIPTION_SERVICE_CONNECTION_ID"),
        connection
    );
    assert_eq!(
        job.get("SYSTEM_COLLECTIONURI"),
        "https://dev.azure.com/contoso/"
    );
    let query = format!("?api-version=7.1&serviceConnectionId={connection}");
    let token = job.get("SYSTEM_ACCESSTOKEN");
    let response = job.request_pipelines_token(&query, token, "Suppress").await;
    let answer = common::read(response).await;
    let token = answer.body["oidcToken"].as_str().unwrap();
    let claims = claims_of(token);
    assert_eq!(claims["iss"], issuer);
    assert_eq!(claims["sub"], subject);
    assert_eq!(claims["aud"], "fb60f99c-7a34-4190-8149-302f77469936");
    assert_eq!(claims["azp"], "499b84ac-1321-427f-aa17-267ca6975798");
    let time = |name: &str| claims[name].as_i64().unwrap();
    assert_eq!(time("exp") - time("iat"), 86_700);
    let client_id = job.get("AZURESUBSCRIPTION_CLIENT_ID");
    assert_eq!(job.exchange(client_id, token).await.status, 200);

    // Entra ID's token for an application may not be exchanged.
    let own = job.lab.request_token_as("azcred-demo").await;
    let own = own.body["access_token"].as_str().unwrap();
    let refusal = job.exchange(client_id, own).await;
    refused(&refusal, 700_226, "invalid_request", 400);
}

#[tokio::test]
async fn an_application_may_trust_a_managed_identity() {
    let lab = Lab::with(Options::default()).await;
    let environment = lab.emulator.info().environment(Persona::Vm, Way::Ports);
    let imds = environment
        .set
        .iter()
        .find(|(name, _)| name == "AZURE_POD_IDENTITY_AUTHORITY_HOST");
    let base = &imds.unwrap().1;
    let url =
        format!("{base}/metadata/identity/oauth2/token?api-version=2018-02-01&resource={AUDIENCE}");
    let request = lab.client.get(url).header("Metadata", "true");
    let answer = common::read(request.send().await.unwrap()).await;
    let token = answer.body["access_token"].as_str().unwrap().to_owned();
    let claims = claims_of(&token);
    let client_id = {
        let mut directory = lab.emulator.world().directory_mut();
        let mut applications = directory.applications.values_mut();
        let app = applications
            .find(|app| app.name == "azcred-federated")
            .unwrap();
        let credential = &mut app.federated_credentials[0];
        credential.issuer = claims["iss"].as_str().unwrap().to_owned();
        credential.subject = claims["sub"].as_str().unwrap().to_owned();
        app.app_id.to_string()
    };
    let variables = std::collections::HashMap::new();
    let job = PersonaLab { lab, variables };
    let answer = job.exchange(&client_id, &token).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.claims()["appid"], client_id);
}

#[tokio::test]
async fn a_ci_persona_has_no_credential_if_no_application_trusts_it() {
    let lab = Lab::seeded(
        "[[tenants]]\nid = 'c0a70500-0000-4000-8000-000000000001'\nname = 'A'\ndomains = ['a.com']\n",
    )
    .await;
    let info = lab.emulator.info();
    assert!(info.github_actions.is_none() && info.azure_pipelines.is_none());
    for persona in [Persona::Github, Persona::AzurePipelines, Persona::Laptop] {
        let set = info.environment(persona, Way::RealNames).set;
        let nobody = info.environment(Persona::NoAccount, Way::RealNames).set;
        assert_eq!(set, nobody);
    }
}
