//! Signing in with a device code: what is sent to the provider, what the person sees, and when they
//! are asked again.

use crate::{
    provider::{CLIENT, Provider, TENANT, Watcher},
    support::{Answer, Server, http},
};
use azcred::{
    ClientId, ClientOptions, Credential, DeviceCodeCredential, Error, ErrorKind, Notice, Prompt,
    Scope, TenantId, TokenRequest, system::Fixture,
};
use std::{
    pin::pin,
    sync::{Arc, Mutex},
    time::{Duration, SystemTime},
};

const CODE: &str = "code ABCD-1234 at https://microsoft.com/devicelogin";
const MFA: &str = r#"{"access_token":{"acrs":{"essential":true,"value":"c1"}}}"#;

fn arm() -> TokenRequest {
    TokenRequest::new(Scope::ARM)
}

fn storage() -> TokenRequest {
    TokenRequest::new(Scope::STORAGE)
}

async fn ask(credential: &DeviceCodeCredential, request: &TokenRequest) -> Result<String, Error> {
    let token = credential.get_token(request).await?;
    Ok(token.secret().to_owned())
}

#[tokio::test]
async fn a_person_who_enters_the_code_is_signed_in() {
    let provider = Provider::start(|rules| rules.pending = 1).await;
    let watcher = Watcher::default();
    let credential = DeviceCodeCredential::new(watcher.at(&provider.machine())).unwrap();
    let token = ask(&credential, &arm()).await.unwrap();
    assert_eq!(token, format!("token-1-of-ada-for-{}", Scope::ARM));
    assert_eq!(watcher.saw(), [CODE, "over"]);
    let asked = provider.asked();
    assert_eq!(asked.len(), 3);
    assert_eq!(asked[0].path, "/organizations/oauth2/v2.0/devicecode");
    assert_eq!(asked[0].get("client_id"), CLIENT);
    let scopes = format!("{} openid profile offline_access", Scope::ARM);
    assert_eq!(asked[0].get("scope"), scopes);
    for poll in &asked[1..] {
        assert_eq!(poll.path, "/organizations/oauth2/v2.0/token");
        assert_eq!(poll.get("device_code"), "canary-device-code");
        assert_eq!(poll.get("client_info"), "1");
    }
}

#[tokio::test]
async fn the_tenant_and_the_application_are_those_that_were_named() {
    let provider = Provider::start(|_| {}).await;
    let credential = DeviceCodeCredential::new(Watcher::default().at(&provider.machine()))
        .unwrap()
        .with_tenant(TenantId::new(TENANT).unwrap())
        .with_client_id(ClientId::new("c11e").unwrap());
    ask(&credential, &arm()).await.unwrap();
    for asked in provider.asked() {
        assert!(asked.path.starts_with(&format!("/{TENANT}/")), "{asked:?}");
        assert_eq!(asked.get("client_id"), "c11e");
    }
}

#[tokio::test]
async fn a_person_is_asked_once_and_other_resources_use_the_refresh_token() {
    let provider = Provider::start(|rules| rules.one_use = true).await;
    let watcher = Watcher::default();
    let credential = DeviceCodeCredential::new(watcher.at(&provider.machine())).unwrap();
    ask(&credential, &arm()).await.unwrap();
    for (number, scope) in [(2, Scope::STORAGE), (3, Scope::ML), (4, Scope::GRAPH)] {
        let token = ask(&credential, &TokenRequest::new(scope.clone()))
            .await
            .unwrap();
        assert_eq!(token, format!("token-{number}-of-ada-for-{scope}"));
    }
    assert_eq!(watcher.saw(), [CODE, "over"]);
    let asked = provider.asked();
    // Each renewal is in the person's own tenant and uses a new refresh token.
    for (number, refresh) in asked[2..].iter().enumerate() {
        assert_eq!(refresh.path, format!("/{TENANT}/oauth2/v2.0/token"));
        let token = format!("canary-refresh-{}", number + 1);
        assert_eq!(refresh.get("refresh_token"), token);
    }
}

#[tokio::test]
async fn many_callers_at_once_ask_the_person_once() {
    let provider = Provider::start(|rules| {
        rules.pending = 1;
        rules.one_use = true;
    })
    .await;
    let watcher = Watcher::default();
    let credential = DeviceCodeCredential::new(watcher.at(&provider.machine())).unwrap();
    let scopes = [Scope::ARM, Scope::STORAGE, Scope::ML, Scope::GRAPH];
    let requests: Vec<_> = scopes.into_iter().map(TokenRequest::new).collect();
    let all = futures_util::future::join_all(requests.iter().map(|one| ask(&credential, one)));
    for token in all.await {
        token.unwrap();
    }
    assert_eq!(watcher.saw(), [CODE, "over"]);
    assert_eq!(provider.codes(), 1);
}

