//! Errors of a sign-in with a browser: on a page or to the program, without a code or with an
//! invalid one.

use crate::common::{
    Lab, Reply,
    browser::{CHALLENGE, ShownPage, TestBrowser, VERIFIER, query, redeem},
    people::{
        ADA, AZURE_CLI, CONFIDENTIAL, CONSENTED, CONTOSO, DESKTOP, FABRIKAM, POWERSHELL, SEED, lab,
    },
    refused,
};

/// A page without a redirect: the redirect URI or the client is wrong.
#[track_caller]
fn is_page(page: &ShownPage, code: u32) {
    assert!(page.sent_to.is_none(), "{page:?}");
    assert_eq!(page.code(), code, "{page:?}");
    for shown in ["Error code", "Request ID", "Correlation ID", "Timestamp"] {
        assert!(page.html.contains(shown), "{page:?}");
    }
}

#[tokio::test]
async fn a_request_with_an_invalid_redirect_uri_gets_a_page_and_no_redirect() {
    let lab = lab().await;
    let mut browser = TestBrowser::new(&lab);
    for (tenant, parameter, code) in [
        (CONTOSO, ("redirect_uri", "https://evil.example/"), 50011),
        (
            CONTOSO,
            ("redirect_uri", "http://localhost:1/deeper"),
            50011,
        ),
        (
            CONTOSO,
            ("redirect_uri", "http://localhost@evil.example"),
            50011,
        ),
        (CONTOSO, ("redirect_uri", "javascript:alert(1)"), 50011),
        (CONTOSO, ("client_id", ""), 900_144),
        (CONTOSO, ("client_id", "nobody"), 700_016),
        ("common", ("client_id", "nobody"), 700_016),
        (FABRIKAM, ("client_id", DESKTOP), 700_016),
        ("common", ("client_id", DESKTOP), 50194),
        ("nowhere.example", ("prompt", "none"), 90002),
        ("nowhere", ("prompt", "none"), 900_023),
    ] {
        let page = browser.authorize(tenant, &[parameter]).await;
        is_page(&page, code);
    }
    let nowhere = [("client_id", CONFIDENTIAL), ("redirect_uri", "")];
    is_page(&browser.authorize(CONTOSO, &nowhere).await, 500_113);
    let twice = format!("{}&client_id=x", query(&[]));
    let path = format!("/{CONTOSO}/oauth2/v2.0/authorize");
    is_page(&browser.open(&format!("{path}?{twice}")).await, 9_000_411);
    let long = "x".repeat(17 * 1024);
    is_page(
        &browser.authorize(CONTOSO, &[("state", &long)]).await,
        90015,
    );
}

#[tokio::test]
async fn an_invalid_request_is_reported_at_the_redirect_uri() {
    let lab = lab().await;
    let mut browser = TestBrowser::new(&lab);
    let long = "a".repeat(129);
    let hint = "x".repeat(3000);
    let v2_only = ("resource", "https://management.azure.com");
    for (parameter, error, code) in [
        (("response_type", ""), "invalid_request", 900_144),
        (
            ("response_type", "token"),
            "unsupported_response_type",
            700_051,
        ),
        (
            ("response_type", "code id_token"),
            "unsupported_response_type",
            700_054,
        ),
        (
            ("response_type", "something"),
            "unsupported_response_type",
            70005,
        ),
        (("response_mode", "web_message"), "invalid_request", 70007),
        (("prompt", "please"), "invalid_request", 90023),
        (("scope", ""), "invalid_request", 900_144),
        (
            ("scope", "https://a.b/x https://c.d/y"),
            "invalid_scope",
            28000,
        ),
        (("scope", "no\\scope"), "invalid_scope", 70011),
        (v2_only, "invalid_request", 901_002),
        (("code_challenge_method", "S512"), "invalid_request", 50149),
        (("code_challenge", "short"), "invalid_request", 501_491),
        (("code_challenge", &long), "invalid_request", 501_491),
        (("claims", "no JSON"), "invalid_request", 90023),
        (("max_age", "soon"), "invalid_request", 90023),
        (("login_hint", &hint), "invalid_request", 90023),
        (("prompt", "none"), "login_required", 50058),
    ] {
        let page = browser.authorize(CONTOSO, &[parameter]).await;
        let error = page.error(error, code);
        assert_eq!(error["state"], "a state");
    }
    let page = browser.authorize(CONTOSO, &[]).await;
    browser.sign_in(&page, ADA, "analytical").await.answer();
    for (scope, error, code) in [
        (
            "https://nothing.example/.default",
            "invalid_resource",
            500_011,
        ),
        (
            "https://management.azure.com/everything",
            "invalid_client",
            650_053,
        ),
    ] {
        let page = browser.authorize(CONTOSO, &[("scope", scope)]).await;
        page.error(error, code);
    }
    let by_form = [("response_mode", "form_post"), ("response_type", "token")];
    let page = browser.authorize(CONTOSO, &by_form).await;
    assert_eq!(page.fields()["error"], "unsupported_response_type");
}

