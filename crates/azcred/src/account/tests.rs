//! Accounts on machines that are values: which names find one, what is kept of older sign-ins,
//! where secrets are stored.

use super::*;
use crate::{
    ClientId, ManagedIdentityId, Profile, SecretString, TenantId,
    entra::{IdClaims, PersonTokens, SignedIn},
    system::{Fixture, NoKeyring, System as _},
    token::AccessToken,
};
use record::KeptSecret;
use secrecy::ExposeSecret;
use std::time::SystemTime;

fn machine() -> Fixture {
    Fixture::new().with_var("HOME", "/home/ada")
}

fn options(machine: &Fixture) -> ClientOptions {
    ClientOptions::new(machine.clone().shared())
}

fn accounts(machine: &Fixture) -> Accounts {
    Accounts::new(&options(machine)).unwrap()
}

fn claims(username: &str) -> IdClaims {
    IdClaims {
        subject: format!("sub-{username}"),
        object_id: Some(format!("{username}-oid")),
        tenant: Some("home-tenant".into()),
        username: Some(format!("{username}@contoso.com")),
        name: None,
    }
}

fn signed_in(claims: IdClaims, refresh: &str) -> SignedIn {
    let tokens = PersonTokens {
        access: AccessToken::new("a", SystemTime::now(), Duration::from_secs(60), None),
        refresh: Some(refresh.to_owned().into()),
        id_token: None,
        home_account_id: None,
        family: None,
    };
    SignedIn { tokens, claims }
}

fn person(machine: &Fixture, username: &str, client_id: &str, refresh: &str) -> Record {
    of_person(
        options(machine).profile(),
        options(machine).cloud().unwrap().authority(),
        &TenantId::new("organizations").unwrap(),
        client_id,
        &signed_in(claims(username), refresh),
        machine.now(),
    )
}

async fn sign_in(machine: &Fixture, username: &str) -> Account {
    let record = person(machine, username, "client-a", "refresh");
    let record = keep(&accounts(machine).store, record, Current::Always).await;
    Account::of(&record.unwrap(), true)
}

fn application() -> (TenantId, ClientId) {
    (
        TenantId::new("contoso.com").unwrap(),
        ClientId::new("c11e").unwrap(),
    )
}

#[tokio::test]
async fn the_last_sign_in_is_the_current_account_and_others_stay() {
    let machine = machine();
    assert_eq!(accounts(&machine).current().await.unwrap(), None);
    let ada = sign_in(&machine, "ada").await;
    machine.advance(Duration::from_secs(1));
    let ben = sign_in(&machine, "ben").await;
    // Another process.
    let accounts = accounts(&machine);
    assert_eq!(accounts.current().await.unwrap(), Some(ben.clone()));
    let listed = accounts.list().await.unwrap();
    let listed: Vec<_> = listed
        .iter()
        .map(|account| (account.who(), account.is_current))
        .collect();
    assert_eq!(
        listed,
        [
            ("ada@contoso.com".to_owned(), false),
            ("ben@contoso.com".to_owned(), true)
        ]
    );
    assert!(accounts.use_account(&ada.id).await.unwrap().is_current);
    assert_eq!(accounts.current().await.unwrap().unwrap().id, ada.id);
}

#[tokio::test]
async fn profiles_and_authorities_have_accounts_of_their_own() {
    let machine = machine();
    sign_in(&machine, "ada").await;
    let work = options(&machine).with_profile(Profile::new("work").unwrap());
    let work = Accounts::new(&work).unwrap();
    assert_eq!(work.current().await.unwrap(), None);
    assert_eq!(work.list().await.unwrap(), []);
    assert_eq!(work.list_all().await.unwrap().len(), 1);
    let elsewhere = machine
        .clone()
        .with_var("AZURE_AUTHORITY_HOST", "https://localhost:8443");
    let elsewhere = accounts(&elsewhere);
    assert_eq!(elsewhere.current().await.unwrap(), None);
    assert_eq!(elsewhere.list().await.unwrap(), []);
    assert_eq!(elsewhere.list_all().await.unwrap().len(), 1);
    // If the account is elsewhere, the error says where.
    let error = work.find("ada@contoso.com").await.unwrap_err();
    assert_eq!(
        error.fix().unwrap().to_string(),
        "try again with the profile 'default'"
    );
    let error = elsewhere.find("ada-oid").await.unwrap_err();
    assert_eq!(
        error.fix().unwrap().to_string(),
        "try again with AZURE_AUTHORITY_HOST=https://login.microsoftonline.com"
    );
    assert!(error.why().contains("login.microsoftonline.com"), "{error}");
}

