//! The record of tokens and rejections: a line for each in the log of `-v`, and on request on
//! standard error and in a file.

use crate::{
    failure::{Failure, Kind},
    output::door,
};
use azcred::printable_path;
use azcred_endpoint::{Audit, Event, LogAudit, More};
use std::{
    fmt::Display,
    fs::{File, OpenOptions},
    io::Write,
    path::Path,
};

/// Records each event in the log, and in these places.
#[derive(Default)]
pub(super) struct Record {
    file: Option<File>,
    is_shown: bool,
}

impl Record {
    /// Also on standard error, with JSON output too.
    pub(super) fn shown(mut self) -> Self {
        self.is_shown = true;
        self
    }

    /// Also in a file, to which lines are appended. It is created (mode 0600) if it does not exist.
    pub(super) fn in_file(mut self, path: &Path) -> Result<Self, Failure> {
        let mut options = OpenOptions::new();
        options.create(true).append(true);
        #[cfg(unix)]
        {
            use rustix::fs::OFlags;
            use std::os::unix::fs::OpenOptionsExt as _;
            // A pipe that nothing reads is an error, and not a reason to wait.
            let flags = OFlags::NONBLOCK | OFlags::NOCTTY;
            options.mode(0o600).custom_flags(flags.bits().cast_signed());
        }
        let file = options.open(path).map_err(|error| {
            let path = printable_path(path);
            Failure::new(
                Kind::Failed,
                format!("could not write {path}"),
                error.to_string(),
            )
            .fix("choose a file that you can write to with --audit")
        })?;
        self.file = Some(file);
        Ok(self)
    }

    fn write(&self, line: impl Display) {
        if self.is_shown {
            // If standard error is closed, nothing else can be done.
            let _ = door::stderr().line(&line);
        }
        let Some(mut file) = self.file.as_ref() else {
            return;
        };
        // One write, so that lines of several processes are not mixed.
        if let Err(error) = file.write_all(format!("{line}\n").as_bytes()) {
            tracing::warn!(%error, "a line of --audit was lost");
        }
    }
}

impl Audit for Record {
    fn record(&self, event: &Event) {
        LogAudit.record(event);
        self.write(event);
    }

    fn record_more(&self, more: &More) {
        LogAudit.record_more(more);
        self.write(more);
    }
}
