//! Keeps `^C` off the screen while a line is redrawn. The terminal would write it after that line
//! and move on to the next one, so that the wrong line is cleared.

#[cfg(unix)]
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Control keys are not shown until this and all others of this type are dropped. Does nothing
/// without a terminal of our own.
pub(crate) struct UnseenControlKeys(());

#[cfg(unix)]
mod terminal {
    use rustix::{
        process::getpgrp,
        termios::{LocalModes, OptionalActions, Termios, isatty, tcgetattr, tcgetpgrp, tcsetattr},
    };
    use std::io;

    /// Changes the terminal. Returns its former settings, if it was changed.
    pub(super) fn hide() -> Option<Termios> {
        let input = io::stdin();
        // A background process would be stopped. If that can't be checked, it is not stopped
        // either.
        let is_ours = isatty(&input) && tcgetpgrp(&input).map_or(true, |group| group == getpgrp());
        let before = tcgetattr(&input).ok().filter(|_| is_ours)?;
        let mut unseen = before.clone();
        unseen.local_modes -= LocalModes::ECHOCTL;
        tcsetattr(&input, OptionalActions::Now, &unseen).ok()?;
        Some(before)
    }

    pub(super) fn show(before: &Termios) {
        let _ = tcsetattr(io::stdin(), OptionalActions::Now, before);
    }
}

/// The number of users, and the terminal's settings before the first of them.
#[cfg(unix)]
static WANTED: Mutex<(usize, Option<rustix::termios::Termios>)> = Mutex::new((0, None));

#[cfg(unix)]
fn wanted() -> MutexGuard<'static, (usize, Option<rustix::termios::Termios>)> {
    WANTED.lock().unwrap_or_else(PoisonError::into_inner)
}

impl UnseenControlKeys {
    pub(crate) fn new() -> Self {
        #[cfg(unix)]
        {
            let mut wanted = wanted();
            if wanted.0 == 0 {
                wanted.1 = terminal::hide();
            }
            wanted.0 += 1;
        }
        Self(())
    }
}

impl Drop for UnseenControlKeys {
    fn drop(&mut self) {
        #[cfg(unix)]
        {
            let mut wanted = wanted();
            wanted.0 -= 1;
            if wanted.0 == 0
                && let Some(before) = wanted.1.take()
            {
                terminal::show(&before);
            }
        }
    }
}
