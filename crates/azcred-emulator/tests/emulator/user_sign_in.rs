//! Users sign in with a password.

use crate::common::{
    claims_of,
    people::{
        ADA, ARM, AZURE_CLI, CONFIDENTIAL, CONSENTED, CONTOSO, DESKTOP, FABRIKAM, lab, refresh,
        request_token, sign_in, text,
    },
    refused,
};
use azcred_emulator::directory::Group;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};

#[tokio::test]
async fn a_password_gets_everything_that_azure_cli_stores() {
    let lab = lab().await;
    let answer = sign_in(&lab, "organizations", "Ada@Contoso.com", "analytical").await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(
        text(&answer, "scope"),
        format!("{ARM}/user_impersonation {ARM}/.default")
    );
    assert_eq!(text(&answer, "foci"), "1");
    let info = URL_SAFE_NO_PAD
        .decode(text(&answer, "client_info"))
        .unwrap();
    let info: Value = serde_json::from_slice(&info).unwrap();
    assert_eq!(info, json!({"uid": ADA, "utid": CONTOSO}));
    let claims = answer.claims();
    for (name, value) in [
        ("aud", json!(ARM)),
        ("iss", json!(format!("https://sts.windows.net/{CONTOSO}/"))),
        ("appid", json!(AZURE_CLI)),
        ("appidacr", json!("0")),
        ("amr", json!(["pwd"])),
        ("idtyp", json!("user")),
        ("name", json!("Ada Lovelace")),
        ("given_name", json!("Ada")),
        ("family_name", json!("Lovelace")),
        ("oid", json!(ADA)),
        ("tid", json!(CONTOSO)),
        ("scp", json!("user_impersonation")),
        ("unique_name", json!("ada@contoso.com")),
        ("upn", json!("ada@contoso.com")),
        ("groups", json!(["f0000001-0000-4000-8000-000000000001"])),
        ("ver", json!("1.0")),
    ] {
        assert_eq!(claims[name], value, "{name}");
    }
    assert!(claims.get("idp").is_none() && claims.get("xms_cc").is_none());
    assert!(claims["puid"].as_str().unwrap().starts_with("1003"));
    let id = claims_of(text(&answer, "id_token"));
    for (name, value) in [
        ("aud", json!(AZURE_CLI)),
        (
            "iss",
            json!(format!("https://login.microsoftonline.com/{CONTOSO}/v2.0")),
        ),
        ("oid", json!(ADA)),
        ("preferred_username", json!("ada@contoso.com")),
        ("ver", json!("2.0")),
    ] {
        assert_eq!(id[name], value, "{name}");
    }
    assert_ne!(id["sub"], claims["sub"]);
    for name in ["aio", "puid"] {
        assert!(id[name].is_string(), "{name}");
    }
    assert!(id.get("sid").is_none(), "{id}");
}

#[tokio::test]
async fn only_requested_tokens_are_returned() {
    let lab = lab().await;
    let answer = request_token(
        &lab,
        CONTOSO,
        &[
            ("grant_type", "password"),
            ("username", "ada@contoso.com"),
            ("password", "analytical"),
            ("scope", "https://management.azure.com/user_impersonation"),
            ("client_info", ""),
            (
                "claims",
                r#"{"access_token": {"xms_cc": {"values": ["CP1", "other"]}}}"#,
            ),
        ],
    )
    .await;
    assert_eq!(answer.status, 200, "{answer:?}");
    for name in ["refresh_token", "foci", "id_token", "client_info"] {
        assert!(answer.body.get(name).is_none(), "{name}");
    }
    assert_eq!(answer.claims()["xms_cc"], json!(["CP1"]));
    assert_eq!(answer.claims()["aud"], "https://management.azure.com");
}

