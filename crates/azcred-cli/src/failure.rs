//! The failure of a command: what was tried, the response, its meaning, the fix and the exit code.

use crate::words;
use azcred::{
    Fix,
    chain::{Report, Verdict},
    printable_sentence,
};
use serde::{Serialize, Serializer};
use std::{borrow::Cow, sync::Arc};

/// Why a command has no result. Its JSON, under the key `error`, is stable: fields are added, never
/// changed.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Failure {
    /// The kind of failure.
    pub(crate) kind: Kind,
    /// The headline, if it says more than the kind.
    #[serde(skip)]
    pub(crate) headline: Option<Cow<'static, str>>,
    /// What was tried.
    pub(crate) what: String,
    /// The cause, in plain words.
    pub(crate) why: String,
    /// The fix, if it is known. In JSON, its text.
    #[serde(serialize_with = "words::serialize")]
    pub(crate) fix: Option<Box<Fix>>,
    /// The response of the other side, if there was one.
    #[serde(flatten)]
    pub(crate) answer: Option<Box<Answer>>,
    /// The report of a chain that returned no token.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "whole")]
    pub(crate) report: Option<Arc<Report>>,
}

fn whole<S: Serializer>(report: &Option<Arc<Report>>, serializer: S) -> Result<S::Ok, S::Error> {
    let report = report.as_deref();
    report
        .map(|report| report.in_words(words::fix))
        .serialize(serializer)
}

/// The response of the other side, with the ids for its support.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Answer {
    /// The side that responded.
    #[serde(skip)]
    pub(crate) from: OtherSide,
    /// The code, such as `AADSTS7000222` or `AuthorizationFailed`; `null` without one.
    pub(crate) code: Option<String>,
    /// The first sentence of its message; `null` without one.
    pub(crate) message: Option<String>,
    /// The HTTP status.
    pub(crate) status: Option<u16>,
    /// The id by which the sign-in log and Microsoft's support find the request.
    pub(crate) correlation_id: Option<String>,
    /// The id of one request.
    pub(crate) trace_id: Option<String>,
    /// The time of the response, by the other side's clock.
    pub(crate) timestamp: Option<String>,
    /// The claims challenge as JSON, if a policy sent one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) claims: Option<String>,
}

/// The side that responded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum OtherSide {
    /// Microsoft Entra ID.
    EntraId,
    /// Another identity provider, or a service of this machine, such as IMDS.
    #[default]
    IdentityProvider,
    /// Azure Resource Manager.
    Azure,
}

impl OtherSide {
    /// Its name in a sentence.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::EntraId => "Microsoft Entra ID",
            Self::IdentityProvider => "the identity provider",
            Self::Azure => "Azure",
        }
    }
}

/// The kinds of failure. Each has an exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Kind {
    /// Something on this machine failed: a file, a process.
    Failed,
    /// The command line is not valid.
    Usage,
    /// There is nothing to sign in with.
    NotSignedIn,
    /// The identity provider rejected the sign-in.
    Refused,
    /// The identity lacks the permission.
    NotPermitted,
    /// It does not exist, or the identity can't see it.
    NotFound,
    /// A server did not respond in time.
    Unreachable,
    /// A setting is not valid.
    Invalid,
    /// A response is not valid.
    Unexpected,
    /// The token is for another identity than the expected one.
    WrongAccount,
}

impl Kind {
    /// The headline of this kind.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::Usage => "wrong usage",
            Self::NotSignedIn => "not signed in",
            Self::Refused => "the sign-in was rejected",
            Self::NotPermitted => "not permitted",
            Self::NotFound => "not found",
            Self::Unreachable => "a server could not be reached",
            Self::Invalid => "invalid value",
            Self::Unexpected => "unexpected response",
            Self::WrongAccount => "signed in as the wrong account",
        }
    }

    /// The exit code, as `azcred --help` lists them.
    pub(crate) fn exit_code(self) -> u8 {
        match self {
            Self::Failed
            | Self::Invalid
            | Self::NotFound
            | Self::Unexpected
            | Self::WrongAccount => 1,
            Self::Usage => 2,
            Self::NotSignedIn => 3,
            Self::Refused => 4,
            Self::NotPermitted => 5,
            Self::Unreachable => 6,
        }
    }
}

impl Failure {
    /// A failure of `kind`: `what` was tried, and `why` it failed. Both are sentences without a
    /// full stop.
    pub(crate) fn new(kind: Kind, what: impl Into<String>, why: impl Into<String>) -> Self {
        Self {
            kind,
            headline: None,
            what: printable_sentence(what.into()).into_owned(),
            why: printable_sentence(why.into()).into_owned(),
            fix: None,
            answer: None,
            report: None,
        }
    }

    /// Sets the headline.
    #[must_use]
    pub(crate) fn titled(mut self, headline: impl Into<Cow<'static, str>>) -> Self {
        self.headline = Some(headline.into());
        self
    }

