#[path = "store_tests.rs"]
mod of_another_store;

use super::*;
use crate::{
    scope::Scope,
    system::{
        Command, FileFacts, FileKind, FileLock, Finished, Fixture, Hypervisor, OpenFile, System,
        Unfinished, Writers,
    },
    tenant::TenantId,
};
use futures_util::{FutureExt, future::BoxFuture};
use std::{
    ffi::OsString,
    io,
    path::{Path, PathBuf},
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    time::UNIX_EPOCH,
};

const HOUR: Duration = Duration::from_secs(3600);
const DEADLINE: Duration = Duration::from_secs(30);
const TOKENS: &str = "/home/ada/.cache/azcred/tokens/v1/file";

fn start() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_800_000_000)
}

fn laptop() -> Fixture {
    Fixture::new().with_var("HOME", "/home/ada").at(start())
}

/// Another process on a machine. It shares only the disk with others.
fn process(system: impl System + 'static) -> ClientOptions {
    ClientOptions::new(Arc::new(system)).with_disk_cache()
}

fn identity(secret: &str) -> Option<Identity> {
    Some(Identity::new("ClientSecretCredential", "the application a").and(secret))
}

fn request() -> TokenRequest {
    TokenRequest::new(Scope::ARM)
}

fn token(name: &str, fixture: &Fixture, lifetime: Duration) -> AccessToken {
    AccessToken::new(name, fixture.now(), lifetime, None)
}

fn refusal() -> Error {
    Error::new(ErrorKind::Refused, "Asked", "the secret is wrong")
}

/// Gets a token; `fetch` returns this at once.
async fn ask(
    options: &ClientOptions,
    request: &TokenRequest,
    brings: Result<AccessToken>,
) -> Result<String> {
    let answer = through(options, identity("s"), request, DEADLINE, |_| async {
        brings
    })
    .await;
    answer.map(|token| token.secret().to_owned())
}

/// Gets a token that must be stored already.
async fn given(options: &ClientOptions) -> Result<String> {
    ask(options, &request(), Err(refusal())).await
}

#[tokio::test]
async fn the_next_process_has_the_token_without_a_request() {
    let fixture = laptop();
    let first = ask(
        &process(fixture.clone()),
        &request(),
        Ok(token("one", &fixture, HOUR)),
    )
    .await;
    assert_eq!(first.unwrap(), "one");
    let next = process(fixture.clone());
    assert_eq!(given(&next).await.unwrap(), "one");
    assert!(next.cache_trouble().is_none());
    fixture.advance(HOUR);
    assert!(given(&process(fixture)).await.is_err(), "it has ended");
}

#[tokio::test]
async fn nothing_is_stored_without_the_option_or_for_an_unknown_identity() {
    let fixture = laptop();
    let in_memory = ClientOptions::new(fixture.clone().shared());
    ask(&in_memory, &request(), Ok(token("one", &fixture, HOUR)))
        .await
        .unwrap();
    let without = process(fixture.clone()).without_cached_tokens();
    ask(&without, &request(), Ok(token("one", &fixture, HOUR)))
        .await
        .unwrap();
    let brought = token("one", &fixture, HOUR);
    through(
        &process(fixture.clone()),
        None,
        &request(),
        DEADLINE,
        |_| async { Ok(brought) },
    )
    .await
    .unwrap();
    assert!(fixture.list(Path::new(TOKENS)).is_err());
    assert!(
        fixture
            .list(Path::new("/home/ada/.local/share/azcred"))
            .is_err()
    );
}

#[tokio::test]
async fn no_process_gets_a_token_of_another_identity_or_request() {
    let fixture = laptop();
    let options = process(fixture.clone());
    ask(&options, &request(), Ok(token("one", &fixture, HOUR)))
        .await
        .unwrap();
    let others = [
        (identity("another secret"), request()),
        (identity("s"), TokenRequest::new(Scope::STORAGE)),
        (identity("s"), request().and_scope(Scope::STORAGE)),
        (
            identity("s"),
            request().with_tenant(TenantId::new("a.com").unwrap()),
        ),
        (identity("s"), request().with_cae()),
        (
            identity("s").map(|identity| identity.and("more")),
            request(),
        ),
        (Some(Identity::new("Another", "").and("s")), request()),
    ];
    for (identity, request) in others {
        let answer = through(&options, identity, &request, DEADLINE, |_| async {
            Err(refusal())
        })
        .await;
        assert!(answer.is_err(), "{request:?}");
    }
    assert_eq!(given(&options).await.unwrap(), "one");
}

