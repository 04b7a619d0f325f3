//! A spinner on standard error, for everything that takes more than a moment.

use super::{Screen, UnseenControlKeys};
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

/// Shorter work shows nothing: a flicker is worse than a pause.
const MOMENT: Duration = Duration::from_millis(500);
const TICK: Duration = Duration::from_millis(100);

/// A spinner that appears only on a terminal, after a moment.
pub(crate) struct Spinner(Option<ProgressBar>);

impl Spinner {
    /// A spinner with this text. If it is not `wanted`, it never appears.
    pub(super) fn new(what: &'static str, wanted: bool) -> Self {
        if !wanted || !Self::is_watched() {
            return Self(None);
        }
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden());
        Self(Some(bar.with_message(what)))
    }

    /// Changes the text.
    pub(crate) fn say(&self, what: impl Into<Cow<'static, str>>) {
        if let Some(bar) = &self.0 {
            bar.set_message(what);
        }
    }

    /// Hides the spinner while something is written.
    pub(crate) fn aside<T>(&self, write: impl FnOnce() -> T) -> T {
        match &self.0 {
            Some(bar) => bar.suspend(write),
            None => write(),
        }
    }

    /// Awaits `work`, shows the spinner after a moment, and removes it at the end.
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
            bar.set_style(match Screen::is_unicode(|name| std::env::var(name).ok()) {
                true => style,
                false => style.tick_chars(r"-\|/ "),
            });
        }
        {
            let mut now = now();
            now.is_due = true;
            now.draw();
        }
        work.await
    }

    /// Whether a person can see a spinner.
    pub(crate) fn is_watched() -> bool {
        io::stderr().is_terminal() && std::env::var_os("TERM").is_none_or(|term| term != "dumb")
    }
}

/// The present spinner, if there is one, and whether it is drawn.
struct Now {
    bar: Option<ProgressBar>,
    /// Whether the moment has passed.
    is_due: bool,
    /// How many other drawings need the screen.
    hidden_by: usize,
}

impl Now {
    /// Draws or hides the spinner.
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

/// Hides the spinner until this is dropped, while something else is drawn.
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

/// Removes a spinner when its work ends or is dropped.
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

/// Shows in the spinner which source the chain tries, from its traces.
pub(crate) struct Asking;

/// The target of the chain's traces.
pub(crate) const CHAIN: &str = "azcred::chain";

impl<S: Subscriber> Layer<S> for Asking {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut told = EventFields::default();
        event.record(&mut told);
        if let (true, Some(source), Some(bar)) = (told.asking, told.source, &now().bar) {
            bar.set_message(format!("Trying {source}"));
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