    /// The headline.
    pub(crate) fn headline(&self) -> Cow<'_, str> {
        match (&self.headline, self.kind) {
            (Some(headline), _) => Cow::Borrowed(headline),
            (None, _) if self.what_says_it() => Cow::Borrowed(&*self.what),
            (None, kind) => match &self.answer {
                Some(answer) if kind == Kind::Refused => {
                    Cow::Owned(format!("{} rejected the sign-in", answer.from.name()))
                }
                _ => Cow::Borrowed(kind.title()),
            },
        }
    }

    /// What was tried, unless the headline says so.
    pub(crate) fn occasion(&self) -> Option<&str> {
        let is_said = match self.kind {
            Kind::WrongAccount | Kind::Usage => true,
            _ => self.headline.is_none() && self.what_says_it(),
        };
        Some(&*self.what).filter(|what| !is_said && !what.is_empty())
    }

    /// Whether `what` is a better headline than the kind.
    fn what_says_it(&self) -> bool {
        matches!(
            self.kind,
            Kind::Failed | Kind::Invalid | Kind::NotFound | Kind::Usage
        ) && !self.what.is_empty()
    }

    /// Sets the fix.
    #[must_use]
    pub(crate) fn fix(mut self, fix: impl Into<Fix>) -> Self {
        self.fix = Some(Box::new(fix.into()));
        self
    }
}

impl From<azcred::Error> for Failure {
    fn from(error: azcred::Error) -> Self {
        let kind = match error.kind() {
            azcred::ErrorKind::Unavailable => Kind::NotSignedIn,
            azcred::ErrorKind::Refused => Kind::Refused,
            azcred::ErrorKind::Unreachable => Kind::Unreachable,
            azcred::ErrorKind::Invalid => Kind::Invalid,
            azcred::ErrorKind::WrongAccount => Kind::WrongAccount,
            _ => Kind::Unexpected,
        };
        // The user cancelled: RFC 6749 section 4.1.2.1, RFC 8628 section 3.5, and Entra ID's own
        // word.
        let cancelled = error.refusal().is_some_and(|refusal| {
            matches!(&*refusal.error, "access_denied" | "authorization_declined")
        });
        let headline = match cancelled {
            true => Some(Cow::Borrowed("the sign-in was cancelled")),
            false => error
                .report()
                .filter(|_| kind == Kind::NotSignedIn)
                .and_then(|report| alone(report)),
        };
        let answer = error.refusal().map(|refusal| {
            Box::new(Answer {
                from: match refusal.code {
                    Some(_) => OtherSide::EntraId,
                    None => OtherSide::IdentityProvider,
                },
                code: refusal
                    .code
                    .map(|code| format!("AADSTS{code}"))
                    .or_else(|| some(&refusal.error)),
                message: some(&refusal.description),
                status: Some(refusal.status),
                correlation_id: refusal.correlation_id.clone(),
                trace_id: refusal.trace_id.clone(),
                timestamp: refusal.timestamp.clone(),
                claims: refusal.claims.clone(),
            })
        });
        Self {
            kind,
            headline,
            what: error.what().to_owned(),
            why: error.why().to_owned(),
            fix: error.fix().cloned().map(Box::new),
            answer,
            report: error.report().cloned(),
        }
    }
}

impl From<azcred_azure::Error> for Failure {
    fn from(error: azcred_azure::Error) -> Self {
        use azcred_azure::ErrorKind as Theirs;
        if let Some(token) = error.token_error() {
            return token.clone().into();
        }
        let kind = match error.kind() {
            Theirs::Unauthenticated => Kind::Refused,
            Theirs::NotPermitted => Kind::NotPermitted,
            Theirs::NotFound => Kind::NotFound,
            Theirs::Invalid => Kind::Invalid,
            Theirs::Unreachable => Kind::Unreachable,
            _ => Kind::Unexpected,
        };
        let answer = error.status().map(|status| {
            Box::new(Answer {
                from: match error.code() {
                    Some(code) if code.starts_with("AADSTS") => OtherSide::EntraId,
                    _ => OtherSide::Azure,
                },
                code: error.code().map(str::to_owned),
                status: Some(status),
                correlation_id: error.correlation_id().map(str::to_owned),
                ..Answer::default()
            })
        });
        Self {
            kind,
            headline: None,
            what: error.what().to_owned(),
            why: error.why().to_owned(),
            fix: error.fix().cloned().map(Box::new),
            answer,
            report: None,
        }
    }
}

/// The headline for a chain with only one source.
fn alone(report: &Report) -> Option<Cow<'static, str>> {
    let mut tried = report
        .attempts
        .iter()
        .filter(|attempt| attempt.verdict != Verdict::Excluded);
    match (tried.next(), tried.next()) {
        (Some(only), None) if only.verdict == Verdict::Unavailable => {
            Some(format!("the source {} has no token here", only.source).into())
        }
        _ => None,
    }
}

fn some(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}
