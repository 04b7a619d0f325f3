//! Sign-ins that outlive a process: which account is signed in, what the next process does with it,
//! and what happens after it has ended.

use crate::provider::{Asked, CLIENT, Provider, TENANT, Watcher};
use azcred::{
    Availability, AzcredCredential, ClientId, ClientOptions, ClientSecretCredential, Credential,
    DeviceCodeCredential, Error, ErrorKind, Profile, Scope, SecretString, Session, TenantId,
    TokenRequest,
    account::{self, Account, AccountKind, Accounts},
    system::{
        Command, FileFacts, FileKind, FileLock, Finished, Fixture, Hypervisor, NoKeyring, OpenFile,
        System, Unfinished, Writers,
    },
};
use futures_util::future::{BoxFuture, join_all};
use std::{
    ffi::OsString,
    io,
    path::{Path, PathBuf},
    pin::pin,
    sync::Arc,
    time::{Duration, SystemTime},
};

const DATA: &str = "/home/ada/.local/share/azcred";

fn arm() -> TokenRequest {
    TokenRequest::new(Scope::ARM)
}

fn storage() -> TokenRequest {
    TokenRequest::new(Scope::STORAGE)
}

/// The options of another process on a machine.
fn process(machine: &Fixture) -> ClientOptions {
    Watcher::default().at(machine).with_disk_cache()
}

async fn login(machine: &Fixture) -> Account {
    let credential = DeviceCodeCredential::new(process(machine)).unwrap();
    credential.sign_in(&arm()).await.unwrap().1
}

/// The token that another process gets.
async fn token(machine: &Fixture, request: &TokenRequest) -> Result<String, Error> {
    ask(&AzcredCredential::new(process(machine)).unwrap(), request).await
}

async fn ask(credential: &impl Credential, request: &TokenRequest) -> Result<String, Error> {
    Ok(credential.get_token(request).await?.secret().to_owned())
}

fn refreshes(provider: &Provider) -> Vec<Asked> {
    let mut asked = provider.asked();
    asked.retain(|asked| asked.get("grant_type") == "refresh_token");
    asked
}

fn files(machine: &Fixture) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let caches = "/home/ada/.cache/azcred/tokens";
    for root in [Path::new(DATA).to_owned(), PathBuf::from(caches)] {
        for below in ["", "sign-ins/v1/file", "v1/file", "sign-ins/v1/keyring"] {
            let folder = root.join(below);
            let names = machine.list(&folder).unwrap_or_default();
            files.extend(names.iter().map(|name| folder.join(name)));
        }
    }
    files
}

#[tokio::test]
async fn a_sign_in_is_there_in_the_next_process() {
    let provider = Provider::start(|_| {}).await;
    let machine = provider.machine();
    let account = login(&machine).await;
    assert_eq!(account.who(), "ada@contoso.com");
    let before = provider.asked().len();
    // The token of the sign-in is on the disk.
    assert!(
        token(&machine, &arm())
            .await
            .unwrap()
            .starts_with("token-1-")
    );
    assert_eq!(provider.asked().len(), before);
    let other = token(&machine, &storage()).await.unwrap();
    assert_eq!(other, format!("token-2-of-ada-for-{}", Scope::STORAGE));
    let refreshed = refreshes(&provider);
    assert_eq!(refreshed.len(), 1);
    assert_eq!(refreshed[0].path, format!("/{TENANT}/oauth2/v2.0/token"));
    assert_eq!(refreshed[0].get("client_id"), CLIENT);
    assert_eq!(token(&machine, &storage()).await.unwrap(), other);
    assert_eq!(refreshes(&provider).len(), 1, "that one is on disk too");
}

