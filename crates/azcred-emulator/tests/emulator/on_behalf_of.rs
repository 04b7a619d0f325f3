//! A service acts for its caller: the on-behalf-of grant.

use crate::common::{
    Lab, Reply, TENANT,
    people::{CONSENTED, FABRIKAM, SEED, refresh, request_token, sign_in, text},
    refused,
};
use serde_json::{Value, json};

const OBO: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";
const MIDDLE: &str = "a0000001-0000-4000-8000-0000000000a1";
const MIDDLE_V2: &str = "a0000001-0000-4000-8000-0000000000a2";
const UNCONSENTED: &str = "a0000001-0000-4000-8000-0000000000a3";
const STORAGE: &str = "https://storage.azure.com/.default";

const MIDDLE_TIER: &str = r#"
[[applications]]
tenant = "contoso.com"
app_id = "a0000001-0000-4000-8000-0000000000a1"
name = "middle"
identifier_uris = ["api://middle"]
consented = true
secrets = [{ name = "s", value = "middle secret" }]
service_principal = { id = "d0000001-0000-4000-8000-0000000000a1" }

[[applications]]
tenant = "contoso.com"
app_id = "a0000001-0000-4000-8000-0000000000a2"
name = "middle of v2.0"
identifier_uris = ["api://middle-v2"]
access_token_version = 2
consented = true
secrets = [{ name = "s", value = "middle secret" }]
service_principal = { id = "d0000001-0000-4000-8000-0000000000a2" }

[[applications]]
tenant = "contoso.com"
app_id = "a0000001-0000-4000-8000-0000000000a3"
name = "middle without consent"
identifier_uris = ["api://unconsented"]
secrets = [{ name = "s", value = "middle secret" }]
service_principal = { id = "d0000001-0000-4000-8000-0000000000a3" }
"#;

async fn lab() -> Lab {
    Lab::seeded(&format!("{SEED}{MIDDLE_TIER}")).await
}

/// Signs Ada in to a program, for one of the services.
async fn assertion(lab: &Lab, scope: &str) -> String {
    let answer = request_token(
        lab,
        TENANT,
        &[
            ("client_id", CONSENTED),
            ("grant_type", "password"),
            ("username", "ada@contoso.com"),
            ("password", "analytical"),
            ("scope", scope),
        ],
    )
    .await;
    text(&answer, "access_token").to_owned()
}

/// Exchanges an assertion. The given parameters replace the usual ones.
async fn exchange(lab: &Lab, assertion: &str, parameters: &[(&str, &str)]) -> Reply {
    let mut form = vec![
        ("grant_type", OBO),
        ("client_id", MIDDLE),
        ("client_secret", "middle secret"),
        ("assertion", assertion),
        ("requested_token_use", "on_behalf_of"),
        ("scope", STORAGE),
    ];
    form.retain(|(name, _)| !parameters.iter().any(|(other, _)| other == name));
    form.extend(parameters);
    request_token(lab, TENANT, &form).await
}

#[tokio::test]
async fn a_service_gets_a_token_of_its_caller_for_another_resource() {
    let lab = lab().await;
    for (middle, scope) in [
        (MIDDLE, "api://middle/.default"),
        (MIDDLE, "a0000001-0000-4000-8000-0000000000a1/.default"),
        (MIDDLE_V2, "api://middle-v2/.default"),
    ] {
        let theirs = assertion(&lab, scope).await;
        let scope = [
            ("client_id", middle),
            (
                "scope",
                "https://storage.azure.com/.default openid profile offline_access",
            ),
        ];
        let answer = exchange(&lab, &theirs, &scope).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        let claims = answer.claims();
        for (name, value) in [
            ("aud", json!("https://storage.azure.com")),
            ("appid", json!(middle)),
            ("appidacr", json!("1")),
            ("oid", json!("e0000001-0000-4000-8000-000000000001")),
            ("upn", json!("ada@contoso.com")),
            ("idtyp", json!("user")),
            ("scp", json!("user_impersonation")),
            ("amr", json!(["pwd"])),
        ] {
            assert_eq!(claims[name], value, "{name}");
        }
        let mut keys: Vec<_> = answer.body.as_object().unwrap().keys().collect();
        keys.sort();
        let all = "access_token client_info expires_in ext_expires_in id_token refresh_token scope \
                   token_type";
        assert_eq!(
            keys.iter()
                .map(|k| k.as_str())
                .collect::<Vec<_>>()
                .join(" "),
            all
        );
        // A service that works for longer keeps the refresh token, not the assertion.
        let later = [
            ("client_id", middle),
            ("client_secret", "middle secret"),
            ("scope", "https://management.azure.com/.default"),
        ];
        let later = refresh(&lab, TENANT, text(&answer, "refresh_token"), &later).await;
        assert_eq!(later.claims()["aud"], "https://management.azure.com");
        assert_eq!(later.claims()["sid"], claims["sid"]);
    }
}

