//! What developer tools print when they return no token, and what that means.

use crate::facts::ErrorKind;

/// A phrase of a tool, and its meaning.
#[derive(Debug)]
pub(super) struct Phrase {
    pub(super) says: &'static str,
    pub(super) kind: ErrorKind,
    pub(super) why: &'static str,
    pub(super) fix: &'static str,
}

const NETWORK: &str =
    "check the network and, if it has a proxy, HTTPS_PROXY and the tool's own settings";
const TRUST: &str = "if a proxy signs certificates itself, set REQUESTS_CA_BUNDLE to its root certificate (Azure CLI), or install it in the system";

const fn unreachable(says: &'static str) -> Phrase {
    Phrase {
        says,
        kind: ErrorKind::Unreachable,
        why: "it could not reach the identity provider",
        fix: NETWORK,
    }
}

const fn untrusted(says: &'static str) -> Phrase {
    Phrase {
        says,
        kind: ErrorKind::Unreachable,
        why: "it does not trust the server's certificate",
        fix: TRUST,
    }
}

/// Phrases of all tools, in the words of Python's requests, Go and .NET.
const COMMON: &[Phrase] = &[
    untrusted("certificate verify failed"),
    untrusted("x509: "),
    untrusted("The SSL connection could not be established"),
    unreachable("Max retries exceeded"),
    unreachable("Failed to establish a new connection"),
    unreachable("Connection aborted"),
    unreachable("no such host"),
    unreachable("connection refused"),
    unreachable("No such host is known"),
    unreachable("Name or service not known"),
];

/// The first known phrase in a tool's output: one of the tool's own, or else a common one.
pub(super) fn find(own: &'static [Phrase], said: &str) -> Option<&'static Phrase> {
    own.iter()
        .chain(COMMON)
        .find(|phrase| said.contains(phrase.says))
}