#[tokio::test]
async fn the_response_has_the_programs_correlation_id() {
    let lab = lab().await;
    let mut browser = TestBrowser::new(&lab);
    let id = "0f0f0f0f-1111-4222-8333-444444444444";
    let ours = [("client-request-id", id)];
    let page = browser.authorize(CONTOSO, &ours).await;
    let page = browser.press(&page, "account", &[("account", ADA)]).await;
    assert!(page.html.contains(id));
    let error = browser.press(&page, "cancel", &[]).await;
    let error = error.error("access_denied", 65004);
    assert!(error["error_description"].contains(id), "{error:?}");
}

#[tokio::test]
async fn the_page_says_why_an_account_can_not_sign_in() {
    let lab = lab().await;
    for (name, password, code) in [
        ("disabled@contoso.com", "x", 50057),
        ("locked@contoso.com", "x", 50053),
        ("expired@contoso.com", "x", 50055),
        ("expired@contoso.com", "y", 50126),
        ("ada@contoso.com", "", 50126),
    ] {
        let mut browser = TestBrowser::new(&lab);
        let page = browser.authorize(CONTOSO, &[("login_hint", name)]).await;
        let page = browser
            .press(&page, "password", &[("passwd", password)])
            .await;
        assert_eq!(page.title(), "Enter password", "{page:?}");
        assert_eq!(page.code(), code, "{page:?}");
        let page = browser.authorize(CONTOSO, &[("prompt", "none")]).await;
        page.error("login_required", 50058);
    }
}

#[tokio::test]
async fn ten_wrong_passwords_or_numbers_lock_the_account() {
    let lab = lab().await;
    let mut browser = TestBrowser::new(&lab);
    let hint = [("login_hint", "ada@contoso.com")];
    let mut page = browser.authorize(CONTOSO, &hint).await;
    for n in 0..10 {
        let wrong = format!("wrong {n}");
        page = browser
            .press(&page, "password", &[("passwd", &wrong)])
            .await;
        assert_eq!(page.code(), 50126);
    }
    let right = [("passwd", "analytical")];
    page = browser.press(&page, "password", &right).await;
    assert_eq!(page.code(), 50053);

    let hint = [("login_hint", "mfa@contoso.com")];
    let page = browser.authorize(CONTOSO, &hint).await;
    let mut page = browser.press(&page, "password", &[("passwd", "x")]).await;
    for n in 0..10 {
        let wrong = format!("wrong {n}");
        page = browser
            .press(&page, "second_factor", &[("otc", &wrong)])
            .await;
        assert_eq!(page.code(), 500_121);
    }
    let page = browser.enter_number(&page).await;
    assert_eq!(
        (page.title().as_str(), page.code()),
        ("Enter the number", 50053)
    );
}

#[tokio::test]
async fn a_policy_that_no_sign_in_satisfies_is_reported_on_a_page_or_to_the_program() {
    let seed = format!(
        "{SEED}\n[[conditional_access]]\ntenant = \"contoso.com\"\nname = \"Nobody\"\n\
         users = [\"grace@contoso.com\"]\nrequire = \"block\"\n"
    );
    let lab = Lab::seeded(&seed).await;
    let mut browser = TestBrowser::new(&lab);
    let hint = ("login_hint", "grace@contoso.com");
    let page = browser.authorize(CONTOSO, &[hint]).await;
    let page = browser
        .press(&page, "password", &[("passwd", "nanosecond")])
        .await;
    is_page(&page, 53003);
    assert!(page.html.contains("Microsoft Azure CLI"));
    let page = browser
        .authorize(CONTOSO, &[hint, ("prompt", "none")])
        .await;
    let error = page.error("interaction_required", 53003);
    assert!(error["claims"].contains("capolids"), "{error:?}");
}

#[tokio::test]
async fn without_pages_a_missing_second_factor_is_reported_to_the_program() {
    let lab = lab().await;
    let mut browser = TestBrowser::new(&lab);
    let storage = ("scope", "https://storage.azure.com/.default");
    let hint = ("login_hint", "mfa@contoso.com");
    let page = browser.authorize(CONTOSO, &[hint, storage]).await;
    browser.press(&page, "password", &[("passwd", "x")]).await;
    let page = browser
        .authorize(CONTOSO, &[hint, ("prompt", "none")])
        .await;
    let error = page.error("interaction_required", 50076);
    assert_eq!(error["suberror"], "basic_action");
}

/// Ada's code for a request with these parameters.
async fn code(lab: &Lab, tenant: &str, parameters: &[(&str, &str)]) -> String {
    let mut browser = TestBrowser::new(lab);
    let page = browser.authorize(tenant, parameters).await;
    let page = browser.sign_in(&page, ADA, "analytical").await;
    page.authorization_code()
}

