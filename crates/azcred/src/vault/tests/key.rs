//! Tests of where the key is stored.

use super::*;
use crate::{
    system::NoKeyring,
    vault::{
        folder_id::folder_id,
        register::Stored,
        seal::{self, Keys},
    },
};

const DATA: &str = "/home/ada/.local/share/azcred";

/// The name of the key's item of this data folder.
fn key_item(fixture: &Fixture, data: &str) -> String {
    let id = folder_id(fixture, Path::new(data)).unwrap();
    id.unwrap().key_item()
}

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
    let item = key_item(&fixture, DATA);
    let kept = fixture.keyring().unwrap().get(&item).unwrap().unwrap();
    assert_eq!(kept.len(), 44 + 1 + 32, "32 bytes in base64, a value of 24");
    assert_eq!(
        read(&vault(&fixture), Shelf::SignIns, PARTS).unwrap(),
        b"one"
    );
    assert!(vault(&fixture).out_of_reach().is_none());
    fixture.keyring().unwrap().remove(&item).unwrap();
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
fn the_first_token_calls_the_keyring_once_and_each_data_folder_has_a_key_of_its_own() {
    let fixture = home().with_keyring(None);
    vault(&fixture).write(Shelf::Tokens, PARTS, b"one").unwrap();
    assert_eq!(fixture.keyring_calls(), 1, "each call may take seconds");
    let key = |name: &str| fixture.keyring().unwrap().get(name).unwrap().unwrap();
    let item = key_item(&fixture, DATA);
    let before = key(&item);
    let other_home = fixture.clone().with_var("HOME", "/home/other");
    vault(&other_home)
        .write(Shelf::SignIns, PARTS, b"two")
        .unwrap();
    let other = key_item(&other_home, "/home/other/.local/share/azcred");
    assert_ne!(item, other);
    assert_eq!(key(&item), before);
    // A secret that is not a key is replaced.
    fixture.keyring().unwrap().set(&item, b"hello").unwrap();
    vault(&fixture)
        .write(Shelf::SignIns, PARTS, b"three")
        .unwrap();
    assert_eq!(
        read(&vault(&fixture), Shelf::SignIns, PARTS).unwrap(),
        b"three"
    );
}

/// The files of a data folder, at another path.
fn copied(fixture: &Fixture, to: &str) {
    for folder in ["", "/sign-ins/v1/keyring", "/sign-ins/v1/file"] {
        for path in files(fixture, &format!("{DATA}{folder}")) {
            let content = fixture.read(&path, 1 << 20).unwrap();
            let name = path.file_name().unwrap();
            let new = PathBuf::from(format!("{to}{folder}")).join(name);
            fixture.write(&new, &content).unwrap();
        }
    }
}

#[test]
fn a_data_folder_that_is_moved_or_copied_finds_its_key_and_one_that_is_made_again_has_another() {
    let fixture = home().with_keyring(None);
    vault(&fixture)
        .write(Shelf::SignIns, PARTS, b"one")
        .unwrap();
    let item = key_item(&fixture, DATA);
    copied(&fixture, "/mnt/azcred");
    let copy = fixture.clone().with_var("XDG_DATA_HOME", "/mnt");
    assert_eq!(read(&vault(&copy), Shelf::SignIns, PARTS).unwrap(), b"one");
    // The copy is signed out with the original.
    assert!(vault(&fixture).remove(Shelf::SignIns, PARTS).unwrap());
    assert_eq!(read(&vault(&copy), Shelf::SignIns, PARTS), None);
    for path in files(&fixture, DATA) {
        fixture.remove(&path).unwrap();
    }
    vault(&fixture)
        .write(Shelf::SignIns, PARTS, b"new")
        .unwrap();
    assert_ne!(key_item(&fixture, DATA), item);
    assert_eq!(
        read(&vault(&fixture), Shelf::SignIns, PARTS).unwrap(),
        b"new"
    );
}

#[test]
fn machines_that_share_a_data_folder_have_keys_of_their_own() {
    let one = home().with_keyring(None);
    vault(&one).write(Shelf::SignIns, PARTS, b"one").unwrap();
    let other = one.clone().with_other_keyring();
    assert_eq!(read(&vault(&other), Shelf::SignIns, PARTS), None);
    vault(&other)
        .write(Shelf::SignIns, PARTS, b"other")
        .unwrap();
    for (machine, content) in [(&one, b"one".as_slice()), (&other, b"other")] {
        let kept = read(&vault(machine), Shelf::SignIns, PARTS);
        assert_eq!(kept.unwrap(), content);
    }
}

