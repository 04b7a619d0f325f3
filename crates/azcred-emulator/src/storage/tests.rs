use super::*;
use std::{fs, path::Path};
use time::Duration;
use uuid::Uuid;

const ACCOUNT: &str = "stcontosoml";

fn storage(folder: &Path) -> Storage {
    let storage = Storage::new(Arc::default());
    storage.keep_in(folder.join("storage"));
    storage
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut all = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => all.extend(files(&path)),
            false => all.push(path),
        }
    }
    all
}

fn content(folder: &Path) -> usize {
    let all = files(folder);
    all.iter()
        .filter(|file| file.parent().unwrap().ends_with("content"))
        .count()
}

#[test]
fn what_is_put_is_read_and_listed_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let first = storage(folder.path());
    first.ensure_container(ACCOUNT, "data").unwrap();
    first.ensure_container(ACCOUNT, "data").unwrap();
    // Names that are no file's: a path out of the folder, case, length.
    let long = "x".repeat(1024);
    for name in ["b/2", "a", "../../up", "A", "ä ö", long.as_str()] {
        let bytes = name.as_bytes();
        first
            .put(ACCOUNT, "data", name, "text/plain", bytes)
            .unwrap();
    }
    let keys = first.keys(ACCOUNT).unwrap();
    drop(first);

    let second = storage(folder.path());
    let expected = ["../../up", "A", "a", "b/2", long.as_str(), "ä ö"];
    assert_eq!(second.list(ACCOUNT, "data", "").unwrap(), expected);
    assert_eq!(second.list(ACCOUNT, "data", "b/").unwrap(), ["b/2"]);
    for name in expected {
        assert_eq!(second.read(ACCOUNT, "data", name).unwrap(), name.as_bytes());
    }
    assert_eq!(second.keys(ACCOUNT).unwrap().both(), keys.both());
    let names = second.containers(ACCOUNT).unwrap();
    assert_eq!(names.len(), 1);
    assert_eq!(names[0].name, "data");
    assert!(
        files(folder.path())
            .iter()
            .all(|file| file.starts_with(folder.path().join("storage")))
    );
}

#[test]
fn content_is_deleted_when_no_blob_and_no_reader_has_it() {
    let folder = tempfile::tempdir().unwrap();
    let storage = storage(folder.path());
    storage.ensure_container(ACCOUNT, "data").unwrap();
    let put = |bytes: &[u8]| storage.put(ACCOUNT, "data", "a", "text/plain", bytes);
    put(b"old").unwrap();
    let reader = storage.blob(ACCOUNT, "data", "a").unwrap();
    put(b"new").unwrap();
    assert_eq!(reader.read_now().unwrap(), b"old");
    assert_eq!(content(folder.path()), 2);
    drop(reader);
    assert_eq!(content(folder.path()), 1);

    // An upload that ends early, and one that no blob gets.
    let mut early = storage.upload(ACCOUNT, "data").unwrap();
    early.write_now(b"x").unwrap();
    drop(early);
    drop(
        storage
            .upload(ACCOUNT, "data")
            .unwrap()
            .finish_now()
            .unwrap(),
    );
    assert_eq!(content(folder.path()), 1);

    let remove = |_: Option<&Blob>, _: &Stamp| Ok::<_, StorageError>((Edit::Remove, ()));
    storage.edit_blob(ACCOUNT, "data", "a", remove).unwrap();
    assert_eq!(content(folder.path()), 0);
    let gone = storage.read(ACCOUNT, "data", "a").unwrap_err();
    assert!(matches!(gone, StorageError::BlobNotFound));
}

#[test]
fn a_process_that_was_killed_leaves_whole_blobs_only() {
    let folder = tempfile::tempdir().unwrap();
    let first = storage(folder.path());
    first.ensure_container(ACCOUNT, "data").unwrap();
    first
        .put(ACCOUNT, "data", "a", "text/plain", b"whole")
        .unwrap();
    first.ensure_container(ACCOUNT, "half").unwrap();
    drop(first);
    // What is there between two steps: a new file, content without a record, a container without
    // its file.
    let account = folder.path().join("storage/account-stcontosoml");
    for left in [
        "container-data/content/.new-abc",
        "container-data/content/0123",
        "container-data/records/.new-def",
    ] {
        fs::write(account.join(left), b"ha").unwrap();
    }
    fs::remove_file(account.join("container-half/container.json")).unwrap();

    let second = storage(folder.path());
    assert_eq!(second.list(ACCOUNT, "data", "").unwrap(), ["a"]);
    assert_eq!(second.read(ACCOUNT, "data", "a").unwrap(), b"whole");
    assert_eq!(second.containers(ACCOUNT).unwrap().len(), 1);
    assert_eq!(content(folder.path()), 1);
    // The container, its record and its content.
    assert_eq!(files(&account).len(), 3, "{:?}", files(&account));
}

#[test]
fn each_change_has_a_later_entity_tag() {
    let storage = Storage::new(Arc::default());
    let tags: Vec<String> = (0..1000).map(|_| storage.stamp().etag).collect();
    assert!(tags.is_sorted());
    let mut unique = tags.clone();
    unique.dedup();
    assert_eq!(unique.len(), tags.len());
    assert_eq!(tags[0].len(), 17, "{}", tags[0]);
}

fn parse(query: &str) -> Sas {
    let pairs: Vec<(String, String)> = url::form_urlencoded::parse(query.as_bytes())
        .into_owned()
        .collect();
    let pairs = pairs.iter().map(|(k, v)| (k.as_str(), v.as_str()));
    Sas::of(pairs).unwrap().unwrap()
}

