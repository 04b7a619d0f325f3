//! What programs get when their users sign in with a browser: codes, tokens, and consent.

use crate::common::{
    self, Lab,
    browser::{TestBrowser, decoded, query, redeem},
    claims_of,
    people::{
        ADA, ARM, AZURE_CLI, CONFIDENTIAL, CONTOSO, DESKTOP, SEED, lab, refresh, request_token,
        text,
    },
};

const GRACE: &str = "e0000001-0000-4000-8000-000000000002";

#[tokio::test]
async fn a_person_signs_in_and_the_program_gets_tokens_for_the_code() {
    let lab = lab().await;
    let mut browser = TestBrowser::new(&lab);
    let page = browser.authorize("organizations", &[]).await;
    assert_eq!(page.title(), "Pick an account");
    assert!(page.html.contains("Microsoft Azure CLI"));
    let page = browser.sign_in(&page, ADA, "analytical").await;
    let answer = page.answer();
    assert_eq!(page.status, 302, "{page:?}");
    let url = page.sent_to.as_ref().unwrap().as_str();
    assert!(url.starts_with("http://localhost:8400/?code="), "{url}");
    assert_eq!(answer["state"], "a state");
    assert_eq!(decoded(&answer["client_info"])["uid"], ADA);
    let tokens = redeem(&lab, "organizations", &answer["code"], &[]).await;
    assert_eq!(tokens.status, 200, "{tokens:?}");
    assert_eq!(tokens.claims()["oid"], ADA);
    assert_eq!(tokens.claims()["appid"], AZURE_CLI);
    assert_eq!(tokens.claims()["amr"], serde_json::json!(["pwd"]));
    assert_eq!(tokens.claims()["sid"], answer["session_state"]);
    let id_token = claims_of(text(&tokens, "id_token"));
    assert_eq!(id_token["nonce"], "a nonce");
    assert_eq!(id_token["tid"], CONTOSO);
    assert_eq!(decoded(text(&tokens, "client_info"))["utid"], CONTOSO);
    let again = refresh(&lab, CONTOSO, text(&tokens, "refresh_token"), &[]).await;
    assert_eq!(again.claims()["sid"], answer["session_state"]);
}

#[tokio::test]
async fn a_program_without_consent_requests_it_once() {
    let lab = lab().await;
    let mut browser = TestBrowser::new(&lab);
    let scope = "https://management.azure.com/user_impersonation openid offline_access";
    let ours = [("client_id", DESKTOP), ("scope", scope)];
    let page = browser.authorize(CONTOSO, &ours).await;
    let page = browser.sign_in(&page, ADA, "analytical").await;
    assert_eq!(page.title(), "Permissions requested");
    for said in [
        "unconsented",
        "user_impersonation in Azure Resource Manager",
        "Sign you in",
        "Maintain access",
    ] {
        assert!(page.html.contains(said), "{said}: {}", page.html);
    }
    let quiet = [ours[0], ours[1], ("prompt", "none")];
    browser
        .authorize(CONTOSO, &quiet)
        .await
        .error("consent_required", 65001);
    let cancelled = browser.press(&page, "cancel", &[]).await;
    let error = cancelled.error("access_denied", 65004);
    assert_eq!(error["error_subcode"], "cancel");
    assert_eq!(error["state"], "a state");

    let page = browser.authorize(CONTOSO, &ours).await;
    let code = browser.press(&page, "accept", &[]).await;
    let tokens = redeem(&lab, CONTOSO, &code.authorization_code(), &ours).await;
    assert_eq!(tokens.status, 200, "{tokens:?}");
    browser
        .authorize(CONTOSO, &quiet)
        .await
        .authorization_code();
    let token = text(&tokens, "refresh_token");
    assert_eq!(refresh(&lab, CONTOSO, token, &ours).await.status, 200);
    // Not for another resource, nor for another user.
    let other = [ours[0], ("scope", "https://storage.azure.com/.default")];
    let page = browser.authorize(CONTOSO, &other).await;
    assert_eq!(page.title(), "Permissions requested");
    let mut hers = TestBrowser::new(&lab);
    let page = hers.authorize(CONTOSO, &ours).await;
    let page = hers.sign_in(&page, GRACE, "nanosecond").await;
    assert_eq!(page.title(), "Permissions requested");
    // And again if the program requests it.
    let anew = [ours[0], ours[1], ("prompt", "consent")];
    let page = browser.authorize(CONTOSO, &anew).await;
    assert_eq!(page.title(), "Permissions requested");
    let page = browser.press(&page, "accept", &[]).await;
    page.authorization_code();
}

