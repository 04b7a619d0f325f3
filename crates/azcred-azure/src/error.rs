//! The error type of this crate: what was tried, what Azure Resource Manager returned, what that
//! means, and its fix.

use azcred::{Fix, printable_sentence};
use std::{borrow::Cow, fmt};

/// A result whose error is [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// The kind of an [`Error`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum ErrorKind {
    /// There is no token. [`Error::token_error`] says why, with its own kind.
    Token,
    /// Azure Resource Manager rejected the token: wrong tenant, wrong audience, expired.
    Unauthenticated,
    /// The identity is known but lacks a role for this.
    NotPermitted,
    /// The resource does not exist, or this identity can't see it.
    NotFound,
    /// A given value can't be used: a malformed workspace name, a damaged `config.json`.
    Invalid,
    /// There was no response in time, or Azure itself has a problem (429, 5xx).
    Unreachable,
    /// The response is not Azure Resource Manager's: HTML, truncated JSON, a link to another host.
    Unexpected,
}

/// Why something in Azure could not be read or done, and its fix.
///
/// `Display` has the form of [`azcred::Error`]'s: what was tried, why it failed (with Azure's code
/// and correlation id), and what to do. It never shows a secret.
#[derive(Clone)]
pub struct Error(Box<Inner>);

#[derive(Clone)]
struct Inner {
    kind: ErrorKind,
    what: Cow<'static, str>,
    why: Cow<'static, str>,
    fix: Option<Fix>,
    code: Option<String>,
    correlation_id: Option<String>,
    status: Option<u16>,
    clock_skew: Option<i64>,
    token: Option<azcred::Error>,
}

impl Error {
    /// An error of `kind`: `what` was tried, and `why` it failed. Both are without a full stop.
    /// Characters that are not for a terminal become spaces.
    pub fn new(
        kind: ErrorKind,
        what: impl Into<Cow<'static, str>>,
        why: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self(Box::new(Inner {
            kind,
            what: printable_sentence(what),
            why: printable_sentence(why),
            fix: None,
            code: None,
            correlation_id: None,
            status: None,
            clock_skew: None,
            token: None,
        }))
    }

    /// Adds the fix: a [`Fix`], or an instruction without a full stop. An empty instruction adds
    /// nothing.
    #[must_use]
    pub fn with_fix(mut self, fix: impl Into<Fix>) -> Self {
        self.0.fix = Some(fix.into()).filter(|fix| !fix.is_empty());
        self
    }

    /// Takes the fix of the error that caused this one.
    fn with_fix_of(mut self, error: &azcred::Error) -> Self {
        self.0.fix = error.fix().cloned();
        self
    }

    /// Adds Azure Resource Manager's code, such as `AuthorizationFailed`.
    #[must_use]
    pub fn with_code(mut self, code: Option<String>) -> Self {
        self.0.code = code;
        self
    }

    /// Adds a response's status, correlation id and clock skew in seconds.
    #[must_use]
    pub(crate) fn with_answer(
        mut self,
        status: u16,
        correlation_id: Option<String>,
        clock_skew: Option<i64>,
    ) -> Self {
        self.0.status = Some(status);
        self.0.correlation_id = correlation_id;
        self.0.clock_skew = clock_skew;
        self
    }

    /// The error for a missing token.
    pub(crate) fn token(error: azcred::Error) -> Self {
        let mut this = Self::new(
            ErrorKind::Token,
            error.what().to_owned(),
            error.why().to_owned(),
        )
        .with_fix_of(&error);
        this.0.code = error.code().map(|code| format!("AADSTS{code}"));
        this.0.correlation_id = error
            .refusal()
            .and_then(|refusal| refusal.correlation_id.clone());
        this.0.status = error.refusal().map(|refusal| refusal.status);
        this.0.token = Some(error);
        this
    }

    /// The error for a request without a readable response.
    pub(crate) fn transport(error: &azcred::Error) -> Self {
        let kind = match error.kind() {
            azcred::ErrorKind::Invalid => ErrorKind::Invalid,
            azcred::ErrorKind::Unexpected => ErrorKind::Unexpected,
            _ => ErrorKind::Unreachable,
        };
        Self::new(kind, error.what().to_owned(), error.why().to_owned()).with_fix_of(error)
    }

    /// The kind.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// What was tried.
    pub fn what(&self) -> &str {
        &self.0.what
    }

    /// Why it failed, in plain words.
    pub fn why(&self) -> &str {
        &self.0.why
    }

    /// The fix, if it is known.
    pub fn fix(&self) -> Option<&Fix> {
        self.0.fix.as_ref()
    }

    /// Azure's code: Resource Manager's (`AuthorizationFailed`), or Entra ID's (`AADSTS7000222`) if
    /// there is no token.
    pub fn code(&self) -> Option<&str> {
        self.0.code.as_deref()
    }

    /// The request's id for Microsoft's support and the activity log.
    pub fn correlation_id(&self) -> Option<&str> {
        self.0.correlation_id.as_deref()
    }

    /// The HTTP status, if there was a response.
    pub fn status(&self) -> Option<u16> {
        self.0.status
    }

    /// Why there is no token, if the kind is [`ErrorKind::Token`].
    pub fn token_error(&self) -> Option<&azcred::Error> {
        self.0.token.as_ref()
    }

    /// The difference between Azure's clock and this machine's in seconds, if the response had a
    /// date. It is positive if this machine is behind.
    pub(crate) fn clock_skew(&self) -> Option<i64> {
        self.0.clock_skew
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(token) = self.token_error() {
            return token.fmt(f);
        }
        write!(f, "{}: {}", self.0.what, self.0.why)?;
        let code = self
            .0
            .code
            .clone()
            .or_else(|| self.0.status.map(|status| format!("HTTP {status}")));
        let id = self
            .correlation_id()
            .map(|id| format!("correlation id {id}"));
        let facts: Vec<String> = [code, id].into_iter().flatten().collect();
        if !facts.is_empty() {
            write!(f, " ({})", facts.join(", "))?;
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
            .field("code", &self.0.code)
            .field("correlation_id", &self.0.correlation_id)
            .field("status", &self.0.status)
            .field("token", &self.0.token)
            .finish_non_exhaustive()
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.token.as_ref().map(|token| token as _)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_reads_as_what_why_and_fix() {
        let error = Error::new(
            ErrorKind::NotFound,
            "could not find the workspace 'w'",
            "there is none",
        )
        .with_fix("check its name")
        .with_code(Some("ResourceNotFound".into()))
        .with_answer(404, Some("c0".into()), None);
        assert_eq!(
            error.to_string(),
            "could not find the workspace 'w': there is none (ResourceNotFound, correlation id c0). Fix: check its name."
        );
    }

    #[test]
    fn a_token_error_reads_as_itself_and_is_the_source() {
        let token = azcred::Error::new(azcred::ErrorKind::Unavailable, "Looked", "nothing is set");
        let error = Error::token(token.clone());
        assert_eq!(error.to_string(), token.to_string());
        assert_eq!(
            error.token_error().unwrap().kind(),
            azcred::ErrorKind::Unavailable
        );
        assert!(std::error::Error::source(&error).is_some());
    }
}
