//! The error of this crate: what did not work, why, what the other side returned, and the fix.
//!
//! *Unavailable* and *refused* are never merged. *Unavailable*: a source has nothing to use here,
//! so a chain tries the next one. *Refused*: the identity provider rejected the request.

use super::{Fix, Report};
use crate::untrusted::{Seen, printable_sentence};
use std::{
    borrow::Cow,
    fmt::{self, Write as _},
    sync::Arc,
};

/// A result whose error is [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// The kind of an [`Error`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// This source has nothing to sign in with here: a variable is not set, a program is not
    /// installed. A chain tries its next source.
    Unavailable,
    /// The identity provider rejected the request. [`Error::refusal`] has its response.
    Refused,
    /// The server did not respond in time: no route, no host name, no trusted certificate, or a 5xx
    /// or 429 on every retry.
    Unreachable,
    /// A given value can't be used: a malformed tenant, a certificate with the wrong password.
    Invalid,
    /// The response is not an identity provider's: HTML, a redirect, truncated JSON, a body that is
    /// too large.
    Unexpected,
    /// The token is for another identity than the one that the caller expects.
    WrongAccount,
}

/// Why there is no token, and the fix.
///
/// `Display` is one line: what did not work, why (with the provider's code and correlation id, if
/// it sent them), and the fix. It never shows a secret. Clones are cheap: all callers that wait for
/// one request get its error.
#[derive(Clone)]
pub struct Error(Arc<ErrorInner>);

#[derive(Clone)]
struct ErrorInner {
    kind: ErrorKind,
    what: Cow<'static, str>,
    why: Cow<'static, str>,
    fix: Option<Fix>,
    refusal: Option<Box<Refusal>>,
    cause: Option<Arc<dyn std::error::Error + Send + Sync>>,
    report: Option<Arc<Report>>,
    is_absent: bool,
    needs_password: bool,
}

impl Error {
    /// An error of `kind`: `what` did not work, such as 'could not get a token', and `why`. Both
    /// are without a full stop. Characters that are not for a terminal become spaces.
    pub fn new(
        kind: ErrorKind,
        what: impl Into<Cow<'static, str>>,
        why: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self(Arc::new(ErrorInner {
            kind,
            what: printable_sentence(what),
            why: printable_sentence(why),
            fix: None,
            refusal: None,
            cause: None,
            report: None,
            is_absent: false,
            needs_password: false,
        }))
    }

    /// Adds the fix: a [`Fix`], or an instruction without a full stop. An empty instruction adds
    /// nothing.
    #[must_use]
    pub fn with_fix(self, fix: impl Into<Fix>) -> Self {
        let fix = Some(fix.into()).filter(|fix| !fix.is_empty());
        self.change(|inner| inner.fix = fix)
    }

    /// Takes the fix of another error.
    #[must_use]
    pub fn with_fix_of(self, other: &Self) -> Self {
        self.change(|inner| inner.fix.clone_from(&other.0.fix))
    }

    /// Adds a reason before the others.
    #[must_use]
    pub(crate) fn because(self, reason: impl fmt::Display) -> Self {
        self.change(|inner| inner.why = format!("{reason}; {}", inner.why).into())
    }

    /// Replaces the reason.
    #[must_use]
    pub(crate) fn with_why(self, why: String) -> Self {
        self.change(|inner| inner.why = why.into())
    }

    /// Adds the identity provider's response.
    #[must_use]
    pub fn with_refusal(self, refusal: Refusal) -> Self {
        self.change(|inner| inner.refusal = Some(Box::new(refusal)))
    }

    /// Adds the error that caused this one, for [`std::error::Error::source`].
    #[must_use]
    pub fn with_cause(self, cause: impl std::error::Error + Send + Sync + 'static) -> Self {
        self.change(|inner| inner.cause = Some(Arc::new(cause)))
    }

    /// Marks that nothing of this source is set up here.
    #[must_use]
    pub(crate) fn absent(self) -> Self {
        self.change(|inner| inner.is_absent = true)
    }

    /// Says that a password was missing, and nothing else is known to be wrong.
    #[must_use]
    pub(crate) fn for_want_of_password(self) -> Self {
        self.change(|inner| inner.needs_password = true)
    }

    /// Adds the report of a chain.
    #[must_use]
    pub(crate) fn with_report(self, report: Arc<Report>) -> Self {
        self.change(|inner| inner.report = Some(report))
    }

