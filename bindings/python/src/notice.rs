//! What a person has to know while they sign in, on its way to the threads that wait.

use crate::call::Shared;
use azcred::{Notice, Prompt};
use pyo3::{
    prelude::*,
    types::{PyDict, PyString},
};
use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError, Weak},
    time::{SystemTime, UNIX_EPOCH},
};

/// The notices of a session that no caller has shown yet. The first caller that wakes shows them,
/// in its own thread: only there does a notebook know the cell.
#[derive(Debug, Default)]
pub(crate) struct Board(Mutex<Pinned>);

#[derive(Debug, Default)]
struct Pinned {
    notices: VecDeque<Note>,
    callers: Vec<Weak<Shared>>,
}

/// A [`Notice`] without its lifetime: its kind, and values by name.
#[derive(Clone, Debug)]
pub(crate) struct Note {
    kind: &'static str,
    texts: Vec<(&'static str, String)>,
    until: Option<f64>,
}

impl Board {
    /// Wakes this caller when there is a notice.
    pub(crate) fn add(&self, caller: &Arc<Shared>) {
        let mut pinned = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        pinned.callers.retain(|known| known.strong_count() > 0);
        pinned.callers.push(Arc::downgrade(caller));
    }

    /// The next notice that no caller has shown.
    pub(crate) fn take(&self) -> Option<Note> {
        let mut pinned = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        pinned.notices.pop_front()
    }
}

impl Prompt for Board {
    fn show(&self, notice: &Notice<'_>) {
        let callers = {
            let mut pinned = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            pinned.notices.push_back(Note::of(notice));
            pinned.callers.clone()
        };
        for caller in callers.iter().filter_map(Weak::upgrade) {
            caller.wake();
        }
    }
}

impl Note {
    fn of(notice: &Notice<'_>) -> Self {
        let seconds = |time: SystemTime| {
            let since = time.duration_since(UNIX_EPOCH);
            since.map_or(0.0, |since| since.as_secs_f64())
        };
        let (kind, texts, until) = match notice {
            Notice::Browser { url, until } => {
                let texts = vec![("url", url.to_string())];
                ("browser", texts, Some(seconds(*until)))
            }
            Notice::NoBrowser { why } => ("no_browser", vec![("why", (*why).to_owned())], None),
            Notice::DeviceCode(code) => (
                "device_code",
                vec![
                    ("code", code.user_code.clone()),
                    ("url", code.verification_uri.to_string()),
                ],
                Some(seconds(code.expires_on)),
            ),
            Notice::Strange { what } => ("strange", vec![("what", (*what).to_owned())], None),
            Notice::AnotherProcess => ("another_process", Vec::new(), None),
            _ => ("over", Vec::new(), None),
        };
        Self { kind, texts, until }
    }

    /// As the arguments of `show(kind, **values)`.
    pub(crate) fn values<'py>(
        &self,
        py: Python<'py>,
    ) -> PyResult<(Bound<'py, PyString>, Bound<'py, PyDict>)> {
        let values = PyDict::new(py);
        for (name, text) in &self.texts {
            values.set_item(name, text)?;
        }
        if let Some(until) = self.until {
            values.set_item("until", until)?;
        }
        Ok((PyString::new(py, self.kind), values))
    }
}
