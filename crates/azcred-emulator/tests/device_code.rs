//! Programs that sign people in on another device.

mod common;

use common::people::{ARM, AZURE_CLI, CONFIDENTIAL, CONSENTED, CONTOSO, SCOPE, SEED, ask, text};
use common::{Answer, Lab, refused};

const GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";

/// A tenant that has no patience, so that tests need none, or all of it.
async fn lab(limits: &str) -> Lab {
    let domain = "domains = [\"contoso.com\"]\n";
    Lab::seeded(&SEED.replace(domain, &format!("{domain}{limits}\n"))).await
}

async fn begin(lab: &Lab, tenant: &str) -> Answer {
    let form = [("client_id", AZURE_CLI), ("scope", SCOPE)];
    lab.post(&format!("/{tenant}/oauth2/v2.0/devicecode"), &form)
        .await
}

async fn poll(lab: &Lab, tenant: &str, code: &str, more: &[(&str, &str)]) -> Answer {
    let mut form = vec![
        ("grant_type", GRANT),
        ("device_code", code),
        // Programs say again what they asked for, or don't.
        ("scope", ""),
    ];
    form.retain(|(name, _)| !more.iter().any(|(other, _)| other == name));
    form.extend(more);
    ask(lab, tenant, &form).await
}

#[tokio::test]
async fn a_program_is_told_what_to_tell_the_person() {
    let lab = lab("").await;
    let begun = begin(&lab, "organizations").await;
    assert_eq!(begun.status, 200, "{begun:?}");
    let code = text(&begun, "user_code");
    let page = lab.login("/common/oauth2/deviceauth");
    assert_eq!(text(&begun, "verification_uri"), page);
    assert_eq!(
        text(&begun, "message"),
        format!(
            "To sign in, use a web browser to open the page {page} and enter the code {code} to authenticate."
        )
    );
    assert_eq!(begun.body["expires_in"], 900);
    assert_eq!(begun.body["interval"], 5);
    assert!(text(&begun, "device_code").len() >= 128);
    assert!(!text(&begun, "device_code").contains(code));
    let again = begin(&lab, CONTOSO).await;
    assert_ne!(text(&again, "user_code"), code);
    // The v1.0 endpoint has another name for the page, and writes its numbers as text.
    let form = [("client_id", AZURE_CLI), ("resource", ARM)];
    let old = lab
        .post(&format!("/{CONTOSO}/oauth2/devicecode"), &form)
        .await;
    assert_eq!(text(&old, "verification_url"), page);
    assert_eq!(text(&old, "expires_in"), "900");
    assert_eq!(text(&old, "interval"), "5");
}

#[tokio::test]
async fn by_real_names_the_page_is_microsofts_own_address() {
    let lab = lab("").await;
    let proxy = reqwest::Proxy::https(&lab.emulator.info().proxy_url).unwrap();
    let pem = std::fs::read(&lab.emulator.info().ca_certificate).unwrap();
    let client = reqwest::Client::builder()
        .tls_certs_only([reqwest::Certificate::from_pem(&pem).unwrap()])
        .proxy(proxy)
        .build()
        .unwrap();
    for (host, page) in [
        ("login.microsoftonline.com", "devicelogin"),
        ("login.microsoftonline.us", "deviceloginus"),
        ("login.partner.microsoftonline.cn", "deviceloginchina"),
    ] {
        let request = client
            .post(format!(
                "https://{host}/organizations/oauth2/v2.0/devicecode"
            ))
            .form(&[("client_id", AZURE_CLI), ("scope", SCOPE)]);
        let begun = common::read(request.send().await.unwrap()).await;
        let page = format!("https://microsoft.com/{page}");
        assert_eq!(text(&begun, "verification_uri"), page);
    }
}

#[tokio::test]
async fn what_is_wrong_with_a_request_is_said_before_a_person_is_bothered() {
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
async fn a_program_waits_while_nobody_has_decided() {
    let lab = lab("device_code_interval = 0").await;
    let begun = begin(&lab, "organizations").await;
    assert_eq!(begun.body["interval"], 0);
    let code = text(&begun, "device_code");
    for _ in 0..3 {
        let pending = poll(&lab, "organizations", code, &[]).await;
        refused(&pending, 70016, "authorization_pending", 400);
    }
    // Only who began it may ask.
    let other = [("client_id", CONSENTED)];
    let stranger = poll(&lab, CONTOSO, code, &other).await;
    refused(&stranger, 70018, "bad_verification_code", 400);
    let changed = poll(&lab, CONTOSO, &format!("{code}A"), &[]).await;
    refused(&changed, 70018, "bad_verification_code", 400);
    let nothing = poll(&lab, CONTOSO, code, &[("device_code", "")]).await;
    refused(&nothing, 900_144, "invalid_request", 400);
    // A client with a secret is asked for it now, and not before.
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
async fn whoever_asks_too_soon_is_told_to_slow_down() {
    let lab = lab("").await;
    let begun = begin(&lab, CONTOSO).await;
    let code = text(&begun, "device_code");
    let first = poll(&lab, CONTOSO, code, &[]).await;
    refused(&first, 70016, "authorization_pending", 400);
    let clock = &lab.emulator.world().clock;
    clock.set_skew(2);
    let soon = poll(&lab, CONTOSO, code, &[]).await;
    refused(&soon, 70016, "slow_down", 400);
    // Five seconds were added to five.
    clock.set_skew(9);
    let again = poll(&lab, CONTOSO, code, &[]).await;
    refused(&again, 70016, "slow_down", 400);
    clock.set_skew(40);
    let patient = poll(&lab, CONTOSO, code, &[]).await;
    refused(&patient, 70016, "authorization_pending", 400);
}

#[tokio::test]
async fn a_device_code_ends_by_time() {
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
