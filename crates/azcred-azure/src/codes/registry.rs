//! What Azure Container Registry says, and Docker of it.
//!
//! From Microsoft's page 'Troubleshoot registry login' and from what the programs print.

use super::{
    Remedy::{self, DataRole, Text},
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
    Row::new(Speaker::ContainerRegistry, code, kind, means, remedy).saying(says)
}

pub(super) const ROWS: &[Row] = &[
    row(
        "UNAUTHORIZED",
        &[
            "UNAUTHORIZED",
            "unauthorized: authentication required",
            "unauthorized: Application not registered with AAD",
            "CONNECTIVITY_REFRESH_TOKEN_ERROR",
            "CONNECTIVITY_ACCESS_TOKEN_ERROR",
        ],
        Unauthenticated,
        "the container registry {registry} accepted no sign-in, or the identity may not pull from it",
        Text(
            "sign in to it: `az acr login --name {registry}`; the identity needs the role AcrPull there",
        ),
    ),
    row(
        "DENIED",
        &[
            "DENIED",
            "denied: requested access to the resource is denied",
            "insufficient_scope: authorization failed",
        ],
        NotPermitted,
        "the identity may not do this in the container registry {registry}",
        DataRole("AcrPull"),
    ),
    row(
        "RegistryFirewall",
        &["is not allowed access. Refer https://aka.ms/acr/firewall"],
        NotPermitted,
        "the firewall of the container registry {registry} does not let this machine in",
        Text(
            "have this machine's address allowed: `az acr network-rule add --name {registry} --ip-address ADDRESS`, or run in a network that is",
        ),
    ),
    row(
        "MANIFEST_UNKNOWN",
        &["MANIFEST_UNKNOWN", "manifest unknown"],
        NotFound,
        "the container registry {registry} has no image of this name and tag",
        Text("check the tag: `az acr repository list --name {registry}`"),
    ),
];