#[tokio::test]
async fn a_need_for_admin_consent_is_reported_to_user_and_program() {
    let seed = format!("{SEED}{ADMIN_ONLY}");
    let lab = Lab::seeded(&seed).await;
    let mut browser = TestBrowser::new(&lab);
    let ours = [("client_id", "a0000001-0000-4000-8000-0000000000aa")];
    let page = browser.authorize(CONTOSO, &ours).await;
    let page = browser.sign_in(&page, ADA, "analytical").await;
    assert_eq!(
        (page.title().as_str(), page.code()),
        ("Need admin approval", 90094)
    );
    let back = browser.press(&page, "without_consent", &[]).await;
    back.error("access_denied", 90094);
    let accepted = browser.press(&page, "list", &[]).await;
    assert_eq!(accepted.title(), "Pick an account");
}

const ADMIN_ONLY: &str = r#"
[[applications]]
tenant = "contoso.com"
app_id = "a0000001-0000-4000-8000-0000000000aa"
name = "for administrators"
public_client = true
admin_consent_required = true
"#;

#[tokio::test]
async fn a_web_application_sends_its_credential_with_the_code() {
    let seed = SEED.replace(
        r#"name = "confidential""#,
        "name = \"confidential\"\nredirect_uris = [\"https://app.contoso.com/auth\"]",
    );
    let lab = Lab::seeded(&seed).await;
    let mut browser = TestBrowser::new(&lab);
    let ours = [
        ("client_id", CONFIDENTIAL),
        ("redirect_uri", "https://app.contoso.com/auth"),
        ("code_challenge", ""),
        ("code_challenge_method", ""),
    ];
    let page = browser.authorize(CONTOSO, &ours).await;
    let page = browser.sign_in(&page, ADA, "analytical").await;
    let url = page.sent_to.as_ref().unwrap().as_str();
    assert!(
        url.starts_with("https://app.contoso.com/auth?code="),
        "{url}"
    );
    let code = page.authorization_code();
    let shown = [ours[0], ours[1], ("code_verifier", "")];
    let refused = redeem(&lab, CONTOSO, &code, &shown).await;
    common::refused(&refused, 7_000_218, "invalid_client", 401);
    let secret = ("client_secret", "its secret");
    let shown = [ours[0], ours[1], ("code_verifier", ""), secret];
    let tokens = redeem(&lab, CONTOSO, &code, &shown).await;
    assert_eq!(tokens.status, 200, "{tokens:?}");
}

