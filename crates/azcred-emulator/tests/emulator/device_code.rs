//! Programs that sign users in on another device.

use crate::common::{
    self, Lab, Reply,
    browser::TestBrowser,
    people::{
        ADA, ADA_IN_FABRIKAM, ARM, AZURE_CLI, CONFIDENTIAL, CONSENTED, CONTOSO, DESKTOP, FABRIKAM,
        SCOPE, SEED, refresh, request_token, text,
    },
    refused,
};
use serde_json::json;

const GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";

/// A tenant with these limits for device codes, so that a test need not wait.
async fn lab(limits: &str) -> Lab {
    let domain = "domains = [\"contoso.com\"]\n";
    Lab::seeded(&SEED.replace(domain, &format!("{domain}{limits}\n"))).await
}

async fn begin(lab: &Lab, tenant: &str) -> Reply {
    let form = [("client_id", AZURE_CLI), ("scope", SCOPE)];
    lab.post(&format!("/{tenant}/oauth2/v2.0/devicecode"), &form)
        .await
}

async fn poll(lab: &Lab, tenant: &str, code: &str, more: &[(&str, &str)]) -> Reply {
    let mut form = vec![
        ("grant_type", GRANT),
        ("device_code", code),
        // Some programs send the scope again, some don't.
        ("scope", ""),
    ];
    form.retain(|(name, _)| !more.iter().any(|(other, _)| other == name));
    form.extend(more);
    request_token(lab, tenant, &form).await
}

#[tokio::test]
async fn the_response_has_the_message_for_the_user() {
    let lab = lab("").await;
    let begun = begin(&lab, "organizations").await;
    assert_eq!(begun.status, 200, "{begun:?}");
    let code = text(&begun, "user_code");
    let page = lab.login("/common/oauth2/deviceauth");
    assert_eq!(text(&begun, "verification_uri"), page);
    assert_eq!(
        text(&begun, "message"),
        format!(
            "To sign in, use a web browser to open the page {page} and enter the code {code} to authenticate. \
             This is the azcred emulator on this machine: the browser warns of its certificate."
        )
    );
    assert_eq!(begun.body["expires_in"], 900);
    assert_eq!(begun.body["interval"], 5);
    assert!(text(&begun, "device_code").len() >= 128);
    assert!(!text(&begun, "device_code").contains(code));
    let again = begin(&lab, CONTOSO).await;
    assert_ne!(text(&again, "user_code"), code);
    // The v1.0 endpoint has another name for the page, and writes numbers as strings.
    let form = [("client_id", AZURE_CLI), ("resource", ARM)];
    let old = lab
        .post(&format!("/{CONTOSO}/oauth2/devicecode"), &form)
        .await;
    assert_eq!(text(&old, "verification_url"), page);
    assert_eq!(text(&old, "expires_in"), "900");
    assert_eq!(text(&old, "interval"), "5");
}

#[tokio::test]
async fn by_real_names_the_page_is_the_emulators_too() {
    let lab = lab("").await;
    let proxy = reqwest::Proxy::https(&lab.emulator.info().proxy_url).unwrap();
    let pem = std::fs::read(&lab.emulator.info().ca_certificate).unwrap();
    let client = reqwest::Client::builder()
        .tls_certs_only([reqwest::Certificate::from_pem(&pem).unwrap()])
        .proxy(proxy)
        .build()
        .unwrap();
    let page = lab.login("/common/oauth2/deviceauth");
    for host in [
        "login.microsoftonline.com",
        "login.microsoftonline.us",
        "login.partner.microsoftonline.cn",
    ] {
        let request = client
            .post(format!(
                "https://{host}/organizations/oauth2/v2.0/devicecode"
            ))
            .form(&[("client_id", AZURE_CLI), ("scope", SCOPE)]);
        let begun = common::read(request.send().await.unwrap()).await;
        assert_eq!(text(&begun, "verification_uri"), page);
        let message = text(&begun, "message");
        assert!(
            message.contains(&page) && message.contains("azcred emulator"),
            "{message}"
        );
        // A browser without the proxy gets to the page, and from there to the sign-in.
        let mut browser = TestBrowser::new(&lab);
        let shown = browser.enter_code(text(&begun, "user_code")).await;
        assert!(shown.html.contains("emulator"), "{shown:?}");
    }
}