#[tokio::test]
async fn a_tenants_name_is_stored_with_the_account_and_its_sign_in_goes_on() {
    let provider = Provider::start(|_| {}).await;
    let machine = provider.machine();
    let account = login(&machine).await;
    let accounts = Accounts::new(&process(&machine)).unwrap();
    let name = "Conto\u{1b}[31mso \u{202e}Ltd";
    let names = [(TENANT.to_uppercase(), name.to_owned())];
    accounts.name_tenants(&account.id, names).await.unwrap();
    let session = Session::builder().at(machine.clone().shared(), "/home/ada");
    let session = session.open().await.unwrap();
    let found = session.tenant_name(TENANT).await.unwrap();
    assert!(found.contains("Conto") && found.contains("Ltd"), "{found}");
    assert!(!found.contains(['\u{1b}', '\u{202e}']), "{found:?}");
    assert_eq!(session.tenant_name("other").await, None);
    // The refresh token is still there, and the next sign-in keeps the name.
    token(&machine, &storage()).await.unwrap();
    login(&machine).await;
    assert_eq!(session.tenant_name(TENANT).await, Some(found));
    let unknown = "0123456789abcdef".parse().unwrap();
    let error = accounts.name_tenants(&unknown, []).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
}

#[tokio::test]
async fn without_an_account_the_check_says_so_with_the_fix() {
    let provider = Provider::start(|_| {}).await;
    let machine = provider.machine();
    let work = process(&machine).with_profile(Profile::new("work").unwrap());
    for (options, command) in [
        (process(&machine), "sign in to azcred"),
        (work, "sign in to azcred, in the profile 'work'"),
    ] {
        let credential = AzcredCredential::new(options).unwrap();
        let Availability::Unavailable(error) = credential.prepare() else {
            panic!("an account is signed in");
        };
        assert_eq!(error.kind(), ErrorKind::Unavailable);
        assert!(
            error.fix().unwrap().to_string().contains(command),
            "{error}"
        );
        let same = ask(&credential, &arm()).await.unwrap_err();
        assert_eq!(same.to_string(), error.to_string());
    }
    assert!(provider.asked().is_empty());
    login(&machine).await;
    let credential = AzcredCredential::new(process(&machine)).unwrap();
    let Availability::Ready { using } = credential.prepare() else {
        panic!("somebody is signed in");
    };
    assert_eq!(using.to_string(), "the sign-in of ada@contoso.com");
}

#[tokio::test]
async fn an_interactive_credential_does_not_ask_a_person_who_is_signed_in() {
    let provider = Provider::start(|_| {}).await;
    let machine = provider.machine();
    login(&machine).await;
    let watcher = Watcher::default();
    let credential = DeviceCodeCredential::new(watcher.at(&machine).with_disk_cache()).unwrap();
    assert!(
        ask(&credential, &storage())
            .await
            .unwrap()
            .contains("-of-ada-")
    );
    assert!(watcher.saw().is_empty());
    // A credential without the disk cache neither stores nor reads sign-ins.
    let in_memory = DeviceCodeCredential::new(watcher.at(&machine)).unwrap();
    ask(&in_memory, &storage()).await.unwrap();
    assert_eq!(watcher.saw().len(), 2);
}

#[tokio::test]
async fn a_refresh_token_for_one_use_survives_simultaneous_processes() {
    let provider = Provider::start(|rules| rules.one_use = true).await;
    let machine = provider.machine();
    login(&machine).await;
    let requests: Vec<TokenRequest> = (0..16)
        .map(|number| TokenRequest::new(Scope::new(format!("api://{number}/.default")).unwrap()))
        .collect();
    let all = join_all(requests.iter().map(|request| token(&machine, request))).await;
    for token in all {
        assert!(token.unwrap().contains("-of-ada-"));
    }
    let mut used: Vec<String> = refreshes(&provider)
        .iter()
        .map(|asked| asked.get("refresh_token").to_owned())
        .collect();
    assert_eq!(used.len(), 16);
    used.sort();
    used.dedup();
    assert_eq!(used.len(), 16, "each was used once");
    assert_eq!(provider.codes(), 1);
}

#[tokio::test]
async fn a_refresh_token_for_one_use_survives_a_cancelled_caller() {
    let provider = Provider::start(|rules| rules.one_use = true).await;
    let machine = provider.machine();
    login(&machine).await;
    let until = provider.hold();
    provider
        .is_refreshing(pin!(token(&machine, &storage())))
        .await;
    // The caller is gone. The provider accepts the old token no more, and no process has the new
    // one yet.
    assert!(!account::settled(Duration::ZERO).await);
    until.add_permits(1);
    assert!(account::settled(Duration::from_secs(60)).await);
    for scope in [Scope::STORAGE, Scope::ML] {
        let request = TokenRequest::new(scope);
        token(&machine, &request).await.unwrap();
    }
    assert_eq!(refreshes(&provider).len(), 3);
}

