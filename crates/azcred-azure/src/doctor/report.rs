//! The doctor's report: a stable form for people and programs.

use super::checks::CheckId;
use crate::error::{Error, ErrorKind};
use azcred::{Fix, Principal, printable_sentence};
use serde::{Serialize, Serializer};
use std::{sync::Arc, time::Duration};

/// How a check ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Status {
    /// The check passed.
    Ok,
    /// The check passed, with something to know.
    Warning,
    /// The check failed.
    Failed,
    /// It did not run, because of an earlier check or because it does not apply here.
    Skipped,
}

/// What a failed check is about, for an exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum Subject {
    /// No source has an identity on this machine.
    NotSignedIn,
    /// Entra ID or Resource Manager rejected the credential or its token.
    Refused,
    /// A role is missing.
    NotPermitted,
    /// There was no response in time.
    Unreachable,
    /// Anything else: a wrong name, a damaged file, a response that is not Azure's.
    Other,
}

impl From<&Error> for Subject {
    fn from(error: &Error) -> Self {
        match error.kind() {
            ErrorKind::Token => error
                .token_error()
                .map_or(Self::Other, |error| error.kind().into()),
            ErrorKind::Unauthenticated => Self::Refused,
            ErrorKind::NotPermitted => Self::NotPermitted,
            ErrorKind::Unreachable => Self::Unreachable,
            ErrorKind::NotFound | ErrorKind::Invalid | ErrorKind::Unexpected => Self::Other,
        }
    }
}

impl From<azcred::ErrorKind> for Subject {
    fn from(kind: azcred::ErrorKind) -> Self {
        match kind {
            azcred::ErrorKind::Unavailable => Self::NotSignedIn,
            azcred::ErrorKind::Refused => Self::Refused,
            azcred::ErrorKind::Unreachable => Self::Unreachable,
            _ => Self::Other,
        }
    }
}

/// The words of a check's outcome.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Verdict {
    pub(super) status: Status,
    pub(super) detail: String,
    pub(super) reason: String,
    pub(super) fixes: Vec<Fix>,
    pub(super) evidence: Vec<Evidence>,
    pub(super) subject: Option<Subject>,
    pub(super) code: Option<String>,
    pub(super) correlation_id: Option<String>,
}

/// Words that a report shows. They quote values of responses.
fn text(words: impl Into<String>) -> String {
    printable_sentence(words.into()).into_owned()
}

impl Verdict {
    fn new(status: Status, detail: impl Into<String>, reason: impl Into<String>) -> Self {
        Self {
            status,
            detail: text(detail),
            reason: text(reason),
            fixes: Vec::new(),
            evidence: Vec::new(),
            subject: None,
            code: None,
            correlation_id: None,
        }
    }

    /// The check passed, with `detail`.
    pub(super) fn ok(detail: impl Into<String>) -> Self {
        Self::new(Status::Ok, detail, "")
    }

    /// The check passed, and `reason` is something to know.
    pub(super) fn warning(detail: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::new(Status::Warning, detail, reason)
    }

    /// The check failed because of `reason`, which concerns `subject`.
    pub(super) fn failed(
        subject: Subject,
        detail: impl Into<String>,
        reason: impl Into<String>,
    ) -> Self {
        Self {
            subject: Some(subject),
            ..Self::new(Status::Failed, detail, reason)
        }
    }

    /// There is nothing to check.
    pub(super) fn skipped(reason: impl Into<String>) -> Self {
        Self::new(Status::Skipped, "", reason)
    }

    /// The check failed with this error's reason and fix.
    pub(super) fn error(detail: impl Into<String>, error: &Error) -> Self {
        // The cause of a local error needs its context: 'it is empty' names no variable.
        let is_local = matches!(
            error.token_error().map(azcred::Error::kind),
            Some(azcred::ErrorKind::Invalid | azcred::ErrorKind::Unavailable)
        ) || matches!(error.kind(), ErrorKind::Invalid | ErrorKind::NotFound)
            && error.status().is_none();
        let reason = if is_local && !error.what().is_empty() {
            format!("{}: {}", error.what(), error.why())
        } else {
            error.why().to_owned()
        };
        Self {
            code: error.code().map(str::to_owned),
            correlation_id: error.correlation_id().map(str::to_owned),
            ..Self::failed(error.into(), detail, reason)
                .fix(error.fix().cloned().unwrap_or_default())
        }
    }

    /// Adds a step of the fix, if there is one.
    pub(super) fn fix(mut self, fix: impl Into<Fix>) -> Self {
        self.fixes.push(fix.into());
        self.fixes.retain(|fix| !fix.is_empty());
        self
    }

    /// Replaces the fix by this step.
    pub(super) fn only(mut self, fix: impl Into<Fix>) -> Self {
        self.fixes.clear();
        self.fix(fix)
    }

    /// Adds what else was found.
    pub(super) fn evidence(mut self, name: &'static str, value: impl Into<String>) -> Self {
        let value = text(value);
        self.evidence.push(Evidence { name, value });
        self
    }
}

