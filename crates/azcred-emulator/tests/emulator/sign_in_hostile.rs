//! Sign-in with a browser, against other sites, other users and hostile names.

use crate::common::{
    self, Lab,
    browser::{ShownPage, TestBrowser, query},
    people::{ADA, AZURE_CLI, CONTOSO, SEED, lab},
};

const GRACE: &str = "e0000001-0000-4000-8000-000000000002";
const MFA: &str = "e0000001-0000-4000-8000-000000000006";

fn fields(all: &[(&str, &str)]) -> Vec<(String, String)> {
    let own = |text: &str| text.to_owned();
    all.iter()
        .map(|(name, value)| (own(name), own(value)))
        .collect()
}

/// Rejected as a form of another browser.
#[track_caller]
fn is_foreign(page: &ShownPage) {
    assert_eq!(page.code(), 165_000, "{page:?}");
    assert!(page.sent_to.is_none());
}

#[tokio::test]
async fn a_form_from_another_browser_or_without_a_cookie_changes_nothing() {
    let lab = lab().await;
    let mut hers = TestBrowser::new(&lab);
    let page = hers
        .authorize(CONTOSO, &[("login_hint", "ada@contoso.com")])
        .await;
    let ctx = page.ctx();
    let form = fields(&[("ctx", &ctx), ("do", "password"), ("passwd", "analytical")]);
    // Without a cookie, and with another browser's cookie: as a form on another site would send it.
    let mut nobody = TestBrowser::new(&lab);
    is_foreign(&nobody.post("/common/login", &form).await);
    let mut his = TestBrowser::new(&lab);
    his.authorize(CONTOSO, &[]).await;
    is_foreign(&his.post("/common/login", &form).await);
    is_foreign(&his.open(&format!("/common/reprocess?ctx={ctx}")).await);
    // And without a transaction, or with a changed one.
    let no_ctx = fields(&[("do", "password"), ("passwd", "analytical")]);
    is_foreign(&hers.post("/common/login", &no_ctx).await);
    let mut changed = ctx.clone();
    changed.replace_range(40..41, if &ctx[40..41] == "A" { "B" } else { "A" });
    is_foreign(
        &hers
            .post("/common/login", &fields(&[("ctx", &changed)]))
            .await,
    );
    // Encrypted data for another purpose is not a transaction.
    let sealed = hers
        .press(&page, "password", &[("passwd", "analytical")])
        .await;
    sealed.authorization_code();
    let session = hers
        .cookies
        .iter()
        .find(|(name, _)| name.contains("ESTSAUTH"));
    let session = session.unwrap().1.clone();
    is_foreign(
        &hers
            .post("/common/login", &fields(&[("ctx", &session)]))
            .await,
    );
}

#[tokio::test]
async fn a_page_expires_after_fifteen_minutes() {
    let lab = lab().await;
    let mut browser = TestBrowser::new(&lab);
    let page = browser.authorize(CONTOSO, &[]).await;
    lab.emulator.world().clock.set_skew(15 * 60 + 1);
    let page = browser.press(&page, "account", &[("account", ADA)]).await;
    assert_eq!(page.code(), 50089);
}

#[tokio::test]
async fn no_page_can_be_skipped_by_posting_the_form_of_a_later_one() {
    let lab = lab().await;
    let mut browser = TestBrowser::new(&lab);
    let mine = [("client_id", common::people::DESKTOP)];
    let page = browser.authorize(CONTOSO, &mine).await;
    let page = browser.press(&page, "account", &[("account", MFA)]).await;
    let ctx = page.ctx();
    for later in [
        "second_factor",
        "accept",
        "confirm",
        "without_consent",
        "code",
        "x",
    ] {
        let form = fields(&[("ctx", &ctx), ("do", later), ("otc", "000000")]);
        let page = browser.post("/common/login", &form).await;
        assert_eq!(page.title(), "Enter password", "{later}: {page:?}");
    }
    let page = browser.press(&page, "password", &[("passwd", "x")]).await;
    let ctx = page.ctx();
    for later in ["accept", "password", "confirm"] {
        let form = fields(&[("ctx", &ctx), ("do", later), ("passwd", "x")]);
        let page = browser.post("/common/login", &form).await;
        assert_eq!(page.title(), "Enter the number", "{later}: {page:?}");
    }
    let page = browser.enter_number(&page).await;
    assert_eq!(page.title(), "Permissions requested");
    let form = fields(&[("ctx", &page.ctx()), ("do", "confirm")]);
    let page = browser.post("/common/login", &form).await;
    assert_eq!(page.title(), "Permissions requested");
}

