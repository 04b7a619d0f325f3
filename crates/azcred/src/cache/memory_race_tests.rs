//! Another caller's request ends between two steps of a call.

use super::*;
use crate::system::{Command, FileFacts, Finished, Hypervisor, OpenFile, Unfinished};
use std::{
    io,
    path::{Path, PathBuf},
};

/// A machine on which something else happens just after its clock was read. A call reads the clock
/// between its steps.
#[derive(Clone)]
struct EventfulClock(Fixture, Arc<Mutex<Option<Event>>>);

/// How many more times the clock is read first, and what happens then.
type Event = (usize, Box<dyn FnOnce() + Send>);

impl EventfulClock {
    fn after_reads(&self, reads: usize, happens: impl FnOnce() + Send + 'static) {
        *lock(&self.1) = Some((reads, Box::new(happens)));
    }

    /// Lets it happen now, if it has not happened yet.
    fn happen(&self) {
        let event = lock(&self.1).take();
        if let Some((_, happens)) = event {
            happens();
        }
    }
}

impl fmt::Debug for EventfulClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EventfulClock")
    }
}

impl crate::system::Sealed for EventfulClock {}

impl System for EventfulClock {
    fn var(&self, name: &str) -> Option<String> {
        self.0.var(name)
    }
    fn read(&self, path: &Path, limit: u64) -> io::Result<Vec<u8>> {
        self.0.read(path, limit)
    }
    fn open(&self, path: &Path) -> io::Result<OpenFile> {
        self.0.open(path)
    }
    fn look(&self, path: &Path) -> io::Result<FileFacts> {
        self.0.look(path)
    }
    fn write(&self, path: &Path, content: &[u8]) -> io::Result<()> {
        self.0.write(path, content)
    }
    fn find_program(&self, name: &str) -> Option<PathBuf> {
        self.0.find_program(name)
    }
    fn run(
        &self,
        command: Command,
    ) -> BoxFuture<'static, std::result::Result<Finished, Unfinished>> {
        self.0.run(command)
    }
    fn hypervisor(&self) -> Hypervisor {
        self.0.hypervisor()
    }
    fn os(&self) -> &'static str {
        self.0.os()
    }
    fn boot(&self) -> Option<String> {
        self.0.boot()
    }
    fn now(&self) -> SystemTime {
        let now = self.0.now();
        let is_next = match &mut *lock(&self.1) {
            Some((0, _)) => true,
            Some((reads, _)) => {
                *reads -= 1;
                false
            }
            None => false,
        };
        if is_next {
            self.happen();
        }
        now
    }
}

/// An authority whose first token is in the cache.
async fn with_first_token() -> (CountingAuthority, Arc<MemoryCache>, EventfulClock) {
    let (authority, _) = CountingAuthority::new();
    let clock = EventfulClock(authority.clock.clone(), Arc::default());
    let cache = Arc::new(MemoryCache::new(Arc::new(clock.clone())));
    assert_eq!(authority.first(&cache, &arm()).await, "t1");
    (authority, cache, clock)
}

fn running(cache: &MemoryCache) -> Flight {
    let entries = cache.0.entries.load();
    let place = lock(&entries.get(&arm()).unwrap().slot.flight);
    place.as_ref().unwrap().flight.upgrade().unwrap()
}

#[tokio::test]
async fn a_request_that_ends_at_any_step_of_another_call_is_not_repeated() {
    for (reads, is_held) in (0..4).flat_map(|reads| [(reads, true), (reads, false)]) {
        let (authority, cache, clock) = with_first_token().await;
        authority.clock.advance(Duration::from_secs(3595));
        let request = arm();
        let mut first = Some(cache.get(&request, |request| authority.fetch(request)));
        assert!(first.as_mut().unwrap().now_or_never().is_none());
        let flight = running(&cache);
        if !is_held {
            // The request ends together with its last caller.
            first = None;
        }
        let gate = authority.gate.clone();
        clock.after_reads(reads, move || {
            gate.add_permits(1);
            assert!(flight.now_or_never().unwrap().is_ok());
        });
        let mut second = cache.get(&request, |request| authority.fetch(request));
        let answer = match (&mut second).now_or_never() {
            Some(answer) => answer,
            None => {
                clock.happen();
                // Otherwise the test would wait forever.
                assert_eq!(authority.calls(), 2, "after {reads} reads, held: {is_held}");
                second.await
            }
        };
        assert_eq!(answer.unwrap().secret(), "t2");
        assert_eq!(authority.calls(), 2, "after {reads} reads, held: {is_held}");
        if let Some(first) = first {
            assert_eq!(first.await.unwrap().secret(), "t2");
        }
    }
}

#[tokio::test]
async fn a_token_that_was_replaced_meanwhile_is_not_refreshed() {
    let (authority, cache, clock) = with_first_token().await;
    authority.clock.advance(Duration::from_secs(3580));
    let (other, there) = (authority.clone(), cache.clone());
    clock.after_reads(0, move || {
        other.clock.advance(Duration::from_secs(15));
        other.gate.add_permits(1);
        let replaced = other.first(&there, &arm()).now_or_never();
        assert_eq!(replaced.unwrap(), "t2");
    });
    assert_eq!(authority.get(&cache, &arm()).await.unwrap(), "t1");
    assert_eq!(authority.calls(), 2);
    assert_eq!(authority.get(&cache, &arm()).await.unwrap(), "t2");
}
