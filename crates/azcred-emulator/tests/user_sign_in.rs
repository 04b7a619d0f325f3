//! People sign in: by password, and from then on by refresh tokens, in their own tenant and as guests.

mod common;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use common::{Answer, Lab, claims_of, refused};
use serde_json::{Value, json};

const CONTOSO: &str = "c0a70500-0000-4000-8000-000000000001";
const FABRIKAM: &str = "c0a70500-0000-4000-8000-000000000002";
const ADA: &str = "e0000001-0000-4000-8000-000000000001";
const ADA_IN_FABRIKAM: &str = "e0000001-0000-4000-8000-00000000000f";
const AZURE_CLI: &str = "04b07795-8ddb-461a-bbee-02f9e1bf7b46";
const POWERSHELL: &str = "1950a258-227b-4e31-a9cf-719496fa0aee";
const DESKTOP: &str = "a0000001-0000-4000-8000-00000000000a";
const CONSENTED: &str = "a0000001-0000-4000-8000-00000000000b";
const CONFIDENTIAL: &str = "a0000001-0000-4000-8000-00000000000c";
const ARM: &str = "https://management.core.windows.net/";
/// What Azure CLI sends.
const SCOPE: &str = "https://management.core.windows.net//.default openid profile offline_access";

/// Two tenants: Ada is of Contoso and a guest in Fabrikam; Grace is of Contoso alone.
const SEED: &str = r#"
[[tenants]]
id = "c0a70500-0000-4000-8000-000000000001"
name = "Contoso"
domains = ["contoso.com"]

[[tenants]]
id = "c0a70500-0000-4000-8000-000000000002"
name = "Fabrikam"
domains = ["fabrikam.com"]

[[applications]]
tenant = "contoso.com"
app_id = "a0000001-0000-4000-8000-00000000000a"
name = "unconsented"
public_client = true

[[applications]]
tenant = "contoso.com"
app_id = "a0000001-0000-4000-8000-00000000000b"
name = "consented"
public_client = true
consented = true

[[applications]]
tenant = "contoso.com"
app_id = "a0000001-0000-4000-8000-00000000000c"
name = "confidential"
consented = true
secrets = [{ name = "s", value = "its secret" }]

[[applications]]
tenant = "contoso.com"
app_id = "a0000001-0000-4000-8000-00000000000d"
name = "an API"
identifier_uris = ["api://contoso"]
access_token_version = 2
service_principal = { id = "d0000001-0000-4000-8000-00000000000d" }

[[users]]
tenant = "contoso.com"
id = "e0000001-0000-4000-8000-000000000001"
user_principal_name = "ada@contoso.com"
name = "Ada Lovelace"
password = "analytical"

[[users]]
tenant = "contoso.com"
id = "e0000001-0000-4000-8000-000000000002"
user_principal_name = "grace@contoso.com"
name = "Grace Hopper"
password = "nanosecond"

[[users]]
tenant = "contoso.com"
id = "e0000001-0000-4000-8000-000000000003"
user_principal_name = "disabled@contoso.com"
name = "Disabled"
password = "x"
enabled = false

[[users]]
tenant = "contoso.com"
id = "e0000001-0000-4000-8000-000000000004"
user_principal_name = "locked@contoso.com"
name = "Locked"
password = "x"
locked = true

[[users]]
tenant = "contoso.com"
id = "e0000001-0000-4000-8000-000000000005"
user_principal_name = "expired@contoso.com"
name = "Expired"
password = "x"
password_expired = true

[[users]]
tenant = "contoso.com"
id = "e0000001-0000-4000-8000-000000000006"
user_principal_name = "mfa@contoso.com"
name = "Second Factor"
password = "x"
mfa_required = true

[[users]]
tenant = "fabrikam.com"
id = "e0000001-0000-4000-8000-00000000000f"
user_principal_name = "ada_contoso.com#EXT#@fabrikam.com"
name = "Ada Lovelace"
guest_of = "ada@contoso.com"

[[groups]]
tenant = "contoso.com"
id = "f0000001-0000-4000-8000-000000000001"
name = "engineers"
members = ["ada@contoso.com"]

[[subscriptions]]
id = "5ec0ffee-0001-4000-8000-000000000001"
tenant = "contoso.com"
name = "Contoso ML"

