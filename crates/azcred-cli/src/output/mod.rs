//! The output for people and programs: results on standard output, everything else on standard
//! error.

pub(crate) mod chain_table;
mod control_keys;
pub(crate) mod device_code;
pub(crate) mod door;
pub(crate) mod failure;
mod letters;
mod qr;
mod screen;
mod spinner;
pub(crate) mod style;
pub(crate) mod table;
pub(crate) mod time;
pub(crate) mod width;
pub(crate) mod wrap;

pub(crate) use control_keys::UnseenControlKeys;
pub(crate) use failure::{Sources, text as failure_text};
pub(crate) use screen::{Clipboard, Screen};
pub(crate) use spinner::{Asking, CHAIN, HiddenSpinner, Spinner};
pub(crate) use wrap::Stream;

use self::door::Door;
use crate::failure::{Failure, Kind};
use azcred::system::{System, unattended};
use clap::ValueEnum;
use serde::Serialize;
use std::{
    fmt,
    io::{self, IsTerminal},
};

/// The width of 'note:' and a space.
const NOTE: usize = 6;

/// The format of results.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// Text for people.
    Text,
    /// JSON for programs, with a stable format.
    Json,
}

/// The two streams, and how to write to them.
///
/// If the reader closes the pipe (`azcred … | head -1`), only the output ends.
pub(crate) struct Output {
    /// The format of results.
    pub(crate) format: Format,
    /// Whether details that most people don't need are shown.
    pub(crate) verbose: bool,
    stdout: Door<io::Stdout>,
    trouble: Option<io::Error>,
    /// Whether a spinner may be shown. With traces it is not: they would overwrite each other.
    is_animated: bool,
    /// `--no-input`.
    no_input: bool,
}

impl Output {
    pub(crate) fn new(format: Format, verbose: bool, no_input: bool) -> Self {
        Self {
            format,
            stdout: door::stdout(),
            trouble: None,
            is_animated: !verbose && std::env::var_os("AZCRED_LOG").is_none(),
            verbose,
            no_input,
        }
    }

    /// Whether the option `--no-input` forbids prompts.
    pub(crate) fn no_input(&self) -> bool {
        self.no_input
    }

    /// Why a person can't be prompted. `None` if a person can.
    pub(crate) fn why_not_ask(&self, system: &dyn System) -> Option<String> {
        if self.no_input {
            return Some("--no-input is given".to_owned());
        }
        if let Some(why) = unattended(system) {
            return Some(why.to_string());
        }
        (!io::stdin().is_terminal()).then(|| "standard input is not a terminal".to_owned())
    }

    /// A line of a prompt on standard error, in every output format.
    pub(crate) fn prompt(&self, line: impl fmt::Display) {
        let _ = door::stderr().line(line);
    }

    pub(crate) fn is_json(&self) -> bool {
        self.format == Format::Json
    }

    /// Whether a person reads the result on a screen.
    pub(crate) fn is_terminal(&self) -> bool {
        io::stdout().is_terminal()
    }

    /// Writes one line of the result, styled if the stream allows it.
    pub(crate) fn line(&mut self, line: impl fmt::Display) {
        if self.trouble.is_none()
            && let Err(error) = self.stdout.line(line)
        {
            self.trouble = Some(error);
        }
    }

    /// Writes a script. For a program, it is byte for byte the same: a value in it may have
    /// characters that no line for people may have.
    pub(crate) fn script(&mut self, script: &str) {
        if self.is_terminal() {
            self.line(script.replace('\t', "    "));
        } else if self.trouble.is_none()
            && let Err(error) = self.stdout.verbatim(&format!("{script}\n"))
        {
            self.trouble = Some(error);
        }
    }

    /// Writes the result for programs.
    pub(crate) fn json(&mut self, result: &impl Serialize) {
        match serde_json::to_string_pretty(result) {
            Ok(text) => self.line(door::escaped(text)),
            Err(error) => self.trouble = Some(error.into()),
        }
    }

    /// Writes a remark for people on standard error. Nothing with JSON output.
    pub(crate) fn note(&self, note: impl fmt::Display) {
        if !self.is_json() {
            // If standard error is closed, nothing else can be done.
            let _ = door::stderr().line(note);
        }
    }

    /// Writes a remark after the word 'note', wrapped. Nothing with JSON output.
    pub(crate) fn remark(&self, sentence: &str) {
        if !self.is_json() {
            self.caution(sentence);
        }
    }

    /// Writes a remark with every output format, as it needs an action.
    pub(crate) fn caution(&self, sentence: &str) {
        let lines = wrap::wrap(sentence, wrap::Stream::Stderr.width().saturating_sub(NOTE));
        for (number, line) in lines.iter().enumerate() {
            let line = style::with_code(line);
            let _ = match number {
                0 => door::stderr().line(format_args!(
                    "\n{} {line}",
                    style::paint(style::WARN, "note:")
                )),
                _ => door::stderr().line(format_args!("{:NOTE$}{line}", "")),
            };
        }
    }

    /// Writes a failure to standard error.
    pub(crate) fn failure(&self, failure: &Failure) {
        failure::show(failure, self.format, self.verbose);
    }

    /// Writes a failure as [`Output::failure`] does, from any thread.
    pub(crate) fn reporter(&self) -> impl Fn(&Failure) + Send + Sync + 'static {
        let (format, verbose) = (self.format, self.verbose);
        move |failure| failure::show(failure, format, verbose)
    }

    /// Checks that the result was written. A reader that closed the pipe is not an error.
    pub(crate) fn finish(&mut self) -> Result<(), Failure> {
        match self.trouble.take() {
            Some(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Failure::new(
                Kind::Failed,
                "could not write the result to standard output",
                error.to_string(),
            )),
            _ => Ok(()),
        }
    }

    /// From now on, no spinner is shown.
    pub(crate) fn without_animation(&mut self) {
        self.is_animated = false;
    }

    /// A spinner for `what`. It is shown only if it is useful.
    pub(crate) fn spinner(&self, what: &'static str) -> Spinner {
        Spinner::new(what, self.is_animated && !self.is_json())
    }

    /// Awaits `work`. Shows a spinner if that takes more than a moment.
    pub(crate) async fn waiting<T>(&self, what: &'static str, work: impl Future<Output = T>) -> T {
        self.spinner(what).during(work).await
    }
}