#[tokio::test]
async fn the_response_comes_by_form_or_fragment_on_request() {
    let lab = lab().await;
    let mut browser = TestBrowser::new(&lab);
    let page = browser.authorize(CONTOSO, &[]).await;
    browser.sign_in(&page, ADA, "analytical").await.answer();
    let page = browser
        .authorize(CONTOSO, &[("response_mode", "form_post")])
        .await;
    assert_eq!((page.status, page.sent_to.is_none()), (200, true));
    assert!(page.html.contains(r#"action="http://localhost:8400/""#));
    assert!(page.html.contains("<noscript>"));
    let fields = page.fields();
    assert_eq!(fields["state"], "a state");
    let tokens = redeem(&lab, CONTOSO, &fields["code"], &[]).await;
    assert_eq!(tokens.status, 200, "{tokens:?}");
    let page = browser
        .authorize(CONTOSO, &[("response_mode", "fragment")])
        .await;
    let url = page.sent_to.unwrap();
    assert_eq!(url.query(), None);
    assert!(url.fragment().unwrap().starts_with("code=1."), "{url}");
}

#[tokio::test]
async fn the_v1_endpoint_accepts_a_resource() {
    let lab = lab().await;
    let mut browser = TestBrowser::new(&lab);
    let parameters = query(&[("resource", ARM), ("scope", "openid")]);
    let path = format!("/{CONTOSO}/oauth2/authorize");
    let form: Vec<(String, String)> = url::form_urlencoded::parse(parameters.as_bytes())
        .into_owned()
        .collect();
    let page = browser.post(&path, &form).await;
    let page = browser.sign_in(&page, ADA, "analytical").await;
    let code = page.authorization_code();
    let shown = [
        ("grant_type", "authorization_code"),
        ("client_id", AZURE_CLI),
        ("code", &code),
        ("redirect_uri", common::browser::REDIRECT),
        ("code_verifier", common::browser::VERIFIER),
    ];
    let tokens = lab.post(&format!("/{CONTOSO}/oauth2/token"), &shown).await;
    assert_eq!(tokens.status, 200, "{tokens:?}");
    assert_eq!(text(&tokens, "resource"), ARM);
    assert_eq!(tokens.claims()["aud"], ARM);
    assert!(tokens.body["id_token"].is_string());
}

#[tokio::test]
async fn the_short_url_for_devices_redirects_to_the_page_for_codes() {
    let lab = lab().await;
    let mut browser = TestBrowser::new(&lab);
    let page = browser.open("/devicelogin?otc=BCDFGHJKL").await;
    let expected = lab.login("/common/oauth2/deviceauth?otc=BCDFGHJKL");
    assert_eq!(page.sent_to.unwrap().as_str(), expected);
    let page = browser
        .open("/common/oauth2/deviceauth?otc=BCDFGHJKL")
        .await;
    assert!(page.html.contains(r#"value="BCDFGHJKL""#), "{page:?}");
}

#[tokio::test]
async fn a_device_is_approved_or_declined_on_the_page_for_its_code() {
    let lab = lab().await;
    let start = |scope: &'static str| {
        let lab = &lab;
        async move {
            let form = [("client_id", AZURE_CLI), ("scope", scope)];
            let path = format!("/{CONTOSO}/oauth2/v2.0/devicecode");
            lab.post(&path, &form).await
        }
    };
    let poll = |device_code: String| {
        let lab = &lab;
        async move {
            let grant = "urn:ietf:params:oauth:grant-type:device_code";
            let form = [("grant_type", grant), ("device_code", &device_code)];
            request_token(lab, CONTOSO, &form).await
        }
    };
    let begun = start(common::people::SCOPE).await;
    let mut browser = TestBrowser::new(&lab);
    let page = browser.enter_code("WRONGCODE").await;
    assert_eq!((page.title().as_str(), page.code()), ("Enter code", 70018));
    let user_code = text(&begun, "user_code");
    let spaced = format!("{} {}", &user_code[..4], &user_code[4..]).to_lowercase();
    let page = browser.approve_device(&spaced, ADA, "analytical").await;
    assert_eq!(page.title(), "You are signed in", "{page:?}");
    let tokens = poll(text(&begun, "device_code").to_owned()).await;
    assert_eq!(tokens.claims()["oid"], ADA);

    let begun = start("User.Read").await;
    let mut other = TestBrowser::new(&lab);
    let user_code = text(&begun, "user_code");
    let page = other.enter_code(user_code).await;
    let page = other.sign_in(&page, GRACE, "nanosecond").await;
    assert_eq!(
        page.title(),
        "Are you trying to sign in to Microsoft Azure CLI?"
    );
    let page = other.press(&page, "cancel", &[]).await;
    assert_eq!(page.title(), "You did not sign in");
    let refused = poll(text(&begun, "device_code").to_owned()).await;
    assert_eq!(
        refused.body["error"], "authorization_declined",
        "{refused:?}"
    );
    let page = other.enter_code(user_code).await;
    assert_eq!(page.code(), 70018, "{page:?}");
}
