//! Whether a job would sign in: its subjects beside the federated credentials that are registered.

use super::workflow::{Job, Runs, SignIn};
use crate::{
    commands::sp::sides,
    output::{
        Output,
        style::{BAD, GOOD, STRONG, WARN, paint},
        table,
        wrap::Stream,
    },
    shell::word,
};
use azcred::FederatedAudience;
use azcred_azure::{
    Difference, FederatedCredential, FederatedTrust, GitHubRepository, GitHubRun, SubjectPrefix,
    nearest,
};
use serde::Serialize;

/// What is compared.
pub(super) struct Side<'a> {
    pub(super) repository: &'a GitHubRepository,
    pub(super) prefix: &'a SubjectPrefix,
    pub(super) registered: &'a [FederatedCredential],
    /// The cloud's audience.
    pub(super) audience: &'a FederatedAudience,
}

/// A job, and whether it would sign in.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct JobVerdict {
    name: String,
    /// Whether it would sign in for everything that the file says it runs for.
    signs_in: bool,
    /// What keeps it from signing in whatever it runs for; `null` if nothing does.
    obstacle: Option<&'static str>,
    runs: Vec<RunVerdict>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct RunVerdict {
    /// What the job runs for, in words.
    runs_for: String,
    verdict: Verdict,
    /// The subject of its token; `null` if the file does not say it.
    subject: Option<String>,
    /// The federated credentials that match.
    credentials: Vec<String>,
    /// The nearest federated credential, if none matches.
    nearest: Option<String>,
    /// What differs from that one.
    differences: Vec<Difference>,
    /// The options of `azcred sp federate` that register the subject.
    #[serde(skip)]
    options: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
enum Verdict {
    SignsIn,
    /// It signs in for the branches or tags that are registered, and for no other.
    ForSome,
    No,
    Unknown,
}

const NO_PERMISSION: &str =
    "it may not request an identity token: `permissions` lacks `id-token: write`";
const WITH_SECRET: &str = "it signs in with a secret, not with its identity token";

/// Whether a job would sign in.
pub(super) fn judge(job: &Job, side: &Side<'_>) -> JobVerdict {
    let (obstacle, audience) = match &job.sign_in {
        SignIn::Secret => (Some(WITH_SECRET), None),
        SignIn::Token { audience, .. } if job.may_request => (None, audience.as_deref()),
        SignIn::Token { .. } => (Some(NO_PERMISSION), None),
    };
    let audience = audience.and_then(|text| FederatedAudience::new(text).ok());
    let audience = audience.unwrap_or_else(|| side.audience.clone());
    let runs: Vec<RunVerdict> = match obstacle {
        Some(_) => Vec::new(),
        None => job
            .runs
            .iter()
            .map(|run| of_run(run, side, &audience))
            .collect(),
    };
    let signs_in = runs
        .iter()
        .all(|run| matches!(run.verdict, Verdict::SignsIn | Verdict::ForSome));
    JobVerdict {
        name: job.name.clone(),
        signs_in: obstacle.is_none() && signs_in,
        obstacle,
        runs,
    }
}

fn of_run(runs: &Runs, side: &Side<'_>, audience: &FederatedAudience) -> RunVerdict {
    let verdict = |runs_for: String, verdict| RunVerdict {
        runs_for,
        verdict,
        subject: None,
        credentials: Vec::new(),
        nearest: None,
        differences: Vec::new(),
        options: None,
    };
    let several = |runs_for: String, beginning: &str| {
        let found = trusted_below(side, audience, beginning);
        RunVerdict {
            credentials: found.clone(),
            ..verdict(
                runs_for,
                match found.is_empty() {
                    true => Verdict::No,
                    false => Verdict::ForSome,
                },
            )
        }
    };
    match runs {
        Runs::Unknown(why) => verdict(why.clone(), Verdict::Unknown),
        Runs::Branches(which) => several(which.clone(), ":ref:refs/heads/"),
        Runs::Tags(which) => several(which.clone(), ":ref:refs/tags/"),
        Runs::For(run) => {
            let Ok(trust) = side.repository.trust(side.prefix, run, audience.clone()) else {
                return verdict(run.describe(), Verdict::Unknown);
            };
            for_one(run, &trust, side)
        }
    }
}

fn for_one(run: &GitHubRun, trust: &FederatedTrust, side: &Side<'_>) -> RunVerdict {
    let near = nearest(side.registered, trust);
    let (name, differences) = near
        .map(|(one, differences)| (Some(one.name.to_string()), differences))
        .unwrap_or_default();
    let is_trusted = name.is_some() && differences.is_empty();
    let credentials = name.clone().into_iter().filter(|_| is_trusted).collect();
    RunVerdict {
        runs_for: run.describe(),
        verdict: match is_trusted {
            true => Verdict::SignsIn,
            false => Verdict::No,
        },
        subject: Some(trust.subject().to_owned()),
        credentials,
        nearest: name.filter(|_| !is_trusted),
        differences,
        options: Some(options(run)),
    }
}

/// The branches or tags of the repository that are trusted.
fn trusted_below(side: &Side<'_>, audience: &FederatedAudience, beginning: &str) -> Vec<String> {
    let beginning = format!("{}{beginning}", side.prefix.as_str());
    let issuer = side.repository.issuer();
    let trusted = side.registered.iter().filter_map(|one| {
        let name = one.subject.as_ref()?.raw().strip_prefix(&beginning)?;
        let has_audience = one
            .audiences
            .iter()
            .any(|own| own.raw() == audience.as_str());
        (one.issuer.raw() == issuer && has_audience).then(|| azcred::printable(name, 100))
    });
    trusted.collect()
}

/// The options of `azcred sp federate` that mean a run.
pub(super) fn options(run: &GitHubRun) -> String {
    match run {
        GitHubRun::Branch(name) => format!("--branch {}", word(name)),
        GitHubRun::Tag(name) => format!("--tag {}", word(name)),
        GitHubRun::Environment(name) => format!("--environment {}", word(name)),
        GitHubRun::PullRequest => "--pull-request".to_owned(),
    }
}

impl JobVerdict {
    pub(super) fn signs_in(&self) -> bool {
        self.signs_in
    }

    /// Shows it. `federate` is the command that registers a subject, without its options.
    pub(super) fn show(&self, federate: &str, output: &mut Output) {
        output.line(format!("Job {}", paint(STRONG, &self.name)));
        if let Some(obstacle) = self.obstacle {
            output.line(format!("  {} {obstacle}", paint(BAD, "does not sign in:")));
        }
        let rows: Vec<[String; 3]> = self
            .runs
            .iter()
            .map(|run| [format!("  {}", run.runs_for), run.word(), run.by()])
            .collect();
        if !rows.is_empty() {
            let head = ["  runs for", "result", ""];
            for line in table::columns(head, &rows, Stream::Stdout.columns()) {
                output.line(line);
            }
        }
        for run in self.runs.iter().filter(|run| run.verdict == Verdict::No) {
            run.show_sides(output);
            if let Some(options) = &run.options {
                output.remark(&format!(
                    "to let the application trust {}, run `{federate} {options}`",
                    run.runs_for
                ));
            }
        }
    }
}

impl RunVerdict {
    /// Shows the nearest federated credential and the token's values, one below the other.
    fn show_sides(&self, output: &mut Output) {
        let Some(nearest) = &self.nearest else {
            return;
        };
        let runs_for = &self.runs_for;
        output.line("");
        output.line(format!(
            "For {runs_for}, the nearest federated credential, {nearest}, differs:"
        ));
        for line in sides(&self.differences) {
            output.line(line);
        }
    }

    fn word(&self) -> String {
        match self.verdict {
            Verdict::SignsIn => paint(GOOD, "signs in"),
            Verdict::ForSome => paint(WARN, "signs in for some"),
            Verdict::No => paint(BAD, "does not sign in"),
            Verdict::Unknown => paint(WARN, "can't be told"),
        }
    }

    fn by(&self) -> String {
        match (self.verdict, &self.credentials[..]) {
            (Verdict::SignsIn, [one, ..]) => format!("by {one}"),
            (Verdict::ForSome, all) => all.join(", "),
            _ => String::new(),
        }
    }
}

#[cfg(test)]
#[path = "verdict_tests.rs"]
mod tests;
