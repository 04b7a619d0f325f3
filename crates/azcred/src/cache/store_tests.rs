//! Tests of the cache with another store than the vault: one that machines share.

use super::*;
use crate::store::EntryKey;
use std::{
    collections::HashMap,
    sync::{MutexGuard, atomic::AtomicBool},
};

type Name = Vec<Vec<u8>>;
type SharedEntries = HashMap<Name, Vec<u8>>;

/// A store that machines share. It can be made unreachable.
#[derive(Debug, Default)]
struct SharedStore {
    entries: Mutex<SharedEntries>,
    held: Arc<Mutex<Vec<Name>>>,
    is_away: AtomicBool,
}

/// A key that is locked.
struct HeldLock(Arc<Mutex<Vec<Name>>>, Name);

impl Drop for HeldLock {
    fn drop(&mut self) {
        self.0.lock().unwrap().retain(|held| *held != self.1);
    }
}

fn owned(key: EntryKey<'_>) -> Name {
    key.iter().map(|part| part.to_vec()).collect()
}

impl SharedStore {
    fn entries(&self) -> Result<MutexGuard<'_, SharedEntries>> {
        if self.is_away.load(Ordering::SeqCst) {
            return Err(Error::new(ErrorKind::Unreachable, "Read", "it is away"));
        }
        Ok(self.entries.lock().unwrap())
    }
}

impl TokenStore for SharedStore {
    fn get(&self, key: EntryKey<'_>) -> Result<Option<Zeroizing<Vec<u8>>>> {
        Ok(self
            .entries()?
            .get(&owned(key))
            .cloned()
            .map(Zeroizing::new))
    }

    fn put(&self, key: EntryKey<'_>, entry: &[u8], _: SystemTime) -> Result<()> {
        self.entries()?.insert(owned(key), entry.to_vec());
        Ok(())
    }

    fn lock(&self, key: EntryKey<'_>) -> Result<Option<Lock>> {
        let mut held = self.held.lock().unwrap();
        if held.contains(&owned(key)) {
            return Ok(None);
        }
        held.push(owned(key));
        Ok(Some(Lock::new(HeldLock(self.held.clone(), owned(key)))))
    }

    fn list(&self) -> Result<Vec<Zeroizing<Vec<u8>>>> {
        Ok(self
            .entries()?
            .values()
            .cloned()
            .map(Zeroizing::new)
            .collect())
    }

    fn remove(&self, is_meant: &dyn Fn(&[u8]) -> bool) -> Result<usize> {
        let mut entries = self.entries()?;
        let before = entries.len();
        entries.retain(|_, entry| !is_meant(entry));
        Ok(before - entries.len())
    }

    fn clear(&self) -> Result<usize> {
        Ok(self.entries()?.drain().count())
    }
}

#[tokio::test(start_paused = true)]
async fn machines_that_share_a_store_make_one_request() {
    let store = Arc::new(SharedStore::default());
    let machine = |name: &str| {
        let machine = Fixture::new().with_var("HOME", name).at(start());
        process(machine).with_store(store.clone())
    };
    let (first, second) = (machine("/home/ada"), machine("/home/grace"));
    let what = request();
    let brought = token("one", &laptop(), HOUR);
    let fetches = AtomicUsize::new(0);
    let fetch = |_| async {
        fetches.fetch_add(1, Ordering::SeqCst);
        sleep(Duration::from_secs(1)).await;
        Ok(brought.clone())
    };
    let (one, other) = tokio::join!(
        through(&first, identity("s"), &what, DEADLINE, fetch),
        through(&second, identity("s"), &what, DEADLINE, fetch),
    );
    assert_eq!(
        (one.unwrap().secret(), other.unwrap().secret()),
        ("one", "one")
    );
    assert_eq!(fetches.load(Ordering::SeqCst), 1);
    assert!(
        store.held.lock().unwrap().is_empty(),
        "the lock was given up"
    );

    store.is_away.store(true, Ordering::SeqCst);
    let answer = ask(&first, &request(), Ok(token("two", &laptop(), HOUR))).await;
    assert_eq!(answer.unwrap(), "two", "it can be done without");
    let trouble = first.cache_trouble().expect("it is told");
    assert_eq!(trouble.kind(), ErrorKind::Unreachable);
}
