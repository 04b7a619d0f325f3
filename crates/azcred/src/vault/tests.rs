use super::*;
use crate::{
    hostile::{cases, spoilt},
    system::{Fixture, Writers},
};
use proptest::prelude::*;

mod key;
mod prune;
mod real;
mod refused;
mod signed_out;

const PARTS: Parts<'static> = &[b"secret", b"contoso.com", b"app"];

fn home() -> Fixture {
    Fixture::new().with_var("HOME", "/home/ada")
}

fn vault(fixture: &Fixture) -> Vault {
    Vault::new(fixture.clone().shared())
}

/// The fixture's files with this text in their paths.
fn files(fixture: &Fixture, folder: &str) -> Vec<PathBuf> {
    let folder = Path::new(folder);
    let names = fixture.list(folder).unwrap_or_default();
    names.into_iter().map(|name| folder.join(name)).collect()
}

fn entry(fixture: &Fixture, folder: &str) -> PathBuf {
    let mut entries = files(fixture, folder);
    entries.retain(|path| {
        path.file_name()
            .and_then(OsStr::to_str)
            .is_some_and(is_entry)
    });
    assert_eq!(entries.len(), 1, "{entries:?}");
    entries.remove(0)
}

fn read(vault: &Vault, shelf: Shelf, parts: Parts<'_>) -> Option<Vec<u8>> {
    vault
        .read(shelf, parts)
        .unwrap()
        .map(|content| content.to_vec())
}

const TOKENS: &str = "/home/ada/.cache/azcred/tokens/v1/file";
const KEY: &str = "/home/ada/.local/share/azcred/key-1";

#[test]
fn an_entry_is_there_for_another_process_under_its_own_name_only() {
    let fixture = home();
    vault(&fixture).write(Shelf::Tokens, PARTS, b"one").unwrap();
    vault(&fixture)
        .write(Shelf::SignIns, PARTS, b"two")
        .unwrap();
    let other = vault(&fixture);
    assert_eq!(read(&other, Shelf::Tokens, PARTS).unwrap(), b"one");
    assert_eq!(read(&other, Shelf::SignIns, PARTS).unwrap(), b"two");
    for parts in [
        &[b"secret".as_slice(), b"contoso.com"] as Parts<'_>,
        &[b"secret", b"contoso.comapp"],
        &[b"secret", b"contoso.co", b"mapp"],
        &[b"secret", b"contoso.com", b"app", b""],
        &[],
    ] {
        assert_eq!(read(&other, Shelf::Tokens, parts), None);
    }
    assert!(other.remove(Shelf::Tokens, PARTS).unwrap());
    assert!(!other.remove(Shelf::Tokens, PARTS).unwrap());
    assert_eq!(read(&other, Shelf::Tokens, PARTS), None);
    assert_eq!(read(&other, Shelf::SignIns, PARTS).unwrap(), b"two");
}

#[test]
fn reading_a_missing_entry_makes_neither_a_key_nor_a_folder() {
    let fixture = home().with_keyring(None);
    let vault = vault(&fixture);
    assert_eq!(read(&vault, Shelf::SignIns, PARTS), None);
    assert!(vault.entries(Shelf::SignIns).unwrap().is_empty());
    assert_eq!(vault.clear(Shelf::Tokens).unwrap(), 0);
    assert!(!vault.remove(Shelf::Tokens, PARTS).unwrap());
    assert_eq!(vault.place().unwrap().key, KeyPlace::Undecided);
    assert!(files(&fixture, "/home/ada/.local/share/azcred").is_empty());
}

