//! What people and programs see: results on standard output, everything else on standard error.

pub(crate) mod chain_table;
mod control_keys;
pub(crate) mod device_code;
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
pub(crate) use screen::{Clipboard, Screen};
pub(crate) use spinner::{Asking, CHAIN, HiddenSpinner, Spinner};

use crate::failure::{Failure, Kind};
use anstream::AutoStream;
use azcred::system::{System, unattended};
use clap::ValueEnum;
use serde::Serialize;
use std::{
    fmt,
    io::{self, IsTerminal, Write},
};

/// The width of the word 'note:' and a space.
const NOTE: usize = 6;

/// How results are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people.
    Text,
    /// For programs: a stable shape.
    Json,
}

/// The two streams, and how to write to them.
///
/// A reader that goes away (`azcred … | head -1`) ends the writing and nothing else.
pub(crate) struct Output {
    /// For people or for programs.
    pub(crate) format: Format,
    /// Whether details that most people don't need are shown too.
    pub(crate) verbose: bool,
    stdout: AutoStream<io::Stdout>,
    trouble: Option<io::Error>,
    /// Traces and a spinner would write over each other.
    traced: bool,
    /// `--no-input`.
    no_input: bool,
}

impl Output {
    pub(crate) fn new(format: Format, verbose: bool, no_input: bool) -> Self {
        Self {
            format,
            stdout: anstream::stdout(),
            trouble: None,
            traced: verbose || std::env::var_os("AZCRED_LOG").is_some(),
            verbose,
            no_input,
        }
    }

    /// Whether the command line says that nothing may be asked for.
    pub(crate) fn no_input(&self) -> bool {
        self.no_input
    }

    /// Why a person can't be asked to type something; `None` where they can.
    pub(crate) fn why_not_ask(&self, system: &dyn System) -> Option<String> {
        if self.no_input {
            return Some("--no-input is given".to_owned());
        }
        if let Some(why) = unattended(system) {
            return Some(why.to_string());
        }
        (!io::stdin().is_terminal()).then(|| "standard input is not a terminal".to_owned())
    }

    /// A line of a question, on standard error, whoever reads the result.
    pub(crate) fn prompt(&self, line: impl fmt::Display) {
        let _ = writeln!(anstream::stderr(), "{line}");
    }

    pub(crate) fn is_json(&self) -> bool {
        self.format == Format::Json
    }

    /// Whether a person reads the result on a screen.
    pub(crate) fn is_terminal(&self) -> bool {
        io::stdout().is_terminal()
    }

    /// One line of the result, styled as it may be.
    pub(crate) fn line(&mut self, line: impl fmt::Display) {
        if self.trouble.is_none()
            && let Err(error) = writeln!(self.stdout, "{line}").and_then(|()| self.stdout.flush())
        {
            self.trouble = Some(error);
        }
    }

    /// The result, for programs.
    pub(crate) fn json(&mut self, result: &impl Serialize) {
        match serde_json::to_string_pretty(result) {
            Ok(text) => self.line(text),
            Err(error) => self.trouble = Some(error.into()),
        }
    }

    /// A remark for people, on standard error; nothing where a program reads.
    #[cfg(feature = "emulator")]
    pub(crate) fn note(&self, note: impl fmt::Display) {
        if !self.is_json() {
            // Where standard error is closed there is nobody to tell.
            let _ = writeln!(anstream::stderr(), "{note}");
        }
    }

    /// A remark of its own, under the word 'note', in lines that fit; nothing where a program
    /// reads.
    pub(crate) fn remark(&self, sentence: &str) {
        if !self.is_json() {
            self.caution(sentence);
        }
    }

    /// The same, whoever reads the result: somebody has to fix what it is about.
    pub(crate) fn caution(&self, sentence: &str) {
        let lines = wrap::wrap(sentence, wrap::Stream::Stderr.width().saturating_sub(NOTE));
        for (number, line) in lines.iter().enumerate() {
            let line = style::with_code(line);
            let _ = match number {
                0 => writeln!(
                    anstream::stderr(),
                    "\n{} {line}",
                    style::paint(style::WARN, "note:")
                ),
                _ => writeln!(anstream::stderr(), "{:NOTE$}{line}", ""),
            };
        }
    }

    /// A failure, on standard error.
    pub(crate) fn failure(&self, failure: &Failure) {
        failure::show(failure, self.format, self.verbose);
    }

    /// Whether the result was written. A reader that had enough is no failure.
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

    /// A spinner for `what`, which shows itself where it helps.
    pub(crate) fn spinner(&self, what: &'static str) -> Spinner {
        Spinner::new(what, !self.traced && !self.is_json())
    }

    /// Awaits `work` and shows that something is going on where it takes more than a moment.
    pub(crate) async fn waiting<T>(&self, what: &'static str, work: impl Future<Output = T>) -> T {
        self.spinner(what).during(work).await
    }
}
