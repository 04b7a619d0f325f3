//! `azcred explain`: what an error means and what fixes it, without the network.

use crate::{
    failure::{Failure, Kind},
    given,
    output::{
        Output,
        style::{BAD, DIM, STRONG, paint, with_code},
        wrap::{Stream, wrap},
    },
    words,
};
use azcred_azure::{Problem, Speaker, TEXT_LIMIT, explain, explain_code, nearest_codes};
use clap::Args;
use serde::Serialize;
use std::{
    collections::BTreeMap,
    io::{self, IsTerminal, Read},
};

/// Explain an error code, or the error in a text, and show the fix
///
/// CODE is a code of Microsoft Entra ID, with or without AADSTS, of Azure Resource Manager, Graph,
/// Storage, Key Vault or Azure Machine Learning, or what Azure CLI prints.
///
/// With - it reads a text from standard input: the error or the log of any program that uses an
/// Azure SDK. It finds the cause in it and fills the values of the text into the fix. It sends no
/// request, and shows nothing of the text that may be a secret.
#[derive(Args)]
#[command(after_help = "\
Examples:
  azcred explain AADSTS700024
  azcred explain AuthorizationPermissionMismatch
  python train.py 2>&1 | azcred explain -
  azcred explain - < job.log

Exit codes:
  0  the error is explained
  1  the code or the error is not known, or another failure
  2  wrong usage: the command line can't be read")]
pub(crate) struct Explain {
    /// A code, or - to read a text from standard input
    #[arg(value_name = "CODE", value_parser = given::text)]
    code: String,
}

/// A problem, as `--output json` has it. The first one has the others.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Document<'a> {
    code: &'a str,
    service: Speaker,
    /// Whether the code is in azcred's table.
    known: bool,
    meaning: &'a str,
    fix: String,
    /// The commands in the fix.
    commands: Vec<String>,
    values: BTreeMap<&'static str, &'a str>,
    correlation_id: Option<&'a str>,
    timestamp: Option<&'a str>,
    /// The line of the text, from 1.
    line: Option<usize>,
    quote: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    also: Option<Vec<Self>>,
}

impl<'a> Document<'a> {
    fn of(problem: &'a Problem, others: Option<&'a [Problem]>) -> Self {
        let also = others.map(|others| others.iter().map(|other| Self::of(other, None)).collect());
        Self {
            code: &problem.code,
            service: problem.speaker,
            known: problem.is_known,
            meaning: &problem.meaning,
            commands: words::commands(&problem.fix),
            fix: words::fix(&problem.fix),
            values: problem
                .values
                .iter()
                .map(|(name, value)| (*name, &**value))
                .collect(),
            correlation_id: problem.correlation_id.as_deref(),
            timestamp: problem.timestamp.as_deref(),
            line: problem.line,
            quote: problem.quote.as_deref(),
            also,
        }
    }
}

impl Explain {
    pub(crate) fn run(self, output: &mut Output) -> Result<u8, Failure> {
        let problems = match &*self.code {
            "-" => {
                let text = read(output)?;
                let problems = explain(&text);
                match problems.is_empty() {
                    true => return Err(nothing_known(text.trim().is_empty())),
                    false => problems,
                }
            }
            code => {
                let problems = explain_code(code);
                match problems.is_empty() {
                    true => return Err(unknown(code)),
                    false => problems,
                }
            }
        };
        let [cause, others @ ..] = &problems[..] else {
            return Ok(1);
        };
        if output.is_json() {
            output.json(&Document::of(cause, Some(others)));
        } else {
            show(cause, others, output);
        }
        Ok(u8::from(!cause.is_known))
    }
}

/// Standard input as text, in any encoding; of a long one, the end.
fn read(output: &Output) -> Result<String, Failure> {
    const BLOCK: usize = 64 << 10;
    if io::stdin().is_terminal() {
        output.note("Paste the error, then press Ctrl-D:");
    }
    let mut input = io::stdin().lock();
    let mut bytes = Vec::new();
    let mut is_cut = false;
    let mut block = vec![0; BLOCK];
    loop {
        let count = match input.read(&mut block) {
            Ok(0) => break,
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => {
                let what = "could not read standard input";
                return Err(Failure::new(Kind::Failed, what, error.to_string()));
            }
        };
        bytes.extend_from_slice(&block[..count]);
        if bytes.len() > 2 * TEXT_LIMIT {
            // The first two bytes may say that it is UTF-16, whose characters have two bytes.
            let from = bytes.len() - TEXT_LIMIT + bytes.len() % 2;
            bytes.drain(2..from);
            is_cut = true;
        }
    }
    if is_cut {
        output.remark("the text is long; only its end was read");
    }
    Ok(match azcred::decode_text(&bytes) {
        Ok(text) => text.to_string(),
        // An older encoding: what counts is ASCII.
        Err(_) => String::from_utf8_lossy(&bytes).into_owned(),
    })
}