#[test]
fn an_identity_of_this_machine_is_unknown_if_the_machine_can_not_be_identified() {
    let at = |boot: Option<&str>| {
        Identity::here(&laptop().with_boot(boot), "A", "").map(|one| one.key(&request()))
    };
    assert!(at(None).is_none());
    assert_ne!(at(Some("first")), at(Some("second")));
}

#[tokio::test]
async fn a_challenge_is_not_answered_from_the_disk_and_its_answer_serves_the_next() {
    let fixture = laptop();
    let options = process(fixture.clone());
    ask(&options, &request(), Ok(token("revoked", &fixture, HOUR)))
        .await
        .unwrap();
    let challenged = request().with_claims("{}");
    assert!(ask(&options, &challenged, Err(refusal())).await.is_err());
    let new = ask(&options, &challenged, Ok(token("new", &fixture, HOUR))).await;
    assert_eq!(new.unwrap(), "new");
    assert_eq!(given(&process(fixture)).await.unwrap(), "new");
}

#[tokio::test]
async fn after_the_clock_was_set_back_a_stored_token_is_not_used() {
    let fixture = laptop();
    ask(
        &process(fixture.clone()),
        &request(),
        Ok(token("one", &fixture, HOUR)),
    )
    .await
    .unwrap();
    fixture.set_clock(start() - 24 * HOUR);
    let options = process(fixture.clone());
    assert!(given(&options).await.is_err());
    let new = ask(&options, &request(), Ok(token("two", &fixture, HOUR))).await;
    assert_eq!(new.unwrap(), "two");
    assert_eq!(given(&process(fixture)).await.unwrap(), "two");
}

#[tokio::test]
async fn one_process_refreshes_a_due_token_and_the_others_get_it_meanwhile() {
    let fixture = laptop();
    ask(
        &process(fixture.clone()),
        &request(),
        Ok(token("due", &fixture, HOUR)),
    )
    .await
    .unwrap();
    fixture.advance(HOUR - Duration::from_secs(120));
    let options = process(fixture.clone());
    let (brought, other) = (token("new", &fixture, HOUR), process(fixture.clone()));
    let replaced = through(
        &options,
        identity("s"),
        &request(),
        DEADLINE,
        |_| async move {
            // While one process requests a token, the other does not.
            assert_eq!(given(&other).await.unwrap(), "due");
            Ok(brought)
        },
    )
    .await;
    assert_eq!(replaced.unwrap().secret(), "new");
    assert_eq!(given(&process(fixture)).await.unwrap(), "new");
}

#[tokio::test]
async fn after_a_failed_refresh_the_due_token_is_returned_and_no_other_refresh_is_tried_for_a_while()
 {
    let fixture = laptop();
    ask(
        &process(fixture.clone()),
        &request(),
        Ok(token("due", &fixture, HOUR)),
    )
    .await
    .unwrap();
    fixture.advance(HOUR - Duration::from_secs(120));
    assert_eq!(
        given(&process(fixture.clone())).await.unwrap(),
        "due",
        "though it failed"
    );
    fixture.advance(Duration::from_secs(20));
    let too_early = ask(
        &process(fixture.clone()),
        &request(),
        Ok(token("new", &fixture, HOUR)),
    )
    .await;
    assert_eq!(too_early.unwrap(), "due");
    fixture.advance(Duration::from_secs(20));
    let again = ask(
        &process(fixture.clone()),
        &request(),
        Ok(token("new", &fixture, HOUR)),
    )
    .await;
    assert_eq!(again.unwrap(), "new");
}

