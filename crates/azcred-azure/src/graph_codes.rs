//! Microsoft Graph's error codes: what each means, and its fix.
//!
//! From Microsoft's pages 'Microsoft Graph error responses and resource types', 'Microsoft Entra
//! service limits and restrictions' and 'appManagementPolicies'.

use crate::error::ErrorKind;

/// What a code means.
pub(crate) struct Meaning {
    pub(crate) kind: ErrorKind,
    pub(crate) means: &'static str,
    pub(crate) fix: &'static str,
}

/// The meaning of a code, for a request that changes something or only reads.
pub(crate) fn explain(code: &str, changes: bool) -> Option<Meaning> {
    let (kind, means, fix) = match code {
        "Authorization_RequestDenied" if changes => (
            ErrorKind::NotPermitted,
            "the identity may not make this change in the directory",
            "use an owner of the application, or an account with the role Application Developer, Application Administrator or Cloud Application \
             Administrator in Entra ID; an application needs Microsoft Graph's permission Application.ReadWrite.OwnedBy, with an administrator's consent",
        ),
        "Authorization_RequestDenied" => (
            ErrorKind::NotPermitted,
            "the identity may not read this in the directory",
            "use an account that may, or have an administrator consent to Microsoft Graph's permission Directory.Read.All for the application",
        ),
        "Directory_QuotaExceeded" => (
            ErrorKind::NotPermitted,
            "the directory has as many objects of this account as it allows",
            "delete applications that are not needed any more, and empty the directory's 'Deleted applications', or use another account",
        ),
        "CredentialTypeNotAllowedAsPerAppPolicy" => (
            ErrorKind::NotPermitted,
            "the tenant does not allow this kind of credential for applications",
            "use no secret: a federated credential, or a certificate if the tenant allows it",
        ),
        "CredentialInvalidLifetimeAsPerAppPolicy" => (
            ErrorKind::NotPermitted,
            "the tenant does not allow credentials that live this long",
            "choose an earlier end",
        ),
        _ => return None,
    };
    Some(Meaning { kind, means, fix })
}