#[tokio::test]
async fn processes_that_need_the_same_token_send_one_request() {
    let provider = Provider::start(|rules| rules.one_use = true).await;
    let machine = provider.machine();
    login(&machine).await;
    let request = storage();
    let all = join_all((0..32).map(|_| token(&machine, &request))).await;
    for token in all {
        assert!(token.unwrap().starts_with("token-2-"));
    }
    assert_eq!(refreshes(&provider).len(), 1);
}

#[tokio::test]
async fn a_sign_in_that_the_provider_ended_stays_ended() {
    let provider = Provider::start(|_| {}).await;
    let machine = provider.machine();
    login(&machine).await;
    provider.revoke();
    for attempt in 0..3 {
        let error = token(&machine, &storage()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Refused, "{error}");
        assert_eq!(error.code(), Some(50_173), "{attempt}: {error}");
        assert!(error.why().contains("revoked"), "{error}");
        assert!(
            error
                .fix()
                .unwrap()
                .to_string()
                .contains(&format!("sign in again to the tenant {TENANT}")),
            "{error}"
        );
        assert!(!format!("{error} {error:?}").contains("canary"), "{error}");
    }
    assert_eq!(refreshes(&provider).len(), 1, "what is dead is sent once");
    let accounts = Accounts::new(&process(&machine)).unwrap();
    let account = accounts.current().await.unwrap().unwrap();
    assert!(account.trouble.unwrap().contains("revoked"));
    login(&machine).await;
    token(&machine, &storage()).await.unwrap();
    assert_eq!(accounts.current().await.unwrap().unwrap().trouble, None);
    assert_eq!(accounts.list().await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_sign_in_for_another_application_must_be_repeated() {
    let provider = Provider::start(|_| {}).await;
    let machine = provider.machine();
    DeviceCodeCredential::new(process(&machine))
        .unwrap()
        .with_client_id(ClientId::new("other-application").unwrap())
        .sign_in(&arm())
        .await
        .unwrap();
    provider.revoke();
    let error = token(&machine, &storage()).await.unwrap_err();
    let again =
        format!("sign in again to the tenant {TENANT} with the application other-application");
    assert!(error.fix().unwrap().to_string().contains(&again), "{error}");
}

#[tokio::test]
async fn if_a_policy_needs_another_factor_the_sign_in_stays_and_the_fix_is_named() {
    let provider = Provider::start(|rules| {
        rules.refuses_refresh = vec![("storage", "interaction_required", 50_076, Some("{}"))];
    })
    .await;
    let machine = provider.machine();
    login(&machine).await;
    let error = token(&machine, &storage()).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.code()),
        (ErrorKind::Refused, Some(50_076))
    );
    assert!(
        error
            .fix()
            .unwrap()
            .to_string()
            .contains("sign in in a browser"),
        "{error}"
    );
    assert!(
        error
            .fix()
            .unwrap()
            .to_string()
            .contains(Scope::STORAGE.as_str()),
        "{error}"
    );
    token(&machine, &TokenRequest::new(Scope::ML))
        .await
        .unwrap();
    assert_eq!(provider.codes(), 1, "nobody was asked");
}

#[tokio::test]
async fn of_two_processes_that_need_the_person_one_asks_and_the_other_waits() {
    let provider = Provider::start(|rules| rules.pending = 2).await;
    let machine = provider.machine();
    let (one, other) = (Watcher::default(), Watcher::default());
    let at = |watcher: &Watcher| {
        DeviceCodeCredential::new(watcher.at(&machine).with_disk_cache()).unwrap()
    };
    let (first, second) = (at(&one), at(&other));
    let (for_arm, for_storage) = (arm(), storage());
    let (a, b) = tokio::join!(ask(&first, &for_arm), ask(&second, &for_storage));
    a.unwrap();
    b.unwrap();
    let mut saw = [one.saw(), other.saw()];
    saw.sort();
    assert_eq!(saw[0], ["another process", "over"]);
    assert!(saw[1][0].starts_with("code "), "{saw:?}");
    assert_eq!(provider.codes(), 1);
}