#[tokio::test(start_paused = true)]
async fn a_due_token_is_returned_if_the_refresh_takes_long() {
    let fixture = laptop();
    ask(
        &process(fixture.clone()),
        &request(),
        Ok(token("due", &fixture, HOUR)),
    )
    .await
    .unwrap();
    fixture.advance(HOUR - Duration::from_secs(120));
    let options = process(fixture);
    let began = Instant::now();
    let answer = through(&options, identity("s"), &request(), DEADLINE, |_| {
        std::future::pending()
    })
    .await;
    assert_eq!(answer.unwrap().secret(), "due");
    assert!(began.elapsed() < 2 * AHEAD);
}

#[tokio::test(start_paused = true)]
async fn a_renewal_of_a_sign_in_is_waited_for_as_long_as_an_http_attempt() {
    let fixture = laptop();
    let by_sign_in = || identity("s").map(|identity| identity.of_sign_in("session"));
    let options = process(fixture.clone());
    let ask = async |takes: Duration, brings: &AccessToken| {
        let fetch = async |_| {
            sleep(takes).await;
            Ok(brings.clone())
        };
        let answer = through(&options, by_sign_in(), &request(), DEADLINE, fetch).await;
        answer.unwrap().secret().to_owned()
    };
    ask(Duration::ZERO, &token("due", &fixture, HOUR)).await;
    fixture.advance(HOUR - Duration::from_secs(120));
    let (never, late) = (HOUR, 2 * AHEAD);
    let began = Instant::now();
    assert_eq!(ask(never, &token("new", &fixture, HOUR)).await, "due");
    assert!(began.elapsed() < DEADLINE / 2);
    fixture.advance(REFRESH_PAUSE + LOOK);
    assert_eq!(ask(late, &token("new", &fixture, HOUR)).await, "new");
    assert_eq!(ask(never, &token("none", &fixture, HOUR)).await, "new");
}

#[tokio::test(start_paused = true)]
async fn a_failed_refresh_keeps_the_token_that_answered_a_challenge_meanwhile() {
    for (was_there, fails_at_once) in [(true, true), (true, false), (false, true)] {
        let fixture = laptop();
        let options = process(fixture.clone());
        if was_there {
            let revoked = Ok(token("revoked", &fixture, HOUR));
            ask(&options, &request(), revoked).await.unwrap();
            fixture.advance(HOUR - Duration::from_secs(120));
        }
        let challenged = request().with_claims("{}");
        let fetch = async |_| {
            let new = Ok(token("new", &fixture, HOUR / 2));
            ask(&process(fixture.clone()), &challenged, new).await?;
            if !fails_at_once {
                sleep(HOUR).await;
            }
            Err(refusal())
        };
        let answer = through(&options, identity("s"), &request(), DEADLINE, fetch).await;
        assert_eq!(answer.unwrap().secret(), "new");
        assert_eq!(given(&process(fixture)).await.unwrap(), "new");
    }
}

/// Gets a token in a task; counts the calls of `fetch`.
fn waiter(
    options: ClientOptions,
    fetches: Arc<AtomicUsize>,
    brings: Result<AccessToken>,
) -> tokio::task::JoinHandle<Result<AccessToken>> {
    tokio::spawn(async move {
        through(&options, identity("s"), &request(), DEADLINE, |_| async {
            fetches.fetch_add(1, Ordering::Relaxed);
            brings
        })
        .await
    })
}

#[tokio::test]
async fn many_processes_at_once_send_one_request_and_all_get_its_token() {
    let fixture = laptop();
    let fetches = Arc::<AtomicUsize>::default();
    let waiters: Vec<_> = (0..64)
        .map(|_| {
            let brought = Ok(token("one", &fixture, HOUR));
            waiter(process(fixture.clone()), fetches.clone(), brought)
        })
        .collect();
    for waiter in waiters {
        assert_eq!(waiter.await.unwrap().unwrap().secret(), "one");
    }
    assert_eq!(fetches.load(Ordering::Relaxed), 1);
}

