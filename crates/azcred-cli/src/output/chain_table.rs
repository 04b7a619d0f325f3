//! The report of a chain: a table with a waterfall, or a few lines below an error.

use super::{
    screen::Screen,
    style::{BAD, DIM, GOOD, STRONG, Style, WARN, paint, with_code},
    width::{pad, width_of},
    wrap::wrap,
};
use azcred::{
    Fix,
    chain::{Attempt, Report, Skipped, Source, Verdict},
};
use std::{borrow::Cow, ptr, time::Duration};

/// The data of one source.
#[derive(Clone, Debug)]
pub(crate) struct Row<'a> {
    pub(crate) source: &'a str,
    pub(crate) verdict: Verdict,
    pub(crate) reason: Cow<'a, str>,
    /// When it was tried, from the start of the run. `None` if it was only prepared.
    pub(crate) started: Option<Duration>,
    pub(crate) took: Duration,
    /// Nothing of it is set up on this machine.
    pub(crate) is_absent: bool,
    /// It is one that signs in a person.
    asks_person: bool,
    /// It was not among the requested sources.
    is_unwanted: bool,
    /// The variable that switches it off.
    switched_off_by: Option<&'a str>,
    /// Whether its error is shown next to the table.
    is_shown: bool,
}

impl<'a> From<&'a Attempt> for Row<'a> {
    fn from(attempt: &'a Attempt) -> Self {
        Self {
            source: attempt.source.id(),
            verdict: attempt.verdict,
            reason: attempt.reason(),
            started: attempt.started,
            took: attempt.took,
            asks_person: attempt.source.asks_person(),
            is_unwanted: matches!(attempt.skipped, Some(Skipped::NotRequested)),
            is_absent: attempt.error.as_ref().is_some_and(azcred::Error::is_absent),
            switched_off_by: match attempt.error.as_ref().and_then(azcred::Error::fix) {
                Some(Fix::UnsetVariable(name)) if attempt.verdict == Verdict::Unavailable => {
                    Some(name)
                }
                _ => None,
            },
            is_shown: false,
        }
    }
}

/// The rows without sources that are not set up, that are switched off, that lack the same thing,
/// that were excluded, or that were not tried. One line below lists each of these groups; of the
/// sources that were not requested there is nothing.
pub(crate) fn folded<'a>(rows: Vec<Row<'a>>, columns: usize) -> (Vec<Row<'a>>, Vec<String>) {
    let rows = rows.into_iter().filter(|row| !row.is_unwanted);
    let (excluded, rows): (Vec<_>, Vec<_>) = rows.partition(|row| row.verdict == Verdict::Excluded);
    let says_little = |row: &Row<'_>| row.verdict == Verdict::Unavailable && row.is_absent;
    let (absent, rows): (Vec<_>, Vec<_>) = rows.into_iter().partition(says_little);
    let (same, rows) = same(rows);
    let (off, rows): (Vec<_>, Vec<_>) = rows
        .into_iter()
        .partition(|row| row.switched_off_by.is_some());
    let (untried, rows): (Vec<_>, Vec<_>) = rows
        .into_iter()
        .partition(|row| row.verdict == Verdict::NotNeeded);
    let mut lines = Vec::new();
    let off = off.iter().map(|row| {
        let variable = row.switched_off_by.unwrap_or_default();
        format!("switched off by {variable}: {}", row.source)
    });
    let group = |rows: &[Row<'_>], what: &str| {
        (!rows.is_empty()).then(|| format!("{what}: {}", names(rows)))
    };
    let sentences = [group(&absent, "not set up here")].into_iter().flatten();
    let untried = group(&untried, &not_tried(&rows));
    let excluded = by_reason(&excluded);
    let sentences = sentences
        .chain(off)
        .chain(same)
        .chain(excluded)
        .chain(untried);
    for sentence in sentences {
        for (number, words) in wrap(&sentence, columns.saturating_sub(2))
            .iter()
            .enumerate()
        {
            let indent = if number == 0 { 2 } else { BENEATH };
            lines.push(paint(DIM, format!("{:indent$}{words}", "")));
        }
    }
    if !lines.is_empty() {
        lines.push(paint(DIM, "  (-v shows why)"));
    }
    (rows, lines)
}

