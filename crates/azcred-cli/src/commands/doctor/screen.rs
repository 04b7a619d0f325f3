//! The doctor's report for people: problems first, each with its fix and the evidence; then a line
//! for each area.

use crate::{
    output::{
        chain_table,
        style::{BAD, DIM, GOOD, STRONG, Style, WARN, paint, with_code},
        wrap::wrap,
    },
    words,
};
use azcred::Fix;
use azcred_azure::{Area, CheckId, CheckReport, Report, Status};

/// The widest title of a check and two spaces.
const TITLE: usize = 19;
/// The widest title of an area and two spaces.
const AREA: usize = 13;
/// Indent of the lines below a headline, and the width of their labels.
const INDENT: usize = 4;
const LABEL: usize = 10;
/// A mark and a space.
const MARK: usize = 2;

/// The whole report.
pub(super) fn whole(report: &Report, verbose: bool, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    for status in [Status::Failed, Status::Warning] {
        for check in with(report, status) {
            lines.extend(problem(check, width));
            lines.push(String::new());
        }
    }
    for area in Area::ALL {
        if verbose {
            let checks = report.checks.iter().filter(|check| check.area == area);
            lines.push(paint(STRONG, area.title()));
            lines.extend(checks.flat_map(|check| finding(check, width)));
        } else {
            lines.extend(self::area(area, &report.checks, width));
        }
    }
    lines.extend(sources(report, verbose, width));
    lines.push(String::new());
    lines.push(verdict(report, verbose));
    lines
}

fn with(report: &Report, status: Status) -> impl Iterator<Item = &CheckReport> {
    let checks = report.checks.iter();
    checks.filter(move |check| check.status == status)
}

/// One check: a problem with its fix, or a line. One that did not run is shown if the output is
/// `verbose`.
pub(in crate::commands) fn lines(check: &CheckReport, verbose: bool, width: usize) -> Vec<String> {
    match check.status {
        Status::Failed | Status::Warning => problem(check, width),
        Status::Skipped | Status::DoesNotApply if !verbose => Vec::new(),
        _ => finding(check, width),
    }
}

/// The headline of a problem: its cause.
pub(super) fn headline(check: &CheckReport, width: usize) -> Vec<String> {
    let (mark, style) = mark(check.status);
    wrap(cause(check), width.saturating_sub(MARK))
        .iter()
        .enumerate()
        .map(|(number, line)| match number {
            0 => format!("{} {}", paint(style, mark), paint(STRONG, line)),
            _ => format!("{:MARK$}{}", "", paint(STRONG, line)),
        })
        .collect()
}

fn cause(check: &CheckReport) -> &str {
    match check.reason.is_empty() {
        true => &check.detail,
        false => &check.reason,
    }
}

/// A problem: the cause, the fix, the evidence.
fn problem(check: &CheckReport, width: usize) -> Vec<String> {
    let mut lines = headline(check, width);
    let mut add = |label: &str, sentences: &[String]| {
        for (number, line) in sentences.iter().enumerate() {
            let label = if number == 0 { label } else { "" };
            let label = paint(DIM, format!("{label:<LABEL$}"));
            lines.push(format!("{:INDENT$}{label}{line}", ""));
        }
    };
    let room = width.saturating_sub(INDENT + LABEL);
    match &check.fixes[..] {
        // Any one of them is enough.
        [Fix::AnyOf(_)] => {
            for (number, fix) in words::alternatives(&check.fixes[0]).iter().enumerate() {
                add(if number == 0 { "fix" } else { "or" }, &sentence(fix, room));
            }
        }
        fixes => add("fix", &steps(fixes, room)),
    }
    let evidence = evidence(check);
    let evidence: Vec<String> = evidence.iter().flat_map(|one| wrap(one, room)).collect();
    add("evidence", &evidence);
    lines
}

/// What a check found, in a line each.
fn evidence(check: &CheckReport) -> Vec<String> {
    let found = match check.detail.is_empty() || check.reason.is_empty() {
        true => format!("check: {}", check.title),
        false => format!("{}: {}", check.title, check.detail),
    };
    let mut lines = vec![found];
    let more = check.evidence.iter();
    lines.extend(more.map(|one| format!("{}: {}", one.name, one.value)));
    let id = check.correlation_id.as_ref();
    let ids = [
        check.code.clone(),
        id.map(|id| format!("correlation id {id}")),
    ];
    let ids: Vec<String> = ids.into_iter().flatten().collect();
    if !ids.is_empty() {
        lines.push(ids.join(", "));
    }
    lines
}

fn sentence(text: &str, width: usize) -> Vec<String> {
    let lines = wrap(text, width);
    lines.iter().map(|line| with_code(line)).collect()
}

/// The steps of a fix. Several steps are numbered.
fn steps(fixes: &[Fix], width: usize) -> Vec<String> {
    const NUMBER: usize = 3;
    let fixes: Vec<String> = fixes.iter().map(words::fix).collect();
    let [_, _, ..] = fixes[..] else {
        return fixes.iter().flat_map(|fix| sentence(fix, width)).collect();
    };
    let mut lines = Vec::new();
    for (number, fix) in fixes.iter().enumerate() {
        let words = sentence(fix, width.saturating_sub(NUMBER));
        for (line, words) in words.iter().enumerate() {
            lines.push(match line {
                0 => format!("{}. {words}", number + 1),
                _ => format!("{:NUMBER$}{words}", ""),
            });
        }
    }
    lines
}