#[tokio::test]
async fn callers_that_waited_while_the_person_declined_do_not_ask_again() {
    let provider =
        Provider::start(|rules| rules.refuses_code = Some(("authorization_declined", 70_017)))
            .await;
    let watcher = Watcher::default();
    let credential = DeviceCodeCredential::new(watcher.at(&provider.machine())).unwrap();
    let (one, other) = (arm(), storage());
    let (one, other) = tokio::join!(ask(&credential, &one), ask(&credential, &other));
    for error in [one.unwrap_err(), other.unwrap_err()] {
        assert_eq!(error.kind(), ErrorKind::Refused);
        assert!(error.why().contains("declined"), "{error}");
    }
    assert_eq!(watcher.saw(), [CODE, "over"]);
    // A later call signs the person in.
    provider.rules().refuses_code = None;
    ask(&credential, &arm()).await.unwrap();
    assert_eq!(provider.codes(), 2);
}

#[tokio::test]
async fn the_person_is_asked_for_another_factor_with_the_providers_challenge() {
    let provider = Provider::start(|rules| {
        rules.refuses_refresh = vec![("storage", "interaction_required", 50_076, Some(MFA))];
    })
    .await;
    let watcher = Watcher::default();
    let credential = DeviceCodeCredential::new(watcher.at(&provider.machine())).unwrap();
    ask(&credential, &arm()).await.unwrap();
    let token = ask(&credential, &storage().with_cae()).await.unwrap();
    assert!(token.starts_with("token-2-of-ada"), "{token}");
    assert_eq!(watcher.saw(), [CODE, "over", CODE, "over"]);
    let claims: Vec<String> = provider
        .asked()
        .iter()
        .map(|asked| asked.get("claims").to_owned())
        .collect();
    let cp1 = r#""xms_cc":{"values":["cp1"]}"#;
    // The code and its token; the refresh; the second code and its token.
    assert_eq!(claims[..2], ["", ""]);
    assert!(
        claims[2].contains(cp1) && !claims[2].contains("acrs"),
        "{claims:?}"
    );
    for both in &claims[3..] {
        assert!(
            both.contains(cp1) && both.contains(r#""acrs""#),
            "{claims:?}"
        );
    }
    assert_eq!(claims.len(), 5);
}

#[tokio::test]
async fn a_caller_cancelled_during_a_redemption_does_not_lose_the_sign_in() {
    let provider = Provider::start(|rules| rules.one_use = true).await;
    let watcher = Watcher::default();
    let credential = DeviceCodeCredential::new(watcher.at(&provider.machine())).unwrap();
    ask(&credential, &arm()).await.unwrap();
    let until = provider.hold();
    let request = storage();
    provider
        .is_refreshing(pin!(ask(&credential, &request)))
        .await;
    until.add_permits(1);
    ask(&credential, &TokenRequest::new(Scope::ML))
        .await
        .unwrap();
    assert_eq!(watcher.saw(), [CODE, "over"]);
}

#[tokio::test]
async fn a_challenge_of_an_api_is_answered_without_the_person_where_that_is_enough() {
    let provider = Provider::start(|_| {}).await;
    let watcher = Watcher::default();
    let credential = DeviceCodeCredential::new(watcher.at(&provider.machine())).unwrap();
    ask(&credential, &arm()).await.unwrap();
    let token = ask(&credential, &arm().with_claims(MFA)).await.unwrap();
    assert!(token.starts_with("token-2-"), "{token}");
    assert_eq!(provider.asked().last().unwrap().get("claims"), MFA);
    assert_eq!(watcher.saw(), [CODE, "over"]);
}

#[tokio::test]
async fn after_a_revocation_the_person_is_asked_once_and_not_in_a_loop() {
    let provider = Provider::start(|_| {}).await;
    let watcher = Watcher::default();
    let credential = DeviceCodeCredential::new(watcher.at(&provider.machine())).unwrap();
    ask(&credential, &arm()).await.unwrap();
    provider.revoke();
    provider.rules().refuses_code = Some(("authorization_declined", 70_017));
    let error = ask(&credential, &storage()).await.unwrap_err();
    assert!(error.why().contains("declined"), "{error}");
    assert_eq!(provider.codes(), 2);
    provider.rules().refuses_code = None;
    ask(&credential, &storage()).await.unwrap();
    let dead = provider
        .asked()
        .iter()
        .filter(|asked| asked.get("refresh_token") == "canary-refresh-1")
        .count();
    assert_eq!(dead, 1, "what is dead is not sent again");
    assert_eq!(provider.codes(), 3);
}

#[tokio::test]
async fn a_second_sign_in_must_be_the_same_persons() {
    let provider = Provider::start(|_| {}).await;
    let watcher = Watcher::default();
    let credential = DeviceCodeCredential::new(watcher.at(&provider.machine())).unwrap();
    ask(&credential, &arm()).await.unwrap();
    provider.revoke();
    provider.rules().person = "eve";
    let error = ask(&credential, &storage()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::WrongAccount, "{error}");
    assert!(error.what().contains("ada@contoso.com"), "{error}");
    assert!(error.why().contains("eve@contoso.com"), "{error}");
    provider.rules().person = "ada";
    let token = ask(&credential, &storage()).await.unwrap();
    assert!(token.contains("-of-ada-"), "{token}");
}

#[tokio::test]
async fn where_a_policy_forbids_codes_the_browser_is_named() {
    for error in ["invalid_grant", "access_denied"] {
        let provider = Provider::start(|rules| rules.refuses_code = Some((error, 53_003))).await;
        let credential =
            DeviceCodeCredential::new(Watcher::default().at(&provider.machine())).unwrap();
        let error = ask(&credential, &arm()).await.unwrap_err();
        assert_eq!(error.code(), Some(53_003), "{error}");
        assert!(
            error
                .fix()
                .unwrap()
                .to_string()
                .contains("sign in in a browser"),
            "{error}"
        );
    }
}

#[tokio::test]
async fn the_person_is_not_asked_for_what_a_policy_forbids() {
    let provider = Provider::start(|rules| {
        rules.refuses_refresh = vec![("storage", "invalid_grant", 53_003, None)];
    })
    .await;
    let watcher = Watcher::default();
    let credential = DeviceCodeCredential::new(watcher.at(&provider.machine())).unwrap();
    ask(&credential, &arm()).await.unwrap();
    let error = ask(&credential, &storage()).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.code()),
        (ErrorKind::Refused, Some(53_003))
    );
    assert_eq!(watcher.saw(), [CODE, "over"]);
    // The sign-in is still valid.
    ask(&credential, &TokenRequest::new(Scope::ML))
        .await
        .unwrap();
    assert_eq!(provider.codes(), 1);
}