#[tokio::test]
async fn an_invalid_request_is_rejected_before_the_user_sees_a_page() {
    let lab = lab("").await;
    let begin = |tenant: &str, form: &[(&str, &str)]| {
        let path = format!("/{tenant}/oauth2/v2.0/devicecode");
        let form: Vec<(String, String)> = form
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        let request = lab.client.post(lab.login(&path)).form(&form);
        async { common::read(request.send().await.unwrap()).await }
    };
    let unknown = "a0000001-0000-4000-8000-0000000000ff";
    let long = format!("https://a.b/{}", "x".repeat(9000));
    for (tenant, form, code, error) in [
        (CONTOSO, vec![("scope", SCOPE)], 900_144, "invalid_request"),
        (
            CONTOSO,
            vec![("client_id", AZURE_CLI)],
            900_144,
            "invalid_request",
        ),
        (
            CONTOSO,
            vec![("client_id", AZURE_CLI), ("scope", "a\\b")],
            70011,
            "invalid_scope",
        ),
        (
            CONTOSO,
            vec![("client_id", AZURE_CLI), ("scope", &long)],
            90015,
            "invalid_request",
        ),
        (
            CONTOSO,
            vec![
                ("client_id", AZURE_CLI),
                ("scope", SCOPE),
                ("claims", "no JSON"),
            ],
            90023,
            "invalid_request",
        ),
        (
            CONTOSO,
            vec![("client_id", unknown), ("scope", SCOPE)],
            700_016,
            "unauthorized_client",
        ),
        (
            "organizations",
            vec![("client_id", unknown), ("scope", SCOPE)],
            700_016,
            "unauthorized_client",
        ),
        (
            "nobody.example",
            vec![("client_id", AZURE_CLI), ("scope", SCOPE)],
            90002,
            "invalid_request",
        ),
    ] {
        refused(&begin(tenant, &form).await, code, error, 400);
    }
    let get = lab.get("/common/oauth2/v2.0/devicecode").await;
    refused(&get, 900_561, "invalid_request", 400);
}

#[tokio::test]
async fn a_program_gets_authorization_pending_until_a_user_decides() {
    let lab = lab("device_code_interval = 0").await;
    let begun = begin(&lab, "organizations").await;
    assert_eq!(begun.body["interval"], 0);
    let code = text(&begun, "device_code");
    for _ in 0..3 {
        let pending = poll(&lab, "organizations", code, &[]).await;
        refused(&pending, 70016, "authorization_pending", 400);
    }
    // Only the client that requested the code may poll.
    let other = [("client_id", CONSENTED)];
    let stranger = poll(&lab, CONTOSO, code, &other).await;
    refused(&stranger, 70018, "bad_verification_code", 400);
    let changed = poll(&lab, CONTOSO, &format!("{code}A"), &[]).await;
    refused(&changed, 70018, "bad_verification_code", 400);
    let nothing = poll(&lab, CONTOSO, code, &[("device_code", "")]).await;
    refused(&nothing, 900_144, "invalid_request", 400);
    // A confidential client must send its secret now, but not before.
    let form = [("client_id", CONFIDENTIAL), ("scope", SCOPE)];
    let path = format!("/{CONTOSO}/oauth2/v2.0/devicecode");
    let begun = lab.post(&path, &form).await;
    let code = text(&begun, "device_code");
    let form = [("client_id", CONFIDENTIAL)];
    refused(
        &poll(&lab, CONTOSO, code, &form).await,
        7_000_218,
        "invalid_client",
        401,
    );
}

#[tokio::test]
async fn a_program_that_polls_too_soon_gets_slow_down() {
    let lab = lab("").await;
    let begun = begin(&lab, CONTOSO).await;
    let code = text(&begun, "device_code");
    let first = poll(&lab, CONTOSO, code, &[]).await;
    refused(&first, 70016, "authorization_pending", 400);
    let clock = &lab.emulator.world().clock;
    clock.set_skew(2);
    let soon = poll(&lab, CONTOSO, code, &[]).await;
    refused(&soon, 70016, "slow_down", 400);
    // Five seconds were added to the first five.
    clock.set_skew(9);
    let again = poll(&lab, CONTOSO, code, &[]).await;
    refused(&again, 70016, "slow_down", 400);
    clock.set_skew(40);
    let patient = poll(&lab, CONTOSO, code, &[]).await;
    refused(&patient, 70016, "authorization_pending", 400);
}

#[tokio::test]
async fn a_device_code_expires() {
    let lab = lab("device_code_lifetime = 60").await;
    let begun = begin(&lab, CONTOSO).await;
    assert_eq!(begun.body["expires_in"], 60);
    let code = text(&begun, "device_code");
    lab.emulator.world().clock.set_skew(61);
    let expired = poll(&lab, CONTOSO, code, &[]).await;
    refused(&expired, 70020, "expired_token", 400);
    let old = [
        ("grant_type", "device_code"),
        ("client_id", AZURE_CLI),
        ("resource", ARM),
        ("code", code),
    ];
    let old = lab.post(&format!("/{CONTOSO}/oauth2/token"), &old).await;
    refused(&old, 70020, "code_expired", 400);
}

