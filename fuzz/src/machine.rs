//! A machine for a target: fixed time, no network, and a runtime whose clock does not wait.

use crate::{input, oracle};
use azcred::{
    ClientOptions, Notice, Prompt,
    fuzz::{CannedResponse, with_responses},
    system::Fixture,
};
use std::{
    cell::RefCell,
    collections::BTreeSet,
    panic,
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::{Duration, SystemTime},
};
use tracing::{
    Event, Metadata, Subscriber,
    field::{Field, Visit},
    span,
};

/// The time at which all targets run: 2027-01-15 08:00 UTC.
pub(crate) const NOW: u64 = 1_800_000_000;

/// A machine with nothing on it.
pub(crate) fn machine() -> Fixture {
    Fixture::new().at(SystemTime::UNIX_EPOCH + Duration::from_secs(NOW))
}

/// Options whose notices are checked.
pub(crate) fn options(machine: Fixture) -> ClientOptions {
    ClientOptions::new(machine.shared()).with_prompt(Arc::new(Checked))
}

/// Runs something whose requests get these responses. Waiting takes no time.
pub(crate) fn answered<F: Future>(responses: Vec<CannedResponse>, run: F) -> F::Output {
    with_responses(responses, || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .start_paused(true)
            .max_blocking_threads(1)
            .thread_name(background())
            .build()
            .expect("a runtime");
        let done = runtime.block_on(run);
        runtime.shutdown_background();
        done
    })
}

/// The threads that panicked, by name. A runtime makes an error of a panic in a thread of its own,
/// and an error is no failure.
static PANICKED: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

/// The name of the threads that work for this one.
fn background() -> String {
    format!("{} (background)", thread::current().name().unwrap_or("?"))
}

/// Remembers panics in all threads.
pub(crate) fn watch_background() {
    let before = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        let name = thread::current().name().unwrap_or("?").to_owned();
        let mut panicked = PANICKED.lock().unwrap_or_else(PoisonError::into_inner);
        panicked.insert(name);
        drop(panicked);
        before(info);
    }));
}

/// Fails if a thread that worked for this one panicked.
pub(crate) fn check_background() {
    let mut panicked = PANICKED.lock().unwrap_or_else(PoisonError::into_inner);
    let is_known = panicked.remove(&background());
    drop(panicked);
    assert!(!is_known, "a thread in the background panicked");
}

/// As [`answered`], with the responses that an input has.
pub(crate) fn answered_by<F: Future>(data: &[u8], run: F) -> F::Output {
    answered(input::responses(data), run)
}

/// Shows notices to the oracle.
#[derive(Debug)]
struct Checked;

impl Prompt for Checked {
    fn show(&self, notice: &Notice<'_>) {
        oracle::debug(notice);
        match notice {
            Notice::Browser { url, .. } => oracle::is_printable(url.as_str()),
            Notice::NoBrowser { why } => oracle::shown(why),
            Notice::DeviceCode(code) => {
                oracle::shown(&code.user_code);
                oracle::shown(&code.verification_uri);
            }
            Notice::Strange { what } => oracle::shown(what),
            _ => {}
        }
    }
}

thread_local! {
    static LOGGED: RefCell<String> = const { RefCell::new(String::new()) };
}

/// Checks what was logged on this thread since the last time: a log must not have secrets either.
/// Who shows a log makes it printable.
pub(crate) fn check_log() {
    let logged = LOGGED.take();
    oracle::keeps_secret(&logged);
}

/// Forgets what was logged on this thread.
pub(crate) fn forget_log() {
    LOGGED.take();
}

/// Keeps what is logged, at every level.
pub(crate) struct Log;

impl Subscriber for Log {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("azcred")
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, event: &Event<'_>) {
        LOGGED.with_borrow_mut(|logged| event.record(&mut Written(logged)));
    }

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

struct Written<'a>(&'a mut String);

impl Visit for Written<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        use std::fmt::Write as _;
        let _ = writeln!(self.0, "{}: {value:?}", field.name());
    }
}