#[tokio::test]
async fn a_guest_is_known_by_the_id_there_and_by_the_one_at_home() {
    let machine = machine();
    let mut guest = signed_in(claims("ada"), "refresh");
    guest.tokens.home_account_id = Some("at-home.contoso".into());
    let record = of_person(
        options(&machine).profile(),
        options(&machine).cloud().unwrap().authority(),
        &TenantId::new("organizations").unwrap(),
        "client-a",
        &guest,
        machine.now(),
    );
    let accounts = accounts(&machine);
    let record = keep(&accounts.store, record, Current::Always)
        .await
        .unwrap();
    let account = Account::of(&record, true);
    assert_eq!(account.tenant.as_deref(), Some("home-tenant"));
    assert_eq!(account.object_id.as_deref(), Some("ada-oid"));
    for id in ["ada-oid", "at-home", "at-home.contoso"] {
        assert_eq!(accounts.find(id).await.unwrap().id, account.id, "{id}");
    }
}

#[tokio::test]
async fn an_account_is_found_by_a_unique_prefix_of_its_names() {
    let machine = machine().with_keyring(None);
    let ada = sign_in(&machine, "ada").await;
    sign_in(&machine, "adam").await;
    let (tenant, client_id) = application();
    let app = accounts(&machine)
        .add_client_secret(tenant, client_id, SecretString::from("s"))
        .await
        .unwrap();
    let accounts = accounts(&machine);
    for text in ["ada@", " ADA@CONTOSO.COM ", "ada-oid", ada.id.as_str()] {
        assert_eq!(accounts.find(text).await.unwrap().id, ada.id, "{text}");
    }
    assert_eq!(accounts.find("C11").await.unwrap().id, app.id);
    let error = accounts.find("ada").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    for named in ["ada@contoso.com", "adam@contoso.com", ada.id.as_str()] {
        assert!(error.why().contains(named), "{error}");
    }
    for nobody in ["", "zoe", "client-a"] {
        let error = accounts.find(nobody).await.unwrap_err();
        assert!(
            error.why().contains("no account has this"),
            "{nobody}: {error}"
        );
        assert!(
            error
                .fix()
                .unwrap()
                .to_string()
                .contains("give one of the accounts"),
            "{error}"
        );
    }
}

#[tokio::test]
async fn the_only_account_left_becomes_current_and_is_reported() {
    let machine = machine();
    let ada = sign_in(&machine, "ada").await;
    machine.advance(Duration::from_secs(1));
    let ben = sign_in(&machine, "ben").await;
    machine.advance(Duration::from_secs(1));
    let eve = sign_in(&machine, "eve").await;
    let accounts = accounts(&machine);
    let removed = accounts.remove(&eve.id).await.unwrap();
    assert_eq!((removed.account.id, removed.now_current), (eve.id, None));
    assert_eq!(accounts.current().await.unwrap(), None);
    accounts.use_account(&ben.id).await.unwrap();
    let removed = accounts.remove(&ben.id).await.unwrap();
    assert_eq!(removed.now_current.unwrap().id, ada.id);
    assert_eq!(accounts.current().await.unwrap().unwrap().id, ada.id);
    let error = accounts.remove(&ben.id).await.unwrap_err();
    assert!(error.why().contains("no account has this"), "{error}");
    accounts.remove(&ada.id).await.unwrap();
    assert_eq!(accounts.list_all().await.unwrap(), []);
}

