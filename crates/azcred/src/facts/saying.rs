//! What programs say when something on this machine or the network is in the way, and what that
//! means.
//!
//! Azure CLI, the SDKs and Python, Node, Go, .NET and Java have no codes for it, so their words are
//! what tells them apart. From their sources, and from what they print in these troubles.

use super::ErrorKind;

/// Words of programs, what they mean, and the fix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Saying {
    /// A short name, as a code would be; where the programs have one, theirs.
    pub code: &'static str,
    /// The words, as they are. Any one of them counts.
    pub says: &'static [&'static str],
    /// The kind of error.
    pub kind: ErrorKind,
    /// The cause, without a full stop.
    pub means: &'static str,
    /// The fix, as an instruction without a full stop.
    pub fix: &'static str,
}

impl Saying {
    /// Whether a program's output has these words.
    pub fn is_in(&self, said: &str) -> bool {
        self.says.iter().any(|words| said.contains(words))
    }

    pub(crate) const fn new(
        code: &'static str,
        kind: ErrorKind,
        says: &'static [&'static str],
        means: &'static str,
        fix: &'static str,
    ) -> Self {
        Self {
            code,
            says,
            kind,
            means,
            fix,
        }
    }
}

const NETWORK: &str =
    "check the network and, if it has a proxy, HTTPS_PROXY and the tool's own settings";
const TOO_OLD: &str = "run `az upgrade`";

/// What Azure CLI says.
pub const AZURE_CLI_SAYINGS: &[Saying] = &[
    Saying::new(
        "SubscriptionAndTenant",
        ErrorKind::Invalid,
        &["Please specify only one of subscription and tenant"],
        "both a subscription, which has its own tenant, and a tenant are given",
        "give only one of the two",
    ),
    Saying::new(
        "SeveralSubscriptions",
        ErrorKind::Invalid,
        &["Multiple subscriptions with the name"],
        "several subscriptions have this name",
        "give the subscription's id: `az account list --output table`",
    ),
    Saying::new(
        "UnknownSubscription",
        ErrorKind::Invalid,
        &["Check the spelling and casing"],
        "the account that is signed in to Azure CLI does not have this subscription",
        "choose one of `az account list --output table`; to see new ones, run `az login` again",
    ),
    Saying::new(
        "Status_InteractionRequired",
        ErrorKind::Refused,
        &[
            "Status_InteractionRequired",
            "StatusInternal::InteractionRequired",
        ],
        "the system's broker, with which Azure CLI signs in, needs the person again",
        "sign in again: `az login`; if no window opens, first run `az config set core.enable_broker_on_windows=false`",
    ),
    Saying::new(
        "Status_AccountUnusable",
        ErrorKind::Refused,
        &[
            "Status_AccountUnusable",
            "Status_Unexpected",
            "pymsalruntime",
        ],
        "the system's broker, with which Azure CLI signs in, failed",
        "sign in without the broker: `az account clear && az config set core.enable_broker_on_windows=false && az login`",
    ),
    Saying::new(
        "Decryption failed",
        ErrorKind::Unexpected,
        &["Decryption failed", "PersistenceDecryptionError"],
        "Azure CLI can't decrypt its token cache, because another user or another machine wrote it",
        "delete the cache and sign in again: `rm -f \"${AZURE_CONFIG_DIR:-$HOME/.azure}\"/msal_token_cache.* \"${AZURE_CONFIG_DIR:-$HOME/.azure}\"/service_principal_entries.* && az login`",
    ),
    Saying::new(
        "JSONDecodeError",
        ErrorKind::Unexpected,
        &["JSONDecodeError", "Failed to load or parse file"],
        "a file with Azure CLI's sign-in is damaged",
        "delete the files and sign in again: `rm -f \"${AZURE_CONFIG_DIR:-$HOME/.azure}\"/azureProfile.json \"${AZURE_CONFIG_DIR:-$HOME/.azure}\"/msal_token_cache.* && az login`",
    ),
    Saying::new(
        "AzureCliTooOld",
        ErrorKind::Unavailable,
        &["unrecognized arguments"],
        "Azure CLI is too old",
        TOO_OLD,
    ),
    Saying::new(
        "ModuleNotFoundError",
        ErrorKind::Unavailable,
        &["ModuleNotFoundError"],
        "the installation of Azure CLI is incomplete",
        "install Azure CLI again (https://aka.ms/azure-cli)",
    ),
    Saying::new(
        "Permission denied",
        ErrorKind::Unavailable,
        &["Permission denied"],
        "Azure CLI may not write to its own folder",
        "make ~/.azure (or AZURE_CONFIG_DIR) yours: `sudo chown -R \"$(id -un)\" ~/.azure`",
    ),
];

