//! Azure Storage's error codes.
//!
//! From Microsoft's pages 'Common REST API error codes', 'Blob Storage error codes' and
//! 'Troubleshoot client application errors', and from recorded responses.

use super::{
    Remedy::{self, DataRole, SetClock, Text, Wait},
    Row, Speaker,
};
use crate::error::ErrorKind::{
    self, Invalid, NotFound, NotPermitted, Unauthenticated, Unreachable,
};

const fn row(code: &'static str, kind: ErrorKind, means: &'static str, remedy: Remedy) -> Row {
    Row::new(Speaker::Storage, code, kind, means, remedy)
}

const WITH_TOKEN: Remedy = Text(
    "pass a credential to the client instead of a key or nothing, such as `BlobServiceClient(\"https://{account}.blob.core.windows.net\", credential=AzcredCredential())`",
);
const SIGNATURE: Remedy = Text(
    "get a new signature with the rights and the resource that the program needs, or use an identity with a data role instead",
);

pub(super) const ROWS: &[Row] = &[
    row(
        "AuthorizationPermissionMismatch",
        NotPermitted,
        "the identity has no role for the data of the storage account {account}: roles such as Contributor or AzureML Data Scientist do not include blobs",
        DataRole("Storage Blob Data Contributor"),
    ),
    row(
        "AuthorizationFailure",
        NotPermitted,
        "the network rules of the storage account {account} don't let this machine in",
        Text(
            "have this machine's address allowed: `az storage account network-rule add --account-name {account} --ip-address ADDRESS`, or run in a network that is",
        ),
    ),
    row(
        "KeyBasedAuthenticationNotPermitted",
        NotPermitted,
        "the storage account {account} takes no account keys and no signatures made with them, and the program or its datastore uses one",
        Text(
            "use an identity with a data role: pass a credential in place of the key, and make the datastore identity-based",
        ),
    ),
    row(
        "PublicAccessNotPermitted",
        NotPermitted,
        "the request carried no credential, and the storage account {account} has no public blobs",
        WITH_TOKEN,
    ),
    row(
        "NoAuthenticationInformation",
        Unauthenticated,
        "the request carried no credential",
        WITH_TOKEN,
    ),
    row(
        "InvalidAuthenticationInfo",
        Unauthenticated,
        "the token is damaged, has expired, or is for another service or tenant than the storage account {account}",
        Text(
            "request a token for the scope https://storage.azure.com/.default, in the tenant of the account",
        ),
    ),
    row(
        "AuthenticationFailed",
        Unauthenticated,
        "the account key or the shared access signature is wrong or has expired, or this machine's clock is wrong",
        Text(
            "use an identity with a data role in place of the key or the signature; or get a new one: `az storage account keys list --account-name {account}`",
        ),
    ),
    row(
        "AuthorizationResourceTypeMismatch",
        NotPermitted,
        "the shared access signature is not for this kind of resource",
        SIGNATURE,
    ),
    row(
        "AuthorizationServiceMismatch",
        NotPermitted,
        "the shared access signature is for another service of the account",
        SIGNATURE,
    ),
    row(
        "AuthorizationProtocolMismatch",
        NotPermitted,
        "the shared access signature allows HTTPS only",
        Text("use the address that begins with https://"),
    ),
    row(
        "AuthorizationSourceIPMismatch",
        NotPermitted,
        "the shared access signature is for other addresses than this machine's",
        SIGNATURE,
    ),
    row(
        "InsufficientAccountPermissions",
        NotPermitted,
        "the storage account's key or signature lacks the permission for this",
        SIGNATURE,
    ),
    row(
        "InvalidTokenTime",
        Unauthenticated,
        "the token has expired or is not valid yet, or this machine's clock is wrong",
        SetClock,
    ),
    row(
        "AccountIsDisabled",
        NotPermitted,
        "the storage account {account} is disabled, often because its subscription is",
        Remedy::CheckSubscriptionState,
    ),
    row(
        "ContainerNotFound",
        NotFound,
        "the storage account {account} has no container of this name",
        Text(
            "check the name: `az storage container list --account-name {account} --auth-mode login --query '[].name'`",
        ),
    ),
    row(
        "BlobNotFound",
        NotFound,
        "the container has no blob of this name",
        Text("check the path of the data"),
    ),
    row(
        "InvalidResourceName",
        Invalid,
        "the name has characters that a container or a blob can't have",
        Text("use small letters, digits and hyphens for a container"),
    ),
    row(
        "ServerBusy",
        Unreachable,
        "the storage account {account} has too many requests",
        Wait,
    ),
    row(
        "OperationTimedOut",
        Unreachable,
        "the storage account {account} did not finish in time",
        Wait,
    ),
];