#[tokio::test]
async fn a_second_sign_in_keeps_the_refresh_tokens_of_other_applications() {
    let machine = machine();
    let store = accounts(&machine).store;
    let first = person(&machine, "ada", "client-a", "refresh-a");
    let mut old = keep(&store, first, Current::Always).await.unwrap();
    old.person_mut().unwrap().ended = Some(Ended::new(
        "client-a",
        "revoked",
        &crate::Refusal::default(),
    ));
    store.write(&old).unwrap();
    let second = person(&machine, "ada", "CLIENT-B", "refresh-b");
    let new = keep(&store, second, Current::IfNone).await.unwrap();
    assert_eq!(new.id, old.id);
    assert_ne!(new.session, old.session);
    let clients: Vec<_> = new
        .person()
        .unwrap()
        .refresh
        .iter()
        .map(|one| one.client_id.as_str())
        .collect();
    assert_eq!(clients, ["CLIENT-B", "client-a"]);
    assert_eq!(new.person().unwrap().ended, None);
}

#[tokio::test]
async fn a_secret_is_in_the_keyring_and_in_no_file() {
    let machine = machine().with_keyring(None);
    let (tenant, client_id) = application();
    let secret = SecretString::from("canary-Secret-Value");
    let accounts = accounts(&machine);
    let account = accounts
        .add_client_secret(tenant, client_id, secret)
        .await
        .unwrap();
    assert_eq!(account.kind, AccountKind::ClientSecret);
    let record = accounts.store.current().unwrap().unwrap();
    assert!(machine.keyring_has(b"canary-Secret-Value"));
    assert!(matches!(
        &record.proof,
        StoredProof::ClientSecret {
            secret: KeptSecret::Item
        }
    ));
    let json = serde_json::to_string(&account).unwrap();
    assert!(!json.contains("canary"), "{json}");
    accounts.remove(&account.id).await.unwrap();
    assert!(!machine.keyring_has(b"canary-Secret-Value"));
}

fn kept(accounts: &Accounts) -> String {
    let record = accounts.store.current().unwrap().unwrap();
    let secret = secret_of(&accounts.store, &record).unwrap();
    secret.unwrap().unwrap().expose_secret().to_owned()
}

#[tokio::test]
async fn a_secret_is_in_the_accounts_encrypted_file_if_that_is_chosen() {
    for machine in [machine(), machine().with_keyring(None)] {
        let accounts = accounts(&machine).with_secret_store(SecretStore::File);
        let (tenant, client_id) = application();
        accounts.check_stores_secret(&client_id).await.unwrap();
        let secret = SecretString::from("canary-Secret-Value");
        let added = accounts.add_client_secret(tenant, client_id, secret);
        let account = added.await.unwrap();
        assert!(!machine.keyring_has(b"canary-Secret-Value"));
        assert_eq!(kept(&accounts), "canary-Secret-Value");
        let all = format!("{machine:?} {account:?}");
        assert!(!all.contains("canary"), "{all}");
    }
}

#[tokio::test]
async fn the_keyring_is_tried_before_a_person_is_asked_for_a_secret() {
    let (_, client_id) = application();
    let good = machine().with_keyring(None);
    let calls = good.keyring_calls();
    accounts(&good)
        .check_stores_secret(&client_id)
        .await
        .unwrap();
    assert!(good.keyring_calls() > calls);
    assert!(!good.keyring_has(b"test"));
    let absent = NoKeyring::Absent("no session bus".into());
    for bad in [machine(), machine().with_keyring(Some(absent))] {
        let error = accounts(&bad)
            .check_stores_secret(&client_id)
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable);
        let fix = error.fix().unwrap().to_string();
        assert!(fix.contains("encrypted file"), "{fix}");
    }
}

#[tokio::test]
async fn a_secret_of_an_older_version_is_used_and_stays_when_its_account_is_signed_out() {
    let machine = machine().with_keyring(None);
    let accounts = accounts(&machine);
    let (tenant, client_id) = application();
    let secret = SecretString::from("new");
    let added = accounts.add_client_secret(tenant.clone(), client_id.clone(), secret);
    let account = added.await.unwrap();
    let mut record = accounts.store.current().unwrap().unwrap();
    record.proof = StoredProof::ClientSecret {
        secret: KeptSecret::OldItem,
    };
    accounts.store.write(&record).unwrap();
    let name = format!("azcred-default-{}", account.id);
    let keyring = machine.keyring().unwrap();
    keyring.set(&name, b"old").unwrap();
    assert_eq!(kept(&accounts), "old");
    let removed = accounts.remove(&account.id).await.unwrap();
    assert_eq!(removed.old_keyring_item.as_deref(), Some(&*name));
    assert!(machine.keyring_has(b"old"));
    // A new sign-in has a new item.
    let added = accounts.add_client_secret(tenant, client_id, SecretString::from("newer"));
    added.await.unwrap();
    assert_eq!(kept(&accounts), "newer");
    assert!(machine.keyring_has(b"old"));
}

