//! Tests of what can be in a file's place, and be put there at any moment.

use super::{
    super::{Foreign, OpenFile},
    *,
};
use std::{
    os::unix::fs::{PermissionsExt, symlink},
    process::Command,
    sync::atomic::{AtomicBool, Ordering},
};

/// A private folder; dropping it removes it.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        let folder = std::env::temp_dir().join(format!("azcred-disk-{}", uuid::Uuid::new_v4()));
        imp::builder(0o700).create(&folder).unwrap();
        Self(folder)
    }

    /// A private file.
    fn file(&self, name: &str, content: &str) -> PathBuf {
        let path = self.0.join(name);
        put(&path, content.as_bytes(), false).unwrap();
        path
    }

    fn mode(&self, name: &str, mode: u32) {
        let path = self.0.join(name);
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn is_administrator() -> bool {
    rustix::process::geteuid().is_root()
}

/// Puts everything but a private file of this user at the path, and says what.
fn each_wrong_thing(path: &Path, check: impl Fn(&str)) {
    let folder = path.parent().unwrap();
    let target = folder.join("target");
    put(&target, b"secret", false).unwrap();
    let clear = || {
        let _ = fs::remove_file(path);
        let _ = fs::remove_dir(path);
    };
    let made = |what: &str| {
        check(what);
        clear();
    };
    clear();
    let pipe = Command::new("mkfifo").arg(path).status().unwrap();
    assert!(pipe.success());
    made("a pipe");
    symlink(&target, path).unwrap();
    made("a link");
    symlink(folder.join("nowhere"), path).unwrap();
    made("a link to nowhere");
    fs::create_dir(path).unwrap();
    made("a folder");
    let socket = std::os::unix::net::UnixListener::bind(path).unwrap();
    made("a socket");
    drop(socket);
    for mode in [0o666, 0o620, 0o604, 0o640] {
        put(path, b"open to others", false).unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
        made("a file that is open to others");
    }
    // Only the administrator can make these.
    if !is_administrator() {
        eprintln!("skipped: a device and another user's file, for want of privileges");
        return;
    }
    // The numbers of /dev/null on Linux.
    let mut mknod = Command::new("mknod");
    match mknod.arg(path).args(["c", "1", "3"]).output() {
        Ok(ended) if ended.status.success() => made("a device"),
        failed => eprintln!("skipped: a device can't be made here: {failed:?}"),
    }
    put(path, b"foreign", false).unwrap();
    match std::os::unix::fs::chown(path, Some(65_534), None) {
        Ok(()) => made("another user's file"),
        Err(error) => eprintln!("skipped: no file can be given away here: {error}"),
    }
}

#[test]
fn only_a_private_file_is_locked_and_nothing_is_waited_for() {
    let folder = Folder::new();
    let path = folder.0.join("lock");
    each_wrong_thing(&path, |what| {
        let error = try_lock(&path).unwrap_err();
        let found = error.get_ref().unwrap().downcast_ref::<Unsuitable>();
        assert_eq!(found.expect(what).path, path, "{what}");
        assert!(!folder.0.join("nowhere").exists(), "{what}");
    });
    assert!(try_lock(&path).unwrap().is_some());
}

#[test]
fn a_lock_ends_although_a_forked_child_has_the_same_open_file() {
    let folder = Folder::new();
    let path = folder.0.join("lock");
    let file = fs::File::create(&path).unwrap();
    file.try_lock().unwrap();
    let of_the_child = file.try_clone().unwrap();
    drop(Locked(file));
    fs::File::open(&path).unwrap().try_lock().unwrap();
    drop(of_the_child);
}

#[test]
fn what_is_opened_is_judged_and_nothing_is_waited_for() {
    let folder = Folder::new();
    let path = folder.0.join("entry");
    let user = rustix::process::geteuid().as_raw();
    each_wrong_thing(&path, |what| {
        let OpenFile { facts, .. } = open(&path).unwrap();
        let is_own = facts.kind == FileKind::File
            && facts.owner == Some(user)
            && facts.writers == Writers::Owner
            && !facts.is_readable_by_others;
        assert!(!is_own, "{what}: {facts:?}");
        if facts.kind != FileKind::File {
            assert!(open(&path).unwrap().read(100).is_err(), "{what}");
            let opened = imp::open_with(&path, || panic!("{what} is opened"));
            assert_eq!(opened.unwrap().facts.kind, facts.kind, "{what}");
        }
    });
    let missing = open(&path).unwrap_err();
    assert_eq!(missing.kind(), io::ErrorKind::NotFound);
}

#[test]
fn a_link_that_is_put_in_a_files_place_after_a_look_is_not_followed() {
    let folder = Folder::new();
    let (path, secret) = (
        folder.file("entry", "entry"),
        folder.file("secret", "secret"),
    );
    let opened = imp::open_with(&path, || {
        fs::remove_file(&path).unwrap();
        symlink(&secret, &path).unwrap();
    });
    let opened = opened.unwrap();
    assert_eq!(opened.facts.kind, FileKind::Link);
    assert!(opened.read(100).is_err());
    // Another file is there now. It is the one that is judged.
    let path = folder.file("private", "private");
    let opened = imp::open_with(&path, || {
        let open_to_all = folder.file("open", "open to all");
        folder.mode("open", 0o666);
        fs::rename(open_to_all, &path).unwrap();
    });
    let opened = opened.unwrap();
    assert_eq!(opened.facts.writers, Writers::Anybody);
    assert_eq!(opened.facts.len, 11);
    // The folder of the path is another one now, and the file of the first is opened.
    let (one, other) = (folder.0.join("one"), folder.0.join("other"));
    for (folder, content) in [(&one, "one"), (&other, "other")] {
        imp::builder(0o700).create(folder).unwrap();
        put(&folder.join("entry"), content.as_bytes(), false).unwrap();
    }
    let opened = imp::open_with(&one.join("entry"), || {
        fs::rename(&one, folder.0.join("moved")).unwrap();
        symlink(&other, &one).unwrap();
    });
    let opened = opened.unwrap();
    assert!(!opened.folder_is_linked);
    assert_eq!(opened.read(100).unwrap(), b"one");
    let through_the_link = open(&one.join("entry")).unwrap();
    assert!(through_the_link.folder_is_linked);
    assert_eq!(through_the_link.read(100).unwrap(), b"other");
}

#[test]
fn a_link_that_comes_and_goes_is_never_followed() {
    let folder = Folder::new();
    folder.file("own", "own");
    let (path, secret) = (folder.0.join("entry"), folder.file("secret", "secret"));
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut turn = 0_u64;
            while !is_over.load(Ordering::Relaxed) {
                turn += 1;
                let new = folder.0.join("new");
                if turn.is_multiple_of(2) {
                    fs::hard_link(folder.0.join("own"), &new).unwrap();
                } else {
                    symlink(&secret, &new).unwrap();
                }
                fs::rename(&new, &path).unwrap();
                // Renaming a file to another name of the same file does nothing.
                let _ = fs::remove_file(&new);
            }
        });
        for _ in 0..20_000 {
            let Ok(opened) = open(&path) else { continue };
            if let Ok(content) = opened.read(100) {
                assert_eq!(content, b"own");
            }
        }
        is_over.store(true, Ordering::Relaxed);
    });
}

