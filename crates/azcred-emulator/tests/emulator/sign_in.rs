//! Users sign in with a browser: the account, its proofs, and their lifetime.

use crate::common::{
    Lab,
    browser::{TestBrowser, redeem},
    people::{
        ADA, ADA_IN_FABRIKAM, AZURE_CLI, CONFIDENTIAL, CONTOSO, FABRIKAM, SEED, lab, refresh, text,
    },
};

const GRACE: &str = "e0000001-0000-4000-8000-000000000002";
const MFA: &str = "e0000001-0000-4000-8000-000000000006";

#[tokio::test]
async fn a_signed_in_user_is_not_prompted_and_keeps_the_session() {
    let lab = lab().await;
    let mut browser = TestBrowser::new(&lab);
    let page = browser.authorize(CONTOSO, &[]).await;
    let first = browser.sign_in(&page, ADA, "analytical").await.answer();
    for quiet in [&[][..], &[("prompt", "none")]] {
        let again = browser.authorize(CONTOSO, quiet).await.answer();
        assert_eq!(again["session_state"], first["session_state"]);
        assert_ne!(again["code"], first["code"]);
    }
    let stranger = TestBrowser::new(&lab).authorize(CONTOSO, &[]).await;
    assert_eq!(stranger.title(), "Pick an account");
}

#[tokio::test]
async fn one_of_several_accounts_is_picked_by_a_user_or_by_a_hint() {
    let lab = lab().await;
    let mut browser = TestBrowser::new(&lab);
    let page = browser.authorize(CONTOSO, &[]).await;
    let ada = browser.sign_in(&page, ADA, "analytical").await.answer();
    let page = browser
        .authorize(CONTOSO, &[("prompt", "select_account")])
        .await;
    assert_eq!(page.title(), "Pick an account");
    browser.sign_in(&page, GRACE, "nanosecond").await.answer();

    let page = browser.authorize(CONTOSO, &[]).await;
    assert_eq!(page.title(), "Pick an account");
    let picked = browser.press(&page, "account", &[("account", ADA)]).await;
    assert_eq!(picked.answer()["session_state"], ada["session_state"]);
    for hint in [
        ("login_hint", "ADA@contoso.com"),
        ("sid", &ada["session_state"]),
    ] {
        let hinted = browser
            .authorize(CONTOSO, &[("prompt", "none"), hint])
            .await;
        assert_eq!(hinted.answer()["session_state"], ada["session_state"]);
    }
    let quiet = browser.authorize(CONTOSO, &[("prompt", "none")]).await;
    quiet.error("interaction_required", 16000);
}

#[tokio::test]
async fn a_name_can_be_entered_and_an_unknown_one_is_reported() {
    let lab = lab().await;
    let mut browser = TestBrowser::new(&lab);
    let page = browser.authorize(CONTOSO, &[]).await;
    let page = browser.press(&page, "another", &[]).await;
    assert_eq!(page.title(), "Sign in");
    let wrong = [("loginfmt", "nobody@contoso.com")];
    let page = browser.press(&page, "name", &wrong).await;
    assert_eq!((page.title().as_str(), page.code()), ("Sign in", 50034));
    let right = [("loginfmt", " Grace@contoso.com ")];
    let page = browser.press(&page, "name", &right).await;
    assert_eq!(page.title(), "Enter password");
    let page = browser
        .press(&page, "password", &[("passwd", "wrong")])
        .await;
    assert_eq!(
        (page.title().as_str(), page.code()),
        ("Enter password", 50126)
    );
    let page = browser.press(&page, "list", &[]).await;
    assert_eq!(page.title(), "Pick an account");
    browser.sign_in(&page, GRACE, "nanosecond").await.answer();
}

#[tokio::test]
async fn a_hint_leads_directly_to_the_password_page() {
    let lab = lab().await;
    let hint = [("login_hint", "ada@contoso.com")];
    let page = TestBrowser::new(&lab).authorize("common", &hint).await;
    assert_eq!(page.title(), "Enter password");
    assert!(page.html.contains("ada@contoso.com"));
}

