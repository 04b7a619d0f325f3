//! The same for a token, with a Resource Manager that sends it back in every place.

use crate::{
    authority::{Authority, Received, response},
    canary::assert_silent,
    run::azcred,
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::json;

const SECRET: &str = "cAnArYzzTopSecretValue0123456789";

/// The response to a request with this token.
type Refusal = fn(&str) -> Vec<u8>;

/// A token with recognizable parts.
fn canary_token() -> String {
    let claims = json!({"oid": "o", "sub": "o", "idtyp": "app", "tid": "t", "appid": "a"});
    format!(
        "{}.{}.cAnArYzzTopSecretSignature0123456789abcdefghij",
        URL_SAFE_NO_PAD.encode(r#"{"alg":"RS256"}"#),
        URL_SAFE_NO_PAD.encode(claims.to_string())
    )
}

/// One server for the identity provider, the cloud's description and Resource Manager, which sends
/// the token back.
fn resource_manager(request: &Received, refuse: Refusal) -> Vec<u8> {
    let host = request
        .head
        .lines()
        .find_map(|line| line.strip_prefix("host: "))
        .unwrap_or_default()
        .trim();
    if request.line.contains("/metadata/endpoints") {
        let body = json!({"name": "Own", "resourceManager": format!("http://{host}"),
            "authentication": {"loginEndpoint": format!("http://{host}"), "audiences": [format!("http://{host}")]}});
        return response("200 OK", "", &body.to_string());
    }
    if request.line.contains("/oauth2/v2.0/token") {
        let body =
            json!({"access_token": canary_token(), "token_type": "Bearer", "expires_in": 3600});
        return response("200 OK", "", &body.to_string());
    }
    let bearer = request
        .head
        .lines()
        .find_map(|line| line.strip_prefix("authorization: Bearer "))
        .unwrap_or_default();
    refuse(bearer.trim())
}

#[test]
fn a_token_in_a_response_of_resource_manager_is_not_printed() {
    let refusals: [(&str, Refusal); 6] = [
        ("an error", |token| {
            let body = json!({"error": {"code": "AuthorizationFailed", "message": format!("The client '{token}' with object id '{token}' does not have authorization to perform action '{token}' over scope '{token}'.")}});
            response(
                "403 Forbidden",
                &format!("x-ms-correlation-request-id: {token}\r\n"),
                &body.to_string(),
            )
        }),
        ("an unknown code", |token| {
            response(
                "400 Bad Request",
                "",
                &json!({"error": {"code": token, "message": token}}).to_string(),
            )
        }),
        ("another tenant", |token| {
            let body = json!({"error": {"code": "InvalidAuthenticationTokenTenant", "message": format!("it must match 'https://sts.windows.net/{token}/'")}});
            let headers = format!(
                "www-authenticate: Bearer authorization_uri=\"https://login.windows.net/{token}\", error=\"{token}\"\r\n"
            );
            response("401 Unauthorized", &headers, &body.to_string())
        }),
        ("HTML", |token| {
            response(
                "200 OK",
                "content-type: text/html\r\n",
                &format!("<p>{token}"),
            )
        }),
        ("a redirect", |token| {
            response(
                "302 Found",
                &format!("location: https://evil.example/{token}\r\n"),
                "",
            )
        }),
        ("a name and a link", |token| {
            let body = json!({"displayName": token, "subscriptionId": token, "state": token, "name": token, "location": token,
                "id": token, "value": [{"displayName": token, "subscriptionId": token}], "nextLink": format!("https://evil.example/{token}"),
                "properties": {"workspaceId": token}});
            response("200 OK", "", &body.to_string())
        }),
    ];
    for (how, refuse) in refusals {
        for command in [
            &["doctor"][..],
            &["doctor", "--output", "json"],
            &["whoami"],
        ] {
            let server = Authority::answering(move |request| resource_manager(request, refuse));
            let said = azcred(command)
                .env("AZCRED_LOG", "trace")
                .env("AZURE_TENANT_ID", "contoso.onmicrosoft.com")
                .env("AZURE_CLIENT_ID", "11111111-2222-3333-4444-555555555555")
                .env("AZURE_CLIENT_SECRET", SECRET)
                .env(
                    "ARM_CLOUD_METADATA_URL",
                    &format!("{}/metadata/endpoints", server.url()),
                )
                .env(
                    "AZUREML_ARM_SUBSCRIPTION",
                    "5ec0ffee-0001-4000-8000-000000000001",
                )
                .env("AZUREML_ARM_RESOURCEGROUP", "rg")
                .env("AZUREML_ARM_WORKSPACE_NAME", "team")
                .directory("/")
                .said();
            let asked = server
                .received()
                .iter()
                .any(|request| request.line.contains("/subscriptions/"));
            assert!(
                asked || command == ["whoami"],
                "{how}: Resource Manager was not asked\n{said}"
            );
            let token = canary_token();
            let signature = token.rsplit('.').next().expect("a signature");
            assert_silent(&said, &[SECRET, signature], &format!("{how} {command:?}"));
        }
    }
}