[[subscriptions]]
id = "5ec0ffee-0001-4000-8000-000000000002"
tenant = "fabrikam.com"
name = "Fabrikam ML"

[[role_assignments]]
principal = "ada@contoso.com"
role = "Owner"
scope = "/subscriptions/5ec0ffee-0001-4000-8000-000000000001"

[[role_assignments]]
principal = "e0000001-0000-4000-8000-00000000000f"
role = "Reader"
scope = "/subscriptions/5ec0ffee-0001-4000-8000-000000000002"
"#;

async fn lab() -> Lab {
    Lab::seeded(SEED).await
}

/// Asks a tenant's v2.0 endpoint as Azure CLI would, with these parameters in place of its own; empty ones are left out.
async fn ask(lab: &Lab, tenant: &str, parameters: &[(&str, &str)]) -> Answer {
    let mut form = vec![
        ("client_id", AZURE_CLI),
        ("scope", SCOPE),
        ("client_info", "1"),
    ];
    form.retain(|(name, _)| !parameters.iter().any(|(other, _)| other == name));
    form.extend(parameters.iter().filter(|(_, value)| !value.is_empty()));
    lab.post(&format!("/{tenant}/oauth2/v2.0/token"), &form)
        .await
}

async fn sign_in(lab: &Lab, tenant: &str, name: &str, password: &str) -> Answer {
    let form = [
        ("grant_type", "password"),
        ("username", name),
        ("password", password),
    ];
    ask(lab, tenant, &form).await
}

async fn refresh(lab: &Lab, tenant: &str, token: &str, more: &[(&str, &str)]) -> Answer {
    let mut form = vec![("grant_type", "refresh_token"), ("refresh_token", token)];
    form.extend(more);
    ask(lab, tenant, &form).await
}

fn text<'a>(answer: &'a Answer, name: &str) -> &'a str {
    let value = answer.body[name].as_str();
    value.unwrap_or_else(|| panic!("no {name}: {answer:?}"))
}

#[tokio::test]
async fn a_password_gets_all_that_azure_cli_keeps() {
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
    assert_eq!(id["sid"], claims["sid"]);
}