#[test]
fn without_the_key_neither_names_nor_contents_reveal_anything() {
    let fixture = home();
    let vault = vault(&fixture);
    vault
        .write(Shelf::Tokens, PARTS, b"TopSecretToken")
        .unwrap();
    let path = entry(&fixture, TOKENS);
    let name = path.file_name().unwrap().to_str().unwrap();
    assert!(!name.contains("contoso"));
    let sealed = fixture.read(&path, 10_000).unwrap();
    assert!(!sealed.windows(9).any(|window| window == b"TopSecret"));
    // The same content gives other bytes each time.
    vault
        .write(Shelf::Tokens, PARTS, b"TopSecretToken")
        .unwrap();
    assert_ne!(fixture.read(&path, 10_000).unwrap(), sealed);
    assert!(!format!("{vault:?}").contains("TopSecret"));
}

#[test]
fn an_entry_under_another_name_does_not_open() {
    let fixture = home();
    let vault = vault(&fixture);
    vault.write(Shelf::Tokens, PARTS, b"one").unwrap();
    let one = entry(&fixture, TOKENS);
    let sealed = fixture.read(&one, 10_000).unwrap();
    fixture.remove(&one).unwrap();
    vault.write(Shelf::Tokens, &[b"other"], b"two").unwrap();
    fixture.write(&entry(&fixture, TOKENS), &sealed).unwrap();
    assert_eq!(read(&vault, Shelf::Tokens, &[b"other"]), None);
}

#[test]
fn every_changed_bit_is_detected() {
    let fixture = home();
    let vault = vault(&fixture);
    vault.write(Shelf::Tokens, PARTS, b"content").unwrap();
    let path = entry(&fixture, TOKENS);
    let good = fixture.read(&path, 10_000).unwrap();
    for place in 0..good.len() {
        for bit in 0..8 {
            let mut bad = good.clone();
            bad[place] ^= 1 << bit;
            fixture.write(&path, &bad).unwrap();
            assert_eq!(
                read(&vault, Shelf::Tokens, PARTS),
                None,
                "byte {place}, bit {bit}"
            );
        }
    }
    for length in 0..good.len() {
        fixture.write(&path, &good[..length]).unwrap();
        assert_eq!(read(&vault, Shelf::Tokens, PARTS), None, "{length} bytes");
    }
    vault.write(Shelf::Tokens, PARTS, b"anew").unwrap();
    assert_eq!(read(&vault, Shelf::Tokens, PARTS).unwrap(), b"anew");
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn a_damaged_entry_is_a_miss(index in any::<prop::sample::Index>(), bad in spoilt(b"azcv\x01".to_vec())) {
        let fixture = home();
        let vault = vault(&fixture);
        vault.write(Shelf::Tokens, PARTS, b"content").unwrap();
        let path = entry(&fixture, TOKENS);
        let mut sealed = fixture.read(&path, 10_000).unwrap();
        let place = index.index(sealed.len());
        let whole = sealed.clone();
        sealed.splice(place.., bad);
        // The replacement byte is the original one once in 256 times.
        prop_assume!(sealed != whole);
        fixture.write(&path, &sealed).unwrap();
        prop_assert_eq!(vault.read(Shelf::Tokens, PARTS).unwrap(), None);
    }
}

#[test]
fn what_is_not_a_private_file_in_an_entrys_place_is_refused_with_the_fix() {
    let fixture = home();
    vault(&fixture).write(Shelf::Tokens, PARTS, b"one").unwrap();
    let path = entry(&fixture, TOKENS);
    let facts = fixture.look(&path).unwrap();
    let sealed = fixture.read(&path, 10_000).unwrap();
    let kind = |kind| FileFacts { kind, ..facts };
    let owner = |owner| FileFacts {
        owner: Some(owner),
        ..facts
    };
    for (facts, fix) in [
        (kind(FileKind::Link), "rm '"),
        (kind(FileKind::Folder), "mv '"),
        (kind(FileKind::Other), "mv '"),
        (owner(1001), "sudo chown"),
        (owner(0), "sudo chown"),
        (
            FileFacts {
                is_readable_by_others: true,
                ..facts
            },
            "chmod 600",
        ),
        (
            FileFacts {
                writers: Writers::Anybody,
                is_readable_by_others: true,
                ..facts
            },
            "chmod 600",
        ),
    ] {
        let fixture = fixture.clone().with_facts(&path, facts, sealed.clone());
        let vault = vault(&fixture);
        for error in [
            vault.read(Shelf::Tokens, PARTS).unwrap_err(),
            vault.entries(Shelf::Tokens).unwrap_err(),
        ] {
            assert_eq!(error.kind(), ErrorKind::Invalid);
            let said = error.fix().unwrap().to_string();
            assert!(
                said.contains(fix) && said.contains(&*path.to_string_lossy()),
                "{error}"
            );
        }
        // A token is written as a new file, which replaces the other one.
        vault.write(Shelf::Tokens, PARTS, b"two").unwrap();
        assert_eq!(read(&vault, Shelf::Tokens, PARTS).unwrap(), b"two");
    }
}