#[tokio::test]
async fn applications_of_one_family_share_a_sign_in_until_the_provider_says_otherwise() {
    let provider = Provider::start(|rules| rules.family = Some("1")).await;
    let machine = provider.machine();
    login(&machine).await;
    let watcher = Watcher::default();
    let other = |client_id: &str| {
        DeviceCodeCredential::new(watcher.at(&machine).with_disk_cache())
            .unwrap()
            .with_client_id(ClientId::new(client_id).unwrap())
    };
    ask(&other("member"), &storage()).await.unwrap();
    assert!(watcher.saw().is_empty());
    assert_eq!(refreshes(&provider)[0].get("client_id"), "member");
    provider.rules().stranger = Some("stranger");
    ask(&other("stranger"), &storage()).await.unwrap();
    assert_eq!(watcher.saw().len(), 2, "who is no member has to be asked");
    let by_stranger = |provider: &Provider| {
        refreshes(provider)
            .iter()
            .filter(|asked| asked.get("client_id") == "stranger")
            .count()
    };
    assert_eq!(by_stranger(&provider), 1);
    // The result is remembered: only the application's own refresh token is tried.
    provider.rules().stranger = None;
    provider.revoke();
    ask(&other("stranger"), &TokenRequest::new(Scope::ML))
        .await
        .unwrap();
    assert_eq!(by_stranger(&provider), 2);
    assert_eq!(watcher.saw().len(), 4);
}

#[tokio::test]
async fn signing_out_ends_the_sign_in_for_running_programs_too() {
    let provider = Provider::start(|_| {}).await;
    let machine = provider.machine();
    let account = login(&machine).await;
    let running = AzcredCredential::new(process(&machine)).unwrap();
    ask(&running, &storage()).await.unwrap();
    let accounts = Accounts::new(&process(&machine)).unwrap();
    accounts.remove(&account.id).await.unwrap();
    let error = ask(&running, &TokenRequest::new(Scope::ML))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Refused);
    assert!(error.why().contains("signed out"), "{error}");
    let before = provider.asked().len();
    // Tokens that were cached for the old sign-in are not used, though the same person signed in
    // again.
    assert!(
        token(&machine, &storage())
            .await
            .unwrap_err()
            .is_unavailable()
    );
    assert_eq!(provider.asked().len(), before);
    login(&machine).await;
    let fresh = token(&machine, &storage()).await.unwrap();
    assert!(fresh.starts_with("token-4-"), "{fresh}");
}

#[tokio::test]
async fn signing_out_during_a_renewal_stays_signed_out() {
    let provider = Provider::start(|_| {}).await;
    let machine = provider.machine();
    login(&machine).await;
    // As on a file system without locks.
    let elsewhere = machine.clone();
    provider.rules().meanwhile = Some(Box::new(move || {
        let folder = Path::new(DATA).join("sign-ins/v1/file");
        for name in elsewhere.list(&folder).unwrap() {
            elsewhere.remove(&folder.join(name)).unwrap();
        }
    }));
    token(&machine, &storage()).await.unwrap();
    assert_eq!(refreshes(&provider).len(), 1);
    let accounts = Accounts::new(&process(&machine)).unwrap();
    assert!(accounts.list_all().await.unwrap().is_empty());
}

