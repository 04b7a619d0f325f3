//! Tests of where the key is stored.

use super::*;
use crate::system::NoKeyring;

#[test]
fn a_damaged_key_file_makes_everything_a_miss_and_is_replaced() {
    for bad in [
        "",
        "azcred-key-1 ",
        "azcred-key-1 AAAA\n",
        "hello",
        &"x".repeat(1000),
    ] {
        let fixture = home();
        vault(&fixture)
            .write(Shelf::SignIns, PARTS, b"one")
            .unwrap();
        fixture.write(Path::new(KEY), bad.as_bytes()).unwrap();
        assert_eq!(read(&vault(&fixture), Shelf::SignIns, PARTS), None, "{bad}");
        vault(&fixture)
            .write(Shelf::SignIns, PARTS, b"new")
            .unwrap();
        assert_eq!(
            read(&vault(&fixture), Shelf::SignIns, PARTS).unwrap(),
            b"new"
        );
    }
}

#[test]
fn the_key_is_in_the_keyring_where_there_is_one_and_stays_there() {
    let fixture = home().with_keyring(None);
    vault(&fixture)
        .write(Shelf::SignIns, PARTS, b"one")
        .unwrap();
    assert!(fixture.look(Path::new(KEY)).is_err());
    assert_eq!(
        vault(&fixture).place().unwrap().key,
        KeyPlace::Keyring("the made keyring")
    );
    let kept = fixture.keyring().unwrap().get("azcred").unwrap().unwrap();
    assert_eq!(kept.len(), 44, "32 bytes in base64");
    assert_eq!(
        read(&vault(&fixture), Shelf::SignIns, PARTS).unwrap(),
        b"one"
    );
    assert!(vault(&fixture).out_of_reach().is_none());
    fixture.keyring().unwrap().remove("azcred").unwrap();
    assert_eq!(read(&vault(&fixture), Shelf::SignIns, PARTS), None);
    vault(&fixture)
        .write(Shelf::SignIns, PARTS, b"new")
        .unwrap();
    assert_eq!(
        read(&vault(&fixture), Shelf::SignIns, PARTS).unwrap(),
        b"new"
    );
    assert!(fixture.look(Path::new(KEY)).is_err());
}

#[test]
fn a_session_that_does_not_reach_the_keyring_has_entries_of_its_own_and_says_where_the_others_are()
{
    let desktop = home().with_keyring(None);
    vault(&desktop)
        .write(Shelf::SignIns, PARTS, b"desktop")
        .unwrap();
    let away = NoKeyring::Absent("there is no D-Bus".to_owned());
    let ssh = desktop.clone().with_keyring(Some(away));
    assert_eq!(read(&vault(&ssh), Shelf::SignIns, PARTS), None);
    let error = vault(&ssh).out_of_reach().unwrap();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(error.why().contains("there is no D-Bus"), "{error}");
    assert!(
        error
            .fix()
            .unwrap()
            .to_string()
            .contains("sign in to azcred"),
        "{error}"
    );
    vault(&ssh).write(Shelf::SignIns, PARTS, b"ssh").unwrap();
    assert_eq!(vault(&ssh).place().unwrap().key, KeyPlace::File(KEY.into()));
    assert_eq!(read(&vault(&ssh), Shelf::SignIns, PARTS).unwrap(), b"ssh");
    assert_eq!(
        read(&vault(&desktop), Shelf::SignIns, PARTS).unwrap(),
        b"desktop"
    );
    assert_eq!(vault(&desktop).clear(Shelf::SignIns).unwrap(), 2);
}

#[test]
fn a_vault_with_a_key_file_never_calls_a_keyring() {
    let headless = home();
    vault(&headless)
        .write(Shelf::SignIns, PARTS, b"one")
        .unwrap();
    assert!(vault(&headless).out_of_reach().is_none());
    let desktop = headless.with_keyring(Some(NoKeyring::Locked));
    assert_eq!(
        read(&vault(&desktop), Shelf::SignIns, PARTS).unwrap(),
        b"one"
    );
}

#[test]
fn a_locked_keyring_is_an_error_that_says_what_to_do_and_the_file_is_a_choice() {
    let fixture = home().with_keyring(Some(NoKeyring::Locked));
    let error = vault(&fixture)
        .write(Shelf::SignIns, PARTS, b"one")
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert!(
        error.fix().unwrap().to_string().contains("unlock it")
            && error
                .fix()
                .unwrap()
                .to_string()
                .contains("AZCRED_KEYRING=never"),
        "{error}"
    );
    assert!(fixture.look(Path::new(KEY)).is_err());
    let chosen = fixture.with_var("AZCRED_KEYRING", "never");
    vault(&chosen).write(Shelf::SignIns, PARTS, b"one").unwrap();
    assert_eq!(
        read(&vault(&chosen), Shelf::SignIns, PARTS).unwrap(),
        b"one"
    );
    assert_eq!(
        vault(&chosen).place().unwrap().key,
        KeyPlace::File(KEY.into())
    );
}