/// A data folder as an older version made it, with an entry under the name of `PARTS`.
fn old(fixture: Fixture, in_keyring: bool) -> (Fixture, PathBuf) {
    let stored = Stored {
        master: seal::new_master().unwrap(),
        register: None,
    };
    let keys = Keys::new(&stored.master).unwrap();
    let name = keys.name(Shelf::SignIns, PARTS);
    let sealed = keys.seal(&name, &[], None, b"old").unwrap();
    let text = stored.written();
    let holder = match in_keyring {
        true => {
            let keyring = fixture.keyring().unwrap();
            keyring.set("azcred", text.as_bytes()).unwrap();
            let marker = Path::new(DATA).join("key-1.keyring");
            fixture.write(&marker, b"the made keyring").unwrap();
            "keyring"
        }
        false => {
            let file = format!("azcred-key-1 {}\n", *text);
            fixture.write(Path::new(KEY), file.as_bytes()).unwrap();
            "file"
        }
    };
    let entry = Path::new(DATA).join(format!("sign-ins/v1/{holder}/{name}"));
    fixture.write(&entry, &sealed).unwrap();
    (fixture, entry)
}

#[test]
fn what_an_older_version_stored_is_read_and_can_be_signed_out_of() {
    for in_keyring in [true, false] {
        let (fixture, entry) = old(home().with_keyring(None), in_keyring);
        let is_read = || read(&vault(&fixture), Shelf::SignIns, PARTS);
        assert_eq!(is_read().unwrap(), b"old");
        let kept = || fixture.keyring().unwrap().get("azcred").unwrap();
        let before = kept();
        // Reading changed nothing.
        assert!(folder_id(&fixture, Path::new(DATA)).unwrap().is_none());
        vault(&fixture)
            .write(Shelf::SignIns, &[b"b"], b"new")
            .unwrap();
        assert_eq!(is_read().unwrap(), b"old");
        assert_eq!(kept(), before, "another data folder may use it");
        let copy = fixture.read(&entry, 10_000).unwrap();
        vault(&fixture)
            .write(Shelf::SignIns, PARTS, b"renewed")
            .unwrap();
        assert_eq!(is_read().unwrap(), b"renewed");
        fixture.write(&entry, &copy).unwrap();
        assert_eq!(is_read(), None, "it was replaced");
        vault(&fixture).remove(Shelf::SignIns, PARTS).unwrap();
        fixture.write(&entry, &copy).unwrap();
        assert_eq!(is_read(), None);
        assert_eq!(kept(), before);
    }
}

#[test]
fn signing_out_of_what_an_older_version_stored_is_final_too() {
    for in_keyring in [true, false] {
        let (fixture, entry) = old(home().with_keyring(None), in_keyring);
        let copy = fixture.read(&entry, 10_000).unwrap();
        assert!(vault(&fixture).remove(Shelf::SignIns, PARTS).unwrap());
        fixture.write(&entry, &copy).unwrap();
        assert_eq!(read(&vault(&fixture), Shelf::SignIns, PARTS), None);
    }
}

#[test]
fn a_new_data_folder_does_not_use_the_key_of_an_older_version() {
    let fixture = home().with_keyring(None);
    let keyring = fixture.keyring().unwrap();
    let old = Stored {
        master: seal::new_master().unwrap(),
        register: None,
    };
    keyring.set("azcred", old.written().as_bytes()).unwrap();
    vault(&fixture).write(Shelf::Tokens, PARTS, b"one").unwrap();
    let item = key_item(&fixture, DATA);
    let new = keyring.get(&item).unwrap().unwrap();
    assert_ne!(*Stored::read(&new).unwrap().master, *old.master);
    assert_eq!(
        keyring.get("azcred").unwrap().unwrap()[..],
        *old.written().as_bytes()
    );
}

#[test]
fn an_unknown_value_of_azcred_keyring_is_an_error() {
    let fixture = home().with_var("AZCRED_KEYRING", "nevre");
    let error = vault(&fixture).read(Shelf::SignIns, PARTS).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert!(error.what().contains("AZCRED_KEYRING"), "{error}");
}