fn nothing_known(is_empty: bool) -> Failure {
    let why = match is_empty {
        true => "standard input is empty",
        false => "no code and no words in it are known to azcred",
    };
    Failure::new(Kind::NotFound, "could not explain the text", why)
        .fix("pipe in the whole output of the program, such as `python train.py 2>&1 | azcred explain -`; or run `azcred doctor`")
}

fn unknown(code: &str) -> Failure {
    let near = nearest_codes(code);
    let what = format!(
        "'{}' is not a code that azcred knows",
        azcred::printable(code, 80)
    );
    let failure = Failure::new(
        Kind::NotFound,
        what,
        match near.is_empty() {
            true => "no known code is written like it".to_owned(),
            false => format!("known codes that are written like it: {}", near.join(", ")),
        },
    );
    let whole = "paste the whole error to `azcred explain -`: its other words may be known";
    match near.first() {
        Some(near) => {
            failure.fix(azcred::Fix::from(format!("run `azcred explain {near}`")).or(whole))
        }
        None => failure.fix(whole),
    }
}

/// The width of the labels.
const LABEL: usize = 8;

/// The cause, the fix, then what shows it.
fn show(cause: &Problem, others: &[Problem], output: &mut Output) {
    let width = Stream::Stdout.width();
    let headline = wrap(&cause.meaning, width.saturating_sub(2));
    for (number, line) in headline.iter().enumerate() {
        let mark = match number {
            0 => paint(BAD, "✗"),
            _ => " ".to_owned(),
        };
        output.line(format_args!("{mark} {}", paint(STRONG, line)));
    }
    for (label, text) in rows(cause, others) {
        let lines = wrap(&text, width.saturating_sub(LABEL + 2));
        for (number, line) in lines.iter().enumerate() {
            let label = if number == 0 { label } else { "" };
            let label = paint(DIM, format!("{label:<LABEL$}"));
            output.line(format_args!("  {label}{}", with_code(line)));
        }
    }
}

/// The lines below the headline, each with its label.
fn rows(cause: &Problem, others: &[Problem]) -> Vec<(&'static str, String)> {
    let first = |number: usize, label: &'static str, next: &'static str| match number {
        0 => label,
        _ => next,
    };
    let fixes = words::alternatives(&cause.fix).into_iter().enumerate();
    let mut rows: Vec<(&'static str, String)> = fixes
        .map(|(number, fix)| (first(number, "fix", "or"), fix))
        .collect();
    let code = format!("{} ({})", cause.code, cause.speaker.name());
    rows.push(("code", code));
    if let (Some(line), Some(quote)) = (cause.line, &cause.quote) {
        rows.push(("line", format!("{line}: {quote}")));
    }
    let values = cause.values.iter().enumerate();
    rows.extend(values.map(|(number, (name, value))| {
        (
            first(number, "values", ""),
            format!("{} {value}", spaced(name)),
        )
    }));
    let id = cause.correlation_id.as_ref();
    let id = id.map(|id| format!("correlation id {id}"));
    let ids: Vec<String> = [id, cause.timestamp.clone()]
        .into_iter()
        .flatten()
        .collect();
    if !ids.is_empty() {
        rows.push(("details", ids.join(", ")));
    }
    rows.extend(others.iter().enumerate().map(|(number, other)| {
        let line = other.line;
        let line = line.map_or_else(String::new, |line| format!(" (line {line})"));
        let text = format!("{}{line}: {}", other.code, other.meaning);
        (first(number, "also", ""), text)
    }));
    rows
}

/// A name of JSON in words: `clientId` is 'client id'.
fn spaced(name: &str) -> String {
    let mut words = String::new();
    for c in name.chars() {
        if c.is_ascii_uppercase() {
            words.push(' ');
        }
        words.push(c.to_ascii_lowercase());
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_apart_in_a_title() {
        assert_eq!(spaced("clientId"), "client id");
    }
}