/// A user whose sign-in needs a second factor by the seed's policies.
const MFA: &str = "e0000001-0000-4000-8000-000000000006";

#[tokio::test]
async fn entering_its_code_signs_a_program_in_once() {
    let lab = lab("device_code_interval = 0").await;
    let begun = begin(&lab, "organizations").await;
    let (code, user_code) = (text(&begun, "device_code"), text(&begun, "user_code"));
    refused(
        &poll(&lab, "organizations", code, &[]).await,
        70016,
        "authorization_pending",
        400,
    );
    let mut browser = TestBrowser::new(&lab);
    let page = browser.approve_device(user_code, ADA, "analytical").await;
    assert_eq!(page.title(), "You are signed in", "{page:?}");
    let answer = poll(&lab, "organizations", code, &[]).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let claims = answer.claims();
    for (name, value) in [
        ("oid", json!(ADA)),
        ("aud", json!(ARM)),
        ("appid", json!(AZURE_CLI)),
        ("amr", json!(["pwd"])),
    ] {
        assert_eq!(claims[name], value, "{name}");
    }
    for name in ["refresh_token", "id_token", "client_info", "foci"] {
        assert!(answer.body.get(name).is_some(), "{name}");
    }
    let again = poll(&lab, "organizations", code, &[]).await;
    refused(&again, 70018, "bad_verification_code", 400);
    // The code can't be entered again.
    let page = TestBrowser::new(&lab).enter_code(user_code).await;
    assert_eq!(page.title(), "Enter code", "{page:?}");
    let next = refresh(&lab, FABRIKAM, text(&answer, "refresh_token"), &[]).await;
    assert_eq!(next.claims()["oid"], ADA_IN_FABRIKAM);
}

#[tokio::test]
async fn a_program_gets_the_scope_that_the_page_showed_and_not_a_later_one() {
    let lab = lab("device_code_interval = 0").await;
    let begun = begin(&lab, CONTOSO).await;
    let mut browser = TestBrowser::new(&lab);
    let user_code = text(&begun, "user_code");
    browser.approve_device(user_code, ADA, "analytical").await;
    let graph = [("scope", "https://graph.microsoft.com/.default")];
    let answer = poll(&lab, CONTOSO, text(&begun, "device_code"), &graph).await;
    assert_eq!(answer.claims()["aud"], ARM);
}

#[tokio::test]
async fn a_declined_program_gets_an_error() {
    let lab = lab("device_code_interval = 0").await;
    let begun = begin(&lab, CONTOSO).await;
    let mut browser = TestBrowser::new(&lab);
    let user_code = text(&begun, "user_code");
    let page = browser.decline_device(user_code, ADA, "analytical").await;
    assert_eq!(page.title(), "You did not sign in", "{page:?}");
    let declined = poll(&lab, CONTOSO, text(&begun, "device_code"), &[]).await;
    refused(&declined, 700_171, "authorization_declined", 400);
}

#[tokio::test]
async fn a_second_factor_on_the_other_device_counts_for_the_program() {
    let lab = lab("device_code_interval = 0").await;
    let begun = begin(&lab, "organizations").await;
    let mut browser = TestBrowser::new(&lab);
    let page = browser
        .approve_device(text(&begun, "user_code"), MFA, "x")
        .await;
    assert_eq!(page.title(), "You are signed in", "{page:?}");
    let answer = poll(&lab, "organizations", text(&begun, "device_code"), &[]).await;
    assert_eq!(answer.claims()["amr"], json!(["pwd", "mfa"]), "{answer:?}");
    // Its refresh token has the proof, for other resources too.
    let graph = [("scope", "https://graph.microsoft.com/.default")];
    let token = text(&answer, "refresh_token");
    let next = refresh(&lab, CONTOSO, token, &graph).await;
    assert_eq!(next.claims()["amr"], json!(["pwd", "mfa"]), "{next:?}");
}