/// One process that holds the lock until it is told to end, and processes that wait for it.
async fn while_one_fetches<T>(
    fixture: &Fixture,
    then: impl FnOnce(tokio::sync::oneshot::Sender<Result<AccessToken>>, tokio::task::AbortHandle) -> T,
) -> (T, Vec<Result<AccessToken>>, usize) {
    let (tell, told) = tokio::sync::oneshot::channel();
    let (began, has_begun) = tokio::sync::oneshot::channel();
    let options = process(fixture.clone());
    let holder = tokio::spawn(async move {
        through(&options, identity("s"), &request(), DEADLINE, |_| async {
            began.send(()).unwrap();
            told.await.unwrap()
        })
        .await
    });
    has_begun.await.unwrap();
    let fetches = Arc::<AtomicUsize>::default();
    let waiters: Vec<_> = (0..8)
        .map(|_| {
            let brought = Ok(token("by another", fixture, HOUR));
            waiter(process(fixture.clone()), fetches.clone(), brought)
        })
        .collect();
    // All have looked once and are waiting.
    sleep(Duration::from_millis(1)).await;
    assert_eq!(fetches.load(Ordering::Relaxed), 0);
    let done = then(tell, holder.abort_handle());
    let _ = holder.await;
    let mut answers = Vec::new();
    for waiter in waiters {
        answers.push(waiter.await.unwrap());
    }
    (done, answers, fetches.load(Ordering::Relaxed))
}

#[tokio::test(start_paused = true)]
async fn waiting_processes_get_the_token_of_the_one_with_the_lock() {
    let fixture = laptop();
    let brought = token("by the holder", &fixture, HOUR);
    let ((), answers, fetches) = while_one_fetches(&fixture, |tell, _| {
        tell.send(Ok(brought)).unwrap();
    })
    .await;
    for answer in answers {
        assert_eq!(answer.unwrap().secret(), "by the holder");
    }
    assert_eq!(fetches, 0);
}