#[tokio::test]
async fn sign_in_asks_the_person_even_if_an_account_is_signed_in() {
    let provider = Provider::start(|_| {}).await;
    let credential = DeviceCodeCredential::new(Watcher::default().at(&provider.machine())).unwrap();
    let (_, account) = credential.sign_in(&arm()).await.unwrap();
    assert_eq!(account.who(), "ada@contoso.com");
    assert_eq!(account.tenant.as_deref(), Some(TENANT));
    assert_eq!(account.object_id.as_deref(), Some("ada-oid"));
    provider.rules().person = "eve";
    let (_, account) = credential.sign_in(&arm()).await.unwrap();
    assert_eq!(account.who(), "eve@contoso.com");
    let token = ask(&credential, &storage()).await.unwrap();
    assert!(token.contains("-of-eve-"), "{token}");
    assert_eq!(provider.codes(), 2);
}

#[tokio::test]
async fn at_the_deadline_the_code_is_removed_from_the_screen() {
    let provider = Provider::start(|rules| rules.pending = u32::MAX).await;
    let watcher = Watcher::default();
    let credential = DeviceCodeCredential::new(watcher.at(&provider.machine()))
        .unwrap()
        .with_timeout(Duration::from_millis(1500));
    let error = ask(&credential, &arm()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
    assert!(
        error.why().contains("the code was not entered within"),
        "{error}"
    );
    assert_eq!(watcher.saw(), [CODE, "over"]);
}

/// Remembers the end of the code that was shown.
#[derive(Debug, Default)]
struct GoodUntil(Mutex<Option<SystemTime>>);

impl Prompt for GoodUntil {
    fn show(&self, notice: &Notice<'_>) {
        if let Notice::DeviceCode(code) = notice {
            *self.0.lock().unwrap() = Some(code.expires_on);
        }
    }
}

#[tokio::test]
async fn a_code_is_shown_with_the_time_until_which_the_caller_waits() {
    let provider = Provider::start(|rules| rules.pending = u32::MAX).await;
    let prompt = Arc::new(GoodUntil::default());
    let options = ClientOptions::new(provider.machine().shared()).with_prompt(prompt.clone());
    let now = options.system().now();
    let credential = DeviceCodeCredential::new(options)
        .unwrap()
        .with_timeout(Duration::from_millis(1500));
    ask(&credential, &arm()).await.unwrap_err();
    let until = prompt.0.lock().unwrap().unwrap();
    assert!(
        until <= now + Duration::from_secs(60),
        "the provider's is {until:?}"
    );
}

#[tokio::test]
async fn a_cancelled_caller_removes_the_code() {
    let provider = Provider::start(|rules| rules.pending = u32::MAX).await;
    let watcher = Watcher::default();
    let credential = DeviceCodeCredential::new(watcher.at(&provider.machine())).unwrap();
    let request = arm();
    let mut waiting = Box::pin(credential.get_token(&request));
    while watcher.saw().is_empty() {
        tokio::select! {
            answer = &mut waiting => panic!("{answer:?}"),
            () = tokio::task::yield_now() => {}
        }
    }
    drop(waiting);
    assert_eq!(watcher.saw(), [CODE, "over"]);
}

/// The result of a sign-in at a server that sends these responses in order, and the last one
/// repeatedly.
async fn at(answers: Vec<Answer>) -> (Error, Vec<String>) {
    let server = Server::start(answers).await;
    let machine = Fixture::new().with_var(
        "AZURE_AUTHORITY_HOST",
        &format!("http://{}", server.address),
    );
    let watcher = Watcher::default();
    let options: ClientOptions = watcher.at(&machine);
    let credential = DeviceCodeCredential::new(options).unwrap();
    let error = ask(&credential, &arm()).await.unwrap_err();
    (error, watcher.saw())
}

#[tokio::test]
async fn a_response_without_a_code_is_an_error_and_nothing_is_shown() {
    let unknown = r#"{"error":"unauthorized_client","error_description":"AADSTS700016: Application 'x' was not found.","error_codes":[700016]}"#;
    let leading_away = r#"{"device_code":"d","user_code":"AB","verification_uri":"http://evil.example/","expires_in":900}"#;
    for (answer, kind, says) in [
        (
            http("400 Bad Request", &[], unknown),
            ErrorKind::Refused,
            "does not exist in the tenant organizations",
        ),
        (
            http("200 OK", &[], unknown),
            ErrorKind::Refused,
            "does not exist in the tenant organizations",
        ),
        (
            http("200 OK", &[], "<html>Sign in to the network</html>"),
            ErrorKind::Unexpected,
            "web page",
        ),
        (
            http("200 OK", &[], leading_away),
            ErrorKind::Unexpected,
            "neither https nor on this machine",
        ),
        (
            http("302 Found", &["Location: http://evil.example/"], ""),
            ErrorKind::Unexpected,
            "redirect",
        ),
    ] {
        let (error, saw) = at(vec![answer]).await;
        assert_eq!(error.kind(), kind, "{error}");
        assert!(error.why().contains(says), "{error}");
        assert!(saw.is_empty(), "{saw:?}");
    }
}

#[tokio::test]
async fn an_id_token_of_another_application_is_rejected() {
    let code = r#"{"device_code":"d","user_code":"AB","verification_uri":"https://id.example/","expires_in":900,"interval":1}"#;
    let tokens = r#"{"token_type":"Bearer","expires_in":3600,"access_token":"t","id_token":"e30.eyJpc3MiOiJodHRwczovL2xvZ2luLm1pY3Jvc29mdG9ubGluZS5jb20vdC92Mi4wIiwic3ViIjoicyIsImF1ZCI6Im90aGVyIiwiZXhwIjo5OTk5OTk5OTk5LCJ0aWQiOiJ0In0.s"}"#;
    let (error, saw) = at(vec![http("200 OK", &[], code), http("200 OK", &[], tokens)]).await;
    assert_eq!(error.kind(), ErrorKind::Unexpected, "{error}");
    assert!(error.why().contains("another application"), "{error}");
    assert_eq!(saw.len(), 2);
}

#[tokio::test]
async fn a_device_code_that_comes_back_in_an_error_is_not_repeated() {
    let code = r#"{"device_code":"canary-device-code","user_code":"AB","verification_uri":"https://id.example/","expires_in":900,"interval":1}"#;
    let no = r#"{"error":"invalid_request","error_description":"The code canary-device-code is strange."}"#;
    let (error, _) = at(vec![
        http("200 OK", &[], code),
        http("400 Bad Request", &[], no),
    ])
    .await;
    assert_eq!(error.kind(), ErrorKind::Refused);
    assert!(!format!("{error} {error:?}").contains("canary"), "{error}");
}
