//! Tests of what is left after a sign-in is removed.

use super::*;

const SIGN_INS: &str = "/home/ada/.local/share/azcred/sign-ins/v1";

/// A machine whose key is in a file, and one whose key is in the keyring.
fn machines() -> [(Fixture, String); 2] {
    [
        (home(), format!("{SIGN_INS}/file")),
        (home().with_keyring(None), format!("{SIGN_INS}/keyring")),
    ]
}

#[test]
fn an_entry_that_is_put_back_after_its_removal_does_not_open() {
    for (fixture, folder) in machines() {
        let long_running = vault(&fixture);
        long_running.write(Shelf::SignIns, PARTS, b"one").unwrap();
        long_running.write(Shelf::SignIns, &[b"b"], b"two").unwrap();
        let before = files(&fixture, &folder);
        let copies: Vec<_> = before
            .iter()
            .filter(|path| is_entry(path.file_name().unwrap().to_str().unwrap()))
            .map(|path| (path.clone(), fixture.read(path, 10_000).unwrap()))
            .collect();
        assert_eq!(copies.len(), 2);
        assert!(vault(&fixture).remove(Shelf::SignIns, PARTS).unwrap());
        for (path, copy) in &copies {
            fixture.write(path, copy).unwrap();
        }
        for vault in [vault(&fixture), long_running.clone()] {
            assert_eq!(read(&vault, Shelf::SignIns, &[b"b"]).unwrap(), b"two");
        }
        assert_eq!(read(&vault(&fixture), Shelf::SignIns, PARTS), None);
        let entries = vault(&fixture).entries(Shelf::SignIns).unwrap();
        assert_eq!(entries.len(), 1, "{folder}");
        // The next sign-in of the same account is another one.
        vault(&fixture)
            .write(Shelf::SignIns, PARTS, b"next")
            .unwrap();
        for vault in [vault(&fixture), long_running.clone()] {
            assert_eq!(read(&vault, Shelf::SignIns, PARTS).unwrap(), b"next");
        }
        for (path, copy) in &copies {
            fixture.write(path, copy).unwrap();
        }
        assert_eq!(read(&vault(&fixture), Shelf::SignIns, PARTS), None);
    }
}

#[test]
fn all_entries_that_were_cleared_stay_closed() {
    for (fixture, folder) in machines() {
        vault(&fixture)
            .write(Shelf::SignIns, PARTS, b"one")
            .unwrap();
        let path = entry(&fixture, &folder);
        let copy = fixture.read(&path, 10_000).unwrap();
        assert_eq!(vault(&fixture).clear(Shelf::SignIns).unwrap(), 1);
        fixture.write(&path, &copy).unwrap();
        assert_eq!(read(&vault(&fixture), Shelf::SignIns, PARTS), None);
    }
}

#[test]
fn what_a_killed_writer_left_is_removed_with_a_sign_in_and_with_the_tokens() {
    for (fixture, folder) in machines() {
        let vault = vault(&fixture);
        vault.write(Shelf::SignIns, PARTS, b"one").unwrap();
        vault.write(Shelf::Tokens, PARTS, b"one").unwrap();
        let tokens = folder.replace(
            "/home/ada/.local/share/azcred/sign-ins",
            "/home/ada/.cache/azcred/tokens",
        );
        let of_sign_in = Path::new(&folder).join(".new-1");
        let of_key = Path::new(KEY).with_file_name(".new-2");
        let of_token = Path::new(&tokens).join(".new-3");
        for left in [&of_sign_in, &of_key, &of_token] {
            fixture.write(left, b"left").unwrap();
        }
        vault.clear(Shelf::Tokens).unwrap();
        assert!(fixture.look(&of_token).is_err());
        assert!(fixture.look(&of_sign_in).is_ok());
        vault.remove(Shelf::SignIns, PARTS).unwrap();
        assert!(fixture.look(&of_sign_in).is_err());
        assert!(fixture.look(&of_key).is_err());
    }
}

#[test]
fn a_writer_whose_unfinished_file_was_removed_writes_it_again() {
    for (fixture, _) in machines() {
        let vault = vault(&fixture);
        vault.write(Shelf::SignIns, PARTS, b"one").unwrap();
        fixture.lose_writes(2);
        vault.write(Shelf::SignIns, PARTS, b"two").unwrap();
        assert_eq!(read(&vault, Shelf::SignIns, PARTS).unwrap(), b"two");
        fixture.lose_writes(2);
        vault.write(Shelf::Tokens, PARTS, b"token").unwrap();
    }
}