#[tokio::test]
async fn another_signed_in_account_is_not_used_in_place_of_the_hinted_one() {
    let lab = lab().await;
    let mut browser = TestBrowser::new(&lab);
    let page = browser.authorize(CONTOSO, &[]).await;
    browser.sign_in(&page, ADA, "analytical").await.answer();
    let nobody = "0f0f0f0f-1111-4222-8333-444444444444";
    for (hint, title) in [
        (("login_hint", "grace@contoso.com"), "Enter password"),
        (("login_hint", "nobody@contoso.com"), "Sign in"),
        (("sid", nobody), "Pick an account"),
    ] {
        let page = browser.authorize(CONTOSO, &[hint]).await;
        assert_eq!(page.title(), title);
        let page = browser
            .authorize(CONTOSO, &[hint, ("prompt", "none")])
            .await;
        page.error("login_required", 50058);
    }
}

#[tokio::test]
async fn a_domain_hint_limits_the_list_to_that_domains_accounts() {
    let lab = lab().await;
    let mut browser = TestBrowser::new(&lab);
    let ours = [("domain_hint", "contoso.com")];
    let page = browser.authorize("organizations", &ours).await;
    assert!(page.html.contains("ada@contoso.com"));
    let theirs = [("domain_hint", "fabrikam.com")];
    let page = browser.authorize("organizations", &theirs).await;
    assert!(!page.html.contains("ada@contoso.com"));
}

#[tokio::test]
async fn prompt_login_and_max_age_require_the_password_again() {
    let lab = lab().await;
    let mut browser = TestBrowser::new(&lab);
    let page = browser.authorize(CONTOSO, &[]).await;
    browser.sign_in(&page, ADA, "analytical").await.answer();
    lab.emulator.world().clock.set_skew(100);
    let hint = ("login_hint", "ada@contoso.com");
    for stale in [("prompt", "login"), ("max_age", "99"), ("max_age", "0")] {
        let page = browser.authorize(CONTOSO, &[hint, stale]).await;
        assert_eq!(page.title(), "Enter password", "{stale:?}");
    }
    browser
        .authorize(CONTOSO, &[hint, ("max_age", "1000")])
        .await
        .authorization_code();
    let quiet = [hint, ("max_age", "99"), ("prompt", "none")];
    let quiet = browser.authorize(CONTOSO, &quiet).await;
    quiet.error("login_required", 50058);
    let page = browser
        .authorize(CONTOSO, &[hint, ("prompt", "login")])
        .await;
    let page = browser
        .press(&page, "password", &[("passwd", "analytical")])
        .await;
    page.authorization_code();
}

#[tokio::test]
async fn a_session_of_a_browser_ends_after_a_day_and_by_revocation() {
    let lab = lab().await;
    let mut browser = TestBrowser::new(&lab);
    let page = browser.authorize(CONTOSO, &[]).await;
    browser.sign_in(&page, ADA, "analytical").await.answer();
    let world = lab.emulator.world();
    world.clock.set_skew(24 * 3600 + 1);
    let page = browser.authorize(CONTOSO, &[]).await;
    assert_eq!(page.title(), "Pick an account");
    browser.sign_in(&page, ADA, "analytical").await.answer();
    let now = world.clock.now();
    world
        .directory_mut()
        .revoke_sessions(ADA.parse().unwrap(), now + time::Duration::seconds(1));
    let page = browser.authorize(CONTOSO, &[]).await;
    assert_eq!(page.title(), "Pick an account");
}

#[tokio::test]
async fn a_second_factor_is_required_by_a_policy_and_then_stays_valid() {
    let lab = lab().await;
    let mut browser = TestBrowser::new(&lab);
    let page = browser.authorize(CONTOSO, &[]).await;
    let page = browser.sign_in(&page, MFA, "x").await;
    assert_eq!(page.title(), "Enter the number");
    let page = browser
        .press(&page, "second_factor", &[("otc", "12345x")])
        .await;
    assert_eq!(
        (page.title().as_str(), page.code()),
        ("Enter the number", 500_121)
    );
    let page = browser.enter_number(&page).await;
    let tokens = redeem(&lab, CONTOSO, &page.authorization_code(), &[]).await;
    assert_eq!(tokens.claims()["amr"], serde_json::json!(["pwd", "mfa"]));
    let again = refresh(&lab, CONTOSO, text(&tokens, "refresh_token"), &[]).await;
    assert_eq!(again.status, 200, "{again:?}");
    browser.authorize(CONTOSO, &[]).await.authorization_code();
}

