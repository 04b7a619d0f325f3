//! Azure Key Vault's error codes, those within its 'Forbidden' too.
//!
//! From Microsoft's page 'Azure Key Vault REST API error codes' and from recorded responses.

use super::{
    Remedy::{self, CheckTenant, DataRole, Text},
    Row, Speaker,
};
use crate::error::ErrorKind::{self, NotFound, NotPermitted, Unauthenticated};

const fn row(
    code: &'static str,
    says: &'static [&'static str],
    kind: ErrorKind,
    means: &'static str,
    remedy: Remedy,
) -> Row {
    Row::new(Speaker::KeyVault, code, kind, means, remedy).saying(says)
}

pub(super) const ROWS: &[Row] = &[
    row(
        "ForbiddenByRbac",
        &[
            "ForbiddenByRbac",
            "Caller is not authorized to perform action on resource",
        ],
        NotPermitted,
        "the identity has no role for the secrets of the key vault {vault}",
        DataRole("Key Vault Secrets User"),
    ),
    row(
        "ForbiddenByPolicy",
        &[
            "ForbiddenByPolicy",
            "does not have secrets get permission",
            "does not have secrets list permission",
            "does not have secrets set permission",
        ],
        NotPermitted,
        "the access policies of the key vault {vault} don't include the identity",
        Text(
            "ask the vault's owner to run `az keyvault set-policy --name {vault} --object-id {object} --secret-permissions get list`",
        ),
    ),
    row(
        "ForbiddenByFirewall",
        &[
            "ForbiddenByFirewall",
            "Client address is not authorized and caller is not a trusted service",
        ],
        NotPermitted,
        "the firewall of the key vault {vault} does not let this machine in",
        Text(
            "have this machine's address allowed: `az keyvault network-rule add --name {vault} --ip-address ADDRESS`, or run in a network that is",
        ),
    ),
    row(
        "ForbiddenByConnection",
        &[
            "ForbiddenByConnection",
            "Public network access is disabled and request is not from a trusted service",
        ],
        NotPermitted,
        "the key vault {vault} can be reached through its private endpoint only",
        Text("run in the vault's network, or connect to it by VPN"),
    ),
    row(
        "AKV10032",
        &["AKV10032"],
        Unauthenticated,
        "the token is of another tenant than the key vault {vault}",
        CheckTenant,
    ),
    row(
        "AKV10022",
        &["AKV10022"],
        Unauthenticated,
        "the token is for another service than Key Vault",
        Text("request a token for the scope https://vault.azure.net/.default"),
    ),
    row(
        "SecretNotFound",
        &[],
        NotFound,
        "the key vault {vault} has no secret of this name",
        Text("check the name: `az keyvault secret list --vault-name {vault} --query '[].name'`"),
    ),
    row(
        "SecretDisabled",
        &[
            "SecretDisabled",
            "Operation get is not allowed on a disabled secret",
        ],
        NotPermitted,
        "the secret in the key vault {vault} is disabled",
        Text(
            "enable it: `az keyvault secret set-attributes --vault-name {vault} --name NAME --enabled true`",
        ),
    ),
    row(
        "Forbidden",
        &[],
        NotPermitted,
        "the identity may not use the key vault {vault}",
        DataRole("Key Vault Secrets User"),
    ),
];