#[tokio::test]
async fn a_device_is_not_confirmed_before_the_confirmation_page() {
    let lab = lab().await;
    let form = [("client_id", AZURE_CLI), ("scope", "User.Read")];
    let begun = lab.post("/common/oauth2/v2.0/devicecode", &form).await;
    let mut browser = TestBrowser::new(&lab);
    let user_code = begun.body["user_code"].as_str().unwrap();
    let page = browser.enter_code(user_code).await;
    let page = browser.press(&page, "account", &[("account", ADA)]).await;
    let form = fields(&[("ctx", &page.ctx()), ("do", "confirm")]);
    let page = browser.post("/common/login", &form).await;
    let right = [("passwd", "analytical")];
    let page = browser.press(&page, "password", &right).await;
    assert_eq!(
        page.title(),
        "Are you trying to sign in to Microsoft Azure CLI?"
    );
}

#[tokio::test]
async fn one_users_password_or_number_is_invalid_for_another() {
    let lab = lab().await;
    let mut browser = TestBrowser::new(&lab);
    let page = browser.authorize(CONTOSO, &[]).await;
    browser.sign_in(&page, GRACE, "nanosecond").await.answer();
    let mine = [("client_id", common::people::DESKTOP), ("prompt", "login")];
    let page = browser.authorize(CONTOSO, &mine).await;
    let page = browser.press(&page, "account", &[("account", ADA)]).await;
    let wrong = browser
        .press(&page, "password", &[("passwd", "nanosecond")])
        .await;
    assert_eq!(wrong.code(), 50126);
    let page = browser
        .press(&wrong, "password", &[("passwd", "analytical")])
        .await;
    assert_eq!(page.title(), "Permissions requested");
    // Ada has just signed in, Grace has not.
    let page = browser.press(&page, "list", &[]).await;
    let page = browser.press(&page, "account", &[("account", GRACE)]).await;
    assert_eq!(page.title(), "Enter password");
    // A guest or an unknown account can't be picked.
    for other in ["e0000001-0000-4000-8000-00000000000f", "x", ""] {
        let form = fields(&[("ctx", &page.ctx()), ("do", "account"), ("account", other)]);
        let page = browser.post("/common/login", &form).await;
        assert_eq!(page.title(), "Pick an account", "{other}");
    }
}

#[tokio::test]
async fn every_page_forbids_frames_caches_scripts_and_referrers() {
    let lab = lab().await;
    let mut browser = TestBrowser::new(&lab);
    let pick = browser.authorize(CONTOSO, &[]).await;
    let password = browser.press(&pick, "account", &[("account", ADA)]).await;
    let by_form = [("response_mode", "form_post"), ("prompt", "none")];
    let pages = [
        browser.authorize(CONTOSO, &by_form).await,
        browser.authorize(CONTOSO, &[("prompt", "none")]).await,
        browser.authorize(CONTOSO, &[("client_id", "x")]).await,
        browser.open("/common/oauth2/deviceauth").await,
        browser.open("/common/oauth2/nativeclient").await,
        browser.open("/common/login").await,
        browser
            .open(&format!("/{CONTOSO}/oauth2/v2.0/logout"))
            .await,
        pick,
        password,
    ];
    for page in pages {
        let header = |name: &str| page.headers.get(name).map_or("", |v| v.to_str().unwrap());
        let policy = header("content-security-policy");
        assert!(policy.starts_with("default-src 'none'"), "{page:?}");
        assert!(policy.contains("frame-ancestors 'none'"), "{policy}");
        assert!(!policy.contains("unsafe"), "{policy}");
        assert_eq!(header("x-frame-options"), "DENY");
        assert_eq!(header("referrer-policy"), "no-referrer");
        assert_eq!(header("cache-control"), "no-store, no-cache");
        assert_eq!(header("x-content-type-options"), "nosniff");
        // Otherwise every program on `localhost` would need HTTPS.
        assert_eq!(header("strict-transport-security"), "");
        let scripts = page.html.matches("<script>").count();
        assert_eq!(
            scripts > 0,
            policy.contains("script-src 'sha256-"),
            "{policy}"
        );
        if page.sent_to.is_none() {
            let says_so = page.html.contains("<strong>azcred emulator</strong>");
            assert!(says_so, "{page:?}");
        }
    }
}