#[tokio::test]
async fn without_a_keyring_a_secret_is_not_stored_and_other_ways_are_named() {
    let never = machine()
        .with_keyring(None)
        .with_var("AZCRED_KEYRING", "never");
    let absent = NoKeyring::Absent("no session bus".into());
    for machine in [machine(), machine().with_keyring(Some(absent)), never] {
        let (tenant, client_id) = application();
        let secret = SecretString::from("canary-Secret-Value");
        let accounts = accounts(&machine);
        let error = accounts
            .add_client_secret(tenant, client_id, secret)
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable);
        for way in ["AZURE_CLIENT_SECRET", "a certificate", "a federated token"] {
            assert!(error.fix().unwrap().to_string().contains(way), "{error}");
        }
        assert!(!format!("{error} {error:?}").contains("canary"), "{error}");
        assert_eq!(accounts.list_all().await.unwrap(), []);
    }
}

#[tokio::test]
async fn a_locked_keyring_has_unlocking_as_its_fix() {
    let machine = machine().with_keyring(Some(NoKeyring::Locked));
    let (tenant, client_id) = application();
    let error = accounts(&machine)
        .add_client_secret(tenant, client_id, SecretString::from("s"))
        .await
        .unwrap_err();
    assert!(error.why().contains("locked"), "{error}");
    assert!(
        error.fix().unwrap().to_string().contains("unlock"),
        "{error}"
    );
}

#[tokio::test]
async fn files_are_stored_by_absolute_path_only() {
    let accounts = accounts(&machine());
    let (tenant, client_id) = application();
    let error = accounts
        .add_certificate(tenant.clone(), client_id.clone(), "app.pem", None)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    let account = accounts
        .add_certificate(tenant.clone(), client_id.clone(), "/etc/app.pem", None)
        .await
        .unwrap();
    assert_eq!(account.path.as_deref(), Some("/etc/app.pem"));
    // The same application with another kind of secret is the same account.
    let again = accounts
        .add_federated_token_file(tenant, client_id, "/run/token")
        .await
        .unwrap();
    assert_eq!(again.id, account.id);
    assert_eq!(accounts.list().await.unwrap().len(), 1);
    assert_eq!(again.kind, AccountKind::FederatedToken);
}

#[tokio::test]
async fn each_managed_identity_is_an_account_of_its_own() {
    let accounts = accounts(&machine());
    let own = accounts.add_managed_identity(None).await.unwrap();
    let client_id = ClientId::new("c11e").unwrap();
    let named = ManagedIdentityId::client(client_id);
    let other = accounts.add_managed_identity(Some(named)).await.unwrap();
    assert_ne!(own.id, other.id);
    assert_eq!(other.client_id.as_deref(), Some("c11e"));
    assert_eq!(other.who(), "the managed identity c11e");
    assert_eq!(own.tenant, None);
    assert_eq!(accounts.find("This machine").await.unwrap().id, own.id);
    assert!(
        accounts
            .add_managed_identity(None)
            .await
            .unwrap()
            .is_current
    );
    assert_eq!(accounts.list().await.unwrap().len(), 2);
}

#[tokio::test]
async fn without_a_home_folder_no_account_is_stored_and_the_error_says_so() {
    let error = accounts(&Fixture::new())
        .add_managed_identity(None)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
    assert!(error.fix().is_some(), "{error}");
}

