//! The record of tokens: a line for each in the log of `-v`, and in a file on request.

use crate::failure::{Failure, Kind};
use azcred::printable_path;
use azcred_endpoint::{Audit, Event, LogAudit};
use std::{
    fs::{File, OpenOptions},
    io::Write,
    path::Path,
};

/// Records each event in the log and in a file.
pub(super) struct FileAudit(File);

impl FileAudit {
    /// Opens a file to append to. It is created (mode 0600) if it does not exist.
    pub(super) fn open(path: &Path) -> Result<Self, Failure> {
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
        options.open(path).map(Self).map_err(|error| {
            let path = printable_path(path);
            Failure::new(
                Kind::Failed,
                format!("could not write {path}"),
                error.to_string(),
            )
            .fix("choose a file that you can write to with --audit")
        })
    }
}

impl Audit for FileAudit {
    fn record(&self, event: &Event) {
        LogAudit.record(event);
        // One write, so that lines of several processes are not mixed.
        if let Err(error) = (&self.0).write_all(format!("{event}\n").as_bytes()) {
            tracing::warn!(%error, "a line of --audit was lost");
        }
    }
}
