//! A sign of life on standard error, for whatever takes more than a moment.

use super::UnseenControlKeys;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::{
    borrow::Cow,
    fmt,
    io::{self, IsTerminal},
    pin::pin,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tracing::{
    Event, Subscriber,
    field::{Field, Visit},
};
use tracing_subscriber::layer::{Context, Layer};

/// What takes less shows nothing: a flicker is worse than a pause.
const MOMENT: Duration = Duration::from_millis(500);
const TICK: Duration = Duration::from_millis(100);

/// A spinner that shows itself only where somebody watches and has to wait.
pub(crate) struct Spinner(Option<ProgressBar>);

impl Spinner {
    /// One that says `what` is going on; one that never shows itself where it is not `wanted`.
    pub(super) fn new(what: &'static str, wanted: bool) -> Self {
        if !wanted || !Self::is_watched() {
            return Self(None);
        }
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden());
        Self(Some(bar.with_message(what)))
    }

    /// Says something else is going on.
    pub(crate) fn say(&self, what: impl Into<Cow<'static, str>>) {
        if let Some(bar) = &self.0 {
            bar.set_message(what);
        }
    }

    /// Steps aside while something is written.
    pub(crate) fn aside<T>(&self, write: impl FnOnce() -> T) -> T {
        match &self.0 {
            Some(bar) => bar.suspend(write),
            None => write(),
        }
    }

    /// Awaits `work`, showing itself after a moment, and leaves no trace.
    pub(crate) async fn during<T>(&self, work: impl Future<Output = T>) -> T {
        let Some(bar) = &self.0 else {
            return work.await;
        };
        let _shown = Drawn::new(bar);
        let mut work = pin!(work);
        if let Ok(done) = tokio::time::timeout(MOMENT, &mut work).await {
            return done;
        }
        let _unseen = UnseenControlKeys::new();
        if let Ok(style) = ProgressStyle::with_template("{spinner:.cyan} {msg} {elapsed:.dim}") {
            bar.set_style(style);
        }
        {
            let mut now = now();
            now.is_due = true;
            now.draw();
        }
        work.await
    }

    /// Whether there is anybody to show one to.
    pub(crate) fn is_watched() -> bool {
        io::stderr().is_terminal() && std::env::var_os("TERM").is_none_or(|term| term != "dumb")
    }
}

/// The spinner of this moment, if any, and whether it is drawn.
struct Now {
    bar: Option<ProgressBar>,
    /// It has been long enough.
    is_due: bool,
    /// How many are there that want to be alone on the screen.
    hidden_by: usize,
}

impl Now {
    /// Draws it where it should be drawn.
    fn draw(&self) {
        if let (Some(bar), true, 0) = (&self.bar, self.is_due, self.hidden_by) {
            bar.reset();
            bar.set_draw_target(ProgressDrawTarget::stderr());
            bar.enable_steady_tick(TICK);
        }
    }
}

static NOW: Mutex<Now> = Mutex::new(Now {
    bar: None,
    is_due: false,
    hidden_by: 0,
});

fn now() -> MutexGuard<'static, Now> {
    NOW.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Keeps the spinner off the screen, where something else is drawn, until it is dropped.
pub(crate) struct HiddenSpinner(());

impl HiddenSpinner {
    pub(crate) fn hide() -> Self {
        let mut now = now();
        now.hidden_by += 1;
        if let Some(bar) = &now.bar {
            bar.disable_steady_tick();
            bar.finish_and_clear();
        }
        Self(())
    }
}

impl Drop for HiddenSpinner {
    fn drop(&mut self) {
        let mut now = now();
        now.hidden_by -= 1;
        now.draw();
    }
}

/// Leaves no trace of a spinner, whether its work ends or is given up.
struct Drawn<'a>(&'a ProgressBar);

impl<'a> Drawn<'a> {
    fn new(bar: &'a ProgressBar) -> Self {
        let mut now = now();
        now.bar = Some(bar.clone());
        now.is_due = false;
        Self(bar)
    }
}

impl Drop for Drawn<'_> {
    fn drop(&mut self) {
        let mut now = now();
        now.bar = None;
        now.is_due = false;
        self.0.finish_and_clear();
    }
}

/// Lets the spinner say which source a chain asks, as its traces tell.
pub(crate) struct Asking;

/// Where the traces come from.
pub(crate) const CHAIN: &str = "azcred::chain";

impl<S: Subscriber> Layer<S> for Asking {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut told = EventFields::default();
        event.record(&mut told);
        if let (true, Some(source), Some(bar)) = (told.asking, told.source, &now().bar) {
            bar.set_message(format!("Asking {source}"));
        }
    }
}

#[derive(Default)]
struct EventFields {
    asking: bool,
    source: Option<String>,
}

impl Visit for EventFields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        match field.name() {
            "message" => self.asking = format!("{value:?}") == "asking",
            "source" => self.source = Some(format!("{value:?}")),
            _ => {}
        }
    }
}