#[tokio::test]
async fn the_cached_tokens_of_a_sign_in_go_with_it_and_those_of_others_stay() {
    let provider = Provider::start(|_| {}).await;
    let machine = provider.machine().with_keyring(None);
    let ada = login(&machine).await;
    provider.rules().person = "eve";
    login(&machine).await;
    token(&machine, &storage()).await.unwrap();
    let whose = async || -> Vec<String> {
        let list = azcred::cache::list(&process(&machine)).await.unwrap();
        list.tokens
            .into_iter()
            .map(|token| token.whose.to_string())
            .collect()
    };
    assert_eq!(
        whose().await,
        ["ada@contoso.com", "eve@contoso.com", "eve@contoso.com"]
    );
    let accounts = Accounts::new(&process(&machine)).unwrap();
    accounts.remove(&ada.id).await.unwrap();
    assert_eq!(whose().await, ["eve@contoso.com", "eve@contoso.com"]);
    // A new sign-in starts without them.
    login(&machine).await;
    assert_eq!(whose().await, ["eve@contoso.com"]);
    // Signing out an application removes its tokens too, but not those of the same application in
    // the variables.
    let (tenant, client_id) = application();
    let same = ClientSecretCredential::new(
        tenant.clone(),
        client_id.clone(),
        SecretString::from("canary-secret"),
        process(&machine),
    );
    ask(&same.unwrap(), &arm()).await.unwrap();
    let added = accounts
        .add_client_secret(tenant, client_id, SecretString::from("canary-secret"))
        .await
        .unwrap();
    token(&machine, &arm()).await.unwrap();
    assert_eq!(whose().await.len(), 3);
    accounts.remove(&added.id).await.unwrap();
    assert_eq!(whose().await.len(), 2);
}

