//! Azure Resource Manager's codes: what each means in plain words, and what fixes it.
//!
//! From Microsoft's pages 'Troubleshoot common Azure deployment errors', 'Troubleshoot Azure RBAC'
//! and the resource providers' own. `{subscription}`, `{group}`, `{tenant}` and `{audience}` are
//! filled in from the request.

use crate::error::ErrorKind;

/// What a code means.
#[derive(Debug)]
pub(crate) struct Meaning {
    pub(crate) code: &'static str,
    pub(crate) kind: ErrorKind,
    pub(crate) means: &'static str,
    pub(crate) fix: &'static str,
}

/// The meaning of a code, in any case.
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

const REPORT: &str =
    "report it: this version of azcred asks in a way that this cloud does not know";
const WAIT: &str = "try again in a minute; https://azure.status.microsoft tells of outages";

use ErrorKind::{Invalid, NotFound, NotPermitted, Unauthenticated, Unreachable};

const MEANINGS: &[Meaning] = &[
    code(
        "AuthenticationFailed",
        Unauthenticated,
        "the request arrived without its token, as happens where a proxy takes headers away",
        "let the proxy pass the Authorization header, or name Azure's hosts in NO_PROXY",
    ),
    code(
        "InvalidAuthenticationToken",
        Unauthenticated,
        "Azure can't read the token or does not know who signed it",
        "check that the authority and the cloud belong together (AZURE_AUTHORITY_HOST, ARM_CLOUD_METADATA_URL)",
    ),
    code(
        "InvalidAuthenticationTokenAudience",
        Unauthenticated,
        "the token is for another service",
        "ask for the scope {audience}/.default",
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
        "the subscription belongs to another tenant than the one that was signed in to",
        "sign in to the subscription's own tenant; `az account list --all --query '[].{name:name, id:id, tenant:tenantId}' --output table` shows which that is",
    ),
    code(
        "AuthorizationFailed",
        NotPermitted,
        "the identity has no role that allows this, or got it less than some minutes ago",
        "",
    ),
    code(
        "LinkedAuthorizationFailed",
        NotPermitted,
        "the identity may do this here, but not on another resource that it touches",
        "",
    ),
    code(
        "DenyAssignmentAuthorizationFailed",
        NotPermitted,
        "a role allows this, and a deny assignment forbids it",
        "ask whoever manages the resource (a managed application or a deployment stack); no role helps against a deny assignment",
    ),
    code(
        "RequestDisallowedByPolicy",
        NotPermitted,
        "an Azure Policy forbids it",
        "ask whoever manages the subscription's policies",
    ),
    code(
        "ScopeLocked",
        NotPermitted,
        "a lock on the resource forbids changes",
        "have the lock removed: `az lock list --resource-group \"{group}\"`",
    ),
    code(
        "SubscriptionNotFound",
        NotFound,
        "this tenant has no subscription {subscription} that this identity could see; often the wrong tenant was signed in to",
        "check the id and the tenant with `az account list --all --query '[].{name:name, id:id, tenant:tenantId}' --output table`",
    ),
    code(
        "InvalidSubscriptionId",
        Invalid,
        "that is no subscription's id",
        "find it with `az account list --all --output table`",
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
        "check its name with `az group list --subscription {subscription} --query '[].name'`",
    ),
    code(
        "ResourceNotFound",
        NotFound,
        "the resource group '{group}' has no such resource",
        "check its name with `az resource list --subscription {subscription} --resource-type Microsoft.MachineLearningServices/workspaces --query '[].{name:name, group:resourceGroup}' --output table`",
    ),
    code(
        "ParentResourceNotFound",
        NotFound,
        "the resource that this one belongs to does not exist",
        "check the names on the way to it",
    ),
    code(
        "PrincipalNotFound",
        NotFound,
        "the directory does not know the principal, or not yet everywhere: a new one takes some minutes",
        "wait a minute and try again; give --assignee-object-id and --assignee-principal-type",
    ),
    code(
        "RoleAssignmentExists",
        Invalid,
        "the role is assigned there already",
        "nothing has to be done",
    ),
    code(
        "RoleDefinitionDoesNotExist",
        NotFound,
        "there is no such role in this tenant",
        "check its name with `az role definition list --query '[].roleName'`",
    ),
    code(
        "MissingSubscriptionRegistration",
        Invalid,
        "the subscription was never used for Azure Machine Learning",
        "register it once: `az provider register --namespace Microsoft.MachineLearningServices --subscription {subscription}`",
    ),
    code(
        "SubscriptionNotRegistered",
        Invalid,
        "the subscription was never used for Azure Machine Learning",
        "register it once: `az provider register --namespace Microsoft.MachineLearningServices --subscription {subscription}`",
    ),
    code(
        "ReadOnlyDisabledSubscription",
        NotPermitted,
        "the subscription is disabled, so that nothing in it can be changed",
        "have its owner enable it again: `az account show --subscription {subscription} --query state`",
    ),
    code(
        "DisallowedOperation",
        NotPermitted,
        "the subscription's state does not allow it",
        "check it with `az account show --subscription {subscription} --query state`",
    ),
    code(
        "InvalidApiVersionParameter",
        Invalid,
        "Azure does not know the version of its interface that was asked for",
        REPORT,
    ),
    code(
        "MissingApiVersionParameter",
        Invalid,
        "the request named no version of the interface, as happens where a proxy takes queries away",
        REPORT,
    ),
    code(
        "NoRegisteredProviderFound",
        Invalid,
        "this cloud does not offer that kind of resource in this version",
        REPORT,
    ),
    code(
        "InvalidResourceType",
        Invalid,
        "this cloud does not know that kind of resource",
        REPORT,
    ),
    code(
        "InvalidResourceNamespace",
        Invalid,
        "this cloud does not have Azure Machine Learning",
        "check the cloud (AZURE_AUTHORITY_HOST, AZUREML_CURRENT_CLOUD)",
    ),
    code(
        "HttpMethodNotSupported",
        Invalid,
        "the resource can't be used in that way",
        REPORT,
    ),
    code(
        "TooManyRequests",
        Unreachable,
        "Azure asks to slow down",
        WAIT,
    ),
    code(
        "SubscriptionRequestsThrottled",
        Unreachable,
        "too many requests were made to the subscription lately",
        WAIT,
    ),
    code("ServerTimeout", Unreachable, "Azure took too long", WAIT),
    code(
        "InternalServerError",
        Unreachable,
        "Azure is in trouble",
        WAIT,
    ),
    code(
        "ServiceUnavailable",
        Unreachable,
        "Azure is in trouble",
        WAIT,
    ),
    code("GatewayTimeout", Unreachable, "Azure took too long", WAIT),
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