#[tokio::test(start_paused = true)]
async fn if_the_process_with_the_lock_fails_waiting_ones_request_at_once() {
    let fixture = laptop();
    let ((), answers, fetches) = while_one_fetches(&fixture, |tell, _| {
        tell.send(Err(refusal())).unwrap();
    })
    .await;
    assert!(answers.iter().all(Result::is_ok));
    assert!(fetches >= 1);
    // A later process ignores an old failure.
    fixture.advance(HOUR);
    assert!(given(&process(fixture)).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn waiting_processes_do_not_wait_for_each_other_after_a_failure() {
    let fixture = laptop();
    let place = DiskEntry::new(
        &process(fixture.clone()),
        identity("s").unwrap(),
        &request(),
    );
    let lock = place.store.lock(&place.parts()).unwrap();
    let all_ask = Arc::new(tokio::sync::Barrier::new(8));
    let waiters: Vec<_> = (0..8)
        .map(|_| {
            let (options, all_ask) = (process(fixture.clone()), all_ask.clone());
            tokio::spawn(async move {
                through(&options, identity("s"), &request(), DEADLINE, |_| async {
                    // If they requested tokens one after the other, the first would wait here
                    // forever.
                    all_ask.wait().await;
                    Err(refusal())
                })
                .await
            })
        })
        .collect();
    // All have looked once and are waiting.
    sleep(Duration::from_millis(1)).await;
    let began = Instant::now();
    assert!(Arc::new(place).put_failure(None, lock).await.is_none());
    for waiter in waiters {
        assert!(waiter.await.unwrap().unwrap_err().is_refused());
    }
    assert!(
        began.elapsed() < DEADLINE / 4,
        "nobody waited for the time to be over"
    );
}

#[tokio::test]
async fn a_token_that_was_stored_between_the_look_and_the_lock_is_used() {
    let fixture = laptop();
    let options = process(fixture.clone());
    ask(&options, &request(), Ok(token("one", &fixture, HOUR)))
        .await
        .unwrap();
    let place = DiskEntry::new(&options, identity("s").unwrap(), &request());
    let kept = place.store.get(&place.parts()).unwrap().unwrap();
    assert_eq!(place.store.remove(&|_| true).unwrap(), 1);
    let before_lock = move || {
        let _ = place
            .store
            .put(&place.parts(), &kept, place.system.now() + HOUR);
    };
    let does = Does::First(Mutex::new(Some(Box::new(before_lock))));
    assert_eq!(
        given(&process(FaultyDisk { fixture, does })).await.unwrap(),
        "one"
    );
}

#[tokio::test(start_paused = true)]
async fn if_the_process_with_the_lock_is_killed_one_waiting_process_requests() {
    let fixture = laptop();
    let ((), answers, fetches) = while_one_fetches(&fixture, |_, holder| holder.abort()).await;
    for answer in answers {
        assert_eq!(answer.unwrap().secret(), "by another");
    }
    assert_eq!(fetches, 1);
}

#[tokio::test(start_paused = true)]
async fn a_process_waits_at_most_half_of_its_time_and_then_requests() {
    let fixture = laptop();
    let vault = process(fixture.clone());
    let held = DiskEntry::new(&vault, identity("s").unwrap(), &request());
    let _lock = held.store.lock(&held.parts()).unwrap().unwrap();
    let brought = token("alone", &fixture, HOUR);
    let answer = through(
        &process(fixture),
        identity("s"),
        &request(),
        DEADLINE,
        |left| async move {
            assert!(
                left <= DEADLINE / 2 + LOOK * 2 && left > DEADLINE / 3,
                "{left:?}"
            );
            Ok(brought)
        },
    )
    .await;
    assert_eq!(answer.unwrap().secret(), "alone");
}

#[tokio::test]
async fn a_folder_that_others_can_read_disables_the_cache_with_a_report_but_not_the_token() {
    let facts = FileFacts {
        kind: FileKind::Folder,
        len: 0,
        owner: Some(1000),
        writers: Writers::Owner,
        is_readable_by_others: true,
        modified: None,
    };
    let fixture = laptop().with_facts("/home/ada/.cache/azcred", facts, "");
    let options = process(fixture.clone());
    let answer = ask(&options, &request(), Ok(token("one", &fixture, HOUR))).await;
    assert_eq!(answer.unwrap(), "one");
    let trouble = options.cache_trouble().unwrap();
    assert!(
        trouble
            .fix()
            .unwrap()
            .to_string()
            .contains("chmod 700 '/home/ada/.cache/azcred'"),
        "{trouble}"
    );
    assert!(fixture.list(Path::new(TOKENS)).is_err());
}

/// A disk that misbehaves.
#[derive(Debug)]
struct FaultyDisk {
    fixture: Fixture,
    /// What each access to a file in the cache folder does.
    does: Does,
}

enum Does {
    /// Runs something before the first lock.
    First(Mutex<Option<Box<dyn FnOnce() + Send>>>),
    /// Writing and locking fail.
    Fails(io::ErrorKind),
    /// Locks are not supported.
    KnowsNoLocks,
    /// Reading waits until the other end is dropped; the sender reports that it began.
    Hangs(Mutex<mpsc::Sender<()>>, Mutex<mpsc::Receiver<()>>),
}

impl std::fmt::Debug for Does {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Does")
    }
}

impl FaultyDisk {
    fn fails(&self, path: &Path) -> io::Result<()> {
        match &self.does {
            Does::Fails(kind) if path.starts_with("/home/ada/.cache") => Err((*kind).into()),
            _ => Ok(()),
        }
    }
}

impl crate::system::Sealed for FaultyDisk {}

impl System for FaultyDisk {
    fn var(&self, name: &str) -> Option<String> {
        self.fixture.var(name)
    }
    fn read(&self, path: &Path, limit: u64) -> io::Result<Vec<u8>> {
        self.fixture.read(path, limit)
    }
    fn open(&self, path: &Path) -> io::Result<OpenFile> {
        self.fixture.open(path)
    }
    fn look(&self, path: &Path) -> io::Result<FileFacts> {
        if let Does::Hangs(began, held) = &self.does {
            let _ = began.lock().unwrap().send(());
            let _ = held.lock().unwrap().recv();
        }
        self.fixture.look(path)
    }
    fn make_folder(&self, folder: &Path, own: &Path) -> io::Result<()> {
        self.fails(folder)?;
        self.fixture.make_folder(folder, own)
    }
    fn write(&self, path: &Path, content: &[u8]) -> io::Result<()> {
        self.fails(path)?;
        self.fixture.write(path, content)
    }
    fn remove(&self, path: &Path) -> io::Result<()> {
        self.fixture.remove(path)
    }
    fn list(&self, folder: &Path) -> io::Result<Vec<OsString>> {
        self.fixture.list(folder)
    }
    fn try_lock(&self, path: &Path) -> io::Result<Option<FileLock>> {
        self.fails(path)?;
        match &self.does {
            Does::First(first) => {
                if let Some(first) = first.lock().unwrap().take() {
                    first();
                }
                self.fixture.try_lock(path)
            }
            Does::KnowsNoLocks => Err(io::ErrorKind::Unsupported.into()),
            _ => self.fixture.try_lock(path),
        }
    }
    fn find_program(&self, _: &str) -> Option<PathBuf> {
        None
    }
    fn run(&self, command: Command) -> BoxFuture<'static, Result<Finished, Unfinished>> {
        self.fixture.run(command).boxed()
    }
    fn hypervisor(&self) -> Hypervisor {
        Hypervisor::None
    }
    fn user(&self) -> Option<u32> {
        self.fixture.user()
    }
    fn os(&self) -> &'static str {
        "linux"
    }
    fn boot(&self) -> Option<String> {
        None
    }
    fn now(&self) -> SystemTime {
        self.fixture.now()
    }
}