#[tokio::test]
async fn only_what_is_requested_comes_with_the_token_and_v1_names_a_resource() {
    let lab = lab().await;
    let theirs = assertion(&lab, "api://middle/.default").await;
    let bare = exchange(&lab, &theirs, &[]).await;
    assert_eq!(bare.status, 200, "{bare:?}");
    for name in ["refresh_token", "id_token", "foci"] {
        assert!(bare.body.get(name).is_none(), "{name}");
    }
    let v1 = lab
        .post(
            &format!("/{TENANT}/oauth2/token"),
            &[
                ("grant_type", OBO),
                ("client_id", MIDDLE),
                ("client_secret", "middle secret"),
                ("assertion", &theirs),
                ("requested_token_use", "on_behalf_of"),
                ("resource", "https://graph.microsoft.com/"),
            ],
        )
        .await;
    assert_eq!(v1.status, 200, "{v1:?}");
    assert_eq!(v1.claims()["aud"], "https://graph.microsoft.com/");
    assert!(v1.body["refresh_token"].is_string() && v1.body["expires_in"].is_string());
}

#[tokio::test]
async fn a_chain_of_services_keeps_the_session() {
    let lab = lab().await;
    let theirs = assertion(&lab, "api://middle-v2/.default").await;
    let first = exchange(
        &lab,
        &theirs,
        &[("client_id", MIDDLE_V2), ("scope", "api://middle/.default")],
    )
    .await;
    let second = exchange(&lab, text(&first, "access_token"), &[]).await;
    assert_eq!(second.status, 200, "{second:?}");
    let session = |reply: &Reply| reply.claims()["sid"].clone();
    assert_eq!(session(&first), session(&second));
    assert_eq!(second.claims()["appid"], MIDDLE);
}

#[tokio::test]
async fn an_assertion_that_is_not_the_clients_is_refused() {
    let lab = lab().await;
    let theirs = assertion(&lab, "api://middle/.default").await;
    let (signed, _) = theirs.rsplit_once('.').unwrap();
    let other = assertion(&lab, "api://middle-v2/.default").await;
    let forged = format!("{signed}.{}", other.rsplit_once('.').unwrap().1);
    let unsigned = "eyJhbGciOiJub25lIn0.e30.";
    for (assertion, code, error, words) in [
        (forged.as_str(), 50013, "invalid_grant", "Found key 'Start="),
        (unsigned, 50013, "invalid_grant", "The key was not found."),
        ("nonsense", 50027, "invalid_request", "JWT token"),
        (
            &other,
            500_131,
            "invalid_grant",
            "The audience in the assertion was 'a0000001-0000-4000-8000-0000000000a2' and the expected audience is \
             'api://middle'",
        ),
    ] {
        let answer = exchange(&lab, assertion, &[]).await;
        refused(&answer, code, error, 400);
        assert!(
            text(&answer, "error_description").contains(words),
            "{answer:?}"
        );
    }
    // An expired one.
    lab.emulator.world().clock.set_skew(7_200);
    let late = exchange(&lab, &theirs, &[]).await;
    refused(&late, 500_133, "invalid_grant", 400);
}

