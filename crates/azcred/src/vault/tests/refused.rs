//! Tests of files and folders that other users could read or change.

use super::*;
use crate::system::Writers;

fn folder(facts: impl FnOnce(&mut FileFacts)) -> FileFacts {
    let mut folder = FileFacts {
        kind: FileKind::Folder,
        len: 4096,
        owner: Some(1000),
        writers: Writers::Owner,
        is_readable_by_others: false,
        modified: None,
    };
    facts(&mut folder);
    folder
}

#[test]
fn a_folder_that_others_own_read_or_write_is_refused_with_the_fix() {
    let cases = [
        (folder(|facts| facts.owner = Some(1001)), "sudo chown -R"),
        (
            folder(|facts| facts.is_readable_by_others = true),
            "chmod 700",
        ),
        (
            folder(|facts| facts.writers = Writers::Anybody),
            "chmod 700",
        ),
        (folder(|facts| facts.kind = FileKind::Link), "rm"),
        (folder(|facts| facts.kind = FileKind::File), "mv"),
    ];
    for place in [
        "/home/ada/.cache/azcred",
        "/home/ada/.cache/azcred/tokens",
        "/home/ada/.cache/azcred/tokens/v1",
        TOKENS,
    ] {
        for (facts, fix) in cases {
            let fixture = home();
            vault(&fixture).write(Shelf::Tokens, PARTS, b"one").unwrap();
            let fixture = fixture.with_facts(place, facts, "");
            let vault = vault(&fixture);
            for error in [
                vault.read(Shelf::Tokens, PARTS).unwrap_err(),
                vault.write(Shelf::Tokens, PARTS, b"two").unwrap_err(),
                vault.entries(Shelf::Tokens).unwrap_err(),
                vault.clear(Shelf::Tokens).unwrap_err(),
                vault.try_lock(Shelf::Tokens, PARTS).unwrap_err(),
            ] {
                assert_eq!(error.kind(), ErrorKind::Invalid);
                assert!(
                    error.fix().unwrap().to_string().contains(fix)
                        && error.fix().unwrap().to_string().contains(place),
                    "{error}"
                );
            }
            assert!(
                read(&vault, Shelf::SignIns, PARTS).is_none(),
                "another folder's"
            );
        }
    }
    let own = home().with_facts(TOKENS, folder(|_| ()), "");
    vault(&own).write(Shelf::Tokens, PARTS, b"one").unwrap();
}

#[test]
fn a_key_file_that_others_own_or_read_is_refused_with_the_fix() {
    let fixture = home();
    vault(&fixture)
        .write(Shelf::SignIns, PARTS, b"one")
        .unwrap();
    let facts = fixture.look(Path::new(KEY)).unwrap();
    let content = fixture.read(Path::new(KEY), 1000).unwrap();
    for (facts, fix) in [
        (
            FileFacts {
                owner: Some(0),
                ..facts
            },
            "sudo chown",
        ),
        (
            FileFacts {
                is_readable_by_others: true,
                ..facts
            },
            "chmod 600",
        ),
        (
            FileFacts {
                kind: FileKind::Link,
                ..facts
            },
            "rm",
        ),
    ] {
        let fixture = fixture.clone().with_facts(KEY, facts, content.clone());
        for error in [
            vault(&fixture).read(Shelf::SignIns, PARTS).unwrap_err(),
            vault(&fixture)
                .write(Shelf::Tokens, PARTS, b"x")
                .unwrap_err(),
        ] {
            assert_eq!(error.kind(), ErrorKind::Invalid);
            assert!(error.fix().unwrap().to_string().contains(fix), "{error}");
        }
    }
}

#[test]
fn the_administrator_is_not_told_to_take_over_another_users_folder() {
    let error = trouble::refused(
        Path::new("/home/ada/.cache/azcred"),
        &folder(|_| ()),
        FileKind::Folder,
        Some(0),
    );
    let fix = error.unwrap().fix().unwrap().to_string();
    assert!(fix.starts_with("run it as that user"), "{fix}");
}