#[tokio::test]
async fn a_read_only_disk_is_read_and_reported_with_the_fix() {
    for (kind, why, fix) in [
        (io::ErrorKind::StorageFull, "full", "df -h"),
        (
            io::ErrorKind::ReadOnlyFilesystem,
            "read-only",
            "AZCRED_HOME",
        ),
        (
            io::ErrorKind::PermissionDenied,
            "does not have the permission",
            "chmod u+rwx",
        ),
    ] {
        let fixture = laptop().with_facts("/home/ada/.cache/azcred", OWN_FOLDER, "");
        ask(
            &process(fixture.clone()),
            &request(),
            Ok(token("kept", &fixture, HOUR)),
        )
        .await
        .unwrap();
        let disk = || FaultyDisk {
            fixture: fixture.clone(),
            does: Does::Fails(kind),
        };
        let options = process(disk());
        assert_eq!(given(&options).await.unwrap(), "kept", "reading goes on");
        assert!(options.cache_trouble().is_none());
        fixture.advance(HOUR);
        let options = process(disk());
        let answer = ask(&options, &request(), Ok(token("new", &fixture, HOUR))).await;
        assert_eq!(answer.unwrap(), "new");
        let trouble = options.cache_trouble().unwrap();
        assert!(
            trouble.why().contains(why) && trouble.fix().unwrap().to_string().contains(fix),
            "{trouble}"
        );
        assert!(!trouble.to_string().contains("new"), "{trouble}");
    }
}

const OWN_FOLDER: FileFacts = FileFacts {
    kind: FileKind::Folder,
    len: 0,
    owner: Some(1000),
    writers: Writers::Owner,
    is_readable_by_others: false,
    modified: None,
};

