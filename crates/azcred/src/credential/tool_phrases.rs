//! What developers' tools say where they give no token, and what it means.

use crate::facts::ErrorKind;

/// Something that a tool says, and what it means.
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

/// What every tool may say, as Python's requests, Go and .NET word it.
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

/// The first phrase among a tool's words: of its own, else of all tools'.
pub(super) fn find(own: &'static [Phrase], said: &str) -> Option<&'static Phrase> {
    own.iter()
        .chain(COMMON)
        .find(|phrase| said.contains(phrase.says))
}
