//! Azure Resource Manager's error codes: what each means, and its fix.
//!
//! From Microsoft's pages 'Troubleshoot common Azure deployment errors', 'Troubleshoot Azure RBAC'
//! and the resource providers' own. `{subscription}`, `{group}`, `{tenant}` and `{audience}` are
//! placeholders for the names of the request.

use crate::error::ErrorKind;

/// What an error code means and what fixes the error.
#[derive(Debug)]
pub(crate) struct Meaning {
    pub(crate) code: &'static str,
    pub(crate) kind: ErrorKind,
    pub(crate) means: &'static str,
    pub(crate) fix: &'static str,
}

/// The meaning of a code; upper and lower case are equal.
pub(crate) fn explain(code: &str) -> Option<&'static Meaning> {
    MEANINGS
        .iter()
        .find(|meaning| meaning.code.eq_ignore_ascii_case(code))
}

const fn code(
    code: &'static str,
    kind: ErrorKind,
    means: &'static str,
    fix: &'static str,
) -> Meaning {
    Meaning {
        code,
        kind,
        means,
        fix,
    }
}

const REPORT: &str = "report it as a bug of azcred: this cloud does not support its request";
const WAIT: &str = "try again in a minute; https://azure.status.microsoft shows outages";

use ErrorKind::{Invalid, NotFound, NotPermitted, Unauthenticated, Unreachable};