/// The same note at each call would help no user there.
#[tokio::test]
async fn where_nothing_can_be_stored_at_all_there_is_no_note_and_a_fix_that_works() {
    let roots = FileFacts {
        owner: Some(0),
        ..OWN_FOLDER
    };
    let denied = io::ErrorKind::PermissionDenied;
    for (home, machine) in [
        // A service: its home is `/` or does not exist.
        ("/", laptop().with_fixed("/", denied)),
        ("/nonexistent", laptop().with_fixed("/nonexistent", denied)),
        // A container with `HOME=/root` and another user.
        ("/root", laptop().with_hidden("/root")),
        (
            "/srv/app",
            laptop().with_fixed("/srv/app", io::ErrorKind::ReadOnlyFilesystem),
        ),
    ] {
        let machine = machine.with_var("HOME", home).with_facts("/", roots, "");
        let options = process(machine.clone());
        let brought = Ok(token("one", &machine, HOUR));
        let answer = ask(&options, &request(), brought).await;
        assert_eq!(answer.unwrap(), "one", "{home}");
        let trouble = options.cache_trouble().unwrap();
        assert!(trouble.is_unavailable(), "{home}: {trouble}");
        let fix = trouble.fix().unwrap().to_string();
        assert!(fix.contains("export AZCRED_HOME="), "{home}: {fix}");
        assert!(!fix.contains("chmod") && !fix.contains("chown"), "{fix}");
    }
}

#[tokio::test]
async fn a_due_token_on_a_read_only_disk_is_used_until_there_is_another() {
    let fixture = laptop();
    ask(
        &process(fixture.clone()),
        &request(),
        Ok(token("due", &fixture, HOUR)),
    )
    .await
    .unwrap();
    fixture.advance(HOUR - Duration::from_secs(120));
    let does = Does::Fails(io::ErrorKind::ReadOnlyFilesystem);
    let options = process(FaultyDisk {
        fixture: fixture.clone(),
        does,
    });
    assert_eq!(given(&options).await.unwrap(), "due");
    let answer = ask(&options, &request(), Ok(token("new", &fixture, HOUR))).await;
    assert_eq!(answer.unwrap(), "new");
}

#[tokio::test]
async fn a_file_system_without_locks_works_too() {
    let fixture = laptop();
    let disk = || FaultyDisk {
        fixture: fixture.clone(),
        does: Does::KnowsNoLocks,
    };
    let options = process(disk());
    ask(&options, &request(), Ok(token("one", &fixture, HOUR)))
        .await
        .unwrap();
    assert!(options.cache_trouble().is_none());
    assert_eq!(given(&process(disk())).await.unwrap(), "one");
}

#[tokio::test(start_paused = true)]
async fn a_disk_that_hangs_costs_some_seconds_once() {
    let fixture = laptop();
    let (began, has_begun) = mpsc::channel();
    let (hold, held) = mpsc::channel();
    let does = Does::Hangs(Mutex::new(began), Mutex::new(held));
    let options = process(FaultyDisk {
        fixture: fixture.clone(),
        does,
    });
    let asked = {
        let (options, brought) = (options.clone(), Ok(token("one", &fixture, HOUR)));
        tokio::spawn(async move { ask(&options, &request(), brought).await })
    };
    while has_begun.try_recv().is_err() {
        tokio::task::yield_now().await;
    }
    tokio::time::advance(DISK + LOOK).await;
    assert_eq!(asked.await.unwrap().unwrap(), "one");
    assert!(
        options
            .cache_trouble()
            .unwrap()
            .why()
            .contains("did not answer")
    );
    // If this call used the disk, another thread would hang.
    let again = ask(&options, &request(), Ok(token("two", &fixture, HOUR))).await;
    assert_eq!(again.unwrap(), "two");
    drop(hold);
}

#[tokio::test]
async fn a_request_that_began_before_a_challenge_does_not_replace_its_answer_on_disk() {
    let fixture = laptop();
    let (options, other) = (process(fixture.clone()), process(fixture.clone()));
    let challenged = request().with_claims("{}");
    let asked = request();
    let older = through(&options, identity("s"), &asked, DEADLINE, async |_| {
        let older = token("older", &fixture, HOUR);
        fixture.advance(Duration::from_secs(1));
        let answer = ask(&other, &challenged, Ok(token("answer", &fixture, HOUR)));
        assert_eq!(answer.await.unwrap(), "answer");
        Ok(older)
    });
    assert_eq!(older.await.unwrap().secret(), "older");
    assert_eq!(given(&process(fixture)).await.unwrap(), "answer");
}