#[tokio::test]
async fn a_policy_can_forbid_device_codes_and_nothing_else() {
    let policy = r#"
[[conditional_access]]
tenant = "contoso.com"
name = "No device codes for storage"
resources = ["https://storage.azure.com"]
device_code_only = true
require = "block"
"#;
    let domain = "domains = [\"contoso.com\"]\n";
    let limits = format!("{domain}device_code_interval = 0\n");
    let lab = Lab::seeded(&format!("{}{policy}", SEED.replace(domain, &limits))).await;
    let storage = "https://storage.azure.com/.default offline_access";
    let form = [("client_id", AZURE_CLI), ("scope", storage)];
    let path = "/organizations/oauth2/v2.0/devicecode";
    let begun = lab.post(path, &form).await;
    let mut browser = TestBrowser::new(&lab);
    let page = browser.enter_code(text(&begun, "user_code")).await;
    let page = browser.sign_in(&page, ADA, "analytical").await;
    assert_eq!(page.code(), 53003, "{page:?}");
    let code = text(&begun, "device_code");
    let waiting = poll(&lab, "organizations", code, &[]).await;
    refused(&waiting, 70016, "authorization_pending", 400);

    // The session keeps this kind of sign-in, whatever its refresh token is used for.
    let begun = begin(&lab, "organizations").await;
    let user_code = text(&begun, "user_code");
    let page = TestBrowser::new(&lab)
        .approve_device(user_code, ADA, "analytical")
        .await;
    assert_eq!(page.title(), "You are signed in", "{page:?}");
    let answer = poll(&lab, "organizations", text(&begun, "device_code"), &[]).await;
    let scope = [("scope", storage)];
    let tracked = refresh(&lab, CONTOSO, text(&answer, "refresh_token"), &scope).await;
    refused(&tracked, 53003, "invalid_grant", 400);
    let by_password = common::people::sign_in(&lab, CONTOSO, "ada@contoso.com", "analytical").await;
    let free = refresh(&lab, CONTOSO, text(&by_password, "refresh_token"), &scope).await;
    assert_eq!(free.status, 200, "{free:?}");
}

#[tokio::test]
async fn an_account_that_changes_before_the_next_poll_is_checked_again() {
    let lab = lab("device_code_interval = 0").await;
    let world = lab.emulator.world();
    let ada = ADA.parse().unwrap();
    let approved = || async {
        let begun = begin(&lab, CONTOSO).await;
        let user_code = text(&begun, "user_code");
        let page = TestBrowser::new(&lab)
            .approve_device(user_code, ADA, "analytical")
            .await;
        assert_eq!(page.title(), "You are signed in", "{page:?}");
        text(&begun, "device_code").to_owned()
    };
    let code = approved().await;
    let now = world.clock.now();
    world.directory_mut().revoke_sessions(ada, now);
    let revoked = poll(&lab, CONTOSO, &code, &[]).await;
    refused(&revoked, 50173, "invalid_grant", 400);
    let code = approved().await;
    world.directory_mut().users.get_mut(&ada).unwrap().enabled = false;
    let disabled = poll(&lab, CONTOSO, &code, &[]).await;
    refused(&disabled, 50057, "invalid_grant", 400);
}

#[tokio::test]
async fn consent_on_the_other_device_is_stored() {
    let lab = lab("device_code_interval = 0").await;
    let form = [("client_id", DESKTOP), ("scope", SCOPE)];
    let path = format!("/{CONTOSO}/oauth2/v2.0/devicecode");
    let begun = lab.post(&path, &form).await;
    let mut browser = TestBrowser::new(&lab);
    let page = browser.enter_code(text(&begun, "user_code")).await;
    let page = browser.sign_in(&page, ADA, "analytical").await;
    assert_eq!(page.title(), "Permissions requested", "{page:?}");
    let page = browser.press(&page, "accept", &[]).await;
    let page = browser.press(&page, "confirm", &[]).await;
    assert_eq!(page.title(), "You are signed in", "{page:?}");
    let client = [("client_id", DESKTOP)];
    let answer = poll(&lab, CONTOSO, text(&begun, "device_code"), &client).await;
    assert_eq!(answer.claims()["appid"], DESKTOP, "{answer:?}");
    assert!(answer.body.get("foci").is_none());
}

#[tokio::test]
async fn a_services_requirements_are_checked_on_the_other_device() {
    let lab = lab("device_code_interval = 0").await;
    let claims = r#"{"access_token": {"acrs": {"essential": true, "values": ["p1"]}}}"#;
    let form = [
        ("client_id", AZURE_CLI),
        ("scope", SCOPE),
        ("claims", claims),
    ];
    let begun = lab
        .post("/organizations/oauth2/v2.0/devicecode", &form)
        .await;
    // No policy requires a second factor of Ada.
    let page = TestBrowser::new(&lab)
        .approve_device(text(&begun, "user_code"), ADA, "analytical")
        .await;
    assert_eq!(page.title(), "You are signed in", "{page:?}");
    let more = [("claims", claims)];
    let answer = poll(&lab, "organizations", text(&begun, "device_code"), &more).await;
    assert_eq!(answer.claims()["amr"], json!(["pwd", "mfa"]), "{answer:?}");
    assert_eq!(answer.claims()["acrs"], json!(["p1"]));
}
