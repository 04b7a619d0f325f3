//! Azure CLI's refresh tokens, redeemed as Azure CLI redeems them, at a server that records the
//! requests.

use crate::support::{Server, http, token};
use azcred::{
    Authority, AzureCliCredential, ClientOptions, Cloud, Credential, Error, ErrorKind, Scope,
    TokenRequest,
    system::{Fixture, Program},
};
use serde_json::{Value, json};
use std::time::{Duration, SystemTime};

const NOW: u64 = 1_800_000_000;
const TENANT: &str = "c0a70500-0000-4000-8000-000000000001";
const AZURE_CLI: &str = "04b07795-8ddb-461a-bbee-02f9e1bf7b46";
const APP: &str = "a0000001-0000-4000-8000-000000000001";
const FOLDER: &str = "/home/ada/.azure";

/// A laptop whose Azure CLI is set to the server's cloud, with the account's tokens.
fn laptop(account: &Value, refresh_tokens: &[&str], access: &Value) -> Fixture {
    let profile = json!({"subscriptions": [{
        "id": "s", "name": "S", "state": "Enabled", "user": account, "isDefault": true, "tenantId": TENANT,
        "environmentName": "Local",
    }]});
    let refresh: serde_json::Map<String, Value> = refresh_tokens
        .iter()
        .enumerate()
        .map(|(place, secret)| {
            let entry = json!({
                "secret": secret, "home_account_id": "oid.tid", "environment": "127.0.0.1", "client_id": AZURE_CLI,
                "family_id": "1", "last_modification_time": (1000 - place).to_string(),
            });
            (place.to_string(), entry)
        })
        .collect();
    let cache = json!({
        "AccessToken": access,
        "RefreshToken": refresh,
        "Account": {"k": {
            "home_account_id": "oid.tid", "environment": "127.0.0.1", "username": "ada@contoso.com",
            "authority_type": "MSSTS",
        }},
    });
    let entries = json!([{"client_id": APP, "tenant": TENANT, "client_secret": "app secret"}]);
    Fixture::new()
        .with_var("HOME", "/home/ada")
        .at(SystemTime::UNIX_EPOCH + Duration::from_secs(NOW))
        .with_file(
            format!("{FOLDER}/config"),
            "[cloud]\nname = Local\n[core]\ninstance_discovery = no\n",
        )
        .with_file(format!("{FOLDER}/azureProfile.json"), profile.to_string())
        .with_file(format!("{FOLDER}/msal_token_cache.json"), cache.to_string())
        .with_file(
            format!("{FOLDER}/service_principal_entries.json"),
            entries.to_string(),
        )
}

fn ada() -> Value {
    json!({"name": "ada@contoso.com", "type": "user"})
}

async fn ask(server: &Server, machine: Fixture) -> Result<String, Error> {
    let cloud =
        Cloud::with_authority(Authority::new(&format!("http://{}", server.address)).unwrap());
    let options = ClientOptions::new(machine.shared()).with_cloud(cloud);
    let credential = AzureCliCredential::new(options);
    let token = credential.get_token(&TokenRequest::new(Scope::ARM)).await?;
    Ok(token.secret().to_owned())
}

/// The form of a request.
fn form(request: &str) -> Vec<(String, String)> {
    let (_, body) = request.split_once("\r\n\r\n").unwrap();
    url::form_urlencoded::parse(body.as_bytes())
        .into_owned()
        .collect()
}

fn field(request: &str, name: &str) -> Option<String> {
    form(request)
        .into_iter()
        .find_map(|(field, value)| (field == name).then_some(value))
}

fn refused(code: u32) -> crate::support::Answer {
    let body = json!({
        "error": "invalid_grant", "error_codes": [code],
        "error_description": format!("AADSTS{code}: no refresh-one. Trace ID: t"),
    });
    http(
        "400 Bad Request",
        &["Content-Type: application/json"],
        &body.to_string(),
    )
}

