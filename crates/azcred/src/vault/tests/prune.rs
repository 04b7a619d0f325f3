//! Tests of pruning.

use super::*;
use std::time::UNIX_EPOCH;

#[test]
fn pruning_removes_expired_and_abandoned_files_only() {
    let now = UNIX_EPOCH + Duration::from_secs(1_800_000_000);
    let fixture = home().at(now);
    let vault = vault(&fixture);
    let ends = |hours: u64| Some(now + Duration::from_secs(hours * 3600));
    vault
        .write_until(Shelf::Tokens, &[b"ends"], b"1", ends(1))
        .unwrap();
    vault
        .write_until(Shelf::Tokens, &[b"lasts"], b"2", ends(100))
        .unwrap();
    vault.write(Shelf::Tokens, &[b"no end"], b"3").unwrap();
    let folder = Path::new(TOKENS);
    let newer = folder.join("a".repeat(64));
    fixture
        .write(&newer, b"azcv\x02 of a version to come")
        .unwrap();
    fixture.write(&folder.join(".new-killed"), b"half").unwrap();
    let lock_of_none = folder.join(format!("{}.lock", "b".repeat(64)));
    let held = folder.join(format!("{}.lock", "c".repeat(64)));
    fixture.write(&lock_of_none, b"").unwrap();
    fixture.write(&held, b"").unwrap();
    let lock = fixture.try_lock(&held).unwrap();
    fixture.advance(Duration::from_secs(25 * 3600));
    fixture
        .write(&folder.join(".new-writing"), b"half")
        .unwrap();
    let before = fixture.list(folder).unwrap().len();
    vault.write(Shelf::Tokens, &[b"another"], b"4").unwrap();
    let names = fixture.list(folder).unwrap();
    let has = |name: &str| names.iter().any(|one| one == name);
    assert_eq!(names.len(), before + 1 - 3, "{names:?}");
    assert!(!has(".new-killed") && has(".new-writing"));
    assert!(fixture.look(&lock_of_none).is_err());
    assert!(fixture.look(&held).is_ok() && fixture.look(&newer).is_ok());
    assert_eq!(read(&vault, Shelf::Tokens, &[b"ends"]), None);
    assert_eq!(read(&vault, Shelf::Tokens, &[b"lasts"]).unwrap(), b"2");
    assert_eq!(read(&vault, Shelf::Tokens, &[b"no end"]).unwrap(), b"3");
    drop(lock);
    fixture.advance(Duration::from_secs(40 * 24 * 3600));
    vault.write(Shelf::Tokens, &[b"another"], b"5").unwrap();
    assert!(fixture.look(&newer).is_err() && fixture.look(&held).is_err());
}

#[test]
fn pruning_runs_once_a_day_also_after_the_clock_was_set_back() {
    let now = UNIX_EPOCH + Duration::from_secs(1_800_000_000);
    let fixture = home().at(now);
    let folder = Path::new(TOKENS);
    let abandoned = folder.join(".new-killed");
    let vault = vault(&fixture);
    vault.write(Shelf::Tokens, PARTS, b"1").unwrap();
    fixture.write(&abandoned, b"").unwrap();
    fixture.advance(Duration::from_secs(20 * 3600));
    vault.write(Shelf::Tokens, PARTS, b"2").unwrap();
    assert!(fixture.look(&abandoned).is_ok(), "it was done today");
    fixture.set_clock(now - Duration::from_secs(30 * 24 * 3600));
    vault.write(Shelf::Tokens, PARTS, b"3").unwrap();
    let mark = String::from_utf8(fixture.read(&folder.join("pruned"), 100).unwrap()).unwrap();
    let next: u64 = mark.parse().unwrap();
    assert_eq!(next, 1_800_000_000 - 29 * 24 * 3600);
}

#[test]
fn leftover_files_of_sign_ins_are_removed_and_sign_ins_never() {
    let fixture = home().at(UNIX_EPOCH + Duration::from_secs(1_800_000_000));
    let vault = vault(&fixture);
    vault.write(Shelf::SignIns, PARTS, b"1").unwrap();
    let folder = Path::new("/home/ada/.local/share/azcred/sign-ins/v1/file");
    let foreign = folder.join("a".repeat(64));
    fixture.write(&foreign, b"of somebody else's").unwrap();
    fixture.write(&folder.join(".new-killed"), b"half").unwrap();
    let lock_of_none = folder.join(format!("{}.lock", "b".repeat(64)));
    fixture.write(&lock_of_none, b"").unwrap();
    fixture.advance(Duration::from_secs(400 * 24 * 3600));
    vault.write(Shelf::SignIns, &[b"another"], b"2").unwrap();
    assert!(fixture.look(&folder.join(".new-killed")).is_err());
    assert!(fixture.look(&lock_of_none).is_err());
    assert!(fixture.look(&foreign).is_ok());
    assert_eq!(read(&vault, Shelf::SignIns, PARTS).unwrap(), b"1");
}

#[test]
fn an_expired_entry_that_another_process_is_replacing_is_left_to_it() {
    let now = UNIX_EPOCH + Duration::from_secs(1_800_000_000);
    let fixture = home().at(now);
    let vault = vault(&fixture);
    let end = Some(now + Duration::from_secs(3600));
    vault.write_until(Shelf::Tokens, PARTS, b"1", end).unwrap();
    let old = entry(&fixture, TOKENS);
    fixture.advance(Duration::from_secs(25 * 3600));
    // The other process has the lock, and requests a token.
    let lock = vault.try_lock(Shelf::Tokens, PARTS).unwrap();
    vault.write(Shelf::Tokens, &[b"another"], b"2").unwrap();
    assert!(fixture.look(&old).is_ok());
    drop(lock);
    fixture.advance(Duration::from_secs(25 * 3600));
    vault.write(Shelf::Tokens, &[b"another"], b"3").unwrap();
    assert!(fixture.look(&old).is_err());
    let names = fixture.list(Path::new(TOKENS)).unwrap();
    let is_lock = |name: &std::ffi::OsString| name.to_string_lossy().ends_with(".lock");
    assert!(!names.iter().any(is_lock), "{names:?}");
}
