//! Shows a failure: as text, or as `{"error": …}` for programs.

use super::{
    Format, chain_table, door,
    style::{BAD, DIM, STRONG, paint, with_code},
    wrap::{Stream, wrap},
};
use crate::{
    failure::{Answer, Failure},
    words,
};
use serde::Serialize;

/// The width of the labels.
const LABEL: usize = 8;

/// The sources that are shown with a chain's failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sources {
    /// All sources.
    Whole,
    /// Those that are set up on this machine. The others are counted.
    SetUp,
    /// None, as a table next to the failure shows them.
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
            let text = serde_json::to_string_pretty(&ErrorDocument { error: failure });
            door::escaped(text.unwrap_or_default())
        }
    };
    let _ = door::stderr().line(text);
}

/// The headline, the occasion, the cause, the other side's message, the fix, the sources, and the
/// ids for the other side's support. Alternative fixes have a line each.
///
/// ```text
/// error: Microsoft Entra ID rejected the sign-in
///   what    EnvironmentCredential could not get a token for Azure Resource Manager …
///   why     the client secret has expired
///           Microsoft Entra ID says: "AADSTS7000222: The provided client secret keys … are expired."
///   fix     make a new secret: `az ad app credential reset --id …`
///   details correlation id 11111111-…, 2026-11-21 20:00:00Z
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
    let said = failure.answer.as_deref().map(quoted).unwrap_or_default();
    lines.extend(said.iter().flat_map(|said| labelled("", said)));
    let fixes = failure.fix.as_deref().map(words::alternatives);
    for (number, fix) in fixes.iter().flatten().enumerate() {
        lines.extend(labelled(if number == 0 { "fix" } else { "or" }, fix));
    }
    lines.extend(beside("sources", sources.into_iter()));
    let ids = failure.answer.as_deref().map(ids).unwrap_or_default();
    lines.extend(ids.iter().flat_map(|ids| labelled("details", ids)));
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

/// The other side's message, with its code.
fn quoted(answer: &Answer) -> Option<String> {
    let message = first_sentence(answer.message.as_deref().unwrap_or_default());
    let words = match &answer.code {
        Some(code) if message.is_empty() => code.clone(),
        Some(code) if message.starts_with(code.as_str()) => message.to_owned(),
        Some(code) => format!("{code}: {message}"),
        None => message.to_owned(),
    };
    let who = answer.from.name();
    (!words.is_empty()).then(|| format!("{who} says: \"{words}\""))
}

/// The ids for the other side's support.
fn ids(answer: &Answer) -> Option<String> {
    let id = answer.correlation_id.as_ref();
    let id = id.map(|id| format!("correlation id {id}"));
    let ids: Vec<String> = [id, answer.timestamp.clone()]
        .into_iter()
        .flatten()
        .collect();
    (!ids.is_empty()).then(|| ids.join(", "))
}