#[tokio::test]
async fn a_resource_that_expects_v2_tokens_gets_users_tokens_in_v2_too() {
    let lab = lab().await;
    let first = sign_in(&lab, CONTOSO, "ada@contoso.com", "analytical").await;
    let scope = [("scope", "api://contoso/user_impersonation")];
    let answer = refresh(&lab, CONTOSO, text(&first, "refresh_token"), &scope).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let claims = answer.claims();
    let issuer = format!("https://login.microsoftonline.com/{CONTOSO}/v2.0");
    for (name, value) in [
        ("aud", json!("a0000001-0000-4000-8000-00000000000d")),
        ("iss", json!(issuer)),
        ("azp", json!(AZURE_CLI)),
        ("azpacr", json!("0")),
        ("preferred_username", json!("ada@contoso.com")),
        ("scp", json!("user_impersonation")),
        ("ver", json!("2.0")),
    ] {
        assert_eq!(claims[name], value, "{name}");
    }
    // Claims that only v1.0 tokens have ('Access token claims reference').
    for name in [
        "acr",
        "amr",
        "appid",
        "appidacr",
        "idtyp",
        "ipaddr",
        "puid",
        "unique_name",
        "upn",
        "wids",
    ] {
        assert!(claims.get(name).is_none(), "{name}");
    }
}

#[tokio::test]
async fn the_v1_endpoint_signs_users_in_too() {
    let lab = lab().await;
    let form = [
        ("grant_type", "password"),
        ("client_id", AZURE_CLI),
        ("resource", ARM),
        ("username", "ada@contoso.com"),
        ("password", "analytical"),
        ("scope", "openid"),
    ];
    let answer = lab.post(&format!("/{CONTOSO}/oauth2/token"), &form).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(text(&answer, "scope"), "user_impersonation");
    assert_eq!(text(&answer, "resource"), ARM);
    assert!(text(&answer, "expires_in").parse::<u32>().is_ok());
    assert!(text(&answer, "id_token").ends_with('.'));
    assert_eq!(
        claims_of(text(&answer, "id_token"))["upn"],
        "ada@contoso.com"
    );
    // Each endpoint accepts what the other issued.
    let next = refresh(&lab, CONTOSO, text(&answer, "refresh_token"), &[]).await;
    assert_eq!(next.status, 200, "{next:?}");
}

#[tokio::test]
async fn each_rejected_password_sign_in_has_its_own_code() {
    let lab = lab().await;
    for (name, password, code) in [
        ("nobody@contoso.com", "x", 50034),
        ("ada_contoso.com#EXT#@fabrikam.com", "analytical", 50034),
        ("ada@contoso.com", "Analytical", 50126),
        ("disabled@contoso.com", "x", 50057),
        ("locked@contoso.com", "x", 50053),
        ("expired@contoso.com", "wrong", 50126),
        ("expired@contoso.com", "x", 50055),
        ("mfa@contoso.com", "wrong", 50126),
        ("mfa@contoso.com", "x", 50076),
    ] {
        let answer = sign_in(&lab, "organizations", name, password).await;
        refused(&answer, code, "invalid_grant", 400);
        if code == 50076 {
            assert!(text(&answer, "claims").contains("capolids"));
            assert_eq!(text(&answer, "suberror"), "basic_action");
        }
    }
    let grace = sign_in(&lab, FABRIKAM, "grace@contoso.com", "nanosecond").await;
    refused(&grace, 90072, "invalid_grant", 400);
    for endpoint in ["common", "consumers"] {
        let answer = sign_in(&lab, endpoint, "ada@contoso.com", "analytical").await;
        refused(&answer, 9_001_023, "invalid_grant", 400);
    }
}