/// Something that a check found besides its result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Evidence {
    /// The name, in a word.
    pub name: &'static str,
    /// The value.
    pub value: String,
}

/// One check's result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct CheckReport {
    /// The check.
    pub id: CheckId,
    /// The check's name, as the report shows it.
    pub title: &'static str,
    /// How it ended.
    pub status: Status,
    /// What was found; empty if nothing was.
    pub detail: String,
    /// Why the check did not pass; empty if it did.
    pub reason: String,
    /// The steps of the fix, in order. Empty if nothing has to be fixed, or no fix is known. In
    /// JSON, one string.
    #[serde(rename = "fix", serialize_with = "in_one")]
    pub fixes: Vec<Fix>,
    /// Details that most readers don't need.
    pub evidence: Vec<Evidence>,
    /// What the failure is about.
    pub subject: Option<Subject>,
    /// Azure's error code.
    pub code: Option<String>,
    /// The request's id for Microsoft's support.
    pub correlation_id: Option<String>,
    /// How long the check took, in milliseconds. Checks run at the same time, so the sum may be
    /// more than the whole.
    pub milliseconds: u64,
}

fn in_one<S: Serializer>(fixes: &[Fix], serializer: S) -> Result<S::Ok, S::Error> {
    let fixes: Vec<String> = fixes.iter().map(Fix::to_string).collect();
    serializer.serialize_str(&fixes.join("; "))
}

impl CheckReport {
    pub(super) fn new(id: CheckId, verdict: Verdict, took: Duration) -> Self {
        Self {
            id,
            title: id.title(),
            status: verdict.status,
            detail: verdict.detail,
            reason: verdict.reason,
            fixes: verdict.fixes,
            evidence: verdict.evidence,
            subject: verdict.subject,
            code: verdict.code,
            correlation_id: verdict.correlation_id,
            milliseconds: milliseconds(took),
        }
    }
}

pub(super) fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// The result of a run, with its checks in order.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Report {
    /// Whether no check failed.
    pub healthy: bool,
    /// The identity that signed in; `None` if the sign-in failed.
    pub principal: Option<Principal>,
    /// The workspace's resource id, if one is known.
    pub workspace: Option<String>,
    /// The checks.
    pub checks: Vec<CheckReport>,
    /// How long the run took, in milliseconds.
    pub milliseconds: u64,
    /// What each source of the chain did, if a chain ran.
    #[serde(serialize_with = "as_value")]
    pub chain: Option<Arc<azcred::chain::Report>>,
}

fn as_value<S: Serializer>(
    report: &Option<Arc<azcred::chain::Report>>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    report.as_deref().serialize(serializer)
}

impl Report {
    /// The same report with fixes in the words of a program, which can name its own commands.
    #[must_use]
    pub fn in_words(&self, words: impl Fn(&Fix) -> String) -> Self {
        let mut report = self.clone();
        for check in &mut report.checks {
            for fix in &mut check.fixes {
                *fix = words(fix).into();
            }
        }
        report.chain = report.chain.map(|chain| Arc::new(chain.in_words(words)));
        report
    }

    /// A check by its id.
    pub fn check(&self, id: CheckId) -> Option<&CheckReport> {
        self.checks.iter().find(|check| check.id == id)
    }

    /// The first failed check. Later failures may follow from it.
    pub fn first_failure(&self) -> Option<&CheckReport> {
        self.checks
            .iter()
            .find(|check| check.status == Status::Failed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_local_cause_is_named_in_the_reason_and_azures_is_not() {
        let reason = |error: &Error| Verdict::error("", error).reason;
        let token = |kind| {
            Error::token(azcred::Error::new(
                kind,
                "AZURE_AUTHORITY_HOST is not valid",
                "it is plain HTTP",
            ))
        };
        let whole = "AZURE_AUTHORITY_HOST is not valid: it is plain HTTP";
        assert_eq!(reason(&token(azcred::ErrorKind::Invalid)), whole);
        assert_eq!(reason(&token(azcred::ErrorKind::Unavailable)), whole);
        assert_eq!(
            reason(&token(azcred::ErrorKind::Refused)),
            "it is plain HTTP"
        );
        let asked = Error::new(
            ErrorKind::NotFound,
            "could not read the workspace",
            "there is none",
        );
        assert_eq!(
            reason(&asked),
            "could not read the workspace: there is none"
        );
        assert_eq!(reason(&asked.with_answer(404, None, None)), "there is none");
    }

    #[test]
    fn the_steps_of_a_fix_are_one_string_for_programs() {
        let verdict = Verdict::failed(Subject::Other, "", "")
            .fix("check the name")
            .fix("")
            .fix("wait");
        let report = CheckReport::new(CheckId::Workspace, verdict, Duration::ZERO);
        let json = serde_json::to_value(&report).expect("it is plain data");
        assert_eq!(json["fix"], "check the name; wait");
    }
}