#[track_caller]
fn is_refused(answer: &Reply, code: u64) {
    refused(answer, code, "invalid_grant", 400);
}

#[tokio::test]
async fn a_code_is_valid_once_and_for_ten_minutes() {
    let lab = lab().await;
    let first = code(&lab, CONTOSO, &[]).await;
    assert_eq!(redeem(&lab, CONTOSO, &first, &[]).await.status, 200);
    is_refused(&redeem(&lab, CONTOSO, &first, &[]).await, 54005);
    let second = code(&lab, CONTOSO, &[]).await;
    lab.emulator.world().clock.set_skew(600);
    is_refused(&redeem(&lab, CONTOSO, &second, &[]).await, 70008);
    is_refused(&redeem(&lab, CONTOSO, "1.A.x", &[]).await, 70000);
    let none = redeem(&lab, CONTOSO, "", &[]).await;
    refused(&none, 900_144, "invalid_request", 400);
}

#[tokio::test]
async fn a_code_is_valid_only_for_its_client_tenant_and_redirect_uri() {
    let lab = lab().await;
    let code = code(&lab, CONTOSO, &[]).await;
    for (tenant, parameter, expected) in [
        (CONTOSO, ("client_id", POWERSHELL), 70000),
        (FABRIKAM, ("client_id", AZURE_CLI), 700_005),
        ("organizations", ("client_id", AZURE_CLI), 700_005),
        (CONTOSO, ("redirect_uri", "http://localhost:8401"), 500_112),
        (CONTOSO, ("redirect_uri", "http://localhost:8400/"), 500_112),
        (CONTOSO, ("code_verifier", CHALLENGE), 501_481),
        (CONTOSO, ("code_verifier", ""), 50148),
    ] {
        let answer = redeem(&lab, tenant, &code, &[parameter]).await;
        is_refused(&answer, expected);
    }
    let nowhere = redeem(&lab, CONTOSO, &code, &[("redirect_uri", "")]).await;
    refused(&nowhere, 900_144, "invalid_request", 400);
    // None of these requests used the code up.
    assert_eq!(redeem(&lab, CONTOSO, &code, &[]).await.status, 200);
}

#[tokio::test]
async fn a_verifier_is_required_only_after_a_challenge() {
    let lab = lab().await;
    let plain = [("code_challenge", VERIFIER), ("code_challenge_method", "")];
    let of_plain = code(&lab, CONTOSO, &plain).await;
    assert_eq!(redeem(&lab, CONTOSO, &of_plain, &[]).await.status, 200);
    let without = [("code_challenge", ""), ("code_challenge_method", "")];
    let of_none = code(&lab, CONTOSO, &without).await;
    is_refused(&redeem(&lab, CONTOSO, &of_none, &[]).await, 50148);
    let no_verifier = [("code_verifier", "")];
    let answer = redeem(&lab, CONTOSO, &of_none, &no_verifier).await;
    assert_eq!(answer.status, 200, "{answer:?}");
}

#[tokio::test]
async fn a_code_becomes_invalid_with_its_session_and_with_its_account() {
    let lab = lab().await;
    let ada = ADA.parse().unwrap();
    let world = lab.emulator.world();
    let of_before = code(&lab, CONTOSO, &[]).await;
    let now = world.clock.now() + time::Duration::seconds(1);
    world.directory_mut().revoke_sessions(ada, now);
    is_refused(&redeem(&lab, CONTOSO, &of_before, &[]).await, 50173);
    world.clock.set_skew(5);
    let of_after = code(&lab, CONTOSO, &[]).await;
    world.directory_mut().users.get_mut(&ada).unwrap().enabled = false;
    is_refused(&redeem(&lab, CONTOSO, &of_after, &[]).await, 50057);
}

#[tokio::test]
async fn a_code_for_one_resource_gets_another_only_with_consent() {
    let lab = lab().await;
    let consented = code(&lab, CONTOSO, &[("client_id", CONSENTED)]).await;
    let other = ("scope", "https://storage.azure.com/.default");
    let ours = ("client_id", CONSENTED);
    let answer = redeem(&lab, CONTOSO, &consented, &[ours, other]).await;
    assert_eq!(answer.claims()["aud"], "https://storage.azure.com");
    let mut browser = TestBrowser::new(&lab);
    let ours = ("client_id", DESKTOP);
    let page = browser.authorize(CONTOSO, &[ours]).await;
    let page = browser.sign_in(&page, ADA, "analytical").await;
    let page = browser.press(&page, "accept", &[]).await;
    let code = page.authorization_code();
    let answer = redeem(&lab, CONTOSO, &code, &[ours, other]).await;
    refused(&answer, 65001, "invalid_grant", 400);
    assert_eq!(answer.body["suberror"], "consent_required");
}