/// What every program says of the network, the more specific words first.
pub const NETWORK_SAYINGS: &[Saying] = &[
    Saying::new(
        "ProxyAuthenticationRequired",
        ErrorKind::Unreachable,
        &[
            "Proxy Authentication Required",
            "Tunnel connection failed: 407",
            "407 authenticationrequired",
            "PROXY_AUTHENTICATION_FAILED",
        ],
        "the proxy wants a user name and a password, or rejects those that it got",
        "give them in the proxy's address: `export HTTPS_PROXY=http://USER:PASSWORD@HOST:PORT`, with special characters percent-encoded",
    ),
    Saying::new(
        "CERT_HAS_EXPIRED",
        ErrorKind::Unreachable,
        &[
            "certificate has expired",
            "CERT_HAS_EXPIRED",
            "certificate is not yet valid",
            "CERT_NOT_YET_VALID",
            "has expired or is not yet valid",
        ],
        "the server's certificate is not valid now, or this machine's clock is wrong",
        "set this machine's clock: `sudo timedatectl set-ntp true`; if the clock is right, the server's owner must renew the certificate",
    ),
    Saying::new(
        "CERTIFICATE_VERIFY_FAILED",
        ErrorKind::Unreachable,
        &[
            "CERTIFICATE_VERIFY_FAILED",
            "certificate verify failed",
            "self-signed certificate",
            "self signed certificate",
            "SELF_SIGNED_CERT_IN_CHAIN",
            "DEPTH_ZERO_SELF_SIGNED_CERT",
            "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
            "UNABLE_TO_GET_ISSUER_CERT",
            "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
            "unable to get local issuer certificate",
            "unable to verify the first certificate",
            "x509: ",
            "The SSL connection could not be established",
            "PKIX path building failed",
        ],
        "the program does not trust the server's certificate",
        "if a proxy signs certificates itself, name the file with its root certificate: REQUESTS_CA_BUNDLE for Python and Azure CLI, NODE_EXTRA_CA_CERTS for Node, SSL_CERT_FILE for others; or install it in the system",
    ),
    Saying::new(
        "ProxyError",
        ErrorKind::Unreachable,
        &[
            "Cannot connect to proxy",
            "Unable to connect to proxy",
            "Tunnel connection failed",
            "proxyconnect tcp",
        ],
        "the proxy does not let the connection through, or can't be reached",
        "check the proxy's address in HTTPS_PROXY, and list hosts that need no proxy in NO_PROXY",
    ),
    Saying::new(
        "ENOTFOUND",
        ErrorKind::Unreachable,
        &[
            "ENOTFOUND",
            "EAI_AGAIN",
            "no such host",
            "No such host is known",
            "Name or service not known",
            "nodename nor servname provided",
            "Temporary failure in name resolution",
            "No address associated with hostname",
            "Failed to resolve",
            "Could not resolve host",
            "UnknownHostException",
        ],
        "the server's name can't be resolved",
        "check the name's spelling, the VPN and this machine's name servers; if only a proxy can resolve it, set HTTPS_PROXY",
    ),
    Saying::new(
        "ECONNREFUSED",
        ErrorKind::Unreachable,
        &[
            "ECONNREFUSED",
            "Connection refused",
            "connection refused",
            "actively refused",
        ],
        "the server's address refuses connections",
        NETWORK,
    ),
    Saying::new(
        "ETIMEDOUT",
        ErrorKind::Unreachable,
        &[
            "ETIMEDOUT",
            "ConnectTimeoutError",
            "Read timed out",
            "Connection timed out",
            "ConnectTimeout",
            "ReadTimeout",
        ],
        "the server did not respond in time",
        NETWORK,
    ),
    Saying::new(
        "ECONNRESET",
        ErrorKind::Unreachable,
        &[
            "ECONNRESET",
            "Connection reset by peer",
            "RemoteDisconnected",
            "Connection aborted",
            "socket hang up",
        ],
        "the connection was closed before the server responded",
        NETWORK,
    ),
    Saying::new(
        "ConnectionError",
        ErrorKind::Unreachable,
        &[
            "Max retries exceeded",
            "Failed to establish a new connection",
            "Network is unreachable",
            "ENETUNREACH",
            "EHOSTUNREACH",
        ],
        "the server could not be reached",
        NETWORK,
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_saying_is_listed_once_and_says_what_it_means() {
        let all: Vec<&Saying> = AZURE_CLI_SAYINGS.iter().chain(NETWORK_SAYINGS).collect();
        for (n, saying) in all.iter().enumerate() {
            assert!(!saying.says.is_empty(), "{saying:?}");
            for words in saying.says {
                let others = all[..n].iter();
                let mut others = others.flat_map(|other| other.says);
                assert!(others.all(|other| other != words), "{words}");
            }
            for text in [saying.means, saying.fix] {
                assert!(!text.is_empty() && !text.ends_with('.'), "{saying:?}");
            }
        }
    }
}
