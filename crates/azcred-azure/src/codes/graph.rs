//! Microsoft Graph's error codes.
//!
//! From Microsoft's pages 'Microsoft Graph error responses and resource types', 'Microsoft Entra
//! service limits and restrictions' and 'appManagementPolicies'.

use super::{Remedy::Text, Row, Speaker};
use crate::error::ErrorKind::NotPermitted;

const fn row(code: &'static str, means: &'static str, fix: &'static str) -> Row {
    Row::new(Speaker::Graph, code, NotPermitted, means, Text(fix))
}

pub(super) const ROWS: &[Row] = &[
    row(
        "Authorization_RequestDenied",
        "the identity may not read this in the directory",
        "use an account that may, or have an administrator consent to Microsoft Graph's permission Directory.Read.All for the application",
    ),
    row(
        "Authorization_RequestDenied",
        "the identity may not make this change in the directory",
        "use an owner of the application, or an account with the role Application Developer, Application Administrator or Cloud Application \
         Administrator in Entra ID; an application needs Microsoft Graph's permission Application.ReadWrite.OwnedBy, with an administrator's consent",
    )
    .of_changes(),
    row(
        "Directory_QuotaExceeded",
        "the directory has as many objects of this account as it allows",
        "delete applications that are not needed any more, and empty the directory's 'Deleted applications', or use another account",
    ),
    row(
        "CredentialTypeNotAllowedAsPerAppPolicy",
        "the tenant does not allow this kind of credential for applications",
        "use no secret: a federated credential, or a certificate if the tenant allows it",
    ),
    row(
        "CredentialInvalidLifetimeAsPerAppPolicy",
        "the tenant does not allow credentials that live this long",
        "choose an earlier end",
    ),
];