#[test]
fn the_fix_of_a_read_only_home_names_the_variable_that_moves_everything() {
    let read_only = io::ErrorKind::ReadOnlyFilesystem.into();
    let fix = |machine: &Fixture, shelf| {
        let error = trouble::failed(
            machine,
            "could not write",
            Path::new("/a/b"),
            shelf,
            &read_only,
        );
        error.fix().unwrap().to_string()
    };
    let apart = home().with_var("AZCRED_HOME", "/apart");
    for (machine, shelf, variable) in [
        (home(), Shelf::Tokens, "export AZCRED_HOME="),
        (home(), Shelf::SignIns, "export AZCRED_HOME="),
        (apart.clone(), Shelf::Tokens, "export AZCRED_HOME="),
        (apart, Shelf::SignIns, "export AZCRED_HOME="),
        (
            home().with_os("macos"),
            Shelf::SignIns,
            "export AZCRED_HOME=",
        ),
        (
            home().with_os("windows"),
            Shelf::Tokens,
            "set AZCRED_HOME to",
        ),
    ] {
        let fix = fix(&machine, shelf);
        assert!(fix.contains(variable), "{fix}");
    }
    // A relative path is ignored, and the fix names it if no other variable is set.
    let relative = Fixture::new().with_var("AZCRED_HOME", "apart");
    let error = vault(&relative).read(Shelf::SignIns, PARTS).unwrap_err();
    assert!(error.why().contains("AZCRED_HOME"), "{error}");
}

/// `~/.cache` is root's after an earlier `sudo`, or the user took their own permissions away.
#[test]
fn the_fix_of_a_missing_permission_is_chown_or_chmod_as_it_is_needed() {
    let denied = io::ErrorKind::PermissionDenied.into();
    let fix = |machine: &Fixture| {
        let path = Path::new("/home/ada/.cache/azcred/tokens/v1/file/entry");
        let error = trouble::failed(machine, "could not write", path, Shelf::SignIns, &denied);
        assert_eq!(error.kind(), ErrorKind::Invalid);
        error.fix().unwrap().to_string()
    };
    let root = folder(|facts| facts.owner = Some(0));
    let own = folder(|_| ());
    let at_home = || home().with_facts("/home/ada", own, "");
    for (machine, expected) in [
        (
            at_home().with_facts("/home/ada/.cache", root, ""),
            "make it yours: `sudo chown -R \"$(id -un)\" '/home/ada/.cache'`",
        ),
        (
            at_home().with_facts("/home/ada/.cache", own, ""),
            "allow it: `chmod u+rwx '/home/ada/.cache'`",
        ),
        (
            home()
                .with_facts("/home/ada", root, "")
                .with_facts("/home/ada/.cache", root, ""),
            "use another folder: `export AZCRED_HOME=\"/tmp/azcred-$(id -u)\"`",
        ),
    ] {
        assert_eq!(fix(&machine), expected);
    }
}

#[test]
fn what_this_user_may_not_see_is_absent() {
    let hidden = home().with_hidden("/home/ada");
    let vault = vault(&hidden);
    for shelf in [Shelf::Tokens, Shelf::SignIns] {
        assert!(read(&vault, shelf, PARTS).is_none());
        assert!(vault.entries(shelf).unwrap().is_empty());
        assert_eq!(vault.clear(shelf).unwrap(), 0);
        assert!(vault.write(shelf, PARTS, b"x").is_err());
    }
}

#[test]
fn without_a_home_folder_the_vault_is_unavailable() {
    let vault = vault(&Fixture::new());
    let error = vault.read(Shelf::Tokens, PARTS).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    let error = vault.write(Shelf::Tokens, PARTS, b"").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(error.fix().unwrap().to_string().contains("HOME"), "{error}");
}
