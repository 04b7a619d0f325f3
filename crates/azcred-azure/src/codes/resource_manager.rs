//! Azure Resource Manager's error codes.
//!
//! From Microsoft's pages 'Troubleshoot common Azure deployment errors', 'Troubleshoot Azure RBAC'
//! and the resource providers' own.

use super::{
    Remedy::{
        self, CheckResourceGroup, CheckSubscription, CheckSubscriptionState, CheckWorkspaceName,
        Grant, Register, SetClock, Text, Wait,
    },
    Row, Speaker,
};
use crate::error::ErrorKind::{
    self, Invalid, NotFound, NotPermitted, Unauthenticated, Unreachable,
};

const fn row(code: &'static str, kind: ErrorKind, means: &'static str, remedy: Remedy) -> Row {
    Row::new(Speaker::ResourceManager, code, kind, means, remedy)
}

const REPORT: Remedy =
    Text("report it as a bug of azcred: this cloud does not support its request");

pub(super) const ROWS: &[Row] = &[
    row(
        "AuthenticationFailed",
        Unauthenticated,
        "the request arrived without its token: a proxy may have removed the header",
        Text("let the proxy pass the Authorization header, or list Azure's hosts in NO_PROXY"),
    ),
    row(
        "InvalidAuthenticationToken",
        Unauthenticated,
        "Azure can't read the token, or does not trust its issuer",
        Text(
            "check that the authority belongs to this cloud (AZURE_AUTHORITY_HOST, ARM_CLOUD_METADATA_URL)",
        ),
    ),
    row(
        "InvalidAuthenticationTokenAudience",
        Unauthenticated,
        "the token is for another service",
        Text("request a token for the scope {audience}/.default"),
    ),
    row(
        "ExpiredAuthenticationToken",
        Unauthenticated,
        "the token has expired, or this machine's clock is wrong",
        SetClock,
    ),
    row(
        "InvalidAuthenticationTokenTenant",
        Unauthenticated,
        "the subscription belongs to another tenant than the token",
        Text("sign in to the subscription's own tenant"),
    ),
    row(
        "AuthorizationFailed",
        NotPermitted,
        "the identity has no role that allows this; a new role takes some minutes to count",
        Grant,
    ),
    row(
        "LinkedAuthorizationFailed",
        NotPermitted,
        "the identity may do this here, but not on another resource that it needs",
        Grant,
    ),
    row(
        "DenyAssignmentAuthorizationFailed",
        NotPermitted,
        "a role allows this, but a deny assignment forbids it",
        Text(
            "ask the owner of the managed application or deployment stack that made it; no role overrides a deny assignment",
        ),
    ),
    row(
        "RequestDisallowedByPolicy",
        NotPermitted,
        "an Azure Policy forbids it",
        Text("ask the administrator of the subscription's policies"),
    ),
    row(
        "ScopeLocked",
        NotPermitted,
        "a lock on the resource forbids changes",
        Text("ask an owner to remove the lock: `az lock list --resource-group \"{group}\"`"),
    ),
    row(
        "SubscriptionNotFound",
        NotFound,
        "this tenant has no subscription {subscription} that the identity can see; often the sign-in is to the wrong tenant",
        CheckSubscription,
    ),
    row(
        "InvalidSubscriptionId",
        Invalid,
        "this is not the id of a subscription",
        CheckSubscription,
    ),
    row(
        "MissingSubscription",
        Invalid,
        "the request named no subscription",
        REPORT,
    ),
    row(
        "ResourceGroupNotFound",
        NotFound,
        "the subscription {subscription} has no resource group '{group}'",
        CheckResourceGroup,
    ),
    row(
        "ResourceNotFound",
        NotFound,
        "the resource group '{group}' has no resource of this name",
        CheckWorkspaceName,
    ),
    row(
        "ParentResourceNotFound",
        NotFound,
        "the resource that this one belongs to does not exist",
        Text("check the names of the resources above it"),
    ),
    row(
        "PrincipalNotFound",
        NotFound,
        "Entra ID does not know the principal; a new one takes some minutes",
        Text(
            "wait a minute and try again; with the type of the principal, Azure accepts a new service principal at once",
        ),
    ),
    row(
        "RoleAssignmentExists",
        Invalid,
        "the principal has this role here already",
        Text("nothing is to be done"),
    ),
    row(
        "RoleDefinitionDoesNotExist",
        NotFound,
        "this tenant has no role of this name",
        Text("check the name: `az role definition list --query '[].roleName'`"),
    ),
    row(
        "MissingSubscriptionRegistration",
        Invalid,
        "the subscription is not registered for Azure Machine Learning",
        Register,
    ),
    row(
        "SubscriptionNotRegistered",
        Invalid,
        "the subscription is not registered for Azure Machine Learning",
        Register,
    ),
    row(
        "ReadOnlyDisabledSubscription",
        NotPermitted,
        "the subscription is disabled, so Azure rejects changes in it",
        Text("ask its owner to enable it again"),
    ),
    row(
        "DisallowedOperation",
        NotPermitted,
        "the subscription's state does not allow this",
        CheckSubscriptionState,
    ),
    row(
        "InvalidApiVersionParameter",
        Invalid,
        "Azure does not know the API version of the request",
        REPORT,
    ),
    row(
        "MissingApiVersionParameter",
        Invalid,
        "the request arrived without its API version: a proxy may have removed the query",
        REPORT,
    ),
    row(
        "NoRegisteredProviderFound",
        Invalid,
        "this cloud does not offer this kind of resource in the request's API version",
        REPORT,
    ),
    row(
        "InvalidResourceType",
        Invalid,
        "this cloud does not know this kind of resource",
        REPORT,
    ),
    row(
        "InvalidResourceNamespace",
        Invalid,
        "this cloud does not offer Azure Machine Learning",
        Text("check the cloud (AZURE_AUTHORITY_HOST, AZUREML_CURRENT_CLOUD)"),
    ),
    row(
        "HttpMethodNotSupported",
        Invalid,
        "the resource does not accept this kind of request",
        REPORT,
    ),
    row(
        "TooManyRequests",
        Unreachable,
        "there are too many requests",
        Wait,
    ),
    row(
        "SubscriptionRequestsThrottled",
        Unreachable,
        "there are too many requests for this subscription",
        Wait,
    ),
    row(
        "ServerTimeout",
        Unreachable,
        "Azure did not respond in time",
        Wait,
    ),
    row(
        "InternalServerError",
        Unreachable,
        "Azure has a problem of its own",
        Wait,
    ),
    row(
        "ServiceUnavailable",
        Unreachable,
        "Azure has a problem of its own",
        Wait,
    ),
    row(
        "GatewayTimeout",
        Unreachable,
        "Azure did not respond in time",
        Wait,
    ),
];
