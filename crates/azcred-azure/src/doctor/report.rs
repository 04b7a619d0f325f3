//! What the doctor found: a stable shape, for people and for programs.

use crate::{
    access::Capability,
    error::{Error, ErrorKind},
    principal::Principal,
};
use serde::Serialize;

/// How a check ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Status {
    /// All is well.
    Ok,
    /// It works, and something about it should be known.
    Warning,
    /// It does not work.
    Failed,
    /// It was not tried, because of an earlier one.
    Skipped,
}

/// Which check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum CheckId {
    /// A token is had.
    SignIn,
    /// It is of the tenant that was asked for.
    Tenant,
    /// This machine's clock agrees with Azure's.
    Clock,
    /// The subscription can be seen.
    Subscription,
    /// The workspace exists and can be seen.
    Workspace,
    /// Jobs may be submitted.
    SubmitJobs,
    /// Data assets may be read.
    ReadData,
    /// Data assets may be written.
    WriteData,
    /// Computes may be managed.
    ManageComputes,
}

impl CheckId {
    /// Its title.
    pub fn title(self) -> &'static str {
        match self {
            Self::SignIn => "sign in",
            Self::Tenant => "tenant",
            Self::Clock => "clock",
            Self::Subscription => "subscription",
            Self::Workspace => "workspace",
            Self::SubmitJobs => Capability::SubmitJobs.title(),
            Self::ReadData => Capability::ReadData.title(),
            Self::WriteData => Capability::WriteData.title(),
            Self::ManageComputes => Capability::ManageComputes.title(),
        }
    }
}

impl From<Capability> for CheckId {
    fn from(capability: Capability) -> Self {
        match capability {
            Capability::SubmitJobs => Self::SubmitJobs,
            Capability::ReadData => Self::ReadData,
            Capability::WriteData => Self::WriteData,
            Capability::ManageComputes => Self::ManageComputes,
        }
    }
}

/// What a failed check is about, for an exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum Subject {
    /// There is nothing here to sign in with.
    NotSignedIn,
    /// The identity provider, or Azure at the door, said no.
    Refused,
    /// A role is missing.
    NotPermitted,
    /// Nobody answered.
    Unreachable,
    /// Anything else: a wrong name, a damaged file, an answer that nobody understands.
    Other,
}

impl From<&Error> for Subject {
    fn from(error: &Error) -> Self {
        match error.kind() {
            ErrorKind::Token => match error.token_error().map(azcred::Error::kind) {
                Some(azcred::ErrorKind::Unavailable) => Self::NotSignedIn,
                Some(azcred::ErrorKind::Refused) => Self::Refused,
                Some(azcred::ErrorKind::Unreachable) => Self::Unreachable,
                _ => Self::Other,
            },
            ErrorKind::Unauthenticated => Self::Refused,
            ErrorKind::NotPermitted => Self::NotPermitted,
            ErrorKind::Unreachable => Self::Unreachable,
            ErrorKind::NotFound | ErrorKind::Invalid | ErrorKind::Unexpected => Self::Other,
        }
    }
}

/// One check's result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Check {
    /// Which one.
    pub id: CheckId,
    /// Its title, for people.
    pub title: &'static str,
    /// How it ended.
    pub status: Status,
    /// What was found, where something was.
    pub detail: String,
    /// Why it did not end well; empty where it did.
    pub reason: String,
    /// The command or the click that fixes it; empty where nothing is to be fixed or nobody can
    /// know.
    pub fix: String,
    /// What a failure is about.
    pub subject: Option<Subject>,
    /// Azure's code.
    pub code: Option<String>,
    /// The id that Microsoft's support searches by.
    pub correlation_id: Option<String>,
    /// How long it took, in milliseconds; checks run side by side, so that they may add up to more
    /// than the whole.
    pub milliseconds: u64,
}

impl Check {
    pub(super) fn new(id: CheckId, status: Status, detail: impl Into<String>) -> Self {
        Self {
            id,
            title: id.title(),
            status,
            detail: detail.into(),
            reason: String::new(),
            fix: String::new(),
            subject: None,
            code: None,
            correlation_id: None,
            milliseconds: 0,
        }
    }

    pub(super) fn failed(id: CheckId, detail: impl Into<String>, error: &Error) -> Self {
        // What was given to us is nothing without what it was: 'it is empty' names no variable.
        let given = matches!(
            error.token_error().map(azcred::Error::kind),
            Some(azcred::ErrorKind::Invalid | azcred::ErrorKind::Unavailable)
        ) || matches!(error.kind(), ErrorKind::Invalid | ErrorKind::NotFound)
            && error.status().is_none();
        let told = error.why().starts_with(error.what());
        let reason = if given && !told {
            format!("{}: {}", error.what(), error.why())
        } else {
            error.why().to_owned()
        };
        Self {
            reason,
            fix: error.fix().to_owned(),
            subject: Some(error.into()),
            code: error.code().map(str::to_owned),
            correlation_id: error.correlation_id().map(str::to_owned),
            ..Self::new(id, Status::Failed, detail)
        }
    }

    pub(super) fn skipped(id: CheckId, because: &str) -> Self {
        Self {
            reason: because.to_owned(),
            ..Self::new(id, Status::Skipped, "")
        }
    }

    pub(super) fn because(mut self, reason: impl Into<String>, fix: impl Into<String>) -> Self {
        self.reason = reason.into();
        self.fix = fix.into();
        self
    }
}

/// Everything the doctor found, in order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Report {
    /// Whether no check failed.
    pub healthy: bool,
    /// Who signed in, where somebody did.
    pub principal: Option<Principal>,
    /// The workspace's resource id, where one is meant.
    pub workspace: Option<String>,
    /// The checks.
    pub checks: Vec<Check>,
    /// How long it took as a whole, in milliseconds.
    pub milliseconds: u64,
}

impl Report {
    /// A check by its id.
    pub fn check(&self, id: CheckId) -> Option<&Check> {
        self.checks.iter().find(|check| check.id == id)
    }

    /// What the first failure is about: later ones may follow from it.
    pub fn first_failure(&self) -> Option<&Check> {
        self.checks
            .iter()
            .find(|check| check.status == Status::Failed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_given_is_named_in_the_reason_and_what_azure_says_stands_alone() {
        let reason = |error: &Error| Check::failed(CheckId::SignIn, "", error).reason;
        let token = |kind| {
            Error::token(azcred::Error::new(
                kind,
                "Read AZURE_AUTHORITY_HOST",
                "it is plain HTTP",
            ))
        };
        let whole = "Read AZURE_AUTHORITY_HOST: it is plain HTTP";
        assert_eq!(reason(&token(azcred::ErrorKind::Invalid)), whole);
        assert_eq!(reason(&token(azcred::ErrorKind::Unavailable)), whole);
        assert_eq!(
            reason(&token(azcred::ErrorKind::Refused)),
            "it is plain HTTP"
        );
        let asked = Error::new(
            ErrorKind::NotFound,
            "Looked for the workspace",
            "there is none",
        );
        assert_eq!(reason(&asked), "Looked for the workspace: there is none");
        assert_eq!(reason(&asked.with_answer(404, None, None)), "there is none");
    }
}