#[tokio::test]
async fn an_applications_token_and_a_public_client_are_refused() {
    let lab = lab().await;
    let app_only = lab
        .request_token(&[
            ("client_id", MIDDLE_V2),
            ("client_secret", "middle secret"),
            ("scope", "api://middle/.default"),
        ])
        .await;
    let answer = exchange(&lab, text(&app_only, "access_token"), &[]).await;
    refused(&answer, 7_000_114, "unauthorized_client", 400);
    let theirs = assertion(&lab, "api://middle/.default").await;
    for (parameters, code) in [
        (
            vec![("client_id", CONSENTED), ("client_secret", "")],
            7_000_218,
        ),
        (vec![("client_id", CONSENTED)], 700_025),
        (vec![("client_secret", "")], 7_000_218),
        (vec![("client_secret", "wrong")], 7_000_215),
    ] {
        let answer = exchange(&lab, &theirs, &parameters).await;
        refused(&answer, code, "invalid_client", 401);
    }
    let without = exchange(&lab, &theirs, &[("requested_token_use", "")]).await;
    refused(&without, 900_144, "invalid_request", 400);
    let other = exchange(&lab, &theirs, &[("requested_token_use", "other")]).await;
    refused(&other, 70003, "unsupported_grant_type", 400);
    let without = exchange(&lab, &theirs, &[("assertion", "")]).await;
    refused(&without, 900_144, "invalid_request", 400);
}

#[tokio::test]
async fn consent_and_policies_count_for_the_service_too() {
    let lab = lab().await;
    let theirs = assertion(&lab, "api://unconsented/.default").await;
    let answer = exchange(&lab, &theirs, &[("client_id", UNCONSENTED)]).await;
    refused(&answer, 65001, "invalid_grant", 400);
    assert_eq!(text(&answer, "suberror"), "consent_required");
    // A tenant in which the caller is nothing.
    let theirs = assertion(&lab, "api://middle/.default").await;
    let form = [
        ("grant_type", OBO),
        ("client_id", MIDDLE),
        ("client_secret", "middle secret"),
        ("assertion", theirs.as_str()),
        ("requested_token_use", "on_behalf_of"),
        ("scope", STORAGE),
    ];
    let answer = request_token(&lab, FABRIKAM, &form).await;
    refused(&answer, 700_016, "unauthorized_client", 400);
    // Without a tenant, the assertion names it.
    let answer = request_token(&lab, "common", &form).await;
    assert_eq!(answer.claims()["tid"], TENANT);
}

#[tokio::test]
async fn a_challenge_reaches_the_service_and_ended_sessions_end_the_exchange() {
    let policy = r#"
[[conditional_access]]
tenant = "contoso.com"
name = "Storage needs a second factor"
users = ["ada@contoso.com"]
resources = ["https://storage.azure.com"]
require = "mfa"
"#;
    let lab = Lab::seeded(&format!("{SEED}{MIDDLE_TIER}{policy}")).await;
    let theirs = assertion(&lab, "api://middle/.default").await;
    let answer = exchange(&lab, &theirs, &[]).await;
    refused(&answer, 50076, "invalid_grant", 400);
    let challenge: Value = serde_json::from_str(text(&answer, "claims")).unwrap();
    assert!(
        challenge["access_token"]["capolids"].is_object(),
        "{challenge}"
    );
    let graph = [("scope", "User.Read")];
    assert_eq!(exchange(&lab, &theirs, &graph).await.status, 200);
    // An administrator ends the sessions.
    let id = "e0000001-0000-4000-8000-000000000001".parse().unwrap();
    let now = lab.emulator.world().clock.now();
    {
        let mut directory = lab.emulator.world().directory_mut();
        directory.users.get_mut(&id).unwrap().sessions_valid_from = Some(now);
    }
    let answer = exchange(&lab, &theirs, &graph).await;
    refused(&answer, 50173, "invalid_grant", 400);
    // A new sign-in works.
    let again = sign_in(&lab, TENANT, "ada@contoso.com", "analytical").await;
    assert_eq!(again.status, 200);
}