#[tokio::test]
async fn each_invalid_client_or_scope_has_its_own_code() {
    let lab = lab().await;
    let signed_in = |more: &[(&'static str, &'static str)]| {
        let mut form = vec![
            ("grant_type", "password"),
            ("username", "ada@contoso.com"),
            ("password", "analytical"),
        ];
        form.extend(more);
        form
    };
    for (more, code, error, status) in [
        (
            vec![("client_id", CONFIDENTIAL)],
            7_000_218,
            "invalid_client",
            401,
        ),
        (
            vec![("client_id", CONFIDENTIAL), ("client_secret", "wrong")],
            7_000_215,
            "invalid_client",
            401,
        ),
        (vec![("client_secret", "x")], 700_025, "invalid_client", 401),
        (
            vec![("client_id", "a0000001-0000-4000-8000-0000000000ff")],
            700_016,
            "unauthorized_client",
            400,
        ),
        (vec![("client_id", DESKTOP)], 65001, "invalid_grant", 400),
        (
            vec![("scope", "https://nobody.example/.default")],
            500_011,
            "invalid_resource",
            400,
        ),
        (
            vec![("scope", "https://management.azure.com/everything")],
            650_053,
            "invalid_client",
            400,
        ),
        (vec![("scope", "")], 900_144, "invalid_request", 400),
        (vec![("claims", "no JSON")], 90023, "invalid_request", 400),
    ] {
        let answer = request_token(&lab, CONTOSO, &signed_in(&more)).await;
        refused(&answer, code, error, status);
    }
    for more in [
        vec![("client_id", CONSENTED)],
        vec![("client_id", CONFIDENTIAL), ("client_secret", "its secret")],
        vec![("scope", "User.Read offline_access")],
    ] {
        let answer = request_token(&lab, CONTOSO, &signed_in(&more)).await;
        assert_eq!(answer.status, 200, "{more:?}: {answer:?}");
        // Only Microsoft's own clients are a family.
        let of_family = !more.iter().any(|(name, _)| *name == "client_id");
        assert_eq!(answer.body.get("foci").is_some(), of_family);
    }
}

#[tokio::test]
async fn ten_wrong_passwords_lock_the_account_for_a_minute() {
    let lab = lab().await;
    for n in 0..10 {
        let wrong = sign_in(&lab, CONTOSO, "ada@contoso.com", &format!("wrong {n}")).await;
        refused(&wrong, 50126, "invalid_grant", 400);
    }
    let right = || sign_in(&lab, CONTOSO, "ada@contoso.com", "analytical");
    refused(&right().await, 50053, "invalid_grant", 400);
    lab.emulator.world().clock.set_skew(61);
    assert_eq!(right().await.status, 200);
}

#[tokio::test]
async fn a_realm_is_managed_if_the_domain_is_a_tenants() {
    let lab = lab().await;
    let realm = |user: &str| format!("/common/userrealm/{user}?api-version=1.0");
    let known = lab.get(&realm("anybody@fabrikam.com")).await;
    assert_eq!(known.body["account_type"], "Managed");
    assert_eq!(known.body["domain_name"], "fabrikam.com");
    assert_eq!(known.body["cloud_instance_name"], "microsoftonline.com");
    let unknown = lab.get(&realm("anybody@example.com")).await;
    assert_eq!(unknown.body["account_type"], "Unknown");
    let old = lab.get("/common/userrealm/a@fabrikam.com").await;
    refused(&old, 90004, "invalid_request", 400);
}

#[tokio::test]
async fn a_token_shows_how_its_client_proved_its_identity() {
    let lab = lab().await;
    let secret = [
        ("grant_type", "password"),
        ("username", "ada@contoso.com"),
        ("password", "analytical"),
        ("client_id", CONFIDENTIAL),
        ("client_secret", "its secret"),
    ];
    let answer = request_token(&lab, CONTOSO, &secret).await;
    assert_eq!(answer.claims()["appidacr"], "1");
    assert_eq!(answer.claims()["acr"], "1");
}

#[tokio::test]
async fn too_many_groups_for_a_header_are_replaced_by_a_url() {
    let lab = lab().await;
    let add = |count: u128| {
        let mut directory = lab.emulator.world().directory_mut();
        for number in 0..count {
            let id = uuid::Uuid::from_u128(number + 1);
            let group = Group {
                members: [ADA.parse().unwrap()].into(),
                ..Group::new(id, CONTOSO.parse().unwrap(), format!("group {number}"))
            };
            directory.groups.insert(group.id, group);
        }
    };
    add(199);
    let all = sign_in(&lab, CONTOSO, "ada@contoso.com", "analytical").await;
    assert_eq!(all.claims()["groups"].as_array().unwrap().len(), 200);
    add(200);
    let too_many = sign_in(&lab, CONTOSO, "ada@contoso.com", "analytical").await;
    let claims = too_many.claims();
    assert!(claims.get("groups").is_none());
    assert_eq!(claims["_claim_names"], json!({"groups": "src1"}));
    let endpoint = &claims["_claim_sources"]["src1"]["endpoint"];
    assert!(endpoint.as_str().unwrap().contains(ADA), "{endpoint}");
}