#[tokio::test]
async fn a_refresh_token_is_redeemed_as_azure_cli_does_and_no_process_is_run() {
    let server = Server::start([token()]).await;
    let az = Program::dies();
    let machine = laptop(&ada(), &["refresh-one"], &json!({})).with_program("az", &az);
    assert_eq!(ask(&server, machine).await.unwrap(), "the-token");
    assert_eq!(az.runs(), 0);
    let request = server.seen().remove(0);
    assert!(
        request.starts_with(&format!("POST /{TENANT}/oauth2/v2.0/token HTTP/1.1")),
        "{request}"
    );
    assert!(
        request
            .to_lowercase()
            .contains("x-anchormailbox: oid:oid@tid"),
        "{request}"
    );
    let mut form = form(&request);
    form.sort();
    let expected = [
        (
            "claims",
            r#"{"access_token":{"xms_cc":{"values":["CP1"]}}}"#,
        ),
        ("client_id", AZURE_CLI),
        ("client_info", "1"),
        ("grant_type", "refresh_token"),
        ("refresh_token", "refresh-one"),
        (
            "scope",
            "https://management.azure.com/.default openid profile offline_access",
        ),
    ];
    assert_eq!(
        form,
        expected.map(|(name, value)| (name.to_owned(), value.to_owned()))
    );
}

#[tokio::test]
async fn after_a_rejected_refresh_token_the_next_is_tried_and_the_last_rejection_is_shown() {
    let server = Server::start([refused(700_082), token()]).await;
    let machine = laptop(&ada(), &["refresh-one", "refresh-two"], &json!({}));
    assert_eq!(ask(&server, machine).await.unwrap(), "the-token");
    let tried: Vec<_> = server
        .seen()
        .iter()
        .filter_map(|request| field(request, "refresh_token"))
        .collect();
    assert_eq!(tried, ["refresh-one", "refresh-two"]);

    let server = Server::start([refused(50_173)]).await;
    let machine = laptop(&ada(), &["refresh-one"], &json!({}));
    let error = ask(&server, machine).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Refused, "{error}");
    assert_eq!(error.code(), Some(50_173));
    assert!(
        error
            .fix()
            .unwrap()
            .to_string()
            .contains(&format!("az login --tenant {TENANT}")),
        "{error}"
    );
    assert!(!format!("{error:?}").contains("refresh-one"), "{error:?}");
}

#[tokio::test]
async fn a_due_token_is_refreshed_and_returned_if_that_fails() {
    let access = json!({"k": {
        "secret": "aging", "home_account_id": "oid.tid", "environment": "127.0.0.1", "client_id": AZURE_CLI,
        "realm": TENANT, "target": Scope::ARM.as_str(), "expires_on": (NOW + 3600).to_string(),
        "refresh_on": (NOW - 1).to_string(),
    }});
    let server = Server::start([token()]).await;
    let machine = laptop(&ada(), &["refresh-one"], &access);
    assert_eq!(ask(&server, machine).await.unwrap(), "the-token");
    let server = Server::start([refused(700_082)]).await;
    let machine = laptop(&ada(), &["refresh-one"], &access);
    assert_eq!(ask(&server, machine).await.unwrap(), "aging");
}

#[tokio::test]
async fn an_applications_secret_is_used_as_azure_cli_does() {
    let server = Server::start([token()]).await;
    let account = json!({"name": APP, "type": "servicePrincipal"});
    assert_eq!(
        ask(&server, laptop(&account, &[], &json!({})))
            .await
            .unwrap(),
        "the-token"
    );
    let request = server.seen().remove(0);
    for (name, value) in [
        ("grant_type", "client_credentials"),
        ("client_id", APP),
        ("client_secret", "app secret"),
        ("scope", Scope::ARM.as_str()),
    ] {
        assert_eq!(field(&request, name).as_deref(), Some(value));
    }
}

#[tokio::test]
async fn azure_cli_is_run_if_its_files_are_not_sufficient() {
    let server = Server::start([token()]).await;
    let said = json!({"accessToken": "from-az", "expires_on": NOW + 3600, "tokenType": "Bearer"});
    let az = Program::prints(0, said.to_string(), "");
    let machine = laptop(&ada(), &[], &json!({})).with_program("az", &az);
    assert_eq!(ask(&server, machine).await.unwrap(), "from-az");
    assert_eq!((az.runs(), server.requests()), (1, 0));
    // Without az, the error names both the files and az.
    let error = ask(&server, laptop(&ada(), &[], &json!({})))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
    assert!(error.why().contains("`az` is not on PATH"), "{error}");
    assert!(error.why().contains("no refresh token"), "{error}");
}

#[tokio::test]
async fn a_profile_without_accounts_runs_nothing() {
    let server = Server::start([token()]).await;
    let az = Program::dies();
    let machine = laptop(&ada(), &[], &json!({}))
        .with_file(
            format!("{FOLDER}/azureProfile.json"),
            "{\"subscriptions\": []}",
        )
        .with_program("az", &az);
    let error = ask(&server, machine).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
    assert!(
        error.fix().unwrap().to_string().contains("az login"),
        "{error}"
    );
    assert_eq!(az.runs(), 0);
}