    /// Changes this error only, and not its clones.
    fn change(mut self, change: impl FnOnce(&mut ErrorInner)) -> Self {
        change(Arc::make_mut(&mut self.0));
        self
    }

    /// The kind.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// Whether this source had nothing to sign in with here, so that another one may be tried.
    pub fn is_unavailable(&self) -> bool {
        self.0.kind == ErrorKind::Unavailable
    }

    /// Whether nothing of this source is set up here, as on most machines: none of its variables is
    /// set, its program is not installed, it has no account.
    pub fn is_absent(&self) -> bool {
        self.0.is_absent
    }

    /// Whether a certificate's file needs a password, and none was given.
    pub fn needs_password(&self) -> bool {
        self.0.needs_password
    }

    /// Whether the identity provider rejected the request.
    pub fn is_refused(&self) -> bool {
        self.0.kind == ErrorKind::Refused
    }

    /// What did not work: 'could not get a token …'.
    pub fn what(&self) -> &str {
        &self.0.what
    }

    /// Why it did not work.
    pub fn why(&self) -> &str {
        &self.0.why
    }

    /// The fix, if one is known.
    pub fn fix(&self) -> Option<&Fix> {
        self.0.fix.as_ref()
    }

    /// What the identity provider returned, if it rejected the request.
    pub fn refusal(&self) -> Option<&Refusal> {
        self.0.refusal.as_deref()
    }

    /// What each source of the chain returned, if a chain failed.
    pub fn report(&self) -> Option<&Arc<Report>> {
        self.0.report.as_ref()
    }

    /// The provider's numeric code (the digits of `AADSTS7000215`), if it sent one.
    pub fn code(&self) -> Option<u32> {
        self.refusal().and_then(|refusal| refusal.code)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.0.what, self.0.why)?;
        if let Some(refusal) = self.refusal() {
            write!(f, " ({refusal})")?;
        }
        f.write_str(".")?;
        if let Some(fix) = &self.0.fix {
            write!(f, " Fix: {fix}.")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error")
            .field("kind", &self.0.kind)
            .field("what", &self.0.what)
            .field("why", &self.0.why)
            .field("fix", &self.0.fix)
            .field("refusal", &self.0.refusal)
            .field("cause", &self.0.cause)
            .finish()
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.cause.as_deref().map(|cause| cause as _)
    }
}

/// The identity provider's rejection, with everything that its support needs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Refusal {
    /// The HTTP status.
    pub status: u16,
    /// The OAuth 2.0 error, such as `invalid_client` (RFC 6749 section 5.2).
    pub error: String,
    /// Entra ID's more precise error, such as `client_mismatch` or `bad_token`.
    pub suberror: Option<String>,
    /// The number in `AADSTSnnnnn`, if the provider is Entra ID.
    pub code: Option<u32>,
    /// The provider's first sentence in its own words, without control characters and secrets.
    pub description: String,
    /// The correlation id, for Microsoft's support and the sign-in log.
    pub correlation_id: Option<String>,
    /// The trace id (also called request id).
    pub trace_id: Option<String>,
    /// When the provider responded, by its own clock, as it wrote it.
    pub timestamp: Option<String>,
    /// The claims challenge to answer, as JSON, if a Conditional Access policy sent one.
    pub claims: Option<String>,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut f = Seen(f);
        match self.code {
            Some(code) => write!(f, "AADSTS{code}")?,
            None if self.error.is_empty() => write!(f, "HTTP {}", self.status)?,
            None => write!(f, "{}", self.error)?,
        }
        if let Some(id) = &self.correlation_id {
            write!(f, ", correlation id {id}")?;
        }
        if let Some(timestamp) = &self.timestamp {
            write!(f, ", {timestamp}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_reads_as_what_why_and_fix() {
        let error = Error::new(
            ErrorKind::Refused,
            "could not get a token",
            "the secret has expired",
        )
        .with_fix("run `az ad app credential reset --id x`")
        .with_refusal(Refusal {
            code: Some(7_000_222),
            correlation_id: Some("c0".into()),
            timestamp: Some("2026-11-21 20:00:00Z".into()),
            ..Refusal::default()
        });
        assert_eq!(
            error.to_string(),
            "could not get a token: the secret has expired (AADSTS7000222, correlation id c0, \
             2026-11-21 20:00:00Z). Fix: run `az ad app credential reset --id x`."
        );
    }
}