#[test]
fn a_file_too_large_to_be_an_entry_is_not_read() {
    let fixture = home();
    vault(&fixture).write(Shelf::Tokens, PARTS, b"one").unwrap();
    let path = entry(&fixture, TOKENS);
    fixture.write(&path, &vec![0; 2 << 20]).unwrap();
    assert_eq!(read(&vault(&fixture), Shelf::Tokens, PARTS), None);
    let error = vault(&fixture)
        .write(Shelf::Tokens, PARTS, &vec![0; 2 << 20])
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
}

#[test]
fn entries_of_another_key_or_version_are_misses_and_are_counted_when_cleared() {
    let fixture = home();
    vault(&fixture)
        .write(Shelf::SignIns, PARTS, b"one")
        .unwrap();
    vault(&fixture)
        .write(Shelf::SignIns, &[b"b"], b"two")
        .unwrap();
    let mut entries: Vec<_> = vault(&fixture)
        .entries(Shelf::SignIns)
        .unwrap()
        .iter()
        .map(|content| content.to_vec())
        .collect();
    entries.sort();
    assert_eq!(entries, [b"one", b"two"]);
    fixture.remove(Path::new(KEY)).unwrap();
    assert_eq!(read(&vault(&fixture), Shelf::SignIns, PARTS), None);
    vault(&fixture)
        .write(Shelf::SignIns, PARTS, b"new")
        .unwrap();
    let entries = vault(&fixture).entries(Shelf::SignIns).unwrap();
    assert_eq!(entries.len(), 1, "the others are of the key that is lost");
    assert_eq!(vault(&fixture).clear(Shelf::SignIns).unwrap(), 3);
    assert!(vault(&fixture).entries(Shelf::SignIns).unwrap().is_empty());
}

#[test]
fn one_holds_an_entrys_lock_and_another_entrys_is_free() {
    let fixture = home();
    let (one, other) = (vault(&fixture), vault(&fixture));
    let held = one.try_lock(Shelf::Tokens, PARTS).unwrap().unwrap();
    assert!(other.try_lock(Shelf::Tokens, PARTS).unwrap().is_none());
    assert!(
        other
            .try_lock(Shelf::Tokens, &[b"other"])
            .unwrap()
            .is_some()
    );
    drop(held);
    assert!(other.try_lock(Shelf::Tokens, PARTS).unwrap().is_some());
}

#[tokio::test(start_paused = true)]
async fn a_lock_is_waited_for_until_the_time_is_over() {
    let fixture = home();
    let (one, other) = (vault(&fixture), vault(&fixture));
    let held = one.try_lock(Shelf::Tokens, PARTS).unwrap();
    let until = Instant::now() + Duration::from_secs(5);
    assert!(
        other
            .lock(Shelf::Tokens, PARTS, until)
            .await
            .unwrap()
            .is_none()
    );
    let until = Instant::now() + Duration::from_secs(5);
    let waiting = tokio::spawn(async move { other.lock(Shelf::Tokens, PARTS, until).await });
    tokio::task::yield_now().await;
    drop(held);
    assert!(waiting.await.unwrap().unwrap().is_some());
}