#[test]
fn nothing_is_written_into_a_folder_that_is_a_link_or_open_to_others() {
    let folder = Folder::new();
    let (own, link) = (folder.0.join("own"), folder.0.join("link"));
    imp::builder(0o700).create(&own).unwrap();
    symlink(&own, &link).unwrap();
    let is_refused = |path: &Path| {
        let error = put(&path.join("file"), b"x", false).unwrap_err();
        let locked = try_lock(&path.join("lock")).unwrap_err();
        for error in [error, locked] {
            let found = error.get_ref().unwrap().downcast_ref::<Unsuitable>();
            assert_eq!(found.unwrap().path, path);
        }
        assert_eq!(fs::read_dir(&own).unwrap().count(), 0);
    };
    is_refused(&link);
    folder.mode("own", 0o777);
    is_refused(&own);
    folder.mode("own", 0o700);
    if is_administrator() && std::os::unix::fs::chown(&own, Some(65_534), None).is_ok() {
        is_refused(&own);
    } else {
        eprintln!("skipped: another user's folder, for want of privileges");
    }
}

#[test]
fn a_file_that_can_not_be_written_leaves_nothing_behind() {
    let folder = Folder::new();
    let taken = folder.0.join("taken");
    imp::builder(0o700).create(&taken).unwrap();
    assert!(put(&taken, b"x", true).is_err());
    let names: Vec<_> = fs::read_dir(&folder.0).unwrap().collect();
    assert_eq!(names.len(), 1, "{names:?}");
}

#[test]
fn a_lock_is_of_the_file_that_is_at_its_path() {
    let folder = Folder::new();
    let path = folder.0.join("lock");
    let own = imp::OwnFolder::open(&folder.0).unwrap();
    let file = own.open_lock(&path).unwrap();
    assert!(own.has(&file, &path).unwrap());
    fs::remove_file(&path).unwrap();
    assert!(!own.has(&file, &path).unwrap());
    let other = own.open_lock(&path).unwrap();
    assert!(!own.has(&file, &path).unwrap());
    assert!(own.has(&other, &path).unwrap());
}

#[test]
fn folders_around_azcreds_own_get_the_usual_mode() {
    let folder = Folder::new();
    let own = folder.0.join("cache").join("deep").join("azcred");
    let leaf = own.join("tokens").join("v1");
    make_folder(&leaf, &own).unwrap();
    make_folder(&leaf, &own).unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    // The process's umask counts.
    let usual = folder.0.join("usual");
    imp::builder(0o755).create(&usual).unwrap();
    for around in [folder.0.join("cache"), folder.0.join("cache/deep")] {
        assert_eq!(mode(&around), mode(&usual), "{around:?}");
        assert_eq!(mode(&around) & 0o700, 0o700, "{around:?}");
    }
    for private in [own.clone(), own.join("tokens"), leaf] {
        assert_eq!(mode(&private), 0o700, "{private:?}");
    }
}

#[test]
fn the_administrator_makes_nothing_in_another_users_home() {
    let folder = Folder::new();
    let home = folder.0.join("ada");
    imp::builder(0o755).create(&home).unwrap();
    let own = home.join(".cache").join("azcred");
    if !is_administrator() || std::os::unix::fs::chown(&home, Some(65_534), None).is_err() {
        eprintln!("skipped: another user's home, for want of privileges");
        return;
    }
    let error = make_folder(&own, &own).unwrap_err();
    let foreign = error.get_ref().unwrap().downcast_ref::<Foreign>().unwrap();
    assert_eq!(foreign.folder, home);
    assert_eq!(fs::read_dir(&home).unwrap().count(), 0);
}
