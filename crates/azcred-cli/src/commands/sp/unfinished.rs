//! Says what exists if a command ends in the middle: by an error, or by Ctrl-C.

use crate::output::{Stream, door, style, wrap};
use azcred_azure::Application;

/// What to tell if the command does not come to its end.
pub(super) struct Unfinished(Option<String>);

impl Unfinished {
    /// Nothing exists yet.
    pub(super) fn new() -> Self {
        Self(None)
    }

    /// From now on, this application exists, and a command that made it is not at its end.
    pub(super) fn made(&mut self, application: &Application) {
        let (name, id) = (&application.name, application.app_id);
        self.0 = Some(format!(
            "the application {name} (client id {id}) exists, and is not finished. To finish it, run the same command again; to remove it, run \
             `azcred sp delete --client-id {id}`"
        ));
    }

    /// The command came to its end.
    pub(super) fn finish(mut self) {
        self.0 = None;
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        let Some(sentence) = self.0.take() else {
            return;
        };
        let width = Stream::Stderr.width().saturating_sub(6);
        for (number, line) in wrap::wrap(&sentence, width).iter().enumerate() {
            let line = style::with_code(line);
            let mark = style::paint(style::WARN, "note:");
            // If standard error is closed, nothing else can be done.
            let _ = match number {
                0 => door::stderr().line(format_args!("{mark} {line}")),
                _ => door::stderr().line(format_args!("      {line}")),
            };
        }
    }
}
