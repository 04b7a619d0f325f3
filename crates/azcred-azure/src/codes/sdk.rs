//! What credentials of the Azure SDKs say that found nothing to sign in with.
//!
//! From the sources of azure-identity for Python and JavaScript, MSAL, and hi-ml-azure.

use super::{
    Remedy::{self, SignIn, Text},
    Row, Speaker,
};
use crate::error::ErrorKind::{self, Invalid, NotFound, Unauthenticated, Unreachable};

const fn row(
    code: &'static str,
    says: &'static [&'static str],
    kind: ErrorKind,
    means: &'static str,
    remedy: Remedy,
) -> Row {
    Row::new(Speaker::Sdk, code, kind, means, remedy).saying(says)
}

pub(super) const ROWS: &[Row] = &[
    row(
        "Identity not found",
        &["Identity not found", "identity_not_found"],
        NotFound,
        "this host has no managed identity, or not the one that the program names",
        Text(
            "unset AZURE_CLIENT_ID, or set it to an identity of this host: `az identity list --query '[].{name:name, id:clientId}'`",
        ),
    ),
    row(
        "MultipleIdentities",
        &["Multiple user assigned identities exist"],
        Invalid,
        "this host has several managed identities, and the program names none",
        Text(
            "name one: set AZURE_CLIENT_ID to its client id: `az identity list --query '[].{name:name, id:clientId}'`",
        ),
    ),
    row(
        "NoBrowser",
        &[
            "could not locate runnable browser",
            "Failed to open a browser",
            "Could not open a browser",
            "Unable to open browser",
        ],
        Unauthenticated,
        "no browser can be opened here, so the program can't ask for a sign-in",
        Remedy::SignInByCode,
    ),
    row(
        "SignInTimeout",
        &[
            "Timed out waiting for user to authenticate",
            "Timed out waiting for authentication",
        ],
        Unauthenticated,
        "the person did not finish the sign-in in time",
        SignIn,
    ),
    row(
        "AuthenticationRequiredError",
        &[
            "AuthenticationRequiredError",
            "Interactive authentication is required to get a token",
        ],
        Unauthenticated,
        "the program found no valid sign-in, and was not allowed to ask a person",
        SignIn,
    ),
    row(
        "HimlServicePrincipal",
        &[
            "Found all required environment variables for service principal",
            "could not authenticate using service principal",
        ],
        Unauthenticated,
        "hi-ml found HIML_* variables of a service principal, and could not sign in with them",
        Text("check HIML_TENANT_ID, HIML_SERVICE_PRINCIPAL_ID and HIML_SERVICE_PRINCIPAL_PASSWORD"),
    ),
    row(
        "NoCredential",
        &[
            "failed to retrieve a token from the included credentials",
            "ChainedTokenCredential authentication failed",
            "Unable to get a token from the included credentials",
        ],
        Unauthenticated,
        "the program found nothing to sign in with: no account, no variables, no managed identity",
        SignIn,
    ),
    row(
        "CredentialUnavailableError",
        &[
            "CredentialUnavailableError",
            "CredentialUnavailable",
            "Environment variables are not fully configured",
            "no response from the IMDS endpoint",
            "No managed identity endpoint found",
            "No accounts were found in the cache",
            "Azure CLI not found on path",
            "Azure CLI could not be found",
            "Please run 'az login' from a command prompt to authenticate",
        ],
        Unauthenticated,
        "a credential of the program has nothing to sign in with here",
        SignIn,
    ),
    Row::new(
        Speaker::Network,
        "network_error",
        Unreachable,
        "MSAL for Node could not reach the identity provider, and does not say why: the name, the proxy or the certificate",
        Text(
            "check the network and HTTPS_PROXY; if a proxy signs certificates itself, set NODE_EXTRA_CA_CERTS to the file with its root certificate",
        ),
    ),
    Row::new(
        Speaker::AzureCli,
        "AzureCliSignedOut",
        Unauthenticated,
        "no account is signed in to Azure CLI",
        Remedy::Tool("az login"),
    )
    .saying(&[
        "Please run 'az login'",
        "Please run \"az login\"",
        "Please run: az login",
        "Run `az login`",
        "Run 'az account set'",
        "No subscription found",
    ]),
];