#[tokio::test]
async fn what_was_not_asked_for_is_not_given() {
    let lab = lab().await;
    let answer = ask(
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
async fn a_resource_that_wants_v2_tokens_gets_them_of_people_too() {
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
    assert!(claims.get("appid").is_none() && claims.get("upn").is_none());
}

#[tokio::test]
async fn the_v1_endpoint_signs_people_in_too() {
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
    // What one endpoint issued, the other takes.
    let next = refresh(&lab, CONTOSO, text(&answer, "refresh_token"), &[]).await;
    assert_eq!(next.status, 200, "{next:?}");
}

#[tokio::test]
async fn every_reason_to_refuse_a_password_has_its_code() {
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
async fn every_reason_to_refuse_a_client_or_scope_has_its_code() {
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
        let answer = ask(&lab, CONTOSO, &signed_in(&more)).await;
        refused(&answer, code, error, status);
    }
    for more in [
        vec![("client_id", CONSENTED)],
        vec![("client_id", CONFIDENTIAL), ("client_secret", "its secret")],
        vec![("scope", "User.Read offline_access")],
    ] {
        let answer = ask(&lab, CONTOSO, &signed_in(&more)).await;
        assert_eq!(answer.status, 200, "{more:?}: {answer:?}");
        // Only Microsoft's own are a family.
        let of_family = !more.iter().any(|(name, _)| *name == "client_id");
        assert_eq!(answer.body.get("foci").is_some(), of_family);
    }
}

#[tokio::test]
async fn a_refresh_token_is_rotated_and_the_old_one_keeps_working() {
    let lab = lab().await;
    let first = sign_in(&lab, CONTOSO, "ada@contoso.com", "analytical").await;
    let old = text(&first, "refresh_token");
    assert!(!old.contains("eyJ"), "it is not a JSON Web Token");
    let second = refresh(&lab, CONTOSO, old, &[]).await;
    assert_eq!(second.status, 200, "{second:?}");
    assert_ne!(text(&second, "refresh_token"), old);
    assert_ne!(text(&second, "access_token"), text(&first, "access_token"));
    assert_eq!(second.claims()["oid"], ADA);
    assert_eq!(second.claims()["sid"], first.claims()["sid"]);
    let graph = [("scope", "https://graph.microsoft.com//.default")];
    let third = refresh(&lab, CONTOSO, old, &graph).await;
    assert_eq!(third.claims()["aud"], "https://graph.microsoft.com/");
    assert!(text(&third, "scope").contains("User.Read"));
    // What was asked for at sign-in is remembered.
    let without = refresh(&lab, "organizations", old, &[("scope", "")]).await;
    assert_eq!(without.claims()["aud"], ARM);
}

#[tokio::test]
async fn a_refresh_token_is_good_for_its_client_and_its_family_only() {
    let lab = lab().await;
    let first = sign_in(&lab, CONTOSO, "ada@contoso.com", "analytical").await;
    let token = text(&first, "refresh_token");
    let family = refresh(&lab, CONTOSO, token, &[("client_id", POWERSHELL)]).await;
    assert_eq!(family.status, 200, "{family:?}");
    assert_eq!(family.claims()["appid"], POWERSHELL);
    let stranger = refresh(&lab, CONTOSO, token, &[("client_id", CONSENTED)]).await;
    refused(&stranger, 70000, "invalid_grant", 400);
    assert_eq!(text(&stranger, "suberror"), "client_mismatch");
    let no_secret = refresh(&lab, CONTOSO, token, &[("client_id", CONFIDENTIAL)]).await;
    refused(&no_secret, 7_000_218, "invalid_client", 401);
    let at = token.len() - 20;
    let other = if token.as_bytes()[at] == b'A' {
        "B"
    } else {
        "A"
    };
    let changed = format!("{}{other}{}", &token[..at], &token[at + 1..]);
    let foreign = refresh(&lab, CONTOSO, &changed, &[]).await;
    refused(&foreign, 70000, "invalid_grant", 400);
}

#[tokio::test]
async fn a_refresh_token_works_in_another_tenant_where_its_user_is_a_guest() {
    let lab = lab().await;
    let ada = sign_in(&lab, CONTOSO, "ada@contoso.com", "analytical").await;
    let guest = refresh(&lab, FABRIKAM, text(&ada, "refresh_token"), &[]).await;
    assert_eq!(guest.status, 200, "{guest:?}");
    let claims = guest.claims();
    assert_eq!(claims["tid"], FABRIKAM);
    assert_eq!(claims["oid"], ADA_IN_FABRIKAM);
    assert_eq!(claims["idp"], format!("https://sts.windows.net/{CONTOSO}/"));
    assert_eq!(claims["unique_name"], "ada@contoso.com");
    assert!(claims.get("upn").is_none());
    // One account, whatever tenant it is in: MSAL files both tokens under it.
    assert_eq!(text(&guest, "client_info"), text(&ada, "client_info"));

    let grace = sign_in(&lab, CONTOSO, "grace@contoso.com", "nanosecond").await;
    let nobody = refresh(&lab, FABRIKAM, text(&grace, "refresh_token"), &[]).await;
    refused(&nobody, 50020, "invalid_grant", 400);
    let said = text(&nobody, "error_description");
    assert!(
        said.contains("'Fabrikam'") && said.contains("(Microsoft Azure CLI)"),
        "{said}"
    );
}

#[tokio::test]
async fn a_guest_sees_both_tenants_and_in_each_its_own_subscriptions() {
    let lab = lab().await;
    let ada = sign_in(&lab, "organizations", "ada@contoso.com", "analytical").await;
    let guest = refresh(&lab, FABRIKAM, text(&ada, "refresh_token"), &[]).await;
    let get = |path: &str, token: &str| {
        let url = format!(
            "{}{path}?api-version=2022-12-01",
            lab.emulator.info().arm_url
        );
        let request = lab.client.get(url).bearer_auth(token);
        async { common::read(request.send().await.unwrap()).await }
    };
    let names = |answer: &Answer, field: &str| -> Vec<String> {
        let all = answer.body["value"].as_array().unwrap();
        let names = all
            .iter()
            .map(|one| one[field].as_str().unwrap().to_owned());
        names.collect()
    };
    let tenants = get("/tenants", text(&ada, "access_token")).await;
    assert_eq!(names(&tenants, "tenantId"), [CONTOSO, FABRIKAM]);
    let own = get("/subscriptions", text(&ada, "access_token")).await;
    assert_eq!(names(&own, "displayName"), ["Contoso ML"]);
    let other = get("/subscriptions", text(&guest, "access_token")).await;
    assert_eq!(names(&other, "displayName"), ["Fabrikam ML"]);
}

#[tokio::test]
async fn a_refresh_token_ends_by_time_and_by_revocation() {
    const DAY: i64 = 24 * 3600;
    let lab = lab().await;
    let world = lab.emulator.world();
    let first = sign_in(&lab, CONTOSO, "ada@contoso.com", "analytical").await;
    let token = text(&first, "refresh_token").to_owned();
    world.clock.set_skew(89 * DAY);
    let later = refresh(&lab, CONTOSO, &token, &[]).await;
    assert_eq!(later.status, 200, "{later:?}");
    world.clock.set_skew(91 * DAY);
    let too_late = refresh(&lab, CONTOSO, &token, &[]).await;
    refused(&too_late, 700_082, "invalid_grant", 400);
    assert!(text(&too_late, "error_description").contains("inactive for 90.00:00:00"));
    // The one that came of it was used in time.
    let newer = refresh(&lab, CONTOSO, text(&later, "refresh_token"), &[]).await;
    assert_eq!(newer.status, 200, "{newer:?}");

    let contoso = CONTOSO.parse().unwrap();
    let of_session = |limit| {
        let mut directory = world.directory_mut();
        directory
            .tenants
            .get_mut(&contoso)
            .unwrap()
            .session_lifetime = limit;
    };
    of_session(Some(3600));
    let old_session = refresh(&lab, CONTOSO, text(&newer, "refresh_token"), &[]).await;
    refused(&old_session, 70008, "invalid_grant", 400);
    of_session(None);

    let now = world.clock.now() + time::Duration::seconds(2);
    world
        .directory_mut()
        .revoke_sessions(ADA.parse().unwrap(), now);
    let revoked = refresh(&lab, CONTOSO, text(&newer, "refresh_token"), &[]).await;
    refused(&revoked, 50173, "invalid_grant", 400);
    world.clock.set_skew(91 * DAY + 60);
    let again = sign_in(&lab, CONTOSO, "ada@contoso.com", "analytical").await;
    let fresh = refresh(&lab, CONTOSO, text(&again, "refresh_token"), &[]).await;
    assert_eq!(fresh.status, 200, "{fresh:?}");

    let disable = || {
        let mut directory = world.directory_mut();
        directory
            .users
            .get_mut(&ADA.parse().unwrap())
            .unwrap()
            .enabled = false;
    };
    disable();
    let disabled = refresh(&lab, CONTOSO, text(&fresh, "refresh_token"), &[]).await;
    refused(&disabled, 50057, "invalid_grant", 400);
    // Nor as a guest, which the other tenant knows nothing of.
    let guest = refresh(&lab, FABRIKAM, text(&fresh, "refresh_token"), &[]).await;
    refused(&guest, 50057, "invalid_grant", 400);
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
async fn a_realm_is_managed_where_the_domain_is_a_tenants() {
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
async fn a_made_password_and_a_sign_in_outlive_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let options = || azcred_emulator::Options {
        state_dir: Some(folder.path().join("state")),
        ..azcred_emulator::Options::default()
    };
    let password = |lab: &Lab| {
        let directory = lab.emulator.world().directory();
        let ada = directory.account("ada@contoso.com").unwrap();
        ada.password.as_ref().unwrap().expose().to_owned()
    };
    let lab = Lab::with(options()).await;
    let made = password(&lab);
    let first = sign_in(&lab, CONTOSO, "ada@contoso.com", &made).await;
    let token = text(&first, "refresh_token").to_owned();
    lab.emulator.shutdown().await;
    let lab = Lab::with(options()).await;
    assert_eq!(password(&lab), made);
    let next = refresh(&lab, CONTOSO, &token, &[]).await;
    assert_eq!(next.status, 200, "{next:?}");
}