/// Sources that were excluded, in a sentence for each reason.
fn by_reason(rows: &[Row<'_>]) -> Vec<String> {
    let mut groups: Vec<(&str, Vec<&str>)> = Vec::new();
    for row in rows {
        match groups.iter_mut().find(|(reason, _)| *reason == row.reason) {
            Some((_, sources)) => sources.push(row.source),
            None => groups.push((&row.reason, vec![row.source])),
        }
    }
    let sentence = |(reason, sources): (&str, Vec<&str>)| {
        format!("excluded, as {reason}: {}", sources.join(", "))
    };
    groups.into_iter().map(sentence).collect()
}

/// Why the chain did not try the sources after the one that ended it.
fn not_tried(rows: &[Row<'_>]) -> String {
    let last = |verdicts: &[Verdict]| {
        let mut rows = rows.iter();
        rows.rfind(|row| verdicts.contains(&row.verdict))
            .map(|row| row.source)
    };
    if let Some(source) = last(&[Verdict::Chosen]) {
        format!("not tried, since {source} was chosen")
    } else if let Some(source) = last(&[Verdict::Refused, Verdict::Failed, Verdict::WrongAccount]) {
        format!("not tried, since {source} failed")
    } else if let Some(source) = last(&[Verdict::WouldAsk]) {
        format!("not tried, since {source} comes first")
    } else {
        "not tried".to_owned()
    }
}

/// The sources that lack the same thing, and those that can't ask a person here, in a sentence
/// each; and the rest.
fn same(rows: Vec<Row<'_>>) -> (Vec<String>, Vec<Row<'_>>) {
    let mut sentences = Vec::new();
    let mut others: Vec<Row<'_>> = Vec::new();
    let mut rows = rows.into_iter().peekable();
    while let Some(row) = rows.next() {
        let is_like_it =
            |other: &Row<'_>| row.verdict == other.verdict && row.reason == other.reason;
        let mut alike = vec![row.clone()];
        while row.verdict == Verdict::Unavailable && rows.peek().is_some_and(is_like_it) {
            alike.extend(rows.next());
        }
        match alike.len() {
            1 if !(row.asks_person && row.verdict == Verdict::Unavailable) => others.push(row),
            _ => sentences.push(format!("{}: {}", names(&alike), row.reason)),
        }
    }
    (sentences, others)
}

fn names(rows: &[Row<'_>]) -> String {
    let names: Vec<&str> = rows.iter().map(|row| row.source).collect();
    names.join(", ")
}

impl Row<'_> {
    /// Whether it took part, and no earlier source decided.
    fn counts(&self) -> bool {
        !matches!(self.verdict, Verdict::NotNeeded | Verdict::Excluded)
    }

    fn mark(&self, unicode: bool) -> (&'static str, Style) {
        let (mark, plain, style) = match self.verdict {
            Verdict::Chosen => ("✓", "*", GOOD),
            Verdict::Refused | Verdict::Failed | Verdict::WrongAccount => ("✗", "x", BAD),
            Verdict::Unavailable => ("–", "-", DIM),
            Verdict::WouldAsk => ("?", "?", WARN),
            _ => (" ", " ", DIM),
        };
        (if unicode { mark } else { plain }, style)
    }

    fn time(&self) -> String {
        if self.started.is_none() && !self.counts() {
            return String::new();
        }
        milliseconds(self.took)
    }
}

/// `0.3`, `412`.
fn milliseconds(time: Duration) -> String {
    let time = time.as_secs_f64() * 1e3;
    if time < 9.95 {
        format!("{time:.1}")
    } else {
        format!("{time:.0}")
    }
}

/// A shorter run has no waterfall.
const NOTICEABLE: Duration = Duration::from_millis(50);
/// The least width of a reason in the table. Otherwise the reasons go below.
const BESIDE: usize = 44;
/// The width of the waterfall: with reasons in the table, and without.
const WATERFALL: usize = 16;
const WIDE_WATERFALL: usize = 32;
const TIME: usize = 7;

/// The indent of the lines below.
const BENEATH: usize = 4;

/// The table: a mark for the deciding source, the source, its verdict, milliseconds, a bar on a
/// common time scale, and the reason.
///
/// `whole` is how long the run took. If no source was tried, there is no waterfall.
pub(crate) fn table(rows: &[Row<'_>], whole: Duration, screen: Screen) -> Vec<String> {
    let widest = |words: &dyn Fn(&Row<'_>) -> usize| rows.iter().map(words).max().unwrap_or(0);
    let source = widest(&|row| width_of(row.source)).max("source".len());
    let verdict = widest(&|row| width_of(row.verdict.describe())).max("result".len());
    let fixed = 2 + source + 2 + verdict + TIME;
    let room = screen.columns.saturating_sub(fixed + 2);
    // In a short run, every bar is as long as the others, or nothing.
    let asked = whole >= NOTICEABLE && rows.iter().any(|row| row.started.is_some());
    let beside = room >= BESIDE + if asked { WATERFALL + 2 } else { 0 };
    let waterfall = match (asked, beside) {
        (false, _) => 0,
        (true, true) => WATERFALL,
        // A short part of a bar is useless.
        (true, false) if room < WATERFALL => 0,
        (true, false) => room.min(WIDE_WATERFALL),
    };
    let behind = fixed + 2 + if waterfall > 0 { waterfall + 2 } else { 0 };
    let mut head = format!(
        "  {:<source$}  {:<verdict$}{:>TIME$}",
        "source", "result", "ms"
    );
    if waterfall > 0 {
        head.push_str("  ");
        head.push_str(&pad("timeline", waterfall));
    }
    if beside {
        head.push_str("  reason");
    }
    let mut lines = vec![paint(DIM, head)];
    for row in rows {
        let (mark, style) = row.mark(screen.is_unicode);
        let name = format!("{:<source$}", row.source);
        let name = match row.verdict {
            Verdict::Chosen => paint(STRONG, name),
            _ if row.counts() => name,
            _ => paint(DIM, name),
        };
        let decided = paint(style, format!("{:<verdict$}", row.verdict.describe()));
        let time = paint(DIM, format!("{:>TIME$}", row.time()));
        let mut line = format!("{} {name}  {decided}{time}", paint(style, mark));
        let mut used = fixed;
        let bar = bar(row, whole, waterfall, screen.is_unicode);
        if !bar.is_empty() {
            used += 2 + width_of(&bar);
            line.push_str("  ");
            line.push_str(&paint(bar_style(row), &bar));
        }
        // On a narrow screen, a short reason takes the place of the missing bar.
        let column = if beside {
            Some(behind)
        } else if bar.is_empty() && width_of(&row.reason) <= room {
            Some(fixed + 2)
        } else {
            None
        };
        let indent = column.unwrap_or(BENEATH);
        let width = screen.columns.saturating_sub(indent);
        let mut reason = wrap(&row.reason, width).into_iter().map(|words| {
            if row.counts() && row.verdict != Verdict::Unavailable {
                with_code(&words)
            } else {
                paint(DIM, words)
            }
        });
        if let Some(column) = column {
            line.push_str(&" ".repeat(column - used));
            line.push_str(&reason.next().unwrap_or_default());
        }
        lines.push(line);
        lines.extend(reason.map(|words| format!("{:indent$}{words}", "")));
    }
    lines
}

fn bar_style(row: &Row<'_>) -> Style {
    match row.verdict {
        Verdict::Chosen => GOOD,
        Verdict::Refused | Verdict::Failed | Verdict::WrongAccount => BAD,
        _ => DIM,
    }
}

/// When and how long a source was tried, in at most `columns`. Empty if it was not tried.
fn bar(row: &Row<'_>, whole: Duration, columns: usize, unicode: bool) -> String {
    let (Some(started), 1..) = (row.started, columns) else {
        return String::new();
    };
    // In eighths of a column, as there are block characters for each.
    let all = columns * 8;
    let place = |time: Duration| {
        let part = time.as_secs_f64() / whole.as_secs_f64().max(f64::MIN_POSITIVE);
        // Rounded, and within the columns, even if the clock jumps.
        ((part * all as f64).round() as usize).min(all)
    };
    let first = (place(started) / 8).min(columns - 1);
    let length = place(started + row.took).saturating_sub(first * 8).max(1);
    let (full, eighths) = (length / 8, length % 8);
    let mut bar = " ".repeat(first);
    if unicode {
        bar.push_str(&"█".repeat(full));
        if eighths > 0 {
            bar.push(['▏', '▎', '▍', '▌', '▋', '▊', '▉'][eighths - 1]);
        }
    } else {
        bar.push_str(&"=".repeat(full + usize::from(eighths >= 4 || full == 0)));
    }
    bar
}

/// The sources up to the deciding one, each in two columns, wrapped. Empty for a single source,
/// whose error says the same. If a source's error is shown above, only its verdict is repeated.
pub(crate) fn short(report: &Report, columns: usize, whole: bool) -> Vec<String> {
    let is =
        |attempt: &Attempt, one: Option<&Attempt>| one.is_some_and(|one| ptr::eq(one, attempt));
    let ended = |attempt: &&Attempt| is(attempt, report.decisive()) && attempt.error.is_some();
    let last = report.attempts.iter().position(|attempt| ended(&attempt));
    let end = last.map_or(report.attempts.len(), |last| last + 1);
    // Its reason is shown above.
    let is_quoted = |attempt: &&Attempt| {
        attempt.source == Source::Environment
            && in_short(report).is_some()
            && report.half_set().is_some()
    };
    let attempts = report.attempts[..end].iter();
    let attempts = attempts.filter(|attempt| whole || !is_quoted(attempt));
    let rows = attempts.map(|attempt| Row {
        is_shown: is(attempt, report.cause()),
        ..attempt.into()
    });
    short_rows(&rows.collect::<Vec<_>>(), columns, whole)
}

fn short_rows(rows: &[Row<'_>], columns: usize, whole: bool) -> Vec<String> {
    let rows: Vec<Row<'_>> = rows.iter().filter(|row| row.counts()).cloned().collect();
    if rows.len() < 2 {
        return Vec::new();
    }
    let (absent, rows): (Vec<_>, Vec<_>) = rows
        .into_iter()
        .partition(|row| !whole && row.verdict == Verdict::Unavailable && row.is_absent);
    let (same, rows) = match whole {
        true => (Vec::new(), rows),
        false => same(rows),
    };
    let (off, rows): (Vec<_>, Vec<_>) = rows
        .into_iter()
        .partition(|row| !whole && row.switched_off_by.is_some());
    // Its error is shown above, and the other sources are only counted.
    if matches!(&rows[..], [only] if only.is_shown) {
        return Vec::new();
    }
    let source = rows
        .iter()
        .map(|row| width_of(row.source))
        .max()
        .unwrap_or(0);
    let indent = source + 2;
    let mut lines = Vec::new();
    for row in &rows {
        let sentence = if row.is_shown {
            row.verdict.describe().to_owned()
        } else {
            format!("{}: {}", row.verdict.describe(), row.reason)
        };
        for (number, words) in wrap(&sentence, columns.saturating_sub(indent))
            .iter()
            .enumerate()
        {
            let name = if number == 0 { row.source } else { "" };
            let words = match row.verdict {
                Verdict::Unavailable => paint(DIM, words),
                _ => with_code(words),
            };
            lines.push(format!("{name:<indent$}{words}"));
        }
    }
    for sentence in same {
        let words = wrap(&sentence, columns);
        lines.extend(words.iter().map(|words| paint(DIM, words)));
    }
    let is_all = lines.is_empty() && off.is_empty();
    let absent = match (absent.len(), is_all) {
        (0, _) => None,
        (1, _) => Some("1 source is not set up here".to_owned()),
        (count, true) => Some(format!("all {count} sources are not set up here")),
        (count, false) => Some(format!("{count} other sources are not set up here")),
    };
    let off = off.iter().map(|row| {
        let variable = row.switched_off_by.unwrap_or_default();
        format!("{} is switched off by {variable}", row.source)
    });
    let left_out: Vec<String> = absent.into_iter().chain(off).collect();
    if !left_out.is_empty() {
        let sentence = format!("{}; -v shows them", left_out.join(" and "));
        let words = wrap(&sentence, columns);
        lines.extend(words.iter().map(|words| paint(DIM, words)));
    }
    lines
}

const NO_IDENTITY: &str = "no account is signed in on this machine, and it has no other identity (environment variables, managed identity, …)";

/// Why a chain gave up, in a few words, as the lines of its sources say the rest; else `None`.
pub(crate) fn in_short(report: &Report) -> Option<Cow<'_, str>> {
    let counts = |attempt: &&Attempt| Row::from(*attempt).counts();
    let counting: Vec<&Attempt> = report.attempts.iter().filter(counts).collect();
    let has_something = |attempt: &&&Attempt| attempt.verdict != Verdict::Unavailable;
    match (counting.iter().find(has_something), &counting[..]) {
        (None, [only]) => Some(only.reason()),
        (_, [] | [_]) => None,
        (None, _) => Some(report.half_set().map_or(NO_IDENTITY.into(), |environment| {
            let reason = environment.reason();
            format!("{reason}. No account is signed in on this machine either").into()
        })),
        (Some(attempt), _) if attempt.verdict == Verdict::WouldAsk => Some(NO_IDENTITY.into()),
        (Some(_), _) => None,
    }
}

#[cfg(test)]
#[path = "chain_table_tests.rs"]
mod tests;
