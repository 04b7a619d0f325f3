//! The record of tokens and rejections.

use crate::{peer::Process, reason::Reason, rejections::More};
use azcred::Untrusted;
use std::{fmt, net::SocketAddr};
use time::OffsetDateTime;

/// Records each token, and rejections.
pub trait Audit: Send + Sync {
    /// Records an event. It must not block: the endpoint waits for it.
    fn record(&self, event: &Event);

    /// Records how many requests were rejected besides those with an [`Event`]: a flood of bad
    /// requests has few events. It must not block.
    fn record_more(&self, more: &More);
}

/// A request and its result. It never has a token or a secret.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Event {
    /// When the response was ready, in UTC.
    pub at: OffsetDateTime,
    /// The client.
    pub client: Client,
    /// The resource, if the request has one.
    pub resource: Option<Untrusted>,
    /// The result.
    pub verdict: Verdict,
}

/// The client of a connection.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Client {
    /// Its address; `None` on a Unix socket.
    pub address: Option<SocketAddr>,
    /// Its program, where the system tells.
    pub process: Option<Process>,
}

/// The result of a request.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Verdict {
    /// It got a token.
    Token {
        /// When the token ends, in UTC.
        expires_on: OffsetDateTime,
    },
    /// It got none.
    Rejected(Reason),
}

/// A time, to the second.
pub(crate) fn rfc3339(time: OffsetDateTime) -> String {
    let seconds = time.replace_nanosecond(0).unwrap_or(time);
    let text = seconds.format(&time::format_description::well_known::Rfc3339);
    text.unwrap_or_default()
}

/// One line.
impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ", rfc3339(self.at))?;
        match &self.verdict {
            Verdict::Token { .. } => f.write_str("token")?,
            Verdict::Rejected(reason) => write!(f, "rejected ({})", reason.status())?,
        }
        write!(f, " client={}", self.client)?;
        if let Some(resource) = &self.resource {
            write!(f, " resource={resource}")?;
        }
        match &self.verdict {
            Verdict::Token { expires_on } => {
                write!(f, " expires={}", rfc3339(*expires_on))
            }
            Verdict::Rejected(reason) => write!(f, ": {reason}"),
        }
    }
}

impl fmt::Display for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.address {
            Some(address) => address.fmt(f)?,
            None => f.write_str("unix")?,
        }
        match &self.process {
            Some(process) => write!(f, " process={process}"),
            None => Ok(()),
        }
    }
}

/// Records events as log messages of the target `azcred_endpoint::audit`.
#[derive(Clone, Copy, Debug, Default)]
pub struct LogAudit;

impl Audit for LogAudit {
    fn record(&self, event: &Event) {
        match event.verdict {
            Verdict::Token { .. } => tracing::info!(target: "azcred_endpoint::audit", "{event}"),
            Verdict::Rejected(_) => tracing::warn!(target: "azcred_endpoint::audit", "{event}"),
        }
    }
    fn record_more(&self, more: &More) {
        tracing::warn!(target: "azcred_endpoint::audit", "{more}");
    }
}
