//! Why the endpoint returned no token: the status and the words of each reason.

use crate::allow::Allow;
use azcred::{Error, ErrorKind, Fix, Untrusted, printable_sentence};
use hyper::StatusCode;
use std::{fmt, time::Duration};

/// Why the endpoint returned no token.
///
/// `Display` is what the response says, and what an SDK shows to its user: the cause, and the fix
/// if there is one. It has no secret and no token.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Reason {
    /// The bytes are no HTTP/1.1 request.
    NoRequest,
    /// TLS could not begin. The text says why, as rustls does.
    Handshake(String),
    /// The head is larger than 16 KiB, or has more than 64 headers.
    TooLarge,
    /// The client belongs to another user of this machine: the user id, or `None` if the system
    /// does not know the client's socket.
    OtherUser(Option<u32>),
    /// The method is not `GET`, or the request has a body.
    Method,
    /// The request came through a proxy. The text names what shows it.
    Proxy(&'static str),
    /// The request is for another host: it may come from a web page whose name resolves to this
    /// machine.
    Host,
    /// The request comes from a web page. The text names the header that shows it.
    WebPage(&'static str),
    /// The endpoint has no such path.
    Path,
    /// The version of the protocol is missing, unknown or not turned on. The text is the version,
    /// if it looks like one.
    Version(Option<Untrusted>),
    /// The header with the secret is missing. The text is its name.
    NoSecret(&'static str),
    /// The secret is wrong. The text is the name of its header.
    WrongSecret(&'static str),
    /// A parameter has the secret in it, which belongs into the header.
    Misplaced(&'static str),
    /// A parameter is there more than once.
    Twice(&'static str),
    /// The resource is missing.
    NoResource,
    /// The resource is not valid.
    BadResource(Error),
    /// The resource is not on the list.
    NotAllowed {
        /// The resource.
        resource: Untrusted,
        /// The list.
        allow: Allow,
    },
    /// The request names another identity than the endpoint's own.
    OtherIdentity {
        /// The parameter that names it.
        parameter: &'static str,
        /// The id in the request.
        named: Untrusted,
        /// The endpoint's own identity, in a few words.
        own: String,
    },
    /// Too many requests came within a second.
    TooMany,
    /// The session has no token.
    NoToken(Error),
}

/// After this time, a client may try again.
pub(crate) const RETRY_AFTER: Duration = Duration::from_secs(1);

impl Reason {
    /// The HTTP status. SDKs send a request again after 429 and 5xx only.
    pub fn status(&self) -> u16 {
        self.code().as_u16()
    }

    pub(crate) fn code(&self) -> StatusCode {
        match self {
            Self::NoRequest
            | Self::Handshake(_)
            | Self::Proxy(_)
            | Self::Host
            | Self::Version(_)
            | Self::Misplaced(_)
            | Self::Twice(_)
            | Self::NoResource
            | Self::BadResource(_)
            | Self::OtherIdentity { .. } => StatusCode::BAD_REQUEST,
            Self::NoSecret(_) | Self::WrongSecret(_) => StatusCode::UNAUTHORIZED,
            Self::OtherUser(_) | Self::WebPage(_) | Self::NotAllowed { .. } => {
                StatusCode::FORBIDDEN
            }
            Self::Path => StatusCode::NOT_FOUND,
            Self::Method => StatusCode::METHOD_NOT_ALLOWED,
            Self::TooLarge => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            Self::TooMany => StatusCode::TOO_MANY_REQUESTS,
            Self::NoToken(error) => match error.kind() {
                ErrorKind::Unreachable => StatusCode::SERVICE_UNAVAILABLE,
                ErrorKind::Unexpected => StatusCode::BAD_GATEWAY,
                ErrorKind::Refused | ErrorKind::WrongAccount => StatusCode::FORBIDDEN,
                _ => StatusCode::BAD_REQUEST,
            },
        }
    }

    /// The time after which a client may try again, if that can help.
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::TooMany => Some(RETRY_AFTER),
            Self::NoToken(error) => match error.fix() {
                Some(Fix::Retry { after }) => *after,
                _ => None,
            },
            _ => None,
        }
    }

    /// Whether the client may be anything but a program that was given the secret. Its connection
    /// is closed.
    pub(crate) fn is_stranger(&self) -> bool {
        matches!(
            self,
            Self::NoRequest
                | Self::Handshake(_)
                | Self::TooLarge
                | Self::OtherUser(_)
                | Self::Method
                | Self::Proxy(_)
                | Self::Host
                | Self::WebPage(_)
                | Self::NoSecret(_)
                | Self::WrongSecret(_)
        )
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const RENEW: &str =
            "Fix: take the variables of the endpoint that runs now; each start has another secret.";
        match self {
            Self::NoRequest => f.write_str("This is not an HTTP/1.1 request."),
            Self::Handshake(why) => write!(f, "TLS could not begin: {}. Fix: use the address in the endpoint's variables as it is, and let the program trust the endpoint's certificate.", Untrusted::new(why.as_str())),
            Self::TooLarge => f.write_str("The head of the request is larger than 16 KiB, or has more than 64 headers."),
            Self::OtherUser(Some(id)) => write!(f, "The client belongs to another user of this machine (user id {id}). Fix: run it as the user who started azcred."),
            Self::OtherUser(None) => f.write_str("The system does not say which user the client belongs to. Fix: run it on this machine, and outside a container."),
            Self::Method => f.write_str("The endpoint accepts GET without a body only."),
            Self::Proxy(what) => write!(f, "The request came through a proxy ({what}). Fix: add 127.0.0.1 and localhost to NO_PROXY."),
            Self::Host => f.write_str("The request is for another host. Fix: use the address in the endpoint's variables as it is."),
            Self::WebPage(header) => write!(f, "The request comes from a web page ({header}), and web pages get no tokens."),
            Self::Path => f.write_str("The endpoint has no such path. Fix: use the address in the endpoint's variables as it is."),
            Self::Version(None) => f.write_str("The parameter api-version is missing or wrong. Fix: send api-version=2019-08-01."),
            Self::Version(Some(version)) => write!(f, "The endpoint does not serve the api-version {version}. Fix: send 2019-08-01; 2017-09-01 is Azure Machine Learning's protocol, which must be turned on."),
            Self::NoSecret(header) => write!(f, "The header {header} is missing. Fix: send the secret in it."),
            Self::WrongSecret(header) => write!(f, "The secret in the header {header} is wrong. {RENEW}"),
            Self::Misplaced(name) => write!(f, "The parameter {name} has the endpoint's secret in it. Fix: send the secret in the header only."),
            Self::Twice(name) => write!(f, "The parameter {name} is there more than once. Fix: send it once."),
            Self::NoResource => f.write_str("The parameter resource is missing. Fix: send one such as resource=https://management.azure.com."),
            Self::BadResource(error) => f.write_str(&printable_sentence(error.to_string())),
            Self::NotAllowed { resource, allow } => write!(f, "The endpoint returns no tokens for {resource}; it allows {allow}. Fix: start `azcred exec` or `azcred serve` with `--allow {}`.", allow.list_with(resource.as_str())),
            Self::OtherIdentity { parameter, named, own } => write!(f, "The request names the identity {named} ({parameter}), but the endpoint returns tokens of {own} only. Fix: unset AZURE_CLIENT_ID, or remove the id from the program."),
            Self::TooMany => f.write_str("Too many requests came within a second. Fix: keep the token until it expires."),
            Self::NoToken(error) => write!(f, "azcred {}", printable_sentence(error.to_string())),
        }
    }
}
