//! Continuous access evaluation: a change of an account affects its tokens at once, if the client
//! can handle a challenge.

use crate::common::{
    Lab, Reply,
    browser::TestBrowser,
    people::{
        ADA, AZURE_CLI, CONTOSO, FABRIKAM, SCOPE, SEED, refresh, request_token, sign_in, text,
    },
    read, refused,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

const CAPABLE: &str = r#"{"access_token": {"xms_cc": {"values": ["cp1"]}}}"#;
const HOUR: i64 = 3600;

/// An application that may end sessions and create resource groups.
const ADMINISTRATOR: &str = r#"
[[applications]]
tenant = "contoso.com"
app_id = "a0000001-0000-4000-8000-00000000000e"
name = "administrator"
secrets = [{ name = "s", value = "administrator's" }]
service_principal = { id = "d0000001-0000-4000-8000-00000000000e", graph_permissions = ["User.RevokeSessions.All", "User.EnableDisableAccount.All", "User-PasswordProfile.ReadWrite.All"] }

[[role_assignments]]
principal = "administrator"
role = "Contributor"
scope = "/subscriptions/5ec0ffee-0001-4000-8000-000000000001"
"#;

/// The two tenants with the application.
async fn lab() -> Lab {
    Lab::seeded(&format!("{SEED}{ADMINISTRATOR}")).await
}

/// Ada's tokens, for a client that can handle a challenge.
async fn capable(lab: &Lab) -> Reply {
    let form = [
        ("grant_type", "password"),
        ("username", "ada@contoso.com"),
        ("password", "analytical"),
        ("claims", CAPABLE),
    ];
    request_token(lab, CONTOSO, &form).await
}

async fn arm(lab: &Lab, answer: &Reply) -> Reply {
    let url = format!(
        "{}/subscriptions?api-version=2022-12-01",
        lab.emulator.info().arm_url
    );
    let request = lab
        .client
        .get(url)
        .bearer_auth(text(answer, "access_token"));
    read(request.send().await.unwrap()).await
}

async fn graph(lab: &Lab, method: &str, path: &str, token: &str, body: &Value) -> Reply {
    let url = format!("{}{path}", lab.emulator.info().graph_url);
    let method = method.parse().unwrap();
    let request = lab
        .client
        .request(method, url)
        .bearer_auth(token)
        .json(body);
    read(request.send().await.unwrap()).await
}

/// A token for Graph of the administrator's tool.
async fn administrator(lab: &Lab) -> String {
    let answer = lab
        .request_token(&[
            ("client_id", "a0000001-0000-4000-8000-00000000000e"),
            ("client_secret", "administrator's"),
            ("scope", "https://graph.microsoft.com/.default"),
        ])
        .await;
    text(&answer, "access_token").to_owned()
}

/// The claims of a challenge.
fn challenge(answer: &Reply) -> (String, Value) {
    let header = answer.headers["www-authenticate"].to_str().unwrap();
    let (head, claims) = header.split_once("claims=\"").expect("claims");
    let claims = STANDARD.decode(claims.strip_suffix('"').unwrap()).unwrap();
    (head.to_owned(), serde_json::from_slice(&claims).unwrap())
}

#[tokio::test]
async fn a_client_that_can_handle_challenges_gets_tokens_for_a_day() {
    let lab = lab().await;
    let long = capable(&lab).await;
    let lifetime = long.body["expires_in"].as_i64().unwrap();
    assert!((24 * HOUR - 1..28 * HOUR).contains(&lifetime), "{lifetime}");
    assert_eq!(long.claims()["xms_cc"], json!(["CP1"]));
    // A resource without continuous access evaluation gets tokens with the usual lifetime.
    let storage = [
        ("scope", "https://storage.azure.com/.default"),
        ("claims", CAPABLE),
    ];
    let storage = refresh(&lab, CONTOSO, text(&long, "refresh_token"), &storage).await;
    assert!(storage.body["expires_in"].as_i64().unwrap() < 2 * HOUR);
    let short = sign_in(&lab, CONTOSO, "ada@contoso.com", "analytical").await;
    assert!(short.body["expires_in"].as_i64().unwrap() < 2 * HOUR);
}

#[tokio::test]
async fn after_revocation_arm_requires_a_new_sign_in_and_then_accepts_it() {
    let lab = lab().await;
    let old = capable(&lab).await;
    let incapable = sign_in(&lab, CONTOSO, "ada@contoso.com", "analytical").await;
    assert_eq!(arm(&lab, &old).await.status, 200);
    let token = administrator(&lab).await;
    let path = format!("/v1.0/users/{ADA}/revokeSignInSessions");
    let revoked = graph(&lab, "POST", &path, &token, &json!({})).await;
    assert_eq!(
        (revoked.status, &revoked.body["value"]),
        (200, &json!(true))
    );

    let turned_down = arm(&lab, &old).await;
    assert_eq!(turned_down.status, 401, "{turned_down:?}");
    let code = &turned_down.body["error"]["code"];
    assert_eq!(code, "InvalidAuthenticationToken");
    let (head, claims) = challenge(&turned_down);
    let authorize = lab.login("/common/oauth2/authorize");
    assert_eq!(
        head,
        format!(
            "Bearer realm=\"\", authorization_uri=\"{authorize}\", error=\"insufficient_claims\", "
        )
    );
    let nbf = &claims["access_token"]["nbf"];
    assert_eq!(nbf["essential"], true);
    assert!(nbf["value"].as_str().unwrap().parse::<i64>().is_ok());
    // A client that can't handle a challenge gets none until the token expires.
    assert_eq!(arm(&lab, &incapable).await.status, 200);

    // The client passes the challenge's claims on. Its refresh token is revoked.
    let claims = claims.to_string();
    let more = [("claims", claims.as_str())];
    let refreshed = refresh(&lab, CONTOSO, text(&old, "refresh_token"), &more).await;
    refused(&refreshed, 50173, "invalid_grant", 400);
    for answer in [&old, &incapable] {
        let refreshed = refresh(&lab, CONTOSO, text(answer, "refresh_token"), &[]).await;
        refused(&refreshed, 50173, "invalid_grant", 400);
    }
    let form = [
        ("grant_type", "password"),
        ("username", "ada@contoso.com"),
        ("password", "analytical"),
        ("claims", &*claims),
    ];
    let signed_in = request_token(&lab, CONTOSO, &form).await;
    assert_eq!(signed_in.status, 200, "{signed_in:?}");
    assert_eq!(arm(&lab, &signed_in).await.status, 200);
    let again = capable(&lab).await;
    assert_eq!(arm(&lab, &again).await.status, 200);
    let next = refresh(&lab, CONTOSO, text(&again, "refresh_token"), &more).await;
    assert_eq!(next.status, 200, "{next:?}");
}

#[tokio::test]
async fn a_sign_in_must_be_as_recent_as_a_challenge_requires() {
    let lab = lab().await;
    let signed_in = capable(&lab).await;
    let at = lab.emulator.world().clock.unix();
    for (not_before, code) in [(at - 60, 0), (at + 60, 50173)] {
        let value = not_before.to_string();
        let claims = json!({"access_token": {"nbf": {"essential": true, "value": value}}});
        let claims = claims.to_string();
        let more = [("claims", claims.as_str())];
        let answer = refresh(&lab, CONTOSO, text(&signed_in, "refresh_token"), &more).await;
        assert_eq!(answer.code(), code, "{answer:?}");
    }
}

#[tokio::test]
async fn a_disabled_account_and_a_new_password_revoke_tokens_too() {
    let lab = lab().await;
    let token = administrator(&lab).await;
    let path = format!("/v1.0/users/{ADA}");
    let enabled = |enabled: bool| json!({"accountEnabled": enabled});

    let signed_in = capable(&lab).await;
    let patched = graph(&lab, "PATCH", &path, &token, &enabled(false)).await;
    assert_eq!(patched.status, 204);
    assert_eq!(arm(&lab, &signed_in).await.status, 401);
    let refreshed = refresh(&lab, CONTOSO, text(&signed_in, "refresh_token"), &[]).await;
    refused(&refreshed, 50057, "invalid_grant", 400);
    // Enabled again, the account is as before: its sessions were not ended.
    graph(&lab, "PATCH", &path, &token, &enabled(true)).await;
    assert_eq!(arm(&lab, &signed_in).await.status, 200);

    let password = json!({"passwordProfile": {"password": "Difference-1822"}});
    let patched = graph(&lab, "PATCH", &path, &token, &password).await;
    assert_eq!(patched.status, 204);
    let (_, claims) = challenge(&arm(&lab, &signed_in).await);
    assert!(claims["access_token"]["nbf"].is_object());
    let refreshed = refresh(&lab, CONTOSO, text(&signed_in, "refresh_token"), &[]).await;
    refused(&refreshed, 50173, "invalid_grant", 400);
    refused(&capable(&lab).await, 50126, "invalid_grant", 400);
    let new = sign_in(&lab, CONTOSO, "ada@contoso.com", "Difference-1822").await;
    assert_eq!(new.status, 200, "{new:?}");
}

#[tokio::test]
async fn users_end_their_own_sessions_and_change_their_own_passwords() {
    let lab = lab().await;
    let for_graph = |answer: &Reply| {
        let token = text(answer, "refresh_token").to_owned();
        let lab = &lab;
        async move {
            let more = [
                ("scope", "https://graph.microsoft.com/.default"),
                ("claims", CAPABLE),
            ];
            let answer = refresh(lab, CONTOSO, &token, &more).await;
            text(&answer, "access_token").to_owned()
        }
    };
    let first = capable(&lab).await;
    let token = for_graph(&first).await;
    let me = graph(&lab, "GET", "/v1.0/me", &token, &json!({})).await;
    assert_eq!(me.body["userPrincipalName"], "ada@contoso.com");
    let path = "/v1.0/me/changePassword";
    let wrong = json!({"currentPassword": "wrong", "newPassword": "difference"});
    let refused_change = graph(&lab, "POST", path, &token, &wrong).await;
    assert_eq!(refused_change.status, 400);
    let path = "/v1.0/me/revokeSignInSessions";
    let revoked = graph(&lab, "POST", path, &token, &json!({})).await;
    assert_eq!(revoked.status, 200, "{revoked:?}");
    // Graph checks the account first.
    let again = graph(&lab, "POST", path, &token, &json!({})).await;
    assert_eq!(again.status, 401);
    let (head, _) = challenge(&again);
    assert!(
        head.contains("TokenIssuedBeforeRevocationTimestamp"),
        "{head}"
    );
    assert!(head.contains("error=\"insufficient_claims\""), "{head}");

    let second = capable(&lab).await;
    let token = for_graph(&second).await;
    let path = "/v1.0/me/changePassword";
    let right = json!({"currentPassword": "analytical", "newPassword": "difference"});
    let changed = graph(&lab, "POST", path, &token, &right).await;
    assert_eq!(changed.status, 204, "{changed:?}");
    assert_eq!(arm(&lab, &second).await.status, 401);
    let new = sign_in(&lab, CONTOSO, "ada@contoso.com", "difference").await;
    assert_eq!(new.status, 200, "{new:?}");
}

#[tokio::test]
async fn only_a_caller_with_the_permission_ends_anothers_sessions() {
    let lab = lab().await;
    let path = format!("/v1.0/users/{ADA}/revokeSignInSessions");
    let person = capable(&lab).await;
    let more = [("scope", "https://graph.microsoft.com/.default")];
    let person = refresh(&lab, CONTOSO, text(&person, "refresh_token"), &more).await;
    let person = text(&person, "access_token");
    let denied = graph(&lab, "POST", &path, person, &json!({})).await;
    assert_eq!(denied.status, 403, "{denied:?}");
    let token = administrator(&lab).await;
    // An application has no `/me`, and users of other tenants are not found.
    let me = graph(&lab, "GET", "/v1.0/me", &token, &json!({})).await;
    assert_eq!(me.status, 400);
    let stranger = "/v1.0/users/e0000001-0000-4000-8000-00000000000f/revokeSignInSessions";
    let unknown = graph(&lab, "POST", stranger, &token, &json!({})).await;
    assert_eq!(unknown.status, 404);
    let path = format!("/v1.0/users/{ADA}");
    for (nothing, status) in [
        (json!({}), 403),
        (json!({"displayName": "x"}), 403),
        (json!({"accountEnabled": false, "displayName": "x"}), 403),
        (json!([]), 400),
    ] {
        let refused = graph(&lab, "PATCH", &path, &token, &nothing).await;
        assert_eq!(refused.status, status, "{nothing}");
    }
    assert_eq!(arm(&lab, &capable(&lab).await).await.status, 200);
}

#[tokio::test]
async fn a_guests_tokens_are_revoked_with_the_home_accounts_sessions() {
    let lab = lab().await;
    let home = capable(&lab).await;
    let more = [("claims", CAPABLE)];
    let guest = refresh(&lab, FABRIKAM, text(&home, "refresh_token"), &more).await;
    assert_eq!(arm(&lab, &guest).await.status, 200);
    let token = administrator(&lab).await;
    let path = format!("/v1.0/users/{ADA}/revokeSignInSessions");
    graph(&lab, "POST", &path, &token, &json!({})).await;
    assert_eq!(arm(&lab, &guest).await.status, 401);
    let next = refresh(&lab, FABRIKAM, text(&guest, "refresh_token"), &[]).await;
    refused(&next, 50173, "invalid_grant", 400);
}

#[tokio::test]
async fn a_change_needs_a_second_factor_if_the_tenant_requires_it() {
    let domain = "domains = [\"contoso.com\"]\n";
    let wanted = format!("{domain}mfa_for_changes = true\ndevice_code_interval = 0\n");
    let seed = SEED.replace(domain, &wanted);
    let lab = Lab::seeded(&format!("{seed}{ADMINISTRATOR}")).await;
    let path = "/subscriptions/5ec0ffee-0001-4000-8000-000000000001/resourcegroups/rg-new";
    let url = format!(
        "{}{path}?api-version=2022-09-01",
        lab.emulator.info().arm_url
    );
    let put = |answer: &Reply| {
        let request = lab
            .client
            .put(&url)
            .bearer_auth(text(answer, "access_token"));
        let request = request.json(&json!({"location": "westeurope"}));
        async { read(request.send().await.unwrap()).await }
    };
    let by_password = capable(&lab).await;
    // A password is enough for reading.
    assert_eq!(arm(&lab, &by_password).await.status, 200);
    let turned_down = put(&by_password).await;
    assert_eq!(turned_down.status, 401, "{turned_down:?}");
    let error = &turned_down.body["error"];
    assert_eq!(error["code"], "RequestDisallowedByPolicy");
    let (head, claims) = challenge(&turned_down);
    assert!(head.contains("error=\"insufficient_claims\""), "{head}");
    let acrs = json!({"essential": true, "values": ["p1"]});
    assert_eq!(claims, json!({"access_token": {"acrs": acrs}}));

    // The client's token is not enough for a change. A sign-in with the challenge's claims is.
    let claims = claims.to_string();
    let more = [("claims", claims.as_str())];
    let refreshed = refresh(&lab, CONTOSO, text(&by_password, "refresh_token"), &more).await;
    refused(&refreshed, 50076, "invalid_grant", 400);
    assert_eq!(text(&refreshed, "suberror"), "basic_action");
    let form = [
        ("client_id", AZURE_CLI),
        ("scope", SCOPE),
        ("claims", &*claims),
    ];
    let begun = lab
        .post("/organizations/oauth2/v2.0/devicecode", &form)
        .await;
    let user_code = text(&begun, "user_code");
    TestBrowser::new(&lab)
        .approve_device(user_code, ADA, "analytical")
        .await;
    let form = [
        ("grant_type", "urn:ietf:params:oauth:grant-type:device_code"),
        ("device_code", text(&begun, "device_code")),
    ];
    let signed_in = request_token(&lab, CONTOSO, &form).await;
    let made = put(&signed_in).await;
    assert_eq!(made.status, 201, "{made:?}");
    // An application can't have a second factor, and needs none.
    let application = lab
        .request_token(&[
            ("client_id", "a0000001-0000-4000-8000-00000000000e"),
            ("client_secret", "administrator's"),
        ])
        .await;
    assert_eq!(put(&application).await.status, 200);
}