#[tokio::test]
async fn hostile_names_are_shown_and_not_run() {
    let hostile = r#"</b>\"'><script>alert(1)</script><img src=x>"#;
    let seed = SEED
        .replace(r#"name = "Contoso""#, &format!("name = \"{hostile}\""))
        .replace(
            r#"name = "Ada Lovelace"
password"#,
            &format!("name = \"{hostile}\"\npassword"),
        )
        .replace(r#"name = "unconsented""#, &format!("name = \"{hostile}\""));
    let lab = Lab::seeded(&seed).await;
    let mut browser = TestBrowser::new(&lab);
    let text = r#""><script>alert(1)</script>"#;
    let mine = [
        ("client_id", common::people::DESKTOP),
        ("state", text),
        ("login_hint", text),
        ("scope", "https://management.azure.com/user_impersonation"),
    ];
    let name = browser.authorize(CONTOSO, &mine).await;
    assert_eq!(name.title(), "Sign in");
    let pick = browser.press(&name, "list", &[]).await;
    let password = browser.press(&pick, "account", &[("account", ADA)]).await;
    let consent = browser
        .press(&password, "password", &[("passwd", "analytical")])
        .await;
    assert_eq!(consent.title(), "Permissions requested");
    let by_form = [
        mine[0],
        mine[1],
        mine[3],
        ("response_mode", "form_post"),
        ("prompt", "none"),
    ];
    let form = browser.authorize(CONTOSO, &by_form).await;
    assert_eq!(form.fields()["state"], text);
    let address = [("redirect_uri", text)];
    let pages = [
        pick,
        name,
        password,
        consent,
        form,
        browser.authorize(CONTOSO, &address).await,
        browser.authorize(text, &[]).await,
        browser
            .open("/common/oauth2/deviceauth?otc=%22%3E%3Cscript%3Ealert(1)%3C/script%3E")
            .await,
    ];
    for page in &pages[..4] {
        assert!(page.html.contains("&lt;script&gt;alert"), "{page:?}");
    }
    for page in pages {
        assert!(!page.html.contains("<script>alert"), "{page:?}");
        assert!(!page.html.contains("<img"), "{page:?}");
    }
}

#[tokio::test]
async fn a_state_can_not_add_parameters_or_headers_to_a_response() {
    let lab = lab().await;
    let mut browser = TestBrowser::new(&lab);
    let state = "x\r\nSet-Cookie: y=z&code=stolen#x";
    let page = browser
        .authorize(CONTOSO, &[("state", state), ("prompt", "none")])
        .await;
    let error = page.error("login_required", 50058);
    assert_eq!(error["state"], state);
}

#[tokio::test]
async fn junk_is_rejected_by_every_endpoint() {
    let lab = lab().await;
    let mut browser = TestBrowser::new(&lab);
    let cookies = [
        ("esctx", "short".to_owned()),
        ("esctx", "\"".repeat(22)),
        ("ESTSAUTH", "x".repeat(5000)),
        ("ESTSAUTH", "%00".to_owned()),
    ];
    let port = lab
        .emulator
        .info()
        .login_url
        .rsplit_once(':')
        .unwrap()
        .1
        .to_owned();
    for (name, value) in cookies {
        browser.cookies.clear();
        browser
            .cookies
            .insert(format!("__Host-{name}-{port}"), value);
        let page = browser.authorize(CONTOSO, &[]).await;
        assert_eq!(page.title(), "Pick an account");
    }
    let text = "y".repeat(60 * 1024);
    is_foreign(
        &browser
            .post("/common/login", &fields(&[("ctx", &text)]))
            .await,
    );
    let twice = fields(&[("ctx", "a"), ("ctx", "b")]);
    assert_eq!(
        browser.post("/common/login", &twice).await.code(),
        9_000_411
    );
    assert_eq!(browser.open("/common/login").await.code(), 900_561);
    is_foreign(&browser.open("/common/reprocess").await);
    is_foreign(&browser.open("/common/reprocess?ctx=%ff%00").await);
    let huge = fields(&[("ctx", &"z".repeat(200 * 1024))]);
    assert_eq!(browser.post("/common/login", &huge).await.status, 413);
    let json = lab
        .client
        .post(lab.login("/common/login"))
        .body("{}")
        .send();
    assert!(
        json.await
            .unwrap()
            .text()
            .await
            .unwrap()
            .contains("AADSTS165000")
    );
    let path = format!("/{CONTOSO}/oauth2/v2.0/authorize?{}", query(&[]));
    let put = lab.client.put(lab.login(&path)).send().await.unwrap();
    assert_eq!(put.status(), 405);
    assert_eq!(
        browser
            .authorize(CONTOSO, &[("client_id", AZURE_CLI)])
            .await
            .status,
        200
    );
}
