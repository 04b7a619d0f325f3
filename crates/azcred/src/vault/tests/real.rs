//! Tests with real files.

use super::*;
use crate::system::{Command, Finished, Hypervisor, OpenFile, RealSystem, Unfinished};
use futures_util::future::BoxFuture;
use std::ffi::OsString;

/// A temporary folder with real files; dropping it removes them.
struct Real {
    folder: PathBuf,
    system: Arc<Elsewhere>,
}

/// The real disk with another home folder.
#[derive(Debug)]
struct Elsewhere(PathBuf);

impl crate::system::Sealed for Elsewhere {}

impl System for Elsewhere {
    fn var(&self, name: &str) -> Option<String> {
        (name == "HOME").then(|| self.0.display().to_string())
    }
    fn read(&self, path: &Path, limit: u64) -> io::Result<Vec<u8>> {
        RealSystem.read(path, limit)
    }
    fn open(&self, path: &Path) -> io::Result<OpenFile> {
        RealSystem.open(path)
    }
    fn make_folder(&self, folder: &Path, own: &Path) -> io::Result<()> {
        RealSystem.make_folder(folder, own)
    }
    fn look(&self, path: &Path) -> io::Result<FileFacts> {
        RealSystem.look(path)
    }
    fn write(&self, path: &Path, content: &[u8]) -> io::Result<()> {
        RealSystem.write(path, content)
    }
    fn write_durably(&self, path: &Path, content: &[u8]) -> io::Result<()> {
        RealSystem.write_durably(path, content)
    }
    fn remove(&self, path: &Path) -> io::Result<()> {
        RealSystem.remove(path)
    }
    fn list(&self, folder: &Path) -> io::Result<Vec<OsString>> {
        RealSystem.list(folder)
    }
    fn try_lock(&self, path: &Path) -> io::Result<Option<FileLock>> {
        RealSystem.try_lock(path)
    }
    fn find_program(&self, _: &str) -> Option<PathBuf> {
        None
    }
    fn run(&self, command: Command) -> BoxFuture<'static, Result<Finished, Unfinished>> {
        RealSystem.run(command)
    }
    fn hypervisor(&self) -> Hypervisor {
        Hypervisor::None
    }
    fn user(&self) -> Option<u32> {
        RealSystem.user()
    }
    fn os(&self) -> &'static str {
        "linux"
    }
    fn boot(&self) -> Option<String> {
        None
    }
    fn now(&self) -> SystemTime {
        RealSystem.now()
    }
}

impl Real {
    fn new() -> Self {
        let folder = std::env::temp_dir().join(format!("azcred-vault-{}", uuid::Uuid::new_v4()));
        Self {
            system: Arc::new(Elsewhere(folder.clone())),
            folder,
        }
    }

    fn vault(&self) -> Vault {
        Vault::new(self.system.clone())
    }
}

impl Drop for Real {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

#[cfg(unix)]
#[test]
fn folders_and_files_are_private() {
    use std::os::unix::fs::PermissionsExt;
    let real = Real::new();
    let vault = real.vault();
    vault.write(Shelf::Tokens, PARTS, b"one").unwrap();
    vault.write(Shelf::SignIns, PARTS, b"two").unwrap();
    let _lock = vault.try_lock(Shelf::Tokens, PARTS).unwrap();
    let own = [".cache/azcred", ".local/share/azcred"];
    let mut folders = own.map(|own| real.folder.join(own)).to_vec();
    for folder in &folders {
        let mode = std::fs::metadata(folder).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o700, "{folder:?}");
    }
    let mut seen = 0;
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let entry = entry.unwrap();
            let mode = entry.metadata().unwrap().permissions().mode() & 0o777;
            if entry.file_type().unwrap().is_dir() {
                assert_eq!(mode, 0o700, "{:?}", entry.path());
                folders.push(entry.path());
            } else {
                assert_eq!(mode, 0o600, "{:?}", entry.path());
                seen += 1;
            }
        }
    }
    assert_eq!(
        seen, 7,
        "two entries, a key, two locks, two times of pruning"
    );
}

#[test]
fn sixty_four_first_processes_agree_on_one_key() {
    let real = Real::new();
    let barrier = Arc::new(std::sync::Barrier::new(64));
    let writers: Vec<_> = (0..64_u8)
        .map(|number| {
            let (vault, barrier) = (real.vault(), barrier.clone());
            std::thread::spawn(move || {
                barrier.wait();
                vault
                    .write(Shelf::SignIns, &[&[number]], &[number])
                    .unwrap();
            })
        })
        .collect();
    for writer in writers {
        writer.join().unwrap();
    }
    assert_eq!(real.vault().entries(Shelf::SignIns).unwrap().len(), 64);
}

#[test]
fn one_process_has_a_lock_though_its_file_is_removed_all_the_time() {
    use std::sync::atomic::{AtomicBool, Ordering};
    let real = Real::new();
    let path = Arc::new(real.folder.join("lock"));
    RealSystem.make_folder(&real.folder, &real.folder).unwrap();
    let is_held = Arc::new(AtomicBool::new(false));
    let holders: Vec<_> = (0..4)
        .map(|_| {
            let (path, is_held) = (path.clone(), is_held.clone());
            std::thread::spawn(move || {
                for _ in 0..2000 {
                    let Some(_lock) = RealSystem.try_lock(&path).unwrap() else {
                        continue;
                    };
                    assert!(!is_held.swap(true, Ordering::SeqCst), "two hold it");
                    is_held.store(false, Ordering::SeqCst);
                    // Removing the file ends the lock, so the flag is cleared first.
                    std::fs::remove_file(&*path).unwrap();
                }
            })
        })
        .collect();
    for holder in holders {
        holder.join().unwrap();
    }
}