#[test]
fn an_account_without_a_home_tenant_is_identified_by_the_providers_id() {
    let machine = machine();
    let subject = |client_id: &str, subject: &str| {
        let claims = IdClaims {
            subject: subject.into(),
            ..IdClaims::default()
        };
        of_person(
            options(&machine).profile(),
            options(&machine).cloud().unwrap().authority(),
            &TenantId::new("organizations").unwrap(),
            client_id,
            &signed_in(claims, "r"),
            machine.now(),
        )
        .id
    };
    assert_eq!(subject("c", "s"), subject("c", "s"));
    assert_ne!(subject("c", "s"), subject("c", "t"));
    assert_ne!(subject("c", "s"), subject("c", "S"));
    assert_eq!(subject("c", "s"), subject("C", "s"));
    assert_ne!(subject("c", "s"), subject("d", "s"));
}

#[tokio::test]
async fn a_sign_in_in_another_data_folder_leaves_the_secrets_of_this_one_alone() {
    let real = machine().with_keyring(None);
    let emulated = real.clone().with_var("AZCRED_HOME", "/tmp/emulator");
    for (machine, secret) in [(&real, "real"), (&emulated, "emulated")] {
        let (tenant, client_id) = application();
        let secret = SecretString::from(secret);
        let accounts = accounts(machine);
        let added = accounts.add_client_secret(tenant, client_id, secret);
        added.await.unwrap();
    }
    assert!(real.keyring_has(b"real"));
    let account = accounts(&emulated).current().await.unwrap().unwrap();
    accounts(&emulated).remove(&account.id).await.unwrap();
    assert!(real.keyring_has(b"real"));
    assert!(!real.keyring_has(b"emulated"));
    let account = accounts(&real).current().await.unwrap().unwrap();
    accounts(&real).remove(&account.id).await.unwrap();
    assert!(!real.keyring_has(b"real"));
}

#[tokio::test]
async fn the_only_account_that_is_left_is_current_whichever_was_signed_out_last() {
    let machine = machine();
    let accounts = accounts(&machine);
    for name in ["ada", "bob", "eve"] {
        sign_in(&machine, name).await;
    }
    for (gone, current) in [("eve", None), ("ada", Some("bob@contoso.com"))] {
        let account = accounts.find(gone).await.unwrap();
        let removed = accounts.remove(&account.id).await.unwrap();
        let now = accounts.current().await.unwrap();
        assert_eq!(now.and_then(|now| now.username).as_deref(), current);
        let now = removed.now_current.and_then(|now| now.username);
        assert_eq!(now.as_deref(), current);
    }
}

#[tokio::test]
async fn all_accounts_are_signed_out_at_every_authority_and_of_every_session() {
    let desktop = machine().with_keyring(None);
    let absent = NoKeyring::Absent("no session bus".into());
    let ssh = desktop.clone().with_keyring(Some(absent));
    let elsewhere = |machine: &Fixture| {
        let machine = machine.clone();
        accounts(&machine.with_var("AZURE_AUTHORITY_HOST", "https://login.microsoftonline.us"))
    };
    let add = async |accounts: Accounts| accounts.add_managed_identity(None).await.unwrap();
    add(accounts(&desktop)).await;
    add(elsewhere(&desktop)).await;
    let work = options(&desktop).with_profile(Profile::new("work").unwrap());
    add(Accounts::new(&work).unwrap()).await;
    add(accounts(&ssh)).await;
    // This session can't sign out what is under the keyring's key, and says so.
    let all = accounts(&ssh).remove_all(None).await;
    assert_eq!((all.removed.len(), all.left.len()), (1, 1));
    assert!(all.left[0].1.why().contains("no session bus"), "{all:?}");
    add(accounts(&ssh)).await;
    let one = Profile::new("work").unwrap();
    let all = accounts(&desktop).remove_all(Some(&one)).await;
    assert_eq!((all.removed.len(), all.left.len()), (1, 0), "{all:?}");
    let all = accounts(&desktop).remove_all(None).await;
    assert_eq!((all.removed.len(), all.left.len()), (3, 0), "{all:?}");
    assert_eq!(accounts(&desktop).list_all().await.unwrap(), []);
    let ssh = accounts(&ssh);
    assert_eq!(ssh.store.all().unwrap().len(), 0);
}