/// An area in a line: what was found if all is well, else each check with its mark.
pub(super) fn area(area: Area, checks: &[CheckReport], width: usize) -> Vec<String> {
    let checks: Vec<_> = checks.iter().filter(|check| check.area == area).collect();
    let any = |status| checks.iter().any(|check| check.status == status);
    let titles = |status| {
        let checks = checks.iter().filter(move |check| check.status == status);
        checks.map(|check| check.title).collect::<Vec<_>>()
    };
    let worst = [
        Status::Failed,
        Status::Warning,
        Status::Skipped,
        Status::Ok,
        Status::DoesNotApply,
    ];
    let status = worst.into_iter().find(|status| any(*status));
    let status = status.unwrap_or(Status::DoesNotApply);
    let words = match status {
        Status::Ok => {
            // That a value or a proxy is as it must be says nothing of its own.
            let is_plain = |id| matches!(id, CheckId::Variables | CheckId::MetadataProxy);
            let found = checks.iter().filter(|check| check.status == Status::Ok);
            let found = found.filter(|check| !is_plain(check.id));
            let (addresses, found): (Vec<&&CheckReport>, Vec<_>) =
                found.partition(|check| check.id.is_address());
            // What is allowed is in the titles.
            let by_title = area == Area::Permissions;
            let found = found
                .iter()
                .map(|check| match by_title || check.detail.is_empty() {
                    true => check.title.to_owned(),
                    false => check.detail.clone(),
                });
            let hosts = addresses
                .iter()
                .map(|check| check.detail.split(", ").count());
            let reached = match hosts.sum::<usize>() {
                0 => None,
                1 => Some("1 address of Azure reached".to_owned()),
                hosts => Some(format!("{hosts} addresses of Azure reached")),
            };
            let between = if by_title { ", " } else { "; " };
            found.chain(reached).collect::<Vec<_>>().join(between)
        }
        Status::DoesNotApply => "does not apply here".to_owned(),
        Status::Skipped if !any(Status::Ok) => "not checked".to_owned(),
        _ => {
            let marked = [Status::Failed, Status::Warning, Status::Skipped, Status::Ok]
                .into_iter()
                .filter(|status| any(*status))
                .map(|status| format!("{} {}", mark(status).0, titles(status).join(", ")));
            marked.collect::<Vec<_>>().join("  ")
        }
    };
    row(area.title(), AREA, status, &words, width)
}

/// A mark, the check's title, what was found.
pub(in crate::commands) fn finding(check: &CheckReport, width: usize) -> Vec<String> {
    let found = match check.status {
        Status::Skipped => format!("skipped: {}", check.reason),
        Status::DoesNotApply => format!("does not apply: {}", check.reason),
        _ if check.detail.is_empty() => check.reason.clone(),
        _ => check.detail.clone(),
    };
    row(check.title, TITLE, check.status, &found, width)
}

fn row(title: &str, column: usize, status: Status, words: &str, width: usize) -> Vec<String> {
    let (mark, style) = mark(status);
    let indent = MARK + column;
    let is_dim = matches!(status, Status::Skipped | Status::DoesNotApply);
    wrap(words, width.saturating_sub(indent))
        .iter()
        .enumerate()
        .map(|(number, line)| {
            let line = match is_dim {
                true => paint(DIM, line),
                false => with_code(line),
            };
            match number {
                0 => format!("{} {title:<column$}{line}", paint(style, mark)),
                _ => format!("{:indent$}{line}", ""),
            }
        })
        .collect()
}

fn mark(status: Status) -> (&'static str, Style) {
    match status {
        Status::Ok => ("✓", GOOD),
        Status::Warning => ("!", WARN),
        Status::Failed => ("✗", BAD),
        Status::Skipped | Status::DoesNotApply => ("–", DIM),
    }
}

/// The sources of the chain, if the sign-in failed.
fn sources(report: &Report, verbose: bool, width: usize) -> Vec<String> {
    let sign_in = report.check(CheckId::SignIn);
    let failed = sign_in.is_some_and(|check| check.status == Status::Failed);
    let chain = report.chain.as_deref().filter(|_| failed && verbose);
    let sources = chain.map(|chain| chain_table::short(chain, width, verbose));
    match sources.filter(|sources| !sources.is_empty()) {
        Some(sources) => {
            let mut lines = vec![String::new(), paint(STRONG, "every source, in order")];
            lines.extend(sources);
            lines
        }
        None => Vec::new(),
    }
}

/// The summary line.
fn verdict(report: &Report, verbose: bool) -> String {
    let count = |status| with(report, status).count();
    let things = |count: usize, thing: &str| match count {
        1 => format!("1 {thing}"),
        count => format!("{count} {thing}s"),
    };
    let (failed, warned) = (count(Status::Failed), count(Status::Warning));
    let mut line = match (failed, warned) {
        (0, 0) => paint(GOOD, "All checks passed."),
        (0, warned) => format!(
            "{} with {}.",
            paint(GOOD, "All required checks passed,"),
            things(warned, "warning"),
        ),
        (failed, _) => paint(STRONG, format!("{} to fix.", things(failed, "problem"))),
    };
    let skipped = count(Status::Skipped);
    if skipped > 0 && !verbose {
        let were = if skipped == 1 { "was" } else { "were" };
        let more = format!(
            " {} {were} skipped; -v lists all.",
            things(skipped, "check")
        );
        line.push_str(&paint(DIM, more));
    }
    line
}