const MEANINGS: &[Meaning] = &[
    code(
        "AuthenticationFailed",
        Unauthenticated,
        "the request arrived without its token: a proxy may have removed the header",
        "let the proxy pass the Authorization header, or list Azure's hosts in NO_PROXY",
    ),
    code(
        "InvalidAuthenticationToken",
        Unauthenticated,
        "Azure can't read the token, or does not trust its issuer",
        "check that the authority belongs to this cloud (AZURE_AUTHORITY_HOST, ARM_CLOUD_METADATA_URL)",
    ),
    code(
        "InvalidAuthenticationTokenAudience",
        Unauthenticated,
        "the token is for another service",
        "request a token for the scope {audience}/.default",
    ),
    code(
        "ExpiredAuthenticationToken",
        Unauthenticated,
        "the token has expired, or this machine's clock is wrong",
        "check this machine's clock, for example with `timedatectl`, and try again",
    ),
    code(
        "InvalidAuthenticationTokenTenant",
        Unauthenticated,
        "the subscription belongs to another tenant than the token",
        "sign in to the subscription's own tenant",
    ),
    code(
        "AuthorizationFailed",
        NotPermitted,
        "the identity has no role that allows this; a new role takes some minutes to count",
        "",
    ),
    code(
        "LinkedAuthorizationFailed",
        NotPermitted,
        "the identity may do this here, but not on another resource that it needs",
        "",
    ),
    code(
        "DenyAssignmentAuthorizationFailed",
        NotPermitted,
        "a role allows this, but a deny assignment forbids it",
        "ask the owner of the managed application or deployment stack that made it; no role overrides a deny assignment",
    ),
    code(
        "RequestDisallowedByPolicy",
        NotPermitted,
        "an Azure Policy forbids it",
        "ask the administrator of the subscription's policies",
    ),
    code(
        "ScopeLocked",
        NotPermitted,
        "a lock on the resource forbids changes",
        "ask an owner to remove the lock: `az lock list --resource-group \"{group}\"`",
    ),
    code(
        "SubscriptionNotFound",
        NotFound,
        "this tenant has no subscription {subscription} that the identity can see; often the sign-in is to the wrong tenant",
        "check the subscription's id and its tenant",
    ),
    code(
        "InvalidSubscriptionId",
        Invalid,
        "this is not the id of a subscription",
        "check the subscription's id",
    ),
    code(
        "MissingSubscription",
        Invalid,
        "the request named no subscription",
        REPORT,
    ),
    code(
        "ResourceGroupNotFound",
        NotFound,
        "the subscription {subscription} has no resource group '{group}'",
        "check the name: `az group list --subscription {subscription} --query '[].name'`",
    ),
    code(
        "ResourceNotFound",
        NotFound,
        "the resource group '{group}' has no resource of this name",
        "check the name of the workspace and of its resource group",
    ),
    code(
        "ParentResourceNotFound",
        NotFound,
        "the resource that this one belongs to does not exist",
        "check the names of the resources above it",
    ),
    code(
        "PrincipalNotFound",
        NotFound,
        "Entra ID does not know the principal; a new one takes some minutes",
        "wait a minute and try again, with --assignee-object-id and --assignee-principal-type",
    ),
    code(
        "RoleAssignmentExists",
        Invalid,
        "the principal has this role here already",
        "nothing is to be done",
    ),
    code(
        "RoleDefinitionDoesNotExist",
        NotFound,
        "this tenant has no role of this name",
        "check the name: `az role definition list --query '[].roleName'`",
    ),
    code(
        "MissingSubscriptionRegistration",
        Invalid,
        "the subscription is not registered for Azure Machine Learning",
        "register it once: `az provider register --namespace Microsoft.MachineLearningServices --subscription {subscription}`",
    ),
    code(
        "SubscriptionNotRegistered",
        Invalid,
        "the subscription is not registered for Azure Machine Learning",
        "register it once: `az provider register --namespace Microsoft.MachineLearningServices --subscription {subscription}`",
    ),
    code(
        "ReadOnlyDisabledSubscription",
        NotPermitted,
        "the subscription is disabled, so Azure rejects changes in it",
        "ask its owner to enable it again",
    ),
    code(
        "DisallowedOperation",
        NotPermitted,
        "the subscription's state does not allow this",
        "check its state: `az account show --subscription {subscription} --query state`",
    ),
    code(
        "InvalidApiVersionParameter",
        Invalid,
        "Azure does not know the API version of the request",
        REPORT,
    ),
    code(
        "MissingApiVersionParameter",
        Invalid,
        "the request arrived without its API version: a proxy may have removed the query",
        REPORT,
    ),
    code(
        "NoRegisteredProviderFound",
        Invalid,
        "this cloud does not offer this kind of resource in the request's API version",
        REPORT,
    ),
    code(
        "InvalidResourceType",
        Invalid,
        "this cloud does not know this kind of resource",
        REPORT,
    ),
    code(
        "InvalidResourceNamespace",
        Invalid,
        "this cloud does not offer Azure Machine Learning",
        "check the cloud (AZURE_AUTHORITY_HOST, AZUREML_CURRENT_CLOUD)",
    ),
    code(
        "HttpMethodNotSupported",
        Invalid,
        "the resource does not accept this kind of request",
        REPORT,
    ),
    code(
        "TooManyRequests",
        Unreachable,
        "there are too many requests",
        WAIT,
    ),
    code(
        "SubscriptionRequestsThrottled",
        Unreachable,
        "there are too many requests for this subscription",
        WAIT,
    ),
    code(
        "ServerTimeout",
        Unreachable,
        "Azure did not respond in time",
        WAIT,
    ),
    code(
        "InternalServerError",
        Unreachable,
        "Azure has a problem of its own",
        WAIT,
    ),
    code(
        "ServiceUnavailable",
        Unreachable,
        "Azure has a problem of its own",
        WAIT,
    ),
    code(
        "GatewayTimeout",
        Unreachable,
        "Azure did not respond in time",
        WAIT,
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_stands_once_says_what_it_means_and_is_found_in_any_case() {
        for (n, meaning) in MEANINGS.iter().enumerate() {
            assert!(
                MEANINGS[..n].iter().all(|other| other.code != meaning.code),
                "{meaning:?}"
            );
            assert!(
                !meaning.means.is_empty() && !meaning.means.ends_with('.'),
                "{meaning:?}"
            );
            assert!(!meaning.fix.ends_with('.'), "{meaning:?}");
            assert_eq!(
                explain(&meaning.code.to_uppercase()).map(|found| found.code),
                Some(meaning.code)
            );
        }
        assert!(explain("").is_none());
    }
}
