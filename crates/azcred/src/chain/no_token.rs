//! The error if no source has a token, and the fix for this machine.

use super::{Attempt, Preset, Report, Setup, Source, Verdict};
use crate::{
    facts::{Error, ErrorKind, Fix},
    request::TokenRequest,
    system::{System, Unattended, unattended},
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
    let why = match &alone(report)[..] {
        [only] if only.verdict == Verdict::Unavailable => only.reason().into_owned(),
        _ if asks_person(report) => format!(
            "no source has a token without signing in a person ({})",
            reasons.join("; ")
        ),
        _ => format!("no source has a token ({})", reasons.join("; ")),
    };
    let preset = match report.preset {
        Preset::Azcred => String::new(),
        preset => format!(" with the preset '{preset}'"),
    };
    let resource = request.scopes()[0].describe();
    Error::new(
        ErrorKind::Unavailable,
        format!("could not get a token for {resource}{preset}"),
        why,
    )
    .with_fix(fix(&**setup.options.system(), report))
}

/// The sources that take part.
fn alone(report: &Report) -> Vec<&Attempt> {
    let is_in = |attempt: &&Attempt| attempt.verdict != Verdict::Excluded;
    report.attempts.iter().filter(is_in).collect()
}

/// What corrects a variable with which a source found nothing; what completes a set of variables of
/// which some are set; then the step of this place (a CI job,
/// a pod); then the sign-ins of people, those first that work here; then a service principal.
fn fix(system: &dyn System, report: &Report) -> Fix {
    let of = |source: Source| fix_of(report, |attempt| attempt.source == source).cloned();
    let meant_for_here = PLACES
        .iter()
        .filter(|(variable, _)| system.var(variable).is_some())
        .find_map(|(_, source)| of(*source));
    let (azcred, azure_cli) = (of(Source::Azcred), of(Source::AzureCli));
    let unattended = unattended(system);
    let people = match (&meant_for_here, unattended) {
        (Some(_), _) => [None, None],
        (None, Some(Unattended::CiJob(_))) => [None, None],
        (None, other) => {
            // Azure CLI is a second way if it is installed.
            let is_installed = matches!(azure_cli, Some(Fix::SignInToTool { .. }));
            let azure_cli = azure_cli.filter(|_| is_installed || azcred.is_none());
            let azcred = azcred.map(|azcred| match other {
                Some(_) => azcred.when("you have a terminal"),
                None => azcred,
            });
            [azcred, azure_cli]
        }
    };
    let (begun, environment) = match of(Source::Environment) {
        Some(fix) if report.half_set().is_some() => (Some(fix), None),
        Some(fix) => (None, Some(fix.when("you have a service principal"))),
        None => (None, None),
    };
    let corrected = fix_of(report, corrects_variable).cloned();
    let steps = [corrected, begun, meant_for_here].into_iter().chain(people);
    let steps: Vec<Fix> = steps.flatten().collect();
    let others = || {
        // A person can't sign in to a CI job.
        let is_attended = !matches!(unattended, Some(Unattended::CiJob(_)));
        let developer = fix_of(report, |attempt| {
            is_attended && attempt.source.is_developer()
        });
        let would_ask = asks_person(report).then_some(Fix::AskPerson { scope: None });
        let other = || fix_of(report, |attempt| !attempt.source.is_developer()).cloned();
        match (developer.cloned().or(would_ask), &environment) {
            (Some(fix), _) => Some(fix),
            (None, None) => other().or_else(|| match is_attended {
                true => fix_of(report, |_| true).cloned(),
                false => Some(Fix::from(
                    "give the job its own identity: a federated credential, or AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET",
                )),
            }),
            (None, Some(_)) => None,
        }
    };
    let steps = match steps.is_empty() {
        true => others().into_iter().collect(),
        false => steps,
    };
    let all = steps.into_iter().chain(environment);
    all.reduce(Fix::or).unwrap_or_default()
}

/// Whether a source was set up by a variable that may be meant for something else, such as the
/// client id of another identity. A fix without a condition undoes what was set on purpose.
fn corrects_variable(attempt: &Attempt) -> bool {
    let unsets = |fix: &Fix| match fix {
        Fix::If(_, then) => matches!(**then, Fix::UnsetVariable(_)),
        _ => false,
    };
    let error = attempt.error.as_ref();
    error.and_then(Error::fix).is_some_and(|fix| match fix {
        Fix::AnyOf(fixes) => fixes.iter().any(unsets),
        fix => unsets(fix),
    })
}

fn fix_of(report: &Report, is_it: impl Fn(&Attempt) -> bool) -> Option<&Fix> {
    let mut errors = report
        .attempts
        .iter()
        .filter(|attempt| attempt.verdict == Verdict::Unavailable && is_it(attempt))
        .filter_map(|attempt| attempt.error.as_ref());
    errors.find_map(Error::fix)
}