#[tokio::test]
async fn a_guest_signs_in_at_another_tenant_and_a_stranger_does_not() {
    let lab = lab().await;
    let mut browser = TestBrowser::new(&lab);
    let page = browser.authorize(FABRIKAM, &[]).await;
    assert!(page.html.contains("ada@contoso.com"));
    assert!(!page.html.contains("grace@contoso.com"));
    let page = browser.sign_in(&page, ADA, "analytical").await;
    let tokens = redeem(&lab, FABRIKAM, &page.authorization_code(), &[]).await;
    assert_eq!(tokens.claims()["oid"], ADA_IN_FABRIKAM);
    assert_eq!(tokens.claims()["tid"], FABRIKAM);
    let mut hers = TestBrowser::new(&lab);
    let hint = [("login_hint", "grace@contoso.com")];
    let page = hers.authorize(FABRIKAM, &hint).await;
    let page = hers
        .press(&page, "password", &[("passwd", "nanosecond")])
        .await;
    assert_eq!(page.code(), 50020, "{page:?}");
    // The page offers to choose another account.
    let page = hers.press(&page, "list", &[]).await;
    hers.sign_in(&page, ADA, "analytical").await.answer();
}

#[tokio::test]
async fn sign_out_removes_the_accounts_and_redirects_to_a_registered_url() {
    let lab = lab().await;
    let mut browser = TestBrowser::new(&lab);
    let page = browser.authorize(CONTOSO, &[]).await;
    browser.sign_in(&page, ADA, "analytical").await.answer();
    let out = format!("/{CONTOSO}/oauth2/v2.0/logout");
    let page = browser.open(&out).await;
    assert_eq!(page.title(), "You signed out of your account");
    let page = browser.authorize(CONTOSO, &[]).await;
    assert_eq!(page.title(), "Pick an account");
    let to = |client: &str, uri: &str| {
        format!("{out}?client_id={client}&post_logout_redirect_uri={uri}&state=7")
    };
    let page = browser.open(&to(AZURE_CLI, "http://localhost:5000")).await;
    let sent = page.sent_to.map(String::from);
    assert_eq!(sent.as_deref(), Some("http://localhost:5000/?state=7"));
    for (client, uri) in [
        (AZURE_CLI, "https://evil.example/"),
        ("x", "http://localhost:5000"),
        (CONFIDENTIAL, "http://localhost:5000"),
    ] {
        let page = browser.open(&to(client, uri)).await;
        assert_eq!(page.title(), "You signed out of your account", "{uri}");
    }
}

#[tokio::test]
async fn a_sign_in_survives_a_restart_with_the_same_state_folder() {
    let folder = tempfile::tempdir().unwrap();
    let options = || azcred_emulator::Options {
        state_dir: Some(folder.path().to_owned()),
        seed: azcred_emulator::Seed::Text {
            name: "test".into(),
            text: SEED.into(),
        },
        ..azcred_emulator::Options::default()
    };
    let lab = Lab::with(options()).await;
    let mut browser = TestBrowser::new(&lab);
    let page = browser.authorize(CONTOSO, &[]).await;
    browser.sign_in(&page, ADA, "analytical").await.answer();
    let port = |lab: &Lab| {
        let url = lab.emulator.info().login_url.clone();
        url.rsplit_once(':').unwrap().1.to_owned()
    };
    let (cookies, before) = (browser.cookies.clone(), port(&lab));
    lab.emulator.shutdown().await;

    let lab = Lab::with(options()).await;
    let now = port(&lab);
    let mut browser = TestBrowser::new(&lab);
    browser.cookies = cookies
        .into_iter()
        .map(|(name, value)| (name.replace(&before, &now), value))
        .collect();
    browser.authorize(CONTOSO, &[]).await.authorization_code();
}