#[test]
fn a_signature_is_good_for_its_resource_and_times_and_no_other() {
    let storage = Storage::new(Arc::default());
    let now = OffsetDateTime::now_utc();
    let sign = Sign {
        permissions: "rcwl",
        start: Some(now - Duration::minutes(10)),
        expiry: now + Duration::hours(8),
    };
    let delegate = Delegate {
        object_id: Uuid::from_u128(1),
        tenant: Uuid::from_u128(2),
    };
    let keys = storage.keys(ACCOUNT).unwrap();
    let check = |query: &str, container: &str, blob: &str, hours| {
        let at = now + Duration::hours(hours);
        parse(query).check(ACCOUNT, container, blob, &keys, at)
    };
    let container = storage.container_sas(ACCOUNT, "data", &sign).unwrap();
    let delegated = storage
        .delegated_container_sas(ACCOUNT, "data", delegate, &sign)
        .unwrap();
    let account = storage.account_sas(ACCOUNT, "bf", "co", &sign).unwrap();
    let blob = sas::for_blob(ACCOUNT, "data", "a/b", &sign, &keys);
    for query in [&container, &delegated, &account, &blob] {
        assert_eq!(check(query, "data", "a/b", 0), Ok(()), "{query}");
        assert!(matches!(
            check(query, "data", "a/b", 9),
            Err(Problem::Time { .. })
        ));
        assert!(matches!(
            check(query, "data", "a/b", -1),
            Err(Problem::Time { .. })
        ));
        let changed = query.replace("sp=rcwl", "sp=rcwdl");
        assert!(matches!(
            check(&changed, "data", "a/b", 0),
            Err(Problem::NotSigned(_))
        ));
        assert!(matches!(
            parse(query).check("stother", "data", "a/b", &keys, now),
            Err(Problem::NotSigned(_))
        ));
        let other = Storage::new(Arc::default()).keys(ACCOUNT).unwrap();
        let foreign = parse(query).check(ACCOUNT, "data", "a/b", &other, now);
        assert!(matches!(foreign, Err(Problem::NotSigned(_))));
    }
    // Only the account's is good for another container, and only the blob's not for other blobs.
    assert_eq!(check(&account, "other", "x", 0), Ok(()));
    for query in [&container, &delegated, &blob] {
        assert!(matches!(
            check(query, "other", "a/b", 0),
            Err(Problem::NotSigned(_))
        ));
    }
    assert_eq!(check(&container, "data", "x", 0), Ok(()));
    assert!(matches!(
        check(&blob, "data", "x", 0),
        Err(Problem::NotSigned(_))
    ));
    assert!(parse(&container).permits("dw") && !parse(&container).permits("d"));
    let Scope::Delegated(key) = parse(&delegated).scope else {
        panic!("{delegated}")
    };
    assert_eq!(key.delegate, delegate);
}

#[test]
fn a_new_key_ends_the_signatures_of_the_old_one() {
    let storage = Storage::new(Arc::default());
    let now = OffsetDateTime::now_utc();
    let sign = Sign {
        permissions: "r",
        start: None,
        expiry: now + Duration::hours(1),
    };
    let query = storage.container_sas(ACCOUNT, "data", &sign).unwrap();
    let check = |keys: &AccountKeys| parse(&query).check(ACCOUNT, "data", "", keys, now);
    assert_eq!(check(&storage.regenerate_key(ACCOUNT, 2).unwrap()), Ok(()));
    let new = storage.regenerate_key(ACCOUNT, 1).unwrap();
    assert!(matches!(check(&new), Err(Problem::NotSigned(_))));
}

/// Whatever is changed in a signature's query, it allows nothing else.
#[test]
fn a_signature_with_any_character_changed_is_not_good_or_is_the_same() {
    let storage = Storage::new(Arc::default());
    let now = OffsetDateTime::now_utc();
    let sign = Sign {
        permissions: "rl",
        start: Some(now - Duration::minutes(10)),
        expiry: now + Duration::hours(1),
    };
    let delegate = Delegate {
        object_id: Uuid::from_u128(1),
        tenant: Uuid::from_u128(2),
    };
    let keys = storage.keys(ACCOUNT).unwrap();
    for query in [
        storage.container_sas(ACCOUNT, "data", &sign).unwrap(),
        storage.account_sas(ACCOUNT, "b", "o", &sign).unwrap(),
        storage
            .delegated_container_sas(ACCOUNT, "data", delegate, &sign)
            .unwrap(),
    ] {
        let read = |query: &str| {
            let pairs: Vec<(String, String)> = url::form_urlencoded::parse(query.as_bytes())
                .into_owned()
                .collect();
            let known = pairs.iter().map(|(k, v)| (k.as_str(), v.as_str()));
            Sas::of(known).and_then(Result::ok)
        };
        let good = read(&query).unwrap();
        assert_eq!(good.check(ACCOUNT, "data", "a", &keys, now), Ok(()));
        for at in 0..query.len() {
            for other in ["0", "r", "w", "Z", "%", "&", "=", ""] {
                let changed = format!("{}{other}{}", &query[..at], &query[at + 1..]);
                if let Some(sas) = read(&changed)
                    && sas.check(ACCOUNT, "data", "a", &keys, now).is_ok()
                {
                    assert_eq!(sas.scope, good.scope, "{changed}");
                    assert_eq!(sas.fields(), good.fields(), "{changed}");
                }
            }
        }
    }
}