#[test]
fn a_keyring_that_is_locked_or_fails_after_a_sign_in_is_an_error() {
    let fixture = home().with_keyring(None);
    vault(&fixture)
        .write(Shelf::SignIns, PARTS, b"one")
        .unwrap();
    for (trouble, kind) in [
        (NoKeyring::Locked, ErrorKind::Invalid),
        (
            NoKeyring::Failed("it gave no answer within 2 s".into()),
            ErrorKind::Unreachable,
        ),
    ] {
        let fixture = fixture.clone().with_keyring(Some(trouble));
        let error = vault(&fixture).read(Shelf::SignIns, PARTS).unwrap_err();
        assert_eq!(error.kind(), kind);
        assert!(
            error
                .fix()
                .unwrap()
                .to_string()
                .contains("AZCRED_KEYRING=never"),
            "{error}"
        );
        let error = vault(&fixture)
            .write(Shelf::SignIns, PARTS, b"x")
            .unwrap_err();
        assert_eq!(error.kind(), kind);
    }
    let never = fixture.with_var("AZCRED_KEYRING", "never");
    assert_eq!(read(&vault(&never), Shelf::SignIns, PARTS), None);
    let error = vault(&never).out_of_reach().unwrap();
    assert!(
        error
            .fix()
            .unwrap()
            .to_string()
            .contains("unset AZCRED_KEYRING"),
        "{error}"
    );
}

#[test]
fn a_keyring_that_fails_at_first_means_a_key_file() {
    for trouble in [
        NoKeyring::Absent("nobody answers".into()),
        NoKeyring::Failed("it gave no answer within 2 s".into()),
    ] {
        let fixture = home().with_keyring(Some(trouble));
        vault(&fixture)
            .write(Shelf::SignIns, PARTS, b"one")
            .unwrap();
        assert_eq!(
            vault(&fixture).place().unwrap().key,
            KeyPlace::File(KEY.into())
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_keyring_that_failed_is_not_called_for_a_while() {
    let fixture = home().with_keyring(None);
    vault(&fixture)
        .write(Shelf::SignIns, PARTS, b"one")
        .unwrap();
    let hangs = NoKeyring::Failed("it gave no answer within 2 s".into());
    let hanging = fixture.with_keyring(Some(hangs));
    let vault = vault(&hanging);
    let before = hanging.keyring_calls();
    let error = vault.read(Shelf::SignIns, PARTS).unwrap_err();
    for again in [
        vault.read(Shelf::SignIns, PARTS).unwrap_err(),
        vault.write(Shelf::SignIns, PARTS, b"x").unwrap_err(),
        vault.entries(Shelf::Tokens).unwrap_err(),
        vault.clone().try_lock(Shelf::Tokens, PARTS).unwrap_err(),
    ] {
        assert_eq!(again.to_string(), error.to_string());
    }
    let place = vault.place().unwrap();
    assert_eq!(place.key, KeyPlace::Keyring("the made keyring"));
    assert!(vault.out_of_reach().is_none());
    assert_eq!(hanging.keyring_calls() - before, 1);
    tokio::time::advance(Duration::from_secs(31)).await;
    vault.read(Shelf::SignIns, PARTS).unwrap_err();
    assert_eq!(hanging.keyring_calls() - before, 2);
}

#[test]
fn the_first_write_calls_the_keyring_once_and_uses_the_key_there() {
    let fixture = home().with_keyring(None);
    vault(&fixture)
        .write(Shelf::SignIns, PARTS, b"one")
        .unwrap();
    assert_eq!(fixture.keyring_calls(), 1, "each question may take seconds");
    let key = fixture.keyring().unwrap().get("azcred").unwrap();
    let other_home = fixture.with_var("HOME", "/home/other");
    vault(&other_home)
        .write(Shelf::SignIns, PARTS, b"two")
        .unwrap();
    let keyring = other_home.keyring().unwrap();
    assert_eq!(keyring.get("azcred").unwrap(), key);
    // A secret that is not a key is replaced.
    keyring.set("azcred", b"hello").unwrap();
    let third_home = other_home.with_var("HOME", "/home/third");
    vault(&third_home)
        .write(Shelf::SignIns, PARTS, b"three")
        .unwrap();
    assert_eq!(
        read(&vault(&third_home), Shelf::SignIns, PARTS).unwrap(),
        b"three"
    );
}

#[test]
fn an_unknown_value_of_azcred_keyring_is_an_error() {
    let fixture = home().with_var("AZCRED_KEYRING", "nevre");
    let error = vault(&fixture).read(Shelf::SignIns, PARTS).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert!(error.what().contains("AZCRED_KEYRING"), "{error}");
}
