//! The error if no source has a token, and the fix for this machine.

use super::{Attempt, Report, Setup, Source, Verdict};
use crate::{
    facts::{Error, ErrorKind, Fix},
    request::TokenRequest,
    system::System,
};

/// The variable that shows where a program runs, and the source for that place.
const PLACES: &[(&str, Source)] = &[
    // 'Default environment variables' of GitHub Actions, 'Predefined variables' of Azure Pipelines,
    // 'The Pod environment' of Kubernetes.
    ("GITHUB_ACTIONS", Source::GitHubActions),
    ("TF_BUILD", Source::AzurePipelines),
    ("KUBERNETES_SERVICE_HOST", Source::WorkloadIdentity),
];

fn asks_person(report: &Report) -> bool {
    let mut attempts = report.attempts.iter();
    attempts.any(|attempt| attempt.verdict == Verdict::WouldAsk)
}

/// The error of a run. If a source that is set up failed, the first such failure is reported.
/// Otherwise all reasons are.
pub(super) fn error(setup: &Setup, report: &Report, request: &TokenRequest) -> Error {
    if let Some(error) = report.cause().and_then(|attempt| attempt.error.clone()) {
        return error;
    }
    let reasons: Vec<String> = report
        .attempts
        .iter()
        .filter(|attempt| matches!(attempt.verdict, Verdict::Unavailable | Verdict::WouldAsk))
        .map(|attempt| match attempt.verdict {
            Verdict::WouldAsk => format!(
                "{}: would sign in a person with {}",
                attempt.source,
                attempt.reason()
            ),
            _ => format!("{}: {}", attempt.source, attempt.reason()),
        })
        .collect();
    let nobody = if asks_person(report) {
        "no source has a token without signing in a person"
    } else {
        "no source has a token"
    };
    Error::new(
        ErrorKind::Unavailable,
        format!(
            "could not get a token for {} with the preset '{}'",
            request.scopes()[0].resource(),
            report.preset
        ),
        format!("{nobody} ({})", reasons.join("; ")),
    )
    .with_fix(fix(&**setup.options.system(), report))
}

/// The next step in this place: for CI jobs and pods, that of their source; for a person, to sign
/// in; otherwise a service principal.
fn fix(system: &dyn System, report: &Report) -> Fix {
    let of = |source: Source| fix_of(report, |attempt| attempt.source == source);
    let meant_for_here = PLACES
        .iter()
        .filter(|(variable, _)| system.var(variable).is_some())
        .find_map(|(_, source)| of(*source));
    let by_hand = || {
        of(Source::Azcred)
            .or_else(|| of(Source::AzureCli))
            .or_else(|| fix_of(report, |attempt| attempt.source.is_developer()))
    };
    let first = meant_for_here.or_else(by_hand);
    let besides = of(Source::Environment).or_else(|| {
        let is_other = |attempt: &Attempt| !attempt.source.is_developer();
        first.is_none().then(|| fix_of(report, is_other)).flatten()
    });
    let asks = (asks_person(report) && first.is_none()).then_some(Fix::AskPerson { scope: None });
    [first.cloned(), asks, besides.cloned()]
        .into_iter()
        .flatten()
        .reduce(Fix::or)
        .unwrap_or_default()
}

fn fix_of(report: &Report, is_it: impl Fn(&Attempt) -> bool) -> Option<&Fix> {
    let mut errors = report
        .attempts
        .iter()
        .filter(|attempt| attempt.verdict == Verdict::Unavailable && is_it(attempt))
        .filter_map(|attempt| attempt.error.as_ref());
    errors.find_map(Error::fix)
}
