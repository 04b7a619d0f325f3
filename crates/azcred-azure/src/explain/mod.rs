//! Explains an error's code, or the errors in a pasted text: of any program, and without a request.
//!
//! A text has many problems, and most of them follow from one. [`explain`] finds all that are
//! known, and puts the cause first: what a service refused comes before what is wrong on this
//! machine, and both before a source that is only absent. Values in the text fill the fix in.
//!
//! The text is not trusted. Nothing of it is shown but ids, names and one line each, without what
//! may be a secret and without unseen characters.

mod diagnose;
mod find;
mod flat;
mod hide;
mod nearest;
#[cfg(test)]
mod tests;
mod values;

use crate::codes::{self, Names, Speaker};
use azcred::{AZURE_CLI_SAYINGS, Fix, NETWORK_SAYINGS, entra};
use find::Hit;
use flat::Flat;

pub use nearest::nearest_codes;

/// The most bytes of a text that are read: the last ones, because errors are at the end.
pub const TEXT_LIMIT: usize = 4 << 20;
/// The most problems of a text that are returned.
const MOST: usize = 12;

/// A problem that a text has, or that a code stands for.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Problem {
    /// The code: `AADSTS7000215`, `AuthorizationFailed`, or a short name for words without one.
    pub code: String,
    /// Who says it.
    pub speaker: Speaker,
    /// Whether the code is known. If not, the meaning is the other side's own sentence.
    pub is_known: bool,
    /// What it means, in one sentence without a full stop.
    pub meaning: String,
    /// What fixes it.
    pub fix: Fix,
    /// The names and values that the text has, such as `clientId`.
    pub values: Vec<(&'static str, String)>,
    /// The id by which the sign-in log and Microsoft's support find the request.
    pub correlation_id: Option<String>,
    /// The time of the response, by the other side's clock.
    pub timestamp: Option<String>,
    /// The line of the text, from 1; `None` for a code.
    pub line: Option<usize>,
    /// The words of the text, without what may be a secret.
    pub quote: Option<String>,
}

/// The problems in a text, the cause first. Empty if nothing in it is known.
pub fn explain(text: &str) -> Vec<Problem> {
    let flat = Flat::of(last(text));
    let found = find::all(&flat);
    let found = found.into_iter().take(MOST);
    found.map(|found| diagnose::of(&flat, &found)).collect()
}

/// The problems that a code stands for, without a text: several if several services have it. Any
/// case, with or without `AADSTS`; or words that a program says. Empty if it is not known.
pub fn explain_code(code: &str) -> Vec<Problem> {
    let code = code.trim();
    let digits = match code.get(..6) {
        Some(start) if start.eq_ignore_ascii_case("aadsts") => &code[6..],
        _ => code,
    };
    let hit = digits.trim().parse().ok().and_then(entra::explain);
    let entra = hit.map(|meaning| Hit::Entra(meaning.code)).into_iter();
    let rows = codes::rows().filter(|row| row.code.eq_ignore_ascii_case(code));
    let sayings = [
        (Speaker::AzureCli, AZURE_CLI_SAYINGS),
        (Speaker::Network, NETWORK_SAYINGS),
    ];
    let sayings = sayings.into_iter().flat_map(|(speaker, all)| {
        let known = all.iter();
        let known = known.filter(|saying| saying.code.eq_ignore_ascii_case(code));
        known.map(move |saying| Hit::Saying(speaker, saying))
    });
    let hits = entra.chain(rows.map(Hit::Row)).chain(sayings);
    let known: Vec<Problem> = hits.map(|hit| diagnose::of_code(&hit)).collect();
    match known.is_empty() {
        true => explain(code)
            .into_iter()
            .filter(|one| one.is_known)
            .collect(),
        false => known,
    }
}

/// The end of a text that is too long.
fn last(text: &str) -> &str {
    let mut from = text.len().saturating_sub(TEXT_LIMIT);
    while !text.is_char_boundary(from) {
        from += 1;
    }
    &text[from..]
}

/// The names of a request of which nothing is known.
fn unknown() -> Names<'static> {
    Names::default()
}
