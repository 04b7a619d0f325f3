//! Keeps `^C` off the screen while a line is drawn again: the terminal would write it behind that
//! line, onto the next one, where the line is then cleared in vain.

#[cfg(unix)]
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Control keys are not shown until this and all others of its kind are dropped. Does nothing where
/// no terminal of ours is.
pub(crate) struct UnseenControlKeys(());

#[cfg(unix)]
mod terminal {
    use rustix::{
        process::getpgrp,
        termios::{LocalModes, OptionalActions, Termios, isatty, tcgetattr, tcgetpgrp, tcsetattr},
    };
    use std::io;

    /// Changes the terminal; what it was before, where there is one to change.
    pub(super) fn hide() -> Option<Termios> {
        let input = io::stdin();
        // Who is in the background would be stopped. Where there is no telling, nobody is stopped
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

/// How many want it, and what the terminal was before the first of them.
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
