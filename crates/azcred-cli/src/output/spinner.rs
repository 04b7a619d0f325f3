//! A sign of life on standard error, for whatever takes more than a moment.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::{
    borrow::Cow,
    io::{self, IsTerminal},
    pin::pin,
    time::Duration,
};

/// What takes less shows nothing: a flicker is worse than a pause.
const MOMENT: Duration = Duration::from_millis(500);
const TICK: Duration = Duration::from_millis(100);

/// A spinner that shows itself only where somebody watches and has to wait.
pub(crate) struct Spinner(Option<ProgressBar>);

impl Spinner {
    /// One that says `what` is going on; one that never shows itself where it is not `wanted`.
    pub(super) fn new(what: &'static str, wanted: bool) -> Self {
        let dumb = || std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        if !wanted || !io::stderr().is_terminal() || dumb() {
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
        let mut work = pin!(work);
        if let Ok(done) = tokio::time::timeout(MOMENT, &mut work).await {
            return done;
        }
        if let Ok(style) = ProgressStyle::with_template("{spinner:.cyan} {msg} {elapsed:.dim}") {
            bar.set_style(style);
        }
        bar.set_draw_target(ProgressDrawTarget::stderr());
        bar.enable_steady_tick(TICK);
        let done = work.await;
        bar.finish_and_clear();
        done
    }
}