#[tokio::test]
async fn tokens_that_could_not_be_removed_are_reported() {
    let provider = Provider::start(|_| {}).await;
    let machine = provider.machine();
    let ada = login(&machine).await;
    let accounts = Accounts::new(&process(&machine)).unwrap();
    let removed = accounts.remove(&ada.id).await.unwrap();
    assert!(removed.tokens_left.is_none());
    let ada = login(&machine).await;
    let machine = machine.with_facts("/home/ada/.cache/azcred/tokens", open_to_others(), "");
    let accounts = Accounts::new(&process(&machine)).unwrap();
    let removed = accounts.remove(&ada.id).await.unwrap();
    let left = removed.tokens_left.unwrap();
    assert!(
        left.fix().unwrap().to_string().contains("chmod 700"),
        "{left}"
    );
    assert!(accounts.list().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_rejection_with_claims_keeps_the_sign_in_for_other_requests() {
    let provider = Provider::start(|rules| {
        rules.refuses_refresh = vec![("storage", "invalid_grant", 50_173, None)];
    })
    .await;
    let machine = provider.machine();
    login(&machine).await;
    let challenged =
        storage().with_claims(r#"{"access_token":{"nbf":{"essential":true,"value":"1"}}}"#);
    let error = token(&machine, &challenged).await.unwrap_err();
    assert_eq!(error.code(), Some(50_173), "{error}");
    assert!(
        error.fix().unwrap().to_string().contains("sign in"),
        "{error}"
    );
    provider.rules().refuses_refresh.clear();
    token(&machine, &storage()).await.unwrap();
}

#[tokio::test]
async fn a_sign_in_that_ended_for_one_application_is_reported_though_others_are_valid() {
    let provider = Provider::start(|_| {}).await;
    let machine = provider.machine();
    let other = DeviceCodeCredential::new(process(&machine))
        .unwrap()
        .with_client_id(ClientId::new("other").unwrap());
    other.sign_in(&arm()).await.unwrap();
    login(&machine).await;
    // Only the second sign-in's token.
    provider.revoke_one("canary-refresh-2");
    for _ in 0..2 {
        let error = token(&machine, &storage()).await.unwrap_err();
        assert_eq!(error.code(), Some(50_173), "{error}");
        assert!(
            error.fix().unwrap().to_string().contains("sign in"),
            "{error}"
        );
    }
    ask(&other, &storage()).await.unwrap();
    assert_eq!(provider.codes(), 2);
    let error = token(&machine, &storage()).await.unwrap_err();
    assert_eq!(error.code(), Some(50_173), "{error}");
}

#[tokio::test]
async fn a_running_program_keeps_its_identity() {
    let provider = Provider::start(|_| {}).await;
    let machine = provider.machine();
    login(&machine).await;
    let running = AzcredCredential::new(process(&machine)).unwrap();
    assert!(ask(&running, &arm()).await.unwrap().contains("-of-ada-"));
    provider.rules().person = "eve";
    assert!(login(&machine).await.is_current);
    assert!(
        ask(&running, &storage())
            .await
            .unwrap()
            .contains("-of-ada-")
    );
    let new = token(&machine, &TokenRequest::new(Scope::ML)).await;
    assert!(new.unwrap().contains("-of-eve-"));
}

/// Two first calls, and another person becomes current between them.
async fn both_calls_are_for_one_person<C: Credential>(new: impl FnOnce(ClientOptions) -> C) {
    let provider = Provider::start(|_| {}).await;
    let machine = provider.machine();
    login(&machine).await;
    let credential = new(process(&machine));
    let until = provider.hold();
    let requests = [storage(), TokenRequest::new(Scope::ML)];
    let mut first = pin!(ask(&credential, &requests[0]));
    provider.is_refreshing(&mut first).await;
    provider.rules().person = "eve";
    assert!(login(&machine).await.is_current);
    let release = async {
        while refreshes(&provider).len() < 2 {
            tokio::task::yield_now().await;
        }
        until.add_permits(10);
    };
    let (one, other, ()) = tokio::join!(first, ask(&credential, &requests[1]), release);
    let tokens = [one.unwrap(), other.unwrap()];
    let all_of = |name: &str| tokens.iter().all(|token| token.contains(name));
    assert!(all_of("-of-ada-") || all_of("-of-eve-"), "{tokens:?}");
}

#[tokio::test]
async fn first_calls_at_the_same_time_are_for_one_account() {
    both_calls_are_for_one_person(|options| AzcredCredential::new(options).unwrap()).await;
}

#[tokio::test]
async fn first_calls_of_an_interactive_credential_at_the_same_time_are_for_one_person() {
    both_calls_are_for_one_person(|options| DeviceCodeCredential::new(options).unwrap()).await;
}

#[tokio::test]
async fn a_token_of_another_person_is_rejected() {
    let provider = Provider::start(|_| {}).await;
    let machine = provider.machine();
    login(&machine).await;
    provider.rules().person = "eve";
    provider.rules().confuses_people = true;
    let error = token(&machine, &storage()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unexpected, "{error}");
    assert!(error.why().contains("another person"), "{error}");
}

#[tokio::test]
async fn a_tenant_that_is_not_allowed_is_not_requested() {
    let provider = Provider::start(|_| {}).await;
    let machine = provider.machine();
    login(&machine).await;
    let elsewhere = TenantId::new("fabrikam.com").unwrap();
    let request = storage().with_tenant(elsewhere.clone());
    let error = token(&machine, &request).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
    let options = process(&machine).with_allowed_tenants([elsewhere]);
    let credential = AzcredCredential::new(options).unwrap();
    ask(&credential, &request).await.unwrap();
    assert_eq!(
        refreshes(&provider).last().unwrap().path,
        "/fabrikam.com/oauth2/v2.0/token"
    );
    let credential = AzcredCredential::new(process(&machine))
        .unwrap()
        .with_tenant(TenantId::new("other.com").unwrap());
    ask(&credential, &storage()).await.unwrap();
    assert_eq!(
        refreshes(&provider).last().unwrap().path,
        "/other.com/oauth2/v2.0/token"
    );
}

fn application() -> (TenantId, ClientId) {
    (
        TenantId::new(TENANT).unwrap(),
        ClientId::new("c11e").unwrap(),
    )
}

#[tokio::test]
async fn an_application_signs_in_with_the_keyrings_secret_or_its_file() {
    let provider = Provider::start(|_| {}).await;
    let machine = provider
        .machine()
        .with_keyring(None)
        .with_file("/run/token", "eyJh.eyJi.c2ln");
    let accounts = Accounts::new(&process(&machine)).unwrap();
    let (tenant, client_id) = application();
    accounts
        .add_client_secret(tenant, client_id, SecretString::from("canary-secret"))
        .await
        .unwrap();
    assert_eq!(
        token(&machine, &arm()).await.unwrap(),
        "token-of-an-application"
    );
    let asked = provider.asked();
    assert_eq!(asked[0].get("client_secret"), "canary-secret");
    assert_eq!(asked[0].get("client_id"), "c11e");
    let (tenant, client_id) = application();
    let account = accounts
        .add_federated_token_file(tenant, client_id, "/run/token")
        .await
        .unwrap();
    assert_eq!(account.kind, AccountKind::FederatedToken);
    token(&machine, &storage()).await.unwrap();
    let asked = provider.asked();
    assert_eq!(asked[1].get("client_assertion"), "eyJh.eyJi.c2ln");
    // A keyring that is locked later is reported.
    let (tenant, client_id) = application();
    accounts
        .add_client_secret(tenant, client_id, SecretString::from("canary-secret"))
        .await
        .unwrap();
    let running = AzcredCredential::new(process(&machine)).unwrap();
    ask(&running, &arm()).await.unwrap();
    assert!(ask(&running, &TokenRequest::new(Scope::ML)).await.is_ok());
}

#[tokio::test]
async fn a_sign_in_under_the_keyrings_key_is_reported_in_a_session_without_the_keyring() {
    let provider = Provider::start(|_| {}).await;
    let machine = provider.machine().with_keyring(None);
    login(&machine).await;
    let absent = NoKeyring::Absent("no session bus".into());
    let over_ssh = machine.clone().with_keyring(Some(absent));
    let error = token(&over_ssh, &storage()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
    assert!(error.to_string().contains("keyring"), "{error}");
    assert!(error.fix().is_some(), "{error}");
    // A list does not say that no account is signed in either.
    let accounts = Accounts::new(&ClientOptions::new(over_ssh.shared())).unwrap();
    let listed = [accounts.list().await, accounts.list_all().await];
    let current = accounts.current().await.unwrap_err();
    for error in listed.map(Result::unwrap_err).into_iter().chain([current]) {
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
    }
    let locked = machine.clone().with_keyring(Some(NoKeyring::Locked));
    let error = token(&locked, &storage()).await.unwrap_err();
    assert!(error.to_string().contains("locked"), "{error}");
    assert!(refreshes(&provider).is_empty());
}

/// A folder that other users may read.
fn open_to_others() -> FileFacts {
    FileFacts {
        kind: FileKind::Folder,
        len: 0,
        owner: Some(1000),
        writers: Writers::Owner,
        is_readable_by_others: true,
        modified: None,
    }
}

#[tokio::test]
async fn a_folder_that_others_may_read_is_refused_with_what_fixes_it() {
    let provider = Provider::start(|_| {}).await;
    let machine = provider.machine();
    login(&machine).await;
    let machine = machine.with_facts(format!("{DATA}/sign-ins"), open_to_others(), "");
    let credential = AzcredCredential::new(process(&machine)).unwrap();
    let Availability::Unavailable(error) = credential.prepare() else {
        panic!("it was used");
    };
    assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
    assert!(
        error.fix().unwrap().to_string().contains("chmod 700"),
        "{error}"
    );
    let error = ask(&credential, &storage()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
}

#[tokio::test]
async fn no_secret_is_on_disk_as_it_is() {
    let provider = Provider::start(|_| {}).await;
    let machine = provider.machine();
    let account = login(&machine).await;
    token(&machine, &storage()).await.unwrap();
    let files = files(&machine);
    assert!(files.len() > 3, "{files:?}");
    for file in files {
        let content = machine.read(&file, 1 << 20).unwrap();
        let has = |needle: &str| {
            content
                .windows(needle.len())
                .any(|part| part == needle.as_bytes())
        };
        for needle in ["canary", "token-", "contoso", "ada-oid"] {
            assert!(!has(needle), "{} holds {needle}", file.display());
        }
    }
    let json = serde_json::to_string(&account).unwrap();
    assert!(!json.contains("canary"), "{json}");
}

#[tokio::test]
async fn on_a_full_disk_tokens_are_returned_and_a_sign_in_reports_that_it_is_not_stored() {
    let provider = Provider::start(|_| {}).await;
    let full = Arc::new(Full(provider.machine()));
    let options = || {
        ClientOptions::new(full.clone())
            .with_prompt(Arc::new(Watcher::default()))
            .with_disk_cache()
    };
    let credential = DeviceCodeCredential::new(options()).unwrap();
    ask(&credential, &arm()).await.unwrap();
    // The token is cached as long as the process lives.
    ask(&credential, &storage()).await.unwrap();
    assert_eq!(provider.codes(), 1);
    let error = DeviceCodeCredential::new(options())
        .unwrap()
        .sign_in(&arm())
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
    assert!(error.why().contains("full"), "{error}");
    assert_eq!(provider.codes(), 1, "nobody is asked in vain");
}

#[tokio::test]
async fn the_person_is_not_asked_if_the_sign_in_can_not_be_stored() {
    let provider = Provider::start(|_| {}).await;
    let open = FileFacts {
        kind: FileKind::Folder,
        len: 0,
        owner: Some(1000),
        writers: Writers::Owner,
        is_readable_by_others: true,
        modified: None,
    };
    let keyring = provider.machine().with_keyring(None);
    login(&keyring).await;
    let asked = provider.asked().len();
    let hangs = NoKeyring::Failed("it did not answer within 2 s".into());
    for (machine, fix) in [
        (provider.machine().with_facts(DATA, open, ""), "chmod 700"),
        (
            provider.machine().with_keyring(Some(NoKeyring::Locked)),
            "unlock it",
        ),
        (keyring.with_keyring(Some(hangs)), "check the keyring"),
    ] {
        let credential = DeviceCodeCredential::new(process(&machine)).unwrap();
        let error = credential.sign_in(&arm()).await.unwrap_err();
        assert!(error.fix().unwrap().to_string().contains(fix), "{error}");
    }
    assert_eq!(provider.asked().len(), asked);
}

/// A machine with a full disk.
#[derive(Debug)]
struct Full(Fixture);

impl azcred::system::Sealed for Full {}

impl System for Full {
    fn write(&self, _: &Path, _: &[u8]) -> io::Result<()> {
        Err(io::ErrorKind::StorageFull.into())
    }
    fn var(&self, name: &str) -> Option<String> {
        self.0.var(name)
    }
    fn read(&self, path: &Path, limit: u64) -> io::Result<Vec<u8>> {
        self.0.read(path, limit)
    }
    fn open(&self, path: &Path) -> io::Result<OpenFile> {
        self.0.open(path)
    }
    fn look(&self, path: &Path) -> io::Result<FileFacts> {
        self.0.look(path)
    }
    fn list(&self, folder: &Path) -> io::Result<Vec<OsString>> {
        self.0.list(folder)
    }
    fn try_lock(&self, path: &Path) -> io::Result<Option<FileLock>> {
        self.0.try_lock(path)
    }
    fn find_program(&self, name: &str) -> Option<PathBuf> {
        self.0.find_program(name)
    }
    fn run(&self, command: Command) -> BoxFuture<'static, Result<Finished, Unfinished>> {
        self.0.run(command)
    }
    fn hypervisor(&self) -> Hypervisor {
        self.0.hypervisor()
    }
    fn user(&self) -> Option<u32> {
        self.0.user()
    }
    fn os(&self) -> &'static str {
        self.0.os()
    }
    fn boot(&self) -> Option<String> {
        self.0.boot()
    }
    fn now(&self) -> SystemTime {
        self.0.now()
    }
}

/// Waiting for a lock ends with the caller's deadline.
#[tokio::test]
async fn a_process_that_hangs_with_the_lock_blocks_others_until_their_deadline() {
    let provider = Provider::start(|_| {}).await;
    let machine = provider.machine();
    login(&machine).await;
    let locks = Path::new(DATA).join("sign-ins/v1/file");
    let held: Vec<FileLock> = machine
        .list(&locks)
        .unwrap()
        .iter()
        .filter(|name| name.to_string_lossy().len() == 64)
        .map(|name| locks.join(format!("{}.lock", name.to_string_lossy())))
        .map(|path| machine.try_lock(&path).unwrap().unwrap())
        .collect();
    assert!(held.len() >= 2);
    let options = process(&machine).with_deadline(Duration::from_millis(300));
    let credential = AzcredCredential::new(options).unwrap();
    let error = ask(&credential, &storage()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unreachable, "{error}");
    assert!(error.what().contains("another process"), "{error}");
    drop(held);
    token(&machine, &storage()).await.unwrap();
}
