//! Shows a failure: as text, or as `{"error": …}` for programs.

use super::{
    Format, chain_table,
    style::{BAD, DIM, STRONG, paint, with_code},
    wrap::{Stream, wrap},
};
use crate::{
    failure::{Answer, Failure},
    words,
};
use serde::Serialize;
use std::io::Write;

/// The width of the labels.
const LABEL: usize = 8;

/// Which of a chain's sources are told with its failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sources {
    /// All.
    Whole,
    /// Those of which something is set up here. The others are counted.
    SetUp,
    /// None: a table beside it has them.
    InTable,
}

#[derive(Serialize)]
struct ErrorDocument<'a> {
    error: &'a Failure,
}

/// Writes `failure` to standard error. If that is closed, nothing else can be done.
pub(super) fn show(failure: &Failure, format: Format, whole: bool) {
    let text = match format {
        Format::Text => {
            let sources = match whole {
                true => Sources::Whole,
                false => Sources::SetUp,
            };
            text(failure, Stream::Stderr.width(), sources)
        }
        Format::Json => {
            serde_json::to_string_pretty(&ErrorDocument { error: failure }).unwrap_or_default()
        }
    };
    let _ = writeln!(anstream::stderr(), "{text}");
}

/// What happened, on what occasion, why, what the other side said, what fixes it, and what every
/// source said.
///
///
/// ```text
/// error: the identity provider refused the sign-in
///   what    ClientSecretCredential could not get a token from login.microsoftonline.com …
///   why     the client secret has expired
///   answer  AADSTS7000222: The provided client secret keys … are expired.
///           correlation id 11111111-…, 2026-11-21 20:00:00Z
///   fix     make a new one with `az ad app credential reset --id …`
/// ```
pub(crate) fn text(failure: &Failure, width: usize, sources: Sources) -> String {
    let labelled = |label: &str, sentence: &str| {
        let lines = wrap(sentence, width.saturating_sub(LABEL + 2));
        let lines = lines.iter().map(|line| match label {
            "why" => paint(STRONG, line),
            _ => with_code(line),
        });
        beside(label, lines)
    };
    let mut lines = vec![format!(
        "{} {}",
        paint(BAD, "error:"),
        paint(STRONG, failure.headline())
    )];
    if let Some(occasion) = failure.occasion() {
        lines.extend(labelled("what", occasion));
    }
    let report = failure.report.as_deref();
    let room = width.saturating_sub(LABEL + 2);
    let in_short = report.and_then(chain_table::in_short);
    let sources = match (report, sources) {
        (None, _) | (_, Sources::InTable) => Vec::new(),
        (Some(report), sources) => chain_table::short(report, room, sources == Sources::Whole),
    };
    lines.extend(labelled("why", in_short.as_deref().unwrap_or(&failure.why)));
    if let Some(answer) = &failure.answer {
        for (number, sentence) in said(answer).iter().enumerate() {
            lines.extend(labelled(if number == 0 { "answer" } else { "" }, sentence));
        }
    }
    if let Some(fix) = &failure.fix {
        lines.extend(labelled("fix", &words::fix(fix)));
    }
    lines.extend(beside("chain", sources.into_iter()));
    lines.join("\n")
}

/// Lines with a label before the first one.
fn beside(label: &str, lines: impl Iterator<Item = String>) -> Vec<String> {
    lines
        .enumerate()
        .map(|(number, line)| {
            let label = if number == 0 { label } else { "" };
            format!("  {}{line}", paint(DIM, format!("{label:<LABEL$}")))
        })
        .collect()
}

/// The rest of the message is advice, and azcred has its own fix below.
fn first_sentence(message: &str) -> &str {
    message.find(". ").map_or(message, |end| &message[..=end])
}

/// The other side's answer: its code and words, then what its support asks for.
fn said(answer: &Answer) -> Vec<String> {
    let message = first_sentence(answer.message.as_deref().unwrap_or_default());
    let first = match &answer.code {
        Some(code) if message.is_empty() => code.clone(),
        Some(code) if message.starts_with(code.as_str()) => message.to_owned(),
        Some(code) => format!("{code}: {message}"),
        None => message.to_owned(),
    };
    let ids = [
        answer
            .correlation_id
            .as_ref()
            .map(|id| format!("correlation id {id}")),
        answer.timestamp.clone(),
    ];
    [
        first,
        ids.into_iter().flatten().collect::<Vec<_>>().join(", "),
    ]
    .into_iter()
    .filter(|line| !line.is_empty())
    .collect()
}
